"""A training set as an attacker sees it: centres to crowd around, and rows ranked by how they lie."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from scipy.spatial import KDTree
from sklearn.cluster import KMeans

from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows, is_numeric, is_sparse
from robustfit.attacks._encoding import RowEncoder, read_rows
from robustfit.attacks._labels import Labels, wrong_labels

ORDERS = ("ball", "cap", "scatter", "deep", "edge")
"""How the rows of a block are ranked: nearest to the centre, outermost in its direction, at random, farthest from all
rows of other classes, nearest to them."""

_CENTERS = 24
_CENTERS_PER_CLASS = 6


class Landscape:
    """Ranks rows and knows where to.

    Parameters
    ----------
    clean : CleanSet
    target : container or None
        Rows that the attack is aimed at; each is a centre.
    rng : numpy Generator

    Attributes
    ----------
    labels : ndarray of shape (n_labels,)
        Labels that poison may bear: the classes, or both ends of a regression target.
    own : ndarray of shape (n_rows,), int64
        Position of each row's own label, or of the end on its side of the median.
    rival : ndarray of shape (n_rows,), int64
        Position of the label of the nearest row with another one.
    wrong : ndarray of shape (n_rows,), int64
        Position of a random wrong label.
    centers : ndarray of shape (n_centers, n_coordinates)
    center_labels : ndarray of shape (n_centers,), int64
        Position of the label whose rows the centre is one of; −1 for a target.
    numbers : ndarray of shape (n_rows, n_features) or None
        Features, where poison can be moved.
    center_numbers : ndarray of shape (n_centers, n_features) or None
    label_means : ndarray of shape (n_labels, n_features) or None
    """

    def __init__(self, clean: CleanSet, target: Any, rng: np.random.Generator) -> None:
        wrong = wrong_labels(clean.labels)
        self.labels: Labels = wrong.pool
        self.own = wrong.own
        seed = int(rng.integers(2**31))
        encoder = RowEncoder(20, seed).fit(clean.X)
        self._points = encoder.transform(clean.X)
        self._scatter = rng.permutation(len(clean))
        self.wrong = (self.own + 1 + rng.integers(len(self.labels) - 1, size=len(clean))) % len(self.labels)
        self._gap, self.rival = _gaps(self._points, self.own, len(self.labels), self.wrong)
        self._place_centers(None if target is None else encoder.transform(target), seed)
        self._read_numbers(clean.X, target)

    def ranking(self, center: int, order: str, label: int, block_label: int) -> Rows:
        """Return rows that can get a label, in some order around a centre.

        Parameters
        ----------
        center : int
        order : str
            One of `ORDERS`.
        label : int
            Only rows with this own label; −1 for all.
        block_label : int
            Rows with this own label are left out; −1 if each row gets a wrong one of its own.
        """
        rows = np.flatnonzero(((self.own == label) | (label < 0)) & (self.own != block_label))
        ranked: Rows = rows[np.argsort(self._key(rows, center, order), kind="stable")]
        return ranked

    def rival_at(self, center: int) -> int:
        """Return the position of the label that is easiest to reach at a centre: the rival of the nearest row's."""
        nearest = np.linalg.norm(self._points - self.centers[center], axis=1).argmin()
        return int(self.rival[nearest])

    def _key(self, rows: Rows, center: int, order: str) -> Floats | Rows:
        if order == "ball":
            return np.linalg.norm(self._points[rows] - self.centers[center], axis=1)
        if order == "cap":
            outwards = self.centers[center] - self._points[rows].mean(axis=0) if len(rows) else self.centers[center]
            return -self._points[rows] @ outwards
        if order == "scatter":
            return np.argsort(self._scatter, kind="stable")[rows]
        return self._gap[rows] * (-1.0 if order == "deep" else 1.0)

    def _place_centers(self, targets: Floats | None, seed: int) -> None:
        n_labels = len(self.labels)
        centers, center_labels, self._members = [], [], []
        for label in range(n_labels):
            rows = np.flatnonzero(self.own == label)
            points = self._points[rows]
            most = min(max(_CENTERS // n_labels, 1), _CENTERS_PER_CLASS, len(np.unique(points, axis=0)))
            model = KMeans(most, n_init=2, random_state=seed).fit(points)
            centers.append(model.cluster_centers_)
            center_labels += [label] * most
            self._members += [rows[model.labels_ == cluster] for cluster in range(most)]
        if targets is not None:
            centers.append(targets)
            center_labels += [-1] * len(targets)
        self.centers = np.vstack(centers)
        self.center_labels = np.array(center_labels, dtype=np.int64)

    def _read_numbers(self, X: Any, target: Any) -> None:
        self.numbers = self.center_numbers = self.label_means = None
        rows = read_rows(X) if is_numeric(X) and not is_sparse(X) else None
        goals = None if target is None or rows is None else read_rows(target)
        if rows is None or not np.isfinite(rows).all() or (goals is not None and not np.isfinite(goals).all()):
            return
        means = [rows[members].mean(axis=0) for members in self._members]
        self.numbers = rows
        self.center_numbers = np.vstack([means] if goals is None else [means, goals])
        self.label_means = np.array([rows[self.own == label].mean(axis=0) for label in range(len(self.labels))])


def _gaps(points: Floats, own: Rows, n_labels: int, wrong: Rows) -> tuple[Floats, Rows]:
    """Return each row's distance from the nearest row with another label, and that label."""
    gap = np.full(len(points), np.inf)
    rival = wrong.copy()
    for label in range(n_labels):
        others = np.flatnonzero(own != label)
        distance, _ = KDTree(points[own == label]).query(points[others])
        nearer = distance < gap[others]
        gap[others[nearer]], rival[others[nearer]] = distance[nearer], label
    return gap, rival
