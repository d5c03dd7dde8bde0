"""Newton's method for L2-penalised losses of linear scores."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpocon, dpotrf, dpotrs
from scipy.special import expit, log_softmax

from robustfit.ensemble._lean._family import WORST_CONDITION, Unsolved

# Steps shrink quadratically: the one after a step this small is below the rounding of the coefficients.
_SMALL_STEP = 1e-8

_MOST_UNKNOWNS = 2000
_MOST_HALVINGS = 40


@dataclass
class Minimum:
    """Where Newton's method ended.

    Attributes
    ----------
    weights : ndarray of shape (n_unknowns,)
    condition : float
        Condition number of the Hessian.
    residual : float
        Length of the step that would have come next.
    n_iter : int
    """

    weights: Any
    condition: float
    residual: float
    n_iter: int


def minimise(objective, n_unknowns, max_iter):
    """Minimise a convex objective from zero, with a line search.

    Parameters
    ----------
    objective : object
        ``value(w)``, ``gradient(w)`` and ``hessian(w)``; the latter positive definite.
    n_unknowns : int
    max_iter : int

    Raises
    ------
    Unsolved
        If a Hessian is singular or ill-conditioned, or ``max_iter`` steps were not enough.
    """
    if n_unknowns > _MOST_UNKNOWNS:
        raise Unsolved(f"its Newton system has {n_unknowns} unknowns, more than {_MOST_UNKNOWNS}")
    weights = np.zeros(n_unknowns)
    value, gradient = objective.value(weights), objective.gradient(weights)
    for n_iter in range(1, max_iter + 1):
        hessian = objective.hessian(weights)
        norm = float(np.abs(hessian).sum(axis=0).max())
        factor, info = dpotrf(hessian, lower=1, clean=0)
        if info != 0 or not np.isfinite(norm):
            raise Unsolved("its Hessian is singular")
        step = -dpotrs(factor, gradient, lower=1)[0]
        weights, value = _walk(objective, weights, value, gradient, step)
        gradient = objective.gradient(weights)
        if np.abs(step).max() <= _SMALL_STEP * (1.0 + np.abs(weights).max()):
            reciprocal, _ = dpocon(factor, norm, uplo="L")
            if reciprocal * WORST_CONDITION < 1:
                raise Unsolved("its Hessian is ill-conditioned")
            next_step = dpotrs(factor, gradient, lower=1)[0]
            return Minimum(weights, 1.0 / reciprocal, float(np.sqrt(next_step @ next_step)), n_iter)
    raise Unsolved(f"Newton's method did not converge in max_iter={max_iter} steps")


def _walk(objective, weights, value, gradient, step):
    """Go along a step, half of it, a quarter of it, until the objective falls as its slope says."""
    slope = gradient @ step
    length = 1.0
    for _ in range(_MOST_HALVINGS):
        there = weights + length * step
        new = objective.value(there)
        # Close to the minimum differences of the objective are rounding, and full steps are right.
        if new <= value + 1e-4 * length * slope or abs(slope) <= 1e-10 * abs(value):
            return there, new
        length /= 2
    raise Unsolved("its line search found no lower value")


class LogisticLoss:
    """``Σ_i s_i log(1 + exp(−t_i x_i·w)) + ½ Σ_j p_j w_j²`` with ``t_i = ±1``."""

    def __init__(self, X, signs, row_weights, penalty):
        self._X, self._signs, self._row_weights, self._penalty = X, signs, row_weights, penalty

    def _margins(self, weights):
        return self._signs * (self._X @ weights)

    def value(self, weights):
        """Objective."""
        loss = np.logaddexp(0.0, -self._margins(weights))
        return float(self._row_weights @ loss + 0.5 * (self._penalty * weights) @ weights)

    def gradient(self, weights):
        """Gradient, of shape (n_unknowns,)."""
        pull = self._row_weights * self._signs * expit(-self._margins(weights))
        return self._penalty * weights - pull @ self._X

    def hessian(self, weights):
        """Hessian, of shape (n_unknowns, n_unknowns)."""
        probability = expit(self._margins(weights))
        curvature = self._row_weights * probability * (1.0 - probability)
        rows = self._X * np.sqrt(curvature)[:, None]
        hessian = rows.T @ rows
        hessian.flat[:: len(hessian) + 1] += self._penalty
        return hessian


class SquaredHingeLoss(LogisticLoss):
    """``Σ_i s_i max(0, 1 − t_i x_i·w)² + ½ Σ_j p_j w_j²`` with ``t_i = ±1``."""

    def value(self, weights):
        """Objective."""
        short = np.maximum(0.0, 1.0 - self._margins(weights))
        return float(self._row_weights @ short**2 + 0.5 * (self._penalty * weights) @ weights)

    def gradient(self, weights):
        """Gradient, of shape (n_unknowns,)."""
        short = np.maximum(0.0, 1.0 - self._margins(weights))
        return self._penalty * weights - 2.0 * (self._row_weights * self._signs * short) @ self._X

    def hessian(self, weights):
        """Generalised Hessian: of the rows within the margin."""
        inside = self._margins(weights) < 1.0
        rows = self._X[inside] * np.sqrt(2.0 * self._row_weights[inside])[:, None]
        hessian = rows.T @ rows
        hessian.flat[:: len(hessian) + 1] += self._penalty
        return hessian


class MultinomialLoss:
    """``−Σ_i s_i log softmax(W x_i)[c_i] + ½ Σ_kj p_j W_kj²``, flattened class by class.

    Columns without a penalty, the intercepts, are free up to a common shift: the sum over classes is held at zero
    by a penalty of its own, which moves no score difference.
    """

    def __init__(self, X, codes, n_classes, row_weights, penalty):
        self._X, self._row_weights, self._penalty = X, row_weights, penalty
        self._indicator = codes[:, None] == np.arange(n_classes)
        self._n_classes = n_classes
        self._free = (penalty == 0.0) * row_weights.sum()

    def _unflatten(self, weights):
        return weights.reshape(self._n_classes, -1)

    def value(self, weights):
        """Objective."""
        W = self._unflatten(weights)
        log_probability = log_softmax(self._X @ W.T, axis=1)
        fit = self._row_weights @ log_probability[self._indicator]
        return float(0.5 * (self._penalty * W**2).sum() + 0.5 * self._free @ W.sum(axis=0) ** 2 - fit)

    def gradient(self, weights):
        """Gradient, of shape (n_unknowns,)."""
        W = self._unflatten(weights)
        excess = (np.exp(log_softmax(self._X @ W.T, axis=1)) - self._indicator) * self._row_weights[:, None]
        return (excess.T @ self._X + self._penalty * W + self._free * W.sum(axis=0)).ravel()

    def hessian(self, weights):
        """Hessian: ``blockdiag_k(Σ_i s_i p_ik x_i x_iᵀ) − Σ_i s_i (p_i ⊗ x_i)(p_i ⊗ x_i)ᵀ`` plus the penalties."""
        n_samples, width = self._X.shape
        probability = np.exp(log_softmax(self._X @ self._unflatten(weights).T, axis=1))
        root = np.sqrt(self._row_weights)[:, None]
        crossed = ((probability * root)[:, :, None] * self._X[:, None, :]).reshape(n_samples, -1)
        hessian = -(crossed.T @ crossed)
        blocks = hessian.reshape(self._n_classes, width, self._n_classes, width)
        for k in range(self._n_classes):
            rows = self._X * (np.sqrt(probability[:, [k]]) * root)
            blocks[k, :, k] += rows.T @ rows
        hessian.flat[:: len(hessian) + 1] += np.tile(self._penalty, self._n_classes)
        for column in np.flatnonzero(self._free):
            blocks[:, column, :, column] += self._free[column]
        return hessian
