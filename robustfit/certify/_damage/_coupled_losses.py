"""Losses of several classes that depend on the differences of their scores."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np

from robustfit.certify._damage._row_losses import Codes, Floats, Peak, Rows
from robustfit.losses import MULTINOMIAL


class CoupledLoss(ABC):
    """What they share. Targets are codes of classes, as floats of shape (n_rows, 1).

    Parameters
    ----------
    n_classes : int
    """

    coupled: ClassVar[bool] = True
    unit: ClassVar[float] = 1.0

    def __init__(self, n_classes: int) -> None:
        self.n_labels = self.n_outputs = n_classes

    @abstractmethod
    def value(self, Y: Floats, S: Floats) -> Floats:
        """Return the loss of each row."""

    def groups(self, Y: Floats) -> Codes:
        """Return the labels."""
        return Y[:, 0].astype(np.intp)

    def highest(self, Y: Floats, S: Floats, error: Floats) -> Floats:
        """Return the largest loss of each row: it moves by no more than a difference of two scores does."""
        highest: Floats = self.value(Y, S) + 2.0 * error
        return highest

    def combinations(self, label: int) -> Floats:
        """Return one direction for each other class: from the own class towards it."""
        others = np.delete(np.eye(self.n_outputs), label, axis=1)
        others[label] = -1.0
        return others

    def largest_target(self, label: int) -> float:
        """Return 0: leads are taken as they are."""
        return 0.0

    def intercept_reach(self, rows: Rows) -> float:
        """Bound the differences of the intercepts: a loss is at least every lead over the own class."""
        return 2.0 * rows.slowest()


class Multinomial(CoupledLoss):
    """Minus the logarithm of the own class's softmax."""

    exact: ClassVar[bool] = False

    def value(self, Y: Floats, S: Floats) -> Floats:
        """Return the loss of each row."""
        return MULTINOMIAL.value(Y[:, 0], S)

    def slope(self, Y: Floats, S: Floats) -> Floats:
        """Return the gradient in the scores."""
        return MULTINOMIAL.slope(Y[:, 0], S)

    def peak(self, label: int, reach: Floats) -> Peak:
        """Bound log Σⱼ exp(sⱼ − s_y) with the largest value of each difference: they need not go together."""
        lead = np.append(0.0, reach)
        top = float(lead.max())
        share = np.exp(lead - top)
        total = float(share.sum())
        return Peak(top + float(np.log(total)), share[1:] / total, np.array([float(label)]))


class CrammerSinger(CoupledLoss):
    """The hinge of the smallest lead of the own class."""

    exact: ClassVar[bool] = True

    def _lacks(self, Y: Floats, S: Floats) -> tuple[Codes, Codes, Floats]:
        own = self.groups(Y)
        rows = np.arange(len(own))
        lacks = 1.0 + S - S[rows, own][:, None]
        lacks[rows, own] = 0.0
        return own, rows, lacks

    def value(self, Y: Floats, S: Floats) -> Floats:
        """Return the loss of each row."""
        lacks: Floats = self._lacks(Y, S)[2].max(axis=1)
        return lacks

    def slope(self, Y: Floats, S: Floats) -> Floats:
        """Return a subgradient in the scores; zero where the own class leads by enough."""
        own, rows, lacks = self._lacks(Y, S)
        ahead = lacks.argmax(axis=1)
        pull = np.zeros_like(S)
        pull[rows, ahead] += 1.0
        pull[rows, own] -= 1.0
        return pull

    def peak(self, label: int, reach: Floats) -> Peak:
        """Bound max(0, 1 + sⱼ − s_y): a maximum of maxima, so it is attained."""
        first = int(reach.argmax())
        value = 1.0 + float(reach[first])
        pull = np.zeros_like(reach)
        pull[first] = float(value >= 0.0)
        return Peak(max(value, 0.0), pull, np.array([float(label)]))
