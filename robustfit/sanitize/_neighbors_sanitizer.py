"""Rows that are far from the rows of their class around them, or where these are sparse."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np

from robustfit._meta._seeds import check_seed
from robustfit._sklearn import Interval, StrOptions
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._centers import unit_of
from robustfit.sanitize._row_index import RowIndex

# Where rows repeat there is no end to how dense they are; so many times as dense as usual counts, in lengths.
_DENSEST = 10.0


class NeighborsSanitizer(BaseSanitizer):
    """Leave out the rows that are far from the nearest rows of their class, or lie where these are sparse.

    Parameters
    ----------
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class. Poison that claims a
        small class may be a larger part of it, and ``"class"`` leaves what is beyond the share.
    mode : {"distance", "density"}, default="distance"
        How far the nearest rows of the class are, compared with the rest of the class; or compared with how far
        the neighbours are from theirs.
    n_neighbors : int, default=5
        A class of fewer rows has all others as neighbours.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.
    random_state : int, default=0
        Which rows are the middles of cells, in classes of more than 10 000 rows.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        With ``"distance"``, the mean distance to the neighbours in units of its median over the class; with
        ``"density"`` the local outlier factor, near 1 for a row around which rows are as dense as around its
        neighbours. The only row of a class has 1.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    units_ : ndarray of shape (n_classes,)
        Median of the mean distances, or of the mean reachability distances; of those that are not 0, where half of
        them are.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is binned.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    LabelAgreementSanitizer : Asks which labels the neighbours have.
    DuplicateSanitizer : Finds rows that are suspiciously near one another.

    Notes
    -----
    Let ``N(x)`` be the k nearest rows of the class of x, x itself not among them, and ``d_k(o)`` the distance of o to
    the farthest of its own. The scores are proportional to ``Σ_{o ∈ N(x)} ‖x − o‖``, or are the local outlier factor
    ``r(x) · mean_{o ∈ N(x)} 1 / r(o)`` with ``r(x) = mean_{o ∈ N(x)} max(d_k(o), ‖x − o‖)``, where ``r`` counts as a
    tenth of its median where it is less: next to repeated rows no row is infinitely suspicious.

    Rows that come in groups of more than k are each other's neighbours, and look harmless here. Columns count as they
    are: scale them first. Neighbours in classes of more than 10 000 rows are searched in parts of the class, so that
    they are near rows, but not always the nearest. `score_rows` does not know whether a row was among the training
    rows; one that was is a neighbour of itself there.

    References
    ----------
    .. [1] P. W. Koh, J. Steinhardt and P. Liang, "Stronger data poisoning attacks break data sanitization defenses",
       Machine Learning, 2022.
    .. [2] M. M. Breunig, H.-P. Kriegel, R. T. Ng and J. Sander, "LOF: Identifying Density-Based Local Outliers",
       SIGMOD 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import NeighborsSanitizer
    >>> X = np.array([[0.0], [1.0], [2.0], [11.5], [10.0], [11.0], [12.0], [13.0]])
    >>> y = np.array(["a", "a", "a", "a", "b", "b", "b", "b"])
    >>> NeighborsSanitizer(contamination=0.2, n_neighbors=2).fit(X, y).support_
    array([ True,  True,  True, False,  True,  True,  True,  True])
    """

    _parameter_constraints: dict = {
        **BaseSanitizer._parameter_constraints,
        "mode": [StrOptions({"distance", "density"})],
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "random_state": "no_validation",
    }

    def __init__(
        self,
        contamination=0.05,
        *,
        drop_by="global",
        mode="distance",
        n_neighbors=5,
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
        random_state=0,
    ):
        self.contamination = contamination
        self.drop_by = drop_by
        self.mode = mode
        self.n_neighbors = n_neighbors
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins
        self.random_state = random_state

    def _fit_scores(self, rows, target):
        seed = check_seed(self.random_state)
        self._classes = [_Class(rows[group], self.n_neighbors, self.mode, seed) for group in target.groups()]
        self.units_ = np.array([one.unit for one in self._classes])
        scores = np.empty(rows.shape[0])
        for one, group in zip(self._classes, target.groups(), strict=True):
            scores[group] = one.scores
            # Those of the training rows are asked for once.
            del one.scores
        return scores

    def _score(self, rows, target):
        scores = np.empty(rows.shape[0])
        for one, group in zip(self._classes, target.groups(), strict=True):
            scores[group] = one.score(rows[group])
        return scores


class _Class:
    """Rows of one class, and what rows near them are compared with."""

    def __init__(self, rows, n_neighbors, mode, seed):
        n_rows = rows.shape[0]
        self._n_neighbors = min(n_neighbors, n_rows - 1)
        self.unit, self.scores = 1.0, np.ones(n_rows)
        if self._n_neighbors == 0:
            return
        self._index = RowIndex(rows, seed)
        distances, neighbors = self._index.nearest(rows, self._n_neighbors, np.arange(n_rows))
        self._farthest = distances[:, -1] if mode == "density" else None
        lengths = self._lengths(distances, neighbors)
        self.unit = unit_of(lengths)
        if mode == "density":
            self._reach = np.maximum(lengths, self.unit / _DENSEST)
        self.scores = self._compare(lengths, neighbors)

    def score(self, rows):
        if self._n_neighbors == 0 or rows.shape[0] == 0:
            return np.ones(rows.shape[0])
        distances, neighbors = self._index.nearest(rows, self._n_neighbors)
        return self._compare(self._lengths(distances, neighbors), neighbors)

    def _lengths(self, distances, neighbors):
        if self._farthest is not None:
            distances = np.maximum(distances, self._farthest[neighbors])
        return distances.mean(axis=1)

    def _compare(self, lengths, neighbors):
        if self._farthest is None:
            return lengths / self.unit
        density = np.mean(1.0 / self._reach[neighbors], axis=1)
        lengths = np.maximum(lengths, self.unit / _DENSEST)
        # A row beyond the range of floats may have neighbours that are as well.
        return np.where(np.isinf(lengths), np.inf, lengths * np.where(np.isinf(lengths), 1.0, density))
