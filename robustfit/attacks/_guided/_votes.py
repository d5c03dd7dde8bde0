"""Votes to turn: which members an attacker takes over, and in which order, until a prediction moves."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from numpy.typing import NDArray


def winner(votes: NDArray[Any], n_labels: int) -> int:
    """Return the code with most votes; ties go to the smallest, −1 abstains."""
    return int(np.bincount(votes[votes >= 0], minlength=n_labels).argmax())


def members_to_turn(
    votes: NDArray[Any], rival: int, n_labels: int, *, can_turn: NDArray[np.bool_], exact: bool = False
) -> tuple[list[int], bool]:
    """Choose the fewest members that, voting for a rival, change the prediction of one row.

    Parameters
    ----------
    votes : ndarray of shape (n_members,)
        Code of each member's vote; −1 abstains.
    rival : int
        Code of the label that turned members vote for.
    n_labels : int
    can_turn : ndarray of bool of shape (n_members,)
        Members that one unit turns.
    exact : bool, default=False
        Whether the prediction has to become the rival. Otherwise any change will do.

    Returns
    -------
    members : list of int
        In the order in which they are taken.
    done : bool
        Whether these are enough.

    Notes
    -----
    With votes ``n_c``, the rival b wins once no other class has an excess ``n_c + 1[c<b] − n_b`` above zero. Turning a
    vote for c takes 2 from the excess of c and 1 from all others, so taking from the largest excess each time is best.
    """
    counts = np.bincount(votes[votes >= 0], minlength=n_labels)
    before = int(counts.argmax())
    ahead = np.arange(n_labels) < rival
    free = can_turn & (votes != rival)
    taken: list[int] = []
    while True:
        now = int(counts.argmax())
        if now == rival or (now != before and not exact):
            return taken, now != before
        if not free.any():
            return taken, False
        # Code −1 looks up the last entry: an abstention is taken when no vote is left.
        excess = np.append(counts + ahead - counts[rival], np.iinfo(np.int64).min)
        candidates = np.flatnonzero(free)
        member = int(candidates[excess[votes[candidates]].argmax()])
        free[member] = False
        taken.append(member)
        if votes[member] >= 0:
            counts[votes[member]] -= 1
        counts[rival] += 1
