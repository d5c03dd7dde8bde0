"""The ensembles behave as scikit-learn estimators do: clone, pickle, search, routing, labels, seeds, callbacks."""

import io
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
import sklearn
from families import FRAME_BASE, TEXT_BASE, cancer, diabetes, frames, member_hashes, texts
from joblib.externals.loky import get_reusable_executor
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier, is_regressor
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning, UnsetMetadataPassedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags

from robustfit import Certificate, CertificateError, IntervalCertificate, PartitionClassifier, PartitionRegressor

both = pytest.mark.parametrize("kind", [PartitionClassifier, PartitionRegressor], ids=["classifier", "regressor"])
pytestmark = pytest.mark.filterwarnings("ignore::robustfit.ensemble.PartitionWarning")

X, Y, X_TEST = cancer()
# On one scale once and for all, so that the default learner converges.
X_TEST, X = (X_TEST - X.mean(axis=0)) / X.std(axis=0), (X - X.mean(axis=0)) / X.std(axis=0)
X_REGRESSION, Y_REGRESSION, X_TEST_REGRESSION = diabetes()
WEIGHT = np.random.default_rng(0).uniform(0.5, 1.5, len(Y))
GROUPS = np.arange(len(Y)) % 60


def data(kind):
    return (X, Y, X_TEST) if kind is PartitionClassifier else (X_REGRESSION, Y_REGRESSION, X_TEST_REGRESSION)


def scaled(kind):
    return make_pipeline(StandardScaler(), LogisticRegression() if kind is PartitionClassifier else Ridge())


def tree(kind):
    return DecisionTreeClassifier(max_depth=3) if kind is PartitionClassifier else DecisionTreeRegressor(max_depth=3)


def ensemble(kind, estimator=None, **parameters):
    return kind(estimator, **{"n_partitions": 7, **parameters})


def assert_same_votes(one, other, rows):
    np.testing.assert_array_equal(one.votes(rows), other.votes(rows))


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# Parameters


@both
def test_clone_keeps_parameters_and_forgets_the_fit(kind):
    rows, y, _ = data(kind)
    model = ensemble(kind, scaled(kind), random_state=5, schema=None, member_error="raise").fit(rows, y)
    copy = clone(model)
    assert not hasattr(copy, "estimators_")
    assert copy.estimator is not model.estimator
    assert repr(copy.get_params()) == repr(model.get_params())
    assert_same_votes(copy.fit(rows, y), model, rows)


def test_clone_keeps_classes_and_schema():
    model = PartitionClassifier(classes=np.array([1, 0]), schema={"a": "number", "b": ["x", "y"]})
    copy = clone(model)
    assert copy.classes.tolist() == [1, 0]
    assert copy.schema == model.schema


@both
def test_parameters_are_stored_as_given_and_not_touched_by_fit(kind):
    rows, y, _ = data(kind)
    given = {
        "estimator": scaled(kind),
        "n_partitions": np.int64(7),
        "partition_by": "content",
        "schema": None,
        "engine": "auto",
        "member_error": "abstain",
        "random_state": np.int32(3),
        "n_jobs": 1,
    }
    if kind is PartitionClassifier:
        given["classes"] = [1, 0]
    model = kind(**given)
    for _ in range(2):
        assert all(model.get_params(deep=False)[name] is value for name, value in given.items())
        assert set(model.get_params(deep=False)) == set(given)
        model.fit(rows, y)


@both
def test_nested_parameters(kind):
    name = "logisticregression__C" if kind is PartitionClassifier else "ridge__alpha"
    model = ensemble(kind, scaled(kind))
    assert model.get_params()[f"estimator__{name}"] == 1.0
    model.set_params(n_partitions=3, **{f"estimator__{name}": 0.25})
    assert model.estimator.get_params()[name] == 0.25
    rows, y, _ = data(kind)
    assert {member.get_params()[name] for member in model.fit(rows, y).estimators_} == {0.25}
    with pytest.raises(ValueError, match=r"Invalid parameter 'nope'"):
        model.set_params(nope=1)


@both
def test_parameters_may_change_after_the_fit_without_changing_what_was_fitted(kind):
    rows, y, rows_test = data(kind)
    model = ensemble(kind, scaled(kind)).fit(rows, y)
    votes, certificate = model.votes(rows_test), model.certify(rows_test).to_json()
    model.set_params(n_partitions=3, partition_by="groups", estimator=tree(kind), random_state=9)
    if kind is PartitionClassifier:
        model.set_params(classes=[0, 1])
    np.testing.assert_array_equal(model.votes(rows_test), votes)
    assert model.certify(rows_test).to_json() == certificate


@both
def test_the_given_estimator_is_neither_fitted_nor_changed(kind):
    rows, y, _ = data(kind)
    given = make_pipeline(StandardScaler(), tree(kind))
    before = joblib.hash(given)
    model = ensemble(kind, given).fit(rows, y)
    model.certify(rows)
    assert joblib.hash(given) == before
    assert all(member is not given for member in model.estimators_)
    assert len({id(member[-1]) for member in model.estimators_}) == 7


@both
def test_the_given_data_are_not_changed(kind):
    rows, y, _ = data(kind)
    parts = [rows.copy(), y.copy(), np.ones(len(y)), GROUPS.copy()]
    before = joblib.hash(parts)
    ensemble(kind, tree(kind), partition_by="groups").fit(
        parts[0], parts[1], sample_weight=parts[2], groups=parts[3]
    ).certify(parts[0])
    assert joblib.hash(parts) == before


