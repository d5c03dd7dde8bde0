"""Adversarial training: the optimum, its proof, what it holds against, and scikit-learn's own checks."""

import numpy as np
import pytest
import scipy.sparse as sp
import sklearn
from scipy.special import expit, logit
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, QuantileRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from robustfit.attacks import BackdoorAttack, ColumnTrigger, FarFlipAttack
from robustfit.ensemble import PartitionClassifier
from robustfit.evaluate import attack_success_rate
from robustfit.learners import AdversarialClassifier, AdversarialRegressor
from robustfit.learners._adversarial._shifts import dual_norm, gain, shift_norm

NORMS = (1, 2, np.inf)
MARGINS = ("log_loss", "hinge", "squared_hinge")
RESIDUALS = ("squared_error", "absolute_error", "huber")
CHECKED = {
    "logistic": (lambda: AdversarialClassifier(), 63),
    "hinge in a box": (lambda: AdversarialClassifier(norm=np.inf, loss="hinge"), 63),
    "squared hinge": (lambda: AdversarialClassifier(norm=1, loss="squared_hinge", radius=0.0), 63),
    "squares": (lambda: AdversarialRegressor(), 60),
    "absolute in a box": (lambda: AdversarialRegressor(norm=np.inf, loss="absolute_error"), 60),
    "Huber": (lambda: AdversarialRegressor(norm=1, loss="huber", alpha=0.1), 60),
}


@parametrize_with_checks([make() for make, _ in CHECKED.values()])
def test_with_routing_off(estimator, check):
    check(estimator)


@parametrize_with_checks([AdversarialClassifier(), AdversarialRegressor()])
def test_with_routing_on(estimator, check):
    with sklearn.config_context(enable_metadata_routing=True):
        check(estimator)


@pytest.mark.parametrize("name", CHECKED)
def test_no_check_is_lost(name):
    """A battery that shrinks without a word would prove nothing."""
    make, fewest = CHECKED[name]
    # scikit-learn 1.9 made one check more.
    fewest -= parse_version(sklearn.__version__) < parse_version("1.9")
    assert len(list(estimator_checks_generator(make()))) >= fewest


def labelled(n=120, d=6, seed=0):
    X, y = make_classification(n, d, n_informative=4, n_redundant=1, flip_y=0.1, random_state=seed)
    return scale(X), y


def numbers(n=120, d=6, seed=0):
    X, y = make_regression(n, d, n_informative=3, noise=20.0, random_state=seed)
    return scale(X), y / 50.0


def learners(norm, radius=0.2, **params):
    classifiers = [AdversarialClassifier(norm=norm, radius=radius, loss=loss, **params) for loss in MARGINS]
    return classifiers + [
        AdversarialRegressor(norm=norm, radius=radius, loss=loss, alpha=0.1, **params) for loss in RESIDUALS
    ]


def targets(model, **params):
    return labelled(**params) if isinstance(model, AdversarialClassifier) else numbers(**params)


def worst_sum(model, X, y):
    """The objective, written down once more, from the definition."""
    radius = np.broadcast_to(model.radius, X.shape[1])
    shift = dual_norm(np.ravel(model.coef_), radius, model.norm)
    scores = X @ np.ravel(model.coef_) + model.intercept_
    if isinstance(model, AdversarialClassifier):
        m = np.where(y == model.classes_[1], 1, -1) * scores - shift
        lack = np.maximum(1 - m, 0)
        losses = {"log_loss": np.logaddexp(0, -m), "hinge": lack, "squared_hinge": lack**2}[model.loss]
        return model.C * losses.sum() + 0.5 * np.sum(model.coef_**2)
    q = np.abs(scores - y) + shift
    bowl = np.where(q <= model.delta, q**2 / 2, model.delta * (q - model.delta / 2)) if model.loss == "huber" else q
    losses = {"squared_error": q**2 / 2, "absolute_error": q, "huber": bowl}[model.loss]
    return losses.sum() + 0.5 * model.alpha * np.sum(model.coef_**2)


