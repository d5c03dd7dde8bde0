"""Spectral projected gradients: descent of a smooth function over a set that can be projected on."""

# SPDX-License-Identifier: BSD-3-Clause

from collections import deque
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Evaluate = Callable[[Floats], tuple[float, Floats]]

_MEMORY = 5
_MOST_HALVINGS = 12
_SHORTEST, _LONGEST = 1e-10, 1e10


def spectral_descent(
    evaluate: Evaluate, project: Callable[[Floats], Floats], start: Floats, *, first_step: float, n_iter: int
) -> tuple[Floats, float]:
    """Minimise a function over a set.

    Parameters
    ----------
    evaluate : callable
        Returns the value and the gradient at a point, an array of any shape.
    project : callable
        Returns a point of the set near a point.
    start : ndarray
        A point of the set.
    first_step : float
        Length of the first step along the gradient, before projection.
    n_iter : int
        Most steps.

    Returns
    -------
    point : ndarray
        The best one that was met, of the set.
    value : float

    Notes
    -----
    The step has the length that fits the curvature met last (Barzilai and Borwein), and is shortened until the value is
    below the largest of the last few.

    References
    ----------
    .. [1] E. G. Birgin, J. M. Martínez and M. Raydan, "Nonmonotone Spectral Projected Gradient Methods on Convex Sets",
       SIAM Journal on Optimization 10(4), 2000.
    """
    point, (value, slope) = start, evaluate(start)
    best = (point, value)
    recent = deque([value], maxlen=_MEMORY)
    length = first_step / max(float(np.linalg.norm(slope)), np.finfo(np.float64).tiny)
    for _ in range(n_iter):
        direction = project(point - length * slope) - point
        descent = float((slope * direction).sum())
        found = _search(evaluate, project, point, direction, descent, max(recent))
        if found is None:
            break
        moved, value, steeper = found
        change, bend = moved - point, steeper - slope
        curvature = float((change * bend).sum())
        # Where the function bends down there is no length that fits; a longer step than the last is tried.
        length = float((change**2).sum()) / curvature if curvature > 0 else 4 * length
        length = min(max(length, _SHORTEST), _LONGEST)
        point, slope = moved, steeper
        recent.append(value)
        if value < best[1]:
            best = (point, value)
    return best


def _search(
    evaluate: Evaluate,
    project: Callable[[Floats], Floats],
    point: Floats,
    direction: Floats,
    descent: float,
    ceiling: float,
) -> tuple[Floats, float, Floats] | None:
    """Halve a step until it descends enough; None if none does."""
    if not direction.any():
        return None
    size = 1.0
    for _ in range(_MOST_HALVINGS):
        # Between two points of a convex set rounding can leave it, and other sets have gaps.
        trial = project(point + size * direction)
        value, slope = evaluate(trial)
        if value < ceiling + 1e-4 * size * min(descent, 0.0):
            return trial, value, slope
        size /= 2
    return None
