"""A primal-dual interior-point method for adversarial training: a few Newton steps, then a proof of optimality."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from robustfit.learners._adversarial._barriers import barrier
from robustfit.learners._adversarial._problem import Solution
from robustfit.learners._adversarial._rows import LogisticRows, PieceRows

TO_THE_WALL = 0.995
"""Share of the way to the boundary that a step may go."""

OWN_DIGITS = 1e-8
"""Gap, as a share of the objective itself, above which the last steps go on if they can."""

PATIENCE = 20
"""Iterations that bring the gap no further after which rounding has the last word."""


class _Point(NamedTuple):
    """Variables, or a step of them: w with t, b, the rows' own, the barrier's extra ones, slack and multipliers."""

    w: np.ndarray
    t: float
    b: float
    own: np.ndarray
    extra: np.ndarray
    row_s: np.ndarray
    row_z: np.ndarray
    norm_s: np.ndarray
    norm_z: np.ndarray

    def moved(self, step, length):
        return _Point(*(value + length * change for value, change in zip(self, step, strict=True)))


class InteriorPoint:
    """The method, for one problem whose weights add up to 1 and whose columns and targets are of unit size.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem):
        self.problem = problem
        self.rows = LogisticRows(problem) if problem.worst.is_logistic else PieceRows(problem)
        self.barrier = barrier(problem.radius, problem.norm)

    def solve(self, tol, max_iter):
        """Minimise until the gap between objective and bound is at most ``tol``, and on while steps halve it.

        Coefficients are only as precise as the root of the gap, and the last steps are the best ones.

        Parameters
        ----------
        tol : float
        max_iter : int

        Returns
        -------
        solution : Solution
        """
        point = self._start()
        best, stalled = self._judge(point, self._start_solution(point)), 0
        while best.n_iter < max_iter and stalled < PATIENCE:
            try:
                point = self._advance(point)
            except LinAlgError:
                break
            before, best = best.objective - best.bound, self._judge(point, best)
            gap = max(best.objective - best.bound, 0.0)
            # An optimum next to nothing, as of separable rows, is to be known to some digits of its own.
            if before <= tol and gap >= 0.5 * before and gap <= OWN_DIGITS * best.objective:
                break
            stalled = 0 if gap < 0.99 * before else stalled + 1
        return best

    def _start(self):
        problem = self.problem
        w = np.zeros(problem.X.shape[1])
        extra = self.barrier.start()
        norm_s = self.barrier.slack(w, 1.0, extra)
        own = self.rows.start
        row_s = self.rows.slack(np.zeros(len(problem.y)), 1.0, own)
        mu = 0.5 / max(len(problem.y), self.barrier.cone.degree(norm_s))
        return _Point(
            w, 1.0, 0.0, own, extra, row_s, self.rows.start_multipliers, norm_s, self.barrier.cone.centre(norm_s, mu)
        )

    def _start_solution(self, point):
        return Solution(point.w, 0.0, self.problem.objective(point.w, 0.0), 0.0, -1)

    def _judge(self, point, best):
        """The better of two functions, the better of two bounds."""
        problem = self.problem
        scores = problem.X @ point.w + point.b
        objective = problem.objective_of_scores(scores, point.w)
        bound = max(problem.lower_bound(*self.rows.multipliers(point.row_z)), best.bound)
        # Of functions that are equal up to rounding the later one has the better coefficients.
        better = objective <= best.objective * (1.0 + 4.0 * np.finfo(float).eps)
        w, b = (point.w, point.b) if better else (best.w, best.b)
        return Solution(w, b, min(objective, best.objective), bound, best.n_iter + 1)

    def _advance(self, point):
        """One step of Mehrotra's predictor and corrector."""
        row_cone = self.rows.cone(point.row_s, point.row_z)
        norm_cone = self.barrier.cone(point.norm_s, point.norm_z)
        degree = row_cone.degree(point.row_s) + norm_cone.degree(point.norm_s)
        mu = self._products(point) / degree
        system = _System(self, point, row_cone, norm_cone)
        guess = system.step(row_cone.target(0.0), norm_cone.target(0.0))
        reach = min(1.0, self._room(guess, row_cone, norm_cone))
        ahead = point.moved(guess, reach)
        left = self._products(ahead) / degree
        aim = mu * min(1.0, max(left / mu, 0.0)) ** 3
        step = system.step(
            row_cone.target(aim, guess.row_s, guess.row_z), norm_cone.target(aim, guess.norm_s, guess.norm_z)
        )
        after = point.moved(step, min(1.0, TO_THE_WALL * self._room(step, row_cone, norm_cone)))
        return after._replace(row_z=row_cone.within(after.row_z))

    def _products(self, point):
        """What goes to zero, in sum."""
        rows = 0.0 if self.problem.worst.is_logistic else point.row_s @ point.row_z
        return rows + point.norm_s @ point.norm_z

    @staticmethod
    def _room(step, row_cone, norm_cone):
        return min(row_cone.step(step.row_s, step.row_z), norm_cone.step(step.norm_s, step.norm_z))


