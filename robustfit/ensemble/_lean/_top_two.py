"""The class with the largest score, and whether rounding could have decided.

A vote goes to the largest score, ties to the smallest class. A score ``s`` with error bound ``e`` stands for some
number in ``[s − e, s + e]``: the vote is doubtful unless its lower end exceeds the upper ends of all other classes.
"""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit._meta._labels import code_type


class TopTwo:
    """Vote of every member for every row of a block, from scores that arrive class by class.

    Parameters
    ----------
    shape : tuple of int
        Of the block: (n_rows, n_members).
    n_classes : int
    """

    def __init__(self, shape, n_classes):
        self.votes = np.full(shape, -1, dtype=code_type(n_classes))
        self._best = np.full(shape, -np.inf)
        self._second = np.full(shape, -np.inf)

    def offer(self, code, score):
        """Take the scores of the next class; −inf where a member does not know it.

        Parameters
        ----------
        code : int
            Index of the class, larger than those offered before.
        score : ndarray broadcastable to the shape of the block
        """
        np.copyto(self.votes, code, where=score > self._best)
        np.maximum(self._second, np.minimum(score, self._best), out=self._second)
        np.maximum(self._best, score, out=self._best)

    def margin(self):
        """By how much the best score exceeds the next one."""
        return self._best - self._second


class TopTwoIntervals:
    """The same where each class has an error bound of its own."""

    def __init__(self, shape, n_classes):
        self.votes = np.full(shape, -1, dtype=code_type(n_classes))
        self._best, self._lower, self._upper, self._others = (np.full(shape, -np.inf) for _ in range(4))

    def offer(self, code, score, error):
        """Take the scores of the next class and their error bounds."""
        upper = score + error
        better = score > self._best
        np.maximum(self._others, np.where(better, self._upper, upper), out=self._others)
        for kept, new in ((self._best, score), (self._lower, score - error), (self._upper, upper)):
            np.copyto(kept, new, where=better)
        np.copyto(self.votes, code, where=better)

    def margin(self):
        """By how much the lower end of the best score exceeds all other upper ends."""
        return self._lower - self._others
