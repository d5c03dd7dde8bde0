"""Estimators behind a sanitizer: what each gets, what is done to suspicious rows, and what is never done."""

import inspect
import pickle
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from families import FRAME_BASE, TEXT_BASE, cancer, diabetes, frames, member_hashes, one_row_changes, texts
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, IsolationForest
from sklearn.exceptions import NotFittedError, UnsetMetadataPassedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score, train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.validation import has_fit_parameter

import robustfit
from robustfit import PartitionClassifier, PartitionRegressor, SanitizedClassifier, SanitizedRegressor
from robustfit.attacks import FarFlipAttack
from robustfit.audit import check_certifiable
from robustfit.certify import CertificateError
from robustfit.ensemble._own_types import OWN_TYPES
from robustfit.sanitize import (
    LabelAgreementSanitizer,
    LeaveClusterOutSanitizer,
    LossSanitizer,
    RONISanitizer,
    SanitizerChain,
    SlabSanitizer,
    SphereSanitizer,
)

SCALED = make_pipeline(StandardScaler(), LogisticRegression())


class MarkedSanitizer(BaseEstimator):
    """Suspects the rows whose first number is larger than ``most``, and remembers what it was given."""

    def __init__(self, most=100.0, suggests=None, random_state=None):
        self.most = most
        self.suggests = suggests
        self.random_state = random_state

    def fit(self, X, y=None):
        self.given_ = X, y
        first = X[:, [0]]
        self.scores_ = np.asarray(first.todense() if sp.issparse(first) else first, dtype=float).ravel()
        self.support_ = ~(self.scores_ > self.most)
        if self.suggests is not None:
            self.suggested_labels_ = np.where(self.support_, y, self.suggests)
        return self


class GroupsSanitizer(MarkedSanitizer):
    """Also takes the sources of the rows."""

    def fit(self, X, y=None, *, groups=None):
        self.groups_ = groups
        return super().fit(X, y)


class SpyClassifier(ClassifierMixin, BaseEstimator):
    """Remembers what it was given."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None, extra=None):
        self.given_, self.weights_, self.extra_ = (X, y), sample_weight, extra
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class NoWeightsClassifier(SpyClassifier):
    """Takes rows and labels alone."""

    def fit(self, X, y):
        return super().fit(X, y)


def marked(n=40, n_marked=6):
    """Rows of two classes, of which the first ones are marked by a large number."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    X[:n_marked, 0] = 200.0 + np.arange(n_marked)
    return X, np.arange(n) % 2


