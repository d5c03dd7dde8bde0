"""The bound at a model, with every rounding error counted against us: see ``docs/damage.md``, section 6."""

# SPDX-License-Identifier: BSD-3-Clause

import math

import numpy as np

from robustfit.certify._damage._game import Floats, Game
from robustfit.certify._damage._minimize import Parts
from robustfit.certify._feasible._base import rounding

_EPS = float(np.finfo(np.float64).eps)
_CALLS = 64 * _EPS
"""Relative error of the few elementary functions in the value of a loss."""
_VANISHED = float(np.finfo(np.float64).tiny)
"""A square that is smaller than this has lost digits, or is gone."""


def sound_parts(game: Game, theta: Floats, lengths: Floats) -> Parts:
    """Bound the clean losses, the worst added row and the penalty at a model from above, in exact arithmetic.

    Parameters
    ----------
    game : Game
        Without weights.
    theta : ndarray of shape (n_features + 1, n_outputs)
    lengths : ndarray of shape (n_rows,)
        Of the clean rows.
    """
    loss = game.learner.loss
    sizes = np.sqrt((theta[:-1] ** 2).sum(axis=0))
    constants = float(np.abs(theta[-1]).max()) + loss.unit + np.abs(game.Y).max(axis=1)
    error = rounding(game.shape[0]) * (lengths * float(sizes.max()) + constants)
    losses = loss.highest(game.Y, game.scores(theta), error)
    clean = math.fsum(losses.tolist()) * (1.0 + _CALLS * loss.n_outputs) + len(losses) * _VANISHED
    worst = max((_worst(game, theta, label, sizes) for label in range(len(game.sets))), default=0.0)
    penalty = game.learner.penalty(theta) * (1.0 + rounding(theta.size)) + theta.size * _VANISHED
    return Parts(theta, clean, worst, penalty, float((theta**2).sum()))


def _worst(game: Game, theta: Floats, label: int, sizes: Floats) -> float:
    """Bound the loss of the rows of a label."""
    loss, own = game.learner.loss, game.sets[label]
    if own is None:
        return 0.0
    combinations = loss.combinations(label)
    involved = np.abs(combinations)
    reach = own.maximize((theta[:-1] @ combinations).T).bound
    # Differences of weights round, and then point elsewhere.
    several = involved.sum(axis=0) > 1
    drift = np.where(several, sizes @ involved, 0.0) * own.reach if several.any() else 0.0
    shift = theta[-1] @ combinations
    size = np.abs(reach) + np.abs(theta[-1]) @ involved + loss.unit + loss.largest_target(label)
    highest = reach + shift + 4 * _EPS * (drift + size)
    return loss.peak(label, highest).value * (1.0 + _CALLS * loss.n_outputs) + _CALLS * loss.unit + _VANISHED


def round_up(value: float) -> float:
    """Return the next larger number, after a few operations that each round once."""
    return float(np.nextafter(value * (1.0 + 8 * _EPS), np.inf))
