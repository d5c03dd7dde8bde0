"""Ascent of poison rows on the harm that a learner does after training on them."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._linear._class_sets import draw_inside
from robustfit.attacks._linear._implicit import Bilevel, RowGradients, TrainingRows
from robustfit.attacks._linear._spectral import spectral_descent
from robustfit.certify import Box, FeasibleSet

Floats = NDArray[np.float64]

_AXES = 8
_FIRST_STEP = 0.5


@dataclass(frozen=True, eq=False)
class Freedom:
    """Where poison rows may go, and in which units they move.

    Attributes
    ----------
    sets : sequence of FeasibleSet
    member : ndarray of shape (n_rows,)
        Which set each row stays in.
    scale : ndarray of shape (n_features,)
        Unit of each column.
    targets : tuple of float or None
        Range that targets move in; None if they stay.
    """

    sets: tuple[FeasibleSet, ...]
    member: NDArray[np.int64]
    scale: Floats
    targets: tuple[float, float] | None = None

    def project(self, X: Floats) -> Floats:
        """Return allowed rows near some rows."""
        nearby = X.copy()
        for position, feasible in enumerate(self.sets):
            own = self.member == position
            if own.any():
                nearby[own] = feasible.project(X[own])
        return nearby

    def settle(self, X: Floats) -> Floats:
        """Return allowed rows next to rows that may be a rounding error outside."""
        nearby = X.copy()
        for position, feasible in enumerate(self.sets):
            own = self.member == position
            if own.any():
                nearby[own] = draw_inside(feasible, X[own], _middle(feasible, X[own]))
        return nearby


def _middle(feasible: FeasibleSet, rows: Floats) -> Floats:
    """Return a row inside a set that has an inside: the mean of its far points in some directions and against them.

    Of a set without an end, the mean of some of its rows.
    """
    if not np.isfinite(feasible.reach):
        return rows.mean(axis=0)
    axes = np.random.default_rng(0).standard_normal((_AXES, feasible.n_features))
    middle: Floats = feasible.maximize(np.vstack([axes, -axes])).point.mean(axis=0)
    return middle


def units(X: Floats, sets: tuple[FeasibleSet, ...]) -> Floats:
    """Return the unit of each column: the widths of a box, otherwise one distance for all.

    Gradients depend on the units of the columns. A box looks the same in its own; a sphere only in those it came in.
    """
    common = sets[0]
    typical = max(float(np.median(np.linalg.norm(X - X.mean(axis=0), axis=1))), np.finfo(np.float64).tiny)
    if not isinstance(common, Box) or any(other is not common for other in sets):
        return np.full(X.shape[1], typical)
    width = common.upper - common.lower
    spread = X.max(axis=0) - X.min(axis=0)
    return np.where(np.isfinite(width) & (width > 0), width, np.where(spread > 0, spread, typical))


def ascend(problem: Bilevel, poison: TrainingRows, freedom: Freedom, n_iter: int) -> tuple[TrainingRows, float]:
    """Move poison rows uphill on the harm after training, all at once.

    Parameters
    ----------
    problem : Bilevel
    poison : TrainingRows
        Where to start, inside the sets.
    freedom : Freedom
    n_iter : int
        Most steps.

    Returns
    -------
    poison : TrainingRows
        The most harmful rows that were met, inside the sets.
    harm : float
    """
    last: list[Floats | None] = [None]

    def evaluate(rows: TrainingRows) -> tuple[float, RowGradients]:
        # Training from the last model takes a few steps instead of many.
        theta = last[0] = problem.train(rows, last[0])
        gradients = problem.gradients(theta, rows)
        return -problem.harm(theta), RowGradients(-gradients.X, -gradients.Y)

    rows, value = descend(evaluate, poison, freedom, n_iter)
    return rows, -value


def descend(
    evaluate: Callable[[TrainingRows], tuple[float, RowGradients]],
    poison: TrainingRows,
    freedom: Freedom,
    n_iter: int,
) -> tuple[TrainingRows, float]:
    """Move rows downhill on any function of theirs, inside their sets."""
    coordinates = _Coordinates(poison, freedom)

    def at(point: Floats) -> tuple[float, Floats]:
        value, gradients = evaluate(coordinates.rows(point))
        return value, coordinates.slope(gradients)

    start = coordinates.point(poison.X, poison.Y)
    first = _FIRST_STEP * float(np.sqrt(len(start)))
    best, value = spectral_descent(at, coordinates.project, start, first_step=first, n_iter=n_iter)
    rows = coordinates.rows(best)
    # Back from their units, rows may be a rounding error outside.
    return rows._replace(X=freedom.settle(rows.X)), value


class _Coordinates:
    """Features, and targets that move, as one array in their units."""

    def __init__(self, poison: TrainingRows, freedom: Freedom) -> None:
        self.poison, self.freedom = poison, freedom
        self.moving = freedom.targets is not None
        self.span = 1.0 if freedom.targets is None else freedom.targets[1] - freedom.targets[0]

    def point(self, X: Floats, Y: Floats) -> Floats:
        features = X / self.freedom.scale
        return np.hstack([features, Y / self.span]) if self.moving else features

    def rows(self, point: Floats) -> TrainingRows:
        width = len(self.freedom.scale)
        Y = point[:, width:] * self.span if self.moving else self.poison.Y
        return TrainingRows(point[:, :width] * self.freedom.scale, Y, self.poison.weight)

    def slope(self, gradients: RowGradients) -> Floats:
        features = gradients.X * self.freedom.scale
        return np.hstack([features, gradients.Y * self.span]) if self.moving else features

    def project(self, point: Floats) -> Floats:
        rows = self.rows(point)
        Y = rows.Y if self.freedom.targets is None else np.clip(rows.Y, *self.freedom.targets)
        return self.point(self.freedom.project(rows.X), Y)
