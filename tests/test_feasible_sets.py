"""Feasible sets: no point beats a bound; closed forms equal Clarabel; duals equal the relaxation they stand for."""

from fractions import Fraction
from itertools import product

import cvxpy as cp
import numpy as np
import pytest
from conic_peer import solve
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from robustfit.certify import (
    Box,
    BoxedSphereSlab,
    CertificateError,
    ConvexSet,
    FeasibleSet,
    IntegerSphereSlab,
    NonNegativeIntegers,
    OneHotGroups,
    OneHotSphereSlab,
    Slab,
    Sphere,
    SphereSlab,
)
from robustfit.certify._feasible._lagrangian import Dual
from robustfit.certify._feasible._repair import onto_slab, walk

pytestmark = pytest.mark.filterwarnings("ignore:Solution may be inaccurate")


class Peer:
    """Clarabel on sphere, slab and box of one width, compiled once."""

    def __init__(self, d, boxed=False):
        self.z, self.u, self.n, self.y = cp.Variable(d), cp.Parameter(d), cp.Parameter(d), cp.Parameter(d)
        self.r, self.w = cp.Parameter(nonneg=True), cp.Parameter(nonneg=True)
        cons = [cp.norm(self.z) <= self.r, cp.abs(self.n @ self.z) <= self.w]
        self.low, self.high = cp.Parameter(d), cp.Parameter(d)
        if boxed:
            cons += [self.z >= self.low, self.z <= self.high]
        self.farthest = cp.Problem(cp.Maximize(self.u @ self.z), cons)
        self.nearest = cp.Problem(cp.Minimize(cp.sum_squares(self.z - self.y)), cons)

    def give(self, case):
        self.r.value, self.n.value = case["radius"], case["normal"]
        self.w.value = min(case["width"], 1e3)
        if "lower" in case:
            self.low.value, self.high.value = case["lower"] - case["center"], case["upper"] - case["center"]

    def support(self, case, u):
        self.give(case)
        self.u.value = u
        return solve(self.farthest) + u @ case["center"]

    def distance(self, case, row):
        self.give(case)
        self.y.value = row - case["center"]
        return float(np.sqrt(max(solve(self.nearest), 0.0)))


KINDS = (
    "plain",
    "thin",
    "wide",
    "no width",
    "no radius",
    "no normal",
    "along",
    "nearly along",
    "across",
    "no direction",
)


def sphere_slab(rng, kind, d):
    """One random set and direction of a kind, with a normal of any length."""
    normal = rng.normal(size=d) * rng.choice([0.1, 1, 10])
    size, radius = np.linalg.norm(normal), rng.choice([0.3, 1.0, 3.0])
    width = size * radius * {"thin": 1e-3, "wide": 1.5, "no width": 0.0}.get(kind, rng.uniform(0.1, 0.9))
    u = rng.normal(size=d)
    if kind == "no radius":
        radius = 0.0
    if kind == "no normal":
        normal = np.zeros(d)
    if kind in ("along", "nearly along"):
        u = normal * rng.choice([-2.0, 0.7]) + (1e-7 * u if kind == "nearly along" else 0)
    if kind == "across":
        u -= (u @ normal) / size**2 * normal
    if kind == "no direction":
        u = np.zeros(d)
    return {"center": rng.normal(size=d), "radius": radius, "normal": normal, "width": width}, u


def check_closed_form(rng, n_problems):
    peers = {d: Peer(d) for d in (1, 2, 3, 7)}
    for number in range(n_problems):
        kind, d = KINDS[number % len(KINDS)], (1, 2, 3, 7)[number // len(KINDS) % 4]
        case, u = sphere_slab(rng, kind, d)
        kept = SphereSlab(**case)
        support = kept.maximize(u)
        scale = 1 + np.linalg.norm(u)
        assert abs(support.bound - peers[d].support(case, u)) <= 1e-7 * scale, (kind, case, u)
        assert 0 <= support.bound - support.value <= 1e-11 * scale * (1 + np.linalg.norm(case["center"]))
        assert kept.violation(support.point[None])[0] <= (0 if case["width"] else 1e-13)
        row = case["center"] + 4 * rng.normal(size=d)
        nearest = kept.project(row[None])
        assert kept.violation(nearest)[0] <= (0 if case["width"] else 1e-13)
        assert abs(np.linalg.norm(row - nearest[0]) - peers[d].distance(case, row)) <= 1e-5


def test_closed_forms_equal_clarabel():
    check_closed_form(np.random.default_rng(0), 40)


@pytest.mark.slow
def test_closed_forms_equal_clarabel_on_a_thousand_problems(effort):
    check_closed_form(np.random.default_rng(1), 1000 * min(effort, 3))


def boxed(rng, d):
    lower, upper = np.sort(rng.normal(size=(2, d)), axis=0)
    normal = rng.normal(size=d)
    radius = rng.uniform(0.3, 1.2) * np.sqrt(d)
    return {
        "center": lower + (upper - lower) * rng.uniform(-0.2, 1.2, size=d),
        "radius": radius,
        "normal": normal,
        "width": rng.choice([0.0, 0.01, 0.2, 0.6, np.inf]) * radius * np.linalg.norm(normal),
        "lower": lower,
        "upper": upper,
    }


def check_boxes(rng, n_problems):
    solved = 0
    peers = {d: Peer(d, boxed=True) for d in (1, 2, 5, 20)}
    while solved < n_problems:
        d = int(rng.choice([1, 2, 5, 20]))
        case, u = boxed(rng, d), rng.normal(size=d) * rng.choice([0, 1], p=[0.05, 0.95])
        try:
            kept = BoxedSphereSlab(**case)
        except ValueError:
            continue
        solved += 1
        support, scale = kept.maximize(u), 1 + np.linalg.norm(u)
        assert abs(support.bound - peers[d].support(case, u)) <= 1e-6 * scale, (case, u)
        assert 0 <= support.bound - support.value <= 1e-7 * scale, (case, u)
        assert kept.violation(support.point[None])[0] <= 1e-12
        row = 4 * rng.normal(size=d)
        nearest = kept.project(row[None])
        assert kept.violation(nearest)[0] <= 1e-12
        assert abs(np.linalg.norm(row - nearest[0]) - peers[d].distance(case, row)) <= 1e-5


def test_box_duals_equal_clarabel():
    check_boxes(np.random.default_rng(2), 25)


@pytest.mark.slow
def test_box_duals_equal_clarabel_on_many_problems(effort):
    check_boxes(np.random.default_rng(3), 300 * min(effort, 5))


def every_integer(upper):
    return np.array(list(product(*[range(int(end) + 1) for end in upper])), dtype=float)


def every_one_hot(groups, d):
    rows = np.zeros((int(np.prod([len(group) for group in groups])), d))
    for row, chosen in zip(rows, product(*groups), strict=True):
        row[list(chosen)] = 1
    return rows


def integer_case(rng):
    d = int(rng.integers(1, 5))
    upper = rng.integers(0, 5, size=d).astype(float)
    center = rng.uniform(0, 3, size=d)
    center = np.round(center) if rng.random() < 0.5 else center
    case = {
        "center": center,
        "radius": rng.choice([0, 0.5, 1, np.sqrt(2), 2, np.sqrt(5), 3, 5, np.inf]),
        "normal": rng.normal(size=d) * rng.integers(2),
        "width": rng.choice([0, 0.3, 1, 3, np.inf]),
    }
    return IntegerSphereSlab, case, {"upper": upper}, every_integer(upper)


def one_hot_case(rng):
    sizes = rng.integers(1, 5, size=int(rng.integers(1, 4)))
    d = int(sizes.sum())
    groups = np.split(rng.permutation(d), np.cumsum(sizes)[:-1])
    case = {
        "center": rng.random(d),
        "radius": rng.choice([0.5, 1, 1.3, 1.6, 2, np.inf]),
        "normal": rng.normal(size=d) * rng.integers(2),
        "width": rng.choice([0.1, 0.3, 1, 3, np.inf]),
    }
    return OneHotSphereSlab, case, {"groups": groups}, every_one_hot(groups, d)


def inside(rows, case):
    offset = rows - case["center"]
    return (np.linalg.norm(offset, axis=1) <= case["radius"]) & (np.abs(offset @ case["normal"]) <= case["width"])


def relaxed(rows, case, u):
    """Best mixture of rows that satisfies sphere and slab on average: what the Lagrange dual equals."""
    offset = rows - case["center"]
    along = offset @ case["normal"]
    constraints = [((offset**2).sum(axis=1), case["radius"] ** 2), (along, case["width"]), (-along, case["width"])]
    kept = [(left, right) for left, right in constraints if np.isfinite(right)]
    result = linprog(
        -rows @ u,
        A_ub=np.array([left for left, _ in kept]) if kept else None,
        b_ub=[right for _, right in kept] if kept else None,
        A_eq=np.ones((1, len(rows))),
        b_eq=[1],
    )
    return -result.fun


def check_enumeration(make, rng, n_problems):
    tight = checked = 0
    while checked < n_problems:
        family, case, more, rows = make(rng)
        members = rows[inside(rows, case)]
        try:
            kept = family(**case, **more)
        except ValueError as error:
            if len(members) and "No point of the set was found" not in str(error):
                pytest.fail(f"{case} is not empty: {members[0]}")
            continue
        checked += 1
        u = rng.normal(size=kept.n_features) if rng.random() < 0.6 else rng.integers(-3, 4, size=kept.n_features)
        support = kept.maximize(u)
        best = (members @ u).max(initial=-np.inf)
        assert support.bound >= best, (case, more, u)
        assert kept.violation(support.point[None])[0] <= 1e-12
        relaxation = relaxed(rows, case, u)
        assert abs(support.bound - relaxation) <= 1e-7 * (1 + abs(relaxation)), (case, more, u)
        if relaxation <= best + 1e-8:
            tight += 1
            assert support.bound <= best + 1e-7
        assert kept.violation(kept.project(4 * rng.normal(size=(1, kept.n_features))))[0] <= 1e-12
    assert tight >= n_problems / 3


@pytest.mark.parametrize("make", [integer_case, one_hot_case])
def test_no_point_beats_the_dual_and_it_equals_its_relaxation(make, effort):
    check_enumeration(make, np.random.default_rng(4), 120 * effort)


@pytest.mark.parametrize("make", [integer_case, one_hot_case])
def test_points_of_small_discrete_sets_are_found_and_mostly_the_best(make):
    rng = np.random.default_rng(5)
    missed = suboptimal = total = 0
    for _ in range(300):
        family, case, more, rows = make(rng)
        members = rows[inside(rows, case)]
        if not len(members):
            continue
        total += 1
        u = rng.normal(size=rows.shape[1])
        try:
            value = family(**case, **more).maximize(u).value
        except ValueError:
            missed += 1
            continue
        suboptimal += value < (members @ u).max() - 1e-9
    assert missed <= 0.03 * total
    assert suboptimal <= 0.03 * total


def exact_dual(rows, case, u, price, tilt):
    """g(λ, ν) in rational arithmetic, the inner maximum taken over every row."""
    price, tilt = Fraction(price), Fraction(tilt)
    center, normal, u = (
        [Fraction(value) for value in np.float64(v).tolist()] for v in (case["center"], case["normal"], u)
    )
    payoff = [a - tilt * b for a, b in zip(u, normal, strict=True)]
    inner = max(
        sum(q * (x - c) - price * (x - c) ** 2 for q, x, c in zip(payoff, map(Fraction, row), center, strict=True))
        for row in rows.tolist()
    )
    return inner + price * Fraction(case["radius"]) ** 2 + tilt * Fraction(case["width"])


@pytest.mark.parametrize("make", [integer_case, one_hot_case])
def test_every_pair_of_multipliers_gives_a_bound_that_covers_its_rounding(make, effort):
    rng = np.random.default_rng(6)
    tried = 0
    while tried < 60 * effort:
        family, case, more, rows = make(rng)
        if not np.isfinite([case["radius"], case["width"]]).all() or len(rows) > 130:
            continue
        try:
            kept = family(**case, **more)
        except ValueError:
            continue
        tried += 1
        u, tilt, price = rng.normal(size=kept.n_features), rng.exponential(), 10 ** rng.uniform(-3, 3)
        dual = Dual(kept._region, u, 0.0)
        dual._response(u - tilt * kept.normal, tilt, price)
        assert Fraction(dual.best) >= exact_dual(rows, case, u, price, tilt)
        members = rows[inside(rows, case)]
        assert dual.best + u @ kept.center + 1e-12 >= (members @ u).max(initial=-np.inf)


def test_integer_dual_is_never_below_ten_thousand_sampled_rows():
    rng = np.random.default_rng(7)
    d, n_sampled = 30, 0
    center, normal = rng.gamma(0.5, 1.0, size=d), rng.normal(size=d)
    kept = IntegerSphereSlab(center, 7.0, normal, 8.0, upper=9)
    directions = rng.normal(size=(20, d))
    support = kept.maximize(directions)
    while n_sampled < 10_000:
        rows = np.maximum(np.rint(center + rng.normal(size=(20_000, d)) * rng.uniform(0.2, 1)), 0)
        rows = rows[kept.contains(rows, tol=0)]
        n_sampled += len(rows)
        assert ((directions @ rows.T).max(axis=1, initial=-np.inf) <= support.bound).all()
    assert (support.bound - support.value <= 0.05 * np.abs(support.bound)).all()


def test_mixed_one_hot_dual_is_never_below_ten_thousand_sampled_rows():
    rng = np.random.default_rng(8)
    groups, d, n_sampled = [[0, 1, 2], [3, 4, 5, 6], [7, 8]], 15, 0
    center = np.concatenate([np.full(3, 1 / 3), np.full(4, 1 / 4), [0.5, 0.5], rng.random(6)])
    normal = rng.normal(size=d)
    kept = OneHotSphereSlab(center, 1.9, normal, 1.0, groups=groups, lower=0.0, upper=1.0)
    directions = rng.normal(size=(20, d))
    support = kept.maximize(directions)
    hot = every_one_hot(groups, d)
    while n_sampled < 10_000:
        rows = hot[rng.integers(len(hot), size=20_000)]
        rows[:, 9:] = rng.random((20_000, 6))
        rows = rows[kept.contains(rows, tol=0)]
        n_sampled += len(rows)
        assert ((directions @ rows.T).max(axis=1, initial=-np.inf) <= support.bound).all()
    assert kept.violation(support.point).max() <= 1e-12
    assert np.mean(support.bound - support.value) <= 0.1 * np.mean(np.abs(support.bound))


def best_of_boxes(groups, u, ball):
    """Best value over all categories, the real columns solved as a box for each."""
    best, grouped = -np.inf, np.concatenate(groups)
    for row in every_one_hot(groups, len(u)):
        upper = np.ones(len(u))
        upper[grouped] = row[grouped]
        try:
            best = max(best, BoxedSphereSlab(*ball, lower=row, upper=upper).maximize(u).value)
        except ValueError:
            continue
    return best


def test_mixed_one_hot_dual_is_never_below_the_best_box_of_all_categories(effort):
    rng = np.random.default_rng(9)
    groups, d = [[0, 1], [2, 3, 4]], 8
    total = found = 0
    for _ in range(40 * effort):
        ball = (rng.random(d), rng.choice([1.3, 1.6, 2.5]), rng.normal(size=d), rng.choice([0.0, 0.1, 0.3, 1, 3]))
        u = rng.normal(size=d)
        best = best_of_boxes(groups, u, ball)
        if best == -np.inf:
            continue
        total += 1
        try:
            kept = OneHotSphereSlab(*ball, groups=groups, lower=0, upper=1)
        except ValueError:
            continue
        support = kept.maximize(u)
        assert support.bound >= best
        assert kept.violation(support.point[None])[0] <= 1e-12
        found += support.value >= best - 1e-6
    assert found >= 0.9 * total > 0


def examples():
    """One set of every kind with an inside, all of four columns."""
    center, normal = np.array([0.4, 0.3, 0.2, 0.6]), np.array([1.0, -2.0, 0.5, 1.0])
    ball = (center, 1.1, normal, 0.8)
    return [
        Sphere(center, 1.1),
        Slab(center, normal, 0.8),
        SphereSlab(*ball),
        Box([0, 0, 0, -1], [1, 2, 1, 1]),
        NonNegativeIntegers([1, 2, 3, 4]),
        OneHotGroups(4, [[0, 1, 2]], -1, 1),
        BoxedSphereSlab(*ball, lower=0, upper=1),
        BoxedSphereSlab(center, np.inf, normal, 0.8, lower=0, upper=1),
        BoxedSphereSlab(center, 1.1, lower=-np.inf, upper=0.7),
        IntegerSphereSlab(*ball, upper=3),
        OneHotSphereSlab(*ball, groups=[[0, 1, 2]]),
        ConvexSet(4, lambda x: [cp.norm(x - center) <= 1.1, cp.abs(normal @ (x - center)) <= 0.8]),
    ]


def name(feasible):
    return type(feasible).__name__


BOUNDED = [feasible for feasible in examples() if not isinstance(feasible, Slab)]
SOUND = [feasible for feasible in BOUNDED if not isinstance(feasible, ConvexSet)]
CONVEX = (Sphere, Slab, SphereSlab, Box, BoxedSphereSlab, ConvexSet)


@pytest.mark.parametrize("feasible", examples(), ids=name)
def test_projections_lie_in_the_set_and_are_the_nearest_of_convex_ones(feasible):
    rng = np.random.default_rng(10)
    rows = 3 * rng.normal(size=(12, 4))
    nearby = feasible.project(rows)
    assert feasible.contains(nearby, tol=1e-7).all()
    np.testing.assert_allclose(feasible.project(nearby), nearby, atol=1e-6)
    if isinstance(feasible, CONVEX):
        others = feasible.project(rng.normal(size=(30, 4)))
        # A point is the nearest one of a convex set iff no other lies at less than a right angle.
        products = np.einsum("ij,ikj->ik", rows - nearby, others[None] - nearby[:, None])
        assert products.max() <= 2e-5
    distance = np.linalg.norm(rows - nearby, axis=1)
    assert (feasible.violation(rows) <= distance * 3 + 1e-7).all()


@pytest.mark.parametrize("feasible", BOUNDED, ids=name)
def test_directions_are_answered_together_as_one_by_one(feasible):
    directions = np.random.default_rng(11).normal(size=(6, 4))
    together = feasible.maximize(directions)
    assert together.point.shape == (6, 4)
    for row, u in enumerate(directions):
        alone = feasible.maximize(u)
        assert isinstance(alone.value, float)
        assert isinstance(alone.bound, float)
        np.testing.assert_allclose(alone.value, together.value[row], atol=1e-6)
        np.testing.assert_allclose(alone.bound, together.bound[row], atol=1e-6)
    assert feasible.contains(together.point, tol=1e-7).all()
    assert feasible.maximize(np.empty((0, 4))).bound.shape == (0,)


def exact(u, x):
    return sum(Fraction(a) * Fraction(b) for a, b in zip(u.tolist(), x.tolist(), strict=True))


@pytest.mark.parametrize("feasible", SOUND, ids=name)
def test_bounds_cover_every_row_that_passes_the_check_in_floating_point(feasible):
    rng = np.random.default_rng(12)
    for u in rng.normal(size=(25, 4)):
        support = feasible.maximize(u)
        steps = np.concatenate([[0.0], 2.0 ** -np.arange(44.0, 54.0)])
        rows = support.point + steps[:, None] * u
        rows = rows[feasible.contains(rows, tol=0)]
        assert all(exact(u, row) <= Fraction(support.bound) for row in [*rows, support.point])


def test_bounds_of_boxes_cover_the_rounding_of_long_sums():
    rng = np.random.default_rng(16)
    lower, upper = np.sort(rng.normal(size=(2, 40)), axis=0)
    directions = rng.normal(size=(100, 40))
    for feasible in (Box(lower, upper), OneHotGroups(40, [[0, 1], [2, 3]], lower, upper)):
        support = feasible.maximize(directions)
        for u, point, bound in zip(directions, support.point, support.bound, strict=True):
            assert exact(u, point) <= Fraction(bound)


def test_a_direction_along_the_normal_never_leaves_the_slab():
    # What is left of it off the normal is rounding noise, which may itself lean on the normal.
    rng = np.random.default_rng(17)
    for d in (1, 2, 3):
        for normal in rng.normal(size=(300, d)) * 10.0 ** rng.integers(-3, 4, size=(300, 1)):
            kept = SphereSlab(np.zeros(d), 1.0, normal, 0.3 * np.linalg.norm(normal))
            support = kept.maximize(np.array([normal, -3 * normal]))
            assert (kept.violation(support.point) == 0).all()
            assert (support.bound - support.value <= 1e-12 * support.bound).all()


def test_walking_towards_a_target_ends_at_the_first_constraint():
    rng = np.random.default_rng(18)
    kept = BoxedSphereSlab(np.zeros(3), 1.0, [1.0, 0.5, -1.0], 0.7, lower=-5, upper=5)
    for start in kept.project(rng.normal(size=(60, 3))) * 0.9:
        target = 3 * rng.normal(size=3)
        end = walk(kept._region, start, target)
        assert kept.violation(end[None])[0] <= 1e-12
        full = onto_slab(kept._region, target) - start
        share = (end - start) @ full / (full @ full)
        np.testing.assert_allclose(end, start + share * full, atol=1e-12)
        assert share == pytest.approx(1) or kept.violation((start + (share + 1e-6) * full)[None])[0] > 0


@given(
    st.lists(st.floats(-1e100, 1e100), min_size=3, max_size=3),
    st.lists(st.floats(-1e100, 1e100), min_size=3, max_size=3),
    st.floats(0, 1e100),
    st.floats(0, 1e100),
    st.lists(st.floats(-1e307, 1e307), min_size=3, max_size=3),
)
def test_closed_form_bounds_hold_over_the_whole_range_of_floats(center, normal, radius, width, u):
    if 0 < np.abs(normal).max() < 1e-150:
        normal = [0.0, 0.0, 0.0]
    kept, u = SphereSlab(center, radius, normal, width), np.array(u)
    support = kept.maximize(u)
    assert not np.isnan(support.bound)
    assert support.bound >= support.value
    assert np.isinf(support.bound) or Fraction(support.bound) >= exact(u, kept.center)
    nearest = kept.project(np.array(normal)[None])
    assert np.isfinite(nearest).all()


@pytest.mark.parametrize("feasible", SOUND, ids=name)
def test_support_scales_with_the_direction(feasible):
    u = np.array([1.0, -0.3, 0.2, 0.7])
    support = feasible.maximize(u)
    for exponent in (-1040, -300, 300, 900):
        scaled = feasible.maximize(np.ldexp(u, exponent))
        if exponent > -1000:
            assert scaled.value == np.ldexp(support.value, exponent)
        assert scaled.bound >= scaled.value
    nothing = feasible.maximize(np.zeros(4))
    assert nothing.value == 0
    assert 0 <= nothing.bound <= 1e-12


@pytest.mark.parametrize("feasible", examples(), ids=name)
def test_rows_with_nan_are_outside_and_rows_inside_stay(feasible):
    rows = np.full((2, 4), np.nan)
    assert (feasible.violation(rows) == np.inf).all()
    assert not feasible.contains(rows, tol=1e300).any()
    inner = feasible.project(np.full((1, 4), 0.4))
    inner = inner[feasible.violation(inner) == 0]
    np.testing.assert_array_equal(feasible.project(inner), inner)
    assert repr(feasible) == f"{name(feasible)}(n_features=4)"
    assert isinstance(feasible, FeasibleSet)


def test_a_sphere_is_a_sphere_slab_without_a_slab():
    rng = np.random.default_rng(13)
    center, directions = rng.normal(size=5), rng.normal(size=(9, 5))
    want = Sphere(center, 2.0).maximize(directions)
    for normal, width in ((np.zeros(5), 0.0), (center, np.inf), (center, 1e9)):
        got = SphereSlab(center, 2.0, normal, width).maximize(directions)
        np.testing.assert_allclose(got.value, want.value, rtol=1e-13)
        np.testing.assert_allclose(got.bound, want.bound, rtol=1e-12)


def test_one_column_needs_no_second_dimension():
    # The remainder of a direction off the normal is noise here, and must not be followed.
    rng = np.random.default_rng(14)
    for _ in range(200):
        normal, u = rng.normal(size=1), rng.normal(size=1)
        radius, thickness, center = rng.exponential(), rng.exponential(), rng.normal(size=1)
        support = SphereSlab(center, radius, normal, thickness * abs(normal[0])).maximize(u)
        want = float(u @ center) + abs(u[0]) * min(radius, thickness)
        assert want <= support.bound <= want + 1e-12
        assert want - 1e-12 <= support.value


def test_a_slab_answers_multiples_of_its_normal_only():
    slab = Slab([1.0, 1.0], [0.1, 0.3], 0.5)
    support = slab.maximize(np.array([[0.2, 0.6], [-0.1, -0.3], [0.0, 0.0]]))
    np.testing.assert_allclose(support.value, [1.8, 0.1, 0.0], atol=1e-12)
    assert (support.bound >= support.value).all()
    # 0.6 / 0.2 rounds to the same number as 0.3 / 0.1 does not: only exact multiples are bounded.
    for u in ([1.0, 0.0], [0.2, np.nextafter(0.6, 1)]):
        with pytest.raises(CertificateError, match="SphereSlab"):
            slab.maximize(u)


def test_convex_sets_agree_with_closed_forms():
    closed, solved = examples()[2], examples()[-1]
    directions = np.random.default_rng(15).normal(size=(10, 4))
    want, got = closed.maximize(directions), solved.maximize(directions)
    np.testing.assert_allclose(got.value, want.value, atol=1e-6)
    assert (got.bound >= want.value).all()
    np.testing.assert_allclose(got.bound, want.bound, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Sphere([0, 0], -1), "radius must be a non-negative"),
        (lambda: Sphere([0, 0], np.inf), "radius"),
        (lambda: Sphere([0, np.nan], 1), "center must be finite"),
        (lambda: Sphere([], 1), "at least one feature"),
        (lambda: Slab([0, 0], [1, 0], -0.1), "width"),
        (lambda: Slab([0, 0], [1, 0, 0], 1), "normal must have shape"),
        (lambda: Slab([0, 0], [1e-200, 0], 1), "scale normal and width"),
        (lambda: Box([0, 2], [1, 1]), "column 1 would lie between 2.0 and 1.0"),
        (lambda: Box([0, np.nan], [1, 1]), "without NaN"),
        (lambda: NonNegativeIntegers([1, -1]), "empty"),
        (lambda: OneHotGroups(3, [[0, 1], [1, 2]]), "column 1 is named twice"),
        (lambda: OneHotGroups(3, [[0, 3]]), "columns 0..2"),
        (lambda: OneHotGroups(3, [[0], []]), "every group"),
        (lambda: OneHotGroups(0, [[0]]), "positive whole number"),
        (lambda: BoxedSphereSlab([5, 5], 1, lower=0, upper=1), "do not meet the sphere"),
        (lambda: BoxedSphereSlab([5, 5], 9, [1, 1], 1, lower=0, upper=1), "do not meet the slab"),
        (lambda: BoxedSphereSlab([2, 0], 1.1, [1, 1], 0.1, lower=-1, upper=1), "not where both meet"),
        (lambda: BoxedSphereSlab([0, 0], np.inf, lower=0, upper=np.inf), "has no end"),
        (lambda: IntegerSphereSlab([0.5, 0.5], 0.5), "do not meet the sphere"),
        (lambda: IntegerSphereSlab([0.5, 0.5], 9, [1, 0], 0.1), "No point of the set was found"),
        (lambda: OneHotSphereSlab([0.5, 0.5], 0.1, groups=[[0, 1]]), "do not meet the sphere"),
        (lambda: ConvexSet(2, lambda x: [x >= 1, x <= 0]), "contradict"),
        (lambda: ConvexSet(2, lambda x: [cp.norm(x) >= 1]), "not convex"),
        (lambda: ConvexSet(2, lambda x: [x <= cp.Variable(2)]), "variables of their own"),
        (lambda: Sphere([0, 0], 1).maximize([1.0]), "direction must be finite"),
        (lambda: Sphere([0, 0], 1).maximize([1.0, np.nan]), "direction must be finite"),
        (lambda: Sphere([0, 0], 1).project([[np.inf, 0]]), "NaN or infinity"),
        (lambda: Sphere([0, 0], 1).contains([0, 0]), "reshape"),
        (lambda: Box([0, 0], [1, np.inf]).maximize([1.0, 1.0]), "column 1 may be infinite"),
        (lambda: ConvexSet(2, lambda x: [x >= 0]).maximize([1.0, 1.0]), "no end"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_sparse_rows_are_refused_rather_than_densified():
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(ValueError, match="toarray"):
        Sphere([0, 0], 1).contains(sparse.csr_array(np.eye(2)))
