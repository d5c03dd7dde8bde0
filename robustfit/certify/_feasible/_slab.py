"""The slab defence's set: rows near a hyperplane across the line between two centroids."""

# SPDX-License-Identifier: BSD-3-Clause

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._base import FeasibleSet, lengths, rounding
from robustfit.certify._feasible._checks import check_length, check_normal, check_vector
from robustfit.certify._threats import CertificateError


class Slab(FeasibleSet):
    """Rows between two parallel hyperplanes: ``|⟨x − μ, n⟩| ≤ s``.

    Parameters
    ----------
    center : array-like of shape (n_features,)
        μ, for the slab defence the centroid of the class.
    normal : array-like of shape (n_features,)
        n, of any length: for the slab defence the difference of the two centroids. With a zero normal every row is
        inside.
    width : float
        s ≥ 0, on each side of the centre, in units of the inner product; it scales with the normal. Infinity is
        allowed.

    Raises
    ------
    ValueError
        If the width is negative, or the centre or normal is not finite.

    Notes
    -----
    A slab has no end except across. `maximize` answers directions that are exact multiples of the normal and refuses
    all others; meet it with a sphere (`SphereSlab`) or a box (`BoxedSphereSlab` with an infinite radius) for those.

    **Guarantee.** ``maximize(u).bound`` is ``⟨u, μ⟩ + s·‖u‖/‖n‖`` for a multiple u of n, plus a bound on its rounding
    errors.

    References
    ----------
    .. [1] Steinhardt, Koh, Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> from robustfit.certify import Slab
    >>> slab = Slab([0.0, 0.0], [2.0, 0.0], 1.0)
    >>> slab.project([[3.0, 7.0]])
    array([[0.5, 7. ]])
    >>> slab.maximize([-4.0, 0.0]).value
    2.0
    """

    convex = True

    def __init__(self, center: ArrayLike, normal: ArrayLike, width: Any) -> None:
        self.center = check_vector(center, "center")
        self.normal = check_normal(normal, self.center.size)
        self.width = check_length(width, "width", infinite=True)
        super().__init__(self.center.size)
        size = float(np.linalg.norm(self.normal))
        self.normal_size = size
        self.unit = self.normal / (size or 1.0)
        # The same slab in units of the features; without a normal nothing is out.
        self.half_thickness = self.width / size if size else np.inf

    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.half_thickness == np.inf:
            return np.where(np.isfinite(rows).all(axis=1), 0.0, np.inf)
        beyond = np.abs((rows - self.center) @ self.normal) - self.width
        return np.maximum(beyond, 0.0) / self.normal_size

    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        ratio = np.array([self._multiple(direction) for direction in directions]).reshape(-1)
        across = np.where(ratio != 0, np.abs(ratio) * min(self.width, np.finfo(np.float64).max), 0.0)
        size = lengths(directions)
        scale = size * np.linalg.norm(self.center) + across
        bounds = directions @ self.center + across + rounding(self.n_features) * scale
        thickness = 0.0 if self.half_thickness == np.inf else self.half_thickness
        return self.center + np.sign(ratio)[:, None] * thickness * self.unit, bounds

    def _multiple(self, direction: NDArray[np.float64]) -> float:
        """Return t with direction = t · normal, in exact arithmetic."""
        if not direction.any():
            return 0.0
        pivot = int(np.abs(self.normal).argmax())
        if self.half_thickness < np.inf:
            steps = [Fraction(value) for value in direction.tolist()]
            normal = [Fraction(value) for value in self.normal.tolist()]
            if all(u * normal[pivot] == steps[pivot] * n for u, n in zip(steps, normal, strict=True)):
                return float(direction[pivot] / self.normal[pivot])
        raise CertificateError(
            "A slab has no end in this direction, so no number bounds it. Meet it with a sphere (SphereSlab) or a box "
            "(BoxedSphereSlab, whose radius may be infinite)."
        )

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        along = (rows - self.center) @ self.unit
        beyond = np.sign(along) * np.maximum(np.abs(along) - self.half_thickness, 0.0)
        return rows - beyond[:, None] * self.unit
