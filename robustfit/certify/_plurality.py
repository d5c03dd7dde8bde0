"""Plurality votes: who wins, and how many voters an attacker must control to change that.

One rule breaks every tie, for predicting and for certifying: the smallest class in sorted order.

Notation of the docstrings: of one test row, ``n_c`` counts the firm votes for class ``c``, ``D`` the
doubtful voters, and ``1[·]`` is 1 where the condition holds. See ``docs/guarantees.md`` for the proofs.
"""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Rows are handled in blocks so that temporaries stay near this many elements.
_BLOCK_ELEMENTS = 1 << 20


class VoteCounts(NamedTuple):
    """What a certificate needs to know of the votes.

    Attributes
    ----------
    firm : ndarray of shape (n_samples, n_classes), int64
        Votes of the members that are not doubtful.
    doubtful : ndarray of shape (n_samples,), int64
        Members whose vote numerical noise could change.
    prediction : ndarray of shape (n_samples,), int64
        Index of the winning class, doubtful votes counted as cast.
    cast : ndarray of shape (n_samples, n_classes), int64
        All votes, doubtful ones as cast.
    """

    firm: NDArray[np.int64]
    doubtful: NDArray[np.int64]
    prediction: NDArray[np.int64]
    cast: NDArray[np.int64]


def check_votes(votes: ArrayLike, n_classes: int) -> NDArray[np.signedinteger[Any]]:
    """Return votes as a 2-D integer array.

    Raises
    ------
    ValueError
        If they are not two-dimensional whole numbers in −1..n_classes−1.
    """
    array = np.asarray(votes)
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise ValueError(
            "votes must be a 2-D array of whole numbers, one row per test row and one column per "
            f"member, got shape {array.shape} and dtype {array.dtype}."
        )
    if array.dtype.kind == "u":
        array = array.astype(np.int64)
    if array.size and (array.min() < -1 or array.max() >= n_classes):
        raise ValueError(
            f"votes must lie in -1..{n_classes - 1} (-1: the member abstains) for n_classes={n_classes}, "
            f"got values from {array.min()} to {array.max()}."
        )
    return array


