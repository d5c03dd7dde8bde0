"""What adversarially trained classifiers and regressors share."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, validate_data

from robustfit._sklearn import Interval, StrOptions, check_sample_weight
from robustfit.learners._adversarial._fit import fit_linear
from robustfit.learners._adversarial._shifts import NORMS


class BaseAdversarial(BaseEstimator):
    """Linear models under the worst shift: reading of parameters, of rows, and the fit of one linear function."""

    _parameter_constraints: dict = {
        "radius": [Interval(Real, 0, None, closed="left"), "array-like"],
        "norm": [Real],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions({"auto", "cvxpy"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
    }

    def _read_rows(self, X, y, sample_weight, **checks):
        """Rows of positive weight."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, **checks)
        weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        # A row of weight zero is not there: it must not bring in a class, or a unit.
        kept = np.flatnonzero(weights)
        if not len(kept):
            raise ValueError("All sample weights are zero: there is no row to fit on.")
        return (X, y, weights) if len(kept) == len(weights) else (X[kept], y[kept], weights[kept])

    def _read_radius(self):
        """The radius of each column."""
        if self.norm not in NORMS:
            raise ValueError(f"norm must be 1, 2 or numpy.inf, got {self.norm!r}.")
        radius = np.asarray(self.radius, dtype=np.float64)
        n_features = self.n_features_in_
        if radius.ndim and radius.shape != (n_features,):
            raise ValueError(
                f"radius must be a number or have one number for each of the {n_features} columns, got shape "
                f"{radius.shape}."
            )
        if not np.all(np.isfinite(radius)) or np.any(radius < 0.0):
            raise ValueError(f"radius must be finite and not negative, got {self.radius!r}.")
        return np.broadcast_to(radius, (n_features,))

    def _fit_function(self, X, y, weights, loss, ridge):
        fit = fit_linear(
            X,
            y,
            weights,
            loss=loss,
            radius=self._read_radius(),
            norm=self.norm,
            ridge=ridge,
            intercept=bool(self.fit_intercept),
            solver=self.solver,
            tol=self.tol,
            max_iter=self.max_iter,
        )
        if not fit.converged:
            warnings.warn(
                f"After {fit.n_iter} iterations the objective, {fit.objective:.6g}, may be {fit.gap:.2g} above the "
                f"optimum, more than tol={self.tol:g} allows. Raise max_iter or tol, or bring the columns to similar "
                "units.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return fit

    def _scores(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return X, X @ self.coef_.T + self.intercept_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
