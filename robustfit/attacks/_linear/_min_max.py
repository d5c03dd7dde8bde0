"""The saddle point of a learner and an attacker who adds the rows that it does worst on (Steinhardt, Koh and Liang)."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from robustfit.attacks._linear._victim import Floats, LinearVictim, scores
from robustfit.certify import FeasibleSet

_FIRST_STEP = 0.1
_CHECK_EVERY = 10


class Worst(NamedTuple):
    """The feasible row that a model does worst on.

    Attributes
    ----------
    row : ndarray of shape (n_features,)
    sign : float
        Its class, −1 or +1.
    loss : float
        No feasible row of either class has a larger one.
    """

    row: Floats
    sign: float
    loss: float


class Descent(NamedTuple):
    """What the learner's way to the saddle point has seen.

    Attributes
    ----------
    rows : ndarray of shape (n_steps, n_features)
        Worst row of each step.
    signs : ndarray of shape (n_steps,)
    bound : float
        Smallest value of the learner's objective with the worst row in it ``budget`` times: the learner's objective
        is not larger after any attack with that many feasible rows.
    theta : ndarray of shape (n_features + 1,)
        Where that is.
    """

    rows: Floats
    signs: Floats
    bound: float
    theta: Floats


def worst_row(victim: LinearVictim, theta: Floats, sets: Sequence[FeasibleSet | None]) -> Worst:
    """Return the worst row of the sets of the classes −1 and +1, for a loss that falls with the margin."""
    found = []
    for sign, feasible in zip((-1.0, 1.0), sets, strict=True):
        if feasible is None:
            continue
        support = feasible.maximize(-sign * theta[:-1])
        lowest = np.array([theta[-1] - sign * support.bound])
        found.append(Worst(support.point, sign, float(victim.loss.value(np.array([sign]), lowest)[0])))
    return max(found, key=lambda worst: worst.loss)


def descend(
    victim: LinearVictim, X: Floats, y: Floats, sets: Sequence[FeasibleSet | None], budget: int, n_steps: int
) -> Descent:
    """Minimise the sum of the clean losses, the penalty and ``budget`` times the worst feasible loss.

    Parameters
    ----------
    victim : LinearVictim
        With a loss that falls with the margin.
    X : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        −1 or +1.
    sets : sequence of two FeasibleSet or None
        Of the classes −1 and +1; None for a class that the attacker does not use.
    budget : int
        Number of rows of the attack. It counts against the number of clean rows; the penalty is not per row.
    n_steps : int

    Returns
    -------
    Descent
    """
    total = float(len(y) + budget)
    ridge = victim.ridge_vector(X.shape[1], total)
    steps = _Steps(victim.fit(X, y), ridge, victim.intercept_ridge == 0)
    rows, signs = np.empty((n_steps, X.shape[1])), np.empty(n_steps)
    best, lowest = steps.theta, np.inf
    mean, mean_scores = steps.theta, np.zeros(len(y))

    def total_loss(theta: Floats, clean_scores: Floats, worst: Worst) -> float:
        clean = float(victim.loss.value(y, clean_scores).sum())
        return clean + budget * worst.loss + 0.5 * float(ridge @ theta**2)

    for step in range(n_steps):
        theta, clean_scores = steps.theta, scores(X, steps.theta)
        worst = worst_row(victim, theta, sets)
        rows[step], signs[step] = worst.row, worst.sign
        # Later iterates weigh more, so that the mean forgets where the descent began.
        weight = 2.0 / (step + 2)
        mean, mean_scores = mean + weight * (theta - mean), mean_scores + weight * (clean_scores - mean_scores)
        tried = [(theta, clean_scores, worst)]
        if (step + 1) % _CHECK_EVERY == 0 or step + 1 == n_steps:
            tried.append((mean, mean_scores, worst_row(victim, mean, sets)))
        for candidate in tried:
            value = total_loss(*candidate)
            if value < lowest:
                best, lowest = candidate[0], value
        steps.go(_gradient(victim, X, y, clean_scores) + budget * _pull(victim, theta, worst))
    return Descent(rows, signs, lowest, best)


def _gradient(victim: LinearVictim, X: Floats, y: Floats, clean_scores: Floats) -> Floats:
    """Return the gradient of the clean losses; rows that do not pull are not read."""
    pull = victim.loss.slope(y, clean_scores)
    active = np.flatnonzero(pull)
    into = pull @ X if 2 * len(active) > len(pull) else pull[active] @ X[active]
    return np.append(into, 0.0 if victim.intercept_ridge is None else pull.sum())


def _pull(victim: LinearVictim, theta: Floats, worst: Worst) -> Floats:
    return victim.row_gradient(theta, worst.row[None], np.array([worst.sign]))


class _Steps:
    """Subgradient steps on a strongly convex sum; where its penalty is weak, as long as the gradients seen allow.

    Parameters
    ----------
    theta : ndarray of shape (n_features + 1,)
        Start: the clean model.
    ridge : ndarray of shape (n_features + 1,)
    free_intercept : bool
        Whether the intercept is not penalised.
    """

    def __init__(self, theta: Floats, ridge: Floats, free_intercept: bool) -> None:
        self.theta, self._ridge, self._free = theta, ridge, free_intercept
        self._strength = float(ridge[:-1].max())
        self._count, self._offset, self._squares, self._intercept_squares = 0, 0.0, 0.0, 0.0

    def go(self, losses: Floats) -> None:
        """Step against the gradient of the losses and the penalty."""
        gradient = losses + self._ridge * self.theta
        length = float(np.linalg.norm(gradient))
        if length == 0:
            return
        scale = float(np.linalg.norm(self.theta)) or 1.0
        if self._count == 0:
            self._scale = scale
            # The first step goes a tenth of the way from the origin to the clean model.
            self._offset = length / (self._strength * scale * _FIRST_STEP) if self._strength else 0.0
        self._count += 1
        self._squares += length**2
        rate = self._scale / np.sqrt(self._squares)
        if self._strength:
            rate = min(rate, 1.0 / (self._strength * (self._count + self._offset)))
        move = rate * gradient
        if self._free:
            # Scores are in units of the margin, so an intercept without penalty goes at most about one of them.
            self._intercept_squares += gradient[-1] ** 2
            move[-1] = gradient[-1] / np.sqrt(self._intercept_squares) if self._intercept_squares else 0.0
        self.theta = self.theta - move


def spread(descent: Descent, budget: int, first: float, last: float = 1.0) -> tuple[Floats, Floats]:
    """Return ``budget`` rows at equal distances between two shares of the way, and their signs."""
    ends = first * (len(descent.signs) - 1), last * (len(descent.signs) - 1)
    chosen = np.rint(np.linspace(*ends, budget)).astype(np.int64)
    return descent.rows[chosen], descent.signs[chosen]
