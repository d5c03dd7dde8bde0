"""The fewest rows, anywhere in feature space, with which a model can be made a minimiser."""

# SPDX-License-Identifier: BSD-3-Clause

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import lambertw

from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._linear._points_needed import read_classifier, read_model
from robustfit.attacks._linear._victim import LinearVictim, scores
from robustfit.losses import HINGE, LOGISTIC, SQUARED_HINGE

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_SAFE = 1 + 1e-12
_LARGEST_MULTIPLIER = 500.0


class Poisonability(NamedTuple):
    """What it takes at least to make a model a minimiser.

    Attributes
    ----------
    n_points : int
        No fewer rows do it.
    share : float
        The bound before it is rounded up to a whole number, divided by the number of clean rows: the poisonability
        threshold.

    References
    ----------
    .. [1] Y. Lu, G. Kamath and Y. Yu, "Exploring the Limits of Model-Targeted Indiscriminate Data Poisoning Attacks",
       ICML 2023.

    Examples
    --------
    >>> from robustfit.attacks import Poisonability
    >>> threshold = Poisonability(n_points=39, share=1.916)
    >>> threshold.n_points
    39
    """

    n_points: int
    share: float


def poisonability(estimator: Any, X: Any, y: Any, target_model: Any, *, margin_tol: float = 0.0) -> Poisonability:
    """Bound from below the number of rows that make a model stationary, wherever in feature space they lie.

    Parameters
    ----------
    estimator : LogisticRegression, LinearSVC or linear SVC
        The learner; not fitted and not changed.
    X : container of n_rows rows of numbers
        The clean rows.
    y : sequence of shape (n_rows,)
        Two classes.
    target_model : fitted linear estimator, or array-like of shape (n_features + 1,)
        The model (w, b); b is 0 for a learner without an intercept. A positive score means the second class in sorted
        order.
    margin_tol : float, default=0.0
        How far from its computed value the margin y(⟨w, x⟩ + b) of a clean row may be, beyond rounding. A hinge jumps
        where the margin is 1, and solvers leave rows next to there; with a small tolerance, such as 1e-6, these count
        as being there.

    Returns
    -------
    Poisonability

    Raises
    ------
    ValueError
        If the learner, the labels or the model are not as above.

    See Also
    --------
    points_needed : A bound for rows of a feasible set, by comparison with other models; neither bound is always larger.
    GradientCancelingAttack : Looks for the rows.

    Notes
    -----
    Let G be the gradient at θ = (w, b) of the sum that the learner minimises on the clean rows, penalty included,
    A = ⟨θ, G⟩ and B its entry for the intercept. A row with margin m adds −a(m) m to A and ∓a(m) to B, with
    a = −dℓ/dm. So k rows that cancel G satisfy, for every t ≥ 0,

        ``A + t |B| ≤ k h(t)``, ``h(t) = max over m of a(m) (m + t)``,

    and ``k ≥ (A + t|B|) / h(t)`` for the t that makes it largest. h(t) is 1 + t for the hinge, (1 + t)²/2 for the
    squared hinge and W(exp(t − 1)) for the logistic loss, W being Lambert's function. With t = 0 this is A, 2A and
    A / W(1/e) = 3.59 A. The proof is in ``docs/attack_bounds.md``.

    **Guarantee.** *What is bounded:* the number k of rows, repetitions counted, of any multiset of labelled rows with
    which ``target_model`` minimises the learner's sum over clean and added rows. *Against which change:* rows with
    any finite features and either label, added to exactly the clean rows given. *Under which conditions:* hinge,
    squared hinge or logistic loss with an L2 penalty or none, that does not grow with the number of rows; the learner
    minimises exactly: a model that a solver returned is a little off, and a threshold that is a hair above a whole
    number is rounded up to the next. Where clean rows lie on the kink of the hinge, or within rounding of it, the
    slope that helps the attacker counts; beside it, the margin is taken by the letter, see ``margin_tol``. Rounding
    errors are bounded and count against the result. The condition is necessary, not sufficient: so many rows need not
    be enough, least of all in a feasible set. Nothing is said about models near ``target_model``.

    References
    ----------
    .. [1] Y. Lu, G. Kamath and Y. Yu, "Exploring the Limits of Model-Targeted Indiscriminate Data Poisoning Attacks",
       ICML 2023. The threshold of a logistic loss of mean gradients, without penalty.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from robustfit.attacks import poisonability
    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]] * 5), np.array([0, 0, 1, 1] * 5)
    >>> poisonability(LogisticRegression(), X, y, [-0.5, 0.0])
    Poisonability(n_points=39, share=1.916...)
    >>> clean = LogisticRegression(tol=1e-8).fit(X, y)
    >>> poisonability(LogisticRegression(), X, y, clean).share < 1e-3
    True
    """
    name = "poisonability"
    clean = CleanSet.check(X, y, None)
    victim = read_classifier(estimator, name)
    classes, signs = clean.signs(name)
    numbers = clean.numbers()
    theta = read_model(target_model, victim, numbers.shape[1], classes, "target_model")
    if isinstance(margin_tol, bool) or not isinstance(margin_tol, int | float | np.number) or not 0 <= margin_tol < 1:
        raise ValueError(f"margin_tol must be a number in [0, 1), got {margin_tol!r}.")
    bound = rows_to_justify(victim, numbers, signs, theta, float(margin_tol))
    return Poisonability(math.ceil(bound), bound / len(signs))


