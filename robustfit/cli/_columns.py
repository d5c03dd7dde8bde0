"""Columns of any type in, numbers and texts out: each value by itself, whatever the other rows hold."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.cli._errors import UsageError, listing
from robustfit.cli._read_table import import_pandas

# A text column with more different values per row than this holds names or prose rather than categories.
MOST_DISTINCT = 0.5

# Names that pandas gives to what it finds in a column.
_NUMBERS = {"floating", "integer", "mixed-integer-float", "decimal", "boolean", "empty"}
_DATES = {"datetime64", "datetime", "date"}


def features(frame: Any) -> tuple[Any, list[str], list[str]]:
    """Bring columns into the two forms that the learners take.

    Parameters
    ----------
    frame : pandas.DataFrame

    Returns
    -------
    features : pandas.DataFrame
        Numbers, booleans and dates as float64, the latter in days since 1970; texts and categories as objects. What is
        missing, or infinite, is NaN.
    numbers, texts : list of str
        Names of the columns of either form.

    Raises
    ------
    UsageError
        If a column holds values of other types, or of several.
    """
    columns = {name: _feature(name, frame[name]) for name in frame.columns}
    texts = [name for name, column in columns.items() if column.dtype == object]
    numbers = [name for name in columns if name not in set(texts)]
    return import_pandas().DataFrame(columns, index=frame.index), numbers, texts


def labels(name: str, column: Any, *, dates: bool = False) -> NDArray[Any]:
    """Return a target or a group column without missing values as labels or numbers.

    Parameters
    ----------
    name : str
    column : pandas.Series
    dates : bool, default=False
        Take dates for names, as of groups that are time windows.

    Returns
    -------
    labels : ndarray of shape (n_rows,)
        Objects (texts), bool, int64 (numbers that are all whole) or float64.

    Raises
    ------
    UsageError
        If the column holds values of other types, or of several.
    """
    column, kind = _kind(column)
    if kind == "string" or (dates and kind in _DATES):
        return column.astype(str).astype(object).to_numpy()
    if kind == "boolean":
        return column.to_numpy(dtype=bool)
    if kind not in _NUMBERS:
        raise _unusable(name, column, "texts, booleans or numbers")
    numbers = column.to_numpy(dtype=np.float64)
    whole = np.all(numbers == np.round(numbers)) and np.all(np.abs(numbers) < 2**53)
    return numbers.astype(np.int64) if whole else numbers


def missing(column: Any) -> NDArray[np.bool_]:
    """Return where a column has no value; infinity is none either."""
    absent = column.isna().to_numpy()
    if column.dtype.kind == "f":
        absent = absent | np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return absent


def _feature(name: str, column: Any) -> Any:
    pd = import_pandas()
    column, kind = _kind(column)
    if kind == "string":
        return column.astype(object).where(column.notna(), np.nan)
    if kind in _DATES:
        days = (pd.to_datetime(column, utc=True) - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
        return days.astype(np.float64)
    if kind not in _NUMBERS:
        raise _unusable(name, column, "numbers, booleans, dates, texts or categories")
    numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
    return pd.Series(np.where(np.isfinite(numbers), numbers, np.nan), index=column.index)


def _kind(column: Any) -> tuple[Any, str]:
    """Return a column, unpacked if it is one of categories, and what it holds."""
    pd = import_pandas()
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    return column, pd.api.types.infer_dtype(column, skipna=True)


def _unusable(name: str, column: Any, allowed: str) -> UsageError:
    types = sorted({type(value).__name__ for value in column.dropna().tolist()})
    return UsageError(
        f"Column {name!r} holds values of type {listing(types)}; a column must hold {allowed}, of one type throughout. "
        "Convert the column, or leave it out of the file."
    )
