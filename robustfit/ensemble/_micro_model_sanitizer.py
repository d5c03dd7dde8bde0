"""Rows that the members fitted on other shards dispute."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from numbers import Integral

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from robustfit._meta._seeds import check_seed
from robustfit._sklearn import Interval, StrOptions, fit_context
from robustfit.certify._median import median_prediction, sort_predictions
from robustfit.ensemble._partition_classifier import PartitionClassifier
from robustfit.ensemble._partition_regressor import PartitionRegressor
from robustfit.partition import ShardPlan
from robustfit.sanitize._base_around_model import BaseAroundModel
from robustfit.sanitize._centers import unit_of
from robustfit.sanitize._linear._default_learner import default_learner


class MicroModelSanitizer(BaseAroundModel):
    """Leave out the rows that most micro-models dispute: members fitted on shards of the rows, asked about the others.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier, regressor or pipeline that each shard fits a clone of. If None, the logistic or ridge regression of
        `robustfit.sanitize.LossSanitizer`, whose columns are scaled and rows are cut inside the shard.
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    n_partitions : int, default=20
        Number of shards. Poison has to reach most of them to speak for itself; rows are few in each if there are many.
    partition_by : {"content", "groups"}, default="content"
        Whether rows are assigned by a hash of their features, or of their group: of time slices or sources, as in [1]_,
        so that poison that came in one of them stays in one shard.
    voting : {"weighted", "plain"}, default="weighted"
        Whether the votes of classifiers count by their margins, or all alike. Plain votes cost a third of the time, and
        rows that all members dispute then tie.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    random_state : int, default=0
        Salt of the hash and source of the members' seeds.
    n_jobs : int, default=None
        Number of jobs for fitting and asking the members.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Of classes: share of the members of other shards that vote for another label than the row has, between 0 and 1;
        weighted votes that are near a tie count for about half against it either way.
        Of numbers: distance of y from the median of their predictions, in units of the median distance of all rows.
        0 where no other member has an opinion.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    ensemble_ : PartitionClassifier or PartitionRegressor
        The micro-models.
    unit_ : float
        Median distance, in units of y; 1 of classes.
    classes_ : ndarray of shape (n_classes,)
        Not there if y holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    Warns
    -----
    robustfit.ensemble.PartitionWarning
        If shards average too few rows to learn from.

    See Also
    --------
    robustfit.PartitionClassifier : Certifies predictions by the same members.

    Notes
    -----
    With h_j the member of shard j and s(i) the shard of row i, the score is the mean of ``(1 ± w_ij) / 2`` over the
    members j ≠ s(i) that vote, plus where ``h_j(x_i) ≠ y_i``. Plain votes have ``w = 1``, which gives the share of the
    members that dispute the row. Weighted ones have ``w = g / (g + median g)``, with g the margin of the vote and the
    median over all rows; 1/2 where margins are not known, and for members that know one class only. The weights of [1]_
    are sizes of time slices, which a hash makes alike.

    No member judges a row that it was fitted on, nor, by content, a copy of one: copies share a shard, whatever their
    labels. The authors let all micro-models vote.

    Poison that is in most shards in force, as a hash spreads it, teaches the members what it wants: then this finds
    only rows that the rest of the data outvotes.

    References
    ----------
    .. [1] G. F. Cretu, A. Stavrou, M. E. Locasto, S. J. Stolfo and A. D. Keromytis, "Casting out Demons: Sanitizing
       Training Data for Anomaly Sensors", IEEE Symposium on Security and Privacy, 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_breast_cancer
    >>> from robustfit.ensemble import MicroModelSanitizer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> poisoned = y.copy()
    >>> poisoned[:20] = 1 - y[:20]
    >>> sanitizer = MicroModelSanitizer(contamination=0.06, n_partitions=5).fit(X, poisoned)
    >>> int((~sanitizer.support_[:20]).sum()), int((~sanitizer.support_[20:]).sum())
    (18, 16)
    """

    _parameter_constraints: dict = {
        **BaseAroundModel._parameter_constraints,
        **BaseAroundModel._by_class,
        "n_partitions": [Interval(Integral, 2, None, closed="left")],
        "partition_by": [StrOptions({"content", "groups"})],
        "voting": [StrOptions({"weighted", "plain"})],
    }

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.05,
        drop_by="global",
        n_partitions=20,
        partition_by="content",
        voting="weighted",
        threshold=None,
        min_per_class=0.5,
        random_state=0,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.drop_by = drop_by
        self.n_partitions = n_partitions
        self.partition_by = partition_by
        self.voting = voting
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.random_state = random_state
        self.n_jobs = n_jobs

    @fit_context(
        # The estimator is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y=None, *, groups=None):
        """Fit the micro-models, score the training rows and choose those to keep.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Of the kinds that the estimator takes; finite numbers if there is none.
        y : array-like of shape (n_samples,)
        groups : array-like of shape (n_samples,), default=None
            Time slice or source of each row, with ``partition_by="groups"`` only.

        Returns
        -------
        self : object
        """
        rows, target = self._read(X, y, reset=True)
        self._fit_rows(rows, target, groups=groups)
        return self

    def _fit_scores(self, rows, target, *, groups):
        check_seed(self.random_state)
        with warnings.catch_warnings():
            if self.estimator is None:
                # Where a learner that the user did not choose stops is no one's business.
                warnings.simplefilter("ignore", ConvergenceWarning)
            self.ensemble_ = self._ensemble(target).fit(rows, target.given, groups=groups)
        self.unit_, self._typical = 1.0, None
        dispute = self._dispute(rows, target, self.ensemble_.row_shards_)
        if target.classes is None:
            self.unit_ = unit_of(dispute)
        return dispute / self.unit_

    def _ensemble(self, target):
        regression, n_rows = target.classes is None, len(target.values)
        kind = PartitionRegressor if regression else PartitionClassifier
        if self.estimator is None:
            estimator = default_learner(regression, max(n_rows // self.n_partitions, 1))
        else:
            estimator = clone(self.estimator)
        return kind(
            estimator,
            n_partitions=self.n_partitions,
            partition_by=self.partition_by,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )

    def _score(self, rows, target):
        own = np.full(len(target.values), -1)
        if self.ensemble_.partition_by == "content":
            # A training row, or a copy of one, is judged as it was.
            salt = {"n_partitions": self.ensemble_.n_partitions, "random_state": self.ensemble_.random_state}
            own = ShardPlan.by_content(rows, **salt).shard
        return self._dispute(rows, target, own) / self.unit_

    def _dispute(self, rows, target, own):
        """How much the members of other shards than a row's own dispute its target."""
        if target.classes is None:
            votes = self.ensemble_.votes(rows)
            _silence(votes, own, np.nan)
            middle = median_prediction(*sort_predictions(votes))
            return np.where(np.isnan(votes).all(axis=1), 0.0, np.abs(target.values - middle))
        answers = self.ensemble_._cast(rows, with_margins=self.voting == "weighted")
        votes = answers.values
        _silence(votes, own, -1)
        weights = 1.0
        if answers.margins is not None:
            if self._typical is None:
                self._typical = _typical(answers.margins)
            weights = _weights(answers.margins, self._typical)
        against = np.where(votes == target.values[:, None], 0.5 - 0.5 * weights, 0.5 + 0.5 * weights)
        against[votes < 0] = 0.0
        return against.sum(axis=1) / np.maximum((votes >= 0).sum(axis=1), 1)


def _silence(votes, own, abstention):
    """Take a member's say about the rows of its own shard; −1 stands for rows that no member was fitted on."""
    judged = np.flatnonzero(own >= 0)
    votes[judged, own[judged]] = abstention


def _typical(margins):
    """Median margin of each member; 0 where it has none."""
    known = [margin[np.isfinite(margin)] for margin in margins.T]
    return np.array([np.median(margin) if len(margin) else 0.0 for margin in known])


def _weights(margins, typical):
    """What votes count by their margins: a half where a member is as sure as of half of the training rows."""
    sure = np.where(np.isfinite(margins), margins, 0.0)
    counts = np.isfinite(margins) & (typical > 0.0)
    return np.where(counts, sure / np.where(counts, sure + typical, 1.0), 0.5)
