"""Cut sets: equal to Clarabel over convex sets, to the relaxation they stand for over others; no row beats a bound."""

from fractions import Fraction
from itertools import product

import cvxpy as cp
import numpy as np
import pytest
from conic_peer import solve
from scipy.optimize import linprog

from robustfit.certify import (
    Box,
    BoxedSphereSlab,
    ConvexSet,
    CutSet,
    FeasibleSet,
    IntegerSphereSlab,
    NonNegativeIntegers,
    OneHotSphereSlab,
    Slab,
    Sphere,
    SphereSlab,
    Support,
)

pytestmark = pytest.mark.filterwarnings("ignore:Solution may be inaccurate")

KINDS = (
    "one level",
    "two levels",
    "thin",
    "equal levels",
    "slack",
    "along",
    "against",
    "nearly against",
    "across",
    "no direction",
    "nearly touching",
    "no normal",
)


class Peer:
    """Clarabel on a cut sphere, slab and box of one width, compiled once."""

    def __init__(self, d):
        self.z, self.u, self.y = cp.Variable(d), cp.Parameter(d), cp.Parameter(d)
        self.n, self.a, self.lower, self.upper = (cp.Parameter(d) for _ in range(4))
        self.r, self.w = (cp.Parameter(nonneg=True) for _ in range(2))
        self.low, self.high = cp.Parameter(), cp.Parameter()
        cons = [cp.norm(self.z) <= self.r, cp.abs(self.n @ self.z) <= self.w]
        cons += [self.z >= self.lower, self.z <= self.upper, self.a @ self.z >= self.low, self.a @ self.z <= self.high]
        self.farthest = cp.Problem(cp.Maximize(self.u @ self.z), cons)
        self.nearest = cp.Problem(cp.Minimize(cp.sum_squares(self.z - self.y)), cons)

    def give(self, base, cut):
        shift = cut.normal @ base["center"]
        self.r.value, self.w.value, self.n.value = base["radius"], base["width"], base["normal"]
        self.lower.value, self.upper.value = base["lower"] - base["center"], base["upper"] - base["center"]
        size = np.linalg.norm(cut.normal) or 1.0
        self.low.value, self.high.value = np.clip(np.array([cut.low - shift, cut.high - shift]) / size, -1e3, 1e3)
        self.a.value = cut.normal / size

    def support(self, base, cut, u):
        self.give(base, cut)
        self.u.value = u
        return solve(self.farthest, 1e-7) + u @ base["center"]

    def distance(self, base, cut, row):
        self.give(base, cut)
        self.y.value = row - base["center"]
        return float(np.sqrt(max(solve(self.nearest, 1e-7), 0.0)))


def convex_base(rng, d):
    """A sphere, sphere and slab, or both in a box, with the numbers that make it."""
    radius, normal, center = rng.choice([0.3, 1.0, 3.0]), rng.normal(size=d), rng.normal(size=d)
    base = {
        "center": center,
        "radius": radius,
        "normal": normal,
        "width": rng.choice([0.1, 0.5, 2.0]) * radius * np.linalg.norm(normal),
        "lower": np.full(d, -100.0),
        "upper": np.full(d, 100.0),
    }
    kind = rng.integers(4)
    if kind == 0:
        return Sphere(center, radius), base | {"width": 1e3}
    if kind == 1:
        return SphereSlab(center, radius, normal, base["width"]), base
    base["lower"], base["upper"] = center - radius * rng.random(d), center + radius * rng.random(d)
    if kind == 2:
        return BoxedSphereSlab(**base), base
    return Box(base["lower"], base["upper"]), base | {"radius": 1e3, "width": 1e3}


def levels(rng, kind, inner, normal):
    """Levels that a kind asks for, between the least and the largest score of the uncut set."""
    top, bottom = inner.maximize(normal).value, -inner.maximize(-normal).value
    low, high = np.sort(bottom + (top - bottom) * rng.random(2))
    return {
        "one level": (low, np.inf),
        "thin": (low, low + 1e-4 * (top - bottom)),
        "equal levels": (low, low),
        "slack": (bottom - 1.0, top + 1.0),
        "nearly touching": (top - 1e-6 * (top - bottom), np.inf),
        "no normal": (-0.5, 0.5),
    }.get(kind, (low, high))


def problem(rng, kind, d):
    inner, base = convex_base(rng, d)
    normal = rng.normal(size=d) * 10.0 ** rng.integers(-2, 3)
    if kind == "no normal":
        normal = np.zeros(d)
    low, high = levels(rng, kind, inner, normal)
    u = rng.normal(size=d)
    unit = normal / (np.linalg.norm(normal) or 1.0)
    if kind in ("along", "against", "nearly against"):
        u = unit * rng.choice([0.3, 2.0]) * (1 if kind == "along" else -1) + (1e-7 * u if "nearly" in kind else 0)
    if kind == "across":
        u -= (u @ unit) * unit
    if kind == "no direction":
        u = np.zeros(d)
    return CutSet(inner, normal, low=low, high=high), base, u


