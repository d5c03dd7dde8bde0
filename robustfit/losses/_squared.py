"""The loss of least squares."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import NDArray

from robustfit.losses._loss import Loss

Floats = NDArray[np.float64]


def _value(y: Floats, s: Floats) -> Floats:
    return 0.5 * (s - y) ** 2


def _slope(y: Floats, s: Floats) -> Floats:
    return s - y


def _curvature(y: Floats, s: Floats) -> Floats:
    return np.ones(np.broadcast(y, s).shape)


SQUARED = Loss("squared_error", _value, _slope, _curvature)
"""Half of (s - y)²."""
