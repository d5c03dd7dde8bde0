"""Centre and scale of columns that no minority of rows moves far."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import ndtri

# The normal distribution has a median absolute deviation and a half interquartile range of this many sigma.
_QUARTILE = float(ndtri(0.75))


def robust_location_scale(values):
    """Median, and median absolute deviation in units of sigma, of each column.

    Where more than half of a column is one value, the interquartile range takes over, then the standard deviation; a
    column of one value has scale 1.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)

    Returns
    -------
    location, scale : ndarray of shape (n_columns,)
    """
    columns = np.array(values.T, order="C")
    location = _medians(columns)
    columns -= location[:, None]
    scale = _medians(np.abs(columns, out=columns)) / _QUARTILE
    for j in np.flatnonzero(~(scale > 0)):
        scale[j] = _spread(values[:, j])
    return location, scale


def _medians(scratch):
    """Median of each row of an array that may be put into another order."""
    half = scratch.shape[1] // 2
    scratch.partition(half, axis=1)
    if scratch.shape[1] % 2:
        return scratch[:, half].copy()
    return (scratch[:, :half].max(axis=1) + scratch[:, half]) / 2


def _spread(column):
    low, high = np.quantile(column, [0.25, 0.75])
    spread = (high - low) / (2 * _QUARTILE)
    if not spread > 0:
        # A far value must not overflow when squared.
        widest = np.ptp(column)
        spread = widest * np.std(column / widest) if 0 < widest < np.inf else 0.0
    return spread if spread > 0 else 1.0
