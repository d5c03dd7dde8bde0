"""Rows with an honest label whose features are those of another row: clean-label poison for one prediction."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._collision import Collision
from robustfit.attacks._containers import Floats, as_numbers, fit_numbers, is_sparse, take_rows
from robustfit.attacks._labels import join_labels, read_labels
from robustfit.attacks._neighbor_copies_attack import runner_up_labels
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._targets import read_target
from robustfit.certify import Box, FeasibleSet

MOST_BASES = 50
"""Base rows that are moved for one target; larger budgets repeat them."""


class FeatureCollisionAttack(BaseAttack):
    """Change one prediction by rows that look like another class and bear its label, but have the target's features.

    Rows of the class that the target shall be taken for are moved until their features, as a fixed map sees them,
    collide with those of the target, while they stay near where they came from. They are inserted with the label of
    their class, so whoever looks at them finds nothing wrong. What learns from the features takes the target for one of
    that class. Several targets take turns. One unit of the budget is one row.

    Parameters
    ----------
    target : one row, or a container of rows like ``X``
        The rows whose predictions shall change. For arrays, sparse rows and frames of numbers also a 1-D array,
        for a pandas frame also a series.
    base_label : label, default=None
        Class that the target shall be taken for, one of ``y``. By default, of the classes other than the majority of
        the target's five neighbours in the features, the one with most of them, and then the one with the nearest row.
    features : transformer or callable, default=None
        The map f: a fitted transformer, which gets rows in the container of ``X``, or a function from arrays of shape
        (n, n_features) to arrays of shape (n, n_outputs). By default the features themselves. ``sklearn.base.clone``
        forgets what a transformer learned, unless it is wrapped in a ``FrozenEstimator``.
    similarity : float, default=0.25
        How much staying near the base row counts, β below. Smaller is stronger and easier to see.
    feasible_set : FeasibleSet, default=None
        Where poison may lie, such as ``Box(0.0, 1.0, n_features=64)``. By default within the range of each column.

    See Also
    --------
    NeighborCopiesAttack : Copies of the target itself, for rows of any kind.
    BlackBoxAttack : Searches for what works on a given learner.

    Notes
    -----
    For a target t and a base row b the attack solves

        ``x = argmin ‖f(x) - f(t)‖² / φ² + (β / d) Σ_j ((x_j - b_j) / s_j)²``

    over the feasible set, with d columns, their standard deviations s_j, and φ² the sum of the variances of the
    features, so that β has no unit. Base rows are the rows of the class that are nearest to the target in the features,
    50 at most for each target; a larger budget repeats them in turn. Without a map the solution is (t + β b) / (1 + β),
    put into the set. Otherwise the map is linearised by central differences, the convex problem that is left is solved,
    in closed form where the set does not bind and by projected steps where it does, and the step is shortened until the
    objective falls. An affine map needs one such step. Steps in a set other than a `Box` are Euclidean, in the units of
    the columns; scale columns that differ much.

    `Poisoned.details` holds, for each poison row, ``"source"``, its base row, ``"target_of"``, the target that it
    collides with, ``"feature_distance"``, the distance ``‖f(x) - f(t)‖``, and ``"base_distance"``, ``‖f(b) - f(t)‖``.
    ``"base_label"`` is the class for each target.

    References
    ----------
    .. [1] A. Shafahi, W. R. Huang, M. Najibi, O. Suciu, C. Studer, T. Dumitras and T. Goldstein, "Poison Frogs!
       Targeted Clean-Label Poisoning Attacks on Neural Networks", NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from robustfit.attacks import FeatureCollisionAttack
    >>> X = np.array([[0.0, 0.0], [1.0, 0.2], [8.0, 0.1], [9.0, 0.0], [9.5, 0.3]])
    >>> attack = FeatureCollisionAttack([1.0, 0.1], 1, features=PCA(1).fit(X), similarity=0.01)
    >>> poisoned = attack.generate(X, [0, 0, 1, 1, 1], budget=2)
    >>> poisoned.y[-2:], poisoned.X[-2:].round(1).tolist()
    ([1, 1], [[1.0, 0.1], [1.0, 0.0]])
    """

    def __init__(
        self,
        target: Any,
        base_label: Any = None,
        *,
        features: Any = None,
        similarity: float = 0.25,
        feasible_set: FeasibleSet | None = None,
    ) -> None:
        self.target = target
        self.base_label = base_label
        self.features = features
        self.similarity = similarity
        self.feasible_set = feasible_set

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        classes, _ = clean.codes(type(self).__name__)
        rows = clean.numbers()
        targets = as_numbers(read_target(self.target, clean.X))
        problem = self._problem(clean.X, rows)
        images, goals = problem.features(rows), problem.features(targets)
        distance = cdist(goals, images)
        order = np.argsort(distance, axis=1, kind="stable")
        labels = runner_up_labels(clean, order, 5, type(self).__name__)
        if self.base_label is not None:
            labels = np.repeat(self._known(classes), len(targets))
        turns = np.arange(budget) % len(targets)
        poison, sources = np.empty((budget, rows.shape[1])), np.empty(budget, dtype=np.int64)
        for turn, label in enumerate(labels.tolist()):
            mine = np.flatnonzero(turns == turn)
            bases = order[turn][clean.labels[order[turn]] == label][: min(len(mine), MOST_BASES)]
            moved = self._move(problem, rows[bases], targets[turn], goals[turn])
            repeat = np.arange(len(mine)) % max(len(bases), 1)
            poison[mine], sources[mine] = moved[repeat], bases[repeat]
        details = {
            "base_label": labels,
            "source": sources,
            "target_of": turns,
            "feature_distance": np.linalg.norm(problem.features(poison) - goals[turns], axis=1),
            "base_distance": distance[turns, sources],
        }
        return clean.add(poison, labels[turns], sources, details)

    def _move(self, problem: Collision, bases: Floats, target: Floats, goal: Floats) -> Floats:
        if self.features is None:
            mixed = (target + self.similarity * bases) / (1 + self.similarity)
            return problem.feasible_set.project(mixed)
        return np.array([problem.solve(base, target, goal) for base in bases])

    def _known(self, classes: Any) -> Any:
        known, wanted = join_labels(classes, read_labels([self.base_label], "base_label"))
        if wanted[0] not in known.tolist():
            raise ValueError(
                f"base_label={self.base_label!r} is not in y, which has {classes.tolist()[:10]}: poison starts from "
                "rows of that class. NeighborCopiesAttack takes any label."
            )
        return classes[known == wanted[0]]

    def _problem(self, X: Any, rows: Floats) -> Collision:
        if not self.similarity > 0:
            raise ValueError(f"similarity must be a positive number, got {self.similarity!r}.")
        box = Box(rows.min(axis=0), rows.max(axis=0))
        feasible_set = box if self.feasible_set is None else self.feasible_set
        if not isinstance(feasible_set, FeasibleSet):
            raise TypeError(f"feasible_set must be a robustfit.certify.FeasibleSet or None, got {feasible_set!r}.")
        if feasible_set.n_features != rows.shape[1]:
            raise ValueError(f"X has {rows.shape[1]} columns, but the feasible set is for {feasible_set.n_features}.")
        spread = rows.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        features = _feature_map(self.features, X, spread)
        images = features(rows)
        feature_spread = float(np.sqrt(images.var(axis=0).sum()))
        return Collision(features, feature_spread or 1.0, spread, float(self.similarity), feasible_set)


def _feature_map(features: Any, X: Any, spread: Floats) -> Callable[[Floats], Floats]:
    """Return the map from arrays of rows to arrays of features."""
    if features is None:
        return lambda rows: rows / spread
    if hasattr(features, "transform"):
        template = take_rows(X, np.zeros(1, dtype=np.int64))
        raw = lambda rows: features.transform(fit_numbers(template, rows)[1])  # noqa: E731
    elif callable(features):
        raw = features
    else:
        raise TypeError(
            "features must be a fitted transformer, a function from arrays to arrays, or None, got "
            f"{type(features).__name__}."
        )

    def image(rows: Floats) -> Floats:
        values = raw(rows)
        values = np.asarray(values.toarray() if is_sparse(values) else values, dtype=np.float64)
        if values.ndim != 2 or len(values) != len(rows):
            raise ValueError(
                f"features must give one row of features per row, got shape {values.shape} for {len(rows)} rows."
            )
        return values

    return image
