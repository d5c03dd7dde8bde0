"""Attacks that aim at a model or at one prediction of a linear learner, and the number of rows that a model costs."""

import math
from dataclasses import replace
from itertools import combinations_with_replacement, product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from scipy.optimize import lsq_linear, minimize
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from robustfit.attacks import (
    InsertionAttack,
    ModelTargetedAttack,
    RandomFlipAttack,
    TargetedMinMaxAttack,
    points_needed,
    sphere_slab_sets,
)
from robustfit.attacks._linear._loss_difference import Room
from robustfit.attacks._linear._points_needed import rows_to_reach
from robustfit.attacks._linear._victim import read_victim, scores
from robustfit.certify import (
    Box,
    BoxedSphereSlab,
    IntegerSphereSlab,
    NonNegativeIntegers,
    OneHotGroups,
    Sphere,
    SphereSlab,
)
from robustfit.losses import HINGE, LOGISTIC, SQUARED_HINGE

LOSSES = [HINGE, SQUARED_HINGE, LOGISTIC]
LEARNERS = [
    LinearSVC(loss="hinge", random_state=0),
    LinearSVC(C=0.3, random_state=0),
    SVC(kernel="linear", C=0.5),
    LogisticRegression(),
    LogisticRegression(solver="liblinear", C=2.0, random_state=0),
]
AT_A_MODEL = ModelTargetedAttack(LogisticRegression(), target_model=[-1.0, 0.0, 0.0, 0.0])


def loss_name(loss):
    return loss.name


def learner_name(learner):
    return f"{type(learner).__name__}-{getattr(learner, 'loss', getattr(learner, 'solver', ''))}"


def small_data(seed=0, n=60, d=3):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    X = rng.normal(size=(n, d)) + 0.6 * (2 * y[:, None] - 1)
    X.flags.writeable = y.flags.writeable = False
    return X, y


def minimum(victim, X, y, weight=None):
    """The smallest sum, and where it is, by a method that shares nothing with the attack."""
    size = X.shape[1] + 1

    def sum_of(theta):
        return victim.objective(theta, X, y, weight)

    def slope(theta):
        total = len(y) if weight is None else weight.sum()
        return victim.row_gradient(theta, X, y, weight) + victim.ridge_vector(size - 1, total) * theta

    best = minimize(sum_of, np.zeros(size), jac=slope, method="BFGS", options={"gtol": 1e-11, "maxiter": 5000})
    return best.fun, best.x


# ---- the largest difference of losses -------------------------------------------------------------------------


def random_set(kind, d, rng):
    center = rng.normal(size=d)
    radius, normal, width = rng.uniform(0.2, 3), rng.normal(size=d), rng.uniform(0.1, 2)
    low, high = center - rng.uniform(0, 2, d), center + rng.uniform(0, 2, d)
    return {
        "sphere": lambda: Sphere(center, radius),
        "sphere and slab": lambda: SphereSlab(center, radius, normal, width),
        "box": lambda: Box(low, high),
        "boxed": lambda: BoxedSphereSlab(center, radius, normal, width, lower=low, upper=high),
    }[kind]()


def differences(loss, X, sign, theta, target):
    y = np.full(len(X), sign)
    return loss.value(y, scores(X, theta)) - loss.value(y, scores(X, target))


@pytest.mark.parametrize("loss", LOSSES, ids=loss_name)
@pytest.mark.parametrize("kind", ["sphere", "sphere and slab", "box", "boxed"])
def test_no_row_of_a_convex_set_beats_the_bound_and_the_row_found_is_as_good(kind, loss):
    rng = np.random.default_rng(1)
    for _ in range(6):
        d = int(rng.choice([1, 2, 5]))
        sets = [random_set(kind, d, rng) for _ in range(2)]
        theta, target = rng.normal(size=(2, d + 1)) * rng.uniform(0.1, 3, size=(2, 1))
        found = Room(sets).largest_difference(loss, theta, target)
        chosen = sets[int(found.sign > 0)]
        assert chosen.violation([found.point])[0] <= 1e-9
        assert found.value == pytest.approx(differences(loss, found.point[None], found.sign, theta, target)[0])
        near = 50 if kind == "boxed" else 2000
        seen = max(
            differences(loss, s.project(rng.normal(size=(near, d)) * 3), sign, theta, target).max()
            for sign, s in zip((-1.0, 1.0), sets, strict=True)
        )
        assert seen <= found.bound
        assert found.value <= found.bound <= found.value + 2e-3 * max(found.bound, 1e-3)


