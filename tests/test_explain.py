"""Explanations agree with votes, certificates and scores, and what they say of a removed group holds when it is."""

import importlib.util
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from families import FRAME_BASE, LEAN_REGRESSORS, SCALED, TEXT_BASE, TREE, cancer, diabetes, frames, texts
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron, Ridge, RidgeClassifier
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

import robustfit
from robustfit import CertificateError, PartitionClassifier, PartitionRegressor
from robustfit.ensemble import Explanation, IntervalExplanation
from robustfit.ensemble._removal import NOBODY, can_flip, removal_effect, turned
from robustfit.learners import KernelRidgeClassifier

pytestmark = pytest.mark.filterwarnings(
    "ignore::robustfit.ensemble.PartitionWarning",
    "ignore::robustfit.ensemble.MemberWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:The least populated class in y:UserWarning",
    "ignore:The number of unique classes is greater than 50%:UserWarning",
)


def iris():
    X, y = load_iris(return_X_y=True)
    shuffled = np.random.default_rng(0).permutation(len(y))
    return X[shuffled][:110], y[shuffled][:110], X[shuffled][110:]


def sources(n, n_groups, seed=0):
    return np.random.default_rng(seed).integers(0, n_groups, n)


def by_groups(estimator=None, n_partitions=7, n_groups=12, data=iris, **options):
    X, y, X_test = data()
    groups = sources(len(y), n_groups)
    model = PartitionClassifier(estimator, n_partitions=n_partitions, partition_by="groups", **options)
    return model.fit(X, y, groups=groups), X, y, groups, X_test


# The vote


@pytest.mark.parametrize("classes", [None, [0, 1, 2]])
def test_leads_and_radii_are_those_of_the_certificate(classes):
    X, y, X_test = iris()
    model = PartitionClassifier(n_partitions=9, classes=classes).fit(X, y)
    explanation, certificate = model.explain(X_test), model.certify(X_test)
    np.testing.assert_array_equal(explanation.prediction, model.predict(X_test))
    np.testing.assert_array_equal(explanation.radius, certificate.radius)
    np.testing.assert_array_equal(explanation.vote_counts, certificate.counts.cast)
    np.testing.assert_array_equal(explanation.votes, model.votes(X_test))
    assert explanation.certificate.to_json() == certificate.to_json()
    assert len(explanation) == len(X_test)
    for i, counts in enumerate(certificate.counts.cast.tolist()):
        a = counts.index(max(counts))
        leads = {b: counts[a] - counts[b] - (b < a) for b in range(3) if b != a}
        assert explanation.lead[i] == min(leads.values())
        assert explanation.runner_up[i] == min(leads, key=leads.get)


