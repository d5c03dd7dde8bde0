"""Rows that draw a linear learner towards a given model, a few at a time."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._linear._loss_difference import Room
from robustfit.attacks._linear._points_needed import rows_from_near, rows_to_reach
from robustfit.attacks._linear._victim import LinearVictim, scores
from robustfit.certify import FeasibleSet

Floats = NDArray[np.float64]

# The row on which to add only has to be good; the bound is sound however early its search stops.
_GAP = 0.01
_MULTIPLES = (5.0, 20.0)
_COARSE, _FINE = 2, 32
# Copies of a row that together pull less than a hundredth of a row do nothing.
_IDLE = 0.01
# Rows on the edge of a set move this far inside, relative to their way to its middle, beyond the reach of rounding.
_INSET = 1e-12


@dataclass(frozen=True, eq=False)
class Chase:
    """Where a chase ended.

    Attributes
    ----------
    rows : ndarray of shape (n_added, n_features)
        Added rows, each as often as it was added.
    signs : ndarray of shape (n_added,)
        Their classes, −1 or +1.
    theta : ndarray of shape (n_features + 1,)
        The model trained on clean and added rows.
    loss_difference : float
        No feasible row has a larger loss(theta) − loss(target).
    lower_bound : float
        No fewer rows make the learner return exactly the target.
    reached_with : int or None
        After how many rows the largest difference was first found to be within the tolerance.
    """

    rows: Floats
    signs: Floats
    theta: Floats
    loss_difference: float
    lower_bound: float
    reached_with: int | None


def chase(
    victim: LinearVictim,
    X: Floats,
    y: Floats,
    room: Room,
    target: Floats,
    budget: int,
    tol: float,
    n_steps: int = _FINE,
) -> Chase:
    """Add the row on which the learner loses most compared with the target, train again, and so on.

    Parameters
    ----------
    victim : LinearVictim
    X, y : ndarrays
        Clean rows, and their classes as −1 and +1.
    room : Room
        Where added rows may lie.
    target : ndarray of shape (n_features + 1,)
    budget : int
        Number of rows to add.
    tol : float
        Largest loss difference at which the target counts as reached. What is left of the budget then goes to a row
        that does not pull at the model, or, where there is none, into further steps.
    n_steps : int
        Each step adds this part of what is left of the budget, at least one row.
    """
    rows, signs = np.empty((0, X.shape[1])), np.empty(0)
    lower, reached_with = 0.0, None
    mean, turn = np.zeros(len(target)), 0
    while True:
        added = len(signs)
        # Never from where it was: a solver that stops early would return another model than the learner does.
        theta = victim.fit(np.vstack([X, rows]), np.append(y, signs))
        found = room.largest_difference(victim.loss, theta, target, _GAP)
        lower = max(lower, rows_to_reach(victim, X, y, theta, target, found.bound))
        turn += 1
        mean += (theta - mean) / turn
        # The average circles the target less than the models do; now and then is often enough to look at it.
        if turn & (turn - 1) == 0:
            lower = max(lower, rows_from_near(victim, X, y, room, mean, target))
        if reached_with is None and found.bound <= tol:
            reached_with = added
        if added == budget:
            break
        point, sign, step = found.point, found.sign, max(1, (budget - added) // n_steps)
        if reached_with == added and (idle := _idle_row(victim, room, theta, budget - added)) is not None:
            point, sign, step = *idle, budget - added
        point = _inset(point, room.sets[int(sign > 0)], X[y == sign].mean(axis=0))
        rows, signs = np.vstack([rows, np.repeat(point[None], step, axis=0)]), np.append(signs, np.full(step, sign))
    return Chase(rows, signs, theta, found.bound, lower, reached_with)


def _idle_row(victim: LinearVictim, room: Room, theta: Floats, times: int) -> tuple[Floats, float] | None:
    """Return a feasible row, with its class, so far beyond the margin that its copies hardly pull at the model."""
    rows = [
        (allowed.maximize(sign * theta[:-1]).point, sign) for sign, allowed in zip((-1.0, 1.0), room.sets, strict=True)
    ]
    margins = np.array([sign * scores(point, theta) for point, sign in rows])
    # Solvers find margins to some digits only.
    pull = times * np.abs(victim.loss.slope(np.ones(2), margins - 0.1))
    return rows[int(np.argmin(pull))] if pull.min() <= _IDLE else None


def _inset(point: Floats, allowed: FeasibleSet, middle: Floats) -> Floats:
    """Move a row a hair inwards, so that no rounding takes it out, where there is an inside."""
    moved: Floats = point + _INSET * (allowed.project(middle[None])[0] - point)
    return moved if allowed.violation(moved[None])[0] <= 0 else point


def harmful_target(victim: LinearVictim, X: Floats, y: Floats, room: Room, budget: int, tol: float) -> Floats:
    """Choose a decoy: the one whose chase, in a few coarse steps, ends with most errors on the clean rows.

    The decoys are trained on the clean rows and flipped copies, each counted several times: of the rows that the clean
    model is surest of, as many as the budget, among all or among those that the other class's set holds; or of the rows
    that it is least sure of, twice as many.
    """
    margin = y * scores(X, victim.fit(X, y))
    far = np.argsort(-margin, kind="stable")
    welcome = np.where(y > 0, room.sets[0].violation(X), room.sets[1].violation(X)) <= 0
    decoys, harm = [], []
    for flips in (far[:budget], far[welcome[far]][:budget], far[: -2 * budget - 1 : -1]):
        for multiple in _MULTIPLES if len(flips) else ():
            weight = np.append(np.ones(len(y)), np.full(len(flips), multiple))
            decoy = victim.fit(np.vstack([X, X[flips]]), np.append(y, -y[flips]), weight)
            end = y * scores(X, chase(victim, X, y, room, decoy, budget, tol, _COARSE).theta)
            decoys.append(decoy)
            harm.append((int(np.sum(end <= 0)), float(np.sum(np.maximum(-end, 0.0)))))
    return decoys[max(range(len(decoys)), key=harm.__getitem__)]
