"""How large a linear learner's objective is at least, at any model that predicts a row otherwise."""

# SPDX-License-Identifier: BSD-3-Clause

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.special import entr

from robustfit.losses import HINGE, LOGISTIC, SQUARED, SQUARED_HINGE, Loss, smooth_hinge

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_MAX_STEPS = 50
_CLOSE = 1e-10
# A hinge is approached by smooth ones.
_TEMPERATURES = (1.0, 0.1, 0.01, 0.002)

_DUALS: dict[str, Callable[[Floats, Floats], Floats]] = {
    HINGE.name: lambda a, y: a,
    SQUARED_HINGE.name: lambda a, y: a - a * a / 4,
    LOGISTIC.name: lambda a, y: entr(a) + entr(1 - a),
    SQUARED.name: lambda a, y: a - a * a / 2,
}
"""The smallest loss(s) + a y s over all scores s, where a is the pull towards the row's class."""


def least_objective_across(loss: Loss, Z: Floats, y: Floats, ridge: float, test: Floats, side: float) -> float:
    """Bound from below Σᵢ ℓ(yᵢ, ⟨θ, zᵢ⟩) + (ρ/2)|θ|² over all θ with side · ⟨θ, test⟩ ≤ 0.

    Parameters
    ----------
    loss : Loss
        Hinge, squared hinge, logistic or half of the square.
    Z : ndarray of shape (n_rows, n_weights)
        Rows, with the intercept's column if there is one.
    y : ndarray of shape (n_rows,)
        −1 or 1.
    ridge : float
        ρ > 0.
    test : ndarray of shape (n_weights,)
        Not zero.
    side : float
        −1 or 1.

    Returns
    -------
    objective : float
        Sound wherever the search for the best bound stops.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return _dual(loss, Z, y, ridge, test, side, _find_pulls(loss, Z, y, ridge, test))


def _dual(loss: Loss, Z: Floats, y: Floats, ridge: float, test: Floats, side: float, pull: Floats) -> float:
    """Bound for given pulls, with the best multiplier of the test row; NaN beyond the range of floats."""
    toward = Z.T @ (pull * y)
    multiplier = max(0.0, side * float(toward @ test) / float(test @ test))
    left = toward - multiplier * side * test
    lengths = np.sqrt(np.einsum("ij,ij->i", Z, Z))
    size = float(np.abs(pull) @ lengths) + multiplier * float(np.linalg.norm(test))
    longest = (float(np.linalg.norm(left)) + (2 * len(y) + 64) * _EPS * size) * (1 + (2 * len(test) + 32) * _EPS)
    terms = _DUALS[loss.name](pull, y)
    # Of pulls above 1 the squares are larger than they are, and round as such.
    total = math.fsum(terms.tolist()) - 64 * _EPS * float((np.abs(pull) + pull * pull).sum() + len(y))
    return total - longest**2 / (2 * ridge) * (1 + 8 * _EPS)


def _find_pulls(loss: Loss, Z: Floats, y: Floats, ridge: float, test: Floats) -> Floats:
    """Slopes of the losses near the minimum among models that give the test row a score of 0."""
    theta = np.zeros(Z.shape[1])
    if loss.name == HINGE.name:
        for temperature in _TEMPERATURES:
            smooth = smooth_hinge(temperature)
            theta = _newton(smooth, Z, y, ridge, test, theta)
        loss_here: Loss = smooth
    else:
        theta, loss_here = _newton(loss, Z, y, ridge, test, theta), loss
    pull = -loss_here.slope(y, Z @ theta) * y
    if loss.name in (HINGE.name, LOGISTIC.name):
        return np.clip(pull, 0.0, 1.0)
    return np.maximum(pull, 0.0) if loss.name == SQUARED_HINGE.name else pull


def _newton(loss: Loss, Z: Floats, y: Floats, ridge: float, test: Floats, theta: Floats) -> Floats:
    """Minimise on the hyperplane ⟨θ, test⟩ = 0, from a point of it."""

    def objective(at: Floats) -> float:
        return float(loss.value(y, Z @ at).sum()) + 0.5 * ridge * float(at @ at)

    here = objective(theta)
    for _ in range(_MAX_STEPS):
        score = Z @ theta
        gradient = Z.T @ loss.slope(y, score) + ridge * theta
        bend = (Z * loss.curvature(y, score)[:, None]).T @ Z
        bend[np.diag_indices_from(bend)] += ridge
        try:
            solved = cho_solve(cho_factor(bend), np.column_stack([gradient, test]))
        except (LinAlgError, ValueError):
            # Too ill-conditioned, or beyond the range of floats: the bound holds wherever the search stops.
            break
        step = -solved[:, 0] + solved[:, 1] * (test @ solved[:, 0]) / (test @ solved[:, 1])
        gain = -float(gradient @ step)
        if gain <= _CLOSE * max(here, 1.0):
            break
        share, there = 1.0, objective(theta + step)
        while there > here - 0.25 * share * gain and share > 1e-6:
            share /= 2
            there = objective(theta + share * step)
        theta, here = theta + share * step, there
    return theta