@pytest.fixture(scope="module")
def flipped():
    X, y = load_breast_cancer(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    return FarFlipAttack().generate(X, y, budget=30), X_test, y_test


# --- what it is for -----------------------------------------------------------------------------------


def test_far_flips_cost_little(flipped):
    poisoned, X_test, y_test = flipped
    plain = clone(SCALED).fit(poisoned.X, poisoned.y).score(X_test, y_test)
    for action in ("drop", "weight", "relabel"):
        model = SanitizedClassifier(SCALED, action=action, contamination=0.1).fit(poisoned.X, poisoned.y)
        assert plain + 0.05 < model.score(X_test, y_test), action
        assert model.support_[poisoned.is_poison].sum() <= 3
        assert isinstance(model.sanitizer_, SanitizerChain)
        assert (
            model.sanitizer_.named_sanitizers_["models"].sanitizer_.named_sanitizers_["influence"].contamination == 0.1
        )
        assert model.contamination_ == pytest.approx((~model.support_).mean())


def test_regression_outliers_cost_little():
    X, y = load_diabetes(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    far = np.argsort(-X[:, 2])[:16]
    bad = y.copy()
    bad[far] = y.min()
    plain, clean = (Ridge(0.1).fit(X, target).score(X_test, y_test) for target in (bad, y))
    for action in ("drop", "weight"):
        model = SanitizedRegressor(Ridge(0.1), action=action).fit(X, bad)
        assert plain + 0.5 * (clean - plain) < model.score(X_test, y_test)


def test_a_tree_gets_its_rows_as_they_are_and_is_helped(flipped):
    poisoned, X_test, y_test = flipped
    tree = DecisionTreeClassifier(max_depth=4, random_state=0)
    plain = clone(tree).fit(poisoned.X, poisoned.y).score(X_test, y_test)
    model = SanitizedClassifier(tree, contamination=0.1).fit(poisoned.X, poisoned.y)
    assert model.score(X_test, y_test) > plain
    again = clone(tree).fit(poisoned.X[model.support_], poisoned.y[model.support_])
    np.testing.assert_array_equal(model.predict_proba(X_test), again.predict_proba(X_test))


def test_many_classes():
    X, y = load_digits(return_X_y=True)
    X, y = X[:600], y[:600].copy()
    bad = np.arange(0, 600, 30)
    y[bad] = (y[bad] + 1) % 10
    model = SanitizedClassifier(LogisticRegression(max_iter=500)).fit(X / 16, y)
    assert (~model.support_[bad]).mean() > 0.8
    assert model.classes_.tolist() == list(range(10))


def every_sanitizer():
    rooms = (robustfit.sanitize, robustfit.ensemble)
    return [getattr(room, name) for room in rooms for name in room.__all__ if name.endswith("Sanitizer")]


@pytest.mark.filterwarnings("ignore::robustfit.ensemble.PartitionWarning")
@pytest.mark.parametrize("cls", every_sanitizer())
def test_every_sanitizer_can_be_used(cls):
    X, y = load_breast_cancer(return_X_y=True)
    X, y = X[:200, :6], y[:200].copy()
    y[:8] = 1 - y[:8]
    try:
        sanitizer = cls([("a", SphereSanitizer()), ("b", SlabSanitizer())]) if takes_members(cls) else cls()
        model = SanitizedClassifier(SCALED, sanitizer=sanitizer).fit(X, y)
    except ImportError as error:
        pytest.skip(str(error))
    assert model.predict(X).shape == (200,)
    report = model.report()
    assert (~model.support_).sum() <= 20
    assert report["reason"][~report["kept"]].str.len().gt(0).all()
    assert report["score"].notna().all()
    weighted = SanitizedClassifier(SCALED, sanitizer=sanitizer, action="weight").fit(X, y)
    np.testing.assert_array_equal(weighted.support_, model.support_)


def takes_members(cls):
    return "sanitizers" in inspect.signature(cls).parameters


# --- what each part is given --------------------------------------------------------------------------


def test_dropping_is_fitting_to_the_rest(flipped):
    poisoned, X_test, _ = flipped
    model = SanitizedClassifier(SCALED, sanitizer=SphereSanitizer(0.1)).fit(poisoned.X, poisoned.y)
    kept = model.support_
    assert (~kept).sum() == 42
    again = clone(SCALED).fit(poisoned.X[kept], poisoned.y[kept])
    np.testing.assert_array_equal(model.decision_function(X_test), again.decision_function(X_test))
    # The sanitizer sees what the last step is given, with the earlier ones fitted to all rows.
    own = SphereSanitizer(0.1).fit(StandardScaler().fit_transform(poisoned.X), poisoned.y)
    np.testing.assert_array_equal(model.scores_, own.scores_)
    np.testing.assert_array_equal(kept, own.support_)


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csc_matrix, pd.DataFrame, pl.DataFrame])
def test_the_estimator_gets_the_container_that_came(container):
    X, y = marked()
    given = container(X)
    if hasattr(given, "columns"):
        given.columns = ["a", "b", "c"]
    model = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer()).fit(given, y)
    rows, labels = model.estimator_.given_
    kind = sp.csr_matrix if container is sp.csc_matrix else type(given)
    assert type(rows) is kind
    dense = rows.toarray() if sp.issparse(rows) else np.asarray(rows)
    np.testing.assert_array_equal(dense, X[6:])
    np.testing.assert_array_equal(labels, y[6:])
    assert model.support_.tolist() == [False] * 6 + [True] * 34
    if hasattr(given, "columns"):
        assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    numbers = model.sanitizer_.given_[0]
    assert sp.issparse(numbers) == sp.issparse(given)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_of_mixed_columns_behind_a_pipeline(library):
    X, y, X_test = frames()
    if library == "polars":
        X, X_test = pl.from_pandas(X), pl.from_pandas(X_test)
    model = SanitizedClassifier(FRAME_BASE).fit(X, y)
    assert model.predict(X_test).shape == (60,)
    assert type(model.estimator_) is type(FRAME_BASE)
    assert 0 < (~model.support_).sum() <= 30


def test_frames_of_mixed_columns_in_front_of_a_bare_learner():
    X, y, _ = frames()
    X = X.assign(town=pd.Categorical(X["town"]), day=pd.date_range("2024-01-01", periods=len(X)))
    X.loc[[3, 5], "age"], X.loc[7, "town"], X.loc[8, "day"] = np.nan, None, pd.NaT
    bare = SpyClassifier()
    model = SanitizedClassifier(bare, sanitizer=MarkedSanitizer(most=3.0)).fit(X, y)
    numbers = model.sanitizer_.given_[0]
    # Two numbers and the days, three of the four kinds (the fourth never occurs), two towns and the missing one.
    assert numbers.shape == (300, 3 + 3 + 3)
    assert np.isfinite(numbers).all()
    age = X["age"].fillna(X["age"].median())
    far = (age - age.median()).abs()
    np.testing.assert_allclose(numbers[:, 0], (age - age.median()) / (far.median() / 0.6744897501960817))
    np.testing.assert_array_equal(numbers[:, 1:4].sum(axis=1), 1.0)
    # The most frequent one first.
    np.testing.assert_array_equal(numbers[:, 1], X["kind"] == X["kind"].mode()[0])
    pd.testing.assert_frame_equal(model.estimator_.given_[0], X[model.support_].reset_index(drop=True))
    boosting = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    known = X.drop(columns="day")
    assert SanitizedClassifier(boosting).fit(known, y).score(known, y) > 0.6


def test_a_column_of_many_texts_is_not_as_many_columns():
    X, y, _ = frames()
    X = X[["age"]].assign(name=[f"n{i % 150}" if i else None for i in range(300)])
    model = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer(most=3.0)).fit(X, y)
    numbers = model.sanitizer_.given_[0]
    assert numbers.shape == (300, 1 + 31)
    # Equally frequent ones by name, the rare missing one last, with all others.
    assert numbers[0, -1] == 1.0
    turned = X.iloc[::-1].reset_index(drop=True)
    model.fit(turned, y[::-1])
    np.testing.assert_array_equal(model.sanitizer_.given_[0][::-1], numbers)


def test_arrays_of_objects():
    X, y = marked()
    mixed = np.column_stack([X.astype(object), np.where(X[:, 1] > 0, "up", "down")])
    mixed[3, 2] = None
    model = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer()).fit(mixed, y)
    assert model.sanitizer_.given_[0].shape == (40, 5)
    assert model.estimator_.given_[0].dtype == object
    assert model.predict(mixed).shape == (40,)


