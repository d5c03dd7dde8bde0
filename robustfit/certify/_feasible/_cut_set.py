"""Any feasible set, cut by one more linear constraint: bounds by a dual in one variable."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._base import FeasibleSet, lengths, pull_inside, rounding
from robustfit.certify._feasible._checks import check_level, check_normal
from robustfit.certify._feasible._line_search import minimize_convex

_GOLDEN = 0.6180339887498949
_TINY = float(np.finfo(np.float64).tiny)
_DOUBLINGS, _TURNS, _SECTIONS = 60, 200, 30


class _Reply(NamedTuple):
    """How far the uncut set reaches along u + μa, as a tangent of the dual in μ."""

    place: float
    value: float
    slope: float
    noise: float
    point: NDArray[np.float64]


class CutSet(FeasibleSet):
    """Rows of another feasible set whose score is between two levels: x ∈ F and ``low ≤ ⟨a, x⟩ ≤ high``.

    Attacks ask for such rows: near enough to a model's boundary to pull at it, or of a small loss under a model.

    Parameters
    ----------
    base : FeasibleSet
        F, which has an end in every direction.
    normal : array-like of shape (n_features,)
        a, of any length. With a zero normal every score is 0.
    low, high : float, default=-inf, inf
        Levels of the score, which may be equal.

    Raises
    ------
    ValueError
        If no row of F has such a score, or F has no end in some direction.

    Notes
    -----
    Where F is convex, so is this set: points attain the bound, and `project` returns the nearest point, both to about
    1e-8 or as well as F itself does. Otherwise points are the best ones that were seen on the way.

    **Guarantee.** ``maximize(u).bound`` is ``F.maximize(u + μa).bound − μ·low`` at some μ ≥ 0, or the same with −a and
    −high, plus a bound on its rounding errors. Every μ bounds the maximum, so the bound holds whether or not the search
    for the smallest one converged, and is as sound as the bound of F.

    References
    ----------
    .. [1] Koh, Steinhardt, Liang, "Stronger Data Poisoning Attacks Break Data Sanitization Defenses", Machine Learning
       111, 2022. Keeps poison rows at a small loss under a decoy model.

    Examples
    --------
    >>> from robustfit.certify import CutSet, Sphere
    >>> cap = CutSet(Sphere([0.0, 0.0], 5.0), normal=[2.0, 0.0], low=6.0)
    >>> support = cap.maximize([-1.0, 1.0])
    >>> support.point.round(6), round(support.value, 6), bool(support.bound - support.value < 1e-9)
    (array([3., 4.]), 1.0, True)
    >>> cap.project([[0.0, 1.0]]).round(6)
    array([[3., 1.]])
    """

    def __init__(self, base: FeasibleSet, normal: ArrayLike, *, low: Any = -np.inf, high: Any = np.inf) -> None:
        if not isinstance(base, FeasibleSet):
            raise ValueError(f"base must be a feasible set such as SphereSlab or Box, got {base!r}.")
        super().__init__(base.n_features)
        self.base, self.convex = base, base.convex
        self.normal = check_normal(normal, self.n_features)
        self.low, self.high = check_level(low, "low"), check_level(high, "high")
        if not np.isfinite(base.reach):
            raise ValueError(
                f"{base!r} has no end in some direction, so rounding errors have none. Cut a set that has, such as "
                "SphereSlab or Box with finite ends."
            )
        self.reach = base.reach
        # Powers of two scale without rounding, and multipliers of such a normal are of the size of the direction.
        exponent = int(np.frexp(np.abs(self.normal).max())[1])
        self._unit = np.ldexp(self.normal, -exponent)
        self._size = float(np.linalg.norm(self._unit))
        self._low, self._high = (float(np.ldexp(level, -exponent)) for level in (self.low, self.high))
        self._blur = rounding(self.n_features) * self._size * self.reach
        self._anchor = self._find_anchor()

    def _find_anchor(self) -> NDArray[np.float64]:
        """Return some point of the set, in the middle of the levels where it can be."""
        ends = self.base.maximize(np.array([-self._unit, self._unit]))
        lowest, highest = -ends.bound[0], ends.bound[1]
        if self.low > self.high or lowest > self._high or highest < self._low:
            raise ValueError(
                f"The set is empty: no row of {self.base!r} has a score between low={self.low:.6g} and "
                f"high={self.high:.6g}."
            )
        bottom, top = ends.point
        low, high = max(self._low, float(self._unit @ bottom)), min(self._high, float(self._unit @ top))
        anchor = (_between if self.convex else self._bisect)(self._unit, bottom, top, 0.5 * (low + high))
        if low > high + 4 * self._blur or self._outside(anchor) > 4 * self._blur:
            raise ValueError(
                f"No point of the set was found: few rows of {self.base!r} or none have a score between "
                f"low={self.low:.6g} and high={self.high:.6g}. Move the levels apart."
            )
        return anchor

    def _bisect(
        self, unit: NDArray[np.float64], bottom: NDArray[np.float64], top: NDArray[np.float64], middle: float
    ) -> NDArray[np.float64]:
        """Return the point nearest to the levels among those near the line between two."""
        near, left, right = [bottom, top], bottom, top
        for _ in range(60):
            step = 0.5 * (left + right)
            point = self.base.project(step[None])[0]
            near.append(point)
            left, right = (step, right) if unit @ point < middle else (left, step)
        return min(near, key=self._outside)

    def _outside(self, point: NDArray[np.float64]) -> float:
        """By how much the score of a point is beyond the levels."""
        along = float(self._unit @ point)
        return max(self._low - along, along - self._high, 0.0)

    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        along = rows @ self._unit
        beyond = np.maximum(self._low - along, along - self._high) / (self._size or 1.0)
        return np.maximum(self.base._violation(rows), beyond)

    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        points, values, bounds = self.base.maximize(directions)
        if not np.isfinite([self._low, self._high]).any():
            return points, bounds
        outside = [self._outside(point) > 0 for point in points]
        # Over other sets the relaxed answer may break a level where the point that was made of it does not.
        tight = bounds - values <= rounding(self.n_features) * lengths(directions) * self.reach
        for index in np.flatnonzero(outside | ~(tight | self.convex)):
            search = self._search if self.convex else self._search_by_values
            points[index], bounds[index] = search(directions[index], points[index])
        return points, bounds

    def _dual(
        self, direction: NDArray[np.float64], normal: NDArray[np.float64], level: float, seen: list[_Reply]
    ) -> Callable[[float], _Reply]:
        """Return F.maximize(u + μc).bound − μ·level with its rounding, as a function of μ ≥ 0, for ⟨c, x⟩ ≥ level."""
        relative, size = rounding(self.n_features), float(np.linalg.norm(direction))

        def evaluate(price: float) -> _Reply:
            point, value, bound = self.base.maximize(direction + price * normal)
            # The smallest float stands for what scaling may have taken off a tiny level.
            weight = price * (abs(level) + _TINY)
            error = relative * ((size + price * self._size) * self.reach + weight)
            noise = error + (bound - value if self.convex else 0.0)
            seen.append(_Reply(price, bound - price * level + error, float(normal @ point) - level, noise, point))
            return seen[-1]

        return evaluate

    def _search(
        self, direction: NDArray[np.float64], farthest: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Minimise the dual over μ, on the side of the level that the uncut set's farthest point breaks."""
        above = bool(self._unit @ farthest > self._high)
        normal, level = (-self._unit, -self._high) if above else (self._unit, self._low)
        seen: list[_Reply] = []
        evaluate = self._dual(direction, normal, level, seen)
        guess = float(np.linalg.norm(direction)) / self._size or 1.0
        left, right = minimize_convex(evaluate, evaluate(0.0), guess, _zero_of_slope)
        point = _between(normal, left.point, right.point, level)
        return self._settle(point[None])[0], min(reply.value for reply in seen)

    def _search_by_values(
        self, direction: NDArray[np.float64], farthest: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float]:
        """Minimise the dual on both sides without slopes: points of such sets are not where their bounds are."""
        found: list[_Reply] = []
        guess = float(np.linalg.norm(direction)) / (self._size or 1.0) or 1.0
        for normal, level in ((self._unit, self._low), (-self._unit, -self._high)):
            if np.isfinite(level):
                seen: list[_Reply] = []
                evaluate = self._dual(direction, normal, level, seen)
                evaluate(0.0)
                _descend(evaluate, seen, guess / 64)
                found += seen
        points = [farthest, *(reply.point for reply in found)]
        inside = [point for point in points if self._outside(point) <= 0]
        return max([*inside, self._anchor], key=direction.__matmul__), min(reply.value for reply in found)

    def _settle(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Draw points of the convex uncut set towards the anchor, as far as rounding demands."""
        along, anchored = points @ self._unit, float(self._unit @ self._anchor)
        # A hair inside the levels where there is room, so that no other order of summation finds them outside.
        hair = min(self._blur, 0.5 * (self._high - self._low))
        wanted = np.clip(along, self._low + hair, self._high - hair)
        rise = along - anchored
        # Next to an anchor without room, the way that is left is noise and leads anywhere.
        far = np.abs(rise) > 4 * self._blur
        share = np.where(far, (wanted - anchored) / np.where(far, rise, 1.0), 1.0)
        drawn = self._anchor + np.clip(share, 0.0, 1.0)[:, None] * (points - self._anchor)
        drawn = np.where((wanted == along)[:, None], points, drawn)
        return pull_inside(drawn, self._anchor, self._violation)

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        # Rows farther than this have the same nearest point to rounding, and scores that stay finite.
        rows = np.clip(rows, -1e100, 1e100)
        points = self.base.project(rows)
        along = points @ self._unit
        for sign, level in ((1.0, self._low), (-1.0, -self._high)):
            short = np.flatnonzero(sign * along < level)
            if short.size:
                points[short] = self._tilt(rows[short], points[short], sign * self._unit, level)
        return self._settle(points) if self.convex else points

    def _tilt(
        self, rows: NDArray[np.float64], points: NDArray[np.float64], normal: NDArray[np.float64], level: float
    ) -> NDArray[np.float64]:
        """Project y + μc onto the uncut set, for the μ ≥ 0 at which the score is the level."""
        seen = []

        def evaluate(price: NDArray[np.float64]) -> _Replies:
            found = self.base.project(rows + price[:, None] * normal)
            seen.append(found)
            return _Replies(price, found @ normal - level, found)

        left = _Replies(np.zeros(len(rows)), points @ normal - level, points)
        guess = np.maximum(np.maximum(level - rows @ normal, -left.slope), self._blur) / self._size**2
        left, right = _bracket(evaluate, left, evaluate(guess), self._blur)
        if self.convex:
            span = right.slope - left.slope
            share = np.clip(right.slope / np.where(span > 0, span, 1.0), 0.0, 1.0)[:, None]
            return share * left.points + (1 - share) * right.points
        return np.array([self._nearest(row, [found[i] for found in seen]) for i, row in enumerate(rows)])

    def _nearest(self, row: NDArray[np.float64], points: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        inside = [point for point in points if self._outside(point) <= 0]
        return min([*inside, self._anchor], key=lambda point: float(np.linalg.norm(point - row)))


class _Replies(NamedTuple):
    """Points nearest to rows shifted by multiples of the normal, and by how much their scores exceed the level."""

    place: NDArray[np.float64]
    slope: NDArray[np.float64]
    points: NDArray[np.float64]

    def where(self, chosen: NDArray[np.bool_], other: "_Replies") -> "_Replies":
        """Return these replies in the chosen rows, and another's in the rest."""
        return _Replies(
            np.where(chosen, self.place, other.place),
            np.where(chosen, self.slope, other.slope),
            np.where(chosen[:, None], self.points, other.points),
        )


def _bracket(
    evaluate: Callable[[NDArray[np.float64]], _Replies], left: _Replies, right: _Replies, blur: float
) -> tuple[_Replies, _Replies]:
    """Close in, row by row, on where a score that rises with the shift reaches its level."""
    for _ in range(_DOUBLINGS):
        short = right.slope < 0
        if not short.any():
            break
        left = right.where(short, left)
        right = evaluate(np.where(short, 4 * right.place, right.place))
    for turn in range(_TURNS):
        width = right.place - left.place
        open_rows = (right.slope > blur) & (left.slope < -blur) & (width > 4e-16 * right.place)
        if not open_rows.any():
            break
        # Secants find the place at once where the set is flat; halving keeps both ends moving.
        share = 0.5 if turn % 3 == 2 else left.slope / np.minimum(left.slope - right.slope, -_TINY)
        middle = evaluate(np.where(open_rows, left.place + share * width, right.place))
        below = middle.slope < 0
        left, right = middle.where(open_rows & below, left), middle.where(open_rows & ~below, right)
    return left, right


def _between(
    normal: NDArray[np.float64], left: NDArray[np.float64], right: NDArray[np.float64], level: float
) -> NDArray[np.float64]:
    """Return the point of the line between two whose score is nearest to the level."""
    start, rise = float(normal @ left), float(normal @ (right - left))
    share = min(max((level - start) / rise, 0.0), 1.0) if rise > 0 else 1.0
    return (1 - share) * left + share * right


def _zero_of_slope(left: _Reply, right: _Reply) -> float:
    rise = right.slope - left.slope
    return left.place - left.slope * (right.place - left.place) / rise if rise > 0 else np.nan


def _descend(evaluate: Callable[[float], _Reply], seen: list[_Reply], step: float) -> None:
    """Minimise a convex function to the right of its first value, by longer and longer steps, then golden sections."""
    for _ in range(_DOUBLINGS):
        if evaluate(step).value >= seen[-2].value:
            break
        step *= 4
    left, right = seen[max(len(seen) - 3, 0)].place, seen[-1].place
    inner = [right - _GOLDEN * (right - left), left + _GOLDEN * (right - left)]
    values = [evaluate(place).value for place in inner]
    for _ in range(_SECTIONS):
        if values[0] <= values[1]:
            right, inner[1], values[1] = inner[1], inner[0], values[0]
            inner[0] = right - _GOLDEN * (right - left)
            values[0] = evaluate(inner[0]).value
        else:
            left, inner[0], values[0] = inner[0], inner[1], values[1]
            inner[1] = left + _GOLDEN * (right - left)
            values[1] = evaluate(inner[1]).value
