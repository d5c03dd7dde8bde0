"""The smaller of two clusters of each class, in any feature map."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_array

from robustfit._meta._seeds import check_seed, member_seed, set_open_seeds
from robustfit._meta._selection import row_keys
from robustfit._sklearn import HasMethods, Interval, StrOptions
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._two_clusters import TwoClusters


class ActivationClusteringSanitizer(BaseSanitizer):
    """Leave out the rows of the smaller of two clusters, where a class falls apart into a large and a small one.

    Parameters
    ----------
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    feature_map : {transformer, callable}, default=None
        Where rows are clustered, such as the activations of a network's last hidden layer. A transformer is cloned and
        fitted to all rows and their labels; put it into a `sklearn.frozen.FrozenEstimator` if it was trained before. A
        callable takes rows and returns a table of numbers. None clusters the columns as they are: scale them first.
    n_components : int, default=10
        Most principal components that are kept of each class: one for ten rows at most.
    whiten : bool, default=True
        Whether the components are brought to the same variance, as independent components are.
    criterion : {"both", "silhouette", "relative_size"}, default="both"
        What makes a class suspicious: that its clusters lie apart, that one of them is small, or their product.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.
    random_state : int, default=0
        Seed of k-means, of the components of wide tables, and of those seeds of the transformer that are None.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Between −1 and 1; positive for rows of the smaller cluster of their class, 0 where a class does not fall apart.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    silhouettes_ : ndarray of shape (n_classes,)
        Mean silhouette of the rows of each class. The authors take about 0.1 to 0.15 for the value from which on a
        class is poisoned.
    relative_sizes_ : ndarray of shape (n_classes,)
        Share of the rows of each class that are in its smaller cluster.
    feature_map_ : object
        The fitted transformer, the callable, or None.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is binned.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    OutlierSanitizer : Rows that are strange one by one.

    Notes
    -----
    Each class is projected on its first principal components and cut in two by 2-means. With a and b the distances of a
    row to the centres of its own and of the other cluster, its silhouette is ``s = (b − a) / max(a, b)``, in [0, 1].
    Its score is ``±s · S · (1 − 2p)``, plus for rows of the smaller cluster, with S the mean silhouette of the class
    (``"silhouette"`` and ``"both"``) and p the share of the smaller cluster (``"relative_size"`` and ``"both"``).
    Silhouettes are those with distances to centres in place of mean distances to rows, so that time grows with the
    number of rows and not with its square.

    The authors use independent components. Those are whitened principal components up to a rotation, which 2-means does
    not see, so that ``whiten=True`` clusters them without having to find them.

    A class with two natural clusters of different sizes looks poisoned. Poison that lies among clean rows, or makes up
    half of a class or more, is not found; and 2-means may cut off an honest tail.

    References
    ----------
    .. [1] B. Chen, W. Carvalho, N. Baracaldo, H. Ludwig, B. Edwards, T. Lee, I. Molloy and B. Srivastava, "Detecting
       Backdoor Attacks on Deep Neural Networks by Activation Clustering", SafeAI at AAAI 2019 (arXiv 1811.03728, 2018).
    .. [2] E. R. Hruschka, R. J. G. B. Campello and L. N. de Castro, "Evolving clusters in gene-expression data",
       Information Sciences 176(13), 2006. Silhouettes by centres.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import ActivationClusteringSanitizer
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(0, 1, (50, 2)), rng.normal(9, 1, (5, 2)), rng.normal(3, 1, (45, 2))])
    >>> y = np.repeat([0, 1], [55, 45])
    >>> sanitizer = ActivationClusteringSanitizer(0.05).fit(X, y)
    >>> np.flatnonzero(~sanitizer.support_)
    array([50, 51, 52, 53, 54])
    """

    _parameter_constraints: dict = {
        **BaseSanitizer._parameter_constraints,
        "feature_map": [HasMethods(["fit", "transform"]), callable, None],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "whiten": ["boolean"],
        "criterion": [StrOptions({"both", "silhouette", "relative_size"})],
        "random_state": "no_validation",
    }

    def __init__(
        self,
        contamination=0.05,
        *,
        drop_by="global",
        feature_map=None,
        n_components=10,
        whiten=True,
        criterion="both",
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
        random_state=0,
    ):
        self.contamination = contamination
        self.drop_by = drop_by
        self.feature_map = feature_map
        self.n_components = n_components
        self.whiten = whiten
        self.criterion = criterion
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins
        self.random_state = random_state

    def _fit_scores(self, rows, target):
        random_state = check_seed(self.random_state)
        # Whatever draws rows by their positions draws the same ones then.
        order = np.argsort(row_keys(rows, target.values), kind="stable")
        rows, target = rows[order], target.take(order)
        self.feature_map_ = self._fit_map(rows, target, random_state)
        mapped, groups = self._mapped(rows), target.groups()
        self._clusters = [
            TwoClusters.of(mapped[group], self.n_components, self.whiten, member_seed(random_state, code))
            for code, group in enumerate(groups)
        ]
        self.silhouettes_ = np.array([clusters.silhouette for clusters in self._clusters])
        self.relative_sizes_ = np.array([clusters.share for clusters in self._clusters])
        scores = np.empty(len(order))
        scores[order] = self._score_mapped(mapped, groups)
        return scores

    def _fit_map(self, rows, target, random_state):
        if not hasattr(self.feature_map, "transform"):
            return self.feature_map
        return set_open_seeds(clone(self.feature_map), random_state).fit(rows, target.given)

    def _mapped(self, rows):
        if self.feature_map_ is None:
            return rows
        apply = getattr(self.feature_map_, "transform", self.feature_map_)
        mapped = check_array(apply(rows), accept_sparse="csr", dtype=np.float64, input_name="The mapped X")
        if mapped.shape[0] != rows.shape[0]:
            raise ValueError(
                f"feature_map made {mapped.shape[0]} rows of {rows.shape[0]}; it has to give one row for each."
            )
        return mapped

    def _score(self, rows, target):
        return self._score_mapped(self._mapped(rows), target.groups())

    def _score_mapped(self, mapped, groups):
        scores = np.zeros(mapped.shape[0])
        for clusters, group in zip(self._clusters, groups, strict=True):
            if len(group):
                scores[group] = clusters.score(mapped[group], self.criterion)
        return scores

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if hasattr(self.feature_map, "__sklearn_tags__"):
            tags.input_tags.sparse = self.feature_map.__sklearn_tags__().input_tags.sparse
        return tags
