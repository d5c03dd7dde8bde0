"""Losses: slopes and curvatures against finite differences, values against scikit-learn's definitions."""

import numpy as np
import pytest
from sklearn.metrics import hinge_loss, log_loss

from robustfit.losses import HINGE, LOGISTIC, SQUARED, SQUARED_HINGE, smooth_hinge

LOSSES = [HINGE, SQUARED_HINGE, LOGISTIC, SQUARED, smooth_hinge(0.1)]


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


@pytest.mark.parametrize("temperature", [0.0, -1.0, np.nan, np.inf])
def test_a_smooth_hinge_has_a_positive_temperature(temperature):
    with pytest.raises(ValueError, match="temperature must be a positive"):
        smooth_hinge(temperature)
