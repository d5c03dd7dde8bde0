"""Rows of a label that crowd where a model of other rows says that the label should be rarer."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import rel_entr
from scipy.stats import binom
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from robustfit.sanitize import (
    CalibrationSanitizer,
    LabelAgreementSanitizer,
    LossSanitizer,
    SanitizedClassifier,
    SanitizerChain,
    SlabSanitizer,
    SphereSanitizer,
    UnionSanitizer,
)
from robustfit.sanitize._crowds import chances_of, find_crowds, platt_lines

ASKED = {"least": 1.0, "most": 1000, "sure": 0.95}


def crowded(n=600, n_bad=20, gap=6.0, at=4.5, seed=0):
    """Two clouds, and rows of the first label between them."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n, 4)), np.repeat(["a", "b"], n // 2)
    X[y == "b", 0] += gap
    bad = np.arange(n_bad)
    X[bad] = [at, 0, 0, 0] + 0.05 * rng.normal(size=(n_bad, 4))
    return X, y, bad


def crowds_in(chances, codes, counted=None, **asked):
    """Crowds of rows that all count as having their label, unless it is said which do."""
    return find_crowds(chances, codes, np.ones(len(codes), dtype=bool) if counted is None else counted, **asked)


def between_digits(n_bad):
    """Ones and sevens, and rows on a line between two centres that claim to be sevens."""
    X, y = load_digits(return_X_y=True)
    X, y = X[np.isin(y, (1, 7))], y[np.isin(y, (1, 7))]
    ones, sevens = X[y == 1].mean(axis=0), X[y == 7].mean(axis=0)
    rng = np.random.default_rng(0)
    bad = ones + 0.1 * (sevens - ones) + rng.normal(size=(n_bad, X.shape[1]))
    return np.vstack([X, bad]), np.append(y, np.full(n_bad, 7)), np.arange(len(y), len(y) + n_bad)


# --- what is found ----------------------------------------------------------------------------------


def test_a_crowd_between_the_classes_goes():
    X, y, bad = crowded()
    sanitizer = CalibrationSanitizer().fit(X, y)
    np.testing.assert_array_equal(np.flatnonzero(~sanitizer.support_), bad)
    (found,) = sanitizer.crowds_
    assert (found["label"], found["n_rows"]) == ("a", 20)
    assert found["expected"] < 10
    assert found["deviations"] > 5
    assert (sanitizer.suggested_labels_[bad] == "b").all()
    np.testing.assert_array_equal(np.delete(sanitizer.suggested_labels_, bad), np.delete(y, bad))
    assert (sanitizer.scores_[bad] > 1).all()
    assert (np.delete(sanitizer.scores_, bad) <= 1).all()
    assert sanitizer.by_class_


@pytest.mark.parametrize("seed", range(5))
def test_honest_rows_stay(seed):
    X, y, _ = crowded(n_bad=0, seed=seed)
    assert CalibrationSanitizer(random_state=seed).fit(X, y).support_.all()


@pytest.mark.parametrize("seed", range(5))
def test_honest_rows_of_classes_that_overlap_stay(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(1500, 6))
    y = rng.random(1500) < 1 / (1 + np.exp(-X @ [1.0, -1.0, 0.5, 0, 0, 0]))
    sanitizer = CalibrationSanitizer(random_state=seed).fit(X, y.astype(int))
    assert not sanitizer.by_class_
    assert sanitizer.support_.mean() > 0.99


def test_a_crowd_where_classes_overlap_goes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 6))
    y = (rng.random(2000) < 1 / (1 + np.exp(-3 * X[:, 0]))).astype(int)
    bad = np.arange(40)
    X[bad, 0], y[bad] = 1.2 + 0.05 * rng.normal(size=40), 0
    sanitizer = CalibrationSanitizer().fit(X, y)
    assert not sanitizer.by_class_
    assert (~sanitizer.support_[bad]).mean() > 0.7
    assert sanitizer.support_[40:].mean() > 0.98


