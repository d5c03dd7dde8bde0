"""Rows of one class, reduced to a few components and cut in two."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

_STARTS = 10

_ROWS_PER_COMPONENT = 10

# Squares of larger numbers are beyond the range of floats, or their sums are.
_LARGE = 1e100

# Up to this many columns the covariance of all of them is formed.
_MOST_COLUMNS = 1000

# Components of less than this part of the first one's variance are rounding; whitening would blow them up.
_LEAST_VARIANCE = 1e-10


@dataclass(frozen=True)
class TwoClusters:
    """Two clusters of the rows of a class.

    Parameters
    ----------
    size : float
        What rows are divided by, so that their squares are in the range of floats.
    pca : PCA or None
        None where the rows cannot be told apart.
    unit : ndarray of shape (n_components,)
        What components are divided by.
    centers : ndarray of shape (2, n_components)
        That of the smaller cluster first.
    share : float
        Of the rows in the smaller cluster.
    silhouette : float
        Mean over the rows.
    """

    size: float = 1.0
    pca: Any = None
    unit: Any = None
    centers: Any = None
    share: float = 0.0
    silhouette: float = 0.0

    @classmethod
    def of(cls, rows, n_components, whiten, seed):
        """Find the clusters of rows, which stand in an order that depends on their content alone."""
        if rows.shape[0] < 2:
            return cls()
        # Rows in about as many directions are all equally far from each other, once those are of one variance.
        n_components = min(n_components, max(1, rows.shape[0] // _ROWS_PER_COMPONENT), rows.shape[1])
        largest = abs(rows).max()
        size = largest if largest > _LARGE else 1.0
        pca = _principal_components(rows / size, n_components, seed)
        variances = pca.explained_variance_
        if not variances[0] > 0.0:
            return cls()
        unit = np.ones(len(variances))
        if whiten:
            unit = np.sqrt(np.where(variances > _LEAST_VARIANCE * variances[0], variances, np.inf))
        points = pca.transform(rows / size) / unit
        with threadpool_limits(1), warnings.catch_warnings():
            # Rows that are all the same.
            warnings.simplefilter("ignore", ConvergenceWarning)
            found = KMeans(2, n_init=_STARTS, random_state=seed).fit(points)
        sizes = np.bincount(found.labels_, minlength=2)
        if sizes.min() == 0:
            return cls()
        # Of equal ones that which is farther from the middle of the class.
        away = np.linalg.norm(found.cluster_centers_ - np.median(points, axis=0), axis=1)
        small = 0 if (sizes[0], -away[0]) < (sizes[1], -away[1]) else 1
        centers = found.cluster_centers_[[small, 1 - small]]
        share = float(sizes[small] / sizes.sum())
        return cls(size, pca, unit, centers, share, float(np.abs(_leanings(points, centers)).mean()))

    def leanings(self, rows):
        """Silhouette of each row by the distances to the two centres; negative in the larger cluster."""
        if self.pca is None:
            return np.zeros(rows.shape[0])
        with np.errstate(all="ignore"):
            points = self.pca.transform(rows / self.size) / self.unit
            # What is beyond the range of floats is equally far from both.
            return np.nan_to_num(_leanings(points, self.centers))

    def score(self, rows, criterion):
        """Scores of rows by what makes a class suspicious."""
        apart = 1.0 if criterion == "relative_size" else self.silhouette
        small = 1.0 if criterion == "silhouette" else 1.0 - 2.0 * self.share
        return self.leanings(rows) * apart * small


def _leanings(points, centers):
    to_small, to_large = (np.linalg.norm(points - center, axis=1) for center in centers)
    largest = np.maximum(to_small, to_large)
    return (to_large - to_small) / np.where(largest > 0.0, largest, 1.0)


def _principal_components(rows, n_components, seed):
    # The latter never forms a dense copy of sparse rows.
    solver = "covariance_eigh" if rows.shape[1] <= _MOST_COLUMNS else "arpack"
    with threadpool_limits(1), np.errstate(invalid="ignore"):
        return PCA(n_components, svd_solver=solver, random_state=seed).fit(rows)
