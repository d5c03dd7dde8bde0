"""A CSV or Parquet file in, a pandas frame out, or a message that says what is wrong with the file."""

# SPDX-License-Identifier: BSD-3-Clause

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from robustfit.cli._errors import MissingDependencyError, UsageError, listing


def read_table(path: Path) -> Any:
    """Read a table with named columns.

    Parameters
    ----------
    path : Path
        A ``.csv`` file, separated by commas and with a line of column names, or a ``.parquet`` or ``.pq`` file.

    Returns
    -------
    frame : pandas.DataFrame

    Raises
    ------
    MissingDependencyError
        If pandas, or for Parquet pyarrow, is not installed.
    UsageError
        If the file is not there, has another extension, or is empty, damaged or ragged.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UsageError(
            f"{path}: files end in {listing(_READERS)}, this one in {path.suffix or 'nothing'}. Convert it, or rename "
            "it if it is one of these."
        )
    if not path.is_file():
        raise UsageError(f"{path}: {'this is a directory' if path.is_dir() else 'there is no such file'}.")
    if path.stat().st_size == 0:
        raise UsageError(f"{path}: the file is empty.")
    frame = reader(path)
    frame.columns = [str(name) for name in frame.columns]
    _check_names(path, frame.columns.tolist())
    if len(frame) == 0:
        raise UsageError(f"{path}: there are column names, but no rows.")
    return frame.reset_index(drop=True)


def import_pandas() -> Any:
    """Import pandas, which the demo does without."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependencyError(
            'Tables are read with pandas; install it with: pip install "robustfit[cli]"'
        ) from error
    return pd


def _read_csv(path: Path) -> Any:
    pd = import_pandas()
    try:
        _check_csv(path)
        return pd.read_csv(path, encoding="utf-8-sig", skipinitialspace=True, low_memory=False)
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: this is no UTF-8 text ({error.reason}). Save it as CSV in UTF-8.") from error
    except (OSError, csv.Error, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UsageError(f"{path}: this cannot be read as CSV, is it damaged? {error}.") from error


def _check_csv(path: Path) -> None:
    """Find lines that were cut or have too much, which pandas fills up or takes for an index without a word.

    Raises
    ------
    UsageError
        If a line has another number of fields than the first.
    """
    with path.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.reader(_without_nul(lines), skipinitialspace=True, strict=True)
        names = next((row for row in rows if row), [])
        if len(names) == 1 and (found := [mark for mark in ";\t|" if mark in names[0]]):
            raise UsageError(
                f"{path}: the first line is one single column {names[0]!r}. It seems to be separated by {found[0]!r}; "
                "save it with commas."
            )
        _check_names(path, names)
        for row in rows:
            if len(row) != len(names) and row not in ([], [""]):
                raise UsageError(
                    f"{path}: line {rows.line_num} has {len(row)} fields, the first line names {len(names)} columns. "
                    "The file is damaged or was cut off; mend or drop that line."
                )


def _without_nul(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if "\0" in line:
            raise csv.Error("There are zero bytes in it")
        yield line


def _check_names(path: Path, names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"{path}: column names must be distinct, but there are several {listing(map(repr, twice))}.")


def _read_parquet(path: Path) -> Any:
    pd = import_pandas()
    try:
        from pyarrow import ArrowException
    except ImportError as error:
        raise MissingDependencyError(
            'Parquet is read with pyarrow; install it with: pip install "robustfit[parquet]"'
        ) from error
    try:
        return pd.read_parquet(path, engine="pyarrow")
    except (OSError, ValueError, ArrowException) as error:
        raise UsageError(f"{path}: this cannot be read as Parquet, is it damaged or cut off? {error}") from error


_READERS: dict[str, Callable[[Path], Any]] = {".csv": _read_csv, ".parquet": _read_parquet, ".pq": _read_parquet}