def rows_to_justify(victim: LinearVictim, X: Floats, y: Floats, theta: Floats, margin_tol: float = 0.0) -> float:
    """Return the largest (A + t|B|) / h(t) that was found, rounded down, and at least 0.

    Parameters
    ----------
    victim : LinearVictim
        With a hinge, squared hinge or logistic loss.
    X, y : ndarrays
        Clean rows, and their classes as −1 and +1.
    theta : ndarray of shape (n_features + 1,)
    margin_tol : float, default=0.0
    """
    radial, sideways = _clean_pull(victim, X, y, theta, margin_tol)
    reach = _REACH[victim.loss.name]

    def bound(multiplier: float) -> float:
        return (radial + multiplier * sideways) / (reach(multiplier) * _SAFE)

    candidates = [0.0, bound(0.0)]
    # A straight line over a convex function has one peak.
    peak = minimize_scalar(lambda u: -bound(_stretch(u)), bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-9})
    candidates.append(bound(_stretch(float(peak.x))))
    if victim.loss is not SQUARED_HINGE:
        # With a slope of at most 1 each row moves the intercept's gradient by 1 at most.
        candidates.append(sideways / _SAFE)
    return max(candidates)


def _stretch(u: float) -> float:
    """Map [0, 1) to multipliers from 0 up."""
    return min(u / max(1.0 - u, _EPS), _LARGEST_MULTIPLIER)


_REACH: dict[str, Callable[[float], float]] = {
    HINGE.name: lambda t: 1.0 + t,
    SQUARED_HINGE.name: lambda t: 0.5 * (1.0 + t) ** 2,
    LOGISTIC.name: lambda t: float(lambertw(math.exp(t - 1.0)).real),
}
"""How far one row can reach: max over m of a(m) (m + t)."""


def _clean_pull(victim: LinearVictim, X: Floats, y: Floats, theta: Floats, margin_tol: float) -> tuple[float, float]:
    """Bound A and |B| from below, over all slopes that rounding and kinks leave open."""
    margin = y * scores(X, theta)
    noise = margin_tol + (2 * X.shape[1] + 32) * _EPS * (np.abs(X) @ np.abs(theta[:-1]) + abs(theta[-1]))
    low, high = margin - noise, np.nextafter(margin + noise, np.inf)
    # a(m) = −dℓ/dm falls with m; at the kink of a hinge it is anything from 0 to 1.
    one = np.ones(len(y))
    most, least = -victim.loss.slope(one, low), -victim.loss.slope(one, high)
    outward = np.where(high >= 0, most, least) * high
    ridge = victim.ridge_vector(X.shape[1], 0.0)
    radial = _sum_below(np.concatenate([-outward, ridge * theta**2]))
    if victim.intercept_ridge is None:
        return radial, 0.0
    penalty = ridge[-1:] * theta[-1:]
    lowest = _sum_below(np.concatenate([np.where(y > 0, -most, least), penalty]))
    highest = -_sum_below(np.concatenate([np.where(y > 0, least, -most), -penalty]))
    return radial, max(lowest, -highest, 0.0)


def _sum_below(terms: Floats) -> float:
    """Sum, less what rounding may have added to the terms and the sum."""
    return float(terms.sum()) - (len(terms) + 64) * _EPS * float(np.abs(terms).sum())
