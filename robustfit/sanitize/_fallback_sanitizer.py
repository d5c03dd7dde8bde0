"""One sanitizer, and another for data that linear models cannot tell apart."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
from sklearn.base import clone

from robustfit._meta._fit_params import member_params
from robustfit._meta._seeds import check_seed
from robustfit._sklearn import HasMethods, Interval
from robustfit.sanitize._base_composed import BaseComposedSanitizer, as_numbers, reasons_of
from robustfit.sanitize._capped_forest import capped_forest
from robustfit.sanitize._second_model import gain_over_linear, limit_tags

# Standard deviations by which the other model must be better, whatever the gain.
_SURE = 3.0


class FallbackSanitizer(BaseComposedSanitizer):
    """Ask a sanitizer, and another one instead where linear models are no match for the rows that the first keeps.

    Most sanitizers look at rows with linear models. Where classes are divided by a curve they take the rows beyond
    their plane for poison, and leave out what a forest would have needed most.

    Parameters
    ----------
    sanitizers : list of (str, sanitizer)
        Names and sanitizers, two of them: the first one, and the one that is asked instead.
    estimator : estimator, default=None
        What linear models are compared with: a classifier with ``predict_proba``, or a regressor. A random forest if
        None, of 50 trees with leaves of five rows, each of which sees at most 10 000 rows.
    least_gain : float, default=0.15
        Share of a linear model's mistakes on the rows kept (of numbers, of its absolute residuals) that the estimator
        must avoid out of fold, for the second one to be asked.
    random_state : int, default=0
        Seeds the folds, and what the estimator leaves open.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Those of the sanitizer that has the last word.
    support_ : ndarray of shape (n_samples,), bool
        Rows that it keeps.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that it leaves out.
    dropped_by_ : ndarray of shape (n_samples,), object
        Its name for rows that it leaves out, of a composed one with the name that this one gives; None for a row that
        is kept.
    used_ : str
        Its name.
    gain_ : float
        Share of the linear model's mistakes that the estimator avoids.
    deviations_ : float
        By how many standard deviations that is above 0.
    named_sanitizers_ : Bunch
        The fitted sanitizers, by name: the first, and the second if it was asked.
    suggested_labels_ : ndarray of shape (n_samples,)
        What the one used suggests; only there if it suggests labels.
    feasible_set_ : dict of label to FeasibleSet
        Where rows of each class may lie that it keeps; only there if it says so.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is missing or holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    UnionSanitizer : Takes back rows that an estimator believes, with ``readmit`` and ``estimator``.
    LossSanitizer : Asks any estimator about rows that it has not seen.

    Notes
    -----
    Compared are mistakes on the rows that the first sanitizer keeps, less those that an estimator took back: those
    of a linear model that has seen them, and those of the estimator out of fold. Of two linear models the better
    one counts: that of `LossSanitizer`, and a logistic regression, of numbers a regression with Huber's loss, on
    rows of length 1. So the linear model has every advantage, and poison that was found no say. The second
    sanitizer is asked if the estimator avoids `least_gain` of the mistakes and the difference is three standard
    deviations or more.

    *What it cannot do.* An attacker whose rows pass the first sanitizer and are mistakes of a linear model, but none of
    a forest, may have the second one asked: with as many rows as `least_gain` says. The second one must be one that you
    would use by itself.

    Examples
    --------
    >>> from sklearn.datasets import make_moons
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from robustfit.sanitize import FallbackSanitizer, LeaveClusterOutSanitizer, LossSanitizer
    >>> X, y = make_moons(600, noise=0.1, random_state=0)
    >>> linear, curved = LeaveClusterOutSanitizer(), LossSanitizer(RandomForestClassifier(random_state=0))
    >>> sanitizer = FallbackSanitizer([("linear", linear), ("curved", curved)]).fit(X, y)
    >>> sanitizer.used_
    'curved'
    """

    _parameter_constraints: dict = {
        **BaseComposedSanitizer._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "least_gain": [Interval(Real, 0, 1, closed="both")],
        "random_state": "no_validation",
    }

    def __init__(self, sanitizers, *, estimator=None, least_gain=0.15, random_state=0):
        self.sanitizers = sanitizers
        self.estimator = estimator
        self.least_gain = least_gain
        self.random_state = random_state

    def _fit_scores(self, rows, target, *, members, params):
        if len(members) != 2:
            raise ValueError(
                f"FallbackSanitizer asks one sanitizer and falls back on another: it needs two, got {len(members)}. "
                "Use SanitizerChain or UnionSanitizer to ask several."
            )
        rows = as_numbers(rows, target, "FallbackSanitizer compares models of rows of numbers and of y")
        seed = check_seed(self.random_state)
        estimator = self.estimator
        if estimator is None:
            estimator = capped_forest("classifier" if target.coded else "regressor", seed)
        self._fitted = {}
        for name, member in members:
            own = member_params(*params[name], np.arange(rows.shape[0]))
            self._fitted[name], self.used_ = clone(member).fit(rows, target.given, **own), name
            if len(self._fitted) == 1 and not self._outdone(estimator, rows, target, seed):
                break
        return self._chosen.scores_

    def _outdone(self, estimator, rows, target, seed):
        """Whether the estimator knows the rows that are kept better than a linear model does."""
        # What such an estimator took back would speak for it.
        compared = self._chosen.support_ & ~getattr(self._chosen, "taken_back_", False)
        self.gain_, self.deviations_ = gain_over_linear(estimator, rows, target, compared, seed)
        return self.gain_ >= self.least_gain and self.deviations_ >= _SURE

    @property
    def _chosen(self):
        return self._fitted[self.used_]

    def _select(self, scores, rows, target):
        return np.array(self._chosen.support_)

    def _score(self, rows, target):
        return self._chosen.score_rows(rows, None if target is None else target.given)

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        self.dropped_by_ = np.full(len(kept), None, dtype=object)
        self.dropped_by_[~kept] = reasons_of(self.used_, self._chosen)
        self._suggest(target, [(np.arange(len(kept)), self._chosen)])
        self._keep_regions(target, [self._chosen])

    def __sklearn_tags__(self):
        return limit_tags(super().__sklearn_tags__(), self.estimator)
