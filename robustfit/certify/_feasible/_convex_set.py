"""Convex constraints that a user writes in CVXPY."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._feasible._base import FeasibleSet, rounding
from robustfit.certify._feasible._checks import check_count
from robustfit.certify._threats import CertificateError

# Conic variables of the best point are taken to be at most this many times as large as the solver's.
_SAFETY = 10.0
_SOLVED = ("optimal", "optimal_inaccurate")


class ConvexSet(FeasibleSet):
    """Rows that satisfy constraints written in CVXPY, solved by Clarabel.

    Parameters
    ----------
    n_features : int
        Number of columns.
    constraints : callable
        Takes one ``cvxpy.Variable`` of shape (n_features,) and returns a list of convex constraints on it and on
        nothing else.

    Raises
    ------
    ValueError
        If the constraints are not convex by CVXPY's rules, contradict each other, or use variables of their own.

    Notes
    -----
    `violation` is in the units of the constraints, as CVXPY measures it. Points satisfy the constraints to the
    solver's tolerance, about 1e-8. The problem is compiled once and solved anew for each direction or row.

    **Guarantee.** Weaker than that of the other sets. ``maximize(u).bound`` is the dual value of Clarabel's solution,
    plus its dual residual times the largest size of a conic variable, taken to be ten times the solver's own. It is
    sound if that holds, if the dual point lies in its cone (interior point methods keep it there), and if CVXPY's
    compilation is right. It is never below ``value``.

    Examples
    --------
    >>> import cvxpy as cp
    >>> from robustfit.certify import ConvexSet
    >>> simplex = ConvexSet(3, lambda x: [x >= 0, cp.sum(x) <= 1])
    >>> support = simplex.maximize([1.0, 3.0, 2.0])
    >>> round(support.value, 6), bool(support.bound >= support.value)
    (3.0, True)
    >>> abs(simplex.project([[2.0, 0.0, 0.0]])).round(4)
    array([[1., 0., 0.]])
    """

    convex = True

    def __init__(self, n_features: int, constraints: Callable[[Any], list[Any]]) -> None:
        import cvxpy as cp

        super().__init__(check_count(n_features, "n_features"))
        self._solver = cp.CLARABEL
        self._row = cp.Variable(self.n_features)
        self._constraints = list(constraints(self._row))
        self._direction, self._near = cp.Parameter(self.n_features), cp.Parameter(self.n_features)
        self._farthest = cp.Problem(cp.Maximize(self._direction @ self._row), self._constraints)
        self._nearest = cp.Problem(cp.Minimize(cp.norm(self._row - self._near)), self._constraints)
        if any(variable is not self._row for variable in self._farthest.variables()):
            raise ValueError(
                "The constraints use variables of their own; write them in terms of the given variable only (CVXPY "
                "adds what it needs to solve them)."
            )
        if not self._farthest.is_dcp():
            raise ValueError("The constraints are not convex by CVXPY's rules, so no bound could be given.")
        self._direction.value = np.zeros(self.n_features)
        self._solve(self._farthest)

    def _solve(self, problem: Any) -> float:
        """Solve, leave the answer in the variable, and return a lower bound on the minimum that the solver saw."""
        data, chain, inverse = problem.get_problem_data(self._solver, solver_opts={})
        raw = chain.solve_via_data(problem, data)
        problem.unpack_results(raw, chain, inverse)
        if problem.status.startswith("infeasible"):
            raise ValueError("The set is empty: the constraints contradict each other.")
        if problem.status.startswith("unbounded"):
            raise CertificateError("The set has no end in this direction; add constraints that bound it.")
        if problem.status not in _SOLVED:
            raise CertificateError(f"Clarabel could not solve the problem (status {problem.status!r}); rescale it.")
        # With A x + s = b, s in K and z in the dual cone: c·x = (c + Aᵀz)·x − b·z + z·s, and z·s >= 0.
        primal, dual = np.asarray(raw.x), np.asarray(raw.z)
        residual = np.abs(data["A"].T @ dual + data["c"]).sum()
        size = _SAFETY * max(1.0, float(np.abs(primal).max(initial=0.0)))
        terms = data["b"] * dual
        slack = residual * size + rounding(terms.size) * np.abs(terms).sum()
        return float(-terms.sum() - slack)

    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        worst = np.zeros(len(rows))
        for index, row in enumerate(rows):
            if not np.isfinite(row).all():
                worst[index] = np.inf
                continue
            self._row.value = row
            worst[index] = max((float(np.max(constraint.violation())) for constraint in self._constraints), default=0.0)
        return worst

    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        points, bounds = np.empty_like(directions), np.empty(len(directions))
        for index, direction in enumerate(directions):
            self._direction.value = direction
            lowest = self._solve(self._farthest)
            points[index] = self._row.value
            slack = rounding(self.n_features) * np.abs(direction * points[index]).sum()
            bounds[index] = max(-lowest, float(direction @ points[index])) + slack
        return points, bounds

    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        points = np.empty_like(rows)
        for index, row in enumerate(rows):
            self._near.value = row
            self._solve(self._nearest)
            points[index] = self._row.value
        return points
