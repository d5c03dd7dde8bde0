"""Search for poison with nothing but fits and predictions: the attack on learners of any kind."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._black_box import Landscape, Trials, apply_recipe, evolve
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._labels import is_regression
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._reference_model import check_kind, seeded
from robustfit.attacks._targets import read_target

_ACTIONS = {"any": ("flip", "insert"), "flip": ("flip",), "insert": ("insert",)}


class BlackBoxAttack(BaseAttack):
    """Search for the poison that hurts a given learner most, by fitting it again and again.

    The learner is asked for predictions and nothing else, so it may be anything: a forest, a network, a pipeline that
    reads texts, an ensemble of this library. Poison is not placed row by row, but by recipes: which neighbourhoods are
    crowded with which wrong label, how densely, and how far the rows are moved. These have few numbers, and an
    evolutionary search finds good ones in about a hundred fits. One unit of the budget is one row.

    Parameters
    ----------
    estimator : estimator
        The learner to hurt. It is cloned; a ``random_state`` that it leaves open is derived from that of `generate`.
    target : one row, or a container of rows like ``X``, default=None
        Rows whose predictions shall change. By default the error on held-out rows shall grow.
    action : {"any", "flip", "insert"}, default="any"
        Whether labels are flipped, rows are inserted, or whichever hurts more.
    n_fits : int, default=100
        Number of fits to poisoned rows, at most; there are six more to clean ones.

    See Also
    --------
    NeighborCopiesAttack : Changes the predictions of a local learner without a search.
    GradientAttack : Uses the derivatives of learners that have some.

    Notes
    -----
    A recipe consists of one to four blocks, each of which takes rows around one of at most 24 centres: k-means of each
    class and, if given, the targets. Rows are taken from the centre outwards, from the outside inwards, at random, or
    by their distance from other classes; some or all of a place, or several copies of each. Inserted rows of numbers
    may be moved towards the centre, or to the ends of all columns on the far or the near side of the other class, so
    they stay within the range of each column. Poison for a regression target bears the far end of its observed range.

    Harm is the additional error (mean squared error for a regression target) on each of three folds when the other two
    are poisoned with a budget in proportion, or the share of targets whose prediction changes (mean squared change).
    The search starts with random flips, or random copies for ``action="insert"``. Then recipes drawn at random are
    tried, and the best ones changed and joined. A recipe that falls behind on one fold is not tried on the next. A
    quarter of the fits goes to the best ones and the random one once more, on the three folds of another split. The
    recipe with the largest mean over all folds is applied to all rows, so on this measure the attack is never weaker
    than the random one.

    Where a learner memorises each row, as trees that are grown to the end do, any poison moves about its own share of
    the predictions, and a search gains little.

    `Poisoned.details` holds ``"history"``, the harm after each fit, ``"harm"``, the mean harm of the chosen recipe,
    ``"random_harm"``, that of the first one, and ``"recipe"``, the chosen one in words. All rows are placed together,
    so a larger budget starts anew.

    References
    ----------
    .. [1] B. Biggio and F. Roli, "Wild Patterns: Ten Years After the Rise of Adversarial Machine Learning", Pattern
       Recognition 84, 2018. Attackers with black-box access.
    .. [2] A. E. Eiben and J. E. Smith, "Introduction to Evolutionary Computing", Springer 2015.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from robustfit.attacks import BlackBoxAttack
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(0, 1, (40, 2)), rng.normal(3, 1, (40, 2))])
    >>> y = np.repeat([0, 1], 40)
    >>> poisoned = BlackBoxAttack(GaussianNB(), n_fits=20).generate(X, y, budget=8)
    >>> poisoned.details["harm"] > poisoned.details["random_harm"]
    True
    >>> len(poisoned.details["history"])
    20
    """

    def __init__(self, estimator: Any, *, target: Any = None, action: str = "any", n_fits: int = 100) -> None:
        self.estimator = estimator
        self.target = target
        self.action = action
        self.n_fits = n_fits

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        self._check_kind(clean)
        if self.action not in _ACTIONS:
            raise ValueError(f"action must be one of {', '.join(map(repr, _ACTIONS))}, got {self.action!r}.")
        actions = _ACTIONS[self.action]
        if self.action == "flip":
            check_enough(budget, len(clean), "can be flipped")
        elif budget > len(clean):
            actions = ("insert",)
        target = None if self.target is None else read_target(self.target, clean.X)
        landscape = Landscape(clean, target, chance.choices)
        model = seeded(clone(self.estimator), chance.choices)
        trials = Trials(model, clean, landscape, budget, target, chance.rows)
        if not isinstance(self.n_fits, Integral) or self.n_fits < trials.n_folds:
            raise ValueError(f"n_fits must be a whole number of at least {trials.n_folds}, got {self.n_fits!r}.")
        best, start = evolve(trials, landscape, actions, int(self.n_fits), chance.noise)
        details = {
            "history": np.array(trials.history),
            "harm": best.mean,
            "random_harm": start.mean,
            "recipe": repr(best.recipe),
        }
        return apply_recipe(best.recipe, landscape, clean, np.arange(len(clean)), budget, details)

    def _check_kind(self, clean: CleanSet) -> None:
        name = type(self).__name__
        if is_regression(clean.labels):
            clean.targets(name)
        else:
            clean.codes(name)
        check_kind(self.estimator, clean.labels)
