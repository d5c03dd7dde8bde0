"""What is known of a column of the reference: its kind, range, categories, and how much of it is missing."""

# SPDX-License-Identifier: BSD-3-Clause

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from robustfit.sanitize._validation._table import Cells, Numbers, read_cells

NUMERIC = ("number", "integer")


@dataclass(frozen=True, kw_only=True)
class ColumnProfile:
    """What is known of a column of the reference.

    Attributes
    ----------
    name : str or int
    kind : str
        As a `robustfit.partition.Schema` names it; ``"unknown"`` if the column has no values.
    n_missing : int
        Cells without a value.
    low, high : float or None
        Range of numbers, from quantiles widened; None where there is no bound.
    floor, ceiling : float or None
        Range of numbers, from the least and the largest one widened; it holds the other range.
    n_below, n_above : int
        Cells of the reference itself outside of the range from ``low`` to ``high``.
    whole : bool
        Whether all numbers are whole.
    values : tuple of str or float, or None
        The categories; None where the column is not one of categories.
    listed : bool
        Whether these are the categories that the schema or the type of the column lists.
    n_single : int
        Categories that a single cell of the reference holds.
    """

    name: Any
    kind: str
    n_missing: int = 0
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    n_below: int = 0
    n_above: int = 0
    whole: bool = False
    values: tuple[Any, ...] | None = None
    listed: bool = False
    n_single: int = 0

    def below(self, values):
        """Mask of the numbers below the range."""
        return values < (-math.inf if self.low is None else self.low)

    def above(self, values):
        """Mask of the numbers above the range."""
        return values > (math.inf if self.high is None else self.high)

    def far(self, values):
        """Mask of the numbers outside of the wider range."""
        return (values < (-math.inf if self.floor is None else self.floor)) | (
            values > (math.inf if self.ceiling is None else self.ceiling)
        )

    def near(self, values):
        """Mask of the numbers between the two ranges."""
        return (self.below(values) | self.above(values)) & ~self.far(values)


def profile_numbers(name, kind, column: Numbers, quantile, tolerance):
    """Profile a column of numbers.

    Parameters
    ----------
    name : str or int
    kind : str
    column : Numbers
    quantile, tolerance : float
        Of the range, see `BatchValidator`.
    """
    n_missing = len(column.missing_rows)
    if n_missing == column.n_rows:
        return ColumnProfile(name=name, kind="unknown", n_missing=n_missing)
    finite = column.values[np.isfinite(column.values)]
    low, high, floor, ceiling = _ranges(np.sort(finite), column.n_zeros, quantile, tolerance)
    profile = ColumnProfile(
        name=name,
        kind=kind,
        n_missing=n_missing,
        low=low,
        high=high,
        floor=floor,
        ceiling=ceiling,
        whole=bool(np.all(finite == np.floor(finite))),
    )
    n_below, n_above = (len(column.rows_where(rule)) for rule in (profile.below, profile.above))
    return replace(profile, n_below=n_below, n_above=n_above)


def profile_cells(name, kind, column: Cells, max_categories, categories=()):
    """Profile a column of texts, categories, times, truth values or mixed cells.

    Parameters
    ----------
    name : str or int
    kind : str
    column : Cells
    max_categories : int
        Most different texts that count as categories.
    categories : tuple
        Those that the schema or the type of the column lists.
    """
    n_missing = int(column.missing.sum())
    if kind == "category":
        values = _plain(read_cells(list(categories)).contents)
        return ColumnProfile(name=name, kind=kind, n_missing=n_missing, values=values, listed=True)
    if n_missing == len(column.place):
        return ColumnProfile(name=name, kind="unknown", n_missing=n_missing)
    known = ColumnProfile(name=name, kind=kind, n_missing=n_missing)
    values = _plain([cell for cell in column.contents if cell[1] == cell[1]])
    repeated = values is not None and 2 * len(values) <= len(column.place) - n_missing
    if kind not in ("text", "object") or not repeated or len(values) > max_categories:
        return known
    # A missing value that a single cell lacks is no category.
    n_single = sum(int(n) == 1 for n, (_, c) in zip(column.counts, column.contents, strict=True) if c == c)
    return ColumnProfile(name=name, kind=kind, n_missing=n_missing, values=values, n_single=n_single)


def _plain(contents):
    """Texts and finite numbers as sorted plain values; None if there are others."""
    plain = all(kind == "text" or (kind == "number" and math.isfinite(content)) for kind, content in contents)
    return tuple(sorted((content for _, content in contents), key=lambda v: (str(type(v)), v))) if plain else None


def _ranges(ordered, n_zeros, quantile, tolerance):
    """Range by quantiles of sorted finite numbers and of zeros besides, and range by the extremes, both widened."""
    n = len(ordered) + n_zeros
    if n == 0:
        return None, None, None, None
    low = high = middle = _at(ordered, n_zeros, (n + 1) // 2)
    others, other_zeros = ordered, n_zeros
    if 2 * (np.count_nonzero(ordered == middle) + (n_zeros if middle == 0.0 else 0)) > n:
        # Most cells are one value, which would be both quantiles and leave no room for the rest.
        others, other_zeros = ordered[ordered != middle], 0 if middle == 0.0 else n_zeros
    if n_others := len(others) + other_zeros:
        rank = math.ceil(quantile * n_others) or 1
        low = min(low, _at(others, other_zeros, rank))
        high = max(high, _at(others, other_zeros, n_others + 1 - rank))
    return *_widened(low, high, tolerance), *_widened(_at(ordered, n_zeros, 1), _at(ordered, n_zeros, n), tolerance)


def _widened(low, high, tolerance):
    with np.errstate(over="ignore"):
        bounds = float(low - tolerance * (high - low)), float(high + tolerance * (high - low))
    return [bound if math.isfinite(bound) else None for bound in bounds]


def _at(ordered, n_zeros, rank):
    """Number of a rank, counted from 1, once zeros are sorted in."""
    n_negative = int(np.searchsorted(ordered, 0.0)) if n_zeros else len(ordered)
    if rank <= n_negative:
        return ordered[rank - 1]
    return 0.0 if rank <= n_negative + n_zeros else ordered[rank - 1 - n_zeros]


def numbers_of(table, place):
    """Numbers of a column, whatever its type; cells that are none are missing."""
    found = table.numbers(place)
    if found is not None:
        return found
    values = read_cells(table.raw(place)).numbers()
    return Numbers(values, np.arange(table.n_rows), table.n_rows)


def profile_columns(table, kinds, categories, *, quantile, tolerance, max_categories):
    """Profile all columns of the reference.

    Parameters
    ----------
    table : Table
    kinds : list of str
    categories : list of tuple
    quantile, tolerance, max_categories
        See `BatchValidator`.

    Raises
    ------
    TypeError
        If a cell is neither number, text, time, bytes nor missing.
    """
    profiles = []
    for place, (name, kind) in enumerate(zip(table.names, kinds, strict=True)):
        if kind in NUMERIC:
            profiles.append(profile_numbers(name, kind, numbers_of(table, place), quantile, tolerance))
            continue
        column = read_cells(table.raw(place))
        if (bad := np.flatnonzero(column.of_kinds(("unreadable",)))).size:
            raise TypeError(
                f"Column {name!r} of the reference, row {bad[0]}: the argument must be a string, a real number, a "
                f"time, bytes or missing, got {type(table.raw(place)[bad[0]]).__name__}. Convert the column before "
                "fitting."
            )
        profiles.append(profile_cells(name, kind, column, max_categories, categories[place]))
    return tuple(profiles)
