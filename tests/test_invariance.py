"""Row order, precision, container, parallelism and process change neither shards nor votes."""

import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from families import ARRAY_BASES, FRAME_BASE, LEAN_BASES, TEXT_BASE, cancer, diabetes, frames, member_hashes, texts
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from robustfit import PartitionClassifier, PartitionRegressor
from robustfit.learners import KernelRidgeClassifier

pytestmark = pytest.mark.filterwarnings(
    "ignore::robustfit.ensemble.PartitionWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:The least populated class in y:UserWarning",
    "ignore:The covariance matrix:",
)

# Name and engine; what the lean engine takes runs on both.
BASES = {name: (base, "auto") for name, base in ARRAY_BASES.items()} | {
    f"{name}, {engine}": (base, engine) for name, base in LEAN_BASES.items() for engine in ("lean", "generic")
}


def ensemble_of(name, **params):
    base, engine = BASES[name]
    return PartitionClassifier(base, engine=engine, **params)


@pytest.mark.parametrize("name", BASES)
def test_row_order(name):
    X, y, X_test = cancer()
    # Duplicates with other labels: sorting by the features alone would keep them in input order.
    X, y = np.vstack([X, X[:40]]), np.concatenate([y, 1 - y[:40]])
    ensemble = ensemble_of(name, n_partitions=8)
    hashes, votes = member_hashes(ensemble.fit(X, y)), ensemble.votes(X_test)
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(len(y))
        ensemble.fit(X[order], y[order])
        assert member_hashes(ensemble) == hashes
        np.testing.assert_array_equal(ensemble.votes(X_test), votes)


def test_row_order_of_frames_texts_and_regressors():
    rng = np.random.default_rng(0)
    X, y, X_test = frames()
    order = rng.permutation(len(y))
    ensemble = PartitionClassifier(FRAME_BASE, n_partitions=8)
    hashes = member_hashes(ensemble.fit(X, y))
    assert member_hashes(ensemble.fit(X.iloc[order], y[order])) == hashes
    X, y, X_test = texts()
    ensemble = PartitionClassifier(TEXT_BASE, n_partitions=8)
    hashes = member_hashes(ensemble.fit(X, y))
    assert member_hashes(ensemble.fit([X[i] for i in order], y[order])) == hashes
    X, y, X_test = diabetes()
    ensemble = PartitionRegressor(n_partitions=8)
    votes = ensemble.fit(X, y).votes(X_test)
    np.testing.assert_array_equal(ensemble.fit(X[order], y[order]).votes(X_test), votes)


@pytest.mark.parametrize("name", BASES)
def test_single_precision_copies(name):
    X, y, X_test = cancer()
    X, X_test = X.astype(np.float32), X_test.astype(np.float32)
    ensemble = ensemble_of(name, n_partitions=8)
    narrow = ensemble.fit(X, y).votes(X_test)
    wide = ensemble.fit(X.astype(np.float64), y).votes(X_test.astype(np.float64))
    np.testing.assert_array_equal(narrow, wide)
    frame = pd.DataFrame(X)
    np.testing.assert_array_equal(ensemble.fit(frame, y).votes(pd.DataFrame(X_test)), wide)


@pytest.mark.parametrize(
    "base",
    [
        LogisticRegression(tol=1e-10, max_iter=10_000),
        DecisionTreeClassifier(),
        MultinomialNB(),
        KNeighborsClassifier(1, algorithm="brute"),
        RidgeClassifier(),
        LinearSVC(dual=False, tol=1e-10),
        NearestCentroid(),
        KernelRidgeClassifier(0.1),
    ],
)
def test_sparse_equals_dense(base):
    rng = np.random.default_rng(0)
    X = rng.poisson(0.4, size=(480, 20)) * rng.uniform(0.5, 1.5, size=(480, 20))
    y = (X[:, :10].sum(axis=1) > X[:, 10:].sum(axis=1)).astype(int)[:400]
    X, X_test = X[:400], X[400:]
    ensemble = PartitionClassifier(base, n_partitions=8)
    dense = ensemble.fit(X, y).votes(X_test)
    sizes = ensemble.shard_sizes_
    for kind in (sp.csr_matrix, sp.csc_matrix, sp.csr_array):
        np.testing.assert_array_equal(ensemble.fit(kind(X), y).votes(kind(X_test)), dense)
        np.testing.assert_array_equal(ensemble.shard_sizes_, sizes)


