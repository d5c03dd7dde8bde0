"""Columns that count: words of a text, visits, transactions."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._base import FeasibleSet
from robustfit.certify._feasible._box import best_corner
from robustfit.certify._feasible._cells import Cells, IntegerCells
from robustfit.certify._feasible._checks import check_bounds


class NonNegativeIntegers(FeasibleSet):
    """Rows of whole numbers: x_j in {0, 1, ..., upper_j}.

    Parameters
    ----------
    upper : float or array-like of shape (n_features,)
        Largest count of each column, rounded down; may be infinite.
    n_features : int, optional
        Number of columns where ``upper`` is a number.

    Raises
    ------
    ValueError
        If an upper end is negative or NaN.

    Notes
    -----
    `project` rounds to the nearest row of the set. The violation of a row is its largest distance from it in any
    column.

    **Guarantee.** ``maximize(u).bound`` is the exact maximum plus a bound on its rounding errors. Directions that
    point to an infinite count are refused.

    Examples
    --------
    >>> from robustfit.certify import NonNegativeIntegers
    >>> counts = NonNegativeIntegers([3, 3])
    >>> counts.maximize([1.0, -1.0]).point
    array([3., 0.])
    >>> counts.project([[1.6, 7.0]])
    array([[2., 3.]])
    """

    def __init__(self, upper: ArrayLike = np.inf, *, n_features: int | None = None) -> None:
        self.lower, upper = check_bounds(0.0, upper, n_features)
        self.upper: NDArray[np.float64] = np.floor(upper)
        super().__init__(self.upper.size)

    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        distance: NDArray[np.float64] = np.abs(rows - self._project(rows)).max(axis=1)
        return distance

    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return best_corner(directions, self.lower, self.upper)

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        rounded: NDArray[np.float64] = np.clip(np.floor(rows + 0.5), 0.0, self.upper)
        return rounded

    def _cells(self, center: NDArray[np.float64]) -> Cells:
        return IntegerCells(center, self.lower, self.upper)
