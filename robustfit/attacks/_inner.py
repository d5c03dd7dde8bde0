"""Attacks inside attacks: run one on the clean set, and tell which of its rows were brought in."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral
from typing import Any

import narwhals as nw
import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Rows, as_narwhals, is_frame, is_sparse
from robustfit.attacks._poisoned import Poisoned


def run_inner(attack: Any, clean: CleanSet, budget: int, chance: Chance, outer: str) -> Poisoned:
    """Run an attack on the clean set, with a seed of its own.

    Raises
    ------
    ValueError
        If it is no attack.
    """
    if not isinstance(attack, BaseAttack):
        raise ValueError(f"attack of {outer} must be an attack such as InsertionAttack(), got {attack!r}.")
    seed = int(chance.choices.integers(2**31))
    return attack.generate(clean.X, clean.y, budget=budget, random_state=seed, groups=clean.groups)


def inserted_rows(poisoned: Poisoned) -> Rows:
    """Return the positions of poison rows that did not take the place of a clean row."""
    gone, poison = poisoned.removed, poisoned.is_poison.copy()
    in_place = len(gone) > 0 and gone.max() < len(poison) and bool(poison[gone].all())
    if in_place:
        poison[gone] = False
    return np.flatnonzero(poison)


def widen_like(X: Any, like: Any) -> Any:
    """Give the columns of ``X`` the dtypes that an attack widened those of ``like`` to."""
    if is_frame(X):
        wide = as_narwhals(like).schema
        cast = [nw.col(name).cast(wide[name]) for name, dtype in as_narwhals(X).schema.items() if dtype != wide[name]]
        return as_narwhals(X).with_columns(*cast).to_native() if cast else X
    if (is_sparse(X) or isinstance(X, np.ndarray)) and X.dtype != like.dtype:
        return X.astype(like.dtype)
    return X


def check_count(value: Any, name: str, outer: str) -> int:
    """Return a whole number of at least 1, or say what it must be."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} of {outer} must be a whole number of at least 1, got {value!r}.")
    return int(value)
