"""Scale of the errors from the smallest squared residuals."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import ndtr, ndtri


def truncated_variance(bound):
    """Variance of a standard normal variable given that it is within ``±bound``."""
    inside = 2.0 * ndtr(bound) - 1.0
    if not inside > 0:
        return np.finfo(float).tiny
    if np.isinf(bound):
        return 1.0
    return 1.0 - 2.0 * bound * np.exp(-0.5 * bound * bound) / np.sqrt(2.0 * np.pi) / inside


def consistency_factor(share):
    """Factor that makes the root mean square of the smallest ``share`` of residuals estimate sigma of a normal law."""
    return 1.0 / np.sqrt(truncated_variance(ndtri(0.5 * (1.0 + min(share, 1.0)))))


def trimmed_scale(sum_of_squares, h, n_good, n_coefs):
    """Scale of the errors from the sum of the ``h`` smallest squared residuals of a fit.

    Parameters
    ----------
    sum_of_squares : float
    h : int
    n_good : float
        Rows that follow the model, as far as known; the number of all rows is the cautious choice (a larger scale).
    n_coefs : int

    Returns
    -------
    scale : float
    """
    share = min(h / n_good, 1.0)
    return float(np.sqrt(sum_of_squares / h) * consistency_factor(share) * small_sample_factor(share, n_good, n_coefs))


def small_sample_factor(share, n_rows, n_coefs):
    """Factor against the optimism of a fit that chose its own rows."""
    return np.sqrt(n_rows / max(n_rows - n_coefs, 1.0))
