"""Elastic net on normal equations, for many subsets at once, by coordinate descent."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

_MOST_SWEEPS = 2000
_TOLERANCE = 1e-12


def solve_lasso(gram, moment, ridge, l1):
    """Minimise ``b'Gb − 2 m'b + Σ ridge_j b_j² + Σ l1_j |b_j|`` for each of several G and m.

    Parameters
    ----------
    gram : ndarray of shape (n_subsets, p, p)
    moment : ndarray of shape (n_subsets, p)
    ridge, l1 : ndarray of shape (p,)

    Returns
    -------
    coefs : ndarray of shape (n_subsets, p)
    """
    n_subsets, p = moment.shape
    # Column j of all matrices in one piece, and subsets last, so that each update is one contiguous sweep.
    columns = np.ascontiguousarray(gram.transpose(2, 1, 0))
    weight = np.ascontiguousarray(gram[:, np.arange(p), np.arange(p)].T) + ridge[:, None]
    safe = np.where(weight > 0, weight, 1.0)
    gradient = np.ascontiguousarray(moment.T).copy()
    coefs = np.zeros((p, n_subsets))
    size = np.sqrt(safe)
    goal = _TOLERANCE * np.sqrt(np.max(moment.T**2 / safe, axis=0) + np.finfo(float).tiny)
    for _ in range(_MOST_SWEEPS):
        largest = np.zeros(n_subsets)
        for j in range(p):
            old = coefs[j].copy()
            pull = gradient[j] + (weight[j] - ridge[j]) * old
            new = np.sign(pull) * np.maximum(np.abs(pull) - 0.5 * l1[j], 0.0) / safe[j]
            step = new - old
            if step.any():
                gradient -= columns[j] * step
                coefs[j] = new
                np.maximum(largest, np.abs(step) * size[j], out=largest)
        if (largest <= goal).all():
            break
    return coefs.T.copy()
