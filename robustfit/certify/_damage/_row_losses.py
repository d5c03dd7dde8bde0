"""Losses of one row with a score for each output, and the largest value that they take over a feasible set."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from robustfit.losses import SQUARED, Loss

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


class Peak(NamedTuple):
    """An upper bound on the loss of the rows of a set, as a function of how far the set reaches.

    Attributes
    ----------
    value : float
        No row of the set has a larger loss, if no linear score of it is larger than those given.
    pull : ndarray of shape (n_directions,)
        Derivative in each of those, never negative: the bound is convex in them and never falls.
    target : ndarray
        Of the worst row, as `RowLoss.value` takes it for one row.
    """

    value: float
    pull: Floats
    target: Floats


class Rows(NamedTuple):
    """Averages of the rows of each label, and how large their losses and the weights of a model may be.

    Attributes
    ----------
    counts : ndarray of shape (n_labels,)
    sizes : ndarray of shape (n_labels,)
        Length of the mean row.
    targets : ndarray of shape (n_labels, k)
        Mean target.
    total : float
        The losses add up to no more.
    weights : float
        No output's weights are longer.
    """

    counts: Floats
    sizes: Floats
    targets: Floats
    total: float
    weights: float

    def slowest(self) -> float:
        """Bound the least score of a label's mean row against which every loss grows at least linearly."""
        return float((self.total / self.counts + self.weights * self.sizes).max())


class RowLoss(Protocol):
    """A convex loss of the scores of a row, one for each output.

    Rows of label c are bounded through how far ⟨u, x⟩ goes for the columns u of ``W @ combinations(c)``.

    Attributes
    ----------
    n_labels, n_outputs : int
        A regression has one label.
    exact : bool
        Whether some row of the set has the loss that `peak` returns, where all directions' maxima are attained.
    coupled : bool
        Whether nothing changes when all scores of a row grow alike.
    unit : float
        Size of the constants in the formula, which round as scores do.
    """

    @property
    def exact(self) -> bool: ...

    @property
    def n_labels(self) -> int: ...

    @property
    def n_outputs(self) -> int: ...

    @property
    def coupled(self) -> bool: ...

    @property
    def unit(self) -> float: ...

    def groups(self, Y: Floats) -> Codes:
        """Return the group of each row, rows of which have their losses in common: its label."""
        ...

    def value(self, Y: Floats, S: Floats) -> Floats:
        """Return the loss of each row, of shape (n_rows,)."""
        ...

    def slope(self, Y: Floats, S: Floats) -> Floats:
        """Return a subgradient in the scores, of shape (n_rows, n_outputs)."""
        ...

    def highest(self, Y: Floats, S: Floats, error: Floats) -> Floats:
        """Return the largest loss of each row whose scores are wrong by at most ``error``, of shape (n_rows,)."""
        ...

    def combinations(self, label: int) -> Floats:
        """Return the combinations of outputs that bound the loss, of shape (n_outputs, n_directions)."""
        ...

    def peak(self, label: int, reach: Floats) -> Peak:
        """Bound the loss of rows of a label whose combined scores are at most ``reach``, (n_directions,)."""
        ...

    def largest_target(self, label: int) -> float:
        """Return the size of the numbers that `peak` takes from the scores."""
        ...

    def intercept_reach(self, rows: Rows) -> float:
        """Bound the intercepts of all models whose clean losses and weights are not larger than ``rows`` says.

        If the loss is coupled, the last intercept is 0.
        """
        ...


