"""Sphere and slab together, the defence of Steinhardt, Koh and Liang: maximum and projection in closed form."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._base import FeasibleSet, lengths, pull_inside, rounding
from robustfit.certify._feasible._slab import Slab
from robustfit.certify._feasible._sphere import Sphere


class _Split(NamedTuple):
    """Vectors in two parts: ``along`` (n,) times the unit normal, and ``size`` (n,) times the unit rows ``across``."""

    along: NDArray[np.float64]
    size: NDArray[np.float64]
    across: NDArray[np.float64]


class SphereSlab(FeasibleSet):
    """Rows near a centroid, and near the hyperplane through it: ``‖x − μ‖ ≤ r`` and ``|⟨x − μ, n⟩| ≤ s``.

    Parameters
    ----------
    center : array-like of shape (n_features,)
        μ, the centroid of the class.
    radius : float
        r ≥ 0, in units of the features.
    normal : array-like of shape (n_features,)
        n, of any length, the difference of the two centroids. A zero normal leaves the sphere.
    width : float
        s ≥ 0, in units of the inner product. Infinity leaves the sphere.

    Raises
    ------
    ValueError
        If the radius or width is negative, or a value is not finite. The set is never empty: it holds its centre.

    Notes
    -----
    With v the unit normal, σ = s/‖n‖, a = ⟨u, v⟩ and p = u − a v, the maximum of ⟨u, x⟩ is ``⟨u, μ⟩ + r‖u‖`` if
    ``r|a| ≤ σ‖u‖``, and ``⟨u, μ⟩ + |a|σ + √(r² − σ²)·‖p‖`` otherwise. `project` returns the nearest point, in closed
    form too.

    **Guarantee.** ``maximize(u).bound`` is ``⟨u, μ⟩ + r‖u − νn‖ + |ν|s``, which bounds the maximum for every number ν,
    at the ν that makes it smallest, plus a bound on its rounding errors. It exceeds ``value`` by rounding only.

    References
    ----------
    .. [1] Steinhardt, Koh, Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> from robustfit.certify import SphereSlab
    >>> kept = SphereSlab(center=[0.0, 0.0], radius=5.0, normal=[1.0, 0.0], width=3.0)
    >>> support = kept.maximize([1.0, 0.0])
    >>> round(support.value, 9), bool(support.bound >= support.value)
    (3.0, True)
    >>> kept.maximize([[2.0, 1.0], [0.0, 1.0]]).value.round(9)
    array([10.,  5.])
    >>> kept.project([[9.0, 9.0]]).round(9)
    array([[3., 4.]])
    """

    convex = True

    def __init__(self, center: ArrayLike, radius: Any, normal: ArrayLike, width: Any) -> None:
        self.sphere = Sphere(center, radius)
        self.slab = Slab(center, normal, width)
        super().__init__(self.sphere.n_features)
        self.center, self.radius = self.sphere.center, self.sphere.radius
        self.normal, self.width = self.slab.normal, self.slab.width
        self.reach = self.sphere.reach

    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.maximum(self.sphere._violation(rows), self.slab._violation(rows))

    def _split(self, rows: NDArray[np.float64]) -> _Split:
        unit = self.slab.unit
        along = rows @ unit
        first = rows - along[:, None] * unit
        # Once more, since the first remainder of a nearly parallel row is rounding noise in any direction.
        again = first @ unit
        across = first - again[:, None] * unit
        size = lengths(across)
        noise = np.maximum(0.5 * lengths(first), 16 * np.finfo(np.float64).eps * np.abs(along))
        parallel = size <= noise
        across *= (~parallel / np.where(parallel, 1.0, size))[:, None]
        return _Split(along + again, np.where(parallel, 0.0, size), across)

    def _corner(self) -> tuple[float, float]:
        """Half-thickness of the slab, at most the radius, and the radius of the disc that it cuts out."""
        depth = min(self.slab.half_thickness, self.radius)
        return depth, float(np.sqrt(self.radius - depth) * np.sqrt(self.radius + depth))

    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        part = self._split(directions)
        size = lengths(directions)
        depth, disc = self._corner()
        lean = np.abs(part.along)
        cut = (self.radius * lean > depth * size) & (depth < self.radius)

        steepness = depth / disc if disc > 0 else 0.0
        # Any multiplier is sound; this one is the best in exact arithmetic.
        push = np.where(cut, np.maximum(lean - part.size * steepness, 0.0), 0.0)
        multiplier = np.sign(part.along) * push / (self.slab.normal_size or 1.0)
        bounds = self._dual(directions, size, multiplier)

        straight = directions * (self.radius / np.where(size > 0, size, 1.0))[:, None]
        bent = (np.sign(part.along) * depth)[:, None] * self.slab.unit + disc * part.across
        points = self.center + np.where(cut[:, None], bent, straight)
        return pull_inside(points, self.center, self._violation), bounds

    def _dual(
        self, directions: NDArray[np.float64], size: NDArray[np.float64], multiplier: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Bound ⟨u, x⟩ = ⟨u, μ⟩ + ⟨u − νn, x − μ⟩ + ν⟨n, x − μ⟩ term by term, and its rounding."""
        shortened = lengths(directions - multiplier[:, None] * self.normal)
        weight = np.abs(multiplier)
        # Beyond the sphere the width does not matter, and infinity times 0 has no value.
        width = min(self.width, 2 * self.slab.normal_size * self.radius)
        value = directions @ self.center + self.radius * shortened + weight * width
        scale = size * self.sphere.reach + weight * (self.slab.normal_size * self.radius + width)
        bound: NDArray[np.float64] = value + rounding(self.n_features) * scale
        return bound

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        part = self._split(rows - self.center)
        depth, disc = self._corner()
        length = np.hypot(part.along, part.size)
        on_slab = np.clip(part.along, -depth, depth)
        shrink = np.where(length > self.radius, self.radius / np.where(length > 0, length, 1.0), 1.0)
        on_sphere = part.along * shrink
        # The plane through the centre, the row and the normal holds the answer: on the edge, the arc, or their corner.
        edge = np.hypot(on_slab, part.size) <= self.radius
        arc = ~edge & (np.abs(on_sphere) <= depth)
        along = np.where(arc, on_sphere, on_slab)
        across = np.select([edge, arc], [part.size, part.size * shrink], disc)
        points = self.center + along[:, None] * self.slab.unit + across[:, None] * part.across
        return pull_inside(points, self.center, self._violation)
