"""LTSRegressor: exact answers, bad rows of several kinds, exact fits, degenerate data, and what must not matter."""

import importlib.util
import json
import os
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from classic_regressions import HAWKINS_BRADU_KASS, STACKLOSS
from families import diabetes
from sklearn.linear_model import ElasticNet, LinearRegression, Ridge
from sklearn.utils._param_validation import InvalidParameterError
from test_isolation import assert_isolated

from robustfit import PartitionRegressor
from robustfit.trimmed import LTSRegressor

DATA = os.environ.get("ROBUSTFIT_DATA")


def linear(n, d, seed, share=0.0, kind=None):
    """A linear model with unit noise, some of its rows replaced; also which, and least squares on the others."""
    rng = np.random.default_rng(seed)
    slopes = rng.normal(size=d)
    X = rng.normal(size=(n, d))
    y = X @ slopes + 1.0 + rng.normal(size=n)
    bad = rng.permutation(n) < round(share * n)
    m, away = bad.sum(), rng.normal(size=d)
    if kind == "cluster":
        X[bad] = 8.0 * away / np.linalg.norm(away) + 0.1 * rng.normal(size=(m, d))
        y[bad] = X[bad] @ slopes + 30.0
    elif kind == "corners":
        X[bad] = np.where(rng.random((m, d)) < 0.7, X.min(axis=0), X.max(axis=0))
        y[bad] = np.where(X[bad] @ slopes > 0, y.min(), y.max())
    elif kind == "spread":
        X[bad] *= 3.0
        y[bad] = -X[bad] @ slopes + rng.normal(size=m)
    elif kind == "mild":
        X[bad] = 2.0 * away / np.linalg.norm(away) + 0.1 * rng.normal(size=(m, d))
        y[bad] = X[bad] @ slopes - 5.0 + 0.1 * rng.normal(size=m)
    clean = LinearRegression().fit(X[~bad], y[~bad])
    return X, y, bad, np.append(clean.coef_, clean.intercept_)


def coefs(model):
    return np.append(model.coef_, model.intercept_)


def least_objective(X, y, h, *, fit_intercept, ridge):
    """The optimum, by every subset of h rows."""
    A = np.column_stack([X, np.ones(len(y))]) if fit_intercept else X
    subsets = np.array(list(combinations(range(len(y)), h)))
    rows, target = A[subsets], y[subsets]
    if ridge:
        price = np.diag(np.r_[np.full(X.shape[1], ridge), np.zeros(int(fit_intercept))])
        turned = rows.transpose(0, 2, 1)
        b = np.linalg.solve(turned @ rows + price, turned @ target[:, :, None])
        residuals = target - (rows @ b)[:, :, 0]
        return (np.square(residuals).sum(axis=1) + (np.square(b[:, :, 0]) @ price).sum(axis=1)).min()
    left, size, _ = np.linalg.svd(rows, full_matrices=False)
    left *= (size > 1e-9 * size[:, :1])[:, None, :]
    residuals = target - (left @ (left.transpose(0, 2, 1) @ target[:, :, None]))[:, :, 0]
    return np.square(residuals).sum(axis=1).min()


