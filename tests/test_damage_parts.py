"""What bounds on damage are made of, each part alone: tangents and their minimum in rational arithmetic, units."""

from fractions import Fraction

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import Ridge
from sklearn.preprocessing import scale
from sklearn.svm import LinearSVC

from robustfit.attacks import sphere_slab_sets
from robustfit.audit import certify_damage, inflated_sets, optimality_gap
from robustfit.certify import CertificateError, Sphere
from robustfit.certify._damage import CrammerSinger, Game, LinearLearner, Margins, Squares
from robustfit.certify._damage._bundle import ADDED, CLEAN, Bundle
from robustfit.certify._damage._game import Cut
from robustfit.certify._damage._inflate import Changes, Dropping, Spread
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
        game = Game(LinearLearner(loss, 1.0), X, Y)
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

    assert bound(unit * y) == pytest.approx(unit**2 * bound(y), rel=1e-4)


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
