"""Rows that were never there: every cell drawn on its own from what its column holds."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterable
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from robustfit.attacks._containers import Floats, Rows, as_narwhals, is_frame, is_series, is_sparse, take_rows
from robustfit.attacks._labels import is_missing


class _Column(NamedTuple):
    """Where to find the values of a column.

    ``absent`` and ``present`` are positions of rows: all that miss the value, and one for each distinct value. Numbers
    with a fraction have a range instead, and one present row, if any.
    """

    absent: Rows
    present: Rows
    share_absent: float
    bounds: tuple[float, float] | None

    def rows(self, u: Floats) -> Rows:
        """Turn uniform numbers in [0, 1) into rows to take a value from."""
        missing = _pick(self.absent, u / max(self.share_absent, np.finfo(float).tiny))
        rows: Rows = np.where(self.is_absent(u), missing, _pick(self.present, self.rest(u)))
        return rows

    def is_absent(self, u: Floats) -> NDArray[np.bool_]:
        """Tell which cells miss their value."""
        return u < self.share_absent

    def rest(self, u: Floats) -> Floats:
        """Return, for the cells that do not, what is left of chance: uniform numbers in [0, 1) again."""
        if self.share_absent == 1.0:
            return u
        return np.clip((u - self.share_absent) / (1.0 - self.share_absent), 0.0, np.nextafter(1.0, 0.0))

    def numbers(self, u: Floats) -> Floats:
        """Turn the cells that do not miss their value into numbers within the range."""
        low, high = self.bounds or (0.0, 0.0)
        return _between(low, high, self.rest(u))


def _pick(values: NDArray[Any], u: Floats) -> NDArray[Any]:
    """Turn uniform numbers in [0, 1) into values, all equally likely; of none, into zeros."""
    if len(values) == 0:
        return np.zeros(len(u), dtype=values.dtype)
    return values[(np.minimum(u, np.nextafter(1.0, 0.0)) * len(values)).astype(np.int64)]


def _between(low: Any, high: Any, u: Floats) -> Floats:
    # As a difference, the widest range of float64 would overflow.
    return np.clip(low * (1.0 - u) + high * u, low, high)


def random_rows(X: Any, size: int, rng: np.random.Generator) -> Any:
    """Draw rows, each cell independently of all others.

    Parameters
    ----------
    X : container of n_rows rows
    size : int
        Number of rows to draw.
    rng : numpy Generator
        More rows are drawn by going on with it.

    Returns
    -------
    block : container of ``size`` rows
        Of the same container and dtypes, ready to be put below ``X``. In columns of floating-point numbers, values are
        uniform between the least and the greatest finite one; in all others, each distinct value is as likely as the
        next. A value is missing, or not stored in sparse data, as often as in its column.
    """
    if is_sparse(X):
        return _sparse_rows(X, size, rng)
    if is_frame(X):
        return _frame_rows(X, size, rng)
    if isinstance(X, np.ndarray) and X.ndim > 1:
        return _array_rows(X, size, rng)
    values = as_narwhals(X).to_list() if is_series(X) else list(X)
    return take_rows(X, _read_values(values).rows(rng.random(size)))


def _array_rows(X: NDArray[Any], size: int, rng: np.random.Generator) -> NDArray[Any]:
    cells = X.reshape(len(X), -1)
    drawn = np.empty((size, cells.shape[1]), dtype=X.dtype)
    for j, u in enumerate(rng.random((size, cells.shape[1])).T):
        drawn[:, j] = _draw(cells[:, j], u)
    return drawn.reshape(size, *X.shape[1:])


def _draw(values: NDArray[Any], u: Floats) -> NDArray[Any]:
    if values.dtype.kind in "biu":
        return _pick(np.unique(values), u)
    if values.dtype.kind != "f":
        return values[_read_values(values.tolist()).rows(u)]
    column = _read_floats(values)
    absent = column.is_absent(u)
    return np.where(absent, values[column.rows(u)], column.numbers(u).astype(values.dtype))


def _frame_rows(X: Any, size: int, rng: np.random.Generator) -> Any:
    clean = as_narwhals(X)
    columns = []
    for name, u in zip(clean.columns, rng.random((size, len(clean.columns))).T, strict=True):
        own = clean.get_column(name)
        if own.dtype not in (nw.Float32, nw.Float64):
            columns.append(own[_read_values(own.to_list()).rows(u)])
            continue
        values = own.to_numpy()
        column = _read_floats(values)
        taken = own[column.rows(u)]
        # Only numbers are written, so that a missing value keeps its kind (null or NaN).
        there = np.flatnonzero(~column.is_absent(u))
        numbers = column.numbers(u).astype(values.dtype)
        columns.append(nw.maybe_reset_index(taken).scatter(there, numbers[there]))
    block = nw.maybe_reset_index(columns[0].to_frame()).with_columns(*map(nw.maybe_reset_index, columns[1:]))
    return block.to_native()


def _sparse_rows(X: Any, size: int, rng: np.random.Generator) -> Any:
    columns = X.tocsc()
    columns.sum_duplicates()
    stored = np.diff(columns.indptr)
    share = stored / X.shape[0]
    data, indices, indptr = [columns.data[:0]], [np.empty(0, dtype=np.int64)], [0]
    low, high = _stored_ranges(columns, stored)
    for _ in range(size):
        u = rng.random(X.shape[1])
        kept = np.flatnonzero(u < share)
        # Given that the cell is stored, chance that is left of it is uniform again.
        rest = u[kept] / share[kept]
        entry = np.minimum((rest * stored[kept]).astype(np.int64), stored[kept] - 1)
        value = columns.data[columns.indptr[kept] + entry]
        if X.dtype.kind == "f":
            value = np.where(np.isfinite(value), _between(low[kept], high[kept], rest), value).astype(X.dtype)
        data.append(value)
        indices.append(kept)
        indptr.append(indptr[-1] + len(kept))
    kind = sparse.csr_array if isinstance(X, sparse.sparray) else sparse.csr_matrix
    drawn = kind((np.concatenate(data), np.concatenate(indices), indptr), shape=(size, X.shape[1]))
    return drawn.asformat(X.format)


def _stored_ranges(columns: Any, stored: Rows) -> tuple[Floats, Floats]:
    """Return the least and greatest finite stored entry of each column of a CSC matrix."""
    where = np.repeat(np.arange(len(stored)), stored)
    finite = np.isfinite(columns.data) if columns.dtype.kind == "f" else np.ones(len(columns.data), dtype=bool)
    low, high = np.full(len(stored), np.inf), np.full(len(stored), -np.inf)
    np.minimum.at(low, where[finite], columns.data[finite].astype(np.float64))
    np.maximum.at(high, where[finite], columns.data[finite].astype(np.float64))
    empty = low > high
    return np.where(empty, 0.0, low), np.where(empty, 0.0, high)


def _read_floats(values: NDArray[Any]) -> _Column:
    """Read a column of floating-point numbers; infinities are kept as often as they occur, like missing ones."""
    finite = np.isfinite(values)
    absent, present = np.flatnonzero(~finite), np.flatnonzero(finite)
    there = values[present].astype(np.float64)
    bounds = (float(there.min()), float(there.max())) if len(there) else None
    return _Column(absent, present[:1], len(absent) / len(values), bounds)


def _read_values(values: Iterable[Any]) -> _Column:
    """Read a column of anything else."""
    absent = []
    first: dict[Any, int] = {}
    count = 0
    for row, value in enumerate(values):
        count += 1
        if is_missing(value):
            absent.append(row)
        else:
            try:
                # 1, 1.0 and True are equal, but not the same value.
                first.setdefault((type(value), value), row)
            except TypeError:  # no hash, and so no telling which values are equal
                first[(row,)] = row
    present = np.array(list(first.values()), dtype=np.int64)
    return _Column(np.array(absent, dtype=np.int64), present, len(absent) / count, None)
