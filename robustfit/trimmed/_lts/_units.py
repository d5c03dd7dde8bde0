"""Robust units: columns are centred and scaled by medians, so that no far row decides how numbers are rounded."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit._meta._robust_scale import robust_location_scale

Floats = NDArray[np.float64]

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


def _about_zero(values, scale):
    typical = np.median(np.abs(values), axis=0)
    return np.where(typical > 0, typical, scale)
