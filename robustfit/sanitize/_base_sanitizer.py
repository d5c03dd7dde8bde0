"""What sanitizers share: score the rows, leave out the most suspicious ones, say which."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import ABCMeta, abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from robustfit._meta._rules import Trim, most_to_drop
from robustfit._meta._selection import row_keys
from robustfit._sklearn import Interval, StrOptions, fit_context, safe_indexing
from robustfit.sanitize._target import read_target


class BaseSanitizer(BaseEstimator, metaclass=ABCMeta):
    """Score rows, the most suspicious ones highest, and leave those out.

    Subclasses give the scores; which rows go is decided here, unless they have a rule of their own (`_select`).
    """

    # What y means: "classes" are needed; "any" takes classes or numbers; None looks at the features alone.
    _target_kind: str | None = "classes"

    # Whether y may be left out even so.
    _target_optional = False

    _parameter_constraints: dict = {
        "contamination": [Interval(Real, 0, 0.5, closed="left")],
        "drop_by": [StrOptions({"global", "class"})],
        "threshold": [Interval(Real, None, None, closed="neither"), None],
        "min_per_class": [Interval(Integral, 1, None, closed="left"), Interval(Real, 0, 1, closed="both")],
        "n_bins": [Interval(Integral, 2, None, closed="left"), None],
    }

    @abstractmethod
    def _fit_scores(self, rows, target):
        """Learn from the training rows and return their scores.

        Parameters
        ----------
        rows : ndarray or csr matrix of shape (n_samples, n_features)
        target : Target or None

        What a subclass's `fit` takes besides follows by name.
        """

    @abstractmethod
    def _score(self, rows, target):
        """Score rows by what was learned from the training rows."""

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Score the training rows and choose those to keep.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
        """
        self._fit_rows(*self._read(X, y, reset=True))
        return self

    def _fit_rows(self, rows, target, **given):
        scores = np.asarray(self._fit_scores(rows, target, **given), dtype=np.float64)
        self._keep(scores, self._select(scores, rows, target), target)

    def score_rows(self, X, y=None):
        """Score rows by what was learned in `fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
            Of the same kind as in `fit`.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Higher is more suspicious. Where ``scores_`` of the training rows come from models that had not seen them,
            these here may differ from them.
        """
        check_is_fitted(self)
        return np.asarray(self._score(*self._read(X, y, reset=False)), dtype=np.float64)

    def fit_resample(self, X, y=None, **fit_params):
        """Fit, and return the rows that are kept: what pipelines of imbalanced-learn call.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        **fit_params : dict
            Handed to `fit`.

        Returns
        -------
        X_kept, y_kept
            Of the types given.
        """
        self.fit(X, y, **fit_params)
        kept = self.sample_indices_
        return safe_indexing(X, kept), None if y is None else safe_indexing(y, kept)

    def _read(self, X, y, *, reset):
        """Return rows as a float64 array or CSR matrix, and the target."""
        if self._target_required() and y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None: it compares rows with "
                "others of their class or target."
            )
        rows = self._read_rows(X, reset=reset)
        known = None if reset else getattr(self, "target_", None)
        if y is None or self._target_kind is None or (known is None and not reset):
            if reset:
                self.target_ = None
            return rows, None
        check_consistent_length(rows, y)
        return rows, self._read_target(y, known)

    def _read_rows(self, X, *, reset):
        return validate_data(
            self,
            X,
            accept_sparse="csr",
            dtype=np.float64,
            reset=reset,
            # To judge a row takes others; what was learned judges single ones.
            ensure_min_samples=2 if reset else 1,
        )

    def _target_required(self):
        return self._target_kind is not None and not self._target_optional

    def _read_target(self, y, known):
        target = read_target(
            y,
            known,
            name=type(self).__name__,
            numbers=self._target_kind == "any",
            n_bins=getattr(self, "n_bins", None),
        )
        if known is None:
            self.target_ = target.without_rows()
            if target.classes is not None:
                self.classes_ = target.classes
        return target

    def _select(self, scores, rows, target):
        """Return the mask of the rows to keep."""
        if self.threshold is not None:
            # A score that is no number is not below anything.
            return scores <= self.threshold
        return self._leave_out(self.contamination, scores, rows, target)

    def _leave_out(self, contamination, scores, rows, target):
        """Return the mask of the rows that stay when a share of them is left out."""
        groups = [np.arange(len(scores))] if target is None else target.groups()
        weights = np.ones(len(scores))
        most = most_to_drop(weights, groups, getattr(self, "min_per_class", 0.5))
        trim = Trim(weights, lambda: self._keys(rows, target), groups, most)
        if getattr(self, "drop_by", "global") == "class":
            rule = trim.by_class(contamination * trim.totals)
        else:
            rule = trim.overall(contamination * len(scores))
        return rule(scores) > 0

    def _reach(self, code, scores, kept, target):
        """Largest score that a row of a class may have and pass."""
        if self.threshold is not None:
            return self.threshold
        return scores[kept & (target.values == code)].max(initial=0.0)

    @staticmethod
    def _keys(rows, target):
        return row_keys(rows, np.zeros(rows.shape[0]) if target is None else target.values)

    def _keep(self, scores, kept, target):
        """Store what was decided; overridden where more follows from it."""
        self.scores_ = scores
        self.support_ = kept
        self.sample_indices_ = np.flatnonzero(kept)
        self.contamination_ = float(1.0 - kept.mean())

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = self._target_required()
        return tags
