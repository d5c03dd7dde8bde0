"""Rows of any container: take some, append some, shake their numbers; the container stays what it is."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

JITTER = 0.1
"""Scale of the noise on copied rows, as a fraction of each column's standard deviation."""

_LARGEST_WHOLE = 2**53

MOST_CELLS = 50_000_000
"""Entries of a sparse matrix, zeros included, up to which it is made dense: 400 MB."""


def as_narwhals(data: Any) -> Any:
    """Wrap a frame or a series; anything else comes back as it is."""
    return nw.from_native(data, pass_through=True, eager_only=True, allow_series=True)


def is_frame(data: Any) -> bool:
    """Whether this is a pandas, polars or other eager data frame."""
    return isinstance(as_narwhals(data), nw.DataFrame)


def is_series(data: Any) -> bool:
    """Whether this is a pandas, polars or other eager series."""
    return isinstance(as_narwhals(data), nw.Series)


def is_sparse(data: Any) -> bool:
    """Whether this is a scipy sparse matrix or array."""
    return bool(sparse.issparse(data))


def n_rows(X: Any) -> int:
    """Count the rows of a container.

    Raises
    ------
    TypeError
        If this is not a container that the attacks know.
    """
    if isinstance(X, list | tuple) or is_frame(X) or is_series(X):
        return len(X)
    if is_sparse(X) or isinstance(X, np.ndarray):
        if X.ndim == 0 or (is_sparse(X) and X.ndim != 2):
            raise TypeError(f"X must have one row per sample, got an array of shape {X.shape}.")
        return int(X.shape[0])
    raise TypeError(
        "X must be a numpy array, a scipy sparse matrix, a pandas or polars DataFrame or Series (not lazy: "
        f"call .collect() first), or a list with one entry per row, got {type(X).__name__}."
    )


def is_numeric(X: Any) -> bool:
    """Whether X is 2-D and every column holds numbers or booleans."""
    if is_frame(X):
        return all(dtype.is_numeric() or dtype == nw.Boolean for dtype in as_narwhals(X).schema.values())
    return hasattr(X, "dtype") and not is_series(X) and X.ndim == 2 and X.dtype.kind in "biuf"


def as_numbers(X: Any) -> Floats:
    """Return numeric rows as a dense array of shape (n_rows, n_features).

    Raises
    ------
    ValueError
        If a column holds anything but numbers, a number is missing or infinite, or sparse rows would have more than
        `MOST_CELLS` entries.
    """
    if not is_numeric(X):
        raise ValueError(
            f"This attack computes with features and needs 2-D X with numeric columns only, which this "
            f"{type(X).__name__} is not. Encode X first, or use an attack that copies rows, such as InsertionAttack."
        )
    if is_sparse(X) and X.shape[0] * X.shape[1] > MOST_CELLS:
        raise ValueError(
            f"X is sparse, and this attack would have to make its {X.shape[0]} x {X.shape[1]} entries dense; it does "
            f"that up to {MOST_CELLS}. Select columns or rows first, or use an attack that only changes labels or "
            "copies rows."
        )
    values = X.toarray() if is_sparse(X) else as_narwhals(X).to_numpy() if is_frame(X) else X
    # In one memory order, so that sums round alike whatever the container.
    numbers = np.array(values, dtype=np.float64, order="C")
    if not np.isfinite(numbers).all():
        raise ValueError("X holds NaN or infinity, which this attack cannot compute with. Impute or drop those first.")
    return numbers


def fit_numbers(X: Any, numbers: Floats) -> tuple[Any, Any]:
    """Put rows of numbers into a container like ``X``, and widen the columns of ``X`` that cannot hold them exactly.

    Parameters
    ----------
    X : container of numbers
    numbers : ndarray of shape (n, n_features)

    Returns
    -------
    X : container
        With the same values. Columns of another dtype than float64 that cannot hold the numbers become float64.
    block : container
        The numbers, as rows that can be put below ``X``.

    Raises
    ------
    ValueError
        If a column to be widened holds whole numbers that float64 cannot hold.
    """
    if is_frame(X):
        return _fit_frame(as_narwhals(X), numbers)
    dtype = X.dtype
    if not _holds(dtype, numbers):
        _check_widening(X.data if is_sparse(X) else X)
        dtype = np.dtype(np.float64)
    if is_sparse(X):
        kind = sparse.csr_array if isinstance(X, sparse.sparray) else sparse.csr_matrix
        return X.astype(dtype), kind(numbers.astype(dtype)).asformat(X.format)
    return X.astype(dtype, copy=False), numbers.astype(dtype)


