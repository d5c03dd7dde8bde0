"""Robust units: columns are centred and scaled by medians, so that no far row decides how numbers are rounded."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats = NDArray[np.float64]

# The normal distribution has a median absolute deviation and a half interquartile range of this many sigma.
_QUARTILE = float(ndtri(0.75))
# Squares and sums of squares of what is farther out would overflow; it is beyond every fit as it stands.
_FARTHEST = 1e60
_BLOCK_ROWS = 4096


class Units(NamedTuple):
    """Centre and scale of the columns and of the target.

    Attributes
    ----------
    centre, scale : ndarray of shape (n_features,)
    target_centre, target_scale : float
    """

    centre: Floats
    scale: Floats
    target_centre: float
    target_scale: float

    @classmethod
    def of(cls, X, y, *, centred):
        """Measure the units of a sample."""
        centre, scale = robust_location_scale(X)
        (target_centre,), (target_scale,) = robust_location_scale(y[:, None])
        if not centred:
            # Without an intercept the origin means something.
            centre, target_centre = np.zeros_like(centre), 0.0
            scale, (target_scale,) = _about_zero(X, scale), _about_zero(y[:, None], target_scale)
        return cls(centre, scale, float(target_centre), float(target_scale))

    def enter(self, X, y, *, intercept):
        """Return rows, with a last column of ones for an intercept, and targets in these units."""
        n_rows, n_features = X.shape
        rows = np.empty((n_rows, n_features + intercept))
        for start in range(0, n_rows, _BLOCK_ROWS):
            part = slice(start, start + _BLOCK_ROWS)
            block = rows[part, :n_features]
            np.subtract(X[part], self.centre, out=block)
            block /= self.scale
            np.clip(block, -_FARTHEST, _FARTHEST, out=block)
        rows[:, n_features:] = 1.0
        target = (y - self.target_centre) / self.target_scale
        return rows, np.clip(target, -_FARTHEST, _FARTHEST, out=target)

    def leave(self, coefs):
        """Return slopes and intercept in the units of the data."""
        n_features = len(self.centre)
        slopes = coefs[:n_features] / self.scale * self.target_scale
        intercept = self.target_centre - float(self.centre @ slopes)
        if len(coefs) > n_features:
            intercept += float(coefs[-1]) * self.target_scale
        return slopes, intercept


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
    columns = np.ascontiguousarray(values.T)
    location = np.median(columns, axis=1)
    scale = np.median(np.abs(columns - location[:, None]), axis=1) / _QUARTILE
    for j in np.flatnonzero(~(scale > 0)):
        scale[j] = _spread(columns[j])
    return location, scale


def _spread(column):
    low, high = np.quantile(column, [0.25, 0.75])
    spread = (high - low) / (2 * _QUARTILE)
    if not spread > 0:
        # A far value must not overflow when squared.
        widest = np.ptp(column)
        spread = widest * np.std(column / widest) if 0 < widest < np.inf else 0.0
    return spread if spread > 0 else 1.0


def _about_zero(values, scale):
    typical = np.median(np.abs(values), axis=0)
    return np.where(typical > 0, typical, scale)
