"""Numbers of rows in any container, moved far from where they were."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._containers import (
    Floats,
    Rows,
    as_narwhals,
    column_spread,
    is_frame,
    is_series,
    is_sparse,
    sparse_spread,
    take_rows,
)


class DistortedCells:
    """The cells of a container that can be distorted: finite numbers in columns that vary.

    Parameters
    ----------
    X : container
        Numpy array, sparse matrix or frame.

    Attributes
    ----------
    rows : ndarray of shape (n_open_rows,), int64
        Rows with such a cell.
    """

    def __init__(self, X: Any) -> None:
        self.X = X
        self.names = _numeric_columns(X)
        if is_sparse(X):
            self.spread = sparse_spread(X)[0]
            stored = X.tocsr()
            open_cells = np.isfinite(stored.data) & (self.spread[stored.indices] > 0)
            owner = np.repeat(np.arange(X.shape[0]), np.diff(stored.indptr))
            self.rows = np.unique(owner[open_cells])
        else:
            matrix = self._matrix(X)
            self.spread = column_spread(matrix)[0]
            self.rows = np.flatnonzero((np.isfinite(matrix) & (self.spread > 0)).any(axis=1))

    def distort(
        self, rows: Rows, scale: float, share: float, choices: np.random.Generator, noise: np.random.Generator
    ) -> Any:
        """Return rows with a share of their cells, at least one in each row, moved by noise.

        Parameters
        ----------
        rows : ndarray of int64
            Some of ``self.rows``.
        scale : float
            Standard deviation of the noise, in standard deviations of each column.
        share : float
            Of the cells of a row that can be distorted.
        choices, noise : numpy Generator
            More rows are distorted by going on with them.
        """
        block = take_rows(self.X, rows)
        if is_sparse(self.X):
            stored = block.tocsr().copy()
            owner, column = np.repeat(np.arange(len(rows)), np.diff(stored.indptr)), stored.indices
            cells = np.flatnonzero(np.isfinite(stored.data) & (self.spread[column] > 0))
            owner, column = owner[cells], column[cells]
        else:
            matrix = self._matrix(block)
            owner, column = np.nonzero(np.isfinite(matrix) & (self.spread > 0))
        moves = noise.standard_normal(len(owner)) * scale * self.spread[column]
        chosen = _choose(owner, share, choices.random(len(owner)))
        owner, column, moves = owner[chosen], column[chosen], moves[chosen]
        if is_sparse(self.X):
            cells = cells[chosen]
            stored.data[cells] = _moved(stored.data[cells], moves)
            return stored.asformat(self.X.format)
        return self._write(block, owner, column, moves)

    def _matrix(self, X: Any) -> Floats:
        """Return the numbers of dense rows, of shape (n_rows, n_numeric_columns), NaN where one is missing."""
        if is_frame(X):
            parts = [as_narwhals(X).get_column(name).to_numpy().astype(np.float64) for name in self.names]
            return np.stack(parts, axis=1) if parts else np.empty((len(X), 0))
        return X.reshape(len(X), -1).astype(np.float64) if self.names else np.empty((len(X), 0))

    def _write(self, block: Any, owner: Rows, column: Rows, moves: Floats) -> Any:
        if not is_frame(block):
            cells = block.reshape(len(block), -1)
            cells[owner, column] = _moved(cells[owner, column], moves)
            return cells.reshape(block.shape)
        frame = as_narwhals(block)
        for j, name in enumerate(self.names):
            own = frame.get_column(name)
            mine = np.flatnonzero(column == j)
            if len(mine):
                # Taken alone, numbers have a numpy dtype even where the column may miss some.
                moved = _moved(own[owner[mine]].to_numpy(), moves[mine])
                frame = frame.with_columns(own.scatter(owner[mine], moved))
        return frame.to_native()


def _numeric_columns(X: Any) -> list[Any]:
    """Return the names of columns of numbers; of anything but a frame, one name for all of them or none."""
    if is_frame(X):
        return [name for name, dtype in as_narwhals(X).schema.items() if dtype.is_numeric() and dtype != nw.Decimal]
    if is_series(X) or not hasattr(X, "dtype"):
        return []
    return ["all"] if X.ndim > 1 and X.dtype.kind in "iuf" else []


def _choose(owner: Rows, share: float, u: Floats) -> NDArray[np.bool_]:
    """Choose a share of each row's cells, at least one: those with the smallest numbers u."""
    count = np.bincount(owner)
    order = np.lexsort([u, owner])
    rank = np.empty(len(owner), dtype=np.int64)
    rank[order] = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    return rank < np.maximum(np.rint(share * count), 1)[owner]


def _moved(values: NDArray[Any], moves: Floats) -> NDArray[Any]:
    """Move numbers within what their dtype holds; whole numbers move by at least 1."""
    old = values.astype(np.float64)
    whole = values.dtype.kind in "iu"
    info: Any = np.iinfo(values.dtype) if whole else np.finfo(values.dtype)
    if whole:
        moves = np.where(moves < 0, np.floor(moves), np.maximum(np.ceil(moves), 1.0))
    low, high = float(info.min), float(np.nextafter(float(info.max), 0.0)) if whole else float(info.max)
    moved = np.clip(old + moves, low, high)
    # At the end of the dtype's range there is one way to go.
    moved = np.where(moved == old, np.clip(old - moves, low, high), moved)
    return moved.astype(values.dtype)
