"""What sanitizers share that fit an estimator to some rows and ask it about others."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np
from sklearn.base import MetaEstimatorMixin
from sklearn.utils import get_tags

from robustfit._meta._inputs import read_test_rows, read_training_rows
from robustfit._meta._labels import as_array
from robustfit._meta._seeds import check_seed
from robustfit._sklearn import HasMethods, fit_context
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._linear._default_learner import default_learner
from robustfit.sanitize._responses import (
    CLASSIFICATION_LOSSES,
    REGRESSION_LOSSES,
    classifier_response,
    regressor_response,
)
from robustfit.sanitize._row_learner import RowLearner
from robustfit.sanitize._target import Target

_INPUT_TAGS = ("sparse", "allow_nan", "string", "positive_only", "categorical")


# So many different numbers may be classes, however few rows there are.
_FEW = 80


class BaseAroundModel(MetaEstimatorMixin, BaseSanitizer):
    """Sanitizer around an estimator; a linear one on rows in robust units if none is given.

    With an estimator, rows are handed to it in the container in which they came, and texts, frames and missing values
    are its own affair; without one they have to be finite numbers.
    """

    _target_kind = "any"

    # Whether a score that is not positive says that a row helps others.
    _spares_helpful = False

    _parameter_constraints: dict = {
        **{name: BaseSanitizer._parameter_constraints[name] for name in ("contamination", "threshold")},
        "estimator": [HasMethods(["fit", "predict"]), None],
        "random_state": "no_validation",
        "n_jobs": [Integral, None],
    }

    # The parameters of those that leave out rows one by one.
    _by_class: dict = {name: BaseSanitizer._parameter_constraints[name] for name in ("drop_by", "min_per_class")}

    @fit_context(
        # The estimator is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y=None):
        """Score the training rows and choose those to keep.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Of the kinds that the estimator takes; finite numbers if there is none.
        y : array-like of shape (n_samples,)

        Returns
        -------
        self : object
        """
        self._fit_rows(*self._read(X, y, reset=True))
        return self

    def _kind(self):
        """Return "classifier", "regressor" or None, as the estimator says."""
        return None if self.estimator is None else get_tags(self.estimator).estimator_type

    def _read_rows(self, X, *, reset):
        if self.estimator is None:
            return super()._read_rows(X, reset=reset)
        if not reset:
            return read_test_rows(self, X, self._container_)
        rows, self._container_ = read_training_rows(self, X, None)
        return rows.take(np.arange(rows.n_samples))

    def _read_target(self, y, known):
        if isinstance(self.estimator, type):
            raise TypeError(f"estimator must be an instance, got the class {self.estimator.__name__}; call it.")
        kind = self._kind()
        numbers = known is None and (kind == "regressor" or (kind is None and _too_many_for_classes(y)))
        target = super()._read_target(y, Target(None) if numbers else known)
        if numbers:
            self.target_ = target.without_rows()
        if known is None:
            self._check_target(target)
        return target

    def _check_target(self, target):
        if target.classes is None:
            if self._kind() == "classifier":
                raise ValueError(
                    f"Unknown label type: continuous. {self.estimator!r} is a classifier, and y holds numbers: pass "
                    "labels, or a regressor."
                )
        elif len(target.classes) < 2:
            raise ValueError(
                f"{type(self).__name__} needs rows of two classes or more: what a model says of rows of the only "
                f"class tells nothing. Got one class: {target.classes.tolist()}."
            )

    def _read_trusted(self, X, y):
        """Return rows that are known to be good and their target, or None."""
        if (X is None) != (y is None):
            missing = "y_trusted" if y is None else "X_trusted"
            raise ValueError(f"{missing} is missing: trusted rows need their targets, and the other way round.")
        if X is None:
            return None
        try:
            return self._read(X, y, reset=False)
        except ValueError as error:
            raise ValueError(f"X_trusted and y_trusted do not go with X and y: {error}") from error

    def _learner(self, rows, target, *, loss="auto", votes=False):
        """Return the `RowLearner` of some rows."""
        random_state = check_seed(self.random_state)
        regression = target.classes is None
        estimator = default_learner(regression, len(target.values)) if self.estimator is None else self.estimator
        known = REGRESSION_LOSSES if regression else CLASSIFICATION_LOSSES
        if isinstance(loss, str) and loss != "auto" and loss not in known:
            raise ValueError(
                f"loss={loss!r} is no loss of a {'regressor' if regression else 'classifier'}; use one of "
                f"{', '.join(map(repr, known))}, or 'auto'."
            )
        if regression:
            response = regressor_response("absolute_error" if loss == "auto" else loss)
        else:
            response = classifier_response(estimator, loss, votes=votes)
        return RowLearner(estimator, rows, target, response, random_state, quiet=self.estimator is None)

    def _select(self, scores, rows, target):
        kept = super()._select(scores, rows, target)
        # However many may be left out, what others do better with stays.
        return kept | (scores <= 0.0) if self._spares_helpful and self.threshold is None else kept

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.estimator is not None and not isinstance(self.estimator, type):
            inner = get_tags(self.estimator)
            for name in _INPUT_TAGS:
                setattr(tags.input_tags, name, getattr(inner.input_tags, name))
            tags.non_deterministic = inner.non_deterministic
        return tags


def _too_many_for_classes(y):
    """Whether y holds numbers of which hardly any comes up again."""
    array = as_array(y)
    return array.dtype.kind in "iuf" and 4 * len(np.unique(array)) > max(array.size, _FEW)
