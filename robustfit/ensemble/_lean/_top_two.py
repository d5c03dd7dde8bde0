"""The class with the largest score, and whether rounding could have decided."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np


class TopTwo:
    """Vote of every member for every row of a block, from scores that arrive class by class.

    A score ``s`` with error bound ``e`` stands for some number in ``[s − e, s + e]``. The vote goes to the largest
    ``s``, ties to the smallest class; it is doubtful unless its lower end exceeds the upper ends of all other classes.

    Parameters
    ----------
    shape : tuple of int
        Of the block: (n_rows, n_members).
    """

    def __init__(self, shape):
        self.votes = np.full(shape, -1, dtype=np.int64)
        self._best = np.full(shape, -np.inf)
        self._lower = np.full(shape, -np.inf)
        self._upper = np.full(shape, -np.inf)
        self._others = np.full(shape, -np.inf)

    def offer(self, code, score, error):
        """Take the scores of the next class; −inf where a member does not know it.

        Parameters
        ----------
        code : int
            Index of the class, larger than those offered before.
        score, error : ndarray broadcastable to the shape of the block
        """
        upper = score + error
        better = score > self._best
        np.maximum(self._others, np.where(better, self._upper, upper), out=self._others)
        for kept, new in ((self._best, score), (self._lower, score - error), (self._upper, upper)):
            np.copyto(kept, new, where=better)
        self.votes[better] = code

    def doubtful(self):
        """Whether rounding could change a vote; scores that are no numbers are always in doubt."""
        return ~(self._lower > self._others)
