"""Trial refits of a partition ensemble: one change in every shard at once tells which members it turns."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from robustfit._meta._inputs import read_test_rows
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows, append_rows, as_numbers, n_rows, take_rows
from robustfit.attacks._guided._votes import winner
from robustfit.attacks._labels import Labels, distinct
from robustfit.attacks._poisoned import Poisoned
from robustfit.partition import as_rows


class Edit(NamedTuple):
    """What one unit of the budget does to one shard.

    Attributes
    ----------
    shard : int
    label : int
        Code of the label that is brought in.
    rows : tuple of int
        Positions in the pool of the rows that are added.
    source : int
        Clean row whose group they get.
    removed, relabelled : int
        Clean row that this happens to; −1 for none.
    """

    shard: int
    label: int = -1
    rows: tuple[int, ...] = ()
    source: int = 0
    removed: int = -1
    relabelled: int = -1


@dataclass(eq=False)
class Campaign:
    """A training set under attack, the ensemble that is fitted on it, and the votes of its members on the targets.

    Attributes
    ----------
    clean : CleanSet
    model : PartitionClassifier
        Fitted on the clean rows.
    target : container of n_targets rows
    labels : ndarray of shape (n_labels,)
        All labels that the attack uses, in sorted order: codes are positions among them.
    votes : ndarray of shape (n_targets, n_members)
        Codes, after the edits made so far; −1 abstains.
    predicted : ndarray of shape (n_targets,)
        Codes of the predictions on the clean set.
    edits : list of Edit
    pool : container
        Rows that edits add.
    """

    clean: CleanSet
    model: Any
    target: Any
    labels: Labels
    votes: NDArray[np.int64] = field(init=False)
    predicted: NDArray[np.int64] = field(init=False)
    edits: list[Edit] = field(default_factory=list)
    pool: Any = field(init=False)

    def __post_init__(self) -> None:
        self.votes = self._codes(self.model)
        self.predicted = self.predictions(self.votes)
        self.pool = take_rows(self.clean.X, np.zeros(0, dtype=np.int64))

    @property
    def n_members(self) -> int:
        """Number of shards."""
        return int(self.votes.shape[1])

    def predictions(self, votes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the code that wins each target."""
        return np.array([winner(row, len(self.labels)) for row in votes], dtype=np.int64)

    @cached_property
    def _numbers(self) -> tuple[Floats, Floats]:
        return as_numbers(self.clean.X), as_numbers(self.target)

    def distances(self, target: int) -> Floats:
        """Return the distance of each clean row to a target."""
        rows, targets = self._numbers
        result: Floats = np.linalg.norm(rows - targets[target], axis=1)
        return result

    def free_groups(self) -> dict[int, list[int]]:
        """Return a row of each group that no edit uses yet, by the group's shard."""
        _, codes = distinct(np.asarray(self.clean.groups))
        used = {int(codes[edit.source]) for edit in self.edits}
        free: dict[int, list[int]] = {}
        for code, row in zip(*np.unique(codes, return_index=True), strict=True):
            if int(code) not in used:
                free.setdefault(int(self.model.row_shards_[row]), []).append(int(row))
        return free

    def untouched(self, target: int) -> list[int]:
        """Return the clean rows that no edit removes or relabels yet, nearest to a target first."""
        return self._free(np.argsort(self.distances(target), kind="stable"))

    def out_of_the_way(self) -> list[int]:
        """Return the same rows, farthest from all targets first."""
        nearest = np.min([self.distances(target) for target in range(len(self.votes))], axis=0)
        return self._free(np.argsort(-nearest, kind="stable"))

    def _free(self, order: Rows) -> list[int]:
        touched = {i for edit in self.edits for i in (edit.removed, edit.relabelled)}
        return [i for i in order.tolist() if i not in touched]

    def add_to_pool(self, rows: Any) -> int:
        """Keep rows for edits and return the position of the first."""
        start = n_rows(self.pool)
        self.pool = append_rows(self.pool, rows)
        return start

    def votes_after(self, edits: Iterable[Edit]) -> NDArray[np.int64]:
        """Refit after some more edits and return the members' votes on the targets."""
        poisoned = self.poisoned([*self.edits, *edits])
        given = {} if poisoned.groups is None or self.model.partition_by == "content" else {"groups": poisoned.groups}
        return self._codes(fit_quietly(clone(self.model), poisoned.X, poisoned.y, given))

    def poisoned(self, edits: list[Edit], details: dict[str, Any] | None = None) -> Poisoned:
        """Return the clean set after some edits, which either relabel or not, all of them."""
        codes = np.array([edit.label for edit in edits], dtype=np.int64)
        relabelled = np.array([edit.relabelled for edit in edits if edit.relabelled >= 0], dtype=np.int64)
        if len(relabelled):
            return self.clean.relabel(relabelled, self.labels[codes], details)
        removed = np.array([edit.removed for edit in edits if edit.removed >= 0], dtype=np.int64)
        sizes = [len(edit.rows) for edit in edits]
        block = take_rows(self.pool, np.array([i for edit in edits for i in edit.rows], dtype=np.int64))
        sources = np.repeat(np.array([edit.source for edit in edits], dtype=np.int64), sizes)
        return self.clean.exchange(removed, block, self.labels[np.repeat(codes, sizes)], sources, details)

    def _codes(self, model: Any) -> NDArray[np.int64]:
        votes = model.votes(self.target).astype(np.int64)
        position = np.searchsorted(self.labels, model.classes_)
        return np.where(votes >= 0, position[votes], -1)


def fit_quietly(model: Any, X: Any, y: Any, params: dict[str, Any]) -> Any:
    """Fit an ensemble; what it warns of is not news to who only tries something."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(X, y, **params)


def shards_of(model: Any, X: Any, groups: Any = None) -> NDArray[np.int64]:
    """Return the shards into which a fitted ensemble puts rows (with groups, if it goes by these)."""
    rows = as_rows(read_test_rows(model, X, model._container_))
    plan = model._plan(rows, groups, model.random_state)
    result: NDArray[np.int64] = plan.shard
    return result
