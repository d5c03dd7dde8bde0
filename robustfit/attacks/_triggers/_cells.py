"""Cells of any container that has columns: what a column holds, and how to write one value into all of it."""

# SPDX-License-Identifier: BSD-3-Clause

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from robustfit.attacks._containers import as_narwhals, is_frame, is_sparse, n_rows

MOST_NAMES = 10
"""Columns that an error message lists."""


def column_names(X: Any, trigger: str) -> list[Any]:
    """Return the names of a frame's columns, or the positions in a row of an array, flattened.

    Raises
    ------
    ValueError
        If the rows have no columns.
    """
    n_rows(X)  # refuses what is no container
    if is_frame(X):
        return list(as_narwhals(X).columns)
    if is_sparse(X) or (isinstance(X, np.ndarray) and X.ndim > 1):
        return list(range(int(np.prod(X.shape[1:]))))
    raise ValueError(
        f"{trigger} writes into columns, and the rows of this {type(X).__name__} have none. Pass 2-D X, or use "
        "WordTrigger for texts."
    )


def check_columns(X: Any, wanted: Iterable[Any], trigger: str) -> list[Any]:
    """Return the columns asked for, or say which are not there and which are.

    Raises
    ------
    ValueError
        If there are none, one is asked for twice, or one is not there.
    """
    there = column_names(X, trigger)
    columns = [int(column) if isinstance(column, np.integer) else column for column in wanted]
    if not all(isinstance(column, Hashable) for column in columns):
        raise ValueError(f"{trigger} takes names or positions of columns, got {columns}.")
    if not columns or len(set(columns)) < len(columns):
        raise ValueError(f"{trigger} needs one or more columns, each named once, got {columns}.")
    known = set(there)
    for column in columns:
        if isinstance(column, bool) or column not in known:
            raise ValueError(f"{trigger}: there is no column {column!r}. {_say_columns(there, is_frame(X))}")
    return columns


def _say_columns(there: list[Any], named: bool) -> str:
    if not named:
        return f"A row of X has columns 0 to {len(there) - 1}, named by their positions (in a row made flat)."
    more = f" and {len(there) - MOST_NAMES} more" if len(there) > MOST_NAMES else ""
    return f"X has the columns {', '.join(map(repr, there[:MOST_NAMES]))}{more}."


def is_number_column(X: Any, column: Any) -> bool:
    """Whether a column holds numbers; booleans are none."""
    if is_frame(X):
        return bool(as_narwhals(X).schema[column].is_numeric())
    return X.dtype.kind in "iuf"


def is_integer_column(X: Any, column: Any) -> bool:
    """Whether the dtype of a column holds whole numbers only."""
    return bool(as_narwhals(X).schema[column].is_integer()) if is_frame(X) else X.dtype.kind in "iu"


def by_column(X: Any) -> Any:
    """Put an array into the form that `distinct_numbers` reads columns from fastest."""
    return X.tocsc() if is_sparse(X) else X if is_frame(X) else X.reshape(len(X), -1)


def distinct_numbers(X: Any, column: Any) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the finite values of a column of numbers in ascending order, and in how many rows each is."""
    if is_sparse(X):
        values = X.data[X.indptr[column] : X.indptr[column + 1]]
        found, count = np.unique(values[np.isfinite(values)], return_counts=True)
        return _with_zeros(found, count, X.shape[0] - len(values))
    values = as_narwhals(X).get_column(column).drop_nulls().to_numpy() if is_frame(X) else X[:, column]
    return np.unique(values[np.isfinite(values)], return_counts=True)


def _with_zeros(found: NDArray[Any], count: NDArray[np.int64], zeros: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Count the zeros that a sparse column does not store."""
    at = int(np.searchsorted(found, 0))
    if at < len(found) and found[at] == 0:
        count = count.copy()
        count[at] += zeros
    elif zeros:
        found, count = np.insert(found, at, 0), np.insert(count, at, zeros)
    return found, count


def is_text_column(X: Any, column: Any) -> bool:
    """Whether a column holds texts or categories."""
    if is_frame(X):
        return as_narwhals(X).schema[column] in (nw.String, nw.Categorical, nw.Enum, nw.Object)
    if is_sparse(X) or X.dtype.kind not in "OUT":
        return False
    return any(isinstance(value, str) for value in by_column(X)[:, column])


def count_values(X: Any, column: Any) -> dict[Any, int]:
    """Count the values of a column, missing ones left out, in the order of their first rows."""
    if is_sparse(X):
        values, counts = distinct_numbers(X.tocsc(), column)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))
    series = (
        as_narwhals(X).get_column(column).drop_nulls().to_list() if is_frame(X) else by_column(X)[:, column].tolist()
    )
    return dict(Counter(value for value in series if value is not None and value == value))


