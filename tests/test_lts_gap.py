"""Lower bounds on least trimmed squares: never above the optimum that enumeration finds, equal where proved."""

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from robustfit.trimmed import LTSRegressor, ltad_lower_bound, lts_lower_bound
from robustfit.trimmed._lts._gap_blocks import search_blocks
from robustfit.trimmed._lts._gap_boxes import search_boxes
from robustfit.trimmed._lts._gap_exact import exact_rank, independent_columns
from robustfit.trimmed._lts._gap_frame import make_frame
from robustfit.trimmed._lts._gap_ridge import Cell, Relaxation, search_intercepts
from robustfit.trimmed._lts._gap_tree import search

KINDS = ("normal", "whole numbers", "duplicates", "collinear", "exact fit", "far row", "one-hot", "all equal")


def design(X, fit_intercept):
    return np.column_stack([X, np.ones(len(X))]) if fit_intercept else X


def penalty_rows(n_features, fit_intercept, ridge):
    return np.sqrt(ridge) * np.eye(n_features, n_features + fit_intercept)


def enumerate_lts(X, y, h, *, fit_intercept, ridge=0.0):
    """The optimum over every subset of h rows, and its coefficients."""
    rows, extra = design(X, fit_intercept), penalty_rows(X.shape[1], fit_intercept, ridge)
    best = np.inf, None
    for subset in combinations(range(len(y)), h):
        A = np.vstack([rows[list(subset)], extra])
        t = np.concatenate([y[list(subset)], np.zeros(len(extra))])
        coef = np.linalg.lstsq(A, t, rcond=None)[0]
        best = min(best, (float(np.sum((t - A @ coef) ** 2)), coef.tolist()))
    return best[0], np.array(best[1])


def enumerate_ltad(X, y, h):
    """An optimum of least trimmed absolute deviations passes through as many rows as there are coefficients."""
    rows, best = design(X, True), np.inf
    for subset in combinations(range(len(y)), rows.shape[1]):
        if np.linalg.cond(rows[list(subset)]) < 1e10:
            coef = np.linalg.solve(rows[list(subset)], y[list(subset)])
            best = min(best, float(np.sort(np.abs(y - rows @ coef))[:h].sum()))
    return best