@pytest.mark.parametrize("loss", LOSSES, ids=loss_name)
@pytest.mark.parametrize("kind", ["counts", "categories", "counts in a sphere"])
def test_no_row_of_a_finite_set_beats_the_bound(kind, loss):
    rng = np.random.default_rng(2)
    rows = np.array(list(product(range(3), repeat=4)), dtype=float)
    for _ in range(6):
        allowed = {
            "counts": lambda: NonNegativeIntegers(2, n_features=4),
            "categories": lambda: OneHotGroups(4, groups=[[0, 1], [2, 3]]),
            "counts in a sphere": lambda: IntegerSphereSlab([0.5, 0.2, 1.1, 0.8], 1.8, upper=2),
        }[kind]()
        theta, target = rng.normal(size=(2, 5)) * 2
        found = Room([allowed, allowed]).largest_difference(loss, theta, target)
        inside = rows[allowed.contains(rows, tol=0)]
        best = max(differences(loss, inside, sign, theta, target).max() for sign in (-1.0, 1.0))
        assert found.value <= best + 1e-12
        assert best <= found.bound
        assert allowed.violation([found.point])[0] == 0


@pytest.mark.parametrize("loss", LOSSES, ids=loss_name)
def test_equal_models_differ_by_rounding_only(loss):
    theta = np.array([0.3, -1.7, 0.9])
    found = Room([Box([-1.0, -1.0], [1.0, 1.0])] * 2).largest_difference(loss, theta, theta)
    assert 0 <= found.value <= found.bound <= 1e-3


def test_columns_that_no_model_uses_may_be_without_an_end():
    half_open = Box([-1.0, -np.inf], [1.0, np.inf])
    found = Room([half_open, half_open]).largest_difference(HINGE, np.array([1.0, 0, 0]), np.array([-1.0, 0, 0]))
    assert found.value == pytest.approx(2.0)
    assert found.bound == pytest.approx(2.0)


# ---- the number of rows that a model costs --------------------------------------------------------------------


def is_optimal(victim, X, y, target, rows, signs):
    """Whether 0 is a subgradient at the target: kinks may pull with any share."""
    everything, labels = np.vstack([X, rows]), np.append(y, signs)
    margin = labels * scores(everything, target)
    kink = (np.abs(margin - 1) < 1e-9) & (victim.loss is HINGE)
    fixed = victim.row_gradient(target, everything[~kink], labels[~kink])
    fixed = fixed + victim.ridge_vector(X.shape[1], len(labels)) * target
    if not kink.any():
        return np.abs(fixed).max() < 1e-8
    pulls = -labels[kink, None] * np.column_stack([everything[kink], np.ones(kink.sum())])
    low, high = fixed + np.minimum(pulls, 0).sum(axis=0), fixed + np.maximum(pulls, 0).sum(axis=0)
    if low.max() > 1e-8 or high.min() < -1e-8:
        return False
    return lsq_linear(pulls.T, -fixed, bounds=(0, 1)).cost < 1e-14


def test_no_multiset_below_the_bound_makes_a_hinge_learner_return_the_target():
    """Brute force over all multisets of six labelled rows."""
    learner = LinearSVC(loss="hinge", C=1.0)
    victim = read_victim(learner, "test")
    X, y = np.array([[0.0], [0.0], [1.0], [2.0]]), np.array([-1.0, -1.0, 1.0, 1.0])
    labelled = [(x, sign) for x in (0.0, 1.0, 2.0) for sign in (-1.0, 1.0)]
    allowed = NonNegativeIntegers(2, n_features=1)
    costs, bounds = [], []
    for w, b in product((-1.0, -0.5, 0.0, 0.5), (-1.0, 0.0, 1.0)):
        target = np.array([w, b])
        bounds.append(points_needed(learner, X, y.astype(int), target, feasible_set=allowed))
        cost = next(
            (
                size
                for size in range(5)
                for rows in combinations_with_replacement(labelled, size)
                if is_optimal(
                    victim, X, y, target, np.array([[x] for x, _ in rows]).reshape(-1, 1), [s for _, s in rows]
                )
            ),
            math.inf,
        )
        costs.append(cost)
    assert all(bound <= cost for bound, cost in zip(bounds, costs, strict=True))
    assert sum(math.isfinite(cost) and cost == bound > 0 for bound, cost in zip(bounds, costs, strict=True)) >= 1


