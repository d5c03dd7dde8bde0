"""What rounding can do to a linear score: bounds on the error of its coefficients, free of the units of the columns.

Systems are looked at with rows and columns scaled to a unit diagonal: Cholesky's method rounds as if they had been, and
condition numbers mean little when one column is in thousands and another in tenths. See ``docs/guarantees.md``.
"""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpocon

from robustfit.ensemble._lean._family import WORST_CONDITION, Unsolved


@dataclass
class Rounding:
    """Bound on the error of a score ``w·x + b`` that comes from the coefficients.

    It is at most ``slack · ‖D x‖ + constant`` with ``D = diag(scale)``; the rounding of the dot product itself
    is not part of it.

    Attributes
    ----------
    scale : ndarray of shape (n_features,)
        Reciprocal size of each column.
    slack, constant : float
    """

    scale: Any
    slack: float
    constant: float


@dataclass
class ScaledSystem:
    """A positive definite system ``H`` in the units of its diagonal, ``D H D`` with ``D = diag(H)^(−1/2)``.

    Attributes
    ----------
    scale : ndarray of shape (n_unknowns,)
        Diagonal of D.
    condition : float
        Estimate of the condition number of ``D H D``. Its norm is at least one, so that of its inverse is at most this.
    """

    scale: Any
    condition: float

    @classmethod
    def of(cls, matrix, factor):
        """Measure a matrix by its lower Cholesky factor.

        Raises
        ------
        Unsolved
            If it is ill-conditioned.
        """
        scale = 1.0 / np.sqrt(matrix.diagonal())
        norm = float((scale * (np.abs(matrix) @ scale)).max())
        reciprocal, _ = dpocon(factor * scale[:, None], norm, uplo="L")
        if not reciprocal * WORST_CONDITION >= 1:
            raise Unsolved("its system is ill-conditioned")
        return cls(scale, 1.0 / reciprocal)


def length(vector):
    """Euclidean norm of all entries."""
    return sqrt(np.vdot(vector, vector))


class Magnitudes:
    """Sizes of the entries of a design matrix, for the rounding of its products.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_unknowns)
    rotated : bool
        Whether X was rotated: its entries then carry errors in the unit of the rows' norms.
    """

    def __init__(self, X, rotated):
        self._rotated = rotated
        self._sizes = np.sqrt(np.einsum("ij,ij->i", X, X)) if rotated else np.abs(X)

    def of_scores(self, W):
        """``Σ_j |x_ij| |W_kj|``, or ``‖x_i‖ ‖W_k‖``, of shape (n_samples, n_scores)."""
        if self._rotated:
            return np.multiply.outer(self._sizes, np.sqrt(np.einsum("ij,ij->i", W, W)))
        return self._sizes @ np.abs(W).T

    def of_sums(self, rows, scale):
        """Largest length of ``D e`` for an error ``e`` of ``rowsᵀ X`` whose terms err by a share of their sizes.

        Parameters
        ----------
        rows : ndarray of shape (n_samples, n_scores)
            Non-negative.
        scale : ndarray of shape (n_scores, n_unknowns)
            Diagonal of D.
        """
        if self._rotated:
            return float(scale.max()) * length(self._sizes @ rows)
        return length(scale * (rows.T @ self._sizes))
