"""Half deviances of positive targets, with the logarithm as link."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import NDArray

from robustfit.losses._loss import Loss

Floats = NDArray[np.float64]


def _poisson_value(y: Floats, s: Floats) -> Floats:
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        excess = s - np.log(y)
        # y (μ/y − 1 − log(μ/y)): the terms of the usual formula cancel near y = μ.
        distance: Floats = np.where(y > 0.0, y * (np.expm1(excess) - excess), np.exp(s))
    return np.maximum(distance, 0.0)


def _poisson_slope(y: Floats, s: Floats) -> Floats:
    with np.errstate(over="ignore"):
        pull: Floats = np.exp(s) - y
    return pull


def _poisson_curvature(y: Floats, s: Floats) -> Floats:
    with np.errstate(over="ignore"):
        bend: Floats = np.exp(s)
    return np.broadcast_to(bend, np.broadcast(y, s).shape)


POISSON_DEVIANCE = Loss("poisson_deviance", _poisson_value, _poisson_slope, _poisson_curvature)
"""y log(y/μ) - y + μ with μ = exp(s) and y ≥ 0: half of scikit-learn's deviance."""


def _gamma_value(y: Floats, s: Floats) -> Floats:
    excess = np.log(y) - s
    with np.errstate(over="ignore"):
        # y/μ − 1 − log(y/μ), without the cancellation near y = μ.
        distance: Floats = np.expm1(excess) - excess
    return np.maximum(distance, 0.0)


def _gamma_slope(y: Floats, s: Floats) -> Floats:
    with np.errstate(over="ignore"):
        pull: Floats = -np.expm1(np.log(y) - s)
    return pull


def _gamma_curvature(y: Floats, s: Floats) -> Floats:
    with np.errstate(over="ignore"):
        bend: Floats = np.exp(np.log(y) - s)
    return bend


GAMMA_DEVIANCE = Loss("gamma_deviance", _gamma_value, _gamma_slope, _gamma_curvature)
"""y/μ - 1 - log(y/μ) with μ = exp(s) and y > 0: half of scikit-learn's deviance."""
