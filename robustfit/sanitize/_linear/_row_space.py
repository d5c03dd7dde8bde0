"""Rows in robust units with a one for the intercept: dense or sparse, centred without filling the zeros."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from robustfit._meta._robust_scale import robust_location_scale

# What is farther out would overflow in squares of squares; it stands out as it is.
_FARTHEST = 1e8
_BLOCK_CELLS = 1 << 19


class RowSpace(NamedTuple):
    """Rows z = ((x − centre) / scale, 1).

    Attributes
    ----------
    rows : {ndarray, csr matrix} of shape (n_rows, n_features)
        In robust units; a sparse matrix is scaled and not centred.
    offset : ndarray of shape (n_features,)
        What is still to be added to each row; zero for dense rows.
    intercept : bool
        Whether z ends in a one.
    """

    rows: Any
    offset: np.ndarray
    intercept: bool

    @classmethod
    def of(cls, X, *, intercept):
        """Measure robust units of the columns and bring rows into them.

        Returns
        -------
        space : RowSpace
        centre, scale : ndarray of shape (n_features,)
        """
        centre, scale = _sparse_units(X) if issparse(X) else robust_location_scale(X)
        if not intercept:
            # Without an intercept the origin means something.
            centre = np.zeros_like(centre)
        return cls.within(X, centre, scale, intercept=intercept), centre, scale

    @classmethod
    def within(cls, X, centre, scale, *, intercept):
        """Bring rows into the units given."""
        if issparse(X):
            rows = X.tocsr(copy=True)
            rows.data = np.clip(rows.data / scale[rows.indices], -_FARTHEST, _FARTHEST)
            return cls(rows, -centre / scale, intercept)
        rows = np.clip((X - centre) / scale, -_FARTHEST, _FARTHEST)
        return cls(rows, np.zeros(X.shape[1]), intercept)

    @property
    def width(self):
        """Length of z."""
        return self.rows.shape[1] + self.intercept

    def take(self, index):
        """Return some of the rows."""
        return self._replace(rows=self.rows[index])

    def times(self, coefs):
        """Return the products of all z with the columns of a matrix of shape (width, n_columns)."""
        n_features = self.rows.shape[1]
        product = np.asarray(self.rows @ coefs[:n_features]) + self.offset @ coefs[:n_features]
        return product + coefs[n_features] if self.intercept else product

    def transposed_times(self, pulls):
        """Return the sums of z times pull, of shape (width, n_columns), for pulls of shape (n_rows, n_columns)."""
        total = pulls.sum(axis=0)
        product = np.asarray(self.rows.T @ pulls) + np.outer(self.offset, total)
        return np.vstack([product, total]) if self.intercept else product

    def squares(self):
        """Return the squared length of each z."""
        if issparse(self.rows):
            own = np.asarray(self.rows.multiply(self.rows).sum(axis=1)).ravel()
            own = own + 2.0 * (self.rows @ self.offset) + self.offset @ self.offset
        else:
            own = np.einsum("ij,ij->i", self.rows, self.rows)
        return np.maximum(own, 0.0) + self.intercept

    def blocks(self, columns):
        """Yield slices of rows and their z as dense blocks, of so many rows that ``columns`` per row are little."""
        n_rows, n_features = self.rows.shape
        step = max(1, _BLOCK_CELLS // max(1, columns))
        for start in range(0, n_rows, step):
            part = slice(start, min(start + step, n_rows))
            block = np.ones((part.stop - start, self.width))
            chunk = self.rows[part]
            block[:, :n_features] = (chunk.toarray() if issparse(chunk) else chunk) + self.offset
            yield part, block


def _sparse_units(X):
    """Units of a sparse matrix, equal to those of its dense copy, a few columns at a time."""
    n_rows, n_features = X.shape
    columns = X.tocsc()
    centre, scale = np.empty(n_features), np.empty(n_features)
    step = max(1, _BLOCK_CELLS // max(1, n_rows))
    for start in range(0, n_features, step):
        part = slice(start, start + step)
        centre[part], scale[part] = robust_location_scale(columns[:, part].toarray())
    return centre, scale
