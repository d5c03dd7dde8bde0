"""Sanitizers that judge rows by what they have in common: a rare value and a label, or all but the label."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import binom
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from robustfit.attacks import BackdoorAttack, ClusterMatchAttack, OutOfRangeTrigger, RareValueTrigger
from robustfit.sanitize import ContradictionSanitizer, RowNormalizer, ShortcutSanitizer
from robustfit.sanitize._column_groups import pure_groups
from robustfit.sanitize._column_units import ColumnUnits
from robustfit.sanitize._leave_cluster_out._references import (
    Problem,
    minimise,
    weights_left_out,
    weights_roughly_left_out,
    with_ones,
)
from robustfit.sanitize._leave_cluster_out._views import ClassView
from robustfit.sanitize._shortcuts import log_tail_bound

BOTH = [ContradictionSanitizer, ShortcutSanitizer]


def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def planes(n=400, d=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, np.where(X[:, :3].sum(axis=1) > 0, "a", "b")


def backdoored(n_bad=20, value=4.5, **given):
    X, y = planes(**given)
    bad = np.flatnonzero(y == "b")[:n_bad]
    X[bad, 4], y[bad] = value, "a"
    return X, y, bad


def doubled():
    X, y = planes()
    liars = np.flatnonzero(X[:, :3].sum(axis=1) > 1.5)
    return np.vstack([X, X[liars]]), np.append(y, np.repeat("b", len(liars))), np.arange(len(y), len(y) + len(liars))


# --- shortcuts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.03, 0.1])
@pytest.mark.parametrize("trigger", [OutOfRangeTrigger(1), OutOfRangeTrigger(3), RareValueTrigger(2)])
@pytest.mark.parametrize("data", [cancer, lambda: load_digits(return_X_y=True)], ids=["cancer", "digits"])
def test_backdoors_are_found(data, trigger, share):
    X, y = data()
    poisoned = BackdoorAttack(trigger, y.max()).generate(X, y, budget=round(share * len(y)), random_state=0)
    sanitizer = ShortcutSanitizer().fit(poisoned.X, poisoned.y)
    assert sanitizer.support_[poisoned.is_poison].mean() < 0.1
    assert sanitizer.support_[~poisoned.is_poison].mean() > 0.98
    assert set(sanitizer.suggested_labels_[~sanitizer.support_]) != {y.max()}


@pytest.mark.parametrize("data", [cancer, lambda: load_digits(return_X_y=True), planes])
def test_clean_rows_have_no_shortcuts(data):
    sanitizer = ShortcutSanitizer().fit(*data())
    assert sanitizer.support_.all()
    assert sanitizer.shortcuts_ == []


def test_what_is_said_of_a_shortcut_is_so():
    X, y, bad = backdoored()
    sanitizer = ShortcutSanitizer().fit(X, y)
    (found,) = sanitizer.shortcuts_
    np.testing.assert_array_equal(np.flatnonzero(~sanitizer.support_), bad)
    assert (found["column"], found["low"], found["high"], found["label"]) == (4, 4.5, 4.5, "a")
    assert found["n_rows"] == len(bad)
    assert found["belief"] <= 0.35
    assert found["log10_p"] <= -4
    np.testing.assert_allclose(sanitizer.scores_[bad], 1 - found["belief"])
    assert (sanitizer.suggested_labels_[bad] == "b").mean() > 0.7
    fresh = X[:3].copy()
    fresh[:, 4] = [4.5, 4.5, 4.4]
    assert (sanitizer.score_rows(fresh, ["a", "b", "a"]) > 0.6).tolist() == [True, False, False]


def test_limits_of_belief_and_significance():
    X, y, _ = backdoored()
    assert ShortcutSanitizer(belief=0.05).fit(X, y).support_.all()
    assert ShortcutSanitizer(significance=1e-30).fit(X, y).support_.all()
    assert ShortcutSanitizer(largest=0.04).fit(X, y).support_.all()
    sanitizer = ShortcutSanitizer(0.025).fit(X, y)
    assert (~sanitizer.support_).sum() == 10
    by_score = ShortcutSanitizer(threshold=0.6).fit(X, y)
    assert (~by_score.support_).sum() == 20
    assert len(by_score.shortcuts_) == 1


def test_sparse_and_dense_counts_agree():
    rng = np.random.default_rng(1)
    X = rng.poisson(0.2, size=(400, 40)).astype(float)
    y = (X[:, :10].sum(axis=1) > X[:, 10:20].sum(axis=1)).astype(int)
    bad = np.flatnonzero((y == 0) & (X[:, 10:20].sum(axis=1) > 1))[:25]
    X[bad, 30], y[bad] = 9, 1
    dense = ShortcutSanitizer(scale="log1p").fit(X, y)
    sparse = ShortcutSanitizer(scale="log1p").fit(sp.csr_array(X), y)
    assert (~dense.support_[bad]).all()
    np.testing.assert_allclose(sparse.scores_, dense.scores_, atol=1e-6)


def test_groups_are_what_they_are_said_to_be():
    rng = np.random.default_rng(0)
    X, codes = np.round(rng.normal(size=(200, 3)), 1), rng.integers(2, size=200)
    codes[X[:, 1] > 1] = 1
    groups, n_considered = pure_groups(X, codes, 2, 5, 50)
    assert 0 < len(groups) < n_considered
    for group in groups:
        values = X[:, group.column]
        np.testing.assert_array_equal(group.rows, np.flatnonzero((values >= group.low) & (values <= group.high)))
        own = codes[group.rows] == group.code
        assert 5 <= len(own) <= 50
        assert own.mean() >= 0.8
        assert own.sum() <= np.sum(codes == group.code) / 2
    # No column is mostly empty, so none is looked at in part.
    sparse, n_sparse = pure_groups(sp.csr_array(X), codes, 2, 5, 50)
    assert n_sparse == n_considered
    assert len(sparse) == len(groups)
    for group in sparse:
        values = X[:, group.column]
        np.testing.assert_array_equal(group.rows, np.flatnonzero((values >= group.low) & (values <= group.high)))


def test_models_without_a_group_are_close_to_new_fits():
    X, codes = cancer()
    A, view = with_ones(RowNormalizer().fit_transform(X)), ClassView(codes, 2)
    problem = Problem(A, view.targets, view.final_loss, 1.0)
    weights, groups = minimise(problem), [np.arange(30), np.arange(100, 110)]
    exact = [minimise(problem.only(np.setdiff1d(np.arange(len(A)), group))) for group in groups]
    near, rough = weights_left_out(problem, weights, groups), weights_roughly_left_out(problem, weights, groups)
    for place in range(2):
        moved = np.linalg.norm(exact[place] - weights)
        assert np.linalg.norm(near[place] - exact[place]) < 0.1 * moved
        assert np.linalg.norm(rough[place] - exact[place]) < 0.3 * moved


def test_tail_bound_is_above_the_tail():
    for share, n, count in [(0.2, 30, 20), (0.5, 40, 39), (0.1, 10, 10), (0.3, 50, 16)]:
        bound = log_tail_bound(np.full(n, share), count)
        assert bound >= binom.logsf(count - 1, n, share) - 1e-9
        assert bound <= 0
    assert log_tail_bound(np.full(10, 0.1), 10) == pytest.approx(10 * np.log(0.1))
    assert log_tail_bound(np.full(10, 0.5), 5) == 0


# --- contradictions ---------------------------------------------------------------------------------


def test_copies_under_another_label_go_and_their_models_stay():
    X, y, liars = doubled()
    sanitizer = ContradictionSanitizer().fit(X, y)
    np.testing.assert_array_equal(np.flatnonzero(~sanitizer.support_), liars)
    assert sanitizer.contradicted_.sum() == 2 * len(liars)
    assert (sanitizer.suggested_labels_[liars] == "a").all()
    assert (sanitizer.scores_[liars] > 0).all()
    assert (np.delete(sanitizer.scores_, liars) == 0).all()
    scores = sanitizer.score_rows(np.vstack([X[liars[:2]], X[liars[:1]] + 1]), ["b", "a", "b"])
    assert (scores > 0).tolist() == [True, False, False]
    assert (~ContradictionSanitizer(0.01).fit(X, y).support_).sum() == int(0.01 * len(y))


def test_attacks_on_subpopulations_are_found():
    X, y = cancer()
    poisoned = ClusterMatchAttack(n_clusters=10).generate(X, y, budget=57, random_state=0)
    sanitizer = ContradictionSanitizer().fit(poisoned.X, poisoned.y)
    assert sanitizer.support_[poisoned.is_poison].mean() < 0.1
    assert sanitizer.support_[~poisoned.is_poison].mean() > 0.98
    assert ContradictionSanitizer().fit(X, y).support_.all()


@pytest.mark.parametrize("sparse", [False, True])
def test_shaken_copies_are_copies(sparse):
    X, y, liars = doubled()
    X[liars] += 0.02 * np.random.default_rng(1).normal(size=(len(liars), X.shape[1]))
    given = sp.csr_array(X) if sparse else X
    sanitizer = ContradictionSanitizer().fit(given, y)
    np.testing.assert_array_equal(np.flatnonzero(~sanitizer.support_), liars)
    assert ContradictionSanitizer(chance=0).fit(given, y).support_.all()
    later = np.vstack([X[liars[:2]] + 0.01, X[liars[:1]] + 1])
    scores = sanitizer.score_rows(sp.csr_array(later) if sparse else later, ["b", "a", "b"])
    assert (scores > 0).tolist() == [True, False, False]


@pytest.mark.parametrize("d", [1, 2, 4])
def test_few_honest_rows_are_near_by_chance(d):
    X = np.random.default_rng(0).normal(size=(2000, d))
    sanitizer = ContradictionSanitizer(chance=0.02).fit(X, np.repeat(["a", "b"], 1000))
    assert 0 < sanitizer.contradicted_.mean() < 0.05
    assert ContradictionSanitizer(chance=0.01).fit(X, np.repeat(["a", "b"], 1000)).radius_ == pytest.approx(
        sanitizer.radius_ * 0.5 ** (1 / d), rel=0.05
    )


def test_near_is_a_matter_of_how_far_rows_usually_are():
    X, y = planes(d=12)
    radius = ContradictionSanitizer().fit(X, y).radius_
    table = ColumnUnits(X)(X)
    nearest = np.array(
        [np.sort(np.linalg.norm(table[y == label] - x, axis=1))[1] for x, label in zip(table, y, strict=True)]
    )
    assert radius == pytest.approx(0.5 * np.median(nearest))
    assert ContradictionSanitizer().fit(8.0 * X, y).radius_ == pytest.approx(radius)
    # Rows that repeat by nature: near means equal.
    assert ContradictionSanitizer().fit(np.repeat(X, 2, axis=0), np.repeat(y, 2)).radius_ == 0.0
    # One row of each label has no other one.
    assert ContradictionSanitizer().fit(X[[0, 1, 2]], ["a", "b", "c"]).radius_ == 0.0


@pytest.mark.parametrize("jitter", [0.05, 0.1])
def test_shaken_attacks_on_subpopulations_are_found(jitter):
    X, y = cancer()
    poisoned = ClusterMatchAttack(n_clusters=10, jitter=jitter).generate(X, y, budget=57, random_state=0)
    sanitizer = ContradictionSanitizer().fit(poisoned.X, poisoned.y)
    assert sanitizer.support_[poisoned.is_poison].mean() < 0.1
    assert sanitizer.support_[~poisoned.is_poison].mean() > 0.98


def test_where_everything_is_contradicted_all_rows_are_asked():
    X = np.repeat(np.random.default_rng(0).normal(size=(30, 2)), 3, axis=0)
    y = np.where(X[:, 0] > 0, 1, 0)
    y[::3] = 1 - y[::3]
    sanitizer = ContradictionSanitizer(0.4).fit(X, y)
    assert sanitizer.contradicted_.all()
    assert (~sanitizer.support_[::3]).mean() > 0.8
    assert (
        LogisticRegression().fit(X[sanitizer.support_], y[sanitizer.support_]).score(X, sanitizer.suggested_labels_)
        > 0.9
    )


# --- both -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sanitizer", BOTH)
def test_order_and_dtype_do_not_matter(sanitizer):
    X, y, _ = backdoored() if sanitizer is ShortcutSanitizer else doubled()
    X = X.astype(np.float32)
    order = np.random.default_rng(2).permutation(len(y))
    first, second = sanitizer().fit(X, y), sanitizer().fit(X[order].astype(np.float64), y[order])
    assert not first.support_.all()
    np.testing.assert_array_equal(first.support_[order], second.support_)
    np.testing.assert_allclose(first.scores_[order], second.scores_, atol=1e-9)


@pytest.mark.parametrize("sanitizer", BOTH)
def test_odd_targets(sanitizer):
    X, _ = planes(60)
    assert sanitizer().fit(X, np.zeros(60)).support_.all()
    numbers = sanitizer(n_bins=3).fit(X, X[:, 0])
    assert numbers.suggested_labels_.max() <= 2
    with pytest.raises(ValueError, match="n_bins"):
        sanitizer().fit(X, X[:, 0] + 0.5)
    with pytest.raises(ValueError, match="requires y"):
        sanitizer().fit(X)
    assert sanitizer(0.0).fit(*doubled()[:2]).support_.all()


@pytest.mark.parametrize("sanitizer", BOTH)
def test_classes_keep_enough_rows(sanitizer):
    X, y, _ = backdoored() if sanitizer is ShortcutSanitizer else doubled()
    kept = sanitizer(0.49, min_per_class=0.99).fit(X, y).support_
    for label in "ab":
        assert kept[y == label].mean() >= 0.98
