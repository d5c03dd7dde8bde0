"""Rows that make a linear learner return a model of the attacker's choice, and how many it takes at least."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real
from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._linear import resolve_sets
from robustfit.attacks._linear._chase import chase, harmful_target
from robustfit.attacks._linear._default_learner import seeded_learner
from robustfit.attacks._linear._loss_difference import Room
from robustfit.attacks._linear._points_needed import read_classifier, read_model
from robustfit.attacks._poisoned import Poisoned


class ModelTargetedAttack(BaseAttack):
    """Add rows that draw a linear classifier to a given model.

    Again and again, the learner is trained on all rows so far, and the row is added on which it loses most compared
    with the target. One unit of the budget is one row, appended after the clean ones.

    Parameters
    ----------
    estimator : LinearSVC, linear SVC or LogisticRegression, default=None
        The learner to poison, with two classes. None for a ``LinearSVC`` with hinge loss and
        ``C = 1 / (0.01 n_rows)``. A ``random_state`` that it leaves open is derived from that of `generate`.
    target_model : fitted linear estimator, or array-like of shape (n_features + 1,), default=None
        The model that it should return, as (w, b); a positive score means the second class in sorted order. None for
        a decoy that errs much, see Notes.
    feasible_set : FeasibleSet or mapping of label to FeasibleSet, default=None
        Where added rows may lie, so that a sanitizer keeps them. None for `sphere_slab_sets` of the clean rows.
    tol : float, default=0.01
        The target counts as reached when no feasible row loses more than this beyond what it loses under the target.

    See Also
    --------
    points_needed : The lower bound on its own.
    KKTAttack : Aims at a decoy too, with a few distinct rows found at once.
    TargetedMinMaxAttack : Aims at one prediction.

    Notes
    -----
    Step t trains θ_t on the clean rows D_c and the poison so far, and adds
    ``(x*, y*) = argmax ℓ(θ_t; x, y) − ℓ(θ_p; x, y)`` over both classes and their feasible rows: the largest value is
    bounded, and attained to a hundredth where the sets are convex. Far from the target many rows in sequence would be
    nearly the same, so each step adds the row several times: a 32nd part of what is left of the budget, at last one.
    Every training starts anew, since a solver that stops early would otherwise return another model than the learner
    does. When the target is reached, the rest of the budget goes to a feasible row so far beyond the margin that it
    does not move the model; where there is none, the steps go on.

    Without ``target_model``, up to six decoys are trained on the clean rows and flipped copies of some, each counted 5
    or 20 times: of those that the clean model is surest of, as many as the budget, among all rows or among those that
    the other class's set holds; or of those that it is least sure of, twice as many. Each decoy is chased in a few
    coarse steps, and the one whose chase leaves most errors on the clean rows becomes the target. It need not be within
    reach; the way towards it does the harm.

    The rows are chosen one after the other but in steps that depend on the budget: a larger budget starts anew.

    ``Poisoned.details``: ``"theta"``, the model trained on the poisoned rows, and ``"target"``, both (w, b);
    ``"loss_difference"``, which no feasible row exceeds in loss(theta) − loss(target); ``"reached_with"``, the number
    of rows after which this was first within ``tol``, or None; ``"lower_bound"``, below which no number of feasible
    rows makes the learner return exactly the target, and ``math.inf`` if none does: the largest of the bounds of
    `points_needed` with the θ_t and some of their averages as witnesses. It states the same guarantee. A model near to
    the target may take fewer.

    References
    ----------
    .. [1] F. Suya, S. Mahloujifar, A. Suri, D. Evans and Y. Tian, "Model-Targeted Poisoning Attacks with Provable
       Convergence", ICML 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from robustfit.attacks import ModelTargetedAttack
    >>> from robustfit.certify import Box
    >>> X, y = np.linspace(-1, 1, 20).reshape(-1, 1), np.repeat([0, 1], 10)
    >>> attack = ModelTargetedAttack(LogisticRegression(), target_model=[-1.0, 0.0], feasible_set=Box([-1.0], [1.0]))
    >>> poisoned = attack.generate(X, y, budget=40)
    >>> poisoned
    Poisoned(60 rows, 40 poison, 0 removed)
    >>> poisoned.details["lower_bound"], poisoned.details["reached_with"] in range(30, 35)
    (30, True)
    """

    def __init__(
        self, estimator: Any = None, *, target_model: Any = None, feasible_set: Any = None, tol: float = 0.01
    ) -> None:
        self.estimator = estimator
        self.target_model = target_model
        self.feasible_set = feasible_set
        self.tol = tol

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        name = type(self).__name__
        if isinstance(self.tol, bool) or not isinstance(self.tol, Real) or not 0 < self.tol < np.inf:
            raise ValueError(f"tol must be a positive number, in units of the learner's loss, got {self.tol!r}.")
        victim = read_classifier(seeded_learner(self.estimator, len(clean), chance.choices), name)
        classes, signs = clean.signs(name)
        numbers = clean.numbers()
        room = Room(resolve_sets(self.feasible_set, numbers, clean.labels, classes))
        if self.target_model is None:
            target = harmful_target(victim, numbers, signs, room, budget, self.tol)
        else:
            target = read_model(self.target_model, victim, numbers.shape[1], classes, "target_model")
        end = chase(victim, numbers, signs, room, target, budget, self.tol)
        details = {
            "theta": end.theta,
            "target": target,
            "loss_difference": end.loss_difference,
            "reached_with": end.reached_with,
            "lower_bound": end.lower_bound,
        }
        sources = chance.rows.integers(len(clean), size=budget)
        return clean.add(end.rows, classes[(end.signs > 0).astype(np.int64)], sources, details)
