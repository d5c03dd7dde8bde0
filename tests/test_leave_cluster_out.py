"""Rows of equal length, and models that have not seen rows like the one that they judge."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import norm
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_regression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from robustfit.attacks import FarFlipAttack, MinMaxAttack
from robustfit.losses import LOGISTIC, huber, smooth_hinge
from robustfit.sanitize import LeaveClusterOutSanitizer, RowNormalizer, SanitizedRegressor, UnionSanitizer
from robustfit.sanitize._default import default_sanitizer
from robustfit.sanitize._leave_cluster_out import _references as references
from robustfit.sanitize._leave_cluster_out._folds import cluster_folds
from robustfit.sanitize._leave_cluster_out._readmission import take_back
from robustfit.sanitize._leave_cluster_out._references import Problem, minimise, scores_left_out, with_ones
from robustfit.sanitize._leave_cluster_out._views import _spread_at
from robustfit.sanitize._target import Target


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def flipped(cancer):
    X, y = cancer
    poisoned = FarFlipAttack().generate(X, y, budget=int(0.08 * len(y)))
    return X, poisoned.y, poisoned.y != y


def error(X, y, X_test, y_test):
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    return 1.0 - model.fit(X, y).score(X_test, y_test)


class TestRowNormalizer:
    @pytest.mark.parametrize("scale", ["auto", "robust", "log1p", None])
    def test_rows_have_length_one(self, cancer, scale):
        rows = RowNormalizer(scale).fit_transform(cancer[0])
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1.0)

    def test_counts_are_told_by_most_of_the_rows(self):
        rng = np.random.default_rng(0)
        counts = rng.poisson(0.1, size=(200, 30)).astype(float)
        assert RowNormalizer().fit(counts).scale_ == "log1p"
        assert RowNormalizer().fit(sp.csr_array(counts)).scale_ == "log1p"
        counts[:50] -= 0.5
        assert RowNormalizer().fit(counts).scale_ == "log1p"
        assert RowNormalizer().fit(sp.csr_array(counts)).scale_ == "log1p"
        counts[50:150] -= 0.5
        assert RowNormalizer().fit(counts).scale_ == "robust"
        assert RowNormalizer().fit(sp.csr_array(counts)).scale_ is None

    def test_pixels_are_no_counts(self):
        assert RowNormalizer().fit(load_digits().data).scale_ == "robust"

    def test_sparse_is_as_dense(self):
        rng = np.random.default_rng(0)
        counts = rng.poisson(0.2, size=(100, 20)).astype(float)
        sparse = RowNormalizer().fit_transform(sp.csr_matrix(counts))
        assert sp.issparse(sparse)
        np.testing.assert_allclose(sparse.toarray(), RowNormalizer().fit_transform(counts), atol=1e-15)

    def test_far_rows_hardly_move_the_units(self, cancer):
        X, _ = cancer
        spoilt = X.copy()
        spoilt[:50] = 1e9
        before, after = (RowNormalizer().fit(rows).transform(X[50:]) for rows in (X, spoilt))
        assert np.einsum("ij,ij->i", before, after).min() > 0.8

    def test_missing_values_are_the_median(self):
        X = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 4.0], [np.nan, 3.0], [3.0, np.nan]])
        rows = RowNormalizer("robust").fit_transform(X)
        assert rows[3, 0] == 0.0
        assert rows[4, 1] == 0.0
        assert np.isfinite(RowNormalizer("log1p").fit_transform(sp.csr_array(X)).data).all()

    def test_rows_of_zeros_stay(self):
        X = np.array([[0.0, 0.0], [3.0, 4.0]])
        np.testing.assert_array_equal(RowNormalizer(None).fit_transform(X), [[0.0, 0.0], [0.6, 0.8]])
        assert RowNormalizer(None).fit_transform(sp.csr_array(X)).toarray()[0].tolist() == [0.0, 0.0]

    def test_what_sparse_data_cannot_have(self, cancer):
        X, _ = cancer
        with pytest.raises(ValueError, match=r"cannot subtract medians from sparse data.*log1p"):
            RowNormalizer("robust").fit(sp.csr_array(X))
        with pytest.raises(ValueError, match="cannot subtract medians from sparse data"):
            RowNormalizer("robust").fit(X).transform(sp.csr_array(X))

    def test_names_of_columns(self, cancer):
        names = RowNormalizer().fit(cancer[0]).get_feature_names_out()
        assert names[:2].tolist() == ["x0", "x1"]


class TestReferences:
    """The solver against scikit-learn's, and a step against a new fit."""

    @pytest.fixture
    def rows(self, cancer):
        X, y = cancer
        return with_ones(RowNormalizer().fit_transform(X)), np.where(y == 1, 1.0, -1.0)[:, None]

    @pytest.mark.parametrize("few", [150, 5])
    def test_minimum(self, rows, few, monkeypatch):
        monkeypatch.setattr(references, "_FEW_UNKNOWNS", few)
        X, target = rows
        found = minimise(Problem(X, target, LOGISTIC, 2.0))
        peer = LogisticRegression(C=0.5, fit_intercept=False, tol=1e-10, max_iter=1000).fit(X, target[:, 0])
        np.testing.assert_allclose(found[:, 0], peer.coef_[0], atol=2e-3)

    @pytest.mark.parametrize("loss", [smooth_hinge(0.2), LOGISTIC, huber(1.345)])
    def test_gradient_vanishes(self, rows, loss):
        X, target = rows
        found = minimise(Problem(X, target, loss, 3.0))[:, 0]
        gradient = X.T @ loss.slope(target[:, 0], X @ found) + 3.0 * found
        assert np.linalg.norm(gradient) < 1e-2

    @pytest.mark.parametrize("unknowns", [(150, 1500), (5, 1500), (5, 5)])
    @pytest.mark.parametrize("make", [np.asarray, sp.csr_array])
    def test_left_out_is_close_to_a_new_fit(self, rows, unknowns, make, monkeypatch):
        monkeypatch.setattr(references, "_FEW_UNKNOWNS", unknowns[0])
        monkeypatch.setattr(references, "_MANY_UNKNOWNS", unknowns[1])
        X, target = make(rows[0]), rows[1]
        problem = Problem(X, target, smooth_hinge(0.2), 0.005 * len(target))
        folds = cluster_folds(rows[0], [np.flatnonzero(target == sign) for sign in (-1, 1)], 8, 0)
        weights = minimise(problem)
        (scores,) = scores_left_out(problem, weights, [(folds, folds)], X)
        for fold in np.unique(folds):
            out = folds == fold
            anew = minimise(problem.only(np.flatnonzero(~out)))
            assert np.abs(X[out] @ anew - scores[out]).mean() < 0.1


