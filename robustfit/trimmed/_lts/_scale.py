"""Scale of the errors from the smallest squared residuals."""

# SPDX-License-Identifier: BSD-3-Clause

from math import exp, inf, log1p, pi, sqrt

import numpy as np
from scipy.special import ndtr, ndtri

# A fit with as many coefficients as rows leaves nothing to learn the scale from.
_MOST_USED = 0.95


def truncated_variance(bound):
    """Variance of a standard normal variable given that it is within ``±bound``."""
    inside = 2.0 * float(ndtr(bound)) - 1.0
    if not inside > 0:
        return np.finfo(float).tiny
    if bound == inf:
        return 1.0
    return 1.0 - 2.0 * bound * exp(-0.5 * bound * bound) / sqrt(2.0 * pi) / inside


def variance_within(share):
    """Variance of a standard normal variable given that it is among this share of the smallest in size."""
    return truncated_variance(float(ndtri(0.5 * (1.0 + min(share, 1.0)))))


def trimmed_scale(sum_of_squares, h, n_good, n_coefs):
    """Scale of the errors from the sum of the ``h`` smallest squared residuals of a least-trimmed-squares fit.

    With normal errors that sum is about ``m h v σ²``, where v is the variance of a standard normal variable given that
    it is among the h of n smallest in size, and m stands for the optimism of a fit that chose its rows and its p
    coefficients. To first order, as for least squares, the fit takes p σ² from the sum, so m = 1 − p / (h v). For small
    n the form below, with u = (p − (1 − v) / 2) / h, was fitted to simulated optima; it gives the scale within a tenth
    from about three rows for each coefficient:

        −log m = −w log(1 − u) / v + (1 − w) [log(1 + u (1/v − 1)) − log(1 − u)],    w = min(1.8 u, 1).

    It is exact, m = 1 − p / n, where all rows are kept.

    Parameters
    ----------
    sum_of_squares : float
    h : int
    n_good : float
        Rows that follow the model, as far as known; the number of all rows is the cautious choice (a larger scale).
    n_coefs : float
        p, or the degrees of freedom of a penalised fit.

    Returns
    -------
    scale : float
    """
    within = variance_within(h / n_good)
    used = min(max(n_coefs - 0.5 * (1.0 - within), 0.0) / h, _MOST_USED)
    blend = min(1.8 * used, 1.0)
    plain = -log1p(-used)
    optimism = blend * plain / within + (1.0 - blend) * (log1p(used * (1.0 / within - 1.0)) + plain)
    return sqrt(sum_of_squares / (h * within) * exp(optimism))
