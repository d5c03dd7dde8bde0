"""Trimmed classifiers: what they keep, what they choose, what they refuse."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits, make_blobs, make_classification, make_moons
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from robustfit import PartitionClassifier
from robustfit.attacks import FarFlipAttack, RandomFlipAttack
from robustfit.sanitize._responses import hinge, log_loss
from robustfit.trimmed import TrimmedClassifier, TrimmedRegressor, TrimmingWarning
from robustfit.trimmed._wrapper._choice import choose, is_outdone, lead, row_errors
from robustfit.trimmed._wrapper._filter import believed
from robustfit.trimmed._wrapper._noise import calibrated
from robustfit.trimmed._wrapper._starts import plan_starts

SCALED = make_pipeline(StandardScaler(), LogisticRegression())


def planes(n=600, d=8, seed=0, noise=0.5):
    """Two classes on either side of a plane, with noise on it, and a clean test half."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(2 * n, d))
    score = X @ np.linspace(1.0, 2.0, d)
    y = (score + noise * rng.normal(size=2 * n) > 0).astype(int)
    return X[:n], y[:n], X[n:], y[n:]


def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order[:400]], y[order[:400]], X[order[400:]], y[order[400:]]


def flipped(X, y, share, **how):
    return FarFlipAttack(**how).generate(X, y, budget=int(share * len(y)))


class CountingClassifier(LogisticRegression):
    """Counts its fits."""

    fits = 0

    def fit(self, X, y, sample_weight=None):
        CountingClassifier.fits += 1
        return super().fit(X, y, sample_weight)


class FussyClassifier(LogisticRegression):
    """Cannot be fitted without its favourite rows."""

    def fit(self, X, y, sample_weight=None):
        if len(y) < 90:
            raise ValueError("not enough rows for me")
        return super().fit(X, y, sample_weight)


