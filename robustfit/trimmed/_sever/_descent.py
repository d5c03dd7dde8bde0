"""Robust gradient descent: in every step the mean gradient is a filtered mean."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

from robustfit.losses import SQUARED, Loss
from robustfit.sanitize._linear._linear_losses import row_losses, row_slopes
from robustfit.sanitize._linear._row_gradients import RowGradients
from robustfit.sanitize._linear._row_space import RowSpace
from robustfit.trimmed._robust_mean import filter_gradients

# Keeps the system solvable where columns are collinear.
_JITTER = 1e-9


class Objective(NamedTuple):
    """Mean loss of linear scores plus the price of their slopes: Σ_i ℓ(y_i, zᵢᵀθ)/n + tr(θᵀPθ)/2.

    Attributes
    ----------
    space : RowSpace
        The rows z.
    target : ndarray of shape (n_rows,)
        Numbers, or the codes of classes.
    loss : Loss
    bend : float
        Largest curvature of the loss.
    n_outputs : int
    prices : ndarray of shape (width, width)
        P, not negative.
    """

    space: RowSpace
    target: Any
    loss: Loss
    bend: float
    n_outputs: int
    prices: Any

    def take(self, index):
        """Return that of some rows."""
        return self._replace(space=self.space.take(index), target=self.target[index])

    def slopes(self, theta):
        """Slopes of the rows' losses, of shape (n_rows, n_outputs)."""
        return row_slopes(self.loss, self.target, self.space.times(theta))

    def losses(self, theta):
        """Losses of the rows."""
        return row_losses(self.loss, self.target, self.space.times(theta))

    def gradient(self, theta):
        """Gradient of the whole, of shape (width, n_outputs)."""
        return self.space.transposed_times(self.slopes(theta)) / len(self.target) + self.prices @ theta

    def value(self, theta):
        """Value of the whole."""
        return float(self.losses(theta).mean() + 0.5 * np.vdot(theta, self.prices @ theta))

    def step(self, gradient):
        """Step that lowers every objective of this curvature on these rows whose gradient is the one given."""
        moment = np.zeros((self.space.width, self.space.width))
        for _, block in self.space.blocks(self.space.width):
            moment += block.T @ block
        system = self.bend * moment / len(self.target) + self.prices
        system.flat[:: len(system) + 1] += _JITTER * (1.0 + np.trace(system))
        return -cho_solve(cho_factor(system), gradient)

    def minimise(self, theta, max_iter=500):
        """Return the minimum, looked for from ``theta``."""
        theta = theta + self.step(self.gradient(theta))
        if self.loss is SQUARED:
            return theta

        def fun(vector):
            here = vector.reshape(theta.shape)
            return self.value(here), self.gradient(here).ravel()

        found = minimize(fun, theta.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": max_iter, "gtol": 1e-7})
        return found.x.reshape(theta.shape)


class Descended(NamedTuple):
    """Where a descent ended.

    Attributes
    ----------
    theta : ndarray of shape (width, n_outputs)
    kept : ndarray of shape (n_rows,), bool
        The rows whose gradients made up the last mean.
    history : list of dict
    """

    theta: Any
    kept: Any
    history: list


def descend(objective, groups, quotas, codes, *, n_rounds, max_iter, tol):
    """Descend from zero, dropping anew in each step the rows whose gradients stand out.

    Parameters
    ----------
    objective : Objective
    groups : list of ndarray of int
        Rows that are filtered together.
    quotas : list of int
        Rows to drop of each group.
    codes : ndarray of shape (n_rows,)
        Class of each row, of which half stays.
    n_rounds : int
        Of each filter.
    max_iter : int
    tol : float
        A step that changes no coefficient by more, on the same rows, is the last.

    Returns
    -------
    result : Descended
    """
    n_rows = len(codes)
    theta = np.zeros((objective.space.width, objective.n_outputs))
    kept, history = np.zeros(n_rows, dtype=bool), []
    for _ in range(max_iter):
        slopes = objective.slopes(theta)
        before, kept = kept, np.zeros(n_rows, dtype=bool)
        mean = np.zeros_like(theta)
        for group, quota in zip(groups, quotas, strict=True):
            gradients = RowGradients(objective.space.take(group), slopes[group])
            found = filter_gradients(gradients, quota, n_rounds, codes[group])
            kept[group] = found.kept
            mean += found.mean * (len(group) / n_rows)
        step = objective.take(kept).step(mean + objective.prices @ theta)
        theta = theta + step
        history.append(
            {"stage": "descent", "n_kept": int(kept.sum()), "loss": float(objective.losses(theta)[kept].mean())}
        )
        if np.abs(step).max() <= tol * max(1.0, np.abs(theta).max()) and (kept == before).all():
            break
    return Descended(theta, kept, history)
