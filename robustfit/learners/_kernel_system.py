"""The linear system of kernel ridge regression."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import LinAlgError
from scipy.linalg.lapack import dpocon, dpotrf, dpotrs


class KernelSolution(NamedTuple):
    """Dual coefficients, and how well the system determines them.

    Attributes
    ----------
    dual : ndarray of shape (n_samples, n_targets)
    size : float
        Frobenius norm of ``z``.
    norm : float
        Largest row sum of the system's absolute values.
    condition : float
        Estimate of its condition number.
    """

    dual: Any
    size: float
    norm: float
    condition: float


def solve_kernel_system(kernel, targets, alpha, sample_weight=None):
    """Dual coefficients of kernel ridge regression.

    Minimises ``Σ_i s_i ‖t_i − (K a)_i‖² + α aᵀ K a`` by solving ``(S K S + α I) z = S t`` with ``a = S z``, where ``S``
    holds the square roots of the weights ``s``.

    Parameters
    ----------
    kernel : ndarray of shape (n_samples, n_samples)
        Kernel matrix ``K``; overwritten.
    targets : ndarray of shape (n_samples, n_targets)
    alpha : float
        Non-negative.
    sample_weight : ndarray of shape (n_samples,), optional

    Returns
    -------
    KernelSolution

    Raises
    ------
    scipy.linalg.LinAlgError
        If the system is not positive definite.
    """
    if sample_weight is not None:
        root = np.sqrt(sample_weight)[:, None]
        kernel *= root
        kernel *= root.T
        targets = targets * root
    kernel.flat[:: len(kernel) + 1] += alpha
    norm = float(np.abs(kernel).sum(axis=0).max())
    factor, info = dpotrf(kernel, lower=1, clean=0)
    if info != 0:
        raise LinAlgError("The kernel matrix plus alpha times the identity is not positive definite.")
    reciprocal, _ = dpocon(factor, norm, uplo="L")
    dual, _ = dpotrs(factor, targets, lower=1)
    size = float(np.sqrt(np.vdot(dual, dual)))
    if sample_weight is not None:
        dual *= root
    return KernelSolution(dual, size, norm, 1.0 / max(float(reciprocal), np.finfo(np.float64).tiny))
