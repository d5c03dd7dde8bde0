"""The two-variable Lagrange dual of a linear score over cells, sphere and slab.

With offsets z = x − μ, cells Z, the sphere ‖z‖ ≤ r and the slab l ≤ ⟨n, z⟩ ≤ h, for every λ ≥ κ and every ν

    max { ⟨u, z⟩ − κ‖z‖² }  ≤  g(λ, ν) = max_{z ∈ Z} { ⟨u − νn, z⟩ − λ‖z‖² } + (λ − κ) r² + max(νh, νl),

whatever the cells are. κ is 0 for scores and 1 for projections, where u is twice the row's offset. See
``docs/feasible_sets.md``, 4 and 6, for the proof and for the rounding errors.
"""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._feasible._base import rounding
from robustfit.certify._feasible._cells import Cells
from robustfit.certify._feasible._line_search import minimize_convex


@dataclass(frozen=True)
class Region:
    """Cells that meet a sphere and a slab, as offsets from the centre.

    Attributes
    ----------
    cells : Cells
    radius : float
        May be infinite where all cells are bounded.
    normal : ndarray of shape (n_features,)
    low, high : float
        Ends of the slab; infinite where there is none.
    """

    cells: Cells
    radius: float
    normal: NDArray[np.float64]
    low: float
    high: float

    @cached_property
    def reach(self) -> float:
        """No offset of the region is longer."""
        longest = np.maximum(np.abs(self.cells.low), np.abs(self.cells.high))
        return min(self.radius, float(np.linalg.norm(longest)))

    @cached_property
    def normal_size(self) -> float:
        """Length of the normal."""
        return float(np.linalg.norm(self.normal))


class Relaxation(NamedTuple):
    """What the dual tells.

    Attributes
    ----------
    bound : float
        At least the maximum.
    blend : ndarray of shape (n_features,)
        Mixture of maximisers that meets the constraints with a multiplier: optimal where the region is convex.
    corners : list of ndarray of shape (n_features,)
        The maximisers themselves, which lie in the cells but perhaps a little outside sphere and slab.
    """

    bound: float
    blend: NDArray[np.float64]
    corners: list[NDArray[np.float64]]


class _Response(NamedTuple):
    """The inner maximum at one λ, as a tangent of g(·, ν)."""

    place: float
    value: float
    slope: float
    noise: float
    offset: NDArray[np.float64]
    along: float


class _Section(NamedTuple):
    """The minimum over λ at one ν, as a tangent of min_λ g(λ, ·); ``mix`` weighs the two responses that enclose it."""

    place: float
    value: float
    slope: float
    noise: float
    left: _Response
    right: _Response
    mix: float

    @property
    def blend(self) -> NDArray[np.float64]:
        return _mixture(self.left.offset, self.right.offset, self.mix)


