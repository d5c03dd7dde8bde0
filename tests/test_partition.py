"""Row hash, shard plans and canonical order: content decides, nothing else."""

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from robustfit.partition import HASH_VERSION, ShardPlan, as_rows

ROWS = np.array([[0.0, 0.0, 0.0], [1.0, -2.5, 3e300], [np.nan, np.inf, -np.inf], [5e-324, 1 / 3, -1.0]])
GOLDEN = {
    0: ["8adfdcd812afb124", "1de1db6b30e180ec", "64192f4a6da95cbf", "b970782dc232bb63"],
    1: ["b1dd0691e95d1202", "fc7c3463fb8816ed", "ab740be575a5104f", "89b0db2293f7e62a"],
    2**40: ["4aa0aed0c4ef368e", "ad7e26dae0b25b38", "7542c317168fc258", "b7e726ccb07a0b52"],
}


def hexes(digest):
    return [f"{value:016x}" for value in digest.tolist()]


@pytest.mark.parametrize("salt", GOLDEN)
def test_golden_digests_of_numbers(salt):
    assert HASH_VERSION == 1
    assert hexes(as_rows(ROWS).digest(salt)) == GOLDEN[salt]


def test_golden_digests_of_texts_objects_and_groups():
    assert hexes(as_rows(["", "spam", "naïve café ☕"]).digest(0)) == [
        "3368185abdbc798f",
        "22a90bb4f47b917e",
        "cabbab5360f7f5e8",
    ]
    mixed = np.array([["a", 1, None], ["b", 2**60 + 1, b"x"]], dtype=object)
    assert hexes(as_rows(mixed).digest(0)) == ["482e1d597a8c8ae1", "0deb3ce5e42f478b"]
    groups = np.array(["alice", "bob", "carol", "alice", ""], dtype=object)
    assert ShardPlan.by_groups(np.zeros((5, 1)), groups, n_partitions=7).shard.tolist() == [1, 4, 6, 1, 4]
    assert ShardPlan.by_groups(np.zeros((3, 1)), [1, 2, 10**9], n_partitions=7).shard.tolist() == [6, 6, 0]


finite_or_not = st.floats(width=64)


@given(hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=finite_or_not))
def test_containers_agree(X):
    digest = as_rows(X).digest(3)
    names = [f"c{j}" for j in range(X.shape[1])]
    # The zeros of a dense row are no entries of a sparse one, whatever their sign.
    for same in (
        sp.csr_matrix(X),
        sp.csr_array(X),
        np.asfortranarray(X),
        X.astype(object),
        pd.DataFrame(X, columns=names),
        pl.DataFrame(X, schema=names, orient="row"),
        np.where(X == 0, -0.0, X),
    ):
        np.testing.assert_array_equal(as_rows(same).digest(3), digest)
    assert np.all(as_rows(X[::-1]).digest(3) == digest[::-1])
    with np.errstate(over="ignore"):
        narrow = X.astype(np.float32)
    np.testing.assert_array_equal(
        ShardPlan.by_content(narrow, n_partitions=5).shard,
        ShardPlan.by_content(narrow.astype(np.float64), n_partitions=5).shard,
    )


def test_unsorted_and_explicit_zero_entries_carry_no_meaning():
    dense = np.array([[0.0, 2.0, 0.0, 1.0]])
    messy = sp.csr_matrix((np.array([1.0, 0.0, 1.5, 0.5]), np.array([3, 0, 1, 1]), np.array([0, 4])), shape=(1, 4))
    assert as_rows(messy).digest(0) == as_rows(dense).digest(0)
    assert messy.nnz == 4
    np.testing.assert_array_equal(as_rows(messy).take(np.array([0])).toarray(), dense)


