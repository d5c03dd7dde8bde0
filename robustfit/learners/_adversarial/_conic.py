"""The same problem in the words of cvxpy: slow, general, and a check on the fast way."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.learners._adversarial._problem import Solution


def solve_conic(problem, tol, max_iter):
    """Minimise by Clarabel.

    Parameters
    ----------
    problem : Problem
    tol : float
        Handed on to the solver.
    max_iter : int
        Of the solver.

    Returns
    -------
    solution : Solution
        Its bound is that of the solver's multipliers.
    """
    import cvxpy as cp

    n_samples, n_features = problem.X.shape
    w, b, q = cp.Variable(n_features), cp.Variable(), cp.Variable(n_samples)
    scores = problem.X @ w + (b if problem.intercept else 0.0)
    dual = {1: "inf", 2: 2, np.inf: 1}[problem.norm]
    shift = cp.norm(cp.multiply(problem.radius, w), dual)
    if problem.worst.of_margin:
        lack = 0.0 if problem.worst.is_logistic else 1.0
        sides = [q >= lack - cp.multiply(problem.y, scores) + shift]
    else:
        sides = [q >= scores - problem.y + shift, q >= problem.y - scores + shift]
    ridge = 0.5 * cp.sum_squares(cp.multiply(np.sqrt(problem.ridge), w))
    program = cp.Problem(cp.Minimize(problem.weights @ _losses(problem.worst, q, cp) + ridge), sides)
    settings = {"tol_gap_abs": tol, "tol_gap_rel": tol, "tol_feas": tol, "max_iter": max_iter}
    program.solve(solver=cp.CLARABEL, **settings)
    intercept = float(b.value) if problem.intercept else 0.0
    pulls = [side.dual_value for side in sides]
    toward = -problem.y * pulls[0] if problem.worst.of_margin else pulls[0] - pulls[1]
    bound = problem.lower_bound(toward, sum(pulls))
    return Solution(w.value, intercept, problem.objective(w.value, intercept), bound, program.solver_stats.num_iters)


def _losses(worst, q, cp):
    if worst.is_logistic:
        return cp.logistic(q)
    if not np.isfinite(worst.slope):
        return 0.5 * worst.bend * cp.square(cp.pos(q))
    if worst.bend:
        # Half of what cvxpy calls so.
        return 0.5 * cp.huber(q, worst.slope)
    return cp.pos(q)
