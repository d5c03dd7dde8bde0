"""The loss of a row that has one score, or one for each class."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from robustfit.losses import Loss

Floats = NDArray[np.float64]


class RowLoss(Protocol):
    """What a learner minimises for each row, as a function of its targets and scores, both of shape (n_rows, k).

    ``coupled`` tells whether the scores of a row share one loss, which does not change when all grow alike.
    """

    coupled: ClassVar[bool]

    def value(self, Y: Floats, S: Floats) -> Floats:
        """Return the loss of each row, of shape (n_rows,)."""
        ...

    def slope(self, Y: Floats, S: Floats) -> Floats:
        """Return the gradient in the scores, of shape (n_rows, k)."""
        ...

    def bend(self, Y: Floats, S: Floats, V: Floats) -> Floats:
        """Return the Hessian in the scores times a direction V for each row, of shape (n_rows, k)."""
        ...

    def curvature(self, Y: Floats, S: Floats, one: int, other: int) -> Floats:
        """Return an entry of that Hessian for each row, of shape (n_rows,)."""
        ...


@dataclass(frozen=True)
class Separate:
    """The sum of one loss over the scores of a row: one score, or one against the rest for each class."""

    loss: Loss
    coupled: ClassVar[bool] = False

    def value(self, Y: Floats, S: Floats) -> Floats:
        """Return the loss of each row."""
        total: Floats = self.loss.value(Y, S).sum(axis=1)
        return total

    def slope(self, Y: Floats, S: Floats) -> Floats:
        """Return the gradient in the scores."""
        return self.loss.slope(Y, S)

    def bend(self, Y: Floats, S: Floats, V: Floats) -> Floats:
        """Return the Hessian in the scores times a direction."""
        product: Floats = self.loss.curvature(Y, S) * V
        return product

    def curvature(self, Y: Floats, S: Floats, one: int, other: int) -> Floats:
        """Return an entry of that Hessian for each row."""
        if one != other:
            return np.zeros(len(S))
        return self.loss.curvature(Y[:, one], S[:, one])


class Softmax:
    """Multinomial logistic loss, −log of the softmax of the own class; targets are one-hot."""

    coupled: ClassVar[bool] = True

    def value(self, Y: Floats, S: Floats) -> Floats:
        """Return the loss of each row."""
        surprise: Floats = logsumexp(S, axis=1) - (Y * S).sum(axis=1)
        return surprise

    def slope(self, Y: Floats, S: Floats) -> Floats:
        """Return the gradient in the scores."""
        pull: Floats = softmax(S, axis=1) - Y
        return pull

    def bend(self, Y: Floats, S: Floats, V: Floats) -> Floats:
        """Return the Hessian in the scores times a direction."""
        share = softmax(S, axis=1)
        product: Floats = share * (V - (share * V).sum(axis=1, keepdims=True))
        return product

    def curvature(self, Y: Floats, S: Floats, one: int, other: int) -> Floats:
        """Return an entry of that Hessian for each row."""
        share: Any = softmax(S, axis=1)
        entry: Floats = share[:, one] * ((one == other) - share[:, other])
        return entry
