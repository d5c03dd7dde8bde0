"""Filtered means, and descents that use them in place of mean gradients."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

from robustfit import PartitionClassifier, PartitionRegressor
from robustfit.attacks import FarFlipAttack
from robustfit.losses import GAMMA_DEVIANCE, SQUARED, huber, tukey
from robustfit.trimmed import RobustGradientClassifier, RobustGradientRegressor
from robustfit.trimmed._robust_mean import filtered_mean
from robustfit.trimmed._sever._whitening import whitened, whitening


def contaminated(n, d, share, shift, seed=0):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, d))
    n_bad = round(share * n)
    direction = np.ones(d) / np.sqrt(d)
    vectors[:n_bad] = shift * direction + 0.1 * rng.normal(size=(n_bad, d))
    return vectors


def geometric_median(vectors):
    centre = np.median(vectors, axis=0)
    for _ in range(50):
        weights = 1.0 / np.maximum(np.linalg.norm(vectors - centre, axis=1), 1e-9)
        centre = weights @ vectors / weights.sum()
    return centre


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("shift", [5.0, 20.0, 1e6])
def test_the_filtered_mean_is_off_by_the_root_of_the_share_at_most(share, shift):
    """The median and the geometric median lose a factor of √d, the mean everything."""
    vectors = contaminated(2000, 60, share, shift)
    found = filtered_mean(vectors, share)
    error = np.linalg.norm(found.mean)
    sampling = np.sqrt(60 / 2000)
    assert error < 0.5 * np.sqrt(share) + sampling
    assert error < np.linalg.norm(np.median(vectors, axis=0))
    assert error < np.linalg.norm(geometric_median(vectors))
    assert error < np.linalg.norm(vectors.mean(axis=0))
    assert found.kept[: round(share * 2000)].mean() < 0.2


def test_the_error_of_the_filtered_mean_does_not_grow_with_the_dimension():
    errors = [np.linalg.norm(filtered_mean(contaminated(40 * d, d, 0.1, np.sqrt(d)), 0.1).mean) for d in (25, 100, 200)]
    medians = [np.linalg.norm(np.median(contaminated(40 * d, d, 0.1, np.sqrt(d)), axis=0)) for d in (25, 200)]
    assert max(errors) < 0.35
    assert medians[1] > 1.5 * medians[0]


def test_bad_vectors_in_two_places():
    vectors = contaminated(2000, 30, 0.2, 8.0)
    vectors[:200] *= np.where(np.arange(30) % 2, -1.0, 1.0)
    assert np.linalg.norm(filtered_mean(vectors, 0.2).mean) < 0.3


def test_clean_vectors_lose_little():
    vectors = np.random.default_rng(1).normal(size=(2000, 10))
    found = filtered_mean(vectors, 0.1)
    assert found.kept.sum() == 1800
    assert np.linalg.norm(found.mean - vectors.mean(axis=0)) < 0.1
    assert found.variance < 1.2


def test_no_contamination_is_the_mean_and_equal_vectors_stay_equal():
    vectors = np.random.default_rng(2).normal(size=(50, 3))
    np.testing.assert_allclose(filtered_mean(vectors, 0).mean, vectors.mean(axis=0))
    found = filtered_mean(np.ones((50, 3)), 0.29)
    np.testing.assert_allclose(found.mean, 1.0)
    assert found.kept.sum() == 50 - 14
    assert found.variance == 0.0
    assert filtered_mean(vectors[:1], 0.4).kept.all()


@pytest.mark.parametrize("contamination", [-0.1, 0.5, np.nan])
def test_filtered_mean_of_bad_input(contamination):
    with pytest.raises(ValueError, match=r"contamination must be in \[0, 0.5\)"):
        filtered_mean(np.ones((3, 1)), contamination)
    with pytest.raises(ValueError, match="holds NaN or infinity"):
        filtered_mean(np.full((3, 1), np.nan), 0.1)
    with pytest.raises(ValueError, match=r"one row or more, got shape \(0, 2\)"):
        filtered_mean(np.ones((0, 2)), 0.1)


def test_the_bulk_is_white_whatever_a_minority_does():
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(6, 6))
    rows = rng.normal(size=(3000, 6)) @ mixing
    rows /= rows.std(axis=0)
    rows[:600] = 50.0 * rng.normal(size=6)
    white = whitened(rows, whitening(rows))[600:]
    assert np.linalg.cond(np.cov(white.T)) < 0.3 * np.linalg.cond(np.cov(rows[600:].T))
    assert np.linalg.eigvalsh(np.cov(white.T)).max() < 4.0


def cluster(n=1000, d=10, share=0.3, seed=0):
    """Far rows in one place: least squares, Huber's loss and single-start trimming go through them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    slopes = rng.normal(size=d)
    y = X @ slopes + 2.0 + rng.normal(size=n)
    bad = rng.permutation(n) < share * n
    X[bad] = 8.0 * np.ones(d) / np.sqrt(d) + 0.1 * rng.normal(size=(bad.sum(), d))
    y[bad] = 40.0
    return X, y, bad


