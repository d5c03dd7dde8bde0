"""From rows as they come to a problem of unit size, and back."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from robustfit.learners._adversarial._conic import solve_conic
from robustfit.learners._adversarial._interior_point import OWN_DIGITS, InteriorPoint
from robustfit.learners._adversarial._problem import Problem

NEGLIGIBLE = 1e-5
"""Coefficients below this share of the largest are tried at zero."""

_ROUNDING = 8.0 * np.finfo(float).eps


class LinearFit(NamedTuple):
    """A fitted linear function, in the units of the rows.

    Attributes
    ----------
    coef : ndarray of shape (n_features,)
    intercept : float
    objective, gap : float
        Sum over the rows and penalty, and how far above the optimum that can be.
    n_iter : int
    converged : bool
    """

    coef: np.ndarray
    intercept: float
    objective: float
    gap: float
    n_iter: int
    converged: bool


def fit_linear(X, y, weights, *, loss, radius, norm, ridge, intercept, solver, tol, max_iter):
    """Minimise Σ_i weights_i max_{‖δ / radius‖ ≤ 1} loss(y_i, w·(x_i + δ) + b) + ½ ridge ‖w‖².

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
        Signs, or numbers.
    weights : ndarray of shape (n_samples,)
        Positive.
    loss : callable
        Gives the `WorstLoss`, of the unit in which the targets are counted.
    radius : ndarray of shape (n_features,)
    norm : {1, 2, inf}
    ridge : float
    intercept : bool
    solver : {"auto", "cvxpy"}
    tol : float
        Largest gap, as a share of the objective where nothing is learnt.
    max_iter : int

    Returns
    -------
    fit : LinearFit
    """
    total = weights.sum()
    shares = weights / total
    X, centre, unit = _unit_columns(X, shares, intercept)
    margins = loss(1.0).of_margin
    y, level, size = (y, 0.0, 1.0) if margins else _unit_target(y, shares, intercept)
    worst = loss(size)
    # What one unit of the loss is worth: a square, or a first power, of the unit of the target.
    worth = size**2 if worst.bend and not margins else size
    problem = Problem(X, y, shares, radius / unit, ridge / total * (size / unit) ** 2 / worth, norm, worst, intercept)
    nothing_learnt = problem.objective(np.zeros(X.shape[1]), 0.0)
    allowed = tol * nothing_learnt
    if solver == "cvxpy":
        solution = solve_conic(problem, tol, max_iter)
    else:
        solution = InteriorPoint(problem).solve(allowed, max_iter)
    solution = _with_zeros(problem, solution, allowed)
    gap = max(solution.objective - solution.bound, 0.0)
    coef = solution.w * (size / unit)
    offset = float(level + size * solution.b - centre @ coef) if intercept else 0.0
    scale = total * worth
    # Objective and bound are sums of terms of that size, and round with it.
    rounding = _ROUNDING * nothing_learnt
    return LinearFit(
        coef, offset, solution.objective * scale, (gap + rounding) * scale, solution.n_iter, gap <= allowed
    )


def _with_zeros(problem, solution, allowed):
    """Coefficients that are zero but for rounding become so, if the proof of optimality holds for that too."""
    limit = solution.bound + max(min(allowed, OWN_DIGITS * solution.objective), solution.objective - solution.bound)
    size = np.abs(solution.w)
    for w in (np.zeros_like(size), np.where(size > NEGLIGIBLE * size.max(initial=0.0), solution.w, 0.0)):
        objective = problem.objective(w, solution.b)
        if objective <= limit:
            return solution._replace(w=w, objective=objective)
    return solution


def _unit_columns(X, shares, intercept):
    """Columns of size one, centred if they are dense and the intercept makes up for it."""
    centre = np.zeros(X.shape[1])
    if sp.issparse(X):
        unit = _size(abs(X).max(axis=0).toarray().ravel(), lambda top: X.multiply(1.0 / top).power(2).T @ shares)
        return sp.csr_array(X.multiply(1.0 / unit)), centre, unit
    if intercept:
        centre = shares @ X
        X = X - centre
        # A constant column leaves rounding behind.
        X[:, np.abs(X).max(axis=0) <= 16.0 * np.finfo(float).eps * np.abs(centre)] = 0.0
    unit = _size(np.abs(X).max(axis=0), lambda top: shares @ (X / top) ** 2)
    return X / unit, centre, unit


def _unit_target(y, shares, intercept):
    level = float(shares @ y) if intercept else 0.0
    y = y - level
    size = float(_size(np.abs(y).max(keepdims=True), lambda top: shares @ (y / top) ** 2)[0])
    return y / size, level, size


def _size(top, mean_square):
    """Root of the mean square, in a way that the squares of huge and of tiny numbers survive; 1 for nothing."""
    top = np.where(top > 0.0, top, 1.0)
    root = np.sqrt(mean_square(top))
    return np.where(root > 0.0, top * root, 1.0)
