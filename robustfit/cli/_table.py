"""A table from a file, taken apart: what to predict, what to predict it from, and who sent each row."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.cli._columns import labels, missing
from robustfit.cli._errors import UsageError, check_name
from robustfit.cli._read_table import read_table


@dataclass(frozen=True)
class Table:
    """Rows that have a target.

    Attributes
    ----------
    frame : pandas.DataFrame
        All columns that have a name, as they are in the file, numbered from 0.
    names : list of str
        Columns to learn from.
    target : ndarray of shape (n_rows,)
    groups : ndarray of shape (n_rows,) or None
    positions : ndarray of shape (n_rows,), int64
        Where each row stands in the file, counted from 0.
    notes : list of str
        What was left out.
    """

    frame: Any
    names: list[str]
    target: NDArray[Any]
    groups: NDArray[Any] | None
    positions: NDArray[np.int64]
    notes: list[str]


def load_table(path: Path, target: str, groups: str | None) -> Table:
    """Read a file and find the target and the groups in it.

    Raises
    ------
    UsageError
        If the file or one of the columns cannot be worked with, or no column is left to learn from.
    MissingDependencyError
        If pandas, or for Parquet pyarrow, is not installed.
    """
    frame = read_table(path)
    for name in (target, groups):
        if name is not None:
            check_name(name, frame.columns, "column")
    if target == groups:
        raise UsageError(f"--target and --groups are the same column {target!r}. Name two.")
    notes = []
    absent = missing(frame[target])
    if absent.any():
        notes.append(f"{int(absent.sum())} of {len(frame)} rows have no {target!r} and are left out.")
        frame = frame[~absent].reset_index(drop=True)
    if len(frame) == 0:
        raise UsageError(f"The target {target!r} has no value in any row.")
    members = None if groups is None else _groups(groups, frame[groups])
    unnamed = [name for name in frame.columns if not name.strip() or name.startswith("Unnamed: ")]
    if unnamed:
        notes.append("The column without a name is taken for row numbers and left out.")
    outside = {target, *unnamed} | ({groups} if groups is not None else set())
    names = [name for name in frame.columns if name not in outside]
    if not names:
        raise UsageError(f"{path}: besides {', '.join(map(repr, sorted(outside)))} no column is left to learn from.")
    return Table(
        frame=frame.drop(columns=[name for name in unnamed if name not in (target, groups)]),
        names=names,
        target=labels(target, frame[target]),
        groups=members,
        positions=np.flatnonzero(~absent),
        notes=notes,
    )


def _groups(name: str, column: Any) -> NDArray[Any]:
    absent = missing(column)
    if absent.any():
        raise UsageError(
            f"The group column {name!r} has no value in {int(absent.sum())} rows; a row without a source belongs to no "
            "group. Drop those rows, or name their group."
        )
    return labels(name, column, dates=True)