def tiny_case(i):
    rng = np.random.default_rng(i)
    n, d = int(rng.integers(6, 13)), int(rng.integers(1, 4))
    X = rng.normal(size=(n, d))
    y = X.sum(axis=1) + rng.normal(size=n)
    if i % 5 == 1:
        X, y = rng.integers(-2, 3, (n, d)).astype(float), rng.integers(-5, 6, n).astype(float)
    elif i % 5 == 2:
        X = X[rng.integers(0, n // 2, n)]
    elif i % 5 == 3:
        X = np.eye(d + 1)[rng.integers(0, d + 1, n)][:, :d]
    elif i % 5 == 4:
        X[: n // 3] += 8.0
        y[: n // 3] -= 10.0
    params = {"alpha": float(rng.choice([0.5, 0.6, 0.75])), "fit_intercept": bool(rng.integers(2))}
    return X, y, params | {"ridge": 0.5 * (i % 3 == 0)}


def count_missed(cases):
    missed = 0
    for i in cases:
        X, y, params = tiny_case(i)
        model = LTSRegressor(**params, final=None, random_state=i).fit(X, y)
        least = least_objective(
            X, y, model.support_.sum(), fit_intercept=params["fit_intercept"], ridge=params["ridge"]
        )
        assert model.objective_ >= least * (1 - 1e-8) - 1e-12
        missed += model.objective_ > least * (1 + 1e-8) + 1e-12
    return missed


def test_every_subset_of_few_rows():
    assert count_missed(range(150)) <= 1


@pytest.mark.slow
def test_every_subset_of_few_rows_many(effort):
    assert count_missed(range(1000, 1500 + 100 * effort)) <= 0.01 * (500 + 100 * effort)


def test_stackloss():
    X, y = STACKLOSS[:, :3], STACKLOSS[:, 3]
    for seed in range(5):
        model = LTSRegressor(alpha=0.5, final=None, random_state=seed).fit(X, y)
        assert model.support_.sum() == 13
        # By enumeration of all 203 490 subsets.
        assert model.objective_ == pytest.approx(2.932391246119987, rel=1e-8)
        np.testing.assert_allclose(model.coef_, [0.7409210642, 0.3915267228, 0.0111345398], atol=1e-9)
        assert model.intercept_ == pytest.approx(-37.3233264709, abs=1e-8)


@pytest.mark.parametrize("alpha", [0.5, 0.75, "auto"])
def test_hawkins_bradu_kass(alpha):
    X, y = HAWKINS_BRADU_KASS[:, :3], HAWKINS_BRADU_KASS[:, 3]
    model = LTSRegressor(alpha=alpha).fit(X, y)
    assert np.flatnonzero(model.weights_ == 0).tolist() == list(range(10))
    assert model.contamination_ == pytest.approx(10 / 75)
    if alpha == 0.5:
        assert model.objective_ <= 2.9474


def classic(name, target=None, drop=()):
    """Features and target of a set in the folder of real data."""
    spec = importlib.util.spec_from_file_location("robustfit_data", Path(DATA) / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if target is None:
        X, y = module.load(f"robustbase/{name}")
        return np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    frame = module.raw(f"robustbase/{name}").select_dtypes("number").drop(columns=list(drop))
    return frame.drop(columns=target).to_numpy(dtype=float), frame[target].to_numpy(dtype=float)


@pytest.mark.skipif(not DATA, reason="ROBUSTFIT_DATA is not set")
def test_known_answers():
    answers = json.loads((Path(DATA) / "robustbase/known_answers_exact_lts.json").read_text())
    assert len(answers) == 9
    for name, answer in answers.items():
        X, y = classic(name)
        for seed in range(20):
            model = LTSRegressor(alpha=0.5, final=None, random_state=seed).fit(X, y)
            assert model.support_.sum() == answer["h"]
            assert model.objective_ == pytest.approx(answer["lts_objective"], rel=1e-8), (name, seed)


@pytest.mark.skipif(not DATA, reason="ROBUSTFIT_DATA is not set")
@pytest.mark.parametrize(
    ("name", "h", "best", "flagged"),
    [
        ("starsCYG", 25, 0.836893, [7, 9, 11, 20, 30, 34]),
        ("hbk", 40, 2.9473, list(range(1, 11))),
        ("Animals2", 34, 2.37652, [6, 14, 16, 17, 26]),
        ("education", 27, 3414.45, [7, 15, 50]),
        ("salinity", 16, 0.69801, None),
    ],
)
def test_best_known_objectives(name, h, best, flagged):
    how = {"Animals2": {"target": "brain"}, "education": {"target": "Y", "drop": ["Region"]}}
    X, y = classic(name, **how.get(name, {}))
    if name == "Animals2":
        X, y = np.log(X), np.log(y)
    model = LTSRegressor(alpha=0.5).fit(X, y)
    assert model.support_.sum() == h
    # The best known are given to six digits.
    assert model.objective_ <= best * (1 + 2e-6)
    if flagged:
        assert (np.flatnonzero(model.weights_ == 0) + 1).tolist() == flagged


@pytest.mark.parametrize("alpha", [0.75, "auto"])
@pytest.mark.parametrize("final", ["reweight", "mm"])
@pytest.mark.parametrize("kind", ["cluster", "corners", "spread", "mild"])
def test_a_fifth_of_bad_rows(kind, final, alpha):
    X, y, bad, clean = linear(3000, 8, 0, 0.2, kind)
    model = LTSRegressor(alpha=alpha, final=final).fit(X, y)
    assert np.linalg.norm(coefs(model) - clean) < 0.1
    assert np.linalg.norm(LinearRegression().fit(X, y).coef_ - clean[:-1]) > 0.4
    assert np.mean(model.weights_[bad] == 0) > (0.6 if kind == "spread" else 0.99)
    assert model.contamination_ == pytest.approx(0.2, abs=0.05)
    assert model.scale_ == pytest.approx(1.0, abs=0.1)
    if alpha == "auto":
        assert 0.6 <= model.alpha_ <= 0.8


@pytest.mark.parametrize("kind", ["cluster", "corners", "spread", "mild"])
def test_alpha_is_found(kind):
    """Three rows of ten are bad; of a tight cluster least trimmed squares itself makes the rows that agree best."""
    X, y, _, clean = linear(3000, 8, 1, 0.3, kind)
    model = LTSRegressor(alpha="auto").fit(X, y)
    assert np.linalg.norm(coefs(model) - clean) < 0.15
    assert 0.55 <= model.alpha_ <= 0.7
    if kind == "mild":
        trapped = LTSRegressor(alpha=model.alpha_, final=None).fit(X, y)
        assert trapped.objective_ < model.objective_
        assert np.linalg.norm(coefs(trapped) - clean) > 1.0


def test_alpha_of_clean_data_is_large():
    X, y, _, _ = linear(1000, 5, 2)
    model = LTSRegressor(alpha="auto").fit(X, y)
    assert model.alpha_ == 0.95
    assert set(model.start_report_) > {"path", "random", "spectral"}


def test_clean_data_cost_next_to_nothing():
    """Of the squared error of least squares, the raw fit makes several times as much."""
    errors = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(2000, 10))
        y = X.sum(axis=1) + rng.normal(size=2000)
        truth = np.r_[np.ones(10), 0.0]
        finals = ("reweight", "mm", None)
        models = [LinearRegression(), *(LTSRegressor(alpha=0.75, final=final, n_starts=50) for final in finals)]
        errors.append([np.linalg.norm(coefs(model.fit(X, y)) - truth) for model in models])
    ols, reweighted, mm, raw = np.mean(errors, axis=0)
    assert reweighted < 1.1 * ols
    assert mm < 1.1 * ols
    assert raw > 1.5 * ols


@pytest.mark.parametrize("final", ["reweight", "mm", None])
def test_exact_fit(final):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    y = X @ [1.0, 2.0, -3.0] + 5.0
    y[:35] += rng.normal(size=35) + 3.0
    model = LTSRegressor(alpha=0.5, final=final).fit(X, y)
    assert model.exact_fit_
    assert model.scale_ == 0.0
    np.testing.assert_allclose(coefs(model), [1.0, 2.0, -3.0, 5.0], rtol=1e-12)
    np.testing.assert_array_equal(model.weights_, np.arange(100) >= 35)
    assert model.contamination_ == 0.35
    assert model.support_.sum() == 52
    assert not LTSRegressor(alpha=0.75, final=final).fit(X, y).exact_fit_


def test_all_residuals_equal():
    """Exactly h rows are kept, the same ones wherever they stand."""
    y = np.repeat([1.0, -1.0], 10)
    X = np.zeros((20, 1))
    for constant in (y, np.ones(20)):
        model = LTSRegressor(alpha=0.75, fit_intercept=False, final=None).fit(X, constant)
        assert model.support_.sum() == 15
        assert model.coef_.tolist() == [0.0]
    assert LTSRegressor().fit(X, np.ones(20)).exact_fit_
    X = np.random.default_rng(0).integers(0, 2, (20, 1)).astype(float)
    model = LTSRegressor(alpha=0.75, final=None).fit(X, y)
    order = np.random.default_rng(1).permutation(20)
    again = LTSRegressor(alpha=0.75, final=None).fit(X[order], y[order])
    kept = {tuple(row) for row in np.column_stack([X, y])[model.support_]}
    assert kept == {tuple(row) for row in np.column_stack([X, y])[order][again.support_]}
    assert again.objective_ == pytest.approx(model.objective_)


@pytest.mark.parametrize("alpha", [0.75, "auto"])
@pytest.mark.parametrize("n", [60, 400, 4000])
def test_order_of_rows_does_not_matter(n, alpha):
    X, y, _, _ = linear(n, 4, 3, 0.2, "cluster")
    model = LTSRegressor(alpha=alpha).fit(X, y)
    order = np.random.default_rng(0).permutation(n)
    again = LTSRegressor(alpha=alpha).fit(X[order], y[order])
    np.testing.assert_allclose(coefs(again), coefs(model), rtol=1e-9)
    np.testing.assert_array_equal(again.support_, model.support_[order])
    np.testing.assert_array_equal(again.weights_, model.weights_[order])


def test_jobs_and_repetition_do_not_matter():
    X, y, _, _ = linear(4000, 4, 4, 0.2, "spread")
    models = [LTSRegressor(n_jobs=n_jobs).fit(X, y) for n_jobs in (None, None, 2, -1)]
    for model in models[1:]:
        np.testing.assert_array_equal(coefs(model), coefs(models[0]))
        assert model.start_report_ == models[0].start_report_


def test_single_precision_is_its_double():
    X, y, _, _ = linear(500, 3, 5, 0.2, "cluster")
    single = X.astype(np.float32)
    np.testing.assert_array_equal(
        coefs(LTSRegressor().fit(single, y)), coefs(LTSRegressor().fit(single.astype(float), y))
    )


@pytest.mark.parametrize("alpha", [0.6, "auto"])
def test_units_do_not_matter(alpha):
    X, y, _, _ = linear(300, 4, 6, 0.2, "cluster")
    model = LTSRegressor(alpha=alpha).fit(X, y)
    unit, shift = np.array([1e-9, 1.0, 1e5, 1e100]), np.array([0.0, 1e3, 1e5, 0.0])
    again = LTSRegressor(alpha=alpha).fit(X * unit + shift, 1e-6 * y + 3.0)
    np.testing.assert_allclose(again.coef_ * unit * 1e6, model.coef_, rtol=1e-7)
    np.testing.assert_array_equal(again.support_, model.support_)
    np.testing.assert_array_equal(again.weights_, model.weights_)
    assert again.scale_ == pytest.approx(1e-6 * model.scale_)
    assert again.objective_ == pytest.approx(1e-12 * model.objective_)


def test_axes_do_not_matter():
    X, y, _, _ = linear(300, 4, 7, 0.25, "cluster")
    turn = np.random.default_rng(0).normal(size=(4, 4))
    model, again = (
        LTSRegressor(alpha=0.6).fit(X, y),
        LTSRegressor(alpha=0.6).fit(X @ turn, y + X @ [1.0, 2.0, 3.0, 4.0]),
    )
    np.testing.assert_allclose(turn @ again.coef_, model.coef_ + np.arange(1.0, 5.0), rtol=1e-8)
    np.testing.assert_array_equal(again.support_, model.support_)


@pytest.mark.parametrize("unit", [1e-150, 1e150])
def test_tiny_and_huge_units(unit):
    X, y, _, _ = linear(200, 3, 8, 0.2, "cluster")
    model = LTSRegressor().fit(X, y)
    np.testing.assert_allclose(LTSRegressor().fit(X * unit, y).coef_ * unit, model.coef_, rtol=1e-9)
    again = LTSRegressor().fit(X, y * unit)
    np.testing.assert_allclose(again.coef_ / unit, model.coef_, rtol=1e-9)
    assert again.scale_ / unit == pytest.approx(model.scale_)


def test_one_far_cell_takes_nothing():
    X, y, _, _ = linear(200, 3, 9)
    model = LTSRegressor().fit(X[1:], y[1:])
    for far in (1e20, 1e200, 1.7e308):
        broken = X.copy()
        broken[0, 1] = far
        again = LTSRegressor().fit(broken, y)
        assert again.weights_[0] == 0
        np.testing.assert_allclose(coefs(again), coefs(model), atol=0.15)
        spoilt = y.copy()
        spoilt[0] = far
        assert LTSRegressor().fit(X, spoilt).weights_[0] == 0


def test_columns_that_depend_on_others():
    """The solution of smallest norm on the rows kept, as of LinearRegression."""
    X, y, _, _ = linear(200, 3, 10, 0.2, "cluster")
    X = np.column_stack([X, X[:, 0], 10.0 * X[:, 1] - X[:, 2], np.full(200, 7.0), np.zeros(200)])
    for final in ("reweight", None):
        model = LTSRegressor(final=final).fit(X, y)
        rows = model.weights_ > 0
        np.testing.assert_allclose(model.coef_, LinearRegression().fit(X[rows], y[rows]).coef_, atol=1e-9)


def test_dummies_that_vanish_in_subsets():
    rng = np.random.default_rng(11)
    kind = rng.choice(5, size=300, p=[0.6, 0.3, 0.08, 0.01, 0.01])
    X = np.column_stack([np.eye(5)[kind], rng.normal(size=300)])
    effects = np.array([0.0, 3.0, -5.0, 40.0, -40.0])
    y = effects[kind] + 2.0 * X[:, 5] + 0.1 * rng.normal(size=300)
    y[:60] += 50.0
    for alpha in (0.5, 0.75):
        model = LTSRegressor(alpha=alpha).fit(X, y)
        assert model.coef_[5] == pytest.approx(2.0, abs=0.05)
        np.testing.assert_allclose(model.coef_[1:3] - model.coef_[0], [3.0, -5.0], atol=0.1)
        # Of the rare levels most rows may be bad.
        assert not model.weights_[:60][kind[:60] < 3].any()


@pytest.mark.parametrize(("ridge", "l1"), [(3.0, 0.0), (0.0, 60.0), (2.0, 60.0)])
def test_penalties_are_those_of_scikit_learn(ridge, l1):
    X, y, bad, _ = linear(200, 6, 12, 0.2, "cluster")
    y = y - X[:, 3:] @ LinearRegression().fit(X[~bad], y[~bad]).coef_[3:]
    model = LTSRegressor(final=None, ridge=ridge, l1=l1).fit(X, y)
    h = model.support_.sum()
    assert h == 150
    if l1:
        share = {"alpha": (l1 / 2 + ridge) / h, "l1_ratio": l1 / 2 / (l1 / 2 + ridge)}
        peer = ElasticNet(**share, tol=1e-12, max_iter=100_000)
        assert (model.coef_[3:] == 0).all()
    else:
        peer = Ridge(alpha=ridge, tol=1e-12)
    peer.fit(X[model.support_], y[model.support_])
    np.testing.assert_allclose(coefs(model), coefs(peer), atol=1e-7)
    squares = np.sort(np.square(y - model.predict(X)))[:h].sum()
    price = ridge * np.square(model.coef_).sum() + l1 * np.abs(model.coef_).sum()
    assert model.objective_ == pytest.approx(squares + price)
    assert not model.support_[bad].any()
    assert not LTSRegressor(ridge=ridge, l1=l1).fit(X, y).weights_[bad].any()


@pytest.mark.parametrize("params", [{"ridge": 1.0}, {"l1": 30.0}])
def test_more_columns_than_rows(params):
    rng = np.random.default_rng(13)
    X = rng.normal(size=(60, 100))
    y = 5.0 * X[:, 0] - 5.0 * X[:, 1] + 0.5 * rng.normal(size=60)
    y[:9] += 60.0
    model = LTSRegressor(**params, alpha=0.75, n_starts=100).fit(X, y)
    assert model.support_.sum() == 45
    if "l1" in params:
        assert np.abs(model.coef_[:2]).min() > 3.0
        assert np.count_nonzero(model.coef_) < 20
        assert not model.weights_[:9].any()


def test_rows_kept_and_breakdown_point():
    X, y, _, _ = linear(21, 3, 14)
    for alpha, h in ((0.5, 13), (0.75, 17), (1.0, 21), (0.1, 13)):
        model = LTSRegressor(alpha=alpha).fit(X, y)
        assert model.support_.sum() == h
        assert model.breakdown_point_ == pytest.approx((21 - h + 1) / 21)
    np.testing.assert_allclose(
        coefs(LTSRegressor(alpha=1.0, final=None).fit(X, y)), coefs(LinearRegression().fit(X, y)), rtol=1e-9
    )


def test_report_of_starts():
    X, y, _, _ = linear(2000, 4, 15, 0.2, "cluster")
    report = LTSRegressor(alpha=0.75).fit(X, y).start_report_
    assert len(report) == 13
    assert set(LTSRegressor().fit(X, y).start_report_) == {*report, "path"}
    assert report["all rows"] > 1.2 * report["random"]
    assert set(LTSRegressor(alpha=0.75, deterministic_starts=False).fit(X, y).start_report_) == {"random"}
    assert "random" not in LTSRegressor(n_starts=0).fit(X, y).start_report_


def test_without_intercept():
    X, y, bad, _ = linear(300, 3, 16, 0.2, "cluster")
    y = y - 1.0
    model = LTSRegressor(fit_intercept=False).fit(X, y)
    assert model.intercept_ == 0.0
    kept = model.weights_ > 0
    np.testing.assert_allclose(model.coef_, np.linalg.lstsq(X[kept], y[kept], rcond=None)[0], rtol=1e-9)
    assert not kept[bad].any()


def test_frames():
    X, y, _, _ = linear(100, 2, 17)
    model = LTSRegressor().fit(pd.DataFrame(X, columns=["a", "b"]), pd.Series(y))
    assert model.feature_names_in_.tolist() == ["a", "b"]
    np.testing.assert_array_equal(model.coef_, LTSRegressor().fit(X, y).coef_)


@pytest.mark.parametrize("base", [LTSRegressor(), LTSRegressor(alpha="auto", n_starts=50)], ids=["fixed", "auto"])
@pytest.mark.filterwarnings("ignore::robustfit.ensemble.PartitionWarning")
def test_members_are_isolated(base):
    assert_isolated(PartitionRegressor(base, n_partitions=5), *diabetes(), rows=(0, 17))


def test_shards_with_too_few_rows_abstain():
    X, y, _ = diabetes(60, 10)
    with pytest.warns(match="could not be fitted and abstain"):
        ensemble = PartitionRegressor(LTSRegressor(), n_partitions=5).fit(X, y)
    assert any("at least 11 rows are needed" in error for error in ensemble.member_errors_.values())


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"alpha": 0.0}, "'alpha' parameter"),
        ({"alpha": 1.5}, "'alpha' parameter"),
        ({"alpha": "most"}, "'alpha' parameter"),
        ({"ridge": -1.0}, "'ridge' parameter"),
        ({"l1": -1.0}, "'l1' parameter"),
        ({"final": "huber"}, "'final' parameter"),
        ({"group_size": 1}, "'group_size' parameter"),
    ],
)
def test_wrong_parameters(params, message):
    with pytest.raises(InvalidParameterError, match=message):
        LTSRegressor(**params).fit(*linear(30, 2, 0)[:2])


