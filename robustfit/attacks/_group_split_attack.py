"""Poison from many sources, so that no single one looks bad."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._inner import check_count, inserted_rows, run_inner
from robustfit.attacks._labels import Labels, distinct, join_labels, read_labels
from robustfit.attacks._poisoned import Poisoned


class GroupSplitAttack(BaseAttack):
    """Run an attack, and let the rows that it inserts come from many groups in equal shares.

    Defences that judge a source by what it sent need many bad rows from one source. Rows that were relabelled or
    modified in place keep the group that they had. One unit of the budget is one unit of the inner attack.

    Parameters
    ----------
    attack : attack
        Such as `InsertionAttack`; rows of attacks that insert none keep their groups.
    n_groups : int
        Number of groups that the inserted rows come from; with fewer rows, each has one of its own.
    groups : sequence of group names, default=None
        The groups to use, known or not; ``n_groups`` of them are drawn. By default groups of the training set. If that
        has none, new ones, and every clean row counts as a group of its own.

    See Also
    --------
    NearDuplicateAttack : Concentrates the poison instead.

    Notes
    -----
    The cost under ``threat="group"`` is the number of groups with a poison or removed row, so a certificate against a
    few groups says nothing about this attack: splitting is what makes forged sources worth their price.
    ``Poisoned.details`` are those of the inner attack and ``"groups"``, the list of groups that were drawn.

    References
    ----------
    .. [1] J. R. Douceur, "The Sybil Attack", IPTPS 2002. One attacker under many names.
    .. [2] N. Baracaldo, B. Chen, H. Ludwig and J. A. Safavi, "Mitigating Poisoning Attacks on Machine Learning Models:
       A Data Provenance Based Approach", AISec 2017. Judges sources by their rows.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import GroupSplitAttack, InsertionAttack
    >>> X, y = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 1, 1, 1])
    >>> sources = ["a", "a", "b", "b", "c", "c"]
    >>> poisoned = GroupSplitAttack(InsertionAttack(), 3).generate(X, y, budget=6, groups=sources)
    >>> sorted(poisoned.groups[poisoned.is_poison].tolist()), poisoned.cost("group")
    (['a', 'a', 'b', 'b', 'c', 'c'], 3)
    """

    def __init__(self, attack: Any, n_groups: int, *, groups: Any = None) -> None:
        self.attack = attack
        self.n_groups = n_groups
        self.groups = groups

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        n_groups = check_count(self.n_groups, "n_groups", "GroupSplitAttack")
        names = self._names(clean, n_groups)
        names = chance.rows.permutation(names)[:n_groups]
        if clean.groups is None:
            clean = replace(clean, groups=np.array([f"row {i}" for i in range(len(clean))]))
        inner = run_inner(self.attack, clean, budget, chance, "GroupSplitAttack")
        rows = inserted_rows(inner)
        groups, new = join_labels(np.asarray(inner.groups), names)
        groups = groups.copy()
        groups[rows] = new[np.arange(len(rows)) % n_groups]
        return replace(inner, groups=groups, details={**inner.details, "groups": names.tolist()})

    def _names(self, clean: CleanSet, n_groups: int) -> Labels:
        if self.groups is not None:
            names, _ = distinct(read_labels(self.groups, "groups"))
            where = "groups= names"
        elif clean.groups is not None:
            names, _ = distinct(clean.groups)
            where = "the training set has"
        else:
            return np.array([f"source {i}" for i in range(n_groups)])
        if len(names) < n_groups:
            raise ValueError(
                f"n_groups={n_groups}, but {where} only {len(names)}. Lower n_groups, or pass groups= with more names."
            )
        return names