class _System:
    """The linear system of one iterate, factorised: of the size of w, t and b, whatever the number of rows."""

    def __init__(self, method, point, row_cone, norm_cone):
        self.problem, self.rows, self.barrier = method.problem, method.rows, method.barrier
        self.row_cone, self.norm_cone = row_cone, norm_cone
        on_f, on_t, on_own = self.rows.force(point.own, point.row_z)
        on_norm, on_extra = self.barrier.adjoint(point.norm_z)
        ridge_force = np.append(self.problem.ridge * point.w, 0.0)
        self.on_f, self.on_own, self.on_extra = -on_f, -on_own, on_extra
        self.on_core = on_norm - ridge_force
        self.on_core[-1] -= on_t
        self._factorise(self.rows.stiffness(row_cone))

    def _factorise(self, stiffness):
        X, size = self.problem.X, self.problem.X.shape[1]
        # Without an intercept its row and column are left empty but for the diagonal.
        matrix = np.zeros((size + 2, size + 2))
        matrix[:size, :size] = _gram(X, stiffness.ff)
        matrix[:size, size] = matrix[size, :size] = X.T @ stiffness.ft
        matrix[size, size] = stiffness.tt.sum()
        matrix[: size + 1, : size + 1] += self.barrier.condense(self.norm_cone)
        matrix.flat[: size * (size + 2) : size + 3] += self.problem.ridge
        matrix[-1, -1] = 1.0
        if self.problem.intercept:
            matrix[:size, -1] = matrix[-1, :size] = X.T @ stiffness.ff
            matrix[size, -1] = matrix[-1, size] = stiffness.ft.sum()
            matrix[-1, -1] = stiffness.ff.sum()
        self.matrix = matrix
        diagonal = matrix.diagonal().copy()
        if not np.all(np.isfinite(matrix)) or diagonal.min() < 0.0:
            raise LinAlgError("The system is beyond float precision.")
        self.units = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
        self.factor = _cholesky(matrix * self.units * self.units[:, None])

    def _core(self, force):
        x = self._once(force)
        # What the factorisation lost is regained by one refinement.
        return x + self._once(force - self.matrix @ x)

    def _once(self, force):
        return self.units * cho_solve(self.factor, self.units * force)

    def step(self, row_target, norm_target):
        """The step at which multipliers change as the cones want it."""
        target_f, target_t, target_own = self.rows.adjoint(row_target)
        target_norm, target_extra = self.barrier.adjoint(norm_target)
        on_own, on_extra = self.on_own + target_own, self.on_extra + target_extra
        more_f, more_t = self.rows.eliminate(self.row_cone, on_own)
        on_f = self.on_f + target_f + more_f
        core = self.on_core + target_norm + self.barrier.eliminate(self.norm_cone, on_extra)
        core[:-1] += self.problem.X.T @ on_f
        core[-1] += target_t + more_t
        solved = self._core(np.append(core, on_f.sum() if self.problem.intercept else 0.0))
        dw, dt, db = solved[:-2], solved[-2], solved[-1]
        df = self.problem.X @ dw + db
        own, row_s, answer = self.rows.recover(self.row_cone, on_own, df, dt)
        extra = self.barrier.recover(self.norm_cone, on_extra, dw, dt)
        norm_s = self.barrier.slack(dw, dt, extra)
        row_z = row_target - answer
        norm_z = norm_target - self.norm_cone.stiffen(norm_s)
        return _Point(dw, dt, db, own, extra, row_s, row_z, norm_s, norm_z)


def _gram(X, weights):
    """Xᵀ diag(weights) X, without a dense copy of a sparse table."""
    if sp.issparse(X):
        return (X.T @ X.multiply(weights[:, None]).tocsr()).toarray()
    return X.T @ (X * weights[:, None])


def _cholesky(matrix):
    """Factorise, with the least push on the diagonal that rounding asks for."""
    for push in (0.0, 1e-14, 1e-12, 1e-10, 1e-8):
        pushed = matrix.copy()
        pushed.flat[:: len(matrix) + 1] += push
        try:
            return cho_factor(pushed, lower=True, check_finite=False)
        except LinAlgError:
            continue
    raise LinAlgError("The system is beyond float precision.")
