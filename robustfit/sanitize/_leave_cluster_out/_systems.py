"""Symmetric positive definite systems, by a factor or by products."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import dpotrf, dpotrs

_MOST_PRODUCTS = 500


def gram(X, bend):
    """``Xᵀ diag(bend) X`` for ``bend >= 0``, dense."""
    root = np.sqrt(bend)
    if sp.issparse(X):
        rows = sp.diags_array(root) @ X
        return (rows.T @ rows).toarray()
    rows = X * root[:, None]
    return rows.T @ rows


def factored(matrix):
    """Lower Cholesky factor."""
    factor, info = dpotrf(matrix, lower=1)
    if info != 0:
        raise np.linalg.LinAlgError("The Hessian of a reference model is not positive definite: raise the penalty.")
    return factor


def solve_factored(factor, right):
    """Solve with a factor of `factored`."""
    return dpotrs(factor, right, lower=1)[0]


def conjugate_gradients(product, rights, residual_share, precondition=None):
    """Solve for each column by itself, with the products of all at once.

    Parameters
    ----------
    product : callable
        ``product(directions)`` multiplies directions of the shape of ``rights`` by the matrix.
    rights : ndarray of shape (n_unknowns,) or (n_unknowns, n_columns)
    residual_share : float
        End at this part of the length of the right-hand side.
    precondition : callable, default=None
        ``precondition(residuals)`` multiplies by an approximate inverse.

    Returns
    -------
    found : ndarray of the shape of ``rights``
    """
    found, residual = np.zeros_like(rights), rights.copy()
    enough = residual_share**2 * _inner(rights, rights)
    eased = residual if precondition is None else precondition(residual)
    direction, size = eased.copy(), _inner(residual, eased)
    for _ in range(_MOST_PRODUCTS):
        busy = _inner(residual, residual) > enough
        if not np.any(busy):
            break
        product_ = product(direction)
        rate = np.where(busy, _ratio(size, _inner(direction, product_)), 0.0)
        found += rate * direction
        residual -= rate * product_
        eased = residual if precondition is None else precondition(residual)
        new = _inner(residual, eased)
        direction = eased + _ratio(new, size) * direction
        size = new
    return found


def _inner(left, right):
    return np.einsum("i...,i...->...", left, right)


def _ratio(above, below):
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)
