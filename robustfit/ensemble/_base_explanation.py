"""What explanations of all ensembles share: tables of members and of groups, and the training rows behind them."""

# SPDX-License-Identifier: BSD-3-Clause

import operator
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from robustfit.certify import CertificateError
from robustfit.certify._base_certificate import import_pandas
from robustfit.ensemble._places import Places

# How many entries a summary names.
_NAMED = 3

Table = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class BaseExplanation(ABC):
    """Fields and habits that all explanations share.

    Parameters
    ----------
    places : Places
        Where training rows and groups went.
    certified : Certificate or IntervalCertificate
        For the threat of one row inserted or deleted, which is one shard per unit.
    refusal : str or None
        Why the ensemble cannot be certified.
    """

    places: Places
    certified: Any
    refusal: str | None = None

    # Where a member can stand, the side that carries a prediction first.
    _sides: ClassVar[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.certified.prediction)

    @property
    def prediction(self) -> NDArray[Any]:
        """What the ensemble predicts for each row."""
        return self.certified.prediction

    @property
    def certificate(self) -> Any:
        """Certificate of these rows, of ``threat="insert_delete"``: one unit is one shard.

        Raises
        ------
        CertificateError
            If ``certify`` refuses the ensemble.
        """
        if self.refusal is not None:
            raise CertificateError(self.refusal)
        return self.certified

    @abstractmethod
    def members(self, i: int) -> Table:
        """Return one entry per member, closest first."""

    @abstractmethod
    def groups(self, i: int) -> Table:
        """Return one entry per group, the one that would matter most first."""

    @abstractmethod
    def _side(self, i: int) -> NDArray[Any]:
        """Where each member stands."""

    @abstractmethod
    def summary(self, i: int) -> str:
        """Return a few lines of plain text."""

    def rows(self, i: int, side: str | None = None) -> NDArray[np.intp]:
        """Positions of the training rows behind a prediction, in the training set that ``fit`` was given.

        Parameters
        ----------
        i : int
            Row of the test set.
        side : str, default=None
            Of the members to take, as the table `members` has it; by default of those that carry the prediction.

        Returns
        -------
        positions : ndarray
            In ascending order.

        Raises
        ------
        IndexError
            If there is no such row.
        ValueError
            If there is no such side.
        """
        if side is not None and side not in self._sides:
            raise ValueError(f"side must be one of {', '.join(map(repr, self._sides))}, got {side!r}.")
        return self.places.rows_of(self._side(self._row(i)) == (side or self._sides[0]))

    def shard_rows(self, shard: int) -> NDArray[np.intp]:
        """Positions of the training rows of one shard, in ascending order.

        Raises
        ------
        IndexError
            If there is no such shard.
        """
        n_shards = len(self.places.shard_sizes)
        return self.places.rows_of(np.arange(n_shards) == _place(shard, n_shards, "shards"))

    def most_influential_group(self, i: int) -> Any:
        """Return the group that would matter most if it were removed: the first of `groups`."""
        return self.groups(i)["group"].tolist()[0]

    def to_frame(self, i: int, table: str = "members") -> Any:
        """Return a pandas table about one row.

        Parameters
        ----------
        i : int
            Row of the test set.
        table : {"members", "groups"}, default="members"

        Returns
        -------
        frame : pandas.DataFrame
        """
        if table not in ("members", "groups"):
            raise ValueError(f"table must be 'members' or 'groups', got {table!r}.")
        columns = self.members(i) if table == "members" else self.groups(i)
        return import_pandas().DataFrame(columns)

    def _row(self, i: int) -> int:
        return _place(i, len(self), "explained rows")

    def _conditions(self) -> list[str]:
        """What every statement about attacks is conditional on."""
        return [] if self.refusal is not None else [f"given {condition}" for condition in self.certified.conditional_on]

    def __repr__(self) -> str:
        groups = "" if self.places.groups is None else f", {len(self.places.groups)} groups"
        return (
            f"{type(self).__name__}({len(self)} predictions, {len(self.places.shard_sizes)} members, "
            f"{int(self.places.shard_sizes.sum())} training rows{groups}); summary(i) tells about one"
        )


def _place(index: Any, length: int, what: str) -> int:
    """Index from zero up; an error where it is none."""
    place = operator.index(index)
    if not -length <= place < length:
        raise IndexError(f"There are {length} {what}, numbered from 0; got {place}.")
    return place % length


def ordered(table: Table, order: NDArray[np.intp]) -> Table:
    """Bring all columns of a table into one order."""
    return {name: column[order] for name, column in table.items()}


def told(names: list[str]) -> str:
    """Name the first entries and count the others."""
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
