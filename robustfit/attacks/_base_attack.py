"""What every attack shares: checked input, a budget in whole units, and chance that can be repeated."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import ABCMeta, abstractmethod
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._poisoned import Poisoned
from robustfit.certify._threats import check_budget


class Chance(NamedTuple):
    """Independent sources of randomness, so that a larger budget goes on where a smaller one stopped."""

    rows: np.random.Generator
    choices: np.random.Generator
    noise: np.random.Generator


class BaseAttack(BaseEstimator, metaclass=ABCMeta):
    """Turns a clean training set into a poisoned one. A subclass says how in ``_poison``."""

    def generate(self, X: Any, y: Any, *, budget: int, random_state: int = 0, groups: Any = None) -> Poisoned:
        """Poison a training set.

        Parameters
        ----------
        X : container of n_rows rows
            Numpy array, scipy sparse matrix, pandas or polars frame or series, or list of texts. Never
            changed.
        y : sequence of shape (n_rows,)
            One label or target per row. A floating dtype is a regression target, any other holds class
            labels; cast ``y`` to say otherwise, as in ``y.astype(float)`` for a target in whole numbers.
        budget : int
            Number of rows (labels) that the attack changes, exactly. 0 returns the training set as it is.
        random_state : int, default=0
            Same number, same poison.
        groups : sequence of shape (n_rows,), optional
            Source of each row, to count the cost in groups. An inserted row has the group of the row that it
            copies or started from, or, where it did from none, that of a random row.

        Returns
        -------
        poisoned : Poisoned
            In the containers of ``X`` and ``y``. A label or a number that does not fit the dtype of ``y`` or of
            its column widens it. A pandas index is kept where only labels or features changed, and renumbered
            where rows came or went.

        Raises
        ------
        ValueError
            If the budget is no whole number or more than the rows allow, if lengths differ, or if ``y`` is
            not 1-D, has missing values, or leaves nothing to confuse (one class, constant target).
        TypeError
            If ``X`` is not one of the containers above.

        Notes
        -----
        Attacks that choose rows one by one grow: for the same ``random_state``, the rows that a larger budget
        changes include those that a smaller one does, changed in the same way. Attacks that optimise all their
        rows together start anew for each budget; their pages say so.
        """
        seed = check_seed(random_state)
        units = check_budget(budget)
        clean = CleanSet.check(X, y, groups)
        if units == 0:
            return clean.unchanged()
        return self._poison(clean, units, Chance(*np.random.default_rng(seed).spawn(3)))

    @abstractmethod
    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        """Return the clean set after an attack of a positive budget."""


def check_seed(random_state: Any) -> int:
    """Return ``random_state`` as an ``int``, or say what it must be."""
    if isinstance(random_state, bool | np.bool_) or not isinstance(random_state, Integral) or random_state < 0:
        raise ValueError(
            f"random_state must be a non-negative integer, got {random_state!r}. None or a generator would "
            "make an attack that nobody can repeat."
        )
    return int(random_state)


def check_enough(budget: int, available: int, what: str, fix: str = "Lower the budget.") -> None:
    """Raise if an attack would need more rows than there are."""
    if budget > available:
        raise ValueError(f"budget={budget}, but only {available} rows {what}. {fix}")


def check_jitter(jitter: Any) -> None:
    """Raise if this is no scale of the noise on copies."""
    if isinstance(jitter, bool) or not isinstance(jitter, int | float | np.number) or not 0 <= jitter < np.inf:
        raise ValueError(f"jitter must be a finite number that is not negative, got {jitter!r}.")


def check_number(
    value: Any, name: str, what: str, *, least: float = float(np.nextafter(0.0, 1.0)), most: float = np.inf
) -> float:
    """Return a finite number between two ends, by default a positive one, or say what it must be."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not least <= value <= most or not np.isfinite(value):
        raise ValueError(f"{name} must be {what}, got {value!r}.")
    return float(value)
