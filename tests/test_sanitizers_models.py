"""Sanitizers that fit models: losses out of fold, gradients, influence, groups with negative impact, sources."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from robustfit.attacks import FarFlipAttack, InfFlipAttack, RandomFlipAttack, StatPAttack
from robustfit.losses import LOGISTIC, MULTINOMIAL, SQUARED
from robustfit.sanitize import (
    GradientSanitizer,
    GroupSanitizer,
    InfluenceSanitizer,
    LossSanitizer,
    RONISanitizer,
)
from robustfit.sanitize._folds import content_folds
from robustfit.sanitize._linear._bounded_rows import BoundedRows
from robustfit.sanitize._linear._default_learner import BoundedRidge
from robustfit.sanitize._linear._penalized_fit import LinearRows, PenalizedFit
from robustfit.sanitize._linear._row_space import RowSpace

ROW_WISE = {
    "loss": LossSanitizer,
    "gradient": GradientSanitizer,
    "influence": InfluenceSanitizer,
    "roni": RONISanitizer,
}
EVERY = {**ROW_WISE, "group": GroupSanitizer}


def blobs(n=200, d=4, seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(["no", "yes"], n // 2)
    return rng.normal(size=(n, d)) + np.where(y == "yes", 1.5, -1.5)[:, None], y


def line(n=200, d=4, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ np.arange(1.0, d + 1) + noise * rng.normal(size=n)


class Witness(ClassifierMixin, BaseEstimator):
    """Remembers which rows its clones were fitted on and asked about."""

    log: list = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen_ = {row.tobytes() for row in X}
        return self

    def predict_proba(self, X):
        Witness.log.append((self.seen_, {row.tobytes() for row in X}))
        return np.full((len(X), len(self.classes_)), 1.0 / len(self.classes_))

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


class Counting(GaussianNB):
    """Counts fits."""

    n_fits = 0

    def fit(self, X, y):
        Counting.n_fits += 1
        return super().fit(X, y)


class TestLeftOutRow:
    """What leaving out one row does, against fits without that row."""

    @staticmethod
    def shifted(fit, rows, scale, sign=1):
        shifts = np.concatenate([shifts for _, shifts, _ in fit.shifts(rows, sign)])
        thetas = fit.theta + shifts.reshape(-1, *fit.theta.shape)
        return thetas[:, :-1] / scale[:, None]

    @pytest.mark.parametrize("alpha", [0.0, 3.0, 100.0])
    def test_squared_loss_is_exact(self, alpha):
        X, y = line(60)
        X *= [1.0, 100.0, 0.01, 5.0]
        space, _, scale = RowSpace.of(X, intercept=True)
        rows = LinearRows(space, y)
        fit = PenalizedFit.near(rows, SQUARED, np.zeros((5, 1)), np.append(alpha / scale**2, 0.0))
        left_out = self.shifted(fit, rows, scale)
        for i in range(0, 60, 7):
            refit = Ridge(alpha=alpha).fit(np.delete(X, i, 0), np.delete(y, i))
            np.testing.assert_allclose(left_out[i, :, 0], refit.coef_, rtol=1e-8)

    def test_putting_in_is_exact_too(self):
        X, y = line(60)
        space, centre, scale = RowSpace.of(X[:50], intercept=True)
        fit = PenalizedFit.near(LinearRows(space, y[:50]), SQUARED, np.zeros((5, 1)), np.append(2.0 / scale**2, 0.0))
        rest = LinearRows(RowSpace.within(X[50:], centre, scale, intercept=True), y[50:])
        put_in = self.shifted(fit, rest, scale, sign=-1)
        refit = Ridge(alpha=2.0).fit(X[np.r_[0:50, 53]], y[np.r_[0:50, 53]])
        np.testing.assert_allclose(put_in[3, :, 0], refit.coef_, rtol=1e-8)

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_one_step_is_near_for_logistic_loss(self, n_classes):
        X, y = load_iris(return_X_y=True)
        X, y = X[y < n_classes], y[y < n_classes]
        space, _, scale = RowSpace.of(X, intercept=True)
        rows = LinearRows(space, y)
        loss, n_outputs = (LOGISTIC, 1) if n_classes == 2 else (MULTINOMIAL, 3)
        prices = np.append(1.0 / scale**2, 0.0)
        fit = PenalizedFit.near(rows, loss, np.zeros((5, n_outputs)), prices)
        learner = LogisticRegression(tol=1e-10, max_iter=5000)
        full = learner.fit(X, y).coef_
        np.testing.assert_allclose((fit.theta[:-1] / scale[:, None]).T, full, atol=1e-4)
        left_out = self.shifted(fit, rows, scale)
        for i in (0, 70, len(y) - 1):
            refit = clone(learner).fit(np.delete(X, i, 0), np.delete(y, i)).coef_
            # Far nearer than the fit to all rows.
            assert np.abs(left_out[i].T - refit).max() < 0.1 * np.abs(full - refit).max() + 1e-4

    @pytest.mark.parametrize("trusted", [True, False])
    def test_scores_are_falls_of_the_reference(self, trusted):
        X, y = line(80)
        X_trusted, y_trusted = line(30, seed=1)
        given = {"X_trusted": X_trusted, "y_trusted": y_trusted} if trusted else {}
        fitted = InfluenceSanitizer(Ridge(alpha=2.0), contamination=0.1).fit(X, y, **given)
        full = Ridge(alpha=2.0).fit(X, y)
        others = (X_trusted, y_trusted)
        if not trusted:
            judges = LossSanitizer(BoundedRidge(), contamination=0.2).fit(X, y).support_
        falls = []
        for i in range(80):
            refit = Ridge(alpha=2.0).fit(np.delete(X, i, 0), np.delete(y, i))
            if not trusted:
                rest = judges & (np.arange(80) != i)
                others = X[rest], y[rest]
            of_full, of_refit = (0.5 * np.square(others[1] - m.predict(others[0])).sum() for m in (full, refit))
            falls.append(of_full - of_refit)
        # In another unit.
        ratio = fitted.scores_ / falls
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)
        assert ratio[0] > 0.0

    def test_ridge_classifier_of_many_classes(self):
        X, y = load_iris(return_X_y=True)
        X_trusted, y_trusted = X[::5], y[::5]
        fitted = InfluenceSanitizer(RidgeClassifier()).fit(X, y, X_trusted=X_trusted, y_trusted=y_trusted)
        signs = np.where(y_trusted[:, None] == np.arange(3), 1.0, -1.0)

        def lost(index):
            model = RidgeClassifier().fit(X[index], y[index])
            return 0.5 * np.square(signs - model.decision_function(X_trusted)).sum()

        everyone = np.arange(150)
        falls = [lost(everyone) - lost(np.delete(everyone, i)) for i in (3, 77, 140)]
        np.testing.assert_allclose(fitted.scores_[[3, 77, 140]], falls, rtol=1e-6)

    def test_rows_with_a_direction_to_themselves(self):
        X, y = line(50)
        X = np.hstack([X, np.zeros((50, 2))])
        X[0, 4] = X[0, 5] = 1.0
        scores = InfluenceSanitizer(LinearRegression()).fit(X, y).scores_
        assert scores[0] == 0.0
        assert np.isfinite(scores).all()


class TestOutOfFold:
    def test_no_row_is_judged_by_who_has_seen_it_or_a_copy(self):
        X, y = blobs(60)
        X, y = np.vstack([X, X[:20], X[:5]]), np.r_[y, y[:20], np.repeat("yes", 5)]
        Witness.log = []
        LossSanitizer(Witness()).fit(X, y)
        assert len(Witness.log) == 5
        assert all(not seen & asked for seen, asked in Witness.log)

    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array, pd.DataFrame])
    def test_folds_know_nothing_of_the_order(self, container):
        X = np.random.default_rng(0).integers(0, 3, size=(100, 3)).astype(float)
        codes = (X[:, 0] > 1).astype(np.intp)
        order = np.random.default_rng(1).permutation(100)
        folds = content_folds(container(X), codes, 4, 7)
        again = content_folds(container(X[order]), codes[order], 4, 7)
        np.testing.assert_array_equal(folds[order], again)

    def test_folds_share_out_each_class(self):
        X, y = blobs(100)
        codes = (y == "yes").astype(np.intp)
        counts = [np.bincount(content_folds(X, codes, 5, seed)[codes == c]) for seed in range(5) for c in (0, 1)]
        np.testing.assert_array_equal(counts, 10)

    def test_seed_moves_the_folds(self):
        X, _ = blobs(100)
        assert (content_folds(X, np.zeros(100, int), 5, 0) != content_folds(X, np.zeros(100, int), 5, 1)).any()

    def test_class_of_one_row(self):
        X, y = blobs(60)
        y = y.astype(object)
        y[0] = "alone"
        for make in EVERY.values():
            fitted = make().fit(X, y)
            assert np.isfinite(fitted.scores_).all()
            assert fitted.support_[0]

    def test_fold_with_one_class(self):
        X, y = blobs(40)
        # The other class has one distinct row: every fold either holds it or learns of it.
        X, y = np.vstack([X[:20], np.repeat(X[30:31], 3, axis=0)]), np.r_[y[:20], ["yes"] * 3]
        for estimator in (None, LogisticRegression(), LinearSVC()):
            scores = LossSanitizer(estimator, contamination=0.1).fit(X, y).scores_
            assert np.isfinite(scores).all()
            assert scores[-1] == scores.max()

    def test_residuals_are_in_robust_units(self):
        X, y = line(300)
        one, other = LossSanitizer().fit(X, y), LossSanitizer().fit(X, 1000.0 * y + 5.0)
        np.testing.assert_allclose(one.scores_, other.scores_, rtol=1e-6)
        assert np.median(one.scores_) == pytest.approx(0.6745, rel=0.02)

    def test_losses_can_be_chosen(self):
        X, y = blobs()
        hinge = LossSanitizer(LogisticRegression(), loss="hinge").fit(X, y)
        assert np.all(hinge.scores_ >= 0.0)
        mine = LossSanitizer(
            LogisticRegression(), loss=lambda codes, shares: 1.0 - shares[np.arange(len(codes)), codes]
        )
        assert mine.fit(X, y).scores_.max() < 1.0
        X, y = line()
        squares = LossSanitizer(Ridge(), loss="squared_error").fit(X, y).scores_
        np.testing.assert_allclose(squares, LossSanitizer(Ridge()).fit(X, y).scores_ ** 2 / 2.0)

    def test_new_rows_are_asked_of_the_rows_kept(self):
        X, y = blobs()
        fitted = LossSanitizer(LogisticRegression(), contamination=0.1).fit(X, y)
        model = LogisticRegression().fit(X[fitted.support_], y[fitted.support_])
        shares = model.predict_proba([[0.5] * 4])[0]
        np.testing.assert_allclose(fitted.score_rows([[0.5] * 4], ["no"]), -np.log(shares[0]), rtol=1e-3)


class TestContainers:
    @pytest.mark.parametrize("name", EVERY)
    @pytest.mark.parametrize("data", [blobs, line])
    def test_order_of_rows_means_nothing(self, name, data):
        X, y = data(150)
        order = np.random.default_rng(0).permutation(150)
        groups = np.arange(150) % 5
        given = [{"groups": groups}, {"groups": groups[order]}] if name == "group" else [{}, {}]
        one = EVERY[name]().fit(X, y, **given[0])
        other = EVERY[name]().fit(X[order], y[order], **given[1])
        np.testing.assert_allclose(one.scores_[order], other.scores_, rtol=1e-6, atol=1e-8)
        np.testing.assert_array_equal(one.support_[order], other.support_)

    @pytest.mark.parametrize("name", EVERY)
    @pytest.mark.parametrize("numbers", [False, True])
    def test_sparse_is_dense(self, name, numbers):
        rng = np.random.default_rng(0)
        X = np.where(rng.random(size=(200, 12)) < 0.3, rng.normal(size=(200, 12)), 0.0)
        scores = X @ rng.normal(size=12) + 0.1 * rng.normal(size=200)
        y = scores if numbers else np.where(scores > np.median(scores), "a", "b")
        given = {"groups": np.arange(200) % 4} if name == "group" else {}
        dense, sparse = (EVERY[name]().fit(rows, y, **given) for rows in (X, sp.csr_array(X)))
        np.testing.assert_allclose(dense.scores_, sparse.scores_, rtol=1e-2, atol=1e-3)
        if name != "group":
            np.testing.assert_allclose(
                dense.score_rows(X[:9], y[:9]), sparse.score_rows(sp.csr_array(X[:9]), y[:9]), rtol=1e-2, atol=1e-3
            )

    @pytest.mark.parametrize("name", EVERY)
    def test_float32_is_float64(self, name):
        X, y = blobs(100)
        X = X.astype(np.float32)
        one, other = EVERY[name]().fit(X, y), EVERY[name]().fit(X.astype(np.float64), y)
        np.testing.assert_array_equal(one.scores_, other.scores_)

    @pytest.mark.parametrize("name", EVERY)
    def test_global_random_state_is_not_touched(self, name):
        X, y = blobs(100)
        np.random.seed(3)  # noqa: NPY002
        before = np.random.get_state()[1].copy()  # noqa: NPY002
        EVERY[name]().fit(X, y)
        np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002

    def test_texts_and_frames_are_the_estimators_affair(self):
        texts = ["win cash offer", "free cash", "meeting at lunch", "lunch with team"] * 10
        texts = [f"{text} {i}" for i, text in enumerate(texts)]
        y = np.array(["spam", "spam", "ham", "ham"] * 10)
        y[2] = "spam"
        model = make_pipeline(CountVectorizer(), MultinomialNB())
        assert not LossSanitizer(model, contamination=0.03).fit(texts, y).support_[2]
        assert RONISanitizer(model, n_groups=4).fit(texts, y).scores_.shape == (40,)
        fitted = GroupSanitizer(model).fit(texts, y, groups=np.arange(40) % 5)
        assert fitted.score_rows(texts[:2], groups=[0, 9]).tolist() == [fitted.group_scores_[0], 0.0]
        X, y = blobs(80)
        frame = pd.DataFrame(X, columns=list("abcd"))
        fitted = LossSanitizer(LogisticRegression()).fit(frame, y)
        kept, labels = LossSanitizer(LogisticRegression()).fit_resample(frame, pd.Series(y))
        assert isinstance(kept, pd.DataFrame)
        assert len(labels) == fitted.support_.sum() == 76

    def test_missing_values_are_the_estimators_affair(self):
        X, y = blobs(80)
        X[::7, 1] = np.nan
        tree = DecisionTreeClassifier(max_depth=2, random_state=0)
        assert np.isfinite(LossSanitizer(tree).fit(X, y).scores_).all()
        assert np.isfinite(RONISanitizer(tree, n_groups=4).fit(X, y).scores_).all()
        for make in EVERY.values():
            with pytest.raises(ValueError, match="NaN"):
                make().fit(X, y)

    def test_jobs_change_nothing(self):
        X, y = blobs(80)
        with parallel_config(backend="threading"):
            for make in (LossSanitizer, RONISanitizer):
                np.testing.assert_array_equal(make().fit(X, y).scores_, make(n_jobs=2).fit(X, y).scores_)


class TestPoisonIsFound:
    """Of 5 % of bad rows, with 5 % to leave out."""

    SETS = {"breast_cancer": load_breast_cancer, "digits": load_digits}

    def recall(self, sanitizer, data, attack, share=0.05):
        X, y = data(return_X_y=True)
        poisoned = attack.generate(X, y, budget=int(share * len(y)), random_state=0)
        support = sanitizer.fit(poisoned.X, poisoned.y).support_
        return np.count_nonzero(poisoned.is_poison & ~support) / np.count_nonzero(poisoned.is_poison)

    @pytest.mark.parametrize(
        ("name", "least"),
        [("loss", (0.8, 0.75)), ("gradient", (0.75, 0.3)), ("influence", (0.8, 0.8)), ("roni", (0.5,))],
    )
    def test_random_flips(self, name, least):
        for data, bound in zip(self.SETS.values(), least, strict=False):
            assert self.recall(ROW_WISE[name](), data, RandomFlipAttack()) >= bound

    @pytest.mark.parametrize(
        ("name", "least"),
        [("loss", (0.8, 0.85)), ("gradient", (0.85, 0.6)), ("influence", (0.85, 0.9)), ("roni", (0.9,))],
    )
    def test_far_flips(self, name, least):
        for data, bound in zip(self.SETS.values(), least, strict=False):
            assert self.recall(ROW_WISE[name](), data, FarFlipAttack()) >= bound

    @pytest.mark.parametrize("name", ["loss", "gradient", "roni"])
    def test_few_rows_many_times(self, name):
        """Copies share a fold, so that they do not judge each other."""
        X, y = blobs(300)
        X[:15], y[:15] = np.median(X[y == "no"], axis=0), "yes"
        assert not ROW_WISE[name]().fit(X, y).support_[:15].any()

    @pytest.mark.parametrize("attack", [StatPAttack(), InfFlipAttack()], ids=["StatP", "InfFlip"])
    @pytest.mark.parametrize("name", ROW_WISE)
    def test_regression(self, name, attack):
        assert self.recall(ROW_WISE[name](), load_diabetes, attack) >= 0.75

    @pytest.mark.parametrize("name", ROW_WISE)
    def test_raw_columns(self, name):
        """The default learner does not mind units, nor one column that is wild."""
        X, y = blobs(300)
        y[:15] = np.where(y[:15] == "no", "yes", "no")
        X = X * [1e-6, 1e6, 1.0, 1.0]
        X[:, 3] = np.exp(10.0 * X[:, 3])
        found = np.count_nonzero(~ROW_WISE[name]().fit(X, y).support_[:15])
        assert found >= 11

    @pytest.mark.parametrize("name", ["loss", "gradient", "influence"])
    def test_far_rows_on_the_line_are_good(self, name):
        X, y = line(300, d=2)
        X[:10] *= 10.0
        y[:10] = X[:10] @ [1.0, 2.0]
        y[10:25] += 6.0
        support = ROW_WISE[name]().fit(X, y).support_
        assert not support[10:25].any()
        assert support[:10].all()

    def test_trusted_rows_find_what_the_training_rows_agree_on(self):
        """With 40 % of one class mislabelled the rows themselves cannot tell."""
        X, y = blobs(400)
        bad = np.flatnonzero(y == "no")[:80]
        y[bad] = "yes"
        X_trusted, y_trusted = blobs(60, seed=1)
        for make in (InfluenceSanitizer, RONISanitizer):
            fitted = make(contamination=0.2).fit(X, y, X_trusted=X_trusted, y_trusted=y_trusted)
            assert np.count_nonzero(~fitted.support_[bad]) >= 60

    def test_helpful_rows_stay(self):
        X, y = blobs(200)
        fitted = InfluenceSanitizer(contamination=0.49).fit(X, y)
        assert fitted.support_[fitted.scores_ <= 0.0].all()


class TestGradients:
    @pytest.mark.parametrize("estimator", [LogisticRegression(), LinearSVC(), RidgeClassifier(), SGDClassifier()])
    def test_linear_learners(self, estimator):
        X, y = blobs(300)
        far = np.argsort(X.sum(axis=1))[:10]
        y[far] = "yes"
        fitted = GradientSanitizer(estimator, contamination=0.05).fit(X, y)
        assert not fitted.support_[far].any()
        np.testing.assert_array_equal(fitted.score_rows(X[far], y[far]) > np.median(fitted.scores_), True)

    def test_one_budget_for_all_classes(self):
        X, y = blobs(300)
        y[:15] = "yes"
        fitted = GradientSanitizer().fit(X, y)
        assert np.count_nonzero(~fitted.support_[y == "no"]) < 5
        by_class = GradientSanitizer(drop_by="class").fit(X, y)
        assert np.count_nonzero(~by_class.support_[y == "no"]) == int(0.05 * np.count_nonzero(y == "no"))

    def test_identical_rows(self):
        X, y = np.ones((20, 3)), np.repeat([0, 1], 10)
        assert GradientSanitizer().fit(X, y).support_.sum() == 19


class TestGroupsOfRows:
    def test_fits_are_of_the_order_of_the_groups(self):
        X, y = blobs(400)
        for n_groups, n_splits, n_folds in [(4, 0, 2), (10, 0, 2), (10, 2, 3)]:
            Counting.n_fits = 0
            fitted = RONISanitizer(Counting(), n_groups=n_groups, n_splits=n_splits, n_folds=n_folds).fit(X, y)
            # The judges take five folds.
            most = (1 + n_groups * (1 + n_splits)) * n_folds
            assert fitted.n_fits_ <= most
            assert Counting.n_fits <= most + 6
        Counting.n_fits = 0
        fitted = RONISanitizer(Counting(), n_groups=6, n_splits=0).fit(X, y, X_trusted=X[:9], y_trusted=y[:9])
        assert Counting.n_fits == fitted.n_fits_ == 7

    def test_rows_of_a_group_share_its_score(self):
        X, y = blobs(200)
        fitted = RONISanitizer(n_groups=8).fit(X, y)
        assert set(fitted.scores_) == set(fitted.group_scores_)
        assert np.isin(fitted.score_rows(X, y), fitted.group_scores_).all()

    def test_repeated_rows(self):
        X, y = np.repeat([[0.0], [1.0], [2.0]], 10, axis=0), np.repeat([0, 1, 1], 10)
        assert RONISanitizer().fit(X, y).scores_.shape == (30,)


class TestSources:
    def test_hostile_sources_are_found_and_honest_ones_kept(self):
        X, y = load_breast_cancer(return_X_y=True)
        source = np.random.default_rng(0).choice(["here", "there", "lab", "web", "shop", "old"], size=len(y))
        assert GroupSanitizer().fit(X, y, groups=source).dropped_groups_ == []
        wrong = source == "web"
        y[wrong] = 1 - y[wrong]
        fitted = GroupSanitizer().fit(X, y, groups=source)
        assert fitted.dropped_groups_ == ["web"]
        np.testing.assert_array_equal(fitted.support_, ~wrong)
        np.testing.assert_array_equal(fitted.weights_ < 1.0, wrong)
        assert fitted.group_effects_[fitted.group_labels_.index("web")] > 0.0

    def test_two_that_hide_each_other(self):
        X, y = load_breast_cancer(return_X_y=True)
        source = np.random.default_rng(0).integers(0, 10, size=len(y))
        wrong = source < 2
        y[wrong] = 1 - y[wrong]
        fitted = GroupSanitizer().fit(X, y, groups=source)
        assert sorted(fitted.dropped_groups_) == [0, 1]
        assert fitted.n_fits_ == (11 + 10 + 9) * 3

    def test_names_and_places_of_sources_mean_nothing(self):
        X, y = load_breast_cancer(return_X_y=True)
        source = np.random.default_rng(0).integers(0, 5, size=len(y))
        y[source == 4] = 0
        renamed = np.array(["e", "d", "c", "b", "a"])[source]
        one, other = (GroupSanitizer().fit(X, y, groups=g) for g in (source, renamed))
        np.testing.assert_allclose(one.scores_, other.scores_)
        np.testing.assert_allclose(one.group_scores_, other.group_scores_[::-1])

    def test_sources_that_send_the_same_rows(self):
        """A source is where a row came from, not what it says."""
        X, y = blobs(100)
        X, y = np.vstack([X, X, X, X]), np.r_[y, y, y, np.repeat("no", 100)]
        fitted = GroupSanitizer().fit(X, y, groups=np.repeat([1, 2, 3, 4], 100))
        assert fitted.dropped_groups_ == [4]

    def test_regression(self):
        X, y = load_diabetes(return_X_y=True)
        source = np.random.default_rng(0).integers(0, 6, size=len(y))
        y[source == 2] += 300.0
        for estimator in (None, Ridge(alpha=0.01), DecisionTreeRegressor(max_depth=3, random_state=0)):
            assert GroupSanitizer(estimator).fit(X, y, groups=source).dropped_groups_ == [2]

    @pytest.mark.parametrize("end", ["min", "max"])
    @pytest.mark.parametrize(("noise", "skewed"), [(0.5, False), (5.0, False), (0.5, True)])
    def test_sources_whose_targets_are_all_one_end(self, end, noise, skewed):
        """They move the fit too little for others to tell, and where targets are skewed even to their advantage."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(600, 5))
        clean = X @ np.ones(5) + noise * (rng.exponential(5.0, size=600) if skewed else rng.normal(size=600))
        source = np.arange(600) % 10
        y = np.where(source == 3, getattr(clean, end)(), clean)
        assert GroupSanitizer().fit(X, y, groups=source).dropped_groups_ == [3]
        both = np.where(source == 7, y[3], y)
        assert {3, 7} <= set(GroupSanitizer().fit(X, both, groups=source).dropped_groups_)
        assert GroupSanitizer().fit(X, clean, groups=source).dropped_groups_ == []

    @pytest.mark.parametrize("sign", [-1.0, 1.0])
    def test_sources_of_another_level(self, sign):
        """One that differs from nine that agree goes; where all differ, each is one of them."""
        rng = np.random.default_rng(1)
        X, source = rng.normal(size=(500, 4)), np.arange(500) % 10
        y = X @ np.ones(4) + rng.normal(size=500)
        assert GroupSanitizer().fit(X, y + 3.0 * sign * (source == 4), groups=source).dropped_groups_ == [4]
        levels = np.linspace(-1.0, 1.0, 10)[rng.permutation(10)]
        assert GroupSanitizer().fit(X, y + sign * levels[source], groups=source).dropped_groups_ == []

    def test_trusted_rows_tell_which_of_two_is_wrong(self):
        X, y = blobs(200)
        source = np.arange(200) % 2
        y[source == 1] = np.where(y[source == 1] == "no", "yes", "no")
        X_trusted, y_trusted = blobs(50, seed=1)
        fitted = GroupSanitizer(contamination=0.49).fit(X, y, source, X_trusted=X_trusted, y_trusted=y_trusted)
        # Half of the rows is more than may go.
        assert fitted.dropped_groups_ == []
        assert fitted.group_effects_[1] > 0.0 > fitted.group_effects_[0]

    def test_no_class_is_deleted(self):
        X, y = load_breast_cancer(return_X_y=True)
        source = np.random.default_rng(0).integers(0, 5, size=len(y))
        source[y == 0] = 0
        y[(source == 0) & (np.arange(len(y)) % 2 == 0)] = 1
        support = GroupSanitizer(contamination=0.49).fit(X, y, groups=source).support_
        assert set(y[support]) == {0, 1}

    def test_budget_of_rows(self):
        X, y = load_breast_cancer(return_X_y=True)
        source = np.random.default_rng(0).integers(0, 6, size=len(y))
        y[source == 3] = 1 - y[source == 3]
        fitted = GroupSanitizer(contamination=0.1).fit(X, y, groups=source)
        assert fitted.support_.all()
        assert fitted.scores_[source == 3].min() > 3.0
        # Down-weighting has no budget.
        assert fitted.weights_[source == 3].max() < 1.0

    def test_without_sources_all_stay(self, caplog):
        X, y = blobs(60)
        fitted = GroupSanitizer().fit(X, y)
        assert "no groups" in caplog.text
        assert fitted.support_.all()
        assert fitted.n_fits_ == 0
        np.testing.assert_array_equal(fitted.score_rows(X), 0.0)

    def test_labels_of_any_type(self):
        X, y = blobs(90)
        groups = [1, "one", 2.5] * 30
        assert len(GroupSanitizer().fit(X, y, groups=groups).group_labels_) == 3

    def test_sources_are_handed_on(self):
        X, y = load_breast_cancer(return_X_y=True)
        source = np.random.default_rng(0).integers(0, 5, size=len(y))
        y[source == 1] = 1 - y[source == 1]
        kept, _ = GroupSanitizer().fit_resample(X, y, groups=source)
        assert len(kept) == np.count_nonzero(source != 1)

    def test_sources_are_requested(self):
        with sklearn.config_context(enable_metadata_routing=True):
            sanitizer = GroupSanitizer().set_fit_request(groups=True, X_trusted=True, y_trusted=True)
            requested = sanitizer.get_metadata_routing().fit.requests
        assert requested["groups"] is True
        assert requested["X_trusted"] is True