class TestPoison:
    def test_far_flips(self, flipped):
        X, y, bad = flipped
        kept = LeaveClusterOutSanitizer().fit(X, y).support_
        assert np.mean(~kept[bad]) > 0.9
        assert np.mean(kept[~bad]) > 0.98

    def test_error_after_far_flips(self, cancer):
        X, X_test, y, y_test = train_test_split(*cancer, test_size=1 / 3, stratify=cancer[1], random_state=0)
        poisoned = FarFlipAttack().generate(X, y, budget=len(y) // 10).y
        kept = LeaveClusterOutSanitizer(0.1).fit(X, poisoned).support_
        assert error(X, poisoned, X_test, y_test) > 0.12
        assert error(X[kept], poisoned[kept], X_test, y_test) < 0.06

    def test_one_sided(self, cancer):
        X, y = cancer
        poisoned = FarFlipAttack(source=1).generate(X, y, budget=40).y
        kept = LeaveClusterOutSanitizer().fit(X, poisoned).support_
        assert np.mean(~kept[poisoned != y]) > 0.9

    @pytest.mark.parametrize("decoy", [None, "auto"])
    def test_min_max(self, cancer, decoy):
        X, y = StandardScaler().fit_transform(cancer[0]), cancer[1]
        learner = LinearSVC(loss="hinge", C=1 / (0.01 * len(y)), max_iter=5000)
        poisoned = MinMaxAttack(learner, decoy=decoy, n_steps=150).generate(X, y, budget=17)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kept = LeaveClusterOutSanitizer().fit(poisoned.X, poisoned.y).support_
        assert np.mean(~kept[poisoned.is_poison]) > 0.9

    def test_small_class(self):
        """A strong penalty favours the large class: all rows of the other must not look bad for that."""
        rng = np.random.default_rng(0)
        y = (np.arange(1000) < 100).astype(int)
        X = rng.normal(size=(1000, 10)) + 1.5 * y[:, None] * (np.arange(10) < 3)
        scores = LeaveClusterOutSanitizer(penalty=0.02).fit(X, y).scores_
        worst = scores > np.quantile(scores, 0.9)
        assert np.mean(worst[y == 1]) < 0.4

    def test_more_than_two_classes(self):
        X, y = load_digits(return_X_y=True)
        bad = np.random.default_rng(0).permutation(len(y)) < 70
        sanitizer = LeaveClusterOutSanitizer().fit(X, np.where(bad, (y + 1) % 10, y))
        assert np.mean(~sanitizer.support_[bad]) > 0.9
        assert np.mean(sanitizer.support_[~bad]) > 0.98
        assert np.mean(sanitizer.suggested_labels_[bad] == y[bad]) > 0.75

    def test_numbers(self):
        X, y = make_regression(600, 10, noise=5.0, random_state=0)
        bad = np.arange(len(y)) < 40
        sanitizer = LeaveClusterOutSanitizer().fit(X, np.where(bad, y + 400.0, y))
        assert not sanitizer.support_[bad].any()
        expected = sanitizer.suggested_labels_[bad]
        assert np.median(np.abs(expected - y[bad])) < 0.5 * np.std(y)

    def test_bins_of_numbers(self):
        X, y = make_regression(300, 5, noise=1.0, random_state=0)
        sanitizer = LeaveClusterOutSanitizer(n_bins=3).fit(X, y)
        assert set(sanitizer.suggested_labels_) <= {0, 1, 2}


class TestClean:
    @pytest.mark.parametrize("load", [load_breast_cancer, load_digits])
    def test_price(self, load):
        X, y = load(return_X_y=True)
        price = []
        for seed in range(3):
            X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=1 / 3, random_state=seed, stratify=y)
            kept = LeaveClusterOutSanitizer().fit(X_train, y_train).support_
            after = error(X_train[kept], y_train[kept], X_test, y_test)
            price.append(after - error(X_train, y_train, X_test, y_test))
        assert np.mean(price) <= 0.005

    def test_numbers_without_poison(self):
        X, y = load_diabetes(return_X_y=True)
        # Whole numbers would be labels.
        y = y + 0.5
        assert LeaveClusterOutSanitizer().fit(X, y).contamination_ <= 0.1

    def test_never_more_than_said(self, flipped):
        X, y, _ = flipped
        for share in (0.0, 0.01, 0.05, 0.2):
            for readmit in (None, 0.1, 1.0):
                sanitizer = LeaveClusterOutSanitizer(share, readmit=readmit).fit(X, y)
                assert np.count_nonzero(~sanitizer.support_) <= int(share * len(y))
        assert np.count_nonzero(~LeaveClusterOutSanitizer(0.05, readmit=None).fit(X, y).support_) == int(0.05 * len(y))

    def test_labels_of_kept_rows_stay(self, flipped):
        X, y, _ = flipped
        names = np.array(["malignant", "benign"])[y]
        sanitizer = LeaveClusterOutSanitizer().fit(X, names)
        kept = sanitizer.support_
        np.testing.assert_array_equal(sanitizer.suggested_labels_[kept], names[kept])
        assert np.all(sanitizer.suggested_labels_[~kept] != names[~kept])


