"""Closed forms: Ridge, LinearRegression and RidgeClassifier."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import isfinite, sqrt
from numbers import Real
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, lstsq
from scipy.linalg.lapack import dpotrf, dpotrs
from sklearn.utils.class_weight import compute_sample_weight

from robustfit.ensemble._lean._densify import densified
from robustfit.ensemble._lean._family import (
    SOLVER_ERROR,
    UNIT_ROUNDOFF,
    WORST_CONDITION,
    LeanFamily,
    Unsolved,
    classes_and_codes,
)
from robustfit.ensemble._lean._linear_members import LinearClassifierFamily, LinearRegressors, linear_state
from robustfit.ensemble._lean._rounding import Rounding, ScaledSystem, length

# Solvers that stop early are another estimator; these solve the normal equations.
_EXACT_SOLVERS = ("auto", "cholesky", "svd")


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
    """Solve ``(XᵀX + αI) w = Xᵀt``, or ``w = Xᵀ (XXᵀ + αI)⁻¹ t`` where that is the smaller system.

    Returns
    -------
    coef : ndarray of shape (n_columns, n_targets)
    system : _System
        What was solved, for those who ask for its rounding.
    """
    primal = X.shape[1] <= len(X)
    matrix = X.T @ X if primal else X @ X.T
    diagonal = matrix.reshape(-1)[:: len(matrix) + 1]
    diagonal += alpha
    trace = float(np.add.reduce(diagonal))
    # Of a symmetric matrix the transpose has the order of elements that LAPACK works in.
    factor, info = dpotrf(matrix.T, lower=1, clean=0)
    if info != 0 or not isfinite(trace):
        raise Unsolved("its normal equations are singular")
    if trace > WORST_CONDITION * alpha:
        # Only then its condition number may be too large.
        ScaledSystem.of(matrix, factor)
    if primal:
        coef = dpotrs(factor, (targets.T @ X).T, lower=1)[0]
        return coef, _System(matrix, factor, None)
    dual = dpotrs(factor, targets, lower=1)[0]
    return X.T @ dual, _System(matrix, factor, dual)


@dataclass
class _System:
    matrix: Any
    factor: Any
    dual: Any

    def rounding(self, X, targets, coef, X_mean, target_mean, alpha):
        """Bound the rounding of the coefficients and of the intercept ``t̄ − x̄·w``."""
        effort = UNIT_ROUNDOFF * (SOLVER_ERROR + sum(X.shape))
        offset = UNIT_ROUNDOFF * sum(X.shape) * (length(coef) * length(X_mean) + length(target_mean))
        if self.dual is not None:
            # ‖(XXᵀ + αI)⁻¹ X‖ ≤ 1 / (2√α), and the largest row sum bounds the norm.
            norm = float(np.abs(self.matrix).sum(axis=0).max())
            stretch = 1.0 + sqrt(len(X)) * length(X_mean) / max(length(X), np.finfo(np.float64).tiny)
            if alpha:
                through = min(norm / (2.0 * sqrt(alpha)), length(X) * norm / alpha)
            else:
                through = length(X) * ScaledSystem.of(self.matrix, self.factor).condition
            slack = effort * stretch * length(self.dual) * (through + length(X))
            return Rounding(np.ones(X.shape[1]), slack, slack * length(X_mean) + offset)
        system = ScaledSystem.of(self.matrix, self.factor)
        # Rows minus their mean are rounded in the unit of the mean.
        stretch = 1.0 + sqrt(len(X)) * length(system.scale * X_mean)
        size = length(coef / system.scale[:, None]) + sqrt(X.shape[1]) * length(targets)
        slack = effort * system.condition * stretch * size
        return Rounding(system.scale, slack, slack * length(system.scale * X_mean) + offset)


def _solve_least_squares(X, targets):
    """Solution of smallest norm, by the singular values of X."""
    try:
        # The cut below which scikit-learn takes a singular value for zero.
        cut = max(X.shape) * np.finfo(np.float64).eps
        coef, _, rank, singular = lstsq(X, targets, cond=cut, check_finite=False)
    except (LinAlgError, ValueError) as error:
        raise Unsolved("its singular values could not be found") from error
    return coef, {"rank_": int(rank), "singular_": singular}


def _ridge_refusal(estimator):
    if not isinstance(estimator.alpha, Real) or estimator.alpha < 0:
        return f"alpha={estimator.alpha!r} is not one non-negative number"
    if estimator.positive:
        return "positive=True has no closed form"
    if estimator.solver not in _EXACT_SOLVERS:
        return f"solver={estimator.solver!r} stops before the minimum; exact ones are {', '.join(_EXACT_SOLVERS)}"
    return None


class RidgeFamily(LeanFamily):
    """`sklearn.linear_model.Ridge`."""

    takes_sparse = True
    refusal = staticmethod(_ridge_refusal)

    def solve(self, X, y, sample_weight):
        """Solve the normal equations."""
        dense = densified(X)
        rows, targets, X_mean, y_mean = _centred(dense.X, y[:, None], sample_weight, self.estimator.fit_intercept)
        coef, attributes = self._solve_centred(rows, targets)
        return linear_state(dense.expand(coef.T), y_mean - X_mean @ coef, **attributes)

    def _solve_centred(self, X, targets):
        return _solve_ridge(X, targets, float(self.estimator.alpha))[0], {}

    def pack(self, states, codes, n_classes, *, sparse, slots):
        """Stack the coefficients."""
        return LinearRegressors(states, slots, sparse=sparse)

    def fitted_attributes(self, state):
        """Coefficients in the shapes of a single target."""
        return {"coef_": state.arrays["coef"][0].copy(), "intercept_": float(state.arrays["intercept"][0])}


class LinearRegressionFamily(RidgeFamily):
    """`sklearn.linear_model.LinearRegression`."""

    @staticmethod
    def refusal(estimator):
        """Non-negative coefficients have no closed form."""
        return "positive=True has no closed form" if estimator.positive else None

    def _solve_centred(self, X, targets):
        return _solve_least_squares(X, targets)


class RidgeClassifierFamily(LinearClassifierFamily):
    """`sklearn.linear_model.RidgeClassifier`: ridge regression on targets of ±1."""

    takes_sparse = True
    refusal = staticmethod(_ridge_refusal)

    def solve(self, X, y, sample_weight):
        """Solve the normal equations for all classes at once."""
        dense, alpha = densified(X), float(self.estimator.alpha)
        classes, codes = classes_and_codes(y)
        targets = np.where(codes[:, None] == np.arange(len(classes)), 1.0, -1.0)
        targets = targets[:, 1:] if len(classes) == 2 else targets
        if self.estimator.class_weight is not None:
            weights = compute_sample_weight(self.estimator.class_weight, y)
            sample_weight = weights if sample_weight is None else weights * sample_weight
        rows, goal, X_mean, mean = _centred(dense.X, targets, sample_weight, self.estimator.fit_intercept)
        coef, system = _solve_ridge(rows, goal, alpha)
        rounding = system.rounding(rows, goal, coef, X_mean, mean, alpha)
        rounding.scale = dense.expand(rounding.scale)
        return linear_state(dense.expand(coef.T), mean - X_mean @ coef, classes=classes, rounding=rounding)