class Dual:
    """The dual of one score over one region.

    Parameters
    ----------
    region : Region
    score : ndarray of shape (n_features,)
        u.
    curvature : {0.0, 1.0}
        κ.
    """

    def __init__(self, region: Region, score: NDArray[np.float64], curvature: float) -> None:
        self.region, self.score, self.curvature = region, score, curvature
        self.best = np.inf
        self._relative = rounding(score.size)
        self._score_size, self._score_sum = float(np.linalg.norm(score)), float(np.abs(score).sum())
        self._normal_size = region.normal_size
        self._normal_sum = float(np.abs(region.normal).sum())
        self._reach = region.reach
        self._price = 0.0

    def solve(self) -> Relaxation:
        """Minimise g; what it saw of it on the way bounds the maximum, whether or not it converged."""
        # Columns without an end answer a price of 0 with infinity.
        with np.errstate(over="ignore", invalid="ignore"):
            return self._solve()

    def _solve(self) -> Relaxation:
        first = self._section(0.0)
        left = right = first
        low, high = self.region.low, self.region.high
        middle = high - first.slope if np.isfinite(high) else 0.0
        if self._normal_size and not low <= middle <= high:
            if middle < low:
                mirrored = replace(self.region, normal=-self.region.normal, low=-high, high=-low)
                dual = Dual(mirrored, self.score, self.curvature)
                dual.best = self.best
                return dual._solve()
            share = abs(float(self.score @ self.region.normal)) / self._normal_size**2
            guess = share or max(self.curvature, 1.0) * self._reach / self._normal_size
            left, right = minimize_convex(self._section, first, guess, _zero_of_slope)
        mix = _weight(left.slope, right.slope)
        corners = [left.left.offset, left.right.offset, right.left.offset, right.right.offset]
        blend = _mixture(left.blend, right.blend, mix)
        return Relaxation(self.best, blend, [corner for corner in corners if np.isfinite(corner).all()])

    def _section(self, tilt: float) -> _Section:
        """Minimise over λ for a given ν ≥ 0."""
        payoff = self.score - tilt * self.region.normal if tilt else self.score
        respond = partial(self._response, payoff, tilt)
        left = right = respond(self.curvature)
        if left.slope < 0:
            guess = self._price or 0.5 * float(np.linalg.norm(payoff)) / (self.region.radius or 1.0)
            left, right = minimize_convex(respond, left, max(guess, 1.01 * self.curvature), _zero_of_slope_in_squares)
            self._price = right.place
        mix = _weight(left.slope, right.slope)
        along = right.along if mix == 0 else mix * left.along + (1 - mix) * right.along
        slope = self.region.high - along
        lower = min((left, right), key=lambda response: response.value)
        return _Section(tilt, lower.value, slope, 4 * max(left.noise, right.noise), left, right, mix)

    def _response(self, payoff: NDArray[np.float64], tilt: float, price: float) -> _Response:
        """Evaluate g(λ, ν) and keep the smallest bound seen, rounding errors included."""
        region = self.region
        offset = region.cells.respond(payoff, price)
        squared = float(offset @ offset)
        if not np.isfinite(squared):
            return _Response(price, np.inf, -np.inf, 0.0, offset, np.nan)
        along = float(region.normal @ offset)
        bounded = region.radius < np.inf
        ball = region.radius**2 if bounded else 0.0
        side = tilt * region.high if tilt else 0.0
        value = float(payoff @ offset) - price * squared + (price - self.curvature) * ball + side
        scale = (
            (self._score_size + tilt * self._normal_size) * np.sqrt(squared)
            + price * squared
            + (price + self.curvature) * ball
            + abs(side)
            + tilt * self._normal_size * self._reach
            + region.cells.doubt(self._score_sum + tilt * self._normal_sum, price)
        )
        error = self._relative * scale
        self.best = min(self.best, value + error)
        slope = ball - squared if bounded else 0.0
        return _Response(price, value, slope, error + 1e-13 * scale, offset, along)


def _mixture(a: NDArray[np.float64], b: NDArray[np.float64], weight: float) -> NDArray[np.float64]:
    # A response may be infinite where its weight is 0.
    return b if weight == 0 else weight * a + (1 - weight) * b


def _weight(left: float, right: float) -> float:
    """Weight of the left slope in the mixture of both that is 0."""
    if not (left < 0 < right and np.isfinite(left) and np.isfinite(right)):
        return 0.0
    return right / (right - left)


def _zero_of_slope(left: _Section, right: _Section) -> float:
    rise = right.slope - left.slope
    return left.place - left.slope * (right.place - left.place) / rise if rise > 0 else np.nan


def _zero_of_slope_in_squares(left: _Response, right: _Response) -> float:
    """Where the slope α − β/λ² vanishes: exact while no cell is at its end."""
    if not left.place > 0 or not np.isfinite(left.slope):
        return np.nan
    near, far = left.place**-2, right.place**-2
    beta = (right.slope - left.slope) / (near - far) if near > far else 0.0
    alpha = right.slope + beta * far
    return float(np.sqrt(beta / alpha)) if alpha > 0 and beta > 0 else np.nan