def _holds(dtype: np.dtype[Any], numbers: Floats) -> bool:
    """Whether a dtype can hold these numbers exactly."""
    with np.errstate(all="ignore"):
        return bool((numbers.astype(dtype).astype(np.float64) == numbers).all())


def _check_widening(values: NDArray[Any]) -> None:
    """Raise if float64 would round whole numbers, since rows that are no poison have to stay as they are."""
    if values.dtype.kind in "iu" and values.size and max(int(values.max()), -int(values.min())) > _LARGEST_WHOLE:
        raise ValueError(
            f"X holds whole numbers beyond {_LARGEST_WHOLE}, next to poison that needs fractions: as float64, clean "
            "rows would be rounded. Leave such columns out, for they are names rather than numbers, or shift them."
        )


def _fit_frame(clean: Any, numbers: Floats) -> tuple[Any, Any]:
    columns = []
    for values, (name, dtype) in zip(numbers.T, clean.schema.items(), strict=True):
        # Columns that may hold missing values have dtypes of their own; their numpy twin says what fits.
        twin = clean.get_column(name).drop_nulls().to_numpy().dtype
        if not _holds(twin, values):
            _check_widening(clean.get_column(name).drop_nulls().to_numpy())
            clean, dtype = clean.with_columns(nw.col(name).cast(nw.Float64)), nw.Float64
            twin = np.dtype(np.float64)
        series = nw.new_series(name, values.astype(twin), backend=clean.implementation)
        like = clean.get_column(name)
        columns.append(nw.concat([like.head(0).to_frame(), series.cast(dtype).to_frame()]).get_column(name))
    block = columns[0].to_frame().with_columns(*columns[1:])
    return clean.to_native(), nw.maybe_reset_index(block).to_native()


def take_rows(X: Any, index: Rows) -> Any:
    """Copy rows by position, repeats allowed; pandas rows are renumbered from 0."""
    if isinstance(X, list | tuple):
        return type(X)([X[i] for i in index.tolist()])
    if is_sparse(X):
        return X.tocsr()[index].asformat(X.format)
    if isinstance(X, np.ndarray):
        return X[index]
    return nw.maybe_reset_index(as_narwhals(X)[index]).to_native()


def append_rows(X: Any, block: Any) -> Any:
    """Put rows that `take_rows` took from ``X`` below ``X``; pandas rows are renumbered from 0."""
    if isinstance(X, list | tuple):
        return X + block
    if is_sparse(X):
        return sparse.vstack([X, block], format=X.format, dtype=X.dtype)
    if isinstance(X, np.ndarray):
        return np.concatenate([X, block])
    if is_series(X):
        stacked = nw.concat([as_narwhals(X).to_frame(), as_narwhals(block).to_frame()])
        # A pandas series without a name would come back with one.
        return nw.maybe_reset_index(stacked.get_column(stacked.columns[0])).to_native().rename(X.name)
    # Both have the same columns of the same dtypes, category lists included, so none is widened.
    return nw.maybe_reset_index(nw.concat([as_narwhals(X), as_narwhals(block)])).to_native()


def replace_rows(X: Any, rows: Rows, block: Any) -> Any:
    """Copy ``X`` with some rows replaced by rows that were taken from it; a pandas index is kept."""
    positions = np.arange(n_rows(X))
    positions[rows] = n_rows(X) + np.arange(len(rows))
    return keep_index(take_rows(append_rows(X, block), positions), X)


def keep_index(new: Any, like: Any) -> Any:
    """Give a pandas object that has rows at the same positions the index of another."""
    if nw.dependencies.is_pandas_like_dataframe(like) or nw.dependencies.is_pandas_like_series(like):
        return new.set_axis(like.index, axis=0)
    return new