@pytest.mark.parametrize(
    ("loss", "share"),
    [("squared_error", 0.1), (SQUARED, 0.3), ("squared_error", 0.4), (tukey(8.0), 0.3), (huber(2.0), 0.1)],
    ids=["squares 0.1", "squares 0.3", "squares 0.4", "tukey 0.3", "huber 0.1"],
)
def test_far_clusters_do_not_hold_the_descent(loss, share):
    X, y, bad = cluster(share=share)
    clean = LinearRegression().fit(X[~bad], y[~bad])
    model = RobustGradientRegressor(loss=loss, contamination=min(share + 0.05, 0.45)).fit(X, y)
    assert not model.support_[bad].any()
    assert np.linalg.norm(model.coef_ - clean.coef_) < 0.15
    assert np.linalg.norm(LinearRegression().fit(X, y).coef_ - clean.coef_) > 2.0


def test_what_follows_the_descent():
    X, y, bad = cluster(share=0.2)
    raw, trimmed, weighed = (
        RobustGradientRegressor(contamination=0.25, final=final).fit(X, y)
        for final in (None, "concentrate", "reweight")
    )
    assert raw.support_.sum() == trimmed.support_.sum() == 750
    assert weighed.support_.sum() > 780
    stages = [entry["stage"] for entry in trimmed.history_]
    assert stages[: trimmed.n_iter_] == ["descent"] * trimmed.n_iter_
    clean = LinearRegression().fit(X[~bad], y[~bad])
    errors = [np.linalg.norm(model.coef_ - clean.coef_) for model in (raw, weighed)]
    assert errors[1] < 0.1
    assert errors[0] < 0.3


def test_clean_rows_cost_next_to_nothing():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(2000, 10))
    y = X @ np.ones(10) + rng.normal(size=2000)
    model = RobustGradientRegressor().fit(X, y)
    plain = LinearRegression().fit(X, y)
    assert model.support_.mean() > 0.98
    assert np.linalg.norm(model.coef_ - 1.0) < 1.2 * np.linalg.norm(plain.coef_ - 1.0)


def test_no_contamination_is_least_squares_and_logistic_regression():
    X, y, _ = cluster()
    plain = LinearRegression().fit(X, y)
    model = RobustGradientRegressor(contamination=0).fit(X, y)
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, plain.intercept_, atol=1e-6)
    assert model.support_.all()
    X, y = load_iris(return_X_y=True)
    model = RobustGradientClassifier(contamination=0, alpha=1e-3).fit(X, y)
    assert model.predict_proba(X).shape == (150, 3)
    assert model.score(X, y) >= LogisticRegression(max_iter=1000).fit(X, y).score(X, y) - 0.02


