"""Rows of a label where a model that has not seen rows like them says that the label should be rarer."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from robustfit._meta._seeds import check_seed
from robustfit._sklearn import HasMethods, Interval, fit_context
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._crowds import chances_of, find_crowds, platt_lines
from robustfit.sanitize._leave_cluster_out._folds import clusterings
from robustfit.sanitize._leave_cluster_out._readmission import suggest
from robustfit.sanitize._leave_cluster_out._references import Problem, minimise, scores_left_out, with_ones
from robustfit.sanitize._leave_cluster_out._views import ClassView
from robustfit.sanitize._linear._bounded_rows import row_lengths, scale_rows
from robustfit.sanitize._stage import Stage

# Penalty per row of the reference, of rows whose usual length is 1.
_PENALTY = 0.003

# Longer rows are cut to so many usual lengths: what a row can do to a reference is bounded.
_LONGEST = 3.0

# Where a label is surer than this, hardly more of it can be there than should be. Where classes overlap, too many rows
# of one may as well be too few of the others: there the label must be doubtful.
_SURE, _SURE_IN_OVERLAP = 0.95, 0.5

# Of the rows that another sanitizer left out, those believed less than that do not say how sure a model may be: few
# honest ones are among them, and gross poison would make honest labels look rarer than they are.
_GROSS = 0.02

# Where a larger part of a class is disputed than this, besides all rows that may be bad, classes overlap: rows of a
# class do not speak for those of another cluster of it.
_OVERLAP = 0.1


class CalibrationSanitizer(BaseSanitizer):
    """Leave out rows of a label that crowd where a model of other rows says that the label should be rarer.

    A model that gives a label the probability 0.2 in a hundred rows expects it in twenty of them. Honest hard rows are
    as many as it says, and stay. Poison that is made to be half believed comes in a crowd: there are few honest rows
    near a boundary to hide among.

    Parameters
    ----------
    contamination : float, default=0.05
        Largest share of the rows to leave out, in [0, 0.5). Only crowds go, the least believed rows first; of clean
        rows mostly none do.
    sanitizer : sanitizer, default=None
        Leaves rows out first; `contamination` is a share of those that it keeps. Better than to fit this one to the
        rows that another has kept: where the least believed rows have been taken no model is calibrated, see Notes.
    drop_by : {"global", "class"}, default="global"
        Whether that share is one of all rows or of each class.
    n_clusters : int or sequence of int, default=(10, 30)
        Clusters that models have not seen; scores are averaged over one clustering for each of the numbers.
    n_rounds : int, default=6
        How often crowds are looked for, each time by models without the rows of those before.
    least_excess : float, default=5.0
        A crowd has at least so many standard deviations more rows than expected. Of more than 15 000 rows more are
        asked, as the root of their number: no model is calibrated to the last row.
    threshold : float, default=None
        Leave out all rows with a larger score instead of a share; 1 for all crowds.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.
    random_state : int, default=0
        Of the clusterings.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        One minus the calibrated probability of the label, one more for rows of a crowd, and two more for rows that
        `sanitizer` left out.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    dropped_by_ : ndarray of shape (n_samples,), object
        For rows that are left out "crowd", "score" (others beyond `threshold`) or, for those that `sanitizer` left out,
        its own ``dropped_by_`` or "sanitizer"; None for a row that is kept. Only with a `sanitizer`.
    sanitizer_ : sanitizer
        The fitted one, or None.
    crowds_ : list of dict
        What was found, in that order: ``label``, ``low`` and ``high`` (probabilities of the label; both belong to it),
        ``n_rows`` (of the label), ``expected`` and ``deviations`` (by how many standard deviations they are more).
    by_class_ : bool
        Whether models had not seen the clusters of the label's own class alone, see Notes.
    suggested_labels_ : ndarray of shape (n_samples,)
        For a row of a crowd the label, or number of the bin, that the model expects; for one that `sanitizer` left out
        what that suggests, if it suggests labels; for others what y says.
    classes_ : ndarray of shape (n_classes,)
        Not there if y holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    LeaveClusterOutSanitizer : The most contradicted rows, of rows of equal length.
    ShortcutSanitizer : Rows that share a rare value.

    Notes
    -----
    Columns count in the units in which they are given, less their medians if rows are dense: those in which a linear
    learner sees them. Rows are divided by their median length; rows of more than three are cut to that. The reference
    is a logistic regression with the penalty 0.003/2 ‖w‖² per row, intercept included; of k > 2 classes each against
    the rest, with 2/k of the penalty. Each row is scored by the model without its cluster, one Newton step away, as in
    `LeaveClusterOutSanitizer`. Slope and intercept of a second logistic regression turn scores into log-odds [1]_.

    Let p_i be the probabilities of a label. Of m rows with p_i in an interval, k have the label, and ``e = Σ p_i``
    should. So many or more do with a probability of at most ``exp(−d²/2)``, where
    ``d²/2 = k log(k/e) + (m − k) log((m − k)/(m − e))`` for k > e (Chernoff's bound; different p_i only help), and d
    stands for standard deviations. The interval with the largest d of all labels, of those that end in rows of the
    label with p_i up to 0.95 and hold no more rows of it than may be left out, is a crowd if d is at least
    `least_excess`. Then its rows of the label do not count any more as having it, and the next crowd of the same label
    is looked for; at last all their rows of the label are left out, and everything is fitted anew.

    *Clusters.* First those of each class by themselves. A cluster of poison between the classes, without itself, has
    nobody to speak for it. Nor have honest rows where classes overlap: where the models dispute more than a tenth of a
    class, besides as many rows as may be bad, clusters of all rows are left out instead. Only what these models say is
    calibrated for honest rows, and crowds are looked for up to a probability of 0.5.

    *After another sanitizer.* Rows that it left out train no model and are in no crowd, and their lengths do not count.
    But they are among the m rows of an interval and, where slopes and intercepts of the others give their label 0.02 or
    more, among the rows that slopes and intercepts are fitted to. Without them, hardly any rows of a label are left
    where it is improbable and nearly all where it is not: a step, which a logistic curve does not follow, so that
    honest rows beyond the step seem to be a crowd.

    *What it cannot do.* A crowd of honest rows unlike all others of their class looks the same. Fewer bad rows than
    five standard deviations are no crowd, and with classes that overlap these are many. Rows that the model believes
    are none either; those do little harm to a learner that sees the same lengths. Models are linear in the columns.

    100 000 rows of 50 columns, or 50 000 sparse rows of 10 000 columns, take about 4 seconds, and about half of that
    for each round that finds crowds.

    References
    ----------
    .. [1] J. Platt, "Probabilistic Outputs for Support Vector Machines and Comparisons to Regularized Likelihood
       Methods", Advances in Large Margin Classifiers, 1999.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import CalibrationSanitizer
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(600, 4)), np.repeat(["a", "b"], 300)
    >>> X[y == "b", 0] += 6
    >>> crowd = np.arange(20)
    >>> X[crowd] = [4.5, 0, 0, 0]
    >>> sanitizer = CalibrationSanitizer().fit(X, y)
    >>> np.array_equal(np.flatnonzero(~sanitizer.support_), crowd)
    True
    >>> sanitizer.crowds_[0]["label"], sanitizer.crowds_[0]["n_rows"]
    ('a', 20)
    """

    _parameter_constraints: dict = {
        **BaseSanitizer._parameter_constraints,
        "sanitizer": [HasMethods(["fit", "score_rows"]), None],
        "n_clusters": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "least_excess": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        contamination=0.05,
        *,
        sanitizer=None,
        drop_by="global",
        n_clusters=(10, 30),
        n_rounds=6,
        least_excess=5.0,
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
        random_state=0,
    ):
        self.contamination = contamination
        self.sanitizer = sanitizer
        self.drop_by = drop_by
        self.n_clusters = n_clusters
        self.n_rounds = n_rounds
        self.least_excess = least_excess
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins
        self.random_state = random_state

    @fit_context(
        # The other sanitizer is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y=None):
        """Score the training rows and choose those to keep.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,)

        Returns
        -------
        self : object
        """
        self._fit_rows(*self._read(X, y, reset=True))
        return self

    def _fit_scores(self, rows, target):
        seed, self._passed = check_seed(self.random_state), self._ask_other(rows, target)
        # Clusterings and sums depend on the order of the rows: this one is a function of what they hold.
        order = np.argsort(self._keys(rows, target), kind="stable")
        back = np.argsort(order)
        rows, target, passed = rows[order], target.take(order), self._passed[order]
        self._center = None if sp.issparse(rows) else np.median(rows[passed], axis=0)
        self._unit = float(np.median(row_lengths(self._centered(rows[passed])))) or 1.0
        X, view = with_ones(self._in_units(rows)), ClassView(target.values, target.n_codes)

        folds, reference, self.by_class_ = self._choose_folds(X, view, target, passed, seed)
        crowded, found = np.zeros(len(order), dtype=bool), []
        budget, sure = int(self.contamination * np.count_nonzero(passed)), _SURE if self.by_class_ else _SURE_IN_OVERLAP
        for _ in range(self.n_rounds):
            left = np.flatnonzero(~crowded)
            crowds = find_crowds(
                chances_of(reference.log_odds[left]),
                target.values[left],
                passed[left],
                least=self.least_excess,
                most=budget - np.count_nonzero(crowded),
                sure=sure,
            )
            if not crowds:
                break
            found += crowds
            for crowd in crowds:
                crowded[left[crowd.rows]] = True
            reference = _fit_reference(X, view, folds, passed & ~crowded, ~crowded)
        self._weights, self._lines = reference.weights, reference.lines
        self.crowds_ = [_described(crowd, target.labels) for crowd in found]
        self._crowded = crowded[back]
        self._expected = view.expected(self._log_odds(X))[back]
        return (1.0 - view.belief(reference.log_odds, None) + crowded + 2.0 * ~passed)[back]

    def _ask_other(self, rows, target):
        """Fit the other sanitizer, if there is one, and return the mask of the rows that it keeps."""
        if self.sanitizer is None:
            self.sanitizer_ = None
            return np.ones(len(target.values), dtype=bool)
        if isinstance(self.sanitizer, type):
            raise TypeError(f"sanitizer must be an instance, got the class {self.sanitizer.__name__}; call it.")
        self.sanitizer_ = clone(self.sanitizer).fit(rows, target.given)
        self._stage = Stage.of(self.sanitizer_, target.values, target.n_codes)
        passed = np.asarray(self.sanitizer_.support_)
        if not passed.any():
            raise ValueError(f"{self.sanitizer!r} keeps none of the rows; there is nothing to compare them with.")
        return passed

    def _choose_folds(self, X, view, target, passed, seed):
        """Return folds, the reference of all rows, and whether a fold holds rows of the label's class alone."""
        everyone, n_own = np.ones(X.shape[0], dtype=bool), np.bincount(target.values[passed], minlength=target.n_codes)
        for by_class in (True, False):
            groups = target.groups() if by_class else [np.arange(X.shape[0])]
            folds = clusterings(X, groups, self.n_clusters, seed)
            reference = _fit_reference(X, view, folds, passed, everyone)
            disputed = target.values[passed & (view.belief(reference.log_odds, None) < 0.5)]
            n_disputed = np.bincount(disputed, minlength=target.n_codes)
            if (n_disputed <= self.contamination * np.count_nonzero(passed) + _OVERLAP * n_own).all():
                break
        return folds, reference, by_class

    def _select(self, scores, rows, target):
        if self.threshold is not None:
            return self._passed & super()._select(scores, rows, target)
        index = np.flatnonzero(self._passed)
        kept = self._passed & ~self._crowded
        kept[index] |= self._leave_out(self.contamination, scores[index], rows[index], target.take(index))
        return kept

    def _score(self, rows, target):
        view = ClassView(target.values, target.n_codes)
        log_odds = self._log_odds(with_ones(self._in_units(rows)))
        own = chances_of(log_odds)[np.arange(len(log_odds)), target.values]
        crowded = np.zeros(len(log_odds), dtype=bool)
        for crowd in self.crowds_:
            has = target.values == target.labels.index(crowd["label"])
            crowded |= has & (own >= crowd["low"]) & (own <= crowd["high"])
        scores = 1.0 - view.belief(log_odds, None) + crowded
        if self.sanitizer_ is not None:
            scores += 2.0 * (self.sanitizer_.score_rows(rows, target.given) > self._stage.reach[target.values])
        return scores

    def _log_odds(self, X):
        """By the model that has seen all clusters."""
        slopes, intercepts = self._lines
        return (X @ self._weights) * slopes + intercepts

    def _centered(self, rows):
        return rows if self._center is None else rows - self._center

    def _in_units(self, rows):
        rows = self._centered(rows)
        return scale_rows(rows, 1.0 / np.maximum(self._unit, row_lengths(rows) / _LONGEST))

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        self.suggested_labels_ = suggest(target, ~self._crowded, self._expected)
        # Of an earlier fit.
        vars(self).pop("dropped_by_", None)
        if self.sanitizer_ is not None:
            self._keep_what_other_said(kept)
        del self._crowded, self._expected, self._passed

    def _keep_what_other_said(self, kept):
        out = np.flatnonzero(~self._passed)
        names = getattr(self.sanitizer_, "dropped_by_", None)
        self.dropped_by_ = np.where(kept, None, np.where(self._crowded, "crowd", "score")).astype(object)
        self.dropped_by_[out] = "sanitizer" if names is None else names[out]
        suggested = getattr(self.sanitizer_, "suggested_labels_", None)
        # Where it makes bins of its own of what it is given, it suggests their numbers.
        if suggested is not None and getattr(self.sanitizer_, "n_bins", None) is None:
            self.suggested_labels_[out] = suggested[out]


class _Reference(NamedTuple):
    """A linear model that tells the classes apart, and what it says of rows without their cluster."""

    weights: Any
    lines: Any
    log_odds: Any


def _fit_reference(X, view, folds, trained, calibrated):
    """Fit weights to some of the rows and calibrate what they say of others; the log-odds are those of all rows."""
    share = 2.0 / max(view.n_classes, 2)
    problem = Problem(X[trained], view.targets[trained], view.final_loss, share * _PENALTY * np.count_nonzero(trained))
    weights = minimise(problem)
    scores = np.mean(scores_left_out(problem, weights, [(own[trained], own) for own in folds], X), axis=0)
    slopes, intercepts = platt_lines(scores[trained], view.targets[trained])
    calibrated = calibrated & (trained | (view.belief(scores * slopes + intercepts, None) >= _GROSS))
    slopes, intercepts = lines = platt_lines(scores[calibrated], view.targets[calibrated])
    return _Reference(weights, lines, scores * slopes + intercepts)


def _described(crowd, labels):
    return {
        "label": labels[crowd.code],
        "low": crowd.low,
        "high": crowd.high,
        "n_rows": len(crowd.rows),
        "expected": crowd.expected,
        "deviations": crowd.deviations,
    }