@both
def test_fit_returns_the_ensemble_and_sets_what_is_documented(kind):
    rows, y, _ = data(kind)
    model = ensemble(kind)
    assert model.fit(rows, y) is model
    assert model.shard_sizes_.tolist() == [int(size) for size in model.shard_sizes_]
    assert model.shard_sizes_.sum() == len(y)
    assert len(model.estimators_) == 7
    assert model.member_errors_ == {}
    assert model.n_features_in_ == rows.shape[1]
    assert not hasattr(model, "feature_names_in_")
    model.fit(pd.DataFrame(rows).add_prefix("c"), y)
    assert model.feature_names_in_.tolist() == [f"c{j}" for j in range(rows.shape[1])]
    assert not hasattr(model.fit(rows, y), "feature_names_in_")


def test_kind_and_tags():
    assert is_classifier(PartitionClassifier())
    assert is_regressor(PartitionRegressor())
    assert get_tags(PartitionClassifier()).input_tags.sparse
    assert not get_tags(PartitionClassifier(DecisionTreeClassifier())).non_deterministic
    assert get_tags(PartitionClassifier(DecisionTreeClassifier())).input_tags.allow_nan
    assert not get_tags(PartitionClassifier(LogisticRegression())).input_tags.allow_nan
    assert get_tags(PartitionClassifier(Varying())).non_deterministic


@both
def test_repr_and_html(kind):
    rows, y, _ = data(kind)
    model = ensemble(kind, scaled(kind))
    assert repr(model).startswith(f"{kind.__name__}(estimator=Pipeline(")
    assert repr(kind()) == f"{kind.__name__}()"
    for state in (model, model.fit(rows, y)):
        page = state._repr_html_()
        assert kind.__name__ in page
        assert "StandardScaler" in page


@both
def test_html_does_not_send_readers_to_pages_that_are_not_there(kind):
    """scikit-learn documents its own estimators only."""
    assert "scikit-learn.org" not in kind()._get_doc_link()


# Persistence


def pickled(model):
    return pickle.loads(pickle.dumps(model))


def dumped(model):
    buffer = io.BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    return joblib.load(buffer)


@both
@pytest.mark.parametrize("again", [pickled, dumped])
def test_persistence(kind, again):
    rows, y, rows_test = data(kind)
    model = ensemble(kind, make_pipeline(StandardScaler(), tree(kind))).fit(rows, y)
    copy = again(model)
    assert_same_votes(copy, model, rows_test)
    assert copy.certify(rows_test).to_json() == model.certify(rows_test).to_json()
    assert_same_votes(again(ensemble(kind)).fit(rows, y), ensemble(kind).fit(rows, y), rows_test)


@pytest.mark.parametrize("again", [pickled, dumped])
def test_persistence_of_frames_and_texts(again):
    rows, y, rows_test = frames()
    model = ensemble(PartitionClassifier, FRAME_BASE).fit(rows, y)
    assert_same_votes(again(model), model, rows_test)
    model.fit(pl.from_pandas(rows), y)
    np.testing.assert_array_equal(again(model).votes(rows_test), model.votes(pl.from_pandas(rows_test)))
    rows, y, rows_test = texts()
    model = ensemble(PartitionClassifier, TEXT_BASE).fit(rows, y)
    assert_same_votes(again(model), model, rows_test)


# Inside scikit-learn's tools


@both
def test_grid_search_over_the_ensemble(kind):
    rows, y, _ = data(kind)
    name = "estimator__logisticregression__C" if kind is PartitionClassifier else "estimator__ridge__alpha"
    search = GridSearchCV(ensemble(kind, scaled(kind)), {"n_partitions": [3, 9], name: [0.1, 1.0]}, cv=2).fit(rows, y)
    assert len(search.cv_results_["params"]) == 4
    assert len(search.best_estimator_.estimators_) == search.best_params_["n_partitions"]
    assert search.best_estimator_.certify(rows[:3]).n_members == search.best_params_["n_partitions"]


@both
def test_cross_validation(kind):
    rows, y, _ = data(kind)
    scores = cross_val_score(ensemble(kind, scaled(kind)), rows, y, cv=3)
    assert np.all(scores > (0.85 if kind is PartitionClassifier else 0.2))


@both
def test_search_inside_the_members(kind):
    rows, y, _ = data(kind)
    search = GridSearchCV(tree(kind), {"max_depth": [1, 3]}, cv=KFold(2))
    model = ensemble(kind, search).fit(rows, y)
    assert all(member.best_params_["max_depth"] in (1, 3) for member in model.estimators_)
    assert model.certify(rows).conditional_on == ()


@both
def test_ensemble_in_a_pipeline(kind):
    rows, y, _ = data(kind)
    outer = make_pipeline(FunctionTransformer(), ensemble(kind, scaled(kind))).fit(rows, y)
    np.testing.assert_array_equal(outer.predict(rows), ensemble(kind, scaled(kind)).fit(rows, y).predict(rows))
    assert outer.score(rows, y) == outer[-1].score(rows, y)


