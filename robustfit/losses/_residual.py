"""The losses of regression that grow more slowly than the square of a residual."""

# SPDX-License-Identifier: BSD-3-Clause

from functools import partial

import numpy as np
from numpy.typing import NDArray

from robustfit.losses._loss import Loss

Floats = NDArray[np.float64]


def _absolute_value(y: Floats, s: Floats) -> Floats:
    return np.abs(s - y)


def _absolute_slope(y: Floats, s: Floats) -> Floats:
    return np.sign(s - y)


def _flat(y: Floats, s: Floats) -> Floats:
    return np.zeros(np.broadcast(y, s).shape)


ABSOLUTE = Loss("absolute_error", _absolute_value, _absolute_slope, _flat)
"""The size of the residual r = s - y."""


def huber(delta: float) -> Loss:
    """Return the loss that is half the square of small residuals and linear in large ones.

    Parameters
    ----------
    delta : float
        δ > 0 in r²/2 for |r| ≤ δ, else δ(|r| − δ/2): in the unit of the target. 1.345 standard deviations keep 95 % of
        the efficiency of least squares when errors are normal.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If δ is not a positive finite number.

    References
    ----------
    .. [1] P. J. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 35, 1964.
    """
    _check_width("delta", delta)

    # Functions of the module with δ filled in: a loss can be a parameter of an estimator, which must be picklable.
    return Loss("huber", partial(_huber_value, delta), partial(_huber_slope, delta), partial(_huber_curvature, delta))


def _huber_value(delta: float, y: Floats, s: Floats) -> Floats:
    size = np.abs(s - y)
    near = np.minimum(size, delta)
    bowl: Floats = near * (size - 0.5 * near)
    return bowl


def _huber_slope(delta: float, y: Floats, s: Floats) -> Floats:
    return np.clip(s - y, -delta, delta)


def _huber_curvature(delta: float, y: Floats, s: Floats) -> Floats:
    return np.where(np.abs(s - y) <= delta, 1.0, 0.0)


def tukey(c: float) -> Loss:
    """Return Tukey's bisquare: beyond ``c`` a residual costs no more, however large it is.

    Parameters
    ----------
    c : float
        c > 0 in c²/6 · (1 − (1 − min(1, (r/c)²))³), in the unit of the target. Near zero the loss is r²/2. 4.685
        standard deviations keep 95 % of the efficiency of least squares when errors are normal. It is not convex.

    Returns
    -------
    Loss

    Raises
    ------
    ValueError
        If c is not a positive finite number.

    References
    ----------
    .. [1] A. E. Beaton and J. W. Tukey, "The Fitting of Power Series, Meaning Polynomials, Illustrated on
       Band-Spectroscopic Data", Technometrics 16, 1974.
    """
    _check_width("c", c)

    return Loss("tukey", partial(_tukey_value, c), partial(_tukey_slope, c), partial(_tukey_curvature, c))


def _tukey_share(c: float, y: Floats, s: Floats) -> Floats:
    """(r/c)², at most 1."""
    # Cut before squaring: the square of a huge residual would be infinite.
    square: Floats = (np.minimum(np.abs(s - y), c) / c) ** 2
    return square


def _tukey_value(c: float, y: Floats, s: Floats) -> Floats:
    u = _tukey_share(c, y, s)
    # 1 − (1 − u)³ without the cancellation near u = 0.
    bowl: Floats = c * c / 6.0 * (u * (3.0 - u * (3.0 - u)))
    return bowl


def _tukey_slope(c: float, y: Floats, s: Floats) -> Floats:
    r = np.clip(s - y, -c, c)
    pull: Floats = r * (1.0 - _tukey_share(c, y, s)) ** 2
    return pull


def _tukey_curvature(c: float, y: Floats, s: Floats) -> Floats:
    u = _tukey_share(c, y, s)
    bend: Floats = (1.0 - u) * (1.0 - 5.0 * u)
    return bend


def _check_width(name: str, width: float) -> None:
    if not 0.0 < width < np.inf:
        raise ValueError(f"{name} must be a positive finite number, got {width!r}.")
