"""Poison for one cluster of rows, chosen where it does most."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows, take_rows
from robustfit.attacks._encoding import RowEncoder
from robustfit.attacks._labels import join_labels
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._reference_model import class_scores, seeded
from robustfit.attacks._subpopulations import ClusterSubpopulation, nearest_centroid, turn_against, wrong_copies

N_TRIALS = 8
"""Clusters that are tried on the reference model."""


class ClusterMatchAttack(BaseAttack):
    """Make a learner fail on one cluster of rows and nowhere else.

    The rows are clustered, and copies of the rows of one cluster are inserted under a wrong label. The rest of the
    population is hardly touched, so the overall error does not tell. One unit of the budget is one row.

    Parameters
    ----------
    n_clusters : int, default=None
        Number of clusters. By default one for every 50 rows, at least 2 and at most 100.
    cluster : int, default=None
        Which cluster to attack, 0 to ``n_clusters - 1``. By default the one where the attack is worth most; Notes say
        how that is told.
    estimator : classifier, default=None
        Reference model that tells what a cluster is worth, with ``decision_function`` (one column per class if there
        are more than two) or ``predict_proba``. By default ``LogisticRegression`` of what was clustered. A
        ``random_state`` that it leaves open is derived from that of `generate`.
    label : label, default=None
        Label of every copy, which the training set need not know; rows that have it are not copied. By default the most
        frequent class of the cluster besides its majority or, if there is none, of the whole set.
    n_components : int, default=20
        Number of principal components in which distances are measured.
    jitter : float, default=0.0
        Scale of the noise on copies, as a fraction of each column's standard deviation; only numbers with a fraction
        get some, and stay within the range of their column. Noise in columns that are mostly zero tells copies from
        rows.

    See Also
    --------
    FeatureMatchAttack : Takes a subpopulation that is given by values of columns.

    Notes
    -----
    Numbers are standardised, other columns become one coordinate per category, and texts TF-IDF vectors; principal
    components of these are clustered by k-means.

    The reference model is fitted to the clean rows. A row that it gets wrong is worth 0, since there is nothing to
    gain. One that it gets right is worth the share of rows that it is at least as sure of, so those that it is least
    sure of are worth most. Sure means a large margin of the own class over the best other one. Of the clusters that are
    no larger than the budget and no smaller than a quarter of it, the 8 are tried whose rows are worth most on average:
    the copies are added, the reference model is fitted again, and the one that makes it wrong on the largest additional
    share of the cluster's rows is chosen. If no cluster has such a size, the one that is nearest to the budget is.

    `Poisoned.details` holds ``"subpopulation"``, whose method ``contains(X)`` tells which rows belong, so that the harm
    can be measured on test rows; it can be pickled. ``"label"`` is the label of the copies, ``"n_members"`` the number
    of clean rows that belong, ``"cluster"`` the cluster, and ``"harm"`` that additional share for each cluster tried.
    The paper calls a budget of ``n_members`` a poisoning rate α = 1. The chosen cluster depends on the budget; with
    ``cluster`` given, a larger budget goes on where a smaller one stopped.

    References
    ----------
    .. [1] M. Jagielski, G. Severi, N. Pousette Harger and A. Oprea, "Subpopulation Data Poisoning Attacks", ACM CCS
       2021.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import ClusterMatchAttack
    >>> X = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0], [9.1], [9.2]])
    >>> y = np.array([0, 0, 0, 1, 1, 1, 1, 1])
    >>> poisoned = ClusterMatchAttack(n_clusters=3).generate(X, y, budget=3)
    >>> poisoned.X[poisoned.is_poison].ravel(), poisoned.y[poisoned.is_poison]
    (array([5.1, 5. , 5.1]), array([0, 0, 0]))
    >>> poisoned.details["subpopulation"].contains([[4.8], [8.0]])
    array([ True, False])
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        cluster: int | None = None,
        *,
        estimator: Any = None,
        label: Any = None,
        n_components: int = 20,
        jitter: float = 0.0,
    ) -> None:
        self.n_clusters = n_clusters
        self.cluster = cluster
        self.estimator = estimator
        self.label = label
        self.n_components = n_components
        self.jitter = jitter

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        clean.codes(type(self).__name__)
        n_clusters = self._n_clusters(len(clean))
        if not isinstance(self.n_components, Integral) or self.n_components < 1:
            raise ValueError(f"n_components must be a whole number of at least 1, got {self.n_components!r}.")
        seed = int(chance.choices.integers(2**31))
        encoder = RowEncoder(int(self.n_components), seed).fit(clean.X)
        points = encoder.transform(clean.X)
        centroids = _centroids(points, n_clusters, seed)
        own = nearest_centroid(points, centroids)
        details: dict[str, Any] = {}
        if self.cluster is None:
            cluster, details["harm"] = self._most_harmful(clean, points, own, budget, chance)
        else:
            cluster = self._given_cluster(len(centroids))
        details["cluster"] = cluster
        return turn_against(
            ClusterSubpopulation(encoder, centroids, cluster),
            np.flatnonzero(own == cluster),
            clean,
            budget,
            chance,
            label=self.label,
            jitter=self.jitter,
            details=details,
        )

    def _most_harmful(
        self, clean: CleanSet, points: Floats, own: Rows, budget: int, chance: Chance
    ) -> tuple[int, dict[int, float]]:
        """Try the attack on the reference model, and return the best cluster and the harm done to each one tried."""
        classes, codes = clean.codes(type(self).__name__)
        model, rows = LogisticRegression(max_iter=1000), points
        if self.estimator is not None:
            model, rows = seeded(clone(self.estimator), chance.choices), clean.X
        sure = clone(model).fit(rows, clean.labels)
        right = sure.predict(rows) == clean.labels
        worth = np.where(right, _unsureness(class_scores(sure, rows, classes), codes), 0.0)
        harm = {}
        for cluster in shortlist(worth, own, budget).tolist():
            members = np.flatnonzero(own == cluster)
            drawn, new = wrong_copies(members, clean, budget, chance.choices, self.label)
            labels = np.concatenate(join_labels(clean.labels, new))
            turned = clone(model).fit(take_rows(rows, np.concatenate([np.arange(len(clean)), drawn])), labels)
            still_right = turned.predict(take_rows(rows, members)) == clean.labels[members]
            harm[cluster] = float(right[members].mean() - still_right.mean())
        return max(harm, key=harm.__getitem__), harm

    def _n_clusters(self, n_rows: int) -> int:
        if self.n_clusters is None:
            return min(max(2, min(100, n_rows // 50)), n_rows)
        if not isinstance(self.n_clusters, Integral) or not 1 <= self.n_clusters <= n_rows:
            raise ValueError(
                f"n_clusters must be a whole number in 1..{n_rows}, the number of rows, got {self.n_clusters!r}."
            )
        return int(self.n_clusters)

    def _given_cluster(self, n_clusters: int) -> int:
        if not isinstance(self.cluster, Integral) or not 0 <= self.cluster < n_clusters:
            raise ValueError(f"cluster must be a whole number in 0..{n_clusters - 1}, got {self.cluster!r}.")
        return int(self.cluster)


def _centroids(points: Floats, n_clusters: int, seed: int) -> Floats:
    # k-means warns if it is asked for more clusters than there are different points.
    different = len(np.unique(points, axis=0))
    model = KMeans(min(n_clusters, different), n_init=4, random_state=seed)
    return np.asarray(model.fit(points).cluster_centers_, dtype=np.float64)


def _unsureness(scores: Floats, codes: Rows) -> Floats:
    """Return, for each row, the share of rows whose own class has at least as large a margin over the best other."""
    rows = np.arange(len(codes))
    others = scores.copy()
    others[rows, codes] = -np.inf
    margin = scores[rows, codes] - others.max(axis=1)
    surer = len(rows) - np.searchsorted(np.sort(margin), margin)
    return np.asarray(surer / len(rows), dtype=np.float64)


def shortlist(worth: Floats, own: Rows, budget: int) -> Rows:
    """Return the clusters that are worth trying, best first.

    Parameters
    ----------
    worth : ndarray of shape (n_rows,)
        What each row is worth.
    own : ndarray of shape (n_rows,), int64
        Cluster of each row.
    budget : int
    """
    clusters, own = np.unique(own, return_inverse=True)
    size = np.bincount(own)
    fits = (size <= budget) & (4 * size >= budget)
    if not fits.any():
        # None has the right size; the one nearest to it has to do.
        off = np.abs(np.log(size / budget))
        fits = off == off.min()
    ranked = np.argsort(np.where(fits, -np.bincount(own, worth) / size, np.inf), kind="stable")
    best: Rows = clusters[ranked[: min(N_TRIALS, int(fits.sum()))]]
    return best
