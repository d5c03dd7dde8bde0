"""What each column may hold, seen from a centre: reals in an interval, whole numbers, or one of a group.

All of these are products of small sets, so a score that is linear minus a multiple of the squared distance is maximised
part by part. Offsets are z = x − μ.
"""

# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Stands for 0 as a divisor: the quotient is then beyond every bound, or 0.
_ALMOST_ZERO = 1e-290


class Moves(NamedTuple):
    """Small changes of a point and what each does to it.

    Attributes
    ----------
    leave, enter : ndarray of shape (n_moves,), intp
        Column whose offset changes by ``down`` and column whose offset changes by ``up``.
    down, up : ndarray of shape (n_moves,)
        The changes.
    """

    leave: NDArray[np.intp]
    enter: NDArray[np.intp]
    down: NDArray[np.float64]
    up: NDArray[np.float64]


class Cells(ABC):
    """A product of small sets, as offsets from a centre.

    Attributes
    ----------
    low, high : ndarray of shape (n_features,)
        Smallest and largest offset of each column.
    real : ndarray of shape (n_features,), bool
        Columns that may hold any number between them.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    real: NDArray[np.bool_]

    @abstractmethod
    def respond(self, payoff: NDArray[np.float64], price: float) -> NDArray[np.float64]:
        """Return the offsets z that maximise ⟨payoff, z⟩ − price · ‖z‖², for price ≥ 0."""

    def doubt(self, payoff_sum: float, price: float) -> float:
        """Return a multiple of what a wrong choice between near ties can cost, in units of the rounding error."""
        return 0.0

    def moves(self, offset: NDArray[np.float64]) -> Moves:
        """Return single steps from a point to neighbours of it; none where all columns are real."""
        none = np.empty(0, dtype=np.intp)
        return Moves(none, none, np.empty(0), np.empty(0))

    def with_reals(self, offset: NDArray[np.float64], reals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return a copy of a point with other values in its real columns."""
        return np.where(self.real, reals, offset)


class RealCells(Cells):
    """Each column anywhere in its interval."""

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
        self.low, self.high = low, high
        self.real = np.ones(low.size, dtype=np.bool_)

    def respond(self, payoff: NDArray[np.float64], price: float) -> NDArray[np.float64]:
        offset = payoff / (2 * max(price, _ALMOST_ZERO))
        clipped: NDArray[np.float64] = np.minimum(np.maximum(offset, self.low), self.high)
        return clipped


class IntegerCells(Cells):
    """Each column a whole number of its interval."""

    def __init__(self, center: NDArray[np.float64], lowest: NDArray[np.float64], highest: NDArray[np.float64]) -> None:
        self.center, self.lowest, self.highest = center, lowest, highest
        self.low, self.high = lowest - center, highest - center
        self.real = np.zeros(center.size, dtype=np.bool_)
        self._center_sum = float(2 * np.abs(center).sum() + 2 * center.size)

    def respond(self, payoff: NDArray[np.float64], price: float) -> NDArray[np.float64]:
        # A parabola is largest at the whole number nearest to its top, so rounding is exact, not a relaxation.
        top = self.center + payoff / (2 * max(price, _ALMOST_ZERO))
        nearest: NDArray[np.float64] = np.minimum(np.maximum(np.floor(top + 0.5), self.lowest), self.highest)
        return nearest - self.center

    def doubt(self, payoff_sum: float, price: float) -> float:
        return payoff_sum + price * self._center_sum

    def moves(self, offset: NDArray[np.float64]) -> Moves:
        whole = np.rint(self.center + offset)
        up, down = np.flatnonzero(whole < self.highest), np.flatnonzero(whole > self.lowest)
        columns = np.concatenate([up, down])
        step = np.concatenate([np.ones(up.size), -np.ones(down.size)])
        return Moves(columns, columns, np.zeros(columns.size), step)


class GroupCells(Cells):
    """One column of each group is 1 and its others are 0; columns of no group are real."""

    def __init__(
        self,
        center: NDArray[np.float64],
        groups: tuple[NDArray[np.intp], ...],
        lowest: NDArray[np.float64],
        highest: NDArray[np.float64],
    ) -> None:
        self.center, self.groups = center, groups
        self.columns = np.concatenate(groups)
        self.real = np.ones(center.size, dtype=np.bool_)
        self.real[self.columns] = False
        self.low = np.where(self.real, lowest - center, -center)
        self.high = np.where(self.real, highest - center, 1 - center)
        self._reals = RealCells(np.where(self.real, self.low, 0.0), np.where(self.real, self.high, 0.0))
        self._number = np.repeat(np.arange(len(groups)), [group.size for group in groups])
        width = max(group.size for group in groups)
        # Short groups repeat their first column, which changes no maximum.
        self._table = np.array([np.concatenate([g, np.full(width - g.size, g[0])]) for g in groups])
        self._tilt = 1 - 2 * center[self.columns]
        self._tilt_table = 1 - 2 * center[self._table]
        self._center_sum = float(4 * np.abs(center[self.columns]).sum() + 2 * self.columns.size)

    def respond(self, payoff: NDArray[np.float64], price: float) -> NDArray[np.float64]:
        offset = self._reals.respond(payoff, price)
        # Turning column j on adds payoff_j − price ((1 − μ_j)² − μ_j²) to what the group has with all columns off.
        best = (payoff[self._table] - price * self._tilt_table).argmax(axis=1)
        offset[self.columns] = -self.center[self.columns]
        chosen = self._table[np.arange(len(best)), best]
        offset[chosen] = 1 - self.center[chosen]
        return offset

    def doubt(self, payoff_sum: float, price: float) -> float:
        return payoff_sum + price * self._center_sum

    def moves(self, offset: NDArray[np.float64]) -> Moves:
        on = (self.center + offset)[self.columns] > 0.5
        current = np.empty(len(self.groups), dtype=np.intp)
        current[self._number[on]] = self.columns[on]
        leave, enter = current[self._number[~on]], self.columns[~on]
        return Moves(leave, enter, -np.ones(enter.size), np.ones(enter.size))
