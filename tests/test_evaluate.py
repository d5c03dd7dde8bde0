"""Scores of certificates against numbers computed by hand, and the scorer inside scikit-learn's searches."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, make_regression
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from robustfit.certify import Certificate, CertificateError, IntervalCertificate
from robustfit.ensemble import PartitionClassifier, PartitionRegressor
from robustfit.evaluate import (
    _scorer,
    balanced_certified_accuracy_score,
    certified_accuracy_score,
    certified_recall_score,
    make_certified_scorer,
)

# Votes for "spam" out of five; ties go to "ham". Radii by hand: fewest voters that turn a majority, less one.
SPAM_VOTES = [0, 1, 2, 5, 4, 3]
RADIUS = [2, 1, 0, 2, 1, 0]
TRUTH = np.array(["ham", "ham", "spam", "spam", "ham", "spam"])  # right: yes, yes, no, yes, no, yes
WEIGHT = [1, 2, 3, 4, 5, 5]


def binary_votes(spam_votes, n_members=5):
    return np.array([[0] * (n_members - spam) + [1] * spam for spam in spam_votes])


def mail(**kwargs):
    return Certificate.from_votes(binary_votes(SPAM_VOTES), ["ham", "spam"], unseen_class=False, **kwargs)


@pytest.fixture
def certificate():
    return mail()


@pytest.fixture
def intervals():
    # Predictions 3 and 30; errors within 1.5 of 3 hold for one member, those within 1.5 of 10 never.
    return IntervalCertificate.from_predictions([[1.0, 2.0, 3.0, 4.0, 9.0], [10.0, 20.0, 30.0, 40.0, 90.0]])


# --- certified_accuracy_score ---------------------------------------------------------------------------


def test_radii_are_those_computed_by_hand(certificate):
    assert certificate.radius.tolist() == RADIUS


@pytest.mark.parametrize(("budget", "expected"), [(0, 4 / 6), (1, 3 / 6), (2, 2 / 6), (3, 0.0), (10**9, 0.0)])
def test_accuracy_by_hand(certificate, budget, expected):
    score = certified_accuracy_score(TRUTH, certificate, budget=budget)
    assert score == pytest.approx(expected)
    assert type(score) is float
    assert score == pytest.approx(certificate.certified_accuracy(TRUTH, budget))


@pytest.mark.parametrize(("budget", "expected"), [(0, 12 / 20), (1, 7 / 20), (2, 5 / 20), (3, 0.0)])
def test_weighted_accuracy_by_hand(certificate, budget, expected):
    score = certified_accuracy_score(TRUTH, certificate, budget=budget, sample_weight=WEIGHT)
    assert score == pytest.approx(expected)


def test_equal_weights_change_nothing_and_weight_zero_removes_a_row(certificate):
    plain = certified_accuracy_score(TRUTH, certificate, budget=1)
    assert certified_accuracy_score(TRUTH, certificate, budget=1, sample_weight=np.full(6, 0.3)) == pytest.approx(plain)
    without_wrong = certified_accuracy_score(TRUTH, certificate, budget=0, sample_weight=[1, 1, 0, 1, 0, 1])
    assert without_wrong == 1.0


def test_budget_zero_is_plain_accuracy(certificate):
    score = certified_accuracy_score(TRUTH, certificate, budget=0, sample_weight=WEIGHT)
    assert score == pytest.approx(accuracy_score(TRUTH, certificate.prediction, sample_weight=WEIGHT))


def test_a_doubtful_prediction_is_not_certified_even_for_budget_zero():
    doubtful = np.zeros((6, 5), dtype=bool)
    doubtful[5] = True
    unsure = mail(doubtful=doubtful)
    assert unsure.radius[5] == -1
    assert certified_accuracy_score(unsure.prediction, unsure, budget=0) == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [(0, 0.5), (1, 0.5), (2, 0.0)],
)
def test_accuracy_of_intervals_by_hand(intervals, budget, expected):
    assert certified_accuracy_score([3.0, 10.0], intervals, budget=budget, tol=1.5) == expected


def test_intervals_take_one_tolerance_per_row_and_weights(intervals):
    score = certified_accuracy_score([3.0, 10.0], intervals, budget=1, tol=[1.5, 30.0], sample_weight=[1, 3])
    assert score == 1.0
    score = certified_accuracy_score([3.0, 10.0], intervals, budget=1, tol=[0.5, 30.0], sample_weight=[1, 3])
    assert score == 0.75


@pytest.mark.parametrize("budget", [-1, 0.5, 1.0, "1", None, True, [1]])
@pytest.mark.parametrize("score", [certified_accuracy_score, certified_recall_score, balanced_certified_accuracy_score])
def test_budget_is_one_whole_number(certificate, score, budget):
    with pytest.raises(ValueError, match="budget must be a non-negative whole number"):
        score(TRUTH, certificate, budget=budget)


@pytest.mark.parametrize("score", [certified_accuracy_score, certified_recall_score, balanced_certified_accuracy_score])
class TestWhatEveryScoreRefuses:
    @pytest.mark.parametrize("y", [TRUTH[:5], TRUTH[:, None], "ham"])
    def test_wrong_length(self, score, certificate, y):
        with pytest.raises(ValueError, match=r"shape \(6,\)"):
            score(y, certificate, budget=1)

    @pytest.mark.parametrize("weight", [[1.0] * 5, np.ones((6, 1)), 1.0])
    def test_wrong_number_of_weights(self, score, certificate, weight):
        with pytest.raises(ValueError, match="sample_weight must have one value per certified row"):
            score(TRUTH, certificate, budget=1, sample_weight=weight)

    @pytest.mark.parametrize("weight", [[-1, 1, 1, 1, 1, 1], [np.nan] * 6, [np.inf] * 6, [0] * 6])
    def test_weights_that_are_no_weights(self, score, certificate, weight):
        with pytest.raises(ValueError, match="finite and non-negative, with at least one weight above zero"):
            score(TRUTH, certificate, budget=1, sample_weight=weight)

    def test_target(self, score):
        with pytest.raises(CertificateError, match=r"target='spam'.*silent.*target=None"):
            score(TRUTH, mail(target="spam"), budget=1)

    def test_predictions_instead_of_a_certificate(self, score, certificate):
        with pytest.raises(TypeError, match=r"got ndarray.*estimator\.certify"):
            score(TRUTH, certificate.prediction, budget=1)

    def test_text_against_numbers(self, score, certificate):
        with pytest.raises(ValueError, match="text and numbers are never equal"):
            score([0, 0, 1, 1, 0, 1], certificate, budget=1)

    @pytest.mark.parametrize("missing", [None, np.nan])
    def test_a_missing_label(self, score, certificate, missing):
        truth = TRUTH.astype(object)
        truth[2] = missing
        with pytest.raises(ValueError, match=r"no label in 1 of 6 rows \(first: row 2\)"):
            score(truth, certificate, budget=1)

    def test_no_rows(self, score):
        nothing = Certificate.from_votes(np.empty((0, 5), dtype=int), ["ham", "spam"])
        with pytest.raises(ValueError, match="about no rows"):
            score([], nothing, budget=1)


def test_missing_labels_of_pandas_and_of_floats(certificate):
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="no label in 1 of 6"):
        certified_accuracy_score(pd.Series([*TRUTH[:5], pd.NA]), certificate, budget=1)
    numbers = Certificate.from_votes(binary_votes(SPAM_VOTES), [0.0, 1.0])
    with pytest.raises(ValueError, match="no label in 1 of 6"):
        certified_accuracy_score([0.0, 0.0, 1.0, 1.0, 0.0, np.nan], numbers, budget=1)


def test_labels_of_any_container(certificate):
    pd = pytest.importorskip("pandas")
    expected = certified_accuracy_score(TRUTH, certificate, budget=1)
    for y in (
        TRUTH.tolist(),
        TRUTH.astype(object),
        pd.Series(TRUTH, index=range(6, 12)),
        pd.Categorical(TRUTH),
    ):
        assert certified_accuracy_score(y, certificate, budget=1) == expected
    numbers = Certificate.from_votes(binary_votes(SPAM_VOTES), [0, 1], unseen_class=False)
    codes = (TRUTH == "spam").astype(int)
    for y in (codes, codes.astype(float), codes.astype(bool), pd.Series(codes, dtype="Int64")):
        assert certified_accuracy_score(y, numbers, budget=1) == expected


def test_tol_belongs_to_regressors(certificate, intervals):
    with pytest.raises(ValueError, match=r"of a regressor.*tol="):
        certified_accuracy_score([3.0, 10.0], intervals, budget=1)
    with pytest.raises(ValueError, match=r"tol is for regressors.*Leave out tol=1\.0"):
        certified_accuracy_score(TRUTH, certificate, budget=1, tol=1.0)
    with pytest.raises(ValueError, match="non-negative"):
        certified_accuracy_score([3.0, 10.0], intervals, budget=1, tol=-1.0)


# --- certified_recall_score -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "expected"),
    [(0, [2 / 3, 2 / 3]), (1, [2 / 3, 1 / 3]), (2, [1 / 3, 1 / 3]), (3, [0, 0])],
)
def test_recall_by_hand(certificate, budget, expected):
    recall = certified_recall_score(TRUTH, certificate, budget=budget)
    assert recall.tolist() == pytest.approx(expected)
    macro = certified_recall_score(TRUTH, certificate, budget=budget, average="macro")
    assert macro == pytest.approx(np.mean(expected))
    assert type(macro) is float
    assert balanced_certified_accuracy_score(TRUTH, certificate, budget=budget) == macro


def test_weighted_recall_by_hand(certificate):
    recall = certified_recall_score(TRUTH, certificate, budget=1, sample_weight=WEIGHT)
    assert recall.tolist() == pytest.approx([3 / 8, 4 / 12])
    balanced = balanced_certified_accuracy_score(TRUTH, certificate, budget=1, sample_weight=WEIGHT)
    assert balanced == pytest.approx((3 / 8 + 4 / 12) / 2)


def test_recall_in_the_order_of_labels(certificate):
    assert certified_recall_score(TRUTH, certificate, budget=1, labels=["spam", "ham"]).tolist() == pytest.approx(
        [1 / 3, 2 / 3]
    )
    assert certified_recall_score(TRUTH, certificate, budget=1, labels=["ham"]).tolist() == pytest.approx([2 / 3])


def test_balanced_at_budget_zero_is_balanced_accuracy(certificate):
    expected = balanced_accuracy_score(TRUTH, certificate.prediction, sample_weight=WEIGHT)
    score = balanced_certified_accuracy_score(TRUTH, certificate, budget=0, sample_weight=WEIGHT)
    assert score == pytest.approx(expected)


def test_accuracy_hides_a_rare_class_and_recall_shows_it():
    certificate = Certificate.from_votes(binary_votes([0] * 19 + [3]), [0, 1], unseen_class=False)
    truth = [0] * 19 + [1]
    assert certified_accuracy_score(truth, certificate, budget=1) == 0.95
    assert certified_recall_score(truth, certificate, budget=1).tolist() == [1.0, 0.0]
    assert balanced_certified_accuracy_score(truth, certificate, budget=1) == 0.5


def test_a_class_that_no_member_knows_scores_zero(certificate):
    truth = TRUTH.copy().astype(object)
    truth[0] = "fraud"
    assert certified_recall_score(truth, certificate, budget=0).tolist() == pytest.approx([0, 1 / 2, 2 / 3])


def test_a_class_without_rows_is_nan_and_left_out_of_the_mean(certificate):
    labels = ["fraud", "ham", "spam"]
    with pytest.warns(UndefinedMetricWarning, match=r"\['fraud'\] have no row"):
        recall = certified_recall_score(TRUTH, certificate, budget=1, labels=labels)
    assert np.isnan(recall[0])
    assert recall[1:].tolist() == pytest.approx([2 / 3, 1 / 3])
    with pytest.warns(UndefinedMetricWarning):
        macro = certified_recall_score(TRUTH, certificate, budget=1, labels=labels, average="macro")
    assert macro == pytest.approx(1 / 2)


def test_a_class_of_weight_zero_is_nan(certificate):
    only_ham = (TRUTH == "ham").astype(float)
    with pytest.warns(UndefinedMetricWarning, match="positive weight"):
        recall = certified_recall_score(TRUTH, certificate, budget=1, sample_weight=only_ham)
    assert recall[0] == pytest.approx(2 / 3)
    assert np.isnan(recall[1])


def test_no_class_with_rows_is_an_error(certificate):
    with pytest.raises(ValueError, match="None of the classes"):
        certified_recall_score(TRUTH, certificate, budget=1, labels=["fraud"])


@pytest.mark.parametrize("labels", [[], "ham", [["ham"]], ["ham", "ham"]])
def test_labels_are_distinct_classes(certificate, labels):
    with pytest.raises(ValueError, match="labels must be a non-empty 1-D sequence of distinct classes"):
        certified_recall_score(TRUTH, certificate, budget=1, labels=labels)


def test_labels_are_of_the_classes_type(certificate):
    with pytest.raises(ValueError, match="labels holds labels such as 1"):
        certified_recall_score(TRUTH, certificate, budget=1, labels=[1])


@pytest.mark.parametrize("average", ["micro", "weighted", "", True])
def test_unknown_average(certificate, average):
    with pytest.raises(ValueError, match="average must be None"):
        certified_recall_score(TRUTH, certificate, budget=1, average=average)


@pytest.mark.parametrize("score", [certified_recall_score, balanced_certified_accuracy_score])
def test_recall_is_about_classes(intervals, score):
    with pytest.raises(ValueError, match="of a regressor: use certified_accuracy_score"):
        score([3.0, 10.0], intervals, budget=1)


# --- make_certified_scorer: arguments -------------------------------------------------------------------


def test_scorer_checks_its_arguments_when_made():
    with pytest.raises(ValueError, match="budget must be a non-negative whole number"):
        make_certified_scorer(budget=0.5)
    with pytest.raises(CertificateError, match="Unknown threat 'swap'"):
        make_certified_scorer(budget=1, threat="swap")
    with pytest.raises(ValueError, match="metric must be one of 'accuracy', 'balanced', got 'f1'"):
        make_certified_scorer(budget=1, metric="f1")
    with pytest.raises(ValueError, match="takes no tolerance"):
        make_certified_scorer(budget=1, metric="balanced", tol=1.0)
    with pytest.raises(ValueError, match=r"trusted must be a sequence of paths.*got 'scaler'"):
        make_certified_scorer(budget=1, trusted="scaler")
    with pytest.raises(ValueError, match="trusted must be a sequence of paths"):
        make_certified_scorer(budget=1, trusted=[StandardScaler()])


@pytest.mark.parametrize("tol", [-1.0, np.nan, True, "1", [1.0, 2.0]])
def test_scorer_takes_one_tolerance(tol):
    with pytest.raises(ValueError, match="tol must be one non-negative number"):
        make_certified_scorer(budget=1, tol=tol)


def test_scorer_repr_is_the_call_that_makes_it():
    scorer = make_certified_scorer(budget=np.int64(3), threat="delete", trusted=["scaler"], tol=2)
    expected = "make_certified_scorer(budget=3, threat='delete', metric='accuracy', tol=2.0, trusted=('scaler',))"
    assert repr(scorer) == expected
    assert repr(make_certified_scorer(budget=1)) == (
        "make_certified_scorer(budget=1, threat='insert_delete', metric='accuracy')"
    )


def test_pickled_and_cloned_scorers_are_the_same():
    scorer = make_certified_scorer(budget=3, threat="modify", metric="balanced")
    with config_context(enable_metadata_routing=True):
        scorer.set_score_request(sample_weight="importance")
    for copy in (pickle.loads(pickle.dumps(scorer)), clone(scorer, safe=False)):
        assert repr(copy) == repr(scorer)
        assert vars(copy) == vars(scorer)


def test_score_request_needs_routing():
    with pytest.raises(RuntimeError, match="enable_metadata_routing=True"):
        make_certified_scorer(budget=1).set_score_request(sample_weight=True)


# --- make_certified_scorer: inside searches, with members whose votes are known --------------------------


class SpokenVotes(ClassifierMixin, BaseEstimator):
    """Rows are votes of five members; `n_silent` of them are made to abstain. Nothing is learned."""

    def __init__(self, n_silent=0):
        self.n_silent = n_silent

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.array([0, 1])
        return self

    def certify(self, X, *, threat="insert_delete"):
        votes = np.array(X, dtype=int)
        votes[:, : self.n_silent] = -1
        return Certificate.from_votes(votes, self.classes_, threat=threat, unseen_class=False)

    def predict(self, X):
        return self.certify(X).prediction


@pytest.fixture
def spoken(monkeypatch):
    """Rows, labels and weights for `SpokenVotes`, which stands in for an ensemble."""

    def certify(estimator, X, *, trusted=(), **kwargs):
        return estimator.certify(X, **kwargs)

    monkeypatch.setattr(_scorer, "certify_pipeline", certify)
    rng = np.random.default_rng(0)
    spam = rng.integers(0, 6, size=60)
    y = np.where(rng.random(60) < 0.8, spam >= 3, spam < 3).astype(int)
    return binary_votes(spam), y, rng.random(60)


def by_hand(X, y, weight, *, budget, n_silent=0, score=certified_accuracy_score):
    """What each of three folds should score."""
    model = SpokenVotes(n_silent).fit(X, y)
    return [
        score(
            y[test],
            model.certify(X[test]),
            budget=budget,
            sample_weight=None if weight is None else weight[test],
        )
        for _, test in KFold(3).split(X)
    ]


def test_scorer_hands_on_threat_and_trusted(monkeypatch, certificate):
    seen = {}

    def certify(estimator, X, **kwargs):
        seen.update(kwargs, estimator=estimator, X=X)
        return certificate

    monkeypatch.setattr(_scorer, "certify_pipeline", certify)
    scorer = make_certified_scorer(budget=1, threat="label_flip", trusted=["scaler"])
    assert scorer("model", "rows", TRUTH) == 0.5
    assert scorer("model", "rows", TRUTH, WEIGHT) == pytest.approx(7 / 20)
    assert scorer("model", "rows", TRUTH, sample_weight=WEIGHT) == pytest.approx(7 / 20)
    assert seen == {"estimator": "model", "X": "rows", "threat": "label_flip", "trusted": ("scaler",)}


def test_scorer_for_regressors(monkeypatch, intervals):
    monkeypatch.setattr(_scorer, "certify_pipeline", lambda *args, **kwargs: intervals)
    assert make_certified_scorer(budget=1, tol=1.5)(None, None, [3.0, 10.0]) == 0.5
    with pytest.raises(ValueError, match="of a regressor"):
        make_certified_scorer(budget=1)(None, None, [3.0, 10.0])


@pytest.mark.parametrize("routing", [False, True])
def test_single_metric(spoken, routing):
    X, y, _ = spoken
    scorer = make_certified_scorer(budget=1)
    with config_context(enable_metadata_routing=routing):
        scores = cross_val_score(SpokenVotes(), X, y, cv=KFold(3), scoring=scorer, error_score="raise")
        search = GridSearchCV(SpokenVotes(), {"n_silent": [4, 0, 2]}, cv=KFold(3), scoring=scorer).fit(X, y)
        assert search.score(X, y) == scorer(search.best_estimator_, X, y)
    assert scores.tolist() == by_hand(X, y, None, budget=1)
    expected = [np.mean(by_hand(X, y, None, budget=1, n_silent=n_silent)) for n_silent in (4, 0, 2)]
    assert search.cv_results_["mean_test_score"].tolist() == pytest.approx(expected)
    assert len(set(expected)) == 3
    assert search.best_score_ == pytest.approx(max(expected))


def metrics():
    return {
        "plain": "accuracy",
        "one": make_certified_scorer(budget=1),
        "two": make_certified_scorer(budget=2),
        "balanced": make_certified_scorer(budget=1, metric="balanced"),
    }


@pytest.mark.parametrize("routing", [False, True])
def test_several_metrics(spoken, routing):
    X, y, _ = spoken
    with config_context(enable_metadata_routing=routing):
        scores = cross_validate(
            SpokenVotes(), X, y, cv=KFold(3), scoring=metrics(), error_score="raise", return_train_score=True
        )
        search = GridSearchCV(SpokenVotes(), {"n_silent": [2, 0]}, cv=KFold(3), scoring=metrics(), refit="two")
        search.fit(X, y)
    assert scores["test_one"].tolist() == by_hand(X, y, None, budget=1)
    assert scores["test_two"].tolist() == by_hand(X, y, None, budget=2)
    assert scores["test_balanced"].tolist() == by_hand(X, y, None, budget=1, score=balanced_certified_accuracy_score)
    assert np.all(scores["test_two"] <= scores["test_one"])
    assert np.all(scores["test_one"] <= scores["test_plain"])
    assert len(scores["train_one"]) == 3
    assert search.best_score_ == pytest.approx(scores["test_two"].mean())


@pytest.mark.parametrize("scoring", [make_certified_scorer(budget=1), metrics()], ids=["single", "several"])
def test_weights_without_routing(spoken, scoring):
    X, y, weight = spoken
    refit = "one" if isinstance(scoring, dict) else True
    search = GridSearchCV(SpokenVotes(), {"n_silent": [0]}, cv=KFold(3), scoring=scoring, refit=refit)
    search.fit(X, y, sample_weight=weight)
    expected = np.mean(by_hand(X, y, weight, budget=1))
    assert expected != pytest.approx(np.mean(by_hand(X, y, None, budget=1)))
    assert search.best_score_ == pytest.approx(expected)


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("alias", [True, "importance"])
def test_weights_with_routing(spoken, several, alias):
    X, y, weight = spoken
    key = "sample_weight" if alias is True else alias
    with config_context(enable_metadata_routing=True):
        weighted = make_certified_scorer(budget=1).set_score_request(sample_weight=alias)
        unweighted = make_certified_scorer(budget=1).set_score_request(sample_weight=False)
        scoring = {"weighted": weighted, "unweighted": unweighted} if several else weighted
        model = SpokenVotes().set_fit_request(sample_weight=False)
        scores = cross_validate(model, X, y, cv=KFold(3), scoring=scoring, params={key: weight}, error_score="raise")
        refit = "weighted" if several else True
        search = GridSearchCV(model, {"n_silent": [0]}, cv=KFold(3), scoring=scoring, refit=refit)
        search.fit(X, y, **{key: weight})
    expected = by_hand(X, y, weight, budget=1)
    assert scores["test_weighted" if several else "test_score"].tolist() == pytest.approx(expected)
    assert search.best_score_ == pytest.approx(np.mean(expected))
    if several:
        assert scores["test_unweighted"].tolist() == by_hand(X, y, None, budget=1)


def test_weights_with_routing_must_be_asked_for(spoken):
    X, y, weight = spoken
    with config_context(enable_metadata_routing=True):
        model = SpokenVotes().set_fit_request(sample_weight=True)
        with pytest.raises(ValueError, match=r"(?s)sample_weight.*make_certified_scorer\(budget=1"):
            cross_validate(model, X, y, scoring=make_certified_scorer(budget=1), params={"sample_weight": weight})


# --- make_certified_scorer: the ensembles ----------------------------------------------------------------


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


def scaled():
    return make_pipeline(StandardScaler(), LogisticRegression())


@pytest.mark.parametrize("routing", [False, True])
def test_cross_validation_of_an_ensemble(cancer, routing):
    X, y = cancer
    model = PartitionClassifier(scaled(), n_partitions=7)
    folds = StratifiedKFold(3)
    with config_context(enable_metadata_routing=routing):
        scores = cross_validate(model, X, y, cv=folds, scoring=metrics(), error_score="raise")
        expected = []
        for train, test in folds.split(X, y):
            certificate = clone(model).fit(X[train], y[train]).certify(X[test])
            expected.append(certificate.certified_accuracy(y[test], 1))
    assert scores["test_one"].tolist() == pytest.approx(expected)
    assert min(expected) > 0.8
    assert np.all(scores["test_two"] <= scores["test_one"])
    assert np.all(scores["test_one"] <= scores["test_plain"])


def test_search_over_an_ensemble_with_a_pickled_scorer(cancer):
    X, y = cancer
    search = GridSearchCV(
        PartitionClassifier(scaled()),
        {"n_partitions": [5, 9]},
        cv=3,
        scoring=pickle.loads(pickle.dumps(make_certified_scorer(budget=3))),
        error_score="raise",
    ).fit(X, y)
    # Five members never withstand three lost ones; nine do.
    assert search.best_params_ == {"n_partitions": 9}
    assert search.cv_results_["mean_test_score"][0] == 0.0
    assert search.best_score_ > 0.7


def test_a_search_is_refused_unless_it_is_vouched_for(cancer):
    X, y = cancer
    scorer = make_certified_scorer(budget=1)
    search = GridSearchCV(PartitionClassifier(scaled()), {"n_partitions": [5, 7]}, cv=3, scoring=scorer).fit(X, y)
    with pytest.raises(CertificateError, match="gridsearchcv"):
        scorer(search, X, y)
    vouched = make_certified_scorer(budget=1, trusted=["gridsearchcv"])
    assert vouched(search, X, y) == scorer(search.best_estimator_, X, y) == search.score(X, y)


def test_a_step_that_learns_from_all_rows_is_refused_unless_it_is_vouched_for(cancer):
    X, y = cancer
    model = make_pipeline(StandardScaler(), PartitionClassifier(LogisticRegression(), n_partitions=7))
    with pytest.raises(CertificateError, match="standardscaler"):
        cross_val_score(model, X, y, cv=3, scoring=make_certified_scorer(budget=1), error_score="raise")
    vouched = make_certified_scorer(budget=1, trusted=["standardscaler"])
    assert cross_val_score(model, X, y, cv=3, scoring=vouched, error_score="raise").min() > 0.8


def test_a_step_that_transforms_row_by_row_is_allowed(cancer):
    X, y = cancer
    model = make_pipeline(Normalizer(), PartitionClassifier(scaled(), n_partitions=7))
    scores = cross_val_score(model, X, y, cv=3, scoring=make_certified_scorer(budget=1), error_score="raise")
    assert scores.min() > 0.8


def test_an_estimator_without_certificates_is_refused(cancer):
    X, y = cancer
    with pytest.raises((CertificateError, TypeError)):
        make_certified_scorer(budget=1)(scaled().fit(X, y), X, y)


def test_cross_validation_of_a_regressor():
    X, y = make_regression(n_samples=900, n_features=4, noise=5.0, random_state=0)
    model = PartitionRegressor(LinearRegression(), n_partitions=5)
    scoring = {str(budget): make_certified_scorer(budget=budget, tol=10.0) for budget in (0, 1, 3)}
    scores = cross_validate(model, X, y, cv=3, scoring=scoring, error_score="raise")
    assert np.all(scores["test_1"] <= scores["test_0"])
    assert scores["test_1"].min() > 0.5
    assert scores["test_3"].max() == 0.0


def test_light_imports():
    # scikit-learn takes pandas along where it is installed, so that one has to be hidden, not looked for.
    code = (
        "import sys; sys.modules.update(pandas=None, pyarrow=None); "
        "import robustfit.evaluate, robustfit.inspection; "
        "assert not {'matplotlib', 'cvxpy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