class TestOptimum:
    # The peer may end a little short of what is asked of it.
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    @pytest.mark.parametrize("norm", NORMS)
    @pytest.mark.parametrize("radius", [0.0, 0.2, [0.0, 0.1, 0.5, 0.2, 0.3, 0.0]])
    def test_equals_what_cvxpy_finds(self, norm, radius):
        for model in learners(norm, radius):
            X, y = targets(model)
            fast = clone(model).fit(X, y)
            slow = clone(model).set_params(solver="cvxpy", tol=1e-9).fit(X, y)
            assert np.max(fast.objective_) == pytest.approx(np.max(slow.objective_), rel=1e-6)
            assert np.max(fast.objective_) <= np.max(slow.objective_) * (1 + 1e-9)
            if model.loss not in ("hinge", "absolute_error"):
                np.testing.assert_allclose(fast.coef_, slow.coef_, atol=1e-4)

    @pytest.mark.parametrize("norm", NORMS)
    def test_objective_and_gap_are_what_they_say(self, norm):
        for model in learners(norm):
            X, y = targets(model)
            model.fit(X, y)
            assert np.max(model.objective_) == pytest.approx(worst_sum(model, X, y), rel=1e-12)
            assert 0 <= np.max(model.dual_gap_) <= 1e-8 * worst_sum(model, X, y)

    @pytest.mark.parametrize("norm", NORMS)
    def test_no_small_step_goes_lower(self, norm):
        rng = np.random.default_rng(0)
        for model in learners(norm):
            X, y = targets(model)
            best = worst_sum(model.fit(X, y), X, y)
            coef, intercept = model.coef_, model.intercept_
            for size in (1e-1, 1e-3, 1e-5):
                model.coef_ = coef + size * rng.normal(size=coef.shape)
                model.intercept_ = intercept + size * rng.normal()
                assert worst_sum(model, X, y) >= best * (1 - 1e-12)

    @pytest.mark.parametrize("norm", NORMS)
    def test_worst_loss_is_that_of_the_worst_shift(self, norm):
        """No shift of the row lowers the margin by more than the dual norm, and one does by as much."""
        rng = np.random.default_rng(0)
        w, radius = rng.normal(size=5), rng.uniform(0.1, 1, 5)
        shifts = rng.normal(size=(2000, 5)) * radius
        shifts /= np.array([shift_norm(shift, radius, norm) for shift in shifts])[:, None]
        assert np.max(shifts @ w) <= dual_norm(w, radius, norm)
        size = np.abs(w) * radius
        corner = {
            1: np.where(size == size.max(), size, 0) / size.max(),
            2: size / np.linalg.norm(size),
            np.inf: np.ones(5),
        }[norm]
        worst = np.sign(w) * corner * radius
        assert shift_norm(worst, radius, norm) == pytest.approx(1)
        assert worst @ w == pytest.approx(dual_norm(w, radius, norm))

    @pytest.mark.parametrize("norm", NORMS)
    def test_the_conjugate_is_a_bound_and_is_attained(self, norm):
        rng = np.random.default_rng(1)
        radius, ridge = rng.uniform(0, 1, 4), rng.uniform(0.1, 2, 4)
        radius[0] = 0.0
        v = 3 * rng.normal(size=4)
        bound = gain(v, 1.5, radius, ridge, norm)
        tries = rng.normal(size=(200_000, 4)) * np.abs(v / ridge)
        values = tries @ v - 1.5 * dual_norm(tries, radius, norm) - 0.5 * tries**2 @ ridge
        assert 0.8 * bound <= values.max() <= bound * (1 + 1e-12)


class TestPeers:
    def test_without_radius_it_is_logistic_regression(self):
        X, y = labelled()
        ours = AdversarialClassifier(radius=0.0, C=0.3).fit(X, y)
        theirs = LogisticRegression(C=0.3, tol=1e-10, max_iter=1000).fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)

    def test_without_radius_it_is_ridge(self):
        X, y = numbers()
        ours, theirs = AdversarialRegressor(radius=0.0, alpha=2.0).fit(X, y), Ridge(2.0).fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-7)
        assert ours.intercept_ == pytest.approx(theirs.intercept_)

    def test_absolute_errors_in_a_box_are_an_l1_penalty(self):
        X, y = numbers()
        ours = AdversarialRegressor(radius=0.1, norm=np.inf, loss="absolute_error").fit(X, y)
        # Its loss is half the absolute error.
        theirs = QuantileRegressor(quantile=0.5, alpha=0.05).fit(X, y)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-6)
        np.testing.assert_array_equal(ours.coef_ == 0, np.abs(theirs.coef_) < 1e-9)


