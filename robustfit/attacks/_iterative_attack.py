"""An attack that watches the defence: what was dropped is replaced, what got through is repeated."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone, is_outlier_detector

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Rows
from robustfit.attacks._inner import check_count, run_inner
from robustfit.attacks._iterative import Search, Trial
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._reference_model import check_kind, seeded


class IterativeAttack(BaseAttack):
    """Refit a defence on each poisoned set, learn what it lets through, and keep the set that is worst for it.

    Round 0 is the wrapped attack alone. Each later round tries up to five more sets of the same budget:

    - *fresh*: the wrapped attack with another seed;
    - *survivors*: poison rows that the defence kept before, those of the worst sets first, repeated where they
      are too few;
    - *kept*: what the wrapped attack makes of nothing but the clean rows that the defence kept from the worst set, so
      that whatever it derives from rows, such as feasible sets, is what the defence lets through;
    - *patched*: the worst set, with the rows that the defence dropped replaced by such ones;
    - *drawn in*: the first set, with each numeric row that the defence still drops moved halfway to the nearest clean
      row that it keeps, once more in each round.

    All but the first need a defence that tells which rows it kept, and the last one an attack that changes features.

    Parameters
    ----------
    attack : attack
        Any of this package. One with a parameter ``estimator`` that is None refers to the defence's own
        ``estimator`` in the third and fourth kind, if it knows that one.
    defence : estimator
        Classifier or regressor, unfitted. Which rows it kept is read off ``sample_indices_``, or else a boolean mask
        in ``support_`` or ``inlier_mask_``. A ``random_state`` that it leaves open is fixed for all rounds.
    rounds : int, default=5
        Rounds after the first.
    folds : int, default=3
        Harm is the error rate, or the mean squared error, on all clean rows: those of each fold are predicted by the
        defence fitted without them, without what became of them, and without the fold's share of the inserted rows. So
        each set costs one fit for each fold, and one more.

    See Also
    --------
    CertificateGuidedAttack : Adapts to the votes of a partition ensemble.
    NearDuplicateAttack : Repeats few rows without looking at a defence.

    Notes
    -----
    By the harm that it measures the result is never worse than the wrapped attack alone. With few clean rows a part
    of the gain is luck of the choice: measure it again on rows of your own. A larger budget starts anew.

    ``Poisoned.details`` holds those of the wrapped attack where the set is as that made it, ``harm``, and
    ``history``: a list with one dict per set, of its ``round``, its ``kind`` (as above), its ``harm``, and
    ``kept_poison``, the share of its poison rows that the defence kept, or None.

    References
    ----------
    .. [1] P. W. Koh, J. Steinhardt and P. Liang, "Stronger Data Poisoning Attacks Break Data Sanitization
       Defenses", Machine Learning 2022. Feasible sets are estimated anew from what the defence keeps.
    .. [2] F. Tramèr, N. Carlini, W. Brendel and A. Madry, "On Adaptive Attacks to Adversarial Example Defenses",
       NeurIPS 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.linear_model import LinearRegression, RANSACRegressor
    >>> from robustfit.attacks import IterativeAttack, RandomFlipAttack
    >>> X, y = load_diabetes(return_X_y=True)
    >>> defence = RANSACRegressor(LinearRegression(), min_samples=0.5, random_state=0)
    >>> attack = IterativeAttack(RandomFlipAttack(), defence, rounds=2)
    >>> details = attack.generate(X, y, budget=60).details
    >>> alone = details["history"][0]
    >>> alone["kind"], details["harm"] >= alone["harm"]
    ('fresh', True)
    """

    def __init__(self, attack: Any, defence: Any, *, rounds: int = 5, folds: int = 3) -> None:
        self.attack = attack
        self.defence = defence
        self.rounds = rounds
        self.folds = folds

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        rounds = check_count(self.rounds, "rounds", "IterativeAttack")
        trial = Trial(clean, self._seeded_defence(clean, chance), self._folds(clean, chance))

        def run(attack: Any, rows: CleanSet, units: int) -> Poisoned:
            return run_inner(attack, rows, units, chance, "IterativeAttack")

        search = Search(trial, partial(run, self.attack), partial(run, self._informed()), budget)
        worst = search.run(rounds)
        details = {**worst.poisoned.details, "harm": worst.harm, "history": search.history}
        return replace(worst.poisoned, details=details)

    def _seeded_defence(self, clean: CleanSet, chance: Chance) -> Any:
        usable = all(hasattr(self.defence, name) for name in ("fit", "predict"))
        if isinstance(self.defence, type) or not usable or is_outlier_detector(self.defence):
            raise ValueError(
                f"defence of IterativeAttack must be a classifier or regressor, with fit and predict, got "
                f"{self.defence!r}. An outlier detector is part of one: put it in front of a learner."
            )
        check_kind(self.defence, clean.labels)
        return seeded(clone(self.defence), chance.choices)

    def _folds(self, clean: CleanSet, chance: Chance) -> list[Rows]:
        number = check_count(self.folds, "folds", "IterativeAttack")
        if not 2 <= number <= len(clean):
            raise ValueError(
                f"folds of IterativeAttack must be from 2 to {len(clean)}, the number of rows, got {number}."
            )
        return [np.sort(fold) for fold in np.array_split(chance.rows.permutation(len(clean)), number)]

    def _informed(self) -> Any:
        """Return the attack with the defence's own learner as its reference, where it has none."""
        learner = getattr(self.defence, "estimator", None)
        if learner is None or not isinstance(self.attack, BaseAttack):
            return self.attack
        if self.attack.get_params(deep=False).get("estimator", learner) is not None:
            return self.attack
        return clone(self.attack).set_params(estimator=clone(learner))