@pytest.mark.parametrize("learner", LEARNERS[:2] + LEARNERS[3:], ids=learner_name)
def test_added_rows_never_do_with_fewer_than_the_bound(learner):
    """Any rows and any target: allowed the target's own excess over the minimum, the bound is at most their number."""
    victim = read_victim(learner, "test")
    rng = np.random.default_rng(3)
    X, codes = small_data(n=30, d=2)
    y = np.where(codes == 1, 1.0, -1.0)
    allowed = Box([-2.0, -2.0], [2.0, 2.0])
    seen = []
    for size in (1, 3, 10, 40):
        rows, signs = rng.uniform(-2, 2, (size, 2)), rng.choice([-1.0, 1.0], size)
        if size == 40:
            allowed = Box([1.4, 0.9], [1.5, 1.0])
            rows[:], signs[:] = [1.5, 1.0], -1.0
        everything, labels = np.vstack([X, rows]), np.append(y, signs)
        lowest, best = minimum(victim, everything, labels)
        for target in (best, best + 0.1 * rng.normal(size=3)):
            slack = victim.objective(target, everything, labels) - lowest + 1e-7
            clean = minimum(victim, X, y)[1]
            for witness in (None, clean, target + 0.3 * rng.normal(size=3)):
                needed = points_needed(
                    learner, X, codes, target, feasible_set=allowed, slack=max(slack, 0.0), witness=witness
                )
                assert isinstance(needed, int)
                assert needed <= size
                seen.append(needed)
    assert max(seen) >= 10


def copies_of_one_row(learner, size=40):
    """A target that copies of one row reach, with the rest of what a bound needs, where little else is feasible."""
    victim = read_victim(learner, "test")
    X, codes = small_data(seed=5, n=40, d=2)
    y = np.where(codes == 1, 1.0, -1.0)
    corner = np.array([1.5, 1.0])
    everything = np.vstack([X, np.repeat(corner[None], size, axis=0)])
    target = minimum(victim, everything, np.append(y, np.full(size, -1.0)))[1]
    clean = minimum(victim, X, y)[1]
    room = Room([Box(corner - 0.3, corner)] * 2)
    return victim, X, y, room, target + 0.02 * (clean - target), target


@pytest.mark.parametrize("learner", LEARNERS[3:], ids=learner_name)
def test_the_bound_is_near_to_what_is_needed(learner):
    victim, X, y, room, theta, target = copies_of_one_row(learner)
    largest = room.largest_difference(victim.loss, theta, target, gap=1e-6).bound
    assert 36 <= rows_to_reach(victim, X, y, theta, target, largest, slack=1e-9) <= 40


@pytest.mark.parametrize("learner", LEARNERS[3:], ids=learner_name)
def test_planted_faults_break_the_bound(learner):
    """What the tests above would see: the difference at another row than the best, and a sum without its penalty."""
    victim, X, y, room, theta, target = copies_of_one_row(learner)
    largest = room.largest_difference(victim.loss, theta, target, gap=1e-6).bound
    other = differences(victim.loss, np.array([[1.2, 0.7]]), -1.0, theta, target)[0]
    assert 0 < other < largest
    assert rows_to_reach(victim, X, y, theta, target, other) > 40
    stiff = clone(learner).set_params(C=0.1)
    victim, X, y, room, theta, target = copies_of_one_row(stiff, 5)
    largest = room.largest_difference(victim.loss, theta, target, gap=1e-6).bound
    assert rows_to_reach(victim, X, y, theta, target, largest, slack=1e-9) == 5
    bare = replace(victim, ridge=0.0, intercept_ridge=0.0)
    assert rows_to_reach(bare, X, y, theta, target, largest) > 5


