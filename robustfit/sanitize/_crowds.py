"""Rows of a label that are more than a model of other rows says there should be."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

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
        By how many standard deviations they are more.
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


def largest_crowd(chances, codes, *, least, most, sure):
    """Find the crowd that is most beyond what is expected.

    Parameters
    ----------
    chances : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,)
        Of the labels.
    least : float
        Standard deviations from which it counts.
    most : int
        Rows of the label that it may have.
    sure : float
        Largest probability that its rows may have.

    Returns
    -------
    Crowd or None
    """
    least = least * np.sqrt(max(len(codes) / _MANY_ROWS, 1.0))
    crowds = [_crowd(code, chances[:, code], codes == code, most, sure) for code in range(chances.shape[1])]
    crowds = [crowd for crowd in crowds if crowd is not None and crowd.deviations >= least]
    return max(crowds, key=lambda crowd: crowd.deviations, default=None)


def _crowd(code, chances, has, most, sure):
    """Interval of probabilities with the largest excess of rows that have the label, in standard deviations."""
    order = np.argsort(chances, kind="stable")
    chances, there = chances[order], has[order]
    ends = np.flatnonzero(there & (chances <= sure))
    if not len(ends):
        return None
    ends = ends[np.unique(np.linspace(0, len(ends) - 1, _ENDS).astype(np.intp))]
    rank = np.cumsum(there)[ends]
    excess, variance = (_sums_between(part, ends) for part in (there - chances, chances * (1.0 - chances)))
    # A single row has no variance to speak of.
    deviations = np.triu(excess / np.sqrt(np.maximum(variance, 1.0)))
    deviations[rank - rank[:, None] >= most] = 0.0
    first, last = np.unravel_index(deviations.argmax(), deviations.shape)
    inside = slice(ends[first], ends[last] + 1)
    rows = order[inside][there[inside]]
    low, high = float(chances[ends[first]]), float(chances[ends[last]])
    expected = len(rows) - float(excess[first, last])
    return Crowd(code, low, high, rows, expected, float(deviations[first, last]))


def _sums_between(values, ends):
    """Sums from each of some places (one row each) to each of them (one column each), both included."""
    before = np.concatenate([[0.0], np.cumsum(values)])
    return before[ends + 1] - before[ends][:, None]
