"""Insertion of mislabelled near-copies: what an open door for contributions lets in."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._labels import wrong_labels
from robustfit.attacks._poisoned import Poisoned


class InsertionAttack(BaseAttack):
    """Insert near-copies of random rows under a wrong label.

    One unit of the budget is one row, appended after the clean ones; the budget may exceed the number of
    clean rows. For a regression target the wrong label is the end of the observed range on the other side of
    the median.

    Parameters
    ----------
    label : label, default=None
        Label of every inserted row, which the training set need not know; only rows with another label are
        copied. By default a random observed class other than that of the copied row.

    See Also
    --------
    ModificationAttack : Overwrites rows instead of adding some.

    Notes
    -----
    Floating-point features of a copy get Gaussian noise of 0.1 standard deviations of their column, and
    stay within the range of that column. In sparse data, only the stored entries do. Features of any
    other kind (texts, categories, objects, integers, booleans) are copied as they are.

    References
    ----------
    .. [1] B. Biggio, B. Nelson and P. Laskov, "Poisoning Attacks against Support Vector Machines", ICML 2012.
       Starts from the same copies under a wrong label, and goes on to optimise them.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import InsertionAttack
    >>> X, y = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 1, 1, 1])
    >>> poisoned = InsertionAttack().generate(X, y, budget=3)
    >>> poisoned
    Poisoned(9 rows, 3 poison, 0 removed)
    >>> np.array_equal(poisoned.X[~poisoned.is_poison], X), poisoned.cost("insert_delete")
    (True, 3)
    """

    def __init__(self, label: Any = None) -> None:
        self.label = label

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        wrong = wrong_labels(clean.labels, None if self.label is None else [self.label], "label")
        open_rows = np.flatnonzero(wrong.n_choices > 0)
        if len(open_rows) == 0:
            raise ValueError(
                f"No label can be wrong: every row of y has {clean.labels.tolist()[0]!r}. Pass label= with another."
            )
        sources = open_rows[chance.rows.integers(len(open_rows), size=budget)]
        return clean.insert(sources, wrong.draw(sources, chance.choices), chance.noise)
