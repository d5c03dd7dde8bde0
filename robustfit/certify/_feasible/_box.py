"""Columns that stay within a range."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._base import FeasibleSet, rounding
from robustfit.certify._feasible._cells import Cells, RealCells
from robustfit.certify._feasible._checks import check_bounds
from robustfit.certify._threats import CertificateError


class Box(FeasibleSet):
    """Rows whose columns lie between given ends: lower ≤ x ≤ upper.

    Parameters
    ----------
    lower, upper : float or array-like of shape (n_features,)
        Ends of each column; infinite where there is none. At least one of the two is an array, unless ``n_features`` is
        given.
    n_features : int, optional
        Number of columns where both ends are numbers.

    Raises
    ------
    ValueError
        If some lower end exceeds the upper one, or sizes disagree.

    Notes
    -----
    **Guarantee.** ``maximize(u).bound`` is the sum of u_j times the end that it points to, plus a bound on its rounding
    errors. Directions that point to an infinite end are refused.

    Examples
    --------
    >>> from robustfit.certify import Box
    >>> pixels = Box([0.0, 0.0], [1.0, 1.0])
    >>> pixels.maximize([2.0, -1.0]).point
    array([1., 0.])
    >>> pixels.violation([[0.5, 1.25], [0.0, 1.0]])
    array([0.25, 0.  ])
    """

    convex = True

    def __init__(self, lower: ArrayLike, upper: ArrayLike, *, n_features: int | None = None) -> None:
        self.lower, self.upper = check_bounds(lower, upper, n_features)
        super().__init__(self.lower.size)

    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        beyond: NDArray[np.float64] = np.maximum(np.maximum(rows - self.upper, self.lower - rows).max(axis=1), 0.0)
        return beyond

    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return best_corner(directions, self.lower, self.upper)

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        clipped: NDArray[np.float64] = np.clip(rows, self.lower, self.upper)
        return clipped

    def _cells(self, center: NDArray[np.float64]) -> Cells:
        return RealCells(self.lower - center, self.upper - center)


def best_corner(
    directions: NDArray[np.float64], lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corner of a box that is farthest in each direction, and a bound that covers the rounding of the sum.

    Raises
    ------
    CertificateError
        If a direction points to an infinite end.
    """
    points = np.where(directions > 0, upper, np.where(directions < 0, lower, np.clip(0.0, lower, upper)))
    if not np.isfinite(points).all():
        column = int(np.flatnonzero(~np.isfinite(points).all(axis=0))[0])
        raise CertificateError(
            f"The set has no end in this direction: column {column} may be infinite. Give it a finite end, or meet "
            "the set with a sphere."
        )
    terms = directions * points
    return points, terms.sum(axis=1) + rounding(lower.size) * np.abs(terms).sum(axis=1)
