"""Min-max and KKT attacks: inside their sets, below their bounds, at their decoys, and harmful."""

import re

import cvxpy as cp
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.svm import SVC, LinearSVC

from robustfit.attacks import KKTAttack, MinMaxAttack, RandomFlipAttack, sphere_slab_sets
from robustfit.attacks._linear import read_victim, resolve_sets
from robustfit.attacks._linear._decoys import Decoy, decoy_sets, error_rate, pareto_front, train_decoys
from robustfit.attacks._linear._min_max import descend, spread
from robustfit.attacks._linear._stationarity import Pull, clean_pull, even_split, match
from robustfit.attacks._min_max_attack import _OFFSETS
from robustfit.certify import Box, BoxedSphereSlab, CutSet, IntegerSphereSlab, Sphere, SphereSlab

N = 120
BUDGET = 9
DECOY = [0.5, 0.4, -0.2, 0.1, 0.3]


def quick():
    return [MinMaxAttack(n_steps=40), MinMaxAttack(n_steps=40, decoy=DECOY), KKTAttack(decoy=DECOY)]


def learner(n, **parameters):
    return LinearSVC(loss="hinge", C=1 / (0.01 * n), max_iter=20_000, random_state=0, **parameters)


@pytest.fixture
def data():
    """Two overlapping classes, read-only, so that an attack that writes to its input fails."""
    X, y = make_classification(n_samples=N, n_features=4, class_sep=0.7, flip_y=0.05, random_state=0)
    X.flags.writeable = y.flags.writeable = False
    return X, y


def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    X, Xt, y, yt = train_test_split(scale(X), y, test_size=0.3, random_state=0, stratify=y)
    return X, y, Xt, yt


def poison(poisoned, n=N):
    return poisoned.X[n:], poisoned.y[n:]


# ---- what every attack promises ------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", quick(), ids=repr)
@pytest.mark.parametrize("budget", [1, BUDGET, N + 30])
def test_rows_are_appended_and_the_budget_is_exact(attack, budget, data):
    X, y = data
    poisoned = attack.generate(X, y, budget=budget)
    np.testing.assert_array_equal(poisoned.X[:N], X)
    np.testing.assert_array_equal(poisoned.y[:N], y)
    assert poisoned.is_poison.tolist() == [False] * N + [True] * budget
    assert poisoned.cost("insert_delete") == budget
    assert set(poisoned.y) <= {0, 1}


@pytest.mark.parametrize("attack", [*quick(), KKTAttack()], ids=repr)
def test_same_seed_same_poison(attack, data):
    first = attack.generate(*data, budget=BUDGET, random_state=3)
    again = clone(attack).generate(*data, budget=BUDGET, random_state=3)
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)


@pytest.mark.parametrize("attack", quick(), ids=repr)
@pytest.mark.parametrize(
    "wrap",
    [sparse.csr_array, sparse.csc_matrix, pd.DataFrame, pl.DataFrame, np.asfortranarray],
    ids=lambda f: f.__name__,
)
def test_containers_are_kept(attack, wrap, data):
    X, y = data
    wrapped = wrap(X)
    poisoned = attack.generate(wrapped, np.array(["ham", "spam"])[y], budget=BUDGET, groups=np.arange(N) % 7)
    assert type(poisoned.X) is type(wrapped)
    assert set(poisoned.y) == {"ham", "spam"}
    assert len(poisoned.groups) == N + BUDGET
    rows = poisoned.X.toarray() if sparse.issparse(poisoned.X) else np.asarray(poisoned.X)
    np.testing.assert_array_equal(rows, attack.generate(X, y, budget=BUDGET).X)


def sets_of_every_kind(X, y):
    """Sets of four columns that hold the middle of each class."""
    center = X.mean(axis=0)
    ball = (center, 3.0, np.ones(4), 4.0)
    return {
        "default": None,
        "sphere": {0: Sphere(X[y == 0].mean(axis=0), 2.5), 1: Sphere(X[y == 1].mean(axis=0), 3.5)},
        "box": Box(np.full(4, -2.0), np.full(4, 2.5)),
        "boxed": BoxedSphereSlab(*ball, lower=-1.5, upper=1.5),
        "integers": IntegerSphereSlab(*ball, upper=5),
        "cut": CutSet(SphereSlab(*ball), [1.0, 0, 0, 0], low=-0.5),
    }