class TestLimits:
    @pytest.mark.parametrize("norm", NORMS)
    def test_huge_radius_gives_the_constant_exactly(self, norm):
        for model in learners(norm, 50.0):
            X, y = targets(model)
            model.fit(X, y)
            assert not np.any(model.coef_)
            if model.loss == "log_loss":
                assert model.intercept_[0] == pytest.approx(logit(y.mean()), abs=1e-6)
                assert np.all(np.isinf(model.shift_radius(X)))
            if model.loss == "squared_error":
                assert model.intercept_ == pytest.approx(y.mean())

    def test_constant_target(self):
        X, _ = numbers()
        model = AdversarialRegressor().fit(X, np.full(len(X), 3.0))
        assert not np.any(model.coef_)
        assert model.intercept_ == 3.0
        assert model.max_shift_ == 0.0

    def test_constant_and_duplicate_columns(self):
        for model in learners(2):
            X, y = targets(model)
            wide = np.column_stack([X, np.full(len(X), 7.3), X[:, 0]])
            model.fit(wide, y)
            coef = np.ravel(model.coef_)
            assert coef[6] == 0.0
            assert coef[0] == pytest.approx(coef[7], abs=1e-5)

    @pytest.mark.parametrize("unit", [1e-120, 1e-8, 1e8, 1e120])
    @pytest.mark.parametrize("norm", NORMS)
    def test_units_do_not_matter(self, unit, norm):
        X, y = numbers()
        plain = AdversarialRegressor(norm=norm, radius=0.1).fit(X, y)
        scaled = AdversarialRegressor(norm=norm, radius=0.1 * unit).fit(X * unit, y)
        np.testing.assert_allclose(scaled.coef_ * unit, plain.coef_, rtol=1e-6, atol=1e-9)
        scaled = AdversarialRegressor(norm=norm, radius=0.1).fit(X, y * unit)
        np.testing.assert_allclose(scaled.coef_ / unit, plain.coef_, rtol=1e-6, atol=1e-9)

    def test_columns_of_very_different_units(self):
        X, y = labelled()
        units = 10.0 ** np.array([-9, 9, 0, 5, -5, 2])
        plain = AdversarialClassifier(norm=np.inf, radius=0.1, C=1e6).fit(X, y)
        scaled = AdversarialClassifier(norm=np.inf, radius=0.1 * units, C=1e6).fit(X * units, y)
        # Only the penalty, which is next to nothing, knows the unit.
        assert np.mean(plain.predict(X) == scaled.predict(X * units)) > 0.97

    @pytest.mark.parametrize("norm", NORMS)
    def test_separable_rows_are_held_by_the_radius(self, norm):
        X = np.array([[-2.0, 0.3], [-3.0, 0.1], [2.0, -0.2], [3.0, 0.4]])
        y = np.array([0, 0, 1, 1])
        tight = AdversarialClassifier(norm=norm, radius=2.5, C=1e8).fit(X, y)
        loose = AdversarialClassifier(norm=norm, radius=0.0, C=1e8).fit(X, y)
        assert np.abs(tight.coef_).max() < 1.0 < 5.0 < np.abs(loose.coef_).max()

    def test_few_iterations_are_said_to_be_too_few(self):
        X, y = labelled()
        with pytest.warns(ConvergenceWarning, match=r"After 2 iterations the objective, .* Raise max_iter or tol"):
            model = AdversarialClassifier(max_iter=2).fit(X, y)
        true = AdversarialClassifier().fit(X, y).objective_
        assert model.objective_ - model.dual_gap_ <= true <= model.objective_


