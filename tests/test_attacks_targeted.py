"""Targeted attacks: copies that outvote neighbours, features that collide, and a search that needs no derivatives."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_digits, make_classification, make_regression
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from test_attacks import CONTAINERS, N, check_change, dtypes_of, rows_of, same

from robustfit.attacks import BlackBoxAttack, FeatureCollisionAttack, NeighborCopiesAttack, RandomFlipAttack
from robustfit.attacks._collision import Collision
from robustfit.attacks._containers import take_rows
from robustfit.attacks._neighbor_copies_attack import copies_to_flip_knn
from robustfit.certify import Box, SphereSlab

Y = np.arange(N) % 3


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    parts = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
    for part in parts:
        part.flags.writeable = False
    return parts


# ---- copies of a row -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("n_targets", [1, 2])
def test_copies_of_rows_of_any_container(container, n_targets):
    X = CONTAINERS[container]
    before = rows_of(X)
    target = take_rows(X, np.arange(5, 5 + n_targets))
    poisoned = NeighborCopiesAttack(target, label=7, jitter=0).generate(X, Y, budget=5)
    assert type(poisoned.X) is type(X)
    assert dtypes_of(poisoned.X) == dtypes_of(X)
    assert rows_of(X) == before
    check_change(poisoned, X, Y)
    assert rows_of(poisoned.X)[N:] == [before[5 + i % n_targets] for i in range(5)]
    assert poisoned.y[N:].tolist() == [7] * 5
    assert poisoned.details["copy_of"].tolist() == [i % n_targets for i in range(5)]


@pytest.mark.parametrize(
    ("container", "target"),
    [
        ("float64", lambda X: X[3]),
        ("float64", lambda X: X[3].tolist()),
        ("csr_array", lambda X: X.toarray()[3]),
        ("csc_matrix", lambda X: X.toarray()[3:4]),
        ("pandas", lambda X: X.iloc[3]),
        ("pandas", lambda X: X.iloc[3:4][X.columns[::-1]]),
        ("polars", lambda X: X[3]),
        ("images", lambda X: X[3]),
        ("object", lambda X: X[3]),
        ("texts", lambda X: X[3]),
        ("tuple", lambda X: X[3]),
        ("text array", lambda X: str(X[3])),
        ("pandas series", lambda X: X.iloc[3]),
        ("polars series", lambda X: X[3]),
    ],
)
def test_one_row_may_be_given_as_it_comes(container, target):
    X = CONTAINERS[container]
    poisoned = NeighborCopiesAttack(target(X), jitter=0).generate(X, Y, budget=1)
    assert rows_of(poisoned.X)[N] == rows_of(X)[3]
    assert dtypes_of(poisoned.X) == dtypes_of(X)


def test_copies_of_a_row_from_outside_are_near_it(cancer):
    X, X_test, y, _ = cancer
    poisoned = NeighborCopiesAttack(X_test[:2]).generate(X, y, budget=40)
    copies = poisoned.X[len(X) :]
    far = np.abs(copies - X_test[np.arange(40) % 2])
    assert 0 < np.median(far) < 0.02
    assert np.all(copies <= X.max(axis=0))
    assert np.all(copies >= X.min(axis=0))


def test_more_copies_go_on_where_fewer_stopped(cancer):
    X, X_test, y, _ = cancer
    attack = NeighborCopiesAttack(X_test[:3])
    small, large = (attack.generate(X, y, budget=b, random_state=2, groups=np.arange(len(y))) for b in (4, 9))
    assert np.array_equal(large.X[: len(small.X)], small.X)
    assert np.array_equal(large.groups[: len(small.X)], small.groups)
    assert not same(small, attack.generate(X, y, budget=4, random_state=3))


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 8])
def test_copies_needed_is_what_the_neighbours_of_scikit_learn_say(k):
    rng = np.random.default_rng(k)
    for _ in range(10):
        X, y = rng.normal(size=(20, 2)), rng.integers(3, size=20)
        y[:3] = [0, 1, 2]
        target, label = rng.normal(size=2), int(rng.integers(4))
        attack = NeighborCopiesAttack(target, label, n_neighbors=k, jitter=0)
        needed = int(attack.generate(X, y, budget=1).details["copies_needed"][0])
        answers = []
        for budget in range(k + 1):
            poisoned = attack.generate(X, y, budget=budget)
            model = KNeighborsClassifier(k).fit(poisoned.X, poisoned.y)
            answers.append(model.predict(target[None])[0] == label)
        assert needed == answers.index(True)


def test_ties_between_classes_go_to_the_smaller_one():
    assert copies_to_flip_knn(np.array([1, 1, 1, 1]), 0, 4, 2) == 2
    assert copies_to_flip_knn(np.array([0, 0, 0, 0]), 1, 4, 2) == 3
    assert copies_to_flip_knn(np.array([2, 2, 0]), 2, 3, 3) == 0


def test_the_default_label_is_the_runner_up():
    X = np.array([[0.0], [0.1], [0.2], [0.3], [5.0], [9.0]])
    y = np.array(["a", "a", "b", "a", "c", "b"])
    attack = NeighborCopiesAttack([[0.05], [7.2], [5.2]], n_neighbors=1)
    assert attack.generate(X, y, budget=1).details["label"].tolist() == ["b", "c", "b"]
    attack.set_params(n_neighbors=4)
    assert attack.generate(X, y, budget=1).details["label"].tolist()[0] == "b"


def test_a_regression_target_goes_to_the_far_end():
    X, y = np.arange(10.0)[:, None], np.arange(10.0)
    poisoned = NeighborCopiesAttack([[1.0], [8.0]]).generate(X, y, budget=2)
    assert poisoned.y[10:].tolist() == [9.0, 0.0]
    assert "copies_needed" not in poisoned.details


@pytest.mark.parametrize("model", [KNeighborsClassifier(), DecisionTreeClassifier(random_state=0)], ids=repr)
def test_a_few_copies_change_what_many_flips_do_not(model, cancer):
    X, X_test, y, _ = cancer
    before = clone(model).fit(X, y).predict(X_test)
    changed = {"copies": 0, "flips": 0}
    for i in range(8):
        for name, attack in (("copies", NeighborCopiesAttack(X_test[i])), ("flips", RandomFlipAttack())):
            poisoned = attack.generate(X, y, budget=5, random_state=i)
            changed[name] += clone(model).fit(poisoned.X, poisoned.y).predict(X_test[i : i + 1])[0] != before[i]
    assert changed["copies"] >= 6
    assert changed["copies"] >= 1.5 * changed["flips"]


@pytest.mark.parametrize(
    ("container", "target", "message"),
    [
        ("float64", [1.0, 2.0], r"target must be one row of shape \(5,\), as X has, or several, got \(2,\)"),
        ("float64", np.zeros((0, 5)), "target has no rows"),
        ("int", [0.5] * 5, "target has values that the dtype int64 of X cannot hold. Cast X to float first"),
        ("csr_array", [1.0], r"of shape \(5,\)"),
        ("pandas", [1, 2, 3], "target must be a DataFrame with the columns of X"),
        ("polars", pd.DataFrame({"size": [1.0]}), "target must be a DataFrame with the columns of X"),
        ("pandas", CONTAINERS["pandas"][["size"]][:1], r"target lacks the columns \['half', 'count'"),
        ("pandas", CONTAINERS["pandas"][:1].assign(kind="other"), "target has .*'other'.* in column 'kind'"),
        ("pandas", CONTAINERS["pandas"][:1].assign(count=0.5), "target has .* in column 'count', which its dtype"),
        ("polars", CONTAINERS["polars"][:1].with_columns(kind=pl.lit("other")), "columns of X cannot hold"),
        ("texts", 5, "target must be one row as X has, such as 'word0 text 0'"),
        ("texts", ["a", 5], "target must be one row as X has"),
    ],
)
def test_targets_that_are_no_rows_of_the_set_are_refused(container, target, message):
    with pytest.raises(ValueError, match=message):
        NeighborCopiesAttack(target).generate(CONTAINERS[container], Y, budget=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"jitter": -1.0}, "jitter must be a finite number that is not negative, got -1.0"),
        ({"jitter": np.nan}, "jitter must be"),
        ({"jitter": "1"}, "jitter must be"),
        ({"n_neighbors": 0}, r"n_neighbors must be a whole number in 1\.\.60, got 0"),
        ({"n_neighbors": N + 1}, "n_neighbors must be"),
        ({"n_neighbors": 2.0}, "n_neighbors must be"),
        ({"label": np.nan}, "label holds missing"),
    ],
)
def test_bad_parameters_of_copies_are_refused(change, message):
    X = CONTAINERS["float64"]
    with pytest.raises(ValueError, match=message):
        NeighborCopiesAttack(X[0]).set_params(**change).generate(X, Y, budget=1)


@pytest.mark.parametrize("y", [["a"] * N, [1.5] * N], ids=["one class", "constant target"])
def test_one_class_leaves_no_other_label(y):
    X = CONTAINERS["float64"]
    with pytest.raises(ValueError, match=r"single label|1\.5 throughout"):
        NeighborCopiesAttack(X[0]).generate(X, y, budget=1)


# ---- feature collision ---------------------------------------------------------------------------------------


def square(rows):
    return np.column_stack([rows[:, 0] ** 2 + rows[:, 1], np.sin(rows[:, 2]), rows.sum(axis=1)])


def test_without_a_map_the_solution_is_a_mean(cancer):
    X, X_test, y, y_test = cancer
    wrong = 1 - y_test[0]
    poisoned = FeatureCollisionAttack(X_test[0], wrong, similarity=0.5).generate(X, y, budget=4)
    bases = X[poisoned.details["source"]]
    expected = np.clip((X_test[0] + 0.5 * bases) / 1.5, X.min(axis=0), X.max(axis=0))
    np.testing.assert_allclose(poisoned.X[len(X) :], expected)
    assert np.all(y[poisoned.details["source"]] == wrong)
    assert np.all(poisoned.y[len(X) :] == wrong)
    near = np.sort(np.linalg.norm((X[y == wrong] - X_test[0]) / X.std(axis=0), axis=1))[:4]
    np.testing.assert_allclose(np.sort(poisoned.details["base_distance"]), near)
    np.testing.assert_allclose(poisoned.details["feature_distance"], near / 3, rtol=0.2)


@pytest.mark.parametrize("features", [PCA(3), StandardScaler(), make_pipeline(StandardScaler(), PCA(2))], ids=repr)
@pytest.mark.parametrize("similarity", [1e-3, 0.25, 4.0])
def test_affine_maps_are_solved_to_the_optimum(features, similarity, cancer):
    X, X_test, y, _ = cancer
    X, X_test = X[:, :6] * [1, 10, 1, 0.1, 1, 1], X_test[:, :6] * [1, 10, 1, 0.1, 1, 1]
    features = clone(features).fit(X)
    image, spread = features.transform(X), X.std(axis=0)
    scale = image.var(axis=0).sum()
    goal = features.transform(X_test[:1])[0]

    def objective(row, base):
        miss = features.transform(row[None])[0] - goal
        return miss @ miss / scale + similarity * np.mean(((row - base) / spread) ** 2)

    poisoned = FeatureCollisionAttack(X_test[0], features=features, similarity=similarity).generate(X, y, budget=3)
    bounds = list(zip(X.min(axis=0), X.max(axis=0), strict=True))
    for row, source in zip(poisoned.X[len(X) :], poisoned.details["source"], strict=True):
        best = minimize(objective, row, args=(X[source],), bounds=bounds, method="L-BFGS-B", options={"ftol": 1e-14})
        assert objective(row, X[source]) <= best.fun + 1e-7
    distance = np.linalg.norm(features.transform(poisoned.X[len(X) :]) - goal, axis=1)
    np.testing.assert_allclose(poisoned.details["feature_distance"], distance, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("features", [RBFSampler(n_components=20, random_state=0), square], ids=["rbf", "function"])
def test_other_maps_are_solved_to_a_point_where_no_small_step_helps(features, cancer):
    X, X_test, y, _ = cancer
    X, X_test = X[:, :4], X_test[:, :4]
    if hasattr(features, "fit"):
        features.fit(X)
    poisoned = FeatureCollisionAttack(X_test[0], features=features, similarity=0.05).generate(X, y, budget=5)
    details = poisoned.details
    assert np.all(details["feature_distance"] < details["base_distance"])
    call = features.transform if hasattr(features, "transform") else features
    image, box = call(X), Box(X.min(axis=0), X.max(axis=0))
    scale, goal = np.sqrt(image.var(axis=0).sum()), call(X_test[:1])[0]
    problem = Collision(call, scale, X.std(axis=0), 0.05, box)
    rng = np.random.default_rng(0)
    for row, source in zip(poisoned.X[len(X) :], details["source"], strict=True):
        steps = box.project(row + 1e-3 * rng.normal(size=(200, 4)))
        assert (
            problem.objective(row[None], X[source], goal)[0] <= problem.objective(steps, X[source], goal).min() + 1e-5
        )


def test_maps_with_steps_get_nearer_too(cancer):
    X, X_test, y, _ = cancer
    poisoned = FeatureCollisionAttack(X_test[0], features=np.round, similarity=0.01).generate(X, y, budget=3)
    assert np.all(poisoned.details["feature_distance"] <= poisoned.details["base_distance"])


@pytest.mark.parametrize("features", [None, PCA(2)], ids=repr)
def test_poison_stays_in_its_set(features, cancer):
    X, X_test, y, _ = cancer
    X, X_test = X[:, :5], X_test[:, :5]
    features = None if features is None else features.fit(X)
    center = X[y == 1].mean(axis=0)
    for feasible_set in (Box(-0.5, 0.5, n_features=5), SphereSlab(center, 2.0, np.ones(5), 1.0)):
        attack = FeatureCollisionAttack(X_test[0], 1, features=features, feasible_set=feasible_set)
        poisoned = attack.generate(X, y, budget=6)
        assert feasible_set.violation(poisoned.X[len(X) :]).max() <= 0
    poisoned = FeatureCollisionAttack(X_test[0], 1, features=features).generate(X, y, budget=6)
    assert Box(X.min(axis=0), X.max(axis=0)).violation(poisoned.X[len(X) :]).max() <= 0


@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csc_matrix, pd.DataFrame, pl.DataFrame])
def test_collisions_in_any_container_of_numbers(convert):
    X, y = load_digits(return_X_y=True)
    X, y = X[:200, 2:7], y[:200]
    rows = convert(X)
    target = rows[:1] if not sparse.issparse(rows) else X[0]
    features = FrozenEstimator(StandardScaler(with_mean=False).fit(rows))
    attack = FeatureCollisionAttack(target, 3, features=features)
    poisoned = attack.generate(rows, y, budget=2)
    assert type(poisoned.X) is type(rows)
    check_change(poisoned, rows, y)
    assert same(poisoned, clone(attack).generate(rows, y, budget=2))
    dense = FeatureCollisionAttack(X[0], 3, features=StandardScaler(with_mean=False).fit(X)).generate(X, y, budget=2)
    np.testing.assert_allclose(np.array(rows_of(poisoned.X))[200:], dense.X[200:], atol=1e-6)


def test_several_targets_and_more_budget_than_bases():
    X = np.array([[0.0], [1.0], [2.0], [8.0], [9.0]])
    poisoned = FeatureCollisionAttack([[0.5], [8.5]], 1).generate(X, [0, 0, 0, 1, 1], budget=7, groups=list("abcde"))
    assert poisoned.details["target_of"].tolist() == [0, 1, 0, 1, 0, 1, 0]
    assert set(poisoned.details["source"].tolist()) == {3, 4}
    assert poisoned.groups[5:].tolist() == ["abcde"[i] for i in poisoned.details["source"]]


def test_collisions_fool_what_learns_from_the_features(cancer):
    X, X_test, y, _ = cancer
    features = PCA(5).fit(X)
    changed = {"collision": 0, "flips": 0}
    for i in range(6):
        model = make_pipeline(features, KNeighborsClassifier(3))
        before = clone(model).fit(X, y).predict(X_test[i : i + 1])
        attacks = {"collision": FeatureCollisionAttack(X_test[i], features=features), "flips": RandomFlipAttack()}
        for name, attack in attacks.items():
            poisoned = attack.generate(X, y, budget=5, random_state=i)
            after = clone(model).fit(poisoned.X, poisoned.y).predict(X_test[i : i + 1])
            changed[name] += after[0] != before[0]
    assert changed["collision"] >= 5
    assert changed["collision"] >= 1.5 * changed["flips"]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"similarity": 0.0}, ValueError, "similarity must be a positive number, got 0.0"),
        ({"similarity": np.nan}, ValueError, "similarity must be a positive number"),
        ({"base_label": "x"}, ValueError, r"base_label='x' is not in y, which has \[0, 1, 2\]"),
        (
            {"features": 3},
            TypeError,
            "features must be a fitted transformer, a function from arrays to arrays, or None",
        ),
        ({"features": lambda rows: rows[:, 0]}, ValueError, "one row of features per row"),
        ({"feasible_set": "box"}, TypeError, r"feasible_set must be a robustfit\.certify\.FeasibleSet or None"),
        ({"feasible_set": Box([0.0], [1.0])}, ValueError, "X has 5 columns, but the feasible set is for 1"),
        ({"target": np.full(5, np.nan)}, ValueError, "NaN or infinity"),
    ],
)
def test_bad_parameters_of_collisions_are_refused(change, error, message):
    X = CONTAINERS["float64"]
    with pytest.raises(error, match=message):
        FeatureCollisionAttack(X[0]).set_params(**change).generate(X, Y, budget=1)


@pytest.mark.parametrize(
    ("container", "y", "message"),
    [
        ("float64", np.linspace(0, 1, N), "FeatureCollisionAttack changes classes, but y of dtype float64"),
        ("float64", np.zeros(N, dtype=int), "single label 0; FeatureCollisionAttack needs"),
        ("texts", Y, "needs 2-D X with numeric columns only"),
        ("with NaN", Y, "NaN or infinity"),
    ],
)
def test_collisions_refuse_what_they_cannot_move(container, y, message):
    X = CONTAINERS[container]
    with pytest.raises(ValueError, match=message):
        FeatureCollisionAttack(X[0]).generate(X, y, budget=1)


# ---- black-box search ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", [KNeighborsClassifier(), GaussianNB(), DecisionTreeClassifier(max_depth=5, random_state=0)], ids=repr
)
def test_a_search_hurts_more_than_random_flips(model, cancer):
    X, X_test, y, y_test = cancer
    clean = clone(model).fit(X, y).score(X_test, y_test)
    harm = []
    for attack in (RandomFlipAttack(), BlackBoxAttack(model, n_fits=60)):
        scores = []
        for seed in range(2):
            poisoned = attack.generate(X, y, budget=len(y) // 10, random_state=seed)
            scores.append(clone(model).fit(poisoned.X, poisoned.y).score(X_test, y_test))
        harm.append(clean - np.mean(scores))
    assert harm[1] >= 1.5 * harm[0]
    assert harm[1] > 0.01


@pytest.mark.parametrize("action", ["any", "flip", "insert"])
@pytest.mark.parametrize("n_fits", [3, 10, 40])
def test_the_search_is_never_worse_than_what_it_starts_from(action, n_fits):
    X, y = make_classification(n_samples=90, n_features=4, n_classes=3, n_informative=3, n_redundant=0, random_state=0)
    poisoned = BlackBoxAttack(GaussianNB(), action=action, n_fits=n_fits).generate(X, y, budget=9)
    check_change(poisoned, X, y)
    details = poisoned.details
    assert details["harm"] >= details["random_harm"]
    assert len(details["history"]) <= n_fits
    assert int(poisoned.is_poison.sum()) == 9
    assert details["recipe"].startswith("Recipe(action=")
    if action != "any":
        assert poisoned.labels_only == (action == "flip")
    inserted = poisoned.X[len(X) :]
    assert np.all(inserted <= X.max(axis=0))
    assert np.all(inserted >= X.min(axis=0))


def test_the_same_seed_finds_the_same_poison(cancer):
    X, _, y, _ = cancer
    attack = BlackBoxAttack(DecisionTreeClassifier(max_depth=3, splitter="random"), n_fits=20)
    first, second, other = (clone(attack).generate(X, y, budget=20, random_state=seed) for seed in (1, 1, 2))
    assert same(first, second)
    assert first.details["history"].tolist() == second.details["history"].tolist()
    assert not same(first, other)
    assert attack.estimator.random_state is None


class Majority(ClassifierMixin, BaseEstimator):
    """Has fit and predict only."""

    def fit(self, X, y):
        labels, counts = np.unique(np.asarray(y), return_counts=True)
        self.label = labels[counts.argmax()]
        return self

    def predict(self, X):
        return np.full(X.shape[0] if hasattr(X, "shape") else len(X), self.label)


@pytest.mark.parametrize("container", CONTAINERS)
def test_any_estimator_on_any_container(container):
    X, y = CONTAINERS[container], np.where(np.arange(N) < 34, "a", "b")
    before = rows_of(X)
    poisoned = BlackBoxAttack(Majority(), n_fits=12).generate(X, y, budget=10)
    assert type(poisoned.X) is type(X)
    assert rows_of(X) == before
    check_change(poisoned, X, y)
    assert int(poisoned.is_poison.sum()) == 10


def test_texts_through_a_pipeline():
    texts = [f"{'win money' if i % 3 == 0 else 'see you'} {i % 5} {i}" for i in range(90)]
    y = ["spam" if i % 3 == 0 else "ham" for i in range(90)]
    model = make_pipeline(TfidfVectorizer(), MultinomialNB())
    poisoned = BlackBoxAttack(model, n_fits=20).generate(texts, y, budget=20)
    assert poisoned.details["harm"] > 0
    check_change(poisoned, texts, y)


def test_a_regression_target():
    X, y = make_regression(n_samples=90, n_features=3, random_state=0)
    poisoned = BlackBoxAttack(Ridge(), n_fits=30).generate(X, y, budget=9)
    assert poisoned.details["harm"] > 1.5 * poisoned.details["random_harm"]
    assert set(poisoned.y[poisoned.is_poison].tolist()) <= {y.min(), y.max()}
    check_change(poisoned, X, y)


@pytest.mark.parametrize("regression", [False, True])
def test_the_predictions_of_given_rows(regression, cancer):
    X, X_test, y, _ = cancer
    model = LinearRegression() if regression else KNeighborsClassifier()
    y = y + 0.0 if regression else y
    attack = BlackBoxAttack(model, target=X_test[:4], n_fits=30)
    poisoned = attack.generate(X, y, budget=20)
    before = clone(model).fit(X, y).predict(X_test[:4])
    after = clone(model).fit(poisoned.X, poisoned.y).predict(X_test[:4])
    expected = np.mean((before - after) ** 2) if regression else np.mean(before != after)
    np.testing.assert_allclose(poisoned.details["harm"], expected)
    assert poisoned.details["harm"] > max(poisoned.details["random_harm"], 0.2 if not regression else 0.0)


def test_more_poison_than_rows_is_inserted():
    X, y = CONTAINERS["float64"], Y
    assert len(BlackBoxAttack(Majority(), n_fits=5).generate(X, y, budget=3 * N).y) == 4 * N
    with pytest.raises(ValueError, match=f"budget={N + 1}, but only {N} rows can be flipped"):
        BlackBoxAttack(Majority(), action="flip", n_fits=5).generate(X, y, budget=N + 1)


@pytest.mark.parametrize(
    ("model", "y", "change", "message"),
    [
        (GaussianNB(), Y, {"action": "delete"}, "action must be one of 'any', 'flip', 'insert', got 'delete'"),
        (GaussianNB(), Y, {"n_fits": 2}, "n_fits must be a whole number of at least 3, got 2"),
        (GaussianNB(), Y, {"n_fits": 10.0}, "n_fits must be a whole number"),
        (GaussianNB(), Y / 2, {}, "GaussianNB is a classifier, but y has dtype float64.*cast it, as in y.astype(int)"),
        (Ridge(), Y, {}, "Ridge is a regressor, but y has dtype int64.*y.astype(float)"),
        (GaussianNB(), Y * 0, {}, "single label 0; BlackBoxAttack needs"),
        (Ridge(), Y * 0.0, {}, "y is 0.0 throughout"),
        (GaussianNB(), Y, {"target": [1.0]}, "target must be one row of shape (5,)"),
    ],
)
def test_bad_input_of_the_search_is_refused(model, y, change, message):
    with pytest.raises(ValueError, match=re.escape(message).replace(r"\.\*", ".*")):
        BlackBoxAttack(model).set_params(**change).generate(CONTAINERS["float64"], y, budget=1)