@pytest.mark.parametrize(("share", "filter_by"), [(0.2, "all"), (0.2, "class"), (0.3, "class")])
def test_far_flips_of_real_data_are_undone(share, filter_by):
    """Trimmed loss from one start ends at 0.69 and 0.61 on such flips."""
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    poisoned = FarFlipAttack().generate(X[::2], y[::2], budget=round(share * 285), random_state=0)
    plain = LogisticRegression().fit(poisoned.X, poisoned.y).score(X[1::2], y[1::2])
    model = RobustGradientClassifier(contamination=share, filter_by=filter_by).fit(poisoned.X, poisoned.y)
    assert plain < 0.8
    assert model.score(X[1::2], y[1::2]) > 0.9


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
@pytest.mark.parametrize("filter_by", ["all", "class"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_flips_of_several_classes(loss, filter_by, n_classes):
    X, y = make_classification(
        300, 6, n_informative=4, n_redundant=0, n_classes=n_classes, n_clusters_per_class=1, random_state=0
    )
    poisoned = FarFlipAttack().generate(X, y, budget=30, random_state=0)
    settings = {"loss": loss, "contamination": 0.12, "filter_by": filter_by, "final": "concentrate"}
    model = RobustGradientClassifier(**settings).fit(poisoned.X, poisoned.y)
    plain = LogisticRegression().fit(poisoned.X, poisoned.y)
    assert model.score(X, y) >= plain.score(X, y) - 0.01
    assert (~model.support_[poisoned.is_poison]).mean() > 0.8
    sizes = np.bincount(poisoned.y)
    assert (~model.support_).sum() == (0.12 * sizes + 1e-9).astype(int).sum()
    assert (np.bincount(poisoned.y[model.support_]) >= sizes / 2).all()
    assert model.coef_.shape == (1 if n_classes == 2 else 3, 6)
    assert hasattr(model, "predict_proba") == (loss == "log_loss")


@pytest.mark.parametrize("loss", ["log_loss", "squared_hinge"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_rows_that_the_fit_believes_come_back(loss, n_classes):
    X, y = make_classification(
        300, 6, n_informative=4, n_redundant=0, n_classes=n_classes, n_clusters_per_class=1, random_state=0
    )
    poisoned = FarFlipAttack().generate(X, y, budget=30, random_state=0)
    for labels, bad in ((y, np.zeros(300, dtype=bool)), (poisoned.y, poisoned.is_poison)):
        trimmed = RobustGradientClassifier(loss=loss, contamination=0.2, final="concentrate").fit(X, labels)
        model = RobustGradientClassifier(loss=loss, contamination=0.2).fit(X, labels)
        assert not (trimmed.support_ & ~model.support_).any()
        assert model.support_.sum() > trimmed.support_.sum()
        assert model.support_[bad].sum() <= trimmed.support_[bad].sum() + 2
        assert model.history_[-1]["stage"] == "readmit"
        assert model.history_[-1]["n_kept"] == model.support_.sum()
        assert model.score(X, y) >= trimmed.score(X, y) - 0.01


def test_units_and_order_do_not_matter():
    X, y, _ = cluster(n=300)
    order = np.random.default_rng(5).permutation(300)
    here = RobustGradientRegressor(contamination=0.35).fit(X, y)
    there = RobustGradientRegressor(contamination=0.35).fit(X[order], y[order])
    np.testing.assert_array_equal(here.coef_, there.coef_)
    np.testing.assert_array_equal(here.support_[order], there.support_)
    scale = np.logspace(-3, 3, 10)
    other = RobustGradientRegressor(contamination=0.35).fit(X * scale + 5.0, 10.0 * y - 3.0)
    np.testing.assert_array_equal(here.support_, other.support_)
    np.testing.assert_allclose(here.coef_, other.coef_ * scale / 10.0, rtol=1e-5)


def test_labels_may_be_words_and_rows_single_precision():
    X, codes = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    words = np.array(["a", "b", "c"])[codes]
    model = RobustGradientClassifier().fit(X, words)
    other = RobustGradientClassifier().fit(X.astype(np.float64), codes)
    assert model.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_array_equal(model.support_, other.support_)


def test_members_are_functions_of_their_shard():
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :5]
    whole = PartitionClassifier(RobustGradientClassifier(), n_partitions=5).fit(X, y)
    one_less = PartitionClassifier(RobustGradientClassifier(), n_partitions=5).fit(X[1:], y[1:])
    assert (whole.votes(X) != one_less.votes(X)).any(axis=0).sum() <= 1
    assert PartitionRegressor(RobustGradientRegressor(), n_partitions=5).fit(X, y + 0.5).predict(X).shape == y.shape


def test_degenerate_columns_and_exact_fits():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(100, 3))
    X = np.column_stack([X, np.ones(100), X[:, 0], (np.arange(100) == 7)])
    y = X[:, 0] - 2.0 * X[:, 1]
    y[:20] += 50.0
    model = RobustGradientRegressor(contamination=0.25).fit(X, y)
    np.testing.assert_allclose(model.predict(X)[20:], y[20:], atol=1e-5)
    constant = RobustGradientRegressor(contamination=0.25).fit(np.zeros((40, 2)), np.ones(40))
    np.testing.assert_allclose(constant.predict(np.zeros((2, 2))), 1.0)
    assert RobustGradientRegressor().fit(rng.normal(size=(8, 20)), rng.normal(size=8)).coef_.shape == (20,)


def test_far_values_do_not_overflow():
    X, y, bad = cluster(share=0.1)
    X[bad] *= 1e40
    with np.errstate(over="raise", invalid="raise"):
        model = RobustGradientRegressor(contamination=0.15).fit(X, y)
    assert np.isfinite(model.coef_).all()
    assert not model.support_[bad].any()


@pytest.mark.parametrize("kind", [RobustGradientRegressor, RobustGradientClassifier])
def test_bad_input(kind):
    X = np.arange(8.0).reshape(4, 2)
    for contamination in (-0.1, 0.5, np.nan):
        with pytest.raises(ValueError, match=r"contamination' parameter of .* must be a float in the range \[0.0, 0.5"):
            kind(contamination=contamination).fit(X, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        kind().fit(X * np.nan, [0, 1, 0, 1])
    with pytest.raises(ValueError, match="'loss' parameter"):
        kind(loss="absolute_error").fit(X, [0, 1, 0, 1])


def test_losses_and_labels_that_cannot_be_served():
    X = np.arange(8.0).reshape(4, 2)
    with pytest.raises(ValueError, match=r"curvature of at most 1, got 'gamma_deviance'. Pass .*huber"):
        RobustGradientRegressor(loss=GAMMA_DEVIANCE).fit(X, [1.0, 2.0, 3.0, 4.0])
    with pytest.raises(ValueError, match=r"two classes or more, got one class: \[3\]"):
        RobustGradientClassifier().fit(X, [3, 3, 3, 3])
