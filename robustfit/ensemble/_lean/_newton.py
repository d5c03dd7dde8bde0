"""Newton's method for L2-penalised losses of linear scores."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs
from scipy.special import expit, log_softmax

from robustfit.ensemble._lean._family import UNIT_ROUNDOFF, Unsolved
from robustfit.ensemble._lean._rounding import ScaledSystem, length

# From here on the Hessian hardly changes, and steps with the last one shrink as fast at a fraction of the price.
_SMALL_STEP = 1e-4

# Length of the last step at a minimum, in units of the weights.
_SMALL_RESIDUAL = 1e-9

_MOST_UNKNOWNS = 2000
_MOST_HALVINGS = 40
_MOST_POLISHING = 8


@dataclass
class Minimum:
    """Where Newton's method ended.

    Attributes
    ----------
    weights : ndarray of shape (n_unknowns,)
    scale : ndarray of shape (n_unknowns,)
        ``D = diag(H)^(−1/2)`` of the last Hessian.
    slack : float
        Bound on ``‖D⁻¹ (w − w*)‖`` for the exact minimum w*.
    n_iter : int
    """

    weights: Any
    scale: Any
    slack: float
    n_iter: int


def minimise(objective, n_unknowns, max_iter):
    """Minimise a convex objective from zero, with a line search.

    Parameters
    ----------
    objective : object
        ``at(w)`` gives a point with ``value``, ``gradient`` and ``hessian()``; the latter positive definite.
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
    point = objective.at(weights)
    for n_iter in range(1, max_iter + 1):
        hessian = point.hessian()
        factor, info = dpotrf(hessian, lower=1, clean=0)
        if info != 0:
            raise Unsolved("its Hessian is singular")
        step = -dpotrs(factor, point.gradient, lower=1)[0]
        weights, point = _walk(objective, weights, point, step)
        if length(step) <= _SMALL_STEP * (1.0 + length(weights)):
            weights, step, residual = _polish(objective, weights, point, factor)
            if residual <= _SMALL_RESIDUAL * (1.0 + length(weights)):
                return _minimum(objective.at(weights), weights, ScaledSystem.of(hessian, factor), step, n_iter)
            point = objective.at(weights)
    raise Unsolved(f"Newton's method did not converge in max_iter={max_iter} steps")


def _minimum(point, weights, system, step, n_iter):
    """Bound the distance to the exact minimum: by the rounding of the gradient there, and by the last step.

    The condition number is an estimate, hence the factor; steps shrink by half or faster.
    """
    blur = 4.0 * system.condition * point.blur(system.scale)
    return Minimum(weights, system.scale, blur + 2.0 * length(step / system.scale), n_iter)


def _walk(objective, weights, point, step):
    """Go along a step, half of it, a quarter of it, until the objective falls as its slope says."""
    slope = point.gradient @ step
    share = 1.0
    for _ in range(_MOST_HALVINGS):
        there = weights + share * step
        new = objective.at(there)
        # Close to the minimum differences of the objective are rounding, and full steps are right.
        if new.value <= point.value + 1e-4 * share * slope or abs(slope) <= 1e-10 * abs(point.value):
            return there, new
        share /= 2
    raise Unsolved("its line search found no lower value")


def _polish(objective, weights, point, factor):
    """Take steps with the last Hessian while they shrink; return also the last one and its length."""
    step, residual = np.zeros_like(weights), np.inf
    for _ in range(_MOST_POLISHING):
        new = -dpotrs(factor, point.gradient, lower=1)[0]
        if not length(new) < 0.5 * residual:
            break
        weights, step, residual = weights + new, new, length(new)
        if residual <= UNIT_ROUNDOFF * length(weights):
            break
        point = objective.at(weights)
    return weights, step, residual


class LogisticLoss:
    """``Σ_i s_i log(1 + exp(−t_i x_i·w)) + ½ Σ_j p_j w_j²`` with ``t_i = ±1``.

    ``magnitudes`` are those of ``X``, for bounds on rounding.
    """

    def __init__(self, X, signs, row_weights, penalty, magnitudes):
        self.X, self.signs, self.row_weights = X, signs, row_weights
        self.penalty, self.magnitudes = penalty, magnitudes

    def at(self, weights):
        """Point with value, gradient and Hessian."""
        return _LogisticPoint(self, weights)


