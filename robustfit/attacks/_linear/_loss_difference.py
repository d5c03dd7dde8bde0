"""The row of a set that one linear model loses most on, compared with another: a good row, and a bound on all.

A row enters the losses of two models by its two margins only, p under the model and q under the target. The loss φ
falls with the margin, so φ(p) − φ(q) is largest on the edge of the set's image in the plane of (p, q) where p is small
and q is large. Supports of the set in directions of that quadrant enclose this edge from outside, and touch it from
inside.
The proofs are in ``docs/attack_bounds.md``.
"""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._linear._victim import scores
from robustfit.certify import FeasibleSet
from robustfit.losses import Loss

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_MAX_CUTS = 60
_SPLITS = 8
_MAX_CELLS = 1024
_MAX_TURNS = 16
# Smaller differences, in units of the loss, are not searched any finer.
_FLOOR = 1e-3


class Difference(NamedTuple):
    """How much more a model may lose on a row than another model does.

    Attributes
    ----------
    value : float
        loss(θ; x, y) − loss(θ_p; x, y) at the row that was found.
    bound : float
        No row of the sets has a larger difference.
    point : ndarray of shape (n_features,)
        x.
    sign : float
        y, −1 or +1.
    """

    value: float
    bound: float
    point: Floats
    sign: float


class Room:
    """Where the rows of the two classes may lie.

    Parameters
    ----------
    sets : sequence of two FeasibleSet
        For the classes −1 and +1.
    """

    def __init__(self, sets: Sequence[FeasibleSet]) -> None:
        self.sets = tuple(sets)
        self._reaches: list[Floats | None] = [None, None]

    def reach(self, index: int, columns: NDArray[np.bool_]) -> Floats:
        """Bound the absolute values in some columns of a class's rows; 0 in the others.

        Columns that no model uses may be without an end, so only the others are asked for, once.
        """
        known = self._reaches[index]
        if known is None:
            known = self._reaches[index] = np.full(columns.size, np.nan)
        ask = np.flatnonzero(columns & np.isnan(known))
        if ask.size:
            directions = np.zeros((ask.size, columns.size))
            directions[np.arange(ask.size), ask] = 1.0
            ends = self.sets[index].maximize(np.vstack([directions, -directions])).bound.reshape(2, -1)
            known[ask] = np.abs(ends).max(axis=0)
        return np.where(columns, known, 0.0)

    def largest_difference(self, loss: Loss, theta: Floats, target: Floats, gap: float = 1e-3) -> Difference:
        """Find the row of either class on which ``theta`` loses most compared with ``target``.

        Parameters
        ----------
        loss : Loss
            Convex, and falling with the margin: a hinge or the logistic loss.
        theta, target : ndarray of shape (n_features + 1,)
            Models (w, b).
        gap : float, default=1e-3
            Stop as soon as the bound is proved to exceed what a mixture of rows attains by no more than this share.

        Returns
        -------
        Difference
        """
        columns = (theta[:-1] != 0) | (target[:-1] != 0)
        # Losses beyond the range of floats are infinite, and bounds that hang on them too.
        with np.errstate(over="ignore", invalid="ignore"):
            edges = [
                _Edge(loss, theta, target, sign, self.sets[index], self.reach(index, columns))
                for index, sign in enumerate((-1.0, 1.0))
            ]
            first, second = sorted(edges, key=lambda edge: -edge.bound)
            best = first.search(gap, 0.0)
            # The other class only has to be searched as far as it might be better.
            other = second.search(gap, best.value)
        bound = max(best.bound, other.bound)
        return max(best, other, key=lambda difference: difference.value)._replace(bound=bound)


class _Line(NamedTuple):
    """−c p + s q ≤ offset for every row; the row ``point``, with margins p and q, comes nearest."""

    c: float
    s: float
    offset: float
    point: Floats
    p: float
    q: float