def test_missing_and_infinite_numbers():
    X, y = marked()
    X[10, 1], X[11, 1], X[12, 1] = np.nan, np.inf, -np.inf
    boosting = HistGradientBoostingClassifier(max_iter=2)
    assert SanitizedClassifier(boosting, sanitizer=SphereSanitizer(0.1)).fit(X, y).predict(X).shape == (40,)
    X[:, 2] = np.nan
    model = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer()).fit(X, y)
    numbers, finite = model.sanitizer_.given_[0], X[np.isfinite(X[:, 1]), 1]
    assert numbers[10:13, 1].tolist() == [np.median(finite), finite.max(), finite.min()]
    assert not numbers[:, 2].any()
    sparse = sp.csr_array(np.where(np.isfinite(X), X, 0.0))
    sparse[0, 1] = np.nan
    model = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer()).fit(sparse, y)
    assert np.isfinite(model.sanitizer_.given_[0].data).all()
    assert np.isnan(sparse.data).any()


def test_texts():
    X, y, X_test = texts()
    model = SanitizedClassifier(TEXT_BASE).fit(X, y)
    assert model.predict(X_test).shape == (60,)
    assert sp.issparse(SanitizedClassifier(TEXT_BASE, sanitizer=MarkedSanitizer(2.0)).fit(X, y).sanitizer_.given_[0])
    search = GridSearchCV(TEXT_BASE, {"logisticregression__C": [0.1, 1.0]}, cv=2)
    assert SanitizedClassifier(search).fit(X, y).predict(X_test).shape == (60,)
    with pytest.raises(ValueError, match=r"these are texts, and NaiveTexts has no steps .* make_pipeline\(Tfidf"):
        SanitizedClassifier(NaiveTexts()).fit(X, y)


class NaiveTexts(ClassifierMixin, BaseEstimator):
    """Takes texts without a step in front."""

    def fit(self, X, y):
        self.model_ = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)


def test_labels_of_any_type():
    X, y = marked()
    for labels in (y, y == 1, np.where(y, "yes", "no"), np.where(y, "yes", "no").astype(object), y.astype(float)):
        model = SanitizedClassifier(GaussianNB(), sanitizer=MarkedSanitizer()).fit(X, labels)
        assert model.classes_.tolist() == np.unique(labels).tolist()
        assert set(model.predict(X).tolist()) <= set(labels.tolist())
        model = SanitizedClassifier(GaussianNB(), sanitizer=MarkedSanitizer(suggests=labels[1]), action="relabel")
        assert model.fit(X, pd.Series(labels)).estimator_.classes_.tolist() == model.classes_.tolist()


def test_a_sanitizer_may_be_the_end_of_a_pipeline():
    X, y = marked()
    X[:, 1] *= 1e6
    sanitizer = make_pipeline(RobustScaler(), SphereSanitizer(0.15))
    model = SanitizedClassifier(GaussianNB(), sanitizer=sanitizer).fit(X, y)
    assert not model.support_[:6].any()
    assert model.report()["reason"][0] == "SphereSanitizer"
    assert SanitizedClassifier(GaussianNB(), sanitizer=SphereSanitizer(0.15)).fit(X, y).support_[:6].any()


def test_what_is_passed_stays_as_it_is():
    X, y = marked()
    sanitizer, estimator = MarkedSanitizer(), SpyClassifier()
    model = SanitizedClassifier(estimator, sanitizer=sanitizer).fit(X, y)
    assert not hasattr(sanitizer, "scores_")
    assert not hasattr(estimator, "classes_")
    assert sanitizer.random_state is estimator.random_state is None
    seeds = model.sanitizer_.random_state, model.estimator_.random_state
    assert all(isinstance(seed, int) for seed in seeds)
    assert clone(model).fit(X, y).sanitizer_.random_state == seeds[0]
    other = clone(model).set_params(random_state=1).fit(X, y)
    assert other.sanitizer_.random_state != seeds[0] != seeds[1]
    fixed = clone(model).set_params(sanitizer__random_state=5, estimator__random_state=6).fit(X, y)
    assert (fixed.sanitizer_.random_state, fixed.estimator_.random_state) == (5, 6)
    default = SanitizedClassifier(random_state=3).fit(*marked()).sanitizer_.get_params()
    assert all(value == 3 for name, value in default.items() if name.endswith("random_state"))


def test_order_and_type_of_rows_change_nothing(flipped):
    poisoned, X_test, _ = flipped
    X = poisoned.X.astype(np.float32)
    model = SanitizedClassifier(GaussianNB()).fit(X, poisoned.y)
    order = np.random.default_rng(0).permutation(len(X))
    turned = SanitizedClassifier(GaussianNB()).fit(X[order].astype(np.float64), poisoned.y[order])
    np.testing.assert_array_equal(turned.support_, model.support_[order])
    np.testing.assert_allclose(turned.scores_, model.scores_[order], rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(turned.predict(X_test), model.predict(X_test))


def test_fitted_again_it_is_the_same():
    X, y = marked()
    model = SanitizedClassifier(SGDClassifier(), contamination=0.2).fit(X, y)
    first = pickle.dumps(model)
    assert pickle.dumps(model.fit(X, y)) == first
    np.testing.assert_array_equal(pickle.loads(first).predict(X), model.predict(X))


# --- weights ------------------------------------------------------------------------------------------


def test_weights_by_hand():
    X, y = marked(n_marked=3)
    X[1, 0] = X[2, 0] = 300.0
    model = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer(), action="weight").fit(X, y)
    weights = model.estimator_.weights_
    # Scores 200, 300, 300: ranks 3, 1½, 1½ of three, so 0.2 r / 4.
    np.testing.assert_allclose(weights, [0.15, 0.075, 0.075] + [1.0] * 37)
    np.testing.assert_array_equal(model.estimator_.given_[0], X)
    np.testing.assert_array_equal(model.report()["weight"], weights)


@pytest.mark.parametrize("n_marked", [1, 2, 10])
def test_suspicious_rows_weigh_a_tenth_on_average_and_never_nothing(n_marked):
    X, y = marked(n_marked=n_marked)
    model = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer(), action="weight").fit(X, y)
    weights = model.estimator_.weights_[:n_marked]
    assert weights.mean() == pytest.approx(0.1)
    assert (weights > 0).all()
    assert (np.diff(weights) < 0).all()


def test_weights_multiply_those_that_were_given():
    X, y = marked(n_marked=1)
    given = np.arange(40.0)[::-1] + 0.5
    for learner in (SpyClassifier(), make_pipeline(StandardScaler(), make_pipeline(SpyClassifier()))):
        name = "sample_weight" if isinstance(learner, SpyClassifier) else "pipeline__spyclassifier__sample_weight"
        sanitizer = make_pipeline(MarkedSanitizer(most=5.0))
        model = SanitizedClassifier(learner, sanitizer=sanitizer, action="weight").fit(X, y, **{name: given})
        spy = model.estimator_ if isinstance(learner, SpyClassifier) else model.estimator_[-1][-1]
        np.testing.assert_allclose(spy.weights_, given * ([0.1] + [1.0] * 39))


def test_weights_need_an_estimator_that_takes_them():
    X, y = marked()
    for learner in (KNeighborsClassifier(), make_pipeline(StandardScaler(), KNeighborsClassifier())):
        for routing in (False, True):
            message = "action='weight' needs an estimator that takes sample_weight, and"
            with sklearn.config_context(enable_metadata_routing=routing), pytest.raises(TypeError, match=message):
                SanitizedClassifier(learner, action="weight").fit(X, y)
    with pytest.raises(TypeError, match="needs an estimator that takes sample_weight"):
        SanitizedRegressor(KNeighborsRegressor(), action="weight").fit(X, y)
    with pytest.raises(TypeError, match=r"NoWeightsClassifier\.fit does not take sample_weight"):
        SanitizedClassifier(NoWeightsClassifier()).fit(X, y, sample_weight=np.ones(40))


def test_weights_with_routing():
    X, y = marked(n_marked=1)
    given = np.arange(40.0) + 1
    with sklearn.config_context(enable_metadata_routing=True):
        options = {"sanitizer": MarkedSanitizer(), "action": "weight"}
        assert SanitizedClassifier(SpyClassifier(), **options).fit(X, y).estimator_.weights_[0] == pytest.approx(0.1)
        asked = SpyClassifier().set_fit_request(sample_weight=True)
        model = SanitizedClassifier(asked, **options).fit(X, y, sample_weight=given)
        np.testing.assert_allclose(model.estimator_.weights_, given * ([0.1] + [1.0] * 39))
        pipeline = make_pipeline(RobustScaler(), asked)
        model = SanitizedClassifier(pipeline, sanitizer=MarkedSanitizer(most=5.0), action="weight").fit(X, y)
        assert model.estimator_[-1].weights_[0] == pytest.approx(0.1)
        for wanted in (None, False):
            silent = make_pipeline(RobustScaler(), SpyClassifier().set_fit_request(sample_weight=wanted))
            with pytest.raises(TypeError, match=r"let a step request it, with set_fit_request\(sample_weight=True\)"):
                SanitizedClassifier(silent, **options).fit(X, y)
        with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
            SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer()).fit(X, y, sample_weight=given)


def test_rows_of_weight_zero_are_not_there():
    X, y = marked()
    weights = np.ones(40)
    weights[[0, 1, 20, 21]] = 0.0
    weights[30] = 2.5
    there = weights > 0
    model = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer()).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(model.sanitizer_.given_[0], X[there])
    np.testing.assert_array_equal(model.estimator_.given_[0], X[there & model.support_])
    np.testing.assert_array_equal(model.estimator_.weights_, weights[there & model.support_])
    assert np.flatnonzero(np.isnan(model.scores_)).tolist() == [0, 1, 20, 21]
    assert not model.support_[~there].any()
    assert model.contamination_ == pytest.approx(4 / 36)
    report = model.report()
    assert report["reason"][[0, 1, 2]].tolist() == ["sample_weight is zero"] * 2 + ["MarkedSanitizer"]
    assert report["action"][[0, 2, 22]].tolist() == ["dropped", "dropped", ""]
    weighted = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer(), action="weight")
    assert weighted.fit(X, y, sample_weight=weights).report()["weight"][[0, 30]].tolist() == [0.0, 1.0]
    only = np.where(y == 0, 1.0, 0.0)
    with pytest.raises(ValueError, match="two classes or more whose sample_weight is not zero, got one class: \\[0\\]"):
        SanitizedClassifier().fit(X, y, sample_weight=only)
    with pytest.raises(ValueError, match="weights? .*(zero|non-zero)"):
        SanitizedClassifier().fit(X, y, sample_weight=np.zeros(40))


# --- labels -------------------------------------------------------------------------------------------


def test_labels_are_replaced_by_those_that_are_suggested():
    X, y = marked()
    sanitizer = MarkedSanitizer(suggests=1)
    model = SanitizedClassifier(SpyClassifier(), sanitizer=sanitizer, action="relabel").fit(X, y)
    rows, labels = model.estimator_.given_
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(labels, np.where(np.arange(40) < 6, 1, y))
    report = model.report()
    assert report["action"][:6].tolist() == ["relabelled", ""] * 3
    assert report["suggested_label"][:6].tolist() == [1] * 6
    assert report["label"].tolist() == y.tolist()


def test_neighbours_set_labels_right(flipped):
    poisoned, X_test, y_test = flipped
    sanitizer = LabelAgreementSanitizer(0.1)
    model = SanitizedClassifier(SCALED, sanitizer=sanitizer, action="relabel").fit(poisoned.X, poisoned.y)
    plain = clone(SCALED).fit(poisoned.X, poisoned.y).score(X_test, y_test)
    assert model.score(X_test, y_test) > plain + 0.02


def test_sanitizers_without_suggestions_cannot_relabel():
    X, y = marked()
    with pytest.raises(ValueError, match="needs a sanitizer that suggests labels.*SphereSanitizer has no suggested_la"):
        SanitizedClassifier(sanitizer=SphereSanitizer(), action="relabel").fit(X, y)
    with pytest.raises(ValueError, match="'action' parameter of SanitizedRegressor must be a str among"):
        SanitizedRegressor(action="relabel").fit(X, y)


# --- what stays in any case ---------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["drop", "relabel"])
def test_no_class_is_deleted(action):
    X, y = marked(n_marked=0)
    X[:, 0] = np.where(y == 1, 500.0 + np.arange(40), 0.0)
    sanitizer = MarkedSanitizer(suggests=0)
    model = SanitizedClassifier(SpyClassifier(), sanitizer=sanitizer, action=action).fit(X, y)
    assert model.estimator_.classes_.tolist() == [0, 1]
    assert not model.sanitizer_.support_[y == 1].any()
    # The least suspicious of its class.
    assert np.flatnonzero(model.support_ & (y == 1)).tolist() == [1]
    assert model.report()["reason"][1] == "spared: its class would be too small"


def test_not_all_rows_are_deleted():
    X, y = marked(n_marked=40)
    model = SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer()).fit(X, y)
    assert np.flatnonzero(model.support_).tolist() == [0, 1]
    model = SanitizedRegressor(sanitizer=MarkedSanitizer()).fit(X, X[:, 1])
    assert np.flatnonzero(model.support_).tolist() == [0]


@pytest.mark.parametrize(
    ("min_per_class", "n_left"), [(1, 1), (7, 7), (0.5, 10), (0.33, 7), (1.0, 20), (0.0, 1), (99, 20)]
)
def test_a_threshold_does_not_delete_more_than_the_sanitizer_may(min_per_class, n_left):
    X, y = marked(n_marked=0)
    sanitizer = SphereSanitizer(threshold=0.0, min_per_class=min_per_class)
    model = SanitizedClassifier(SpyClassifier(), sanitizer=sanitizer).fit(X, y)
    assert [int(model.support_[y == c].sum()) for c in (0, 1)] == [n_left, n_left]
    for c in (0, 1):
        own = model.scores_[y == c]
        assert set(own[model.support_[y == c]]) == set(np.sort(own)[:n_left])


def test_a_class_smaller_than_the_number_to_drop():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 2)), np.repeat([0, 1], [57, 3])
    X[y == 1] *= 1e3
    for sanitizer in (SphereSanitizer(0.2), LeaveClusterOutSanitizer(0.2), SlabSanitizer(0.2)):
        model = SanitizedClassifier(GaussianNB(), sanitizer=sanitizer).fit(X, y)
        assert model.support_[y == 1].sum() >= 2
        assert model.estimator_.classes_.tolist() == [0, 1]


def test_identical_rows():
    X, y = np.ones((20, 2)), np.arange(20) % 2
    assert SanitizedClassifier().fit(X, y).predict(X[:1]).shape == (1,)
    assert SanitizedRegressor().fit(X, y).predict(X[:1]) == pytest.approx([0.5], abs=0.1)


def test_nothing_to_leave_out_is_the_estimator_itself():
    X, y = marked()
    for contamination in (0.0, 0.02):
        model = SanitizedClassifier(GaussianNB(), contamination=contamination).fit(X, y)
        assert model.support_.all()
        np.testing.assert_array_equal(model.predict_proba(X), GaussianNB().fit(X, y).predict_proba(X))
    assert model.report()["threshold"].isna().all()


# --- metadata -----------------------------------------------------------------------------------------


