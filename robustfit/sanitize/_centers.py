"""Centres that no minority of rows moves far, and distances to them; dense and sparse."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp

CENTERS = ("median", "trimmed_mean", "geometric_median", "mean")

# Share of each column that a trimmed mean leaves out at each end.
_TRIM = 0.1
_WEISZFELD_STEPS = 200
# Columns of a sparse matrix that are made dense at once.
_BLOCK = 512


def center_of(rows, how):
    """Centre of rows.

    Parameters
    ----------
    rows : ndarray or csr matrix of shape (n_samples, n_features)
        At least one row.
    how : {"median", "trimmed_mean", "geometric_median", "mean"}
        Of each column, but for the geometric median, which minimises the sum of the distances to the rows.

    Returns
    -------
    center : ndarray of shape (n_features,)
    """
    if how == "mean":
        return np.asarray(rows.mean(axis=0)).ravel()
    if how == "geometric_median":
        return _geometric_median(rows)
    of_columns = np.median if how == "median" else _trimmed_mean
    if not sp.issparse(rows):
        return of_columns(rows, axis=0)
    columns, center = sp.csc_array(rows), np.zeros(rows.shape[1])
    # Fewer entries than that, and what is left in the middle is zero.
    fewest = rows.shape[0] * (0.5 if how == "median" else _TRIM)
    filled = np.flatnonzero(np.diff(columns.indptr) >= fewest)
    for start in range(0, len(filled), _BLOCK):
        part = filled[start : start + _BLOCK]
        center[part] = of_columns(columns[:, part].toarray(), axis=0)
    return center


def distances_to(rows, center):
    """Euclidean distance of each row to a centre."""
    if not sp.issparse(rows):
        return np.linalg.norm(rows - center, axis=1)
    squares = np.asarray(rows.multiply(rows).sum(axis=1)).ravel() - 2.0 * (rows @ center) + center @ center
    return np.sqrt(np.maximum(squares, 0.0))


def _trimmed_mean(values, axis):
    n_cut = int(_TRIM * values.shape[axis])
    ordered = np.sort(values, axis=axis)
    return ordered[n_cut : len(ordered) - n_cut].mean(axis=axis)


def _geometric_median(rows):
    """Weiszfeld's steps, from the mean; a row that coincides with the centre is given a tiny distance."""
    center = np.asarray(rows.mean(axis=0)).ravel()
    for _ in range(_WEISZFELD_STEPS):
        far = distances_to(rows, center)
        smallest = 1e-12 * max(far.max(), 1e-300)
        weights = 1.0 / np.maximum(far, smallest)
        moved = np.asarray(weights @ rows).ravel() / weights.sum()
        if np.linalg.norm(moved - center) <= 1e-9 * max(far.max(), 1e-300):
            return moved
        center = moved
    return center
