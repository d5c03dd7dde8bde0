"""Groups of rows that do harm: reject on negative impact."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from numbers import Integral

import numpy as np

from robustfit._sklearn import Interval, fit_context
from robustfit.partition import as_rows
from robustfit.sanitize._base_around_model import BaseAroundModel
from robustfit.sanitize._folds import content_folds
from robustfit.sanitize._left_out_groups import Jury, Part
from robustfit.sanitize._robust_judges import robust_judges
from robustfit.sanitize._similar_rows import ComparableNumbers, nearest, similar_rows, split

# Groups of fewer rows than twice that are not split.
_SMALLEST = 5


class RONISanitizer(BaseAroundModel):
    """Leave out the groups of rows that do harm: reject on negative impact, in as many fits as there are groups.

    Rows are put into clusters of similar rows of one class. All clusters are measured from the same fit, to all rows:
    how much less do the judges lose if the estimator is fitted without this one? Judges are trusted rows if there are
    some, else the training rows that an out-of-fold fit agrees with, of a fold that the fit has not seen. Clusters that
    do harm are split and their halves are measured too.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier or regressor. If None, logistic regression of rows in robust units (columns around their medians,
        divided by the median absolute deviation, cut at ±3) whose length is cut at the lower quartile of all; or ridge
        regression in robust units, of rows that weigh less the more they are longer than that. The penalty is λ = 0.002
        per row. Then y holds numbers if some are not whole, or if there are more than 20 different ones and fewer than
        four rows of each; else labels. Rows have to be numbers, or to become such in a pipeline with the estimator.
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows. Rows with a score of zero or less stay
        in any case.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    n_groups : int, default=30
        Number of clusters, of all classes together; a class has one at least.
    n_splits : int, default=2
        Number of times that clusters that do harm are split in two, half of ``n_groups`` at most, the worst ones.
    n_folds : int, default=2
        Without trusted rows, judges are asked out of that many folds.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    random_state : int, default=0
        Seeds clusters and folds, and what the estimator leaves open. Not negative.
    n_jobs : int, default=None
        Number of fits that run at the same time.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Harm of the group of each row, per row of it: the fall of the sum of the losses of the judges if the group is
        left out, divided by its size; in nats for classifiers (of probabilities no smaller than 0.001), for regressors
        in units of the robust scale of the residuals.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept. Of the group at the edge of what may be left out, those whose digests are smallest.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    group_scores_ : ndarray of shape (n_groups_at_the_end,)
    n_fits_ : int
        Number of fits that groups were measured by, at most ``(1 + n_groups · (1 + n_splits)) · n_folds`` (and a few
        more groups than ``n_groups`` where classes are many); with trusted rows as if there were one fold.
    classes_ : ndarray of shape (n_classes,)
        Not there for regression.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    GroupSanitizer : Where it is known which rows came together.
    InfluenceSanitizer : One row at a time, for linear learners, from one fit.

    Notes
    -----
    The published defence measures every row with a fit of its own. A single row hardly moves a fit to many, and poison
    comes in numbers. Where it is spread thinly among good rows, as random label flips are, groups say little and
    `LossSanitizer` says more. `score_rows` gives a row the score of the group of its class whose centre is nearest.

    References
    ----------
    .. [1] M. Barreno, B. Nelson, A. D. Joseph and J. D. Tygar, "The Security of Machine Learning", Machine Learning 81,
       2010.
    .. [2] B. Nelson et al., "Exploiting Machine Learning to Subvert Your Spam Filter", LEET 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import RONISanitizer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2)) + np.repeat([[-2.0], [2.0]], 100, axis=0)
    >>> y = np.repeat(["a", "b"], 100)
    >>> far = np.argsort(X.sum(axis=1))[:10]
    >>> y[far] = "b"
    >>> bool(RONISanitizer(contamination=0.05).fit(X, y).support_[far].any())
    False
    """

    _spares_helpful = True

    _parameter_constraints: dict = {
        **BaseAroundModel._parameter_constraints,
        **BaseAroundModel._by_class,
        "n_groups": [Interval(Integral, 2, None, closed="left")],
        "n_splits": [Interval(Integral, 0, None, closed="left")],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.05,
        drop_by="global",
        n_groups=30,
        n_splits=2,
        n_folds=2,
        threshold=None,
        min_per_class=0.5,
        random_state=0,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.drop_by = drop_by
        self.n_groups = n_groups
        self.n_splits = n_splits
        self.n_folds = n_folds
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.random_state = random_state
        self.n_jobs = n_jobs

    @fit_context(
        # The estimator is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y=None, *, X_trusted=None, y_trusted=None):
        """Score the training rows and choose those to keep.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Of the kinds that the estimator takes; finite numbers if there is none.
        y : array-like of shape (n_samples,)
        X_trusted : array-like of shape (n_trusted, n_features), default=None
            Rows that are known to be good, and are no training rows; of the kind of X.
        y_trusted : array-like of shape (n_trusted,), default=None

        Returns
        -------
        self : object
        """
        rows, target = self._read(X, y, reset=True)
        self._fit_rows(rows, target, trusted=self._read_trusted(X_trusted, y_trusted))
        return self

    def _fit_scores(self, rows, target, trusted):
        order = np.argsort(self._learner(rows, target).keys, kind="stable")
        # From here on in an order that does not depend on where rows stood.
        rows, target = as_rows(rows).take(order), replace(target, values=target.values[order])
        learner = self._learner(rows, target, votes=True)
        jury = self._jury(learner, trusted).sworn_in()
        self._comparable = ComparableNumbers(learner.estimator, type(self).__name__)
        numbers = self._comparable.fit_transform(rows, learner.labels, target)
        classes = [np.arange(len(order))] if target.classes is None else target.groups()
        groups = similar_rows(numbers, classes, self.n_groups, learner.random_state)
        harms = self._harms(jury, groups)
        for _ in range(self.n_splits):
            groups, harms = self._split_worst(jury, numbers, groups, harms)
        self.n_fits_ = jury.n_fits
        scores = np.empty(len(order))
        for group, harm in zip(groups, harms, strict=True):
            scores[order[group]] = harm
        self._centers = [np.asarray(numbers[group].mean(axis=0)).ravel() for group in groups]
        self._codes = np.array([0 if target.classes is None else target.values[group[0]] for group in groups])
        self.group_scores_ = np.array(harms)
        return scores

    def _jury(self, learner, trusted):
        n_rows = len(learner.target.values)
        everyone = np.arange(n_rows)
        if trusted is not None:
            judges = np.arange(len(trusted[1].values))
            sources = np.zeros(len(judges), dtype=np.intp)
            return Jury(learner, [Part(everyone, judges)], trusted[0], trusted[1].values, sources, False)
        settings = {name: getattr(self, name) for name in ("contamination", "drop_by", "min_per_class", "n_jobs")}
        judges = robust_judges(
            learner.rows, learner.target, self.estimator, random_state=learner.random_state, **settings
        )
        folds = content_folds(learner.rows, learner.codes, self.n_folds, learner.random_state)
        parts = [
            Part(np.flatnonzero(folds != fold), np.flatnonzero((folds == fold) & judges))
            for fold in range(folds.max() + 1)
        ]
        return Jury(learner, parts, learner.rows, learner.target.values, np.zeros(n_rows, dtype=np.intp), True)

    def _harms(self, jury, groups):
        totals = jury.gains(groups, self.n_jobs)[:, 0, 0]
        return list(totals / [len(group) for group in groups])

    def _split_worst(self, jury, numbers, groups, harms):
        """Split the groups that do harm in two, the worst half of all at most, and measure the halves."""
        worst = [number for number in np.argsort(harms, kind="stable")[::-1] if harms[number] > 0.0]
        halves = {
            number: split(numbers, groups[number], 2, jury.learner.random_state)
            for number in worst[: self.n_groups // 2]
            if len(groups[number]) >= 2 * _SMALLEST
        }
        halves = {number: parts for number, parts in halves.items() if len(parts) == 2}
        measured = self._harms(jury, [part for parts in halves.values() for part in parts])
        others = [number for number in range(len(groups)) if number not in halves]
        return (
            [groups[number] for number in others] + [part for parts in halves.values() for part in parts],
            [harms[number] for number in others] + measured,
        )

    def _score(self, rows, target):
        numbers = self._comparable.transform(rows, target)
        codes = np.zeros(len(target.values), dtype=np.intp) if target.classes is None else target.values
        scores = np.empty(len(codes))
        for code in np.unique(codes):
            own, here = np.flatnonzero(self._codes == code), np.flatnonzero(codes == code)
            centers = np.array([self._centers[number] for number in own])
            scores[here] = self.group_scores_[own[nearest(numbers[here], centers)]]
        return scores
