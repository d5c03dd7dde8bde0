"""Minimise a convex function of one variable, known by its values and slopes."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import Protocol, TypeVar

import numpy as np

_LIMIT = 40


class Tangent(Protocol):
    """What is known of a convex function at one place.

    Attributes
    ----------
    place, value, slope : float
        Where, the function there, and one of its slopes there.
    noise : float
        Differences of values below this mean nothing.
    """

    @property
    def place(self) -> float: ...
    @property
    def value(self) -> float: ...
    @property
    def slope(self) -> float: ...
    @property
    def noise(self) -> float: ...


T = TypeVar("T", bound=Tangent)


def minimize_convex(
    evaluate: Callable[[float], T], start: T, guess: float, secant: Callable[[T, T], float]
) -> tuple[T, T]:
    """Find two places that enclose a minimum to the right of ``start``, where the function falls.

    Parameters
    ----------
    evaluate : callable
        Tangent at a place.
    start : Tangent
        With a negative slope.
    guess : float
        Where the minimum may be, right of the start.
    secant : callable
        Where the slope may vanish between two tangents; any answer will do.

    Returns
    -------
    left, right : Tangent
        The slope is negative on the left. Where the function never rises, both are the last place tried.
    """
    left, right = _enclose(evaluate, start, guess)
    if right is None:
        return left, left
    for turn in range(3 * _LIMIT):
        cross, lowest = _crossing(left, right)
        if min(left.value, right.value) - lowest <= max(left.noise, right.noise):
            break
        # Secants end the search on smooth functions, tangents on piecewise linear ones; halving keeps both moving.
        middle = 0.5 * (left.place + right.place)
        step = secant(left, right)
        place = (step, step, cross, middle)[turn % 4]
        if not left.place < place < right.place:
            place = middle
            if not left.place < middle < right.place:
                break
        new = evaluate(place)
        if new.slope < 0:
            left = new
        else:
            right = new
    return left, right


def _enclose(evaluate: Callable[[float], T], start: T, guess: float) -> tuple[T, T | None]:
    left, place = start, guess
    for _ in range(_LIMIT):
        new = evaluate(place)
        if new.slope >= 0:
            break
        left, place = new, 4 * place
    else:
        return left, None
    right = new
    # From far right of a start at 0 no secant sees anything of the curve: come closer first.
    for _ in range(_LIMIT):
        place = right.place / 4
        if left is not start or place <= start.place:
            break
        new = evaluate(place)
        if new.slope < 0:
            left = new
        else:
            right = new
    return left, right


def _crossing(left: T, right: T) -> tuple[float, float]:
    """Where the two tangents meet, and their value there: a lower bound on the function in between."""
    rise = right.slope - left.slope
    if not np.isfinite(rise) or not np.isfinite(left.value) or rise <= 0:
        return np.nan, -np.inf
    place = (left.value - right.value + right.slope * right.place - left.slope * left.place) / rise
    place = min(max(place, left.place), right.place)
    return place, left.value + left.slope * (place - left.place)