def test_two_jobs():
    """Both methods share their workers: other options of joblib would start new ones at every change."""
    rows, y, rows_test = data(PartitionClassifier)
    model = ensemble(PartitionClassifier, scaled(PartitionClassifier)).fit(rows, y)
    parallel = ensemble(PartitionClassifier, scaled(PartitionClassifier), n_jobs=2).fit(rows, y)
    workers = get_reusable_executor(reuse=True).executor_id
    assert member_hashes(parallel) == member_hashes(model)
    assert_same_votes(parallel, model, rows_test)
    assert get_reusable_executor(reuse=True).executor_id == workers


# Predictions


def test_shares_agree_with_votes_and_predictions():
    model = ensemble(PartitionClassifier, SVC()).fit(X, np.digitize(X[:, 0], [-1, 0, 1]))
    votes, shares = model.votes(X_TEST), model.predict_proba(X_TEST)
    assert votes.dtype == np.int8
    assert votes.shape == (len(X_TEST), 7)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[shares.argmax(axis=1)], model.predict(X_TEST))
    np.testing.assert_array_equal(shares, np.stack([(votes == c).mean(axis=1) for c in range(4)], axis=1))


def test_many_classes_are_no_reason_to_warn():
    """Each label is once in the list of labels: that says nothing about the rows."""
    y = np.arange(600) % 30
    model = PartitionClassifier(DecisionTreeClassifier(), n_partitions=2).fit(np.arange(600.0)[:, None], y)
    assert len(model.classes_) == 30


@pytest.mark.filterwarnings("ignore:The number of unique classes is greater than 50%")
def test_votes_are_as_narrow_as_the_number_of_classes_allows():
    rows = np.arange(700.0)[:, None]
    for n_classes, dtype in ((2, np.int8), (127, np.int8), (128, np.int8), (129, np.int16), (300, np.int16)):
        y = np.arange(700) % n_classes
        votes = PartitionClassifier(DecisionTreeClassifier(), n_partitions=1).fit(rows, y).votes(rows)
        assert votes.dtype == dtype
        np.testing.assert_array_equal(votes[:, 0], y)


def test_medians_of_members():
    model = ensemble(PartitionRegressor).fit(X_REGRESSION, Y_REGRESSION)
    votes = model.votes(X_TEST_REGRESSION)
    assert votes.dtype == np.float64
    np.testing.assert_array_equal(model.predict(X_TEST_REGRESSION), np.median(votes, axis=1))
    even = ensemble(PartitionRegressor, n_partitions=8).fit(X_REGRESSION, Y_REGRESSION)
    np.testing.assert_allclose(
        even.predict(X_TEST_REGRESSION), np.median(even.votes(X_TEST_REGRESSION), axis=1), rtol=1e-14
    )


@both
def test_certificates_are_about_the_predictions(kind):
    rows, y, rows_test = data(kind)
    model = ensemble(kind).fit(rows, y)
    certificate = model.certify(rows_test)
    assert type(certificate) is (Certificate if kind is PartitionClassifier else IntervalCertificate)
    np.testing.assert_array_equal(certificate.prediction, model.predict(rows_test))
    assert (certificate.n_members, certificate.threat, certificate.partition_by) == (7, "insert_delete", "content")
    assert certificate.kind == "exact"


def test_share_intervals_hold_the_shares():
    model = ensemble(PartitionClassifier).fit(X, Y)
    certificate = model.certify(X_TEST)
    low, high = certificate.share_interval(0)
    np.testing.assert_array_equal(low, model.predict_proba(X_TEST))
    np.testing.assert_array_equal(high, model.predict_proba(X_TEST))
    low, high = certificate.share_interval(2)
    assert np.all(low <= model.predict_proba(X_TEST))
    assert np.all(high >= model.predict_proba(X_TEST))


class PredictsAColumn(LogisticRegression):
    """Answers with one column, as CatBoost does for several classes."""

    calls = 0

    def predict(self, X):
        PredictsAColumn.calls += 1
        return super().predict(X)[:, None]


def test_members_that_answer_with_a_column_are_asked_once():
    model = ensemble(PartitionClassifier, PredictsAColumn()).fit(X, Y)
    PredictsAColumn.calls = 0
    assert_same_votes(model, ensemble(PartitionClassifier, engine="generic").fit(X, Y), X)
    assert PredictsAColumn.calls == len(model.estimators_)


# Metadata


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers what its fit was handed."""

    def fit(self, X, y, sample_weight=None, prices=None, note=None):
        self.classes_ = np.unique(y)
        self.rows_, self.labels_ = X, y
        self.weight_, self.prices_, self.note_ = sample_weight, prices, note
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def handed(model, name):
    return [getattr(member, name) for member in model.estimators_]


def by_row(model, name):
    """What was handed with each row: every row has a first cell of its own."""
    return {
        float(row[0]): value
        for member in model.estimators_
        for row, value in zip(member.rows_, getattr(member, name), strict=True)
    }


UNIQUE = np.column_stack([np.arange(len(Y), dtype=float), X])
PRICES = np.random.default_rng(1).normal(size=len(Y))


def test_weights_go_where_they_are_requested(routing):
    model = ensemble(PartitionClassifier, Recorder().set_fit_request(sample_weight=True))
    model.fit(UNIQUE, Y, sample_weight=WEIGHT)
    assert by_row(model, "weight_") == dict(enumerate(WEIGHT.tolist()))
    model = ensemble(PartitionClassifier, Recorder().set_fit_request(sample_weight=False))
    assert handed(model.fit(UNIQUE, Y, sample_weight=WEIGHT), "weight_") == [None] * 7


@both
def test_weights_that_nobody_asked_for(kind, routing):
    rows, y, _ = data(kind)
    message = r"\[sample_weight\] are passed but are not explicitly set as requested or not requested"
    with pytest.raises(UnsetMetadataPassedError, match=message):
        ensemble(kind, tree(kind)).fit(rows, y, sample_weight=WEIGHT)
    # The default estimator is the ensemble's own, which knows what it wants.
    ensemble(kind).fit(rows, y, sample_weight=WEIGHT)
    ensemble(kind, tree(kind)).fit(rows, y)


@both
def test_weights_through_cross_validation(kind, routing):
    rows, y, _ = data(kind)
    inner = tree(kind).set_fit_request(sample_weight=True)
    params = {"sample_weight": WEIGHT}
    with pytest.raises(UnsetMetadataPassedError, match="PartitionClassifier.fit|PartitionRegressor.fit"):
        cross_validate(ensemble(kind, inner).set_score_request(sample_weight=False), rows, y, cv=2, params=params)
    outer = ensemble(kind, inner).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    assert len(cross_validate(outer, rows, y, cv=2, params=params)["test_score"]) == 2


def test_weights_through_an_outer_and_an_inner_pipeline(routing):
    inner = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), DecisionTreeClassifier())
    inner[-1].set_fit_request(sample_weight=True)
    outer = make_pipeline(
        FunctionTransformer(), ensemble(PartitionClassifier, inner).set_fit_request(sample_weight=True)
    )
    outer.fit(X, Y, sample_weight=WEIGHT)
    expected = make_pipeline(StandardScaler(), DecisionTreeClassifier())
    with sklearn.config_context(enable_metadata_routing=False):
        direct = ensemble(PartitionClassifier, expected).fit(X, Y, decisiontreeclassifier__sample_weight=WEIGHT)
    assert_same_votes(outer[-1], direct, X_TEST)


@both
def test_groups_through_search_and_cross_validation(kind, routing):
    rows, y, _ = data(kind)
    model = ensemble(kind, scaled(kind), partition_by="groups").set_fit_request(groups=True)
    search = GridSearchCV(model, {"n_partitions": [3, 5]}, cv=2).fit(rows, y, groups=GROUPS)
    assert search.best_estimator_.shard_sizes_.sum() == len(y)
    assert search.best_estimator_.certify(rows[:2], threat="group").threat == "group"
    results = cross_validate(model, rows, y, cv=GroupKFold(3), params={"groups": GROUPS}, return_estimator=True)
    for fitted in results["estimator"]:
        # Twenty or forty of sixty groups of five rows each, whole.
        assert fitted.shard_sizes_.sum() == len(y) * 2 // 3
        assert not np.any(fitted.shard_sizes_ % 5)


def test_groups_have_to_be_requested(routing):
    model = ensemble(PartitionClassifier, partition_by="groups")
    with pytest.raises(UnsetMetadataPassedError, match="groups"):
        GridSearchCV(model, {"n_partitions": [3]}, cv=2).fit(X, Y, groups=GROUPS)


CONTAINERS = {
    "array": np.asarray,
    "list": lambda values: values.tolist(),
    "tuple": lambda values: tuple(values.tolist()),
    "pandas": pd.Series,
    "pandas with an index": lambda values: pd.Series(values, index=np.arange(len(values))[::-1]),
    "polars": pl.Series,
    "texts": lambda values: values.astype(str),
    "table": lambda values: np.column_stack([values, values]),
    "table as lists": lambda values: np.column_stack([values, values]).tolist(),
    "frame": lambda values: pd.DataFrame({"a": values, "b": values}, index=np.arange(len(values))[::-1]),
    "sparse": lambda values: sp.coo_array(values[:, None]),
}


@pytest.mark.parametrize("name", CONTAINERS)
@pytest.mark.parametrize("enabled", [False, True], ids=["routing off", "routing on"])
def test_fit_parameters_with_one_entry_per_row_are_cut_to_the_shards(name, enabled):
    with sklearn.config_context(enable_metadata_routing=enabled):
        base = Recorder().set_fit_request(prices=True) if enabled else Recorder()
        model = ensemble(PartitionClassifier, base).fit(UNIQUE, Y, prices=CONTAINERS[name](PRICES))
    got = {}
    for member in model.estimators_:
        values = member.prices_.toarray() if sp.issparse(member.prices_) else member.prices_
        for row, value in zip(member.rows_, np.asarray(values), strict=True):
            got[float(row[0])] = float(np.ravel(value)[0])
    assert got == dict(enumerate(PRICES.tolist()))
    assert model.certify(UNIQUE[:2]).conditional_on == ()


def test_fit_parameters_are_part_of_the_canonical_order():
    """Rows that differ in a fit parameter only come in the same order, whatever their order was."""
    rows, y = np.ones((40, 2)), np.arange(40) % 2
    prices = np.random.default_rng(0).permutation(40)
    model = ensemble(PartitionClassifier, Recorder())
    model.fit(rows, y, prices=prices)
    once = next(member.prices_ for member in model.estimators_ if member is not None)
    order = np.random.default_rng(1).permutation(40)
    model.fit(rows, y[order], prices=prices[order])
    np.testing.assert_array_equal(next(m.prices_ for m in model.estimators_ if m is not None), once)


@pytest.mark.parametrize("note", ["a text", 7, {"a": 1}, None, b"bytes"], ids=repr)
def test_other_fit_parameters_are_passed_whole_and_recorded(note):
    model = ensemble(PartitionClassifier, Recorder()).fit(UNIQUE, Y, prices=PRICES, note=note)
    assert handed(model, "note_") == [note] * 7
    (condition,) = model.certify(UNIQUE[:2]).conditional_on
    assert "note" in condition
    assert "prices" not in condition
    assert ensemble(PartitionClassifier, Recorder()).fit(UNIQUE, Y).certify(UNIQUE[:2]).conditional_on == ()


@pytest.mark.parametrize("n_watched", [5, len(Y)])
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame], ids=["array", "frame"])
def test_sets_to_watch_are_passed_whole(container, n_watched):
    """Boosting libraries take ``eval_set=[(X, y)]``: a list of pairs is one value."""
    watched = [(container(X_TEST[:5]), Y[:5]) if n_watched == 5 else (container(X), Y)]
    model = ensemble(PartitionClassifier, Recorder()).fit(X, Y, note=watched)
    for note in handed(model, "note_"):
        np.testing.assert_array_equal(np.asarray(note[0][0]), np.asarray(watched[0][0]))
        np.testing.assert_array_equal(note[0][1], watched[0][1])
    assert "note" in model.certify(X_TEST).conditional_on[0]


def test_a_vector_of_another_length_is_neither():
    """With one row more or less it could become one entry per row: no function of the shard."""
    with pytest.raises(ValueError, match=r"fit parameter prices has 5 entries for 300 rows.*one entry per row"):
        ensemble(PartitionClassifier, Recorder()).fit(UNIQUE, Y, prices=np.ones(5))


def test_parameters_of_pipeline_steps_without_routing():
    base = Pipeline([("scale", StandardScaler()), ("learn", Recorder())])
    model = ensemble(PartitionClassifier, base)
    model.fit(UNIQUE, Y, learn__sample_weight=WEIGHT, learn__note="all of it")
    weights = [len(member[-1].weight_) for member in model.estimators_]
    assert weights == model.shard_sizes_.tolist()
    assert sorted(np.concatenate([m[-1].weight_ for m in model.estimators_])) == sorted(WEIGHT)
    assert {member[-1].note_ for member in model.estimators_} == {"all of it"}
    assert "learn__note" in model.certify(UNIQUE[:2]).conditional_on[0]


def test_regressors_cut_parameters_too():
    base = make_pipeline(StandardScaler(), Ridge())
    model = ensemble(PartitionRegressor, base).fit(X_REGRESSION, Y_REGRESSION, ridge__sample_weight=WEIGHT)
    plain = ensemble(PartitionRegressor, base).fit(X_REGRESSION, Y_REGRESSION)
    assert np.any(model.votes(X_REGRESSION) != plain.votes(X_REGRESSION))
    with pytest.raises(TypeError, match="ridge__sample_weight|logisticregression__sample_weight"):
        ensemble(PartitionRegressor, base).fit(X_REGRESSION, Y_REGRESSION, sample_weight=WEIGHT)


# Labels

TEXT_LABELS = np.where(Y == 1, "spam", "ham")
LABELS = {
    "int": Y,
    "int8": Y.astype(np.int8),
    "uint64": Y.astype(np.uint64) + 2**63,
    "big-endian": Y.astype(">i4"),
    "negative": -3 * Y - 1,
    "huge": Y * 2**62,
    "str": TEXT_LABELS,
    "big-endian str": TEXT_LABELS.astype(">U4"),
    "object str": TEXT_LABELS.astype(object),
    "other lengths": np.where(Y == 1, "a", "a much longer label").astype(object),
    "bool": Y == 1,
    "whole float": Y * 2.0,
    "float32": Y.astype(np.float32),
    "list of int": Y.tolist(),
    "list of str": TEXT_LABELS.tolist(),
    "list of bool": (Y == 1).tolist(),
    "list of numpy scalars": list(Y),
    "list of numpy texts": list(TEXT_LABELS),
    "tuple": tuple(Y.tolist()),
    "Series": pd.Series(Y, index=np.arange(len(Y))[::-1]),
    "Series of texts": pd.Series(TEXT_LABELS),
    "nullable Series": pd.Series(Y, dtype="Int64"),
    "nullable bool": pd.Series(Y == 1, dtype="boolean"),
    "Series of strings": pd.Series(TEXT_LABELS, dtype="string"),
    "Categorical": pd.Categorical(TEXT_LABELS),
    "Categorical of int": pd.Categorical(Y),
    "Series of categories": pd.Series(TEXT_LABELS).astype("category"),
    "polars": pl.Series(Y),
    "polars texts": pl.Series(TEXT_LABELS.tolist()),
    "polars Categorical": pl.Series(TEXT_LABELS.tolist(), dtype=pl.Categorical),
    "polars Enum": pl.Series(TEXT_LABELS.tolist(), dtype=pl.Enum(["spam", "ham"])),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_of_any_type(name):
    y = LABELS[name]
    model = ensemble(PartitionClassifier, scaled(PartitionClassifier)).fit(X, y)
    expected = ensemble(PartitionClassifier, scaled(PartitionClassifier)).fit(X, Y)
    given = np.asarray(y)
    dtype = model.classes_.dtype
    assert model.classes_.tolist() == sorted(set(given.tolist()))
    # A list of texts has no type of its own.
    assert dtype == given.dtype or (isinstance(y, list) and dtype.kind in "OU")
    predicted = model.predict(X_TEST)
    assert predicted.dtype == dtype
    of_one = given[Y == 1][0]
    np.testing.assert_array_equal(predicted == of_one, expected.predict(X_TEST) == 1)
    certificate = model.certify(X_TEST)
    assert certificate.prediction.dtype == dtype
    restored = Certificate.from_json(certificate.to_json())
    np.testing.assert_array_equal(restored.prediction, predicted)
    np.testing.assert_array_equal(restored.radius, certificate.radius)
    assert certificate.certified_accuracy(given[: len(X_TEST)], 0) <= 1


def test_the_order_of_labels_breaks_ties():
    rows = np.arange(40.0)[:, None]
    for low, high in (("a", "b"), (0, 1), (-5, -4), (False, True)):
        y = [low] * 20 + [high] * 20
        model = PartitionClassifier(DecisionTreeClassifier(), n_partitions=2).fit(rows, y)
        votes = model.votes(rows)
        split = votes[:, 0] != votes[:, 1]
        assert np.all(model.predict(rows)[split] == low)


def test_declared_classes_close_the_list_of_rivals():
    """Given the labels there can be, a label that nobody ever saw is no rival; a declared one is."""
    model = ensemble(PartitionClassifier, n_partitions=8)
    open_list = model.fit(X, TEXT_LABELS).certify(X)
    closed = model.set_params(classes=["spam", "ham"]).fit(X, TEXT_LABELS).certify(X)
    longer = model.set_params(classes=["spam", "eggs", "ham"]).fit(X, TEXT_LABELS).certify(X)
    # Neither the votes nor the predictions depend on it.
    np.testing.assert_array_equal(closed.prediction, open_list.prediction)
    np.testing.assert_array_equal(longer.prediction, open_list.prediction)
    unanimous = (open_list.counts.cast == 8).any(axis=1)
    assert unanimous.sum() > 50
    # Eight votes: an unseen label needs four to tie and win; "eggs" sorts first and does too.
    assert set(open_list.radius[unanimous]) == {3}
    assert set(longer.radius[unanimous]) == {3}
    spam = unanimous & (open_list.prediction == "spam")
    ham = unanimous & (open_list.prediction == "ham")
    # Against spam, ham wins the tie at four votes; against ham, spam needs five.
    assert set(closed.radius[spam]) == {3}
    assert set(closed.radius[ham]) == {4}
    assert np.all(closed.radius >= open_list.radius)
    assert longer.rival_radius.shape == (len(X), 3)
    assert longer.classes.tolist() == ["eggs", "ham", "spam"]


def test_deleting_brings_no_label_in_anyway():
    model = ensemble(PartitionClassifier, n_partitions=8).fit(X, np.ones(len(Y), dtype=int))
    assert set(model.certify(X_TEST, threat="delete").radius) == {8}
    assert set(model.certify(X_TEST, threat="insert_delete").radius) == {3}


def test_targets():
    model = ensemble(PartitionClassifier).fit(X, TEXT_LABELS)
    certificate = model.certify(X_TEST, target="spam")
    assert certificate.target == "spam"
    np.testing.assert_array_equal(certificate.radius, model.certify(X_TEST).rival_radius[:, 1])
    assert np.all(certificate.radius[certificate.prediction == "spam"] == -1)


# Seeds


class Pick(ClassifierMixin, BaseEstimator):
    """Holds estimators in places that `get_params` does not show by name."""

    def __init__(self, parts=()):
        self.parts = parts

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.fitted_ = [clone(part).fit(X, y) for part in self.parts]
        return self

    def predict(self, X):
        return self.fitted_[0].predict(X)


def forest(seed=None):
    return RandomForestClassifier(2, max_depth=1, max_features=1, random_state=seed)


SEEDED = {
    "a tree": DecisionTreeClassifier(splitter="random", max_depth=2),
    "a generator": forest(np.random.RandomState(0)),
    "a number": forest(7),
    "a step": make_pipeline(StandardScaler(), forest()),
    "a vote": VotingClassifier([("a", forest()), ("b", forest(3))]),
    "a splitter": GridSearchCV(forest(), {"max_depth": [1, 2]}, cv=ShuffleSplit(2, test_size=0.5)),
    "a splitter with a generator": GridSearchCV(
        forest(), {"max_depth": [1, 2]}, cv=KFold(2, shuffle=True, random_state=np.random.RandomState(1))
    ),
    "a search in a pipeline": make_pipeline(
        StandardScaler(), GridSearchCV(forest(), {"max_depth": [1, 2]}, cv=KFold(2, shuffle=True))
    ),
    "a random search": RandomizedSearchCV(forest(), {"max_depth": range(1, 9)}, n_iter=2, cv=2),
    "estimators in a grid": GridSearchCV(Pipeline([("learn", SVC())]), {"learn": [forest(), forest(1)]}, cv=2),
    "estimators in a list of grids": GridSearchCV(Pipeline([("learn", SVC())]), [{"learn": [forest()]}], cv=2),
    "estimators in a list": Pick([forest()]),
    "estimators in a tuple": Pick((forest(),)),
}


@pytest.mark.parametrize("name", SEEDED)
def test_seeds_are_a_function_of_the_ensembles_seed_and_the_shard(name):
    once = ensemble(PartitionClassifier, SEEDED[name], n_partitions=3).fit(X[:150], Y[:150])
    votes = once.votes(X)
    np.random.seed(1)  # noqa: NPY002
    # Refitting uses no state that the first fit left behind, and a new ensemble none that is global.
    np.testing.assert_array_equal(once.fit(X[:150], Y[:150]).votes(X), votes)
    assert_same_votes(ensemble(PartitionClassifier, SEEDED[name], n_partitions=3).fit(X[:150], Y[:150]), once, X)


def test_equal_seeds_of_the_base_differ_between_members():
    model = ensemble(PartitionClassifier, forest(7)).fit(X, Y)
    assert len({member.random_state for member in model.estimators_}) == 7


def test_nested_seeds_differ_from_each_other():
    model = ensemble(PartitionClassifier, VotingClassifier([("a", forest()), ("b", forest())])).fit(X, Y)
    assert all(
        member.estimators[0][1].random_state != member.estimators[1][1].random_state for member in model.estimators_
    )


@both
def test_another_seed_gives_other_shards(kind):
    rows, y, _ = data(kind)
    sizes = {tuple(ensemble(kind, random_state=seed).fit(rows, y).shard_sizes_) for seed in range(4)}
    assert len(sizes) == 4


def test_the_global_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    ensemble(PartitionClassifier, forest()).fit(X, Y).certify(X_TEST)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_the_given_splitter_keeps_its_seed():
    splitter = KFold(2, shuffle=True, random_state=5)
    ensemble(PartitionClassifier, GridSearchCV(forest(), {"max_depth": [1]}, cv=splitter)).fit(X, Y)
    assert splitter.random_state == 5


def test_seeds_of_regressors():
    base = ExtraTreesRegressor(2, max_features=1)
    once = ensemble(PartitionRegressor, base).fit(X_REGRESSION, Y_REGRESSION)
    assert_same_votes(once, ensemble(PartitionRegressor, base).fit(X_REGRESSION, Y_REGRESSION), X_TEST_REGRESSION)


# Members that cannot be certified


class Varying(LogisticRegression):
    """Says of itself that a refit may give another result."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags


class VaryingRegressor(Ridge):
    """Says of itself that a refit may give another result."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags


REFUSED = {
    "varying": (Varying(), "estimator: not deterministic"),
    "varying step": (make_pipeline(StandardScaler(), Varying()), "estimator__varying: not deterministic"),
    "varying in a search": (GridSearchCV(Varying(), {"C": [1]}, cv=2), "estimator__estimator: not deterministic"),
    "varying in a grid": (
        GridSearchCV(Pipeline([("learn", LogisticRegression())]), {"learn": [Varying()]}, cv=2),
        "estimator__param_grid__learn__0: not deterministic",
    ),
    "frozen": (FrozenEstimator(LogisticRegression().fit(X[:, :2], Y)), "estimator: fitted before"),
    "frozen step": (
        make_pipeline(FrozenEstimator(StandardScaler().fit(X[:, :2])), LogisticRegression()),
        "estimator__frozenestimator: fitted before",
    ),
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_certified_is_refused_with_its_place(name):
    base, message = REFUSED[name]
    model = ensemble(PartitionClassifier, base).fit(X[:, :2], Y)
    assert len(model.predict(X[:, :2])) == len(Y)
    with pytest.raises(CertificateError, match=message):
        model.certify(X[:, :2])


def test_votes_do_not_depend_on_the_warning_filters():
    """A warning that a process made an error must not silence members: others would refit to other votes."""

    def votes(action):
        with warnings.catch_warnings():
            warnings.simplefilter(action, ConvergenceWarning)
            return ensemble(PartitionClassifier, LogisticRegression(max_iter=1)).fit(X, Y).votes(X_TEST)

    quiet = votes("ignore")
    try:
        with warnings.catch_warnings(record=True):
            strict = votes("error")
    except ConvergenceWarning:
        return
    np.testing.assert_array_equal(strict, quiet)


def test_regressors_refuse_too():
    model = ensemble(PartitionRegressor, make_pipeline(StandardScaler(), VaryingRegressor()))
    with pytest.raises(CertificateError, match="estimator__varyingregressor: not deterministic"):
        model.fit(X_REGRESSION, Y_REGRESSION).certify(X_REGRESSION)
    frozen = FrozenEstimator(Ridge().fit(X_REGRESSION, Y_REGRESSION))
    with pytest.raises(CertificateError, match="estimator: fitted before"):
        ensemble(PartitionRegressor, frozen).fit(X_REGRESSION, Y_REGRESSION).certify(X_REGRESSION)


# Conditions


def test_conditions_name_the_schema():
    rows, y, rows_test = frames()
    schema = {"age": "number", "kind": ["a", "b", "c", "d"], "town": "text", "visits": "number"}
    read = ensemble(PartitionClassifier, FRAME_BASE).fit(rows, y).certify(rows_test)
    declared = ensemble(PartitionClassifier, FRAME_BASE, schema=schema).fit(rows, y).certify(rows_test)
    assert any("schema that was read off the fitted frame" in condition for condition in read.conditional_on)
    assert any("schema that was declared" in condition for condition in declared.conditional_on)
    assert ensemble(PartitionClassifier).fit(X, Y).certify(X).conditional_on == ()


def test_conditions_name_members_that_must_be_fitted():
    model = ensemble(PartitionClassifier, member_error="raise").fit(X, Y)
    assert any("member_error='raise'" in condition for condition in model.certify(X).conditional_on)


# Callbacks of scikit-learn 1.9


class Recording:
    """What a callback is told, as (what, task, number, rows)."""

    def __init__(self):
        transport = pytest.importorskip("sklearn.callback._transport")
        self.events = []
        self._listener = transport.open_listener(self.events.append, owner=self)

    def __getstate__(self):
        # Workers have no use for what was recorded so far.
        return {**self.__dict__, "events": []}

    def _tell(self, what, context, rows=None):
        from sklearn.callback._transport import send

        send(self._listener, (what, context.task_name, context.task_id, None if rows is None else len(rows)))

    def setup(self, estimator, context):
        self._tell("setup", context)

    def teardown(self, estimator, context):
        self._tell("teardown", context)

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self._tell("begin", context, X)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self._tell("end", context, X)

    def of(self, what, task="fit member"):
        return sorted((event[2:] for event in self.events if event[:2] == (what, task)), key=str)


class Propagating(Recording):
    """A callback that reaches members that take callbacks themselves."""

    max_propagation_depth = None


@pytest.mark.parametrize(
    ("kind", "n_jobs"), [(PartitionClassifier, 1), (PartitionRegressor, 1), (PartitionClassifier, 2)]
)
def test_callbacks_hear_of_every_member(kind, n_jobs):
    pytest.importorskip("sklearn.callback")
    rows, y, _ = data(kind)
    callback = Recording()
    model = ensemble(kind, tree(kind), n_jobs=n_jobs).set_callbacks(callback).fit(rows, y)
    expected = list(enumerate(model.shard_sizes_.tolist()))
    assert callback.of("begin") == expected
    assert callback.of("end") == expected
    for what in ("setup", "begin", "end", "teardown"):
        assert len(callback.of(what, "fit")) == 1
    assert callback.events[0][0] == "setup"
    assert callback.events[-1][0] == "teardown"
    assert_same_votes(model.set_params(n_jobs=1), ensemble(kind, tree(kind)).fit(rows, y), rows)


@pytest.mark.filterwarnings("ignore::robustfit.ensemble.MemberWarning")
def test_callbacks_hear_of_the_end_of_members_that_fail():
    """Or a progress bar would never be full."""
    pytest.importorskip("sklearn.callback")
    rows = X.copy()
    rows[0, 0] = np.nan
    callback = Recording()
    model = ensemble(PartitionClassifier, scaled(PartitionClassifier)).set_callbacks(callback).fit(rows, Y)
    assert len(model.member_errors_) == 1
    assert len(callback.of("begin")) == 7
    assert callback.of("end") == callback.of("begin")


def test_callbacks_are_taken_down_when_fitting_fails():
    pytest.importorskip("sklearn.callback")
    rows = X.copy()
    rows[0, 0] = np.nan
    callback = Recording()
    model = ensemble(PartitionClassifier, scaled(PartitionClassifier), member_error="raise").set_callbacks(callback)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(rows, Y)
    assert callback.events[-1][0] == "teardown"


def test_callbacks_reach_members_that_take_them():
    pytest.importorskip("sklearn.callback")
    callback = Propagating()
    model = ensemble(PartitionClassifier, LogisticRegression(), engine="generic").set_callbacks(callback).fit(X, Y)
    # A member's own fit is the task of the ensemble: it is told once, under the member's name for it.
    told = [(number, size) for number, size in callback.of("begin", "fit") if size is not None]
    assert told == list(enumerate(model.shard_sizes_.tolist()))
    assert not any(hasattr(member, "_skl_callbacks") for member in model.estimators_)
    assert not any(hasattr(member, "_parent_callback_ctx") for member in model.estimators_)
    other = Propagating()
    ensemble(PartitionClassifier, DecisionTreeClassifier()).set_callbacks(other).fit(X, Y)
    assert len(other.of("end")) == 7


def test_callbacks_survive_clone_and_pickle():
    pytest.importorskip("sklearn.callback")
    callback = Recording()
    model = ensemble(PartitionClassifier).set_callbacks(callback).fit(X, Y)
    assert_same_votes(pickled(model), model, X_TEST)
    callback.events.clear()
    clone(model).fit(X, Y)
    assert len(callback.of("end")) == 7


def test_progress_bar(capsys):
    callbacks = pytest.importorskip("sklearn.callback")
    pytest.importorskip("rich")
    ensemble(PartitionClassifier, tree(PartitionClassifier)).set_callbacks(callbacks.ProgressBar()).fit(X, Y)
    assert "PartitionClassifier" in capsys.readouterr().out


@both
def test_nothing_is_printed(kind, capsys):
    rows, y, _ = data(kind)
    ensemble(kind).fit(rows, y).certify(rows)
    assert capsys.readouterr() == ("", "")