@dataclass(frozen=True)
class Margins:
    """The sum over the outputs of a loss that falls with the margin.

    One output is for two classes, several are for one class against the rest each. Targets are −1 and +1, of shape
    (n_rows, n_outputs).

    Parameters
    ----------
    loss : Loss
    signs : ndarray of shape (n_labels, n_outputs)
        Targets of each label.
    """

    loss: Loss
    signs: Floats
    coupled: ClassVar[bool] = False
    unit: ClassVar[float] = 1.0

    @property
    def exact(self) -> bool:
        """Whether one output alone decides."""
        return self.n_outputs == 1

    @property
    def n_labels(self) -> int:
        """Number of classes."""
        return len(self.signs)

    @property
    def n_outputs(self) -> int:
        """Number of scores."""
        return int(self.signs.shape[1])

    def groups(self, Y: Floats) -> Codes:
        """Return the labels."""
        codes: Codes = (Y[:, 0] == self.signs[1, 0]).astype(np.intp) if self.n_outputs == 1 else Y.argmax(axis=1)
        return codes

    def value(self, Y: Floats, S: Floats) -> Floats:
        """Return the loss of each row."""
        total: Floats = self.loss.value(Y, S).sum(axis=1)
        return total

    def slope(self, Y: Floats, S: Floats) -> Floats:
        """Return a subgradient in the scores."""
        return self.loss.slope(Y, S)

    def highest(self, Y: Floats, S: Floats, error: Floats) -> Floats:
        """Return the largest loss of each row."""
        return self.value(Y, S - Y * error[:, None])

    def combinations(self, label: int) -> Floats:
        """Return one direction for each output: against its target."""
        return -np.diag(self.signs[label])

    def peak(self, label: int, reach: Floats) -> Peak:
        """Bound the loss by the smallest margin of each output."""
        ones = np.ones_like(reach)
        return Peak(float(self.loss.value(ones, -reach).sum()), -self.loss.slope(ones, -reach), self.signs[label])

    def largest_target(self, label: int) -> float:
        """Return 0: margins are taken as they are."""
        return 0.0

    def intercept_reach(self, rows: Rows) -> float:
        """Bound the intercepts: a loss is at least minus the margin, and labels pull at both sides."""
        return rows.slowest()


@dataclass(frozen=True)
class Squares:
    """The sum over the outputs of half the squared residual. Targets are numbers, of shape (n_rows, n_outputs).

    Parameters
    ----------
    low, high : ndarray of shape (n_labels, n_outputs)
        Ends of what the targets of added rows may be; both are the same for a classifier.
    """

    low: Floats
    high: Floats
    coupled: ClassVar[bool] = False
    unit: ClassVar[float] = 0.0

    @property
    def exact(self) -> bool:
        """Whether one output alone decides."""
        return self.n_outputs == 1

    @property
    def n_labels(self) -> int:
        """Number of classes, 1 for a regression."""
        return len(self.low)

    @property
    def n_outputs(self) -> int:
        """Number of scores."""
        return int(self.low.shape[1])

    def groups(self, Y: Floats) -> Codes:
        """Return zeros: squared residuals average over all rows."""
        return np.zeros(len(Y), dtype=np.intp)

    def value(self, Y: Floats, S: Floats) -> Floats:
        """Return the loss of each row."""
        total: Floats = SQUARED.value(Y, S).sum(axis=1)
        return total

    def slope(self, Y: Floats, S: Floats) -> Floats:
        """Return the gradient in the scores."""
        return SQUARED.slope(Y, S)

    def highest(self, Y: Floats, S: Floats, error: Floats) -> Floats:
        """Return the largest loss of each row."""
        off = np.abs(S - Y) + error[:, None]
        return self.value(np.zeros_like(off), off)

    def combinations(self, label: int) -> Floats:
        """Return two directions for each output: up and down."""
        eye = np.eye(self.n_outputs)
        return np.hstack([eye, -eye])

    def peak(self, label: int, reach: Floats) -> Peak:
        """Bound the loss by the larger of the two residuals of each output."""
        low, high = self.low[label], self.high[label]
        above, below = np.split(reach, 2)
        # The residual is farthest from zero where the score is at one end and the target at the opposite one.
        off = np.stack([above - low, below + high])
        side = off.argmax(axis=0)
        size = np.maximum(off.max(axis=0), 0.0)
        pull = np.where(np.arange(2)[:, None] == side, size, 0.0).ravel()
        return Peak(float(0.5 * (size**2).sum()), pull, np.where(side == 0, low, high))

    def largest_target(self, label: int) -> float:
        """Return the largest target."""
        return float(np.maximum(np.abs(self.low[label]), np.abs(self.high[label])).max())

    def intercept_reach(self, rows: Rows) -> float:
        """Bound the intercepts: the mean residual is not larger than the root of the mean square."""
        residual = np.sqrt(2.0 * rows.total / rows.counts)
        return float((np.abs(rows.targets).max(axis=1) + rows.weights * rows.sizes + residual).max())
