"""Batches of any container, read column by column; sparse ones are never made dense."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

from robustfit.partition import Rows, Schema, as_rows, cells
from robustfit.partition._cells import canonical, column_codes
from robustfit.partition._rows import wrap_frame

NUMBERS = ("number", "integer", "decimal")
_UNREADABLE = ("unreadable", "")


@dataclass(frozen=True)
class Cells:
    """Cells of a column, each given as its place among the distinct ones.

    Parameters
    ----------
    codes : ndarray of shape (n_distinct,), uint64
    contents : list of (kind, content)
        Of the distinct cells; missing ones are numbers that are NaN.
    place : ndarray of shape (n_rows,)
    counts : ndarray of shape (n_distinct,)
    """

    codes: Any
    contents: list
    place: Any
    counts: Any

    @property
    def missing(self):
        """Mask of the rows without a value."""
        return self.of_rows([content != content for _, content in self.contents])

    def of_kinds(self, kinds):
        """Mask of the rows whose cells are of given kinds; missing ones are numbers."""
        return self.of_rows([kind in kinds for kind, _ in self.contents])

    def kinds_at(self, rows):
        """Set of the kinds of the cells of some rows."""
        return {self.contents[place][0] for place in set(self.place[rows].tolist())}

    def of_rows(self, marks):
        """Spread what is known of the distinct cells over the rows."""
        return np.asarray(marks)[self.place] if len(marks) else np.zeros(0, dtype=bool)

    def numbers(self):
        """Values of the rows, NaN where a cell is no number."""
        return self.of_rows([float(content) if kind in NUMBERS else np.nan for kind, content in self.contents])


@dataclass(frozen=True)
class Numbers:
    """Numbers of a column.

    Parameters
    ----------
    values : ndarray of shape (n_stored,)
        Those that are stored; of a sparse column the others are zero.
    rows : ndarray of shape (n_stored,)
        Their positions.
    n_rows : int
    """

    values: Any
    rows: Any
    n_rows: int

    @property
    def n_zeros(self):
        """Number of zeros that are not stored."""
        return self.n_rows - len(self.values)

    @property
    def missing_rows(self):
        """Positions of the rows without a value."""
        return self.rows[np.isnan(self.values)]

    def rows_where(self, rule):
        """Positions of the rows whose values fulfil a rule, missing ones apart."""
        found = self.rows[rule(self.values) & ~np.isnan(self.values)]
        if self.n_zeros and rule(np.zeros(1))[0]:
            unstored = np.ones(self.n_rows, dtype=bool)
            unstored[self.rows] = False
            found = np.sort(np.concatenate([found, np.flatnonzero(unstored)]))
        return found


class Table:
    """Rows of a data frame, of an array, or of a sparse matrix.

    Parameters
    ----------
    X : data frame, array-like or sparse matrix
    name : str
        For messages.

    Attributes
    ----------
    names : list
        Those of the columns; ``x0``, ``x1``, ... where they have none.
    named : bool
        Whether they have names.
    n_rows, n_columns : int
    """

    def __init__(self, X, name):
        if hasattr(X, "collect") and hasattr(X, "collect_schema"):
            raise ValueError(f"{name} is a lazy {type(X).__name__}; collect() it before.")
        self.named = nw.dependencies.is_into_dataframe(X)
        self._X = wrap_frame(X) if self.named else _as_matrix(X)
        self.n_rows, self.n_columns = self._X.shape
        self.names = list(self._X.columns) if self.named else [f"x{place}" for place in range(self.n_columns)]

    @property
    def native(self):
        """The rows as they were given, arrays as float64 or objects."""
        return nw.to_native(self._X) if self.named else self._X

    @property
    def sparse(self):
        """Whether rows are sparse."""
        return sp.issparse(self._X)

    def kinds(self):
        """Kind of each column, as a schema names them."""
        if self.named:
            return [column.kind for column in Schema.of(self.native).columns]
        if self._X.dtype.kind != "O":
            return ["number"] * self.n_columns
        return [_kind_of(read_cells(self.raw(place))) for place in range(self.n_columns)]

    def categories(self):
        """Categories that the type of each column lists; empty if it lists none."""
        columns = Schema.of(self.native).columns if self.named else [None] * self.n_columns
        return [column.categories if column else () for column in columns]

    def one_column(self, place):
        """One column of a frame, as a frame."""
        return nw.to_native(self._X[:, [place]])

    def raw(self, place):
        """Cells of a column that is not sparse."""
        return cells(self._X[:, place]) if self.named else self._X[:, place]

    @cached_property
    def _columns(self):
        return sp.csc_array(self._X)

    def numbers(self, place):
        """Numbers of a column, or None if it is not one of numbers by its type."""
        if self.sparse:
            part = slice(self._columns.indptr[place], self._columns.indptr[place + 1])
            return Numbers(self._columns.data[part], self._columns.indices[part], self.n_rows)
        raw = self.raw(place)
        if not isinstance(raw, np.ndarray) or raw.dtype.kind not in "biuf":
            return None
        return Numbers(raw.astype(np.float64), np.arange(self.n_rows), self.n_rows)

    def rows(self, places) -> Rows:
        """Rows of some columns, in that order."""
        if list(places) == list(range(self.n_columns)):
            return as_rows(self.native)
        if self.named:
            return as_rows(nw.to_native(self._X[:, list(places)]))
        return as_rows(self._X[:, list(places)])


def _as_matrix(X):
    options = {"accept_sparse": "csr", "ensure_all_finite": False, "ensure_min_samples": 0, "ensure_min_features": 0}
    if not sp.issparse(X) and (X if isinstance(X, np.ndarray) else np.asarray(X)).dtype.kind in "OUS":
        return check_array(np.asarray(X, dtype=object), dtype=None, **options)
    array = check_array(X, dtype=np.float64, **options)
    if sp.issparse(array):
        array = array.copy()
        array.sum_duplicates()
    return array


def read_cells(raw):
    """Read cells of any types; what is neither number, text, time nor bytes is of the kind ``"unreadable"``."""
    unreadable = np.zeros(len(raw), dtype=bool)
    try:
        codes = column_codes(raw)
    except TypeError:
        raw = list(raw)
        for row, cell in enumerate(raw):
            try:
                canonical(cell)
            except TypeError:
                unreadable[row], raw[row] = True, ""
        codes = column_codes(raw)
    # What cannot be read comes last, as one cell.
    known, first, place, counts = np.unique(
        codes[~unreadable], return_index=True, return_inverse=True, return_counts=True
    )
    at = np.flatnonzero(~unreadable)[first]
    contents = [canonical(raw[row]) for row in at]
    places = np.full(len(unreadable), len(contents), dtype=np.intp)
    places[~unreadable] = place
    if unreadable.any():
        contents.append(_UNREADABLE)
        known, counts = np.append(known, np.uint64(0)), np.append(counts, unreadable.sum())
    return Cells(known, contents, places, counts)


def _kind_of(found):
    kinds = {kind for kind, content in found.contents if content == content}
    if kinds <= set(NUMBERS):
        return "number"
    return "text" if kinds == {"text"} else "object"


def one_per_row(values, n_rows, name):
    """Return ids or targets as an array that keeps the type of each entry.

    Raises
    ------
    ValueError
        If there is not one per row.
    """
    if isinstance(values, list | tuple):
        array = np.empty(len(values), dtype=object)
        array[:] = values
    else:
        array = np.asarray(values)
        array = array.ravel() if array.ndim == 2 and array.shape[1] == 1 else array
    if array.ndim != 1 or len(array) != n_rows:
        raise ValueError(f"{name} must have one entry per row, {n_rows}, got shape {array.shape}.")
    return array