class TestBadInput:
    @pytest.mark.parametrize("name", EVERY)
    def test_missing_y(self, name):
        with pytest.raises(ValueError, match="requires y to be passed"):
            EVERY[name]().fit(blobs()[0])

    @pytest.mark.parametrize("name", EVERY)
    @pytest.mark.parametrize("budget", [0.5, -0.1, 5, "many", None])
    def test_budgets_that_are_no_shares(self, name, budget):
        with pytest.raises(ValueError, match="contamination"):
            EVERY[name](contamination=budget).fit(*blobs())

    @pytest.mark.parametrize("name", EVERY)
    @pytest.mark.parametrize("seed", [None, -1, 0.5])
    def test_seeds(self, name, seed):
        given = {"groups": np.arange(200) % 3} if name == "group" else {}
        with pytest.raises(ValueError, match="random_state must be a non-negative integer"):
            EVERY[name](random_state=seed).fit(*blobs(), **given)

    @pytest.mark.parametrize("name", EVERY)
    def test_one_class(self, name):
        X, _ = blobs()
        with pytest.raises(ValueError, match=r"two classes or more.*\['only'\]"):
            EVERY[name]().fit(X, ["only"] * len(X))

    @pytest.mark.parametrize("name", EVERY)
    def test_nan_in_y(self, name):
        X, y = line()
        y[3] = np.nan
        with pytest.raises(ValueError, match="y contains NaN"):
            EVERY[name]().fit(X, y)

    @pytest.mark.parametrize("name", ["influence", "roni", "group"])
    def test_trusted_rows(self, name):
        X, y = blobs()
        given = {"groups": np.arange(200) % 3} if name == "group" else {}
        sanitizer = EVERY[name]()
        with pytest.raises(ValueError, match="X_trusted and y_trusted do not go with X and y.*3 features"):
            sanitizer.fit(X, y, X_trusted=X[:9, :3], y_trusted=y[:9], **given)
        with pytest.raises(ValueError, match="y_trusted is missing"):
            sanitizer.fit(X, y, X_trusted=X[:9], **given)
        with pytest.raises(ValueError, match="X_trusted is missing"):
            sanitizer.fit(X, y, y_trusted=y[:9], **given)
        with pytest.raises(ValueError, match="not fitted on: maybe"):
            sanitizer.fit(X, y, X_trusted=X[:9], y_trusted=["maybe"] * 9, **given)
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            sanitizer.fit(X, y, X_trusted=X[:9], y_trusted=y[:8], **given)

    def test_groups(self):
        X, y = blobs()
        with pytest.raises(ValueError, match="one entry per row, 200, got 3"):
            GroupSanitizer().fit(X, y, groups=[1, 2, 3])
        with pytest.raises(ValueError, match="1 missing values"):
            GroupSanitizer().fit(X, y, groups=[None] + [1] * 199)
        fitted = GroupSanitizer().fit(X, y, groups=np.arange(200) % 3)
        with pytest.raises(ValueError, match="scored by their sources"):
            fitted.score_rows(X)

    def test_kinds_of_estimators(self):
        X, y = line()
        for make in (LossSanitizer, RONISanitizer, GroupSanitizer):
            with pytest.raises(ValueError, match="is a classifier, and y holds numbers"):
                make(LogisticRegression()).fit(X, y)
            with pytest.raises(ValueError, match="reads y as numbers"):
                make(Ridge()).fit(*blobs())
            with pytest.raises(TypeError, match="got the class Ridge; call it"):
                make(Ridge).fit(X, y)
        for make in (GradientSanitizer, InfluenceSanitizer):
            with pytest.raises(ValueError, match="linear learners with a known loss.*LossSanitizer"):
                make(DecisionTreeRegressor()).fit(X, y)

    def test_losses_that_do_not_fit(self):
        with pytest.raises(ValueError, match="no loss of a classifier"):
            LossSanitizer(loss="poisson").fit(*blobs())
        with pytest.raises(ValueError, match="no loss of a regressor"):
            LossSanitizer(loss="hinge").fit(*line())
        with pytest.raises(ValueError, match="needs predict_proba"):
            LossSanitizer(LinearSVC(), loss="log_loss").fit(*blobs())
        with pytest.raises(ValueError, match="one number per row"):
            LossSanitizer(loss=lambda codes, answers: answers).fit(*blobs())
        with pytest.raises(ValueError, match="does not know the loss"):
            GradientSanitizer(SGDClassifier(loss="modified_huber")).fit(*blobs())

    @pytest.mark.parametrize(
        ("estimator", "reason"),
        [
            (LogisticRegression(class_weight="balanced"), "class_weight"),
            (LogisticRegression(l1_ratio=0.5, solver="saga"), "absolute slopes"),
            (LogisticRegression(solver="liblinear"), "liblinear"),
            (Ridge(positive=True), "positive=True"),
            (Ridge(alpha=np.array([1.0])), "an alpha for each target"),
        ],
    )
    def test_learners_without_a_formula(self, estimator, reason):
        data = blobs() if isinstance(estimator, LogisticRegression) else line()
        with pytest.raises(ValueError, match=reason):
            InfluenceSanitizer(estimator).fit(*data)

    def test_too_many_coefficients(self):
        X = sp.random_array((30, 5000), density=0.01, rng=np.random.default_rng(0), format="csr")
        with pytest.raises(ValueError, match=r"5001 for 5000 features.*limit is 4000"):
            InfluenceSanitizer().fit(X, np.arange(30) % 2)

    def test_all_rows_equal(self):
        X, y = np.ones((20, 2)), np.repeat([0, 1], 10)
        with pytest.raises(ValueError, match="same features"):
            LossSanitizer().fit(X, y)
        with pytest.raises(ValueError, match="same features"):
            GroupSanitizer().fit(X, y, groups=np.arange(20) % 2)

    def test_texts_without_numbers(self):
        with pytest.raises(ValueError, match="by their numbers.*GroupSanitizer"):
            RONISanitizer(Witness()).fit(np.array([["a"], ["b"], ["c"], ["d"]] * 3, dtype=object), [0, 1] * 6)

    def test_a_class_keeps_its_rows(self):
        X, y = blobs(100)
        y[:48] = "yes"
        for make in ROW_WISE.values():
            fitted = make(contamination=0.4).fit(X, y)
            assert np.count_nonzero(fitted.support_[y == "no"]) >= 1

    def test_whole_numbers(self):
        """Few of them are labels, many of them are numbers."""
        X, y = line()
        assert not hasattr(LossSanitizer().fit(X, np.round(20.0 * y)), "classes_")
        assert hasattr(LossSanitizer().fit(X, np.sign(y)), "classes_")
        assert not hasattr(LossSanitizer(Ridge()).fit(X, np.sign(y)), "classes_")


class TestBoundedRows:
    def test_no_row_is_longer_than_one(self):
        X = np.random.default_rng(0).standard_cauchy(size=(200, 5))
        lengths = np.linalg.norm(BoundedRows().fit_transform(X), axis=1)
        assert lengths.max() <= 1.0 + 1e-12
        assert np.count_nonzero(lengths < 1.0 - 1e-12) == pytest.approx(50, abs=1)

    def test_columns_of_mostly_one_value(self):
        X = np.zeros((100, 2))
        X[:10, 0] = np.arange(1.0, 11.0)
        rows = BoundedRows().fit(X)
        assert rows.scale_[0] * 0.6744897501960817 == pytest.approx(5.5)
        assert rows.scale_[1] > 0.0

    def test_huge_values(self):
        X, y = line(100)
        X[0, 0] = 1e300
        assert np.isfinite(BoundedRows().fit_transform(X)).all()
        assert np.isfinite(BoundedRidge().fit(X, y).predict(X)).all()
