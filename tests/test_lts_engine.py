"""The parts of least trimmed squares, each against a slow way to the same answer."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.linear_model import ElasticNet, LinearRegression

from robustfit._meta._robust_scale import robust_location_scale
from robustfit.trimmed import LTSRegressor
from robustfit.trimmed._lts._alpha_path import longest_level
from robustfit.trimmed._lts._concentrate import SmallSet, distinct
from robustfit.trimmed._lts._descend import descend
from robustfit.trimmed._lts._elemental import elemental_starts, random_subsets
from robustfit.trimmed._lts._exchange import _changes, exchange
from robustfit.trimmed._lts._filter_starts import sparse_subsets, spectral_subset
from robustfit.trimmed._lts._final_fit import bisquare_fit, degrees_of_freedom, fit_rows
from robustfit.trimmed._lts._lasso import EXACT, ROUGH, solve_lasso
from robustfit.trimmed._lts._normal_equations import Normal, gram_moved, gram_of, solve_many, solve_one
from robustfit.trimmed._lts._problem import Problem
from robustfit.trimmed._lts._reweight import Outliers, find_outliers, normal_distance
from robustfit.trimmed._lts._scale import trimmed_scale, truncated_variance, variance_within
from robustfit.trimmed._lts._scatter_starts import central_halves
from robustfit.trimmed._lts._starts import pool_rows
from robustfit.trimmed._lts._trim import rows_kept
from robustfit.trimmed._lts._units import Units


def problem_of(n=200, d=4, seed=0, ridge=0.0, l1=0.0, n_bad=0):
    rng = np.random.default_rng(seed)
    X = np.column_stack([rng.normal(size=(n, d)), np.ones(n)])
    y = X.sum(axis=1) + rng.normal(size=n)
    X[:n_bad, :d], y[:n_bad] = 6.0 + 0.1 * rng.normal(size=(n_bad, d)), -20.0
    keys = rng.permutation(n).astype(np.uint64)
    price = np.r_[np.ones(d), 0.0]
    return Problem(X, y, ridge * price, l1 * price, keys)


def unit_units(d):
    return Units(np.zeros(d), np.ones(d), 0.0, 1.0)


# Units


def test_location_and_scale_resist_far_values():
    rng = np.random.default_rng(0)
    values = rng.normal([5.0, -100.0], [2.0, 0.01], size=(5000, 2))
    values[:1500] = 1e300
    location, scale = robust_location_scale(values)
    assert np.abs((location - [5.0, -100.0]) / [2.0, 0.01]).max() < 0.8
    assert (scale / [2.0, 0.01]).max() < 2.0


@pytest.mark.parametrize("n_rows", [1, 2, 7, 8])
@pytest.mark.parametrize("order", ["C", "F"])
def test_location_and_scale_are_those_of_medians(n_rows, order):
    values = np.array(np.random.default_rng(n_rows).normal(size=(n_rows, 3)), order=order)
    given = values.copy()
    location, scale = robust_location_scale(values)
    np.testing.assert_array_equal(values, given)
    np.testing.assert_array_equal(location, np.median(values, axis=0))
    deviation = np.median(np.abs(values - location), axis=0) / norm.ppf(0.75)
    np.testing.assert_allclose(scale, deviation if n_rows > 1 else 1.0)


def test_scale_falls_back_where_most_values_are_one():
    tenth = np.r_[np.ones(10), np.zeros(90)]
    third = np.r_[np.ones(33), np.zeros(67)]
    far = np.r_[1e300, np.zeros(99)]
    scale = robust_location_scale(np.column_stack([tenth, third, np.full(100, 3.0), far]))[1]
    assert scale[0] == pytest.approx(0.3)
    assert scale[1] == pytest.approx(1.0 / (2 * norm.ppf(0.75)))
    assert scale[2] == 1.0
    assert scale[3] == pytest.approx(1e300 * np.sqrt(0.99) / 10)


@pytest.mark.parametrize("centred", [True, False])
def test_units_are_left_as_they_were_entered(centred):
    rng = np.random.default_rng(1)
    X, y = rng.normal([3.0, 1e6], [1e-5, 10.0], size=(50, 2)), rng.normal(7.0, 1e4, size=50)
    units = Units.of(X, y, centred=centred)
    rows, target = units.enter(X, y, intercept=centred)
    coefs = rng.normal(size=rows.shape[1])
    slopes, intercept = units.leave(coefs)
    np.testing.assert_allclose(y - X @ slopes - intercept, (target - rows @ coefs) * units.target_scale, rtol=1e-6)
    assert centred or intercept == 0.0


# Normal equations


@pytest.mark.parametrize(("n_subsets", "most"), [(5, 1 << 22), (20, 1 << 22), (20, 0)])
def test_gram_matrices_of_many_subsets(n_subsets, most, monkeypatch):
    monkeypatch.setattr("robustfit.trimmed._lts._normal_equations._MOST_PRODUCTS", most)
    problem = problem_of()
    masks = np.random.default_rng(0).random((n_subsets, 200)) < 0.5
    gram, moment = Normal(problem).of(masks)
    for i, mask in enumerate(masks):
        rows, target = problem.rows[mask], problem.target[mask]
        np.testing.assert_allclose(gram[i], rows.T @ rows)
        np.testing.assert_allclose(moment[i], rows.T @ target)


def test_gram_matrices_move_with_the_rows():
    problem = problem_of(n=5000)
    rng = np.random.default_rng(0)
    before = rng.random(5000) < 0.6
    start = gram_of(problem, np.flatnonzero(before))
    for share in (0.01, 0.5):
        after = before ^ (rng.random(5000) < share)
        gram, moment = gram_moved(problem, *start, before, after)
        rows = problem.rows[after]
        np.testing.assert_allclose(gram, rows.T @ rows, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(moment, rows.T @ problem.target[after], rtol=1e-9)


def test_far_rows_that_leave_take_no_digits_with_them():
    problem = problem_of(n=1000)
    problem.rows[3, :4] = 1e9
    before = np.ones(1000, dtype=bool)
    after = np.arange(1000) != 3
    gram, _ = gram_moved(problem, *gram_of(problem, np.arange(1000)), before, after)
    np.testing.assert_allclose(gram, problem.rows[after].T @ problem.rows[after], rtol=1e-12)


def test_solutions_are_those_of_least_squares():
    problem = problem_of()
    mask = np.arange(200) < 120
    gram, moment = Normal(problem).of(mask[None])
    peer = np.linalg.lstsq(problem.rows[mask], problem.target[mask], rcond=None)[0]
    np.testing.assert_allclose(solve_many(problem, gram, moment)[0], peer, rtol=1e-8)
    np.testing.assert_allclose(solve_one(problem, gram[0], moment[0]), peer, rtol=1e-10)


def test_what_rows_leave_open_is_shortest():
    problem = problem_of()
    problem.rows[:, 1] = 2.0 * problem.rows[:, 0]
    problem.rows[:, 3] = 0.0
    everywhere = np.ones(200, dtype=bool)
    coefs = fit_rows(problem, unit_units(4), everywhere)
    peer = LinearRegression().fit(problem.rows[:, :4], problem.target)
    np.testing.assert_allclose(coefs, np.append(peer.coef_, peer.intercept_), atol=1e-12)


def test_nearly_collinear_columns_keep_their_digits():
    """The condition number of normal equations is the square of that of the rows: refinement makes it good."""
    problem = problem_of()
    problem.rows[:, 1] = problem.rows[:, 0] + 1e-5 * problem.rows[:, 1]
    target = problem.rows @ np.arange(1.0, 6.0)
    coefs = fit_rows(problem._replace(target=target), unit_units(4), np.ones(200, dtype=bool))
    np.testing.assert_allclose(coefs, np.arange(1.0, 6.0), rtol=1e-8)


def test_elastic_nets_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(3, 80, 12))
    y = X[:, :, 0] * 3.0 - X[:, :, 1] + rng.normal(size=(3, 80))
    ridge, l1 = np.full(12, 5.0), np.full(12, 30.0)
    turned = X.transpose(0, 2, 1)
    coefs = solve_lasso(turned @ X, (turned @ y[:, :, None])[:, :, 0], ridge, l1, EXACT)
    peer = ElasticNet(alpha=(15.0 + 5.0) / 80, l1_ratio=15.0 / 20.0, fit_intercept=False, tol=1e-13, max_iter=10_000)
    for i in range(3):
        np.testing.assert_allclose(coefs[i], peer.fit(X[i], y[i]).coef_, atol=1e-9)
    rough = solve_lasso(turned @ X, (turned @ y[:, :, None])[:, :, 0], ridge, l1, ROUGH)
    np.testing.assert_allclose(rough, coefs, atol=0.01)
    assert not solve_lasso(np.zeros((1, 2, 2)), np.zeros((1, 2)), np.zeros(2), np.ones(2), EXACT).any()


# Search


def test_random_subsets_are_uniform():
    subsets = random_subsets(6, 3, 30_000, np.random.default_rng(0))
    assert all(len(set(subset)) == 3 for subset in subsets[:500].tolist())
    counts = np.array([[np.mean(subsets[:, place] == row) for row in range(6)] for place in range(3)])
    np.testing.assert_allclose(counts, 1 / 6, atol=0.01)
    assert set(random_subsets(4, 4, 10, np.random.default_rng(0)).sum(axis=1)) == {6}


def test_all_elemental_fits_where_there_are_few():
    problem = problem_of(n=9, d=2)
    coefs = elemental_starts(problem, 84, np.random.default_rng(0))
    assert coefs.shape == (84, 3)
    sizes = np.sort(np.abs(problem.target - coefs @ problem.rows.T), axis=1)
    assert sizes[:, 2].max() < 1e-6
    assert elemental_starts(problem, 83, np.random.default_rng(0)).shape == (83, 3)


def test_elemental_fits_grow_until_dummies_are_there():
    """Three rows seldom have both of the rare levels; the fits do know their effects."""
    rng = np.random.default_rng(3)
    level = rng.choice(3, size=200, p=[0.9, 0.05, 0.05])
    rows = np.column_stack([level == 1, level == 2, np.ones(200)]).astype(float)
    target = rows @ [10.0, -10.0, 1.0]
    problem = Problem(rows, target, np.zeros(3), np.zeros(3), np.arange(200, dtype=np.uint64))
    coefs = elemental_starts(problem, 100, rng)
    right = np.abs(coefs - [10.0, -10.0, 1.0]).max(axis=1) < 1e-3
    assert right.mean() > 0.1


@pytest.mark.parametrize(("ridge", "l1"), [(0.0, 0.0), (2.0, 0.0), (1.0, 5.0)])
def test_concentration_never_climbs(ridge, l1):
    problem = problem_of(ridge=ridge, l1=l1, n_bad=50)
    small = SmallSet(problem, 130)
    coefs = np.random.default_rng(0).normal(size=(20, 5))
    before = small.look(coefs)[1]
    for _ in range(6):
        coefs = small.move(coefs, 1)
        objective = small.look(coefs)[1]
        # A rough elastic net misses the last digits.
        assert (objective <= before * (1 + 1e-3 * (l1 > 0)) + 1e-9).all()
        before = objective
    kept, objective = small.look(coefs)
    assert (kept.sum(axis=1) == 130).all()
    for i in range(3):
        assert problem.at(coefs[i], 130).objective == pytest.approx(objective[i])


def test_candidates_on_the_same_rows_are_one():
    problem = problem_of(n_bad=60)
    small = SmallSet(problem, 120)
    coefs, objective = small.settle(np.random.default_rng(0).normal(size=(40, 5)), 100)
    assert len(coefs) < 10
    assert (np.diff(objective) >= 0).all()
    kept = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]], dtype=bool)
    assert distinct(kept, np.array([3.0, 2.0, 1.0, 4.0]), 10, 1) == [2, 1, 3]
    assert distinct(kept, np.array([3.0, 2.0, 1.0, 4.0]), 10, 2) == [2, 1]
    assert distinct(kept, np.array([3.0, 2.0, 1.0, 4.0]), 1, 1) == [2]


@pytest.mark.parametrize(("ridge", "l1"), [(0.0, 0.0), (2.0, 0.0), (1.0, 5.0)])
def test_descent_ends_where_concentration_does(ridge, l1):
    problem = problem_of(n=3000, ridge=ridge, l1=l1, n_bad=600)
    start = problem.at(np.ones(5), 2000)
    end, n_iter = descend(problem, start, 2000, 100)
    small = SmallSet(problem, 2000)
    coefs, objective = small.settle(np.ones((1, 5)), 500)
    assert end.objective == pytest.approx(objective[0], rel=1e-4)
    np.testing.assert_allclose(end.coefs, coefs[0], atol=0.05)
    assert end.kept.sum() == 2000
    assert n_iter < 30
    assert descend(problem, start, 2000, 1)[1] <= 2


@pytest.mark.parametrize("ridge", [0.0, 1.5])
def test_exchanges_are_worth_what_is_said(ridge):
    problem = problem_of(n=30, ridge=ridge)
    kept = np.arange(30) < 18
    inside, outside = np.flatnonzero(kept), np.flatnonzero(~kept)

    def fitted(mask):
        gram, moment = gram_of(problem, np.flatnonzero(mask))
        coefs = solve_one(problem, gram, moment)
        return coefs, np.square(problem.target - problem.rows @ coefs)[mask].sum() + problem.penalty(coefs)

    coefs, before = fitted(kept)
    change = _changes(problem, coefs, inside, outside)
    for i in (0, 7):
        for j in (0, 5):
            swapped = kept.copy()
            swapped[inside[i]], swapped[outside[j]] = False, True
            assert change[i, j] == pytest.approx(fitted(swapped)[1] - before)


def test_no_exchange_is_left():
    problem = problem_of(n=40, n_bad=12)
    start, _ = descend(problem, problem.at(np.zeros(5), 25), 25, 100)
    end = exchange(problem, start, 25, 100)
    assert end.objective <= start.objective
    inside, outside = np.flatnonzero(end.kept), np.flatnonzero(~end.kept)
    assert _changes(problem, end.coefs, inside, outside).min() > -1e-9 * end.objective


# Deterministic starts


def contaminated(seed=0):
    """A fifth of the rows in one tight place, far out."""
    rng = np.random.default_rng(seed)
    joint = rng.normal(size=(500, 6))
    bad = np.arange(500) < 100
    joint[bad] = 5.0 + 0.05 * rng.normal(size=(100, 6))
    return joint, bad


def test_central_halves_leave_a_far_cluster_out():
    joint, bad = contaminated()
    names, masks = central_halves(joint)
    assert len(names) == len(masks) == 6
    assert (masks.sum(axis=1) == 251).all()
    assert masks[:, bad].mean() < 0.02
    assert len(central_halves(np.random.default_rng(0).normal(size=(300, 90)))[0]) == 5


def test_dense_rows_are_left_out_wherever_they_are():
    joint, bad = contaminated()
    joint[bad] -= 4.0
    masks = sparse_subsets(joint, (0.25, 0.6))
    assert masks.sum(axis=1).tolist() == [375, 188, 200, 101]
    assert not masks[:, bad].any()


def test_spectral_filter_takes_out_what_pulls_together():
    problem = problem_of(n=600, n_bad=60)
    left = spectral_subset(SmallSet(problem, 1), 400)
    assert left.sum() == 400
    assert not left[:60].any()


def test_the_pool_is_an_even_sample_in_any_order():
    keys = np.random.default_rng(0).integers(0, 1 << 62, 10_000).astype(np.uint64)
    keys[:5000] = 7
    pool = pool_rows(keys, 10_000, 300, 0)
    assert len(pool) == len(set(pool.tolist())) == 1500
    assert np.sum(keys[pool] == 7) == pytest.approx(750, abs=1)
    order = np.random.default_rng(1).permutation(10_000)
    np.testing.assert_array_equal(keys[order][pool_rows(keys[order], 10_000, 300, 0)], keys[pool])
    assert not np.array_equal(np.sort(pool_rows(keys, 10_000, 300, 1)), np.sort(pool))
    assert len(pool_rows(keys[:600], 600, 300, 0)) == 600


# Scale and outliers


def test_variances_of_truncated_normal_laws():
    draws = np.abs(np.random.default_rng(0).normal(size=400_000))
    for share in (0.5, 0.75, 0.95):
        bound = norm.ppf((1 + share) / 2)
        inside = np.square(draws[draws <= bound]).mean()
        assert truncated_variance(bound) == pytest.approx(inside, rel=0.01)
        assert variance_within(share) == pytest.approx(truncated_variance(bound))
    assert truncated_variance(np.inf) == variance_within(1.0) == 1.0
    assert truncated_variance(0.0) > 0


def test_scale_of_least_squares_is_exact():
    assert trimmed_scale(36.0, 10, 10, 1) == pytest.approx(2.0)
    assert trimmed_scale(36.0, 10, 10, 6) == pytest.approx(3.0)
    assert np.isfinite(trimmed_scale(1.0, 5, 9, 5))
    # To first order a fit takes p squared units from a sum of h v.
    within = variance_within(0.5)
    assert trimmed_scale(50_000 * within - 20, 50_000, 100_000, 20) == pytest.approx(1.0, rel=1e-4)


@pytest.mark.slow
def test_scale_against_simulated_optima():
    """The factor for few rows agrees with simulated optima within a tenth of the scale."""
    for n, d, alpha in [(20, 1, 0.5), (30, 3, 0.5), (30, 3, 0.75), (60, 5, 0.5), (60, 5, 0.9), (150, 10, 0.75)]:
        squares = []
        for seed in range(60):
            rng = np.random.default_rng([seed, n, d])
            X, y = rng.normal(size=(n, d)), rng.normal(size=n)
            model = LTSRegressor(alpha=alpha, final=None, random_state=seed).fit(X, y)
            h = model.support_.sum()
            squares.append(trimmed_scale(model.objective_, h, n, d + 1) ** 2)
        assert np.sqrt(np.mean(squares)) == pytest.approx(1.0, abs=0.12), (n, d, alpha)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3])
def test_outliers_are_as_many_as_there_are(share):
    rng = np.random.default_rng(0)
    sizes = np.abs(rng.normal(size=5000)) * 3.0
    bad = np.arange(5000) < round(share * 5000)
    sizes[bad] = 3.0 * (6.0 + rng.random(bad.sum()))
    h = 3000
    outliers = find_outliers(sizes, np.square(np.sort(sizes)[:h]).sum(), h, 0)
    assert outliers.scale == pytest.approx(3.0, rel=0.03)
    assert outliers.excess == pytest.approx(share, abs=0.01)
    out = sizes >= outliers.cutoff
    assert out[bad].all()
    assert out[~bad].mean() < 0.01
    assert normal_distance(np.sort(sizes), outliers) < 0.02


def test_no_outliers():
    sizes = np.linspace(0.1, 2.0, 50)
    outliers = find_outliers(sizes, np.square(sizes[:40]).sum(), 40, 0)
    assert outliers.cutoff == np.inf
    assert outliers.excess == 0.0
    assert find_outliers(np.zeros(9), 0.0, 6, 1) == (0.0, 0.0, np.inf)


def test_distance_from_a_normal_law():
    rng = np.random.default_rng(0)
    spike = np.sort(np.abs(np.r_[0.01 * rng.normal(size=400), rng.normal(size=600)]))
    assert normal_distance(spike, Outliers(0.6, 0.0, np.inf)) > 0.2
    assert normal_distance(spike, Outliers(0.0, 0.0, np.inf)) == 0.0


def test_where_the_scale_is_level():
    def place(*scales):
        return longest_level(np.array(scales), np.ones(len(scales), dtype=bool))

    assert place(1.0, 1.0, 1.05, 2.0, 3.0) == 1
    assert place(1.0, 1.0, 1.1) == 2
    assert place(0.3, 0.5, 1.0, 1.01, 1.02, 1.5) == 3
    assert place(1.0, 2.0, 4.0) == 0
    assert place(0.0, 0.0, 1.0) == 0
    assert place(1.0, 1.0, 1.0, 9.0, 9.0, 9.0, 9.0) == 1
    assert longest_level(np.repeat([1.0, 2.0], [3, 4]), np.repeat([True, False], [3, 4])) == 1
    assert longest_level(np.repeat([0.3, 1.0], [3, 4]), np.repeat([False, True], [3, 4])) == 6


def test_bisquare_is_stationary():
    problem = problem_of(n=400, n_bad=40)
    coefs, weights = bisquare_fit(problem, np.ones(5), 1.0)
    residuals = problem.target - problem.rows @ coefs
    np.testing.assert_allclose(problem.rows.T @ (weights * residuals), 0.0, atol=1e-5)
    assert not weights[:40].any()
    assert weights.max() <= 1.0


def test_degrees_of_freedom():
    everywhere = np.ones(200, dtype=bool)
    assert degrees_of_freedom(problem_of(), np.ones(5), everywhere) == 5
    assert 1 < degrees_of_freedom(problem_of(ridge=200.0), np.ones(5), everywhere) < 4
    assert degrees_of_freedom(problem_of(l1=1.0), np.array([1.0, 0.0, 0.0, 2.0, 3.0]), everywhere) == 3


def test_rows_kept():
    for n in (10, 21, 100):
        for p in (1, 3, 7):
            assert rows_kept(0.5, n, p) == (n + p + 1) // 2
            assert rows_kept(1.0, n, p) == n
    assert rows_kept(0.75, 100, 1) == 75
