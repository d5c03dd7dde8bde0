"""Rows of equal length, so that none pulls harder than another."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp

# Columns beyond this many robust standard deviations are cut.
CLIP = 3.0

# The interquartile range of a normal distribution, in standard deviations.
_IQR_OF_NORMAL = 1.349

# Share of the rows that are whole and not negative, and of the columns that are mostly zero, in a table of counts.
_MOST_ROWS = 0.5
_MOST_COLUMNS = 0.9


def unit_rows(X, weights):
    """Scale the columns by median and interquartile range, cut them, and bring each row to length 1.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        Sparse rows are brought to length 1 only.
    weights : ndarray of shape (n_samples,)
    """
    return to_length_one(X if sp.issparse(X) else cut_columns(X, *robust_scale(X, weights), CLIP))


def to_length_one(X):
    """Divide each row by its length; rows of zeros stay."""
    if sp.issparse(X):
        lengths = np.sqrt(X.multiply(X).sum(axis=1))
        return sp.csr_array(sp.diags_array(1.0 / np.maximum(np.asarray(lengths).ravel(), 1e-300)) @ X)
    return X / np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-12)


def cut_columns(X, center, scale, clip):
    """Shift and scale columns and cut them at ``±clip``; a missing value becomes 0, the centre."""
    return np.nan_to_num(np.clip((X - center) / scale, -clip, clip))


def log_counts(X):
    """``sign(x) log(1 + |x|)`` of each value; a missing one becomes 0."""
    if sp.issparse(X):
        X = sp.csr_array(X, copy=True)
        X.data = log_counts(X.data)
        return X
    return np.nan_to_num(np.sign(X) * np.log1p(np.abs(X)))


def holds_counts(X):
    """Whether a table looks like counts: most rows are whole and not negative, most columns are mostly zero.

    No minority of the rows decides.
    """
    if sp.issparse(X):
        # What is sparse is mostly zero.
        X = sp.csr_array(X)
        odd = (X.data < 0) | (X.data != np.floor(X.data))
        before = np.concatenate([[0], np.cumsum(odd)])
        return bool(np.mean(before[X.indptr[1:]] == before[X.indptr[:-1]]) > _MOST_ROWS)
    with np.errstate(invalid="ignore"):
        whole = np.all(np.isnan(X) | ((X >= 0) & (np.floor(X) == X)), axis=1)
    empty = np.count_nonzero(X, axis=0) < 0.5 * len(X)
    return bool(whole.mean() > _MOST_ROWS and empty.mean() >= _MOST_COLUMNS)


def robust_scale(X, weights):
    """Median, and interquartile range in standard deviations, of each column; missing values are left out.

    Where the interquartile range is 0 the standard deviation takes over, then 1.
    """
    with np.errstate(all="ignore"):
        low, center, high = _quartiles(X, weights)
        # Columns that are mostly one value.
        mean = np.nansum(X * weights[:, None], axis=0) / weights.sum()
        spread = np.sqrt(np.nansum((X - mean) ** 2 * weights[:, None], axis=0) / weights.sum())
    scale = np.where(high > low, (high - low) / _IQR_OF_NORMAL, spread)
    return np.nan_to_num(center), np.where((scale > 0.0) & np.isfinite(scale), scale, 1.0)


def _quartiles(X, weights):
    """Quartiles of the columns, missing values left out; a weight of two is two rows."""
    missing = np.isnan(X)
    if np.all(weights == 1.0) and not missing.any():
        return np.quantile(X, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf")
    order = np.argsort(X, axis=0)
    passed = np.cumsum(np.take_along_axis(np.where(missing, 0.0, weights[:, None]), order, axis=0), axis=0)
    places = [np.argmax(passed >= part * passed[-1], axis=0) for part in (0.25, 0.5, 0.75)]
    ordered = np.take_along_axis(X, order, axis=0)
    return [np.take_along_axis(ordered, place[None], axis=0)[0] for place in places]