class ConstantClassifier(ClassifierMixin, BaseEstimator):
    """Gives each row the same score."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 1.0 / len(self.classes_))

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_far_flips_are_found(share):
    X, y, X_test, y_test = planes()
    poisoned = flipped(X, y, share)
    model = TrimmedClassifier(contamination=share).fit(poisoned.X, poisoned.y)
    clean = LogisticRegression().fit(X, y).score(X_test, y_test)
    assert model.score(X_test, y_test) >= clean - 0.02
    assert np.mean(model.support_[poisoned.is_poison]) <= 0.1


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_one_sided_flips_are_found_where_steps_from_all_rows_fail(share):
    X, y, X_test, y_test = planes()
    poisoned = flipped(X, y, share, source=1)
    clean = LogisticRegression().fit(X, y).score(X_test, y_test)
    model = TrimmedClassifier(contamination=share).fit(poisoned.X, poisoned.y)
    assert model.score(X_test, y_test) >= clean - 0.03
    if share == 0.2:
        single = TrimmedClassifier(contamination=share, trim_by="global", n_starts=1).fit(poisoned.X, poisoned.y)
        assert single.score(X_test, y_test) < clean - 0.1


@pytest.mark.parametrize("base", [SCALED, make_pipeline(StandardScaler(), LinearSVC()), GaussianNB()], ids=str)
def test_clean_rows_cost_nothing(base):
    X, y, X_test, y_test = cancer()
    plain = clone(base).fit(X, y).score(X_test, y_test)
    assert TrimmedClassifier(base).fit(X, y).score(X_test, y_test) >= plain - 0.01


def heavy_tails(n=1000, d=12, seed=0):
    """Labels follow a plane; a few rows lie far out along single columns."""
    rng = np.random.default_rng(seed)
    X = rng.standard_t(2, size=(2 * n, d))
    y = (np.clip(X, -3.0, 3.0) @ rng.normal(size=d) + rng.normal(size=2 * n) > 0).astype(int)
    return X[:n], y[:n], X[n:], y[n:]


@pytest.mark.parametrize("base", [SCALED, make_pipeline(StandardScaler(), LinearSVC())], ids=["logistic", "svm"])
@pytest.mark.parametrize(("share", "how"), [(0.2, {}), (0.2, {"source": 1})], ids=["both classes", "one class"])
def test_flips_of_rows_with_long_arms_are_found(base, share, how):
    X, y, X_test, y_test = heavy_tails()
    poisoned = flipped(X, y, share, **how)
    clean = clone(base).fit(X, y).score(X_test, y_test)
    single = TrimmedClassifier(base, contamination=share, trim_by="global", n_starts=1)
    for model in (clone(base), single):
        assert model.fit(poisoned.X, poisoned.y).score(X_test, y_test) < clean - 0.1
    model = TrimmedClassifier(base, contamination=share).fit(poisoned.X, poisoned.y)
    assert model.score(X_test, y_test) >= clean - 0.02
    assert np.mean(model.support_[poisoned.is_poison]) <= 0.05
    assert model.start_.startswith("filtered")


@pytest.mark.parametrize("seed", range(3))
def test_clean_rows_with_long_arms_cost_nothing(seed):
    X, y, X_test, y_test = heavy_tails(seed=seed)
    plain = clone(SCALED).fit(X, y).score(X_test, y_test)
    assert TrimmedClassifier(SCALED).fit(X, y).score(X_test, y_test) >= plain - 0.01


def test_what_no_plane_can_follow_is_not_taken_for_bad():
    X, y = make_moons(1200, noise=0.25, random_state=0)
    forest = RandomForestClassifier(30, random_state=0)
    plain = clone(forest).fit(X[:600], y[:600]).score(X[600:], y[600:])
    assert TrimmedClassifier(forest).fit(X[:600], y[:600]).score(X[600:], y[600:]) >= plain - 0.01


def test_a_forest_is_helped_where_a_plane_says_which_rows_are_bad():
    X, y, X_test, y_test = planes()
    poisoned = flipped(X, y, 0.2)
    forest = RandomForestClassifier(30, random_state=0)
    plain = clone(forest).fit(poisoned.X, poisoned.y).score(X_test, y_test)
    model = TrimmedClassifier(forest, contamination=0.2, n_starts=2).fit(poisoned.X, poisoned.y)
    assert model.score(X_test, y_test) >= plain + 0.05


def test_more_than_two_classes():
    X, y = make_blobs(600, n_features=6, centers=4, cluster_std=3.0, random_state=0)
    given = y[:300].copy()
    bad = np.random.default_rng(0).choice(300, 30, replace=False)
    given[bad] = (given[bad] + 1) % 4
    plain = clone(SCALED).fit(X[:300], y[:300]).score(X[300:], y[300:])
    model = TrimmedClassifier(SCALED).fit(X[:300], given)
    assert np.mean(model.support_[bad]) <= 0.2
    assert model.score(X[300:], y[300:]) >= plain - 0.01


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_many_classes(share):
    how = {"n_features": 30, "n_informative": 20, "n_redundant": 0, "n_clusters_per_class": 1, "class_sep": 2.5}
    X, y = make_classification(1200, n_classes=8, random_state=0, **how)
    poisoned = RandomFlipAttack().generate(X[:600], y[:600], budget=int(share * 600), random_state=0)
    clean = clone(SCALED).fit(X[:600], y[:600]).score(X[600:], y[600:])
    plain = clone(SCALED).fit(X[:600], poisoned.y).score(X[600:], y[600:])
    model = TrimmedClassifier(SCALED, contamination=share).fit(X[:600], poisoned.y)
    assert plain < clean - 0.02
    assert model.score(X[600:], y[600:]) >= clean - 0.01
    assert TrimmedClassifier(SCALED).fit(X[:600], y[:600]).score(X[600:], y[600:]) >= clean - 0.01


def test_labels_that_a_fit_believes():
    shares = np.array([[0.85, 0.15], [0.95, 0.05], [0.2, 0.8]])
    codes = np.array([1, 1, 1])
    np.testing.assert_array_equal(believed(shares, codes, "predict_proba", odds=9.0), [True, False, True])
    np.testing.assert_array_equal(believed(shares, codes, "predict_proba", odds=3.0), [False, False, True])
    scores = np.array([[0.7, -0.7], [0.8, -0.8], [-1.0, 1.0]])
    np.testing.assert_array_equal(believed(scores, codes, "decision_function", odds=9.0), [True, False, True])
    assert believed(np.ones((2, 1)), np.zeros(2, dtype=int), "predict_proba", odds=9.0).all()


def test_the_smallest_loss_is_taken_but_not_with_many_more_errors():
    few, some, many = (np.repeat([0.001, 0.0], [n, 1000 - n]) for n in (100, 110, 200))
    assert choose([0.3, 0.2, 0.1], [few, some, many], by="reference") == 1
    assert choose([0.3, 0.2, 0.4], [few, some, many], by="estimator") == 0
    assert is_outdone(many, few)
    assert not is_outdone(some, few)


def noisy(n, d, scale, n_test=4000):
    """Labels drawn from a logistic model, and test rows."""
    rng = np.random.default_rng(0)
    X, direction = rng.normal(size=(n + n_test, d)), rng.normal(size=d)
    chance = 1.0 / (1.0 + np.exp(-scale * X @ direction / np.linalg.norm(direction)))
    y = (rng.random(n + n_test) < chance).astype(int)
    return X[:n], y[:n], X[n:], y[n:]


def test_flips_of_one_class_are_told_from_noise_in_any_order_of_rows():
    X, y, X_test, y_test = noisy(1500, d=20, scale=2.0)
    given = flipped(X, y, 0.1, source=np.bincount(y).argmax()).y
    clean, plain = (clone(SCALED).fit(X, labels).score(X_test, y_test) for labels in (y, given))
    model = TrimmedClassifier(SCALED).fit(X, given)
    assert plain < clean - 0.05
    assert model.score(X_test, y_test) >= clean - 0.01
    order = np.random.default_rng(1).permutation(len(y))
    other = TrimmedClassifier(SCALED).fit(X[order], given[order])
    np.testing.assert_array_equal(other.support_, model.support_[order])
    assert other.n_iter_ == model.n_iter_ >= model.n_fits_ - 1


def test_one_digit_flipped_is_told_from_noise():
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    given = flipped(X[:600], y[:600], 0.08, source=np.bincount(y[:600]).argmax()).y
    plain = clone(SCALED).fit(X[:600], given).score(X[600:], y[600:])
    model = TrimmedClassifier(SCALED, contamination=0.2).fit(X[:600], given)
    assert model.score(X[600:], y[600:]) >= plain + 0.05


@pytest.mark.parametrize("base", [RandomForestClassifier(random_state=0), KNeighborsClassifier(15)])
def test_flips_are_told_from_noise_around_learners_that_memorise(base):
    X, y, X_test, y_test = noisy(1500, d=20, scale=4.0)
    given = flipped(X, y, 0.05).y
    model = TrimmedClassifier(base, contamination=0.05).fit(X, given)
    assert model.support_[given != y].mean() < 0.1 < 0.9 < model.support_[given == y].mean()
    assert model.score(X_test, y_test) >= clone(base).fit(X, given).score(X_test, y_test) + 0.005
    random = RandomFlipAttack().generate(X, y, budget=150, random_state=0).y
    assert TrimmedClassifier(base, contamination=0.1).fit(X, random).support_.all()


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_labels_that_are_only_noisy_are_kept(share):
    X, y, _, _ = noisy(1000, d=10, scale=1.0)
    given = RandomFlipAttack().generate(X, y, budget=int(share * len(y)), random_state=0).y
    assert TrimmedClassifier(SCALED, contamination=share or 0.1).fit(X, given).support_.all()


def test_calibrated_chances():
    codes = np.array([0, 0, 1, 0, 1, 1])
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    table = np.column_stack([1.0 - score, score])
    chances = calibrated(table, codes, np.ones(6))
    np.testing.assert_allclose(chances[:, 1], [0.0, 0.0, 0.5, 0.5, 1.0, 1.0])
    weighted = calibrated(table, codes, np.array([1.0, 1.0, 3.0, 1.0, 1.0, 1.0]))
    np.testing.assert_allclose(weighted[:, 1], [0.0, 0.0, 0.75, 0.75, 1.0, 1.0])
    rng = np.random.default_rng(0)
    table = rng.dirichlet(np.ones(3), 20_000)
    # Scores that are too sure: the true chances are proportional to the roots.
    true = np.sqrt(table) / np.sqrt(table).sum(axis=1, keepdims=True)
    codes = np.sum(rng.random(20_000)[:, None] > true.cumsum(axis=1)[:, :-1], axis=1)
    assert np.abs(calibrated(table, codes, np.ones(20_000)) - true).mean() < 0.01


def test_starts_without_a_reference():
    parts = np.array([3.0, 1.0])
    named = [start[0] for start in plan_starts("auto", parts, referred=False)]
    assert named == ["all rows", "per class", "annealed"]
    for trim_by in ("global", "class"):
        assert not [s for s in plan_starts(trim_by, parts, referred=False) if s[0].startswith("filtered")]


def test_the_scaler_does_not_see_what_is_left_out():
    X, y, _, _ = planes(n=200)
    X[:10] *= 30.0
    y[:10] = 1 - (X[:10] @ np.linspace(1.0, 2.0, X.shape[1]) > 0)
    model = TrimmedClassifier(SCALED, trim_by="global").fit(X, y)
    assert model.support_[:10].mean() <= 0.2
    np.testing.assert_allclose(model.estimator_[0].mean_, X[model.support_].mean(axis=0))


@pytest.mark.parametrize("container", [np.asarray, csr_array, pd.DataFrame, pl.DataFrame])
def test_no_trimming_is_the_estimator_itself(container):
    X, y, X_test, _ = planes(n=100)
    base = LogisticRegression()
    if container in (pd.DataFrame, pl.DataFrame):
        names = [f"c{j}" for j in range(X.shape[1])]
        X, X_test = container(X, names) if container is pl.DataFrame else container(X, columns=names), X_test
        X_test = container(X_test, names) if container is pl.DataFrame else container(X_test, columns=names)
    else:
        X, X_test = container(X), container(X_test)
    model = TrimmedClassifier(base, contamination=0).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X_test), clone(base).fit(X, y).predict_proba(X_test))
    assert model.support_.all()
    assert (model.n_fits_, model.n_iter_, model.contamination_, model.start_) == (1, 0, 0.0, "untrimmed")


def test_exactly_so_many_rows_are_kept_and_ties_are_settled_by_content():
    X, y, _, _ = planes(n=103)
    model = TrimmedClassifier(ConstantClassifier(), trim_by="global", evaluation="in_sample").fit(X, y)
    assert model.support_.sum() == 103 - 10
    order = np.random.default_rng(0).permutation(103)
    again = clone(model).fit(X[order], y[order])
    np.testing.assert_array_equal(again.support_, model.support_[order])


def test_all_rows_are_kept_where_nothing_can_be_told():
    X, y, _, _ = planes(n=103)
    assert TrimmedClassifier(ConstantClassifier(), evaluation="in_sample").fit(X, y).support_.all()


def test_each_class_keeps_its_part():
    X, y, _, _ = planes(n=300)
    rare = np.flatnonzero(y == 1)[:12]
    rows = np.concatenate([np.flatnonzero(y == 0), rare])
    X, y = X[rows], y[rows]
    y[:10] = 1
    model = TrimmedClassifier(contamination=0.2, trim_by="global", n_starts=1).fit(X, y)
    assert model.support_[y == 1].sum() == 11
    assert model.support_.sum() == len(y) - int(0.2 * len(y))
    model = TrimmedClassifier(contamination=0.2, trim_by="class", min_per_class=20).fit(X, y)
    assert model.support_[y == 1].sum() == 20


def test_more_rows_asked_out_than_there_are():
    X, y, _, _ = planes(n=60)
    with pytest.raises(ValueError, match=r"asks 24 of 60 rows out, but min_per_class=28 leaves only .* Lower one"):
        TrimmedClassifier(contamination=0.4, min_per_class=28).fit(X, y)


@pytest.mark.parametrize("contamination", [0.5, 0.9, -0.1, "half", None, np.nan])
def test_shares_that_cannot_be(contamination):
    X, y, _, _ = planes(n=60)
    with pytest.raises(ValueError, match=r"'contamination' parameter .* \[0.0, 0.5\)"):
        TrimmedClassifier(contamination=contamination).fit(X, y)


def test_automatic_contamination():
    X, y, X_test, y_test = planes(n=400)
    assert TrimmedClassifier(contamination="auto").fit(X, y).contamination_ <= 0.05
    poisoned = flipped(X, y, 0.15)
    model = TrimmedClassifier(contamination="auto").fit(poisoned.X, poisoned.y)
    assert 0.09 <= model.contamination_ <= 0.3
    assert np.mean(model.support_[poisoned.is_poison]) <= 0.2
    assert model.score(X_test, y_test) > 0.9


@pytest.mark.parametrize(
    ("base", "evaluation"),
    [
        (LogisticRegression(), "in_sample"),
        (LinearSVC(), "in_sample"),
        (GaussianNB(), "in_sample"),
        (RandomForestClassifier(30), "out_of_bag"),
        (RandomForestClassifier(5, bootstrap=False), "out_of_fold"),
        (DecisionTreeClassifier(), "out_of_fold"),
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), "out_of_fold"),
        (SVC(), "out_of_fold"),
        (GridSearchCV(LogisticRegression(), {"C": [1]}), "out_of_fold"),
    ],
    ids=str,
)
def test_losses_come_from_rows_that_a_learner_has_not_memorised(base, evaluation):
    X, y, _, _ = planes(n=60)
    model = TrimmedClassifier(base, n_starts=1, max_iter=1).fit(X, y)
    assert model.evaluation_ == evaluation


@pytest.mark.parametrize(
    "base",
    [RandomForestClassifier(20), make_pipeline(StandardScaler(), RandomForestClassifier(20)), DecisionTreeClassifier()],
    ids=["forest", "forest in a pipeline", "tree"],
)
def test_memorising_learners_find_flips(base):
    X, y, _, _ = cancer()
    poisoned = RandomFlipAttack().generate(X, y, budget=40)
    found = {}
    for evaluation in ("auto", "in_sample"):
        model = TrimmedClassifier(base, trim_by="global", evaluation=evaluation).fit(poisoned.X, poisoned.y)
        found[evaluation] = 1 - np.mean(model.support_[poisoned.is_poison])
        last = model.estimator_[-1] if hasattr(model.estimator_, "steps") else model.estimator_
        assert not getattr(last, "oob_score", False)
    assert found["auto"] >= 0.65
    assert found["auto"] >= found["in_sample"]


def test_fits_are_counted():
    X, y, _, _ = planes(n=200)
    poisoned = flipped(X, y, 0.1)
    CountingClassifier.fits = 0
    model = TrimmedClassifier(CountingClassifier()).fit(poisoned.X, poisoned.y)
    assert CountingClassifier.fits == model.n_fits_ <= model.n_iter_ + 1
    CountingClassifier.fits = 0
    model = TrimmedClassifier(CountingClassifier(), trim_by="global", n_starts=1).fit(poisoned.X, poisoned.y)
    assert CountingClassifier.fits == model.n_fits_ == model.n_iter_ + 1
    CountingClassifier.fits = 0
    model = TrimmedClassifier(CountingClassifier(), evaluation="out_of_fold").fit(poisoned.X, poisoned.y)
    assert CountingClassifier.fits == model.n_fits_


def test_history():
    X, y, _, _ = planes(n=200)
    poisoned = flipped(X, y, 0.1)
    model = TrimmedClassifier(LogisticRegression(C=1e3, tol=1e-8, max_iter=1000)).fit(poisoned.X, poisoned.y)
    assert {run["start"] for run in model.history_} >= {"untrimmed", "filtered", "filtered per class"}
    assert {run["ended"] for run in model.history_} <= {"fixed", "limit", "cycle", "refit"}
    assert model.losses_.shape == (200,)
    np.testing.assert_allclose(model.losses_, log_loss(poisoned.y, model.predict_proba(X)))
    model.set_params(trim_by="global", n_starts=1).fit(poisoned.X, poisoned.y)
    assert model.monotone_
    assert [run["start"] for run in model.history_] == ["untrimmed", "all rows"]


def test_the_order_of_rows_and_their_type_change_nothing():
    X, y, X_test, _ = planes(n=300)
    X = X.astype(np.float32)
    poisoned = flipped(X.astype(float), y, 0.1)
    order = np.random.default_rng(1).permutation(len(y))
    for base in (LogisticRegression(tol=1e-8), KNeighborsClassifier(5)):
        model = TrimmedClassifier(base).fit(X, poisoned.y)
        other = TrimmedClassifier(base).fit(X.astype(float)[order], poisoned.y[order])
        np.testing.assert_array_equal(other.support_, model.support_[order])
        np.testing.assert_array_equal(other.predict(X_test), model.predict(X_test))


def test_open_seeds_are_filled_and_given_ones_kept():
    X, y, _, _ = planes(n=80)
    first = TrimmedClassifier(RandomForestClassifier(5), random_state=3).fit(X, y)
    again = TrimmedClassifier(RandomForestClassifier(5), random_state=3).fit(X, y)
    np.testing.assert_array_equal(first.predict_proba(X), again.predict_proba(X))
    assert isinstance(first.estimator_.random_state, int)
    given = RandomForestClassifier(5, random_state=11)
    assert TrimmedClassifier(given).fit(X, y).estimator_.random_state == 11
    with pytest.raises(ValueError, match="random_state must be a non-negative integer"):
        TrimmedClassifier(random_state=None).fit(X, y)


def test_labels_of_any_type():
    X, y, X_test, _ = planes(n=200)
    poisoned = flipped(X, y, 0.1)
    numbers = TrimmedClassifier().fit(X, poisoned.y)
    words = TrimmedClassifier().fit(X, np.where(poisoned.y == 1, "yes", "no"))
    assert words.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(words.predict(X_test) == "yes", numbers.predict(X_test) == 1)
    np.testing.assert_array_equal(words.estimator_.classes_, words.classes_)


def test_frames_and_texts():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    age = rng.normal(40 + 25 * y, 5)
    town = np.where(rng.random(200) < 0.2 + 0.6 * y, "north", "south")
    texts = [" ".join(rng.choice(["free", "win"] if label else ["lunch", "report"], 4)) for label in y]
    given = y.copy()
    given[:15] = 1 - given[:15]
    columns = make_column_transformer((OneHotEncoder(), ["town"]), (StandardScaler(), ["age"]))
    for frame in (pd.DataFrame({"age": age, "town": town}), pl.DataFrame({"age": age, "town": town})):
        model = TrimmedClassifier(make_pipeline(columns, LogisticRegression()), trim_by="global").fit(frame, given)
        assert model.support_[:15].mean() < 0.3
        assert (model.predict(frame) == y).mean() > 0.95
    model = TrimmedClassifier(make_pipeline(TfidfVectorizer(), LogisticRegression()), trim_by="global").fit(
        texts, given
    )
    assert not model.support_[:15].any()
    assert (model.predict(texts) == y).all()


def test_weights():
    X, y, X_test, _ = planes(n=200)
    poisoned = flipped(X, y, 0.1)
    weights = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
    base = LogisticRegression(tol=1e-10, max_iter=5000)
    weighted = TrimmedClassifier(base, trim_by="global").fit(X, poisoned.y, sample_weight=weights)
    assert not weighted.support_[weights == 0].any()
    assert np.isnan(weighted.losses_[weights == 0]).all()
    rows = np.repeat(np.arange(len(y)), weights.astype(int))
    repeated = TrimmedClassifier(base, trim_by="global").fit(X[rows], poisoned.y[rows])
    np.testing.assert_allclose(weighted.decision_function(X_test), repeated.decision_function(X_test), rtol=1e-5)
    assert weighted.contamination_ == pytest.approx(0.1, abs=1 / weights.sum())
    scaled = TrimmedClassifier(base, trim_by="global").fit(X, poisoned.y, sample_weight=weights * 1.7)
    assert scaled.contamination_ == pytest.approx(0.1)


def test_a_row_of_weight_zero_brings_in_no_class():
    X, y, _, _ = planes(n=60)
    y[0] = 7
    weights = np.where(y == 7, 0.0, 1.0)
    assert TrimmedClassifier().fit(X, y, sample_weight=weights).classes_.tolist() == [0, 1]
    with pytest.raises(ValueError, match="zero"):
        TrimmedClassifier().fit(X, y, sample_weight=np.zeros(60))
    with pytest.raises(ValueError, match="[Nn]egative"):
        TrimmedClassifier().fit(X, y, sample_weight=-np.ones(60))
    with pytest.raises(TypeError, match="does not take sample_weight"):
        TrimmedClassifier(SCALED).fit(X, y, sample_weight=np.ones(60))


def test_weights_of_a_step_and_routed_weights():
    X, y, _, _ = planes(n=100)
    weights = np.random.default_rng(0).random(100)
    model = TrimmedClassifier(SCALED, trim_by="global").fit(X, y, logisticregression__sample_weight=weights)
    with sklearn.config_context(enable_metadata_routing=True):
        last = LogisticRegression().set_fit_request(sample_weight=True)
        routed = TrimmedClassifier(make_pipeline(StandardScaler().set_fit_request(sample_weight=False), last))
        routed.fit(X, y, sample_weight=weights)
    assert model.support_.sum() == 90
    assert routed.contamination_ <= 0.1 + 1e-9


def test_estimators_without_scores_are_refused():
    class Bare(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            return self

        def predict(self, X):
            return np.zeros(len(X))

    X, y, _, _ = planes(n=40)
    with pytest.raises(ValueError, match="neither predict_proba nor decision_function"):
        TrimmedClassifier(Bare()).fit(X, y)
    with pytest.raises(ValueError, match="loss='log_loss' needs predict_proba"):
        TrimmedClassifier(LinearSVC(), loss="log_loss").fit(X, y)
    with pytest.raises(ValueError, match="decision_function_shape='ovr'"):
        TrimmedClassifier(SVC(decision_function_shape="ovo"), evaluation="in_sample").fit(X, np.arange(40) % 4)
    assert not hasattr(TrimmedClassifier(LinearSVC()), "predict_proba")
    assert hasattr(TrimmedClassifier(), "decision_function")
    assert TrimmedClassifier(NearestCentroid()).fit(X, y).support_.shape == (40,)


def test_what_is_no_classifier_is_refused():
    X, y, _, _ = planes(n=40)
    with pytest.raises(ValueError, match="is a regressor; use TrimmedRegressor"):
        TrimmedClassifier(sklearn.linear_model.Ridge()).fit(X, y)
    with pytest.raises(TypeError, match="must be an instance, got the class LogisticRegression"):
        TrimmedClassifier(LogisticRegression).fit(X, y)
    with pytest.raises(ValueError, match="pairwise distances or a precomputed kernel"):
        TrimmedClassifier(SVC(kernel="precomputed")).fit(X @ X.T, y)
    with pytest.raises(ValueError, match="needs a forest or bagging"):
        TrimmedClassifier(evaluation="out_of_bag").fit(X, y)


def test_losses_that_are_no_numbers():
    X, y, _, _ = planes(n=100)

    def some(codes, table, n=5):
        losses = log_loss(codes, table)
        losses[:n] = np.nan
        return losses

    model = TrimmedClassifier(loss=some, trim_by="global").fit(X, y)
    assert not model.support_[:5].any()
    with pytest.raises(ValueError, match=r"losses of \d+ rows are NaN, more than may be left out"):
        TrimmedClassifier(loss=lambda codes, table: some(codes, table, 50), trim_by="global").fit(X, y)
    with pytest.raises(ValueError, match="one number per row"):
        TrimmedClassifier(loss=lambda codes, table: table).fit(X, y)


def test_an_estimator_that_fails_on_a_subset():
    X, y, _, _ = planes(n=100)
    with pytest.warns(TrimmingWarning, match="starts ended early .* not enough rows for me"):
        model = TrimmedClassifier(FussyClassifier(), contamination=0.2, trim_by="global").fit(X, y)
    assert model.support_.all()
    with pytest.raises(ValueError, match="not enough rows for me"):
        TrimmedClassifier(FussyClassifier()).fit(X[:50], y[:50])


def test_one_class():
    X, _, _, _ = planes(n=40)
    with pytest.raises(ValueError, match="class"):
        TrimmedClassifier().fit(X, np.zeros(40))
    assert (TrimmedClassifier(GaussianNB()).fit(X, np.ones(40)).predict(X) == 1).all()


def test_no_penalty_is_worth_a_warning():
    X, y, _, _ = planes(n=100)
    with pytest.warns(TrimmingWarning, match="without a penalty has no finite solution"):
        TrimmedClassifier(LogisticRegression(C=np.inf)).fit(X, y)


def test_a_hopeless_case_is_called_by_its_name():
    X, y, _, _ = planes()
    poisoned = flipped(X, y, 0.4)
    with pytest.warns(TrimmingWarning, match="Which rows are bad cannot be told"):
        TrimmedClassifier(contamination=0.4).fit(poisoned.X, poisoned.y)


def test_members_of_a_vote():
    X, y, X_test, y_test = planes()
    poisoned = flipped(X, y, 0.1)
    model = PartitionClassifier(TrimmedClassifier(n_starts=2), n_partitions=5).fit(poisoned.X, poisoned.y)
    assert model.certify(X_test).radius.max() >= 1
    assert model.score(X_test, y_test) > 0.85


def test_losses_by_hand():
    scores = np.array([[0.0, 1.0, -1.0], [2.0, 2.5, 0.0]])
    np.testing.assert_allclose(hinge(np.array([1, 2]), scores), [0.5, 2.25])
    np.testing.assert_allclose(hinge(np.array([1, 0]), np.array([[-0.3, 0.3], [-2.0, 2.0]])), [0.7, 3.0])
    np.testing.assert_allclose(log_loss(np.array([1]), np.array([[0.75, 0.25]])), [np.log(4.0)])


def test_row_errors_are_those_at_the_best_threshold():
    rng = np.random.default_rng(0)
    for _ in range(20):
        score, codes = rng.integers(0, 6, 30).astype(float), rng.integers(0, 2, 30)
        weights = rng.integers(1, 4, 30).astype(float)
        best = min(
            (
                (weights * (score < t) * codes).sum() / (weights * codes).sum()
                + (weights * (score >= t) * (1 - codes)).sum() / (weights * (1 - codes)).sum()
            )
            / 2
            for t in [*np.unique(score), np.inf]
        )
        errors = row_errors(np.column_stack([-score, score]), codes, weights)
        assert errors.sum() == pytest.approx(best)
    assert lead(np.zeros(4), np.array([1.0, 0, 0, 0])) == 1.0
    assert lead(np.zeros(4), np.zeros(4)) == 0.0


def test_regressor_is_another_class():
    X, y, _, _ = planes(n=40)
    with pytest.raises(ValueError, match="use TrimmedClassifier"):
        TrimmedRegressor(RidgeClassifier()).fit(X, y)
