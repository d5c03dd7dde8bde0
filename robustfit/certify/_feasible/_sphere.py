"""The sphere defence's set: rows within a distance of a centroid."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._base import UNSEEN, FeasibleSet, lengths, pull_inside, rounding
from robustfit.certify._feasible._checks import check_length, check_vector


class Sphere(FeasibleSet):
    """Rows within a Euclidean distance of a centre: ‖x − μ‖ ≤ r.

    Parameters
    ----------
    center : array-like of shape (n_features,)
        μ, for the sphere defence the centroid of the class.
    radius : float
        r ≥ 0, in units of the features.

    Raises
    ------
    ValueError
        If the radius is negative or infinite, or the centre is not finite.

    Notes
    -----
    **Guarantee.** ``maximize(u).bound`` is ⟨u, μ⟩ + r‖u‖, the exact maximum, plus a bound on its rounding errors.

    References
    ----------
    .. [1] Steinhardt, Koh, Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> from robustfit.certify import Sphere
    >>> ball = Sphere([1.0, 0.0], 5.0)
    >>> support = ball.maximize([3.0, 4.0])
    >>> support.point.round(6), round(support.value, 6)
    (array([4., 4.]), 28.0)
    >>> ball.project([[11.0, 0.0]])
    array([[6., 0.]])
    """

    convex = True

    def __init__(self, center: ArrayLike, radius: Any) -> None:
        self.center = check_vector(center, "center")
        self.radius = check_length(radius, "radius")
        super().__init__(self.center.size)
        # No point of the set is farther from the origin.
        self.reach = float(np.linalg.norm(self.center)) + self.radius + UNSEEN

    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        beyond: NDArray[np.float64] = lengths(rows - self.center) - self.radius
        return np.maximum(beyond, 0.0)

    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        size = lengths(directions)
        bounds = directions @ self.center + self.radius * size + rounding(self.n_features) * size * self.reach
        unit = directions / np.where(size > 0, size, 1.0)[:, None]
        return pull_inside(self.center + self.radius * unit, self.center, self._violation), bounds

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        offset = rows - self.center
        largest = np.abs(offset).max(axis=1, keepdims=True)
        # Far rows could have squares beyond the range of floats.
        offset = offset / np.where(largest > 0, largest, 1.0)
        size = lengths(offset)[:, None]
        points = self.center + offset * (self.radius / np.where(size > 0, size, 1.0))
        return pull_inside(points, self.center, self._violation)
