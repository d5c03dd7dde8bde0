"""From starts to the best solution: the pool first, then few candidates on all rows."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._concentrate import distinct
from robustfit.trimmed._lts._descend import descend
from robustfit.trimmed._lts._exchange import exchange, exchangeable

# What the pool finds this much worse than the best is not looked at again.
_HOPELESS = 1.5
_LAST = 2
_FIRST_STEPS = 2


def settle_on_pool(small, starts, *, n_keep, apart, max_iter):
    """Move all starts on the pool; return the best distinct candidates, and what each kind of start reached.

    Parameters
    ----------
    small : SmallSet
        The pool.
    starts : Starts
    n_keep, max_iter : int
    apart : int
        Candidates that differ by fewer rows after two steps are one.

    Returns
    -------
    coefs : ndarray of shape (at most n_keep, p)
    reached : dict of str to float
        As of `reached_by`.
    """
    coefs = small.move(starts.coefs, _FIRST_STEPS)
    kept, objective = small.look(coefs)
    reached = _lowest(starts.names, objective, small.h)
    chosen = distinct(kept, objective, n_keep, apart)
    coefs, objective = small.settle(coefs[chosen], max_iter)
    return coefs[objective <= _HOPELESS * objective[0]], reached


def reached_by(small, starts):
    """Return the smallest objective per row kept that each kind of start has after two steps, by its name."""
    return _lowest(starts.names, small.look(small.move(starts.coefs, _FIRST_STEPS))[1], small.h)


def _lowest(names, objective, h):
    reached: dict[str, float] = {}
    for name, value in zip(names, (objective / h).tolist(), strict=True):
        reached[name] = min(value, reached.get(name, np.inf))
    return reached


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
