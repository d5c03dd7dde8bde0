"""Shard plans: which shard each row belongs to, decided by that row alone."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.partition._cells import column_codes, column_ranks
from robustfit.partition._hash import HASH_VERSION, Codes, hash_columns
from robustfit.partition._rows import Index, Rows, as_rows


@dataclass(frozen=True, eq=False)
class ShardPlan:
    """Assignment of rows to shards.

    Parameters
    ----------
    shard : ndarray of shape (n_samples,), int64
        Shard of each row, in 0..n_partitions−1.
    digest : ndarray of shape (n_samples,), uint64
        Digest of each row's features.
    n_partitions : int
    partition_by : {"content", "groups"}
    random_state : int
        Salt of the hash.
    hash_version : int

    Notes
    -----
    **Guarantee.** The shard of a row is a function of that row (or of its group), ``n_partitions`` and
    ``random_state``: never of its position, of other rows, of their number, of the container, the precision
    it was stored in, the process or the platform. Labels and weights are not hashed. Inserting, deleting or
    relabelling a row therefore touches one shard, replacing it at most two.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.partition import ShardPlan
    >>> X = np.arange(12.0).reshape(6, 2)
    >>> ShardPlan.by_content(X, n_partitions=3, random_state=0).shard
    array([2, 0, 0, 1, 0, 1])
    """

    shard: NDArray[np.int64]
    digest: Codes
    n_partitions: int
    partition_by: str
    random_state: int
    hash_version: int = HASH_VERSION

    @classmethod
    def by_content(cls, X: Any, *, n_partitions: int, random_state: int = 0) -> "ShardPlan":
        """Assign rows by a hash of their features.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame, list of str, or Rows
        n_partitions : int
        random_state : int, default=0
            Salt: another value gives an unrelated assignment.
        """
        digest = _rows(X).digest(random_state)
        return cls(_spread(digest, n_partitions), digest, n_partitions, "content", random_state)

    @classmethod
    def by_groups(cls, X: Any, groups: Any, *, n_partitions: int, random_state: int = 0) -> "ShardPlan":
        """Assign rows by a hash of their group; a group's rows share one shard.

        Parameters
        ----------
        X : array-like, sparse matrix, data frame, list of str, or Rows
        groups : array-like of shape (n_samples,)
            Numbers or texts.
        n_partitions : int
        random_state : int, default=0
        """
        rows = _rows(X)
        # One more salt: groups that happen to equal the only feature must not repeat its digests.
        group_digest = hash_columns([column_codes(groups)], rows.n_samples, 1, random_state + (1 << 64))
        return cls(
            _spread(group_digest, n_partitions),
            rows.digest(random_state),
            n_partitions,
            "groups",
            random_state,
        )

    def split(self, rows: Rows, keys: Sequence[Any], keep: NDArray[np.bool_] | None = None) -> list[Index]:
        """Positions of each shard's rows, in an order that depends on their content alone.

        Parameters
        ----------
        rows : Rows
            The rows that the plan was made for.
        keys : sequence of array-like of shape (n_samples,)
            What tells rows of equal features apart: labels, weights, groups, fit parameters.
        keep : ndarray of bool of shape (n_samples,), optional
            Rows to split; all by default.

        Returns
        -------
        positions : list of n_partitions ndarrays
            Sorted by (digest, canonical bytes, keys): rows that tie in all are interchangeable.
        """
        kept = np.arange(rows.n_samples) if keep is None else np.flatnonzero(keep)
        order = kept[np.argsort(self.digest[kept])]
        ranked = self.digest[order]
        equal = ranked[1:] == ranked[:-1]
        tied = np.zeros(len(order), dtype=bool)
        tied[1:] |= equal
        tied[:-1] |= equal
        if tied.any():
            index = order[tied]
            ranks = [*rows.ranks(index), *(column_ranks(_select(key, index)) for key in keys)]
            # np.lexsort takes its first key last.
            order[tied] = index[np.lexsort([*reversed(ranks), self.digest[index]])]
        # Narrow integers are sorted by counting.
        narrow = np.min_scalar_type(self.n_partitions)
        by_shard = order[np.argsort(self.shard[order].astype(narrow), kind="stable")]
        sizes = np.bincount(self.shard[kept], minlength=self.n_partitions)
        return np.split(by_shard, np.cumsum(sizes)[:-1])


def _rows(X: Any) -> Rows:
    if isinstance(X, Rows):
        return X
    if isinstance(X, np.ndarray) and X.dtype.kind in "biuf":
        X = X.astype(np.float64, copy=False)
    return as_rows(X)


def _spread(digest: Codes, n_partitions: int) -> NDArray[np.int64]:
    return (digest % np.uint64(n_partitions)).astype(np.int64)


def _select(values: Any, index: Index) -> Any:
    return values[index] if isinstance(values, np.ndarray) else [values[i] for i in index]
