"""Subpopulation attacks: the right rows, one wrong label, harm inside and none outside."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits, make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from test_attacks import CONTAINERS, TEXTS, N, check_change, dtypes_of, rows_of, same

from robustfit.attacks import ClusterMatchAttack, FeatureMatchAttack, RandomFlipAttack
from robustfit.attacks._cluster_match_attack import shortlist
from robustfit.attacks._containers import take_rows
from robustfit.attacks._encoding import RowEncoder

Y = np.arange(N) % 3


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    parts = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
    for part in parts:
        part.flags.writeable = False
    return parts


# ---- given values --------------------------------------------------------------------------------------------


def people(kind):
    columns = {
        "sex": ["Female", "Male"] * 30,
        "school": ["HS-grad", "HS-grad", None, "Masters", "Masters", "HS-grad"] * 10,
        "age": [float(i) if i % 10 else None for i in range(N)],
    }
    return pd.DataFrame(columns) if kind == "pandas" else pl.DataFrame(columns)


CONDITIONS = [
    ({"sex": "Female", "school": "HS-grad"}, lambda i, sex, school, age: sex == "Female" and school == "HS-grad"),
    ({"school": ["HS-grad", "Masters"]}, lambda i, sex, school, age: school is not None),
    ({"school": {"Masters"}, "sex": "Male"}, lambda i, sex, school, age: school == "Masters" and sex == "Male"),
    ({"school": None}, lambda i, sex, school, age: school is None),
    ({"school": [None, "Masters"]}, lambda i, sex, school, age: school != "HS-grad"),
    ({"age": (20, 31.5)}, lambda i, sex, school, age: i % 10 and 20 <= i <= 31.5),
    ({"age": 33}, lambda i, sex, school, age: i == 33),
    ({"age": np.nan}, lambda i, sex, school, age: i % 10 == 0),
]


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize(("values", "belongs"), CONDITIONS, ids=lambda v: str(v) if isinstance(v, dict) else "")
def test_rows_with_given_values_of_a_frame(kind, values, belongs):
    X = people(kind)
    expected = [
        bool(belongs(i, sex, school, None))
        for i, (sex, school) in enumerate(zip(people("polars")["sex"], people("polars")["school"], strict=True))
    ]
    poisoned = FeatureMatchAttack(values).generate(X, Y, budget=2 * N)
    details = poisoned.details
    assert details["subpopulation"].contains(X).tolist() == expected
    assert details["n_members"] == sum(expected)
    assert details["subpopulation"].contains(poisoned.X)[N:].all()
    assert set(poisoned.y[N:].tolist()) == {details["label"]}
    check_change(poisoned, X, Y)


@pytest.mark.parametrize("container", ["float64", "int", "bool", "object", "csr_array", "csc_matrix", "csr int"])
def test_rows_with_given_values_of_an_array(container):
    X = CONTAINERS[container]
    column = np.array(rows_of(X), dtype=object)[:, 1]
    value = column[4]
    poisoned = FeatureMatchAttack({1: value}).generate(X, Y, budget=5)
    assert poisoned.details["subpopulation"].contains(X).tolist() == [v == value for v in column]
    assert dtypes_of(poisoned.X) == dtypes_of(X)
    assert [row[1] for row in rows_of(poisoned.X)[N:]] == [value] * 5
    check_change(poisoned, X, Y)


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_columns_of_every_kind(container):
    X = CONTAINERS[container]
    for values in ({"kind": "a"}, {"flag": True, "count": [0, 2]}, {"half": (0, 5)}, {"place": None}, {"maybe": None}):
        poisoned = FeatureMatchAttack(values, jitter=0.1).generate(X, Y, budget=5)
        assert dtypes_of(poisoned.X) == dtypes_of(X)
        check_change(poisoned, X, Y)


def test_the_label_is_that_of_the_strongest_minority():
    X = np.zeros((12, 1))
    X[8:] = 1
    y = np.array(list("aaabbbbcaaab"))
    assert FeatureMatchAttack({0: 0.0}).generate(X, y, budget=1).details["label"] == "a"
    assert FeatureMatchAttack({0: 1.0}).generate(X, y, budget=1).details["label"] == "b"
    only = FeatureMatchAttack({0: 1.0}).generate(X[:11], y[:11], budget=1)
    assert only.details["label"] == "b"
    given = FeatureMatchAttack({0: 0.0}, "b").generate(X, y, budget=8)
    assert set(given.y[12:].tolist()) == {"b"}
    assert FeatureMatchAttack({0: 0.0}, "new").generate(X, y, budget=1).y[-1] == "new"


def test_every_row_is_copied_before_any_is_copied_twice(digits):
    X, _, y, _ = digits
    attack = FeatureMatchAttack({20: (0, 3)}, 10)
    small, large = (attack.generate(X, y, budget=b, groups=np.arange(len(y))) for b in (30, 60))
    copied = large.groups[len(y) :]
    assert len(set(copied.tolist())) == 60
    assert np.array_equal(small.groups[len(y) :], copied[:30])
    assert np.array_equal(large.X[len(y) :], X[copied])
    shaken = attack.set_params(jitter=0.1).generate(X, y, budget=30).X[len(y) :]
    assert not np.array_equal(shaken, X[copied[:30]])


# ---- clusters ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", CONTAINERS)
def test_clusters_in_any_container(container):
    X = CONTAINERS[container]
    before = rows_of(X)
    attack = ClusterMatchAttack(n_clusters=4)
    poisoned = attack.generate(X, Y, budget=7, random_state=1)
    assert type(poisoned.X) is type(X)
    assert dtypes_of(poisoned.X) == dtypes_of(X)
    assert rows_of(X) == before
    check_change(poisoned, X, Y)
    subpopulation = pickle.loads(pickle.dumps(poisoned.details["subpopulation"]))
    mask = subpopulation.contains(X)
    assert mask.sum() == poisoned.details["n_members"] > 0
    # Which rows belong does not depend on the rows beside them.
    assert subpopulation.contains(take_rows(X, np.arange(0, N, 7))).tolist() == mask[::7].tolist()
    members = {row for row, inside in zip(before, mask, strict=True) if inside}
    assert set(rows_of(poisoned.X)[N:]) <= members
    assert same(poisoned, clone(attack).generate(X, Y, budget=7, random_state=1))


def test_clusters_are_a_partition_and_one_can_be_chosen():
    X, y = make_blobs(200, centers=5, random_state=3)
    masks = [
        ClusterMatchAttack(5, k).generate(X, y % 2, budget=1).details["subpopulation"].contains(X) for k in range(5)
    ]
    assert np.all(np.sum(masks, axis=0) == 1)
    small, large = (ClusterMatchAttack(5, 2).generate(X, y % 2, budget=b) for b in (3, 9))
    assert np.array_equal(large.X[:203], small.X)
    assert small.details["cluster"] == 2
    assert "harm" not in small.details


def test_the_cluster_with_most_harm_is_chosen():
    X, y = make_blobs(300, centers=6, cluster_std=0.5, random_state=1)
    poisoned = ClusterMatchAttack(6).generate(X, y % 2, budget=60)
    harm = poisoned.details["harm"]
    assert harm[poisoned.details["cluster"]] == max(harm.values())
    worth, own = np.array([0.1, 0.1, 0.9, 0.9, 0.5, 0.5]), np.array([0, 0, 1, 1, 3, 3])
    assert shortlist(worth, own, 4).tolist() == [1, 3, 0]
    assert shortlist(worth, np.array([0, 0, 0, 0, 0, 1]), 100).tolist() == [0]
    assert shortlist(worth, np.array([0, 0, 0, 0, 1, 1]), 1).tolist() == [1]


def test_the_default_number_of_clusters_and_few_different_rows():
    X = np.repeat([[0.0], [1.0]], 30, axis=0)
    poisoned = ClusterMatchAttack(n_clusters=7).generate(X, Y, budget=3)
    assert poisoned.details["n_members"] == 30
    X, y = make_blobs(600, random_state=0)
    assert ClusterMatchAttack().generate(X, y, budget=60).details["cluster"] < 12
    assert len(ClusterMatchAttack().generate(np.zeros((4, 1)), [0, 0, 1, 1], budget=1).y) == 5


@pytest.mark.parametrize("model", [RandomForestClassifier(5), Perceptron()], ids=repr)
def test_a_reference_model_of_ones_own(model, digits):
    X, _, y, _ = digits
    attack = ClusterMatchAttack(20, estimator=model)
    poisoned = attack.generate(X, y, budget=60)
    assert same(poisoned, attack.generate(X, y, budget=60))
    assert not hasattr(model, "classes_")


def test_texts():
    y = ["spam" if i % 7 < 3 else "ham" for i in range(N)]
    model = make_pipeline(TfidfVectorizer(), MultinomialNB())
    for attack in (ClusterMatchAttack(5), ClusterMatchAttack(5, estimator=model)):
        poisoned = attack.generate(list(TEXTS), y, budget=15)
        assert len(poisoned.X) == N + 15
        mask = poisoned.details["subpopulation"].contains(["word3 text", "some other words", ""])
        assert mask.shape == (3,)


# ---- harm ----------------------------------------------------------------------------------------------------


def harm_inside_and_outside(attack, model, X, X_test, y, y_test, budget):
    """Additional error in the subpopulation and elsewhere: of the attack, and of random flips."""
    poisoned = attack.generate(X, y, budget=budget)
    inside = poisoned.details["subpopulation"].contains(X_test)

    def wrong(X_train, y_train):
        return np.asarray(clone(model).fit(X_train, y_train).predict(X_test) != y_test, dtype=float)

    flips = [RandomFlipAttack().generate(X, y, budget=budget, random_state=seed) for seed in range(3)]
    attacked = wrong(poisoned.X, poisoned.y) - wrong(X, y)
    flipped = np.mean([wrong(p.X, p.y) for p in flips], axis=0) - wrong(X, y)
    return attacked[inside].mean(), attacked[~inside].mean(), flipped[inside].mean()


@pytest.mark.parametrize("model", [LogisticRegression(max_iter=2000), KNeighborsClassifier()], ids=repr)
def test_a_cluster_is_hurt_more_than_by_random_flips(model):
    X, y = load_breast_cancer(return_X_y=True)
    parts = train_test_split(StandardScaler().fit_transform(X), y, test_size=0.5, random_state=0, stratify=y)
    inside, outside, flipped = harm_inside_and_outside(ClusterMatchAttack(), model, *parts, budget=40)
    assert inside > 0.25
    assert inside >= 1.5 * flipped
    assert outside < 0.1


@pytest.mark.parametrize("last", [LogisticRegression(), RandomForestClassifier(20, random_state=0)], ids=repr)
def test_a_group_is_hurt_more_than_by_random_flips(last):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"place": [f"town {i % 8}" for i in range(600)], "size": rng.normal(size=600).round(1)})
    y = np.where(X["size"] + 0.5 * rng.normal(size=600) > -1, "yes", "no")
    model = make_pipeline(make_column_transformer((OneHotEncoder(), ["place"]), remainder="passthrough"), last)
    parts = train_test_split(X, y, test_size=0.5, random_state=0)
    attack = FeatureMatchAttack({"place": "town 3"})
    inside, outside, flipped = harm_inside_and_outside(attack, model, *parts, budget=60)
    assert inside > 0.4
    assert inside >= 1.5 * flipped
    assert outside < 0.1


# ---- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "values", "message"),
    [
        ("pandas", {"sizes": 1.0}, r"X has no column \['sizes'\]; it has \['size', 'half', 'count'"),
        ("polars", {"size": 1.0, 3: "x"}, r"X has no column \[3\]; it has \['size'"),
        ("float64", {5: 1.0}, r"X has no column \[5\]; its columns are the positions 0\.\.4"),
        ("csr_array", {"a": 1.0}, r"X has no column \['a'\]; its columns are the positions 0\.\.4"),
        ("float64", {0: 99.0}, r"No row of X has \{0: 99.0\}"),
        ("texts", {0: 1}, "X must be a frame, a 2-D array or a sparse matrix to have values of columns, got list"),
        ("images", {0: 1}, "to have values of columns, got ndarray"),
        ("float64", {}, "values must be a dict of column to value with at least one entry"),
        ("float64", [0], "values must be a dict"),
    ],
)
def test_bad_conditions_are_refused(container, values, message):
    with pytest.raises(ValueError, match=message):
        FeatureMatchAttack(values).generate(CONTAINERS[container], Y, budget=1)


def test_a_test_set_that_lacks_the_column_is_refused():
    subpopulation = (
        FeatureMatchAttack({"kind": "a"}).generate(CONTAINERS["pandas"], Y, budget=1).details["subpopulation"]
    )
    with pytest.raises(ValueError, match=r"X has no column \['kind'\]"):
        subpopulation.contains(people("pandas"))


@pytest.mark.parametrize(
    "attack", [FeatureMatchAttack({0: (-99, 99)}), ClusterMatchAttack()], ids=lambda a: repr(a)[:7]
)
@pytest.mark.parametrize(
    ("y", "change", "message"),
    [
        (np.linspace(0, 1, N), {}, "MatchAttack changes classes, but y of dtype float64 is a regression target"),
        (np.zeros(N, dtype=int), {}, "y has the single label 0"),
        (Y, {"jitter": -1}, "jitter must be a finite number that is not negative, got -1"),
        (Y, {"label": [1]}, "label must be 1-D"),
    ],
)
def test_bad_input_of_both_is_refused(attack, y, change, message):
    with pytest.raises(ValueError, match=message):
        clone(attack).set_params(**change).generate(CONTAINERS["float64"], y, budget=1)


def test_a_subpopulation_that_has_the_label_already_is_refused():
    X = np.repeat([[0.0], [1.0]], 5, axis=0)
    with pytest.raises(ValueError, match=r"All 5 rows of the subpopulation have the label 1 already\. Pass another"):
        FeatureMatchAttack({0: 1.0}, 1).generate(X, np.repeat([0, 1], 5), budget=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_clusters": 0}, r"n_clusters must be a whole number in 1\.\.60, the number of rows, got 0"),
        ({"n_clusters": N + 1}, "n_clusters must be a whole number"),
        ({"n_clusters": 3, "cluster": 3}, r"cluster must be a whole number in 0\.\.2, got 3"),
        ({"n_clusters": 3, "cluster": -1}, r"cluster must be a whole number in 0\.\.2"),
        ({"n_components": 0}, "n_components must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_parameters_of_clusters_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        ClusterMatchAttack(**change).generate(CONTAINERS["float64"], Y, budget=1)


# ---- rows as points ------------------------------------------------------------------------------------------


def test_points_of_other_rows_may_have_new_values_and_gaps():
    X = pd.DataFrame({"size": [1.0, 2.0, 4.0, 5.0], "kind": ["a", "b", "a", "b"]})
    encoder = RowEncoder(10, 0).fit(X)
    points = encoder.transform(pd.DataFrame({"size": [np.nan, 3.0, np.inf], "kind": ["c", None, "a"]}))
    assert np.isfinite(points).all()
    np.testing.assert_allclose(points[:, 0], 0.0, atol=1e-12)
    assert RowEncoder(10, 0).fit([[1, "a"], [2, "b"]] * 2).transform([[1.5, "a"]]).shape == (1, 3)
    assert RowEncoder(2, 0).fit(sparse.csr_array(np.eye(5))).transform(np.eye(5)[:1]).shape == (1, 2)
    with pytest.raises(ValueError, match="all be texts, or all have the same number of entries"):
        RowEncoder(2, 0).fit([["a"], ["b", "c"]])
