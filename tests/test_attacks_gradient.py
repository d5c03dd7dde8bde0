"""Attacks by gradients through training: derivatives, harm, feasible rows, and a bound on gradient canceling."""

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import lambertw
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.svm import SVC, LinearSVC

from robustfit.attacks import (
    GradientAttack,
    GradientCancelingAttack,
    InfluenceAttack,
    RandomFlipAttack,
    poisonability,
    sphere_slab_sets,
)
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._linear import _hessian as hessian_module
from robustfit.attacks._linear import read_victim, scores
from robustfit.attacks._linear._hessian import Memory
from robustfit.attacks._linear._implicit import TrainingRows, capped_loss, implicit_gradients
from robustfit.attacks._linear._poisonability import _REACH, rows_to_justify
from robustfit.attacks._linear._smooth_learner import read_learner
from robustfit.attacks._linear._spectral import spectral_descent
from robustfit.attacks._linear._task import read_task
from robustfit.certify import Box, Sphere, SphereSlab
from robustfit.losses import HINGE, LOGISTIC, SQUARED_HINGE

BUDGET = 6
CLASS_ATTACKS = [
    GradientAttack(n_iter=3),
    InfluenceAttack(n_iter=3),
    GradientCancelingAttack(n_iter=5, target_model=[-1.0, 0.5, 0.0, 0.0, 0.1]),
]


def name_of(value):
    return type(value).__name__


def frozen(*arrays):
    for array in arrays:
        array.flags.writeable = False
    return arrays


@pytest.fixture
def two():
    X, y = make_classification(n_samples=80, n_features=4, n_informative=3, n_redundant=0, flip_y=0.1, random_state=3)
    return frozen(X, y)


@pytest.fixture
def three():
    X, y = make_classification(n_samples=90, n_features=4, n_informative=4, n_redundant=0, n_classes=3, random_state=1)
    return frozen(X, y)


@pytest.fixture
def target():
    X, y = make_regression(n_samples=60, n_features=4, noise=10.0, random_state=0)
    return frozen(X, y / 50)


# --- derivatives ---------------------------------------------------------------------------------------------------

