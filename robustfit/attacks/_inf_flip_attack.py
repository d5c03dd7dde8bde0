"""Twins of rows that a regression leans on, with their target at the far end."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import take_rows
from robustfit.attacks._growing_ridge import Twins
from robustfit.attacks._poisoned import Poisoned


class InfFlipAttack(BaseAttack):
    """Insert copies of rows with much influence on a regression, their target moved to the far end of its range.

    One unit of the budget is one row, appended after the clean ones; the budget may exceed the number of clean rows,
    and a row may be copied more than once.

    Parameters
    ----------
    regularization : float, default=0.01
        Ridge penalty on the squared weights of columns scaled to [0, 1], with which leverages and predictions are
        computed.
    power : float, default=16.0
        How much rows far from the end that they are moved to are preferred.

    See Also
    --------
    AdaptiveFlipAttack : Chooses each row in view of those before it, and hurts more.
    StatPAttack : Makes up its rows.
    RandomFlipAttack : Changes targets of rows that are there.

    Notes
    -----
    With H = Z(ZᵀZ + λI)⁻¹Zᵀ the hat matrix of ridge regression on scaled columns and an intercept, row i is drawn with
    probability proportional to ::

        H_ii · |t_i − (Hy)_i|^power,

    where t_i is the end of the target's range that is farther from the prediction (Hy)_i, and which its copy gets. The
    first factor, the leverage, says how far its target moves predictions: H_ii = Σ_j H_ij² as λ → 0.

    The paper draws in proportion to ``Σ_j H_ij · (½ + |y_i − ½|)`` for targets in [0, 1]. The second factor is the
    distance of y_i from its far end; here the prediction takes the place of y_i, which has noise that a copy does not
    inherit. With an intercept, every Σ_j H_ij is 1. A power of 1 would let copies at both ends cancel out and most fall
    to rows near the mean; a high one draws a group of rows at one side of the regression, and tilts it.

    ``details`` of the result has ``"sources"``, the row that each inserted one copies.

    References
    ----------
    .. [1] M. Jagielski, A. Oprea, B. Biggio, C. Liu, C. Nita-Rotaru and B. Li, "Manipulating Machine Learning:
       Poisoning Attacks and Countermeasures for Regression Learning", IEEE Symposium on Security and Privacy 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import InfFlipAttack
    >>> X = np.arange(10.0).reshape(-1, 1)
    >>> poisoned = InfFlipAttack().generate(X, X[:, 0], budget=4)
    >>> poisoned.X[poisoned.is_poison, 0]
    array([9., 0., 9., 0.])
    >>> poisoned.y[poisoned.is_poison]
    array([0., 9., 0., 9.])
    """

    def __init__(self, regularization: float = 0.01, power: float = 16.0) -> None:
        self.regularization = regularization
        self.power = power

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        twins = Twins.of(clean, "InfFlipAttack", self.regularization, self.power)
        sources = twins.draw(budget, chance.rows)
        return clean.append(take_rows(clean.X, sources), twins.far[sources], sources, {"sources": sources})