@pytest.mark.parametrize("attack", quick(), ids=repr)
@pytest.mark.parametrize("kind", ["default", "sphere", "box", "boxed", "integers", "cut"])
def test_rows_lie_in_the_set_of_their_class(attack, kind, data):
    X, y = data
    feasible = sets_of_every_kind(X, y)[kind]
    poisoned = clone(attack).set_params(feasible_set=feasible).generate(X, y, budget=BUDGET)
    rows, labels = poison(poisoned)
    for label, own in zip((0, 1), resolve_sets(feasible, X, y, np.array([0, 1])), strict=True):
        assert (own.violation(rows[labels == label]) <= (1e-12 if kind == "integers" else 0)).all()
        assert all(own.violation(row[None])[0] <= 1e-12 for row in rows[labels == label])


# ---- min-max -------------------------------------------------------------------------------------------------


LEARNERS = [
    LinearSVC(loss="hinge", C=0.5, max_iter=50_000, random_state=0),
    LinearSVC(loss="hinge", C=0.5, intercept_scaling=10, max_iter=50_000, random_state=0),
    LinearSVC(loss="hinge", C=0.5, fit_intercept=False, max_iter=50_000, random_state=0),
    LinearSVC(C=0.2, max_iter=50_000, random_state=0),
    SVC(kernel="linear", C=0.3),
    LogisticRegression(C=0.4, tol=1e-8),
    LogisticRegression(C=1e4, tol=1e-8, max_iter=1000),
]


@pytest.mark.parametrize("estimator", LEARNERS, ids=repr)
def test_no_attack_beats_the_bound_and_this_one_comes_near(estimator, data):
    X, y = data
    poisoned = MinMaxAttack(estimator).generate(X, y, budget=BUDGET)
    bound, attained = poisoned.details["bound"], poisoned.details["attained"]
    assert attained <= bound * (1 + 1e-4)
    victim, rng = read_victim(estimator, "test"), np.random.default_rng(0)
    sets, clean = sphere_slab_sets(X, y), np.where(y == 1, 1.0, -1.0)
    # Of the ways to round the weights of the saddle point the one of the largest error is returned: near the bound is
    # that of the largest objective.
    descent = descend(victim, X, clean, [sets[0], sets[1]], BUDGET, n_steps=600)
    for offset in _OFFSETS:
        rows, signs = spread(descent, BUDGET, offset)
        everything, signs = np.concatenate([X, rows]), np.append(clean, signs)
        attained = max(attained, victim.objective(victim.fit(everything, signs), everything, signs) / N)
    assert 0.9 * bound <= attained <= bound * (1 + 1e-4)
    for _ in range(5):
        labels = rng.integers(2, size=BUDGET)
        rows = np.array([sets[label].project(5 * rng.normal(size=(1, 4)))[0] for label in labels])
        everything, signs = np.concatenate([X, rows]), np.append(clean, 2.0 * labels - 1)
        objective = victim.objective(victim.fit(everything, signs), everything, signs)
        assert objective / N <= attained
    assert error_rate(poisoned.details["theta"], X, clean) == poisoned.details["error"]


def test_the_bound_is_the_saddle_point_that_cvxpy_finds(data):
    X, y = data
    signs, n_poison, ridge = np.where(y == 1, 1.0, -1.0), 12, 0.8
    victim = read_victim(LinearSVC(loss="hinge", C=1 / ridge), "test")
    balls = [Sphere(X[signs == sign].mean(axis=0), 2.0) for sign in (-1.0, 1.0)]
    w, b = cp.Variable(4), cp.Variable()
    worst = [
        1 - sign * (ball.center @ w + b) + ball.radius * cp.norm(w)
        for sign, ball in zip((-1.0, 1.0), balls, strict=True)
    ]
    clean = cp.sum(cp.pos(1 - cp.multiply(signs, X @ w + b)))
    total = clean + n_poison * cp.pos(cp.maximum(*worst)) + ridge / 2 * (cp.sum_squares(w) + b**2)
    optimum = cp.Problem(cp.Minimize(total)).solve(solver=cp.CLARABEL)
    descent = descend(victim, X, signs, balls, n_poison, 2000)
    assert optimum * (1 - 1e-7) <= descent.bound <= 1.003 * optimum


