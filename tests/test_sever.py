"""Sever: what it drops, what it survives, and what it says to learners and data it cannot serve."""

import numpy as np
import pytest
import sklearn
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    BayesianRidge,
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from robustfit import PartitionClassifier, PartitionRegressor
from robustfit.attacks import FarFlipAttack
from robustfit.losses import LOGISTIC, MULTINOMIAL, SQUARED
from robustfit.sanitize._linear._linear_losses import row_slopes
from robustfit.sanitize._linear._row_gradients import RowGradients
from robustfit.sanitize._linear._row_space import RowSpace
from robustfit.trimmed import SeverClassifier, SeverRegressor

REGRESSORS = [
    LinearRegression(),
    Ridge(),
    Lasso(alpha=0.01),
    ElasticNet(alpha=0.01),
    HuberRegressor(),
    BayesianRidge(),
    SGDRegressor(),
    SGDRegressor(loss="huber", epsilon=1.0),
]
CLASSIFIERS = [
    LogisticRegression(),
    LogisticRegression(solver="liblinear"),
    LinearSVC(),
    LinearSVC(loss="hinge"),
    RidgeClassifier(),
    SGDClassifier(),
    SGDClassifier(loss="log_loss"),
]

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def line(n=400, d=4, share=0.1, seed=0):
    """A plane with one bad row in so many: the opposite plane on wide rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    bad = rng.permutation(n) < share * n
    X[bad] *= 3.0
    slopes = np.arange(1.0, d + 1.0)
    y = np.where(bad, -1.0, 1.0) * (X @ slopes) + 2.0 + 0.1 * rng.normal(size=n)
    return X, y, bad, slopes


def classes(n=300, n_classes=3, seed=0):
    return make_classification(
        n, 6, n_informative=4, n_redundant=0, n_classes=n_classes, n_clusters_per_class=1, random_state=seed
    )


def explicit_gradients(space, pulls):
    z = np.vstack([block for _, block in space.blocks(1)])
    return (z[:, :, None] * pulls[:, None, :]).reshape(len(z), -1)


@pytest.mark.parametrize("make", [np.asarray, csr_matrix])
@pytest.mark.parametrize("n_outputs", [1, 3, 40])
def test_the_direction_is_the_top_singular_vector_of_the_table(make, n_outputs):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(120, 5)) * (rng.random((120, 5)) < 0.7) + np.array([0.0, 3.0, 0.0, 0.0, 1.0])
    space = RowSpace.of(make(X), intercept=True)[0]
    gradients = RowGradients(space, rng.normal(size=(120, n_outputs)))
    table = explicit_gradients(space, gradients.pulls)
    mean = gradients.mean()
    direction, variance = gradients.spread(mean)
    centred = table - table.mean(axis=0)
    values, vectors = np.linalg.svd(centred)[1:]
    np.testing.assert_allclose(mean.ravel(), table.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(variance, values[0] ** 2 / 120, rtol=1e-6)
    assert abs(direction.ravel() @ vectors[0]) > 1 - 1e-6
    np.testing.assert_allclose(gradients.project(direction), table @ direction.ravel(), atol=1e-10)


def test_sparse_rows_have_the_units_of_dense_ones():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(50, 7)) * (rng.random((50, 7)) < 0.6)
    dense, *units = RowSpace.of(X, intercept=True)
    sparse, *others = RowSpace.of(csr_matrix(X), intercept=True)
    np.testing.assert_allclose(units, others)
    np.testing.assert_allclose(sparse.squares(), dense.squares())
    coefs = rng.normal(size=(8, 2))
    np.testing.assert_allclose(sparse.times(coefs), dense.times(coefs), atol=1e-12)


@pytest.mark.parametrize("loss", [LOGISTIC, SQUARED, MULTINOMIAL])
def test_slopes_are_derivatives(loss):
    rng = np.random.default_rng(3)
    codes, scores = rng.integers(3, size=20), rng.normal(size=(20, 3))
    slopes = row_slopes(loss, codes, scores)
    step = 1e-6 * rng.normal(size=scores.shape)
    signed = np.where(codes[:, None] == np.arange(3), 1.0, -1.0)

    def total(s):
        return loss.value(codes, s).sum() if loss is MULTINOMIAL else loss.value(signed, s).sum()

    assert (slopes * step).sum() == pytest.approx(total(scores + step / 2) - total(scores - step / 2), rel=1e-5)


@pytest.mark.parametrize("estimator", REGRESSORS, ids=str)
def test_regressors_leave_wide_rows_of_another_plane_out(estimator):
    X, y, bad, slopes = line()
    model = SeverRegressor(estimator, contamination=0.12).fit(X, y)
    assert model.support_[bad].mean() < 0.1
    assert model.support_.sum() == 400 - 48
    assert np.abs(model.coef_ - slopes).max() < (0.5 if isinstance(estimator, SGDRegressor) else 0.1)
    assert np.abs(clone(estimator).fit(X, y).coef_ - slopes).max() > 1.0 or "uber" in str(estimator)


@pytest.mark.parametrize("estimator", [PoissonRegressor(alpha=0.01), GammaRegressor(alpha=0.01)])
def test_counts_and_amounts(estimator):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(600, 3))
    mean = np.exp(X @ [0.5, -0.5, 0.2] + 1.0)
    y = rng.poisson(mean) + 0.0 if isinstance(estimator, PoissonRegressor) else mean * rng.gamma(5.0, 0.2, size=600)
    y[:48] = 60.0
    model = SeverRegressor(estimator, contamination=0.1).fit(X, y)
    assert model.support_[:48].mean() < 0.1


@pytest.mark.parametrize("estimator", CLASSIFIERS, ids=str)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers_drop_flipped_rows(estimator, n_classes):
    if n_classes > 2 and getattr(estimator, "solver", None) == "liblinear":
        pytest.skip("scikit-learn's has two classes only")
    X, y = classes(n_classes=n_classes)
    flipped = FarFlipAttack().generate(X, y, budget=24, random_state=0)
    model = SeverClassifier(estimator, contamination=0.12).fit(flipped.X, flipped.y)
    assert (~model.support_[flipped.is_poison]).mean() > 0.8
    assert model.score(X, y) >= clone(estimator).fit(flipped.X, flipped.y).score(X, y) - 0.01
    assert set(np.unique(flipped.y[model.support_])) == set(range(n_classes))


def test_far_flips_of_real_data_are_undone():
    """Trimmed loss from one start ends at 0.69 on such flips."""
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    poisoned = FarFlipAttack().generate(X[::2], y[::2], budget=56, random_state=0)
    plain = LogisticRegression().fit(poisoned.X, poisoned.y).score(X[1::2], y[1::2])
    model = SeverClassifier(contamination=0.2).fit(poisoned.X, poisoned.y)
    assert plain < 0.8
    assert model.score(X[1::2], y[1::2]) > 0.9


def test_many_classes():
    X, y = load_digits(return_X_y=True)
    poisoned = FarFlipAttack().generate(X[:600] / 16, y[:600], budget=60, random_state=0)
    learner = LogisticRegression(max_iter=200)
    model = SeverClassifier(learner, contamination=0.12, n_rounds=3).fit(poisoned.X, poisoned.y)
    plain = clone(learner).fit(poisoned.X, poisoned.y)
    assert model.score(X[600:] / 16, y[600:]) > plain.score(X[600:] / 16, y[600:])
    assert model.coef_.shape == (10, 64)


@pytest.mark.parametrize("final", ["concentrate", None])
@pytest.mark.parametrize("contamination", [0.0, 0.07, 0.29, 0.49])
def test_exactly_so_many_rows_are_dropped(final, contamination):
    X, y, _, _ = line(n=100)
    model = SeverRegressor(contamination=contamination, final=final).fit(X, y)
    assert (~model.support_).sum() == round(100 * contamination)
    X, y = classes(n=90)
    model = SeverClassifier(contamination=contamination, final=None).fit(X, y)
    sizes = np.bincount(y)
    np.testing.assert_array_equal(np.bincount(y[~model.support_], minlength=3), (contamination * sizes).astype(int))
    for by in ("class", "all"):
        model = SeverClassifier(contamination=contamination, final=final, filter_by=by).fit(X, y)
        assert (~model.support_).sum() == (contamination * sizes).astype(int).sum()
        assert (np.bincount(y[model.support_]) >= sizes / 2).all()


def test_no_contamination_is_the_plain_learner():
    X, y, _, _ = line()
    model = SeverRegressor(Ridge(), contamination=0).fit(X, y)
    np.testing.assert_allclose(model.coef_, Ridge().fit(X, y).coef_)
    assert model.support_.all()
    assert model.history_ == []


def test_a_class_of_few_rows_stays():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(103, 2))
    y = np.repeat([0, 1], [100, 3])
    X[y == 1] += 4.0
    for by in ("class", "all"):
        model = SeverClassifier(contamination=0.4, filter_by=by).fit(X, y)
        assert np.bincount(y[model.support_]).min() >= 2


def test_history_says_what_happened():
    X, y, _, _ = line()
    model = SeverRegressor(contamination=0.1, n_rounds=4).fit(X, y)
    stages = [entry["stage"] for entry in model.history_]
    assert stages[:5] == ["start", *["filter"] * 4]
    assert [entry["n_kept"] for entry in model.history_[:5]] == [400, 390, 380, 370, 360]
    losses = [entry["loss"] for entry in model.history_ if entry["stage"] == "concentrate"]
    assert losses == sorted(losses, reverse=True)
    assert model.history_[1]["variance"] > model.history_[4]["variance"]


def test_the_order_of_rows_does_not_matter():
    X, y, _, _ = line(n=150)
    order = np.random.default_rng(6).permutation(150)
    for estimator in (LinearRegression(), SGDRegressor()):
        here = SeverRegressor(estimator).fit(X, y)
        there = SeverRegressor(estimator).fit(X[order], y[order])
        np.testing.assert_array_equal(here.support_[order], there.support_)
        np.testing.assert_array_equal(here.coef_, there.coef_)
        np.testing.assert_array_equal(here.scores_[order], there.scores_)


def test_containers_and_types_do_not_matter():
    X, y = classes()
    X = np.round(X, 1).astype(np.float32)
    wide = SeverClassifier().fit(X.astype(np.float64), y)
    narrow = SeverClassifier().fit(X, y)
    sparse = SeverClassifier().fit(csr_matrix(X), y)
    np.testing.assert_array_equal(wide.support_, narrow.support_)
    np.testing.assert_array_equal(wide.support_, sparse.support_)
    np.testing.assert_allclose(wide.coef_, sparse.coef_, atol=1e-3)


def test_units_of_columns_do_not_matter_to_a_learner_that_ignores_them():
    X, y, _, _ = line()
    here = SeverRegressor().fit(X, y)
    there = SeverRegressor().fit(X * [100.0, 1.0, 0.1, 7.0] + [0.0, 10.0, 0.0, -5.0], 100 * y)
    np.testing.assert_array_equal(here.support_, there.support_)


def test_labels_may_be_words():
    X, codes = classes()
    words = np.array(["low", "mid", "top"])[codes]
    model, other = SeverClassifier().fit(X, words), SeverClassifier().fit(X, codes)
    assert model.classes_.tolist() == ["low", "mid", "top"]
    np.testing.assert_array_equal(model.support_, other.support_)
    assert model.predict_proba(X).shape == (300, 3)
    assert not hasattr(SeverClassifier(LinearSVC()), "predict_proba")


def test_the_random_threshold_spares_clean_rows():
    X, y, bad, _ = line()
    first = SeverRegressor(contamination=0.2, threshold="random", random_state=1, n_rounds=30).fit(X, y)
    again = SeverRegressor(contamination=0.2, threshold="random", random_state=1, n_rounds=30).fit(X, y)
    np.testing.assert_array_equal(first.support_, again.support_)
    assert not first.support_[bad].any()
    assert (~first.support_).sum() <= 80
    clean = SeverRegressor(contamination=0.2, threshold="random").fit(X[~bad], y[~bad])
    assert (~clean.support_).sum() < 0.02 * 360


def test_weights_scale_gradients_and_zeros_are_no_rows():
    X, y, _, _ = line()
    weights = np.random.default_rng(7).integers(0, 3, size=400)
    present = weights > 0
    model = SeverRegressor(Ridge(), random_state=3).fit(X, y, sample_weight=weights)
    other = SeverRegressor(Ridge(), random_state=3).fit(X[present], y[present], sample_weight=weights[present])
    np.testing.assert_array_equal(model.support_[present], other.support_)
    np.testing.assert_allclose(model.coef_, other.coef_)
    assert not model.support_[~present].any()
    assert np.isnan(model.scores_[~present]).all()
    with sklearn.config_context(enable_metadata_routing=True):
        asked = SeverRegressor(Ridge().set_fit_request(sample_weight=True), random_state=3)
        routed = asked.fit(X, y, sample_weight=weights)
        np.testing.assert_allclose(routed.coef_, model.coef_)
        default = SeverRegressor().fit(X, y, sample_weight=weights)
        assert default.support_.sum() == present.sum() - int(0.1 * present.sum())


def test_members_are_functions_of_their_shard():
    X, y = classes()
    whole = PartitionClassifier(SeverClassifier(contamination=0.1), n_partitions=4).fit(X, y)
    moved = np.random.default_rng(8).permutation(300)
    again = PartitionClassifier(SeverClassifier(contamination=0.1), n_partitions=4).fit(X[moved], y[moved])
    np.testing.assert_array_equal(whole.votes(X), again.votes(X))
    one_less = PartitionClassifier(SeverClassifier(contamination=0.1), n_partitions=4).fit(X[1:], y[1:])
    changed = (whole.votes(X) != one_less.votes(X)).any(axis=0)
    assert changed.sum() <= 1
    X, y, _, _ = line()
    assert PartitionRegressor(SeverRegressor(), n_partitions=5).fit(X, y).predict(X).shape == (400,)


@pytest.mark.parametrize(
    ("estimator", "kind"),
    [(DecisionTreeRegressor(), SeverRegressor), (LogisticRegression(), SeverRegressor)]
    + [(e, SeverClassifier) for e in (DecisionTreeClassifier(), Ridge(), make_pipeline(LogisticRegression()))],
)
def test_other_learners_are_sent_to_the_general_wrapper(estimator, kind):
    general = kind.__name__.replace("Sever", "Trimmed")
    with pytest.raises(ValueError, match=rf"linear learners with a known loss .*{general} takes any learner"):
        kind(estimator).fit([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize(
    ("model", "general"),
    [
        (SeverClassifier(SGDClassifier(loss="perceptron")), "TrimmedClassifier"),
        (SeverClassifier(LinearSVC(multi_class="crammer_singer")), "TrimmedClassifier"),
        (SeverRegressor(SGDRegressor(loss="epsilon_insensitive")), "TrimmedRegressor"),
    ],
)
def test_losses_that_are_not_known_are_refused(model, general):
    with pytest.raises(ValueError, match=rf"does not know the loss of .*Choose another loss, or use {general}"):
        model.fit([[0.0], [1.0], [2.0], [3.0]], [0, 1, 0, 1])


@pytest.mark.parametrize("contamination", [-0.1, 0.5, 0.9, np.nan, "auto"])
def test_contamination_out_of_range(contamination):
    with pytest.raises(
        ValueError, match=r"contamination' parameter of Sever\w+ must be a float in the range \[0.0, 0.5"
    ):
        SeverRegressor(contamination=contamination).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(
        ValueError, match=r"contamination' parameter of Sever\w+ must be a float in the range \[0.0, 0.5"
    ):
        SeverClassifier(contamination=contamination).fit([[0.0], [1.0]], [0, 1])


def test_bad_input():
    with pytest.raises(ValueError, match="random_state must be a non-negative integer"):
        SeverRegressor(random_state=None).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(TypeError, match="got the class Ridge; call it"):
        SeverRegressor(Ridge).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(ValueError, match="Input X contains NaN"):
        SeverRegressor().fit([[np.nan], [1.0]], [0.0, 1.0])
    with pytest.raises(ValueError, match=r"one class: \[1\]"):
        SeverClassifier().fit([[0.0], [1.0]], [1, 1])
    with pytest.raises(ValueError, match=r"All sample weights are zero|at least one non-zero"):
        SeverRegressor().fit([[0.0], [1.0]], [0.0, 1.0], sample_weight=[0.0, 0.0])


def test_constant_and_collinear_columns():
    X, y, bad, _ = line()
    wider = np.column_stack([X, np.ones(400), X[:, 0]])
    model = SeverRegressor(Ridge(alpha=1e-3), contamination=0.12).fit(wider, y)
    assert not model.support_[bad].any()


def test_an_exact_fit_drops_as_many_and_stays():
    rng = np.random.default_rng(9)
    X = rng.normal(size=(100, 2))
    model = SeverRegressor(contamination=0.2).fit(X, X @ [1.0, 2.0])
    np.testing.assert_allclose(model.coef_, [1.0, 2.0])
    assert (~model.support_).sum() == 20


def test_equal_gradients_are_settled_by_the_content_of_rows():
    X, y = np.zeros((40, 2)), np.tile([0.0, 1.0], 20)
    model = SeverRegressor(contamination=0.25).fit(X, y)
    assert (~model.support_).sum() == 10
    order = np.arange(40)[::-1]
    np.testing.assert_allclose(model.intercept_, SeverRegressor(contamination=0.25).fit(X[order], y[order]).intercept_)


def test_far_values_do_not_overflow():
    """They hold the first fit, as in every method that starts there; numbers stay numbers."""
    X, y, bad, _ = line()
    X[bad] *= 1e30
    with np.errstate(over="raise", invalid="raise"):
        model = SeverRegressor(Ridge(), contamination=0.12).fit(X, y)
    assert np.isfinite(model.scores_).all()
    assert np.isfinite(model.coef_).all()


def test_convergence_is_the_learners_affair():
    X, y = classes()
    with pytest.warns(ConvergenceWarning):
        SeverClassifier(LogisticRegression(max_iter=1)).fit(X, y)


def test_without_contamination_it_is_the_learner_itself_to_the_last_bit():
    X, y = load_breast_cancer(return_X_y=True)
    X = X / X.max(axis=0)
    model = SeverClassifier(LogisticRegression(), contamination=0.0).fit(X, y)
    np.testing.assert_array_equal(model.coef_, LogisticRegression().fit(X, y).coef_)
