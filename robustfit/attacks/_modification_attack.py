"""Replacement of rows by ones whose features and label disagree."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Rows
from robustfit.attacks._labels import wrong_labels
from robustfit.attacks._poisoned import Poisoned


class ModificationAttack(BaseAttack):
    """Overwrite the features of random rows by those of a row of another class.

    One unit of the budget is one row. Its label, group and place stay, so features and label disagree. For a
    regression target, the features come from a row on the other side of the median.

    See Also
    --------
    InsertionAttack : Adds such rows, and says how features are shaken.

    References
    ----------
    .. [1] J. Jia, X. Cao and N. Z. Gong, "Intrinsic Certified Robustness of Bagging against Data Poisoning
       Attacks", AAAI 2021. Defines the attacker who modifies, inserts and deletes rows.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import ModificationAttack
    >>> X = np.array([["ham"], ["ham"], ["spam"], ["spam"]], dtype=object)
    >>> poisoned = ModificationAttack().generate(X, [0, 0, 1, 1], budget=1)
    >>> poisoned.X[poisoned.is_poison], poisoned.removed
    (array([['spam']], dtype=object), array([1]))
    >>> poisoned.cost("modify"), poisoned.cost("insert_delete")
    (1, 2)
    """

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        wrong = wrong_labels(clean.labels)
        if len(wrong.pool) < 2:
            raise ValueError(
                f"y has the single value {wrong.pool.tolist()[0]!r}, so there is no row of another class to "
                "take features from. Pass a training set with at least two."
            )
        check_enough(budget, len(clean), "can be modified")
        rows = chance.rows.permutation(len(clean))[:budget]
        return clean.replace(rows, _draw_from_others(wrong.own, rows, chance.choices), chance.noise)


def _draw_from_others(classes: Rows, rows: Rows, rng: np.random.Generator) -> Rows:
    """Draw, for each of some rows, a row of another class, all of those equally likely."""
    ranked = np.argsort(classes, kind="stable")
    size = np.bincount(classes)
    start = np.cumsum(size) - size
    own = classes[rows]
    drawn = rng.integers(len(classes) - size[own])
    # Ranked by class, the own class is one block: whoever falls at or behind its start skips it.
    return ranked[drawn + np.where(drawn >= start[own], size[own], 0)]
