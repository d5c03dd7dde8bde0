"""Closed forms: Ridge, LinearRegression and RidgeClassifier."""

# SPDX-License-Identifier: BSD-3-Clause

from math import isfinite
from numbers import Real

import numpy as np
from scipy.linalg import LinAlgError, lstsq
from scipy.linalg.lapack import dpocon, dpotrf, dpotrs

from robustfit.ensemble._lean._densify import densified
from robustfit.ensemble._lean._family import WORST_CONDITION, LeanFamily, Unsolved, classes_and_codes
from robustfit.ensemble._lean._linear_members import (
    LinearClassifiers,
    LinearRegressors,
    linear_attributes,
    linear_state,
)

# Solvers that stop early are another estimator; these solve the normal equations.
_EXACT_SOLVERS = ("auto", "cholesky", "svd")

# Up to here a bound on the condition number is good enough, and its estimation can be spared.
_GOOD_CONDITION = 1e6


def _centred(X, targets, weights, fit_intercept):
    """Rows and targets minus their means, times the square roots of the weights."""
    if fit_intercept:
        if weights is None:
            X_mean, target_mean = np.add.reduce(X, 0) / len(X), np.add.reduce(targets, 0) / len(X)
        else:
            X_mean, target_mean = (np.average(values, axis=0, weights=weights) for values in (X, targets))
        X, targets = X - X_mean, targets - target_mean
    else:
        X_mean, target_mean = np.zeros(X.shape[1]), np.zeros(targets.shape[1])
    if weights is not None:
        root = np.sqrt(weights)[:, None]
        X, targets = X * root, targets * root
    return X, targets, X_mean, target_mean


def _solve_ridge(X, targets, alpha):
    """Solve ``(XᵀX + αI) w = Xᵀt``, or ``w = Xᵀ (XXᵀ + αI)⁻¹ t`` where that is the smaller system."""
    primal = X.shape[1] <= len(X)
    gram = X.T @ X if primal else X @ X.T
    diagonal = gram.reshape(-1)[:: len(gram) + 1]
    diagonal += alpha
    # The largest eigenvalue is at most the trace, the smallest at least alpha.
    trace = float(diagonal.sum())
    condition = trace / alpha if alpha > 0 else np.inf
    factor, info = dpotrf(gram, lower=1, clean=0)
    if info != 0 or not isfinite(trace):
        raise Unsolved("its normal equations are singular")
    if condition > _GOOD_CONDITION:
        reciprocal, _ = dpocon(factor, float(np.abs(gram).sum(axis=0).max()), uplo="L")
        if reciprocal * WORST_CONDITION < 1:
            raise Unsolved("its normal equations are ill-conditioned")
        condition = 1.0 / reciprocal
    if primal:
        return dpotrs(factor, X.T @ targets, lower=1)[0], condition, {}
    return X.T @ dpotrs(factor, targets, lower=1)[0], condition, {}


def _solve_least_squares(X, targets):
    """Solution of smallest norm, by the singular values of X."""
    try:
        # The cut below which scikit-learn takes a singular value for zero.
        cut = max(X.shape) * np.finfo(np.float64).eps
        coef, _, rank, singular = lstsq(X, targets, cond=cut, check_finite=False)
    except (LinAlgError, ValueError) as error:
        raise Unsolved("its singular values could not be found") from error
    condition = singular[0] / singular[rank - 1] if rank else 1.0
    return coef, float(condition), {"rank_": int(rank), "singular_": singular}


class _LeastSquares(LeanFamily):
    """Least squares with or without a penalty."""

    takes_sparse = True

    def _solve_targets(self, X, targets, weights, classes=None):
        dense = densified(X)
        fit_intercept = self.estimator.fit_intercept
        rows, goal, X_mean, target_mean = _centred(dense.X, targets, weights, fit_intercept)
        coef, condition, attributes = self._solve_system(rows, goal)
        intercept = target_mean - X_mean @ coef
        return linear_state(dense.expand(coef.T), intercept, classes=classes, condition=condition, **attributes)

    def _solve_system(self, X, targets):
        return _solve_ridge(X, targets, float(self.estimator.alpha))


def _ridge_refusal(estimator):
    if not isinstance(estimator.alpha, Real) or estimator.alpha < 0:
        return f"alpha={estimator.alpha!r} is not one non-negative number"
    if estimator.positive:
        return "positive=True has no closed form"
    if estimator.solver not in _EXACT_SOLVERS:
        return f"solver={estimator.solver!r} stops before the minimum; exact ones are {', '.join(_EXACT_SOLVERS)}"
    return None


class RidgeFamily(_LeastSquares):
    """`sklearn.linear_model.Ridge`."""

    classifies = False
    refusal = staticmethod(_ridge_refusal)

    def solve(self, X, y, sample_weight):
        """Solve the normal equations."""
        return self._solve_targets(X, y[:, None], sample_weight)

    def pack(self, states, codes, n_classes, *, sparse):
        """Stack the coefficients."""
        return LinearRegressors(states, sparse=sparse)

    def fitted_attributes(self, state):
        """Coefficients in the shapes of a single target."""
        intercept = float(state.arrays["intercept"][0]) if self.estimator.fit_intercept else 0.0
        return {"coef_": state.arrays["coef"][0].copy(), "intercept_": intercept}


class LinearRegressionFamily(RidgeFamily):
    """`sklearn.linear_model.LinearRegression`."""

    @staticmethod
    def refusal(estimator):
        """Non-negative coefficients have no closed form."""
        return "positive=True has no closed form" if estimator.positive else None

    def _solve_system(self, X, targets):
        return _solve_least_squares(X, targets)


class RidgeClassifierFamily(_LeastSquares):
    """`sklearn.linear_model.RidgeClassifier`: ridge regression on targets of ±1."""

    classifies = True
    refusal = staticmethod(_ridge_refusal)

    def solve(self, X, y, sample_weight):
        """Solve the normal equations for all classes at once."""
        classes, codes = classes_and_codes(y)
        targets = np.where(codes[:, None] == np.arange(len(classes)), 1.0, -1.0)
        targets = targets[:, 1:] if len(classes) == 2 else targets
        return self._solve_targets(X, targets, self.row_weights(y, sample_weight), classes)

    def pack(self, states, codes, n_classes, *, sparse):
        """Stack the coefficients."""
        return LinearClassifiers(states, codes, n_classes, sparse=sparse)

    fitted_attributes = staticmethod(linear_attributes)