def small_problem(seed):
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    n, p, fit_intercept = int(rng.integers(3, 11)), int(rng.integers(1, 4)), bool(rng.integers(2))
    h, ridge = int(rng.integers(max(1, n // 2), n + 1)), float(rng.choice([0.0, 0.0, 0.3, 5.0]))
    X = rng.normal(size=(n, p))
    if kind == "whole numbers":
        X = np.round(X)
    if kind == "duplicates":
        X[: n // 2] = X[0]
    if kind == "collinear":
        X[:, -1] = 2.0 * X[:, 0]
    if kind == "far row":
        X[0] *= 1e4
    if kind == "one-hot":
        X = np.eye(p)[rng.integers(p, size=n)]
    y = X @ rng.normal(size=p) + rng.normal(size=n) * (kind != "exact fit")
    y[rng.integers(n)] += 10.0
    if kind == "all equal":
        y[:] = 3.0
    return X, y, h, fit_intercept, ridge


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KINDS)
def test_never_above_the_enumerated_optimum_and_equal_where_proved(kind, monkeypatch):
    n_proved = 0
    for seed in range(kind, 320, len(KINDS)):
        X, y, h, fit_intercept, ridge = small_problem(seed)
        optimum, best = enumerate_lts(X, y, h, fit_intercept=fit_intercept, ridge=ridge)
        poor = np.random.default_rng(seed).normal(size=len(best))
        given = {"fit_intercept": fit_intercept, "ridge": ridge}
        bound = lts_lower_bound(X, y, h, best, **given)
        # What enumeration leaves of an exact fit is rounding, and may lie on either side.
        noise = 1e-20 * np.sum(y**2)
        assert bound.value <= optimum + noise
        assert bound.value <= optimum * (1 + 1e-12) or optimum <= noise
        if bound.proved:
            assert bound.value >= optimum * (1 - 1e-8) - 1e-12
        n_proved += bound.proved
        with monkeypatch.context() as patch:
            # What stops early, in conic problems too, is a bound as well; every fourth takes all that it may.
            if seed // len(KINDS) % 4:
                patch.setattr("robustfit.trimmed._lts._gap._CONIC_PROBLEMS", 4)
            for max_nodes in (1, 100):
                assert lts_lower_bound(X, y, h, poor, max_nodes=max_nodes, **given).value <= optimum + noise
    # What is rounding on both sides is not proved.
    assert n_proved >= {"exact fit": 20, "all equal": 12}.get(KINDS[kind], 32)


@pytest.mark.parametrize("search_one", [search, search_boxes, search_blocks, search_intercepts])
def test_each_bound_alone_is_sound_wherever_it_stops(search_one):
    useful = 0
    for seed in range(36):
        X, y, h, fit_intercept, ridge = small_problem(seed)
        if search_one in (search_blocks, search_intercepts):
            ridge = ridge or 1.0
        optimum, best = enumerate_lts(X, y, h, fit_intercept=fit_intercept, ridge=ridge)
        frame = make_frame(X, y, h, best, fit_intercept=fit_intercept, ridge=ridge)
        if frame is None:
            continue
        for effort in (1, 4) if search_one is search_intercepts else (1, 30, 400):
            if search_one is search_intercepts:
                lower = search_one(frame, max_solves=effort)
            elif search_one is search_blocks:
                lower = search_one(frame, n_blocks=min(2, len(y)), max_nodes=effort)
            else:
                lower = search_one(frame, max_nodes=effort)
                lower = lower[0] if isinstance(lower, tuple) else lower
            assert frame.safe(lower) <= optimum + 1e-20 * np.sum(y**2)
        useful += lower > 0.1 * optimum > 0.0
    assert useful > 6


def test_exact_rational_optimum_of_badly_scaled_columns():
    # Least squares in rational arithmetic: no rounding on the other side of the comparison.
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = np.column_stack([1950.0 + rng.integers(20, size=8), 1e-6 * rng.normal(size=8)])
        y = 1e3 + X[:, 0] + rng.normal(size=8)
        exact = min(
            rational_cost(design(X, True)[list(subset)], y[list(subset)]) for subset in combinations(range(8), 6)
        )
        bound = lts_lower_bound(X, y, 6, np.array([1.0, 0.0, 1e3]))
        assert bound.proved
        assert Fraction(bound.value) <= exact
        assert bound.value >= float(exact) * (1 - 1e-6)


@pytest.mark.parametrize("far", [1e3, 1e5, 1e7, 1e9, 1e14, 1e20, 1e40])
def test_exact_rational_optimum_beside_a_far_row(far):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(8, 2))
        y = X.sum(axis=1) + rng.normal(size=8)
        X[0, 0] = far
        exact = min(
            rational_cost(design(X, True)[list(subset)], y[list(subset)]) for subset in combinations(range(8), 6)
        )
        bound = lts_lower_bound(X, y, 6, np.ones(3), max_nodes=5000)
        assert Fraction(bound.value) <= exact
        if far < 1e5:
            assert bound.proved
            assert bound.value >= float(exact) * (1 - 1e-6)


def rational_cost(rows, target):
    """Least sum of squares by elimination of [A'A, A't; t'A, t't] over the rationals."""
    columns = [[Fraction(v) for v in column] for column in np.column_stack([rows, target]).T.tolist()]
    gram = [[sum(a * b for a, b in zip(u, v, strict=True)) for v in columns] for u in columns]
    for k in range(len(gram) - 1):
        if gram[k][k] == 0:
            continue
        for i in range(k + 1, len(gram)):
            factor = gram[i][k] / gram[k][k]
            gram[i] = [a - factor * b for a, b in zip(gram[i], gram[k], strict=True)]
    return gram[-1][-1]


def contaminated(n, p, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = X @ np.ones(p) + rng.normal(size=n)
    X[: n // 5, 0] += 6.0
    y[: n // 5] += 10.0
    return X, y


@pytest.mark.parametrize(
    ("n", "p", "gap"), [(30, 2, 1e-8), (30, 5, 1e-8), (400, 1, 2e-3), (400, 2, 2e-3), (100, 3, 0.05)]
)
def test_the_gap_of_a_real_fit(n, p, gap):
    X, y = contaminated(n, p)
    model = LTSRegressor(alpha=0.75, final=None, gap=True).fit(X, y)
    assert 0.0 <= model.gap_ <= gap
    assert model.lower_bound_ <= model.objective_
    assert model.gap_ == pytest.approx(1.0 - model.lower_bound_ / model.objective_)


def test_a_fit_that_the_search_missed_has_a_gap():
    # One start, from all rows, ends on the wrong plane.
    X, y = contaminated(30, 2, seed=1)
    best = LTSRegressor(alpha=0.75, final=None, gap=True).fit(X, y)
    bound = lts_lower_bound(X, y, int(best.support_.sum()), np.array([2.0, 0.0, 0.0]))
    assert bound.value <= best.objective_
    assert bound.gap(1.3 * best.objective_) > 0.2


def test_a_penalty_bounds_any_number_of_columns():
    X, y = contaminated(40, 50)
    model = LTSRegressor(final=None, ridge=20.0, n_starts=20, gap=True).fit(X, y)
    assert 0.1 < model.lower_bound_ / model.objective_ <= 1.0
    X, y = contaminated(40, 40)
    sparse = LTSRegressor(final=None, ridge=40.0, l1=1.0, n_starts=20, gap=True).fit(X, y)
    assert 0.1 < sparse.lower_bound_ / sparse.objective_ <= 1.0


def test_what_is_out_of_reach_says_so():
    X, y = contaminated(100, 12)
    assert LTSRegressor(n_starts=20, gap=True).fit(X, y).gap_ == 1.0


def test_the_gap_of_an_exact_fit_is_that_of_its_rounding():
    X, y = contaminated(40, 2)
    y[8:] = X[8:] @ [2.0, -1.0] + 3.0
    model = LTSRegressor(gap=True).fit(X, y)
    assert model.exact_fit_
    # What rounding leaves of it can be a share of itself.
    assert model.objective_ < 1e-25
    assert model.gap_ == pytest.approx(1.0 - model.lower_bound_ / model.objective_)
    X, y = np.round(X), np.round(X) @ [2.0, -1.0]
    assert lts_lower_bound(X, y, 30, np.array([2.0, -1.0, 0.0])) == (0.0, True)


def test_without_gap_nothing_is_computed():
    X, y = contaminated(40, 2)
    assert not hasattr(LTSRegressor().fit(X, y), "gap_")


def test_the_bound_does_not_depend_on_the_order_of_rows():
    X, y = contaminated(50, 4)
    order = np.random.default_rng(0).permutation(50)
    one = lts_lower_bound(X, y, 38, np.ones(5), max_nodes=3000)
    other = lts_lower_bound(X[order], y[order], 38, np.ones(5), max_nodes=3000)
    assert other.value == pytest.approx(one.value, rel=1e-6)


@pytest.mark.parametrize("kind", ["nearly dependent", "too far", "no columns"])
def test_numbers_that_cannot_be_trusted(kind):
    X, y = contaminated(20, 2)
    if kind == "nearly dependent":
        X[:, 1] = X[:, 0] + 1e-10 * X[:, 1]
        assert lts_lower_bound(X, y, 15, np.zeros(3)) == (0.0, False)
    elif kind == "too far":
        X[0, 0] = 1e200
        assert lts_lower_bound(X, y, 15, np.zeros(3)) == (0.0, False)
        y[0] = 1e100
        assert lts_lower_bound(X[:, 1:], y, 15, np.zeros(2)) == (0.0, False)
    else:
        bound = lts_lower_bound(X[:, :0], y, 15, np.zeros(1))
        # The best location is the mean of 15 neighbours.
        ranked = np.sort(y)
        assert bound.value == pytest.approx(min(np.var(ranked[i : i + 15]) * 15 for i in range(6)), rel=1e-8)


def test_every_price_bounds_the_relaxation_and_the_solvers_attain_it():
    rng = np.random.default_rng(0)
    p, residuals = 0.3 * rng.normal(size=(40, 3)), 2.0 * rng.normal(size=40)
    relaxation, cell = Relaxation(p, 30), Cell(residuals, 0.1, 10.0, 100.0)
    best = relaxation.bound(cell, 2.0)
    assert best == pytest.approx(relaxation._problem.value, rel=1e-5)
    for _ in range(200):
        assert relaxation._dual(rng.normal(size=40), cell, 2.0) <= best + 1e-5
    # Any solution within the cell costs at least the bound.
    for _ in range(500):
        slopes = rng.normal(size=3)
        slopes *= 2.0 * rng.uniform() / np.linalg.norm(slopes)
        left = residuals - p @ slopes - rng.uniform(-0.1, 0.1)
        assert best <= slopes @ slopes + np.sort(left**2)[:30].sum()


def test_least_absolute_deviations_by_milp_against_enumeration(capfd):
    n_close = 0
    for seed in range(24):
        rng = np.random.default_rng(seed)
        n, p = int(rng.integers(6, 12)), int(rng.integers(1, 3))
        h = int(rng.integers(n // 2 + 1, n + 1))
        X = rng.normal(size=(n, p)) if seed % 4 else np.round(rng.normal(size=(n, p)))
        y = X.sum(axis=1) + rng.normal(size=n)
        y[0] += 20.0
        coef = np.linalg.lstsq(design(X[1:], True), y[1:], rcond=None)[0]
        lower = ltad_lower_bound(X, y, h, coef)
        optimum = enumerate_ltad(X, y, h) if np.linalg.matrix_rank(design(X, True)) == p + 1 else 0.0
        assert lower <= optimum + 1e-12
        # Cauchy's inequality.
        assert lower**2 / h <= enumerate_lts(X, y, h, fit_intercept=True)[0] + 1e-12
        n_close += lower > 0.99 * optimum > 0.0
    assert n_close >= 8
    capfd.readouterr()


def test_milp_says_nothing_where_rows_leave_no_finite_m():
    X = np.repeat([[1.0], [2.0], [3.0]], 4, axis=0)
    y = np.random.default_rng(0).normal(size=12)
    assert ltad_lower_bound(X, y, 9, np.zeros(2)) == 0.0
    assert ltad_lower_bound(X, np.zeros(12), 9, np.zeros(2)) == 0.0


def exact_optimum(X, y, h, *, fit_intercept, ridge=0.0):
    """The optimum in rational arithmetic; the penalty's rows are weighted by ridge, which is exact."""
    rows = design(X, fit_intercept)
    penalty = np.eye(X.shape[1], rows.shape[1]) if ridge else np.empty((0, rows.shape[1]))
    weights = [Fraction(1)] * h + [Fraction(ridge)] * len(penalty)
    return min(
        weighted_cost(
            np.vstack([rows[list(subset)], penalty]), np.append(y[list(subset)], np.zeros(len(penalty))), weights
        )
        for subset in combinations(range(len(y)), h)
    )


def weighted_cost(rows, target, weights):
    columns = [[Fraction(v) for v in column] for column in np.column_stack([rows, target]).T.tolist()]
    gram = [[sum(a * b * w for a, b, w in zip(u, v, weights, strict=True)) for v in columns] for u in columns]
    for k in range(len(gram) - 1):
        for i in range(k + 1, len(gram)):
            factor = gram[i][k] / gram[k][k] if gram[k][k] else 0
            gram[i] = [a - factor * b for a, b in zip(gram[i], gram[k], strict=True)]
    return gram[-1][-1]


@pytest.mark.parametrize("unit", [1e-10, 1e8])
def test_a_penalised_column_in_a_far_unit_does_not_hide_a_better_fit(unit):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(100, 6))
    y = X @ np.ones(6) + 0.1 * rng.normal(size=100)
    y[:40] = X[:40] @ (-3 * np.ones(6)) + 0.1 * rng.normal(size=40)
    X[:, 0] *= unit
    given = {"ridge": 1.0, "final": None, "alpha": 0.5}
    poor = LTSRegressor(n_starts=1, n_keep=1, deterministic_starts=False, **given).fit(X, y)
    good = LTSRegressor(n_starts=20, **given).fit(X, y)
    coef = np.append(poor.coef_, poor.intercept_)
    bound = lts_lower_bound(X, y, int(poor.support_.sum()), coef, ridge=1.0, max_nodes=5000)
    assert bound.value <= good.objective_
    assert bound.gap(poor.objective_) >= 1.0 - good.objective_ / poor.objective_ - 1e-9


def test_a_penalty_that_is_not_finite_in_its_units_gives_nothing():
    X, y = contaminated(60, 3)
    frame = make_frame(X, y, 45, np.ones(4), fit_intercept=True, ridge=1.0)
    for entry in (np.nan, np.inf, 1e200):
        origin, target = frame.origin.copy(), frame.target.copy()
        origin[0, 0] = entry
        target[1] = entry
        assert search_intercepts(frame._replace(origin=origin), max_solves=2) == 0.0
        if not np.isfinite(entry):
            assert search_intercepts(frame._replace(target=target), max_solves=2) == 0.0
        assert frame.safe(entry * np.inf) == 0.0


@pytest.mark.parametrize("far", [1e13, 1e14])
def test_a_column_that_exists_in_a_far_row_only(far):
    rng = np.random.default_rng(0)
    X = np.zeros((10, 2))
    X[:, 0] = rng.normal(size=10)
    y = 2 * X[:, 0] + rng.normal(size=10)
    X[8], X[9], y[8:] = [far, 0.0], [far, 1.0], [3.0, 5.0]
    coef = np.append(np.linalg.lstsq(X[:8, :1], y[:8], rcond=None)[0], 0.0)
    bound = lts_lower_bound(X, y, 7, coef, fit_intercept=False)
    assert Fraction(bound.value) <= exact_optimum(X, y, 7, fit_intercept=False)


def test_leaves_do_not_drop_directions_that_far_rows_outweigh():
    rng = np.random.default_rng(1)
    X = np.vstack([rng.normal(size=(6, 2)), [[9e6, 0.0], [0.3, 4e-7], [0.2, -4e-7], [0.1, 8e-7]]])
    y = np.append(rng.normal(size=6) * 2, [1.0, 3.0, -3.0, 6.1])
    coef = np.linalg.lstsq(X[:6], y[:6], rcond=None)[0]
    bound = lts_lower_bound(X, y, 4, coef, fit_intercept=False)
    assert Fraction(bound.value) <= exact_optimum(X, y, 4, fit_intercept=False)


@pytest.mark.parametrize("ridge", [1e-30, 1e-27, 1e-20, 1e-10])
def test_a_small_penalty_is_never_dropped(ridge):
    for seed in range(160, 168):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(4, 2)), rng.normal(size=4)
        X[:, 0] *= 1e-10
        for h in (2, 3):
            optimum = exact_optimum(X, y, h, fit_intercept=False, ridge=ridge)
            bound = lts_lower_bound(X, y, h, np.zeros(2), fit_intercept=False, ridge=ridge)
            assert Fraction(bound.value) <= optimum


@pytest.mark.parametrize("level", [1e10, 1e14])
def test_a_small_penalty_tells_a_constant_column_from_the_intercept(level):
    rng = np.random.default_rng(0)
    X, y = np.ones((10, 1)), level + rng.integers(-3, 4, size=10)
    bound = lts_lower_bound(X, y, 7, np.array([0.0, level]), ridge=1e-28)
    assert Fraction(bound.value) <= exact_optimum(X, y, 7, fit_intercept=True, ridge=1e-28)


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_the_gap_agrees_with_the_bound_where_residuals_are_rounding(ridge):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 1)), 1e14 + np.round(4 * rng.normal(size=30))
    model = LTSRegressor(gap=True, final=None, alpha=0.75, ridge=ridge).fit(X, y)
    assert model.gap_ == pytest.approx(1.0 - model.lower_bound_ / model.objective_)


@pytest.mark.parametrize("far", [1e3, 1e10, 1e20, 1e50])
def test_a_far_target_costs_no_digits(far):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(10, 1))
    y = X[:, 0] + rng.normal(size=10)
    y[0] = far
    optimum = exact_optimum(X, y, 7, fit_intercept=True)
    bound = lts_lower_bound(X, y, 7, np.array([1.0, 0.0]))
    assert bound.proved
    assert Fraction(bound.value) <= optimum
    objective = np.sort((y - X[:, 0]) ** 2)[:7].sum()
    assert float(optimum) - bound.value <= 1e-9 * objective


def test_no_bound_exceeds_the_objective_of_the_coefficients_given():
    for seed in range(40):
        X, y, h, fit_intercept, ridge = small_problem(seed)
        coef = enumerate_lts(X, y, h, fit_intercept=fit_intercept, ridge=ridge)[1]
        bound = lts_lower_bound(X, y, h, coef, fit_intercept=fit_intercept, ridge=ridge)
        wide = design(X, fit_intercept).astype(np.longdouble)
        squares = np.sort((y - wide @ coef.astype(np.longdouble)) ** 2)[:h]
        assert bound.value <= float(squares.sum() + ridge * np.sum(coef[: X.shape[1]].astype(np.longdouble) ** 2))


@pytest.mark.parametrize("size", [0, 1e-16, 1e-14, 1e-12, 1e-9, 1e-5])
def test_columns_that_nearly_depend_on_others_are_not_dropped(size):
    useful = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(8, 2))
        X[:, 1] = X[:, 0] + size * X[:, 1]
        y = X[:, 0] + rng.normal(size=8)
        bound = lts_lower_bound(X, y, 6, np.array([1.0, 0.0, 0.0]))
        assert Fraction(bound.value) <= exact_optimum(X, y, 6, fit_intercept=True)
        useful += bound.proved
    assert useful == (6 if size in (0, 1e-5) else 0)


def test_ranks_are_exact():
    rng = np.random.default_rng(0)
    whole = rng.integers(-9, 10, size=(9, 3)) @ rng.integers(-9, 10, size=(3, 5))
    tiny = whole * 2.0 ** rng.integers(-300, 300, size=(9, 1))
    assert exact_rank(tiny) == 3
    assert len(independent_columns(whole.astype(float))) == 3
    near = whole.astype(float)
    near[0, 0] = np.nextafter(near[0, 0], np.inf)
    assert exact_rank(near) == 4
    assert independent_columns(near) is None
    assert exact_rank(np.zeros((4, 2))) == 0
    assert len(independent_columns(np.zeros((4, 2)))) == 0


@pytest.mark.parametrize("seed", [79, 840, 1287, 2256, 2687])
def test_absolute_deviations_in_far_units(seed, capfd):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(5, 9)), int(rng.integers(1, 3))
    X = np.round(2 * rng.normal(size=(n, p)))
    y = np.round(2 * (X @ rng.normal(size=p) + rng.normal(size=n)))
    units, unit = 10.0 ** rng.integers(-8, 9, size=p), 10.0 ** rng.integers(-8, 9)
    coef = rng.normal(size=p + 1)
    plain = ltad_lower_bound(X, y, n - 1, coef)
    scaled = ltad_lower_bound(X * units, y * unit, n - 1, np.append(coef[:p] / units, coef[p]) * unit)
    optimum = enumerate_ltad(X, y, n - 1) if np.linalg.matrix_rank(design(X, True)) == p + 1 else 0.0
    assert max(plain, scaled / unit) <= optimum * (1 + 1e-12)
    capfd.readouterr()
