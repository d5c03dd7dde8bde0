"""Which rows are outliers of a robust fit, and the least-squares fit on the others."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import ndtr

from robustfit.trimmed._lts._scale import trimmed_scale

# Residuals below this many sigma are never outliers.
INNER = 2.4
_ROUNDS = 3


def outlying(sizes):
    """Mark the residuals that are more, and farther out, than a normal law explains.

    The share of outliers is the largest excess of the normal distribution function over that of the sizes, beyond
    2.4 sigma; as many of the largest are marked, rounded up. Of normal errors that is next to nothing, so that the fit on the
    others loses no efficiency, while far rows are marked as a fixed cut-off would [1]_.

    Parameters
    ----------
    sizes : ndarray of shape (n_rows,)
        Absolute residuals in units of sigma.

    Returns
    -------
    out : ndarray of shape (n_rows,), bool
    cutoff : float
        Smallest size that is out; infinite if none is.
    excess : float
        Share of outliers.

    References
    ----------
    .. [1] D. Gervini and V. J. Yohai, "A class of robust and fully efficient regression estimators", Annals of
       Statistics, 2002.
    """
    n_rows = len(sizes)
    outer = np.sort(sizes[sizes >= INNER])
    if not len(outer):
        return np.zeros(n_rows, dtype=bool), np.inf, 0.0
    below = np.arange(n_rows - len(outer), n_rows) / n_rows
    excess = max(0.0, float(np.max(2.0 * ndtr(outer) - 1.0 - below)))
    # A hair more than a whole number is that number.
    n_out = min(len(outer), int(np.ceil(n_rows * excess - 1e-9)))
    if not n_out:
        return np.zeros(n_rows, dtype=bool), np.inf, excess
    cutoff = float(outer[len(outer) - n_out])
    return sizes >= cutoff, cutoff, excess


def clean_scale(residuals, sum_of_squares, h, n_coefs):
    """Scale of the errors, and the share of outliers, each found given the other.

    Parameters
    ----------
    residuals : ndarray of shape (n_rows,)
    sum_of_squares : float
        Of the ``h`` smallest.
    h, n_coefs : int

    Returns
    -------
    scale, excess : float
    """
    n_rows, excess = len(residuals), 0.0
    scale = trimmed_scale(sum_of_squares, h, n_rows, n_coefs)
    sizes = np.abs(residuals)
    for _ in range(_ROUNDS):
        if not scale > 0:
            break
        excess = outlying(sizes / scale)[2]
        scale = trimmed_scale(sum_of_squares, h, max(h, n_rows * (1.0 - excess)), n_coefs)
    return scale, excess