class TestInvariance:
    def test_order(self, flipped):
        X, y, _ = flipped
        order = np.random.default_rng(0).permutation(len(y))
        one, other = LeaveClusterOutSanitizer().fit(X, y), LeaveClusterOutSanitizer().fit(X[order], y[order])
        np.testing.assert_array_equal(one.support_[order], other.support_)
        np.testing.assert_allclose(one.scores_[order], other.scores_, atol=1e-9)

    def test_order_of_numbers(self):
        X, y = load_diabetes(return_X_y=True)
        y = y + 0.5
        order = np.random.default_rng(0).permutation(len(y))
        one, other = LeaveClusterOutSanitizer().fit(X, y), LeaveClusterOutSanitizer().fit(X[order], y[order])
        np.testing.assert_allclose(one.scores_[order], other.scores_, atol=1e-9)

    def test_sparse_is_as_dense(self):
        rng = np.random.default_rng(0)
        X = rng.poisson(0.3, size=(300, 40)).astype(float)
        y = (X @ rng.normal(size=40) > 0).astype(int)
        y[:10] = 1 - y[:10]
        dense, sparse = LeaveClusterOutSanitizer().fit(X, y), LeaveClusterOutSanitizer().fit(sp.csr_matrix(X), y)
        assert np.mean(dense.support_ == sparse.support_) > 0.98
        assert np.corrcoef(dense.scores_, sparse.scores_)[0, 1] > 0.99

    def test_single_precision(self, flipped):
        X, y, _ = flipped
        short = X.astype(np.float32)
        one, other = LeaveClusterOutSanitizer().fit(short, y), LeaveClusterOutSanitizer().fit(short.astype(float), y)
        np.testing.assert_array_equal(one.scores_, other.scores_)

    def test_seeds_agree_mostly(self, flipped):
        X, y, _ = flipped
        one, other = (LeaveClusterOutSanitizer(random_state=seed).fit(X, y) for seed in (0, 1))
        assert np.any(one.scores_ != other.scores_)
        assert np.mean(one.support_ == other.support_) > 0.98
        np.testing.assert_array_equal(one.scores_, LeaveClusterOutSanitizer(random_state=0).fit(X, y).scores_)

    def test_many_rows_are_clustered_by_batches(self, flipped, monkeypatch):
        from robustfit.sanitize._leave_cluster_out import _folds

        X, y, bad = flipped
        monkeypatch.setattr(_folds, "_MANY_ROWS", 50)
        assert np.mean(~LeaveClusterOutSanitizer().fit(X, y).support_[bad]) > 0.9


