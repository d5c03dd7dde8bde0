"""Deletion of rows: what an attacker who can only withhold data does."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._labels import rows_with
from robustfit.attacks._poisoned import Poisoned


class DeletionAttack(BaseAttack):
    """Delete random rows, of the whole training set or of one class.

    One unit of the budget is one row. Every row may go; what is left then is empty.

    Parameters
    ----------
    label : label, default=None
        Delete rows with this label only, which starves one class. By default any row may go.

    References
    ----------
    .. [1] T. Broderick, R. Giordano and R. Meager, "An Automatic Finite-Sample Robustness Metric: When Can
       Dropping a Little Data Make a Big Difference?", arXiv:2011.14999, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import DeletionAttack
    >>> X, y = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 1, 1, 1])
    >>> poisoned = DeletionAttack(label=1).generate(X, y, budget=2)
    >>> poisoned.y
    array([0, 0, 0, 1])
    >>> poisoned.cost("delete"), poisoned.cost("insert_delete")
    (2, 2)
    """

    def __init__(self, label: Any = None) -> None:
        self.label = label

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        open_rows, what = np.arange(len(clean)), "can be deleted"
        if self.label is not None:
            open_rows = rows_with(clean.labels, self.label, "label")
            what = f"of label {self.label!r} can be deleted"
        check_enough(budget, len(open_rows), what)
        return clean.delete(chance.rows.permutation(open_rows)[:budget])
