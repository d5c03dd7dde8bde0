"""Which rows to keep: the ones with the smallest losses, exactly as many as asked for, whatever ties."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np

from robustfit.partition import as_rows


def keep_smallest(losses, n_keep, tie_keys):
    """Mark the rows with the smallest losses.

    Parameters
    ----------
    losses : ndarray of shape (n_samples,)
        A loss that is no number counts as infinite.
    n_keep : int
        Between 0 and ``n_samples``.
    tie_keys : callable
        ``tie_keys()`` gives one sortable key per row; called only if a tie decides who stays. Rows that also share the
        key are taken in the order in which they stand.

    Returns
    -------
    kept : ndarray of shape (n_samples,), bool
        With exactly ``n_keep`` rows.
    """
    losses = np.where(np.isnan(losses), np.inf, losses)
    if n_keep == 0:
        return np.zeros(len(losses), dtype=bool)
    threshold = np.partition(losses, n_keep - 1)[n_keep - 1]
    kept = losses < threshold
    missing = n_keep - np.count_nonzero(kept)
    tied = np.flatnonzero(losses == threshold)
    if len(tied) > missing:
        tied = tied[np.argsort(tie_keys()[tied], kind="stable")[:missing]]
    kept[tied] = True
    return kept


def row_keys(X: Any, target):
    """Digest each row of features and its target: a key that knows nothing of where the row stands.

    Parameters
    ----------
    X : ndarray of float64 or object, sparse matrix, data frame, or list of str
    target : ndarray of shape (n_samples,)
        Numbers: regression targets, or the codes of labels.

    Returns
    -------
    keys : ndarray of shape (n_samples,), uint64
    """
    of_target = as_rows(np.asarray(target, dtype=np.float64).reshape(-1, 1)).digest(1)
    return as_rows(X).digest(0) ^ of_target
