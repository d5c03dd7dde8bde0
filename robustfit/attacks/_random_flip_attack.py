"""Random label flips: the attack that every other one has to beat."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._labels import is_regression, rows_to_flip, wrong_labels
from robustfit.attacks._poisoned import Poisoned


class RandomFlipAttack(BaseAttack):
    """Change the labels of random rows to random wrong ones.

    A regression target is replaced by the end of its observed range on the other side of the median.
    One unit of the budget is one label.

    Parameters
    ----------
    labels : sequence of labels, default=None
        Labels to flip to, which the training set need not know. A row that bears one of them gets another.
        By default the observed classes.
    source : label, default=None
        Flip rows that bear this label only: one-sided flips. By default any row may be flipped. Not for
        regression targets.

    See Also
    --------
    FarFlipAttack : Flips the rows that a reference model is surest of.
    NearFlipAttack : Flips those that it is least sure of.
    ALFAAttack : Looks for the flips that hurt most.

    References
    ----------
    .. [1] B. Biggio, B. Nelson and P. Laskov, "Support Vector Machines Under Adversarial Label Noise",
       ACML 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import RandomFlipAttack
    >>> X, y = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 1, 1, 1])
    >>> poisoned = RandomFlipAttack().generate(X, y, budget=2)
    >>> int((poisoned.y != y).sum()), poisoned.cost("label_flip")
    (2, 2)
    >>> poisoned = RandomFlipAttack(labels=["unseen"]).generate(X, ["a", "a", "a", "b", "b", "b"], budget=1)
    >>> poisoned.y.count("unseen")
    1
    >>> RandomFlipAttack(source=1).generate(X, y, budget=3).y
    array([0, 0, 0, 0, 0, 0])
    """

    def __init__(self, labels: Any = None, source: Any = None) -> None:
        self.labels = labels
        self.source = source

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        wrong = wrong_labels(clean.labels, self.labels)
        rows, whose = rows_to_flip(clean.labels, self.source, is_regression(clean.labels))
        open_rows = rows[wrong.n_choices[rows] > 0]
        check_enough(
            budget,
            len(open_rows),
            f"{whose}: the labels to flip to are {wrong.pool.tolist()[:10]}, and none is a row's own",
            "Lower the budget; if rows lack a label to flip to, pass labels= with more.",
        )
        rows = chance.rows.permutation(open_rows)[:budget]
        return clean.relabel(rows, wrong.draw(rows, chance.choices))