class TestCorners:
    def test_identical_rows(self):
        X, y = np.ones((40, 3)), np.repeat([0, 1], 20)
        sanitizer = LeaveClusterOutSanitizer().fit(X, y)
        assert np.bincount(y[sanitizer.support_]).min() >= 10

    def test_tiny_classes(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 3))
        y = np.array([0] * 57 + [1, 2, 2])
        sanitizer = LeaveClusterOutSanitizer(0.3, readmit=None, threshold=None).fit(X, y)
        assert set(y[sanitizer.support_]) == {0, 1, 2}

    def test_one_class(self):
        X = np.random.default_rng(0).normal(size=(30, 3))
        assert LeaveClusterOutSanitizer().fit(X, np.zeros(30, dtype=int)).support_.all()

    def test_constant_number(self):
        X = np.random.default_rng(0).normal(size=(30, 3))
        assert np.isfinite(LeaveClusterOutSanitizer().fit(X, np.full(30, 2.5)).scores_).all()

    def test_two_rows(self):
        assert LeaveClusterOutSanitizer().fit([[0.0], [1.0]], [0, 1]).support_.all()

    def test_threshold(self, flipped):
        X, y, _ = flipped
        sanitizer = LeaveClusterOutSanitizer(threshold=0.0, readmit=None).fit(X, y)
        np.testing.assert_array_equal(sanitizer.support_, sanitizer.scores_ <= 0.0)

    def test_by_class(self, flipped):
        X, y, _ = flipped
        kept = LeaveClusterOutSanitizer(0.1, drop_by="class", readmit=None).fit(X, y).support_
        for label in (0, 1):
            assert np.count_nonzero(~kept[y == label]) == int(0.1 * np.count_nonzero(y == label))

    def test_later_rows(self, flipped):
        X, y, bad = flipped
        sanitizer = LeaveClusterOutSanitizer().fit(X, y)
        scores = sanitizer.score_rows(X, y)
        assert np.median(scores[bad]) > 1.5
        assert np.median(scores[~bad]) < 1.0

    def test_penalty_follows_the_contamination(self, flipped):
        X, y, _ = flipped
        shares = [0.0, 0.01, 0.05, 0.1]
        penalties = [LeaveClusterOutSanitizer(share).fit(X, y).penalty_ for share in shares]
        assert penalties[0] == penalties[1] < penalties[2] < penalties[3]
        assert penalties[2] == pytest.approx(0.003, rel=0.05)
        assert LeaveClusterOutSanitizer(penalty=0.02).fit(X, y).penalty_ == 0.02

    @pytest.mark.parametrize("sizes", [[], [0, 3], [2.5], "ten", [[2, 3]]])
    def test_sizes_that_are_none(self, flipped, sizes):
        with pytest.raises(ValueError, match="n_clusters"):
            LeaveClusterOutSanitizer(n_clusters=sizes).fit(*flipped[:2])

    def test_seed_that_is_none(self, flipped):
        with pytest.raises(ValueError, match="random_state must be a non-negative integer"):
            LeaveClusterOutSanitizer(random_state=None).fit(*flipped[:2])

    def test_without_target(self, flipped):
        with pytest.raises(ValueError, match="requires y to be passed"):
            LeaveClusterOutSanitizer().fit(flipped[0])

    @pytest.mark.parametrize("share", [-0.1, 0.5, "some"])
    def test_budgets_that_are_none(self, flipped, share):
        with pytest.raises(ValueError, match="contamination"):
            LeaveClusterOutSanitizer(share).fit(*flipped[:2])

    def test_default(self):
        for task in ("classifier", "regressor"):
            chosen = default_sanitizer(task, 0.07, 3, linear=True)
            if task == "classifier":
                assert chosen.get_params()["shortcuts__contamination"] == 0.25
                assert default_sanitizer(task, 0.0, 3, linear=True).get_params()["contradictions__contamination"] == 0.0
                chosen = dict(chosen.sanitizers)["models"].sanitizer
            assert isinstance(chosen, UnionSanitizer)
            params = chosen.get_params()
            # It takes rows back, and may look at more.
            assert params["cluster_out__contamination"] == 0.14
            assert params["influence__contamination"] == 0.07
            assert {params[name] for name in params if name.endswith("random_state")} == {3}


