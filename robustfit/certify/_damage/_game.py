"""A linear learner and an attacker who adds rows of feasible sets: what both see at a given model."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._damage._row_losses import RowLoss
from robustfit.certify._feasible import FeasibleSet

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_VANISHED = float(np.finfo(np.float64).tiny)


def row_lengths(X: Any) -> Floats:
    """Return the Euclidean length of each row, of an array or a sparse matrix."""
    squares = X.multiply(X).sum(axis=1) if hasattr(X, "multiply") else np.einsum("ij,ij->i", X, X)
    lengths: Floats = np.sqrt(np.asarray(squares, dtype=np.float64).ravel())
    return lengths


@dataclass(frozen=True)
class LinearLearner:
    """A learner that minimises Σᵢ ℓ(yᵢ, Wᵀxᵢ + b) + (ridge/2)‖W‖² + (intercept_ridge/2)‖b‖² over ‖(W, b)‖ ≤ norm.

    Parameters
    ----------
    loss : RowLoss
    ridge : float
        Against the sum of the rows' losses, whatever their number.
    intercept_ridge : float or None
        0 for intercepts that are not penalised, None for a learner without them.
    norm : float
        Infinite where weights are not bounded.
    """

    loss: RowLoss
    ridge: float
    intercept_ridge: float | None
    norm: float = np.inf

    @property
    def has_intercept(self) -> bool:
        """Whether there is one."""
        return self.intercept_ridge is not None

    @property
    def free_intercept(self) -> bool:
        """Whether nothing holds it."""
        return self.intercept_ridge == 0 and self.norm == np.inf

    def penalty(self, theta: Floats) -> float:
        """Return what the learner pays for a model."""
        # Squares of small weights would vanish before a large ridge could lift them.
        weights = np.sqrt(self.ridge) * theta[:-1]
        intercepts = np.sqrt(self.intercept_ridge or 0.0) * theta[-1]
        return float(0.5 * (weights**2).sum() + 0.5 * (intercepts**2).sum())


class Cut(NamedTuple):
    """An affine function of the model that some loss is never below.

    Attributes
    ----------
    offset : float
    slope : ndarray of shape ((n_features + 1) * n_outputs,)
    blur : float
        Times the length of a model: by how much the function may be above the loss there, for what the slope rounds.
    """

    offset: float
    slope: Floats
    blur: float = 0.0


class Answer(NamedTuple):
    """What the rows of one label can do to a model.

    Attributes
    ----------
    label : int
    bound : float
        No row of the set has a larger loss, up to rounding of what follows `FeasibleSet.maximize`.
    points : ndarray of shape (n_directions, n_features)
        Rows of the set, one for each direction.
    pull : ndarray of shape (n_directions,)
        Share of each direction in the bound's gradient.
    target : ndarray
        Of the worst row.
    """

    label: int
    bound: float
    points: Floats
    pull: Floats
    target: Floats


@dataclass(frozen=True, eq=False)
class Game:
    """Clean rows, and where an attacker may add rows.

    Parameters
    ----------
    learner : LinearLearner
    X : ndarray or csr array of shape (n_rows, n_features)
    Y : ndarray
        Targets, as the learner's loss takes them.
    sets : sequence of FeasibleSet or None
        One for each label; None for labels that the attacker does not use.
    weights : ndarray of shape (n_rows,), optional
        How often each row counts.
    """

    learner: LinearLearner
    X: Any
    Y: Floats
    sets: Sequence[FeasibleSet | None] = ()
    weights: Floats | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of a model, (n_features + 1, n_outputs); the last row holds the intercepts."""
        return self.X.shape[1] + 1, self.learner.loss.n_outputs

    @cached_property
    def n_rows(self) -> int:
        """Number of clean rows."""
        return int(self.X.shape[0])

    @cached_property
    def _lengths(self) -> Floats:
        """Length of (x, 1) of each clean row."""
        return np.hypot(row_lengths(self.X), 1.0)

    def scores(self, theta: Floats) -> Floats:
        """Return the scores of the clean rows."""
        scores: Floats = np.asarray(self.X @ theta[:-1]) + theta[-1]
        return scores

    def clean_cut(self, theta: Floats, scores: Floats) -> tuple[float, Cut]:
        """Return the sum of the clean losses at a model, and its tangent there: less what it may round, see 6."""
        losses, pull = self.learner.loss.value(self.Y, scores), self.learner.loss.slope(self.Y, scores)
        if self.weights is not None:
            losses, pull = losses * self.weights, pull * self.weights[:, None]
        last = pull.sum(axis=0) if self.learner.has_intercept else np.zeros(pull.shape[1])
        slope = np.vstack([np.asarray(self.X.T @ pull), last]).ravel()
        value = float(losses.sum())
        noise, blur = self._noise(value, pull, theta)
        return value, Cut(value - float(slope @ theta.ravel()) - noise, slope, blur)

    def _noise(self, value: float, pull: Floats, theta: Floats) -> tuple[float, float]:
        """Bound the errors of the offset and of the slope of the clean losses' tangent."""
        unit, counts = self.learner.loss.unit, np.ones(self.n_rows) if self.weights is None else self.weights
        steep = float((np.sqrt((pull**2).sum(axis=1)) + unit * counts) @ self._lengths)
        rate = (2 * self.n_rows + 4 * theta.size + 128) * _EPS
        noise = rate * (value + unit * float(counts.sum()) + 2.0 * steep * float(np.linalg.norm(theta)))
        return noise + self.n_rows * _VANISHED, rate * steep + self.n_rows * _VANISHED

    def answers(self, theta: Floats) -> list[Answer]:
        """Return the worst that the rows of each label can do to a model."""
        return [self._answer(theta, label, own) for label, own in enumerate(self.sets) if own is not None]

    def _answer(self, theta: Floats, label: int, own: FeasibleSet) -> Answer:
        combinations = self.learner.loss.combinations(label)
        support = own.maximize((theta[:-1] @ combinations).T)
        peak = self.learner.loss.peak(label, support.bound + theta[-1] @ combinations)
        return Answer(label, peak.value, support.point, peak.pull, peak.target)

    def peak_cut(self, theta: Floats, answer: Answer) -> Cut:
        """Return the tangent of a label's bound at a model."""
        turned = self.learner.loss.combinations(answer.label) * answer.pull
        last = turned.sum(axis=1) if self.learner.has_intercept else np.zeros(len(turned))
        slope = np.vstack([answer.points.T @ turned.T, last]).ravel()
        return Cut(answer.bound - float(slope @ theta.ravel()), slope)

    def row_cut(self, theta: Floats, row: Floats, target: Floats) -> tuple[float, Cut]:
        """Return one row's loss at a model, and its tangent there."""
        score = (row @ theta[:-1] + theta[-1])[None]
        value = float(self.learner.loss.value(target[None], score)[0])
        pull = self.learner.loss.slope(target[None], score)[0]
        slope = np.vstack([np.outer(row, pull), pull * self.learner.has_intercept]).ravel()
        return value, Cut(value - float(slope @ theta.ravel()), slope)
