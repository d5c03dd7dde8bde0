"""From starts to the best solution: the pool first, then few candidates on all rows."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._concentrate import best
from robustfit.trimmed._lts._descend import descend
from robustfit.trimmed._lts._exchange import exchange, exchangeable

# What the pool finds this much worse than the best is not looked at again.
_HOPELESS = 1.5
_LAST = 2


def settle_on_pool(pool, starts, h, n_keep, max_iter):
    """Move all starts on the pool; return the best distinct candidates, and what each kind of start reached.

    Parameters
    ----------
    pool : SmallSet
    starts : Starts
    h : int
        Rows of the pool that are kept.
    n_keep, max_iter : int

    Returns
    -------
    coefs : ndarray of shape (at most n_keep, p)
    reached : dict of str to float
        Smallest objective on the pool, by kind of start.
    """
    small = pool.with_h(h)
    coefs, objective = small.concentrate(starts.coefs, 2)
    reached: dict[str, float] = {}
    for name, value in zip(starts.names, objective.tolist(), strict=True):
        reached[name] = min(value, reached.get(name, np.inf))
    coefs, objective = best(coefs, objective, n_keep)
    coefs, objective = small.settle(coefs, max_iter)
    hopeful = objective <= _HOPELESS * objective[0]
    return coefs[hopeful], reached


def finish(problem, coefs, h, max_iter):
    """Take candidates to the end on all rows.

    Parameters
    ----------
    problem : Problem
    coefs : ndarray of shape (n_candidates, p)
    h, max_iter : int

    Returns
    -------
    solution : Solution
    n_iter : int
        Passes that the candidate took that won.
    """
    thorough = exchangeable(problem, h)
    found = [problem.at(candidate, h) for candidate in coefs]
    if not thorough:
        found = sorted(found, key=_objective)[:_LAST]
    ends = []
    for solution in found:
        end, n_iter = descend(problem, solution, h, max_iter)
        ends.append((exchange(problem, end, h, max_iter) if thorough else end, n_iter))
    return min(ends, key=lambda end: end[0].objective)


def _objective(solution):
    return solution.objective
