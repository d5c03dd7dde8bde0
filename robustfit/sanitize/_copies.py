"""Which rows count when at most so many near-copies of one another may: what is needed against tight clusters."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from robustfit._meta._selection import row_keys
from robustfit.sanitize._centers import squared_lengths
from robustfit.sanitize._column_units import ColumnUnits
from robustfit.sanitize._row_index import squared_distances

# Near means within this share of the distance at which a typical row has as many neighbours: many times as dense.
NEAR = 0.5
_CHUNK = 256
# Distances that are held at once.
_BLOCK = 1 << 21


def cap_copies(X: Any, target, max_copies, *, classes=False):
    """Mark the rows that count when at most ``max_copies`` near-copies of one another do.

    Parameters
    ----------
    X : ndarray of float64, sparse matrix, data frame, or list of str, of n_samples rows
        Of a numeric array, copies may differ a little; of anything else they must be equal.
    target : ndarray of shape (n_samples,)
        Numbers: regression targets, or the codes of labels.
    max_copies : int
        At least 1.
    classes : bool, default=False
        Whether targets are codes: then rows are near-copies only if theirs are equal. Else the target is one more
        column.

    Returns
    -------
    counted : ndarray of shape (n_samples,), bool
        The rows left out each have ``max_copies`` rows or more of those that count nearby, so of equal rows at most
        ``max_copies`` count.

    Raises
    ------
    ValueError
        If more than half of the rows have ``max_copies`` exact copies: then rows repeat by nature.

    Notes
    -----
    Columns are in the units of `ColumnUnits`. Let d be the median, over all rows, of the distance to the
    ``max_copies``-th neighbour. Rows are near if they are not farther apart than d/2, so that a row with more than
    ``max_copies`` near ones stands where rows are some 2^D times as dense as at a typical row, D being the number of
    columns that vary independently. Only such rows can be left out; which of them count is decided one after the other,
    by their digests.

    As long as less than half of the rows are bad, d lies between two quantiles of the distances that good rows have: a
    share of 40 % bad rows can move it between the quantiles 1/6 and 5/6 at most, apart from neighbours that good rows
    get among the bad. So who sends copies cannot make them look far apart, nor make good rows look like copies by
    sending distant rows. Columns a quarter of which is one value, such as zero, bear fewer distant rows: a tenth of
    those that differ.

    Nothing here can tell a copy from a good row that happens to be repeated: repeated measurements, whole numbers, and
    clusters of good rows far denser than the rest lose rows too, and so do good rows next to a cluster of bad ones.
    Copies that are spread out like good rows are not found.

    The cost is that of nearest neighbours: n log n up to about 15 columns, n² beyond.
    """
    keys = row_keys(X, target)
    if not isinstance(X, np.ndarray) or X.dtype == object or X.shape[1] == 0:
        return count_equal(keys, max_copies)
    if max_copies >= len(target):
        return np.ones(len(target), dtype=bool)
    table = _unit_table(X if classes else np.column_stack([X, target]))
    groups = [np.flatnonzero(target == code) for code in np.unique(target)] if classes else [np.arange(len(target))]
    farthest = np.full(len(target), np.inf)
    for rows in groups:
        if len(rows) > max_copies:
            farthest[rows] = _distances(table[rows], table[rows], max_copies + 1)[:, -1]
    radius = near_radius(farthest, max_copies, NEAR)
    crowded = farthest <= radius
    return ~crowded | choose(table, [rows[crowded[rows]] for rows in groups], keys, radius, max_copies)


def near_radius(farthest, max_copies, share):
    """Distance up to which rows are near: a share of that at which a typical row has ``max_copies`` others.

    Parameters
    ----------
    farthest : ndarray of shape (n_samples,)
        Distance of each row to so many others; infinite where there are fewer.
    max_copies : int
    share : float

    Raises
    ------
    ValueError
        If that distance is 0.
    """
    typical = np.median(farthest)
    if typical == 0.0:
        raise ValueError(
            f"More than half of the rows have {max_copies} exact copies or more, so rows repeat by nature and "
            f"max_copies={max_copies} would leave out good ones. Raise max_copies, or leave it None."
        )
    return share * typical if np.isfinite(typical) else 0.0


def count_equal(keys, max_copies):
    """Mark the first ``max_copies`` rows of each key."""
    order = np.argsort(keys, kind="stable")
    first = np.searchsorted(keys[order], keys[order], side="left")
    counted = np.empty(len(keys), dtype=bool)
    counted[order] = np.arange(len(keys)) - first < max_copies
    return counted


def _unit_table(values):
    """Columns in robust units; what is missing is in the middle, and infinity is merely far."""
    missing = np.isnan(values)
    filled = np.where(missing, np.nanmedian(np.where(missing.all(axis=0), 0.0, values), axis=0), values)
    filled = np.clip(filled, -1e150, 1e150)
    return ColumnUnits(filled)(filled)


def _distances(table, queries, n_neighbors):
    return NearestNeighbors(n_neighbors=n_neighbors).fit(table).kneighbors(queries)[0]


def choose(table, groups, keys, radius, max_copies):
    """Take rows in the order of their keys, unless ``max_copies`` of those taken are near.

    Parameters
    ----------
    table : ndarray or csr matrix of shape (n_samples, n_features)
        In units in which distances mean something.
    groups : list of ndarray
        Positions of rows to be compared; no others are taken.
    keys : ndarray of shape (n_samples,)
    radius : float
        Rows are near up to that distance; with 0, if their keys are equal.
    max_copies : int

    Returns
    -------
    taken : ndarray of shape (n_samples,), bool
    """
    taken = np.zeros(table.shape[0], dtype=bool)
    for group in groups:
        rows = group[np.argsort(keys[group], kind="stable")]
        if radius == 0.0:
            taken[rows] = count_equal(keys[rows], max_copies)
        elif len(rows):
            taken[rows] = _take(table[rows], radius, max_copies)
    return taken


def _take(table, radius, max_copies):
    n_rows, squares = table.shape[0], squared_lengths(table)

    def near(first, second):
        return squared_distances(table[first], squares[first], table[second], squares[second]) <= radius**2

    taken, n_near = np.zeros(n_rows, dtype=bool), np.zeros(n_rows, dtype=np.intp)
    # Rows that so many taken ones are near to are settled; where copies abound, these are soon most.
    waiting = np.arange(n_rows)
    while len(waiting):
        chunk, waiting = waiting[:_CHUNK], waiting[_CHUNK:]
        together = near(chunk, chunk)
        for i, row in enumerate(chunk):
            if n_near[row] < max_copies:
                taken[row] = True
                n_near[chunk] += together[i]
        fresh = chunk[taken[chunk]]
        step = max(1, _BLOCK // max(len(fresh), 1))
        for start in range(0, len(waiting), step):
            part = waiting[start : start + step]
            n_near[part] += np.count_nonzero(near(part, fresh), axis=1)
        waiting = waiting[n_near[waiting] < max_copies]
    return taken
