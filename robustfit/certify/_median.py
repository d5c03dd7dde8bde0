"""The median of the members' predictions, and how far an attacker who controls some of them can move it."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def sort_predictions(predictions: ArrayLike) -> tuple[Floats, NDArray[np.int64]]:
    """Sort each row's predictions and count those that take part.

    Parameters
    ----------
    predictions : array-like of shape (n_samples, n_members), float
        What each member predicts; anything that is not finite abstains.

    Returns
    -------
    ranked : ndarray of shape (n_samples, n_members), float64
        In ascending order, abstentions last, as +inf.
    n_voting : ndarray of shape (n_samples,), int64

    Raises
    ------
    ValueError
        If the array is not two-dimensional.
    """
    values = np.asarray(predictions, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(
            "predictions must be a 2-D array, one row per test row and one column per member, "
            f"got shape {values.shape}."
        )
    finite = np.isfinite(values)
    ranked = np.sort(np.where(finite, values, np.inf), axis=1)
    return ranked, finite.sum(axis=1, dtype=np.int64)


def _middle(ranked: Floats, n_voting: NDArray[np.int64], shift: int | NDArray[np.int64]) -> Floats:
    """Mean of the two middle order statistics, both shifted; ±inf beyond the ends."""
    n_voting = np.maximum(n_voting, 1)
    lower, upper = (n_voting - 1) // 2 + shift, n_voting // 2 + shift

    def pick(rank: NDArray[np.int64]) -> Floats:
        inside = np.clip(rank, 0, n_voting - 1)[:, None]
        value = np.take_along_axis(ranked, inside, axis=1)[:, 0]
        return np.where(rank < 0, -np.inf, np.where(rank >= n_voting, np.inf, value))

    # Halving before adding cannot overflow, and is monotone, as the proof needs.
    return 0.5 * pick(lower) + 0.5 * pick(upper)


def median_prediction(ranked: Floats, n_voting: NDArray[np.int64]) -> Floats:
    """Median of the predictions that take part: of the two middle ones the mean; 0.0 if none does."""
    if ranked.shape[1] == 0:
        return np.zeros(len(ranked))
    silent = n_voting == 0
    return np.where(silent, 0.0, _middle(ranked, n_voting, 0))


def median_interval(
    ranked: Floats, n_voting: NDArray[np.int64], shards: int | NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Lowest and highest median that an attacker who controls some members can force.

    Parameters
    ----------
    ranked, n_voting
        As `sort_predictions` returns them.
    shards : int or ndarray of shape (n_samples,)
        Number of members the attacker controls. Each may predict anything, or abstain.

    Returns
    -------
    low, high : ndarray of shape (n_samples,), float64
        Mean of the two middle order statistics, both shifted by ``shards``; infinite where a shifted
        rank falls off the end.
    """
    centre = median_prediction(ranked, n_voting)
    if ranked.shape[1] == 0:
        return centre, centre.copy()
    untouched = np.equal(shards, 0)
    # Where nobody votes, whoever controls one member decides.
    silent = n_voting == 0
    low = np.where(silent, -np.inf, _middle(ranked, n_voting, -shards))
    high = np.where(silent, np.inf, _middle(ranked, n_voting, +shards))
    return np.where(untouched, centre, low), np.where(untouched, centre, high)


def median_radius(ranked: Floats, n_voting: NDArray[np.int64], y: Floats, tol: Floats) -> NDArray[np.int64]:
    """Largest number of controlled members for which the median stays within ``tol`` of ``y``.

    Parameters
    ----------
    ranked, n_voting
        As `sort_predictions` returns them.
    y : ndarray of shape (n_samples,)
    tol : ndarray broadcastable to (n_samples,)
        Non-negative.

    Returns
    -------
    radius : ndarray of shape (n_samples,), int64
        −1 where the median itself is further than ``tol`` from ``y``.
    """
    # Intervals are nested, so the number of budgets 0, 1, ... that hold is the radius plus one: bisect.
    holds = np.zeros(len(y), dtype=np.int64) - 1
    fails = np.full(len(y), ranked.shape[1] + 1, dtype=np.int64)
    while np.any(fails - holds > 1):
        trial = np.maximum((holds + fails) // 2, 0)
        low, high = median_interval(ranked, n_voting, trial)
        # The comparison is the one that the statement makes, in the same arithmetic.
        good = (np.abs(low - y) <= tol) & (np.abs(high - y) <= tol)
        open_trial = fails - holds > 1
        holds = np.where(open_trial & good, trial, holds)
        fails = np.where(open_trial & ~good, trial, fails)
    return holds