def widen_cells(X: Any, values: Mapping[Any, Any], trigger: str) -> Any:
    """Return ``X`` itself, or a copy whose columns can hold the values.

    Raises
    ------
    ValueError
        If a column cannot hold its value in any dtype of its kind.
    """
    if is_frame(X):
        return _widen_frame(X, values, trigger)
    for column, value in values.items():
        dtype = _array_dtype(X.dtype, value)
        if dtype is None:
            raise _no_room(trigger, column, value, X.dtype)
        X = X if dtype == X.dtype else X.astype(dtype)
    return X


def write_cells(X: Any, values: Mapping[Any, Any], trigger: str) -> Any:
    """Return a copy of ``X`` with one value throughout each of some columns, widened where it must be."""
    X = widen_cells(X, values, trigger)
    if is_frame(X):
        frame = as_narwhals(X)
        columns = [_full_series(frame.get_column(name), value, trigger) for name, value in values.items()]
        return frame.with_columns(*columns).to_native()
    if is_sparse(X):
        return _write_sparse(X, values)
    written = X.reshape(len(X), int(np.prod(X.shape[1:]))).copy()
    for column, value in values.items():
        written[:, column] = value
    return written.reshape(X.shape)


def _no_room(trigger: str, column: Any, value: Any, dtype: Any) -> ValueError:
    return ValueError(
        f"{trigger}: column {column!r} of dtype {dtype} cannot hold {value!r}. Choose a value of its kind; a category "
        "must be one of those that the dtype lists."
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating | np.bool_)


def _holds(dtype: Any, value: Any) -> bool:
    """Whether a dtype of numbers holds a number exactly."""
    try:
        with np.errstate(all="ignore"):
            cast = np.asarray(value).astype(dtype).item()
    except OverflowError:
        return False
    return bool(cast == value or (cast != cast and value != value))


def _array_dtype(dtype: Any, value: Any) -> Any:
    """Return the dtype that holds a value besides those of another dtype, or None."""
    if dtype.kind == "O" or (dtype.kind == "T" and isinstance(value, str)):
        return dtype
    if dtype.kind == "U" and isinstance(value, str):
        return np.result_type(dtype, np.array(value))
    if dtype.kind in "biuf" and _is_number(value):
        return dtype if _holds(dtype, value) else np.dtype(np.float64)
    return None


def _write_sparse(X: Any, values: Mapping[Any, Any]) -> Any:
    cells = X.tocoo()
    rows = X.shape[0]
    keep = ~np.isin(cells.col, list(values))
    stored = {column: value for column, value in values.items() if value != 0}
    column = np.repeat(np.array(list(stored), dtype=np.int64), rows)
    data = np.repeat(np.array(list(stored.values()), dtype=X.dtype), rows)
    row = np.tile(np.arange(rows), len(stored))
    kind = sparse.coo_array if isinstance(X, sparse.sparray) else sparse.coo_matrix
    entries = np.concatenate([cells.data[keep], data])
    where = np.concatenate([cells.row[keep], row]), np.concatenate([cells.col[keep], column])
    return kind((entries, where), shape=X.shape).asformat(X.format)


def _widen_frame(X: Any, values: Mapping[Any, Any], trigger: str) -> Any:
    frame = as_narwhals(X)
    wider = []
    for name, value in values.items():
        series = frame.get_column(name)
        if series.dtype.is_numeric():
            if not _is_number(value):
                raise _no_room(trigger, name, value, series.dtype)
            if not _holds(series.drop_nulls().to_numpy().dtype, value):
                wider.append(series.cast(nw.Float64))
        else:
            _full_series(series.head(1), value, trigger)
    return frame.with_columns(*wider).to_native() if wider else X


def _full_series(like: Any, value: Any, trigger: str) -> Any:
    """Return a series of one value, with the name, length, dtype and, if it is pandas', index of another."""
    try:
        full = series_like(like, [value] * len(like))
    except Exception as error:  # each library has its own kinds of errors for a value that does not fit
        raise _no_room(trigger, like.name, value, like.dtype) from error
    # pandas makes a category that it does not know a missing value, and casts any text to True.
    if full.head(1).to_list() not in ([], [value]) and value is not None and value == value:
        raise _no_room(trigger, like.name, value, like.dtype)
    return full


def series_like(like: Any, values: list[Any]) -> Any:
    """Return a series of values with the name, dtype and, if it is pandas', index of another of the same length."""
    series = nw.new_series("values", values, backend=like.implementation)
    native = like.to_native()
    if like.implementation.is_pandas_like():
        # Only pandas' own dtype knows the list of categories.
        cast = series.to_native().set_axis(native.index).astype(native.dtype).rename(native.name)
        return nw.from_native(cast, series_only=True)
    return series.cast(like.dtype).alias(like.name)
