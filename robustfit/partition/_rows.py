"""Containers of rows: each can digest its rows, sort equal digests, and hand out some of its rows.

What `take` returns depends on the rows asked for and on the kind of container alone.
"""

# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from robustfit.partition._cells import column_codes, column_ranks
from robustfit.partition._hash import Codes, float_codes, hash_columns, hash_dense, hash_sparse

Index = NDArray[np.intp]

_BLOCK_ELEMENTS = 1 << 18


class Rows(ABC):
    """Rows of one container.

    Attributes
    ----------
    n_samples : int
    n_columns : int
    """

    n_samples: int
    n_columns: int

    @abstractmethod
    def digest(self, salt: int) -> Codes:
        """64-bit digest of each row."""

    @abstractmethod
    def ranks(self, index: Index) -> list[Codes]:
        """Sort keys of some rows, first key first, equal only for rows of equal content."""

    def incomplete(self) -> NDArray[np.bool_]:
        """Which rows of an array of numbers hold NaN or infinity; none of other containers."""
        return np.zeros(self.n_samples, dtype=bool)

    @abstractmethod
    def take(self, index: Index) -> Any:
        """Rows by position, in that order, as a container of their own."""


class DenseRows(Rows):
    """Rows of a float64 array."""

    def __init__(self, X: NDArray[np.float64]) -> None:
        self._X = X
        self.n_samples, self.n_columns = X.shape

    def digest(self, salt: int) -> Codes:
        return hash_dense(self._X, salt)

    def ranks(self, index: Index) -> list[Codes]:
        # Big-endian bit patterns compare as byte strings in the order of the numbers' codes.
        codes = np.ascontiguousarray(float_codes(self._X[index]).astype(">u8"))
        whole_rows = codes.view(np.dtype((np.void, codes.shape[1] * 8))).ravel()
        return [np.unique(whole_rows, return_inverse=True)[1].astype(np.uint64)]

    def incomplete(self) -> NDArray[np.bool_]:
        mask = np.zeros(self.n_samples, dtype=bool)
        if np.isfinite(self._X.sum()):
            # Sums of finite numbers may overflow, but nothing else sums to a finite one.
            return mask
        step = max(1, _BLOCK_ELEMENTS // max(self.n_columns, 1))
        for start in range(0, self.n_samples, step):
            mask[start : start + step] = ~np.isfinite(self._X[start : start + step]).all(axis=1)
        return mask

    def take(self, index: Index) -> NDArray[np.float64]:
        taken = self._X.take(index, axis=0)
        # Rows that differ in the sign of a zero are one row to the hash, so they must be one to a member.
        taken += 0.0
        return taken


class SparseRows(Rows):
    """Rows of a CSR matrix; explicit zeros and the order of a row's entries carry no meaning."""

    def __init__(self, X: Any) -> None:
        if not X.has_canonical_format or np.any(X.data == 0):
            X = X.copy()
            X.sum_duplicates()
            X.eliminate_zeros()
        self._X = X
        self.n_samples, self.n_columns = X.shape

    def digest(self, salt: int) -> Codes:
        return hash_sparse(self._X.data, self._X.indices, self._X.indptr, self.n_columns, salt)

    def ranks(self, index: Index) -> list[Codes]:
        keys = []
        for row in index:
            entries = slice(self._X.indptr[row], self._X.indptr[row + 1])
            # An entry further left is the larger row, as it would be among dense rows.
            pairs = np.empty((entries.stop - entries.start, 2), dtype=">u8")
            pairs[:, 0] = self.n_columns - self._X.indices[entries]
            pairs[:, 1] = float_codes(self._X.data[entries])
            keys.append(pairs.tobytes())
        place = {key: rank for rank, key in enumerate(sorted(set(keys)))}
        return [np.array([place[key] for key in keys], dtype=np.uint64)]

    def incomplete(self) -> NDArray[np.bool_]:
        mask = np.zeros(self.n_samples, dtype=bool)
        bad = np.flatnonzero(~np.isfinite(self._X.data))
        mask[np.searchsorted(self._X.indptr, bad, side="right") - 1] = True
        return mask

    def take(self, index: Index) -> Any:
        return narrow_indices(self._X[index])


class ObjectRows(Rows):
    """Rows of a two-dimensional array of Python objects."""

    def __init__(self, X: NDArray[Any]) -> None:
        self._X = X
        self.n_samples, self.n_columns = X.shape

    def digest(self, salt: int) -> Codes:
        columns = (column_codes(self._X[:, j]) for j in range(self.n_columns))
        return hash_columns(columns, self.n_samples, self.n_columns, salt)

    def ranks(self, index: Index) -> list[Codes]:
        return [column_ranks(self._X[index, j]) for j in range(self.n_columns)]

    def take(self, index: Index) -> NDArray[Any]:
        return self._X[index]


class FrameRows(Rows):
    """Rows of a pandas, polars or other eager data frame; they are indexed, not converted."""

    def __init__(self, X: Any) -> None:
        self._X = wrap_frame(X)
        self.n_samples, self.n_columns = self._X.shape

    def digest(self, salt: int) -> Codes:
        columns = (column_codes(cells(self._X[:, j])) for j in range(self.n_columns))
        return hash_columns(columns, self.n_samples, self.n_columns, salt)

    def ranks(self, index: Index) -> list[Codes]:
        rows = self._X[index.tolist()]
        return [column_ranks(cells(rows[:, j])) for j in range(self.n_columns)]

    def take(self, index: Index) -> Any:
        rows = nw.to_native(self._X[index.tolist()])
        # A pandas index would tell a member where in the whole training set its rows stood.
        return rows.reset_index(drop=True) if hasattr(rows, "reset_index") else rows


class TextRows(Rows):
    """A list of texts: one column."""

    n_columns = 1

    def __init__(self, texts: list[str]) -> None:
        self._texts = texts
        self.n_samples = len(texts)

    def digest(self, salt: int) -> Codes:
        return hash_columns([column_codes(self._texts)], self.n_samples, 1, salt)

    def ranks(self, index: Index) -> list[Codes]:
        return [column_ranks(self.take(index))]

    def take(self, index: Index) -> list[str]:
        return [self._texts[i] for i in index]


def narrow_indices(X: Any) -> Any:
    """Return a CSR matrix with 32-bit indices where they fit, as most learners want them.

    How wide the indices of the whole training set are depends on its size; a shard has its own.
    """
    narrow = X.indices.dtype == np.int32 and X.indptr.dtype == np.int32
    if narrow or max(X.nnz, *X.shape) > np.iinfo(np.int32).max:
        return X
    parts = (X.data, X.indices.astype(np.int32), X.indptr.astype(np.int32))
    return type(X)(parts, shape=X.shape)


def wrap_frame(X: Any) -> "nw.DataFrame[Any]":
    """Wrap a data frame of any library.

    Raises
    ------
    ValueError
        If two columns have the same name, or the frame is lazy.
    """
    try:
        return nw.from_native(X, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise ValueError(f"Column names must be distinct: {error}") from error


def cells(column: "nw.Series[Any]") -> Any:
    """Cells of a data frame column: numbers as an array, everything else as Python objects."""
    dtype = column.dtype
    if dtype == nw.Datetime or dtype == nw.Duration:
        # Python's own types would lose nanoseconds.
        return column.to_numpy() if getattr(dtype, "time_zone", None) is None else column.to_list()
    if dtype.is_float() or (isinstance(dtype, nw.Boolean) and column.null_count() == 0):
        return column.cast(nw.Float64).to_numpy()
    if dtype.is_integer() and column.null_count() == 0:
        return column.to_numpy()
    return column.to_list()


def as_rows(X: Any) -> Rows:
    """Wrap a container of rows.

    Parameters
    ----------
    X : ndarray of float64 or object, sparse matrix, data frame, or list of str

    Returns
    -------
    Rows
    """
    if isinstance(X, list):
        return TextRows(X)
    if sp.issparse(X):
        return SparseRows(sp.csr_array(X) if isinstance(X, sp.sparray) else sp.csr_matrix(X))
    if isinstance(X, np.ndarray):
        return ObjectRows(X) if X.dtype.kind == "O" else DenseRows(X)
    return FrameRows(X)