def _count(votes: NDArray[np.signedinteger[Any]], n_classes: int) -> NDArray[np.int64]:
    """Count the votes for each class, row by row; abstentions are left out."""
    n_samples, n_members = votes.shape
    counts = np.empty((n_samples, n_classes), dtype=np.int64)
    rows_per_block = max(1, _BLOCK_ELEMENTS // max(n_members, n_classes + 1))
    for start in range(0, n_samples, rows_per_block):
        block = votes[start : start + rows_per_block]
        # Column 0 of the table collects the abstentions.
        offsets = np.arange(1, len(block) * (n_classes + 1) + 1, n_classes + 1)
        cells = block + offsets[:, None]
        table = np.bincount(cells.ravel(), minlength=len(block) * (n_classes + 1))
        counts[start : start + len(block)] = table.reshape(len(block), n_classes + 1)[:, 1:]
    return counts


def count_votes(votes: ArrayLike, n_classes: int, *, doubtful: ArrayLike | None = None) -> VoteCounts:
    """Count firm and doubtful votes and name the winner of each row.

    Parameters
    ----------
    votes : array-like of shape (n_samples, n_members), integers in −1..n_classes−1
        Class index that each member votes for; −1 abstains.
    n_classes : int
        Number of known classes.
    doubtful : array-like of bool of shape (n_samples, n_members), optional
        Votes whose margin is within numerical noise.

    Returns
    -------
    VoteCounts

    Raises
    ------
    ValueError
        If shapes disagree or a vote is out of range.
    """
    if n_classes < 1:
        raise ValueError(f"n_classes must be at least 1, got {n_classes}.")
    array = check_votes(votes, n_classes)
    cast = _count(array, n_classes)
    prediction = cast.argmax(axis=1).astype(np.int64)
    if doubtful is None:
        return VoteCounts(cast, np.zeros(len(array), dtype=np.int64), prediction, cast)
    mask = np.asarray(doubtful)
    if mask.shape != array.shape or mask.dtype != np.bool_:
        raise ValueError(
            f"doubtful must be a boolean array of the shape of votes, {array.shape}, "
            f"got shape {mask.shape} and dtype {mask.dtype}."
        )
    unsure = _count(np.where(mask, array, -1), n_classes)
    return VoteCounts(cast - unsure, mask.sum(axis=1, dtype=np.int64), prediction, cast)


def _voters_needed(excess: NDArray[np.int64]) -> NDArray[np.int64]:
    """Fewest voters that, taken over, bring every opponent down to the rival.

    ``excess`` has one column per opponent, largest first: by how many votes it beats the rival. A voter
    taken over adds one vote to the rival and can take one from one opponent, so ``r`` voters
    suffice iff Σ max(0, excess − r) <= r, that is iff for every k the k largest sum to at most (k + 1) r.
    """
    if excess.shape[1] == 0:
        return np.zeros(len(excess), dtype=np.int64)
    prefix = np.cumsum(excess, axis=1)
    divisor = np.arange(2, excess.shape[1] + 2)
    ceiling = -(-prefix // divisor)
    needed: NDArray[np.int64] = np.maximum(0, ceiling.max(axis=1))
    return needed


def rival_radius(counts: VoteCounts) -> NDArray[np.int64]:
    """Largest number of controlled voters for which a class cannot become the prediction, per class.

    A class ``b`` can win with ``r`` voters iff
    ``Σ_{c≠b} max(0, n_c + 1[c<b] − n_b − D − r) <= r``.
    This is not "``b`` overtakes the winner": with three classes the votes taken from
    the winner may leave a third one on top.

    Parameters
    ----------
    counts : VoteCounts

    Returns
    -------
    radius : ndarray of shape (n_samples, n_classes), int64
        −1 for the prediction itself and for classes that doubtful votes alone can make win.
    """
    firm, doubtful = counts.firm, counts.doubtful
    n_samples, n_classes = firm.shape
    # Sorted by (votes, smaller class first): adding the tie bonus 1[c<b] keeps this order for every b.
    order = np.argsort(-firm, axis=1, kind="stable")
    radius = np.empty((n_samples, n_classes), dtype=np.int64)
    for rival in range(n_classes):
        others = order[order != rival].reshape(n_samples, n_classes - 1)
        lead = np.take_along_axis(firm, others, axis=1) + (others < rival)
        reach = firm[:, rival] + doubtful
        radius[:, rival] = _voters_needed(lead - reach[:, None]) - 1
    return radius


def unseen_radius(counts: VoteCounts) -> NDArray[np.int64]:
    """Like `rival_radius`, for a label that no member knows and that wins every tie.

    It can be predicted only once somebody votes for it.
    """
    ranked = -np.sort(-counts.firm, axis=1)
    needed = _voters_needed(ranked - counts.doubtful[:, None])
    return np.maximum(needed, np.where(counts.doubtful > 0, 0, 1)) - 1


def prediction_radius(
    counts: VoteCounts, rivals: NDArray[np.int64], n_members: int, *, unseen_class: bool
) -> NDArray[np.int64]:
    """Smallest radius over all classes but the prediction; ``n_members`` where there is no rival."""
    others = rivals.copy()
    others[np.arange(len(others)), counts.prediction] = n_members
    radius: NDArray[np.int64] = others.min(axis=1, initial=n_members)
    if unseen_class and n_members:
        radius = np.minimum(radius, unseen_radius(counts))
    return radius


def plurality_radius(
    votes: ArrayLike,
    n_classes: int,
    *,
    doubtful: ArrayLike | None = None,
    unseen_class: bool = True,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Certify plurality votes against an attacker who controls some of the voters.

    Parameters
    ----------
    votes : array-like of shape (n_samples, n_members), integers in −1..n_classes−1
        Index of the class that each member votes for; −1 abstains.
    n_classes : int
        Number of known classes.
    doubtful : array-like of bool of shape (n_samples, n_members), optional
        Votes that numerical noise could change. They cost the attacker nothing.
    unseen_class : bool, default=True
        Whether the attacker can bring in a label that no member knows. It wins every tie.

    Returns
    -------
    prediction : ndarray of shape (n_samples,), int64
        Class with most votes; ties go to the smallest class; class 0 if nobody votes.
    radius : ndarray of shape (n_samples,), int64
        Largest number of controlled voters for which the prediction cannot change. −1 if doubtful
        votes alone can change it; ``n_members`` if nothing can.
    rival_radius : ndarray of shape (n_samples, n_classes), int64
        Largest number of controlled voters for which that class cannot become the prediction.

    Raises
    ------
    ValueError
        If shapes disagree or a vote is out of range.

    Notes
    -----
    **Guarantee.** Exact: with ``radius`` voters, who may each vote for any class or abstain, and all doubtful
    voters, the prediction cannot be changed; with ``radius + 1`` it can.

    References
    ----------
    .. [1] A. Levine and S. Feizi, "Deep Partition Aggregation: Provable Defense against General
       Poisoning Attacks", ICLR 2021.

    Examples
    --------
    >>> from robustfit.certify import plurality_radius
    >>> prediction, radius, rival_radius = plurality_radius([[1, 1, 1, 1, 0]], n_classes=2)
    >>> prediction, radius, rival_radius
    (array([1]), array([1]), array([[ 1, -1]]))
    """
    counts = count_votes(votes, n_classes, doubtful=doubtful)
    n_members = np.shape(votes)[1]
    rivals = rival_radius(counts)
    if n_members == 0:
        # Nobody to control: class 0 wins by rule and nothing else can.
        rivals = np.where(np.arange(n_classes) == 0, -1, np.zeros_like(rivals))
    radius = prediction_radius(counts, rivals, n_members, unseen_class=unseen_class)
    return counts.prediction, radius, rivals
