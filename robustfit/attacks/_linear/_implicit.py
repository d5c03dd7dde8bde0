"""Gradients through training: how a trained learner's harm changes with the rows that it was trained on."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._linear._hessian import Memory
from robustfit.attacks._linear._smooth_learner import SmoothLearner
from robustfit.attacks._linear._victim import scores

Floats = NDArray[np.float64]


class TrainingRows(NamedTuple):
    """Rows that a learner is trained on.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
    Y : ndarray of shape (n_rows, n_outputs)
    weight : ndarray of shape (n_rows,)
    """

    X: Floats
    Y: Floats
    weight: Floats

    @classmethod
    def join(cls, one: Self, other: Self) -> Self:
        """Put the rows of two sets below each other."""
        return cls(*(np.concatenate(parts) for parts in zip(one, other, strict=True)))


class RowGradients(NamedTuple):
    """How an outer objective changes with some training rows' features, and with their targets."""

    X: Floats
    Y: Floats


def pull_gradients(learner: SmoothLearner, theta: Floats, rows: TrainingRows, direction: Floats) -> RowGradients:
    """Differentiate ⟨V, Σ v ∇_Θ ℓ(y, Θᵀx̃)⟩ in each row's features and targets, for a fixed V.

    Parameters
    ----------
    learner : SmoothLearner
    theta : ndarray of shape (n_features + 1, n_outputs)
    rows : TrainingRows
    direction : ndarray of shape (n_features + 1, n_outputs)
        V.

    Returns
    -------
    RowGradients
        In the features ``v (W ℓ'' Vᵀx̃ + V_w ℓ')``. In the targets that of the squared loss, ``−v Vᵀx̃``: no other
        loss has targets that can move.
    """
    S = scores(rows.X, theta)
    along = scores(rows.X, direction)
    bend = learner.loss.bend(rows.Y, S, along)
    slope = learner.loss.slope(rows.Y, S)
    weight = rows.weight[:, None]
    return RowGradients(weight * (bend @ theta[:-1].T + slope @ direction[:-1].T), -weight * along)


def implicit_gradients(
    learner: SmoothLearner,
    theta: Floats,
    clean: TrainingRows,
    poison: TrainingRows,
    outer_gradient: Floats,
    memory: Memory | None = None,
) -> RowGradients:
    """Differentiate an outer objective of the trained learner in all poison rows at once.

    Parameters
    ----------
    learner : SmoothLearner
    theta : ndarray of shape (n_features + 1, n_outputs)
        What the learner is after training on both sets of rows.
    clean, poison : TrainingRows
    outer_gradient : ndarray of shape (n_features + 1, n_outputs)
        Gradient in Θ of what the attacker cares about: of `capped_loss`, or, for the score that a class k has at a
        target x, x̃ in column k and 0 elsewhere.
    memory : Memory, optional
        Of earlier training nearby.

    Returns
    -------
    RowGradients
        In the poison rows' features and targets.

    Notes
    -----
    Training ends where ∇_Θ L(Θ; D) = 0. Differentiated, H dΘ + d(∇_Θ L) = 0 with the Hessian H, so that the outer
    objective changes by ``−⟨H⁻¹g, d(∇_Θ L)⟩``: one linear system for all rows. For a lasso the parameters that are 0
    stay so, and H is that of the others.

    References
    ----------
    .. [1] L. Muñoz-González, B. Biggio, A. Demontis, A. Paudice, V. Wongrassamee, E. C. Lupu and F. Roli, "Towards
       Poisoning of Deep Learning Algorithms with Back-gradient Optimization", AISec 2017, section 3.
    .. [2] S. Mei and X. Zhu, "Using Machine Teaching to Identify Optimal Training-Set Attacks on Machine Learners",
       AAAI 2015.
    """
    adjoint = learner.inverse(theta, *TrainingRows.join(clean, poison), outer_gradient, memory)
    return pull_gradients(learner, theta, poison, -adjoint)


def capped_loss(learner: SmoothLearner, theta: Floats, rows: TrainingRows, cap: float) -> tuple[float, Floats]:
    """Return the weighted mean over rows of ``c log(1 + ℓ/c)``, and its gradient in Θ; with c = ∞ of the loss itself.

    A row that is wrong already counts for ever less, so that a few far rows cannot stand for harm to many.
    """
    losses = learner.loss.value(rows.Y, scores(rows.X, theta))
    share = rows.weight / rows.weight.sum()
    value = losses if np.isinf(cap) else cap * np.log1p(losses / cap)
    return float(share @ value), learner.pull(theta, rows.X, rows.Y, share / (1 + losses / cap))


@dataclass(frozen=True, eq=False)
class Bilevel:
    """Train on clean and poison rows, and do badly on judged ones.

    Attributes
    ----------
    learner : SmoothLearner
    clean, judged : TrainingRows
    cap : float
        See `capped_loss`.
    """

    learner: SmoothLearner
    clean: TrainingRows
    judged: TrainingRows
    cap: float
    memory: Memory = field(default_factory=Memory, repr=False)

    def train(self, poison: TrainingRows, start: Floats | None = None) -> Floats:
        """Return Θ after training."""
        return self.learner.fit(*TrainingRows.join(self.clean, poison), start, self.memory)

    def harm(self, theta: Floats) -> float:
        """Return the capped loss on the judged rows."""
        return self.harm_gradient(theta)[0]

    def harm_gradient(self, theta: Floats) -> tuple[float, Floats]:
        """Return the harm and its gradient in Θ."""
        return capped_loss(self.learner, theta, self.judged, self.cap)

    def gradients(self, theta: Floats, poison: TrainingRows) -> RowGradients:
        """Differentiate the harm in the poison rows."""
        _, outer = self.harm_gradient(theta)
        return implicit_gradients(self.learner, theta, self.clean, poison, outer, self.memory)
