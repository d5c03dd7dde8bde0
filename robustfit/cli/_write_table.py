"""A pandas frame in, the content of a CSV or Parquet file out."""

# SPDX-License-Identifier: BSD-3-Clause

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from robustfit.cli._errors import MissingDependencyError, UsageError, listing


def check_format(path: Path, option: str) -> None:
    """Refuse a file that nothing can be written to as its name says, before anything is computed for it.

    Raises
    ------
    UsageError
        If its extension is not a known one.
    MissingDependencyError
        If pyarrow is not installed, for Parquet.
    """
    if path.suffix.lower() not in _WRITERS:
        raise UsageError(
            f"{option} {path}: files that can be written end in {listing(_WRITERS)}, this one in "
            f"{path.suffix or 'nothing'}."
        )
    if _WRITERS[path.suffix.lower()] is _parquet:
        _import_pyarrow()


def table_bytes(frame: Any, path: Path) -> bytes:
    """Return what a file with this table holds, in the format that its name says.

    Raises
    ------
    UsageError
        If Parquet cannot hold a column.
    """
    return _WRITERS[path.suffix.lower()](frame)


def _csv(frame: Any) -> bytes:
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text.encode()


def _parquet(frame: Any) -> bytes:
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer, engine="pyarrow", index=False)
    except _import_pyarrow().ArrowException as error:
        raise UsageError(
            f"The rows cannot be written as Parquet: {error} Write a .csv file, which takes any values."
        ) from error
    return buffer.getvalue()


def _import_pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise MissingDependencyError(
            'Parquet is written with pyarrow; install it with: pip install "robustfit[parquet]"'
        ) from error
    return pyarrow


_WRITERS: dict[str, Callable[[Any], bytes]] = {".csv": _csv, ".parquet": _parquet, ".pq": _parquet}
