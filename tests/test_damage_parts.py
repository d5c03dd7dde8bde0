"""What bounds on damage are made of, each part alone: tangents and their minimum in rational arithmetic, units."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import Ridge
from sklearn.preprocessing import scale
from sklearn.svm import LinearSVC

from robustfit._meta._rules import Trim, most_to_drop
from robustfit.attacks import sphere_slab_sets
from robustfit.audit import certify_damage, inflated_sets, optimality_gap
from robustfit.certify import CertificateError, Sphere
from robustfit.certify._damage import CrammerSinger, Game, LinearLearner, Margins, Squares
from robustfit.certify._damage._bundle import ADDED, CLEAN, Bundle
from robustfit.certify._damage._game import Cut
from robustfit.certify._damage._inflate import Changes, Dropping, Spread, median_box, trimmed_mean_box
from robustfit.certify._damage._simplex_qp import minimize_quadratic
from robustfit.losses import HINGE, SQUARED_HINGE
from robustfit.sanitize import SphereSanitizer

TWO, THREE = np.array([[-1.0], [1.0]]), 2.0 * np.eye(3) - 1
LOSSES = [
    Margins(HINGE, TWO),
    Margins(SQUARED_HINGE, TWO),
    Margins(HINGE, THREE),
    Squares(TWO, TWO),
    Squares(THREE, THREE),
    CrammerSinger(3),
]
exactly = np.vectorize(Fraction, otypes=[object])


def size(rng, low, high):
    return 10.0 ** rng.integers(low, high)


# ---- tangents ------------------------------------------------------------------------------------------------


def exact_sum(loss, X, Y, theta):
    """The sum of the losses of rows, in rational arithmetic."""
    S, Y = exactly(X) @ exactly(theta[:-1]) + exactly(theta[-1]), exactly(Y)
    if isinstance(loss, Squares):
        return ((S - Y) ** 2).sum() / 2
    if isinstance(loss, CrammerSinger):
        own = [int(code) for code in Y[:, 0]]
        return sum(max(s[j] - s[c] + (j != c) for j in range(len(s))) for s, c in zip(S, own, strict=True))
    lacks = np.maximum(1 - S * Y, 0)
    return (lacks if loss.loss is HINGE else lacks**2).sum()


def rows_and_model(rng, loss):
    """Rows and a model of any scale, far from the origin and with a residual that cancels, as often as not."""
    n, d, k = int(rng.integers(1, 30)), int(rng.integers(1, 6)), loss.n_outputs
    X = rng.normal(size=(n, d)) * size(rng, -6, 8) + (size(rng, -6, 8) if rng.random() < 0.5 else 0.0)
    theta = rng.normal(size=(d + 1, k)) * size(rng, -8, 4)
    codes = rng.integers(loss.n_labels, size=n)
    if isinstance(loss, CrammerSinger):
        return X, codes[:, None].astype(float), theta
    Y = loss.signs[codes] if isinstance(loss, Margins) else loss.low[codes]
    if rng.random() < 0.5:
        theta[-1] = Y[0] - X[0] @ theta[:-1]
    return X, Y, theta


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: f"{type(loss).__name__}-{loss.n_outputs}")
def test_no_tangent_is_above_the_losses(loss, effort):
    rng = np.random.default_rng(0)
    for _ in range(60 * effort):
        X, Y, theta = rows_and_model(rng, loss)
        game = Game(LinearLearner(loss, 1.0, 0.0), X, Y)
        _, cut = game.clean_cut(theta, game.scores(theta))
        step = rng.normal(size=theta.shape) * np.abs(theta).max() * size(rng, -6, 6)
        for other in (theta, np.zeros_like(theta), 2 * theta, theta + step):
            tangent = Fraction(cut.offset) + exactly(cut.slope) @ exactly(other.ravel())
            # ‖θ‖ to a digit less than it rounds.
            blurred = Fraction(cut.blur) * Fraction(float(np.linalg.norm(other)) * (1 - 1e-14))
            assert tangent - blurred <= exact_sum(loss, X, Y, other)


@pytest.mark.parametrize("kinds", [[CLEAN], [CLEAN, ADDED]], ids=len)
def test_the_minimum_of_tangents_rounds_down(kinds, effort):
    rng, budget = np.random.default_rng(0), 3.0
    for _ in range(60 * effort):
        learner, q = LinearLearner(LOSSES[0], size(rng, -6, 6), size(rng, -6, 6)), int(rng.integers(1, 6))
        bundle, offset, pull = Bundle(learner, (q + 1, 1)), Fraction(0), exactly(np.zeros(q + 1))
        for kind in kinds:
            cut = Cut(float(rng.normal() * size(rng, -6, 6)), rng.normal(size=q + 1) * size(rng, -6, 6))
            bundle.add(cut, kind)
            times = Fraction(1 if kind == CLEAN else budget)
            offset, pull = offset + times * Fraction(cut.offset), pull + times * exactly(cut.slope)
        # One tangent of a kind has all its weight.
        fall = (pull[:-1] ** 2).sum() / Fraction(learner.ridge) + pull[-1] ** 2 / Fraction(learner.intercept_ridge)
        assert Fraction(bundle.solve(budget, 0.0).lowest) <= offset - fall / 2


# ---- the search ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("far", "alpha"), [(1e5, 1e-6), (1e7, 1e-3), (1e7, 1e-6)])
def test_slopes_that_cancel_before_a_weak_penalty_end_the_search(far, alpha):
    rng = np.random.default_rng(0)
    x = far * (1 + 0.1 * rng.normal(size=20))
    model = Ridge(alpha=alpha, fit_intercept=False).fit(x[:, None], x + rng.normal(size=20))
    y = x + rng.normal(size=20)
    here = 0.5 * np.sum((x * model.coef_[0] - y) ** 2) + 0.5 * alpha * model.coef_[0] ** 2
    assert 0 <= optimality_gap(model, x[:, None], y, n_clean=1) <= here * (1 + 1e-6)


@pytest.mark.parametrize("unit", [1e-9, 1e6, 1e12])
def test_a_bound_does_not_depend_on_the_unit_of_the_target(unit):
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X)[:200, :4], y[:200] / 100

    def bound(target):
        return certify_damage(Ridge(alpha=1.0), X, target, budget=9, feasible_set=Sphere(np.zeros(4), 2.0)).bound[0]

    assert bound(unit * y) / unit**2 == pytest.approx(bound(y), rel=1e-4)


def test_quadratic_programmes_may_have_variables_that_enter_and_stay_at_0():
    rng = np.random.default_rng(0)
    with np.errstate(all="raise"):
        for _ in range(400):
            n = int(rng.integers(6, 16))
            # Without slopes, and with few whole numbers: many ties.
            kind = np.append([0, 1], rng.integers(0, 2, size=n - 2))
            push = np.where(rng.random() < 0.5, np.sign(rng.normal(size=n)), rng.normal(size=n))
            equations = np.pad(np.vstack([kind == 0, kind == 1, push]).astype(float), ((0, 0), (0, 2)))
            equations[2, n:] = 1.0, -1.0
            linear = np.append(np.round(rng.normal(size=n)), np.full(2, -size(rng, -2, 6)))
            rest = push[0] + push[1]
            start = np.concatenate([[1.0, 1.0], np.zeros(n - 2), [max(-rest, 0.0), max(rest, 0.0)]])
            x, _ = minimize_quadratic(np.zeros((n + 2, n + 2)), linear, equations, np.array([1.0, 1.0, 0.0]), start)
            assert (x >= 0).all()
            np.testing.assert_allclose(equations[:2] @ x, 1.0, atol=1e-6)


def test_quadratic_programmes_beyond_the_range_of_floats_stay_where_they_are():
    start, equations = np.array([1.0, 0.0]), np.ones((1, 2))
    for quadratic, linear in [(np.full((2, 2), np.inf), np.ones(2)), (np.eye(2), np.array([np.inf, 1.0]))]:
        with np.errstate(invalid="ignore"):
            x, _ = minimize_quadratic(quadratic, linear, equations, np.ones(1), start)
        np.testing.assert_array_equal(x, start)


def test_fewer_rows_do_no_more_damage_where_a_search_fails():
    X, y = load_breast_cancer(return_X_y=True)
    found = certify_damage(LinearSVC(C=1.0), X, y, budget=[6, 17], feasible_set=sphere_slab_sets(X, y, quantile=0.7))
    assert found.bound[0] <= found.bound[1]
    assert (found.attained >= 0).all()


# ---- filters -------------------------------------------------------------------------------------------------


def changed(values, changes, places):
    """All that a column can become: what is left of its values, and what was added to it."""
    for removed in range(changes.removed + 1):
        for kept in itertools.combinations(values, len(values) - removed):
            for added in range(changes.added + 1):
                for more in itertools.combinations_with_replacement(places, added):
                    yield np.array(kept), np.array(more)


@pytest.mark.parametrize(("n", "added", "removed"), [(5, 2, 0), (6, 2, 0), (6, 1, 1), (7, 1, 2), (7, 2, 1), (4, 0, 2)])
@pytest.mark.parametrize("wrap", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_a_median_and_a_unit_go_as_far_as_their_ends_and_no_farther(n, added, removed, wrap):
    changes, rng = Changes(added, removed), np.random.default_rng(n)
    values = np.sort(np.round(10 * rng.normal(size=n)))
    places = [*values, -1e3, 1e3]
    medians = [np.median(np.append(*pair)) for pair in changed(values, changes, places)]
    box = median_box(wrap(values[:, None]), changes)
    assert (box.low[0], box.high[0]) == (min(medians), max(medians))
    # Scores of which each is anywhere between two ends.
    low, high = np.abs(values) + 1, np.abs(values) + rng.integers(1, 9, size=n)
    least, most = (
        [np.median(np.append(*pair)) for pair in changed(end, changes, [*end, 0.0, 1e3])] for end in (low, high)
    )
    assert Spread(low, high).unit(changes) == (min(least), max(most))


@pytest.mark.parametrize("changes", [Changes(0), Changes(1), Changes(2, 1), Changes(1, 2)], ids=str)
def test_columns_that_are_mostly_zero_have_the_ends_of_dense_ones(changes):
    # One column for each number of entries, on either side of zero.
    rows = np.triu(np.ones((12, 13)), 1) * np.arange(1.0, 13)[:, None]
    rows = np.hstack([rows, -rows])
    for box in (median_box, lambda rows, changes: trimmed_mean_box(rows, changes, 0.3)):
        dense, thin = box(rows, changes), box(sparse.csr_array(rows), changes)
        np.testing.assert_allclose(thin.low, dense.low, atol=1e-12)
        np.testing.assert_allclose(thin.high, dense.high, atol=1e-12)


def test_more_changes_than_rows_that_stay_leave_no_end():
    rows = np.arange(5.0)[:, None]
    for added, removed in [(5, 0), (3, 2), (6, 0)]:
        box = median_box(rows, Changes(added, removed))
        assert (box.low[0], box.high[0]) == (-np.inf, np.inf)
    assert np.isfinite(median_box(rows, Changes(4)).high[0])


@pytest.mark.parametrize(
    ("n", "added", "removed", "share"), [(8, 1, 0, 0.2), (7, 1, 1, 0.3), (6, 2, 0, 0.4), (9, 1, 1, 0.2)]
)
def test_a_trimmed_mean_goes_as_far_as_its_ends_and_no_farther(n, added, removed, share):
    changes, values = Changes(added, removed), np.sort(np.round(10 * np.random.default_rng(n).normal(size=n)))
    means = []
    for pair in changed(values, changes, [*values, -1e3, 1e3]):
        ordered = np.sort(np.append(*pair))
        cut = int(share * len(ordered))
        means.append(ordered[cut : len(ordered) - cut].mean())
    box = trimmed_mean_box(values[:, None], changes, share)
    assert box.low[0] <= min(means)
    assert box.high[0] >= max(means)
    assert (box.low[0], box.high[0]) == pytest.approx((min(means), max(means)), rel=1e-12)


def test_rows_that_a_trimmed_mean_does_not_cut_off_move_it_without_end():
    rows = np.arange(10.0)[:, None]
    assert np.isfinite(trimmed_mean_box(rows, Changes(1), 0.1).high[0])
    assert trimmed_mean_box(rows, Changes(2), 0.1).high[0] == np.inf
    assert trimmed_mean_box(rows, Changes(1, 2), 0.1).high[0] == np.inf
    # Nothing is left of an even number of values that are cut in half.
    assert trimmed_mean_box(rows, Changes(0), 0.5).high[0] == np.inf
    assert trimmed_mean_box(rows[:9], Changes(0), 0.5).high[0] == pytest.approx(4.0)


def rule_of(dropping, groups, size):
    """The rule by which a sanitizer leaves rows out."""
    weights = np.ones(size)
    most = most_to_drop(weights, groups, dropping.least)
    trim = Trim(weights, lambda: np.arange(size), groups, most)
    return trim.by_class(dropping.share * trim.totals) if dropping.by_class else trim.overall(dropping.share * size)


def kept_by(dropping, classes):
    """Which scores of each class a sanitizer keeps, in units of the medians of the classes."""
    scores = np.concatenate([values / np.median(values) for values in classes])
    if dropping.threshold is not None:
        kept = scores <= dropping.threshold
    else:
        groups = np.split(np.arange(len(scores)), np.cumsum([len(values) for values in classes])[:-1])
        kept = rule_of(dropping, groups, len(scores))(scores) > 0
    return np.split(kept, np.cumsum([len(values) for values in classes])[:-1])


DROPPINGS = [
    Dropping(0.3, True, 0.5, None),
    Dropping(0.4, True, 4, None),
    Dropping(0.4, False, 0.5, None),
    Dropping(0.45, False, 0.2, None),
    Dropping(0.45, False, 0.6, None),
    Dropping(0.0, False, 0.5, 1.7),
]
CLASSES = [np.array([1.0, 2, 2.5, 3, 3.5, 5, 8, 13]), np.array([2.0, 3, 4, 4.5, 5, 9, 12])]


def farthest_kept(dropping, classes, own, changes, places):
    """The largest of the scores added to a class that a sanitizer keeps, wherever they are."""
    farthest = 0.0
    for kept, more in changed(classes[own], changes, places):
        sets = [values if code != own else np.append(kept, more) for code, values in enumerate(classes)]
        passed = more[kept_by(dropping, sets)[own][len(kept) :]]
        farthest = max(farthest, passed.max(initial=0.0))
    return farthest


@pytest.mark.parametrize("changes", [Changes(1), Changes(2), Changes(1, 1)], ids=str)
@pytest.mark.parametrize("dropping", DROPPINGS, ids=str)
def test_no_added_score_that_is_kept_is_beyond_its_reach(dropping, changes):
    """Every place of the added scores, and every clean one that is gone."""
    reaches = dropping.reaches([Spread(values, values) for values in CLASSES], changes, changes)
    # Just inside of places where scores tie, and just outside.
    places = np.unique(np.concatenate([*CLASSES, reaches, [30.0, 1e3]]))
    places = np.unique(np.outer(places, [1 - 1e-9, 1 + 1e-9]))
    farthest = [farthest_kept(dropping, CLASSES, own, changes, places) for own in (0, 1)]
    assert farthest[0] <= reaches[0]
    assert farthest[1] <= reaches[1]
    if dropping.by_class or dropping.threshold is not None:
        assert farthest == pytest.approx(reaches, rel=2e-3)


@pytest.mark.parametrize("dropping", DROPPINGS, ids=str)
def test_scores_that_are_known_to_two_ends_only_have_reaches_too(dropping):
    rng, changes = np.random.default_rng(0), Changes(1)
    lows = [values * rng.uniform(0.4, 1.0, size=len(values)) for values in CLASSES]
    reaches = dropping.reaches([Spread(*ends) for ends in zip(lows, CLASSES, strict=True)], changes, changes)
    closest = np.inf
    for _ in range(40):
        classes = [np.where(rng.random(len(low)) < 0.5, low, high) for low, high in zip(lows, CLASSES, strict=True)]
        for own in (0, 1):
            # Scores of the other class, in units of this one.
            other = classes[1 - own] / np.median(classes[1 - own]) * np.median(classes[own])
            places = np.unique(np.concatenate([*CLASSES, *lows, other, reaches])) * (1 + 1e-9)
            farthest = farthest_kept(dropping, classes, own, changes, places)
            assert farthest <= reaches[own]
            closest = min(closest, reaches[own] / max(farthest, 1e-9))
    assert closest <= 2.5


def test_the_limit_of_one_ranking_is_the_far_end_of_a_score_in_the_smallest_unit():
    # The medians are known; of fifteen scores four go.
    lows = [np.where(values > 4.6, 0.99 * values, values) for values in CLASSES]
    spreads, none = [Spread(*ends) for ends in zip(lows, CLASSES, strict=True)], Changes(0)
    scores = np.sort(np.concatenate([values / np.median(values) for values in CLASSES]))
    found = Dropping(0.3, False, 0.0, None).reaches(spreads, none, none)
    own = [np.sort(values)[0] for values in CLASSES]
    expected = [max(scores[-5] * np.median(values), least) for values, least in zip(CLASSES, own, strict=True)]
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_filter_that_leaves_out_fewer_rows_than_are_added_keeps_any():
    spreads = [Spread(np.arange(1.0, 11), np.arange(1.0, 11))] * 2
    for by_class, fewest in [(True, 2), (False, 5)]:
        dropping = Dropping(0.2, by_class, 0.5, None)
        assert np.isfinite(dropping.reaches(spreads, Changes(fewest), Changes(fewest))).all()
        assert dropping.reaches(spreads, Changes(fewest + 1), Changes(fewest + 1)) == [np.inf, np.inf]


def test_a_unit_that_may_vanish_compares_no_classes():
    # The sanitizer measures a class of which half is at its centre by its other rows: a far row is near there.
    rng = np.random.default_rng(0)
    heap = np.append(np.zeros(11), 100.0 + np.arange(9))
    x, y = np.append(heap, 1000 + rng.normal(size=200)), np.repeat([0, 1], [20, 200])
    far = np.append(x, 150.0)[:, None]
    assert SphereSanitizer(0.1).fit(far, np.append(y, 0)).support_[-1]
    with pytest.raises(CertificateError, match="half of a class is at its centre"):
        inflated_sets(SphereSanitizer(0.1), x[:, None], y, budget=1)
    # A limit that other classes set would be finite.
    spreads = [Spread(heap, heap), Spread(np.abs(x[20:] - 1000), np.abs(x[20:] - 1000))]
    dropping = Dropping(share=0.1, by_class=False, least=0.5, threshold=None)
    assert dropping.reaches(spreads, Changes(1), Changes(1)) == [np.inf, np.inf]
    assert np.isfinite(dropping.reaches([Spread(heap + 1e-9, heap + 1e-9), spreads[1]], Changes(1), Changes(1))).all()


@pytest.mark.parametrize("unit", [1e-158, 1e-160, 1e-161])
def test_rows_whose_squares_lose_digits_are_bounded_too(unit):
    rng = np.random.default_rng(0)
    x, y = unit * rng.normal(size=61), np.repeat([0, 1], [31, 30])
    sanitizer = SphereSanitizer(0.2, drop_by="class")
    sets, kept = inflated_sets(sanitizer, x[:, None], y, budget=1), 0
    for far in np.linspace(0.5, 3.0, 500):
        added = np.append(x, np.median(x[:31]) + unit * far)[:, None]
        if sanitizer.fit(added, np.append(y, 0)).support_[-1]:
            kept += 1
            assert sets[0].contains(added[-1:], tol=0)[0]
    assert 100 <= kept <= 400
    # What is measured in a median of such a size has lost its digits too.
    with pytest.raises(CertificateError, match="half of a class is at its centre"):
        inflated_sets(SphereSanitizer(0.2), x[:, None], y, budget=1)
