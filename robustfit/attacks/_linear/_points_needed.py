"""How many rows an attacker needs at least, to make a linear learner return a given model."""

# SPDX-License-Identifier: BSD-3-Clause

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import is_sparse
from robustfit.attacks._labels import Labels
from robustfit.attacks._linear._class_sets import resolve_sets
from robustfit.attacks._linear._loss_difference import Room
from robustfit.attacks._linear._victim import LinearVictim, read_victim, refuse_both_weights, scores
from robustfit.losses import HINGE, LOGISTIC, SQUARED_HINGE

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_MOST = 2.0**53
# Nearer to the target a witness is better, but the search for the largest difference ends at some absolute accuracy.
_NEAR = 1.0 / 64.0


def points_needed(
    estimator: Any,
    X: Any,
    y: Any,
    target_model: Any,
    *,
    feasible_set: Any = None,
    witness: Any = None,
    slack: float = 0.0,
) -> float:
    """Bound from below the number of rows that must be added to a training set to make a learner return a given model.

    Parameters
    ----------
    estimator : LinearSVC, linear SVC or LogisticRegression
        The learner; not fitted and not changed, except that it is trained on the clean rows if ``witness`` is None.
    X : container of n_rows rows of numbers
        The clean rows.
    y : sequence of shape (n_rows,)
        Two classes.
    target_model : fitted linear estimator, or array-like of shape (n_features + 1,)
        The model θ_p that the attacker is after, as (w, b); b is 0 for a learner without an intercept. A positive score
        means the second class in sorted order.
    feasible_set : FeasibleSet or mapping of label to FeasibleSet, default=None
        Where added rows may lie. None for `sphere_slab_sets` of the clean rows.
    witness : fitted linear estimator, or array-like of shape (n_features + 1,), default=None
        The model θ that the target is compared with; any gives a bound, and so does every model on the line from the
        target to it, of which one near to the target is tried too. None for the clean model. Averages of the models
        that an attack meets on its way are better: `ModelTargetedAttack` reports the bound that they give.
    slack : float, default=0.0
        By how much the sum that the learner minimises may exceed its minimum at the model that the learner returns.

    Returns
    -------
    n_points : int
        No fewer rows reach the target. 0 where nothing is proved, ``math.inf`` where it is proved that no number of
        rows reaches it.

    Raises
    ------
    ValueError
        If the learner, the labels, a model or the slack are not as above.

    See Also
    --------
    ModelTargetedAttack : Chases the target, and reports the best bound on its way.

    Notes
    -----
    With F the sum that the learner minimises over clean rows, penalty included, and S the largest
    ℓ(θ; x, y) − ℓ(θ_p; x, y) over the feasible rows of either class, the answer is ⌈(F(θ_p) − F(θ) − slack) / S⌉. The
    proof is short: see ``docs/attack_bounds.md``.

    **Guarantee.** *What is bounded:* the number m of rows, repetitions counted, in any multiset of labelled rows inside
    the feasible set that makes ``target_model`` minimise F plus the losses of these rows, to within ``slack``. *Against
    which change:* rows added to exactly the clean rows given; the set does not depend on what is added. *Under which
    conditions:* the learner minimises the sum exactly (``slack`` = 0), or returns a model whose sum is at most
    ``slack`` above the minimum, whatever the added rows are; a solver that stops early may return the target with fewer
    rows if its true slack is larger. The supremum S is bounded, not searched, and rounding errors count against the
    result; with a `ConvexSet` it is as good as that set's weaker guarantee. Nothing is said about models other than
    the target, however similar.

    References
    ----------
    .. [1] F. Suya, S. Mahloujifar, A. Suri, D. Evans and Y. Tian, "Model-Targeted Poisoning Attacks with Provable
       Convergence", ICML 2021, theorem 2. Stated there for mean losses.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from robustfit.attacks import points_needed
    >>> from robustfit.certify import Box
    >>> X, y = np.linspace(-1, 1, 20).reshape(-1, 1), np.repeat([0, 1], 10)
    >>> points_needed(LogisticRegression(), X, y, [-1.0, 0.0], feasible_set=Box([-1.0], [1.0]))
    30
    """
    attack = "points_needed"
    clean = CleanSet.check(X, y, None)
    victim = read_classifier(estimator, attack)
    classes, signs = clean.signs(attack)
    numbers = clean.numbers()
    target = read_model(target_model, victim, numbers.shape[1], classes, "target_model")
    room = Room(resolve_sets(feasible_set, numbers, clean.labels, classes))
    _check_slack(slack)
    if witness is None:
        theta = victim.fit(numbers, signs)
    else:
        theta = read_model(witness, victim, numbers.shape[1], classes, "witness")
    bound = room.largest_difference(victim.loss, theta, target).bound
    return max(
        rows_to_reach(victim, numbers, signs, theta, target, bound, slack),
        rows_from_near(victim, numbers, signs, room, theta, target, slack),
    )


