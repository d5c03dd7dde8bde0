"""What `plan_partitions` found: a table with one line per number of partitions, and the one it names."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify import THREATS
from robustfit.certify._base_certificate import freeze, import_pandas
from robustfit.certify._threats import check_budgets
from robustfit.evaluate._vote_mixture import certified_area, certified_curve, middle_radius

# Sums of shares: two that differ by less are one.
_NOISE = 1e-9


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class PartitionPlan:
    """The price of each number of partitions, as `plan_partitions` measured it.

    ``print(plan)`` shows the table, `to_frame` returns it. Arrays have one entry per number of partitions.

    Parameters
    ----------
    candidates : ndarray of shape (n_candidates,), int64
        Numbers of partitions, in ascending order.
    rows_per_shard : ndarray of shape (n_candidates,)
        Training rows per shard.
    member_accuracy : ndarray of shape (n_candidates,)
        Share of rows that a single member answers right.
    fit_seconds : ndarray of shape (n_candidates,)
        Estimated time to fit all members.
    radius : ndarray of shape (n_candidates, n_rows), int64
        Estimated radius of every held-out row; −1 where the answer is wrong.
    constant_accuracy : float
        Share of rows that the best constant answer gets right.
    floor : float
        Certified accuracy at or below this counts for nothing in `area`.
    threat : str
        What one unit of a radius pays for, one of `robustfit.certify.THREATS`.
    budget : int or None
        Budget at which certified accuracy decides; None if the area does.
    max_loss : float or None
        Most accuracy that may be given up.

    Attributes
    ----------
    n_partitions : int
        The number with the best price.
    accuracy : ndarray of shape (n_candidates,)
        Share of rows that the ensemble answers right.
    median_radius : ndarray of shape (n_candidates,), int64
        Largest budget with certified accuracy of at least one half; −1 if there is none.
    area : ndarray of shape (n_candidates,)
        Sum over all budgets of the certified accuracy above ``floor``.
    conditional_on : tuple of str
        What to add to a certificate of an ensemble with ``n_partitions``, unless the plan was made on other rows.

    See Also
    --------
    plan_partitions : Makes one.
    robustfit.inspection.PartitionPlanDisplay : Draws one.

    Notes
    -----
    A plan estimates; it guarantees nothing. Certificates come from the fitted ensemble.
    """

    candidates: NDArray[np.int64]
    rows_per_shard: NDArray[np.float64]
    member_accuracy: NDArray[np.float64]
    fit_seconds: NDArray[np.float64]
    radius: NDArray[np.int64]
    constant_accuracy: float
    floor: float
    threat: str = "insert_delete"
    budget: int | None = None
    max_loss: float | None = None

    @cached_property
    def accuracy(self) -> NDArray[np.float64]:
        """Share of rows that the ensemble answers right."""
        return freeze(np.mean(self.radius >= 0, axis=1))

    @cached_property
    def median_radius(self) -> NDArray[np.int64]:
        """Largest budget with certified accuracy of at least one half."""
        return freeze(np.array([middle_radius(row) for row in self.radius]))

    @cached_property
    def area(self) -> NDArray[np.float64]:
        """Sum over all budgets of the certified accuracy above the floor."""
        return freeze(np.array([certified_area(row, self.floor) for row in self.radius]))

    def certified_accuracy(self, budgets: ArrayLike) -> NDArray[np.float64]:
        """Estimated share of rows that are right and stay so for each budget.

        Parameters
        ----------
        budgets : int or array-like of int
            Numbers of units.

        Returns
        -------
        share : ndarray of shape (n_candidates,) or (n_candidates, n_budgets)

        Raises
        ------
        ValueError
            If a budget is not a non-negative whole number.
        """
        wanted = check_budgets(budgets)
        return np.array([certified_curve(row, wanted) for row in self.radius])

    @cached_property
    def n_partitions(self) -> int:
        """The number with the best price; of equal ones the smallest."""
        return int(self.candidates[self._chosen])

    @cached_property
    def _chosen(self) -> int:
        score = self.area if self.budget is None else self.certified_accuracy(self.budget)
        if self.max_loss is not None:
            score = np.where(self.accuracy >= self.accuracy[0] - self.max_loss - _NOISE, score, -np.inf)
        return int(np.argmax(score >= score.max() - _NOISE))

    @property
    def beats_constant(self) -> bool:
        """Whether the chosen ensemble is more often right than the best constant answer."""
        return bool(self.accuracy[self._chosen] > self.constant_accuracy)

    @property
    def unit(self) -> str:
        """What one unit of a radius pays for."""
        return THREATS[self.threat].unit

    @property
    def conditional_on(self) -> tuple[str, ...]:
        """What a certificate for the chosen number takes for granted."""
        return (
            f"n_partitions={self.n_partitions} chosen by plan_partitions on rows that an attacker may have changed",
        )

    def _columns(self) -> dict[str, NDArray[Any]]:
        columns: dict[str, NDArray[Any]] = {
            "n_partitions": self.candidates,
            "rows_per_shard": self.rows_per_shard,
            "accuracy": self.accuracy,
            "member_accuracy": self.member_accuracy,
            "median_radius": self.median_radius,
            "area": self.area,
            "fit_seconds": self.fit_seconds,
        }
        if self.budget is not None:
            columns[f"certified_{self.budget}"] = self.certified_accuracy(self.budget)
        return columns

    def to_frame(self) -> Any:
        """Return a pandas table with one line per number of partitions."""
        return import_pandas().DataFrame(self._columns())

    def __str__(self) -> str:
        columns = self._columns()
        cells = [[name.replace("_", " "), *map(_format, column.tolist())] for name, column in columns.items()]
        widths = [max(map(len, column)) for column in cells]
        lines = [
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            for line in zip(*cells, strict=True)
        ]
        marked = [f"{'>' if index == self._chosen else ' '} {line}" for index, line in enumerate(lines, start=-1)]
        return "\n".join([*marked, "", *self._remarks()])

    def _remarks(self) -> list[str]:
        decided = f"area above {self.floor:.3f}" if self.budget is None else f"certified accuracy at {self.budget}"
        if self.max_loss is not None:
            decided += f", giving up at most {self.max_loss:g} of accuracy"
        return [
            f"n_partitions={self.n_partitions} has the largest {decided}. Radii count units of: {self.unit}.",
            f"The best constant answer is right on {self.constant_accuracy:.3f} of these rows"
            + ("." if self.beats_constant else "; the ensemble is not better."),
            f"Unless no attacker could touch these rows, certificates are given: {self.conditional_on[0]}.",
        ]

    def __repr__(self) -> str:
        at = self._chosen
        return (
            f"PartitionPlan(n_partitions={self.n_partitions} of {self.candidates.tolist()}, "
            f"accuracy {self.accuracy[at]:.3f}, median radius {self.median_radius[at]}, "
            f"threat={self.threat!r} [{self.unit}], conditional_on={self.conditional_on})"
        )


def _format(value: float) -> str:
    """Three digits after the point of small numbers, three in all of large ones, no exponents."""
    if isinstance(value, int) or value >= 1000:
        return f"{value:.0f}"
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"
