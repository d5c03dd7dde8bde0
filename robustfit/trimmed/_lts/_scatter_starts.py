"""Starts from robust scatter of features and target jointly: the half of the rows that each estimate finds central."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

from robustfit._meta._robust_scale import robust_location_scale

# All pairs of columns are looked at in turn: beyond this many columns the pairwise estimate is left out.
_MOST_PAIRED = 80
_PAIRED_ROWS = 400


def central_halves(joint):
    """Return subsets of half of the rows, each central under another estimate of scatter.

    As in the deterministic algorithm for the minimum covariance determinant [1]_ [2]_: six correlations that no
    minority can take far (of tanh, of ranks, of normal scores, of spatial signs, of the half nearest to the median,
    and pairwise from robust scales), each made orthogonally equivariant by measuring robust scales along its own axes.

    Parameters
    ----------
    joint : ndarray of shape (n_rows, n_columns)
        Features and target in robust units.

    Returns
    -------
    names : list of str
    masks : ndarray of shape (n_starts, n_rows), bool

    References
    ----------
    .. [1] M. Hubert, P. J. Rousseeuw and T. Verdonck, "A deterministic algorithm for robust location and scatter",
       Journal of Computational and Graphical Statistics, 2012.
    .. [2] R. Maronna and R. Zamar, "Robust estimates of location and dispersion for high-dimensional datasets",
       Technometrics, 2002.
    """
    n_rows, n_columns = joint.shape
    ranks = rankdata(joint, axis=0)
    length = np.linalg.norm(joint, axis=1, keepdims=True)
    half = nearest_half(length[:, 0])
    scatters = {
        "tanh": _correlation(np.tanh(joint)),
        "ranks": _correlation(ranks),
        "normal scores": _correlation(ndtri((ranks - 1 / 3) / (n_rows + 1 / 3))),
        "spatial signs": _cross(joint / np.where(length > 0, length, 1.0)),
        "nearest half": _cross(joint[half] - joint[half].mean(axis=0)),
    }
    if n_columns <= _MOST_PAIRED:
        scatters["pairwise"] = _pairwise(joint[:_PAIRED_ROWS])
    masks = [nearest_half(_distances(joint, scatter)) for scatter in scatters.values()]
    return list(scatters), np.array(masks)


def nearest_half(distance):
    """Mark half of the rows, those with the smallest distance."""
    n_keep = len(distance) // 2 + 1
    mask = np.zeros(len(distance), dtype=bool)
    mask[np.argpartition(distance, n_keep - 1)[:n_keep]] = True
    return mask


def _correlation(values):
    values = values - values.mean(axis=0)
    size = np.sqrt(np.square(values).sum(axis=0))
    return _cross(values / np.where(size > 0, size, 1.0))


def _cross(values):
    return values.T @ values


def _distances(joint, scatter):
    """Squared distances from the median, in robust scales along the axes of a scatter matrix."""
    along = joint @ np.linalg.eigh(scatter)[1]
    location, scale = robust_location_scale(along)
    return np.square((along - location) / scale).sum(axis=1)


def _pairwise(joint):
    """Correlations as differences of squared robust scales of sums and differences."""
    columns = np.ascontiguousarray(joint.T)
    left, right = np.triu_indices(len(columns), 1)
    plus, minus = (
        np.square(robust_location_scale(both.T)[1])
        for both in (columns[left] + columns[right], columns[left] - columns[right])
    )
    correlation = np.eye(len(columns))
    correlation[left, right] = correlation[right, left] = (plus - minus) / (plus + minus)
    return correlation
