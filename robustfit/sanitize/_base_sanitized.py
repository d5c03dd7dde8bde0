"""What sanitized estimators share: a sanitizer looks at the rows first, and the estimator gets those that pass."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from numbers import Real

import numpy as np
from sklearn.base import clone
from sklearn.utils.metadata_routing import MethodMapping, get_routing_for_object
from sklearn.utils.validation import check_consistent_length, check_is_fitted, has_fit_parameter

from robustfit._meta._around_estimator import AroundEstimator
from robustfit._meta._fit_params import (
    member_params,
    routed_params,
    rows_of_weight,
    split_params,
    takes_weights,
    weight_parameter,
)
from robustfit._meta._hands_on import HandsOnPredictions
from robustfit._meta._inputs import read_training_rows
from robustfit._meta._linear_learners import is_linear
from robustfit._meta._row_numbers import RowNumbers
from robustfit._meta._seeds import check_seed, member_seed, set_open_seeds
from robustfit._meta._selection import row_keys
from robustfit._sklearn import HasMethods, Interval, fit_context, process_routing, routing_enabled
from robustfit.sanitize._base_composed import takes
from robustfit.sanitize._default import default_sanitizer
from robustfit.sanitize._report import report_columns, report_frame
from robustfit.sanitize._verdict import Verdict

# What sanitizers call rows that are known to be good, and their labels.
_TRUSTED = ("X_trusted", "y_trusted")


class BaseSanitized(HandsOnPredictions, AroundEstimator):
    """Fit an estimator on the rows that a sanitizer lets pass.

    Subclasses say what a target is, and which rows must not vanish altogether.
    """

    _family = "Sanitized"
    _against_pairwise = (
        ", whose columns are training rows that sanitizing leaves out. Pass the rows and let the estimator compute the "
        "kernel."
    )

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "sanitizer": [HasMethods(["fit"]), None],
        "contamination": [Interval(Real, 0, 0.5, closed="left")],
        "random_state": "no_validation",
    }

    def __init__(self, estimator=None, *, sanitizer=None, action="drop", contamination=0.05, random_state=0):
        self.estimator = estimator
        self.sanitizer = sanitizer
        self.action = action
        self.contamination = contamination
        self.random_state = random_state

    @abstractmethod
    def _read_target(self, y, index):
        """Return the targets of all rows, and codes or numbers of some."""

    @abstractmethod
    def _groups(self, codes):
        """Positions of the rows of each class."""

    @staticmethod
    def _for_sanitizer(target):
        """Targets as sanitizers are given them."""
        return target

    @fit_context(
        # The estimator is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y, **fit_params):
        """Let the sanitizer judge the rows, and fit the estimator accordingly.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Training rows. Numeric arrays become float64; frames and texts are handed to the estimator as they are.
        y : array-like of shape (n_samples,)
        **fit_params : dict
            Parameters of the estimator's ``fit``, such as ``sample_weight`` if it takes them. Vectors and tables have
            one entry per row and are cut to the rows that are kept. To the sanitizer a row counts as one row, whatever
            its weight; rows of weight zero are dropped first. What the sanitizer's ``fit`` names, such as ``groups``,
            goes to the sanitizer, and to the estimator only if its ``fit`` names it too; with metadata routing enabled
            to whom it is requested by. Rows that are known to be good, ``X_trusted`` and ``y_trusted``, are turned into
            numbers as the others are.

        Returns
        -------
        self : object
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        check_seed(self.random_state)
        estimator = self._resolve_estimator()
        sanitizer = self._resolve_sanitizer(estimator)
        rows, self._container_ = read_training_rows(self, X, None)
        check_consistent_length(range(rows.n_samples), y)
        sample_weight, present = rows_of_weight(fit_params.pop("sample_weight", None), rows.n_samples)
        params = self._split(estimator, sanitizer, sample_weight, fit_params, rows.n_samples)
        index = np.flatnonzero(present)
        labels, codes = self._read_target(y, index)
        groups = self._groups(codes)
        verdict = self._judge(estimator, sanitizer, rows.take(index), labels[index], codes, groups, params[0], index)
        self._fit_estimator(estimator, rows, labels[index], verdict, params[1], index)
        self._report = report_columns(verdict, labels, present, groups, self.action)
        self.support_, self.scores_ = self._report["kept"], self._report["score"]
        self.contamination_ = float(1.0 - verdict.kept.mean())
        return self

    def report(self):
        """Return what was done to each row, and why.

        Returns
        -------
        report : pandas.DataFrame
            One row per training row, with the columns ``row`` (its position), ``label`` (as given), ``score``,
            ``threshold`` (no row with a smaller score was found suspicious, of its class where the sanitizer has a
            budget for each; NaN if none was), ``kept`` (whether it is in ``support_``), ``action`` ("dropped",
            "weighted down", "relabelled" or empty) and ``reason`` (the sanitizer that found it suspicious, of a chain
            the name of the one that did; "spared: …" for rows that stay for the sake of their class; "sample_weight is
            zero"). With ``action="weight"`` also ``weight``, what its weight was multiplied by; where the sanitizer
            suggests labels also ``suggested_label``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        check_is_fitted(self)
        return report_frame(self._report)

    def _default_or_given_sanitizer(self):
        return self._default_sanitizer(self.estimator) if self.sanitizer is None else self.sanitizer

    def _resolve_sanitizer(self, estimator):
        """Return the sanitizer to clone, after checking that it can be used."""
        if self.sanitizer is None:
            return self._default_sanitizer(estimator)
        if isinstance(self.sanitizer, type):
            raise TypeError(f"sanitizer must be an instance, got the class {self.sanitizer.__name__}; call it.")
        if self.contamination != 0.05:
            raise ValueError(
                f"contamination={self.contamination} is that of the default sanitizer, but sanitizer="
                f"{self.sanitizer!r} was passed. Set it there: {type(self.sanitizer).__name__}(contamination="
                f"{self.contamination}), and leave it out here."
            )
        return self.sanitizer

    def _default_sanitizer(self, estimator):
        return default_sanitizer(
            self._inner_type, self.contamination, self.random_state, linear=estimator is None or is_linear(estimator)
        )

    def _split(self, estimator, sanitizer, sample_weight, fit_params, n_samples):
        """Return fit parameters of the sanitizer and of the estimator, each as shared ones and ones per row."""
        given = dict(fit_params) if sample_weight is None else fit_params | {"sample_weight": sample_weight}
        if routing_enabled():
            asked = dict(process_routing(self, "fit", **given)["sanitizer"]["fit"])
        else:
            asked = {name: value for name, value in given.items() if takes(sanitizer, name)}
            fit_params = {n: v for n, v in fit_params.items() if n not in asked or has_fit_parameter(estimator, n)}
        handed_on = routed_params(self, estimator, sample_weight, fit_params)
        if self.action == "weight":
            self._weight_name(estimator)
        # A trusted reference has as many rows as it likes.
        trusted = {name: asked.pop(name) for name in _TRUSTED if name in asked}
        shared, per_row = split_params(asked, n_samples)
        return (shared | trusted, per_row), split_params(handed_on, n_samples)

    def _judge(self, estimator, sanitizer, X, target, codes, groups, params, index):
        as_numbers = RowNumbers(estimator, owner=type(self).__name__)
        numbers, own = as_numbers.fit_transform(X, codes), member_params(*params, index)
        if own.get("X_trusted") is not None:
            own["X_trusted"] = as_numbers.transform(self._read_test_rows(own["X_trusted"]))
        sanitizer = set_open_seeds(clone(sanitizer), member_seed(self.random_state, 0))
        self.sanitizer_ = sanitizer.fit(numbers, self._for_sanitizer(target), **own)
        verdict = Verdict.of(self.sanitizer_, len(index))
        if self.action == "relabel" and verdict.suggested is None:
            raise ValueError(
                "action='relabel' needs a sanitizer that suggests labels, such as LabelAgreementSanitizer or "
                f"LeaveClusterOutSanitizer; {type(sanitizer).__name__} has no suggested_labels_. Use action='drop'."
            )
        return verdict.sparing(groups, lambda: row_keys(numbers, codes))

    def _fit_estimator(self, estimator, rows, target, verdict, params, index):
        if self.action == "drop":
            index, target = index[verdict.kept], target[verdict.kept]
        elif self.action == "relabel":
            target = verdict.relabelled(target)
        own = member_params(*params, index)
        if self.action == "weight":
            name = self._weight_name(estimator)
            own[name] = np.asarray(own.get(name, 1.0)) * verdict.factors()
        estimator = set_open_seeds(clone(estimator), self.random_state)
        self.estimator_ = estimator.fit(rows.take(index), target, **own)

    @staticmethod
    def _weight_name(estimator):
        """Name of the fit parameter that takes weights."""
        if takes_weights(estimator):
            return "sample_weight"
        name = weight_parameter(estimator)
        if routing_enabled():
            asked = get_routing_for_object(estimator).consumes("fit", ["sample_weight"])
            name = "sample_weight" if asked else None
        if name is None:
            raise TypeError(
                f"action='weight' needs an estimator that takes sample_weight, and {estimator!r} does not. Use "
                "action='drop', or another estimator; with metadata routing enabled let a step request it, with "
                "set_fit_request(sample_weight=True)."
            )
        return name

    def get_metadata_routing(self):
        """Describe which metadata ``fit`` takes itself and which it hands on.

        Returns
        -------
        routing : sklearn.utils.metadata_routing.MetadataRouter
        """
        return (
            super()
            .get_metadata_routing()
            .add(
                sanitizer=self._default_or_given_sanitizer(),
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )
