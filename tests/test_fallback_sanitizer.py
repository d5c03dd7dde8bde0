"""Data that no plane divides: who is asked instead of linear models, and what comes back on whose word."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_circles, make_moons
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import Lasso, LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier

from robustfit._meta._linear_learners import is_linear
from robustfit.attacks import ClusterMatchAttack
from robustfit.ensemble import PartitionClassifier
from robustfit.sanitize import (
    ContradictionSanitizer,
    DuplicateSanitizer,
    FallbackSanitizer,
    LeaveClusterOutSanitizer,
    LossSanitizer,
    NeighborsSanitizer,
    SanitizedClassifier,
    SanitizedRegressor,
    SanitizerChain,
    SlabSanitizer,
    SphereSanitizer,
    UnionSanitizer,
)
from robustfit.sanitize._capped_forest import CappedForestClassifier, CappedForestRegressor
from robustfit.sanitize._second_model import gain_over_linear, take_back_by
from robustfit.sanitize._target import Target

TREES = RandomForestClassifier(20, min_samples_leaf=3, random_state=0)
BOTH = [("linear", LeaveClusterOutSanitizer()), ("curved", LossSanitizer(TREES))]


def moons(n=600, seed=0):
    return make_moons(n, noise=0.15, random_state=seed)


def corners(n=600, seed=0):
    """Four clouds, of which those across have the same label."""
    rng = np.random.default_rng(seed)
    place = rng.integers(4, size=n)
    X = rng.normal(size=(n, 4))
    X[:, 0] += 5 * (place % 2)
    X[:, 1] += 5 * (place // 2)
    return X, np.where((place == 0) | (place == 3), "a", "b")


# --- who is asked -----------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [moons, corners, lambda: make_circles(600, noise=0.1, factor=0.5, random_state=0)])
def test_the_second_one_is_asked_where_no_plane_divides_the_classes(data):
    X, y = data()
    sanitizer = FallbackSanitizer(BOTH).fit(X, y)
    assert sanitizer.used_ == "curved"
    assert sanitizer.gain_ > 0.3
    assert sanitizer.deviations_ > 3
    alone = clone(BOTH[1][1]).fit(X, y)
    np.testing.assert_array_equal(sanitizer.support_, alone.support_)
    np.testing.assert_array_equal(sanitizer.scores_, alone.scores_)
    np.testing.assert_array_equal(sanitizer.score_rows(X[:9], y[:9]), alone.score_rows(X[:9], y[:9]))
    assert set(sanitizer.dropped_by_[~sanitizer.support_]) == {"curved"}
    assert list(sanitizer.named_sanitizers_) == ["linear", "curved"]
    np.testing.assert_array_equal(sanitizer.suggested_labels_, alone.suggested_labels_)


@pytest.mark.parametrize("load", [load_breast_cancer, load_digits])
def test_the_first_one_is_asked_where_planes_will_do(load):
    X, y = load(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    sanitizer = FallbackSanitizer(BOTH).fit(X, y)
    assert sanitizer.used_ == "linear"
    alone = clone(BOTH[0][1]).fit(X, y)
    np.testing.assert_array_equal(sanitizer.support_, alone.support_)
    np.testing.assert_array_equal(sanitizer.suggested_labels_, alone.suggested_labels_)
    assert list(sanitizer.named_sanitizers_) == ["linear"]


def test_noise_is_no_curve():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1500, 5))
    y = (rng.random(1500) < 1 / (1 + np.exp(-2 * X[:, 0]))).astype(int)
    assert FallbackSanitizer(BOTH).fit(X, y).used_ == "linear"


def test_numbers():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 3))
    flat, bent = X[:, 0] + 0.3 * rng.normal(size=800), X[:, 0] ** 2 + 0.3 * rng.normal(size=800)
    second = LossSanitizer(RandomForestRegressor(20, min_samples_leaf=3, random_state=0))
    sanitizer = FallbackSanitizer([("linear", LeaveClusterOutSanitizer()), ("curved", second)])
    assert sanitizer.fit(X, flat).used_ == "linear"
    assert sanitizer.fit(X, bent).used_ == "curved"
    assert sanitizer.gain_ > 0.4


def test_how_much_better_is_asked():
    X, y = moons()
    found = FallbackSanitizer(BOTH).fit(X, y)
    less = FallbackSanitizer(BOTH, least_gain=np.nextafter(found.gain_, 0)).fit(X, y)
    more = FallbackSanitizer(BOTH, least_gain=min(np.nextafter(found.gain_, 2), 1.0)).fit(X, y)
    assert less.used_ == "curved"
    assert more.used_ == ("curved" if found.gain_ == 1.0 else "linear")
    # Few rows prove nothing, however large the gain.
    few = FallbackSanitizer(BOTH).fit(*moons(40))
    assert few.used_ == "linear"
    assert few.deviations_ < 3


def test_the_gain_is_that_of_mistakes():
    X, y = corners()
    target = Target(np.unique(y, return_inverse=True)[1], np.unique(y))
    everyone = np.ones(len(y), dtype=bool)
    gain, deviations = gain_over_linear(_Oracle(), X, target, everyone, 0)
    mistakes = _Oracle().fit(X, y).predict(X) != y
    assert 0 < mistakes.sum() < 20
    # Where the oracle errs, a plane mostly does not.
    assert gain > 0.9
    assert 0.2 * len(y) < deviations**2 <= len(y)
    worse, below = gain_over_linear(_Oracle(wrong=True), X, target, everyone, 0)
    assert worse < 0
    assert below < 0
    assert gain_over_linear(_Oracle(), X, target, target.values == 0, 0) == (0.0, 0.0)
    assert gain_over_linear(_Oracle(), np.ones_like(X), target, everyone, 0) == (0.0, 0.0)


class _Oracle(ClassifierMixin, BaseEstimator):
    """Knows the four clouds."""

    def __init__(self, wrong=False):
        self.wrong = wrong

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        across = ((X[:, 0] > 2.5) == (X[:, 1] > 2.5)) ^ self.wrong
        return np.column_stack([across, ~across]).astype(float)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.mark.parametrize(
    "learner",
    [
        LogisticRegression(),
        make_pipeline(PolynomialFeatures(), LinearSVC()),
        GridSearchCV(make_pipeline(StandardScaler(), SGDClassifier()), {"sgdclassifier__alpha": [1.0]}),
        LinearDiscriminantAnalysis(),
        Ridge(),
        Lasso(),
        LinearSVR(),
    ],
    ids=repr,
)
def test_linear_learners(learner):
    assert is_linear(learner)


@pytest.mark.parametrize("learner", [GaussianNB(), make_pipeline(StandardScaler(), SVC()), TREES, None], ids=repr)
def test_other_learners(learner):
    assert not is_linear(learner)


# --- the default ------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [moons, corners])
@pytest.mark.parametrize("learner", [RandomForestClassifier(random_state=0), KNeighborsClassifier()])
def test_clean_rows_of_curved_classes_stay(data, learner):
    X, y = data(1000)
    X_test, y_test = data(4000, seed=1)
    plain = clone(learner).fit(X, y).score(X_test, y_test)
    sanitized = SanitizedClassifier(learner).fit(X, y)
    assert sanitized.sanitizer_.used_ == "forest"
    assert sanitized.support_.mean() > 0.95
    assert sanitized.score(X_test, y_test) > plain - 0.005
    # Planes would have taken them.
    assert SanitizedClassifier(LogisticRegression()).fit(X, y).support_.mean() < 0.93


def test_poison_among_curved_classes_goes():
    X, y = corners(1000)
    rng = np.random.default_rng(0)
    wrong = rng.choice(1000, 50, replace=False)
    flipped = y.copy()
    flipped[wrong] = np.where(y[wrong] == "a", "b", "a")
    sanitized = SanitizedClassifier(RandomForestClassifier(random_state=0)).fit(X, flipped)
    assert (~sanitized.support_[wrong]).mean() > 0.75
    copied = ClusterMatchAttack(n_clusters=10).generate(X, y, budget=50, random_state=0)
    sanitized = SanitizedClassifier(RandomForestClassifier(random_state=0)).fit(copied.X, copied.y)
    assert (~sanitized.support_[copied.is_poison]).mean() > 0.75
    assert sanitized.support_[~copied.is_poison].mean() > 0.9
    assert set(sanitized.report().query("not kept").reason) <= {"forest: contradictions", "forest: loss"}


def test_labels_that_a_forest_finds_wrong_are_put_right():
    X, y = corners(1000)
    wrong = np.random.default_rng(0).choice(1000, 50, replace=False)
    flipped = y.copy()
    flipped[wrong] = np.where(y[wrong] == "a", "b", "a")
    sanitized = SanitizedClassifier(RandomForestClassifier(random_state=0), action="relabel").fit(X, flipped)
    out = ~sanitized.support_
    assert (sanitized.sanitizer_.suggested_labels_[out] != flipped[out]).all()
    np.testing.assert_array_equal(sanitized.sanitizer_.suggested_labels_[~out], flipped[~out])
    assert (sanitized.sanitizer_.suggested_labels_[wrong] == y[wrong]).mean() > 0.75


def test_what_the_default_is_made_of():
    params = SanitizedClassifier(contamination=0.04, random_state=7)._default_sanitizer(GaussianNB()).get_params()
    # Of a value that tells of a curve a linear model says too much: no more rows may go than are said to be bad.
    assert params["linear__shortcuts__contamination"] == 0.2
    assert params["forest__shortcuts__values__contamination"] == 0.04
    assert params["forest__contradictions__contamination"] == 0.2
    assert params["linear__models__readmit"] == params["forest__repeats__readmit"] == 0.35
    assert params["forest__loss__least_loss"] == pytest.approx(-np.log(0.35))
    assert {params[name] for name in params if name.endswith("random_state")} == {7}
    params = SanitizedRegressor(random_state=7)._default_sanitizer(TREES).get_params()
    assert params["forest__both__least_votes"] == 2
    assert params["linear__readmit"] == 0.02
    assert {params[name] for name in params if name.endswith("random_state")} == {7}


def test_a_linear_learner_has_the_linear_default():
    X, y = moons()
    assert isinstance(SanitizedClassifier().fit(X, y).sanitizer_, SanitizerChain)
    assert isinstance(
        SanitizedClassifier(make_pipeline(StandardScaler(), LinearSVC())).fit(X, y).sanitizer_, SanitizerChain
    )
    assert isinstance(SanitizedClassifier(GaussianNB()).fit(X, y).sanitizer_, FallbackSanitizer)


def test_numbers_that_a_forest_foretells_stay():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(800, 2))
    y = np.where((X[:, 0] > 1) & (X[:, 1] > 0), 9.0, X[:, 0] ** 2) + 0.3 * rng.normal(size=800)
    forest = RandomForestRegressor(20, random_state=0)
    linear, sanitized = SanitizedRegressor(Ridge()).fit(X, y), SanitizedRegressor(forest).fit(X, y)
    high = y > 5
    assert (~linear.support_[high]).mean() > 0.5
    assert sanitized.sanitizer_.used_ == "forest"
    assert sanitized.support_[high].mean() > 0.9
    wrong = rng.choice(800, 20, replace=False)
    y[wrong] += 30.0
    sanitized = SanitizedRegressor(forest).fit(X, y)
    assert not sanitized.support_[wrong].any()
    assert sanitized.support_[high & (y < 20)].mean() > 0.85


# --- what comes back on whose word ------------------------------------------------------------------


def test_rows_come_back_on_the_word_of_an_estimator():
    X, y = corners()
    everything = SphereSanitizer(0.3)
    back = UnionSanitizer([("far", everything)], readmit=0.35, estimator=TREES).fit(X, y)
    assert back.support_.mean() > 0.95
    assert UnionSanitizer([("far", everything)], readmit=0.35).fit(X, y).support_.mean() < back.support_.mean()
    y[:10] = np.where(y[:10] == "a", "b", "a")
    by_row = UnionSanitizer([("rows", _First(30))], readmit=0.35, estimator=TREES).fit(X, y)
    assert not by_row.support_[:10].any()
    assert by_row.support_[10:].mean() > 0.98
    assert (by_row.suggested_labels_[:10] != y[:10]).all()
    np.testing.assert_array_equal(by_row.suggested_labels_[by_row.support_], y[by_row.support_])


def test_numbers_come_back_by_residuals_of_models_that_have_not_seen_them():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(400, 2))
    y = X[:, 0] ** 2 + 0.3 * rng.normal(size=400)
    y[:5] += 8.0
    # A tree that knows its rows by heart has no residuals there: all others would be too large.
    tree = RandomForestRegressor(20, random_state=0)
    kept = np.arange(400) >= 40
    found, suggested = take_back_by(tree, X, Target(y), kept, 0.02, 0)
    assert not found[:5].any()
    assert found[5:].mean() > 0.98
    np.testing.assert_allclose(suggested[:5], y[:5] - 8.0, atol=1.5)
    np.testing.assert_array_equal(suggested[found], y[found])


def test_what_an_estimator_took_back_does_not_speak_for_it():
    X, y = corners()
    union = UnionSanitizer([("rows", _First(200))], readmit=0.35, estimator=TREES).fit(X, y)
    assert union.taken_back_[:200].mean() > 0.95
    assert not union.taken_back_[200:].any()
    chain = SanitizerChain([("first", _First(100)), ("second", union)]).fit(X, y)
    assert not chain.taken_back_[:100].any()
    assert chain.taken_back_[100:300].mean() > 0.95
    assert not chain.taken_back_[300:].any()
    target = Target(np.unique(y, return_inverse=True)[1], np.unique(y))
    fallback = FallbackSanitizer([("linear", chain), ("curved", LossSanitizer(TREES))], estimator=TREES).fit(X, y)
    compared = chain.support_ & ~chain.taken_back_
    assert (fallback.gain_, fallback.deviations_) == gain_over_linear(TREES, X, target, compared, 0)
    assert not hasattr(chain.set_params(second__estimator=None).fit(X, y), "taken_back_")
    assert not hasattr(union.set_params(estimator=None).fit(X, y), "taken_back_")


def test_rows_far_out_stay_out_whatever_an_estimator_says():
    X, y = corners()
    X[:3, 2] = 1e6
    union = UnionSanitizer([("rows", _First(10))], readmit=0.35, estimator=TREES).fit(X, y)
    assert not union.support_[:3].any()
    assert union.support_[3:].mean() > 0.98


def test_nothing_to_take_back():
    X, y = corners(100)
    target = Target(np.unique(y, return_inverse=True)[1], np.unique(y))
    for kept in (np.ones(100, dtype=bool), target.values == 0):
        found, suggested = take_back_by(TREES, X, target, kept, 0.35, 0)
        np.testing.assert_array_equal(found, kept)
        np.testing.assert_array_equal(suggested, y)
    numbers = Target(np.arange(100.0))
    for kept in (np.arange(100) == 0, np.zeros(100, dtype=bool)):
        np.testing.assert_array_equal(take_back_by(RandomForestRegressor(5), X, numbers, kept, 0.02, 0)[0], kept)


class _First(BaseEstimator):
    """Leaves out the first rows."""

    def __init__(self, n_rows):
        self.n_rows = n_rows

    def fit(self, X, y):
        self.scores_ = (np.arange(X.shape[0]) < self.n_rows).astype(float)
        self.support_ = self.scores_ == 0.0
        return self

    def score_rows(self, X, y):
        return np.zeros(X.shape[0])


def test_votes():
    X, y = load_breast_cancer(return_X_y=True)
    members = [("sphere", SphereSanitizer(0.1)), ("slab", SlabSanitizer(0.1)), ("near", NeighborsSanitizer(0.1))]
    out = np.array([~member.fit(X, y).support_ for _, member in members]).sum(axis=0)
    for least in (1, 2, 3):
        union = UnionSanitizer(members, least_votes=least).fit(X, y)
        np.testing.assert_array_equal(union.support_, out < least)
    assert 0 < (out == 3).sum() < (out >= 2).sum()
    with pytest.raises(ValueError, match="least_votes=4, but there are 3 sanitizers"):
        UnionSanitizer(members, least_votes=4).fit(X, y)
    with pytest.raises(ValueError, match="least_votes"):
        UnionSanitizer(members, least_votes=0).fit(X, y)


def test_no_region_is_stated_where_rows_outside_stay():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    members = [("sphere", SphereSanitizer(0.1)), ("slab", SlabSanitizer(0.1))]
    union = UnionSanitizer(members).fit(X, y)
    assert all(region.contains(X[union.support_ & (y == label)]).all() for label, region in union.feasible_set_.items())
    for settings in ({"least_votes": 2}, {"readmit": 0.35}, {"readmit": 0.35, "estimator": TREES}):
        found = clone(union).set_params(**settings).fit(X, y)
        inside = [union.feasible_set_[label].contains(X[found.support_ & (y == label)]).all() for label in (0, 1)]
        assert not all(inside)
        assert not hasattr(found, "feasible_set_")


def test_small_losses_stay():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    all_of_them = LossSanitizer(contamination=0.1).fit(X, y)
    limit = np.sort(all_of_them.scores_)[-20]
    spared = LossSanitizer(contamination=0.1, least_loss=limit).fit(X, y)
    np.testing.assert_array_equal(spared.support_, spared.scores_ < limit)
    few = LossSanitizer(contamination=0.01, least_loss=0.0).fit(X, y)
    np.testing.assert_array_equal(few.support_, LossSanitizer(contamination=0.01).fit(X, y).support_)
    with pytest.raises(ValueError, match="least_loss"):
        LossSanitizer(least_loss=-1.0).fit(X, y)


def test_numbers_are_suggested_by_models_that_have_not_seen_them():
    X, y = load_diabetes(return_X_y=True)
    y = y / 7
    loss = LossSanitizer(Ridge(), contamination=0.1).fit(X, y)
    out = ~loss.support_
    np.testing.assert_array_equal(loss.suggested_labels_[~out], y[~out])
    off = y[out] - loss.suggested_labels_[out]
    # Scores are these residuals, in robust units around their median.
    assert np.corrcoef(np.abs(off), loss.scores_[out])[0, 1] > 0.9


def test_contradictions_by_the_word_of_an_estimator():
    X, y = corners()
    poisoned = ClusterMatchAttack(n_clusters=8).generate(X, y, budget=40, random_state=0)
    by_trees = ContradictionSanitizer(estimator=TREES).fit(poisoned.X, poisoned.y)
    assert (~by_trees.support_[poisoned.is_poison]).mean() > 0.6
    assert by_trees.support_[~poisoned.is_poison].mean() > 0.97
    # A plane does not know who lies.
    by_planes = ContradictionSanitizer().fit(poisoned.X, poisoned.y)
    assert (~by_planes.support_[poisoned.is_poison]).mean() < 0.1
    out = ~by_trees.support_
    np.testing.assert_array_equal(by_trees.score_rows(poisoned.X[out], poisoned.y[out]) > 0, True)
    for y in (np.zeros(600, dtype=int), np.repeat([0, 1], [599, 1])):
        assert ContradictionSanitizer(estimator=TREES).fit(X, y).support_.all()
    binned = ContradictionSanitizer(estimator=TREES, n_bins=3).fit(*load_diabetes(return_X_y=True))
    assert binned.support_.mean() > 0.9


@pytest.mark.parametrize(
    ("kind", "n_columns", "expected"), [("numbers", 4, 4), ("numbers", 60, 20), ("classes", 60, "sqrt")]
)
def test_trees_see_so_many_rows_and_columns(kind, n_columns, expected):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(100, n_columns)), rng.integers(2, size=100)
    forest = (CappedForestClassifier if kind == "classes" else CappedForestRegressor)(3).fit(sp.csr_array(X), y)
    assert forest.forest_.max_features == expected
    assert forest.forest_.max_samples is None
    assert forest.forest_.random_state == 3
    assert forest.predict(X).shape == (100,)


def test_trees_of_many_rows_see_few():
    X = np.random.default_rng(0).normal(size=(40_000, 1))
    forest = CappedForestClassifier().fit(X, X[:, 0] > 0)
    assert forest.forest_.max_samples == 0.25
    assert forest.predict_proba(X[:3]).shape == (3, 2)
    assert forest.classes_.tolist() == [False, True]


# --- odd input --------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [moons, lambda: load_breast_cancer(return_X_y=True)])
def test_the_order_of_rows_does_not_matter(data):
    X, y = data()
    order = np.random.default_rng(1).permutation(len(y))
    one, other = SanitizedClassifier(TREES).fit(X, y), SanitizedClassifier(TREES).fit(X[order], y[order])
    np.testing.assert_array_equal(other.support_, one.support_[order])
    assert one.sanitizer_.gain_ == other.sanitizer_.gain_


def test_a_row_moves_the_member_of_its_shard_alone():
    X, y = moons(2400)
    around = SanitizedClassifier(DecisionTreeClassifier(random_state=0))
    before = PartitionClassifier(around, n_partitions=3).fit(X, y)
    after = PartitionClassifier(around, n_partitions=3).fit(np.vstack([X, [[0.5, 0.2]]]), np.append(y, 1))
    assert {member.sanitizer_.used_ for member in before.estimators_} == {"forest"}
    same = [
        np.array_equal(one.support_, other.support_) and np.array_equal(one.predict(X), other.predict(X))
        for one, other in zip(before.estimators_, after.estimators_, strict=True)
    ]
    assert sum(same) == 2


def test_sparse_rows():
    X, y = corners()
    sanitizer = SanitizedClassifier(TREES).fit(sp.csr_array(X), y)
    assert sanitizer.sanitizer_.used_ == "forest"
    assert sanitizer.support_.mean() > 0.9


def test_what_cannot_be_asked():
    X, y = moons(100)
    with pytest.raises(ValueError, match="it needs two, got 1"):
        FallbackSanitizer(BOTH[:1]).fit(X, y)
    with pytest.raises(ValueError, match="needs two, got 3"):
        FallbackSanitizer([*BOTH, ("repeats", DuplicateSanitizer())]).fit(X, y)
    anybody = [("rows", _First(1)), ("others", _First(1))]
    with pytest.raises(ValueError, match="compares models of rows of numbers and of y, which these are not"):
        FallbackSanitizer(anybody).fit(np.full((100, 2), "text", dtype=object), y)
    with pytest.raises(ValueError, match="least_gain"):
        FallbackSanitizer(BOTH, least_gain=1.5).fit(X, y)
    with pytest.raises(ValueError, match="has neither predict_proba nor decision_function|needs predict_proba"):
        FallbackSanitizer(BOTH, estimator=LinearSVC()).fit(X, y)
    with pytest.raises(ValueError, match="random_state"):
        FallbackSanitizer(BOTH, random_state=-1).fit(X, y)
    with pytest.raises(ValueError, match="estimator"):
        ContradictionSanitizer(estimator=LinearSVC()).fit(X, y)


def test_regions_are_those_of_the_one_that_is_asked():
    X, y = corners()
    sanitizer = FallbackSanitizer([("linear", SlabSanitizer()), ("curved", SphereSanitizer())]).fit(X, y)
    assert sanitizer.used_ == "curved"
    assert sanitizer.feasible_set_["a"].radius == SphereSanitizer().fit(X, y).feasible_set_["a"].radius
    assert not hasattr(sanitizer.set_params(curved=LossSanitizer(TREES)).fit(X, y), "feasible_set_")


def test_few_rows_and_one_class():
    X, y = corners(12)
    assert FallbackSanitizer(BOTH).fit(X, y).used_ == "linear"
    assert SanitizedClassifier(DecisionTreeClassifier()).fit(X, y).support_.any()
    constant = FallbackSanitizer([("far", SphereSanitizer()), ("curved", LossSanitizer(TREES))]).fit(
        X, np.zeros(12, dtype=int)
    )
    assert (constant.used_, constant.gain_) == ("far", 0.0)
