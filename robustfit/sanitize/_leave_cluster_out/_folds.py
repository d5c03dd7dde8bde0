"""Folds that follow the clusters of the rows, so that rows alike are left out together."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings

import numpy as np
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from robustfit._meta._seeds import member_seed

# From here on k-means looks at samples of the rows.
_MANY_ROWS = 100_000
_BATCH = 4096

# Centres need not have settled: any grouping of like rows will do.
_STEPS = 25

# A fold with a larger share of its class is cut: what is left must still know the class.
_LARGEST = 0.5


def clusterings(rows, groups, n_clusters, seed):
    """Cluster the rows of each class once for each of some numbers of clusters.

    Parameters
    ----------
    rows, groups
        As in `cluster_folds`.
    n_clusters : int or sequence of int
    seed : int

    Returns
    -------
    folds : list of ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If ``n_clusters`` is anything else.
    """
    sizes = np.atleast_1d(n_clusters)
    if sizes.ndim != 1 or not len(sizes) or sizes.dtype.kind not in "iu" or (sizes < 1).any():
        raise ValueError(
            f"n_clusters must be a positive whole number or a sequence of such numbers, got {n_clusters!r}."
        )
    return [cluster_folds(rows, groups, size, member_seed(seed, place)) for place, size in enumerate(sizes.tolist())]


def cluster_folds(rows, groups, n_clusters, seed):
    """Cluster the rows of each class.

    Parameters
    ----------
    rows : ndarray or csr array of shape (n_samples, n_features)
        In an order that does not depend on how they were given.
    groups : list of ndarray
        Positions of the rows of each class.
    n_clusters : int
        Of each class; at most half as many as it has rows.
    seed : int

    Returns
    -------
    folds : ndarray of shape (n_samples,)
        Those of different classes differ. A class of one row has fold −1: nothing else would speak for it.
    """
    folds = np.full(rows.shape[0], -1)
    used = 0
    for code, group in enumerate(groups):
        if len(group) < 2:
            continue
        labels = _clusters(rows[group], min(n_clusters, max(len(group) // 2, 1)), member_seed(seed, code))
        labels = _cut(labels)
        folds[group] = used + labels
        used += labels.max() + 1
    return folds


def _clusters(rows, n_clusters, seed):
    if n_clusters < 2:
        return np.zeros(rows.shape[0], dtype=np.intp)
    if rows.shape[0] > _MANY_ROWS:
        model = MiniBatchKMeans(n_clusters, n_init=1, batch_size=_BATCH, max_iter=_STEPS, random_state=seed)
    else:
        model = KMeans(n_clusters, n_init=1, max_iter=_STEPS, random_state=seed)
    with threadpool_limits(1), warnings.catch_warnings():
        # Fewer different rows than clusters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(rows).labels_.astype(np.intp)


def _cut(labels):
    """Cut folds that hold more than half of the rows into two, row by row in turn."""
    sizes = np.bincount(labels)
    largest = sizes.argmax()
    if sizes[largest] > _LARGEST * len(labels):
        own = np.flatnonzero(labels == largest)
        labels[own[1::2]] = len(sizes)
    return labels
