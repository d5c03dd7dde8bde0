"""Least trimmed squares from end to end: units, starts, search."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from robustfit._meta._selection import row_keys
from robustfit.trimmed._lts._alpha_path import SHARES, choose_stage, scale_path
from robustfit.trimmed._lts._concentrate import SmallSet
from robustfit.trimmed._lts._problem import Problem, Solution
from robustfit.trimmed._lts._search import finish, reached_by, settle_on_pool
from robustfit.trimmed._lts._starts import Starts, find_starts, pool_rows
from robustfit.trimmed._lts._units import Units

# Candidates need not come to rest on a sample, and those that nearly agree there will agree.
_POOL_STEPS = 10
_APART = 0.02
# Random groups keep this share where the share is yet to be found.
_UNDECIDED = 0.6
_PATH_ROWS = 1500


class Trimmed(NamedTuple):
    """A problem in robust units and the best solution found.

    Attributes
    ----------
    problem : Problem
    units : Units
    solution : Solution
        Its objective, times ``units.target_scale ** 2``, is that in the units of the data.
    h : int
    alpha : float
        Share that led to h.
    reached : dict of str to float
        What each kind of start came to, in the units of ``solution.objective``.
    n_iter : int
    """

    problem: Problem
    units: Units
    solution: Solution
    h: int
    alpha: float
    reached: dict[str, float]
    n_iter: int


def rows_kept(alpha, n_rows, n_coefs):
    """Return h: ``alpha`` runs from the largest breakdown point at 0.5 to all rows at 1.

    Parameters
    ----------
    alpha : float
    n_rows : int
    n_coefs : int
        Coefficients that rows must determine, the intercept among them.

    Returns
    -------
    h : int
    """
    most_trimmed = (n_rows + n_coefs + 1) // 2
    # A hair less than a whole number is that number.
    return int(np.floor(2 * most_trimmed - n_rows + 2 * (n_rows - most_trimmed) * alpha + 1e-9))


def trim(X, y, *, alpha, effort, ridge, l1, intercept):
    """Find the coefficients with the smallest sum of the h smallest squared residuals.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
    alpha : float or "auto"
    effort : Effort
    ridge, l1 : float
        Price of squares and of absolute values of slopes, in the units of the data.
    intercept : bool

    Returns
    -------
    trimmed : Trimmed

    Raises
    ------
    ValueError
        If numbers are too far apart for float precision.
    """
    n_rows = len(y)
    keys = row_keys(X, y)
    chosen = pool_rows(keys, n_rows, effort.group_size, effort.random_state)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        units = Units.of(X[chosen], y[chosen], centred=intercept)
        rows, target = units.enter(X, y, intercept=intercept)
        ridges, prices = ridge / units.scale / units.scale, l1 / units.scale / units.target_scale
    if not (np.isfinite(rows[chosen]).all() and np.isfinite(target).all() and np.isfinite(ridges + prices).all()):
        raise ValueError("X or y has numbers too large or too small for float64 arithmetic; rescale the columns.")
    free = [0.0] * intercept
    problem = Problem(rows, target, np.append(ridges, free), np.append(prices, free), keys)

    n_bound = 1 if ridge or l1 else problem.n_coefs
    all_here = len(chosen) == n_rows
    n_steps = effort.max_iter if all_here else min(_POOL_STEPS, effort.max_iter)
    h = rows_kept(_UNDECIDED if alpha == "auto" else alpha, n_rows, n_bound)
    pool = SmallSet(problem.take(chosen), _scaled(h, n_rows, len(chosen)))
    starts = find_starts(pool, effort)
    if alpha == "auto":
        alpha, leader, reached = _decide(pool.problem, starts, n_bound)
        h = rows_kept(alpha, n_rows, n_bound)
        coefs, _ = pool.with_h(_scaled(h, n_rows, len(chosen))).settle(leader[None], n_steps)
    else:
        apart = 1 if all_here else round(_APART * pool.h)
        coefs, reached = settle_on_pool(pool, starts, n_keep=effort.n_keep, apart=apart, max_iter=n_steps)
    solution, n_iter = finish(problem, coefs, h, effort.max_iter)
    reached = {name: h * value for name, value in reached.items()}
    return Trimmed(problem, units, solution, h, float(alpha), reached, n_iter)


def _scaled(h, n_rows, n_chosen):
    return h if n_chosen == n_rows else max(1, round(h / n_rows * n_chosen))


def _decide(pool, starts, n_bound):
    """Choose the share of rows kept on a sample, and the fit that leads there; also what the starts reach there."""
    sample = SmallSet(pool.take(slice(None, None, -(-pool.n_rows // _PATH_ROWS))), 1)
    counts = [rows_kept(share, sample.problem.n_rows, n_bound) for share in SHARES]
    stages = list(scale_path(sample, starts, counts))
    place = choose_stage(stages, sample.problem.n_rows)
    names, coefs = [*starts.names, "path"], np.vstack([starts.coefs, stages[place].coefs])
    return SHARES[place], stages[place].coefs, reached_by(sample.with_h(counts[place]), Starts(names, coefs))
