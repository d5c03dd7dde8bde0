"""The smallest bound on a learner's objective, whatever rows of the feasible sets are added, by tangents."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from robustfit.certify._damage._bundle import ADDED, CLEAN, Bundle
from robustfit.certify._damage._game import Cut, Floats, Game
from robustfit.certify._damage._row_losses import Rows
from robustfit.certify._feasible._base import rounding

_PATIENCE = 60
_BOLDEST, _MOST_CAREFUL = 0.6, 0.04
_FAR = 1e6
"""Far steps make steep tangents, which help; so far ones come from slopes that cancel before a weak penalty."""


class Reply(NamedTuple):
    """The worst that the rows of a label can do to a model, or some of it.

    Attributes
    ----------
    value : float
        Bound on the loss.
    shown : float
        What the tangent says it is: less than the bound, if that is not attained by the row found.
    cut : Cut
        A tangent that the loss of the row, or the bound on all rows, is never below.
    row : tuple of ndarray or None
        Features and target.
    """

    value: float
    shown: float
    cut: Cut
    row: tuple[Floats, Floats] | None


Oracle = Callable[[Floats], list[Reply]]


class Parts(NamedTuple):
    """A model, and what it costs.

    Attributes
    ----------
    theta : ndarray of shape (n_features + 1, n_outputs)
    clean : float
        Sum of the clean losses.
    worst : float
        Bound on the loss of an added row.
    penalty, square : float
        What the learner pays for it, and its squared length.
    unseen : float
        By how much the bound exceeds the largest loss of a row that was found.
    """

    theta: Floats
    clean: float
    worst: float
    penalty: float
    square: float
    unseen: float = 0.0

    def total(self, budget: float) -> float:
        """Return the bound with so many added rows."""
        return self.clean + budget * self.worst + self.penalty


@dataclass
class Search:
    """What has been seen of a game; it goes on from there for another budget.

    Parameters
    ----------
    game : Game
    oracle : callable
        What added rows do to a model; an empty list where none are added.
    """

    game: Game
    oracle: Oracle
    bundle: Bundle = field(init=False)
    seen: list[Parts] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.bundle = Bundle(self.game.learner, self.game.shape)
        self.visit(np.zeros(self.game.shape))

    def run(self, budget: float, tol: float, max_iter: int) -> tuple[Parts, float]:
        """Minimise the bound over all models, with the bundle's price of their length.

        Parameters
        ----------
        budget : float
            Weight of the largest loss of an added row.
        tol : float
            Stop where the bound is within this share of what an attack attains.
        max_iter : int

        Returns
        -------
        best : Parts
        lowest : float
            No model has a smaller bound, and if the tangents are those of rows: the objective that these force.
        """
        price = self.bundle.price

        def total(parts: Parts) -> float:
            return parts.total(budget) + 0.5 * price * parts.square

        best = min(self.seen, key=total)
        reach = intercept_reach(self.game, total(best))
        bold, lowest, gap, last_gain, least = 0.4, -np.inf, np.inf, 0, np.inf
        for iteration in range(max_iter):
            step = self.bundle.solve(budget, reach)
            lowest = max(lowest, step.lowest)
            left = total(best) - lowest
            if left <= 0.98 * gap:
                gap, last_gain = left, iteration
            least = min(least, total(best) - budget * best.unseen)
            # What no row attains keeps a gap open that more steps do not close.
            done = min(left, 2.0 * (least - lowest)) <= tol * best.total(budget)
            if done or iteration - last_gain > _PATIENCE or not np.isfinite(step.theta).all():
                break
            self.bundle.forget()
            # Part of the way only: far from all tangents the model is not to be trusted.
            share = bold if len(self.seen) > 1 else 1.0
            found = self.visit(best.theta + share * (self._held(step.theta, total(best)) - best.theta))
            least = min(least, total(found) - budget * found.unseen)
            better = total(found) < total(best)
            best = found if better else best
            bold = min(1.15 * bold, _BOLDEST) if better else max(0.8 * bold, _MOST_CAREFUL)
        # Losses and penalties are not negative.
        return best, max(lowest, 0.0)

    def _held(self, theta: Floats, total: float) -> Floats:
        """Shorten weights that only rounding can have made so long, before they grow beyond the range of floats."""
        # Those of the minimum cost less than the best model does.
        longest = _FAR * np.sqrt(2.0 * total / (self.game.learner.ridge + self.bundle.price))
        length = np.linalg.norm(theta[:-1])
        return np.vstack([theta[:-1] * (longest / length), theta[-1:]]) if length > longest else theta

    def visit(self, theta: Floats) -> Parts:
        """Look at a model, and keep the tangents there."""
        game = self.game
        clean, cut = game.clean_cut(theta, game.scores(theta))
        self.bundle.add(cut, CLEAN)
        replies = self.oracle(theta)
        for reply in replies:
            self.bundle.add(reply.cut, ADDED, reply.row)
        worst = max((reply.value for reply in replies), default=0.0)
        unseen = worst - max((reply.shown for reply in replies), default=0.0)
        parts = Parts(theta, clean, worst, game.learner.penalty(theta), float((theta**2).sum()), unseen)
        self.seen.append(parts)
        return parts


def minimize(search: Search, budget: float, tol: float, max_iter: int) -> tuple[Parts, float]:
    """Minimise the bound over the models that the learner may choose.

    Parameters and returns as of `Search.run`. A norm has a multiplier: the ridge at which the best model is as long as
    it may be. Every multiplier gives a lower end, and every model that is not too long an upper one.
    """
    norm = search.game.learner.norm
    if norm == np.inf:
        return search.run(budget, tol, max_iter)
    best = min((parts for parts in search.seen if _length(parts) <= norm), key=lambda parts: parts.total(budget))
    search.bundle.price = search.bundle.price or best.total(budget) / norm**2
    low, high, lowest, accuracy, first = 0.0, np.inf, 0.0, 0.3 * tol, len(search.seen)
    while len(search.seen) - first < max_iter:
        price, before = search.bundle.price, len(search.seen)
        left = max_iter - (before - first)
        free, least = search.run(budget, accuracy, left)
        lowest = max(lowest, least - 0.5 * price * norm**2)
        found = search.visit(inside(free.theta, norm)) if _length(free) > norm else free
        best = min(best, found, key=lambda parts: parts.total(budget))
        if best.total(budget) - lowest <= tol * best.total(budget):
            break
        low, high = (price, high) if _length(free) > norm else (low, price)
        if high <= 1.001 * low:
            low, high, accuracy = 0.0, np.inf, 0.5 * accuracy
        search.bundle.price = _between(price * min(max(_length(free) / norm, 0.1), 10.0), low, high)
    return best, lowest


def _between(guess: float, low: float, high: float) -> float:
    """Return a guess, or the middle where it is not well inside."""
    if low == 0.0 or high == np.inf or low * 1.01 < guess < high * 0.99:
        return guess
    return float(np.sqrt(low * high))


def _length(parts: Parts) -> float:
    return float(np.sqrt(parts.square))


def inside(theta: Floats, norm: float) -> Floats:
    """Shorten a model that is longer than it may be, rounding included."""
    if norm == np.inf:
        return theta
    length = float(np.linalg.norm(theta)) * (1.0 + rounding(theta.size))
    return theta * (norm / length * (1.0 - rounding(1))) if length > norm else theta


def intercept_reach(game: Game, total: float) -> float:
    """Bound the intercepts of the models whose clean losses and penalty add up to no more than ``total``."""
    learner = game.learner
    if not learner.free_intercept:
        return 0.0
    groups = learner.loss.groups(game.Y)
    weights = np.ones(game.n_rows) if game.weights is None else game.weights
    member = (groups[:, None] == np.arange(groups.max() + 1)) * weights[:, None]
    counts = member.sum(axis=0)
    sizes = np.linalg.norm(np.asarray(game.X.T @ member) / counts, axis=0)
    targets = (member.T @ game.Y) / counts[:, None]
    rows = Rows(counts, sizes, targets, total, float(np.sqrt(2.0 * total / learner.ridge)))
    return 1.01 * learner.loss.intercept_reach(rows)
