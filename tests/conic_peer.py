"""Clarabel as a peer: optima at tight tolerances."""

import cvxpy as cp
import pytest


def solve(problem, *more):
    """The optimum, at the tightest tolerance that is reached on the way from 1e-10 to 1e-8, the default, or to more."""
    for tolerance in (1e-10, 1e-9, 1e-8, *more):
        try:
            problem.solve(
                solver=cp.CLARABEL, tol_gap_abs=tolerance, tol_gap_rel=tolerance, tol_feas=tolerance, warm_start=False
            )
        except cp.SolverError:
            continue
        if problem.status == cp.OPTIMAL:
            return problem.value
    pytest.fail("Clarabel did not solve the problem at its own tolerance")
