"""Trials of groups of rows: whether anything but what they share gives them their label."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize_scalar

from robustfit.losses import LOGISTIC
from robustfit.sanitize._column_groups import column_of, pure_groups
from robustfit.sanitize._leave_cluster_out._readmission import final_penalty
from robustfit.sanitize._leave_cluster_out._references import (
    Problem,
    minimise,
    weights_left_out,
    weights_roughly_left_out,
    with_ones,
)
from robustfit.sanitize._leave_cluster_out._views import ClassView

# Rows in a group. Fewer prove nothing.
_LEAST = 5

# Groups that are looked at closely, and rows of a group that are asked in order to find these.
_CLOSELY = 64
_ASKED = 256

# Most values of rows in the memory at once.
_BLOCK = 1 << 24

# A column carries a group if so many of its rows share a value that no more than so many of the others have.
_SHARED, _ELSEWHERE = 0.9, 0.1

_LARGEST_TILT = 60.0


@dataclass(frozen=True)
class Shortcut:
    """A significant group.

    Parameters
    ----------
    group : ColumnGroup
    rows : ndarray
        Those of its label that go with it.
    belief : float
        Average probability of the label.
    log10_p : float
        Of the bound, times the number of groups.
    expected : ndarray
        Codes that the model without the group expects of the rows.
    """

    group: Any
    rows: Any
    belief: float
    log10_p: float
    expected: Any


def find_shortcuts(X, codes, n_codes, normalizer, most, significance):
    """Find groups that have a label more often than a model without them expects.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    codes : ndarray of shape (n_samples,)
    n_codes : int
    normalizer : RowNormalizer
        Fitted to X.
    most : int
        Rows in a group.
    significance : float

    Returns
    -------
    shortcuts : list of Shortcut
        Least believed first. No row belongs to two.
    """
    columns = sp.csc_array(X) if sp.issparse(X) else X
    groups, n_considered = pure_groups(columns, codes, n_codes, _LEAST, most) if n_codes > 1 else ([], 0)
    if not groups:
        return []
    trial = _Trial(X, columns, codes, n_codes, normalizer)
    groups = trial.least_believed(groups)
    found = [trial.hold(group, weights, n_considered) for group, weights in trial.models(groups)]
    taken, apart = np.zeros(len(codes), dtype=bool), []
    for shortcut in sorted(found, key=lambda shortcut: shortcut.belief):
        fresh = ~taken[shortcut.rows]
        if 10.0**shortcut.log10_p <= significance and 2 * np.count_nonzero(fresh) >= len(fresh):
            rows = shortcut.rows[fresh]
            taken[rows] = True
            apart.append(Shortcut(shortcut.group, rows, shortcut.belief, shortcut.log10_p, shortcut.expected[fresh]))
    return apart


class _Trial:
    """The model of all rows, and what it would say of groups without them."""

    def __init__(self, X, columns, codes, n_codes, normalizer):
        self.X, self.codes, self.n_codes, self.normalizer = X, codes, n_codes, normalizer
        units = with_ones(normalizer.transform(X))
        targets = ClassView(codes, n_codes).targets
        self.problem = Problem(units, targets, LOGISTIC, final_penalty(normalizer))
        self.weights = minimise(self.problem)
        self._columns, self._counts = columns, {}
        self._n_zeros = columns.shape[0] - np.diff(columns.indptr) if sp.issparse(X) else None

    def least_believed(self, groups):
        """Return the groups that deserve a closer look."""
        if len(groups) <= _CLOSELY:
            return groups
        beliefs, step = [], max(1, _BLOCK // self.weights.size)
        for start in range(0, len(groups), step):
            part = groups[start : start + step]
            models = weights_roughly_left_out(self.problem, self.weights, [group.rows for group in part])
            for group, weights in zip(part, models, strict=True):
                own = self._own(group)
                own = own[:: -(-len(own) // _ASKED)]
                beliefs.append(self._view(own, group).belief(self._look(own, [group.column]) @ weights, None).mean())
        return [groups[place] for place in np.sort(np.argsort(beliefs, kind="stable")[:_CLOSELY])]

    def models(self, groups):
        """Pairs of a group and the weights without it."""
        rows = [group.rows for group in groups]
        return zip(groups, weights_left_out(self.problem, self.weights, rows), strict=True)

    def hold(self, group, weights, n_considered):
        """Judge a group by weights that have not seen it."""
        own = self._own(group)
        scores = self._look(group.rows, self._carriers(group, own)) @ weights
        belief = self._view(group.rows, group).belief(scores, None)
        named = self.codes[group.rows] == group.code
        chance = log_tail_bound(belief, len(own)) / np.log(10.0) + np.log10(n_considered)
        expected = self._view(own, group).expected(scores[named])
        return Shortcut(group, own, float(belief[named].mean()), float(min(chance, 0.0)), expected)

    def _own(self, group):
        return group.rows[self.codes[group.rows] == group.code]

    def _view(self, rows, group):
        return ClassView(np.full(len(rows), group.code), self.n_codes)

    def _carriers(self, group, own):
        """Columns that carry a group: its own, and those in which its rows share a value that is rare elsewhere."""
        asked = self.X[own[:: -(-len(own) // _ASKED)]]
        asked = asked.toarray() if sp.issparse(asked) else asked
        middle = np.sort(asked, axis=0)[len(asked) // 2]
        shared = (asked == middle).mean(axis=0) >= _SHARED
        inside, rare = self.X[group.rows], _ELSEWHERE * (self.X.shape[0] - len(group.rows))
        if self._n_zeros is not None:
            # Almost all columns are shared zeros that are everywhere.
            shared &= (middle != 0) | (self._n_zeros - len(group.rows) <= rare)
        found = [group.column]
        for column in np.flatnonzero(shared):
            everywhere = self._count(column, middle[column])
            outside = everywhere - np.count_nonzero(column_of(inside, column) == middle[column])
            if outside <= rare:
                found.append(int(column))
        return found

    def _count(self, column, value):
        """Rows that have a value in a column."""
        place = (column, float(value))
        if place not in self._counts:
            self._counts[place] = np.count_nonzero(column_of(self._columns, column) == value)
        return self._counts[place]

    def _look(self, rows, hidden):
        """Return rows of at most length 1, with some columns at their centres, and the column of ones."""
        # As if what is hidden were of average size. With all of length 1 the other columns would shout.
        share = np.sqrt(1.0 - len(hidden) / self.X.shape[1])
        block = self.X[rows]
        if sp.issparse(block):
            seen = np.ones(block.shape[1])
            seen[hidden] = 0.0
            block = sp.csr_array(block @ sp.diags_array(seen))
        else:
            block = block.copy()
            block[:, hidden] = getattr(self.normalizer, "center_", np.zeros(block.shape[1]))[hidden]
        return with_ones(self.normalizer.transform(block) * share)


def log_tail_bound(shares, count):
    """Chernoff's bound on the logarithm of the probability of ``count`` successes or more.

    Parameters
    ----------
    shares : ndarray of shape (n,)
        Probabilities of success of independent trials.
    count : int

    Notes
    -----
    ``min_θ Σ_i log(1 − p_i + p_i e^θ) − θ count`` over θ >= 0. If all succeed this is the product of the probabilities.
    """
    if count <= shares.sum():
        return 0.0
    with np.errstate(divide="ignore"):
        success, failure = np.log(shares), np.log1p(-shares)
    if count >= len(shares):
        return float(success.sum())

    def bound(tilt):
        return float(np.logaddexp(failure, success + tilt).sum() - tilt * count)

    return min(minimize_scalar(bound, bounds=(0.0, _LARGEST_TILT), method="bounded").fun, 0.0)
