"""Poison for regressions: made-up corners, and twins of rows that the fit leans on."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_regression
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import train_test_split

from robustfit.attacks import AdaptiveFlipAttack, InfFlipAttack, InsertionAttack, RandomFlipAttack, StatPAttack
from robustfit.attacks._growing_ridge import GrowingRidge, UnitRange, far_ends
from robustfit.certify import OneHotGroups

N, BUDGET = 60, 12
ATTACKS = [StatPAttack(n_candidates=10), InfFlipAttack(), AdaptiveFlipAttack(n_candidates=3)]
TWINS = [InfFlipAttack, AdaptiveFlipAttack]


def name_of(value):
    return type(value).__name__


@pytest.fixture
def data():
    """Read-only, so that an attack that writes to its input fails."""
    X, y = make_regression(n_samples=N, n_features=4, noise=5.0, random_state=0)
    X = X * [1.0, 100.0, 1e-3, 1.0] + [0.0, 1e4, 0.0, -3.0]
    X.flags.writeable = y.flags.writeable = False
    return X, y


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return train_test_split(X, y, test_size=0.4, random_state=0)


# ---- what all three promise ----------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("budget", [1, BUDGET, 2 * N])
def test_rows_are_appended_with_an_end_of_the_range_as_target(attack, budget, data):
    X, y = data
    poisoned = attack.generate(X, y, budget=budget)
    assert poisoned.is_poison.tolist() == [False] * N + [True] * budget
    assert np.array_equal(poisoned.X[:N], X)
    assert np.array_equal(poisoned.y[:N], y)
    assert set(poisoned.y[N:].tolist()) <= {y.min(), y.max()}
    assert poisoned.cost("insert_delete") == budget
    assert len(poisoned.removed) == 0
    assert np.all(poisoned.X[N:] >= X.min(axis=0))
    assert np.all(poisoned.X[N:] <= X.max(axis=0))


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_same_seed_same_poison_and_a_larger_budget_goes_on(attack, data):
    X, y = data
    first, again, more, other = (
        clone(attack).generate(X, y, budget=budget, random_state=seed)
        for budget, seed in ((5, 3), (5, 3), (BUDGET, 3), (5, 4))
    )
    assert np.array_equal(first.X, again.X)
    assert np.array_equal(first.y, again.y)
    assert np.array_equal(first.X, more.X[: N + 5])
    assert np.array_equal(first.y, more.y[: N + 5])
    assert not np.array_equal(first.X, other.X)
    assert attack.generate(X, y, budget=0).X is X


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_units_of_columns_and_target_change_nothing(attack, data):
    X, y = data
    plain = attack.generate(X, y, budget=BUDGET)
    scale, shift = np.array([2.0, 0.5, 1024.0, 4.0]), np.array([1.0, 0.0, -2.0, 8.0])
    scaled = attack.generate(X * scale + shift, y * 8.0 - 16.0, budget=BUDGET)
    assert np.allclose(scaled.X, plain.X * scale + shift)
    assert np.allclose(scaled.y, plain.y * 8.0 - 16.0)
    # Turned upside down, the range has its ends swapped, and so have the targets.
    turned = attack.generate(X, -y, budget=BUDGET)
    assert np.array_equal(turned.X, plain.X)
    assert np.array_equal(turned.y, -plain.y)


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csc_matrix, pd.DataFrame, pl.DataFrame])
def test_containers_of_numbers_come_back_as_they_are(attack, convert, data):
    X, y = data
    poisoned = attack.generate(convert(X), y, budget=BUDGET)
    assert type(poisoned.X) is type(convert(X))
    dense = poisoned.X.toarray() if sparse.issparse(poisoned.X) else np.asarray(poisoned.X)
    assert np.array_equal(dense, attack.generate(X, y, budget=BUDGET).X)


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("dtype", [np.float32, np.int16, bool])
def test_dtypes_stay(attack, dtype):
    X = np.random.default_rng(0).integers(0, 2, size=(N, 5)).astype(dtype)
    y = pd.Series(X @ np.arange(1.0, 6.0), dtype=np.float32, name="price")
    poisoned = attack.generate(X, y, budget=BUDGET)
    assert poisoned.X.dtype == dtype
    assert poisoned.y.dtype == np.float32
    assert poisoned.y.name == "price"
    assert set(poisoned.y[N:]) <= {y.min(), y.max()}


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_columns_that_depend_on_each_other_or_do_not_vary_do_no_harm(attack, data):
    X, y = data
    wide = np.column_stack([X, X[:, 0] + X[:, 1], np.full(N, 7.0), np.random.default_rng(0).normal(size=(N, N))])
    poisoned = attack.generate(wide, y, budget=BUDGET)
    assert np.isfinite(poisoned.X).all()
    assert np.all(poisoned.X[:, 5] == 7.0)


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_inserted_rows_have_groups(attack, data):
    groups = np.repeat(["first", "second"], N // 2)
    poisoned = attack.generate(*data, budget=BUDGET, groups=groups)
    assert set(poisoned.groups[N:]) <= {"first", "second"}
    if "sources" in poisoned.details:
        assert poisoned.groups[N:].tolist() == groups[poisoned.details["sources"]].tolist()


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        (None, np.arange(N), r"changes regression targets, which have a floating dtype.*cast it: y\.astype\(float\)"),
        (None, ["a", "b"] * (N // 2), "changes regression targets"),
        (None, np.ones(N), r"y is 1\.0 throughout"),
        ([["text"]] * N, None, "needs 2-D X with numeric columns only"),
        (np.full((N, 2), np.nan), None, "X holds NaN or infinity"),
        (sparse.csr_array((N, 2_000_000)), None, "X is sparse, and this attack would have to make"),
    ],
)
def test_bad_data_is_refused(attack, X, y, message, data):
    with pytest.raises(ValueError, match=message):
        attack.generate(data[0] if X is None else X, data[1] if y is None else y, budget=1)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (InfFlipAttack(regularization=0.0), r"regularization must be a positive number, which keeps.*got 0\.0"),
        (AdaptiveFlipAttack(regularization=-1), "regularization must be a positive number"),
        (StatPAttack(regularization=None), "regularization must be a positive number"),
        (InfFlipAttack(power=-1.0), r"power must be a finite number that is not negative, got -1\.0"),
        (AdaptiveFlipAttack(power=np.inf), "power must be a finite number"),
        (AdaptiveFlipAttack(n_candidates=0), "n_candidates must be a positive whole number, got 0"),
        (StatPAttack(n_candidates=1.5), r"n_candidates must be a positive whole number, got 1\.5"),
        (StatPAttack(LogisticRegression()), "asks a regressor for targets, got the classifier LogisticRegression"),
        (StatPAttack(one_hot_groups=[[0, 9]]), "groups must name columns 0..3"),
        (StatPAttack(one_hot_groups=[[0, 1], [1]]), "column 1 is named twice"),
        (
            StatPAttack(one_hot_groups=[[0, 1]]),
            r"one_hot_groups=\[\[0, 1\]\] name columns.*60 rows of X are not like that",
        ),
    ],
)
def test_bad_parameters_are_refused(attack, message, data):
    with pytest.raises(ValueError, match=message):
        attack.generate(*data, budget=1)


# ---- how each chooses ----------------------------------------------------------------------------------------


def refit(rows, target, regularization):
    """Ridge regression with a free intercept, without any update."""
    center, mean = rows.mean(axis=0), target.mean()
    gram = (rows - center).T @ (rows - center) + regularization * np.eye(rows.shape[1])
    weights = np.linalg.solve(gram, (rows - center).T @ (target - mean))
    return lambda new: (new - center) @ weights + mean


def test_growing_a_ridge_regression_equals_fitting_it_anew_and_takes_the_worst_row():
    rng = np.random.default_rng(0)
    rows, target = rng.random((30, 3)), rng.random(30)
    ridge = GrowingRidge(rows, 0.5)
    clean = refit(rows, target, 0.5)
    assert np.allclose(ridge.fit(rows, target)[0], clean(rows))
    center = rows.mean(axis=0)

    def weights_of(rows, target):
        # The penalty and the intercept are those of columns centred at the clean rows' mean.
        Z = np.column_stack([rows - center, np.ones(len(rows))])
        return np.linalg.solve(Z.T @ Z + np.diag([0.5, 0.5, 0.5, 0.0]), Z.T @ target)

    Z, first = np.column_stack([rows - center, np.ones(30)]), weights_of(rows, target)
    X, y = rows, target
    for _ in range(5):
        candidates, ends = rng.random((6, 3)), rng.integers(2, size=6).astype(float)
        rises = [
            np.mean((Z @ (weights_of(np.vstack([X, c]), np.append(y, t)) - first)) ** 2)
            for c, t in zip(candidates, ends, strict=True)
        ]
        worst = ridge.insert_worst(candidates, clean(candidates), ends)
        assert worst == int(np.argmax(rises))
        assert ridge.rise == pytest.approx(max(rises))
        X, y = np.vstack([X, candidates[worst]]), np.append(y, ends[worst])
    assert np.allclose(ridge.move, weights_of(X, y) - first)


def test_leverages_are_those_of_the_hat_matrix():
    rows = np.random.default_rng(0).random((20, 3))
    Z = np.column_stack([np.ones(20), rows])
    hat = Z @ np.linalg.inv(Z.T @ Z) @ Z.T
    _, leverage = GrowingRidge(rows, 1e-10).fit(rows, np.zeros(20))
    assert np.allclose(leverage, hat.diagonal(), atol=1e-6)
    assert np.allclose(leverage, (hat**2).sum(axis=1), atol=1e-6)
    assert np.allclose(hat.sum(axis=1), 1.0)


def test_the_far_end_and_the_range():
    target = np.array([0.0, 4.0, 10.0])
    assert far_ends(np.array([-3.0, 4.9, 5.0, 5.1, 99.0]), target).tolist() == [10.0, 10.0, 10.0, 0.0, 0.0]
    ranges = UnitRange.of(np.array([[1.0, 5.0], [3.0, 5.0]]))
    assert ranges.scale(np.array([[2.0, 5.0]])).tolist() == [[0.5, 0.0]]
    assert ranges.corners(np.array([[True, False]])).tolist() == [[3.0, 5.0]]


@pytest.mark.parametrize("attack", TWINS)
def test_twins_copy_rows_far_from_the_end_that_they_are_moved_to(attack, data):
    X, y = data
    poisoned = attack().generate(X, y, budget=200)
    sources = poisoned.details["sources"]
    assert np.array_equal(poisoned.X[N:], X[sources])
    predicted = LinearRegression().fit(X, y).predict(X)[sources]
    assert np.mean(np.abs(poisoned.y[N:] - predicted) > np.ptp(y) / 2) > 0.98


def test_draws_are_in_proportion_to_leverage_and_distance():
    X, y = np.random.default_rng(1).normal(size=(12, 2)), np.arange(12.0)
    for power in (0.0, 3.0):
        Z = np.column_stack([np.ones(12), X])
        hat = Z @ np.linalg.inv(Z.T @ Z) @ Z.T
        predicted = hat @ y
        weight = hat.diagonal() * np.abs(np.where(predicted > 5.5, 0.0, 11.0) - predicted) ** power
        poisoned = InfFlipAttack(1e-9, power).generate(X, y, budget=40_000)
        share = np.bincount(poisoned.details["sources"], minlength=12) / 40_000
        assert np.allclose(share, weight / weight.sum(), atol=0.01)


def test_made_up_rows_are_corners_far_from_the_prediction(data):
    X, y = data
    poisoned = StatPAttack(LinearRegression()).generate(X, y, budget=50)
    rows = poisoned.X[N:]
    assert np.all((rows == X.min(axis=0)) | (rows == X.max(axis=0)))
    predicted = LinearRegression().fit(X, y).predict(rows)
    assert np.array_equal(poisoned.y[N:], far_ends(predicted, y))


def test_one_hot_groups_are_repaired():
    rng = np.random.default_rng(0)
    X = np.column_stack([np.eye(5)[rng.integers(5, size=N)], rng.random(N), np.eye(2)[rng.integers(2, size=N)]])
    y = X @ np.arange(8.0)
    groups = [[0, 1, 2, 3, 4], [6, 7]]
    poisoned = StatPAttack(one_hot_groups=groups).generate(X, y, budget=40)
    kept = OneHotGroups(8, groups, X.min(axis=0), X.max(axis=0))
    assert np.all(kept.violation(poisoned.X[N:]) == 0)
    free = StatPAttack(one_hot_groups=[], n_candidates=1).generate(X, y, budget=40).X[N:]
    assert kept.violation(free).max() > 0


def test_any_regressor_can_be_asked_and_its_open_seed_is_derived(data):
    X, y = data
    forest = RandomForestRegressor(n_estimators=3)
    runs = [StatPAttack(forest, n_candidates=3).generate(X, y, budget=5).y.tolist() for _ in range(2)]
    assert runs[0] == runs[1]
    assert forest.random_state is None
    assert not hasattr(forest, "estimators_")


def test_the_rise_foretells_the_harm(data):
    X, y = data
    for attack in (StatPAttack(), AdaptiveFlipAttack()):
        poisoned = attack.generate(X, y, budget=BUDGET)
        moved = LinearRegression().fit(poisoned.X, poisoned.y).predict(X) - LinearRegression().fit(X, y).predict(X)
        assert poisoned.details["rise"] == pytest.approx(np.mean(moved**2), rel=0.05)


# ---- harm ----------------------------------------------------------------------------------------------------


def harms(attack, diabetes, budget):
    """Rise of the test error of a ridge regression, median over seeds."""
    X, X_test, y, y_test = diabetes

    def error(X, y):
        return np.mean((Ridge(alpha=0.01).fit(X, y).predict(X_test) - y_test) ** 2)

    poisoned = [attack.generate(X, y, budget=budget, random_state=seed) for seed in range(3)]
    return np.median([error(p.X, p.y) for p in poisoned]) - error(X, y)


@pytest.mark.parametrize("attack", [StatPAttack(), InfFlipAttack(), AdaptiveFlipAttack()], ids=name_of)
def test_a_fifth_of_poison_hurts_a_regression_far_more_than_random_flips(attack, diabetes):
    budget = len(diabetes[0]) // 4
    harm = harms(attack, diabetes, budget)
    assert harm > 1.5 * harms(RandomFlipAttack(), diabetes, budget)
    assert harm > 1.5 * harms(InsertionAttack(), diabetes, budget)


def test_choosing_in_view_of_earlier_rows_moves_the_fit_farther(diabetes):
    X, y = diabetes[0], diabetes[2]

    def move(attack):
        poisoned = attack.generate(X, y, budget=len(y) // 4)
        moved = LinearRegression().fit(poisoned.X, poisoned.y).predict(X) - LinearRegression().fit(X, y).predict(X)
        return np.mean(moved**2)

    assert move(AdaptiveFlipAttack()) > move(InfFlipAttack())
    assert move(StatPAttack()) > move(StatPAttack(n_candidates=1))
