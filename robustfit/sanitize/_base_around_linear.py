"""What sanitizers share that look into a linear learner: at the gradients and leverages of its rows."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from robustfit._meta._seeds import check_seed, set_open_seeds
from robustfit._meta._selection import row_keys
from robustfit.sanitize._base_around_model import BaseAroundModel
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._linear._bounded_rows import BoundedRows
from robustfit.sanitize._linear._default_learner import BoundedRidge, linear_step
from robustfit.sanitize._linear._linear_losses import check_known
from robustfit.sanitize._linear._row_space import RowSpace


class LinearTask(NamedTuple):
    """Rows as a linear learner is given them, in an order that does not depend on where they stood.

    Attributes
    ----------
    estimator : estimator
    rows : {ndarray, csr matrix} of shape (n_samples, n_features)
    values : ndarray of shape (n_samples,)
        Codes of classes, or numbers.
    labels : ndarray of shape (n_samples,)
        What the learner is fitted on.
    order : ndarray of shape (n_samples,)
        Where these rows stood.
    random_state : int
    quiet : bool
        Whether a fit that stopped early is no one's business: of a learner that the user did not choose.
    """

    estimator: Any
    rows: Any
    values: Any
    labels: Any
    order: Any
    random_state: int
    quiet: bool

    @property
    def codes(self):
        """Codes of classes; zeros where there are none."""
        return self.values if self.values.dtype.kind == "i" else np.zeros(len(self.values), dtype=np.intp)

    def fit(self, kept):
        """Fit a clone to the rows marked."""
        model = set_open_seeds(clone(self.estimator), self.random_state)
        with warnings.catch_warnings():
            if self.quiet:
                warnings.simplefilter("ignore", ConvergenceWarning)
            return model.fit(self.rows[kept], self.labels[kept])

    def restore(self, values):
        """Bring values of these rows back into the order in which the rows stood."""
        restored = np.empty_like(values)
        restored[self.order] = values
        return restored


class BaseAroundLinear(BaseAroundModel):
    """Sanitizer around a linear learner, on rows that are finite numbers.

    Without an estimator, rows are brought into bounded robust units, which are kept in ``_bounded``.
    """

    # The learners that can be inside, for labels and for numbers.
    _known_classifiers: tuple
    _known_regressors: tuple

    def _read_rows(self, X, *, reset):
        return BaseSanitizer._read_rows(self, X, reset=reset)

    def _check_target(self, target):
        super()._check_target(target)
        if self.estimator is not None:
            known = self._known_regressors if target.classes is None else self._known_classifiers
            check_known(self.estimator, known, type(self).__name__, "LossSanitizer")

    def _linear_task(self, rows, target):
        random_state = check_seed(self.random_state)
        order = np.argsort(row_keys(rows, target.values), kind="stable")
        values = target.values[order]
        regression = target.classes is None
        self._bounded = None
        if self.estimator is None:
            self._bounded = (
                BoundedRidge().measure(rows[order], values) if regression else BoundedRows().fit(rows[order])
            )
        estimator = linear_step(regression, len(values)) if self.estimator is None else self.estimator
        self._has_intercept = bool(getattr(estimator, "fit_intercept", True))
        rows, values = self._as_given(rows[order], values)
        return LinearTask(
            estimator,
            rows,
            values,
            values if regression else target.classes[values],
            order,
            random_state,
            quiet=self.estimator is None,
        )

    def _as_given(self, rows, values):
        """Rows and targets as the learner is given them."""
        if self._bounded is None:
            return rows, values
        if isinstance(self._bounded, BoundedRidge):
            return self._bounded.weighted(rows, values)
        return self._bounded.transform(rows), values

    def _measure(self, rows):
        """Choose the coordinates of training rows, one unit for all columns, and return the rows in them."""
        self._units = None if self._bounded is not None else RowSpace.of(rows, intercept=self._has_intercept)[1:]
        return self._space(rows)

    def _space(self, rows):
        if self._units is None:
            return RowSpace(rows, np.zeros(rows.shape[1]), intercept=self._has_intercept)
        return RowSpace.within(rows, *self._units, intercept=self._has_intercept)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = False
        tags.non_deterministic = False
        return tags
