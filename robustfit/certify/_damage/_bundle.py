"""Tangents of the losses seen so far, and the model that minimises their maximum and the penalty."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._damage._game import Cut, Floats, LinearLearner
from robustfit.certify._damage._simplex_qp import minimize_quadratic

_EPS = float(np.finfo(np.float64).eps)
_IDLE = 30
"""Steps without weight after which a tangent is forgotten."""

_FEW = 20

CLEAN, ADDED = 0, 1


class _Room(NamedTuple):
    """Arrays of tangents, with room for more.

    Attributes
    ----------
    slopes : ndarray of shape (n_tangents, n_parameters)
    offsets, blurs, weights : ndarray of shape (n_tangents,)
    kind, idle : ndarray of shape (n_tangents,), int64
        Which function they are of, and for how many steps they were without weight.
    products : ndarray of shape (2, n_tangents, n_tangents)
        Inner products of the slopes: of what belongs to weights, and of what belongs to intercepts.
    """

    slopes: Floats
    offsets: Floats
    blurs: Floats
    weights: Floats
    kind: NDArray[np.int64]
    idle: NDArray[np.int64]
    products: Floats

    @classmethod
    def of(cls, n: int, n_parameters: int) -> "_Room":
        counts = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        offsets, blurs, weights = np.zeros((3, n))
        return _Room(np.zeros((n, n_parameters)), offsets, blurs, weights, *counts, np.zeros((2, n, n)))

    def first(self, n: int) -> "_Room":
        return self.only(slice(0, n), slice(0, n))

    def only(self, rows: Any, columns: Any) -> "_Room":
        slopes, offsets, blurs, weights, kind, idle, products = self
        few = slopes[rows], offsets[rows], blurs[rows], weights[rows], kind[rows], idle[rows]
        return _Room(*few, products[:, rows][:, :, columns])

    def grown(self, n: int) -> "_Room":
        larger, old = _Room.of(n, self.slopes.shape[1]), len(self.offsets)
        for new, part in zip(larger.first(old), self, strict=True):
            new[...] = part
        return larger


class Step(NamedTuple):
    """What the tangents tell.

    Attributes
    ----------
    lowest : float
        The sum of losses and penalties is at least that wherever the losses are above their tangents, blurs counted.
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
        self._room = _Room.of(0, shape[0] * shape[1])
        self.price = 0.0
        self.rows: list[tuple[Floats, Floats] | None] = []

    def add(self, cut: Cut, kind: int, row: tuple[Floats, Floats] | None = None) -> None:
        """Keep a tangent, of the clean losses or of an added row's, and the row and target that it belongs to."""
        last, place = self._shape[1], len(self.rows)
        if place == len(self._room.offsets):
            self._room = self._room.grown(2 * place + 32)
        self.rows.append(row)
        here = self._room
        here.weights[place] = 0.0 if kind in here.kind[:place] else 1.0
        here.slopes[place], here.offsets[place], here.blurs[place] = cut.slope, cut.offset, cut.blur
        here.kind[place], here.idle[place] = kind, 0
        slopes = here.slopes[: place + 1]
        parts = slopes[:, :-last] @ cut.slope[:-last], slopes[:, -last:] @ cut.slope[-last:]
        for product, part in zip(here.products, parts, strict=True):
            product[place, : place + 1] = product[: place + 1, place] = part

    def solve(self, budget: float, reach: float) -> Step:
        """Minimise the larger tangents and the penalty.

        Parameters
        ----------
        budget : float
            Weight of the added rows' tangents.
        reach : float
            Bound on intercepts that nothing else holds.
        """
        learner, here = self._learner, self._room.first(len(self.rows))
        scale = np.where(here.kind == CLEAN, 1.0, budget)
        ridge = learner.ridge + self.price
        held = (learner.intercept_ridge or 0.0) + self.price
        quadratic = here.products[0] / ridge
        if not learner.free_intercept and held > 0:
            quadratic = quadratic + here.products[1] / held
        quadratic *= np.outer(scale, scale)
        offsets = scale * here.offsets
        kinds = np.unique(here.kind)
        simplices = (here.kind == kinds[:, None]).astype(np.float64)
        theta = np.zeros(self._shape)
        if learner.free_intercept:
            theta[-1, : self._n_free] = self._balance(here, quadratic, offsets, simplices, scale, reach)
        else:
            here.weights[:], _ = minimize_quadratic(quadratic, offsets, simplices, np.ones(len(kinds)), here.weights)
        # Shares of 1 to the last digits: what they exceed it by would count as a bound.
        here.weights[:] /= (simplices @ here.weights) @ simplices
        here.idle[:] = np.where(here.weights > 0, 0, here.idle + 1)
        shares = scale * here.weights
        pull = (shares @ here.slopes).reshape(self._shape)
        theta[:-1] = -pull[:-1] / ridge
        if not learner.free_intercept and held > 0:
            theta[-1] = -pull[-1] / held
        return Step(self._lowest(here, shares, pull, (ridge, held), reach), theta)

    def _lowest(self, here: _Room, shares: Floats, pull: Floats, ridges: tuple[float, float], reach: float) -> float:
        """Return the minimum of the weighted tangents and the penalty, less what it may round."""
        rate = (2 * len(shares) + 2 * pull.size + 32) * _EPS
        steep = np.sqrt(here.products.diagonal(axis1=1, axis2=2).sum(axis=0))
        # A model of length r may have r times that much less.
        blur = float(shares @ (here.blurs + rate * steep))
        ridge, held = ridges
        weights, intercepts = np.linalg.norm(pull[:-1]) + blur, np.linalg.norm(pull[-1]) + blur
        falls = [0.5 * float(weights) ** 2 / ridge]
        if self._learner.free_intercept:
            falls.append(reach * (float(np.abs(pull[-1, : self._n_free]).sum()) + self._n_free * blur))
        elif held > 0:
            falls.append(0.5 * float(intercepts) ** 2 / held)
        size = float(shares @ np.abs(here.offsets)) + sum(falls)
        return float(shares @ here.offsets) - sum(falls) - rate * size

    def _balance(
        self, here: _Room, quadratic: Floats, offsets: Floats, simplices: Floats, scale: Floats, reach: float
    ) -> Floats:
        """Weigh so that the slopes in the intercepts cancel, what is left costs ``reach``; return the intercepts."""
        n_outputs, last = self._n_free, self._shape[1]
        push = (scale[:, None] * here.slopes[:, -last:]).T[:n_outputs]
        # Of the size of the other equations, whatever the unit of the targets.
        unit = float(np.abs(push).max()) or 1.0
        push = push / unit
        rest = push @ here.weights
        wide = np.pad(quadratic, (0, 2 * n_outputs))
        equations = np.vstack(
            [
                np.pad(simplices, ((0, 0), (0, 2 * n_outputs))),
                np.hstack([push, np.eye(n_outputs), -np.eye(n_outputs)]),
            ]
        )
        solution, multipliers = minimize_quadratic(
            wide,
            np.append(offsets, np.full(2 * n_outputs, -reach * unit)),
            equations,
            np.append(np.ones(len(simplices)), np.zeros(n_outputs)),
            np.concatenate([here.weights, np.maximum(-rest, 0.0), np.maximum(rest, 0.0)]),
        )
        here.weights[:] = solution[: len(offsets)]
        return -multipliers[len(simplices) :] / unit

    def forget(self) -> None:
        """Drop the tangents that have long been without weight, where there are many."""
        here = self._room.first(len(self.rows))
        kept = np.flatnonzero(here.idle < _IDLE)
        if len(self.rows) - len(kept) > _FEW:
            self._room = here.only(kept, kept)
            self.rows = [self.rows[index] for index in kept.tolist()]

    def attack(self) -> list[tuple[Floats, Floats, float]]:
        """Return the added rows with weight, their targets, and their shares of the budget."""
        here = self._room.first(len(self.rows))
        chosen = np.flatnonzero((here.kind == ADDED) & (here.weights > 0))
        found = [(self.rows[index], float(here.weights[index])) for index in chosen.tolist()]
        return [(*row, share) for row, share in found if row is not None]