class _Edge:
    """The edge of one class's image where the model's margin is small and the target's is large."""

    def __init__(
        self, loss: Loss, theta: Floats, target: Floats, sign: float, allowed: FeasibleSet, reach: Floats
    ) -> None:
        self.loss, self.theta, self.target, self.sign, self.allowed = loss, theta, target, sign, allowed
        # Rounding of a mixed direction, column by column, is charged at the largest value that the column may have.
        self._noise = 4 * _EPS * np.array([np.abs(model[:-1]) @ reach + abs(model[-1]) for model in (theta, target)])
        self.lines = [self._cut(1.0, 0.0), self._cut(0.0, 1.0)]
        self.bound, self._place = _outer_bound(loss, self.lines, 1.0)

    def search(self, gap: float, enough: float) -> Difference:
        """Cut off what is outside until the bound is near to what the rows attain, or not above ``enough``."""
        mix, inner = self._inner_best()
        for _ in range(_MAX_CUTS):
            near = self.bound - inner <= gap * max(self.bound, _FLOOR)
            if near or self.bound <= enough or not self._refine(self._left_of(self._place)):
                break
            outer, self._place = _outer_bound(self.loss, self.lines, 0.25 * gap)
            self.bound = min(self.bound, outer)
            mix, inner = self._inner_best()
        value, point = self._best_row(mix)
        return Difference(value, max(self.bound, value), point, self.sign)

    def _cut(self, c: float, s: float) -> _Line:
        weights = self.sign * (s * self.target - c * self.theta)
        support = self.allowed.maximize(weights[:-1])
        offset = support.bound + weights[-1]
        offset += float(self._noise @ (c, s)) + 4 * _EPS * (abs(support.bound) + abs(weights[-1]))
        p, q = (self.sign * float(scores(support.point, model)) for model in (self.theta, self.target))
        return _Line(c, s, offset, support.point, p, q)

    def _left_of(self, place: float) -> int:
        touching = np.maximum.accumulate([line.p for line in self.lines])
        return int(np.clip(np.searchsorted(touching, place, side="right") - 1, 0, len(touching) - 2))

    def _refine(self, left: int) -> bool:
        """Add the line along the chord between two touching points; False where there is no other direction."""
        a, b = self.lines[left], self.lines[left + 1]
        c, s = max(b.q - a.q, 0.0), max(b.p - a.p, 0.0)
        if not a.s * c < s * a.c or not b.c * s < c * b.s:
            c, s = a.c + b.c, a.s + b.s
        size = float(np.hypot(c, s))
        c, s = c / size, s / size
        # Beyond the square root of the precision two directions can no longer tell anything apart.
        if min(a.c * s - a.s * c, c * b.s - s * b.c) < 1e-9:
            return False
        self.lines.insert(left + 1, self._cut(c, s))
        return True

    def _inner_best(self) -> tuple[tuple[int, float], float]:
        """Best mixture of neighbouring touching points, in the plane: which, at what share, and its difference."""
        p, q = (np.array([getattr(line, name) for line in self.lines])[:, None] for name in ("p", "q"))
        shares = np.broadcast_to(np.linspace(0.0, 1.0, _SPLITS + 1), (len(p) - 1, _SPLITS + 1))
        # The kink of the target's hinge is where the best mixture often is.
        rise = q[1:] - q[:-1]
        kink = np.clip((1.0 - q[:-1]) / np.where(rise != 0, rise, 1.0), 0.0, 1.0)
        shares = np.hstack([shares, kink])
        values = _difference(self.loss, p[:-1] + shares * (p[1:] - p[:-1]), q[:-1] + shares * rise)
        left, column = (int(i) for i in np.unravel_index(np.argmax(values), values.shape))
        share, best, width = float(shares[left, column]), float(values[left, column]), 1.0 / _SPLITS
        for _ in range(4):
            near = np.clip(share + width * np.linspace(-1.0, 1.0, 2 * _SPLITS + 1), 0.0, 1.0)
            values = _difference(self.loss, p[left] + near * (p[left + 1] - p[left]), q[left] + near * rise[left])
            if values.max() > best:
                share, best = float(near[np.argmax(values)]), float(values.max())
            width /= _SPLITS
        return (left, share), best

    def _best_row(self, mix: tuple[int, float]) -> tuple[float, Floats]:
        left, share = mix
        a, b = self.lines[left].point, self.lines[left + 1].point
        points = np.array([line.point for line in self.lines])
        if 0.0 < share < 1.0:
            points = np.vstack([points, self.allowed.project([a + share * (b - a)])])
        p, q = (self.sign * scores(points, model) for model in (self.theta, self.target))
        values = _difference(self.loss, p, q)
        best = int(np.argmax(values))
        return float(values[best]), points[best]