class TestInput:
    @pytest.mark.parametrize("norm", NORMS)
    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_sparse_rows_stay_sparse(self, norm, fit_intercept, monkeypatch):
        for model in learners(norm, fit_intercept=fit_intercept):
            X, y = targets(model)
            X = np.where(np.abs(X) > 0.7, X, 0.0)
            dense = clone(model).fit(X, y)
            with monkeypatch.context() as patch:
                for kind in (sp.csr_array, sp.csr_matrix):
                    whole = kind.toarray

                    def small(self, *args, whole=whole, **kwargs):
                        assert self.shape[0] <= 6
                        return whole(self, *args, **kwargs)

                    patch.setattr(kind, "toarray", small)
                sparse = clone(model).fit(sp.csr_matrix(X), y)
            # The hinge's optimum need not be one point.
            np.testing.assert_allclose(sparse.objective_, dense.objective_, rtol=1e-8)
            if model.loss != "hinge":
                np.testing.assert_allclose(sparse.coef_, dense.coef_, atol=1e-5)

    def test_without_intercept_it_is_zero(self):
        for model in learners(2, fit_intercept=False):
            X, y = targets(model)
            assert np.max(np.abs(model.fit(X, y).intercept_)) == 0.0

    @pytest.mark.parametrize("norm", NORMS)
    def test_weights_are_copies(self, norm):
        for model in learners(norm):
            X, y = targets(model)
            times = np.arange(len(y)) % 3
            weighted = clone(model).fit(X, y, sample_weight=times)
            copied = clone(model).fit(np.repeat(X, times, axis=0), np.repeat(y, times))
            np.testing.assert_allclose(weighted.objective_, copied.objective_, rtol=1e-8)
            np.testing.assert_allclose(weighted.coef_, copied.coef_, atol=1e-5)

    def test_rows_of_no_weight_bring_no_class(self):
        X, y = labelled()
        labels = np.where(np.arange(len(y)) == 0, "ghost", np.where(y == 1, "yes", "no"))
        model = AdversarialClassifier().fit(X, labels, sample_weight=np.arange(len(y)) > 0)
        assert model.classes_.tolist() == ["no", "yes"]
        with pytest.raises(ValueError, match=r"weights .*zero"):
            model.fit(X, labels, sample_weight=np.zeros(len(y)))

    def test_order_of_rows_does_not_matter(self):
        for model in learners(np.inf):
            X, y = targets(model)
            order = np.random.default_rng(0).permutation(len(y))
            there, back = clone(model).fit(X, y), clone(model).fit(X[order], y[order])
            np.testing.assert_allclose(there.objective_, back.objective_, rtol=1e-9)

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"radius": -0.1}, "radius"),
            ({"radius": np.nan}, "radius"),
            ({"radius": np.inf}, "radius"),
            ({"radius": [0.1, 0.2]}, r"one number for each of the 6 columns, got shape \(2,\)"),
            ({"radius": [0.1] * 5 + [-1.0]}, "radius must be finite and not negative"),
            ({"radius": [0.1] * 5 + [np.nan]}, "radius must be finite and not negative"),
            ({"radius": [[0.1] * 6]}, r"got shape \(1, 6\)"),
            ({"norm": 3}, "norm must be 1, 2 or numpy.inf, got 3"),
            ({"norm": "inf"}, "norm"),
            ({"loss": "0-1"}, "loss"),
            ({"tol": 0.0}, "tol"),
            ({"solver": "newton"}, "solver"),
        ],
    )
    def test_bad_parameters_are_named(self, params, message):
        for model, (X, y) in ((AdversarialClassifier(), labelled()), (AdversarialRegressor(), numbers())):
            with pytest.raises(ValueError, match=message):
                model.set_params(**params).fit(X, y)

    def test_one_class(self):
        X, _ = labelled()
        with pytest.raises(ValueError, match=r"needs two classes or more, got one class: .*'a'"):
            AdversarialClassifier().fit(X, ["a"] * len(X))

    def test_nothing_to_bound_the_coefficients(self):
        X, y = numbers()
        with pytest.raises(ValueError, match=r"alpha=0 leaves coefficients .* Set alpha > 0"):
            AdversarialRegressor(radius=0.0).fit(X, y)
        with pytest.raises(ValueError, match="alpha=0"):
            AdversarialRegressor(radius=[0.1, 0.1, 0.0, 0.1, 0.1, 0.1]).fit(X, y)

    def test_probabilities_only_of_the_logistic_loss(self):
        X, y = labelled()
        with pytest.raises(AttributeError, match="predict_proba"):
            AdversarialClassifier(loss="hinge").fit(X, y).predict_proba(X)
        model = AdversarialClassifier().fit(X, y)
        np.testing.assert_allclose(model.predict_proba(X)[:, 1], expit(model.decision_function(X)))


