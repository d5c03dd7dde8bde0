"""Columns that encode categories: one of each group is on."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._base import FeasibleSet, rounding
from robustfit.certify._feasible._box import best_corner
from robustfit.certify._feasible._cells import Cells, GroupCells
from robustfit.certify._feasible._checks import check_bounds, check_count, check_groups


class OneHotGroups(FeasibleSet):
    """Rows with exactly one 1 in each group of columns and 0 in its others; columns of no group lie in a box.

    Parameters
    ----------
    n_features : int
        Number of columns.
    groups : sequence of sequences of int
        Columns of each encoded category. A column can be in one group only.
    lower, upper : float or array-like of shape (n_features,), default=-inf, inf
        Ends of the columns that are in no group.

    Raises
    ------
    ValueError
        If groups overlap, are empty or name a column that does not exist, or a lower end exceeds the upper one.

    Notes
    -----
    `project` turns on the largest column of each group, which gives the nearest row of the set.

    **Guarantee.** ``maximize(u).bound`` is the exact maximum plus a bound on its rounding errors.

    Examples
    --------
    >>> from robustfit.certify import OneHotGroups
    >>> rows = OneHotGroups(4, groups=[[0, 1, 2]], lower=0.0, upper=9.0)
    >>> rows.maximize([1.0, 3.0, 2.0, 0.5]).point
    array([0., 1., 0., 9.])
    >>> rows.project([[0.2, 0.1, 0.6, -4.0]])
    array([[0., 0., 1., 0.]])
    """

    def __init__(
        self,
        n_features: int,
        groups: Sequence[Sequence[int]],
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> None:
        super().__init__(check_count(n_features, "n_features"))
        self.groups = check_groups(groups, self.n_features)
        low, high = check_bounds(lower, upper, self.n_features)
        grouped = np.zeros(self.n_features, dtype=np.bool_)
        grouped[np.concatenate(self.groups)] = True
        self.lower, self.upper = np.where(grouped, 0.0, low), np.where(grouped, 1.0, high)
        self._grouped = grouped

    def _switch_on(self, rows: NDArray[np.float64], preference: NDArray[np.float64]) -> None:
        """Write a 1 at the most preferred column of each group, 0 at its others."""
        everyone = np.arange(len(rows))
        rows[:, self._grouped] = 0.0
        for group in self.groups:
            rows[everyone, group[preference[:, group].argmax(axis=1)]] = 1.0

    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        distance: NDArray[np.float64] = np.abs(rows - self._project(rows)).max(axis=1)
        return distance

    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        points, bounds = best_corner(np.where(self._grouped, 0.0, directions), self.lower, self.upper)
        self._switch_on(points, directions)
        chosen = np.where(self._grouped, directions * points, 0.0)
        slack = rounding(self.n_features) * (np.abs(chosen).sum(axis=1) + np.abs(bounds))
        return points, bounds + chosen.sum(axis=1) + slack

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        points = np.clip(rows, self.lower, self.upper)
        self._switch_on(points, rows)
        return points

    def _cells(self, center: NDArray[np.float64]) -> Cells:
        return GroupCells(center, self.groups, self.lower, self.upper)
