"""Few poison rows, repeated with a little noise until the budget is spent."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance, check_jitter
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import JITTER, append_rows, shake, take_rows
from robustfit.attacks._inner import check_count, run_inner, widen_like
from robustfit.attacks._labels import join_labels, read_labels
from robustfit.attacks._poisoned import Poisoned


class NearDuplicateAttack(BaseAttack):
    """Insert a few poison rows of another attack again and again, each time a little different.

    The optimised attacks of the literature put most of their weight on few points. Repeated exactly, these points
    give themselves away to whoever looks for duplicates; with noise they do not, and they pull almost as hard. One
    unit of the budget is one inserted row.

    Parameters
    ----------
    attack : attack
        Run with a budget of ``n_distinct``. Rows that it relabels or modifies are inserted as they became, next to the
        clean rows as they were.
    n_distinct : int
        Number of distinct rows to ask it for.
    jitter : float, default=0.1
        Scale of the noise, as a fraction of each column's standard deviation.

    See Also
    --------
    NeighborCopiesAttack : Near-copies of the rows that are to be predicted wrongly.

    Notes
    -----
    The distinct rows themselves come first, then copies in turn. Copies stay in the range of each column, the distinct
    rows included. Whole numbers are rounded up or down by chance, so that few of them move in columns of small spread;
    columns of 0 and 1 do not. Texts, categories, booleans and entries that a sparse matrix does not store are repeated
    as they are. ``Poisoned.details`` are those of the
    inner attack, and ``"copy_of"``: for each inserted row, which of the distinct ones it repeats, from 0.

    References
    ----------
    .. [1] P. W. Koh, J. Steinhardt and P. Liang, "Stronger Data Poisoning Attacks Break Data Sanitization Defenses",
       Machine Learning 111, 2022. Two distinct points, one per class, suffice against linear learners.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import InsertionAttack, NearDuplicateAttack
    >>> X, y = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 1, 1, 1])
    >>> poisoned = NearDuplicateAttack(InsertionAttack(), 2).generate(X, y, budget=5)
    >>> poisoned.details["copy_of"], len(np.unique(poisoned.X[poisoned.is_poison], axis=0))
    (array([0, 1, 0, 1, 0]), 5)
    """

    def __init__(self, attack: Any, n_distinct: int, *, jitter: float = JITTER) -> None:
        self.attack = attack
        self.n_distinct = n_distinct
        self.jitter = jitter

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        check_jitter(self.jitter)
        n_distinct = min(check_count(self.n_distinct, "n_distinct", "NearDuplicateAttack"), budget)
        inner = run_inner(self.attack, clean, n_distinct, chance, "NearDuplicateAttack")
        distinct = np.flatnonzero(inner.is_poison)[:budget]
        if len(distinct) == 0:
            raise ValueError(
                f"{type(self.attack).__name__} leaves no poison rows that could be repeated. Use an attack that "
                "inserts or changes rows."
            )
        copy_of = np.arange(budget) % len(distinct)
        copies = take_rows(inner.X, distinct[copy_of[len(distinct) :]])
        shaken = shake(copies, inner.X, chance.noise, self.jitter, whole=True)
        block = append_rows(take_rows(inner.X, distinct), shaken)
        labels = read_labels(inner.y)[distinct[copy_of]]
        wide = replace(clean, X=widen_like(clean.X, inner.X))
        poisoned = wide.append(block, labels, np.zeros(budget, dtype=np.int64), {**inner.details, "copy_of": copy_of})
        if wide.groups is None or inner.groups is None:
            # Groups that the inner attack made up are those of its own rows, which are not what comes out here.
            return poisoned
        # The groups are those of the repeated rows, not of the clean row named above.
        own, new = join_labels(np.asarray(wide.groups), inner.groups[distinct[copy_of]])
        return replace(poisoned, groups=np.concatenate([own, new]))
