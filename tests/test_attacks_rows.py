"""Random and distorted rows: every cell from its own column, and nothing moved that is no number."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression

from robustfit.attacks import DistortionAttack, RandomRowAttack
from robustfit.attacks._random_cells import random_rows

N = 80


def frames():
    i = np.arange(N)
    columns = {
        "size": np.where(i % 4 == 0, np.nan, i * 0.5),
        "count": i % 5,
        "flag": i % 10 == 0,
        "place": [None if k % 2 == 0 else f"town {k % 3}" for k in range(N)],
    }
    pandas = pd.DataFrame(columns)
    pandas["kind"] = pd.Categorical(np.array(["a", "b"])[i % 2], categories=["b", "a", "unused"])
    pandas["maybe"] = pd.array([None if k % 4 == 0 else k for k in range(N)], dtype="Int64")
    kind = pl.Series("kind", ["a", "b"] * (N // 2), dtype=pl.Enum(["b", "a", "unused"]))
    maybe = pl.Series("maybe", [None if k % 4 == 0 else k for k in range(N)])
    return {"pandas": pandas, "polars": pl.DataFrame(columns).with_columns(kind, maybe)}


Y = np.arange(N) % 2


def column(frame, name):
    return frame[name].astype(object).tolist() if isinstance(frame, pd.DataFrame) else frame[name].to_list()


def missing(value):
    return value is None or value is pd.NA or value != value


# ---- random rows ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_cells_of_mixed_columns_are_drawn_from_their_own_column(kind):
    X = frames()[kind]
    poisoned = RandomRowAttack().generate(X, Y, budget=2000)
    drawn = poisoned.X[N:]
    for name in ("count", "flag", "place", "kind", "maybe"):
        known = [v for v in column(X, name) if not missing(v)]
        seen = [v for v in column(drawn, name) if not missing(v)]
        assert set(seen) == set(known), name
        # Rare values are as likely as frequent ones.
        share = np.unique(np.array(seen, dtype=str), return_counts=True)[1] / len(seen)
        assert share.max() < 1.6 / len(set(known)), name
    size = np.array(column(drawn, "size"), dtype=float)
    assert np.nanmin(size) >= 0.5
    assert np.nanmax(size) <= 39.5
    assert len(set(size[~np.isnan(size)])) > 1400
    for name, share in (("size", 0.25), ("place", 0.5), ("maybe", 0.25)):
        assert np.mean([missing(v) for v in column(drawn, name)]) == pytest.approx(share, abs=0.05), name


def test_cells_are_independent_of_each_other_and_uniform_over_the_range():
    x = np.random.default_rng(0).normal(size=N)
    X = np.column_stack([x, x, x**3])
    rows = RandomRowAttack().generate(X, Y, budget=4000).X[N:]
    assert np.abs(np.corrcoef(rows.T) - np.eye(3)).max() < 0.06
    unit = (rows - X.min(axis=0)) / np.ptp(X, axis=0)
    assert np.allclose(np.quantile(unit, [0.25, 0.5, 0.75], axis=0).T, [0.25, 0.5, 0.75], atol=0.04)


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("dtype", [float, np.float32, int])
def test_sparse_rows_store_as_much_as_their_columns(kind, dtype):
    rng = np.random.default_rng(0)
    share = np.array([0.0, 0.02, 0.3, 1.0])
    dense = np.where(rng.random((500, 4)) < share, rng.integers(3, 9, size=(500, 4)), 0).astype(dtype)
    dense[7, 1] = 5
    poisoned = RandomRowAttack().generate(kind(dense), np.arange(500) % 2, budget=3000)
    rows = poisoned.X.toarray()[500:]
    assert np.allclose((rows != 0).mean(axis=0), (dense != 0).mean(axis=0), atol=0.03)
    stored = rows[rows != 0]
    assert stored.min() >= 3
    assert stored.max() <= 8
    assert (len(np.unique(stored)) <= 6) == (dtype is int)


def test_sparse_infinities_and_doubled_entries():
    X = sparse.csr_array((np.array([1.0, 2.0, np.inf, 4.0]), [0, 0, 1, 1], [0, 2, 4]), shape=(2, 3))
    rows = random_rows(X, 50, np.random.default_rng(0)).toarray()
    assert set(rows[:, 0]) <= {0.0, 3.0}
    assert set(rows[:, 2]) == {0.0}
    assert X.nnz == 4


def test_objects_without_a_hash_and_equal_values_of_several_types():
    X = np.empty((4, 2), dtype=object)
    X[:, 0] = [1, True, 1.0, "1"]
    for row in range(4):
        X[row, 1] = [row]
    rows = RandomRowAttack().generate(X, [0, 1, 0, 1], budget=200).X[4:]
    assert {(type(v), v) for v in rows[:, 0]} == {(int, 1), (bool, True), (float, 1.0), (str, "1")}
    assert sorted(map(repr, {v[0] for v in rows[:, 1]})) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, bool])
def test_columns_of_whole_numbers_and_flags(dtype):
    X = np.column_stack([np.r_[np.zeros(99), 1], np.full(100, 7)]).astype(dtype)
    rows = RandomRowAttack().generate(X, np.arange(100) % 2, budget=400).X[100:]
    assert rows.dtype == dtype
    assert 0.4 < rows[:, 0].mean() < 0.6
    assert np.all(rows[:, 1] == X[0, 1])


def test_columns_of_nothing_but_missing_values_and_of_huge_numbers():
    X = np.array([[np.nan, -1.7e308, np.inf], [np.nan, 1.7e308, 2.0]])
    rows = RandomRowAttack().generate(X, [0, 1], budget=300).X[2:]
    assert np.isnan(rows[:, 0]).all()
    assert np.isfinite(rows[:, 1]).all()
    assert (rows[:, 1] > 0).mean() == pytest.approx(0.5, abs=0.1)
    assert set(rows[:, 2]) == {2.0, np.inf}


def test_labels_are_drawn_from_the_classes_or_the_range():
    X = np.zeros((100, 1))
    y = np.array(["rare"] * 2 + ["often"] * 98)
    labels = RandomRowAttack().generate(X, y, budget=1000).y[100:]
    assert (labels == "rare").mean() == pytest.approx(0.5, abs=0.05)
    assert set(RandomRowAttack("new").generate(X, y, budget=5).y[100:]) == {"new"}
    target = np.r_[np.zeros(99), 10.0].astype(np.float32)
    drawn = RandomRowAttack().generate(X, target, budget=1000).y[100:]
    assert drawn.dtype == np.float32
    assert drawn.mean() == pytest.approx(5.0, abs=0.3)
    assert RandomRowAttack(3.5).generate(X, target, budget=2).y[-2:].tolist() == [3.5, 3.5]


def test_random_rows_of_one_class_need_a_label():
    with pytest.raises(ValueError, match=r"y has the single value 'a', so no other can be drawn\. Pass label="):
        RandomRowAttack().generate(np.zeros((3, 1)), ["a"] * 3, budget=1)
    assert RandomRowAttack("b").generate(np.zeros((3, 1)), ["a"] * 3, budget=1).y == ["a", "a", "a", "b"]


def test_random_rows_belong_to_groups_that_are_there():
    groups = np.repeat(["first", "second"], N // 2)
    poisoned = RandomRowAttack().generate(np.zeros((N, 1)), Y, budget=30, groups=groups)
    assert set(poisoned.groups[N:]) == {"first", "second"}


def test_random_rows_spoil_a_regression():
    X = np.random.default_rng(0).normal(size=(N, 3))
    y = X @ [1.0, 2.0, 3.0]
    poisoned = RandomRowAttack().generate(X, y, budget=N)
    assert LinearRegression().fit(poisoned.X, poisoned.y).score(X, y) < 0.9


# ---- distorted rows ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.5, 5.0])
def test_noise_has_the_scale_that_it_is_given(scale):
    X = np.random.default_rng(0).normal(scale=[1.0, 100.0, 1e-6], size=(3000, 3))
    poisoned = DistortionAttack(scale).generate(X, np.zeros(3000), budget=3000)
    moves = (poisoned.X - X) / X.std(axis=0)
    assert np.allclose(moves.std(axis=0), scale, rtol=0.06)
    assert np.allclose(moves.mean(axis=0), 0.0, atol=0.1 * scale)
    assert poisoned.y.tolist() == [0.0] * 3000


@pytest.mark.parametrize(("share", "cells"), [(1.0, 6), (0.5, 3), (0.01, 1)])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array, pd.DataFrame, pl.DataFrame])
def test_a_share_of_each_rows_numbers_is_distorted(share, cells, convert):
    X = np.random.default_rng(0).normal(size=(50, 6))
    poisoned = DistortionAttack(share=share).generate(convert(X), Y[:50], budget=20)
    after = poisoned.X.toarray() if sparse.issparse(poisoned.X) else np.asarray(poisoned.X)
    counts = (after != X).sum(axis=1)
    assert counts[poisoned.is_poison].tolist() == [cells] * 20
    assert counts.sum() == 20 * cells


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_only_numbers_that_are_there_are_distorted(kind):
    X = frames()[kind]
    poisoned = DistortionAttack().generate(X, Y, budget=N)
    for name in ("flag", "place", "kind"):
        assert column(poisoned.X, name) == column(X, name)
    before, after = column(X, "maybe"), column(poisoned.X, "maybe")
    assert [missing(v) for v in before] == [missing(v) for v in after]
    assert all(missing(old) or old != new for old, new in zip(before, after, strict=True))
    assert all(a != b for a, b in zip(column(X, "count"), column(poisoned.X, "count"), strict=True))
    assert np.isnan(np.array(column(poisoned.X, "size"), dtype=float)).sum() == N // 4


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int64, np.uint64])
def test_whole_numbers_stay_whole_and_within_their_dtype(dtype):
    info = np.iinfo(dtype)
    X = np.array([[info.min, 3], [info.max, 3], [5, 3], [6, 3]], dtype=dtype)
    for scale in (1e-9, 10.0):
        poisoned = DistortionAttack(scale).generate(X, [0, 1, 0, 1], budget=4)
        assert poisoned.X.dtype == dtype
        assert np.all(poisoned.X[:, 0] != X[:, 0])
        assert np.all(poisoned.X[:, 1] == 3)


def test_images_of_any_shape_and_sparse_rows_without_entries():
    X = np.random.default_rng(0).random((10, 4, 3, 2)).astype(np.float32)
    poisoned = DistortionAttack().generate(X, np.arange(10), budget=3)
    assert poisoned.X.shape == X.shape
    assert np.all(poisoned.X[poisoned.is_poison] != X[poisoned.is_poison])
    thin = sparse.csr_array(np.array([[0.0, 1.0], [0.0, 0.0], [2.0, 0.0]]))
    assert DistortionAttack().generate(thin, [0, 1, 2], budget=2).removed.tolist() == [0, 2]
    with pytest.raises(ValueError, match="budget=3, but only 2 rows can be distorted: others hold no number"):
        DistortionAttack().generate(thin, [0, 1, 2], budget=3)


@pytest.mark.parametrize("convert", [np.array, sparse.csr_array, pd.DataFrame])
def test_columns_that_do_not_vary_or_overflow_stay(convert):
    X = convert([[1.0, 1e300, 2.0], [2.0, -1e300, 2.0], [3.0, 1e300, 2.0]])
    poisoned = DistortionAttack().generate(X, [0, 1, 2], budget=3)
    before, after = (np.asarray(x.toarray() if sparse.issparse(x) else x) for x in (X, poisoned.X))
    assert np.array_equal(before[:, 1], after[:, 1])
    if not sparse.issparse(X):
        assert np.array_equal(before[:, 2], after[:, 2])
    with pytest.raises(ValueError, match="none in a column that varies. Use RandomRowAttack"):
        DistortionAttack().generate(np.ones((3, 2)), [0, 1, 2], budget=1)


def test_distortion_is_about_features_and_needs_no_second_class():
    X = np.random.default_rng(0).normal(size=(5, 2))
    assert DistortionAttack().generate(X, ["a"] * 5, budget=5).cost("modify") == 5


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (DistortionAttack(scale=0), "scale must be a positive number of standard deviations, got 0"),
        (DistortionAttack(scale=np.inf), "scale must be a positive number"),
        (DistortionAttack(scale="big"), "scale must be a positive number of standard deviations, got 'big'"),
        (DistortionAttack(share=0.0), r"share must be a share of a row's numbers in \(0, 1\], got 0\.0"),
        (DistortionAttack(share=1.5), "share must be"),
        (DistortionAttack(share=True), "share must be"),
    ],
)
def test_bad_parameters_are_refused(attack, message):
    with pytest.raises(ValueError, match=message):
        attack.generate(np.eye(3), [0, 1, 0], budget=1)