@pytest.mark.parametrize("sparse", [False, True])
def test_rows_that_are_far_out_do_not_come_back_however_much_their_direction_is_believed(sparse):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    y = (X[:, 0] + 0.3 * rng.normal(size=300) > 0).astype(int)
    X[:6] = 500.0 * np.array([1.0, 2.0, 0.0, 0.0])
    y[:6] = 1
    X[6] = [2.0, 0.1, 0.0, 0.0]
    y[6] = 1
    kept = np.arange(300) >= 7
    target = Target(y, np.array([0, 1]))
    rows = sp.csr_array(X) if sparse else X
    back, _ = take_back(rows, target, kept, 0.35, np.arange(300, dtype=np.uint64))
    assert not back[:6].any()
    assert back[6:].all()


def fanning_out(n=800, seed=0):
    """Numbers that vary more where they are larger."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    level = X @ [1.0, 0.5, 0.0, 0.0]
    return X, level + np.where(level > 0.4, 2.0, 0.5) * rng.normal(size=n)


@pytest.mark.parametrize("seed", range(3))
def test_honest_numbers_come_back_where_numbers_vary_more(seed):
    X, y = fanning_out(seed=seed)
    lost = ~SanitizedRegressor(contamination=0.05).fit(X, y).support_
    assert lost.mean() < 0.06


@pytest.mark.parametrize("share", [0.03, 0.1])
def test_bad_numbers_at_one_end_do_not_set_what_is_usual_there(share):
    X, y = fanning_out()
    n_bad = int(share * len(y))
    X = np.vstack(
        [X, np.tile([3.0, 2.0, 0.0, 0.0], (n_bad, 1)) + 0.1 * np.random.default_rng(1).normal(size=(n_bad, 4))]
    )
    y = np.append(y, np.full(n_bad, -15.0))
    assert not SanitizedRegressor(contamination=0.05).fit(X, y).support_[-n_bad:].any()


def test_residuals_are_compared_with_those_of_similar_predictions():
    rng = np.random.default_rng(0)
    scores = rng.permutation(np.linspace(0.0, 1.0, 1000))
    residuals = np.where(scores > 0.6, 4.0, 1.0) * np.abs(rng.normal(size=1000))
    spread = _spread_at(np.array([-9.0, 0.1, 0.9, 9.0]), scores, residuals)
    everywhere = np.median(residuals) / norm.ppf(0.75)
    np.testing.assert_allclose(spread, [everywhere, everywhere, 4.0, 4.0], rtol=0.12)
    np.testing.assert_allclose(_spread_at(scores[:3], scores[:1], residuals[:1]), residuals[0] / norm.ppf(0.75))


def test_a_tenth_of_bad_rows_does_not_set_the_spread_at_its_end():
    rng = np.random.default_rng(0)
    scores, residuals = np.linspace(0.0, 1.0, 1000), np.abs(rng.normal(size=1000))
    residuals[900:] = 50.0
    assert _spread_at(np.array([0.95, 1.0]), scores, residuals).max() < 2.5