def test_the_lead_is_what_the_certificate_of_two_classes_halves():
    X, y, X_test = cancer()
    model = PartitionClassifier(SCALED, n_partitions=12, classes=[0, 1]).fit(X, y)
    explanation = model.explain(X_test)
    # Nothing is known of doubt here; a shard that turns takes one vote and gives one.
    np.testing.assert_array_equal(explanation.radius, explanation.lead // 2)


def test_members_of_a_row():
    X, y, X_test = iris()
    labels = np.array(["a", "b", "c"])[y]
    model = PartitionClassifier(n_partitions=9).fit(X, labels)
    explanation, votes = model.explain(X_test), model.votes(X_test)
    for i in range(len(X_test)):
        table = explanation.members(i)
        assert sorted(table["shard"].tolist()) == list(range(9))
        assert table["vote"].tolist() == model.classes_[votes[i, table["shard"]]].tolist()
        is_for = table["vote"] == explanation.prediction[i]
        assert table["side"].tolist() == np.where(is_for, "for", "against").tolist()
        np.testing.assert_array_equal(table["n_rows"], model.shard_sizes_[table["shard"]])
        assert (np.diff(table["margin"]) >= 0).all()
        assert is_for.sum() == explanation.vote_counts[i].max()


def test_rows_are_those_of_the_shards_that_voted_so():
    X, y, X_test = iris()
    weights = np.ones(len(y))
    weights[::7] = 0
    model = PartitionClassifier(n_partitions=9).fit(X, y, sample_weight=weights)
    assert model.row_shards_.dtype == np.int8
    np.testing.assert_array_equal(model.row_shards_ == -1, weights == 0)
    np.testing.assert_array_equal(np.bincount(model.row_shards_[weights > 0], minlength=9), model.shard_sizes_)
    explanation, votes = model.explain(X_test), model.votes(X_test)
    assert len(np.unique(votes[0])) > 1 or len(np.unique(votes)) > 1
    for i in range(5):
        for_it = np.flatnonzero(votes[i] == model.predict(X_test)[i])
        assert explanation.rows(i).tolist() == [n for n, s in enumerate(model.row_shards_) if s in for_it]
        apart = [explanation.rows(i, side) for side in ("for", "against", "abstains")]
        assert sorted(np.concatenate(apart).tolist()) == np.flatnonzero(weights).tolist()
    assert explanation.shard_rows(3).tolist() == np.flatnonzero(model.row_shards_ == 3).tolist()
    assert explanation.shard_rows(-1).tolist() == np.flatnonzero(model.row_shards_ == 8).tolist()


def test_the_rows_of_a_shard_are_what_its_member_learned_from():
    X, y, X_test = cancer()
    model = PartitionClassifier(LogisticRegression(), n_partitions=5).fit(X, y)
    explanation = model.explain(X_test)
    for shard in range(5):
        rows = explanation.shard_rows(shard)
        again = PartitionClassifier(LogisticRegression(), n_partitions=5).fit(X[rows], y[rows])
        np.testing.assert_array_equal(again.votes(X_test)[:, shard], model.votes(X_test)[:, shard])


def test_many_shards_need_wider_numbers():
    X, y, X_test = cancer()
    model = PartitionClassifier(GaussianNB(), n_partitions=200).fit(X, y)
    assert model.row_shards_.dtype == np.int16
    explanation = model.explain(X_test[:1])
    # Empty shards abstain, shards of one class have no margin.
    table = explanation.members(0)
    abstain = table["side"] == "abstains"
    assert abstain.sum() == np.sum(model.shard_sizes_ == 0) > 0
    assert [vote is None for vote in table["vote"]] == abstain.tolist()
    assert np.isnan(table["margin"][abstain]).all()
    constant = [type(model.estimators_[shard]).__name__ == "DummyClassifier" for shard in table["shard"]]
    assert np.isposinf(table["margin"][constant]).all()
    assert any(constant)
    assert len(explanation.rows(0, "abstains")) == 0
    assert f"{abstain.sum()} abstain" in explanation.summary(0)


# Margins


def gap(scores):
    """Margins by the textbook: the size of the only score, or the best minus the second."""
    if scores.ndim == 1:
        return np.abs(scores)
    ranked = np.sort(scores, axis=1)
    return ranked[:, -1] - ranked[:, -2]


MARGINS = {
    "logistic": (LogisticRegression(C=0.1, max_iter=1000), "decision_function"),
    "ridge": (RidgeClassifier(), "decision_function"),
    "linear SVC": (LinearSVC(C=0.01, dual=False), "decision_function"),
    "kernel ridge": (KernelRidgeClassifier(gamma=1e-2), "decision_function"),
    "naive Bayes": (GaussianNB(), "predict_joint_log_proba"),
    "pipeline": (SCALED, "decision_function"),
    "SVC": (SVC(), "decision_function"),
    "forest": (RandomForestClassifier(n_estimators=7), "predict_proba"),
    "search": (GridSearchCV(SCALED, {"logisticregression__C": [0.1, 1.0]}, cv=2), "decision_function"),
}


@pytest.mark.parametrize("engine", ["auto", "generic"])
@pytest.mark.parametrize("data", [iris, cancer])
@pytest.mark.parametrize("name", MARGINS)
def test_margins_are_those_of_the_members(name, data, engine):
    estimator, method = MARGINS[name]
    X, y, X_test = data()
    model = PartitionClassifier(estimator, n_partitions=4, engine=engine).fit(X, y)
    margins = model.explain(X_test).margins
    for member, margin in zip(model.estimators_, margins.T, strict=True):
        expected = gap(getattr(member, method)(X_test))
        known = ~np.isnan(margin)
        # A forest of few trees ties; SVC may vote among pairs for another class than the one with the best score.
        assert known.mean() >= 0.9
        np.testing.assert_allclose(margin[known], expected[known], rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def test_margins_do_not_change_votes_or_depend_on_jobs():
    X, y, X_test = cancer()
    for estimator in (SCALED, LogisticRegression(), KNeighborsClassifier(3)):
        one = PartitionClassifier(estimator, n_partitions=5).fit(X, y)
        two = PartitionClassifier(estimator, n_partitions=5, n_jobs=2).fit(X, y)
        np.testing.assert_array_equal(one.explain(X_test).margins, two.explain(X_test).margins)
        np.testing.assert_array_equal(one.explain(X_test).votes, one.votes(X_test))


def test_a_single_row_has_the_margin_it_has_among_many():
    X, y, X_test = cancer()
    for estimator in (SCALED, SVC(), LogisticRegression()):
        model = PartitionClassifier(estimator, n_partitions=5).fit(X, y)
        np.testing.assert_allclose(model.explain(X_test[3:4]).margins[0], model.explain(X_test).margins[3], rtol=1e-9)


class Silent(ClassifierMixin, BaseEstimator):
    """Votes, and has no score to show for it."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.resize(self.classes_, len(X))


class Failing(Silent):
    def decision_function(self, X):
        raise RuntimeError("no scores today")


class Odd(Silent):
    def decision_function(self, X):
        return np.ones((len(X), 17))


class Contrary(Silent):
    """Scores that are not what it votes by."""

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def decision_function(self, X):
        return np.where(np.arange(len(X)) % 2, 1.0, -2.0)


@pytest.mark.parametrize("estimator", [Silent(), Failing(), Odd()])
def test_margins_that_nobody_knows_are_nan(estimator):
    X, y, X_test = cancer()
    model = PartitionClassifier(estimator, n_partitions=5).fit(X, y)
    explanation = model.explain(X_test)
    assert np.isnan(explanation.margins).all()
    np.testing.assert_array_equal(explanation.votes, model.votes(X_test))
    assert "closest" not in explanation.summary(0)


def test_scores_that_decide_nothing_are_no_margins():
    X, y, X_test = cancer()
    margins = PartitionClassifier(Contrary(), n_partitions=5).fit(X, y).explain(X_test).margins
    assert np.isnan(margins[1::2]).all()
    assert (margins[::2] == 2.0).all()
    moved = FixedThresholdClassifier(LogisticRegression(max_iter=1000), threshold=0.9, response_method="predict_proba")
    model = PartitionClassifier(moved, n_partitions=3).fit(X, y)
    votes, margins = model.votes(X_test), model.explain(X_test).margins
    scores = np.column_stack([member.decision_function(X_test) for member in model.estimators_])
    np.testing.assert_array_equal(np.isnan(margins), votes != (scores > 0))
    assert np.isnan(margins).any()


@pytest.mark.parametrize(
    "estimator",
    [
        SVC(decision_function_shape="ovo"),
        make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo")),
        GridSearchCV(SVC(), {"decision_function_shape": ["ovo"]}, cv=2),
    ],
)
def test_scores_of_pairs_of_classes_are_not_taken_for_scores_of_classes(estimator):
    X, y, X_test = iris()
    model = PartitionClassifier(estimator, n_partitions=3).fit(X, y)
    assert all(member.decision_function(X_test).shape == (len(X_test), 3) for member in model.estimators_)
    assert np.isnan(model.explain(X_test).margins).all()
    # Of two classes there is one pair.
    two = model.fit(X[y < 2], y[y < 2]).explain(X_test[:5]).margins
    assert np.isfinite(two).all()


class InPlace(StandardScaler):
    """Writes to what it is handed."""

    def transform(self, X):
        np.subtract(X, self.mean_, out=X)
        return X


def test_members_that_write_to_their_rows_are_asked_for_scores_of_the_rows_themselves():
    X, y, X_test = cancer()
    writes = make_pipeline(InPlace(), LogisticRegression(max_iter=1000))
    model = PartitionClassifier(writes, n_partitions=3).fit(X, y)
    margins = model.explain(X_test[:4]).margins
    expected = [gap(member.decision_function(X_test[:4].copy())) for member in model.estimators_]
    np.testing.assert_allclose(margins, np.transpose(expected), rtol=1e-7)


def test_doubtful_votes():
    # Mirrored rows make a score of exactly zero in the middle.
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]] * 10)
    y = (X[:, 0] > 0).astype(int)
    model = PartitionClassifier(RidgeClassifier(), n_partitions=1).fit(X, y)
    explanation = model.explain(np.array([[0.0], [1.5]]))
    assert explanation.doubtful.tolist() == [[True], [False]]
    assert explanation.members(0)["doubtful"].tolist() == [True]
    assert explanation.radius.tolist() == model.certify(np.array([[0.0], [1.5]])).radius.tolist() == [-1, 0]
    assert "1 within rounding" in explanation.summary(0)
    assert "rounding" not in explanation.summary(1)


class Picky(BaseEstimator):
    """Finds out that a row is incomplete only when it is to predict it."""

    def __init__(self, estimator=None):
        self.estimator = estimator

    def fit(self, X, y):
        self.estimator_ = clone(self.estimator).fit(X, y)
        self.classes_ = getattr(self.estimator_, "classes_", None)
        return self

    def predict(self, X):
        return self.estimator_.predict(X)

    def decision_function(self, X):
        return self.estimator_.decision_function(X)


def test_members_that_abstain_on_one_row():
    X, y, X_test = cancer()
    X_test = X_test.copy()
    model = PartitionClassifier(Picky(make_pipeline(StandardScaler(), Perceptron())), n_partitions=5).fit(X, y)
    whole = model.explain(X_test)
    X_test[3, 2] = np.nan
    explanation = model.explain(X_test)
    assert (explanation.votes[3] == -1).all()
    assert np.isnan(explanation.margins[3]).all()
    others = np.arange(len(X_test)) != 3
    np.testing.assert_allclose(explanation.margins[others], whole.margins[others], rtol=1e-9)
    assert explanation.members(3)["vote"].tolist() == [None] * 5
    assert explanation.rows(3).size == 0
    assert "5 abstain" in explanation.summary(3)


def test_missing_cells_of_a_frame_silence_lean_members_only_there():
    X, y, X_test = cancer()
    frame, frame_test = pd.DataFrame(X).add_prefix("c"), pd.DataFrame(X_test).add_prefix("c")
    frame_test.iloc[2, 1] = np.nan
    model = PartitionClassifier(n_partitions=5).fit(frame, y)
    assert model.engine_ == "lean"
    explanation = model.explain(frame_test)
    assert np.isnan(explanation.margins[2]).all()
    assert np.isfinite(np.delete(explanation.margins, 2, axis=0)).all()


@pytest.mark.parametrize("container", [np.asarray, sp.csr_array, sp.csc_matrix, pd.DataFrame, list])
def test_containers_of_numbers(container):
    X, y, X_test = cancer()
    rows, rows_test = container(X), container(X_test)
    if isinstance(rows, pd.DataFrame):
        rows, rows_test = rows.add_prefix("c"), rows_test.add_prefix("c")
    model = PartitionClassifier(n_partitions=5).fit(rows, y)
    explanation = model.explain(rows_test)
    expected = PartitionClassifier(n_partitions=5).fit(X, y).explain(X_test)
    np.testing.assert_array_equal(explanation.votes, expected.votes)
    np.testing.assert_array_equal(model.row_shards_, PartitionClassifier(n_partitions=5).fit(X, y).row_shards_)


@pytest.mark.parametrize("kind", ["pandas", "polars", "texts"])
def test_frames_and_texts(kind):
    X, y, X_test = texts() if kind == "texts" else frames()
    base = TEXT_BASE if kind == "texts" else FRAME_BASE
    if kind == "polars":
        X, X_test = pl.from_pandas(X.reset_index(drop=True)), pl.from_pandas(X_test.reset_index(drop=True))
    model = PartitionClassifier(base, n_partitions=4).fit(X, y)
    explanation = model.explain(X_test)
    expected = np.column_stack([gap(member.decision_function(X_test)) for member in model.estimators_])
    np.testing.assert_allclose(explanation.margins, expected, rtol=1e-7)
    np.testing.assert_array_equal(explanation.votes, model.votes(X_test))
    assert "the schema" in explanation.summary(0) or kind == "texts"


# Groups


def without_group(model, X, y, groups, group, X_test):
    """Votes for the labels of the model, of a model that is fitted without a group."""
    kept = groups != group
    again = clone(model).fit(X[kept], y[kept], groups=groups[kept])
    if not hasattr(model, "classes_"):
        return again, again.votes(X_test)
    codes = np.append(np.searchsorted(model.classes_, again.classes_), -1)
    return again, codes[again.votes(X_test)]


@pytest.mark.parametrize("n_groups", [5, 9, 25])
@pytest.mark.parametrize("estimator", [GaussianNB(), TREE, LogisticRegression(), SVC()])
def test_a_removed_group_never_takes_more_off_the_lead_than_its_effect(estimator, n_groups):
    model, X, y, groups, X_test = by_groups(estimator, n_groups=n_groups)
    explanation = model.explain(X_test)
    n_exact = n_bound = n_flips = 0
    for group in np.unique(groups):
        again, votes = without_group(model, X, y, groups, group, X_test)
        prediction = again.predict(X_test)
        for i in range(len(X_test)):
            a, b = (
                model.classes_.tolist().index(label[i]) for label in (explanation.prediction, explanation.runner_up)
            )
            before = np.sum(explanation.votes[i] == a) - np.sum(explanation.votes[i] == b)
            shrinks = before - (np.sum(votes[i] == a) - np.sum(votes[i] == b))
            table = explanation.groups(i)
            at = table["group"].tolist().index(group)
            if table["exact"][at]:
                assert shrinks == table["effect"][at]
                assert (prediction[i] != explanation.prediction[i]) == table["can_flip"][at]
                n_exact += 1
            else:
                assert shrinks <= table["effect"][at]
                n_bound += 1
            if prediction[i] != explanation.prediction[i]:
                assert table["can_flip"][at]
                n_flips += 1
    assert n_bound if n_groups == 25 else n_exact
    assert n_flips or n_groups == 25


def test_effects_and_flips_by_brute_force():
    """Every vote that the shard can cast once the group is gone, for all small counts."""
    rng = np.random.default_rng(0)
    for _ in range(400):
        n_classes = int(rng.integers(1, 4))
        votes = rng.integers(-1, n_classes, int(rng.integers(1, 7)))
        counts = np.bincount(votes[votes >= 0], minlength=n_classes)
        a = int(counts.argmax())
        rivals = [b for b in range(n_classes) if b != a]
        b = min(rivals, key=lambda c: (counts[a] - counts[c] - (c < a), c)) if rivals else NOBODY
        for alone in (False, True):
            effect = removal_effect(votes, np.full(len(votes), alone), a, b)
            flips = can_flip(votes, np.full(len(votes), alone), counts, a)
            for shard in range(len(votes)):
                worst, flipped = -9, False
                for vote in [-1] if alone else range(-1, n_classes):
                    after = votes.copy()
                    after[shard] = vote
                    now = np.bincount(after[after >= 0], minlength=n_classes)
                    gained = now[b] - counts[b] if rivals else 0
                    worst = max(worst, counts[a] - now[a] + gained)
                    flipped |= bool(now.argmax() != a) or (n_classes > 1 and not now.any())
                assert effect[shard] == worst
                assert flips[shard] == flipped


def test_groups_of_a_row():
    model, _, _, groups, X_test = by_groups(n_groups=12)
    explanation, votes = model.explain(X_test), model.votes(X_test)
    names, sizes = np.unique(groups, return_counts=True)
    np.testing.assert_array_equal(model.groups_, names)
    np.testing.assert_array_equal(model.group_sizes_, sizes)
    for name, shard in zip(names, model.group_shards_, strict=True):
        assert set(model.row_shards_[groups == name].tolist()) == {shard}
    for i in range(len(X_test)):
        table = explanation.groups(i)
        assert sorted(table["group"].tolist()) == names.tolist()
        np.testing.assert_array_equal(table["vote"], model.classes_[votes[i, table["shard"]]])
        np.testing.assert_array_equal(table["margin"], explanation.margins[i, table["shard"]])
        np.testing.assert_allclose(table["share"], table["n_rows"] / model.shard_sizes_[table["shard"]])
        keys = list(zip(-table["effect"], -table["share"], table["margin"], strict=True))
        assert keys == sorted(keys)
        assert explanation.most_influential_group(i) == table["group"][0]
        assert repr(explanation.most_influential_group(i)) in explanation.summary(i)
        alone = np.array([np.sum(model.group_shards_ == shard) == 1 for shard in table["shard"]])
        np.testing.assert_array_equal(table["exact"], alone)


def test_a_row_whose_certificate_reaches_one_group_cannot_be_flipped_by_one():
    model, *_, X_test = by_groups(n_groups=12)
    explanation, radius = model.explain(X_test), model.certify(X_test, threat="group").radius
    assert (radius >= 1).any()
    for i in np.flatnonzero(radius >= 1):
        assert not explanation.groups(i)["can_flip"].any()


def object_array(values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


@pytest.mark.parametrize("as_list", [False, True])
def test_groups_of_mixed_types(as_list):
    X, y, X_test = iris()
    pattern = [1, 1.0, True, "1", "b", b"b", 2, np.float32(2), np.str_("b"), -3]
    given = (pattern * 11)[: len(y)]
    model = PartitionClassifier(GaussianNB(), n_partitions=3, partition_by="groups")
    model.fit(X, y, groups=given if as_list else object_array(given))
    # One is one in any type, and so is a text; a text is no number and no bytes.
    assert model.groups_.tolist() == [b"b", -3, 1, 2, "1", "b"]
    assert [type(group) for group in model.groups_] == [bytes, int, int, int, str, str]
    assert model.group_sizes_.tolist() == [11, 11, 33, 22, 11, 22]
    table = model.explain(X_test).groups(0)
    assert set(table["group"].tolist()) == {b"b", -3, 1, 2, "1", "b"}
    # The order of rows does not matter, but for how an ambiguous group is written.
    back = PartitionClassifier(GaussianNB(), n_partitions=3, partition_by="groups")
    back.fit(X[::-1], y[::-1], groups=given[::-1])
    assert back.groups_.tolist() == model.groups_.tolist()
    np.testing.assert_array_equal(back.group_shards_, model.group_shards_)
    np.testing.assert_array_equal(back.row_shards_[::-1], model.row_shards_)


DAYS = pd.date_range("2024-01-01", periods=11)
NAMES = {
    "integers": np.arange(11),
    "texts": np.array([f"source {i}" for i in range(11)]),
    "times": DAYS.to_numpy(),
    "dates": object_array(DAYS.date.tolist()),
    "times with a zone": object_array(DAYS.tz_localize("UTC").tolist()),
    "nanoseconds": object_array([day + pd.Timedelta(1, "ns") for day in DAYS.tz_localize("UTC")]),
    "durations": object_array([pd.Timedelta(i, "D") for i in range(11)]),
    "mixed": object_array([1, "a", 2.5, False, b"x", "b", 7, 8, 9, 10, 11]),
}


@pytest.mark.parametrize("name", NAMES)
def test_groups_of_any_type_are_kept_and_survive_files_and_pickles(name, tmp_path):
    X, y, X_test = iris()
    names = NAMES[name]
    model = PartitionClassifier(GaussianNB(), n_partitions=4, partition_by="groups")
    model.fit(X, y, groups=names[sources(len(y), 11)])
    assert len(model.groups_) == 11
    if name != "nanoseconds":
        assert set(model.groups_.tolist()) == set(names.tolist())
    if name not in ("texts", "mixed"):
        # In their natural order: shorter numbers first.
        assert [str(group) for group in model.groups_] == sorted(map(str, model.groups_), key=lambda g: (len(g), g))
    explanation = model.explain(X_test)
    copies = [pickle.loads(pickle.dumps(model))]
    if importlib.util.find_spec("skops"):
        robustfit.save(model, tmp_path / "model")
        copies.append(robustfit.load(tmp_path / "model"))
    for copy in copies:
        np.testing.assert_array_equal(copy.groups_, model.groups_)
        np.testing.assert_array_equal(copy.row_shards_, model.row_shards_)
        assert copy.explain(X_test).summary(0) == explanation.summary(0)


def test_rows_of_weight_zero_make_no_groups():
    X, y, _ = iris()
    groups = sources(len(y), 6)
    model = PartitionClassifier(GaussianNB(), n_partitions=3, partition_by="groups")
    model.fit(X, y, sample_weight=(groups != 2).astype(float), groups=groups)
    assert model.groups_.tolist() == [0, 1, 3, 4, 5]
    assert model.group_sizes_.sum() == model.shard_sizes_.sum() == np.sum(groups != 2)


def test_without_groups_the_error_says_how_to_get_them():
    model, X, y, _, X_test = by_groups()
    refitted = model.set_params(partition_by="content").fit(X, y)
    assert refitted.groups_ is refitted.group_shards_ is refitted.group_sizes_ is None
    explanation = refitted.explain(X_test)
    for ask in (explanation.groups, explanation.most_influential_group, lambda i: explanation.to_frame(i, "groups")):
        with pytest.raises(ValueError, match=r"partition_by='groups' and fit\(X, y, groups="):
            ask(0)
    assert "group" not in explanation.summary(0)


# Regression


def ranks_by_hand(predictions, shard, others_say):
    """Medians that a shard can make by predicting each of these, or by abstaining."""
    values = np.where(np.isnan(predictions), np.nan, predictions)
    medians = []
    for said in others_say:
        values[shard] = said
        medians.append(np.nanmedian(values) if np.isfinite(values).any() else 0.0)
    return medians


def test_turned_members_by_brute_force():
    rng = np.random.default_rng(0)
    far = 1e12
    for _ in range(300):
        predictions = rng.integers(-3, 4, int(rng.integers(1, 8))).astype(float)
        predictions[rng.random(len(predictions)) < 0.25] = np.nan
        low, high, removed = turned(predictions)
        for shard in range(len(predictions)):
            said = [-far, *np.arange(-4, 4.5, 0.5), far, np.nan]
            medians = ranks_by_hand(predictions, shard, said)
            assert removed[shard] == medians[-1]
            others = np.isfinite(np.delete(predictions, shard)).sum()
            if others == 0:
                assert (low[shard], high[shard]) == (-np.inf, np.inf)
                continue
            assert all(low[shard] <= m <= high[shard] for m in medians)
            assert low[shard] == min(medians) or (low[shard] == -np.inf and min(medians) < -far / 3)
            assert high[shard] == max(medians) or (high[shard] == np.inf and max(medians) > far / 3)


def regressor_by_groups(estimator, n_groups, n_partitions=7):
    X, y, X_test = diabetes(150, 20)
    groups = sources(len(y), n_groups)
    model = PartitionRegressor(estimator, n_partitions=n_partitions, partition_by="groups")
    return model.fit(X, y, groups=groups), X, y, groups, X_test


@pytest.mark.parametrize("n_groups", [6, 25])
@pytest.mark.parametrize("name", ["tree", *LEAN_REGRESSORS])
def test_a_removed_group_leaves_the_median_where_it_is_said_to_be(name, n_groups):
    estimator = LEAN_REGRESSORS.get(name, make_pipeline(StandardScaler(), Ridge()))
    model, X, y, groups, X_test = regressor_by_groups(estimator, n_groups)
    explanation = model.explain(X_test)
    exact = 0
    for group in np.unique(groups):
        median = without_group(model, X, y, groups, group, X_test)[0].predict(X_test)
        for i in range(len(X_test)):
            table = explanation.groups(i)
            at = table["group"].tolist().index(group)
            slack = 1e-9 * abs(median[i])
            assert table["low"][at] - slack <= median[i] <= table["high"][at] + slack
            assert abs(median[i] - explanation.prediction[i]) <= table["reach"][at] + slack
            if table["exact"][at]:
                assert table["low"][at] == table["high"][at]
                exact += 1
    assert exact or n_groups == 25


def test_members_of_a_regressor():
    X, y, X_test = diabetes()
    for n_partitions in (8, 9):
        model = PartitionRegressor(n_partitions=n_partitions).fit(X, y)
        explanation, predictions = model.explain(X_test), model.votes(X_test)
        np.testing.assert_array_equal(explanation.prediction, model.predict(X_test))
        np.testing.assert_array_equal(explanation.interval(), model.certify(X_test).interval(1))
        for i in range(len(X_test)):
            table = explanation.members(i)
            np.testing.assert_array_equal(table["prediction"], predictions[i, table["shard"]])
            np.testing.assert_array_equal(table["distance"], np.abs(table["prediction"] - explanation.prediction[i]))
            assert (np.diff(table["distance"]) >= 0).all()
            middle = np.sort(predictions[i])[[(n_partitions - 1) // 2, n_partitions // 2]]
            assert set(table["prediction"][table["side"] == "middle"]) == set(middle)
            assert (table["prediction"][table["side"] == "below"] < middle[0]).all()
            assert (table["prediction"][table["side"] == "above"] > middle[1]).all()
            low, high = explanation.interval()
            assert table["low"].min() == low[i]
            assert table["high"].max() == high[i]
            carrying = table["shard"][table["side"] == "middle"]
            assert explanation.rows(i).tolist() == np.flatnonzero(np.isin(model.row_shards_, carrying)).tolist()


def test_groups_of_a_regressor():
    model, *_, X_test = regressor_by_groups(Ridge(), 12)
    explanation = model.explain(X_test)
    for i in range(len(X_test)):
        table = explanation.groups(i)
        assert (np.diff(table["reach"]) <= 0).all()
        assert explanation.most_influential_group(i) == table["group"][0]
        assert repr(table["group"].tolist()[0]) in explanation.summary(i)
        low, high = explanation.interval()
        assert low[i] <= table["low"].min()
        assert table["high"].max() <= high[i]


def test_a_regressor_whose_members_abstain():
    X, y, X_test = diabetes()
    model = PartitionRegressor(Picky(Ridge()), n_partitions=5).fit(X, y)
    X_test = X_test.copy()
    X_test[2, 0] = np.nan
    explanation = model.explain(X_test)
    table = explanation.members(2)
    assert table["side"].tolist() == ["abstains"] * 5
    assert np.isnan(table["distance"]).all()
    assert np.isneginf(table["low"]).all()
    assert explanation.rows(2).size == 0
    assert explanation.prediction[2] == 0.0
    assert "in the middle: nobody" in explanation.summary(2)


# Manners


def test_explanations_are_immutable_and_short():
    for model, kind in ((by_groups()[0], Explanation), (regressor_by_groups(Ridge(), 12)[0], IntervalExplanation)):
        X_test = (iris() if kind is Explanation else diabetes())[2]
        explanation = model.explain(X_test)
        assert type(explanation) is kind
        for name in ("places", "certified", "prediction"):
            with pytest.raises(AttributeError):
                setattr(explanation, name, None)
        arrays = [value for value in vars(explanation).values() if isinstance(value, np.ndarray)]
        arrays += [value for value in vars(explanation.places).values() if isinstance(value, np.ndarray)]
        assert len(arrays) >= 5
        assert not any(array.flags.writeable for array in arrays)
        assert len(repr(explanation)) < 120
        assert str(explanation) == repr(explanation)
        assert "12 groups" in repr(explanation)
        assert len(explanation.summary(0).splitlines()) <= 8
        assert explanation.summary(-1).startswith(f"row {len(X_test) - 1}:")
        # What is in the tables is nobody else's.
        explanation.members(0)["shard"][:] = -5
        explanation.groups(0)["group"][:] = -5
        assert (explanation.members(0)["shard"] >= 0).all()
        assert (model.groups_ >= 0).all()


def test_an_explanation_outlives_a_refit():
    model, X, y, _, X_test = by_groups()
    explanation = model.explain(X_test)
    before = explanation.summary(0), explanation.rows(0).tolist()
    model.set_params(partition_by="content", n_partitions=3).fit(X[:50], y[:50])
    assert (explanation.summary(0), explanation.rows(0).tolist()) == before
    restored = pickle.loads(pickle.dumps(explanation))
    assert restored.summary(0) == before[0]


def test_frames_of_members_and_groups():
    model, *_, X_test = by_groups()
    explanation = model.explain(X_test)
    members, groups = explanation.to_frame(0), explanation.to_frame(0, "groups")
    assert list(members) == ["shard", "vote", "side", "margin", "doubtful", "n_rows"]
    assert list(groups) == ["group", "shard", "n_rows", "share", "vote", "margin", "effect", "exact", "can_flip"]
    assert len(members) == 7
    assert len(groups) == 12
    regression = regressor_by_groups(Ridge(), 12)[0].explain(diabetes()[2])
    assert list(regression.to_frame(0)) == ["shard", "prediction", "distance", "side", "low", "high", "n_rows"]
    assert len(regression.to_frame(0, "groups")) == 12


def test_errors():
    X, y, X_test = cancer()
    with pytest.raises(NotFittedError):
        PartitionClassifier().explain(X_test)
    with pytest.raises(NotFittedError):
        PartitionRegressor().explain(X_test)
    explanation = PartitionClassifier(n_partitions=5).fit(X, y).explain(X_test[:4])
    for i in (4, -5):
        with pytest.raises(IndexError, match="There are 4 explained rows"):
            explanation.members(i)
    with pytest.raises(IndexError, match="There are 5 shards"):
        explanation.shard_rows(5)
    for i in (1.0, "0", None):
        with pytest.raises(TypeError):
            explanation.summary(i)
    with pytest.raises(ValueError, match="side must be one of 'for', 'against', 'abstains'"):
        explanation.rows(0, "both")
    with pytest.raises(ValueError, match="table must be"):
        explanation.to_frame(0, "rows")
    with pytest.raises(ValueError, match="features"):
        PartitionClassifier(n_partitions=5).fit(X, y).explain(X_test[:, :3])


def test_what_cannot_be_certified_can_be_explained():
    X, y, X_test = cancer()
    fitted_before = FrozenEstimator(StandardScaler().fit(X))
    model = PartitionClassifier(make_pipeline(fitted_before, LogisticRegression()), n_partitions=5).fit(X, y)
    explanation = model.explain(X_test)
    assert explanation.lead.shape == (len(X_test),)
    assert "not certified" in explanation.summary(0)
    for ask in (lambda: explanation.radius, lambda: explanation.certificate):
        with pytest.raises(CertificateError, match="fitted before"):
            ask()
    X, y, X_test = diabetes()
    fitted_before = FrozenEstimator(StandardScaler().fit(X))
    model = PartitionRegressor(make_pipeline(fitted_before, Ridge()), n_partitions=5).fit(X, y)
    explanation = model.explain(X_test)
    assert "not certified" in explanation.summary(0)
    with pytest.raises(CertificateError, match="fitted before"):
        explanation.interval()


def test_a_single_class_has_no_runner_up():
    X, _, X_test = cancer()
    groups = sources(len(X), 6)
    model = PartitionClassifier(n_partitions=3, partition_by="groups").fit(X, np.zeros(len(X)), groups=groups)
    explanation = model.explain(X_test[:2])
    assert explanation.runner_up.tolist() == [None, None]
    assert explanation.lead.tolist() == explanation.vote_counts[:, 0].tolist()
    assert explanation.groups(0)["effect"].tolist() == [1] * 6
    assert not explanation.groups(0)["can_flip"].any()
    assert "votes\n" in explanation.summary(0) or "abstain" in explanation.summary(0)
    certificate = model.certify(X_test[:2])
    assert explanation.radius.tolist() == certificate.radius.tolist()
