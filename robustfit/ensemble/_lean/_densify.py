"""Sparse shards of linear learners: solved on the columns that have entries, as others get no weight."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp


@dataclass
class Densified:
    """A shard as a dense array.

    Attributes
    ----------
    X : ndarray of shape (n_samples, n_columns)
    columns : ndarray of shape (n_columns,) or None
        Columns of the shard that have entries; None for all.
    n_features : int
    """

    X: Any
    columns: Any
    n_features: int

    def expand(self, coef):
        """Put coefficients, of shape (..., n_columns), at their places among all features."""
        if self.columns is None:
            return np.ascontiguousarray(coef)
        full = np.zeros((*coef.shape[:-1], self.n_features))
        full[..., self.columns] = coef
        return full


def densified(X):
    """Return a shard as a dense array without its empty columns; dense ones are kept as they are."""
    if not sp.issparse(X):
        return Densified(X, None, X.shape[1])
    # A shard without any entry keeps one column, since systems of no unknowns are nobody's format.
    columns = np.unique(X.indices) if X.nnz else np.zeros(1, dtype=np.intp)
    return Densified(X[:, columns].toarray(), columns, X.shape[1])
