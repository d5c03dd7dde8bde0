"""Folds that do not depend on the order of the rows, and that keep equal rows together."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.partition import as_rows


def content_folds(rows, codes, n_folds, seed):
    """Deal rows out to folds, each class evenly.

    Parameters
    ----------
    rows : ndarray, sparse matrix, data frame or list
    codes : ndarray of shape (n_samples,)
        Class of each row; zeros where there are none.
    n_folds : int
    seed : int

    Returns
    -------
    folds : ndarray of shape (n_samples,), intp
        Rows with the same features are in the same one, whatever their target: a model that has seen a copy has seen
        the row.
    """
    digests = as_rows(rows).digest(seed)
    _, first, place = np.unique(digests, return_index=True, return_inverse=True)
    smallest = np.full(len(first), np.iinfo(np.intp).max)
    np.minimum.at(smallest, place, codes)
    # Digests are as good as shuffled.
    order = np.argsort(smallest, kind="stable")
    folds = np.empty(len(first), dtype=np.intp)
    folds[order] = np.arange(len(first)) % n_folds
    return folds[place]
