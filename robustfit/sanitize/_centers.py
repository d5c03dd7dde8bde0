"""Centres that no minority of rows moves far, and distances to them; dense and sparse."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp

CENTERS = ("median", "trimmed_mean", "geometric_median", "mean")

# Share of each column that a trimmed mean leaves out at each end.
TRIM = 0.1
_WEISZFELD_STEPS = 200
# Cells of a sparse matrix that are made dense at once.
_BLOCK = 1 << 22


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
    fewest = rows.shape[0] * (0.5 if how == "median" else TRIM)
    filled = np.flatnonzero(np.diff(columns.indptr) >= fewest)
    step = max(1, _BLOCK // rows.shape[0])
    for start in range(0, len(filled), step):
        part = filled[start : start + step]
        center[part] = of_columns(columns[:, part].toarray(), axis=0)
    return center


def distances_to(rows, center):
    """Euclidean distance of each row to a centre; infinite where its square is beyond the range of floats."""
    with np.errstate(over="ignore"):
        if not sp.issparse(rows):
            return np.linalg.norm(rows - center, axis=1)
        with np.errstate(invalid="ignore"):
            squares = squared_lengths(rows) - 2.0 * (rows @ center) + center @ center
        # Infinity less infinity: a row that far is not near anything.
        return np.sqrt(np.maximum(np.where(np.isnan(squares), np.inf, squares), 0.0))


def squared_lengths(rows):
    """Squared Euclidean length of each row."""
    with np.errstate(over="ignore"):
        if sp.issparse(rows):
            return np.asarray(rows.multiply(rows).sum(axis=1)).ravel()
        return np.einsum("ij,ij->i", rows, rows)


def unit_of(values):
    """What values that are never negative are measured in: their median.

    Where half of them are 0 it is the median of the others, and 1 where there are none.
    """
    middle = np.median(values)
    if middle == 0.0:
        positive = values[values > 0.0]
        middle = np.median(positive) if len(positive) else 1.0
    # Beyond the range of floats nothing can be compared.
    return float(middle) if np.isfinite(middle) else 1.0


def _trimmed_mean(values, axis):
    n_cut = int(TRIM * values.shape[axis])
    ordered = np.sort(values, axis=axis)
    return ordered[n_cut : len(ordered) - n_cut].mean(axis=axis)


def _geometric_median(rows):
    """Weiszfeld's steps, from the median of each column; a row that coincides with the centre is given a tiny distance.

    Where it starts and when it stops is measured by medians: a row that is far enough would set both otherwise.
    """
    start = center_of(rows, "median")
    if not sp.issparse(rows):
        rows = rows - start
    center = start if sp.issparse(rows) else np.zeros_like(start)
    squares = squared_lengths(rows)
    for _ in range(_WEISZFELD_STEPS):
        with np.errstate(over="ignore"):
            far = np.sqrt(np.maximum(squares - 2.0 * (rows @ center) + center @ center, 0.0))
        typical = np.median(far)
        if typical == 0.0:
            break
        weights = 1.0 / np.maximum(far, 1e-12 * typical)
        moved = np.asarray(weights @ rows).ravel() / weights.sum()
        step = np.linalg.norm(moved - center)
        center = moved
        if step <= 1e-9 * typical:
            break
    return center if sp.issparse(rows) else start + center
