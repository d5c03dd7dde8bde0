"""Random rows: garbage that only looks like the data column by column."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._labels import Labels, distinct, is_regression, read_labels
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._random_cells import random_rows


class RandomRowAttack(BaseAttack):
    """Insert rows whose cells and label are all drawn at random.

    One unit of the budget is one row, appended after the clean ones; the budget may exceed the number of clean
    rows. Each cell is drawn on its own, so that a row is possible column by column and makes no sense as a whole.

    Parameters
    ----------
    label : label, default=None
        Label of every inserted row, which the training set need not know. By default a random one of the observed
        classes, each as likely as the next, or a random number in the range of a regression target.

    See Also
    --------
    InsertionAttack : Inserts near-copies of rows under a wrong label.
    DistortionAttack : Spoils the features of rows that are there.

    Notes
    -----
    Values of floating-point columns are uniform between the least and the greatest one observed. In columns of any
    other kind (integers, booleans, categories, texts, objects), each distinct observed value is as likely as the
    next. Values are missing as often as in their column, and in sparse data stored as often. Rows that are single
    texts are drawn whole.

    References
    ----------
    .. [1] M. Jagielski, A. Oprea, B. Biggio, C. Liu, C. Nita-Rotaru and B. Li, "Manipulating Machine Learning:
       Poisoning Attacks and Countermeasures for Regression Learning", IEEE Symposium on Security and Privacy 2018.
       Compares optimised poison with rows drawn at random.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import RandomRowAttack
    >>> X, y = np.array([[0, 5], [0, 6], [9, 5], [9, 6]]), np.array(["a", "a", "b", "b"])
    >>> poisoned = RandomRowAttack().generate(X, y, budget=3)
    >>> poisoned
    Poisoned(7 rows, 3 poison, 0 removed)
    >>> bool(np.isin(poisoned.X[4:, 0], [0, 9]).all() and np.isin(poisoned.X[4:, 1], [5, 6]).all())
    True
    """

    def __init__(self, label: Any = None) -> None:
        self.label = label

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        labels = self._draw_labels(clean.labels, budget, chance.choices)
        sources = chance.rows.integers(len(clean), size=budget)
        block = random_rows(clean.X, budget, chance.noise)
        return clean.append(block, labels, sources)

    def _draw_labels(self, labels: Labels, budget: int, rng: np.random.Generator) -> Labels:
        if self.label is not None:
            return read_labels([self.label], "label").repeat(budget)
        u = rng.random(budget)
        classes, _ = distinct(labels)
        if len(classes) < 2:
            raise ValueError(
                f"y has the single value {classes.tolist()[0]!r}, so no other can be drawn. Pass label= to insert rows "
                "with one of your choice."
            )
        if is_regression(labels):
            low, high = float(classes[0]), float(classes[-1])
            return np.clip(low * (1.0 - u) + high * u, low, high).astype(labels.dtype)
        return classes[(u * len(classes)).astype(np.int64)]
