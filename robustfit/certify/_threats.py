"""Threats: what one unit of an attacker's budget may change, and how many shards that touches."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


class CertificateError(ValueError):
    """A certificate was asked for that cannot be given; the message says why and what can be done."""


@dataclass(frozen=True)
class Threat:
    """One kind of change to a training set, counted in units.

    Attributes
    ----------
    name : str
        The value of ``threat=``.
    unit : str
        What one unit of the budget pays for, in words.
    shards_per_unit : dict
        Most shards that one unit can touch, by ``partition_by``. A kind of partition that is
        missing cannot answer the threat.
    brings_labels : bool
        Whether a unit can bring in a label that the training set did not have.
    """

    name: str
    unit: str
    shards_per_unit: dict[str, int]
    brings_labels: bool


_LARGEST_BUDGET = 2**62
_BOTH_ONE = {"content": 1, "groups": 1}

THREATS: dict[str, Threat] = {
    threat.name: threat
    for threat in (
        Threat("insert_delete", "one row inserted or deleted", _BOTH_ONE, True),
        Threat("modify", "one row replaced by any other", {"content": 2, "groups": 2}, True),
        Threat("label_flip", "one label changed", _BOTH_ONE, True),
        Threat("delete", "one row removed", _BOTH_ONE, False),
        Threat("group", "everything that one group sent", {"groups": 1}, True),
    )
}


def resolve_threat(threat: str, partition_by: str) -> tuple[Threat, int]:
    """Look up a threat and the number of shards that one unit of it touches.

    Parameters
    ----------
    threat : str
        A key of ``THREATS``.
    partition_by : {"content", "groups"}
        How rows were assigned to shards.

    Returns
    -------
    threat : Threat
    shards_per_unit : int

    Raises
    ------
    CertificateError
        If the threat is unknown or the partition cannot answer it.
    """
    if partition_by not in ("content", "groups"):
        raise CertificateError(f"Unknown partition {partition_by!r}. Rows are partitioned by 'content' or 'groups'.")
    answered = [name for name, known in THREATS.items() if partition_by in known.shards_per_unit]
    if not isinstance(threat, str) or threat not in THREATS:
        raise CertificateError(f"Unknown threat {threat!r}. Known threats: {', '.join(THREATS)}.")
    if threat not in answered:
        raise CertificateError(
            f"A partition by {partition_by} cannot answer threat={threat!r}: one unit may touch every "
            f"shard. It can answer {', '.join(answered)}. For threat='group', fit with "
            "partition_by='groups' and pass groups= to fit."
        )
    return THREATS[threat], THREATS[threat].shards_per_unit[partition_by]


def units_from_shards(shards: NDArray[np.int64], shards_per_unit: int, n_members: int) -> NDArray[np.int64]:
    """Convert a number of shards the attacker may control into whole units of budget.

    A radius of ``n_members`` shards means that nothing can change the answer, in any unit, and
    stays as it is; −1 stays −1.
    """
    return np.where(shards >= n_members, shards, shards // shards_per_unit)


def check_budget(budget: Any, *, name: str = "budget") -> int:
    """Return a budget as a plain ``int``, or say what a budget is.

    Raises
    ------
    ValueError
        If it is not a non-negative whole number.
    """
    if isinstance(budget, bool | np.bool_) or not isinstance(budget, Integral) or budget < 0:
        raise ValueError(
            f"{name} must be a non-negative whole number of units (rows, labels or groups, as the "
            f"threat says), got {budget!r}. A fraction of the training set is not a budget: "
            "multiply it by the number of rows and round up."
        )
    # Beyond this every number means the same, and array types have an end.
    return min(int(budget), _LARGEST_BUDGET)


def check_budgets(budgets: ArrayLike) -> NDArray[np.int64]:
    """Return one budget or a sequence of budgets as an integer array of the same shape."""
    values = np.asarray(budgets, dtype=object)
    flat: Sequence[Any] = values.ravel().tolist()
    return np.array([check_budget(b) for b in flat], dtype=np.int64).reshape(values.shape)