def test_refused_data():
    X, y, _, _ = linear(30, 4, 18)
    with pytest.raises(
        ValueError, match="n_samples=4 rows cannot determine 5 coefficients.*at least 5 rows.*set ridge"
    ):
        LTSRegressor().fit(X[:4], y[:4])
    assert LTSRegressor(ridge=1.0).fit(X[:4], y[:4]).support_.sum() == 3
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        LTSRegressor(ridge=1.0).fit(X[:1], y[:1])
    with pytest.raises(ValueError, match="nowhere to start"):
        LTSRegressor(n_starts=0, deterministic_starts=False).fit(X, y)
    with pytest.raises(ValueError, match="non-negative integer, got None"):
        LTSRegressor(random_state=None).fit(X, y)
    with pytest.raises(TypeError, match="sample_weight"):
        LTSRegressor().fit(X, y, sample_weight=np.ones(30))
    broken = X.copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        LTSRegressor().fit(broken, y)
    with pytest.raises(ValueError, match="rescale the columns"):
        LTSRegressor(ridge=1.0).fit(X * 1e-200, y)


@pytest.mark.parametrize("n", [5, 6, 7, 9])
def test_hardly_more_rows_than_coefficients(n):
    X, y, _, _ = linear(n, 4, 19)
    for params in ({}, {"alpha": 0.5}, {"alpha": "auto"}, {"final": "mm"}):
        model = LTSRegressor(**params).fit(X, y)
        assert np.isfinite(coefs(model)).all()
        assert np.isfinite(model.scale_)
        assert model.exact_fit_ == (model.support_.sum() == 5)
