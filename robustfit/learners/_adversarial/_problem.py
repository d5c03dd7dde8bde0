"""Adversarial training of one linear function: the objective, and a lower bound from multipliers of the rows."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from robustfit.learners._adversarial._shifts import dual_norm, gain, shift_norm
from robustfit.losses import ABSOLUTE, HINGE, LOGISTIC, SQUARED, SQUARED_HINGE, Loss, huber


@dataclass(frozen=True)
class WorstLoss:
    """A loss of the worst margin, or of the worst residual.

    But for the logistic one, as a function of how much the row lacks, q ≥ 0, each is the least of
    ½ ``bend`` ξ² + ``slope`` e over ξ + e = q with e ≥ 0.

    Attributes
    ----------
    loss : Loss
    of_margin : bool
        Whether it is for signs, with q = (1 − m)₊, or for numbers, with q = |r|.
    bend : float
        0 where there is no ξ.
    slope : float
        Infinite where there is no e.
    """

    loss: Loss
    of_margin: bool
    bend: float
    slope: float

    @property
    def is_logistic(self):
        """Whether this is the one loss that is not made of pieces."""
        return self.loss is LOGISTIC

    def conjugate_gain(self, pull, weights):
        """Σ of what each row's dual term is worth: the largest a q − loss(q) turned round."""
        if self.is_logistic:
            share = np.clip(pull / weights, 0.0, 1.0)
            return float(weights @ (_entropy(share) + _entropy(1.0 - share)))
        worth = pull.copy() if self.of_margin else np.zeros_like(pull)
        if self.bend:
            worth -= pull**2 / (2.0 * weights * self.bend)
        return float(worth.sum())


def _entropy(p):
    return -p * np.log(np.where(p > 0.0, p, 1.0))


def classification_loss(name):
    """Return the loss of margins that is called so."""
    return {
        "log_loss": WorstLoss(LOGISTIC, True, 0.0, 1.0),
        "hinge": WorstLoss(HINGE, True, 0.0, 1.0),
        "squared_hinge": WorstLoss(SQUARED_HINGE, True, 2.0, np.inf),
    }[name]


def regression_loss(name, delta):
    """Return the loss of residuals that is called so; ``delta`` is for Huber's."""
    if name == "huber":
        return WorstLoss(huber(delta), False, 1.0, delta)
    return {
        "squared_error": WorstLoss(SQUARED, False, 1.0, np.inf),
        "absolute_error": WorstLoss(ABSOLUTE, False, 0.0, 1.0),
    }[name]


class Solution(NamedTuple):
    """A linear function, and how good it is.

    Attributes
    ----------
    w : ndarray of shape (n_features,)
    b : float
    objective, bound : float
        Of the function, and below that of any.
    n_iter : int
    """

    w: np.ndarray
    b: float
    objective: float
    bound: float
    n_iter: int


@dataclass(frozen=True)
class Problem:
    """Minimise Σ_i weights_i max_{‖δ / radius‖ ≤ 1} loss(y_i, w·(x_i + δ) + b) + ½ Σ_j ridge_j w_j².

    Attributes
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        Signs, or numbers.
    weights : ndarray of shape (n_samples,)
        Positive.
    radius, ridge : ndarray of shape (n_features,)
        Either may be zero, but not both in one column.
    norm : {1, 2, inf}
        Of the shift δ.
    worst : WorstLoss
    intercept : bool
    """

    X: Any
    y: np.ndarray
    weights: np.ndarray
    radius: np.ndarray
    ridge: np.ndarray
    norm: float
    worst: WorstLoss
    intercept: bool

    def objective(self, w, b):
        """Value at one linear function."""
        return self.objective_of_scores(self.X @ w + b, w)

    def objective_of_scores(self, scores, w):
        """The same, for the scores that it gives the rows."""
        shift = dual_norm(w, self.radius, self.norm)
        if self.worst.of_margin:
            losses = self.worst.loss.value(np.ones(()), self.y * scores - shift)
        else:
            losses = self.worst.loss.value(np.zeros(()), np.abs(scores - self.y) + shift)
        return float(self.weights @ losses) + 0.5 * float(self.ridge @ w**2)

    def lower_bound(self, toward, pull):
        """What no linear function can go below.

        Parameters
        ----------
        toward, pull : ndarray of shape (n_samples,)
            Any multipliers: slopes of the losses in the score and, without sign, in the shift. The better they are,
            the better the bound; it holds for all.

        Returns
        -------
        bound : float
        """
        toward, pull = self._feasible(toward, pull)
        v, total = -(self.X.T @ toward), float(pull.sum())
        value = self.worst.conjugate_gain(pull, self.weights)
        if not self.worst.of_margin:
            value -= float(toward @ self.y)
        if np.all(self.ridge > 0.0):
            return value - gain(v, total, self.radius, self.ridge, self.norm)
        # Without a ridge the multipliers must be such that no direction gains.
        size = shift_norm(v, self.radius, self.norm)
        share = 1.0 if size <= total else total / size
        if not self.worst.of_margin:
            value += (1.0 - share) * float(toward @ self.y)
        return value

    def _feasible(self, toward, pull):
        """The nearest multipliers within the slopes of the loss that leave the intercept alone."""
        highest = self.weights * self.worst.slope
        if self.worst.of_margin:
            pull = np.clip(pull, 0.0, highest)
            toward = -pull * self.y
            toward = self._balanced(toward)
            return toward, np.abs(toward)
        toward = self._balanced(np.clip(toward, -highest, highest))
        return toward, np.clip(pull, np.abs(toward), highest)

    def _balanced(self, toward):
        """Shrink the multipliers of one sign, so that their sum is zero."""
        if not self.intercept:
            return toward
        up, down = toward[toward > 0].sum(), -toward[toward < 0].sum()
        if min(up, down) <= 0.0:
            return np.zeros_like(toward)
        return toward * np.where(toward > 0, min(1.0, down / up), min(1.0, up / down))
