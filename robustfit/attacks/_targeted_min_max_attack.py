"""Rows that change one prediction of a linear learner."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, is_sparse
from robustfit.attacks._labels import Labels
from robustfit.attacks._linear import LinearVictim, resolve_sets, scores
from robustfit.attacks._linear._chase import COARSE, Chase, chase
from robustfit.attacks._linear._default_learner import seeded_learner
from robustfit.attacks._linear._loss_difference import Room
from robustfit.attacks._linear._points_needed import read_classifier
from robustfit.attacks._poisoned import Poisoned

_MARGINS = (1.0, 4.0)
# Feasible rows may hardly tell the decoy from a model that still gets the target right: never stop early.
_TOL = 0.0
_HEAVIEST = 2.0**20


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
    The decoy minimises the sum of the clean losses, the penalty, and v times the loss of (target, label), with the
    smallest v that gives the target a margin of 1 (to a few per cent), or of 4. Both decoys are chased in coarse steps,
    and the better one in fine steps; of all chases the one that ends with the largest margin of the target counts. Each
    step adds the feasible row that maximises the loss of the model so far minus that of the decoy: the inner maximum of
    a min-max problem whose outer player is the learner.

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

    def margin(found: tuple[Chase, Floats]) -> float:
        return sign * float(scores(target, found[0].theta))

    tried: list[tuple[Chase, Floats]] = []
    for wanted in _MARGINS:
        decoy = _decoy(victim, X, y, target, sign, wanted)
        tried.append((chase(victim, X, y, room, decoy, budget, _TOL, COARSE), decoy))
    best = max(tried, key=margin)
    return max(best, (chase(victim, X, y, room, best[1], budget, _TOL), best[1]), key=margin)


def _decoy(victim: LinearVictim, X: Floats, y: Floats, target: Floats, sign: float, wanted: float) -> Floats:
    """Train with the smallest weight on the target, under the label of ``sign``, that gives it the wanted margin."""
    everything, labels = np.vstack([X, target]), np.append(y, sign)

    def train(weight: float) -> Floats:
        return victim.fit(everything, labels, np.append(np.ones(len(y)), weight))

    def enough(theta: Floats) -> bool:
        return sign * float(scores(target, theta)) >= wanted

    high = 1.0
    best = train(high)
    while not enough(best) and high < _HEAVIEST:
        high *= 2
        best = train(high)
    low = high / 2
    for _ in range(4):
        middle = (low + high) / 2
        theta = train(middle)
        if enough(theta):
            high, best = middle, theta
        else:
            low = middle
    return best


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