class TestClasses:
    def test_several_classes_are_each_against_the_others(self):
        X, y = load_iris(return_X_y=True)
        names = np.array(["setosa", "versicolor", "virginica"])[y]
        model = AdversarialClassifier(radius=0.05).fit(X, names)
        assert model.coef_.shape == (3, 4)
        assert model.score(X, names) > 0.9
        for k, name in enumerate(names[[0, 50, 100]]):
            one = AdversarialClassifier(radius=0.05).fit(X, names == name)
            np.testing.assert_allclose(one.coef_[0], model.coef_[k])
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)

    @pytest.mark.parametrize("norm", NORMS)
    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("radius", [0.1, [0.1, 0.4, 0.0, 0.2]])
    def test_shift_radius_is_exact(self, norm, n_classes, radius):
        X, y = load_iris(return_X_y=True)
        X, y = X[y < n_classes], y[y < n_classes]
        model = AdversarialClassifier(radius=radius, norm=norm).fit(X, y)
        unit = np.ones(4) if np.ndim(radius) == 0 else np.array(radius)
        coef = np.vstack([np.zeros(4), model.coef_[0]]) if n_classes == 2 else model.coef_
        radii, before = model.shift_radius(X), model.predict(X)
        moved_at = np.full(len(X), np.inf)
        for rival in range(n_classes):
            gap = coef[rival] - coef[before]
            size = np.abs(gap) * unit
            corner = {
                1: (size == size.max(axis=1, keepdims=True)).astype(float),
                2: size / np.maximum(np.linalg.norm(size, axis=1, keepdims=True), 1e-300),
                np.inf: np.ones_like(size),
            }[norm]
            worst = np.sign(gap) * corner * unit
            for share, changed in ((1 - 1e-9, False), (1 + 1e-6, True)):
                after = model.predict(X + share * radii[:, None] * worst)
                if not changed:
                    np.testing.assert_array_equal(after, before)
                moved_at = np.where(after != before, np.minimum(moved_at, share), moved_at)
        assert np.all(moved_at <= 1 + 1e-6)


@pytest.fixture
def eights():
    """Threes and eights, half of them to train on."""
    X, y = load_digits(return_X_y=True)
    kept = np.isin(y, [3, 8])
    X, y = X[kept] / 16, y[kept]
    return X[::2], y[::2], X[1::2], y[1::2]


class TestPurpose:
    def test_a_trigger_within_the_radius_loses_its_hold(self, eights):
        X, y, X_test, y_test = eights
        poisoned = BackdoorAttack(ColumnTrigger({0: 0.5}), 8).generate(X, y, budget=9, random_state=0)
        stamp = poisoned.details["trigger"]
        gains = []
        for radius in (0.0, 0.5):
            model = AdversarialClassifier(radius=radius).fit(poisoned.X, poisoned.y)
            before, after = (attack_success_rate(model, X_test, y_test, mark, 8) for mark in (None, stamp))
            gains.append(after - before)
            assert model.score(X_test, y_test) > 0.93
        assert gains[0] > 0.1
        assert gains[1] < 0.02

    def test_flipped_labels_keep_theirs(self, eights):
        X, y, X_test, y_test = eights
        flipped = FarFlipAttack().generate(X, y, budget=18, random_state=0)
        plain, ours = (
            AdversarialClassifier(radius=radius).fit(flipped.X, flipped.y).score(X_test, y_test)
            for radius in (0.0, 0.5)
        )
        assert ours < plain

    def test_in_a_partition_ensemble(self):
        X, y = load_breast_cancer(return_X_y=True)
        base = make_pipeline(StandardScaler(), AdversarialClassifier(radius=0.3))
        model = PartitionClassifier(base, n_partitions=9).fit(X, y)
        assert model.score(X, y) > 0.93
        assert np.median(model.certify(X[:50]).radius) >= 3


def test_shift_radius_counts_the_rounding_of_far_rows():
    """Two functions that nearly agree leave a long way to go, where scores round by more than they differ."""
    model = AdversarialClassifier(radius=0.1).fit(np.array([[-1.0], [0.0], [1.0]]), [0, 1, 2])
    model.coef_ = np.array([[-0.019858118039834657], [-0.019858517546966006], [0.04003706931541592]])
    model.intercept_ = np.array([-0.0030107132236391054, -0.003004067805633559, -1.0019844949245802])
    rows = np.linspace(-1e-3, 1e-3, 401)[:, None]
    radius, labels = model.shift_radius(rows), model.predict(rows)
    for share in (1.0 - 1e-15, 1.0 - 1e-13, 1.0 - 1e-11):
        for sign in (-1.0, 1.0):
            np.testing.assert_array_equal(model.predict(rows + sign * share * radius[:, None]), labels)


def test_a_gap_is_never_less_than_rounding():
    X = np.repeat(np.random.default_rng(0).normal(size=(5, 2)), 4, axis=0)
    model = AdversarialRegressor(alpha=1000.0).fit(X, X[:, 0])
    assert model.dual_gap_ > 0.0