def test_the_attack_hurts_more_than_flips():
    X, y, Xt, yt = cancer()
    model = learner(len(y))
    clean = model.fit(X, y).score(Xt, yt)

    def harm(poisoned):
        return clean - model.fit(poisoned.X, poisoned.y).score(Xt, yt)

    flips = np.median([harm(RandomFlipAttack().generate(X, y, budget=12, random_state=s)) for s in range(5)])
    assert harm(MinMaxAttack(model).generate(X, y, budget=12)) >= max(1.5 * flips, 0.02)


def test_a_decoy_keeps_the_loss_under_it_small(data):
    X, y = data
    signs, theta = np.where(y == 1, 1.0, -1.0), np.array(DECOY)
    for quantile in (0.6, 0.9):
        attack = MinMaxAttack(n_steps=60, decoy=DECOY, loss_quantile=quantile)
        rows, labels = poison(attack.generate(X, y, budget=BUDGET))
        for label in (0, 1):
            sign = 2 * label - 1
            limit = np.quantile((signs * (X @ theta[:-1] + theta[-1]))[y == label], 1 - quantile)
            assert (sign * (rows[labels == label] @ theta[:-1] + theta[-1]) >= limit - 1e-9).all()


def test_decoys_may_be_trained_or_models(data):
    X, y = data
    model = LogisticRegression().fit(X, y)
    given = MinMaxAttack(n_steps=20, decoy=model).generate(X, y, budget=BUDGET).details["decoy"]
    np.testing.assert_array_equal(given, np.append(model.coef_, model.intercept_))
    trained = MinMaxAttack(n_steps=20, decoy="auto").generate(X, y, budget=BUDGET)
    assert trained.details["decoy"].shape == (5,)
    assert MinMaxAttack(n_steps=20).generate(X, y, budget=BUDGET).details["decoy"] is None


# ---- decoys --------------------------------------------------------------------------------------------------


def test_the_front_costs_more_only_where_it_errs_more():
    rng = np.random.default_rng(0)
    decoys = [Decoy(np.zeros(2), *pair) for pair in rng.integers(0, 8, size=(60, 2)).tolist()]
    front = pareto_front(decoys, 1)
    assert [decoy.loss for decoy in front] == sorted({decoy.loss for decoy in front})
    assert [decoy.error for decoy in front] == sorted({decoy.error for decoy in front})
    for decoy in decoys:
        assert decoy.error <= 1 or any(d.loss <= decoy.loss and d.error >= decoy.error for d in front)


def test_trained_decoys_err_more_than_the_clean_model(data):
    X, signs = data[0], np.where(data[1] == 1, 1.0, -1.0)
    victim, sets = read_victim(learner(N), "test"), resolve_sets(None, *data, np.array([0, 1]))
    front = train_decoys(victim, X, signs, sets, BUDGET, np.random.default_rng(0))
    assert len(front) > 3
    clean = victim.fit(X, signs)
    assert all(victim.objective(clean, X, signs) <= decoy.loss * (1 + 1e-6) for decoy in front)
    assert error_rate(front[-1].theta, X, signs) > error_rate(clean, X, signs) + 0.1


# ---- KKT -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_intercept", [True, False])
def test_rows_leave_the_least_gradient_that_cvxpy_finds(has_intercept):
    rng = np.random.default_rng(1)
    d = 4
    for _ in range(6):
        centers, normal, theta = rng.normal(size=(2, d)), rng.normal(size=d), rng.normal(size=d + 1)
        sets = [SphereSlab(center, 1.5, normal, 1.5 * np.linalg.norm(normal)) for center in centers]
        allowed = decoy_sets(sets, theta, highest_margin=1.0)
        if None in allowed:
            continue
        counts = int(rng.integers(1, 9)), int(rng.integers(0, 9))
        ones = np.full((5, 1), float(has_intercept))
        pull = Pull(
            8 * rng.normal(size=d + 1) * np.append(np.ones(d), ones[0]), np.hstack([rng.normal(size=(5, d)), ones])
        )
        found = match(pull, allowed, counts, centers, has_intercept)
        low, high, share = cp.Variable(d), cp.Variable(d), cp.Variable(5)
        left = pull.fixed + pull.loose.T @ share
        left += counts[0] * cp.hstack([low, ones[0]]) - counts[1] * cp.hstack([high, ones[0]])
        constraints = [share >= 0, share <= 1]
        for x, feasible, sign in ((low, sets[0], -1), (high, sets[1], 1)):
            constraints += [cp.norm(x - feasible.center) <= 1.5, sign * (theta[:-1] @ x + theta[-1]) <= 1]
            constraints += [cp.abs(normal @ (x - feasible.center)) <= feasible.width]
        least = cp.Problem(cp.Minimize(cp.norm(left)), constraints).solve(solver=cp.CLARABEL)
        assert least - 1e-6 <= found.residual <= 1.02 * least + 2e-3 * np.linalg.norm(pull.fixed)