def test_groups_go_to_who_names_them_and_are_cut():
    X, y = marked()
    groups, weights = np.arange(40) % 5, np.ones(40)
    weights[39] = 0.0
    model = SanitizedClassifier(SpyClassifier(), sanitizer=GroupsSanitizer())
    model.fit(X, y, groups=groups, extra=list(range(40)), sample_weight=weights)
    assert model.sanitizer_.groups_.tolist() == groups[:39].tolist()
    assert model.estimator_.extra_ == list(range(6, 39))
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-8]}, cv=GroupKFold(2))
    SanitizedClassifier(search, sanitizer=MarkedSanitizer()).fit(X, y, groups=groups)
    chain = SanitizerChain([("far", SphereSanitizer(0.05)), ("sources", ScoringGroupsSanitizer())])
    model = SanitizedClassifier(SpyClassifier(), sanitizer=chain).fit(X, y, groups=groups)
    assert len(model.sanitizer_.named_sanitizers_["sources"].groups_) == 38
    with pytest.raises(TypeError, match="unexpected keyword argument 'groups'"):
        SanitizedClassifier(SpyClassifier(), sanitizer=MarkedSanitizer()).fit(X, y, groups=groups)
    with pytest.raises(ValueError, match="fit parameter groups has 3 entries for 40 rows"):
        SanitizedClassifier(SpyClassifier(), sanitizer=GroupsSanitizer()).fit(X, y, groups=groups[:3])


class ScoringGroupsSanitizer(GroupsSanitizer):
    def score_rows(self, X, y=None):
        return np.asarray(X[:, 0]).ravel()


def test_groups_with_routing():
    X, y = marked()
    groups = np.arange(40) % 5
    with sklearn.config_context(enable_metadata_routing=True):
        asked = GroupsSanitizer().set_fit_request(groups=True)
        model = SanitizedClassifier(SpyClassifier(), sanitizer=asked).fit(X, y, groups=groups)
        assert model.sanitizer_.groups_.tolist() == groups.tolist()
        with pytest.raises(UnsetMetadataPassedError, match="groups"):
            SanitizedClassifier(SpyClassifier(), sanitizer=GroupsSanitizer()).fit(X, y, groups=groups)
        scores = cross_val_score(
            SanitizedClassifier(GaussianNB(), sanitizer=asked), X, y, params={"groups": groups}, cv=2
        )
        assert scores.shape == (2,)
        learner = LogisticRegression().set_fit_request(sample_weight=True)
        model = SanitizedClassifier(learner).set_score_request(sample_weight=False)
        search = GridSearchCV(model, {"action": ["drop", "weight"]}, cv=2)
        search.fit(X, y, sample_weight=np.ones(40))
        assert search.best_estimator_.support_.shape == (40,)


class TrustingSanitizer(MarkedSanitizer):
    """Also takes rows that are known to be good."""

    def fit(self, X, y=None, *, X_trusted=None, y_trusted=None):
        self.trusted_ = X_trusted, y_trusted
        return super().fit(X, y)


def test_a_trusted_reference_is_seen_as_the_rows_are():
    X, y = marked()
    good = {"X_trusted": X[10:15], "y_trusted": y[10:15]}
    model = SanitizedClassifier(SpyClassifier(), sanitizer=TrustingSanitizer()).fit(X, y, **good)
    np.testing.assert_array_equal(model.sanitizer_.trusted_[0], X[10:15])
    np.testing.assert_array_equal(model.sanitizer_.trusted_[1], y[10:15])
    model = SanitizedClassifier(SCALED, sanitizer=TrustingSanitizer(5.0)).fit(X, y, **good)
    np.testing.assert_array_equal(model.sanitizer_.trusted_[0], StandardScaler().fit(X).transform(X[10:15]))
    with pytest.raises(ValueError, match="X has 2 features, but SanitizedClassifier is expecting 3 features"):
        model.fit(X, y, X_trusted=X[:5, :2], y_trusted=y[:5])
    model = SanitizedClassifier(GaussianNB(), sanitizer=RONISanitizer(n_groups=4)).fit(X[6:], y[6:], **good)
    assert 0 < (~model.support_).sum() <= 1


def test_a_trusted_reference_in_a_frame_or_in_texts():
    X, y, X_test = frames()
    X, good = X.assign(name=[f"n{i % 40}" for i in range(300)]), X_test.assign(name="n1")
    good.loc[good.index[:3], ["age", "town", "name"]] = [np.nan, "atlantis", "unheard of"]
    model = SanitizedClassifier(SpyClassifier(), sanitizer=TrustingSanitizer(9.0))
    model.fit(X, y, X_trusted=good, y_trusted=y[:60])
    numbers, seen = model.sanitizer_.trusted_[0], model.sanitizer_.given_[0]
    assert numbers.shape == (60, seen.shape[1])
    assert np.isfinite(numbers).all()
    # Age is filled; towns that nobody has heard of are none of those known; such names are one of the rare ones.
    assert not numbers[0, 0]
    assert not numbers[0, 4:6].any()
    assert numbers[0, -1] == 1.0
    assert numbers[5, 4:6].sum() == 1.0
    texts_given, labels, more = texts()
    text_model = SanitizedClassifier(TEXT_BASE, sanitizer=TrustingSanitizer(9.0))
    text_model.fit(texts_given, labels, X_trusted=more, y_trusted=labels[:60])
    assert text_model.sanitizer_.trusted_[0].shape == (60, text_model.sanitizer_.given_[0].shape[1])
    gaps = np.array([[np.nan, np.inf, -np.inf], [1e9, -1e9, 0.0]])
    dense, codes = marked()
    model.fit(dense, codes, X_trusted=gaps, y_trusted=[0, 1])
    found = model.sanitizer_.trusted_[0]
    assert found[0].tolist() == [np.median(dense[:, 0]), dense[:, 1].max(), dense[:, 2].min()]
    assert found[1].tolist() == gaps[1].tolist()