class _Point:
    """Where a loss of signed margins is looked at; subclasses set ``value``, ``gradient`` and the curvature of rows."""

    def __init__(self, loss, weights):
        self._loss, self._weights = loss, weights
        self._look(loss.signs * (loss.X @ weights))
        pull = loss.row_weights * loss.signs * self._pull
        pressure = loss.penalty * weights
        self.value = float(loss.row_weights @ self._losses + 0.5 * (pressure @ weights))
        self.gradient = pressure - pull @ loss.X

    def hessian(self):
        """Hessian, of shape (n_unknowns, n_unknowns)."""
        rows = self._loss.X * np.sqrt(self._loss.row_weights * self._curvature())[:, None]
        hessian = rows.T @ rows
        diagonal = hessian.reshape(-1)[:: len(hessian) + 1]
        diagonal += self._loss.penalty
        return hessian

    def blur(self, scale):
        """Bound on the length of the gradient's rounding, of its sums and of the margins in them, in units of D."""
        loss = self._loss
        n_samples, width = loss.X.shape
        margins = loss.magnitudes.of_scores(self._weights[None])[:, 0]
        rows = (n_samples + 8) * self._pull + (width + 4) * self._curvature() * margins
        sums = loss.magnitudes.of_sums((loss.row_weights * rows)[:, None], scale[None])
        return UNIT_ROUNDOFF * (sums + 2.0 * length(scale * loss.penalty * self._weights))


class _LogisticPoint(_Point):
    def _look(self, margins):
        self._losses = np.logaddexp(0.0, -margins)
        self._pull = expit(-margins)

    def _curvature(self):
        return self._pull * (1.0 - self._pull)


class SquaredHingeLoss(LogisticLoss):
    """``Σ_i s_i max(0, 1 − t_i x_i·w)² + ½ Σ_j p_j w_j²`` with ``t_i = ±1``."""

    def at(self, weights):
        """Point with value, gradient and generalised Hessian: of the rows within the margin."""
        return _SquaredHingePoint(self, weights)


class _SquaredHingePoint(_Point):
    def _look(self, margins):
        short = np.maximum(0.0, 1.0 - margins)
        self._losses, self._pull = short * short, 2.0 * short

    def _curvature(self):
        return 2.0 * (self._pull > 0)


class MultinomialLoss:
    """``−Σ_i s_i log softmax(W x_i)[c_i] + ½ Σ_kj p_j W_kj²``, flattened class by class.

    At the minimum weights sum to zero over the classes, or for columns without a penalty may be chosen to: a common
    shift changes no probability. So ``½ Σ_j h_j (Σ_k W_kj)²`` is added, which moves no minimum, and makes the system
    as stiff in that direction as in others.
    """

    def __init__(self, X, codes, n_classes, row_weights, penalty, magnitudes):
        self.X, self.row_weights, self.penalty, self.magnitudes = X, row_weights, penalty, magnitudes
        self.n_classes = n_classes
        self.indicator = codes[:, None] == np.arange(n_classes)
        self.held = row_weights @ (X * X) / n_classes

    def at(self, weights):
        """Point with value, gradient and Hessian."""
        return _MultinomialPoint(self, weights.reshape(self.n_classes, -1))


class _MultinomialPoint:
    def __init__(self, loss, W):
        self._loss, self._weights = loss, W
        log_probability = log_softmax(loss.X @ W.T, axis=1)
        self._probability = np.exp(log_probability)
        shift = W.sum(axis=0)
        fit = loss.row_weights @ log_probability[loss.indicator]
        self.value = float(0.5 * (loss.penalty * W**2).sum() + 0.5 * loss.held @ shift**2 - fit)
        excess = (self._probability - loss.indicator) * loss.row_weights[:, None]
        self.gradient = (excess.T @ loss.X + loss.penalty * W + loss.held * shift).ravel()

    def hessian(self):
        """``blockdiag_k(Σ_i s_i p_ik x_i x_iᵀ) − Σ_i s_i (p_i ⊗ x_i)(p_i ⊗ x_i)ᵀ`` plus the penalties."""
        loss, probability = self._loss, self._probability
        n_samples, width = loss.X.shape
        root = np.sqrt(loss.row_weights)[:, None]
        crossed = ((probability * root)[:, :, None] * loss.X[:, None, :]).reshape(n_samples, -1)
        hessian = -(crossed.T @ crossed)
        blocks = hessian.reshape(loss.n_classes, width, loss.n_classes, width)
        for k in range(loss.n_classes):
            rows = loss.X * (np.sqrt(probability[:, [k]]) * root)
            blocks[k, :, k] += rows.T @ rows
        hessian.reshape(-1)[:: len(hessian) + 1] += np.tile(loss.penalty, loss.n_classes)
        columns = np.arange(width)
        blocks[:, columns, :, columns] += loss.held[:, None, None]
        return hessian

    def blur(self, scale):
        """Bound on the length of the gradient's rounding, of its sums and of the scores in them, in units of D."""
        loss, probability = self._loss, self._probability
        n_samples, width = loss.X.shape
        scores = (width + 4) * loss.magnitudes.of_scores(self._weights)
        moved = scores + (probability * scores).sum(axis=1, keepdims=True)
        excess = np.abs(probability - loss.indicator) + probability
        rows = ((n_samples + 8) * excess + probability * moved) * loss.row_weights[:, None]
        scale = scale.reshape(self._weights.shape)
        pressure = 2.0 * length(scale * (loss.penalty + loss.held) * self._weights)
        return UNIT_ROUNDOFF * (loss.magnitudes.of_sums(rows, scale) + pressure)
