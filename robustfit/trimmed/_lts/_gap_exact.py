"""Which columns depend on others, told exactly: floating-point numbers are whole numbers times powers of two."""

# SPDX-License-Identifier: BSD-3-Clause

from math import gcd

import numpy as np
from scipy.linalg import qr

# Entries of rows that are turned into whole numbers at most.
_MOST_ENTRIES = 500_000
_EMPTY = 1e-13


def exact_rank(rows):
    """Rank of a matrix, without rounding."""
    return len(_eliminate(np.unique(rows, axis=0)))


def independent_columns(rows):
    """Choose columns of which every other one is exactly a linear combination.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)

    Returns
    -------
    columns : ndarray of int or None
        None if columns are nearly but not exactly dependent, or there are too many numbers to tell.
    """
    rows = np.unique(rows, axis=0)
    if rows.size > _MOST_ENTRIES:
        return None
    short = rows / np.maximum(1.0, np.linalg.norm(rows, axis=1, keepdims=True))
    lengths = np.linalg.svd(short, compute_uv=False)
    rank = int(np.sum(lengths > _EMPTY * lengths.max(initial=0.0)))
    first = qr(short, mode="r", pivoting=True)[-1]
    chosen = qr(short[:, first[:rank]].T, mode="r", pivoting=True)[-1][:rank] if rank else np.arange(0)
    echelon = _eliminate(rows[chosen][:, first])
    pivots = [pivot for pivot, _ in echelon]
    if len(pivots) < rank:
        return None
    nulls = [_null_vector(echelon, column, len(first)) for column in range(len(first)) if column not in pivots]
    whole = [_whole(row) for row in rows[:, first]]
    if any(sum(a * b for a, b in zip(row, null, strict=True)) for null in nulls for row in whole):
        return None
    return np.sort(first[pivots])


def _whole(row):
    """A multiple of a row in whole numbers."""
    ratios = [value.as_integer_ratio() for value in row.tolist()]
    most = max((below for _, below in ratios), default=1)
    return [above * (most // below) for above, below in ratios]


def _eliminate(rows):
    """Rows in reduced echelon form, in whole numbers: pairs of a pivot column and a row that is zero in the others."""
    echelon: list[tuple[int, list[int]]] = []
    for row in map(_whole, rows):
        for pivot, other in echelon:
            row = _without(row, other, pivot)
        pivot = next((column for column, value in enumerate(row) if value), None)
        if pivot is None:
            continue
        echelon = [(column, _without(other, row, pivot)) for column, other in echelon]
        echelon.append((pivot, row))
        if len(echelon) == len(row):
            break
    return echelon


def _without(row, other, pivot):
    if not row[pivot]:
        return row
    row = [other[pivot] * a - row[pivot] * b for a, b in zip(row, other, strict=True)]
    common = gcd(*row)
    return [value // common for value in row] if common > 1 else row


def _null_vector(echelon, column, n_columns):
    """The combination of a free column and the pivot columns that the rows take to zero."""
    common = 1
    for pivot, row in echelon:
        common *= abs(row[pivot]) // gcd(common, row[pivot])
    null = [0] * n_columns
    null[column] = common
    for pivot, row in echelon:
        null[pivot] = -row[column] * common // row[pivot]
    return null
