"""Where the rows and the groups of a training set went: for explanations only, members know nothing of it."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.partition._cells import canonical, column_codes

# Kinds of cells whose content is a whole number, spelled out.
_COUNTED = ("integer", "time", "instant", "duration")


@dataclass(frozen=True, eq=False, kw_only=True)
class Places:
    """Shard of each training row and of each group.

    Parameters
    ----------
    row_shards : ndarray of shape (n_training_rows,)
        −1 for rows that were dropped.
    shard_sizes : ndarray of shape (n_members,)
        Number of rows of each shard.
    groups : ndarray of shape (n_groups,) or None
        Distinct groups; None if rows were not partitioned by groups.
    group_shards, group_sizes : ndarray of shape (n_groups,) or None
        Shard and number of rows of each group.
    """

    row_shards: NDArray[Any]
    shard_sizes: NDArray[Any]
    groups: NDArray[Any] | None = None
    group_shards: NDArray[Any] | None = None
    group_sizes: NDArray[Any] | None = None

    def rows_of(self, shards: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Positions of the rows of those shards for which it says so, in ascending order."""
        # The code of dropped rows looks up the last entry, which belongs to no shard.
        return np.flatnonzero(np.append(shards, False)[self.row_shards])

    def group_columns(self) -> dict[str, NDArray[Any]]:
        """What is known of each group, whoever is asked about.

        Raises
        ------
        ValueError
            If rows were not partitioned by groups.
        """
        if self.groups is None or self.group_shards is None or self.group_sizes is None:
            raise ValueError(
                "Rows were partitioned by content: nobody knows which group sent them. Use partition_by='groups' and "
                "fit(X, y, groups=...), with the source of each row, to learn which groups matter."
            )
        return {
            "group": self.groups,
            "shard": self.group_shards,
            "n_rows": self.group_sizes,
            "share": self.group_sizes / self.shard_sizes[self.group_shards],
        }

    def alone(self, shards: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether the shard of each group holds no other group."""
        return np.bincount(shards, minlength=len(self.shard_sizes))[shards] == 1


def distinct_groups(
    groups: NDArray[Any], shards: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[np.intp], NDArray[np.intp]]:
    """Find the groups of a training set.

    Parameters
    ----------
    groups : ndarray of shape (n_samples,)
        Group of each row, none missing.
    shards : ndarray of shape (n_samples,)
        Shard of each row.

    Returns
    -------
    groups : ndarray of shape (n_groups,)
        Sorted by kind and content; each as the first of its rows has it. Groups are equal if they are equal for the
        hash that makes the shards: ``1``, ``1.0`` and ``True`` are one group, ``"1"`` is another.
    shards, sizes : ndarray of shape (n_groups,)
    """
    _, first, sizes = np.unique(column_codes(groups), return_index=True, return_counts=True)
    found = groups[first]
    if found.dtype.kind == "O":
        found[:] = [_plain(group) for group in found]
    order = _order(found)
    return found[order], shards[first][order].astype(np.intp), sizes[order].astype(np.intp)


def _order(groups: NDArray[Any]) -> NDArray[np.intp]:
    """Order of distinct groups by kind and content."""
    if groups.dtype.kind != "O" or len({type(group) for group in groups} - {str}) == 0:
        return np.argsort(groups)
    cells = [canonical(group) for group in groups]
    keys = [(kind, int(content) if kind in _COUNTED else content) for kind, content in cells]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.intp)


def _plain(group: Any) -> Any:
    """Times of pandas as Python's, which are equal and which files can hold; finer ones as numpy's."""
    for name, rest in (("to_pydatetime", "nanosecond"), ("to_pytimedelta", "nanoseconds")):
        if hasattr(group, name):
            return group.to_numpy() if getattr(group, rest, 0) else getattr(group, name)()
    return group
