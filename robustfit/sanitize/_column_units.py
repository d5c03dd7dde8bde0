"""Columns in units that no minority of rows sets, neither by far values nor by tiny ones; dense and sparse."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp
from scipy.special import ndtri

# Share of the rows that may be far out in a column of which no large part is one value.
_CUT = 0.45
# A column with so large a part in the middle that is one value; and the share of the others that may be far out.
_SPIKE = 0.25
_CUT_BESIDE_SPIKE = 0.1
# Where the middle begins and ends.
_MIDDLE = (0.42, 0.5, 0.58)
# So much less a column counts of which more than half is one value.
_FAINT = 3.0
_FARTHEST = 1e6
# Cells of a sparse matrix that are made dense at once.
_BLOCK = 1 << 22


class ColumnUnits:
    """Root mean squares of the differences from the middle of a column, the farthest rows left out.

    Parameters
    ----------
    rows : ndarray or csr matrix of shape (n_samples, n_features)

    Notes
    -----
    The middle is the median, and the farthest 45 % of the rows are left out. Where a quarter of the rows or more are
    one value near the median, the middle is that value: only rows that differ are looked at then, and the farthest 10 %
    of these are left out. A median absolute deviation would vanish there as soon as a few rows more than half are near
    the value, and then the others are far from everything. What is left is divided by what it is for normal values of
    variance 1.

    Rows that are spread around the middle and far rows beyond them cannot be told from rows that are nearly one value
    and others beyond them: so columns that are half zeros, but for jitter, have the jitter for a unit. In a column that
    is constant for good rows the unit is set by the bad ones, whose jitter would then count like the variation of an
    ordinary column: so a column of which more than half is one value counts a third of that.
    """

    def __init__(self, rows):
        if sp.issparse(rows):
            self._location, self._scale = 0.0, _sparse_scale(sp.csc_array(rows))
        else:
            self._location, self._scale = _location_scale(rows)

    def __call__(self, rows):
        """Return rows in these units; sparse ones are not moved."""
        if not sp.issparse(rows):
            return np.clip((rows - self._location) / self._scale, -_FARTHEST, _FARTHEST)
        table = sp.csr_array(rows @ sp.diags_array(1.0 / self._scale))
        np.clip(table.data, -_FARTHEST, _FARTHEST, out=table.data)
        return table


def _location_scale(rows):
    found = [_of_column(column) for column in rows.T]
    return np.array([location for location, _ in found]), np.array([scale for _, scale in found])


def _of_column(column):
    ordered = np.sort(column)
    for part in _MIDDLE:
        value = ordered[int(part * (len(ordered) - 1))]
        low, high = np.searchsorted(ordered, value, "left"), np.searchsorted(ordered, value, "right")
        if high - low >= _SPIKE * len(ordered):
            return value, _size(np.abs(column - value), _CUT_BESIDE_SPIKE)
    middle = np.median(ordered)
    return middle, _size(np.abs(column - middle), _CUT)


def _size(away, cut, n_rows=None):
    """Unit of a column, given how far its rows are from the middle; rows in the middle may be left out."""
    n_rows = len(away) if n_rows is None else n_rows
    away = np.sort(away[away > 0.0])
    if not len(away):
        return 1.0
    few = len(away) < 0.5 * n_rows
    away = away[: len(away) - int(cut * len(away))]
    # No square may leave the range of floats.
    size = away[-1] * np.sqrt(np.mean((away / away[-1]) ** 2)) / _of_normal(cut)
    return float(_FAINT * size if few else size)


def _of_normal(cut):
    """Root mean square of normal values without the farthest ones."""
    end = ndtri(1.0 - cut / 2.0)
    density = np.exp(-(end**2) / 2.0) / np.sqrt(2.0 * np.pi)
    return np.sqrt(1.0 - 2.0 * end * density / (1.0 - cut))


def _sparse_scale(columns):
    n_rows, starts = columns.shape[0], columns.indptr
    sizes = np.array(
        [
            _size(np.abs(columns.data[starts[j] : starts[j + 1]]), _CUT_BESIDE_SPIKE, n_rows)
            for j in range(columns.shape[1])
        ]
    )
    filled = np.flatnonzero(np.diff(starts) >= 0.5 * n_rows)
    step = max(1, _BLOCK // n_rows)
    for start in range(0, len(filled), step):
        part = filled[start : start + step]
        sizes[part] = _location_scale(columns[:, part].toarray())[1]
    return sizes
