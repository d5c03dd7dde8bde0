"""Twins of rows that a regression leans on, chosen one by one as it gives way."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import take_rows
from robustfit.attacks._growing_ridge import Twins
from robustfit.attacks._poisoned import Poisoned
from robustfit.certify._feasible._checks import check_count


class AdaptiveFlipAttack(BaseAttack):
    """Insert copies of rows with their target at the far end, each the one that hurts most after those before it.

    One unit of the budget is one row, appended after the clean ones; the budget may exceed the number of clean rows,
    and a row may be copied more than once.

    Parameters
    ----------
    regularization : float, default=0.01
        Ridge penalty on the squared weights of columns scaled to [0, 1], with which leverages and predictions are
        computed.
    power : float, default=16.0
        How much rows far from the end that they are moved to are preferred as candidates.
    n_candidates : int, default=100
        Rows that are drawn for each insertion; the best is inserted.

    See Also
    --------
    InfFlipAttack : Draws all its rows at once, as the candidates are drawn here.
    StatPAttack : Makes up its candidates.

    Notes
    -----
    The attack keeps A = ZᵀZ + λI of the clean rows and the copies inserted so far, with columns scaled to [0, 1] and
    an intercept. Inserting a copy z with target t moves the weights by A⁻¹z (t − f)/(1 + h), with f the prediction for
    z and h = zᵀA⁻¹z its leverage, both as they are by now. Of the candidates the one is inserted that then leaves
    the predictions for the clean rows farthest from those of the clean model, in mean square. A⁻¹ is updated by rank
    one, so that an insertion costs n_candidates · n_features² operations, and no fit.

    The paper draws each row at random, in proportion to an influence that is computed anew after each.

    ``details`` of the result has

    - ``"sources"``: the row that each inserted one copies;
    - ``"rise"``: mean squared distance of the predictions for the clean rows from those of the clean model, for the
      ridge regression that the attack works with.

    References
    ----------
    .. [1] M. Jagielski, A. Oprea, B. Biggio, C. Liu, C. Nita-Rotaru and B. Li, "Manipulating Machine Learning:
       Poisoning Attacks and Countermeasures for Regression Learning", IEEE Symposium on Security and Privacy 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from robustfit.attacks import AdaptiveFlipAttack, RandomFlipAttack
    >>> X = np.arange(40.0).reshape(-1, 1)
    >>> for attack in (RandomFlipAttack(), AdaptiveFlipAttack()):
    ...     poisoned = attack.generate(X, X[:, 0], budget=10)
    ...     predicted = LinearRegression().fit(poisoned.X, poisoned.y).predict(X)
    ...     print(round(float(np.mean((predicted - X[:, 0]) ** 2))))
    52
    95
    """

    def __init__(self, regularization: float = 0.01, *, power: float = 16.0, n_candidates: int = 100) -> None:
        self.regularization = regularization
        self.power = power
        self.n_candidates = n_candidates

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        size = check_count(self.n_candidates, "n_candidates")
        twins = Twins.of(clean, "AdaptiveFlipAttack", self.regularization, self.power)
        chosen = []
        for _ in range(budget):
            drawn = twins.draw(size, chance.rows)
            worst = twins.ridge.insert_worst(twins.rows[drawn], twins.predicted[drawn], twins.far[drawn])
            chosen.append(drawn[worst])
        sources = np.array(chosen, dtype=np.int64)
        details = {"sources": sources, "rise": twins.ridge.rise}
        return clean.append(take_rows(clean.X, sources), twins.far[sources], sources, details)