def test_a_decoy_that_can_be_reached_is_learned(data):
    X, signs = data[0], np.where(data[1] == 1, 1.0, -1.0)
    victim = read_victim(learner(N), "test")
    sets = [Sphere(X[signs == sign].mean(axis=0), 6.0) for sign in (-1.0, 1.0)]
    for decoy in (np.array([0.3, -0.2, 0.5, 0.1, 0.0]), np.array([-0.1, 0.3, 0.0, 0.2, -0.1])):
        pull = clean_pull(victim, decoy, X, signs, 60)
        positive = even_split(pull, 60)
        counts = 60 - positive, positive
        found = match(pull, decoy_sets(sets, decoy, highest_margin=1.0), counts, np.zeros((2, 4)), True)
        assert found.residual <= 0.01 * (N + 60)
        rows, labels = np.repeat(found.rows, counts, axis=0), np.repeat([-1.0, 1.0], counts)
        theta = victim.fit(np.concatenate([X, rows]), np.append(signs, labels))
        np.testing.assert_allclose(theta[:-1], decoy[:-1], atol=0.05)
        # Whole numbers of rows leave up to half a row's pull at the intercept.
        assert abs(theta[-1] - decoy[-1]) <= 0.3


def test_the_even_split_leaves_the_intercept_in_balance(data):
    X, signs = data[0], np.where(data[1] == 1, 1.0, -1.0)
    victim = read_victim(learner(N), "test")
    theta = victim.fit(X, signs)
    pull = clean_pull(victim, theta, X, signs, 40)
    positive = even_split(pull, 40)
    balance = pull.fixed[-1] + 0.5 * pull.loose[:, -1].sum() - positive + (40 - positive)
    assert abs(balance) <= 1.0
    # At the clean model some shares of the rows on the margin leave no gradient.
    share = cp.Variable(len(pull.loose), bounds=[0, 1])
    rest = cp.Problem(cp.Minimize(cp.norm(pull.fixed + pull.loose.T @ share))).solve(solver=cp.CLARABEL)
    assert rest <= 0.02 * N


def test_kkt_hurts_more_than_flips():
    X, y = make_classification(n_samples=1400, n_features=10, n_informative=6, flip_y=0.02, random_state=0)
    # Heavy tails, as counts of words have, leave room in the default spheres.
    X = scale(np.sinh(1.2 * X / X.std(axis=0)))
    X, Xt, y, yt = X[:600], X[600:], y[:600], y[600:]
    model = learner(600)
    clean = model.fit(X, y).score(Xt, yt)
    poisoned = KKTAttack(model).generate(X, y, budget=30)
    harm = clean - model.fit(poisoned.X, poisoned.y).score(Xt, yt)
    flipped = [RandomFlipAttack().generate(X, y, budget=30, random_state=seed) for seed in range(5)]
    flips = clean - np.median([model.fit(p.X, p.y).score(Xt, yt) for p in flipped])
    assert harm >= max(1.5 * flips, 0.01)
    assert (
        poisoned.details["error"] >= error_rate(read_victim(model, "test").fit(X, 2.0 * y - 1), X, 2.0 * y - 1) + 0.03
    )
    assert list(poisoned.details["split"].values()) == np.bincount(poisoned.y[600:], minlength=2).tolist()


def test_a_class_without_a_row_that_pulls_has_none(data):
    X, y = data
    # Rows of class 1 all have a margin beyond 1 under this decoy.
    sets = {0: Sphere(np.zeros(4), 1.0), 1: Sphere([9.0, 0, 0, 0], 1.0)}
    poisoned = KKTAttack(decoy=[1.0, 0, 0, 0, 0], feasible_set=sets).generate(X, y, budget=BUDGET)
    assert poisoned.details["split"] == {0: BUDGET, 1: 0}
    with pytest.raises(ValueError, match="no row of the feasible sets that pulls at a decoy"):
        KKTAttack(decoy=[1.0, 0, 0, 0, 0], feasible_set=sets | {0: Sphere([-9.0, 0, 0, 0], 1.0)}).generate(
            X, y, budget=1
        )


