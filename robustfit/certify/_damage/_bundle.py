"""Tangents of the losses seen so far, and the model that minimises their maximum and the penalty."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from robustfit.certify._damage._game import Cut, Floats, LinearLearner
from robustfit.certify._damage._simplex_qp import minimize_quadratic

_IDLE = 30
"""Steps without weight after which a tangent is forgotten."""

CLEAN, ADDED = 0, 1


class Step(NamedTuple):
    """What the tangents tell.

    Attributes
    ----------
    lowest : float
        The sum of losses and penalties is at least that wherever the losses are above their tangents.
    theta : ndarray of shape (n_features + 1, n_outputs)
        Where that is attained.
    """

    lowest: float
    theta: Floats


class Bundle:
    """Tangents of two convex functions: the sum of the clean losses, and the largest loss of an added row.

    Parameters
    ----------
    learner : LinearLearner
    shape : tuple of int
        Of a model.

    Attributes
    ----------
    price : float
        Added to the learner's ridges, those of intercepts too: a multiplier of the norm.
    """

    def __init__(self, learner: LinearLearner, shape: tuple[int, int]) -> None:
        self._learner, self._shape = learner, shape
        # What all scores of a row have in common is of no account, so one intercept may stay 0.
        self._n_free = shape[1] - learner.loss.coupled
        self._slopes = np.zeros((0, shape[0] * shape[1]))
        self._offsets, self._weights = np.zeros(0), np.zeros(0)
        self._kind, self._idle = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        # Inner products of the slopes: of what belongs to weights, and of what belongs to intercepts.
        self._products = np.zeros((2, 0, 0))
        self.price = 0.0
        self.rows: list[tuple[Floats, Floats] | None] = []

    @property
    def size(self) -> int:
        """Number of tangents."""
        return len(self._offsets)

    def add(self, cut: Cut, kind: int, row: tuple[Floats, Floats] | None = None) -> None:
        """Keep a tangent, of the clean losses or of an added row's, and the row and target that it belongs to."""
        last = self._shape[1]
        self._slopes = np.vstack([self._slopes, cut.slope])
        self._offsets = np.append(self._offsets, cut.offset)
        self._weights = np.append(self._weights, 0.0 if kind in self._kind else 1.0)
        self._kind, self._idle = np.append(self._kind, kind), np.append(self._idle, 0)
        products = np.pad(self._products, ((0, 0), (0, 1), (0, 1)))
        parts = self._slopes[:, :-last] @ cut.slope[:-last], self._slopes[:, -last:] @ cut.slope[-last:]
        for part, product in zip(products, parts, strict=True):
            part[-1], part[:, -1] = product, product
        self._products = products
        self.rows.append(row)

    def solve(self, budget: float, reach: float) -> Step:
        """Minimise the larger tangents and the penalty.

        Parameters
        ----------
        budget : float
            Weight of the added rows' tangents.
        reach : float
            Bound on intercepts that nothing else holds.
        """
        learner = self._learner
        scale = np.where(self._kind == CLEAN, 1.0, budget)
        ridge = learner.ridge + self.price
        held = (learner.intercept_ridge or 0.0) + self.price
        quadratic = self._products[0] / ridge
        if not learner.free_intercept and held > 0:
            quadratic = quadratic + self._products[1] / held
        quadratic *= np.outer(scale, scale)
        offsets = scale * self._offsets
        kinds = np.unique(self._kind)
        simplices = (self._kind == kinds[:, None]).astype(np.float64)
        if learner.free_intercept:
            multipliers = self._balance(quadratic, offsets, simplices, scale, reach)
        else:
            self._weights, multipliers = minimize_quadratic(
                quadratic, offsets, simplices, np.ones(len(kinds)), self._weights
            )
        self._idle = np.where(self._weights > 0, 0, self._idle + 1)
        pull = (scale * self._weights) @ self._slopes
        theta = np.zeros(self._shape)
        weights, intercepts = pull.reshape(self._shape)[:-1], pull.reshape(self._shape)[-1]
        theta[:-1] = -weights / ridge
        lowest = float(offsets @ self._weights)
        if learner.free_intercept:
            theta[-1, : self._n_free] = -multipliers[len(kinds) :]
            lowest -= reach * float(np.abs(intercepts[: self._n_free]).sum())
        elif held > 0:
            theta[-1] = -intercepts / held
        lowest -= 0.5 * float((weights**2).sum()) / ridge
        if not learner.free_intercept and held > 0:
            lowest -= 0.5 * float((intercepts**2).sum()) / held
        return Step(lowest, theta)

    def _balance(self, quadratic: Floats, offsets: Floats, simplices: Floats, scale: Floats, reach: float) -> Floats:
        """Solve where the slopes in the intercepts have to cancel; what is left of them costs ``reach``."""
        n_outputs, last = self._n_free, self._shape[1]
        push = (scale[:, None] * self._slopes[:, -last:]).T[:n_outputs]
        rest = push @ self._weights
        wide = np.pad(quadratic, (0, 2 * n_outputs))
        equations = np.vstack(
            [
                np.pad(simplices, ((0, 0), (0, 2 * n_outputs))),
                np.hstack([push, np.eye(n_outputs), -np.eye(n_outputs)]),
            ]
        )
        solution, multipliers = minimize_quadratic(
            wide,
            np.append(offsets, np.full(2 * n_outputs, -reach)),
            equations,
            np.append(np.ones(len(simplices)), np.zeros(n_outputs)),
            np.concatenate([self._weights, np.maximum(-rest, 0.0), np.maximum(rest, 0.0)]),
        )
        self._weights = solution[: len(offsets)]
        return multipliers

    def forget(self) -> None:
        """Drop the tangents that have long been without weight."""
        kept = np.flatnonzero(self._idle < _IDLE)
        if len(kept) == len(self._idle):
            return
        self._slopes, self._offsets, self._weights = self._slopes[kept], self._offsets[kept], self._weights[kept]
        self._kind, self._idle = self._kind[kept], self._idle[kept]
        self._products = self._products[:, kept[:, None], kept]
        self.rows = [self.rows[index] for index in kept.tolist()]

    def attack(self) -> list[tuple[Floats, Floats, float]]:
        """Return the added rows with weight, their targets, and their shares of the budget."""
        chosen = np.flatnonzero((self._kind == ADDED) & (self._weights > 0))
        shares = self._weights[chosen] / self._weights[chosen].sum() if chosen.size else self._weights[chosen]
        rows = [self.rows[index] for index in chosen.tolist()]
        return [(*row, float(share)) for row, share in zip(rows, shares, strict=True) if row is not None]
