"""The losses of support vector machines."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from robustfit.losses._loss import Loss

Floats = NDArray[np.float64]


def _lack(y: Floats, s: Floats) -> Floats:
    """How far the margin is below 1."""
    return np.maximum(1.0 - y * s, 0.0)


def _hinge_slope(y: Floats, s: Floats) -> Floats:
    # At the kink any slope between the two sides is a subgradient; this one says that the row still pulls.
    return np.where(y * s <= 1.0, -y, 0.0)


def _squared_value(y: Floats, s: Floats) -> Floats:
    return _lack(y, s) ** 2


def _squared_slope(y: Floats, s: Floats) -> Floats:
    return -2.0 * y * _lack(y, s)


def _squared_curvature(y: Floats, s: Floats) -> Floats:
    return np.where(y * s < 1.0, 2.0, 0.0)


HINGE = Loss("hinge", _lack, _hinge_slope, lambda y, s: np.zeros(np.broadcast(y, s).shape))
"""max(0, 1 - m), with m = y s."""

SQUARED_HINGE = Loss("squared_hinge", _squared_value, _squared_slope, _squared_curvature)
"""max(0, 1 - m)², as `sklearn.svm.LinearSVC` has it: without a factor of one half."""


def smooth_hinge(temperature: float) -> Loss:
    """Return a smooth loss that exceeds the hinge by at most ``temperature`` · log 2.

    Parameters
    ----------
    temperature : float
        t > 0 in t log(1 + exp((1 − m) / t)); towards 0 it becomes the hinge.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If the temperature is not a positive finite number.

    References
    ----------
    .. [1] P. W. Koh and P. Liang, "Understanding Black-box Predictions via Influence Functions", ICML 2017,
       section 4.2.
    """
    if not 0.0 < temperature < np.inf:
        raise ValueError(f"temperature must be a positive finite number, got {temperature!r}.")

    def depth(y: Floats, s: Floats) -> Floats:
        return (1.0 - y * s) / temperature

    def value(y: Floats, s: Floats) -> Floats:
        smoothed: Floats = temperature * np.logaddexp(0.0, depth(y, s))
        return smoothed

    def slope(y: Floats, s: Floats) -> Floats:
        pull: Floats = -y * expit(depth(y, s))
        return pull

    def curvature(y: Floats, s: Floats) -> Floats:
        bend: Floats = expit(depth(y, s)) * expit(-depth(y, s)) / temperature
        return bend

    return Loss("smooth_hinge", value, slope, curvature)
