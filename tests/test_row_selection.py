"""Keeping the smallest losses: exactly as many as asked for, ties by content rather than by place."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from robustfit._meta._selection import keep_smallest, row_keys


def never():
    raise AssertionError("no tie decides here")


@pytest.mark.parametrize("n_keep", [0, 1, 7, 20])
def test_the_smallest_are_kept(n_keep):
    losses = np.random.default_rng(0).permutation(20).astype(float)
    np.testing.assert_array_equal(keep_smallest(losses, n_keep, never), losses < n_keep)


def test_ties_are_settled_by_content():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(30, 2)), rng.integers(0, 2, 30)
    losses = np.repeat([0.0, 1.0, 2.0], 10)
    kept = keep_smallest(losses, 14, lambda: row_keys(X, y))
    assert kept.sum() == 14
    order = rng.permutation(30)
    again = keep_smallest(losses[order], 14, lambda: row_keys(X[order], y[order]))
    np.testing.assert_array_equal(again, kept[order])


def test_all_equal_and_not_a_number():
    assert keep_smallest(np.zeros(9), 4, lambda: np.arange(9)).tolist() == [True] * 4 + [False] * 5
    losses = np.array([np.nan, 1.0, np.inf, 0.0])
    assert keep_smallest(losses, 2, never).tolist() == [False, True, False, True]


def test_keys_depend_on_features_and_target_but_not_on_the_container():
    X, y = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0]]), np.array([0, 1, 0])
    keys = row_keys(X, y)
    assert len(set(keys.tolist())) == 3
    np.testing.assert_array_equal(row_keys(csr_array(X), y), keys)
