"""A linear learner with curvature everywhere: fitted by Newton's method, and its Hessian inverted."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from robustfit.attacks._linear._hessian import Hessian, Memory
from robustfit.attacks._linear._row_loss import RowLoss, Separate, Softmax
from robustfit.attacks._linear._victim import BLACK_BOX, LinearVictim, read_victim, scores
from robustfit.losses import HINGE, smooth_hinge

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

TEMPERATURE = 0.1
"""Of the smooth hinge that stands in for the hinge: rows within a few tenths of the margin have curvature."""

_ACCURACY = 1e-13
_STEP_ACCURACY = 1e-4


@dataclass(frozen=True, eq=False)
class SmoothLearner:
    """A learner that minimises Σᵢ vᵢ ℓ(yᵢ, Θᵀx̃ᵢ) + ½ Σₖ θₖᵀ diag(ρ) θₖ + lasso ‖W‖₁, with x̃ = (x, 1) and Θ = (W; b).

    Attributes
    ----------
    victim : LinearVictim
        The penalties ρ, and the learner itself.
    loss : RowLoss
        Twice differentiable, or piecewise so.
    n_outputs : int
        Columns of Θ, which has shape (n_features + 1, n_outputs): 1 for a regression or two classes.
    """

    victim: LinearVictim
    loss: RowLoss
    n_outputs: int = 1

    def encode(self, codes: NDArray[np.int64]) -> Floats:
        """Write classes, numbered from 0, as targets of shape (n_rows, n_outputs)."""
        if self.n_outputs == 1:
            return np.where(codes == 1, 1.0, -1.0)[:, None]
        own = codes[:, None] == np.arange(self.n_outputs)
        return np.where(own, 1.0, 0.0 if isinstance(self.loss, Softmax) else -1.0)

    def objective(self, theta: Floats, X: Floats, Y: Floats, weight: Floats) -> float:
        """Return the sum without its lasso."""
        ridge = self.victim.ridge_vector(X.shape[1], float(weight.sum()))
        return float(weight @ self.loss.value(Y, scores(X, theta)) + 0.5 * ridge @ (theta**2).sum(axis=1))

    def gradient(self, theta: Floats, X: Floats, Y: Floats, weight: Floats) -> Floats:
        """Return its gradient, of the shape of Θ."""
        ridge = self.victim.ridge_vector(X.shape[1], float(weight.sum()))
        return self.pull(theta, X, Y, weight) + ridge[:, None] * theta

    def pull(self, theta: Floats, X: Floats, Y: Floats, weight: Floats) -> Floats:
        """Return the gradient of the rows' weighted losses, without the penalty."""
        slope = weight[:, None] * self.loss.slope(Y, scores(X, theta))
        return np.vstack([X.T @ slope, self._has_intercept * slope.sum(axis=0)])

    def free(self, theta: Floats) -> Mask:
        """Tell which rows of Θ move when the training rows do: all but a missing intercept and a lasso's zeros."""
        moving = np.ones(len(theta), dtype=bool)
        if self.victim.lasso > 0:
            moving = theta[:, 0] != 0
        moving[-1] = self._has_intercept
        return moving

    def inverse(
        self,
        theta: Floats,
        X: Floats,
        Y: Floats,
        weight: Floats,
        right: Floats,
        memory: Memory | None = None,
        accuracy: float = 1e-10,
    ) -> Floats:
        """Solve H V = R for the Hessian H of the sum at Θ, in the free parameters; V is 0 elsewhere."""
        free = self.free(theta)
        ridge = self.victim.ridge_vector(X.shape[1], float(weight.sum()))[free]
        columns = np.column_stack([X, np.ones(len(X))])
        if not free.all():
            columns = columns[:, free]
        hessian = Hessian(self.loss, Y, scores(X, theta), weight, columns, ridge)
        solution = np.zeros_like(right)
        solution[free] = hessian.solve(right[free], memory, accuracy)
        return solution

    def fit(
        self, X: Floats, Y: Floats, weight: Floats, start: Floats | None = None, memory: Memory | None = None
    ) -> Floats:
        """Return the minimiser Θ, from a start that may be near it."""
        memory = Memory() if memory is None else memory
        if self.victim.lasso > 0:
            return self._fit_lasso(X, Y, weight, start)
        theta = np.zeros((X.shape[1] + 1, self.n_outputs)) if start is None else start
        value = self.objective(theta, X, Y, weight)
        for _ in range(100):
            slope = self.gradient(theta, X, Y, weight)
            step = self.inverse(theta, X, Y, weight, slope, memory, _STEP_ACCURACY)
            # What Newton's method expects to gain, twice; below the rounding of the sum nothing is left to gain.
            decrement = float((slope * step).sum())
            if decrement <= _ACCURACY * abs(value):
                # Near the minimum a full step squares the error, which the rounded sum no longer shows.
                return theta - step
            theta, value, moved = self._descend(theta, value, step, decrement, (X, Y, weight))
            if not moved:
                break
        return theta

    def _fit_lasso(self, X: Floats, Y: Floats, weight: Floats, start: Floats | None) -> Floats:
        model = clone(self.victim.estimator)
        if start is not None:
            model.set_params(warm_start=True)
            model.coef_ = start[:-1, 0].copy()
        return self.victim.refit(model, X, Y[:, 0], weight)[:, None]

    def _descend(
        self, theta: Floats, value: float, step: Floats, decrement: float, rows: tuple[Floats, Floats, Floats]
    ) -> tuple[Floats, float, bool]:
        size = 1.0
        while size > 1e-8:
            trial = theta - size * step
            reached = self.objective(trial, *rows)
            if reached <= value - 1e-4 * size * decrement:
                return trial, reached, True
            size *= 0.5
        return theta, value, False

    @property
    def _has_intercept(self) -> bool:
        return self.victim.intercept_ridge is not None


def read_learner(estimator: Any, attack: str, n_classes: int | None) -> SmoothLearner:
    """Write a linear learner down as a sum that can be differentiated twice.

    Parameters
    ----------
    estimator : estimator
    attack : str
        Who asks, for the message of the error.
    n_classes : int or None
        None for a regression.

    Raises
    ------
    ValueError
        If the learner is not known, or not with that many classes.
    """
    victim = read_victim(estimator, attack)
    loss = smooth_hinge(TEMPERATURE) if victim.loss is HINGE else victim.loss
    if n_classes is None or n_classes == 2:
        return SmoothLearner(victim, Separate(loss))
    if _couples_pairs(estimator):
        raise ValueError(
            f"{attack} knows {estimator!r} with two classes only, but y has {n_classes}. With more, "
            f"LogisticRegression with its default solver, LinearSVC and RidgeClassifier are known. {BLACK_BOX}"
        )
    if isinstance(estimator, LogisticRegression):
        return SmoothLearner(victim, Softmax(), n_classes)
    return SmoothLearner(victim, Separate(loss), n_classes)


def _couples_pairs(estimator: Any) -> bool:
    """Whether more than two classes are learned pair by pair, or in another way that is not written down here."""
    # Older releases of scikit-learn let a logistic regression be one against the rest.
    separate = isinstance(estimator, LogisticRegression) and getattr(estimator, "multi_class", None) == "ovr"
    return isinstance(estimator, SVC) or separate or getattr(estimator, "solver", None) == "liblinear"