def test_real_rows():
    X, y, bad = between_digits(15)
    sanitizer = CalibrationSanitizer().fit(X, y)
    assert (~sanitizer.support_[bad]).mean() > 0.9
    assert np.delete(sanitizer.support_, bad).mean() > 0.98
    for X, y in (load_breast_cancer(return_X_y=True), load_digits(return_X_y=True)):
        assert CalibrationSanitizer().fit(StandardScaler().fit_transform(X), y).support_.mean() > 0.985


def test_one_class_of_many():
    X, y = load_digits(return_X_y=True)
    three, eight = X[y == 3].mean(axis=0), X[y == 8].mean(axis=0)
    bad = three + 0.25 * (eight - three) + 0.5 * np.random.default_rng(0).normal(size=(40, X.shape[1]))
    X, y = np.vstack([X, bad]), np.append(y, np.full(40, 8))
    sanitizer = CalibrationSanitizer().fit(X, y)
    assert (~sanitizer.support_[-40:]).mean() > 0.7
    assert sanitizer.support_[:-40].mean() > 0.975
    assert {found["label"] for found in sanitizer.crowds_} >= {8}
    assert (sanitizer.suggested_labels_[-40:][~sanitizer.support_[-40:]] == 3).mean() > 0.9


def test_the_default_looks_for_crowds_last():
    X, y, bad = between_digits(15)
    sanitized = SanitizedClassifier(LogisticRegression(max_iter=1000)).fit(X, y)
    assert list(sanitized.sanitizer_.named_sanitizers_) == ["contradictions", "shortcuts", "models"]
    assert (~sanitized.support_[bad]).mean() > 0.6


# --- what a crowd is --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_the_largest_crowd_is_the_largest_of_all_intervals(seed):
    rng = np.random.default_rng(seed)
    chances = rng.random((60, 1)).round(2) if seed % 2 else rng.random((60, 1))
    codes, counted = rng.integers(2, size=60), rng.random(60) < (0.8 if seed % 4 > 1 else 1.0)
    best = 0.0
    for code, own in enumerate((1.0 - chances[:, 0], chances[:, 0])):
        has = counted & (codes == code)
        for low in own[has & (own <= 0.95)]:
            for high in own[has & (own <= 0.95)]:
                inside = (own >= low) & (own <= high)
                if not 0 < (has & inside).sum() <= 12:
                    continue
                m, k, e = inside.sum(), (has & inside).sum(), own[inside].sum()
                if k > e:
                    best = max(best, np.sqrt(2 * (rel_entr(k, e) + rel_entr(m - k, m - e))))
    found = crowds_in(np.hstack([1.0 - chances, chances]), codes, counted, **ASKED | {"most": 12})[0]
    assert found.deviations == pytest.approx(best, rel=1e-6)
    own = np.where(codes == 1, chances[:, 0], 1.0 - chances[:, 0])[found.rows]
    assert (codes[found.rows] == found.code).all()
    assert counted[found.rows].all()
    assert len(found.rows) <= 12
    np.testing.assert_allclose([own.min(), own.max()], [found.low, found.high], atol=1e-9)


def test_deviations_bound_the_tail():
    for n, chance, k in [(50, 0.2, 25), (400, 0.6, 300), (10, 0.05, 5), (30, 0.5, 30)]:
        chances, codes = np.full(n, chance), (np.arange(n) < k).astype(int)
        (crowd,) = crowds_in(np.column_stack([1 - chances, chances]), codes, least=1.0, most=n, sure=0.95)
        assert binom.logsf(k - 1, n, chance) <= -0.5 * crowd.deviations**2 + 1e-9
        assert crowd.expected == pytest.approx(n * chance)


def test_small_excess_is_none():
    chances, codes = np.full((100, 2), 0.5), np.tile([0, 1], 50)
    assert crowds_in(chances, codes, **ASKED | {"least": 3.0}) == []
    assert crowds_in(np.full((100, 2), 0.99), codes, **ASKED) == []