def test_inside_pipelines_and_searches(flipped):
    poisoned, X_test, y_test = flipped
    model = make_pipeline(StandardScaler(), SanitizedClassifier(contamination=0.1))
    grid = {"sanitizedclassifier__contamination": [0.05, 0.1], "sanitizedclassifier__estimator": [GaussianNB()]}
    search = GridSearchCV(model, grid, cv=2).fit(poisoned.X, poisoned.y)
    assert search.score(X_test, y_test) > 0.85
    weights = np.ones(len(poisoned.y))
    assert model.fit(poisoned.X, poisoned.y, sanitizedclassifier__sample_weight=weights).score(X_test, y_test) > 0.93


def test_methods_are_those_of_the_estimator():
    X, y = marked()
    for learner in (LogisticRegression(), SVC(), GaussianNB(), KNeighborsClassifier()):
        model = SanitizedClassifier(learner, sanitizer=MarkedSanitizer()).fit(X, y)
        for method in ("predict_proba", "predict_log_proba", "decision_function"):
            assert hasattr(model, method) == hasattr(learner, method)
            if hasattr(learner, method):
                np.testing.assert_array_equal(getattr(model, method)(X), getattr(model.estimator_, method)(X))


# --- report -------------------------------------------------------------------------------------------


def test_report_by_hand():
    X = np.array([[0.0], [1.0], [2.0], [90.0], [10.0], [11.0], [12.0], [40.0]])
    y = np.array(["a"] * 4 + ["b"] * 4)
    chain = SanitizerChain([("first", SphereSanitizer(0.15)), ("second", SphereSanitizer(0.15))])
    report = SanitizedClassifier(GaussianNB(), sanitizer=chain).fit(X, y).report()
    assert report.columns.tolist() == ["row", "label", "score", "threshold", "kept", "action", "reason"]
    assert report["row"].tolist() == list(range(8))
    assert report["label"].tolist() == y.tolist()
    assert report["reason"].tolist() == ["", "", "", "first", "", "", "", "second"]
    assert report["action"].tolist() == ["", "", "", "dropped", "", "", "", "dropped"]
    assert report["kept"].tolist() == [True, True, True, False] * 2
    assert (report["score"][[3, 7]] >= report["threshold"][[3, 7]]).all()
    assert (report["score"][report["kept"]] < report["threshold"][0]).all()


def test_thresholds_of_classes():
    X, y = marked(n_marked=0)
    report = SanitizedClassifier(GaussianNB(), sanitizer=SphereSanitizer(0.1, drop_by="class")).fit(X, y).report()
    for c in (0, 1):
        own = report[report["label"] == c]
        assert own["threshold"].nunique() == 1
        assert own["threshold"].iloc[0] == own["score"][~own["kept"]].min() > own["score"][own["kept"]].max()
    report = SanitizedClassifier(GaussianNB(), sanitizer=SphereSanitizer(threshold=1.7)).fit(X, y).report()
    assert (report["threshold"] == 1.7).all()


def test_report_of_a_regressor_and_before_fit():
    X, y = diabetes()[:2]
    report = SanitizedRegressor().fit(X, y).report()
    assert report["label"].dtype == np.float64
    assert report.columns.tolist()[-1] == "suggested_label"
    binned = SanitizedRegressor(sanitizer=LeaveClusterOutSanitizer(n_bins=4)).fit(X, y).report()
    assert "suggested_label" not in binned.columns
    with pytest.raises(NotFittedError):
        SanitizedRegressor().report()


def test_report_without_pandas(monkeypatch):
    model = SanitizedClassifier().fit(*marked())
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'report\(\) needs pandas; install it with: pip install "robustfit'):
        model.report()


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"sanitizer": SphereSanitizer},
            TypeError,
            "sanitizer must be an instance, got the class SphereSanitizer; call",
        ),
        (
            {"sanitizer": "sphere"},
            ValueError,
            "'sanitizer' parameter of SanitizedClassifier must be an object implement",
        ),
        (
            {"sanitizer": SphereSanitizer(), "contamination": 0.1},
            ValueError,
            r"Set it there: SphereSanitizer\(contamina",
        ),
        (
            {"sanitizer": IsolationForest()},
            TypeError,
            "IsolationForest is no sanitizer.*this one has no support_.*go into its OutlierSanitizer",
        ),
        ({"sanitizer": StandardScaler()}, TypeError, "StandardScaler is no sanitizer: after fit one has support_"),
        ({"action": "delete"}, ValueError, "'action' parameter of SanitizedClassifier must be a str among"),
        ({"contamination": 0.5}, ValueError, "'contamination' parameter .* in the range"),
        ({"contamination": 3}, ValueError, "'contamination' parameter .* in the range"),
        ({"random_state": None}, ValueError, "random_state must be a non-negative integer, got None"),
        ({"estimator": Ridge()}, ValueError, "is a regressor; use SanitizedRegressor"),
        ({"estimator": GaussianNB}, TypeError, "estimator must be an instance, got the class GaussianNB"),
        ({"estimator": SVC(kernel="precomputed")}, ValueError, "precomputed kernel, whose columns are training rows"),
        ({"sanitizer": SphereSanitizer(contamination=0.7)}, ValueError, "'contamination' parameter of SphereSanitizer"),
        ({"sanitizer": SanitizerChain([("a", None)])}, ValueError, "has no sanitizer"),
    ],
)
def test_what_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        SanitizedClassifier(**options).fit(*marked())


