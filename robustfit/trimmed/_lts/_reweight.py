"""Which rows are outliers of a robust fit: as many as are more, and farther out, than a normal law explains."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from robustfit.trimmed._lts._scale import trimmed_scale

# Residuals below this many sigma are never outliers.
INNER = 2.5
_ROUNDS = 3


class Outliers(NamedTuple):
    """What a fit says of the errors and of the rows that do not follow it.

    Attributes
    ----------
    scale : float
        Of the errors.
    excess : float
        Share of rows that a normal law of that scale does not explain.
    cutoff : float
        Size of the smallest residual that is out; infinite if none is.
    """

    scale: float
    excess: float
    cutoff: float


def find_outliers(sizes, sum_of_squares, h, n_coefs):
    """Find the scale of the errors and the outliers, each given the other.

    The share of outliers is the largest excess of the normal distribution function over that of the residuals, beyond
    2.5 sigma; as many of the largest are out, rounded up. Of normal errors that is next to nothing, so that a fit on
    the others loses no efficiency, while far rows are out as with a fixed cut-off [1]_. The scale is that of h among
    the rows that are not out, not among all, which would make it too large and the cut-off too wide.

    Parameters
    ----------
    sizes : ndarray of shape (n_rows,)
        Absolute residuals.
    sum_of_squares : float
        Of the ``h`` smallest.
    h : int
    n_coefs : float

    Returns
    -------
    outliers : Outliers

    References
    ----------
    .. [1] D. Gervini and V. J. Yohai, "A class of robust and fully efficient regression estimators", Annals of
       Statistics, 2002.
    """
    n_rows = len(sizes)
    # With every row but h out the scale is smallest.
    smallest = INNER * trimmed_scale(sum_of_squares, h, h, n_coefs)
    outer = np.sort(sizes[sizes >= smallest])
    below = np.arange(n_rows - len(outer), n_rows) / n_rows
    scale = trimmed_scale(sum_of_squares, h, n_rows, n_coefs)
    if not scale > 0:
        return Outliers(scale, 0.0, np.inf)
    for _ in range(_ROUNDS):
        excess, cutoff = _beyond(outer, below, scale, n_rows)
        corrected = trimmed_scale(sum_of_squares, h, max(h, n_rows * (1.0 - excess)), n_coefs)
        if corrected == scale:
            return Outliers(scale, excess, cutoff)
        scale = corrected
    return Outliers(scale, *_beyond(outer, below, scale, n_rows))


def _beyond(outer, below, scale, n_rows):
    """Share of outliers and cut-off at a scale, from the largest sizes in order and the share of rows below each."""
    first = outer.searchsorted(INNER * scale)
    outer, below = outer[first:], below[first:]
    if not len(outer):
        return 0.0, np.inf
    excess = max(0.0, float((2.0 * ndtr(outer / scale) - 1.0 - below).max()))
    # A hair more than a whole number is that number.
    n_out = min(len(outer), int(np.ceil(n_rows * excess - 1e-9)))
    return excess, float(outer[len(outer) - n_out]) if n_out else np.inf


def normal_distance(sizes, outliers):
    """Distance between the distribution of the residuals below 2.5 sigma and the normal law that explains them best.

    Parameters
    ----------
    sizes : ndarray of shape (n_rows,)
        Absolute residuals, in increasing order.
    outliers : Outliers

    Returns
    -------
    distance : float
        Between 0 and 1; 0 after an exact fit.
    """
    if not outliers.scale > 0:
        return 0.0
    inner = sizes[: sizes.searchsorted(INNER * outliers.scale)]
    normal = (1.0 - outliers.excess) * (2.0 * ndtr(inner / outliers.scale) - 1.0)
    halfway = np.arange(0.5, len(inner)) / len(sizes)
    # Each residual is a step of the distribution, from half of its height below to half of it above.
    return float(np.abs(normal - halfway).max() + 0.5 / len(sizes)) if len(inner) else 0.0
