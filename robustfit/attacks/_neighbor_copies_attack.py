"""Copies of a row under another label: the shortest way to change one prediction of a local learner."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import euclidean_distances

from robustfit.attacks._base_attack import BaseAttack, Chance, check_jitter
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Rows, is_sparse, shake, take_rows
from robustfit.attacks._encoding import RowEncoder, read_rows
from robustfit.attacks._labels import Labels, distinct, is_regression, join_labels, read_labels
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._targets import read_target


class NeighborCopiesAttack(BaseAttack):
    """Insert near-copies of a row under the label that it shall get.

    Changes the prediction of learners that look at the neighbourhood of a row: nearest neighbours, kernels, trees and
    their ensembles. Several targets take turns. One unit of the budget is one row.

    Parameters
    ----------
    target : one row, or a container of rows like ``X``
        The rows whose predictions shall change. For arrays, sparse rows and frames of numbers also a 1-D array,
        for a pandas frame also a series, for texts also one text.
    label : label, default=None
        What the target shall be taken for, which the training set need not know. By default, of the classes other than
        the majority of the target's neighbours, the one with most of them, and then the one with the nearest row. For a
        regression target, the end of the observed range that is farther from the neighbours' mean.
    n_neighbors : int, default=5
        Number k of neighbours that are asked.
    jitter : float, default=0.01
        Scale of the noise on copies, as a fraction of each column's standard deviation; only numbers with a fraction
        get some, and stay within the range of their column. 0 for exact copies.

    See Also
    --------
    FeatureCollisionAttack : Hides the copies behind other rows.
    BlackBoxAttack : Any learner, if copies do not do.

    Notes
    -----
    `Poisoned.details` holds ``"label"``, the label for each target, ``"copy_of"``, the target that each poison row
    copies, and, for classes, ``"copies_needed"``: the fewest exact copies of each target that make a vote of the k
    nearest neighbours answer the label. Copies lie at distance 0, so m of them push out the m farthest of the k
    neighbours. With n_c(m) votes of class c among the k − m nearest rows, ties to the smallest class, it is the
    smallest m with

        n_label(m) + m > n_c(m) - [label < c]  for every other class c.

    Distances are Euclidean, between the features as they are if all are numbers, else between standardised numbers,
    one coordinate per category, and TF-IDF vectors of texts.

    References
    ----------
    .. [1] J. Jia, Y. Liu, X. Cao and N. Z. Gong, "Certified Robustness of Nearest Neighbors against Data Poisoning and
       Backdoor Attacks", AAAI 2022. Counts the votes that such copies move.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from robustfit.attacks import NeighborCopiesAttack
    >>> X, y = np.arange(12.0).reshape(-1, 1), np.repeat([0, 1], 6)
    >>> attack = NeighborCopiesAttack([1.2], n_neighbors=5)
    >>> poisoned = attack.generate(X, y, budget=3)
    >>> poisoned.details["label"], poisoned.details["copies_needed"]
    (array([1]), array([3]))
    >>> KNeighborsClassifier(5).fit(poisoned.X, poisoned.y).predict([[1.2]])
    array([1])
    """

    def __init__(self, target: Any, label: Any = None, *, n_neighbors: int = 5, jitter: float = 0.01) -> None:
        self.target = target
        self.label = label
        self.n_neighbors = n_neighbors
        self.jitter = jitter

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        rows = read_target(self.target, clean.X)
        check_jitter(self.jitter)
        if not isinstance(self.n_neighbors, Integral) or not 1 <= self.n_neighbors <= len(clean):
            raise ValueError(f"n_neighbors must be a whole number in 1..{len(clean)}, got {self.n_neighbors!r}.")
        order = nearest_rows(clean.X, rows, seed=int(chance.choices.integers(2**31)))
        details: dict[str, Any] = {}
        if self.label is None:
            new = runner_up_labels(clean, order, self.n_neighbors, type(self).__name__)
        else:
            new = np.repeat(read_labels([self.label], "label"), len(order))
        details["label"] = new
        if not is_regression(clean.labels):
            details["copies_needed"] = _copies_needed(clean.labels, new, order, self.n_neighbors)
        turns = np.arange(budget) % len(order)
        block = shake(take_rows(rows, turns), clean.X, chance.noise, self.jitter)
        # A copy of a row from outside comes from anybody.
        sources = chance.rows.integers(len(clean), size=budget)
        return clean.append(block, new[turns], sources, details | {"copy_of": turns})


def nearest_rows(X: Any, target: Any, *, seed: int = 0) -> Rows:
    """Return, for each target, the positions of all rows of ``X``, nearest first."""
    points, centers = read_rows(X), read_rows(target)
    if not (_finite(points) and _finite(centers)):
        encoder = RowEncoder(50, seed).fit(X)
        points, centers = encoder.transform(X), encoder.transform(target)
    distance = (euclidean_distances if is_sparse(points) else cdist)(centers, points)
    return np.argsort(distance, axis=1, kind="stable")


def _finite(rows: Any) -> bool:
    cells = rows.data if is_sparse(rows) else rows
    return not isinstance(cells, list) and cells.dtype != object and bool(np.isfinite(cells).all())


def runner_up_labels(clean: CleanSet, order: Rows, n_neighbors: int, attack: str) -> Labels:
    """Return the wrong label that is easiest to reach for each target.

    Parameters
    ----------
    clean : CleanSet
    order : ndarray of shape (n_targets, n_rows), int64
        Rows by distance from each target.
    n_neighbors : int
    attack : str
        Who asks, for the message of the error.
    """
    if is_regression(clean.labels):
        target = clean.targets(attack)
        middle = (target.min() + target.max()) / 2
        above = target[order[:, :n_neighbors]].mean(axis=1) > middle
        return np.where(above, clean.labels.min(), clean.labels.max())
    classes, codes = clean.codes(attack)
    near = codes[order]
    votes = _count(near[:, :n_neighbors], len(classes))
    targets = np.arange(len(order))
    first = np.array([[np.argmax(row == code) for code in range(len(classes))] for row in near])
    majority = votes.argmax(axis=1)
    rank = votes * len(clean) - first
    rank[targets, majority] = np.iinfo(np.int64).min
    return classes[rank.argmax(axis=1)]


def copies_to_flip_knn(codes: Rows, code: int, n_neighbors: int, n_classes: int) -> int:
    """Count the copies of a row that make its nearest neighbours vote for a class.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), int64
        Classes of the rows by distance, nearest first.
    code : int
        Class of the copies.
    n_neighbors : int
        Number of neighbours that vote; no more than there are rows once the copies are in.
    n_classes : int

    Returns
    -------
    n_copies : int
        The fewest; ties go to the smallest class.
    """
    for copies in range(n_neighbors):
        votes = np.bincount(codes[: n_neighbors - copies], minlength=n_classes)
        votes[code] += copies
        if votes.argmax() == code:
            return copies
    return n_neighbors


def _copies_needed(labels: Labels, new: Labels, order: Rows, n_neighbors: int) -> Rows:
    known, wanted = join_labels(labels, new)
    classes, codes = distinct(np.concatenate([known, wanted]))
    own, goal = codes[: len(labels)], codes[len(labels) :]
    needed = [
        copies_to_flip_knn(own[row], int(code), n_neighbors, len(classes))
        for row, code in zip(order, goal, strict=True)
    ]
    return np.array(needed, dtype=np.int64)


def _count(codes: Rows, n_classes: int) -> NDArray[np.int64]:
    return np.array([np.bincount(row, minlength=n_classes) for row in codes], dtype=np.int64)