@pytest.mark.parametrize("name", ["scaled logistic", "tree", "SVC", "naive Bayes", "boosting", "logistic, lean"])
def test_data_frames_equal_arrays(name):
    X, y, X_test = cancer()
    names = [f"f{j}" for j in range(X.shape[1])]
    ensemble = ensemble_of(name, n_partitions=8)
    expected = ensemble.fit(X, y).votes(X_test)
    sizes = ensemble.shard_sizes_
    for make in (pd.DataFrame, pl.DataFrame):
        ensemble.fit(make(dict(zip(names, X.T, strict=True))), y)
        np.testing.assert_array_equal(ensemble.shard_sizes_, sizes)
        np.testing.assert_array_equal(ensemble.votes(make(dict(zip(names, X_test.T, strict=True)))), expected)


def test_mixed_frames_of_pandas_and_polars_agree():
    X, y, X_test = frames()
    ensemble = PartitionClassifier(FRAME_BASE, n_partitions=8)
    expected = ensemble.fit(X, y).votes(X_test)
    # Fitted on one library, asked in the other.
    np.testing.assert_array_equal(ensemble.votes(pl.from_pandas(X_test)), expected)
    swapped = ensemble.fit(pl.from_pandas(X), y)
    np.testing.assert_array_equal(swapped.votes(pl.from_pandas(X_test)), expected)
    np.testing.assert_array_equal(swapped.votes(X_test), expected)


def test_text_containers_agree():
    X, y, X_test = texts()
    ensemble = PartitionClassifier(TEXT_BASE, n_partitions=8)
    expected = ensemble.fit(X, y).votes(X_test)
    for kind in (np.array, pd.Series, pl.Series, tuple, lambda t: np.array(t, dtype=object)):
        np.testing.assert_array_equal(ensemble.fit(kind(X), y).votes(kind(X_test)), expected)


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("name", ["scaled logistic", "boosting", "SGD", "logistic, lean", "kernel ridge, lean"])
def test_jobs_and_backends(name, backend):
    X, y, X_test = cancer()
    ensemble = ensemble_of(name, n_partitions=9)
    hashes, votes = member_hashes(ensemble.fit(X, y)), ensemble.votes(X_test)
    with joblib.parallel_config(backend=backend):
        ensemble.set_params(n_jobs=2).fit(X, y)
        assert member_hashes(ensemble) == hashes
        np.testing.assert_array_equal(ensemble.votes(X_test), votes)


@pytest.mark.parametrize("name", ["scaled logistic", *(name for name in BASES if "lean" in name)])
def test_blocks_of_test_rows(name):
    X, y, X_test = cancer()
    ensemble = ensemble_of(name, n_partitions=9).fit(X, y)
    whole = ensemble.votes(X_test)
    parts = np.vstack([ensemble.votes(X_test[i : i + 7]) for i in range(0, len(X_test), 7)])
    np.testing.assert_array_equal(parts, whole)


def test_process_and_hash_seed():
    code = (
        "import sys; sys.path.insert(0, 'tests')\n"
        "import warnings; warnings.simplefilter('ignore')\n"
        "from families import *; from robustfit import PartitionClassifier\n"
        "for X, y, T, base in ((*cancer(), SCALED), (*texts(), TEXT_BASE)):\n"
        "    print(joblib.hash(PartitionClassifier(base, n_partitions=8).fit(X, y).votes(T)))\n"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads, "PATH": ""},
            capture_output=True,
            check=True,
        ).stdout
        for seed, threads in (("0", "1"), ("1", "2"))
    }
    assert len(outputs) == 1


def test_members_cannot_spoil_the_test_rows_of_the_next():
    """A pipeline that scales in place must not hand its scaled rows to the other members."""
    X, y, X_test = cancer()
    kept = X_test.copy()
    in_place = make_pipeline(MaxAbsScaler(copy=False), LogisticRegression())
    by_copy = make_pipeline(MaxAbsScaler(), LogisticRegression())
    one = PartitionClassifier(in_place, n_partitions=6).fit(X, y).votes(X_test)
    other = PartitionClassifier(by_copy, n_partitions=6).fit(X, y).votes(X_test)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(X_test, kept)


def test_repeated_rows_equal_weights():
    X, y, X_test = cancer()
    weight = np.random.default_rng(0).integers(0, 4, len(y))
    tree = DecisionTreeClassifier(max_depth=3)
    weighted = PartitionClassifier(tree, n_partitions=6).fit(X, y, sample_weight=weight)
    repeated = PartitionClassifier(tree, n_partitions=6).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    np.testing.assert_array_equal(weighted.votes(X_test), repeated.votes(X_test))