def test_a_witness_that_equals_the_target_proves_nothing():
    X, y = small_data()
    for learner in LEARNERS:
        theta = np.array([1.0, -2.0, 0.3, 0.1])
        for scale in (1.0, 1e3):
            near = scale * theta * (1 + 1e-15)
            assert points_needed(learner, X, y, scale * theta, witness=near) == 0


def test_a_target_that_every_feasible_row_opposes_is_out_of_reach():
    X, y = np.array([[-1.0], [1.0]] * 4), np.array([0, 1] * 4)
    # Rows of either class lie where the clean model loses nothing, and the target does.
    sets = {0: Box([-6.0], [-5.0]), 1: Box([5.0], [6.0])}
    assert points_needed(LinearSVC(loss="hinge"), X, y, [-1.0, 0.0], feasible_set=sets) == math.inf
    details = ModelTargetedAttack(target_model=[-1.0, 0.0], feasible_set=sets).generate(X, y, budget=3).details
    assert details["lower_bound"] == math.inf


def test_slack_only_lowers_the_bound():
    X, y = small_data()
    target = -LogisticRegression().fit(X, y).coef_.ravel()
    counts = [points_needed(LogisticRegression(), X, y, [*target, 0.0], slack=s) for s in (0, 1, 10, 1000)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[2] > counts[3] == 0


def test_a_fitted_estimator_is_read_like_its_numbers():
    X, y = small_data()
    model = LogisticRegression().fit(X, 1 - y)
    numbers = np.append(model.coef_, model.intercept_)
    one, other = (points_needed(LinearSVC(random_state=0), X, y, target) for target in (model, numbers))
    assert one == other > 0


# ---- the attack on the model ----------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", LEARNERS, ids=learner_name)
@pytest.mark.parametrize("budget", [1, 17])
def test_the_budget_is_exact_and_rows_stay_in_the_set(learner, budget):
    X, y = small_data()
    before = X.copy()
    poisoned = ModelTargetedAttack(learner).generate(X, y, budget=budget)
    assert poisoned.cost("insert_delete") == budget
    assert poisoned.X.shape == (len(X) + budget, X.shape[1])
    np.testing.assert_array_equal(poisoned.X[: len(X)], before)
    added = poisoned.is_poison
    for label, allowed in sphere_slab_sets(X, y).items():
        assert np.all(allowed.violation(poisoned.X[added & (poisoned.y == label)]) == 0)
    details = poisoned.details
    assert set(details) == {"theta", "target", "loss_difference", "reached_with", "lower_bound"}
    assert details["theta"].shape == details["target"].shape == (4,)


@pytest.mark.parametrize("learner", [LogisticRegression(), LinearSVC()], ids=learner_name)
def test_a_target_within_reach_is_reached_held_and_bounded(learner):
    X, y = small_data(n=80)
    box = Box([-2.0] * 3, [2.0] * 3)
    victim = read_victim(learner, "test")
    target = victim.fit(X, np.where(y == 1, 1.0, -1.0)) * 0.5
    details = (
        ModelTargetedAttack(learner, target_model=target, feasible_set=box, tol=0.1).generate(X, y, budget=60).details
    )
    assert 0 < details["lower_bound"] <= details["reached_with"] + 1
    assert details["reached_with"] < 60
    assert details["loss_difference"] <= 0.2
    assert np.abs(details["theta"] - target).max() < 0.1
    np.testing.assert_array_equal(details["target"], target)


def test_what_is_left_of_the_budget_does_not_move_a_hinge_learner():
    X, y = small_data(n=80)
    learner = SVC(kernel="linear", C=0.1)
    target = read_victim(learner, "test").fit(X, np.where(y == 1, 1.0, -1.0)) * 0.5
    attack = ModelTargetedAttack(learner, target_model=target, feasible_set=Box([-2.0] * 3, [2.0] * 3), tol=0.3)
    poisoned = attack.generate(X, y, budget=60)
    reached = poisoned.details["reached_with"]
    assert poisoned.details["lower_bound"] <= reached < 40
    at_hand, whole = (clone(learner).fit(poisoned.X[:n], poisoned.y[:n]) for n in (80 + reached, 140))
    np.testing.assert_allclose(at_hand.coef_, whole.coef_, atol=2e-3)
    assert poisoned.details["loss_difference"] < 0.32


def test_theta_is_what_the_learner_returns():
    X, y = small_data()
    poisoned = ModelTargetedAttack(LogisticRegression(tol=1e-8), target_model=[-1.0, 0.0, 0.0, 0.0]).generate(
        X, y, budget=12
    )
    model = LogisticRegression(tol=1e-8).fit(poisoned.X, poisoned.y)
    np.testing.assert_allclose(np.append(model.coef_, model.intercept_), poisoned.details["theta"], atol=1e-4)


@pytest.mark.parametrize(
    "attack", [ModelTargetedAttack(), TargetedMinMaxAttack([0.5, 0.5, 0.5])], ids=["model", "one row"]
)
def test_same_seed_same_poison(attack):
    X, y = small_data()
    first, second = (clone(attack).generate(X, y, budget=4, random_state=4, groups=y) for _ in range(2))
    np.testing.assert_array_equal(first.X, second.X)
    np.testing.assert_array_equal(first.y, second.y)
    np.testing.assert_array_equal(first.groups, second.groups)


@pytest.mark.parametrize("container", ["list of labels", "csr", "float32", "pandas", "polars"])
@pytest.mark.parametrize("attack", [AT_A_MODEL, TargetedMinMaxAttack([0.5, 0.5, 0.5])])
def test_containers_come_back(attack, container):
    X, codes = small_data()
    y = np.array(["ham", "spam"])[codes]
    if container == "list of labels":
        y = y.tolist()
    X = {
        "csr": sparse.csr_array,
        "float32": lambda v: v.astype(np.float32),
        "pandas": lambda v: pd.DataFrame(v, columns=list("abc")),
        "polars": lambda v: pl.DataFrame(v, schema=list("abc")),
    }.get(container, np.asarray)(X)
    poisoned = attack.generate(X, y, budget=5)
    assert type(poisoned.X) is type(X)
    assert type(poisoned.y) is type(y)
    assert poisoned.X.shape == (65, 3)
    assert set(poisoned.y) == {"ham", "spam"}


def real_data(name):
    X, y = load_breast_cancer(return_X_y=True) if name == "cancer" else load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = StandardScaler().fit_transform(X)[order], (y % 2)[order]
    half = len(X) // 2
    return X[:half], y[:half], X[half:], y[half:]


@pytest.mark.parametrize(
    ("name", "learner"),
    [
        ("cancer", LinearSVC(loss="hinge", C=0.1, max_iter=100_000, random_state=0)),
        ("odd digits", LogisticRegression(C=0.1)),
    ],
)
def test_it_does_more_harm_than_random_flips(name, learner):
    X, y, X_test, y_test = real_data(name)
    budget = round(0.05 * len(y))

    def error(X, y):
        return 1 - clone(learner).fit(X, y).score(X_test, y_test)

    clean = error(X, y)
    flips = [RandomFlipAttack().generate(X, y, budget=budget, random_state=seed) for seed in range(3)]
    random = np.median([error(p.X, p.y) for p in flips]) - clean
    poisoned = ModelTargetedAttack(learner).generate(X, y, budget=budget)
    assert error(poisoned.X, poisoned.y) - clean >= max(1.5 * random, 0.02)


# ---- the attack on one prediction -----------------------------------------------------------------------------


@pytest.mark.parametrize("learner", LEARNERS, ids=learner_name)
def test_the_prediction_changes_within_the_set_and_budget(learner):
    X, y = small_data()
    poisoned = TargetedMinMaxAttack([0.3, 0.3, 0.3], estimator=learner).generate(X, y, budget=15)
    assert poisoned.cost("insert_delete") == 15
    np.testing.assert_array_equal(poisoned.X[: len(X)], X)
    for label, allowed in sphere_slab_sets(X, y).items():
        assert np.all(allowed.violation(poisoned.X[poisoned.is_poison & (poisoned.y == label)]) == 0)
    details = poisoned.details
    assert set(details) == {"label", "flipped", "margin", "clean_margin", "theta", "decoy"}
    assert details["label"] == 0
    assert details["flipped"] is True
    assert details["clean_margin"] < 0 < details["margin"]
    assert clone(learner).fit(poisoned.X, poisoned.y).predict([[0.3, 0.3, 0.3]]) == [0]


def test_the_label_can_be_named():
    X, y = small_data()
    for label in (0, 1):
        poisoned = TargetedMinMaxAttack([0.2, 0.1, 0.0], label, LogisticRegression()).generate(X, y, budget=6)
        assert poisoned.details["label"] == label
        assert LogisticRegression().fit(poisoned.X, poisoned.y).predict([[0.2, 0.1, 0.0]]) == [label]


@pytest.mark.parametrize("name", ["cancer", "odd digits"])
def test_it_flips_more_targets_than_random_rows(name):
    X, y, X_test, y_test = real_data(name)
    X, y = X[:300], y[:300]
    learner = LogisticRegression(C=0.1 if name == "cancer" else 0.01)
    model = clone(learner).fit(X, y)
    right = np.flatnonzero(model.predict(X_test) == y_test)
    order = right[np.argsort(np.abs(model.decision_function(X_test[right])))]
    allowed = Box(X.min(axis=0), X.max(axis=0)) if name == "cancer" else None
    budget = round(0.04 * len(y))
    by_chance = 0
    for i in (order[len(order) // 10], order[len(order) // 2]):
        other = 1 - y_test[i]
        attack = TargetedMinMaxAttack(X_test[i], estimator=learner, feasible_set=allowed)
        aimed, random = (a.generate(X, y, budget=budget) for a in (attack, InsertionAttack(other)))
        predicted = [clone(learner).fit(p.X, p.y).predict(X_test[i : i + 1])[0] for p in (aimed, random)]
        assert predicted[0] == other
        by_chance += predicted[1] == other
    assert by_chance < 2


# ---- bad input ------------------------------------------------------------------------------------------------


BAD = [
    ({"estimator": Ridge()}, "losses that fall with the margin"),
    ({"estimator": RidgeClassifier()}, "losses that fall with the margin"),
    ({"estimator": StandardScaler()}, "BlackBoxAttack"),
    ({"estimator": SVC()}, "kernel='linear'"),
    ({"feasible_set": Box([0.0], [1.0])}, "X has 3 columns, but the feasible set is for 1"),
    ({"feasible_set": {0: Box([0.0] * 3, [1.0] * 3)}}, "none for \\[1\\]"),
]


@pytest.mark.parametrize(("parameters", "message"), BAD)
@pytest.mark.parametrize("make", [ModelTargetedAttack, lambda **p: TargetedMinMaxAttack([0.0] * 3, **p)])
def test_bad_parameters_are_named(make, parameters, message):
    X, y = small_data()
    with pytest.raises(ValueError, match=message):
        make(**parameters).generate(X, y, budget=3)


@pytest.mark.parametrize("attack", [ModelTargetedAttack(), TargetedMinMaxAttack([0.0] * 3)])
def test_bad_labels_and_budgets_are_named(attack):
    X, y = small_data()
    with pytest.raises(ValueError, match="about two classes, but y has 3"):
        attack.generate(X, np.arange(60) % 3, budget=3)
    with pytest.raises(ValueError, match="regression target"):
        attack.generate(X, y.astype(float), budget=3)
    with pytest.raises(ValueError, match="single label"):
        attack.generate(X, np.zeros(60, dtype=int), budget=3)
    with pytest.raises(ValueError, match="budget"):
        attack.generate(X, y, budget=1.5)
    with pytest.raises(ValueError, match="NaN|missing|finite"):
        attack.generate(np.where(X > 2, np.nan, X), y, budget=3)


def test_bad_models_and_targets_are_named():
    X, y = small_data()
    for target, message in [
        ([1.0, 2.0], "shape \\(n_features \\+ 1,\\) = \\(4,\\)"),
        ([1.0, np.nan, 0.0, 0.0], "must be finite"),
        (3.0, "fitted linear estimator or an array"),
        (LogisticRegression().fit(X, y + 5), "trained on the classes \\[5, 6\\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            ModelTargetedAttack(target_model=target).generate(X, y, budget=3)
        with pytest.raises(ValueError, match=message):
            points_needed(LinearSVC(), X, y, target)
    without = LogisticRegression(fit_intercept=False)
    with pytest.raises(ValueError, match="intercept 1"):
        points_needed(without, X, y, [0.0, 0.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="slack"):
        points_needed(LinearSVC(), X, y, [0.0] * 4, slack=-1.0)
    with pytest.raises(ValueError, match="tol must be a positive number"):
        ModelTargetedAttack(tol=0).generate(X, y, budget=3)
    with pytest.raises(ValueError, match="one row of finite numbers"):
        TargetedMinMaxAttack(X).generate(X, y, budget=3)
    with pytest.raises(ValueError, match="one row of 3 numbers"):
        TargetedMinMaxAttack(["a", "b", "c"]).generate(X, y, budget=3)
    with pytest.raises(ValueError, match="label=7 is not among the classes"):
        TargetedMinMaxAttack([0.0] * 3, label=7).generate(X, y, budget=3)


def test_losses_beyond_the_range_of_floats_prove_nothing():
    X, y = np.array([[-1.0], [-1.0], [1.0], [1.0]]), np.array([0, 0, 1, 1])
    learner = LinearSVC(C=1.0, fit_intercept=False)
    # Twelve rows at 1 and one near 0.3, all of label 0, make the target the minimiser, and lie in every box.
    for size, most in ((10.0, 13), (1e154, 13), (1e155, 13), (1e300, 13)):
        assert points_needed(learner, X, y, [-0.5, 0.0], feasible_set=Box([-size], [size])) <= most


def test_differences_within_rounding_are_no_proof_that_a_target_is_out_of_reach():
    X, y = np.linspace(-1, 1, 20).reshape(-1, 1), np.repeat([0, 1], 10)
    learner = LogisticRegression(fit_intercept=False, tol=1e-12)
    target = np.array([learner.fit(X, y).coef_[0, 0] - 1e-5, 0.0])
    # The clean gradient there, divided by the largest one that a row of the set can have.
    score = X[:, 0] * target[0]
    gradient = np.sum(X[:, 0] * (1 / (1 + np.exp(-score)) - y)) + target[0]
    for size in (1e-15, 1e-16, 1e-17):
        enough = abs(gradient) / (0.5 * size)
        assert points_needed(learner, X, y, target, feasible_set=Box([-size], [size])) <= 1.01 * enough


def rows_that_cancel(rng):
    """Three rows of sum zero whose scores under a model of ones are computed wrong: 2^57 hides small numbers."""
    rows = np.zeros((3, 6))
    rows[0, :2] = 2.0**57, -(2.0**57)
    rows[1] = -rows[0]
    rows[:2, 2:] = rng.integers(-9, 10, size=(2, 4))
    rows[2] = -(rows[0] + rows[1])
    return rows[:, rng.permutation(6)]


@pytest.mark.parametrize("learner", [LinearSVC(loss="hinge"), LinearSVC(), LogisticRegression()], ids=learner_name)
def test_scores_that_cancel_prove_nothing(learner):
    rng, signs = np.random.default_rng(0), np.repeat([1, -1], 30)
    found = 0
    while found < 3:
        rows = rows_that_cancel(rng)
        X = np.vstack([np.tile(rows, (10, 1)), np.tile(-rows, (10, 1))])
        if (signs * (X @ np.ones(6))).min() <= 1:
            continue
        found += 1
        # The sum of y x is zero, so that the target 0 minimises the clean sum, and no row is needed.
        ends = np.where(np.abs(rows).max(axis=0) > 1e9, 0.0, 1.0)
        for length in (1.0, 5.0, 20.0):
            witness = np.append(length * np.ones(6), 0.0)
            victim = clone(learner).set_params(C=1e3, fit_intercept=False)
            kept = Box(-ends, ends)
            assert points_needed(victim, X, signs, np.zeros(7), feasible_set=kept, witness=witness) == 0


def test_targets_trained_on_sparse_rows_are_read():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)[:100, :4]
    y = y[:100]
    model = SVC(kernel="linear").fit(sparse.csr_array(X), y)
    assert points_needed(SVC(kernel="linear"), X, y, model) >= 0
