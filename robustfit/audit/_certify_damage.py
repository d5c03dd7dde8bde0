"""How much damage rows can do that pass a filter."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import check_is_fitted

from robustfit._meta._labels import as_array
from robustfit.attacks._linear import resolve_sets
from robustfit.audit._inflated_sets import inflated_sets
from robustfit.audit._linear_objective import decode, encode, is_regression, read_objective, read_theta
from robustfit.certify import CertificateError, ConvexSet, DamageCertificate, FeasibleSet, WeightedAttack
from robustfit.certify._damage import Damage, Game, LinearLearner, Multinomial, bound_damage, objective_range
from robustfit.certify._threats import check_budget, check_budgets
from robustfit.sanitize._base_sanitizer import BaseSanitizer

Floats = NDArray[np.float64]

_FIXED = "feasible sets that do not depend on the added rows, and a filter that lets nothing else through"
_SOLVED = "Clarabel's dual solutions, as ConvexSet says"
_INFLATED = "the filter with these parameters, and added rows with labels of the clean ones"
_CLASSES = "rows of every class among those that the learner is given"
_TARGETS = "targets of added rows from {!r} to {!r}"
_EXACT = "a learner that reaches the minimum of its objective"
_NEAR = "a learner whose objective ends within {:g} per clean row of its minimum"


class _Rows(NamedTuple):
    """A training set as a learner sees it."""

    X: Any
    classes: NDArray[Any] | None
    codes: NDArray[np.intp]
    values: Floats | None

    @property
    def n_classes(self) -> int:
        return 1 if self.classes is None else len(self.classes)


def certify_damage(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    budget: ArrayLike,
    feasible_set: Any,
    target_range: tuple[float, float] | None = None,
    suboptimality: float = 0.0,
    tol: float = 2e-3,
    max_iter: int = 500,
) -> DamageCertificate:
    """Bound the damage of any rows that lie in the feasible sets and are added to a clean training set.

    Parameters
    ----------
    estimator : estimator or LinearObjective
        ``LinearSVC``, ``SVC(kernel="linear")`` (two classes), ``LogisticRegression``, ``RidgeClassifier`` or ``Ridge``,
        with a penalty and without class weights; it need not be fitted.
    X : {array-like, sparse matrix} of shape (n_rows, n_features)
        Clean rows, as the learner is given them.
    y : array-like of shape (n_rows,)
    budget : int or sequence of int
        m: number of added rows; or several.
    feasible_set : FeasibleSet, dict of label to FeasibleSet, or sanitizer
        Where added rows may lie, whatever they are. A sanitizer is taken to be fitted anew to the clean and the added
        rows, and `inflated_sets` bounds what it then keeps; for one that is fitted to trusted rows alone, pass its
        ``feasible_set_``.
    target_range : tuple of float, default=None
        For a regression, the ends of what the targets of added rows may be; by default those of ``y``.
    suboptimality : float, default=0.0
        How far above its minimum the learner's objective may end, per clean row; see `optimality_gap`.
    tol : float, default=2e-3
        Stop where bound and attack are this near, as a share of the bound. The bound holds wherever it stops.
    max_iter : int, default=500
        Models that are looked at for each budget, at most.

    Returns
    -------
    DamageCertificate
        In the order of the budgets.

    Raises
    ------
    CertificateError
        If the learner is not known or has no penalty, or a set has no end.
    ValueError
        If a budget is no count, a label has no set, or rows, labels and sets do not go together.

    See Also
    --------
    inflated_sets : Where rows may lie that a filter keeps which is fitted to them too.
    optimality_gap : How far a fitted learner is from the minimum of its objective.
    robustfit.attacks.MinMaxAttack : The attack with whole rows.

    Notes
    -----
    For n clean rows, feasible sets F_y, a loss ℓ and the learner's own penalty R,

        n · U(θ) = Σᵢ ℓ(θ; xᵢ, yᵢ) + m · max over y and x ∈ F_y of ℓ(θ; x, y) + R(θ)

    is at least the minimum of the learner's objective after any attack, at every θ. The θ is found by tangents: of the
    clean losses, and of the losses of the worst rows. These rows, weighted as the tangents are, are the attack; the
    minimum that it forces is at least the minimum of the tangents.

    With more than two classes, of the losses "log_loss" and one against the rest each score is bounded by itself. The
    bound holds, but no row may attain all of them, so the gap does not close.

    **Guarantee.** Threat: at most m rows, each in the feasible set of its label, are added to ``X``; any of the rows of
    ``X`` may be left out. Unit: one row. Then (1/n) times the minimum of the learner's objective is at most ``bound``,
    and so is (1/n) times the sum of the losses of the clean rows that are kept, under the model that it learns.
    Rounding errors are counted, those of the sets too. The bound holds for ``X``, not for other rows of its kind, and
    for the loss: a share of errors it bounds only through it. A logistic regression of three classes or more pays less
    for its weights than one of the two that are left if all rows of a class are left out: there the rows that it is
    given have to hold every class. See ``docs/damage.md`` for proofs and conditions.

    References
    ----------
    .. [1] J. Steinhardt, P. W. Koh and P. Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.
    .. [2] C. H. Teo, S. V. N. Vishwanathan, A. J. Smola and Q. V. Le, "Bundle Methods for Regularized Risk
       Minimization", JMLR 11, 2010.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.svm import LinearSVC
    >>> from robustfit.attacks import sphere_slab_sets
    >>> from robustfit.audit import certify_damage
    >>> X, y = make_blobs(200, centers=2, n_features=2, random_state=0)
    >>> learner = LinearSVC(loss="hinge", C=0.5)
    >>> certificate = certify_damage(learner, X, y, budget=[2, 20], feasible_set=sphere_slab_sets(X, y))
    >>> certificate.bound.round(2)
    array([0.13, 0.2 ])
    >>> bool((certificate.gap < 0.01).all())
    True
    """
    budgets = check_budgets(budget)
    shift = _check_suboptimality(suboptimality)
    rows = _read_rows(estimator, X, y)
    ends = _ends(rows, target_range)
    learner = read_objective(estimator, rows.X.shape[0], rows.n_classes, ends)
    counts = budgets.ravel().tolist()
    Y = encode(learner.loss, rows.codes, rows.values)
    if isinstance(feasible_set, BaseSanitizer):
        # The more rows are added, the larger the sets.
        sets = {m: _inflate(feasible_set, rows, m) for m in {0, *counts}}
        damages = [bound_damage(Game(learner, rows.X, Y, sets[m]), [m], tol=tol, max_iter=max_iter)[0] for m in sets]
        found = dict(zip(sets, damages, strict=True))
        return _certificate(rows, learner, [found[m] for m in (0, *counts)], shift, _INFLATED, refitted=True)
    game = Game(learner, rows.X, Y, _resolve(feasible_set, rows))
    damages = bound_damage(game, [0, *counts], tol=tol, max_iter=max_iter)
    targets = (_TARGETS.format(*ends),) if rows.values is not None else ()
    solved = (_SOLVED,) if any(isinstance(own, ConvexSet) for own in game.sets) else ()
    return _certificate(rows, learner, damages, shift, _FIXED).given(*targets, *solved)


def optimality_gap(estimator: Any, X: Any, y: Any, *, n_clean: int | None = None, tol: float = 1e-6) -> float:
    """Bound how far a fitted linear learner's objective is above its minimum on the rows that it was fitted to.

    Parameters
    ----------
    estimator : estimator
        Fitted; one of those of `certify_damage`.
    X : {array-like, sparse matrix} of shape (n_rows, n_features)
    y : array-like of shape (n_rows,)
    n_clean : int, default=None
        Number of rows to divide by; by default all.
    tol : float, default=1e-6
        Accuracy of the minimum, as a share of the objective. The number returned is too large by so much.

    Returns
    -------
    gap : float
        In the units of ``certify_damage(..., suboptimality=)``.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.svm import LinearSVC
    >>> from robustfit.audit import optimality_gap
    >>> X, y = make_blobs(200, centers=2, n_features=2, random_state=0)
    >>> optimality_gap(LinearSVC(loss="hinge", C=0.5, random_state=0).fit(X, y), X, y) < 1e-3
    True
    """
    check_is_fitted(estimator)
    if n_clean is not None and check_budget(n_clean, name="n_clean") == 0:
        raise ValueError("n_clean is a number of rows to divide by, got 0.")
    rows = _read_rows(estimator, X, y)
    if rows.classes is not None and not np.array_equal(rows.classes, estimator.classes_):
        raise ValueError(
            f"y holds the labels {rows.classes.tolist()}, but {type(estimator).__name__} was fitted to "
            f"{np.asarray(estimator.classes_).tolist()}. Pass the rows that it was fitted to."
        )
    learner = read_objective(estimator, rows.X.shape[0], rows.n_classes, (0.0, 0.0))
    game = Game(learner, rows.X, encode(learner.loss, rows.codes, rows.values))
    found = objective_range(game, read_theta(estimator), tol=tol)
    # The difference and the quotient round once each.
    return _round_up(_round_up(found.here - found.lowest) / (rows.X.shape[0] if n_clean is None else n_clean))


def _check_suboptimality(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= float(value) < np.inf:
        raise ValueError(f"suboptimality must be a non-negative number, got {value!r}.")
    return float(value)


def _read_rows(estimator: Any, X: Any, y: Any) -> _Rows:
    rows = check_array(X, accept_sparse="csr", dtype=np.float64)
    check_consistent_length(rows, y)
    if sp.issparse(rows):
        rows = sp.csr_array(rows)
    if is_regression(estimator):
        values = check_array(as_array(y), ensure_2d=False, dtype=np.float64, input_name="y")
        if values.ndim != 1:
            raise ValueError(f"y must be 1-D, got shape {values.shape}: bound several targets one at a time.")
        return _Rows(rows, None, np.zeros(len(values), dtype=np.intp), values)
    classes, codes = np.unique(as_array(y), return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"y holds the single class {classes.tolist()}; a classifier needs two.")
    return _Rows(rows, classes, codes.astype(np.intp), None)


def _ends(rows: _Rows, target_range: tuple[float, float] | None) -> tuple[float, float]:
    if rows.values is None:
        if target_range is not None:
            raise ValueError("target_range is for regressions; this learner's targets are classes.")
        return 0.0, 0.0
    if target_range is None:
        return float(rows.values.min()), float(rows.values.max())
    try:
        low, high = (float(end) for end in target_range)
    except (TypeError, ValueError, OverflowError):
        low = high = np.nan
    if not (np.isfinite([low, high]).all() and low <= high):
        raise ValueError(f"target_range must be two finite numbers, the smaller first, got {target_range!r}.")
    return low, high


def _inflate(sanitizer: BaseSanitizer, rows: _Rows, budget: int) -> tuple[FeasibleSet, ...]:
    if rows.classes is None:
        raise CertificateError(
            f"What {type(sanitizer).__name__} lets through of a regression's rows is not bounded. Pass sets."
        )
    sets = inflated_sets(sanitizer, rows.X, rows.classes[rows.codes], budget=budget)
    return tuple(sets[label] for label in rows.classes.tolist())


def _resolve(feasible_set: Any, rows: _Rows) -> tuple[FeasibleSet, ...]:
    if rows.classes is None:
        if isinstance(feasible_set, Mapping):
            raise ValueError(
                f"feasible_set has one set for each of {list(feasible_set)}, but the target of a regression has no "
                "classes. Give one set for all rows."
            )
        zeros = rows.codes
        return resolve_sets(feasible_set, rows.X, zeros, zeros[:1])
    if feasible_set is None:
        raise TypeError("feasible_set must be a FeasibleSet, a dict of one for each label, or a fitted sanitizer.")
    return resolve_sets(feasible_set, rows.X, rows.classes[rows.codes], rows.classes)


def _round_up(value: float) -> float:
    return float(np.nextafter(value, np.inf))


def _certificate(
    rows: _Rows, learner: LinearLearner, damages: list[Damage], shift: float, condition: str, *, refitted: bool = False
) -> DamageCertificate:
    n_rows = rows.X.shape[0]
    none, *asked = damages
    # Of three classes and more each has weights that are paid for; of two that are left there is one difference.
    classes = (_CLASSES,) if isinstance(learner.loss, Multinomial) and rows.n_classes > 2 else ()

    def per_row(value: float) -> float:
        return _round_up(value / n_rows)

    def labels(damage: Damage) -> NDArray[Any]:
        if rows.classes is None:
            return damage.targets[:, 0]
        return rows.classes[decode(learner.loss, damage.targets)]

    return DamageCertificate(
        budgets=np.array([damage.budget for damage in asked], dtype=np.int64),
        n_rows=n_rows,
        loss=type(learner.loss).__name__,
        clean=per_row(none.bound),
        bound=np.array([_round_up(per_row(damage.bound) + shift) for damage in asked]),
        attained=np.array([damage.attained / n_rows for damage in asked]),
        theta=tuple(damage.parts.theta for damage in asked),
        parts=np.array([[per_row(d.parts.clean), d.parts.worst, per_row(d.parts.penalty)] for d in asked]),
        attacks=tuple(WeightedAttack(X=d.rows, y=labels(d), weights=d.weights) for d in asked),
        refitted=refitted,
        suboptimality=shift,
        conditional_on=(condition, _NEAR.format(shift) if shift else _EXACT, *classes),
    )
