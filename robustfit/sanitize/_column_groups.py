"""Groups of rows that share a rare value of a column, or lie in one of its tails, and mostly a label."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

# Share of the rows of a group that must have one label.
_PURE = 0.8


@dataclass(frozen=True)
class ColumnGroup:
    """Rows whose value of a column lies in an interval.

    Parameters
    ----------
    column : int
    low, high : float
        Both belong to the interval.
    rows : ndarray
        Their positions, in order.
    code : int
        The most frequent class of the rows.
    """

    column: int
    low: float
    high: float
    rows: Any
    code: int


def column_of(X, column):
    """A column of a dense or sparse table, dense."""
    return np.asarray(X[:, [column]].toarray()).ravel() if sp.issparse(X) else X[:, column]


def pure_groups(X, codes, n_codes, least, most):
    """Find groups with mostly one label, in each column.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    codes : ndarray of shape (n_samples,)
    n_codes : int
    least, most : int
        Rows in a group.

    Returns
    -------
    groups : list of ColumnGroup
        None twice, no more than half of a class in any.
    n_considered : int
        How many groups there are whatever their labels.

    Notes
    -----
    Groups are the rows of each single value, and of each tail of ``least``, ``2 least``, ``4 least``... rows or, where
    values repeat, more.
    """
    table = sp.csc_array(X) if sp.issparse(X) else X
    halves = np.bincount(codes, minlength=n_codes) // 2
    found, seen, n_considered = [], set(), 0
    for column in range(X.shape[1]):
        values, order = _sorted_column(table, column, most)
        for start, stop in _intervals(values, least, most):
            n_considered += 1
            rows = np.sort(order[start:stop])
            counts = np.bincount(codes[rows], minlength=n_codes)
            code = int(counts.argmax())
            key = hash(rows.tobytes())
            if counts[code] < max(_PURE * len(rows), least) or counts[code] > halves[code] or key in seen:
                continue
            seen.add(key)
            found.append(ColumnGroup(column, values[start], values[stop - 1], rows, code))
    return found, n_considered


def _sorted_column(table, column, most):
    """Values of a column in order, and the rows that have them; of mostly empty columns those that are not zero."""
    if not sp.issparse(table):
        values, rows = table[:, column], None
    else:
        start, stop = table.indptr[column : column + 2]
        if table.shape[0] - (stop - start) <= most:
            values, rows = column_of(table, column), None
        else:
            values, rows = table.data[start:stop], table.indices[start:stop]
            # Zeros may be stored.
            values, rows = values[values != 0], rows[values != 0]
    order = np.argsort(values, kind="stable")
    return values[order], order if rows is None else rows[order]


def _intervals(values, least, most):
    """Starts and stops of single values and of tails, in a column that is in order."""
    starts = np.flatnonzero(np.diff(values, prepend=np.nan) != 0)
    stops = np.append(starts[1:], len(values))
    sizes = stops - starts
    found = {(a, b) for a, b in zip(starts.tolist(), stops.tolist(), strict=True) if least <= b - a <= most}
    size, n_values = least, len(values)
    while size <= min(most, n_values) and len(sizes) > 2:
        stop = int(stops[np.searchsorted(stops, size)])
        start = int(starts[np.searchsorted(starts, n_values - size, side="right") - 1])
        found |= {(0, stop)} if stop <= most else set()
        found |= {(start, n_values)} if n_values - start <= most else set()
        size *= 2
    return sorted(found)
