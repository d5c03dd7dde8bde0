"""Attacks from outside: whatever a function returns is checked before it is poison."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_regression
from sklearn.svm import SVC

from robustfit.attacks import ExternalAttack

N = 40


@pytest.fixture
def data():
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[:N, :5].copy(), y[:N].copy()
    X.flags.writeable = y.flags.writeable = False
    return X, y


def copies(X, y, budget, seed):
    rows = np.random.default_rng(seed).choice(len(y), budget)
    return X[rows] + 0.5, 1 - y[rows]


def flips(X, y, budget, seed):
    rows = np.random.default_rng(seed).permutation(len(y))[:budget]
    return rows, 1 - y[rows]


def returns(*parts):
    return lambda X, y, budget, seed: parts if len(parts) > 1 else parts[0]


def test_rows_are_inserted_after_the_clean_ones(data):
    X, y = data
    poisoned = ExternalAttack(copies).generate(X, y, budget=7)
    assert poisoned.is_poison.tolist() == [False] * N + [True] * 7
    np.testing.assert_array_equal(poisoned.X[:N], X)
    assert poisoned.cost("insert_delete") == 7
    assert ExternalAttack(copies).generate(X, y, budget=3 * N).cost("insert_delete") == 3 * N


def test_labels_are_flipped_in_place(data):
    X, y = data
    poisoned = ExternalAttack(flips, kind="flip").generate(X, y, budget=7)
    assert poisoned.cost("label_flip") == 7
    assert (poisoned.y != y).sum() == 7
    assert poisoned.X is X
    with pytest.raises(ValueError, match=f"budget={N + 1}, but only {N} rows can be flipped"):
        ExternalAttack(flips, kind="flip").generate(X, y, budget=N + 1)


@pytest.mark.parametrize(("function", "kind"), [(copies, "insert"), (flips, "flip")])
def test_same_seed_same_poison(data, function, kind):
    first, again, other = (
        clone(ExternalAttack(function, kind=kind)).generate(*data, budget=6, random_state=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)
    assert not (np.array_equal(first.X, other.X) and np.array_equal(first.y, other.y))


def test_the_function_gets_copies_and_whole_numbers(data):
    X, y = data
    seen = []

    def spoil(X, y, budget, seed):
        seen.extend([X.dtype, X.shape, type(budget), type(seed)])
        rows, labels = X[:budget] + 1, y[:budget].copy()
        X[:], y[:] = 0, 0
        return rows, labels

    poisoned = ExternalAttack(spoil).generate(X, y, budget=2)
    assert seen == [np.float64, (N, 5), int, int]
    np.testing.assert_array_equal(poisoned.X[:N], X)
    np.testing.assert_array_equal(poisoned.y[:N], y)


@pytest.mark.parametrize("kind", ["csr", "csc", "float32", "frame", "int"])
def test_containers_come_back_as_they_are(data, kind):
    X, y = data
    make = {
        "csr": sparse.csr_array,
        "csc": sparse.csc_matrix,
        "float32": np.float32,
        "frame": lambda rows: pd.DataFrame(rows, columns=list("abcde")),
        "int": lambda rows: rows.astype(int),
    }[kind]
    rows = make(X)
    poisoned = ExternalAttack(copies).generate(rows, pd.Series(y, name="sick"), budget=4)
    assert type(poisoned.X) is type(rows)
    assert poisoned.X.shape == (N + 4, 5)
    assert poisoned.y.name == "sick"


def test_labels_keep_their_type(data):
    X, y = data
    names = np.array(["malignant", "benign"])[y]
    poisoned = ExternalAttack(lambda X, y, budget, seed: (X[:budget], y[:budget])).generate(X, names, budget=3)
    assert poisoned.y.dtype == names.dtype
    as_floats = ExternalAttack(lambda X, y, budget, seed: (X[:budget], [1.0] * budget)).generate(X, y, budget=3)
    assert as_floats.y.dtype == y.dtype


def test_groups_of_inserted_rows_are_known_ones(data):
    groups = np.arange(N) % 4
    poisoned = ExternalAttack(copies).generate(*data, budget=9, groups=groups)
    assert set(poisoned.groups[N:].tolist()) <= {0, 1, 2, 3}


def test_regression_targets():
    X, y = make_regression(n_samples=N, n_features=3, random_state=0)
    poisoned = ExternalAttack(lambda X, y, budget, seed: (X[:budget], [1e3] * budget)).generate(X, y, budget=3)
    assert poisoned.y[N:].tolist() == [1e3] * 3
    with pytest.raises(ValueError, match="the returned labels holds missing or infinite values"):
        ExternalAttack(lambda X, y, budget, seed: (X[:budget], [np.nan] * budget)).generate(X, y, budget=3)


def test_an_outside_gradient_step_hurts(data):
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)

    def push(X, y, budget, seed):
        """Rows of one class, moved far along the weights of a linear SVM, under the other label."""
        weights = SVC(kernel="linear", C=0.1).fit(X, y).coef_[0]
        rows = np.random.default_rng(seed).choice(np.flatnonzero(y == 1), budget)
        return X[rows] + 3 * weights / np.linalg.norm(weights), np.zeros(budget, dtype=int)

    poisoned = ExternalAttack(push).generate(X[::2], y[::2], budget=28)
    victim = SVC(kernel="linear", C=0.1)
    clean, hurt = (victim.fit(*part).score(X[1::2], y[1::2]) for part in ((X[::2], y[::2]), (poisoned.X, poisoned.y)))
    assert hurt < clean - 0.02


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (returns(np.zeros((3, 5))), "insert", r"must return a pair, \(rows, labels\), got ndarray"),
        (
            returns(np.zeros((2, 5)), [0, 1, 0]),
            "insert",
            r"3 rows, as the budget says, of 5 columns, got shape \(2, 5\)",
        ),
        (returns(np.zeros((3, 4)), [0, 1, 0]), "insert", r"of 5 columns, got shape \(3, 4\)"),
        (
            returns(np.zeros((3, 5)), [0, 1]),
            "insert",
            r"3 labels, as the budget says, in shape \(3,\), got shape \(2,\)",
        ),
        (returns(np.zeros((3, 5)), np.eye(3, 2)), "insert", r"one-hot codes take classes\[codes"),
        (returns(np.zeros((3, 5)), [0, 1, 7]), "insert", r"labels that y does not have: \[7\]. Known are \[0, 1\]"),
        (returns(np.full((3, 5), np.nan), [0, 1, 0]), "insert", "features that are NaN or infinite"),
        (returns([["a"] * 5] * 3, [0, 1, 0]), "insert", "must return rows of numbers"),
        (returns([0, 1], [0, 1, 0]), "flip", r"3 positions of rows.*got shape \(2,\)"),
        (returns([0.0, 1.0, 2.0], [0, 1, 0]), "flip", "as whole numbers"),
        (returns([0, 0, 1], [1, 1, 1]), "flip", f"different positions from 0 to {N - 1}"),
        (returns([0, 1, N], [1, 1, 1]), "flip", "different positions"),
        (returns([-1, 1, 2], [1, 1, 1]), "flip", "different positions"),
        (returns([0, 1, 2], [0, 1, 1]), "flip", "the label that the row has already, for 1 rows"),
        (copies, "modify", "kind must be 'insert' or 'flip', got 'modify'"),
    ],
)
def test_what_a_function_must_not_return(data, function, kind, message):
    with pytest.raises(ValueError, match=message):
        ExternalAttack(function, kind=kind).generate(*data, budget=3)


def test_what_is_no_function_and_what_are_no_numbers(data):
    X, y = data
    with pytest.raises(TypeError, match=r"callable as function\(X, y, budget, seed\), got 'art'"):
        ExternalAttack("art").generate(X, y, budget=1)
    with pytest.raises(ValueError, match="needs 2-D X with numeric columns"):
        ExternalAttack(copies).generate(["a", "b"], [0, 1], budget=1)