def _difference(loss: Loss, p: Floats, q: Floats) -> Floats:
    ones = np.ones_like(p)
    difference: Floats = loss.value(ones, p) - loss.value(ones, q)
    return difference


def _outer_bound(loss: Loss, lines: Sequence[_Line], gap: float) -> tuple[float, float]:
    """Bound φ(p) − φ(q) over all p, q that the lines allow, and tell near which p it is largest.

    q is at most the lowest line at p, a concave function. On an interval of p that one line covers, a chord of φ(p) and
    a tangent of φ(q) leave a linear function, whose largest value is at an end. Any partition is sound with any line.
    """
    c, s, offset = (np.array([getattr(line, name) for line in lines]) for name in ("c", "s", "offset"))
    first, (c, s, offset) = -offset[0] / c[0], (c[1:], s[1:], offset[1:])
    slope, height = c / s, offset / s

    def tangents(p: Floats) -> Floats:
        values: Floats = height[:, None] + slope[:, None] * p
        return values

    fall = slope[:-1] - slope[1:]
    crossings = np.divide(np.diff(height), fall, out=np.full(len(fall), first), where=fall > 0)
    kinks = np.divide(1.0 - height, slope, out=np.full(len(slope), first), where=slope > 0)
    last = max(first, float(crossings.max(initial=first)))
    knots = np.clip(np.concatenate([[first, last, 1.0], crossings, kinks]), first, last)
    knots = np.unique(knots)
    one = np.ones(1)
    # Beyond the last crossing q grows no more.
    end = _end_bound(loss, one * last, one * height[-1])
    cells = np.column_stack([knots[:-1], knots[1:]])
    settled, places = [end], [last]
    attained = float(_difference(loss, knots, tangents(knots).min(axis=0)).max())
    for turn in range(_MAX_TURNS):
        if not len(cells):
            break
        bounds = _cell_bounds(loss, cells, tangents(cells.mean(axis=1)).argmin(axis=0), (c, s, offset))
        ends = tangents(cells.ravel()).min(axis=0)
        attained = max(attained, float(_difference(loss, cells.ravel(), ends).max()))
        split = bounds > max(attained, settled[0]) + gap * max(abs(attained), _FLOOR)
        if turn == _MAX_TURNS - 1 or _SPLITS * np.count_nonzero(split) > _MAX_CELLS:
            split[:] = False
        kept = np.where(split, -np.inf, bounds)
        top = int(np.argmax(kept))
        if kept[top] > settled[0]:
            settled, places = [float(kept[top])], [float(cells[top].mean())]
        grid = np.linspace(cells[split, 0], cells[split, 1], _SPLITS + 1, axis=1)
        cells = np.column_stack([grid[:, :-1].ravel(), grid[:, 1:].ravel()])
    return settled[0], places[0]


def _end_bound(loss: Loss, p: Floats, q: Floats) -> float:
    """Bound φ(p) − φ(q) with its rounding, which is relative to the two and not to what is left of them."""
    own, other = float(loss.value(np.ones(1), p)[0]), float(loss.value(np.ones(1), q)[0])
    bound = own - other + 32 * _EPS * (own + other)
    return np.inf if np.isnan(bound) else bound


def _cell_bounds(loss: Loss, cells: Floats, active: NDArray[np.intp], lines: tuple[Floats, Floats, Floats]) -> Floats:
    c, s, offset = (part[active][:, None] for part in lines)
    p, middle = cells, cells.mean(axis=1, keepdims=True)
    q, top = (offset + c * p) / s, (offset + c * middle) / s
    one = np.ones_like(p)
    steep = loss.slope(np.ones_like(top), top)
    chord = loss.value(one, p)
    tangent = loss.value(np.ones_like(top), top) + steep * (q - top)
    bounds = (chord - tangent).max(axis=1)
    corner = chord[:, 0] - loss.value(one, q)[:, 1]
    noise = 32 * _EPS * (chord[:, :1] + np.abs(tangent) + np.abs(steep) * (np.abs(offset) + c * np.abs(p)) / s)
    result = np.minimum(bounds, corner) + noise.max(axis=1)
    # Where a loss is beyond the range of floats, nothing is known.
    return np.where(np.isnan(result), np.inf, result)
