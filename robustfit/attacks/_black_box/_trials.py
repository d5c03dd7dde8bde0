"""Trials: fit a learner to poisoned rows, and see what that does to held-out ones."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from robustfit.attacks._black_box._landscape import Landscape
from robustfit.attacks._black_box._recipes import Recipe, apply_recipe
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Rows, take_rows
from robustfit.attacks._labels import Labels, is_regression

FOLDS = 3
ROUNDS = 2


class Trials:
    """Measures the harm of recipes on one or several folds, and keeps count.

    Parameters
    ----------
    estimator : estimator
        With every seed fixed.
    clean : CleanSet
    landscape : Landscape
    budget : int
    target : container or None
        If given, harm is what happens to the predictions of these rows. Otherwise it is the additional error on the
        rows of a fold, for the poison of the other rows and a budget in proportion.
    rng : numpy Generator

    Attributes
    ----------
    n_folds, n_rounds : int
        Rounds have folds of their own; there is one fold and one round for targets.
    history : list of float
        Harm after each fit.
    """

    def __init__(
        self,
        estimator: Any,
        clean: CleanSet,
        landscape: Landscape,
        budget: int,
        target: Any,
        rng: np.random.Generator,
    ) -> None:
        self._estimator = estimator
        self._landscape = landscape
        self._regression = is_regression(clean.labels)
        self.history: list[float] = []
        rows = np.arange(len(clean))
        if target is not None:
            self._folds = [[(clean, rows, budget, target, None)]]
        else:
            dealt = [_folds(landscape.own, rng) for _ in range(ROUNDS)]
            self._folds = [
                [self._split(clean, rows[fold != k], rows[fold == k], budget) for k in range(FOLDS)] for fold in dealt
            ]
        self.n_rounds, self.n_folds = len(self._folds), len(self._folds[0])
        self._before = [[self._predict(sub.X, sub.labels, held) for sub, _, _, held, _ in f] for f in self._folds]

    def _split(self, clean: CleanSet, rows: Rows, held: Rows, budget: int) -> tuple[CleanSet, Rows, int, Any, Any]:
        sub = CleanSet.check(take_rows(clean.X, rows), clean.labels[rows], None)
        scaled = max(1, round(budget * len(rows) / len(clean)))
        return sub, rows, scaled, take_rows(clean.X, held), clean.labels[held]

    def harm(self, recipe: Recipe, round_: int, fold: int) -> float:
        """Fit once, and return how much worse the held-out rows are off than without poison."""
        sub, rows, budget, held, labels = self._folds[round_][fold]
        poisoned = apply_recipe(recipe, self._landscape, sub, rows, budget)
        after = self._predict(poisoned.X, poisoned.y, held)
        before = self._before[round_][fold]
        harm = (
            self._error(after, before) if labels is None else self._error(after, labels) - self._error(before, labels)
        )
        self.history.append(harm)
        return harm

    def _predict(self, X: Any, y: Any, held: Any) -> Labels:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return np.asarray(clone(self._estimator).fit(X, y).predict(held))

    def _error(self, predicted: Labels, right: Labels) -> float:
        if self._regression:
            return float(np.mean((predicted.astype(np.float64) - right.astype(np.float64)) ** 2))
        return float(np.mean(predicted != right))


def _folds(own: Rows, rng: np.random.Generator) -> Rows:
    """Deal the rows of each label out to the folds, in random order."""
    order = rng.permutation(len(own))
    dealt = order[np.argsort(own[order], kind="stable")]
    fold = np.empty(len(own), dtype=np.int64)
    fold[dealt] = np.arange(len(own)) % FOLDS
    return fold
