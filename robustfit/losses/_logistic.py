"""The loss of logistic regression with two classes."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from robustfit.losses._loss import Loss

Floats = NDArray[np.float64]


def _value(y: Floats, s: Floats) -> Floats:
    surprise: Floats = np.logaddexp(0.0, -y * s)
    return surprise


def _slope(y: Floats, s: Floats) -> Floats:
    pull: Floats = -y * expit(-y * s)
    return pull


def _curvature(y: Floats, s: Floats) -> Floats:
    bend: Floats = expit(s) * expit(-s)
    return np.broadcast_to(bend, np.broadcast(y, s).shape)


LOGISTIC = Loss("log_loss", _value, _slope, _curvature)
"""log(1 + exp(-m)), with m = y s."""
