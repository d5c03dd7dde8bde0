"""Which rows to leave out, given their losses: so many of all, or so many of each class."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np

from robustfit._meta._selection import keep_smallest

# Sums of weights round.
_SLACK = 1e-9


class Trim:
    """Leave out the rows with the largest losses: rules turn losses into the weight that each row keeps.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
    keys : callable
        One sortable key per row, to settle ties.
    groups : list of ndarray
        Positions of the rows of each class; one group of all for regression.
    most : ndarray of shape (n_groups,)
        Weight that may be left out of each.
    """

    def __init__(self, weights, keys, groups, most):
        self.weights = weights
        self.groups = groups
        self.most = most
        self._keys = keys
        self._equal = bool(np.all(weights == 1.0))
        self._whole = is_whole(weights)
        self.totals = np.array([weights[group].sum() for group in groups])

    def overall(self, budget):
        """Return the rule that leaves out rows of weight ``budget``, of whatever class."""
        return lambda losses: self._drop_overall(losses, budget)

    def by_class(self, budgets):
        """Return the rule that leaves out rows of weight ``budgets[c]`` of each class."""
        budgets = np.minimum(budgets, self.most)
        return lambda losses: self._drop_by_class(losses, budgets)

    def _drop_by_class(self, losses, budgets):
        kept = np.zeros(len(losses))
        for group, budget in zip(self.groups, budgets, strict=True):
            kept[group] = self._keep(losses, group, budget)
        return kept

    def _drop_overall(self, losses, budget):
        kept = self.weights.copy()
        free, left = list(range(len(self.groups))), budget
        while free:
            rows = np.sort(np.concatenate([self.groups[c] for c in free]))
            kept[rows] = self._keep(losses, rows, left)
            over = [c for c in free if self._dropped(kept, c) > self.most[c] + _SLACK * self.totals[c]]
            if not over:
                break
            # A class that may not lose so many keeps its best rows; what is left to drop falls to the others.
            for c in over:
                kept[self.groups[c]] = self._keep(losses, self.groups[c], self.most[c])
                left -= self._dropped(kept, c)
                free.remove(c)
        return kept

    def _dropped(self, kept, c):
        return self.totals[c] - kept[self.groups[c]].sum()

    def _keep(self, losses, rows, budget):
        weights = self.weights[rows]
        if self._whole:
            budget = np.floor(budget + _SLACK * weights.sum())
        if self._equal:
            return keep_smallest(losses[rows], len(rows) - int(budget), lambda: self._keys()[rows]).astype(float)
        order = np.lexsort((self._keys()[rows], np.nan_to_num(losses[rows], nan=np.inf, posinf=np.inf)))
        # What the rows before leave of the weight to keep; the row at the edge keeps a part.
        before = np.cumsum(weights[order]) - weights[order]
        part = np.clip(weights.sum() - budget - before, 0.0, weights[order])
        part[part < _SLACK * weights.mean()] = 0.0
        kept = np.empty(len(rows))
        kept[order] = part
        return kept


def most_to_drop(weights, groups, min_per_class):
    """Weight that may be left out of each group.

    Parameters
    ----------
    weights : ndarray of shape (n_samples,)
    groups : list of ndarray
    min_per_class : int or float
        Rows, or share of the weight, of each class that stay.
    """
    totals = np.array([weights[group].sum() for group in groups])
    # The last row of a class stays, whatever share it is.
    row = 1.0 if is_whole(weights) else weights.mean()
    least = min_per_class * row if isinstance(min_per_class, Integral) else np.maximum(min_per_class * totals, row)
    return np.maximum(totals - least, 0.0)


def is_whole(weights):
    """Whether weights are whole numbers, which count repeated rows."""
    return bool(np.all(weights == np.floor(weights)))