VICTIMS = {
    "logistic": (LogisticRegression(C=0.5, tol=1e-12, solver="newton-cholesky"), 2),
    "logistic, free": (LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cholesky"), 2),
    "logistic, no intercept": (LogisticRegression(fit_intercept=False, tol=1e-12, solver="newton-cholesky"), 2),
    "liblinear": (LogisticRegression(solver="liblinear", intercept_scaling=2.0, tol=1e-12, max_iter=10_000), 2),
    "softmax": (LogisticRegression(C=0.5, tol=1e-12, solver="newton-cholesky"), 3),
    "squared hinge": (LinearSVC(C=0.1, tol=1e-12, max_iter=100_000, random_state=0), 2),
    "squared hinge, three": (LinearSVC(C=0.1, tol=1e-12, max_iter=100_000, random_state=0), 3),
    "ridge classifier": (RidgeClassifier(alpha=2.0), 2),
    "ridge classifier, three": (RidgeClassifier(alpha=2.0), 3),
    "ridge": (Ridge(alpha=2.0), None),
    "least squares": (LinearRegression(), None),
    "lasso": (Lasso(alpha=0.1, tol=1e-14, max_iter=100_000), None),
    "elastic net": (ElasticNet(alpha=0.1, l1_ratio=0.5, tol=1e-14, max_iter=100_000, fit_intercept=False), None),
}


def training_rows(estimator, n_classes, seed=0):
    """Clean rows, a few poison rows and held-out rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(70, 4))
    learner = read_learner(estimator, "test", n_classes)
    if n_classes is None:
        Y = (X @ [1.0, -2.0, 0.0, 0.02] + rng.normal(size=70))[:, None]
    else:
        codes = (X[:, 0] + rng.normal(size=70) > 0).astype(np.int64) + (n_classes == 3) * (X[:, 1] > 0.8)
        Y = learner.encode(codes)
    weight = rng.integers(1, 3, size=70).astype(float)
    parts = [TrainingRows(X[a:b], Y[a:b], weight[a:b]) for a, b in ((0, 45), (45, 50), (50, 70))]
    return learner, parts


def sklearn_theta(estimator, n_classes, rows):
    labels = rows.Y[:, 0] if n_classes in (None, 2) else rows.Y.argmax(axis=1)
    model = clone(estimator).fit(rows.X, labels, sample_weight=rows.weight)
    width = rows.X.shape[1]
    intercept = np.broadcast_to(np.atleast_1d(model.intercept_), (len(np.reshape(model.coef_, (-1, width))),))
    return np.vstack([np.reshape(model.coef_, (-1, width)).T, intercept])


def outer_loss(learner, theta, held_out):
    return capped_loss(learner, theta, held_out, 2.0)


def score_of_target(learner, theta, held_out):
    gradient = np.zeros_like(theta)
    gradient[:, 0] = np.append(held_out.X[0], 1.0)
    if learner.n_outputs > 1:  # a softmax only knows differences of scores
        gradient[:, 1] = -gradient[:, 0]
    return float((gradient * theta).sum()), gradient


@pytest.mark.parametrize("outer", [outer_loss, score_of_target])
@pytest.mark.parametrize("case", VICTIMS)
def test_gradients_are_those_of_the_learner_trained_again(case, outer):
    estimator, n_classes = VICTIMS[case]
    learner, (clean, poison, held_out) = training_rows(estimator, n_classes)

    def harm(X, Y):
        both = TrainingRows.join(clean, TrainingRows(X, Y, poison.weight))
        return outer(learner, sklearn_theta(estimator, n_classes, both), held_out)[0]

    theta = learner.fit(*TrainingRows.join(clean, poison))
    np.testing.assert_allclose(theta, sklearn_theta(estimator, n_classes, TrainingRows.join(clean, poison)), atol=1e-5)
    _, slope = outer(learner, theta, held_out)
    found = implicit_gradients(learner, theta, clean, poison, slope)
    step = 1e-4
    for row, column in itertools.product(range(5), range(4)):
        shift = np.zeros_like(poison.X)
        shift[row, column] = step
        measured = (harm(poison.X + shift, poison.Y) - harm(poison.X - shift, poison.Y)) / (2 * step)
        assert found.X[row, column] == pytest.approx(measured, rel=1e-3, abs=2e-5)
    if n_classes is None:
        for row in range(5):
            shift = np.zeros_like(poison.Y)
            shift[row] = step
            measured = (harm(poison.X, poison.Y + shift) - harm(poison.X, poison.Y - shift)) / (2 * step)
            assert found.Y[row, 0] == pytest.approx(measured, rel=1e-3, abs=2e-5)


@pytest.mark.parametrize("estimator", [LinearSVC(loss="hinge", C=0.5), SVC(kernel="linear", C=0.5)])
def test_gradients_of_the_hinge_are_those_of_the_smooth_one_trained_again(estimator):
    learner, (clean, poison, held_out) = training_rows(estimator, 2)

    def harm(X):
        theta = learner.fit(*TrainingRows.join(clean, poison._replace(X=X)))
        return capped_loss(learner, theta, held_out, np.inf)[0]

    theta = learner.fit(*TrainingRows.join(clean, poison))
    gradient = implicit_gradients(learner, theta, clean, poison, capped_loss(learner, theta, held_out, np.inf)[1]).X
    rng = np.random.default_rng(0)
    for _ in range(5):
        direction = rng.normal(size=poison.X.shape)
        measured = (harm(poison.X + 1e-5 * direction) - harm(poison.X - 1e-5 * direction)) / 2e-5
        assert (gradient * direction).sum() == pytest.approx(measured, rel=1e-4, abs=1e-6)


def test_the_smooth_hinge_learns_nearly_what_the_hinge_does(two):
    X, y = two
    learner = read_learner(SVC(kernel="linear"), "test", 2)
    theta = learner.fit(X, learner.encode(y), np.ones(len(X)))[:, 0]
    model = SVC(kernel="linear").fit(X, y)
    assert (np.sign(scores(X, theta)) == np.sign(model.decision_function(X))).mean() > 0.97


def test_large_problems_are_solved_without_a_matrix(monkeypatch):
    estimator, n_classes = VICTIMS["softmax"]
    learner, (clean, poison, held_out) = training_rows(estimator, n_classes)
    rows = TrainingRows.join(clean, poison)
    theta = learner.fit(*rows)
    slope = outer_loss(learner, theta, held_out)[1]
    dense = implicit_gradients(learner, theta, clean, poison, slope)
    monkeypatch.setattr(hessian_module, "MOST_DENSE", 1)
    # A softmax does not mind by how much all its intercepts are shifted.
    again = learner.fit(*rows)
    centered = [model - model.mean(axis=1, keepdims=True) for model in (again, theta)]
    np.testing.assert_allclose(*centered, atol=1e-6)
    np.testing.assert_allclose(implicit_gradients(learner, theta, clean, poison, slope).X, dense.X, atol=1e-8)


def test_a_remembered_hessian_changes_nothing():
    learner, (clean, poison, held_out) = training_rows(*VICTIMS["logistic"])
    memory = Memory()
    learner.fit(*clean, None, memory)
    theta = learner.fit(*TrainingRows.join(clean, poison), None, memory)
    np.testing.assert_allclose(theta, learner.fit(*TrainingRows.join(clean, poison)), atol=1e-7)
    slope = outer_loss(learner, theta, held_out)[1]
    remembered = implicit_gradients(learner, theta, clean, poison, slope, memory)
    np.testing.assert_allclose(remembered.X, implicit_gradients(learner, theta, clean, poison, slope).X, atol=1e-9)


def test_columns_that_repeat_each_other_do_no_harm_to_the_solver():
    X, y = make_regression(n_samples=30, n_features=3, random_state=0)
    X = np.column_stack([X, X[:, 0], 1e6 * X[:, 1]])
    learner = read_learner(LinearRegression(), "test", None)
    theta = learner.fit(X, y[:, None], np.ones(30))[:, 0]
    np.testing.assert_allclose(scores(X, theta), LinearRegression().fit(X, y).predict(X), rtol=1e-6)


def test_spectral_descent_stays_in_the_set_and_finds_the_minimum():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(8, 5)) * [1, 10, 1, 0.1, 1]
    b = rng.normal(size=8) * 5

    def evaluate(z):
        left = A @ z - b
        return 0.5 * left @ left, A.T @ left

    best, value = spectral_descent(evaluate, lambda z: z.clip(-0.3, 0.3), np.zeros(5), first_step=1.0, n_iter=500)
    reference = minimize(evaluate, np.zeros(5), jac=True, bounds=[(-0.3, 0.3)] * 5, tol=1e-14)
    assert np.abs(best).max() <= 0.3
    assert value == pytest.approx(reference.fun, rel=1e-6)
    assert (
        spectral_descent(evaluate, lambda z: 0 * z, np.zeros(5), first_step=1.0, n_iter=5)[1] == evaluate(0 * b[:5])[0]
    )


# --- what every attack keeps to ------------------------------------------------------------------------------------


def containers(X):
    thin = np.where(np.abs(X) > 0.5, X, 0.0)
    names = list("abcd")
    return {
        "float64": X,
        "float32": X.astype(np.float32),
        "int": (10 * X).astype(int),
        "csr": sparse.csr_array(thin),
        "csc": sparse.csc_matrix(thin),
        "pandas": pd.DataFrame(X, columns=names, index=np.arange(len(X)) * 2),
        "polars": pl.DataFrame(X, schema=names),
        "mixed": pd.DataFrame(X, columns=names).assign(b=(X[:, 1] > 0), c=(5 * X[:, 2]).astype(int)),
    }


def dense(X):
    return CleanSet.check(X, np.zeros(X.shape[0]), None).numbers()


@pytest.mark.parametrize("kind", containers(np.ones((2, 4))))
@pytest.mark.parametrize("attack", CLASS_ATTACKS, ids=name_of)
def test_rows_are_appended_to_any_container_of_numbers(attack, kind, two):
    X, y = containers(two[0])[kind], two[1]
    before = dense(X)
    poisoned = attack.generate(X, y, budget=BUDGET, groups=np.arange(len(y)))
    assert type(poisoned.X) is type(X)
    assert poisoned.is_poison.sum() == BUDGET
    assert poisoned.cost("insert_delete") == BUDGET
    assert set(poisoned.groups[poisoned.is_poison]) <= set(range(len(y)))
    after = dense(poisoned.X)
    np.testing.assert_array_equal(after[:-BUDGET], before)
    np.testing.assert_array_equal(dense(X), before)
    np.testing.assert_array_equal(poisoned.y[:-BUDGET], y)


@pytest.mark.parametrize("attack", [*CLASS_ATTACKS, GradientAttack(LinearSVC(), n_iter=3)], ids=name_of)
def test_same_seed_same_poison(attack, two):
    first, again, other = (attack.generate(*two, budget=BUDGET, random_state=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)
    assert not np.array_equal(first.X, other.X)


@pytest.mark.parametrize("attack", [GradientAttack(n_iter=3), InfluenceAttack(n_iter=3)], ids=name_of)
@pytest.mark.parametrize("estimator", [None, LinearSVC(), RidgeClassifier()], ids=name_of)
def test_three_classes(attack, estimator, three):
    X, y = three
    names = np.array(["low", "mid", "top"])[y]
    poisoned = clone(attack).set_params(estimator=estimator).generate(X, names, budget=BUDGET)
    assert set(poisoned.y) == {"low", "mid", "top"}
    assert poisoned.details["loss_after"] > poisoned.details["loss_before"]


@pytest.mark.parametrize("estimator", [Ridge(), LinearRegression(), Lasso(0.01), ElasticNet(0.01)], ids=name_of)
def test_regression_rows_and_targets_stay_in_their_ranges(estimator, target):
    X, y = target
    poisoned = GradientAttack(estimator, n_iter=10).generate(X, y, budget=BUDGET)
    rows, targets = poisoned.X[-BUDGET:], poisoned.y[-BUDGET:]
    assert Box(X.min(axis=0), X.max(axis=0)).violation(rows).max() == 0
    assert targets.min() >= y.min()
    assert targets.max() <= y.max()
    assert poisoned.details["loss_after"] > poisoned.details["loss_before"]


def test_a_regressor_wants_floating_targets_and_takes_them_from_integers_never():
    X, y = np.arange(12.0).reshape(6, 2), np.arange(6)
    with pytest.raises(ValueError, match=r"cast it: y.astype\(float\)"):
        GradientAttack(Ridge()).generate(X, y, budget=1)
    assert GradientAttack(Ridge()).generate(X, y.astype(float), budget=1).is_poison.sum() == 1


@pytest.mark.parametrize("attack", CLASS_ATTACKS, ids=name_of)
def test_rows_stay_in_the_sets_of_their_classes(attack, two):
    X, y = two
    sets = sphere_slab_sets(X, y)
    for feasible in (sets, Box(-np.ones(4), np.ones(4)), Sphere(np.zeros(4), 1.5)):
        poisoned = clone(attack).set_params(feasible_set=feasible).generate(X, y, budget=BUDGET)
        rows, labels = poisoned.X[-BUDGET:], poisoned.y[-BUDGET:]
        for label in set(labels.tolist()):
            own = feasible[label] if isinstance(feasible, dict) else feasible
            assert own.violation(rows[labels == label]).max() == 0


def test_a_set_without_an_inside(two):
    X, y = two
    flat = SphereSlab(X.mean(axis=0), 2.0, [1.0, 0, 0, 0], 0.0)
    poisoned = InfluenceAttack(feasible_set=flat, n_iter=3).generate(X, y, budget=BUDGET)
    assert flat.violation(poisoned.X[-BUDGET:]).max() <= 1e-9


def test_influence_rows_are_few_and_repeated(two):
    X, y = two
    poisoned = InfluenceAttack(n_distinct=4, n_iter=3).generate(X, y, budget=11)
    details = poisoned.details
    assert details["copies"].sum() == 11
    assert details["rows"].shape == (4, 4)
    distinct = np.unique(np.column_stack([poisoned.X, poisoned.y])[-11:], axis=0)
    assert len(distinct) == (details["copies"] > 0).sum() <= 4
    assert InfluenceAttack(n_distinct=4, n_iter=1).generate(X, y, budget=1).is_poison.sum() == 1


def test_rows_that_cannot_move_are_returned():
    X, y = np.ones((6, 2)), np.array([0, 0, 0, 1, 1, 1])
    poisoned = GradientAttack().generate(X, y, budget=2)
    np.testing.assert_array_equal(poisoned.X, np.ones((8, 2)))
    constant = GradientAttack(Lasso(10.0)).generate(X, y.astype(float), budget=2)
    np.testing.assert_array_equal(constant.X, np.ones((8, 2)))


def test_the_budget_may_exceed_the_rows(two):
    for attack in CLASS_ATTACKS:
        assert clone(attack).set_params(n_iter=1).generate(*two, budget=100).is_poison.sum() == 100


def test_held_out_rows_judge_a_learner_that_counts_the_others_for_all(two):
    X, y = two
    task = read_task(CleanSet.check(X, y, None), None, "test", np.random.default_rng(0))
    problem = task.bilevel(0.25, np.random.default_rng(0))
    assert len(problem.judged.X) == 20
    assert problem.clean.weight.sum() == pytest.approx(80)
    poisoned = GradientAttack(validation_fraction=0.25, n_iter=5).generate(X, y, budget=BUDGET)
    assert poisoned.details["loss_after"] > poisoned.details["loss_before"]


# --- harm ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), y


def error_after(poisoned, estimator, X, y):
    return 1 - clone(estimator).fit(poisoned.X, poisoned.y).score(X, y)


@pytest.mark.parametrize(
    ("attack", "estimator"),
    [
        (GradientAttack(n_iter=30), LogisticRegression()),
        (GradientAttack(n_iter=30), LinearSVC(random_state=0)),
        (GradientAttack(n_iter=30), SVC(kernel="linear", C=0.1)),
        (InfluenceAttack(n_iter=20), SVC(kernel="linear", C=0.1)),
        (GradientCancelingAttack(), LogisticRegression()),
    ],
    ids=lambda value: name_of(value),
)
def test_attacks_do_more_harm_than_random_flips(attack, estimator, cancer):
    X, y = cancer
    train, test = np.arange(0, 569, 2), np.arange(1, 569, 2)
    attack = clone(attack).set_params(estimator=estimator)
    harm = error_after(attack.generate(X[train], y[train], budget=14), estimator, X[test], y[test])
    flips = [RandomFlipAttack().generate(X[train], y[train], budget=14, random_state=seed) for seed in range(5)]
    usual = np.median([error_after(flip, estimator, X[test], y[test]) for flip in flips])
    clean = 1 - clone(estimator).fit(X[train], y[train]).score(X[test], y[test])
    assert harm - clean > 1.5 * max(usual - clean, 0.0)


@pytest.mark.parametrize("estimator", [Ridge(0.1), Lasso(0.1)], ids=name_of)
def test_gradient_attacks_of_regressions_do_more_harm_than_random_flips(estimator):
    X, y = load_diabetes(return_X_y=True)
    budget = len(y[::2]) // 4

    def error(poisoned):
        return np.mean((clone(estimator).fit(poisoned.X, poisoned.y).predict(X[1::2]) - y[1::2]) ** 2)

    clean = error(RandomFlipAttack().generate(X[::2], y[::2], budget=0))
    usual = np.median(
        [error(RandomFlipAttack().generate(X[::2], y[::2], budget=budget, random_state=seed)) for seed in range(5)]
    )
    harm = error(GradientAttack(estimator).generate(X[::2], y[::2], budget=budget))
    assert harm - clean > 1.5 * (usual - clean)


# --- gradient canceling --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(tol=1e-8), LinearSVC(tol=1e-8, max_iter=100_000, random_state=0)], ids=name_of
)
def test_training_ends_at_a_target_within_reach(estimator, two):
    X, y = two
    wanted = np.array([-0.4, 0.3, 0.2, 0.0, 0.1])
    attack = GradientCancelingAttack(estimator, target_model=wanted, feasible_set=Box(-9.0, 9.0, n_features=4))
    poisoned = attack.generate(X, y, budget=120)
    assert poisoned.details["residual"] < 1e-3
    np.testing.assert_array_equal(poisoned.details["target"], wanted)
    model = clone(estimator).fit(poisoned.X, poisoned.y)
    np.testing.assert_allclose(np.append(model.coef_, model.intercept_), wanted, atol=0.02)


def test_a_fitted_model_can_be_the_target(two):
    X, y = two
    model = LogisticRegression().fit(X, 1 - y)
    poisoned = GradientCancelingAttack(target_model=model, n_iter=20).generate(X, y, budget=BUDGET)
    np.testing.assert_array_equal(poisoned.details["target"], np.append(model.coef_, model.intercept_))


def test_made_targets_are_not_excluded_by_the_threshold(two):
    X, y = two
    for budget in (2, 10):
        poisoned = GradientCancelingAttack(n_iter=20).generate(X, y, budget=budget)
        assert poisonability(LogisticRegression(), X, y, poisoned.details["target"]).n_points <= budget


# --- the threshold -------------------------------------------------------------------------------------------------

LEARNERS = {
    "logistic": LogisticRegression(C=0.7),
    "logistic, no intercept": LogisticRegression(C=0.7, fit_intercept=False),
    "squared hinge": LinearSVC(C=0.3),
    "hinge": SVC(kernel="linear", C=0.3),
    "hinge, penalised intercept": LinearSVC(loss="hinge", C=0.3),
}


def tightest_sum(estimator, theta, X, y, poison):
    """Length of the smallest subgradient of clean and poison rows at a model, by the slopes that kinks leave open."""
    victim = read_victim(estimator, "test")
    rows, signs = poison
    both, labels = np.concatenate([X, rows]), np.append(y, signs)
    return np.linalg.norm(
        victim.row_gradient(theta, both, labels) + victim.ridge_vector(X.shape[1], float(len(labels))) * theta
    )


@pytest.mark.parametrize("case", LEARNERS)
def test_the_threshold_is_never_beaten_by_optimised_rows(case):
    """Rows anywhere, optimised without constraint on features and labels, fewer than the bound: never stationary."""
    estimator = LEARNERS[case]
    rng = np.random.default_rng(4)
    tried = 0
    while tried < 3:
        X = rng.normal(size=(12, 2))
        y = np.where(X[:, 0] + 0.5 * rng.normal(size=12) > 0, 1.0, -1.0)
        victim = read_victim(estimator, "test")
        theta = np.append(rng.normal(size=2), 0.0 if victim.intercept_ridge is None else rng.normal())
        bound = rows_to_justify(victim, X, y, theta)
        fewer = int(np.ceil(bound - 0.1)) - 1
        if not 1 <= fewer <= 8:
            continue
        tried += 1
        for share in {0, fewer // 2, fewer}:
            signs = np.where(np.arange(fewer) < share, 1.0, -1.0)

            def left(flat, signs=signs, X=X, y=y, theta=theta):
                return tightest_sum(estimator, theta, X, y, (flat.reshape(-1, 2), signs))

            starts = [rng.normal(size=2 * fewer) * size for size in (0.5, 2.0)]
            smallest = min(minimize(left, start, method="L-BFGS-B", options={"maxiter": 50}).fun for start in starts)
            assert smallest > 1e-3


@pytest.mark.parametrize("case", LEARNERS)
def test_rows_that_make_a_model_optimal_are_never_fewer_than_the_threshold(case):
    """Random rows are added, the learner is trained: what it returns needs no more rows than were added."""
    estimator = clone(LEARNERS[case]).set_params(tol=1e-10, max_iter=1_000_000)
    rng = np.random.default_rng(5)
    for _ in range(20):
        X = rng.normal(size=(14, 2))
        y = np.where(X[:, 0] > 0, 1.0, -1.0)
        count = int(rng.integers(1, 8))
        rows = rng.normal(size=(count, 2)) * rng.choice([0.5, 2.0, 20.0])
        signs = rng.choice([-1.0, 1.0], size=count)
        victim = read_victim(estimator, "test")
        theta = victim.fit(np.concatenate([X, rows]), np.append(y, signs))
        assert rows_to_justify(victim, X, y, theta, 1e-6) <= count + 1e-3


BEST_MARGIN = {LOGISTIC: 1 + lambertw(1 / np.e).real, SQUARED_HINGE: 0.5, HINGE: 1.0}


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(fit_intercept=False),
        LinearSVC(fit_intercept=False),
        LinearSVC(loss="hinge", fit_intercept=False),
    ],
    ids=["logistic", "squared hinge", "hinge"],
)
def test_the_threshold_is_met_in_one_dimension(estimator):
    """The penalty is chosen so that three rows at the margin where a(m) m is largest cancel the gradient exactly."""
    X, y = np.array([[-2.0], [-1.0], [0.5], [2.0]]), np.array([-1.0, -1.0, 1.0, 1.0])
    victim = read_victim(estimator, "test")
    theta = np.array([0.1, 0.0])
    margin = BEST_MARGIN[victim.loss]
    rows, signs = np.full((3, 1), margin / theta[0]), np.ones(3)
    pull = victim.row_gradient(theta, np.concatenate([X, rows]), np.append(y, signs))[0]
    ridge = -pull / theta[0]
    assert ridge > 0
    estimator = clone(estimator).set_params(C=1 / ridge)
    assert tightest_sum(estimator, theta, X, y, (rows, signs)) < 1e-12
    found = poisonability(estimator, X, y.astype(int), theta)
    assert found.n_points == 3
    assert found.share == pytest.approx(3 / 4, rel=1e-9)


@pytest.mark.parametrize(("case", "fewest"), [("logistic", 12), ("squared hinge", 5), ("hinge", 20)])
def test_the_intercept_counts_too(case, fewest):
    """A model that says one class for all rows needs rows of that class, although its weights are 0."""
    X, y = np.zeros((40, 1)), np.repeat([0, 1], 20)
    assert poisonability(LEARNERS[case], X, y, [0.0, 1.5]).n_points >= fewest


def test_the_multiplier_helps():
    """B alone and A alone are both beaten by their combination."""
    victim = read_victim(LogisticRegression(), "test")
    X, y = np.zeros((40, 1)), np.repeat([-1.0, 1.0], 20)
    theta = np.array([0.0, 3.0])
    sideways = 20 * np.tanh(1.5)
    combined = rows_to_justify(victim, X, y, theta)
    radial = 3.0 * sideways / lambertw(1 / np.e).real
    assert combined >= max(sideways, radial) * (1 - 1e-9)


def test_reach_is_the_largest_pull():
    margin = np.linspace(-60, 60, 400_001)
    for loss in (HINGE, SQUARED_HINGE, LOGISTIC):
        pull = -loss.slope(np.ones(1), margin)
        for t in (0.0, 0.3, 1.0, 4.0, 30.0):
            brute = (pull * (margin + t)).max()
            assert brute <= _REACH[loss.name](t) * (1 + 1e-12)
            assert brute == pytest.approx(_REACH[loss.name](t), rel=1e-3)


def test_rows_on_the_kink_help_the_attacker():
    """At w = 1 all rows lie on the kink; with full slopes they balance the penalty, so that no row is needed."""
    X, y = np.array([[-1.0], [1.0]]), np.array([0, 1])
    assert poisonability(LinearSVC(loss="hinge", C=1.0, fit_intercept=False), X, y, [1.0, 0.0]).n_points == 0
    assert poisonability(LinearSVC(loss="hinge", C=0.1, fit_intercept=False), X, y, [1.0, 0.0]).n_points == 8


def test_the_model_of_the_clean_rows_needs_none(two):
    X, y = two
    model = LogisticRegression(tol=1e-12, max_iter=10_000).fit(X, y)
    assert poisonability(LogisticRegression(), X, y, model).share < 1e-6


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", CLASS_ATTACKS, ids=name_of)
def test_learners_that_cannot_be_differentiated_are_refused(attack, two):
    for estimator in (RandomForestClassifier(), make_pipeline(StandardScaler(), LogisticRegression()), SVC()):
        with pytest.raises(ValueError, match="BlackBoxAttack"):
            clone(attack).set_params(estimator=estimator).generate(*two, budget=1)


def test_learners_of_two_classes_are_refused_for_three(three):
    for estimator in (SVC(kernel="linear"), LogisticRegression(solver="liblinear")):
        with pytest.raises(ValueError, match="two classes only, but y has 3"):
            GradientAttack(estimator).generate(*three, budget=1)
    with pytest.raises(ValueError, match="multi_class='ovr' only"):
        GradientAttack(LinearSVC(multi_class="crammer_singer")).generate(*three, budget=1)
    with pytest.raises(ValueError, match="is about two classes, but y has 3"):
        GradientCancelingAttack().generate(*three, budget=1)


@pytest.mark.parametrize("attack", [InfluenceAttack(), GradientCancelingAttack()], ids=name_of)
def test_regression_targets_are_refused_by_attacks_on_classes(attack, target):
    with pytest.raises(ValueError, match=r"cast it: y.astype\(int\)"):
        attack.generate(*target, budget=1)


def test_a_classifier_and_a_floating_target_do_not_go_together(target):
    with pytest.raises(ValueError, match=r"cast it: y.astype\(int\)"):
        GradientAttack(LogisticRegression()).generate(*target, budget=1)


@pytest.mark.parametrize("attack", [GradientAttack(), *CLASS_ATTACKS[1:]], ids=name_of)
def test_one_class_and_texts_and_missing_numbers_are_refused(attack, two):
    X, y = two
    with pytest.raises(ValueError, match="at least two"):
        attack.generate(X, np.zeros(len(X), dtype=int), budget=1)
    with pytest.raises(ValueError, match="numeric columns only"):
        attack.generate(["a", "b"] * 5, [0, 1] * 5, budget=1)
    with pytest.raises(ValueError, match="NaN"):
        attack.generate(np.where(X > 1, np.nan, X), y, budget=1)
    with pytest.raises(ValueError, match="would have to make"):
        attack.generate(sparse.csr_array((80, 10**6)), y, budget=1)


def test_a_constant_target_is_refused():
    with pytest.raises(ValueError, match="needs a target that varies"):
        GradientAttack().generate(np.ones((4, 1)), np.ones(4), budget=1)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (GradientAttack(n_iter=0), "n_iter of GradientAttack must be a whole number"),
        (GradientAttack(validation_fraction=1.0), r"in \[0, 1\), got 1.0"),
        (GradientAttack(validation_fraction="half"), r"in \[0, 1\), got 'half'"),
        (GradientAttack(feasible_set="box"), "must be a robustfit.certify.FeasibleSet"),
        (GradientAttack(feasible_set={0: Sphere(np.zeros(4), 1.0)}), r"none for \[1\]"),
        (GradientAttack(feasible_set=Sphere(np.zeros(3), 1.0)), "X has 4 columns, but the feasible set is for 3"),
        (InfluenceAttack(n_distinct=0), "n_distinct of InfluenceAttack must be a whole number"),
        (InfluenceAttack(n_iter=2.5), "n_iter of InfluenceAttack must be a whole number"),
        (GradientCancelingAttack(n_iter=None), "n_iter of GradientCancelingAttack must be a whole number"),
        (GradientCancelingAttack(target_model=[1.0]), "target_model must be finite, of shape"),
        (GradientCancelingAttack(RidgeClassifier()), "losses that fall with the margin"),
    ],
)
def test_bad_parameters_are_refused(attack, message, two):
    with pytest.raises(ValueError if attack.feasible_set != "box" else TypeError, match=message):
        attack.generate(*two, budget=1)


def test_sets_by_label_are_refused_for_a_regression(target):
    with pytest.raises(ValueError, match="a regression target without classes"):
        GradientAttack(feasible_set={0: Sphere(np.zeros(4), 1.0)}).generate(*target, budget=1)


def test_the_threshold_refuses_what_it_says_nothing_about(two):
    X, y = two
    with pytest.raises(ValueError, match="losses that fall with the margin"):
        poisonability(RidgeClassifier(), X, y, np.zeros(5))
    with pytest.raises(ValueError, match="target_model"):
        poisonability(LogisticRegression(), X, y, np.zeros(4))
    with pytest.raises(ValueError, match="two classes"):
        poisonability(LogisticRegression(), X, np.arange(80) % 3, np.zeros(5))


def test_canceling_rows_are_inside_however_they_are_checked():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)[:150, :6]
    y = y[:150]
    sets = sphere_slab_sets(X, y, quantile=0.5)
    for seed in range(3):
        poisoned = GradientCancelingAttack(LogisticRegression(), feasible_set=sets, n_iter=30).generate(
            X, y, budget=12, random_state=seed
        )
        for label, kept in sets.items():
            rows = poisoned.X[poisoned.is_poison & (poisoned.y == label)]
            assert kept.violation(rows).max(initial=0.0) == 0
            assert all(kept.violation(row[None])[0] == 0 for row in rows)