def test_poison_rows_pull_at_the_decoy_and_look_innocent_if_asked(data):
    X, y = data
    for quantile in (None, 0.7):
        poisoned = KKTAttack(loss_quantile=quantile).generate(X, y, budget=BUDGET)
        theta = poisoned.details["decoy"]
        rows, labels = poison(poisoned)
        margin = (2 * labels - 1) * (rows @ theta[:-1] + theta[-1])
        assert (margin <= 1 + 1e-9).all()
        if quantile is not None:
            clean = (2 * y - 1) * (X @ theta[:-1] + theta[-1])
            limits = np.array([min(np.quantile(clean[y == label], 1 - quantile), 1.0) for label in (0, 1)])
            assert (margin >= limits[labels] - 1e-9).all()


# ---- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", [MinMaxAttack(), KKTAttack()], ids=repr)
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.arange(N) % 3, "is about two classes, but y has 3"),
        (np.zeros(N, dtype=int), "the single label 0"),
        (np.arange(N) / 7, "is a regression target"),
    ],
)
def test_labels_that_are_not_two_classes_are_refused(attack, y, message, data):
    with pytest.raises(ValueError, match=message):
        attack.generate(data[0], y, budget=1)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (MinMaxAttack(make_pipeline(StandardScaler(), LinearSVC())), "not inside a Pipeline.*BlackBoxAttack"),
        (KKTAttack(make_pipeline(StandardScaler(), LinearSVC())), "not inside a Pipeline.*BlackBoxAttack"),
        (KKTAttack(SVC()), "kernel='linear'.*BlackBoxAttack"),
        (MinMaxAttack(Ridge()), "losses that fall with the margin"),
        (KKTAttack(LinearSVC()), "needs the hinge loss.*GradientCancelingAttack"),
        (KKTAttack(LogisticRegression()), "needs the hinge loss.*GradientCancelingAttack"),
        (MinMaxAttack(n_steps=0), "n_steps must be a positive whole number, got 0"),
        (MinMaxAttack(n_steps=2.5), "n_steps must be a positive whole number"),
        (MinMaxAttack(loss_quantile=0), r"loss_quantile is a share of the clean rows in \(0, 1\], got 0"),
        (KKTAttack(loss_quantile=1.5), "loss_quantile is a share"),
        (MinMaxAttack(decoy=[1.0, 2.0]), r"decoy must be finite, of shape \(n_features \+ 1,\) = \(5,\)"),
        (MinMaxAttack(decoy="front"), "decoy must be 'auto', a model"),
        (KKTAttack(decoy=[1.0, 2.0, np.nan, 0.0, 0.0]), "decoy must be finite"),
        (MinMaxAttack(feasible_set=Sphere([0, 0], 1)), "X has 4 columns, but the feasible set is for 2"),
        (KKTAttack(feasible_set={0: Sphere(np.zeros(4), 1)}), "none for [1]"),
        (MinMaxAttack(feasible_set="sphere"), "feasible_set must be a robustfit.certify.FeasibleSet"),
        (
            MinMaxAttack(
                decoy=[9.0, 0, 0, 0, 0], feasible_set={0: Sphere([9.0, 0, 0, 0], 1), 1: Sphere([-9.0, 0, 0, 0], 1)}
            ),
            "no row of the feasible sets whose loss under the decoy is small enough",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(attack, message, data):
    with pytest.raises((ValueError, TypeError), match=message.replace("[1]", re.escape("[1]"))):
        attack.generate(*data, budget=2)


@pytest.mark.parametrize("attack", quick(), ids=repr)
def test_rows_that_are_no_numbers_are_refused(attack, data):
    with pytest.raises(ValueError, match="numeric columns only"):
        attack.generate(["text"] * N, data[1], budget=1)
    with pytest.raises(ValueError, match="NaN or infinity"):
        attack.generate(np.where(data[0] > 1, np.nan, data[0]), data[1], budget=1)
