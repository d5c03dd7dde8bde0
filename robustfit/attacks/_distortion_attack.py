"""Distortion: rows whose numbers went badly wrong, under their own label."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough, check_number
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._distorted_cells import DistortedCells
from robustfit.attacks._poisoned import Poisoned


class DistortionAttack(BaseAttack):
    """Replace the numbers of random rows by strongly distorted ones.

    One unit of the budget is one row. Its label, group and place stay, and so do cells that hold no number.

    Parameters
    ----------
    scale : float, default=5.0
        Standard deviation of the Gaussian noise that is added to a cell, in standard deviations of its column.
    share : float, default=1.0
        Share of a row's numbers that are distorted, at least one of them. A small share makes gross errors in single
        cells.

    See Also
    --------
    RandomRowAttack : Inserts rows that are random altogether.
    ModificationAttack : Replaces features by those of a row of another class.

    Notes
    -----
    The noise may leave the range of a column, but not that of its dtype; whole numbers stay whole. Of sparse data, only
    stored entries are distorted. Missing values, infinities, booleans, texts and categories stay, and so do columns
    that do not vary. Labels play no part, so that any target will do.

    References
    ----------
    .. [1] F. Alqallaf, S. Van Aelst, V. J. Yohai and R. H. Zamar, "Propagation of Outliers in Multivariate Data", The
       Annals of Statistics 37(1), 2009. Tells rows that are wrong from cells that are.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import DistortionAttack
    >>> X, y = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 1, 1, 1])
    >>> poisoned = DistortionAttack(scale=100.0, share=0.5).generate(X, y, budget=2)
    >>> (poisoned.X != X).sum(axis=1)[poisoned.is_poison]
    array([1, 1])
    >>> poisoned.cost("modify")
    2
    """

    def __init__(self, scale: float = 5.0, share: float = 1.0) -> None:
        self.scale = scale
        self.share = share

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        scale = check_number(self.scale, "scale", "a positive number of standard deviations")
        share = check_number(self.share, "share", "a share of a row's numbers in (0, 1]", most=1.0)
        cells = DistortedCells(clean.X)
        if len(cells.rows) == 0:
            raise ValueError(
                f"DistortionAttack changes numbers, and this {type(clean.X).__name__} has none in a column that "
                "varies. Use RandomRowAttack or ModificationAttack, which take features of any kind."
            )
        check_enough(budget, len(cells.rows), "can be distorted: others hold no number in a column that varies")
        rows = chance.rows.permutation(cells.rows)[:budget]
        block = cells.distort(rows, scale, share, chance.choices, chance.noise)
        return clean.rewrite(rows, block)
