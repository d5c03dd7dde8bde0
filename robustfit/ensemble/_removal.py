"""What is left of a vote or of a median when one shard loses a group, as far as it can be known without a refit.

A shard that becomes empty abstains: the outcome is exact. A shard that keeps rows may answer anything: it is a bound.
"""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from numpy.typing import NDArray

NOBODY = -2
"""Code of the runner-up where there is but one class; minus one is that of an abstention."""

Floats = NDArray[np.float64]


def removal_effect(votes: NDArray[Any], alone: NDArray[np.bool_], winner: int, runner_up: int) -> NDArray[np.int64]:
    """By how many votes ``n_a − n_b`` can shrink if a group is removed from its shard.

    Parameters
    ----------
    votes : ndarray of shape (n_groups,)
        Code of the vote of each group's shard; −1 abstains.
    alone : ndarray of bool of shape (n_groups,)
        Whether the shard becomes empty.
    winner, runner_up : int
        Codes of ``a`` and ``b``.
    """
    lost = (votes == winner).astype(np.int64)
    if runner_up == NOBODY:
        return lost
    rival = (votes == runner_up).astype(np.int64)
    return np.where(alone, lost - rival, lost + 1 - rival)


def can_flip(
    votes: NDArray[Any], alone: NDArray[np.bool_], counts: NDArray[np.int64], winner: int
) -> NDArray[np.bool_]:
    """Whether the prediction can change if a group is removed from its shard.

    Parameters
    ----------
    votes, alone : ndarray of shape (n_groups,)
        As for `removal_effect`.
    counts : ndarray of shape (n_classes,)
        All votes for each class.
    winner : int
    """
    classes = np.arange(len(counts))
    # Abstentions come last, where the code −1 looks them up.
    flips = np.zeros((2, len(counts) + 1), dtype=bool)
    for vote in range(len(counts) + 1):
        left = counts - (classes == vote)
        # Votes by which each other class exceeds what it needs to overtake; a smaller class wins ties.
        excess = (left + (classes < winner) - left[winner] - 1)[classes != winner]
        # Where nobody is left to vote, the answer depends on which labels are left.
        silent = len(excess) > 0 and not left.any()
        flips[:, vote] = np.any(excess + 1 >= 0), np.any(excess >= 0) or silent
    return flips[alone.astype(np.intp), votes]


def turned(predictions: Floats) -> tuple[Floats, Floats, Floats]:
    """Where the median can be if one member predicts anything or abstains, for each member.

    Parameters
    ----------
    predictions : ndarray of shape (n_members,)
        NaN where a member abstains.

    Returns
    -------
    low, high : ndarray of shape (n_members,)
        Median with the member at −inf and at +inf. That without it lies in between.
    removed : ndarray of shape (n_members,)
        Median without the member; 0.0 if nobody else votes.
    """
    voting = np.flatnonzero(np.isfinite(predictions))
    order = voting[np.argsort(predictions[voting], kind="stable")]
    ranked, rank = predictions[order], np.full(len(predictions), len(order))
    rank[order] = np.arange(len(order))
    others = len(order) - np.isfinite(predictions)

    def pick(place: NDArray[np.int64]) -> Floats:
        """Order statistic of the other members; infinite beyond the ends."""
        at = np.clip(place + (place >= rank), 0, max(len(order) - 1, 0))
        value = ranked[at] if len(order) else np.zeros(len(predictions))
        return np.where(place < 0, -np.inf, np.where(place >= others, np.inf, value))

    def middle(lower: NDArray[np.int64], upper: NDArray[np.int64]) -> Floats:
        # The arithmetic of the ensemble's own median, to the last bit.
        with np.errstate(invalid="ignore"):
            mean: Floats = 0.5 * pick(lower) + 0.5 * pick(upper)
        return mean

    half, rounded_up = others // 2, (others + 1) // 2
    removed = np.where(others > 0, middle((others - 1) // 2, half), 0.0)
    return middle(half - 1, rounded_up - 1), middle(half, rounded_up), removed