def test_a_sanitizer_of_other_rows_is_refused():
    class Short(MarkedSanitizer):
        def fit(self, X, y=None):
            super().fit(X, y)
            self.support_ = self.support_[1:]
            return self

    with pytest.raises(TypeError, match=r"Short is no sanitizer.*this one has support_ of shape \(39,\) for 40 rows"):
        SanitizedClassifier(sanitizer=Short()).fit(*marked())


def test_targets_that_are_refused():
    X, y = marked()
    with pytest.raises(ValueError, match="requires y to be passed, but the target y is None"):
        SanitizedClassifier().fit(X, None)
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        SanitizedClassifier().fit(X, X[:, 1])
    with pytest.raises(ValueError, match="got one class: \\[1\\]"):
        SanitizedClassifier().fit(X, np.ones(40, dtype=int))
    with pytest.raises(ValueError, match="SphereSanitizer compares rows of the same class. Pass labels, or set n_bins"):
        SanitizedRegressor(sanitizer=SphereSanitizer()).fit(X, X[:, 1])
    SanitizedRegressor(sanitizer=SphereSanitizer(n_bins=4)).fit(X, X[:, 1])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        SanitizedClassifier().fit(X, y[1:])


# --- members of a vote --------------------------------------------------------------------------------


MEMBERS = {
    "default": (SanitizedClassifier(GaussianNB()), cancer),
    "pipeline": (SanitizedClassifier(SCALED, sanitizer=SphereSanitizer(0.1)), cancer),
    "weight": (SanitizedClassifier(GaussianNB(), sanitizer=SlabSanitizer(0.1), action="weight"), cancer),
    "relabel": (SanitizedClassifier(GaussianNB(), sanitizer=LabelAgreementSanitizer(0.1), action="relabel"), cancer),
    "chain": (
        SanitizedClassifier(GaussianNB(), sanitizer=SanitizerChain([("a", SphereSanitizer()), ("b", LossSanitizer())])),
        cancer,
    ),
    # What differs from the above is how rows become numbers.
    "frames": (SanitizedClassifier(FRAME_BASE, sanitizer=SphereSanitizer(0.1)), frames),
    "texts": (SanitizedClassifier(TEXT_BASE, sanitizer=SphereSanitizer(0.1)), texts),
    "regressor": (SanitizedRegressor(), diabetes),
}
quiet = pytest.mark.filterwarnings(
    "ignore::robustfit.ensemble.PartitionWarning", "ignore::robustfit.ensemble.MemberWarning"
)


def voting(member, **options):
    ensemble = PartitionRegressor if isinstance(member, SanitizedRegressor) else PartitionClassifier
    return ensemble(member, n_partitions=5, **options)


@quiet
@pytest.mark.parametrize("name", MEMBERS)
def test_one_changed_row_changes_one_member(name):
    member, data = MEMBERS[name]
    X, y, X_test = data(n=160, n_test=20)
    ensemble = voting(member).fit(X, y)
    assert sum(model is not None for model in ensemble.estimators_) == 5
    hashes, votes = member_hashes(ensemble), ensemble.votes(X_test)
    most = 0
    for change, allowed, X_changed, y_changed in one_row_changes(X, y, 17):
        if change == "insert a new label":
            continue
        after = ensemble.fit(X_changed, y_changed)
        moved = np.array([a != b for a, b in zip(hashes, member_hashes(after), strict=True)])
        assert moved.sum() <= allowed, change
        np.testing.assert_array_equal(after.votes(X_test)[:, ~moved], votes[:, ~moved])
        most = max(most, moved.sum())
    assert most > 0


@quiet
@pytest.mark.parametrize("name", MEMBERS)
def test_saved_ensembles_may_have_it_as_member(name, tmp_path):
    pytest.importorskip("skops.io")
    member, data = MEMBERS[name]
    X, y, X_test = data(n=120, n_test=20)
    ensemble = voting(member).fit(X, y)
    robustfit.save(ensemble, tmp_path / "model")
    foreign = ["sklearn.compose._column_transformer._RemainderColsList", "sklearn.utils._bunch.Bunch"]
    restored = robustfit.load(tmp_path / "model", trusted=foreign)
    np.testing.assert_array_equal(restored.votes(X_test), ensemble.votes(X_test))
    pd.testing.assert_frame_equal(restored.estimators_[0].report(), ensemble.estimators_[0].report())


def test_saved_ensembles_know_every_sanitizer():
    known = every_sanitizer()
    assert len(known) > 12
    assert [cls for cls in known if f"{cls.__module__}.{cls.__name__}" not in OWN_TYPES] == []


def test_members_take_weights():
    X, y, X_test = cancer()
    weights = np.where(np.arange(len(y)) % 3 == 0, 0.0, 1.0)
    member = SanitizedClassifier(GaussianNB())
    assert not has_fit_parameter(member, "sample_weight")
    ensemble = PartitionClassifier(member, n_partitions=5)
    votes = ensemble.fit(X, y, sample_weight=weights).votes(X_test)
    np.testing.assert_array_equal(votes, ensemble.fit(X[weights > 0], y[weights > 0]).votes(X_test))
    with pytest.raises(TypeError, match="does not take sample_weight"):
        PartitionClassifier(SanitizedClassifier(KNeighborsClassifier())).fit(X, y, sample_weight=weights)


def test_a_sanitizer_outside_the_vote_voids_the_guarantee():
    with pytest.raises(CertificateError, match="SanitizedClassifier"):
        check_certifiable(SanitizedClassifier(PartitionClassifier()))
    assert check_certifiable(PartitionClassifier(SanitizedClassifier())) == ()
