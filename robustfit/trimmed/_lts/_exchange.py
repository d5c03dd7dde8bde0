"""Exchange of one row kept for one left out, as long as that helps (the feasible-solution algorithm)."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._normal_equations import gram_of, solve_one

_MOST_PAIRS = 1 << 14
_GAIN = 1e-11


def exchangeable(problem, h):
    """Whether pairs of rows are few enough to look at all of them."""
    return not problem.sparse and h * (problem.n_rows - h) <= _MOST_PAIRS


def exchange(problem, solution, h, max_iter):
    """Make the best exchange of one row kept for one left out until none lowers the objective.

    With Q the inverse of the Gram matrix of the rows kept (plus the ridge), residuals e and q_ij = x_i'Q x_j, row i
    leaving and row j coming change the objective by

        [e_j² (1 − q_ii) − e_i² (1 + q_jj) + 2 e_i e_j q_ij] / [(1 − q_ii)(1 + q_jj) + q_ij²].

    Such a minimum is one of concentration too, but not the other way round.

    Parameters
    ----------
    problem : Problem
    solution : Solution
    h : int
    max_iter : int

    Returns
    -------
    solution : Solution

    References
    ----------
    .. [1] D. M. Hawkins, "The feasible solution algorithm for least trimmed squares regression", Computational
       Statistics & Data Analysis, 1994.
    """
    kept = solution.kept.copy()
    for _ in range(max_iter):
        solution = _on(problem, kept, h, solution)
        kept = solution.kept.copy()
        inside, outside = np.flatnonzero(kept), np.flatnonzero(~kept)
        if not len(outside):
            break
        change = _changes(problem, solution.coefs, inside, outside)
        i, j = np.unravel_index(np.argmin(change), change.shape)
        if not change[i, j] < -_GAIN * solution.objective:
            break
        kept[inside[i]], kept[outside[j]] = False, True
    return solution


def _on(problem, kept, h, solution):
    """Fit on these rows, then keep the rows of that fit; the solution given if that is no better."""
    gram, moment = gram_of(problem, np.flatnonzero(kept))
    coefs = solve_one(problem, gram, moment)
    residuals = np.where(kept, problem.target - problem.rows @ coefs, 0.0)
    coefs = coefs + solve_one(problem, gram, problem.rows.T @ residuals - problem.ridge * coefs)
    reached = problem.at(coefs, h)
    return reached if reached.objective < solution.objective else solution


def _changes(problem, coefs, inside, outside):
    gram = gram_of(problem, inside)[0] + np.diag(problem.ridge)
    # Where rows do not determine the coefficients, a row that would is never taken for free.
    inverse = np.linalg.pinv(gram, hermitian=True, rcond=1e-12)
    residuals = problem.target - problem.rows @ coefs
    leaves, comes = problem.rows[inside], problem.rows[outside]
    half = leaves @ inverse
    stay = np.maximum(1.0 - np.einsum("ij,ij->i", half, leaves), 0.0)[:, None]
    more = 1.0 + np.einsum("ij,ij->i", comes @ inverse, comes)
    cross = half @ comes.T
    e_in, e_out = residuals[inside][:, None], residuals[outside]
    numerator = e_out**2 * stay - e_in**2 * more + 2.0 * e_in * e_out * cross
    denominator = stay * more + cross**2
    return numerator / np.maximum(denominator, 1e-9)
