"""Sources of rows without which the others are predicted better."""

# SPDX-License-Identifier: BSD-3-Clause

import logging
from numbers import Integral, Real

import numpy as np
from scipy.special import ndtri, stdtr
from sklearn.utils.validation import check_is_fitted

from robustfit._meta._inputs import check_groups
from robustfit._meta._robust_scale import robust_location_scale
from robustfit._meta._rules import most_to_drop
from robustfit._sklearn import Interval, fit_context
from robustfit.sanitize._base_around_model import BaseAroundModel
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._folds import content_folds
from robustfit.sanitize._left_out_groups import Jury, Part

logger = logging.getLogger(__name__)

# A median has so many times the standard error of a mean.
_OF_MEDIAN = 1.2533

# A median absolute deviation of k numbers is known as well as a standard deviation of so many times as many.
_OF_DEVIATION = 0.37

# Beyond that all is equally certain.
_SUREST = 1e-300

# Fewer sources than that cannot outvote one of them.
_FEWEST_VOTERS = 3


class GroupSanitizer(BaseAroundModel):
    """Leave out the sources without which rows of the others are predicted better: the provenance defence.

    A source is whatever sends rows together: a contributor, a sensor, a site, a week. All are measured from the same
    fits, to all rows: how do the losses of the others fall if the rows of this one are left out? The worst source goes,
    if its harm is beyond chance, and all that remain are measured again, since one hostile source can hide another. In
    regressions a source also goes if its targets are all too high or all too low.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier or regressor. If None, logistic regression of rows in robust units (columns around their medians,
        divided by the median absolute deviation, cut at ±3) whose length is cut at the lower quartile of all; or ridge
        regression in robust units, of rows that weigh less the more they are longer than that. The penalty is λ = 0.002
        per row. Then y holds numbers if some are not whole, or if there are more than 20 different ones and fewer than
        four rows of each; else labels.
    contamination : float, default=0.3
        Share of the rows that may be left out, in [0, 0.5), in whole sources; how many are is a matter of their harm.
    n_folds : int, default=3
        Without trusted rows, losses are taken out of that many folds.
    threshold : float, default=3.0
        Harm, in standard errors, beyond which a source is left out.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case: a source that would take more is kept.
    random_state : int, default=0
        Seeds the folds, and what the estimator leaves open. Not negative.
    n_jobs : int, default=None
        Number of fits that run at the same time.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Harm of the source of each row, in standard errors; see Notes. Of a source that was left out, when it was.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    weights_ : ndarray of shape (n_samples,)
        Suggested weights for those who would rather not drop rows: 1 up to the threshold, beyond it the threshold
        divided by the score.
    group_labels_ : list
        Sources, sorted.
    group_scores_ : ndarray of shape (n_groups,)
    group_effects_ : ndarray of shape (n_groups,)
        Mean fall of the losses of the others, in nats for classifiers, for regressors in units of the robust scale of
        the residuals.
    dropped_groups_ : list
        Sources that were left out, the worst first.
    n_fits_ : int
        Number of fits: (sources + 1) · folds for each source that was left out, and once more.
    classes_ : ndarray of shape (n_classes,)
        Not there for regression.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    RONISanitizer : Makes groups of its own.
    robustfit.ensemble.PartitionClassifier : With ``partition_by="groups"``, certificates against hostile sources.

    Notes
    -----
    The effect of source g is the median over the other sources of the mean fall of their losses (with fewer than three
    others, and with trusted rows, the mean over the rows). Hostile sources that are less than half of all do not
    decide it. The score is the smaller of two numbers: the effect in standard errors of that median, and the distance
    of ``effect / √rows`` from the median of all sources (from 0, if that is positive) in their median absolute
    deviations: sources differ by chance, the more the larger they are. Of two sources without trusted rows none can be
    told to be the wrong one. Where nothing is harmful, nothing is left out.

    For regressors the harm to others is of second order: a tenth of the rows whose targets are all the lowest moves the
    fit a little, and that little counts squared, or even helps an absolute loss if targets are skewed. What they do to
    their own residuals is of first order. So with four sources or more, and no trusted rows, a source's score is at
    least the distance of its median residual, out of fold, from that of the others, up or down: the smaller of that
    distance in standard errors of a median, and in the median absolute deviation of the others' (as a normal number,
    by Student's distribution, since few sources are a poor measure). Who differs beyond the way in which the others
    differ from each other is left out: a clean source of genuinely another level (a site that measures in other units,
    or the only one of its region) cannot be told from one that was set so. Give such a level a column of its own, or
    raise ``threshold`` above its score. Where clean sources differ much, the farthest is often left out: in a tenth
    to a third of the sets of 10 and 20 sources with normal levels, in more than half of those with skewed ones.

    References
    ----------
    .. [1] N. Baracaldo, B. Chen, H. Ludwig and J. A. Safavi, "Mitigating Poisoning Attacks on Machine Learning Models:
       A Data Provenance Based Approach", AISec 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import GroupSanitizer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 2))
    >>> y = (X[:, 0] > 0).astype(int)
    >>> source = np.repeat(["a", "b", "c", "d", "e"], 80)
    >>> y[source == "c"] = 0
    >>> GroupSanitizer().fit(X, y, groups=source).dropped_groups_
    ['c']
    """

    _parameter_constraints: dict = {
        **BaseAroundModel._parameter_constraints,
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "min_per_class": BaseSanitizer._parameter_constraints["min_per_class"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.3,
        n_folds=3,
        threshold=3.0,
        min_per_class=0.5,
        random_state=0,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.n_folds = n_folds
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.random_state = random_state
        self.n_jobs = n_jobs

    @fit_context(
        # The estimator is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y=None, groups=None, *, X_trusted=None, y_trusted=None):
        """Measure the sources and choose those to keep.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Of the kinds that the estimator takes; finite numbers if there is none.
        y : array-like of shape (n_samples,)
        groups : array-like of shape (n_samples,), default=None
            Source of each row. If None, all rows are of one, which is kept, and a message is
            logged: there is none to compare it with.
        X_trusted : array-like of shape (n_trusted, n_features), default=None
            Rows that are known to be good, and are no training rows; of the kind of X.
        y_trusted : array-like of shape (n_trusted,), default=None

        Returns
        -------
        self : object
        """
        rows, target = self._read(X, y, reset=True)
        trusted = self._read_trusted(X_trusted, y_trusted)
        n_rows = len(target.values)
        if groups is None:
            logger.warning("GroupSanitizer was given no groups, and keeps all rows.")
            self.group_labels_, codes = [None], np.zeros(n_rows, dtype=np.intp)
        else:
            self.group_labels_, codes = _encode(check_groups(groups, "groups", n_rows))
        self._fit_rows(rows, target, codes=codes, trusted=trusted)
        return self

    def score_rows(self, X, y=None, groups=None):
        """Return the harm of the source of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored: the source decides.
        groups : array-like of shape (n_samples,), default=None
            Not needed if there were none in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            0 for a source that `fit` has not seen.
        """
        check_is_fitted(self)
        return self._score(self._read_rows(X, reset=False), groups)

    def _score(self, rows, groups):
        n_rows = rows.shape[0] if hasattr(rows, "shape") else len(rows)
        if groups is None:
            if self.group_labels_ != [None]:
                raise ValueError("groups are missing: the rows are scored by their sources.")
            return np.zeros(n_rows)
        known = dict(zip(self.group_labels_, self.group_scores_.tolist(), strict=True))
        return np.array([known.get(label, 0.0) for label in check_groups(groups, "groups", n_rows).tolist()])

    def _fit_scores(self, rows, target, codes, trusted):
        learner = self._learner(rows, target, votes=True)
        groups = [np.flatnonzero(codes == code) for code in range(len(self.group_labels_))]
        self.group_scores_, self.group_effects_ = np.zeros(len(groups)), np.zeros(len(groups))
        self.n_fits_, dropped = 0, []
        while len(groups) - len(dropped) > 1:
            there = [number for number in range(len(groups)) if number not in dropped]
            effects, scores, n_fits = self._measure(learner, [groups[number] for number in there], codes, trusted)
            self.group_effects_[there], self.group_scores_[there] = effects, scores
            self.n_fits_ += n_fits
            worst = self._worst(there, groups, dropped, target)
            if worst is None:
                break
            dropped.append(worst)
        self.dropped_groups_ = [self.group_labels_[number] for number in dropped]
        self._dropped_rows = np.isin(codes, dropped)
        return self.group_scores_[codes]

    def _measure(self, learner, groups, codes, trusted):
        present = np.sort(np.concatenate(groups))
        if trusted is not None:
            judges = np.arange(len(trusted[1].values))
            part = Part(present, judges)
            jury = Jury(learner, [part], trusted[0], trusted[1].values, np.zeros(len(judges), dtype=np.intp), False)
        else:
            folds = content_folds(learner.rows, learner.codes, self.n_folds, learner.random_state)
            parts = [
                Part(present[folds[present] != f], present[folds[present] == f]) for f in np.unique(folds[present])
            ]
            if len(parts) < 2:
                raise ValueError(
                    f"All {len(present)} rows have the same features: there is no row that a fit has not seen. Pass "
                    "X_trusted and y_trusted."
                )
            jury = Jury(learner, parts, learner.rows, learner.target.values, codes, True)
        jury = jury.sworn_in()
        effects, errors = _effects(jury.gains(groups, self.n_jobs))
        scores = _in_standard_errors(effects, errors, [len(group) for group in groups])
        if trusted is None and jury.residuals is not None and len(groups) > _FEWEST_VOTERS:
            scores = np.maximum(scores, _apart([jury.residuals[group] for group in groups]))
        return effects, scores, jury.n_fits

    def _worst(self, there, groups, dropped, target):
        """Number of the source with the largest harm of those that may be left out, or None."""
        gone = np.zeros(len(target.values), dtype=bool)
        for number in dropped:
            gone[groups[number]] = True
        classes = [np.arange(len(gone))] if target.classes is None else target.groups()
        most = most_to_drop(np.ones(len(gone)), classes, self.min_per_class)
        for number in sorted(there, key=lambda number: -self.group_scores_[number]):
            if not self.group_scores_[number] > self.threshold:
                return None
            after = gone.copy()
            after[groups[number]] = True
            affordable = after.sum() <= self.contamination * len(after) + 1e-9
            if affordable and all(after[rows].sum() <= limit for rows, limit in zip(classes, most, strict=True)):
                return number
        return None

    def _select(self, scores, rows, target):
        return ~self._dropped_rows

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        self.weights_ = np.minimum(1.0, self.threshold / np.maximum(scores, self.threshold))


def _encode(groups):
    """Sorted labels, and the number of each row's."""
    labels = sorted(set(groups.tolist()), key=lambda label: (type(label).__name__, label))
    number = {label: place for place, label in enumerate(labels)}
    return labels, np.array([number[label] for label in groups.tolist()], dtype=np.intp)


def _effects(totals):
    """Effect of each group and its standard error, from sums by source; see `Jury.gains`."""
    sums, squares, counts = totals.transpose(1, 0, 2)
    n_judges = np.maximum(counts.sum(axis=1), 1.0)
    effects = sums.sum(axis=1) / n_judges
    errors = np.sqrt(np.maximum(squares.sum(axis=1) / n_judges - effects**2, 0.0) / n_judges)
    for number, voters in enumerate(counts > 0):
        if np.count_nonzero(voters) >= _FEWEST_VOTERS:
            effects[number] = np.median(sums[number, voters] / counts[number, voters])
            errors[number] *= _OF_MEDIAN
    return effects, errors


def _in_standard_errors(effects, errors, sizes):
    beyond_noise = np.divide(effects, errors, out=np.zeros_like(effects), where=errors > 0.0)
    per_root = effects / np.sqrt(sizes)
    location, scale = robust_location_scale(per_root.reshape(-1, 1))
    return np.minimum(beyond_noise, (per_root - min(location[0], 0.0)) / scale[0])


def _apart(residuals):
    """How far the middle of the residuals of each source is from that of the others, in standard errors."""
    middles, sizes = np.array([np.median(own) for own in residuals]), np.array([len(own) for own in residuals])
    distances = np.abs(middles - np.median(middles))
    beyond_noise = distances * np.sqrt(sizes) / _OF_MEDIAN
    return np.minimum(beyond_noise, [_among(np.delete(middles, i), middle) for i, middle in enumerate(middles)])


def _among(others, middle):
    """Distance from the others in their robust scale, as the normal number that is as rare as that of so few."""
    location, scale = robust_location_scale(others.reshape(-1, 1))
    rare = stdtr(_OF_DEVIATION * len(others), -abs(middle - location[0]) / scale[0])
    return -ndtri(max(rare, _SUREST))
