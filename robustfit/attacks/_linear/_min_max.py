"""The saddle point of a learner and an attacker who adds the rows that it does worst on (Steinhardt, Koh and Liang)."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from robustfit.attacks._linear._victim import Floats, LinearVictim
from robustfit.certify import FeasibleSet
from robustfit.certify._damage import Game, LinearLearner, Margins, bound_damage

_TOL = 1e-3
_LIGHT = 1e-6
"""Ridge per row that stands in where a learner has none: the search needs some."""


class Descent(NamedTuple):
    """The rows that hold the learner at the saddle point.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, n_features)
    signs : ndarray of shape (n_rows,)
    weights : ndarray of shape (n_rows,)
        How often each is added: no whole numbers; they add up to the budget.
    bound : float
        The learner's objective is not larger after any attack with as many feasible rows, rounding errors included.
    theta : ndarray of shape (n_features + 1,)
        Where that is.
    """

    rows: Floats
    signs: Floats
    weights: Floats
    bound: float
    theta: Floats


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
        Models that are looked at, at most.

    Returns
    -------
    Descent
    """
    ridge, held, _ = victim.penalty(float(len(y)))
    loss = Margins(victim.loss, np.array([[-1.0], [1.0]]))
    learner = LinearLearner(loss, float(ridge), None if victim.intercept_ridge is None else held)
    if not learner.ridge > 0:
        # The bound with a penalty holds for a learner without one all the more.
        learner = replace(learner, ridge=_LIGHT * len(y))
    damage = bound_damage(Game(learner, X, y[:, None], sets), [budget], tol=_TOL, max_iter=n_steps)[0]
    return Descent(damage.rows, damage.targets[:, 0], damage.weights, damage.bound, damage.parts.theta[:, 0])


def spread(descent: Descent, budget: int, offset: float = 0.5) -> tuple[Floats, Floats]:
    """Return ``budget`` rows and their signs, each row about as often as its weight says.

    Parameters
    ----------
    descent : Descent
    budget : int
    offset : float, default=0.5
        Between 0 and 1: another one rounds other weights up.
    """
    ends = np.cumsum(descent.weights)
    places = (np.arange(budget) + offset) * (ends[-1] / budget)
    chosen = np.minimum(np.searchsorted(ends, places), len(ends) - 1)
    return descent.rows[chosen], descent.signs[chosen]