def test_crowds_share_no_rows_and_make_none_of_the_others():
    """Two crowds of one label, among rows of the other that are as many as expected."""
    chances = np.repeat([0.1, 0.2, 0.3], [300, 4000, 300])
    codes = np.repeat([1, 0, 1, 0, 1, 0], [70, 230, 800, 3200, 150, 150])
    found = crowds_in(np.column_stack([1.0 - chances, chances]), codes, least=5.0, most=1000, sure=0.95)
    assert [(crowd.code, crowd.low, crowd.high, len(crowd.rows)) for crowd in found] == [
        (1, 0.3, 0.3, 150),
        (1, 0.1, 0.1, 70),
    ]
    assert [round(crowd.expected, 6) for crowd in found] == [90.0, 30.0]
    few = crowds_in(np.column_stack([1.0 - chances, chances]), codes, least=5.0, most=80, sure=0.95)
    assert 0 < sum(len(crowd.rows) for crowd in few) <= 80


def test_more_rows_ask_for_more():
    rng = np.random.default_rng(0)
    chances = np.column_stack([np.full(60_000, 0.8), np.full(60_000, 0.2)])
    codes = (rng.random(60_000) < 0.2).astype(int)
    codes[:1500] = 1
    bound = ASKED | {"most": 60_000}
    (found,) = crowds_in(chances, codes, **bound | {"least": 3.0})
    assert crowds_in(chances, codes, **bound | {"least": 0.49 * found.deviations})
    assert not crowds_in(chances, codes, **bound | {"least": 0.51 * found.deviations})


def test_scores_become_log_odds():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(4000, 2)) * [1e-3, 50.0]
    truth = scores * [2000.0, -0.04] + [0.5, -1.0]
    targets = np.where(rng.random(truth.shape) < 1 / (1 + np.exp(-truth)), 1.0, -1.0)
    slopes, intercepts = platt_lines(scores, targets)
    for task in range(2):
        model = LogisticRegression(C=np.inf, tol=1e-8).fit(scores[:, [task]] / scores[:, task].std(), targets[:, task])
        assert slopes[task] * scores[:, task].std() == pytest.approx(model.coef_[0, 0], rel=1e-3)
        assert intercepts[task] == pytest.approx(model.intercept_[0], abs=1e-3)


def test_two_labels_share_a_column():
    np.testing.assert_allclose(chances_of(np.array([[0.0], [np.log(3.0)]])), [[0.5, 0.5], [0.25, 0.75]])
    np.testing.assert_allclose(chances_of(np.zeros((2, 3))), np.full((2, 3), 0.5))


# --- how many go ------------------------------------------------------------------------------------


def test_only_so_many_go():
    X, y, bad = crowded()
    assert CalibrationSanitizer(0.0).fit(X, y).support_.all()
    # A crowd of more rows than may go is looked for in parts.
    few = CalibrationSanitizer(0.02).fit(X, y)
    assert 0 < (~few.support_).sum() <= 12
    assert set(np.flatnonzero(~few.support_)) <= set(bad)
    assert CalibrationSanitizer(min_per_class=300).fit(X, y).support_.all()
    assert CalibrationSanitizer(least_excess=100.0).fit(X, y).support_.all()


def test_by_class_and_by_threshold():
    X, y, bad = crowded()
    by_class = CalibrationSanitizer(0.05, drop_by="class").fit(X, y)
    assert (~by_class.support_).sum() == int(0.05 * 300)
    assert set(np.flatnonzero(~by_class.support_)) <= set(bad)
    np.testing.assert_array_equal(CalibrationSanitizer(threshold=1.0).fit(X, y).support_, np.arange(len(y)) >= 20)
    assert not CalibrationSanitizer(threshold=0.5).fit(X, y).support_[bad].any()


