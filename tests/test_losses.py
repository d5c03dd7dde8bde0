"""Losses: slopes and curvatures against finite differences, values against scikit-learn's definitions."""

import numpy as np
import pytest
from sklearn.linear_model import HuberRegressor
from sklearn.metrics import hinge_loss, log_loss, mean_gamma_deviance, mean_poisson_deviance

from robustfit.losses import (
    ABSOLUTE,
    GAMMA_DEVIANCE,
    HINGE,
    LOGISTIC,
    MULTINOMIAL,
    POISSON_DEVIANCE,
    SQUARED,
    SQUARED_HINGE,
    huber,
    smooth_hinge,
    tukey,
)

LOSSES = [HINGE, SQUARED_HINGE, LOGISTIC, SQUARED, smooth_hinge(0.1), ABSOLUTE, huber(0.7)]


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return np.where(rng.random(500) < 0.5, -1.0, 1.0), 3 * rng.normal(size=500)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_slope_and_curvature_are_derivatives(loss, rows):
    y, s = rows
    step = 1e-6
    slope = (loss.value(y, s + step) - loss.value(y, s - step)) / (2 * step)
    np.testing.assert_allclose(loss.slope(y, s), slope, atol=1e-5)
    curvature = (loss.slope(y, s + step) - loss.slope(y, s - step)) / (2 * step)
    np.testing.assert_allclose(loss.curvature(y, s), curvature, atol=1e-4)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_losses_are_convex_non_negative_and_broadcast(loss, rows):
    y, s = rows
    assert (loss.value(y, s) >= 0).all()
    assert (loss.curvature(y, s) >= 0).all()
    for part in (loss.value, loss.slope, loss.curvature):
        assert part(np.array([[-1.0], [1.0]]), s).shape == (2, 500)


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
def test_huge_scores_stay_finite(loss):
    y, s = np.array([1.0, -1.0]), np.array([-1e100, -1e100])
    for part in (loss.value, loss.slope, loss.curvature):
        assert np.isfinite(part(y, s)).all()


def test_values_are_those_of_scikit_learn(rows):
    y, s = rows
    assert HINGE.value(y, s).mean() == pytest.approx(hinge_loss(y, s))
    assert LOGISTIC.value(y, s).mean() == pytest.approx(log_loss(y, 1 / (1 + np.exp(-s))))


def test_the_hinge_still_pulls_at_its_kink():
    assert HINGE.slope(np.array([1.0]), np.array([1.0])) == -1.0


def test_the_smooth_hinge_is_close_to_the_hinge(rows):
    gap = smooth_hinge(0.01).value(*rows) - HINGE.value(*rows)
    assert gap.min() >= -1e-15
    assert gap.max() <= 0.01 * np.log(2) + 1e-15


@pytest.mark.parametrize("loss", [tukey(2.0), POISSON_DEVIANCE, GAMMA_DEVIANCE], ids=lambda loss: loss.name)
def test_slopes_of_the_others_are_derivatives(loss):
    rng = np.random.default_rng(1)
    y, s, step = rng.gamma(2.0, size=500), rng.normal(size=500), 1e-6
    if loss is POISSON_DEVIANCE:
        y[:50] = 0.0
    slope = (loss.value(y, s + step) - loss.value(y, s - step)) / (2 * step)
    np.testing.assert_allclose(loss.slope(y, s), slope, rtol=1e-5, atol=1e-7)
    curvature = (loss.slope(y, s + step) - loss.slope(y, s - step)) / (2 * step)
    inside = np.abs(np.abs(s - y) - 2.0) > 1e-4 if loss.name == "tukey" else np.ones(500, dtype=bool)
    np.testing.assert_allclose((loss.curvature(y, s) * inside)[inside], curvature[inside], rtol=1e-5, atol=1e-6)
    assert (loss.value(y, s) >= 0).all()
    assert loss.value(y[None, :], s[:, None]).shape == (500, 500)


def test_the_multinomial_loss_has_the_slope_and_curvature_of_its_value():
    rng = np.random.default_rng(2)
    y, s, step = rng.integers(0, 3, 40), 2 * rng.normal(size=(40, 3)), 1e-6
    for k in range(3):
        move = step * (np.arange(3) == k)
        rise = (MULTINOMIAL.value(y, s + move) - MULTINOMIAL.value(y, s - move)) / (2 * step)
        np.testing.assert_allclose(MULTINOMIAL.slope(y, s)[:, k], rise, atol=1e-8)
        bend = (MULTINOMIAL.slope(y, s + move) - MULTINOMIAL.slope(y, s - move)) / (2 * step)
        np.testing.assert_allclose(MULTINOMIAL.curvature(y, s)[:, :, k], bend, atol=1e-8)
    two = np.column_stack([np.zeros(40), s[:, 0]])
    signs = np.where(y > 0, 1.0, -1.0)
    np.testing.assert_allclose(MULTINOMIAL.value((y > 0).astype(int), two), LOGISTIC.value(signs, s[:, 0]), rtol=1e-12)
    far = np.array([[1e300, -1e300, 0.0]])
    assert MULTINOMIAL.value(np.array([0]), far) == 0.0
    assert MULTINOMIAL.value(np.array([2]), far) == 1e300


def test_deviances_are_those_of_scikit_learn():
    rng = np.random.default_rng(3)
    y, mu = rng.gamma(2.0, size=100), rng.gamma(2.0, size=100)
    assert 2 * POISSON_DEVIANCE.value(y, np.log(mu)).mean() == pytest.approx(mean_poisson_deviance(y, mu))
    assert 2 * GAMMA_DEVIANCE.value(y, np.log(mu)).mean() == pytest.approx(mean_gamma_deviance(y, mu))
    np.testing.assert_array_equal(POISSON_DEVIANCE.value(y, np.log(y)), 0.0)


def test_the_huber_loss_is_minimised_by_huber_regression():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 1))
    y = 3 * x[:, 0] + rng.standard_t(2, size=300)
    model = HuberRegressor(epsilon=1.5, alpha=0.0, tol=1e-9).fit(x, y)
    pull = huber(1.5 * model.scale_).slope(y, model.predict(x))
    assert abs(pull.mean()) < 1e-5
    assert abs(pull @ x[:, 0]) / 300 < 1e-5


def test_a_bisquare_stops_growing():
    loss = tukey(3.0)
    y = np.zeros(4)
    np.testing.assert_allclose(loss.value(y, np.array([1e-9, 3.0, 50.0, 1e200])), [5e-19, 1.5, 1.5, 1.5])
    np.testing.assert_array_equal(loss.slope(y, np.array([0.0, 3.0, 50.0, -1e200])), 0.0)


@pytest.mark.parametrize("make", [huber, tukey])
@pytest.mark.parametrize("width", [0.0, -1.0, np.nan, np.inf])
def test_a_width_is_positive(make, width):
    with pytest.raises(ValueError, match="must be a positive finite number"):
        make(width)


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.nan, np.inf])
def test_a_smooth_hinge_has_a_positive_temperature(temperature):
    with pytest.raises(ValueError, match="temperature must be a positive"):
        smooth_hinge(temperature)


def test_a_loss_reads_the_same_in_every_process():
    assert repr(huber(2.0)) == "Loss('huber')"
