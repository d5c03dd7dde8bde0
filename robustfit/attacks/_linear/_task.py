"""A clean training set and a linear learner, read together."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge

from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._labels import Labels, is_regression
from robustfit.attacks._linear._class_sets import resolve_sets
from robustfit.attacks._linear._implicit import Bilevel, TrainingRows
from robustfit.attacks._linear._smooth_learner import SmoothLearner, read_learner
from robustfit.attacks._reference_model import seeded
from robustfit.certify import Box, FeasibleSet

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Task:
    """Numbers to train a linear learner on.

    Attributes
    ----------
    learner : SmoothLearner
    rows : TrainingRows
        All clean rows, with weight 1.
    classes : ndarray or None
        None for a regression.
    codes : ndarray of shape (n_rows,)
        Position of each row's class; zeros for a regression.
    """

    learner: SmoothLearner
    rows: TrainingRows
    classes: Labels | None
    codes: NDArray[np.int64]

    @property
    def n_classes(self) -> int:
        """Number of classes, 1 for a regression."""
        return 1 if self.classes is None else len(self.classes)

    @property
    def caps(self) -> tuple[float, ...]:
        """Losses beyond which a judged row counts for ever less, see `capped_loss`: one after the other.

        For classes, the loss of a model whose scores are 0. For a regression none; and then that of an error of two
        standard deviations, since it has one best direction, which the cap would hide from a start far from it.
        """
        if self.classes is None:
            return np.inf, 2 * float(self.rows.Y.var())
        silent = np.zeros((1, self.learner.n_outputs))
        return (float(self.learner.loss.value(self.learner.encode(np.zeros(1, dtype=np.int64)), silent)[0]),)

    def bilevel(self, held_out: float = 0.0, rng: np.random.Generator | None = None) -> Bilevel:
        """Judge the learner by all clean rows, or by a share of them that it is not trained on."""
        n_rows = len(self.codes)
        judged = np.zeros(n_rows, dtype=bool)
        if rng is None or held_out == 0:
            return Bilevel(self.learner, self.rows, self.rows, self.caps[0])
        judged[rng.permutation(n_rows)[: max(1, round(held_out * n_rows))]] = True
        rest = self._select(~judged)
        # The rows that are left stand for all, so that poison rows weigh what they will.
        rest = rest._replace(weight=np.full(len(rest.X), n_rows / len(rest.X)))
        return Bilevel(self.learner, rest, self._select(judged), self.caps[0])

    def encode(self, codes: NDArray[np.int64], weight: Floats, X: Floats) -> TrainingRows:
        """Return rows of given classes."""
        return TrainingRows(X, self.learner.encode(codes), weight)

    def _select(self, rows: NDArray[np.bool_]) -> TrainingRows:
        return TrainingRows(*(part[rows] for part in self.rows))


def read_task(clean: CleanSet, estimator: Any, attack: str, rng: np.random.Generator) -> Task:
    """Read the training set as one of classes or, for a regressor or a floating target, of a regression.

    Raises
    ------
    ValueError
        If labels and learner do not go together, the learner is not known, or rows are not numbers.
    """
    regression = is_regression(clean.labels) if estimator is None else is_regressor(estimator)
    if estimator is None:
        estimator = Ridge() if regression else LogisticRegression()
    if regression:
        learner = read_learner(estimator, attack, None)
        X, target = clean.numbers(), clean.targets(attack)
        classes, codes, Y = None, np.zeros(len(X), dtype=np.int64), target[:, None]
    else:
        classes, codes = clean.codes(attack)
        learner = read_learner(estimator, attack, len(classes))
        X, Y = clean.numbers(), learner.encode(codes)
    # Only a learner with a lasso is fitted by its own hands, perhaps by chance.
    victim = replace(learner.victim, estimator=seeded(clone(estimator), rng))
    return Task(replace(learner, victim=victim), TrainingRows(X, Y, np.ones(len(X))), classes, codes)


def sets_or_range(feasible_set: Any, task: Task, labels: Labels) -> tuple[FeasibleSet, ...]:
    """Return the feasible set of each class, or of all rows of a regression; None is the range of each column.

    Raises
    ------
    TypeError, ValueError
        As `resolve_sets` does; and if there is one for each label of a target that has no classes.
    """
    X = task.rows.X
    if feasible_set is None:
        feasible_set = Box(X.min(axis=0), X.max(axis=0))
    if task.classes is not None:
        return resolve_sets(feasible_set, X, labels, task.classes)
    if isinstance(feasible_set, Mapping):
        raise ValueError(
            f"feasible_set has one set for each of {list(feasible_set)}, but y is a regression target without classes. "
            "Give one set for all rows."
        )
    return resolve_sets(feasible_set, X, labels, labels[:1])
