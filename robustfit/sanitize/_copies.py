"""Which rows count when at most so many near-copies of one another may: what trimming needs against tight clusters."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from sklearn.neighbors import NearestNeighbors

from robustfit._meta._robust_scale import robust_location_scale
from robustfit._meta._selection import row_keys

# Near means within this share of the distance at which a typical row has as many neighbours: many times as dense.
_NEAR = 0.5
_FARTHEST = 1e6
_FIRST_CHUNK = 64


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
    Columns are centred and scaled by medians. Let d be the median, over all rows, of the distance to the
    ``max_copies``-th neighbour. Rows are near if they are not farther apart than d/2, so that a row with more than
    ``max_copies`` near ones stands where rows are some 2^D times as dense as at a typical row, D being the number of
    columns that vary independently. Only such rows can be left out; which of them count is decided one after the other,
    by their digests.

    As long as less than half of the rows are bad, d lies between two quantiles of the distances that good rows have: a
    share of 40 % bad rows can move it between the quantiles 1/6 and 5/6 at most, apart from neighbours that good rows
    get among the bad. So who sends copies cannot make them look far apart, nor make good rows look like copies by
    sending distant rows.

    Nothing here can tell a copy from a good row that happens to be repeated: repeated measurements, whole numbers, and
    clusters of good rows far denser than the rest lose rows too, and so do good rows next to a cluster of bad ones.
    Copies that are spread out like good rows are not found.

    The cost is that of nearest neighbours: n log n up to about 15 columns, n² beyond.
    """
    keys = row_keys(X, target)
    if not isinstance(X, np.ndarray) or X.dtype == object or X.shape[1] == 0:
        return _count_equal(keys, max_copies)
    if max_copies >= len(target):
        return np.ones(len(target), dtype=bool)
    table = _unit_table(X if classes else np.column_stack([X, target]))
    groups = [np.flatnonzero(target == code) for code in np.unique(target)] if classes else [np.arange(len(target))]
    farthest = np.full(len(target), np.inf)
    for rows in groups:
        if len(rows) > max_copies:
            farthest[rows] = _distances(table[rows], table[rows], max_copies + 1)[:, -1]
    typical = np.median(farthest)
    if typical == 0.0:
        raise ValueError(
            f"More than half of the rows have {max_copies} exact copies or more, so rows repeat by nature and "
            f"max_copies={max_copies} would leave out good ones. Raise max_copies, or leave it None."
        )
    radius = _NEAR * typical if np.isfinite(typical) else 0.0
    counted = farthest > radius
    for rows in groups:
        crowded = rows[~counted[rows]]
        crowded = crowded[np.argsort(keys[crowded], kind="stable")]
        counted[crowded] = _choose(table[crowded], radius, max_copies)
    return counted


def _count_equal(keys, max_copies):
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
    location, scale = robust_location_scale(filled)
    return np.clip((filled - location) / scale, -_FARTHEST, _FARTHEST)


def _distances(table, queries, n_neighbors):
    return NearestNeighbors(n_neighbors=n_neighbors).fit(table).kneighbors(queries)[0]


def _choose(table, radius, max_copies):
    """Take rows in order, unless ``max_copies`` of those taken are near."""
    taken = np.zeros(len(table), dtype=bool)
    start, size = 0, max(_FIRST_CHUNK, 2 * max_copies)
    while start < len(table):
        # Each chunk is as long as all before: where copies abound, most of it is turned down by those taken.
        chunk = np.arange(start, min(start + size, len(table)))
        n_near = np.zeros(len(chunk), dtype=np.intp)
        before = np.flatnonzero(taken)
        if len(before):
            nearest = _distances(table[before], table[chunk], min(max_copies, len(before)))
            n_near = np.sum(nearest <= radius, axis=1)
        fresh = []
        for row in np.flatnonzero(n_near < max_copies):
            near = np.linalg.norm(table[fresh] - table[chunk[row]], axis=1) <= radius
            if n_near[row] + np.count_nonzero(near) < max_copies:
                fresh.append(chunk[row])
        taken[fresh] = True
        start, size = start + len(chunk), start + len(chunk)
    return taken
