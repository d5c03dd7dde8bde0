"""Poison for the rows that share given features, such as one group of people."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._subpopulations import FeatureSubpopulation, turn_against


class FeatureMatchAttack(BaseAttack):
    """Make a learner fail on the rows that have given values in given columns.

    Copies of such rows are inserted under a wrong label. The rest of the population is hardly touched, so neither the
    overall error nor a look at the new rows' features tells. One unit of the budget is one row.

    Parameters
    ----------
    values : mapping of column to condition
        Columns by name for frames, by position for arrays and sparse rows; a row has to meet all conditions. A
        condition is one value, a list or set of values, or a tuple (low, high) of two numbers, both ends included.
        None stands for a missing value.
    label : label, default=None
        Label of every copy, which the training set need not know; rows that have it are not copied. By default the most
        frequent class of the subpopulation besides its majority or, if there is none, of the whole set.
    jitter : float, default=0.0
        Scale of the noise on copies, as a fraction of each column's standard deviation; only numbers with a fraction
        get some, and stay within the range of their column. Noise in columns that are mostly zero tells copies from
        rows.

    See Also
    --------
    ClusterMatchAttack : Finds a subpopulation by itself.

    Notes
    -----
    `Poisoned.details` holds ``"subpopulation"``, whose method ``contains(X)`` tells which rows belong, so that the harm
    can be measured on test rows; it can be pickled. ``"label"`` is the label of the copies, ``"n_members"`` the number
    of clean rows that belong. The paper calls a budget of ``n_members`` a poisoning rate α = 1.

    References
    ----------
    .. [1] M. Jagielski, G. Severi, N. Pousette Harger and A. Oprea, "Subpopulation Data Poisoning Attacks", ACM CCS
       2021.

    Examples
    --------
    >>> import pandas as pd
    >>> from robustfit.attacks import FeatureMatchAttack
    >>> X = pd.DataFrame({"place": ["town", "town", "farm", "farm"], "age": [30, 40, 35, 50]})
    >>> attack = FeatureMatchAttack({"place": "farm", "age": (33, 60)})
    >>> poisoned = attack.generate(X, ["yes", "no", "no", "no"], budget=3)
    >>> poisoned.y
    ['yes', 'no', 'no', 'no', 'yes', 'yes', 'yes']
    >>> poisoned.details["subpopulation"].contains(X)
    array([False, False,  True,  True])
    """

    def __init__(self, values: Any, label: Any = None, *, jitter: float = 0.0) -> None:
        self.values = values
        self.label = label
        self.jitter = jitter

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        if not isinstance(self.values, Mapping) or not self.values:
            raise ValueError(
                f"values must be a dict of column to value with at least one entry, such as {{'sex': 'Female'}}, got "
                f"{self.values!r}."
            )
        clean.codes(type(self).__name__)
        subpopulation = FeatureSubpopulation(dict(self.values))
        members = np.flatnonzero(subpopulation.contains(clean.X))
        if len(members) == 0:
            raise ValueError(f"No row of X has {self.values}, so there is none to copy. Ask for less.")
        return turn_against(subpopulation, members, clean, budget, chance, label=self.label, jitter=self.jitter)
