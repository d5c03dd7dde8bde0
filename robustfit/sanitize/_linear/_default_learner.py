"""The learners of sanitizers that are given none: linear, and no row pulls them far by where it lies."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.utils.validation import check_is_fitted, validate_data

from robustfit._meta._robust_scale import robust_location_scale
from robustfit.sanitize._linear._bounded_rows import BoundedRows, row_lengths, scale_rows

# Penalty per row, λ = 1 / (n C).
_PENALTY = 0.002

# The order of the rows by their losses settles long before the coefficients do.
_STEPS = 200

# Of iterative solvers, which sparse rows have.
_TOL = 1e-8

# What is farther out would overflow in squares of squares.
_FARTHEST = 1e8


def default_learner(regression, n_rows):
    """Ridge or logistic regression that does not mind raw columns."""
    return BoundedRidge() if regression else make_pipeline(BoundedRows(), linear_step(False, n_rows))


def linear_step(regression, n_rows):
    """Return what the default learner fits once rows are bounded."""
    if regression:
        return Ridge(alpha=_PENALTY * n_rows, fit_intercept=False, tol=_TOL)
    return LogisticRegression(C=1.0 / (_PENALTY * n_rows), max_iter=_STEPS)


class BoundedRidge(RegressorMixin, BaseEstimator):
    """Ridge regression in robust units in which long rows have less weight.

    To shorten rows would bend what is linear. Here a row z of a length beyond 1, which three quarters of the rows
    have, counts with the weight 1/‖z‖, so that its pull, at a given residual, is that of a row of length 1: Mallows'
    weights. The intercept is that of y around its median, and penalised like a slope.
    """

    def fit(self, X, y):
        """Fit to rows and numbers."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, y_numeric=True)
        self.coef_ = linear_step(True, len(y)).fit(*self.measure(X, y).weighted(X, y)).coef_
        return self

    def measure(self, X, y):
        """Measure the units, without fitting."""
        self._rows = BoundedRows(_FARTHEST).fit(X)
        location, scale = robust_location_scale(y.reshape(-1, 1))
        self.location_, self.scale_ = float(location[0]), float(scale[0])
        return self

    def weighted(self, X, y):
        """Return rows with a column for the intercept, and targets, both multiplied by the root of the weight."""
        rows = self._rows.in_units(X)
        root = 1.0 / np.sqrt(np.maximum(row_lengths(rows), 1.0))
        rows = scale_rows(rows, root)
        stack = sp.hstack([rows, root[:, None]], format="csr") if sp.issparse(rows) else np.column_stack([rows, root])
        return stack, root * (y - self.location_) / self.scale_

    def predict(self, X):
        """Predict numbers."""
        check_is_fitted(self)
        rows = self._rows.in_units(validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False))
        return self.location_ + self.scale_ * (rows @ self.coef_[:-1] + self.coef_[-1])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
