"""What trimmed estimators share: the whole estimator is fitted again and again, on the rows that agree."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_consistent_length

from robustfit._meta._around_estimator import AroundEstimator
from robustfit._meta._fit_params import member_params, routed_params, rows_of_weight, split_params
from robustfit._meta._hands_on import HandsOnPredictions
from robustfit._meta._inputs import read_training_rows
from robustfit._meta._rules import Trim, most_to_drop
from robustfit._meta._seeds import check_seed
from robustfit._meta._warn import warn_caller
from robustfit._sklearn import HasMethods, Interval, StrOptions, fit_context
from robustfit.partition import as_rows
from robustfit.sanitize._copies import cap_copies
from robustfit.trimmed._warnings import TrimmingWarning
from robustfit.trimmed._wrapper._evaluation import EVALUATIONS, choose_evaluation, effort
from robustfit.trimmed._wrapper._fits import Fits, TrainingSet, last_step
from robustfit.trimmed._wrapper._reference import reference_data
from robustfit.trimmed._wrapper._trimming import begin


class BaseTrimmed(HandsOnPredictions, AroundEstimator):
    """Fit an estimator on the rows that it fits best.

    Subclasses say what a target is, which rows may be left out together, and which of several fits is taken.
    """

    _family = "Trimmed"
    _against_pairwise = (
        ", whose columns are training rows that trimming leaves out. Pass the rows and let the estimator compute the "
        "kernel."
    )

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "contamination": [Interval(Real, 0, 0.5, closed="left"), StrOptions({"auto"})],
        "evaluation": [StrOptions({"auto", *EVALUATIONS})],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "n_starts": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "max_iter": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "warm_start": ["boolean"],
        "max_copies": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": "no_validation",
    }

    @abstractmethod
    def _read_target(self, y, kept):
        """Return the target of the rows kept, and its classes or None."""

    @abstractmethod
    def _choose_response(self, estimator):
        """Return the `Response` that losses are made of."""

    @abstractmethod
    def _groups(self, data):
        """Positions of the rows of each class."""

    @abstractmethod
    def _starts(self, totals, *, referred):
        """Return the starts, the most useful first; some need a reference."""

    @abstractmethod
    def _settle(self, search, fits, trim, starts, max_iter):
        """Run the starts and return the run that is taken."""

    @fit_context(
        # The estimator is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y, sample_weight=None, **fit_params):
        """Fit the estimator on the rows that agree.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Training rows. Numeric arrays become float64; frames and texts are handed to the estimator as they are.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for an estimator that takes them; shares are then shares of the weight. Rows of weight zero are
            dropped first.
        **fit_params : dict
            Parameters of the estimator's ``fit``. Vectors and tables have one entry per row and are cut to the rows
            that are kept.

        Returns
        -------
        self : object
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        random_state = check_seed(self.random_state)
        estimator = self._resolve_estimator()
        rows, self._container_ = read_training_rows(self, X, None)
        check_consistent_length(range(rows.n_samples), y)
        sample_weight, present = rows_of_weight(sample_weight, rows.n_samples)
        params = routed_params(self, estimator, sample_weight, fit_params)
        data = self._training_set(rows, y, present, sample_weight, params)
        if self.max_copies is not None:
            present[present] = cap_copies(data.X, data.target, self.max_copies, classes=data.classes is not None)
            data = self._training_set(rows, y, present, sample_weight, params)
        # Plain fitting asks for no fits that it does not need.
        plain = self.contamination == 0
        self.evaluation_ = "in_sample" if plain else choose_evaluation(estimator, self.evaluation)
        response = self._choose_response(estimator)
        fits = Fits(
            estimator,
            data,
            response,
            evaluation=self.evaluation_,
            n_folds=self.n_folds,
            random_state=random_state,
            warm_start=self.warm_start,
        )
        self._fit(fits, present)
        return self

    def _training_set(self, rows, y, present, sample_weight, params):
        index = np.flatnonzero(present)
        target, classes = self._read_target(y, index)
        shared, per_row = split_params(params, rows.n_samples)
        if len(index) < rows.n_samples:
            rows = as_rows(rows.take(index))
            per_row = member_params({}, per_row, index)
        weights = np.ones(len(index)) if sample_weight is None else sample_weight[index]
        names = tuple(name for name, value in params.items() if value is sample_weight and value is not None)
        return TrainingSet(rows, target, classes, weights, shared, per_row, names)

    def _fit(self, fits, present):
        data = fits.data
        groups = self._groups(data)
        n_starts, max_iter = effort(self.n_starts, self.max_iter, self.evaluation_)
        most = most_to_drop(data.weights, groups, getattr(self, "min_per_class", 0.5))
        trim = Trim(data.weights, lambda: data.keys, groups, most)
        starts, reference = [], None
        if self.contamination != 0:
            self._warn_if_unpenalized(fits.estimator)
            reference = reference_data(fits)
            starts = self._starts(trim.totals, referred=reference is not None)[:n_starts]
        search = begin(fits, reference)
        run = search.full if not starts else self._settle(search, fits, trim, starts, max_iter)
        self._check_losses(run)
        self.estimator_ = run.found.model if run.found.model is not None else fits.fit(run.kept)
        self._keep(run, search, fits, present)

    def _keep(self, run, search, fits, present):
        self.support_ = np.zeros(len(present), dtype=bool)
        self.support_[present] = run.kept > 0
        self.losses_ = np.full(len(present), np.nan)
        self.losses_[present] = run.found.losses
        self.contamination_ = float(1.0 - run.kept.sum() / fits.data.weights.sum())
        self.start_ = run.name
        self.history_ = [
            {"start": r.name, "share": r.share, "objective": list(r.objectives), "ended": r.ended}
            for r in [search.full, *search.runs]
        ]
        self.n_iter_, self.n_fits_ = search.n_iter, fits.n_fits
        self.monotone_ = run.monotone
        if search.failures:
            name, error = next(iter(search.failures.items()))
            warn_caller(
                f"{len(search.failures)} of the starts ended early because the estimator could not be fitted on the "
                f"rows kept; the first, {name!r}, said: {type(error).__name__}: {error}",
                TrimmingWarning,
            )

    def _check_losses(self, run):
        wrong = int(np.isnan(run.found.losses[run.kept > 0]).sum())
        if wrong:
            raise ValueError(
                f"The losses of {wrong} rows are NaN, more than may be left out. Drop rows that the estimator gives no "
                "number for, or pass a loss= that is defined for them."
            )

    def _warn_if_unpenalized(self, estimator):
        last = last_step(estimator)
        if isinstance(last, LogisticRegression) and (last.penalty is None or np.isinf(last.C)):
            warn_caller(
                "LogisticRegression without a penalty has no finite solution once trimming leaves classes that a "
                "hyperplane separates, which it tends to. Set a finite C.",
                TrimmingWarning,
            )
