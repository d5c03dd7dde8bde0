"""Five filters that drop 5 % of each class by a score of each row, on the statistics of the rows they are given.

The protocol of Koh, Steinhardt and Liang, "Stronger Data Poisoning Attacks Break Data Sanitization Defenses" (Machine
Learning 111, 2022): all statistics are those of the poisoned training set, and the learner is fitted to the rows that
are left. Labels are -1 and +1.
"""

import numpy as np
from scipy.sparse.linalg import svds
from sklearn.base import clone
from sklearn.neighbors import NearestNeighbors

SHARE = 0.05
ENERGY = 0.95
NEIGHBORS = 5


def centroids(X, y):
    """Mean of each class, by label."""
    return {label: X[y == label].mean(axis=0) for label in (-1, 1)}


def own_offsets(X, y):
    """Each row minus the mean of its class, and the difference of the means."""
    means = centroids(X, y)
    return X - np.where((y == 1)[:, None], means[1], means[-1]), means[1] - means[-1]


def sphere(X, y, learner):
    """L2: distance to the mean of the class."""
    return np.linalg.norm(own_offsets(X, y)[0], axis=1)


def slab(X, y, learner):
    """Distance to that mean along the line between the two means."""
    offsets, normal = own_offsets(X, y)
    return np.abs(offsets @ normal)


def loss(X, y, learner):
    """One minus the margin under a model of all rows."""
    return 1 - y * clone(learner).fit(X, y).decision_function(X)


def svd(X, y, learner):
    """Part of a row that the directions which hold 95 % of the energy, and the two means, do not explain."""
    most = min(X.shape) - 1
    gram = np.linalg.eigvalsh(X.T @ X)[::-1].clip(0)
    rank = int(np.searchsorted(np.cumsum(gram) / gram.sum(), ENERGY)) + 1
    _, _, right = svds(X, k=min(rank, most), random_state=0)
    basis = np.linalg.qr(np.column_stack([right.T, *centroids(X, y).values()]))[0]
    offsets, _ = own_offsets(X, y)
    return np.linalg.norm(offsets - (offsets @ basis) @ basis.T, axis=1)


def neighbors(X, y, learner):
    """KNN: sum of the distances to the five nearest rows of either class, the row itself among them."""
    return NearestNeighbors(n_neighbors=NEIGHBORS, algorithm="brute").fit(X).kneighbors(X)[0].sum(axis=1)


FILTERS = {"L2": sphere, "slab": slab, "loss": loss, "SVD": svd, "kNN": neighbors}


def kept(name, X, y, learner):
    """Rows that a filter keeps, as a mask; "none" keeps all."""
    keep = np.ones(len(y), dtype=bool)
    if name == "none":
        return keep
    score = FILTERS[name](X, y, learner)
    for label in (-1, 1):
        own = np.flatnonzero(y == label)
        dropped = int(np.ceil(SHARE * len(own)))
        keep[own[np.argsort(-score[own], kind="stable")[:dropped]]] = False
    return keep
