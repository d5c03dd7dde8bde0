"""Poison rows apart from the set that they are in: take some, repeat some, put them into a clean set."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Rows, append_rows, n_rows, take_rows
from robustfit.attacks._inner import inserted_rows, widen_like
from robustfit.attacks._labels import Labels, join_labels, read_labels
from robustfit.attacks._poisoned import Poisoned


@dataclass(frozen=True, eq=False)
class PoisonRows:
    """What an attack brought in.

    Attributes
    ----------
    block : container of k rows
    labels : ndarray of shape (k,)
    groups : ndarray of shape (k,) or None
    place : ndarray of shape (k,), int64
        Clean row that each takes the place of; −1 for rows that were inserted.
    labels_only : bool
    """

    block: Any
    labels: Labels
    groups: NDArray[Any] | None
    place: Rows
    labels_only: bool

    @classmethod
    def of(cls, poisoned: Poisoned) -> Self:
        """Take the poison rows out of a poisoned set."""
        rows = np.flatnonzero(poisoned.is_poison)
        groups = None if poisoned.groups is None else poisoned.groups[rows]
        place = np.where(np.isin(rows, inserted_rows(poisoned)), -1, rows)
        return cls(take_rows(poisoned.X, rows), read_labels(poisoned.y)[rows], groups, place, poisoned.labels_only)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: Rows) -> Self:
        """Return some of the rows, repeats allowed."""
        groups = None if self.groups is None else self.groups[index]
        return replace(
            self,
            block=take_rows(self.block, index),
            labels=self.labels[index],
            groups=groups,
            place=self.place[index],
        )

    def followed_by(self, other: Self) -> Self:
        """Put more rows below these."""
        top = widen_like(self.block, other.block) if n_rows(other.block) else self.block
        block = append_rows(top, widen_like(other.block, top))
        groups = None
        if self.groups is not None and other.groups is not None:
            groups = np.concatenate(join_labels(self.groups, other.groups))
        return replace(
            self,
            block=block,
            labels=np.concatenate(join_labels(self.labels, other.labels)),
            groups=groups,
            place=np.concatenate([self.place, other.place]),
            labels_only=self.labels_only and other.labels_only,
        )

    def without(self, other: Self) -> Self:
        """Leave out rows that change a clean row which others change, too."""
        return self.take(np.flatnonzero((self.place < 0) | ~np.isin(self.place, other.place)))

    def fill(self, budget: int) -> Self | None:
        """Return as many rows as the budget says: each clean row changed once at most, inserted ones repeated.

        None if there are too few.
        """
        inserted = np.flatnonzero(self.place < 0)
        _, first = np.unique(self.place, return_index=True)
        distinct = np.sort(np.concatenate([inserted, first[self.place[first] >= 0]]))
        missing = budget - len(distinct)
        if missing > 0 and len(inserted):
            distinct = np.concatenate([distinct, np.resize(inserted, missing)])
        return self.take(distinct[:budget]) if len(distinct) >= budget else None

    def poison(self, clean: CleanSet, gone: Rows) -> Poisoned:
        """Put the rows into a clean set, and leave out those that are gone without a successor."""
        if self.labels_only and len(self):
            return clean.relabel(self.place, self.labels)
        wide = replace(clean, X=widen_like(clean.X, self.block)) if len(self) else clean
        block = widen_like(self.block, wide.X)
        if len(self) and not len(gone) and (self.place >= 0).all():
            poisoned = wide.rewrite(self.place, block)
            return replace(poisoned, y=clean.relabel(self.place, self.labels).y)
        removed = np.concatenate([gone, self.place[self.place >= 0]])
        poisoned = wide.exchange(removed, block, self.labels, np.zeros(len(self), dtype=np.int64))
        if poisoned.groups is None or self.groups is None:
            return poisoned
        own = poisoned.groups[: len(poisoned.groups) - len(self)]
        return replace(poisoned, groups=np.concatenate(join_labels(own, self.groups)))


def lift(poisoned: Poisoned, part: Rows, clean: CleanSet) -> Poisoned:
    """Do to a clean set what an attack did to some of its rows."""
    rows = PoisonRows.of(poisoned)
    # Code −1 looks up the last entry, which stays −1.
    place = np.append(part, -1)[rows.place]
    gone = np.setdiff1d(poisoned.removed, rows.place)
    return replace(rows, place=place).poison(clean, part[gone])


def join(parts: Sequence[PoisonRows]) -> PoisonRows:
    """Put several lots of rows below each other."""
    result = parts[0]
    for part in parts[1:]:
        result = result.followed_by(part)
    return result
