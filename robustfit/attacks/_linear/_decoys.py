"""Decoys: models that do badly on clean rows, yet not so badly that a few rows could not justify them."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._linear._min_max import descend, spread
from robustfit.attacks._linear._victim import Floats, LinearVictim, scores
from robustfit.certify import CutSet, FeasibleSet

_SHARES = (0.5, 1.5, 5.0)
"""Numbers of rows that are flipped, in budgets."""

_WEIGHTS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""How often each flipped row is repeated."""

_STEPS = 200
"""Steps of the descent whose worst rows a decoy learns from."""

_TIMES = (1.0, 1.5, 2.0, 3.0)
"""Weights of those rows together, in budgets."""

_HELD_OUT = 1 / 3
_LARGEST_SHARE, _LARGEST_WEIGHT = 0.5, 2.0


class Decoy(NamedTuple):
    """A model that an attacker would like the victim to learn.

    Attributes
    ----------
    theta : ndarray of shape (n_features + 1,)
    loss : float
        The victim's objective on the clean rows: what it costs to make the victim believe in the model.
    error : float
        Share of clean rows that the model gets wrong.
    """

    theta: Floats
    loss: float
    error: float


def error_rate(theta: Floats, X: Floats, y: Floats) -> float:
    """Share of rows on the wrong side, or on the boundary."""
    return float(np.mean(y * scores(X, theta) <= 0))


def train_decoys(
    victim: LinearVictim,
    X: Floats,
    y: Floats,
    sets: Sequence[FeasibleSet],
    budget: int,
    rng: np.random.Generator,
) -> list[Decoy]:
    """Train models on the clean rows and on rows that contradict them, and keep those on the Pareto front.

    Parameters
    ----------
    victim : LinearVictim
    X : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
        −1 or +1.
    sets : sequence of two FeasibleSet
        Of the classes −1 and +1.
    budget : int
        Rows of the attack that is to come; tells how far a decoy may be away.
    rng : numpy Generator
        Draws the rows that are held out: they are never flipped, and the error is that on them.

    Returns
    -------
    decoys : list of Decoy
        By rising loss and error. None costs more than another that errs as much or more. All err more than the clean
        model, if any does.

    Notes
    -----
    Contradicting rows are flipped copies of the clean rows with the smallest margins, of both classes or of one, and
    the worst feasible rows of a short descent. Copies are weights, so a fit reads each row once.
    """
    held_out = rng.random(len(y)) < _HELD_OUT
    if not held_out.any():
        held_out[:] = True
    Xh, yh = X[held_out], y[held_out]
    clean_theta = victim.fit(X, y)
    flips = _flips(y * scores(X, clean_theta), y, budget, ~held_out)
    more = [(X[rows], -y[rows], weight) for rows, weight in flips]
    worst = spread(descend(victim, X, y, sets, budget, _STEPS), min(budget, _STEPS))
    more += [(*worst, times * budget / len(worst[1])) for times in _TIMES]
    found = []
    for rows, signs, weight in more:
        weights = np.append(np.ones(len(y)), np.full(len(signs), weight))
        theta = victim.fit(np.concatenate([X, rows]), np.append(y, signs), weights)
        found.append(Decoy(theta, victim.objective(theta, X, y), error_rate(theta, Xh, yh)))
    return pareto_front(found, error_rate(clean_theta, Xh, yh)) or pareto_front(found, -1.0)


def _flips(
    margin: Floats, y: Floats, budget: int, allowed: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[np.int64], float]]:
    """Yield the rows to flip, and the weight of each."""
    for kind in (allowed, allowed & (y > 0), allowed & (y < 0)):
        rows = np.flatnonzero(kind)
        ranked = rows[np.argsort(margin[rows], kind="stable")]
        sizes = sorted({min(max(round(share * budget), 1), int(_LARGEST_SHARE * len(ranked))) for share in _SHARES})
        for size in sizes:
            for weight in _WEIGHTS:
                if size > 0 and size * weight <= _LARGEST_WEIGHT * len(y):
                    yield ranked[:size], weight


def pareto_front(decoys: Sequence[Decoy], least: float) -> list[Decoy]:
    """Keep the decoys that err more than ``least`` and more than all that cost less."""
    front: list[Decoy] = []
    for decoy in sorted(decoys, key=lambda decoy: (decoy.loss, -decoy.error)):
        if decoy.error > (front[-1].error if front else least):
            front.append(decoy)
    return front


def decoy_sets(
    sets: Sequence[FeasibleSet],
    theta: Floats,
    *,
    highest_margin: float = np.inf,
    lowest_margins: Sequence[float] = (-np.inf, -np.inf),
) -> list[FeasibleSet | None]:
    """Cut the sets of the classes −1 and +1 to rows whose margins under a decoy are within limits.

    Returns
    -------
    cut : list of two FeasibleSet or None
        None where no feasible row has such a margin.
    """
    cut: list[FeasibleSet | None] = []
    for sign, feasible, lowest in zip((-1.0, 1.0), sets, lowest_margins, strict=True):
        # The margin is sign · (⟨w, x⟩ + b).
        normal, shift = sign * theta[:-1], sign * theta[-1]
        try:
            cut.append(CutSet(feasible, normal, low=min(lowest, highest_margin) - shift, high=highest_margin - shift))
        except ValueError:
            cut.append(None)
    return cut


def innocent_margins(theta: Floats, X: Floats, y: Floats, quantile: float | None) -> tuple[float, float]:
    """Return the margins below which fewer than 1 − ``quantile`` of the rows of the classes −1 and +1 lie.

    A row above has a loss that is no larger than that quantile of the clean losses under the decoy.
    """
    if quantile is None:
        return -np.inf, -np.inf
    margin = y * scores(X, theta)
    low, high = (float(np.quantile(margin[y == sign], 1.0 - quantile)) for sign in (-1.0, 1.0))
    return low, high


def check_quantile(quantile: Any) -> None:
    """Raise unless this is a share between 0 and 1."""
    if isinstance(quantile, bool) or not isinstance(quantile, int | float | np.number) or not 0.0 < quantile <= 1.0:
        raise ValueError(f"loss_quantile is a share of the clean rows in (0, 1], got {quantile!r}.")
