"""Vote shares: what an attacker who controls some voters can make of them.

Notation as in ``_plurality``; see ``docs/guarantees.md`` for the proofs.
"""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._plurality import VoteCounts


def vote_shares(cast: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of the cast votes per class; equal shares where nobody votes."""
    total = cast.sum(axis=1, keepdims=True)
    shares: NDArray[np.float64] = np.where(total > 0, cast / np.maximum(total, 1), 1.0 / cast.shape[1])
    return shares


def share_interval(
    counts: VoteCounts, shards: int, *, unseen_class: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest share of the votes that each class can be given.

    Parameters
    ----------
    counts : VoteCounts
    shards : int
        Number of firm members that the attacker controls, besides all doubtful ones.
    unseen_class : bool
        Whether a vote can go to a label that no member knows.

    Returns
    -------
    low, high : ndarray of shape (n_samples, n_classes), float64
        With ``V = Σ_c n_c``: ``max(0, n_c − r) / (V + D)`` and ``min(1, (n_c + D + r) / (V + D))``.
    """
    firm = counts.firm
    n_samples, n_classes = firm.shape
    if n_classes == 1 and not unseen_class:
        return np.ones((n_samples, 1)), np.ones((n_samples, 1))
    unsure = counts.doubtful[:, None]
    total = firm.sum(axis=1, keepdims=True) + unsure
    low = np.maximum(0, firm - shards) / np.maximum(total, 1)
    high = np.minimum(1.0, (firm + unsure + shards) / np.maximum(total, 1))
    # Where nobody votes the shares are equal until the attacker has a voter.
    silent = total == 0
    if shards == 0:
        low = np.where(silent, 1.0 / n_classes, low)
        high = np.where(silent, 1.0 / n_classes, high)
    return low, high


def threshold_radius(
    counts: VoteCounts, code: int, threshold: float, n_members: int, *, unseen_class: bool
) -> NDArray[np.int64]:
    """Largest number of controlled voters for which "the share is at least the threshold" stays as it is.

    Parameters
    ----------
    counts : VoteCounts
    code : int
        Class whose share is compared.
    threshold : float
        In (0, 1].
    n_members : int
    unseen_class : bool
        Whether a vote can go to a label that no member knows.

    Returns
    -------
    radius : ndarray of shape (n_samples,), int64
        −1 where doubtful votes alone can change the answer; ``n_members`` if nothing can.
    """
    if counts.firm.shape[1] == 1 and not unseen_class:
        return np.full(len(counts.firm), n_members, dtype=np.int64)
    votes = counts.firm[:, code]
    total = counts.firm.sum(axis=1) + counts.doubtful
    passes = vote_shares(counts.cast)[:, code] >= threshold
    # Fewest votes that pass, by the very comparison that is made of shares.
    voters = np.maximum(total, 1)
    fewest = np.ceil(threshold * voters).astype(np.int64)
    fewest = np.where((fewest - 1) / voters >= threshold, fewest - 1, fewest)
    fewest = np.where(fewest / voters < threshold, fewest + 1, fewest)
    radius = np.where(passes, votes - fewest, fewest - 1 - votes - counts.doubtful)
    # Where nobody votes, the first voter decides.
    return np.where(total == 0, 0, np.maximum(radius, -1)).astype(np.int64)
