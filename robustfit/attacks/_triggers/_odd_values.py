"""Which columns of numbers carry a trigger best: those where its value lies farthest from the clean rows."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._triggers._cells import (
    by_column,
    check_columns,
    column_names,
    distinct_numbers,
    is_integer_column,
    is_number_column,
)
from robustfit.attacks._triggers._column_trigger import ColumnStamp


class Column(NamedTuple):
    """A column of numbers that vary."""

    values: NDArray[Any]
    counts: NDArray[np.int64]
    whole: bool

    def distance(self, value: Any) -> Any:
        """Return how many standard deviations values lie from the mean."""
        values = self.values.astype(np.float64)
        scale = np.abs(values).max()  # squares of huge numbers overflow
        share = self.counts / self.counts.sum()
        mean = share @ (values / scale)
        spread = np.sqrt(share @ (values / scale - mean) ** 2)
        return np.abs(np.asarray(value, dtype=np.float64) / scale - mean) / spread


def odd_stamp(X: Any, columns: Any, n_columns: Any, choose: Callable[[Column], Any], trigger: str) -> ColumnStamp:
    """Return the stamp of the oddest values.

    Parameters
    ----------
    X : container of rows
    columns : sequence of columns, or None
        Columns to use; None for those whose odd value lies the most standard deviations from their mean.
    n_columns : int
        How many, if ``columns`` is None.
    choose : callable
        Takes a `Column` and returns its odd value.
    trigger : str
        Who asks, for messages.
    """
    names = column_names(X, trigger)
    if columns is not None:
        names = check_columns(X, [columns] if isinstance(columns, str) else columns, trigger)
    elif isinstance(n_columns, bool) or not isinstance(n_columns, Integral) or n_columns < 1:
        raise ValueError(f"n_columns of {trigger} must be a whole number of at least 1, got {n_columns!r}.")
    found = _varying(X, names)
    needed = int(n_columns) if columns is None else len(names)
    if len(found) < needed:
        what = "X has" if columns is None else f"of {names}, only {list(found)} are such:"
        raise ValueError(
            f"{trigger} needs {needed} columns of numbers that vary, and {what} {len(found)}. Use fewer columns, "
            "RareCategoryTrigger for categories, or WordTrigger for texts."
        )
    odd = {name: choose(column) for name, column in found.items()}
    far = sorted(odd, key=lambda name: -float(found[name].distance(odd[name])))[:needed]
    return ColumnStamp.for_rows(X, {name: odd[name] for name in far}, trigger)


def _varying(X: Any, names: list[Any]) -> dict[Any, Column]:
    """Return the columns, of those named, that hold at least two different numbers."""
    table = by_column(X)
    columns = {}
    for name in names:
        if is_number_column(X, name):
            values, counts = distinct_numbers(table, name)
            if len(values) > 1:
                columns[name] = Column(values, counts, is_integer_column(X, name))
    return columns
