"""Rows to hold out, and the others in an order whose beginnings are samples, as a partition would sample them."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

from robustfit.evaluate._plan_targets import Index, Labels, Values
from robustfit.partition import Rows, ShardPlan

# Together they hold out rows enough for a standard error of an accuracy of one percent. Members vote on all rows of a
# split, so that what is peculiar to a sample of members is averaged over splits, not over rows.
_N_SPLITS = 5
_HELD_OUT = 500
_BUCKETS = 1 << 32


def hold_out(
    rows: Rows, target: Labels | Values, groups: NDArray[Any] | None, test_size: Any, seed: int
) -> Iterator[tuple[Index, Index]]:
    """Split rows several times.

    Parameters
    ----------
    rows : Rows
    target : Labels or Values
    groups : ndarray of shape (n_rows,) or None
        Sources; those of a split are held out whole.
    test_size : float, int or None
        Share or number of rows, or groups, to hold out.
    seed : int

    Yields
    ------
    train, test : ndarray of row numbers
        The beginning of ``train`` is a sample of the rows, or groups, that are left.

    Raises
    ------
    ValueError
        If ``test_size`` leaves nothing to fit on, or nothing to hold out.
    """
    sources = None if groups is None else _buckets(rows, groups, 0)
    n_units = rows.n_samples if sources is None else len(np.unique(sources))
    n_test = _check_test_size(test_size, n_units, "rows" if sources is None else "groups")
    options = {"n_splits": _N_SPLITS, "test_size": n_test, "random_state": seed % (1 << 32)}
    strata = target.strata
    if sources is not None:
        pairs = GroupShuffleSplit(**options).split(sources, groups=sources)
    elif strata is not None and target.n_answers <= min(n_test, n_units - n_test):
        pairs = StratifiedShuffleSplit(**options).split(strata, strata)
    else:
        pairs = ShuffleSplit(**options).split(target.y)
    salts = np.random.SeedSequence(seed).generate_state(_N_SPLITS)
    for salt, (train, test) in zip(salts, pairs, strict=True):
        # Rows of the same content or group are in one shard: they are taken together or not at all.
        yield train[np.argsort(_buckets(rows, groups, int(salt))[train], kind="stable")], test


def _buckets(rows: Rows, groups: NDArray[Any] | None, salt: int) -> NDArray[np.int64]:
    options = {"n_partitions": _BUCKETS, "random_state": salt}
    plan = ShardPlan.by_content(rows, **options) if groups is None else ShardPlan.by_groups(rows, groups, **options)
    return plan.shard


def _check_test_size(test_size: Any, n_units: int, unit: str) -> int:
    """Number of rows, or groups, to hold out."""
    if test_size is None:
        test_size = max(1, min(n_units // 4, _HELD_OUT if unit == "rows" else n_units))
    n_test = 0
    if isinstance(test_size, Integral) and not isinstance(test_size, bool | np.bool_):
        n_test = int(test_size)
    elif isinstance(test_size, Real) and 0 < float(test_size) < 1:
        n_test = int(np.ceil(float(test_size) * n_units))
    if not 1 <= n_test < n_units:
        raise ValueError(
            f"test_size must be a share of the {unit} between 0 and 1, or a whole number of them, and leave some of "
            f"the {n_units} to fit on, got {test_size!r}."
        )
    return n_test
