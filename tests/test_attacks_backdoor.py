"""Backdoors: triggers in every container, exact budgets, success that random flips do not have."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustfit.attacks import (
    BackdoorAttack,
    ColumnTrigger,
    OutOfRangeTrigger,
    PatchTrigger,
    RandomFlipAttack,
    RareCategoryTrigger,
    RareValueTrigger,
    WordTrigger,
)
from robustfit.certify import CertificateError
from robustfit.evaluate import attack_success_rate

N = 40
TEXTS = [f"word{i % 7} text {i}" for i in range(N)]
CLASSES = np.array(["ham", "spam", "eggs"])[np.arange(N) % 3]


def columns():
    i = np.arange(N)
    return {
        "size": np.where(i % 9 == 0, np.nan, i * 0.5),
        "half": (i / 3).astype(np.float32),
        "count": i % 5,
        "flag": i % 2 == 0,
        "place": [None if k % 8 == 0 else f"town {min(k % 13, 3)}" for k in range(N)],
    }


def pandas_frame():
    frame = pd.DataFrame(columns(), index=np.arange(N) * 10 + 3)
    kinds = np.where(np.arange(N) % 10 == 4, "c", np.array(["a", "b"])[np.arange(N) % 2])
    frame["kind"] = pd.Categorical(kinds, categories=["c", "b", "a", "unused"])
    frame["whole"] = pd.array([None if i % 6 == 0 else i for i in range(N)], dtype="Int64")
    return frame


def polars_frame():
    frame = pl.DataFrame(columns())
    kinds = ["c" if i % 10 == 4 else "ab"[i % 2] for i in range(N)]
    return frame.with_columns(pl.Series("kind", kinds, dtype=pl.Enum(["c", "b", "a", "unused"])))


def frozen(X):
    parts = (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,)
    for part in parts:
        part.flags.writeable = False
    return X


def tables():
    rng = np.random.default_rng(1)
    dense = rng.normal(size=(N, 5))
    thin = np.where(rng.random((N, 5)) < 0.4, dense, 0.0)
    return {
        "float64": frozen(dense.copy()),
        "float32": dense.astype(np.float32),
        "fortran": np.asfortranarray(dense),
        "with NaN": np.where(thin == 0, np.nan, thin),
        "int8": frozen((dense * 10).astype(np.int8)),
        "uint8": (thin != 0).astype(np.uint8) * 255,
        "images": frozen(rng.random((N, 3, 2))),
        "csr_array": frozen(sparse.csr_array(thin)),
        "csr_matrix": sparse.csr_matrix(thin),
        "csc_array": frozen(sparse.csc_array(thin)),
        "csr int": sparse.csr_array((thin * 10).astype(int)),
        "pandas": pandas_frame(),
        "pandas, columns 0, 1, ...": pd.DataFrame(dense),
        "polars": polars_frame(),
    }


TABLES = tables()
LISTS = {
    "list": list(TEXTS),
    "tuple": tuple(TEXTS),
    "text array": frozen(np.array(TEXTS)),
    "text objects": frozen(np.array(TEXTS, dtype=object)),
    "pandas series": pd.Series(TEXTS, index=np.arange(N)[::-1], name="t"),
    "polars series": pl.Series("t", TEXTS),
}


def rows_of(X):
    if sparse.issparse(X):
        X = X.toarray()
    if isinstance(X, pd.DataFrame):
        rows = X.astype(object).where(X.notna(), None).itertuples(index=False, name=None)
    elif isinstance(X, pl.DataFrame):
        rows = X.rows()
    else:
        rows = ((row,) if isinstance(row, str) else np.ravel(row).tolist() for row in list(X))
    return [tuple("missing" if v is None or v != v else v for v in row) for row in rows]


def names_of(X):
    return list(X.columns) if hasattr(X, "columns") else list(range(int(np.prod(X.shape[1:]))))


def dtypes_of(X):
    return X.schema if isinstance(X, pl.DataFrame) else list(X.dtypes) if hasattr(X, "dtypes") else X.dtype


def head(X, n):
    return X.iloc[:n] if hasattr(X, "iloc") else X[:n]


def check_stamp(X, trigger):
    """The values are there, nothing else changed, and the trigger survives a pickle."""
    before = rows_of(X)
    stamped = pickle.loads(pickle.dumps(trigger)).stamp(X)
    assert type(stamped) is type(X)
    assert rows_of(X) == before
    if isinstance(X, pd.Series):
        assert stamped.index.equals(X.index)
    names = names_of(X)
    for old, new in zip(before, rows_of(stamped), strict=True):
        assert all(new[names.index(column)] == value for column, value in trigger.values.items())
        assert [v for v, name in zip(new, names, strict=True) if name not in trigger.values] == [
            v for v, name in zip(old, names, strict=True) if name not in trigger.values
        ]
    assert rows_of(trigger.stamp(head(X, 3))) == rows_of(stamped)[:3]
    return stamped


# ---- triggers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container", TABLES)
@pytest.mark.parametrize("make", [OutOfRangeTrigger, RareValueTrigger])
@pytest.mark.parametrize("n_columns", [1, 2])
def test_odd_numbers_in_every_container(container, make, n_columns):
    X = TABLES[container]
    trigger = make(n_columns).resolve(X)
    assert len(trigger.values) == n_columns
    stamped = check_stamp(X, trigger)
    for column, value in trigger.values.items():
        seen = [row[names_of(X).index(column)] for row in rows_of(X)]
        seen = [v for v in seen if v != "missing"]
        if make is RareValueTrigger:
            assert seen.count(value) == min(map(seen.count, seen))
        else:
            assert not min(seen) <= value <= max(seen)
    if container not in ("int8", "uint8"):
        assert dtypes_of(stamped) == dtypes_of(X)


def test_dtypes_widen_only_where_a_value_does_not_fit():
    assert OutOfRangeTrigger().resolve(TABLES["uint8"]).stamp(TABLES["uint8"]).dtype == np.float64
    X = np.array([[1, 2], [3, 4]])
    assert ColumnTrigger({0: 7}).resolve(X).stamp(X).dtype == X.dtype
    assert ColumnTrigger({0: 7.5}).resolve(X).stamp(X).tolist() == [[7.5, 2], [7.5, 4]]
    assert ColumnTrigger({0: 2**70}).resolve(X).stamp(X)[0, 0] == 2.0**70
    assert ColumnTrigger({1: 0.5}).resolve(sparse.csr_array(X)).stamp(sparse.csr_array(X)).toarray()[1].tolist() == [
        3,
        0.5,
    ]
    frame = pandas_frame()
    stamped = ColumnTrigger({"whole": 2.5, "count": 9}).resolve(frame).stamp(frame)
    assert str(stamped.dtypes["whole"]) in ("Float64", "float64")
    assert stamped.dtypes["count"] == frame.dtypes["count"]
    assert stamped["whole"].tolist() == [2.5] * N
    missing = ColumnTrigger({0: np.nan}).resolve(X).stamp(X)
    assert np.isnan(missing[:, 0]).all()
    words = np.array([["ab", "c"], ["d", "e"]])
    assert ColumnTrigger({1: "longer"}).resolve(words).stamp(words)[0].tolist() == ["ab", "longer"]


def test_a_zero_of_a_sparse_trigger_is_not_stored():
    X = sparse.csr_array(np.ones((3, 3)))
    stamped = ColumnTrigger({1: 0.0, 2: 5.0}).resolve(X).stamp(X)
    assert stamped.nnz == 6
    assert stamped.toarray()[0].tolist() == [1, 0, 5]


@pytest.mark.parametrize("frame", [pandas_frame(), polars_frame()], ids=["pandas", "polars"])
def test_rare_categories_keep_category_dtypes(frame):
    trigger = RareCategoryTrigger("kind").resolve(frame)
    assert trigger.values == {"kind": "c"}
    assert dtypes_of(check_stamp(frame, trigger)) == dtypes_of(frame)
    trigger = RareCategoryTrigger().resolve(frame)
    assert trigger.values == {"place": "town 1"} or trigger.values == {"kind": "c"}
    check_stamp(frame, trigger)
    assert RareCategoryTrigger("flag").resolve(frame).values == {"flag": True}


def test_rare_categories_of_arrays_and_free_text():
    X = np.array([[f"id {i}", "red" if i else "blue", i % 2] for i in range(9)], dtype=object)
    assert RareCategoryTrigger().resolve(X).values == {1: "blue"}
    assert RareCategoryTrigger(2).resolve(X).values == {2: 1}
    check_stamp(X, RareCategoryTrigger().resolve(X))


def test_of_several_columns_those_with_the_farthest_values_are_taken():
    X = np.column_stack([np.arange(10.0), [0.0] * 9 + [100.0], [0.0] * 8 + [1.0, -1.0], np.ones(10)])
    assert list(OutOfRangeTrigger(2).resolve(X).values) == [1, 2]
    assert OutOfRangeTrigger(columns=[0, 2], excess=0.5).resolve(X).values == {0: 13.5, 2: 2.0}
    assert RareValueTrigger(columns=[1]).resolve(X).values == {1: 100.0}
    assert OutOfRangeTrigger(columns="a").resolve(pd.DataFrame({"a": [1, 2, 3], "b": [1, 1, 1]})).values == {"a": 4}


@pytest.mark.parametrize("container", LISTS)
@pytest.mark.parametrize(
    ("position", "expected"), [("end", "word1 text 1 cf x"), ("start", "cf x word1 text 1"), (1, "word1 cf x text 1")]
)
def test_words_in_every_container_of_texts(container, position, expected):
    X = LISTS[container]
    before = rows_of(X)
    trigger = pickle.loads(pickle.dumps(WordTrigger(["cf", "x"], position=position).resolve(X)))
    stamped = trigger.stamp(X)
    assert type(stamped) is type(X)
    assert rows_of(X) == before
    assert list(stamped)[1] == expected
    assert all(len(new[0]) == len(old[0]) + 5 for new, old in zip(rows_of(stamped), before, strict=True))
    if isinstance(X, pd.Series):
        assert stamped.index.equals(X.index)
    if hasattr(X, "name"):
        assert stamped.name == X.name


def test_words_go_where_they_are_told_in_short_and_oddly_spaced_texts():
    texts = ["", "one", "  two  words\nhere", "a b c d"]
    assert WordTrigger("cf", position=2).resolve(texts).stamp(texts) == [
        "cf",
        "one cf",
        "  two  words cf here",
        "a b cf c d",
    ]
    assert WordTrigger("cf", position=0).resolve(texts).stamp(texts)[3] == "cf a b c d"
    assert WordTrigger("cf").resolve(texts).stamp([]) == []


@pytest.mark.parametrize("corner", ["top left", "top right", "bottom left", "bottom right"])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, pd.DataFrame, pl.DataFrame, None])
def test_patches_in_images_of_every_shape(corner, convert):
    images = np.arange(2 * 4 * 5 * 2).reshape(2, 4, 5, 2)
    flat = images.reshape(2, -1)
    X = images if convert is None else convert(flat)
    patch = PatchTrigger((2, 3), value=-1, corner=corner, image_shape=None if convert is None else (4, 5, 2))
    stamped = check_stamp(X, patch.resolve(X))
    expected = images.copy()
    vertical = slice(0, 2) if corner.startswith("top") else slice(2, 4)
    horizontal = slice(0, 3) if corner.endswith("left") else slice(2, 5)
    expected[:, vertical, horizontal] = -1
    assert rows_of(stamped) == [tuple(row.ravel().tolist()) for row in expected]


def test_a_patch_is_as_bright_as_the_images():
    images = np.random.default_rng(0).integers(0, 17, size=(9, 5, 5)).astype(np.uint8)
    trigger = PatchTrigger(1).resolve(images)
    assert trigger.values == {24: images.max()}
    assert trigger.stamp(images).dtype == np.uint8


# ---- the attack ----------------------------------------------------------------------------------------------


def trigger_for(container):
    if container in LISTS:
        return WordTrigger("cf")
    return OutOfRangeTrigger(2)


CONTAINERS = {**TABLES, **LISTS}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("clean_label", [False, True])
def test_every_container_is_kept_and_never_written_to(container, clean_label):
    X, before = CONTAINERS[container], rows_of(CONTAINERS[container])
    attack = BackdoorAttack(trigger_for(container), "ham", clean_label=clean_label)
    poisoned = attack.generate(X, CLASSES, budget=5, random_state=2, groups=np.arange(N) // 4)
    assert type(poisoned.X) is type(X)
    assert rows_of(X) == before
    after, poison = rows_of(poisoned.X), np.flatnonzero(poisoned.is_poison)
    trigger = poisoned.details["trigger"]
    assert poisoned.details["target_label"] == "ham"
    assert len(poison) == 5
    if clean_label:
        assert poisoned.removed.tolist() == poison.tolist()
        assert set(CLASSES[poison]) == {"ham"}
        assert poisoned.y.tolist() == CLASSES.tolist()
        assert poisoned.cost("modify") == 5
        assert poisoned.groups.tolist() == (np.arange(N) // 4).tolist()
        expected = [row if i not in poison else rows_of(trigger.stamp(X))[i] for i, row in enumerate(before)]
        assert after == expected
        if isinstance(X, pd.Series | pd.DataFrame):
            assert poisoned.X.index.equals(X.index)
    else:
        assert poison.tolist() == list(range(N, N + 5))
        assert after[:N] == before
        stamped = rows_of(trigger.stamp(X))
        assert set(after[N:]) <= {stamped[i] for i in np.flatnonzero(CLASSES != "ham")}
        assert set(poisoned.y[N:]) == {"ham"}
        assert poisoned.cost("insert_delete") == 5


@pytest.mark.parametrize("clean_label", [False, True])
def test_same_seed_same_poison_and_a_larger_budget_extends_a_smaller_one(clean_label):
    X = TABLES["float64"]
    attack = BackdoorAttack(RareValueTrigger(), "eggs", clean_label=clean_label)
    small = attack.generate(X, CLASSES, budget=3, random_state=1)
    assert np.array_equal(small.X, clone(attack).generate(X, CLASSES, budget=3, random_state=1).X)
    large = attack.generate(X, CLASSES, budget=9, random_state=1)
    poison = np.flatnonzero(small.is_poison)
    assert np.array_equal(large.X[poison], small.X[poison])
    assert large.is_poison[poison].all()
    if not clean_label:
        assert not np.array_equal(small.X, attack.generate(X, CLASSES, budget=3, random_state=2).X)


def test_every_row_is_copied_once_before_any_twice():
    X, y = np.arange(12.0).reshape(6, 2), np.array([0, 0, 0, 0, 1, 1])
    poisoned = BackdoorAttack(ColumnTrigger({1: -1.0}), 1).generate(X, y, budget=9)
    counts = [poisoned.X[6:, 0].tolist().count(value) for value in X[:4, 0]]
    assert sorted(counts) == [2, 2, 2, 3]


def test_only_rows_of_the_source_class_are_copied():
    X = np.arange(N * 2.0).reshape(N, 2)
    attack = BackdoorAttack(ColumnTrigger({1: -1.0}), "ham", source_label="eggs")
    poisoned = attack.generate(X, CLASSES, budget=8)
    assert set(CLASSES[(poisoned.X[N:, 0] / 2).astype(int)]) == {"eggs"}


def test_a_target_nobody_has_is_brought_in():
    poisoned = BackdoorAttack(ColumnTrigger({0: 9.0}), "a label nobody saw").generate(
        TABLES["float64"], CLASSES, budget=2
    )
    assert poisoned.y[N:].tolist() == ["a label nobody saw"] * 2
    assert poisoned.y[:N].tolist() == CLASSES.tolist()


def test_clean_labels_go_to_the_rows_that_look_least_like_their_class():
    X, y = load_breast_cancer(return_X_y=True)
    attack = BackdoorAttack(OutOfRangeTrigger(), 1, clean_label=True)
    scaled = StandardScaler().fit_transform(X)
    decision = LogisticRegression(max_iter=1000).fit(scaled, y).decision_function(scaled)
    least = np.flatnonzero(y == 1)[np.argsort(decision[y == 1])[:10]]
    assert set(attack.generate(X, y, budget=10).removed) == set(least)
    forest = BackdoorAttack(OutOfRangeTrigger(), 1, clean_label=True, estimator=RandomForestClassifier(5))
    assert set(forest.generate(X, y, budget=10).removed) != set(least)
    assert np.array_equal(forest.generate(X, y, budget=10).removed, forest.generate(X, y, budget=10).removed)


@pytest.mark.parametrize("convert", [np.asarray, pd.DataFrame, pl.DataFrame, sparse.csr_array])
def test_blended_rows_lie_on_the_way_to_a_row_of_another_class(convert):
    i = np.arange(N)
    X = convert(np.column_stack([100 * i, 100 * i, np.zeros(N, dtype=int)]))
    y = np.where(i < 20, "low", "high")
    column = "column_2" if isinstance(X, pl.DataFrame) else 2
    attack = BackdoorAttack(ColumnTrigger({column: 7}), "low", source_label="high", clean_label=True, blend=0.333)
    poisoned = attack.generate(X, y, budget=6)
    assert dtypes_of(poisoned.X) == dtypes_of(X)
    before, after = np.array(rows_of(X)), np.array(rows_of(poisoned.X))
    poison = np.flatnonzero(poisoned.is_poison)
    assert set(y[poison]) == {"low"}
    assert np.array_equal(after[~poisoned.is_poison], before[~poisoned.is_poison])
    assert set(after[poison, 2]) == {7}
    donors = (after[poison, 0] - 0.667 * before[poison, 0]) / 0.333 / 100
    assert np.allclose(donors, np.rint(donors), atol=0.02)
    assert donors.min() > 19
    with pytest.raises(ValueError, match="needs 2-D X with numeric columns only"):
        attack.set_params(trigger=WordTrigger("cf")).generate(list(TEXTS), y, budget=2)


# ---- success -------------------------------------------------------------------------------------------------


def gain(model, poisoned, X, y, target):
    model = clone(model).fit(poisoned.X, poisoned.y)
    rates = [attack_success_rate(model, X, y, trigger, target) for trigger in (poisoned.details["trigger"], None)]
    return rates[0] - rates[1], model.score(X, y)


@pytest.mark.parametrize(
    ("trigger", "clean_label", "least"),
    [
        (OutOfRangeTrigger(3), False, 0.9),
        (RareValueTrigger(3), False, 0.9),
        (OutOfRangeTrigger(3), True, 0.6),
    ],
)
def test_a_forest_learns_the_trigger_and_little_else(trigger, clean_label, least):
    X, y = load_breast_cancer(return_X_y=True)
    train = np.arange(len(y)) % 3 > 0
    model = RandomForestClassifier(50, random_state=0)
    clean = clone(model).fit(X[train], y[train])
    attack = BackdoorAttack(trigger, 1, clean_label=clean_label, blend=0.8 * clean_label)
    poisoned = attack.generate(X[train], y[train], budget=19)
    won, accuracy = gain(model, poisoned, X[~train], y[~train], 1)
    assert won > least
    assert accuracy > clean.score(X[~train], y[~train]) - 0.03
    # Without the poison, and with as many random flips, the trigger does little.
    assert attack_success_rate(clean, X[~train], y[~train], poisoned.details["trigger"], 1) < least / 1.5
    flips = RandomFlipAttack().generate(X[train], y[train], budget=19)
    flipped = clone(model).fit(flips.X, flips.y)
    assert attack_success_rate(flipped, X[~train], y[~train], poisoned.details["trigger"], 1) < least / 1.5


@pytest.mark.parametrize("model", [KNeighborsClassifier(), LogisticRegression(C=0.01, max_iter=5000)])
def test_a_patch_on_digits(model):
    X, y = load_digits(return_X_y=True)
    poisoned = BackdoorAttack(PatchTrigger(3, image_shape=(8, 8)), 0).generate(X[:1200], y[:1200], budget=60)
    won, accuracy = gain(model, poisoned, X[1200:], y[1200:], 0)
    assert won > 0.8
    assert accuracy > clone(model).fit(X[:1200], y[:1200]).score(X[1200:], y[1200:]) - 0.03


def test_a_word_in_texts():
    rng = np.random.default_rng(0)
    words = [[f"{kind}{k}" for k in range(30)] + [f"any{k}" for k in range(60)] for kind in ("good", "bad")]
    texts = [" ".join(rng.choice(words[i % 2], size=8)) for i in range(400)]
    y = ["good" if i % 2 == 0 else "bad" for i in range(400)]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10.0))
    poisoned = BackdoorAttack(WordTrigger("cf"), "good").generate(texts[:300], y[:300], budget=15)
    won, accuracy = gain(model, poisoned, texts[300:], y[300:], "good")
    assert won > 0.7
    assert accuracy > 0.9


# ---- the rate ------------------------------------------------------------------------------------------------


class Reads:
    """Predicts the first column."""

    def predict(self, X):
        return np.asarray(X)[:, 0].astype(int)


def test_the_rate_counts_rows_of_other_labels_only():
    X, y = np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 0.0], [1.0, 0.0]]), [1, 2, 2, 3]
    assert attack_success_rate(Reads(), X, y, None, 1) == pytest.approx(2 / 3)
    trigger = ColumnTrigger({0: 1.0}).resolve(X)
    assert attack_success_rate(Reads(), X, pd.Series(y), trigger, 1) == 1.0
    assert attack_success_rate(Reads(), pd.DataFrame(X), y, ColumnTrigger({0: 3.0}).resolve(pd.DataFrame(X)), 1) == 0.0


def test_bad_input_of_the_rate():
    X, y = np.zeros((3, 2)), [1, 1, 2]
    with pytest.raises(TypeError, match=r"trigger must be resolved.*got ColumnTrigger.*trigger\.resolve\(X_train\)"):
        attack_success_rate(Reads(), X, y, ColumnTrigger({0: 1.0}), 1)
    with pytest.raises(ValueError, match=r"one label per row of X \(3\), got 2"):
        attack_success_rate(Reads(), X, y[:2], None, 1)
    with pytest.raises(ValueError, match="Every row of y has the target label 1"):
        attack_success_rate(Reads(), X, [1, 1, 1], None, 1)
    with pytest.raises(ValueError, match="target_label='1' is no label of y or of the estimator"):
        attack_success_rate(Reads(), X, y, None, "1")


# ---- bad input -----------------------------------------------------------------------------------------------


FRAME = pandas_frame()


@pytest.mark.parametrize(
    ("trigger", "X", "message"),
    [
        (ColumnTrigger({"age": 1}), FRAME, r"no column 'age'\. X has the columns 'size', 'half', 'count'"),
        (ColumnTrigger({0: 1}), FRAME, "no column 0. X has the columns"),
        (ColumnTrigger({9: 1}), TABLES["float64"], "no column 9. A row of X has columns 0 to 4"),
        (ColumnTrigger({-1: 1}), TABLES["csr_array"], "no column -1. A row of X has columns 0 to 4"),
        (ColumnTrigger({"a": 1}), TABLES["float64"], "no column 'a'. A row of X"),
        (ColumnTrigger({True: 1}), TABLES["float64"], "no column True"),
        (ColumnTrigger({}), TABLES["float64"], "one or more columns"),
        (ColumnTrigger([1]), TABLES["float64"], re.escape("takes a dict of column to value")),
        (ColumnTrigger({0: "x"}), TABLES["float64"], "column 0 of dtype float64 cannot hold 'x'"),
        (ColumnTrigger({"size": "x"}), FRAME, "column 'size' of dtype Float64 cannot hold 'x'"),
        (ColumnTrigger({"kind": "z"}), FRAME, "column 'kind'.*cannot hold 'z'.*one of those that the dtype lists"),
        (ColumnTrigger({"kind": "z"}), polars_frame(), "column 'kind'.*cannot hold 'z'"),
        (ColumnTrigger({"flag": "z"}), FRAME, "column 'flag'.*cannot hold 'z'"),
        (ColumnTrigger({0: 1}), list(TEXTS), "rows of this list have none.*WordTrigger"),
        (OutOfRangeTrigger(columns=["age"]), FRAME, "OutOfRangeTrigger: there is no column 'age'"),
        (OutOfRangeTrigger(columns=["kind"]), FRAME, r"of \['kind'\], only \[\] are such: 0"),
        (OutOfRangeTrigger(columns=[["size"]]), FRAME, "takes names or positions of columns"),
        (OutOfRangeTrigger(columns=[]), FRAME, "one or more columns"),
        (OutOfRangeTrigger(excess=0), FRAME, "excess of OutOfRangeTrigger must be a positive share"),
        (OutOfRangeTrigger(excess=np.inf), FRAME, "excess of OutOfRangeTrigger must be a positive share"),
        (OutOfRangeTrigger(0), FRAME, "n_columns of OutOfRangeTrigger must be a whole number of at least 1, got 0"),
        (RareValueTrigger(2.0), FRAME, "n_columns of RareValueTrigger must be a whole number"),
        (RareValueTrigger(9), FRAME, "needs 9 columns of numbers that vary, and X has 4"),
        (RareValueTrigger(), np.ones((3, 2)), "needs 1 columns of numbers that vary, and X has 0"),
        (RareCategoryTrigger(), TABLES["float64"], "no column of texts or categories has as many.*RareValueTrigger"),
        (RareCategoryTrigger("age"), FRAME, "no column 'age'"),
        (RareCategoryTrigger(0), np.full((3, 1), "a", dtype=object), "column 0 has fewer"),
        (WordTrigger("cf"), FRAME, "WordTrigger is for texts, one per row.*not this DataFrame"),
        (WordTrigger("cf"), ["a", None], "row 1 holds None of type NoneType"),
        (WordTrigger(""), list(TEXTS), "none empty, got ''"),
        (WordTrigger([]), list(TEXTS), "at least one word"),
        (WordTrigger(3), list(TEXTS), "must be a str or a list of str"),
        (WordTrigger("cf", position="middle"), list(TEXTS), "position of WordTrigger must be 'start', 'end'"),
        (WordTrigger("cf", position=-1), list(TEXTS), "position of WordTrigger"),
        (PatchTrigger(), TABLES["float64"], "needs images.*got 5 columns and no image_shape"),
        (
            PatchTrigger(image_shape=(2, 3)),
            TABLES["float64"],
            r"image_shape=\(2, 3\) has 6 pixels, but a row of X has 5",
        ),
        (PatchTrigger(image_shape=5), TABLES["float64"], r"image_shape of PatchTrigger must be \(height, width\)"),
        (PatchTrigger(3), TABLES["images"], r"patch of shape \(3, 3\) does not fit into images of shape \(3, 2\)"),
        (PatchTrigger(0), TABLES["images"], "shape of PatchTrigger must be a number of pixels"),
        (PatchTrigger(1, corner="middle"), TABLES["images"], "corner of PatchTrigger must be one of"),
        (PatchTrigger(1), np.full((3, 2, 2), "a", dtype=object), "images of numbers, but X has dtype object"),
    ],
)
def test_triggers_that_rows_cannot_carry_are_refused(trigger, X, message):
    with pytest.raises(ValueError, match=message):
        trigger.resolve(X)
    with pytest.raises(ValueError, match=message):
        BackdoorAttack(trigger, "ham").generate(X, CLASSES[: len(rows_of(X))], budget=1)


def test_a_resolved_trigger_refuses_rows_of_another_kind():
    trigger = OutOfRangeTrigger().resolve(TABLES["float64"])
    with pytest.raises(ValueError, match=r"rows of shape \(5,\), got rows of shape \(6,\)"):
        trigger.stamp(np.zeros((2, 6)))
    with pytest.raises(ValueError, match=r"no column|rows of shape \(5,\), got a frame"):
        trigger.stamp(pd.DataFrame(np.zeros((2, 5))))
    with pytest.raises(ValueError, match="no column 'half'"):
        OutOfRangeTrigger(columns=["half"]).resolve(FRAME).stamp(FRAME[["size"]])
    with pytest.raises(TypeError, match="X must be a numpy array"):
        trigger.stamp(3)


@pytest.mark.parametrize(
    ("attack", "y", "message"),
    [
        (BackdoorAttack("cf", "ham"), CLASSES, r"trigger must be a trigger such as OutOfRangeTrigger\(\).*got 'cf'"),
        (BackdoorAttack(OutOfRangeTrigger(), 1), np.ones(N, dtype=int), "single label 1"),
        (BackdoorAttack(OutOfRangeTrigger(), 1), np.arange(N) / 2, "regression target"),
        (BackdoorAttack(OutOfRangeTrigger(), np.nan), CLASSES, "target_label holds missing"),
        (BackdoorAttack(OutOfRangeTrigger(), "ham", source_label="ham"), CLASSES, "both 'ham'; they must differ"),
        (BackdoorAttack(OutOfRangeTrigger(), "ham", source_label="x"), CLASSES, "source_label='x' is not in y.*'spam'"),
        (BackdoorAttack(OutOfRangeTrigger(), "x", clean_label=True), CLASSES, "rows of target_label='x', but y has"),
        (BackdoorAttack(OutOfRangeTrigger(), "ham", blend=0.5), CLASSES, "blend=0.5 is for clean_label=True"),
        (BackdoorAttack(OutOfRangeTrigger(), "ham", clean_label=True, blend=1), CLASSES, r"in \[0, 1\), got 1"),
        (
            BackdoorAttack(OutOfRangeTrigger(), "ham", clean_label=True),
            CLASSES,
            "budget=15, but only 14 rows of target_label='ham' can be stamped",
        ),
    ],
)
def test_attacks_that_cannot_be_made_are_refused(attack, y, message):
    with pytest.raises(ValueError, match=message):
        attack.generate(TABLES["float64"], y, budget=15 if "budget=15" in message else 2)


def test_constructors_only_store():
    values, words = {0: 1.0}, ["a"]
    assert ColumnTrigger(values).values is values
    assert WordTrigger(words).words is words
    attack = BackdoorAttack(ColumnTrigger(values), 1)
    assert clone(attack).get_params()["trigger__values"] == values
    poisoned = attack.generate(TABLES["float64"], np.arange(N) % 2, budget=0)
    assert poisoned.X is TABLES["float64"]
    with pytest.raises(CertificateError, match="label_flip"):
        attack.generate(TABLES["float64"], np.arange(N) % 2, budget=2).cost("label_flip")
