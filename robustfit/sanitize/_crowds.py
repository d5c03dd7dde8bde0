"""Rows of a label that are more than a model of other rows says there should be."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, rel_entr

from robustfit.losses import LOGISTIC
from robustfit.sanitize._leave_cluster_out._references import Problem, minimise, with_ones

# Ends of intervals are looked for among so many rows of the label.
_ENDS = 400

# Of a slope and an intercept; so weak that it matters only where classes do not overlap.
_PENALTY = 1e-4

# No model is calibrated to the last row: more rows than these do not sharpen the test.
_MANY_ROWS = 15_000


@dataclass(frozen=True)
class Crowd:
    """Rows of one label, of neighbouring probabilities.

    Parameters
    ----------
    code : int
        Of the label.
    low, high : float
        Smallest and largest probability of the label; both belong to it.
    rows : ndarray
        Positions of its rows of the label.
    expected : float
        How many should be there.
    deviations : float
        By how many standard deviations they are more: so many or more rows have at most the probability exp(−d²/2).
    """

    code: int
    low: float
    high: float
    rows: Any
    expected: float
    deviations: float


def platt_lines(scores, targets):
    """Fit the slopes and intercepts by which scores become log-odds.

    Parameters
    ----------
    scores, targets : ndarray of shape (n_samples, n_tasks)
        Targets are −1 or 1.

    Returns
    -------
    slopes, intercepts : ndarray of shape (n_tasks,)
    """
    found = np.empty((2, scores.shape[1]))
    for task in range(scores.shape[1]):
        unit = scores[:, task].std() or 1.0
        problem = Problem(with_ones(scores[:, [task]] / unit), targets[:, [task]], LOGISTIC, _PENALTY)
        found[:, task] = minimise(problem)[:, 0] / (unit, 1.0)
    return found


def chances_of(log_odds):
    """Probability of each label against all others, from those of the second of two labels, or of each of more."""
    chances = expit(log_odds)
    return np.hstack([1.0 - chances, chances]) if chances.shape[1] == 1 else chances


def find_crowds(chances, codes, counted, *, least, most, sure):
    """Find the crowd that is most beyond what is expected, and the others of its label.

    A crowd moves the probabilities of the other labels, whose own are better looked for without it.

    Parameters
    ----------
    chances : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,)
        Of the labels.
    counted : ndarray of shape (n_samples,), bool
        Rows that count as having their label, and that crowds are made of. The others are still there to be expected.
    least : float
        Standard deviations from which a crowd counts.
    most : int
        Rows that they may have together.
    sure : float
        Largest probability that their rows may have.

    Returns
    -------
    crowds : list of Crowd
        None of them shares a row with another.
    """
    least = least * np.sqrt(max(len(codes) / _MANY_ROWS, 1.0))
    crowds = [_crowd(code, chances[:, code], counted & (codes == code), most, sure) for code in range(chances.shape[1])]
    largest, found = max(crowds, key=lambda crowd: crowd.deviations), []
    has = counted & (codes == largest.code)
    while largest.deviations >= least:
        found.append(largest)
        # They do not count any more as having the label.
        has[largest.rows] = False
        most -= len(largest.rows)
        largest = _crowd(largest.code, chances[:, largest.code], has, most, sure)
    return found


def _crowd(code, chances, has, most, sure):
    """Interval of probabilities with the largest excess of rows that have the label, in standard deviations."""
    order = np.argsort(chances, kind="stable")
    chances, there = chances[order], has[order]
    ends = np.flatnonzero(there & (chances <= sure))
    if not len(ends):
        return Crowd(code, 0.0, 0.0, np.empty(0, dtype=np.intp), 0.0, 0.0)
    ends = chances[ends[np.unique(np.linspace(0, len(ends) - 1, _ENDS).astype(np.intp))]]
    # Rows of equal probability are inside together.
    starts, stops = np.searchsorted(chances, ends, side="left"), np.searchsorted(chances, ends, side="right")
    expected, own = _sums(chances, starts, stops), _sums(there.astype(np.float64), starts, stops)
    deviations = np.where(own <= most, np.triu(_deviations(own, expected, stops - starts[:, None])), 0.0)
    first, last = np.unravel_index(deviations.argmax(), deviations.shape)
    inside = slice(starts[first], stops[last])
    rows = order[inside][there[inside]]
    low, high = float(ends[first]), float(ends[last])
    return Crowd(code, low, high, rows, float(expected[first, last]), float(deviations[first, last]))


def _deviations(count, expected, n_rows):
    """Standard deviations of a normal distribution whose tail is bounded alike by Chernoff's bound; 0 for no excess."""
    more = np.maximum(count, expected)
    nats = rel_entr(more, expected) + rel_entr(n_rows - more, n_rows - expected)
    return np.sqrt(2.0 * np.maximum(nats, 0.0))


def _sums(values, starts, stops):
    """Sums from each of some places (one row each) up to each of others (one column each)."""
    before = np.concatenate([[0.0], np.cumsum(values)])
    return before[stops] - before[starts][:, None]
