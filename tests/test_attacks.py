"""Attacks: exact budgets, nothing else touched, every container, honest costs, clear refusals."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from robustfit import attacks
from robustfit.attacks import (
    DeletionAttack,
    DistortionAttack,
    FarFlipAttack,
    InsertionAttack,
    ModificationAttack,
    NearFlipAttack,
    Poisoned,
    RandomFlipAttack,
    RandomRowAttack,
)
from robustfit.attacks._clean_set import CleanSet
from robustfit.certify import THREATS, CertificateError

N = 60
BUDGET = 7
ATTACKS = [
    RandomFlipAttack(),
    FarFlipAttack(),
    InsertionAttack(),
    DeletionAttack(),
    ModificationAttack(),
    NearFlipAttack(),
    RandomRowAttack(),
    DistortionAttack(),
]
# These ask a model, which leaves nothing to chance and must be able to read the rows.
ASKING = (FarFlipAttack, NearFlipAttack)
FLIPS = [RandomFlipAttack(), FarFlipAttack()]
TEXTS = [f"word{i % 7} text {i}" for i in range(N)]


def name_of(value):
    return type(value).__name__


@pytest.fixture
def numbers():
    """Three classes, read-only, so that an attack that writes to its input fails."""
    X, y = make_classification(n_samples=N, n_features=4, n_informative=3, n_redundant=0, n_classes=3, random_state=0)
    X.flags.writeable = y.flags.writeable = False
    return X, y


@pytest.fixture
def target():
    X, y = make_regression(n_samples=N, n_features=4, random_state=0)
    X.flags.writeable = y.flags.writeable = False
    return X, y


def mixed_columns():
    """Columns of every kind, with values missing in each way."""
    i = np.arange(N)
    return {
        "size": np.where(i % 9 == 0, np.nan, i * 0.5),
        "half": (i / 3).astype(np.float32),
        "count": i % 5,
        "flag": i % 2 == 0,
        "place": [None if k % 8 == 0 else f"town {k % 3}" for k in range(N)],
    }


def pandas_frame():
    frame = pd.DataFrame(mixed_columns(), index=np.arange(N) * 10 + 3)
    frame["kind"] = pd.Categorical(np.array(["a", "b"])[np.arange(N) % 2], categories=["b", "a", "unused"])
    frame["maybe"] = pd.array([None if i % 6 == 0 else float(i) for i in range(N)], dtype="Float64")
    return frame


def polars_frame():
    frame = pl.DataFrame(mixed_columns())
    kind = pl.Series("kind", ["a", "b"] * (N // 2), dtype=pl.Enum(["b", "a", "unused"]))
    return frame.with_columns(kind, maybe=pl.when(pl.col("count") > 0).then(pl.col("size")))


def make_containers():
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(N, 5))
    thin = np.where(rng.random((N, 5)) < 0.4, dense, 0.0)
    objects = np.array([[f"c{i % 4}", i, None] for i in range(N)], dtype=object)
    frozen = dense.copy()
    frozen.flags.writeable = False
    frozen_csr = sparse.csr_array(thin)
    for part in (frozen_csr.data, frozen_csr.indices, frozen_csr.indptr):
        part.flags.writeable = False
    return {
        "float64": dense,
        "read-only": frozen,
        "float32": dense.astype(np.float32),
        "fortran": np.asfortranarray(dense),
        "with NaN": np.where(thin == 0, np.nan, thin),
        "int": (dense * 10).astype(int),
        "bool": thin > 0,
        "object": objects,
        "images": rng.random((N, 3, 2)),
        "csr_array": sparse.csr_array(thin),
        "csr_matrix": sparse.csr_matrix(thin),
        "csr read-only": frozen_csr,
        "csr int": sparse.csr_array((thin * 10).astype(int)),
        "csr float32": sparse.csr_array(thin.astype(np.float32)),
        "csc_array": sparse.csc_array(thin),
        "csc_matrix": sparse.csc_matrix(thin),
        "pandas": pandas_frame(),
        "pandas, columns 0, 1, ...": pd.DataFrame(dense),
        "polars": polars_frame(),
        "texts": list(TEXTS),
        "tuple": tuple(TEXTS),
        "text array": np.array(TEXTS),
        "text objects": np.array(TEXTS, dtype=object),
        "pandas series": pd.Series(TEXTS, index=np.arange(N)[::-1]),
        "polars series": pl.Series("t", TEXTS),
    }


CONTAINERS = make_containers()
WITHOUT_NUMBERS = {"bool", "object", "texts", "tuple", "text array", "text objects", "pandas series", "polars series"}


def rows_of(X):
    """Each row as a tuple that compares equal to itself, missing values included."""
    if sparse.issparse(X):
        X = X.toarray()
    if isinstance(X, pd.DataFrame):
        rows = X.astype(object).where(X.notna(), None).itertuples(index=False, name=None)
    elif isinstance(X, pl.DataFrame):
        rows = X.rows()
    else:
        rows = ((row,) if isinstance(row, str) else np.ravel(row).tolist() for row in list(X))
    return [tuple("missing" if v is None or v != v else v for v in row) for row in rows]


def dtypes_of(X):
    if isinstance(X, pd.DataFrame):
        return list(X.dtypes)
    return X.schema if isinstance(X, pl.DataFrame) else getattr(X, "dtype", None)


def labels_of(y):
    return list(y) if isinstance(y, list | tuple) else y.tolist() if hasattr(y, "tolist") else y.to_list()


def check_change(poisoned, X, y):
    """Every row that is not said to be poison or removed is there, in order and as it was."""
    clean = list(zip(rows_of(X), labels_of(y), strict=True))
    after = list(zip(rows_of(poisoned.X), labels_of(poisoned.y), strict=True))
    kept = np.setdiff1d(np.arange(len(clean)), poisoned.removed)
    assert [after[i] for i in np.flatnonzero(~poisoned.is_poison)] == [clean[i] for i in kept]
    assert poisoned.removed.tolist() == sorted(set(poisoned.removed.tolist()))
    assert poisoned.is_poison.dtype == bool
    assert poisoned.removed.dtype == np.int64
    if poisoned.labels_only:
        assert rows_of(poisoned.X) == rows_of(X)
        assert all(after[i][1] != clean[i][1] for i in poisoned.removed)


def same(left, right):
    return (
        rows_of(left.X) == rows_of(right.X)
        and labels_of(left.y) == labels_of(right.y)
        and left.is_poison.tolist() == right.is_poison.tolist()
        and left.removed.tolist() == right.removed.tolist()
    )


# ---- what every attack promises ------------------------------------------------------------------------------


def test_the_room_exports_what_it_says():
    assert attacks.__all__ == sorted(attacks.__all__)
    for name in attacks.__all__:
        assert "References\n" in getattr(attacks, name).__doc__
        assert "Examples\n" in getattr(attacks, name).__doc__


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("kind", ["classes", "target"])
@pytest.mark.parametrize("budget", [1, BUDGET, N - 1])
def test_the_budget_is_exact(attack, kind, budget, numbers, target):
    X, y = numbers if kind == "classes" else target
    poisoned = attack.generate(X, y, budget=budget)
    check_change(poisoned, X, y)
    n_poison, n_removed = int(poisoned.is_poison.sum()), len(poisoned.removed)
    expected = {"InsertionAttack": (budget, 0), "RandomRowAttack": (budget, 0), "DeletionAttack": (0, budget)}
    assert (n_poison, n_removed) == expected.get(name_of(attack), (budget, budget))
    assert len(poisoned.X) == len(poisoned.y) == N + n_poison - n_removed


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("kind", ["classes", "target"])
def test_same_seed_same_poison_and_other_seed_other_poison(attack, kind, numbers, target):
    X, y = numbers if kind == "classes" else target
    first = attack.generate(X, y, budget=BUDGET, random_state=3)
    assert same(first, clone(attack).generate(X, y, budget=BUDGET, random_state=np.int64(3)))
    if not isinstance(attack, ASKING):
        assert not same(first, attack.generate(X, y, budget=BUDGET, random_state=4))


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("container", ["float64", "csr_array", "pandas"])
def test_a_larger_budget_extends_a_smaller_one(attack, container, numbers):
    X, y = CONTAINERS[container], numbers[1]
    if isinstance(attack, ASKING):
        X = numbers[0]
    small, large = (attack.generate(X, y, budget=budget) for budget in (3, 10))
    assert set(small.removed) <= set(large.removed)
    rows, more = (list(zip(rows_of(p.X), labels_of(p.y), strict=True)) for p in (small, large))
    shared = np.flatnonzero(small.is_poison)
    assert np.all(large.is_poison[shared])
    assert [more[i] for i in shared] == [rows[i] for i in shared]


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_budget_zero_changes_nothing(attack, numbers):
    X, y = numbers
    poisoned = attack.generate(X, y, budget=0, groups=y)
    assert poisoned.X is X
    assert poisoned.y is y
    assert not poisoned.is_poison.any()
    assert len(poisoned.removed) == 0
    assert {poisoned.cost(threat) for threat in THREATS} == {0}


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_attacks_are_plain_scikit_learn_objects(attack):
    before = dict(vars(attack))
    assert attack.get_params() == before
    assert repr(clone(attack)) == f"{name_of(attack)}()"


def test_the_constructor_only_stores():
    labels = ["a"]
    assert RandomFlipAttack(labels).labels is labels
    model = LogisticRegression()
    assert FarFlipAttack(model).estimator is model


# ---- containers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", [a for a in ATTACKS if not isinstance(a, ASKING)], ids=name_of)
@pytest.mark.parametrize("container", CONTAINERS)
def test_the_container_is_kept_and_never_written_to(attack, container):
    X, y = CONTAINERS[container], np.arange(N) % 3
    before = rows_of(X)
    if isinstance(attack, DistortionAttack) and container in WITHOUT_NUMBERS:
        with pytest.raises(ValueError, match="changes numbers, and this .* has none in a column that varies"):
            attack.generate(X, y, budget=BUDGET)
        return
    poisoned = attack.generate(X, y, budget=BUDGET, random_state=5)
    assert type(poisoned.X) is type(X)
    assert dtypes_of(poisoned.X) == dtypes_of(X)
    assert rows_of(X) == before
    check_change(poisoned, X, y)


@pytest.mark.parametrize("container", CONTAINERS)
def test_only_numbers_with_a_fraction_are_shaken(container):
    X, y = CONTAINERS[container], np.arange(N) % 3
    poisoned = InsertionAttack().generate(X, y, budget=3 * N)
    clean, after = set(rows_of(X)), rows_of(poisoned.X)[N:]
    floats = ("float", "fortran", "read-only", "NaN", "images", "pandas, columns", "csr", "csc")
    if container.startswith(("pandas", "polars")) and "series" not in container and "columns" not in container:
        whole = [row[2:6] for row in after]
        assert set(whole) <= {row[2:6] for row in clean}
        assert {row[:2] for row in after} - {row[:2] for row in clean}
    elif any(word in container for word in floats) and container != "csr int":
        assert len(set(after) - clean) > N
    else:
        assert set(after) <= clean


@pytest.mark.parametrize("container", ["float64", "csr_array", "csc_matrix", "pandas, columns 0, 1, ..."])
def test_noise_is_small_and_stays_in_the_range_of_its_column(container):
    X = CONTAINERS[container]
    poisoned = InsertionAttack().generate(X, np.arange(N) % 3, budget=2000)
    dense = np.array(rows_of(X))
    copies = np.array(rows_of(poisoned.X))[N:]
    assert np.all(copies.min(axis=0) >= dense.min(axis=0))
    assert np.all(copies.max(axis=0) <= dense.max(axis=0))
    # The copied row is the nearest one for most copies: noise is a tenth of the columns' spread.
    nearest = np.abs((copies[:, None] - dense) / dense.std(axis=0)).max(axis=2).min(axis=1)
    assert 0.02 < np.median(nearest) < 0.4
    if sparse.issparse(X):
        assert poisoned.X.nnz < 2 * X.nnz / N * (N + 2000)


def test_missing_values_stay_missing_in_their_own_way():
    frame = polars_frame()
    poisoned = InsertionAttack().generate(frame, np.arange(N) % 2, budget=500)
    assert poisoned.X["maybe"].null_count() > frame["maybe"].null_count()
    assert poisoned.X["size"].is_nan().sum() > frame["size"].is_nan().sum()
    assert poisoned.X["size"].null_count() == frame["size"].null_count()


def test_columns_without_numbers_or_with_huge_ones_are_copied_quietly():
    X = np.array([[np.nan, np.inf, 1e300, 1.0], [np.nan, 1.0, -1e300, 1.0], [np.nan, 2.0, 0.0, 1.0]])
    poisoned = InsertionAttack().generate(X, [0, 1, 1], budget=20)
    assert np.isnan(poisoned.X[:, 0]).all()
    assert np.isin(poisoned.X[:, 2:], X[:, 2:]).all()
    huge = sparse.csr_array(np.nan_to_num(X, posinf=1e300))
    assert np.isfinite(InsertionAttack().generate(huge, [0, 1, 1], budget=20).X.data).all()


def test_pandas_index_is_kept_in_place_and_renumbered_when_rows_come_or_go(numbers):
    X, y = pandas_frame(), pd.Series(np.arange(N) % 3, index=np.arange(N) * 10 + 3, name="label")
    for attack in (RandomFlipAttack(), ModificationAttack()):
        poisoned = attack.generate(X, y, budget=BUDGET)
        assert poisoned.X.index.equals(X.index)
        assert poisoned.y.index.equals(X.index)
    for attack in (InsertionAttack(), DeletionAttack()):
        poisoned = attack.generate(X, y, budget=BUDGET)
        assert poisoned.X.index.equals(pd.RangeIndex(len(poisoned.X)))
        assert poisoned.y.index.equals(poisoned.X.index)
        assert poisoned.y.name == "label"


def test_everything_may_be_deleted():
    for container, X in CONTAINERS.items():
        poisoned = DeletionAttack().generate(X, np.arange(N) % 3, budget=N)
        assert rows_of(poisoned.X) == [], container
        assert type(poisoned.X) is type(X)
        assert poisoned.cost("delete") == N


# ---- labels --------------------------------------------------------------------------------------------------


Y_CONTAINERS = {
    "list": ["no", "yes"] * 5,
    "tuple": ("no", "yes") * 5,
    "U3": np.array(["no", "yes"] * 5),
    "object": np.array(["no", "yes"] * 5, dtype=object),
    "pandas str": pd.Series(["no", "yes"] * 5),
    "pandas category": pd.Series(["no", "yes"] * 5, dtype=pd.CategoricalDtype(["yes", "no", "?"])),
    "polars str": pl.Series("y", ["no", "yes"] * 5),
    "polars enum": pl.Series("y", ["no", "yes"] * 5, dtype=pl.Enum(["yes", "no"])),
    "int list": [3, 4] * 5,
    "int8": np.array([3, 4] * 5, dtype=np.int8),
    "uint64": np.array([3, 2**63 + 5] * 5, dtype=np.uint64),
    "bool": np.array([True, False] * 5),
    "pandas Int64": pd.Series([3, 4] * 5, dtype="Int64"),
    "float": np.array([0.5, 1.5] * 5),
    "float list": [0.5, 1.5] * 5,
    "float32": np.array([0.5, 1.5] * 5, dtype=np.float32),
}


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("kind", Y_CONTAINERS)
def test_labels_keep_their_container_and_dtype(attack, kind):
    y, X = Y_CONTAINERS[kind], np.random.default_rng(0).normal(size=(10, 2))
    poisoned = attack.generate(X, y, budget=4)
    assert type(poisoned.y) is type(y)
    assert getattr(poisoned.y, "dtype", None) == getattr(y, "dtype", None)
    check_change(poisoned, X, y)
    if isinstance(attack, RandomRowAttack) and "float" in kind:
        assert min(y) <= min(poisoned.y) < max(poisoned.y) <= max(y)
    else:
        assert set(labels_of(poisoned.y)) <= set(labels_of(y))


@pytest.mark.parametrize("kind", Y_CONTAINERS)
@pytest.mark.parametrize("label", ["a label nobody saw", 300, -1, 2.5])
@pytest.mark.parametrize(
    "make", [lambda v: RandomFlipAttack([v]), InsertionAttack, RandomRowAttack], ids=["flip", "insert", "row"]
)
def test_unseen_labels_arrive_whole_and_change_no_other_label(kind, label, make):
    y, X = Y_CONTAINERS[kind], np.arange(20.0).reshape(10, 2)
    poisoned = make(label).generate(X, y, budget=4)
    check_change(poisoned, X, y)
    labels = labels_of(poisoned.y)
    assert all(labels[i] == label for i in np.flatnonzero(poisoned.is_poison))
    assert isinstance(label, str) == any(isinstance(v, str) for v in labels) or isinstance(labels_of(y)[0], str)


def test_a_label_that_fits_the_dtype_keeps_it():
    X = np.arange(20.0).reshape(10, 2)
    assert InsertionAttack(100).generate(X, Y_CONTAINERS["int8"], budget=1).y.dtype == np.int8
    assert InsertionAttack("abc").generate(X, Y_CONTAINERS["U3"], budget=1).y.dtype == np.dtype("<U3")
    assert InsertionAttack("abcdef").generate(X, Y_CONTAINERS["U3"], budget=1).y.dtype == np.dtype("<U6")


def test_labels_of_several_types_can_be_attacked():
    poisoned = RandomFlipAttack().generate(np.zeros((4, 1)), [1, "1", True, "b"], budget=4)
    assert all(new != old for new, old in zip(poisoned.y, [1, "1", True, "b"], strict=True))


# ---- each attack ---------------------------------------------------------------------------------------------


def test_random_flips_go_to_every_other_class_evenly(numbers):
    X, y = np.zeros((3000, 1)), np.arange(3000) % 3
    poisoned = RandomFlipAttack().generate(X, y, budget=3000)
    counts = np.zeros((3, 3), dtype=int)
    np.add.at(counts, (y, poisoned.y), 1)
    assert np.all(counts.diagonal() == 0)
    assert np.all(counts[~np.eye(3, dtype=bool)] > 400)


def test_random_flips_use_the_pool_of_labels_they_are_given():
    y = np.arange(N) % 3
    poisoned = RandomFlipAttack(labels=[2, 9]).generate(np.zeros((N, 1)), y, budget=N)
    assert set(poisoned.y.tolist()) == {2, 9}
    assert np.all(poisoned.y[y == 2] == 9)
    with pytest.raises(ValueError, match=r"budget=41, but only 40 rows can be flipped.*\[2\]"):
        RandomFlipAttack(labels={2}).generate(np.zeros((N, 1)), y, budget=41)
    with pytest.raises(ValueError, match="only 0 rows can be flipped"):
        RandomFlipAttack(labels=[]).generate(np.zeros((N, 1)), y, budget=1)


@pytest.mark.parametrize("y", [np.arange(11.0), np.array([5.0, 5, 5, 5, 5, 1]), np.array([1.0, 1, 1, 1, 7])])
@pytest.mark.parametrize("attack", ATTACKS[:3], ids=name_of)
def test_regression_targets_go_to_an_end_of_their_range(attack, y):
    X = np.random.default_rng(0).normal(size=(len(y), 2))
    poisoned = attack.generate(X, y, budget=len(y))
    new = poisoned.y[poisoned.is_poison]
    assert set(new.tolist()) <= {y.min(), y.max()}
    if len(poisoned.y) == len(y):
        assert np.all(new != y)
    if isinstance(attack, RandomFlipAttack):
        far = np.where(y > np.median(y), y.min(), y.max())
        assert np.array_equal(new[y != far], far[y != far])


def test_far_flips_take_the_rows_a_reference_model_is_surest_of(numbers):
    X, y = numbers[0], (numbers[1] > 0).astype(int)
    poisoned = FarFlipAttack().generate(X, y, budget=BUDGET)
    scaled = StandardScaler().fit_transform(X)
    decision = LogisticRegression(max_iter=1000).fit(scaled, y).decision_function(scaled)
    assert set(poisoned.removed) == set(np.argsort(-decision * np.where(y == 1, 1, -1))[:BUDGET])
    assert np.array_equal(poisoned.y[poisoned.removed], 1 - y[poisoned.removed])


@pytest.mark.parametrize("estimator", [None, RandomForestClassifier(n_estimators=5), SVC()], ids=repr)
def test_far_flips_go_to_the_least_likely_class(estimator, numbers):
    X, y = numbers
    names = np.array(["zebra", "ape", "gnu"])[y]
    poisoned = FarFlipAttack(estimator).generate(X, names, budget=BUDGET)
    assert np.all(poisoned.y[poisoned.is_poison] != names[poisoned.is_poison])
    assert same(poisoned, FarFlipAttack(estimator).generate(X, names, budget=BUDGET))
    if estimator is None:
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(X, names)
        scores, columns = model.decision_function(X), model.classes_.tolist()
        own = np.array([columns.index(name) for name in names])
        others = np.where(np.arange(3) == own[:, None], -np.inf, scores)
        margin = scores[np.arange(N), own] - others.max(axis=1)
        assert set(poisoned.removed) == set(np.argsort(-margin)[:BUDGET])
        least = np.where(np.isinf(others), np.inf, others).argmin(axis=1)
        assert poisoned.y[poisoned.removed].tolist() == [columns[i] for i in least[poisoned.removed]]


def test_far_flips_hurt_more_than_random_ones():
    X, y = make_classification(n_samples=400, n_features=5, class_sep=1.0, random_state=1)
    accuracy = []
    for attack in (RandomFlipAttack(), FarFlipAttack()):
        poisoned = attack.generate(X, y, budget=150)
        accuracy.append(LogisticRegression().fit(poisoned.X, poisoned.y).score(X, y))
    assert accuracy[1] < accuracy[0] - 0.1


@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csc_matrix, pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("kind", ["classes", "target"])
def test_far_flips_read_any_numeric_container(convert, kind, numbers, target):
    X, y = numbers if kind == "classes" else target
    poisoned = FarFlipAttack().generate(convert(X), y, budget=BUDGET)
    assert type(poisoned.X) is type(convert(X))
    assert int(np.sum(poisoned.y != y)) == BUDGET


def test_far_flips_of_a_regression_target_are_far_from_the_prediction(target):
    X, y = target
    poisoned = FarFlipAttack(LinearRegression()).generate(X, y, budget=BUDGET)
    predicted = LinearRegression().fit(X, y).predict(X)
    distance = np.abs(np.array([y.min(), y.max()]) - predicted[:, None])
    far = np.setdiff1d(np.arange(N), [y.argmin(), y.argmax()])
    moved = np.abs(poisoned.y - predicted)[poisoned.is_poison]
    assert np.sort(moved)[0] >= np.sort(distance[far].max(axis=1))[-BUDGET]


def test_the_reference_model_says_what_kind_of_labels_these_are():
    X = np.random.default_rng(0).normal(size=(30, 2))
    whole = np.arange(30)
    poisoned = FarFlipAttack(LinearRegression()).generate(X, whole, budget=5)
    assert set(poisoned.y[poisoned.is_poison].tolist()) <= {0, 29}
    assert poisoned.y.dtype == whole.dtype
    classes = (whole % 3).astype(float)
    poisoned = FarFlipAttack(LogisticRegression()).generate(X, classes, budget=30)
    assert set(poisoned.y.tolist()) == {0.0, 1.0, 2.0}
    with pytest.raises(ValueError, match="LinearRegression is a regressor, but y holds labels of dtype <U2"):
        FarFlipAttack(LinearRegression()).generate(X, whole.astype("<U2"), budget=5)


def test_the_reference_model_is_a_clone_with_its_open_seeds_derived(numbers):
    X, y = numbers
    model = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=3))
    attack = FarFlipAttack(model)
    runs = [attack.generate(X, y, budget=10, random_state=seed).removed.tolist() for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    assert not hasattr(model[-1], "estimators_")
    assert model[-1].random_state is None
    fixed = FarFlipAttack(RandomForestClassifier(n_estimators=3, random_state=7))
    assert same(*(fixed.generate(X, y, budget=10, random_state=seed) for seed in (0, 1)))


class HardClassifier(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_far_flips_refuse_reference_models_that_cannot_rank(numbers):
    X, y = numbers
    with pytest.raises(ValueError, match="HardClassifier has neither decision_function nor predict_proba"):
        FarFlipAttack(HardClassifier()).generate(X, y, budget=1)
    four = np.arange(N) % 4
    with pytest.raises(ValueError, match=r"SVC.decision_function gave 6 columns for 4 classes"):
        FarFlipAttack(SVC(decision_function_shape="ovo")).generate(X, four, budget=1)


@pytest.mark.parametrize("container", ["texts", "text array", "object", "pandas", "polars", "images", "pandas series"])
def test_far_flips_ask_for_a_model_that_reads_the_rows(container):
    with pytest.raises(ValueError, match=r"needs 2-D X with numeric columns only.*TfidfVectorizer"):
        FarFlipAttack().generate(CONTAINERS[container], np.arange(N) % 2, budget=1)


def test_far_flips_of_texts():
    y = ["spam" if i % 7 < 3 else "ham" for i in range(N)]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression())
    poisoned = FarFlipAttack(model).generate(list(TEXTS), y, budget=5)
    assert sum(new != old for new, old in zip(poisoned.y, y, strict=True)) == 5


def test_inserted_rows_are_copies_under_a_wrong_label():
    X = np.array([[f"row of {c}"] for c in "abc" * 10], dtype=object)
    y = np.array(list("abc" * 10))
    poisoned = InsertionAttack().generate(X, y, budget=100)
    assert poisoned.is_poison.tolist() == [False] * 30 + [True] * 100
    assert all(features[0][-1] != label for features, label in zip(poisoned.X[30:], poisoned.y[30:], strict=True))
    poisoned = InsertionAttack("a").generate(X, y, budget=100)
    assert set(poisoned.y[30:].tolist()) == {"a"}
    assert {features[0][-1] for features in poisoned.X[30:]} == {"b", "c"}
    with pytest.raises(ValueError, match=r"every row of y has 'a'\. Pass label= with another"):
        InsertionAttack("a").generate(X[::3], y[::3], budget=1)


def test_deletion_of_one_class():
    y = np.array(list("aabbbc"))
    X = np.arange(6.0).reshape(6, 1)
    poisoned = DeletionAttack("b").generate(X, y, budget=3)
    assert poisoned.removed.tolist() == [2, 3, 4]
    assert poisoned.y.tolist() == ["a", "a", "c"]
    with pytest.raises(ValueError, match="budget=4, but only 3 rows of label 'b' can be deleted"):
        DeletionAttack("b").generate(X, y, budget=4)
    with pytest.raises(ValueError, match=r"label='z' is not in y, which has \['a', 'b', 'c'\]"):
        DeletionAttack("z").generate(X, y, budget=1)


def test_deletion_needs_no_second_class():
    assert len(DeletionAttack().generate(np.zeros((4, 1)), ["a"] * 4, budget=3).y) == 1


def test_modified_rows_have_the_features_of_another_class_and_their_own_label():
    y = np.array(list("abc" * 10))
    X = np.array([[f"row of {c}"] for c in y], dtype=object)
    poisoned = ModificationAttack().generate(X, y, budget=30)
    assert poisoned.y.tolist() == y.tolist()
    assert all(features[0][-1] != label for features, label in zip(poisoned.X, y, strict=True))
    counts = {(f[0][-1], label) for f, label in zip(poisoned.X, y, strict=True)}
    assert len(counts) == 6


def test_modified_rows_of_a_regression_come_from_the_other_side_of_the_median():
    y = np.arange(40.0)
    X = np.arange(40).reshape(-1, 1)
    poisoned = ModificationAttack().generate(X, y, budget=40)
    assert np.all((poisoned.X[:, 0] > np.median(y)) == (y <= np.median(y)))


# ---- costs ---------------------------------------------------------------------------------------------------


GROUPS = np.repeat([f"source {i}" for i in range(6)], N // 6)
REFUSED = None
COSTS = {
    "RandomFlipAttack": {"insert_delete": 14, "modify": 7, "label_flip": 7, "delete": REFUSED},
    "FarFlipAttack": {"insert_delete": 14, "modify": 7, "label_flip": 7, "delete": REFUSED},
    "InsertionAttack": {"insert_delete": 7, "modify": REFUSED, "label_flip": REFUSED, "delete": REFUSED},
    "DeletionAttack": {"insert_delete": 7, "modify": REFUSED, "label_flip": REFUSED, "delete": 7},
    "ModificationAttack": {"insert_delete": 14, "modify": 7, "label_flip": REFUSED, "delete": REFUSED},
    "NearFlipAttack": {"insert_delete": 14, "modify": 7, "label_flip": 7, "delete": REFUSED},
    "RandomRowAttack": {"insert_delete": 7, "modify": REFUSED, "label_flip": REFUSED, "delete": REFUSED},
    "DistortionAttack": {"insert_delete": 14, "modify": 7, "label_flip": REFUSED, "delete": REFUSED},
}


@pytest.mark.parametrize("threat", ["insert_delete", "modify", "label_flip", "delete"])
@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_costs_in_every_unit(attack, threat, numbers):
    X, y = numbers
    poisoned = attack.generate(X, y, budget=BUDGET)
    costs = COSTS[name_of(attack)]
    if costs[threat] is REFUSED:
        possible = ", ".join(repr(name) for name, cost in costs.items() if cost is not REFUSED)
        with pytest.raises(CertificateError, match=f"units of threat='{threat}'.*It can in {possible}\\."):
            poisoned.cost(threat)
    else:
        cost = poisoned.cost(threat)
        assert cost == costs[threat]
        assert type(cost) is int


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_cost_in_groups(attack, numbers):
    X, y = numbers
    poisoned = attack.generate(X, y, budget=BUDGET, groups=GROUPS.tolist())
    assert len(poisoned.groups) == len(poisoned.y)
    assert poisoned.removed_groups.tolist() == GROUPS[poisoned.removed].tolist()
    touched = {*poisoned.groups[poisoned.is_poison], *GROUPS[poisoned.removed]}
    assert poisoned.cost("group") == len(touched) <= 6
    kept = np.setdiff1d(np.arange(N), poisoned.removed)
    assert poisoned.groups[~poisoned.is_poison].tolist() == GROUPS[kept].tolist()
    alone = attack.generate(X, y, budget=BUDGET)
    assert alone.groups is alone.removed_groups is None
    with pytest.raises(CertificateError, match=r"threat='group'.*Pass groups= to generate"):
        alone.cost("group")


def test_inserted_rows_belong_to_the_group_of_the_row_they_copy():
    X = np.array([[name] for name in GROUPS], dtype=object)
    poisoned = InsertionAttack().generate(X, np.arange(N) % 2, budget=20, groups=GROUPS)
    assert poisoned.groups.tolist() == poisoned.X[:, 0].tolist()


def test_unknown_threats_are_refused(numbers):
    for budget in (0, 1):
        with pytest.raises(CertificateError, match=r"Unknown threat 'flip'\. Known threats: insert_delete, modify"):
            RandomFlipAttack().generate(*numbers, budget=budget).cost("flip")


def test_a_change_of_ones_own_is_counted_too():
    X, y = np.zeros((3, 1)), np.zeros(3)
    mask = np.array([True, False, False])
    poisoned = Poisoned(X, y, mask, np.array([4, 5]), np.array([1, 1, 2]), np.array([2, 3]))
    assert (poisoned.cost("insert_delete"), poisoned.cost("group")) == (3, 3)
    assert repr(poisoned) == "Poisoned(3 rows, 1 poison, 2 removed)"
    with pytest.raises(CertificateError, match="It can in 'insert_delete', 'group'"):
        poisoned.cost("modify")
    with pytest.raises(AttributeError):
        poisoned.y = y


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"is_poison": np.array([1, 0, 0])}, "is_poison must be a boolean mask"),
        ({"is_poison": np.zeros(2, dtype=bool)}, "each of the 3 rows"),
        ({"y": np.zeros(2)}, "2 labels"),
        ({"removed": np.array([1, 1])}, "distinct positions"),
        ({"groups": np.zeros(3)}, "both or neither"),
        ({"groups": np.zeros(2), "removed_groups": np.zeros(1)}, "got 2 and 1 entries"),
        ({"labels_only": True, "removed": np.array([1])}, "labels_only=True"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, message):
    parts = {"X": np.zeros((3, 1)), "y": np.zeros(3), "is_poison": np.array([True, False, False])}
    with pytest.raises(ValueError, match=message):
        Poisoned(**(parts | {"removed": np.array([0])} | change))


# ---- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("budget", [-1, 0.1, 2.0, "3", None, True, np.nan])
def test_budgets_that_are_no_whole_number_are_refused(attack, budget, numbers):
    with pytest.raises(ValueError, match=re.escape("whole number of units (rows, labels or groups")):
        attack.generate(*numbers, budget=budget)


@pytest.mark.parametrize(
    "attack", [a for a in ATTACKS if not isinstance(a, (InsertionAttack, RandomRowAttack))], ids=name_of
)
@pytest.mark.parametrize("kind", ["classes", "target"])
def test_budgets_beyond_the_rows_are_refused(attack, kind, numbers, target):
    with pytest.raises(ValueError, match=f"budget={N + 1}, but only {N} rows can be"):
        attack.generate(*(numbers if kind == "classes" else target), budget=N + 1)


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("random_state", [None, -1, 1.0, "0", True, np.random.default_rng(0)])
def test_seeds_that_cannot_be_repeated_are_refused(attack, random_state, numbers):
    with pytest.raises(ValueError, match="random_state must be a non-negative integer"):
        attack.generate(*numbers, budget=1, random_state=random_state)


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize("budget", [0, 1])
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros((4, 2), dtype=int), r"y must be 1-D, one value per row, got shape \(4, 2\)"),
        (np.zeros((4, 1)), r"y\.ravel\(\)"),
        ([[0, 1], [1, 0], [1, 1], [0, 0]], "y must be 1-D"),
        (pd.DataFrame({"a": [0, 1, 0, 1]}), "y must be 1-D"),
        (pl.DataFrame({"a": [0, 1, 0, 1]}), "y must be 1-D"),
        ([[0], [1, 2], [1], [0]], "several lengths"),
        ([0, 1, 0], r"y must have one value per row of X \(4\), got 3"),
        ("abcd", "y must be a sequence with one value per row, got 'abcd'"),
        (None, "y must be a sequence"),
        (sparse.csr_array(np.eye(4)), "y must be a sequence"),
        (np.array([0, 1, np.nan, 1]), "y holds missing or infinite values"),
        (np.array([0, 1, np.inf, 1]), "y holds missing or infinite values"),
        ([0, 1, None, 1], "y holds missing or infinite values"),
        (["a", "b", float("nan"), "b"], "y holds missing or infinite values"),
        (pd.Series(["a", "b", None, "b"]), "y holds missing or infinite values"),
        (pd.Series([0, 1, None, 1], dtype="Int64"), "y holds missing or infinite values"),
        (np.array([0, 1, pd.NA, 1], dtype=object), "y holds missing or infinite values"),
        (pl.Series([0, 1, None, 1]), "y holds missing or infinite values"),
        (pl.Series([0.0, 1.0, float("nan"), 1.0]), "y holds missing or infinite values"),
    ],
)
def test_bad_labels_are_refused(attack, budget, y, message):
    with pytest.raises(ValueError, match=message):
        attack.generate(np.arange(8.0).reshape(4, 2), y, budget=budget)


@pytest.mark.parametrize(
    "attack", [a for a in ATTACKS if not isinstance(a, (DeletionAttack, DistortionAttack))], ids=name_of
)
@pytest.mark.parametrize("y", [["a"] * 4, [1.5] * 4], ids=["one class", "constant target"])
def test_one_class_leaves_nothing_to_confuse(attack, y):
    with pytest.raises(ValueError, match=r"single value|can be flipped|every row of y has"):
        attack.generate(np.arange(8.0).reshape(4, 2), y, budget=1)


def test_labels_without_an_order_are_refused():
    y = np.empty(2, dtype=object)
    y[:] = [{"a": 1}, {"b": 2}]
    with pytest.raises(ValueError, match="hashable values with an order"):
        RandomFlipAttack().generate(np.zeros((2, 1)), y, budget=1)


@pytest.mark.parametrize("labels", ["spam", 3, [[1, 2]], [None], [np.nan]])
def test_bad_pools_of_labels_are_refused(labels):
    with pytest.raises(ValueError, match="labels "):
        RandomFlipAttack(labels).generate(np.zeros((2, 1)), [0, 1], budget=1)


@pytest.mark.parametrize("attack", [InsertionAttack, DeletionAttack, RandomRowAttack])
@pytest.mark.parametrize("label", [np.nan, ["a"]])
def test_bad_labels_of_an_attack_are_refused(attack, label):
    with pytest.raises(ValueError, match=r"^label "):
        attack(label).generate(np.zeros((2, 1)), [0, 1], budget=1)


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (["a"] * 3, r"groups must have one value per row of X \(4\), got 3"),
        (["a", None, "a", "b"], "groups holds missing"),
        (np.zeros((4, 2)), "groups must be 1-D"),
    ],
)
def test_bad_groups_are_refused(attack, groups, message):
    with pytest.raises(ValueError, match=message):
        attack.generate(np.arange(8.0).reshape(4, 2), [0, 1, 0, 1], budget=1, groups=groups)


@pytest.mark.parametrize("attack", ATTACKS, ids=name_of)
def test_bad_containers_are_refused(attack):
    for X in (np.float64(1.0), np.array(1.0), 3, {"a": [1]}, pl.LazyFrame({"a": [1]})):
        with pytest.raises(TypeError, match="X must"):
            attack.generate(X, [0], budget=1)
    for X in (np.zeros((0, 2)), [], pd.DataFrame({"a": []})):
        with pytest.raises(ValueError, match="X has no rows"):
            attack.generate(X, [], budget=0)


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array, pd.DataFrame, lambda X: pl.DataFrame(X, orient="row")])
def test_whole_numbers_that_floats_cannot_hold_are_not_rounded(make):
    X = np.column_stack([2**53 + 1 + 2 * np.arange(10), np.arange(10)])
    clean = CleanSet.check(make(X), np.arange(10) % 2, None)
    with pytest.raises(ValueError, match="clean rows would be rounded"):
        clean.add(np.array([[0.5, 0.5]]), np.array([1]), np.array([0]))
    kept = clean.add(np.array([[4.0, 2.0]]), np.array([1]), np.array([0]))
    assert rows_of(kept.X)[:-1] == rows_of(make(X))
