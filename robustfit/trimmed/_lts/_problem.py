"""A least-trimmed-squares problem in robust units, and what is known of a solution."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit._meta._selection import keep_smallest

Floats = NDArray[np.float64]


class Problem(NamedTuple):
    """Minimise the sum of the ``h`` smallest squared residuals plus a penalty, over the coefficients.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_coefs)
        In robust units; the last column is 1 where there is an intercept.
    target : ndarray of shape (n_rows,)
    ridge, l1 : ndarray of shape (n_coefs,)
        Price of the square and of the absolute value of each coefficient; zero for the intercept.
    keys : ndarray of shape (n_rows,), uint64
        Digests of the rows, which settle ties.
    """

    rows: Floats
    target: Floats
    ridge: Floats
    l1: Floats
    keys: NDArray[np.uint64]

    @property
    def n_rows(self):
        """Number of rows."""
        return self.rows.shape[0]

    @property
    def n_coefs(self):
        """Number of coefficients, the intercept among them."""
        return self.rows.shape[1]

    @property
    def sparse(self):
        """Whether absolute values are penalised."""
        return bool(self.l1.any())

    def take(self, index):
        """Return the problem on some of the rows, in that order."""
        return self._replace(rows=self.rows[index], target=self.target[index], keys=self.keys[index])

    def penalty(self, coefs):
        """Penalty of one vector of coefficients or of each row of several."""
        return (coefs * coefs) @ self.ridge + np.abs(coefs) @ self.l1

    def at(self, coefs, h):
        """Return the `Solution` that these coefficients make: the rows they fit best and what it costs."""
        squares = np.square(self.target - self.rows @ coefs)
        kept = keep_smallest(squares, h, lambda: self.keys)
        return Solution(coefs, kept, float(squares[kept].sum() + self.penalty(coefs)))


class Solution(NamedTuple):
    """Coefficients, the ``h`` rows that they fit best, and the objective there.

    Attributes
    ----------
    coefs : ndarray of shape (n_coefs,)
    kept : ndarray of shape (n_rows,), bool
    objective : float
    """

    coefs: Floats
    kept: NDArray[np.bool_]
    objective: float
