"""Rows that change one prediction of a linear learner."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, is_sparse
from robustfit.attacks._labels import Labels
from robustfit.attacks._linear import LinearVictim, resolve_sets, scores
from robustfit.attacks._linear._chase import Chase, chase
from robustfit.attacks._linear._default_learner import seeded_learner
from robustfit.attacks._linear._loss_difference import Room
from robustfit.attacks._linear._points_needed import read_classifier
from robustfit.attacks._poisoned import Poisoned

_MARGINS = (0.25, 1.0, 4.0, 16.0)
_COARSE, _FINE = 4, 64
# Feasible rows may hardly tell the decoy from a model that still gets the target right: never stop early.
_TOL = 0.0
_TRAINED, _HEAVIEST = (1.0, 4.0), 2.0**14


class TargetedMinMaxAttack(BaseAttack):
    """Add rows so that a linear classifier takes one given row for another class.

    A decoy that does so is made by training on the target itself, under the wrong label; then feasible rows draw the
    learner to the decoy, as `ModelTargetedAttack` does. The target is not among them unless it is the best of them. One
    unit of the budget is one row, appended after the clean ones.

    Parameters
    ----------
    target : array-like of shape (n_features,)
        The row whose prediction shall change, in the order of the columns of ``X``; it need not be in ``X``.
    label : label, default=None
        What it shall be taken for. None for the class that the learner does not predict when trained on the clean rows.
    estimator : LinearSVC, linear SVC or LogisticRegression, default=None
        The learner to poison, with two classes. None for a ``LinearSVC`` with hinge loss and
        ``C = 1 / (0.01 n_rows)``. A ``random_state`` that it leaves open is derived from that of `generate`.
    feasible_set : FeasibleSet or mapping of label to FeasibleSet, default=None
        Where added rows may lie, so that a sanitizer keeps them. None for `sphere_slab_sets` of the clean rows.

    See Also
    --------
    ModelTargetedAttack : Aims at a whole model.
    NeighborCopiesAttack : The same aim against nearest neighbours.

    Notes
    -----
    Training on the clean rows and on (target, label), repeated until that prediction changes by a margin of 1, gives a
    model that differs from the clean one in what matters for the target. Decoys lie on the line from the clean model
    through it, where the target's margin is 0.25, 1, 4 and 16; one more is trained on more repetitions, for a margin of
    4 where the loss asks for it. All are chased in coarse steps, and the best in fine ones; of all chases the one that
    ends with the largest margin of the target counts. Each step adds the feasible row that maximises the loss of the
    model so far minus that of the decoy: the inner maximum of a min-max problem whose outer player is the learner.

    The rows are chosen one after the other but in steps that depend on the budget: a larger budget starts anew.

    ``Poisoned.details``: ``"label"``; ``"flipped"``, whether the model trained on the poisoned rows gives the target
    that label; ``"margin"`` and ``"clean_margin"``, its score for the label after and before; ``"theta"``, that model,
    and ``"decoy"``, both (w, b).

    References
    ----------
    .. [1] J. Steinhardt, P. W. Koh and P. Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.
    .. [2] F. Suya, S. Mahloujifar, A. Suri, D. Evans and Y. Tian, "Model-Targeted Poisoning Attacks with Provable
       Convergence", ICML 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from robustfit.attacks import TargetedMinMaxAttack
    >>> X, y = np.linspace(-1, 1, 20).reshape(-1, 1), np.repeat(["no", "yes"], 10)
    >>> poisoned = TargetedMinMaxAttack([0.3], estimator=LogisticRegression()).generate(X, y, budget=12)
    >>> poisoned.details["label"], poisoned.details["flipped"]
    ('no', True)
    >>> [LogisticRegression().fit(*rows).predict([[0.3]]).item() for rows in ((X, y), (poisoned.X, poisoned.y))]
    ['yes', 'no']
    """

    def __init__(self, target: Any, label: Any = None, estimator: Any = None, *, feasible_set: Any = None) -> None:
        self.target = target
        self.label = label
        self.estimator = estimator
        self.feasible_set = feasible_set

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        name = type(self).__name__
        victim = read_classifier(seeded_learner(self.estimator, len(clean), chance.choices), name)
        classes, signs = clean.signs(name)
        numbers = clean.numbers()
        target = _read_row(self.target, numbers.shape[1])
        room = Room(resolve_sets(self.feasible_set, numbers, clean.labels, classes))
        before = float(scores(target, victim.fit(numbers, signs)))
        sign = (-1.0 if before > 0 else 1.0) if self.label is None else _sign_of(self.label, classes)
        end, decoy = _best_chase(victim, numbers, signs, room, target, sign, budget)
        margin = sign * float(scores(target, end.theta))
        details = {
            "label": classes.tolist()[int(sign > 0)],
            # A score of 0 is a prediction of the first class.
            "flipped": margin > 0 or (margin == 0 and sign < 0),
            "margin": margin,
            "clean_margin": sign * before,
            "theta": end.theta,
            "decoy": decoy,
        }
        sources = chance.rows.integers(len(clean), size=budget)
        return clean.add(end.rows, classes[(end.signs > 0).astype(np.int64)], sources, details)


def _best_chase(
    victim: LinearVictim, X: Floats, y: Floats, room: Room, target: Floats, sign: float, budget: int
) -> tuple[Chase, Floats]:
    """Chase decoys that give the target several margins, and the best of them once more in finer steps."""

    def run(decoy: Floats, n_steps: int) -> tuple[Chase, Floats]:
        return chase(victim, X, y, room, decoy, budget, _TOL, n_steps), decoy

    def margin(found: tuple[Chase, Floats]) -> float:
        return sign * float(scores(target, found[0].theta))

    best = max((run(decoy, _COARSE) for decoy in _decoys(victim, X, y, target, sign)), key=margin)
    return max(best, run(best[1], _FINE), key=margin)


def _decoys(victim: LinearVictim, X: Floats, y: Floats, target: Floats, sign: float) -> list[Floats]:
    """Return a model that was trained on the target under its new label, and some on the line towards another."""
    everything, labels = np.vstack([X, target]), np.append(y, sign)

    def margin(theta: Floats) -> float:
        return sign * float(scores(target, theta))

    clean = trained = victim.fit(X, y)
    weight, found = 1.0, []
    for wanted in _TRAINED:
        while margin(trained) < wanted and weight <= _HEAVIEST:
            trained = victim.fit(everything, labels, np.append(np.ones(len(y)), weight))
            weight *= 2
        found.append(trained)
    before, after = margin(clean), margin(found[0])
    if not after > before:
        return found
    ahead = [wanted for wanted in _MARGINS if wanted > before]
    return [*found[1:], *(clean + (wanted - before) / (after - before) * (found[0] - clean) for wanted in ahead)]


def _read_row(target: Any, n_features: int) -> Floats:
    """Return one row of finite numbers.

    Raises
    ------
    ValueError
        If the target is none.
    """
    try:
        row = np.asarray(target.toarray() if is_sparse(target) else target, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"target must be one row of {n_features} numbers, got {target!r}.") from error
    if row.shape not in ((n_features,), (1, n_features)) or not np.isfinite(row).all():
        raise ValueError(
            f"target must be one row of finite numbers, of shape ({n_features},) as the rows of X are, got shape "
            f"{row.shape}. Attack several targets one at a time."
        )
    return row.ravel()


def _sign_of(label: Any, classes: Labels) -> float:
    known = classes.tolist()
    if label not in known:
        raise ValueError(f"label={label!r} is not among the classes {known} of y. Pass one of them, or None.")
    return 1.0 if known.index(label) else -1.0
