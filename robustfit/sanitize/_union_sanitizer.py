"""What any of several sanitizers objects to."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np
from sklearn.base import clone

from robustfit._meta._fit_params import member_params
from robustfit._meta._rules import Trim, most_to_drop
from robustfit._meta._seeds import check_seed
from robustfit._sklearn import HasMethods, Interval, StrOptions, num_samples
from robustfit.sanitize._base_composed import BaseComposedSanitizer, as_numbers, reasons_of
from robustfit.sanitize._leave_cluster_out._readmission import take_back
from robustfit.sanitize._second_model import limit_tags, take_back_by
from robustfit.sanitize._stage import Stage, codes_of


class UnionSanitizer(BaseComposedSanitizer):
    """Leave out the rows that any of several sanitizers leaves out, or so many of them; each is fitted on all rows.

    Sanitizers that look for different things find different poison. What they leave out adds up, less what they agree
    on.

    Parameters
    ----------
    sanitizers : list of (str, sanitizer)
        Names and sanitizers. A sanitizer that is None is left out. Each has its own ``contamination``.
    least_votes : int, default=1
        A row goes if at least so many of them leave it out: 1 for any, their number for all.
    readmit : float or None, default=None
        Rows that were left out come back if a model of the others gives their label at least this probability, as in
        `LeaveClusterOutSanitizer`; for rows of numbers. Rows that are more than three times as far out in a column
        as all rows kept stay out all the same. None: nothing comes back.
    estimator : estimator, default=None
        That model: a classifier with ``predict_proba``, or a regressor. If None the one of `LeaveClusterOutSanitizer`,
        which is linear, of rows of length 1.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case, the least suspicious ones.
    member_error : {"abstain", "raise"}, default="raise"
        What happens where a sanitizer cannot judge the rows, such as rows with more columns than it can work with:
        ``"abstain"`` goes on without it, as long as one is left.
    random_state : int, default=0
        Seeds what `estimator` leaves open, and folds by which its residuals are compared.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Number of the sanitizers that leave the row out, plus its largest rank. A rank is the share of the rows that a
        sanitizer finds less suspicious, above 0 and below 1, where rows of the same score, itself among them, count by
        half.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    dropped_by_ : ndarray of shape (n_samples,), object
        Names of the sanitizers that leave a row out, of composed ones with the name that they give, joined by commas;
        None for a row that is kept.
    named_sanitizers_ : Bunch
        The fitted sanitizers, by name.
    taken_back_ : ndarray of shape (n_samples,), bool
        Rows that came back on the word of `estimator`. Only there with one.
    failures_ : dict of str to str
        Sanitizers that abstained, and what they said.
    suggested_labels_ : ndarray of shape (n_samples,)
        With `readmit`, for a row that was left out, the label or number that the model of the others expects; for
        others what y says. Else what the first sanitizer suggests that leaves the row out and suggests labels; only
        there if one does.
    feasible_set_ : dict of label to FeasibleSet
        Where rows of each class may lie that all sanitizers keep. Only there if all of them have one, by labels, and
        what one of them leaves out is gone: with ``least_votes=1`` and without `readmit`.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is missing or holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    SanitizerChain : Each sees only what those before it kept.
    ConsensusSanitizer : Leaves out a fixed share, of what several find suspicious.

    Notes
    -----
    `score_rows` takes for left out by a sanitizer what is more suspicious than all rows of the same class that it kept.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import SlabSanitizer, SphereSanitizer, UnionSanitizer
    >>> X = np.array([[0.0, 0.0], [1.0, 0.5], [0.5, 1.0], [0.0, 90.0], [9.0, 0.0], [9.5, 0.5], [9.0, 1.0], [4.0, 1.0]])
    >>> y = np.array(["a", "a", "a", "a", "b", "b", "b", "b"])
    >>> union = UnionSanitizer([("sphere", SphereSanitizer(0.15)), ("slab", SlabSanitizer(0.15))]).fit(X, y)
    >>> union.dropped_by_[[3, 7]]
    array(['sphere', 'slab'], dtype=object)
    """

    _parameter_constraints: dict = {
        **BaseComposedSanitizer._parameter_constraints,
        "least_votes": [Interval(Integral, 1, None, closed="left")],
        "readmit": [Interval(Real, 0, 1, closed="right"), None],
        "estimator": [HasMethods(["fit", "predict"]), None],
        "min_per_class": [Interval(Integral, 1, None, closed="left"), Interval(Real, 0, 1, closed="both")],
        "member_error": [StrOptions({"abstain", "raise"})],
        "random_state": "no_validation",
    }

    def __init__(
        self,
        sanitizers,
        *,
        least_votes=1,
        readmit=None,
        estimator=None,
        min_per_class=0.5,
        member_error="raise",
        random_state=0,
    ):
        self.sanitizers = sanitizers
        self.least_votes = least_votes
        self.readmit = readmit
        self.estimator = estimator
        self.min_per_class = min_per_class
        self.member_error = member_error
        self.random_state = random_state

    def _fit_scores(self, rows, target, *, members, params):
        if self.least_votes > len(members):
            raise ValueError(
                f"least_votes={self.least_votes}, but there are {len(members)} sanitizers: no row could go. Use at "
                "most their number."
            )
        self._fit_members(rows, target, members, params)
        codes, n_codes = codes_of(rows, target), 1 if target is None else target.n_codes
        fitted = self._fitted.values()
        self._stages = [Stage.of(member, codes, n_codes) for member in fitted]
        self._dropped = np.array([~member.support_ for member in fitted])
        ranks = [stage.ranks(member.scores_) for stage, member in zip(self._stages, fitted, strict=True)]
        return self._dropped.sum(axis=0) + np.max(ranks, axis=0)

    def _fit_members(self, rows, target, members, params):
        labels, everyone = None if target is None else target.given, np.arange(num_samples(rows))
        self._fitted, self.failures_, problem = {}, {}, None
        for name, member in members:
            try:
                fitted = clone(member).fit(rows, labels, **member_params(*params[name], everyone))
            # A sanitizer that anybody wrote may fail in any way on rows that it was not made for.
            except Exception as error:
                if self.member_error == "raise":
                    raise
                self.failures_[name], problem = f"{type(error).__name__}: {error}", error
                continue
            self._fitted[name] = fitted
        if not self._fitted:
            raise problem

    def _select(self, scores, rows, target):
        weights = np.ones(len(scores))
        groups = [np.arange(len(scores))] if target is None else target.groups()
        trim = Trim(
            weights, lambda: self._keys(rows, target), groups, most_to_drop(weights, groups, self.min_per_class)
        )
        asked = np.array([np.count_nonzero(scores[group] >= self.least_votes) for group in groups], dtype=float)
        kept = trim.by_class(asked)(scores) > 0
        # Of an earlier fit.
        vars(self).pop("taken_back_", None)
        if self.readmit is None:
            return kept
        found, self._suggested = self._take_back(rows, target, kept)
        if self.estimator is not None:
            self.taken_back_ = found & ~kept
        return found

    def _take_back(self, rows, target, kept):
        rows = as_numbers(rows, target, "readmit asks a model of rows of numbers and of y")
        if self.estimator is None:
            return take_back(rows, target, kept, self.readmit, self._keys(rows, target))
        return take_back_by(self.estimator, rows, target, kept, self.readmit, check_seed(self.random_state))

    def _score(self, rows, target):
        labels, codes = None if target is None else target.given, codes_of(rows, target)
        counts, ranks = np.zeros(len(codes)), np.zeros(len(codes))
        for member, stage in zip(self._fitted.values(), self._stages, strict=True):
            given = member.score_rows(rows, labels)
            counts += given > stage.reach[codes]
            ranks = np.maximum(ranks, stage.ranks(given))
        return counts + ranks

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        return tags if self.readmit is None else limit_tags(tags, self.estimator)

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        said = np.full(self._dropped.shape, None, dtype=object)
        for own, (name, member) in zip(said, self._fitted.items(), strict=True):
            own[~np.asarray(member.support_)] = reasons_of(name, member)
        self.dropped_by_ = np.full(len(kept), None, dtype=object)
        for row in np.flatnonzero(~kept):
            self.dropped_by_[row] = ", ".join(said[self._dropped[:, row], row])
        del self._dropped
        self._keep_suggestions(target)
        # Rows that some leave out and that stay all the same may lie outside.
        final = self.least_votes == 1 and self.readmit is None
        self._keep_regions(target, self._fitted.values() if final else [])

    def _keep_suggestions(self, target):
        if self.readmit is not None:
            self.suggested_labels_ = vars(self).pop("_suggested")
            return
        everyone = np.arange(len(self.support_))
        self._suggest(target, [(everyone, member) for member in self._fitted.values()])
