"""Made-up rows at the corners of the columns' ranges, which a few statistics are enough for."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.linear_model import Ridge

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats
from robustfit.attacks._growing_ridge import GrowingRidge, UnitRange, check_regularization, far_ends
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._reference_model import reference_model
from robustfit.certify import OneHotGroups
from robustfit.certify._feasible._checks import check_count

EXTRA_VARIANCE = 0.01
"""Added to the variance of every column, whose range is [0, 1]."""


class StatPAttack(BaseAttack):
    """Insert rows at corners of the columns' ranges, with the target that a regression expects there least.

    The attacker knows the mean and the covariance of the columns, their ranges, and may ask a model for predictions.
    One unit of the budget is one row, appended after the clean ones; the budget may exceed the number of clean rows.

    Parameters
    ----------
    estimator : regressor, default=None
        Model that is asked, after a fit to the clean rows as a float array. By default ``Ridge`` behind a
        ``StandardScaler``. A ``random_state`` that it leaves open is derived from that of `generate`.
    one_hot_groups : sequence of sequences of int, default=None
        Columns, by position, of each category that was encoded as one column for each value. Inserted rows have exactly
        one 1 in each group.
    regularization : float, default=0.01
        Ridge penalty on the squared weights of columns scaled to [0, 1], with which the harm of a candidate is
        computed.
    n_candidates : int, default=100
        Rows that are drawn for each insertion; the best is inserted. 1 gives the attack of the paper.

    See Also
    --------
    AdaptiveFlipAttack : Chooses among copies of rows instead.
    InfFlipAttack : Draws copies of rows.

    Notes
    -----
    Columns are scaled to [0, 1]. A candidate is drawn from N(μ, Σ + 0.01 I), with μ and Σ the mean and covariance of
    the rows, and every entry is rounded to the nearer end of its range; of a one-hot group, the largest entry becomes 1
    and the others 0. Its target is the end of the observed range that is farther from the model's prediction.

    Of the candidates the one is inserted that moves a ridge regression with the same mean and covariance farthest, as
    `AdaptiveFlipAttack` does. This takes no more knowledge than the draws do.

    ``details`` of the result has ``"rise"``: mean squared distance of the predictions for the clean rows from those of
    the clean model, for that ridge regression.

    References
    ----------
    .. [1] M. Jagielski, A. Oprea, B. Biggio, C. Liu, C. Nita-Rotaru and B. Li, "Manipulating Machine Learning:
       Poisoning Attacks and Countermeasures for Regression Learning", IEEE Symposium on Security and Privacy 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import StatPAttack
    >>> X = np.array([[0.0, 5.0], [1.0, 6.0], [2.0, 9.0], [4.0, 7.0]])
    >>> poisoned = StatPAttack().generate(X, X[:, 0], budget=3)
    >>> bool(np.isin(poisoned.X[4:], [[0.0, 4.0], [5.0, 9.0]]).all()), set(poisoned.y[4:].tolist()) <= {0.0, 4.0}
    (True, True)
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        one_hot_groups: Sequence[Sequence[int]] | None = None,
        regularization: float = 0.01,
        n_candidates: int = 100,
    ) -> None:
        self.estimator = estimator
        self.one_hot_groups = one_hot_groups
        self.regularization = regularization
        self.n_candidates = n_candidates

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        size = check_count(self.n_candidates, "n_candidates")
        strength = check_regularization(self.regularization)
        if self.estimator is not None and is_classifier(self.estimator):
            raise ValueError(
                f"StatPAttack asks a regressor for targets, got the classifier {type(self.estimator).__name__}."
            )
        target, X = clean.targets("StatPAttack"), clean.numbers()
        kinds = self._one_hot(X)
        model = reference_model(self.estimator, Ridge(), X, chance.choices, "StatPAttack").fit(X, target)
        ranges = UnitRange.of(X)
        rows = ranges.scale(X)
        ridge = GrowingRidge(rows, strength)
        center, root = rows.mean(axis=0), _root(rows)
        inserted, targets = np.empty((budget, X.shape[1])), np.empty(budget)
        for k in range(budget):
            drawn = center + chance.noise.standard_normal((size, X.shape[1])) @ root
            candidates = _to_corners(drawn, ranges, kinds)
            predicted = np.asarray(model.predict(candidates), dtype=np.float64).ravel()
            far = far_ends(predicted, target)
            worst = ridge.insert_worst(ranges.scale(candidates), predicted, far)
            inserted[k], targets[k] = candidates[worst], far[worst]
        sources = chance.rows.integers(len(clean), size=budget)
        return clean.add(inserted, targets, sources, {"rise": ridge.rise})

    def _one_hot(self, X: Floats) -> OneHotGroups | None:
        if self.one_hot_groups is None or len(self.one_hot_groups) == 0:
            return None
        kinds = OneHotGroups(X.shape[1], self.one_hot_groups, X.min(axis=0), X.max(axis=0))
        wrong = np.flatnonzero(kinds.violation(X) > 0)
        if len(wrong):
            raise ValueError(
                f"one_hot_groups={self.one_hot_groups!r} name columns with exactly one 1 in each row and 0 "
                f"elsewhere, but {len(wrong)} rows of X are not like that, the first of them row {wrong[0]}."
            )
        return kinds


def _to_corners(drawn: Floats, ranges: UnitRange, kinds: OneHotGroups | None) -> Floats:
    """Round scaled rows to the ends of the ranges, and to one column of each group."""
    corners = ranges.corners(drawn > 0.5)
    if kinds is None:
        return corners
    for group in kinds.groups:
        corners[:, group] = drawn[:, group]
    return kinds.project(corners)


def _root(rows: Floats) -> Floats:
    """Return R with RᵀR = Σ + 0.01 I."""
    covariance = np.atleast_2d(np.cov(rows, rowvar=False)) + EXTRA_VARIANCE * np.eye(rows.shape[1])
    return np.asarray(np.linalg.cholesky(covariance).T, dtype=np.float64)