def rows_from_near(
    victim: LinearVictim, X: Floats, y: Floats, room: Room, theta: Floats, target: Floats, slack: float = 0.0
) -> float:
    """Return the bound of `rows_to_reach` for a witness on the line from the target to ``theta``, near to the target.

    In exact arithmetic and without slack, it is at least that of ``theta``.
    """
    witness = target + _NEAR * (theta - target)
    largest = room.largest_difference(victim.loss, witness, target).bound
    return rows_to_reach(victim, X, y, witness, target, largest, slack)


def rows_to_reach(
    victim: LinearVictim, X: Floats, y: Floats, theta: Floats, target: Floats, largest: float, slack: float = 0.0
) -> float:
    """Return ⌈(F(target) − F(θ) − slack) / largest⌉, rounded down where rounding matters, and at least 0.

    Parameters
    ----------
    victim : LinearVictim
        With penalties that do not grow with the number of rows.
    X, y : ndarrays
        Clean rows, and their classes as −1 and +1.
    theta, target : ndarray of shape (n_features + 1,)
    largest : float
        No feasible row has a larger loss(θ) − loss(target).
    slack : float, default=0.0
    """
    high, low = victim.objective(target, X, y), victim.objective(theta, X, y)
    noise = (2 * len(y) + 64) * _EPS * (high + low) + _score_noise(victim, X, y, theta)
    short = (high - low - noise - _score_noise(victim, X, y, target) - slack) * (1 - 4 * _EPS)
    if not short > 0:
        return 0
    if largest <= 0:
        return math.inf
    # Larger quotients may overflow, and say no more.
    return math.ceil(min(short / largest * (1 - 4 * _EPS), _MOST))


def _score_noise(victim: LinearVictim, X: Floats, y: Floats, theta: Floats) -> float:
    """Bound what rounding of the scores does to the sum of losses."""
    blur = (2 * X.shape[1] + 32) * _EPS * (np.abs(X) @ np.abs(theta[:-1]) + abs(theta[-1]))
    # Losses are convex and fall with the margin: nowhere within the blur are they steeper than at its low end.
    low = y * scores(X, theta) - blur
    return float(np.abs(victim.loss.slope(np.ones(len(y)), low)) @ blur)


def read_classifier(estimator: Any, attack: str) -> LinearVictim:
    """Read a linear learner whose loss falls with the margin.

    Raises
    ------
    ValueError
        If it is none.
    """
    victim = read_victim(estimator, attack)
    refuse_both_weights(estimator, attack)
    if victim.loss not in (HINGE, SQUARED_HINGE, LOGISTIC):
        raise ValueError(
            f"{attack} knows losses that fall with the margin, those of LinearSVC, SVC(kernel='linear') and "
            f"LogisticRegression, got {type(estimator).__name__}. GradientAttack and BlackBoxAttack know more learners."
        )
    return victim


def read_model(model: Any, victim: LinearVictim, n_features: int, classes: Labels, name: str) -> Floats:
    """Return θ = (w, b) of a fitted linear estimator, or of an array that holds it.

    Raises
    ------
    ValueError
        If it has another size or other classes, is not finite, or has an intercept that the learner cannot have.
    """
    if hasattr(model, "coef_"):
        known = np.asarray(getattr(model, "classes_", classes)).tolist()
        if known != classes.tolist():
            raise ValueError(f"{name} was trained on the classes {known}, but y holds {classes.tolist()}.")
        coef = model.coef_.toarray() if is_sparse(model.coef_) else model.coef_
        model = np.append(np.ravel(coef), np.ravel(model.intercept_)[:1])
    elif not isinstance(model, Iterable):
        raise ValueError(
            f"{name} must be a fitted linear estimator or an array (w, b) of shape ({n_features + 1},), got {model!r}."
        )
    theta = np.asarray(model, dtype=np.float64)
    if theta.shape != (n_features + 1,) or not np.isfinite(theta).all():
        raise ValueError(
            f"{name} must be finite, of shape (n_features + 1,) = ({n_features + 1},): the weights, then the "
            f"intercept; got shape {theta.shape}."
        )
    if victim.intercept_ridge is None and theta[-1] != 0:
        raise ValueError(
            f"{name} has the intercept {theta[-1]:g}, but {victim.estimator!r} has none. Set it to 0, or use "
            "fit_intercept=True."
        )
    return theta


def _check_slack(slack: Any) -> None:
    """Raise unless this is a finite number that is not negative."""
    if isinstance(slack, bool) or not isinstance(slack, Real) or not 0 <= float(slack) < np.inf:
        raise ValueError(f"slack must be a finite number, at least 0, got {slack!r}.")