def test_frames_of_mixed_columns_agree():
    columns = {
        "number": [1.5, None, 2.0],
        "whole": [1, 2, 3],
        "huge": [2**60 + 1, 2**60 + 2, 5],
        "text": ["a", None, "é"],
        "flag": [True, False, True],
    }
    pandas = pd.DataFrame(columns)
    polars = pl.DataFrame(columns)
    pandas["kind"] = pd.Categorical(["u", "v", None])
    polars = polars.with_columns(pl.Series("kind", ["u", "v", None], dtype=pl.Enum(["u", "v"])))
    pandas["when"] = pd.to_datetime(pd.Series(["2020-01-01 00:00", "2021-03-04 05:06", None]))
    polars = polars.with_columns(pl.from_pandas(pandas["when"]))
    expected = as_rows(pandas).digest(0)
    np.testing.assert_array_equal(as_rows(polars).digest(0), expected)
    np.testing.assert_array_equal(as_rows(pandas.astype(object).to_numpy()).digest(0), expected)
    # Beyond 2^53 float64 would merge neighbours.
    assert expected[0] != as_rows(pandas.assign(huge=2**60)).digest(0)[0]


def test_every_cell_and_position_counts():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1, 6))
    digest = as_rows(X).digest(0)[0]
    for j in range(6):
        changed = X.copy()
        changed[0, j] = np.nextafter(X[0, j], 9)
        assert as_rows(changed).digest(0)[0] != digest
    assert as_rows(X[:, ::-1]).digest(0)[0] != digest
    assert as_rows(X).digest(1)[0] != digest


def test_shards_are_balanced_on_coarse_data():
    X = np.stack(np.meshgrid(*[np.arange(16) / 16] * 4), axis=-1).reshape(-1, 4)
    sizes = np.bincount(ShardPlan.by_content(X, n_partitions=64).shard, minlength=64)
    # 65 536 rows: five standard deviations around the mean of 1 024.
    assert abs(sizes - 1024).max() < 5 * 32


def test_fresh_processes_agree():
    code = (
        "import numpy as np; from robustfit.partition import as_rows;"
        "print(as_rows(np.arange(12.0).reshape(4, 3)).digest(5).tolist(), as_rows(['a', 'b']).digest(5).tolist())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PATH": ""}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "random")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(
    "container", [np.asarray, sp.csr_matrix, lambda X: pd.DataFrame(X, columns=list("abc")), lambda X: X.astype(object)]
)
def test_canonical_order_ignores_input_order(container):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, size=(60, 3)).astype(float)
    y = rng.integers(0, 3, size=60)
    weight = rng.choice([0.5, 1.0], size=60)
    reference = None
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(60)
        rows = as_rows(container(X[order]))
        plan = ShardPlan.by_content(rows, n_partitions=4)
        split = plan.split(rows, [y[order], weight[order]])
        content = [np.column_stack([X[order][i], y[order][i], weight[order][i]]).tolist() for i in split]
        reference = reference or content
        assert content == reference


def test_forged_collisions_are_sorted_by_bytes(monkeypatch):
    """With all digests equal, order still follows content, then labels."""
    for container in (np.asarray, sp.csr_matrix, lambda X: pd.DataFrame(X, columns=["a", "b"])):
        contents = []
        X = np.array([[2.0, 1.0], [0.0, 3.0], [2.0, 0.0], [0.0, 0.0]])
        for order in ([0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 0, 1]):
            rows = as_rows(container(X[order]))
            monkeypatch.setattr(rows, "digest", lambda salt: np.zeros(4, dtype=np.uint64))
            plan = ShardPlan.by_content(rows, n_partitions=1)
            contents.append(X[order][plan.split(rows, [np.zeros(4)])[0]].tolist())
        assert contents == [[[0, 0], [0, 3], [2, 0], [2, 1]]] * 3


def test_dropped_rows_are_in_no_shard():
    X = np.arange(20.0).reshape(10, 2)
    rows = as_rows(X)
    plan = ShardPlan.by_content(rows, n_partitions=3)
    keep = np.arange(10) % 2 == 0
    split = plan.split(rows, [np.zeros(10)], keep)
    assert sorted(np.concatenate(split).tolist()) == [0, 2, 4, 6, 8]


def test_cells_of_unknown_kind():
    with pytest.raises(TypeError, match="Convert the column"):
        as_rows(np.array([[{"a": 1}]], dtype=object)).digest(0)
    with pytest.raises(TypeError, match="argument must be a string, a real number"):
        as_rows(np.array([[1j]], dtype=object)).digest(0)
