"""Trimmed regressors: bad rows left out around any regressor."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from robustfit import PartitionRegressor
from robustfit.attacks import StatPAttack
from robustfit.trimmed import TrimmedRegressor, TrimmingWarning


def line(n=400, d=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, X @ np.arange(1.0, d + 1) + 0.5 * rng.normal(size=n)


class Constant(RegressorMixin, BaseEstimator):
    """Predicts the same for each row."""

    def fit(self, X, y):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.zeros(len(X))


@pytest.mark.parametrize(
    "base", [None, LinearRegression(), Lasso(0.01), make_pipeline(StandardScaler(), Ridge())], ids=str
)
def test_poison_at_the_corners_is_left_out(base):
    X, y = line()
    poisoned = StatPAttack().generate(X, y, budget=80)
    model = TrimmedRegressor(base, contamination=0.2).fit(poisoned.X, poisoned.y)
    assert model.support_[poisoned.is_poison].mean() <= 0.05
    clean = clone(model.estimator_).fit(X, y)
    assert np.mean((model.predict(X) - y) ** 2) <= 1.2 * np.mean((clean.predict(X) - y) ** 2)


@pytest.mark.parametrize("base", [Ridge(), LinearRegression()], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_bad_rows_in_a_direction_that_good_rows_leave_free(base, seed):
    rng = np.random.default_rng(seed)
    X = np.hstack([np.eye(3)[rng.integers(3, size=400)], rng.normal(size=(400, 3))])
    y = X[:, 3:].sum(axis=1) + rng.standard_t(3, size=400)
    # Two categories at once: slopes of all three and the intercept move together at no cost.
    X[:60, :3], y[:60] = [1.0, 1.0, 0.0], 20.0
    model = TrimmedRegressor(base, contamination=0.15).fit(X, y)
    assert not model.support_[:60].any()
    np.testing.assert_allclose(model.estimator_.coef_, [0, 0, 0, 1, 1, 1], atol=0.4)


@pytest.mark.parametrize("share", [0.1, 0.25])
def test_automatic_contamination(share):
    X, y = line()
    bad = int(share * len(y))
    y[:bad] = 40.0 + np.random.default_rng(1).normal(size=bad)
    model = TrimmedRegressor(contamination="auto").fit(X, y)
    assert not model.support_[:bad].any()
    assert model.contamination_ == pytest.approx(share, abs=0.06)
    assert TrimmedRegressor(contamination="auto").fit(*line()).contamination_ < 0.06


def test_no_trimming_is_the_estimator_itself():
    X, y = line()
    model = TrimmedRegressor(LinearRegression(), contamination=0).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), LinearRegression().fit(X, y).predict(X))
    assert (model.n_fits_, model.n_iter_) == (1, 0)


def test_exactly_so_many_rows_are_kept_and_ties_are_settled_by_content():
    X, _ = line(n=103)
    y = np.ones(103)
    model = TrimmedRegressor(Constant(), evaluation="in_sample", contamination=0.2).fit(X, y)
    assert model.support_.sum() == 103 - 20
    order = np.random.default_rng(0).permutation(103)
    again = clone(model).fit(X[order], y[order])
    np.testing.assert_array_equal(again.support_, model.support_[order])


def test_least_squares_steps_never_rise():
    X, y = line()
    y[:40] += 30.0 * X[:40, 0]
    model = TrimmedRegressor(LinearRegression()).fit(X, y)
    assert model.monotone_
    assert {run["ended"] for run in model.history_ if run["start"] in ("untrimmed", "all rows")} == {"fixed"}
    # One fit is shared; the reference rounds are no fits of the estimator.
    assert model.n_fits_ <= model.n_iter_ + 1


@pytest.mark.parametrize(
    ("base", "evaluation"), [(RandomForestRegressor(30), "out_of_bag"), (DecisionTreeRegressor(), "out_of_fold")]
)
def test_memorising_learners(base, evaluation):
    X, y = line()
    y[:40] += 40.0
    model = TrimmedRegressor(base).fit(X, y)
    assert model.evaluation_ == evaluation
    assert model.support_[:40].mean() <= 0.1
    own = TrimmedRegressor(DecisionTreeRegressor(), evaluation="in_sample", n_starts=1).fit(X, y)
    assert own.support_[:40].mean() > 0.5


@pytest.mark.parametrize("loss", ["absolute_error", "poisson", "gamma"])
def test_losses(loss):
    X, _ = line()
    y = np.exp(0.2 * X[:, 0] + 1.0)
    y[:20] = 60.0
    model = TrimmedRegressor(PoissonRegressor(alpha=0.01), loss=loss).fit(X, y)
    assert not model.support_[:20].any()


def test_predictions_that_are_no_numbers():
    class Undecided(Constant):
        def predict(self, X):
            return np.full(len(X), np.nan)

    X, y = line(n=50)
    with pytest.raises(ValueError, match="losses of 45 rows are NaN, more than may be left out"):
        TrimmedRegressor(Undecided(), evaluation="in_sample").fit(X, y)


def test_an_estimator_that_fails_on_a_subset():
    class Fussy(Constant):
        def fit(self, X, y):
            if len(y) < 90:
                raise ValueError("not enough rows for me")
            return self

        def __sklearn_is_fitted__(self):
            return True

    X, y = line(n=100)
    with pytest.warns(TrimmingWarning, match="not enough rows for me"):
        model = TrimmedRegressor(Fussy(), contamination=0.2, evaluation="in_sample").fit(X, y)
    assert model.support_.all()


def test_weights():
    X, y = line()
    y[:30] = 40.0
    weights = np.random.default_rng(0).integers(0, 4, len(y)).astype(float)
    rows = np.repeat(np.arange(len(y)), weights.astype(int))
    weighted = TrimmedRegressor(Ridge()).fit(X, y, sample_weight=weights)
    repeated = TrimmedRegressor(Ridge()).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-8)
    with sklearn.config_context(enable_metadata_routing=True):
        base = Ridge().set_fit_request(sample_weight=True)
        routed = TrimmedRegressor(base).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(routed.predict(X), weighted.predict(X))


def test_bad_input():
    X, y = line(n=40)
    for contamination in (0.5, -0.01, "some"):
        with pytest.raises(ValueError, match="'contamination' parameter"):
            TrimmedRegressor(contamination=contamination).fit(X, y)
    with pytest.raises(ValueError, match="use TrimmedClassifier"):
        TrimmedRegressor(LogisticRegression()).fit(X, y)
    y[3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        TrimmedRegressor().fit(X, y)


def test_members_of_a_median():
    X, y = line()
    y[:40] = 40.0
    model = PartitionRegressor(TrimmedRegressor(contamination=0.3), n_partitions=3).fit(X, y)
    assert np.mean((model.predict(X[40:]) - y[40:]) ** 2) < 0.5