def check_against_clarabel(rng, n_problems):
    peers = {d: Peer(d) for d in (1, 2, 3, 7)}
    for number in range(n_problems):
        kind, d = KINDS[number % len(KINDS)], (1, 2, 3, 7)[number // len(KINDS) % 4]
        cut, base, u = problem(rng, kind, d)
        support, scale = cut.maximize(u), 1 + np.linalg.norm(u)
        assert abs(support.bound - peers[d].support(base, cut, u)) <= 1e-6 * scale, (number, kind)
        assert 0 <= support.bound - support.value <= 1e-6 * scale, (number, kind)
        thin = kind == "equal levels"
        assert cut.violation(support.point[None])[0] <= (1e-9 if thin else 0), (number, kind)
        row = base["center"] + 4 * rng.normal(size=d)
        nearest = cut.project(row[None])
        assert cut.violation(nearest)[0] <= (1e-9 if thin else 0), (number, kind)
        distance = np.linalg.norm(row - nearest[0])
        assert abs(distance - peers[d].distance(base, cut, row)) <= (1e-3 if thin else 1e-5), (number, kind)


def test_maxima_and_projections_equal_clarabel():
    check_against_clarabel(np.random.default_rng(0), 48)


@pytest.mark.slow
def test_maxima_and_projections_equal_clarabel_on_many_problems(effort):
    check_against_clarabel(np.random.default_rng(1), 480 * min(effort, 3))


def test_a_cut_that_touches_leaves_one_point():
    rng = np.random.default_rng(7)
    for _ in range(30):
        base, (u, a, row) = Sphere(rng.normal(size=3), 2.0), rng.normal(size=(3, 3))
        top = base.maximize(a)
        cut = CutSet(base, a, low=top.value)
        support = cut.maximize(u)
        np.testing.assert_allclose(support.point, top.point, atol=1e-6)
        # The dual falls to its limit like one over the multiplier, and rounding rises with it.
        assert u @ top.point <= support.bound <= u @ top.point + 1e-5
        np.testing.assert_allclose(cut.project(row[None])[0], top.point, atol=1e-6)
        assert cut.violation(support.point[None])[0] <= 1e-12


def test_two_cuts_and_sets_of_constraints_equal_clarabel_on_all_of_them():
    rng = np.random.default_rng(2)
    d = 4
    x = cp.Variable(d)
    for make in (
        lambda: SphereSlab(np.zeros(d), 2.0, np.ones(d), 1.0),
        lambda: ConvexSet(d, lambda z: [cp.norm(z) <= 2, cp.abs(cp.sum(z)) <= 1]),
    ):
        for _ in range(3):
            a, b, u = rng.normal(size=(3, d))
            cut = CutSet(CutSet(make(), a, low=0.3), b, high=-0.2)
            constraints = [cp.norm(x) <= 2, cp.abs(cp.sum(x)) <= 1, a @ x >= 0.3, b @ x <= -0.2]
            best = solve(cp.Problem(cp.Maximize(u @ x), constraints))
            support = cut.maximize(u)
            assert abs(support.bound - best) <= 1e-5
            assert abs(support.value - best) <= 1e-5
            row = 3 * rng.normal(size=d)
            distance = solve(cp.Problem(cp.Minimize(cp.norm(x - row)), constraints))
            assert np.linalg.norm(cut.project(row[None])[0] - row) == pytest.approx(distance, abs=1e-4)


def integer_case(rng):
    d = int(rng.integers(1, 5))
    upper = rng.integers(0, 5, size=d)
    rows = np.array(list(product(*[range(end + 1) for end in upper])), dtype=float)
    center, normal = rng.uniform(0, 3, size=d), rng.normal(size=d)
    radius, width = rng.choice([1, 2, 3, 5]), rng.choice([0.3, 1, 3, np.inf])
    return lambda: IntegerSphereSlab(center, radius, normal, width, upper=upper), (center, radius, normal, width), rows


def one_hot_case(rng):
    sizes = rng.integers(1, 5, size=int(rng.integers(1, 4)))
    d = int(sizes.sum())
    groups = np.split(np.arange(d), np.cumsum(sizes)[:-1])
    rows = np.array([np.isin(np.arange(d), chosen) for chosen in product(*groups)], dtype=float)
    center, normal = rng.random(d), rng.normal(size=d)
    radius, width = rng.choice([1, 1.3, 1.6, 2]), rng.choice([0.3, 1, 3, np.inf])
    return lambda: OneHotSphereSlab(center, radius, normal, width, groups=groups), (center, radius, normal, width), rows


def relaxed(rows, ball, cut, u):
    """Best mixture of rows that satisfies sphere, slab and levels on average: what the dual can reach at best."""
    center, radius, normal, width = ball
    along, score = (rows - center) @ normal, rows @ cut.normal
    sides = [(((rows - center) ** 2).sum(axis=1), radius**2), (along, width), (-along, width)]
    sides += [(score, cut.high), (-score, -cut.low)]
    kept = [(left, right) for left, right in sides if np.isfinite(right)]
    result = linprog(
        -rows @ u,
        A_ub=np.array([left for left, _ in kept]),
        b_ub=[right for _, right in kept],
        A_eq=np.ones((1, len(rows))),
        b_eq=[1],
    )
    return -result.fun


def members(rows, ball, low, high, a):
    center, radius, normal, width = ball
    offset, score = rows - center, rows @ a
    near = (np.linalg.norm(offset, axis=1) <= radius) & (np.abs(offset @ normal) <= width)
    return rows[near & (score >= low) & (score <= high)]


@pytest.mark.parametrize("make", [integer_case, one_hot_case])
def test_no_row_beats_the_bound_over_whole_numbers_and_categories(make, effort):
    rng = np.random.default_rng(3)
    tried = tight = loose = 0
    while tried < 40 * effort:
        build, ball, rows = make(rng)
        a, u = rng.normal(size=(2, rows.shape[1]))
        low, high = np.sort(rows[rng.integers(len(rows), size=2)] @ a) + np.array([-1e-9, 1e-9])
        inside = members(rows, ball, low, high, a)
        try:
            cut = CutSet(build(), a, low=low, high=high)
        except ValueError as error:
            if len(inside) and "No point of the set was found" not in str(error):
                pytest.fail(f"The set is not empty: {inside[0]}")
            continue
        tried += 1
        support = cut.maximize(u)
        best = (inside @ u).max()
        assert support.bound >= best
        assert cut.violation(support.point[None])[0] <= 1e-12
        assert support.value <= best + 1e-9
        loose += support.bound > relaxed(rows, ball, cut, u) + 1e-5
        tight += support.value >= best - 1e-9
        assert cut.violation(cut.project(4 * rng.normal(size=(1, cut.n_features))))[0] <= 1e-12
    assert loose <= 0.05 * tried
    assert tight >= 0.6 * tried


def exact(u, x):
    return sum(Fraction(a) * Fraction(b) for a, b in zip(u.tolist(), x.tolist(), strict=True))


@pytest.mark.parametrize("scale", [1.0, 1e-140, 1e140])
def test_bounds_cover_every_row_that_passes_the_check_in_floating_point(scale):
    rng = np.random.default_rng(4)
    for base in (
        Sphere(rng.normal(size=6), 1.3),
        SphereSlab(rng.normal(size=6), 1.3, np.ones(6), 1.0),
        Box(rng.normal(size=6) - 3, np.full(6, 3.0)),
        CutSet(Sphere(np.zeros(6), 2.0), np.arange(6.0), low=1.0),
    ):
        for u, a in rng.normal(size=(15, 2, 6)):
            low = (-0.2 * base.maximize(-a).value + 0.8 * base.maximize(a).value) * scale
            cut = CutSet(base, scale * a, low=low)
            support = cut.maximize(u - 2 * a)
            steps = np.concatenate([[0.0], 2.0 ** -np.arange(44.0, 54.0)])
            rows = support.point + steps[:, None] * (u - 2 * a)
            rows = rows[cut.contains(rows, tol=0)]
            assert all(exact(u - 2 * a, row) <= Fraction(support.bound) for row in [*rows, support.point])


def test_the_bound_is_never_below_ten_thousand_sampled_rows():
    rng = np.random.default_rng(5)
    d = 12
    base = SphereSlab(np.zeros(d), 1.0, rng.normal(size=d), 1.0)
    a, directions = rng.normal(size=d), rng.normal(size=(20, d))
    cut = CutSet(base, a, low=0.5, high=1.5)
    support = cut.maximize(directions)
    rows = np.concatenate([base.project(rng.normal(size=(9_000, d))), cut.project(rng.normal(size=(3_000, d)))])
    rows = rows[cut.contains(rows, tol=0)]
    assert len(rows) > 3_000
    assert ((directions @ rows.T).max(axis=1) <= support.bound).all()
    for u, point, bound in zip(directions, support.point, support.bound, strict=True):
        alone = cut.maximize(u)
        np.testing.assert_allclose(alone.point, point, atol=1e-9)
        np.testing.assert_allclose(alone.bound, bound, atol=1e-12)


def test_projections_meet_the_angle_criterion_of_convex_sets():
    rng = np.random.default_rng(6)
    cut = CutSet(SphereSlab(np.zeros(5), 1.0, np.ones(5), 1.0), [1.0, -1, 0, 2, 0], low=0.4, high=0.9)
    rows = 3 * rng.normal(size=(40, 5))
    nearby, others = cut.project(rows), cut.project(rng.normal(size=(60, 5)))
    assert (cut.violation(nearby) == 0).all()
    assert np.einsum("ij,ikj->ik", rows - nearby, others[None] - nearby[:, None]).max() <= 1e-7
    np.testing.assert_array_equal(cut.project(nearby), nearby)
    assert (cut.violation(np.full((1, 5), np.nan)) == np.inf).all()
    assert np.isfinite(cut.project([[1e300, -1e300, 0, 0, 0]])).all()


class Diamond(FeasibleSet):
    """What a user may write: nothing but the four methods that a set needs."""

    def __init__(self):
        super().__init__(3)

    def _violation(self, rows):
        return np.maximum(np.abs(rows).sum(axis=1) - 1, 0)

    def _support(self, directions):
        points = np.zeros_like(directions)
        column = np.abs(directions).argmax(axis=1)
        points[np.arange(len(points)), column] = np.sign(directions[np.arange(len(points)), column])
        return points, np.abs(directions).max(axis=1) * (1 + 1e-15)

    def _project(self, rows):
        return rows / np.maximum(np.abs(rows).sum(axis=1, keepdims=True), 1)


def test_sets_of_other_makers_can_be_cut():
    diamond = Diamond()
    assert not diamond.convex
    assert diamond.reach == pytest.approx(np.sqrt(3))
    support = CutSet(diamond, [1.0, 1.0, 1.0], high=0.5).maximize([1.0, 0.5, -1.0])
    assert isinstance(support, Support)
    assert support.bound >= 1.0
    assert support.value <= 1.0


def test_reach_is_the_length_of_the_longest_row():
    assert Box([-3.0, 0.0], [1.0, 4.0]).reach == pytest.approx(5.0)
    assert SphereSlab([3.0, 4.0], 2.0, [1.0, 0.0], 1.0).reach == 7.0
    assert IntegerSphereSlab([3.0, 4.0], 2.0).reach == 7.0
    assert NonNegativeIntegers([3, 4]).reach == pytest.approx(5.0)
    assert NonNegativeIntegers(n_features=2).reach == np.inf
    assert Slab([0.0, 0.0], [1.0, 0.0], 1.0).reach == np.inf


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CutSet(Sphere([0, 0], 1), [1, 0], low=1.5), r"empty: no row of Sphere\(n_features=2\) has a score"),
        (lambda: CutSet(Sphere([0, 0], 1), [1, 0], high=-1.5), "empty"),
        (lambda: CutSet(Sphere([0, 0], 1), [1, 0], low=0.5, high=0.4), "between low=0.5 and high=0.4"),
        (lambda: CutSet(Sphere([0, 0], 1), [0, 0], low=0.5), "empty"),
        (lambda: CutSet(NonNegativeIntegers([3, 3]), [1, 1], low=1.2, high=1.8), "No point of the set was found"),
        (lambda: CutSet(Slab([0, 0], [1, 0], 1), [1, 0], low=0), "has no end in some direction"),
        (lambda: CutSet(Sphere([0, 0], 1), [1, 0, 0], low=0), "normal must have shape"),
        (lambda: CutSet(Sphere([0, 0], 1), [1, 0], low=np.nan), "low must be a number"),
        (lambda: CutSet(Sphere([0, 0], 1), [1, 0], high=1e200), "high must be a number"),
        (lambda: CutSet("sphere", [1, 0], low=0), "base must be a feasible set"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_without_levels_nothing_is_cut():
    base = IntegerSphereSlab([1.2, 1.7], 1.5, [1.0, 0.3], 1.0)
    whole, cut = base.maximize([[1.0, 0.2], [-1.0, 3.0]]), CutSet(base, [1.0, 0.0]).maximize([[1.0, 0.2], [-1.0, 3.0]])
    np.testing.assert_array_equal(whole.point, cut.point)
    np.testing.assert_allclose(whole.bound, cut.bound, rtol=1e-14)


@pytest.mark.parametrize("make", [lambda r: Sphere([0.0, 0.0], r), lambda r: SphereSlab([0.0, 0.0], r, [1.0, 0.0], r)])
@pytest.mark.parametrize("radius", [0.0, 1e-170])
def test_rows_whose_squares_vanish_are_covered(make, radius):
    for kept in (make(radius), CutSet(make(radius), [1.0, 0.0], low=-1.0)):
        for size in (1e-163, 1e-162, 1e-161):
            row = np.array([[0.0, size]])
            if kept.contains(row, tol=0)[0]:
                assert kept.maximize([1.0, 1.0]).bound >= row.sum()
    assert make(radius).contains([[0.0, 1e-163]], tol=0)[0]
