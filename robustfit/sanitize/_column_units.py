"""Columns in units that few rows do not set, neither by far values nor by tiny ones; dense and sparse."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp

# Share of the values other than the median that are left out, the farthest ones.
_CUT = 0.1
# So much less a column counts of which more than half is one value.
_FAINT = 3.0
_FARTHEST = 1e6
# Cells of a sparse matrix that are made dense at once.
_BLOCK = 1 << 22


class ColumnUnits:
    """Root mean squares of the differences from the median of a column, among the rows that differ.

    Parameters
    ----------
    rows : ndarray or csr matrix of shape (n_samples, n_features)

    Notes
    -----
    The farthest tenth of those rows is left out. A median absolute deviation would vanish as soon as a few rows more
    than half are near the median, and then the others are far from everything. In a column that is constant for good
    rows the unit is set by the bad ones, whose jitter would then count like the variation of an ordinary column: so a
    column of which more than half is one value counts a third of that.
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
    location = np.median(rows, axis=0)
    return location, np.array([_size(np.abs(column - at)) for column, at in zip(rows.T, location, strict=True)])


def _size(away, n_rows=None):
    """Unit of a column, given how far its rows are from the median; rows at the median may be left out."""
    n_rows = len(away) if n_rows is None else n_rows
    away = np.sort(away[away > 0.0])
    if not len(away):
        return 1.0
    few = len(away) < 0.5 * n_rows
    away = away[: len(away) - int(_CUT * len(away))]
    # No square may leave the range of floats.
    size = away[-1] * np.sqrt(np.mean((away / away[-1]) ** 2))
    return float(_FAINT * size if few else size)


def _sparse_scale(columns):
    n_rows, starts = columns.shape[0], columns.indptr
    sizes = np.array([_size(np.abs(columns.data[starts[j] : starts[j + 1]]), n_rows) for j in range(columns.shape[1])])
    filled = np.flatnonzero(np.diff(starts) >= 0.5 * n_rows)
    step = max(1, _BLOCK // n_rows)
    for start in range(0, len(filled), step):
        part = filled[start : start + step]
        sizes[part] = _location_scale(columns[:, part].toarray())[1]
    return sizes
