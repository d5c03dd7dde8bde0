"""Coordinates in which the bulk of the rows has about the unit covariance, whatever a minority does."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.linalg import solve_triangular

from robustfit._meta._robust_scale import robust_location_scale
from robustfit.trimmed._lts._scatter_starts import nearest_half

# Columns that the central half hardly uses must not become huge: a tenth of their variance counts as seen.
_SHRINKAGE = 0.1


def whitening(rows):
    """Lower triangle L such that L⁻¹ (x − median) is about white for the central half of the rows.

    Spatial signs give axes, robust scales along them distances, and the half with the smallest distances a covariance,
    which is brought to the scale of all rows by the median distance.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        In robust units.

    Returns
    -------
    lower : ndarray of shape (n_features, n_features)
    """
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    signs = rows / np.where(length > 0, length, 1.0)
    along = rows @ np.linalg.eigh(signs.T @ signs)[1]
    location, scale = robust_location_scale(along)
    half = nearest_half(np.square((along - location) / scale).sum(axis=1))
    centred = rows[half] - rows[half].mean(axis=0)
    covariance = centred.T @ centred / len(centred)
    # The central half is tighter than all: by this factor in the middle of the columns.
    seen = np.diag(covariance)
    widening = 1.0 / max(np.median(seen), _SHRINKAGE)
    return np.linalg.cholesky(covariance * widening + _SHRINKAGE * np.eye(len(seen)))


def whitened(rows, lower):
    """Rows in the coordinates of `whitening`."""
    return solve_triangular(lower, rows.T, lower=True).T
