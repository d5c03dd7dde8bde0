"""Rows in robust units, none of them long: what the default linear learners are fitted on."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp
from scipy.special import ndtri
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

# The normal distribution has a median absolute deviation of this many sigma.
_QUARTILE = float(ndtri(0.75))

# Share of the rows that keep their length.
_SHORT = 0.25

# Cells of a sparse matrix that are made dense at once.
_BLOCK_CELLS = 1 << 19


class BoundedRows(TransformerMixin, BaseEstimator):
    """Bring columns into robust units, cut them, and shorten the rows that are longer than three quarters.

    A linear learner is pulled by a row in proportion to its length, which is at most 1 here. Unlike rows of equal
    length these still say how far out they are, down to a single column.

    Parameters
    ----------
    farthest : float, default=3.0
        Standard deviations beyond which a value counts as one that far out.

    Attributes
    ----------
    location_, scale_ : ndarray of shape (n_features,)
        Median of each column, and median absolute deviation in units of sigma; where more than half of a column is one
        value, the deviations are those of the others.
    length_ : float
        Lower quartile of the lengths of the rows in these units.

    Notes
    -----
    Zeros of a sparse matrix stay zeros: its columns are cut around their medians, which are not taken off. Where less
    than half of each column is filled the result is that of the dense copy.
    """

    def __init__(self, farthest=3.0):
        self.farthest = farthest

    def fit(self, X, y=None):
        """Measure columns and rows."""
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64)
        self.location_, self.scale_ = _sparse_units(X) if sp.issparse(X) else _dense_units(X)
        self.length_ = 1.0
        length = float(np.quantile(row_lengths(self.in_units(X)), _SHORT))
        self.length_ = length if length > 0.0 else 1.0
        return self

    def transform(self, X):
        """Return the rows in these units, none longer than 1."""
        check_is_fitted(self)
        rows = self.in_units(validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False))
        return scale_rows(rows, 1.0 / np.maximum(row_lengths(rows), 1.0))

    def in_units(self, X):
        """Return rows in robust units, a quarter of which are not longer than 1."""
        scale = self.scale_ * self.length_
        cut = self.farthest / self.length_
        if not sp.issparse(X):
            return _cut(X, self.location_, scale, cut)
        location, scale = self.location_[X.indices], scale[X.indices]
        data = _cut(X.data, location, scale, cut) + location / scale
        return sp.csr_array((data, X.indices, X.indptr), shape=X.shape)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def row_lengths(rows):
    """Euclidean length of each row."""
    if sp.issparse(rows):
        return np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return np.sqrt(np.einsum("ij,ij->i", rows, rows))


def scale_rows(rows, factors):
    """Multiply each row by a number."""
    return sp.csr_array(sp.diags_array(factors) @ rows) if sp.issparse(rows) else rows * factors[:, None]


def _cut(values, location, scale, farthest):
    with np.errstate(over="ignore"):
        return np.clip((values - location) / scale, -farthest, farthest)


def _dense_units(X):
    columns = np.ascontiguousarray(X.T)
    location = np.median(columns, axis=1)
    away = np.abs(columns - location[:, None])
    scale = np.median(away, axis=1)
    for j in np.flatnonzero(~(scale > 0.0)):
        scale[j] = _middle_of_others(away[j])
    return location, scale / _QUARTILE


def _sparse_units(X):
    """Units of a sparse matrix, equal to those of its dense copy."""
    n_rows, n_features = X.shape
    columns = sp.csc_array(X)
    location, scale = np.zeros(n_features), np.empty(n_features)
    filled = 2 * np.diff(columns.indptr) >= n_rows
    for j in np.flatnonzero(~filled):
        scale[j] = _middle_of_others(np.abs(columns.data[columns.indptr[j] : columns.indptr[j + 1]])) / _QUARTILE
    filled = np.flatnonzero(filled)
    step = max(1, _BLOCK_CELLS // n_rows)
    for start in range(0, len(filled), step):
        part = filled[start : start + step]
        location[part], scale[part] = _dense_units(columns[:, part].toarray())
    return location, scale


def _middle_of_others(away):
    others = away[away > 0.0]
    return np.median(others) if len(others) else 1.0