def test_later_rows():
    X, y, bad = crowded()
    sanitizer = CalibrationSanitizer().fit(X, y)
    scores = sanitizer.score_rows(np.vstack([X[bad[:3]], X[bad[:3]], [[0.0, 0, 0, 0]]]), ["a"] * 3 + ["b"] * 3 + ["a"])
    assert (scores[:3] > 0.8).all()
    assert (scores[3:] < 0.2).all()


# --- after another sanitizer ------------------------------------------------------------------------


def overlapping(n=4000, seed=0):
    """Rows of two classes of which no model can tell apart more than three of four, and a filter of hard ones."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    y = (rng.random(n) < 1 / (1 + np.exp(-X @ rng.normal(size=10) / 2.0))).astype(int)
    return X, y, LossSanitizer(contamination=0.15)


@pytest.mark.parametrize("seed", range(3))
def test_least_believed_rows_that_another_took_make_no_crowd_of_the_others(seed):
    X, y, hard = overlapping(seed=seed)
    chain = SanitizerChain([("hard", hard), ("crowds", CalibrationSanitizer(0.1))]).fit(X, y)
    assert (chain.dropped_by_ == "crowds").sum() > 80
    together = CalibrationSanitizer(0.1, sanitizer=hard).fit(X, y)
    assert together.crowds_ == []
    np.testing.assert_array_equal(together.support_, together.sanitizer_.support_)


@pytest.mark.parametrize("seed", range(3))
def test_the_default_finds_no_crowd_among_honest_rows_of_classes_that_overlap(seed):
    X, y, _ = overlapping(seed=seed)
    sanitized = SanitizedClassifier(LogisticRegression()).fit(X, y)
    assert sanitized.sanitizer_.named_sanitizers_["models"].crowds_ == []


def test_what_another_took_trains_nothing_and_is_no_crowd():
    X, y, bad = crowded()
    X[-5:] = 300.0
    far = SphereSanitizer(5 / 600)
    sanitizer = CalibrationSanitizer(sanitizer=far).fit(X, y)
    np.testing.assert_array_equal(np.flatnonzero(~sanitizer.sanitizer_.support_), np.arange(595, 600))
    np.testing.assert_array_equal(np.flatnonzero(~sanitizer.support_), np.append(bad, np.arange(595, 600)))
    assert sanitizer.dropped_by_[[0, 19, 20, 594, 595, 599]].tolist() == ["crowd"] * 2 + [None] * 2 + ["sanitizer"] * 2
    assert (sanitizer.scores_[-5:] >= 2).all()
    assert ((sanitizer.scores_[bad] > 1) & (sanitizer.scores_[bad] <= 2)).all()
    np.testing.assert_array_equal(sanitizer.suggested_labels_[-5:], y[-5:])
    alone = CalibrationSanitizer().fit(X[:-5], y[:-5])
    np.testing.assert_allclose(sanitizer.scores_[:-5], alone.scores_, atol=0.01)
    by_score = CalibrationSanitizer(sanitizer=far, threshold=9.0).fit(X, y)
    np.testing.assert_array_equal(by_score.support_, by_score.sanitizer_.support_)
    assert set(sanitizer.set_params(threshold=0.01).fit(X, y).dropped_by_) == {None, "crowd", "score", "sanitizer"}
    sanitizer.set_params(threshold=None).fit(X, y)
    later = sanitizer.score_rows(np.vstack([X[:1], X[20:21], X[-1:]]), ["a", "a", "b"])
    assert 0.8 < later[0] <= 2
    assert later[1] < 0.5
    assert later[2] >= 2
    assert "dropped_by_" not in vars(sanitizer.set_params(sanitizer=None).fit(X, y))


class _Named(BaseEstimator):
    """Leaves out the rows that a column marks."""

    def fit(self, X, y):
        self.scores_ = self.score_rows(X, y)
        self.support_ = self.scores_ == 0.0
        return self

    def score_rows(self, X, y):
        return (X[:, -1] != 0.0).astype(float)


def test_rows_of_another_set_no_units_and_train_nothing():
    X, y, bad = crowded()
    rng = np.random.default_rng(1)
    # Two rows of five lie elsewhere, under the label of the other cloud.
    far = np.column_stack([rng.normal([90.0, 50.0, 0.0, 0.0], 1.0, size=(400, 4)), np.ones(400)])
    X, y = np.vstack([np.column_stack([X, np.zeros(600)]), far]), np.append(y, np.full(400, "a"))
    together = CalibrationSanitizer(sanitizer=_Named()).fit(X, y)
    alone = CalibrationSanitizer().fit(X[:600], y[:600])
    np.testing.assert_array_equal(np.flatnonzero(~together.support_[:600]), bad)
    assert not together.support_[600:].any()
    np.testing.assert_allclose(together._center, alone._center)
    assert together._unit == alone._unit
    np.testing.assert_allclose(together._weights, alone._weights, atol=0.02)


def test_disputes_about_rows_of_another_do_not_tell_that_classes_overlap():
    X, y, bad = crowded()
    wrong = np.arange(200, 300)
    X = np.column_stack([X, np.isin(np.arange(600), wrong)])
    y[wrong] = "b"
    together = CalibrationSanitizer(sanitizer=_Named()).fit(X, y)
    assert together.by_class_
    assert (~together.support_[bad]).mean() > 0.9
    assert not CalibrationSanitizer().fit(X[:, :4], y).by_class_


@pytest.mark.parametrize("seed", range(3))
def test_once_a_crowd_is_gone_others_are_looked_for_among_all_rows(seed):
    X, y, hard = overlapping(seed=seed)
    rng = np.random.default_rng(seed)
    center = X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)
    bad = 0.4 * center + 0.02 * rng.normal(size=(120, 10))
    X, y = np.vstack([X, bad]), np.append(y, np.zeros(120, dtype=int))
    together = CalibrationSanitizer(0.1, sanitizer=hard).fit(X, y)
    assert (together.dropped_by_[:-120] == "crowd").sum() < 80
    assert (~together.support_[-120:]).mean() > 0.8


def test_what_another_says_of_its_rows_is_handed_on():
    X, y, bad = crowded()
    wrong = np.arange(100, 106)
    y[wrong] = "b"
    union = UnionSanitizer([("agreement", LabelAgreementSanitizer(0.02))])
    sanitizer = CalibrationSanitizer(sanitizer=union).fit(X, y)
    assert (sanitizer.dropped_by_[wrong] == "agreement").all()
    assert (sanitizer.suggested_labels_[wrong] == "a").all()
    assert (sanitizer.suggested_labels_[bad][sanitizer.dropped_by_[bad] == "crowd"] == "b").all()
    chain = SanitizerChain([("models", sanitizer)]).fit(X, y)
    assert chain.dropped_by_[wrong].tolist() == ["models: agreement"] * 6
    assert set(chain.dropped_by_[bad]) <= {"models: agreement", "models: crowd"}


def test_bins_of_another_are_no_suggestions():
    X, y, _ = crowded(n=200, n_bad=0)
    binned = SlabSanitizer(0.05, n_bins=3)
    number = np.where(y == "a", 0, 1)
    sanitizer = CalibrationSanitizer(sanitizer=binned).fit(X, number)
    np.testing.assert_array_equal(sanitizer.suggested_labels_, number)


def test_another_that_cannot_be_asked():
    X, y, _ = crowded(n=200, n_bad=0)
    with pytest.raises(TypeError, match="must be an instance, got the class SphereSanitizer"):
        CalibrationSanitizer(sanitizer=SphereSanitizer).fit(X, y)
    with pytest.raises(ValueError, match="'sanitizer' parameter of CalibrationSanitizer"):
        CalibrationSanitizer(sanitizer=LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="'contamination' parameter of SphereSanitizer"):
        CalibrationSanitizer(sanitizer=SphereSanitizer(0.7)).fit(X, y)
    with pytest.raises(ValueError, match="keeps none of the rows"):
        CalibrationSanitizer(sanitizer=_Only("c")).fit(X, y)
    only_one_class = CalibrationSanitizer(sanitizer=_Only("a")).fit(X, y)
    np.testing.assert_array_equal(only_one_class.support_, y == "a")


class _Only(BaseEstimator):
    """Keeps the rows of one label."""

    def __init__(self, label):
        self.label = label

    def fit(self, X, y):
        self.scores_ = self.score_rows(X, y)
        self.support_ = self.scores_ == 0.0
        return self

    def score_rows(self, X, y):
        return (y != self.label).astype(float)


# --- odd input --------------------------------------------------------------------------------------


def test_order_and_dtype_do_not_matter():
    X, y, _ = crowded()
    X = X.astype(np.float32)
    order = np.random.default_rng(1).permutation(len(y))
    for another in (None, SlabSanitizer(0.05)):
        sanitizer = CalibrationSanitizer(sanitizer=another)
        first, other = clone(sanitizer).fit(X, y), clone(sanitizer).fit(X[order].astype(float), y[order])
        np.testing.assert_allclose(other.scores_, first.scores_[order], atol=1e-9)
        np.testing.assert_array_equal(other.support_, first.support_[order])


def test_sparse_rows():
    rng = np.random.default_rng(0)
    X = rng.poisson(0.3, size=(800, 60)).astype(float)
    y = (X[:, :20].sum(axis=1) > X[:, 20:40].sum(axis=1)).astype(int)
    clear = np.abs(X[:, :20].sum(axis=1) - X[:, 20:40].sum(axis=1)) > 1
    X, y = X[clear], y[clear]
    bad = np.zeros((15, 60))
    bad[:, 45], bad[:, 21:23] = 3, 1
    X, y = np.vstack([X, bad]), np.append(y, np.ones(15, dtype=int))
    sparse = CalibrationSanitizer().fit(sp.csr_array(X), y)
    assert (~sparse.support_[-15:]).all()
    assert sparse.support_[:-15].mean() > 0.97
    assert len(sparse.score_rows(sp.csr_array(X[:4]), y[:4])) == 4


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.ones((30, 3)), np.tile([0, 1], 15)),
        (np.random.default_rng(0).normal(size=(30, 3)), np.zeros(30, dtype=int)),
        (np.random.default_rng(0).normal(size=(5, 2)), [0, 0, 0, 0, 1]),
        (np.repeat([[0.0, 1.0], [5.0, 1.0]], 20, axis=0), np.repeat([0, 1], 20)),
        (np.vstack([np.random.default_rng(0).normal(size=(40, 2)), [[1e200, -1e200]]]), np.tile([0, 1], 21)[:41]),
        (np.random.default_rng(0).normal(size=(40, 2)) * 1e-200, np.tile([0, 1], 20)),
    ],
    ids=["equal rows", "one class", "a class of one row", "two points", "a far row", "tiny rows"],
)
def test_odd_rows_stay(X, y):
    sanitizer = CalibrationSanitizer().fit(X, y)
    assert sanitizer.support_.all()
    assert np.isfinite(sanitizer.scores_).all()
    assert np.isfinite(sanitizer.score_rows(X, y)).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_clusters": 0}, "n_clusters"),
        ({"n_clusters": [3, 2.5]}, "n_clusters must be a positive whole number"),
        ({"n_rounds": 0}, "n_rounds"),
        ({"least_excess": 0.0}, "least_excess"),
        ({"contamination": 0.5}, "contamination"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_bad_parameters(params, message):
    X, y, _ = crowded(n=40, n_bad=0)
    with pytest.raises((ValueError, TypeError), match=message):
        CalibrationSanitizer(**params).fit(X, y)


def test_numbers_need_bins():
    X, _, _ = crowded(n=200, n_bad=0)
    with pytest.raises(ValueError, match="set n_bins"):
        CalibrationSanitizer().fit(X, X[:, 1] + 0.5)
    assert CalibrationSanitizer(n_bins=3).fit(X, X[:, 0]).support_.mean() > 0.9
