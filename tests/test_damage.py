"""Bounds on damage: no attack exceeds them, by enumeration, by CVXPY and by attacks; faults are caught."""

import itertools

import cvxpy as cp
import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import SVC, LinearSVC

from robustfit.attacks import sphere_slab_sets
from robustfit.audit import LinearObjective, certify_damage
from robustfit.audit._linear_objective import encode, read_objective
from robustfit.certify import IntegerSphereSlab, Sphere
from robustfit.certify._damage import Game, objective_range

TIGHT = 1e-5


def tight(estimator):
    """The same learner, trained to the end."""
    names = estimator.get_params()
    return estimator.set_params(**{k: v for k, v in {"tol": 1e-9, "max_iter": 200_000}.items() if k in names})


BINARY = [
    LinearSVC(loss="hinge", C=0.5, random_state=0),
    LinearSVC(loss="hinge", C=0.5, intercept_scaling=10, random_state=0),
    LinearSVC(loss="hinge", C=0.5, fit_intercept=False, random_state=0),
    LinearSVC(C=0.2, random_state=0),
    SVC(kernel="linear", C=0.3),
    LogisticRegression(C=0.4),
    LogisticRegression(C=30.0),
    LogisticRegression(C=0.4, fit_intercept=False),
    LogisticRegression(C=0.4, solver="liblinear", intercept_scaling=3.0),
    RidgeClassifier(alpha=2.0),
]
MULTICLASS = [
    LogisticRegression(C=0.4),
    LinearSVC(loss="hinge", C=0.5, random_state=0),
    LinearSVC(C=0.2, random_state=0),
    LinearSVC(multi_class="crammer_singer", C=0.5, random_state=0),
    RidgeClassifier(alpha=2.0),
]


def two_classes(n=60, d=3, seed=0):
    return make_classification(
        n_samples=n, n_features=d, n_informative=2, n_redundant=0, class_sep=0.7, flip_y=0.05, random_state=seed
    )


def three_classes(n=90, d=4):
    return make_classification(
        n_samples=n, n_features=d, n_informative=d, n_redundant=0, n_classes=3, n_clusters_per_class=1, random_state=1
    )


def objective(learner, X, y, n_clean, *, weights=None, classes=None, n_rows=None):
    """Smallest objective on given rows, per clean row, from below: by tangents, without any set."""
    regression = classes is None
    codes = np.zeros(len(y), dtype=np.intp) if regression else np.searchsorted(classes, y)
    linear = read_objective(learner, n_clean, 1 if regression else len(classes), (0.0, 0.0))
    game = Game(linear, X, encode(linear.loss, codes, y if regression else None), weights=weights)
    return objective_range(game, np.zeros(game.shape), tol=1e-3 if linear.norm < np.inf else TIGHT).lowest / n_clean


# ---- against enumeration -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator", [BINARY[0], BINARY[4], BINARY[5], BINARY[9], LinearObjective("hinge", norm=1.5)], ids=repr
)
def test_no_multiset_of_whole_rows_beats_the_bound(estimator):
    X, y = two_classes(12, 2)
    sets = {label: IntegerSphereSlab([0.6, 0.4], 1.2) for label in (0, 1)}
    grid = np.array(list(itertools.product(range(4), repeat=2)), dtype=float)
    rows = [(row, label) for label, own in sets.items() for row in grid[own.contains(grid, tol=0)]]
    assert 6 <= len(rows) <= 12
    certificate = certify_damage(estimator, X, y, budget=[1, 2], feasible_set=sets)
    for m, bound in zip((1, 2), certificate.bound, strict=True):
        worst = -np.inf
        for chosen in itertools.combinations_with_replacement(rows, m):
            more, labels = np.array([row for row, _ in chosen]), [label for _, label in chosen]
            reached = objective(estimator, np.vstack([X, more]), np.append(y, labels), 12, classes=np.array([0, 1]))
            worst = max(worst, reached)
        # What whole rows cannot do, weights can.
        assert worst <= bound <= 1.2 * worst


# ---- against CVXPY -------------------------------------------------------------------------------------------


def worst_margin(own, u):
    """Largest ⟨u, x⟩ over a sphere, or a sphere and a slab, as CVXPY writes it."""
    if isinstance(own, Sphere):
        return u @ own.center + own.radius * cp.norm(u)
    tilt = cp.Variable()
    return u @ own.center + own.radius * cp.norm(u - tilt * own.normal) + own.width * cp.abs(tilt)


def saddle(loss, X, signs, sets, m, ridge, intercept_ridge):
    """Smallest bound that any model gives, by Clarabel."""
    w, b = cp.Variable(X.shape[1]), cp.Variable()
    of = {
        "hinge": cp.pos,
        "squared_hinge": lambda lack: cp.square(cp.pos(lack)),
        "log_loss": lambda lack: cp.logistic(lack - 1),
        "squared": lambda lack: 0.5 * cp.square(lack),
    }[loss]
    clean = cp.sum(of(1 - cp.multiply(signs, X @ w + b)))
    worst = []
    for sign, own in zip((-1.0, 1.0), sets, strict=True):
        lacks = [1 - sign * b + worst_margin(own, -sign * w)]
        lacks += [sign * b - 1 + worst_margin(own, sign * w)] if loss == "squared" else []
        worst += [of(cp.pos(lack)) if loss == "squared" else of(lack) for lack in lacks]
    penalty = ridge / 2 * cp.sum_squares(w) + intercept_ridge / 2 * cp.square(b)
    return cp.Problem(cp.Minimize(clean + m * cp.maximum(*worst) + penalty)).solve(solver=cp.CLARABEL)


@pytest.mark.parametrize(
    ("estimator", "loss", "held"),
    [
        (LinearSVC(loss="hinge", C=0.5), "hinge", 2.0),
        (SVC(kernel="linear", C=0.3), "hinge", 0.0),
        (LinearSVC(C=0.2, intercept_scaling=2.0), "squared_hinge", 1.25),
        (LogisticRegression(C=0.4), "log_loss", 0.0),
        (RidgeClassifier(alpha=2.0), "squared", 0.0),
    ],
    ids=repr,
)
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize("slab", [False, True])
def test_the_bound_is_the_saddle_point_that_cvxpy_finds(estimator, loss, held, slab):
    X, y = two_classes()
    sets = sphere_slab_sets(X, y, quantile=0.8)
    if not slab:
        sets = {label: Sphere(own.center, own.radius) for label, own in sets.items()}
    ridge = estimator.alpha if isinstance(estimator, RidgeClassifier) else 1 / estimator.C
    certificate = certify_damage(estimator, X, y, budget=[0, 2, 17], feasible_set=sets, tol=1e-4)
    for m, bound, attained in zip((0, 2, 17), certificate.bound, certificate.attained, strict=True):
        optimum = saddle(loss, X, 2.0 * y - 1, list(sets.values()), m, ridge, held) / len(y)
        assert optimum * (1 - 1e-7) <= bound <= optimum * (1 + 2e-4)
        assert optimum * (1 - 2e-4) <= attained <= optimum * (1 + 1e-7)
