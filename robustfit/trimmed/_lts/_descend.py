"""Concentration of one candidate on all rows, however many, with few passes over them."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._normal_equations import gram_moved, gram_of, solve_one
from robustfit.trimmed._lts._scale import variance_within

# A step that promises less than this share of the objective is rounding.
_NEGLIGIBLE = 1e-12


def descend(problem, solution, h, max_iter):
    """Concentrate until the rows kept no longer change.

    A concentration step goes from b to the least-squares fit b₁ on the rows that b keeps. The objective is lower
    still at b + t (b₁ − b) for some t > 1, since the step changes which rows are kept. Near the optimum under a normal
    law the plain step goes the share v of the way, the variance of what is kept (1/7 with half of the rows), so t = 1/v
    is tried. A longer step is taken only if what it reaches is below what the plain one is sure to reach, so the
    objective never rises.

    Parameters
    ----------
    problem : Problem
    solution : Solution
    h : int
    max_iter : int

    Returns
    -------
    solution : Solution
        Coefficients are those of the fit on the rows kept, refined once against rounding.
    n_iter : int
        Passes over the rows.
    """
    gram, moment = gram_of(problem, np.flatnonzero(solution.kept))
    longest = 1.0 if problem.sparse else 1.0 / variance_within(h / problem.n_rows)
    stretch, n_iter = 1.0, 0
    while n_iter < max_iter:
        n_iter += 1
        step = solve_one(problem, gram, moment) - solution.coefs
        promised = _drop(problem, solution, gram, step)
        if promised <= _NEGLIGIBLE * solution.objective:
            break
        bound = solution.objective - promised
        reached = problem.at(solution.coefs + stretch * step, h)
        if stretch > 1.0 and not reached.objective <= bound:
            n_iter += 1
            reached, stretch = problem.at(solution.coefs + step, h), 1.0
        else:
            stretch = min(2.0 * stretch, longest)
        if not reached.objective < solution.objective:
            break
        gram, moment = gram_moved(problem, gram, moment, solution.kept, reached.kept)
        solution = reached
    return _refined(problem, solution, gram, h), n_iter


def _drop(problem, solution, gram, step):
    """How much lower the objective on the rows kept is after a full step."""
    # With absolute values it is at least this: the minimum of a convex function lies its curvature below.
    return float(step @ gram @ step) + float((step * step) @ problem.ridge)


def _refined(problem, solution, gram, h):
    """Solve once more for what is left of the residuals: rounding in the products is made good."""
    if problem.sparse:
        return solution
    coefs = solution.coefs
    for _ in range(2):
        residuals = np.where(solution.kept, problem.target - problem.rows @ coefs, 0.0)
        coefs = coefs + solve_one(problem, gram, problem.rows.T @ residuals - problem.ridge * coefs)
    refined = problem.at(coefs, h)
    return refined if refined.objective <= solution.objective else solution
