"""The influence attack: few distinct rows, many copies, inside the set that a sanitizer keeps."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._inner import check_count
from robustfit.attacks._linear import resolve_sets
from robustfit.attacks._linear._ascent import Freedom, ascend, units
from robustfit.attacks._linear._implicit import Bilevel, TrainingRows
from robustfit.attacks._linear._task import read_task
from robustfit.attacks._poisoned import Poisoned

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_LOPSIDED = (0.75, 1.0)
_FIRST_LOOK, _SECOND_LOOK = 5, 15
_SECOND_LOOKS = 3


class InfluenceAttack(BaseAttack):
    """Insert many copies of a few rows, each of which stays where the rows of its class may lie.

    The distinct rows climb on the loss of the clean rows, through the training of the learner, and are projected on the
    feasible set of their class after every step. How the copies divide among the classes is tried out. Copies are
    near each other, so they pass filters that look for lonely rows; the set takes care of those that look at distances
    to the centroids. One unit of the budget is one row, copies counted; it may exceed the number of clean rows.

    Parameters
    ----------
    estimator : estimator, default=None
        The learner to harm: `LogisticRegression`, `LinearSVC`, a linear `SVC` or `RidgeClassifier`. By default
        ``LogisticRegression()``. More than two classes are known for `LogisticRegression` (softmax), `LinearSVC`
        and `RidgeClassifier` (one against the rest).
    feasible_set : FeasibleSet or dict of label to FeasibleSet, default=None
        Where the inserted rows of all, or of each, class may lie. By default `sphere_slab_sets` of the clean rows, with
        nine tenths of each class.
    n_distinct : int, default=2
        Number of distinct rows. There is one of each class at least.
    n_iter : int, default=60
        Most steps of the last ascent; each trains the learner about once.

    Notes
    -----
    With n_k copies of row x_k with label y_k the learner is θ = argmin_θ L(θ; D) + Σ_k n_k ℓ(θ; x_k, y_k), and the rows
    maximise O(θ) over x_k ∈ F(y_k). The gradient, and O, are those of `GradientAttack`. First a few steps are made for
    each way to divide the copies: evenly, and three quarters or all of them to one class; then more for the best three;
    then the best goes on for ``n_iter``. The rows start as copies of clean rows of other classes, projected on the set.

    A larger budget starts anew.

    ``Poisoned.details``: ``"loss_before"`` and ``"loss_after"``, the values of O without
    and with the inserted rows; ``"rows"``, ``"labels"`` and ``"copies"``, the distinct rows, their labels and how often
    each was inserted.

    See Also
    --------
    GradientAttack : As many distinct rows as the budget allows.
    KKTAttack : Two distinct rows that make a decoy optimal.
    robustfit.attacks.sphere_slab_sets : The default feasible set.

    References
    ----------
    .. [1] P. W. Koh, J. Steinhardt and P. Liang, "Stronger Data Poisoning Attacks Break Data Sanitization Defenses",
       Machine Learning 111, 2022, section 4.
    .. [2] P. W. Koh and P. Liang, "Understanding Black-box Predictions via Influence Functions", ICML 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from robustfit.attacks import InfluenceAttack, sphere_slab_sets
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X = scale(X)
    >>> poisoned = InfluenceAttack(n_iter=10).generate(X, y, budget=17)
    >>> int(poisoned.details["copies"].sum()), poisoned.details["loss_after"] > poisoned.details["loss_before"]
    (17, True)
    >>> sets = sphere_slab_sets(X, y)
    >>> all(sets[label].contains([row])[0] for row, label in zip(poisoned.X[-17:], poisoned.y[-17:]))
    True
    """

    def __init__(
        self, estimator: Any = None, *, feasible_set: Any = None, n_distinct: int = 2, n_iter: int = 60
    ) -> None:
        self.estimator = estimator
        self.feasible_set = feasible_set
        self.n_distinct = n_distinct
        self.n_iter = n_iter

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        name = type(self).__name__
        n_iter = check_count(self.n_iter, "n_iter", name)
        n_distinct = check_count(self.n_distinct, "n_distinct", name)
        classes, codes = clean.codes(name)
        task = read_task(clean, self.estimator, name, chance.choices)
        X = task.rows.X
        sets = resolve_sets(self.feasible_set, X, clean.labels, classes)
        member = np.arange(max(n_distinct, len(classes))) % len(classes)
        freedom = Freedom(sets, member, units(X, sets))
        sources = np.array([chance.rows.choice(np.flatnonzero(codes != own)) for own in member])
        start = freedom.project(X[sources])
        problem = task.bilevel()
        looks = []
        for share in _shares(len(classes)):
            rows = task.encode(member, _copies(share, member, budget).astype(np.float64), start)
            looks.append(_climb(problem, rows, freedom, _FIRST_LOOK))
        second = [_climb(problem, look.rows, freedom, _SECOND_LOOK) for look in _most_harmful(looks, _SECOND_LOOKS)]
        first = _most_harmful([*second, *looks], 1)[0]
        best = _most_harmful([first, _climb(problem, first.rows, freedom, n_iter)], 1)[0]
        copies = best.rows.weight.astype(np.int64)
        details = {
            "loss_before": problem.harm(problem.learner.fit(*problem.clean)),
            "loss_after": best.harm,
            "rows": best.rows.X,
            "labels": classes[member],
            "copies": copies,
        }
        order = np.repeat(np.arange(len(member)), copies)
        return clean.add(best.rows.X[order], classes[member[order]], sources[order], details)


class _Look(NamedTuple):
    rows: TrainingRows
    harm: float


def _climb(problem: Bilevel, rows: TrainingRows, freedom: Freedom, n_iter: int) -> _Look:
    return _Look(*ascend(problem, rows, freedom, n_iter))


def _most_harmful(looks: list[_Look], count: int) -> list[_Look]:
    return sorted(looks, key=lambda look: -look.harm)[:count]


def _shares(n_classes: int) -> list[Floats]:
    """Ways to divide copies among classes."""
    even = np.full(n_classes, 1 / n_classes)
    lopsided = [
        np.where(np.arange(n_classes) == one, share, (1 - share) / (n_classes - 1))
        for one in range(n_classes)
        for share in _LOPSIDED
    ]
    return [even, *lopsided]


def _copies(share: Floats, member: Rows, budget: int) -> Rows:
    """Divide the budget among rows: by the shares of their classes, and evenly within a class."""
    wanted = budget * share[member] / np.bincount(member)[member]
    copies = np.floor(wanted).astype(np.int64)
    # What is left goes to the rows that were rounded down most.
    copies[np.argsort(copies - wanted, kind="stable")[: budget - copies.sum()]] += 1
    return copies