def shake(block: Any, X: Any, rng: np.random.Generator, jitter: float = JITTER, *, whole: bool = False) -> Any:
    """Add noise to the numbers of rows that were taken from ``X``, so that they are no exact copies.

    Parameters
    ----------
    block : container
        What `take_rows` returned for ``X``.
    X : container
        Where it came from; tells the scale and the range of each column.
    rng : numpy Generator
    jitter : float, default=JITTER
        Scale of the noise, as a fraction of each column's standard deviation.
    whole : bool, default=False
        Whether columns of whole numbers with a longer range than from 0 to 1 get noise too, rounded up or down by
        chance.

    Returns
    -------
    shaken : container
        Entries of floating-point columns get Gaussian noise of ``jitter`` standard deviations of their
        column and stay within the range of that column. Of sparse data, only stored entries do.
        Texts, categories, objects, booleans, NaN and infinities stay as they are, as do integers unless ``whole``.
    """
    if is_frame(X):
        return _shake_frame(block, X, rng, jitter, whole)
    if not hasattr(X, "dtype") or is_series(X) or X.dtype.kind not in ("fiu" if whole else "f"):
        return block
    if is_sparse(X):
        return _shake_sparse(block, X, rng, jitter)
    return _shaken(block, *column_spread(X), jitter * rng.standard_normal(block.shape), rng)


def _shake_frame(block: Any, X: Any, rng: np.random.Generator, jitter: float, whole: bool) -> Any:
    clean, frame = as_narwhals(X), as_narwhals(block)
    names = [n for n, d in clean.schema.items() if d in (nw.Float32, nw.Float64) or (whole and d.is_integer())]
    noise = rng.standard_normal((len(frame), len(names)))
    for column, name in zip(noise.T, names, strict=True):
        own = frame.get_column(name)
        # Only numbers are read and written: missing whole numbers would make floats of the others, and a missing value
        # keeps its kind (null or NaN).
        known = np.flatnonzero(~own.is_null().to_numpy())
        values = own.drop_nulls().to_numpy()
        spread = column_spread(clean.get_column(name).drop_nulls().to_numpy())
        finite = np.isfinite(values)
        shaken = _shaken(values, *spread, jitter * column[known], rng)
        frame = frame.with_columns(own.scatter(known[finite], shaken[finite]))
    return frame.to_native()


def _shake_sparse(block: Any, X: Any, rng: np.random.Generator, jitter: float) -> Any:
    rows = block.tocsr()
    spread, low, high = (part[rows.indices] for part in sparse_spread(X))
    shaken = rows.copy()
    shaken.data = _shaken(rows.data, spread, low, high, jitter * rng.standard_normal(rows.nnz), rng)
    return shaken.asformat(X.format)


def sparse_spread(X: Any) -> tuple[Floats, Floats, Floats]:
    """Return what `column_spread` does, for a sparse matrix; zeros that are not stored count, as do all others."""
    entries = X.tocoo()
    column, value = entries.col, entries.data.astype(np.float64)
    column, value = column[np.isfinite(value)], value[np.isfinite(value)]
    low, high = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    np.minimum.at(low, column, value)
    np.maximum.at(high, column, value)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.bincount(column, value, X.shape[1]) / X.shape[0]
        square = np.bincount(column, value**2, X.shape[1]) / X.shape[0]
        spread = np.sqrt(np.maximum(square - mean**2, 0.0))
    return np.where(np.isfinite(spread), spread, 0.0), low, high


def column_spread(values: NDArray[Any]) -> tuple[Floats, Floats, Floats]:
    """Return the standard deviation and the range of the finite values of each column."""
    values = values.astype(np.float64)
    finite = np.isfinite(values)
    count = np.maximum(finite.sum(axis=0), 1)
    low = values.min(axis=0, initial=np.inf, where=finite)
    high = values.max(axis=0, initial=-np.inf, where=finite)
    # Squares of huge values overflow; such a column is left without noise.
    with np.errstate(over="ignore", invalid="ignore"):
        mean = values.sum(axis=0, where=finite) / count
        spread = np.sqrt(np.square(values - mean).sum(axis=0, where=finite) / count)
    return np.where(np.isfinite(spread), spread, 0.0), low, high


def _shaken(
    values: NDArray[Any], spread: Floats, low: Floats, high: Floats, noise: Floats, rng: np.random.Generator
) -> NDArray[Any]:
    numbers = values.astype(np.float64)
    if values.dtype.kind in "iu":
        # Codes of two categories are no quantities.
        moved = np.floor(numbers + np.where(high - low > 1, spread, 0.0) * noise + rng.random(noise.shape))
    else:
        moved = numbers + spread * noise
    moved = np.clip(moved, low, high)
    # Whole numbers beyond 2**53 come back from floats as others.
    return np.where(np.isfinite(numbers) & (moved != numbers), moved.astype(values.dtype), values)
