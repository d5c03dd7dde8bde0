"""Rows whose features collide with those of another row, although they stay near where they came from."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from robustfit.attacks._containers import Floats
from robustfit.certify import Box, FeasibleSet

Map = Callable[[Floats], Floats]

STEPS = 20
"""Linearisations of a feature map that is not affine, at most."""

_HALVINGS = 0.5 ** np.arange(8)
_INNER_STEPS = 300


@dataclass(frozen=True, eq=False)
class Collision:
    """The problem min_x |f(x) − f(t)|² / φ² + (β / d) Σⱼ ((xⱼ − bⱼ) / sⱼ)² over the x of a set.

    Parameters
    ----------
    features : callable
        f, from rows of shape (n, d) to features of shape (n, q).
    feature_spread : float
        φ, so that the first term has no unit.
    spread : ndarray of shape (d,)
        s, so that the second has none.
    similarity : float
        β, positive.
    feasible_set : FeasibleSet
    """

    features: Map
    feature_spread: float
    spread: Floats
    similarity: float
    feasible_set: FeasibleSet

    def objective(self, rows: Floats, base: Floats, goal: Floats) -> Floats:
        """Return the objective of each row, for the features f(t) of the target."""
        miss = (self.features(rows) - goal) / self.feature_spread
        moved = (rows - base) / self.spread
        value: Floats = (miss**2).sum(axis=1) + self.similarity * (moved**2).mean(axis=1)
        return value

    def solve(self, base: Floats, target: Floats, goal: Floats) -> Floats:
        """Move one base row; the result is no worse than the row itself put into the set.

        Each step solves the problem for the linearised map and goes as far towards that solution as the objective
        falls: one step for an affine map. Between base and target a first guess is looked for, which helps maps with
        steps.
        """
        way = base + np.linspace(0.0, 1.0, 11)[:, None] * (target - base)
        row, value = self._best(way, base, goal)
        for _ in range(STEPS):
            aim = self._linearised(row, base, goal)
            moved, better = self._best(row + _HALVINGS[:, None] * (aim - row), base, goal)
            if not better < value - 1e-9 * abs(value):
                break
            row, value = moved, better
        return row

    def _best(self, rows: Floats, base: Floats, goal: Floats) -> tuple[Floats, float]:
        inside = self.feasible_set.project(rows)
        values = self.objective(inside, base, goal)
        return inside[values.argmin()], float(values.min())

    def _linearised(self, row: Floats, base: Floats, goal: Floats) -> Floats:
        """Solve the problem with f replaced by f(row) + J (x − row)."""
        # In a box columns do not mind each other's scale; elsewhere only Euclidean steps end at the optimum.
        unit = self.spread if isinstance(self.feasible_set, Box) else np.ones_like(self.spread)
        slope = jacobian(self.features, row, self.spread) * unit / self.feature_spread
        gap = (goal - self.features(row[None])[0]) / self.feature_spread + slope @ ((row - base) / unit)
        weight = self.similarity * (unit / self.spread) ** 2 / len(row)
        return base + unit * self._ridge(slope, gap, weight, base, unit)

    def _ridge(self, slope: Floats, gap: Floats, weight: Floats, base: Floats, unit: Floats) -> Floats:
        """Minimise |slope v − gap|² + Σ weightⱼ vⱼ² over v with base + unit·v in the set."""
        # The dual system has as many unknowns as there are features, the primal one as many as columns.
        thin = slope / weight
        if len(gap) < len(weight):
            free = thin.T @ np.linalg.solve(thin @ slope.T + np.eye(len(gap)), gap)
        else:
            free = np.linalg.solve(slope.T @ slope + np.diag(weight), slope.T @ gap)
        if (self.feasible_set.violation((base + unit * free)[None]) <= 0).all():
            return free
        step = 1.0 / (np.linalg.norm(slope, 2) ** 2 + weight.max())
        point = ahead = self._inside(free, base, unit)
        momentum = 1.0
        for _ in range(_INNER_STEPS):
            pull = slope.T @ (slope @ ahead - gap) + weight * ahead
            new = self._inside(ahead - step * pull, base, unit)
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            ahead = new + (momentum - 1) / following * (new - point)
            done = np.abs(new - point).max() <= 1e-10 * (1 + np.abs(new).max())
            point, momentum = new, following
            if done:
                break
        return point

    def _inside(self, moved: Floats, base: Floats, unit: Floats) -> Floats:
        inside: Floats = (self.feasible_set.project((base + unit * moved)[None])[0] - base) / unit
        return inside


def jacobian(features: Map, row: Floats, spread: Floats) -> Floats:
    """Return the matrix of a map's derivatives at a row, by central differences, in one call of the map."""
    step = 1e-4 * spread
    shifts = np.diag(step)
    values = features(np.vstack([row + shifts, row - shifts]))
    slope: Floats = ((values[: len(row)] - values[len(row) :]) / (2 * step)[:, None]).T
    return slope
