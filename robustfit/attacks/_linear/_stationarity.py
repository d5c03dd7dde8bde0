"""Rows that make a given model satisfy the optimality conditions of a hinge learner (Koh, Steinhardt and Liang)."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from robustfit.attacks._linear._victim import Floats, LinearVictim, scores
from robustfit.certify import FeasibleSet

_ON_MARGIN = 0.01
"""Rows whose margin is this near to 1 may pull at the model with any share of their weight."""

_STEPS, _PATIENCE = 300, 20
_SOLVED, _PROGRESS = 1e-3, 1e-3


class Pull(NamedTuple):
    """What clean rows and penalty do at a model: the gradients g + Σᵢ αᵢ aᵢ with every αᵢ in [0, 1].

    Attributes
    ----------
    fixed : ndarray of shape (n_features + 1,)
        g.
    loose : ndarray of shape (n_loose, n_features + 1)
        aᵢ, of the rows on the margin.
    """

    fixed: Floats
    loose: Floats


class Match(NamedTuple):
    """Two rows, repeated, that nearly balance the clean rows at a model.

    Attributes
    ----------
    rows : ndarray of shape (2, n_features)
        Of the classes −1 and +1.
    counts : tuple of two int
        How often each is repeated.
    residual : float
        Length of what is left of the gradient.
    """

    rows: Floats
    counts: tuple[int, int]
    residual: float


def clean_pull(victim: LinearVictim, theta: Floats, X: Floats, y: Floats, budget: int) -> Pull:
    """Return the subgradients at θ of the hinge learner's objective with ``budget`` rows that are not there yet."""
    margin = y * scores(X, theta)
    loose = np.abs(margin - 1.0) <= _ON_MARGIN
    pull = np.where((margin < 1.0) & ~loose, -y, 0.0)
    has_intercept = victim.intercept_ridge is not None
    fixed = np.append(pull @ X, pull.sum() if has_intercept else 0.0)
    fixed += victim.ridge_vector(X.shape[1], float(len(y) + budget)) * theta
    column = np.full((int(loose.sum()), 1), 1.0 if has_intercept else 0.0)
    return Pull(fixed, -y[loose, None] * np.hstack([X[loose], column]))


def even_split(pull: Pull, budget: int) -> int:
    """Return the number of rows of class +1 that leaves the intercept where it is, or is nearest to doing so."""
    balance = pull.fixed[-1] + 0.5 * pull.loose[:, -1].sum()
    return int(np.clip(round((budget + balance) / 2), 0, budget))


def match(
    pull: Pull, sets: Sequence[FeasibleSet | None], counts: tuple[int, int], start: Floats, has_intercept: bool
) -> Match:
    """Minimise the length of g + Σ αᵢaᵢ − m₊(x₊, 1) + m₋(x₋, 1) over feasible rows and shares.

    Parameters
    ----------
    pull : Pull
    sets : sequence of two FeasibleSet or None
        Of the classes −1 and +1: rows that pull at the model with their whole weight. None only for a class with no
        rows.
    counts : tuple of two int
        m₋ and m₊.
    start : ndarray of shape (2, n_features)
    has_intercept : bool

    Returns
    -------
    Match

    Notes
    -----
    A convex problem in up to three blocks of variables: accelerated projected gradient steps, each block with its own
    step length, and a restart where the length rises.
    """
    problem = _Blocks(pull, sets, counts, has_intercept)
    point = problem.project(problem.begin(start))
    best, momentum, ahead = problem.length(point), 1.0, point
    history = [best]
    while len(history) < _STEPS and best > _SOLVED * problem.scale:
        new = problem.step(ahead)
        length = problem.length(new)
        if length > best and ahead is not point:
            ahead, momentum = point, 1.0
            continue
        longer = 0.5 * (1 + np.sqrt(1 + 4 * momentum**2))
        ahead = [a + (momentum - 1) / longer * (a - b) for a, b in zip(new, point, strict=True)]
        point, best, momentum = new, min(length, best), longer
        history.append(best)
        if len(history) > _PATIENCE and best > (1 - _PROGRESS) * history[-_PATIENCE]:
            break
    return Match(np.array(point[:2]), counts, best)


class _Blocks:
    """The three blocks: the row of class −1, the row of class +1, and the shares of the rows on the margin."""

    def __init__(
        self, pull: Pull, sets: Sequence[FeasibleSet | None], counts: tuple[int, int], has_intercept: bool
    ) -> None:
        self._pull, self._sets, self._counts = pull, sets, counts
        self._column = np.array([1.0 if has_intercept else 0.0])
        # Rows of class −1 have the gradient +(x, 1), those of class +1 the gradient −(x, 1).
        self._factors = counts[0], -counts[1]
        small = pull.loose if len(pull.loose) < pull.loose.shape[1] else pull.loose.T
        self._loose_size = float(np.linalg.eigvalsh(small @ small.T)[-1]) if len(pull.loose) else 0.0
        self._n_blocks = sum(count > 0 for count in counts) + (self._loose_size > 0)
        self.scale = float(np.linalg.norm(pull.fixed))

    def begin(self, start: Floats) -> list[Floats]:
        """Return the first point: given rows, and half of each share."""
        return [*start, np.full(len(self._pull.loose), 0.5)]

    def project(self, point: list[Floats]) -> list[Floats]:
        """Move each block into its set."""
        rows = [
            row if feasible is None or count == 0 else feasible.project(row[None])[0]
            for row, feasible, count in zip(point, self._sets, self._counts, strict=False)
        ]
        return [*rows, np.clip(point[2], 0.0, 1.0)]

    def left(self, point: list[Floats]) -> Floats:
        """Return the gradient of the poisoned objective."""
        total = self._pull.fixed + point[2] @ self._pull.loose
        for row, factor in zip(point, self._factors, strict=False):
            total = total + factor * np.append(row, self._column)
        return total

    def length(self, point: list[Floats]) -> float:
        """Return the length of that gradient."""
        return float(np.linalg.norm(self.left(point)))

    def step(self, point: list[Floats]) -> list[Floats]:
        """Go one projected gradient step; with k blocks, 1/k of each block's own step never overshoots."""
        left = self.left(point)
        moved = [
            row - left[:-1] / (self._n_blocks * factor) if factor else row
            for row, factor in zip(point, self._factors, strict=False)
        ]
        shares = point[2]
        if self._loose_size > 0:
            shares = shares - self._pull.loose @ left / (self._n_blocks * self._loose_size)
        return self.project([*moved, shares])
