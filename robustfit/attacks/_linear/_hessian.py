"""The Hessian of a linear learner's training problem, and its inverse times a matrix."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, eigh, lapack

from robustfit.attacks._linear._row_loss import RowLoss

Floats = NDArray[np.float64]
Solve = Callable[[Floats], Floats]

MOST_DENSE = 2000
"""Number of free parameters up to which the Hessian is written out and factorised."""

_WORST_CONDITION = 1e-13
_NEAR, _FAR = 15, 2000
"""Most steps of conjugate gradients: with the inverse of a Hessian nearby, and without."""


class Memory:
    """The inverse of the Hessian that was factorised last, which one nearby is close to."""

    def __init__(self) -> None:
        self.shape: tuple[int, ...] | None = None
        self.solve: Solve | None = None

    def keep(self, shape: tuple[int, ...], solve: Solve | None) -> None:
        """Replace what is remembered."""
        self.shape, self.solve = shape, solve


@dataclass(frozen=True, eq=False)
class Hessian:
    """Σᵢ vᵢ (ℓ''ᵢ ⊗ x̃ᵢx̃ᵢᵀ) + diag(ρ).

    Attributes
    ----------
    loss : RowLoss
    Y, S : ndarray of shape (n_rows, n_outputs)
        Targets and scores.
    weight : ndarray of shape (n_rows,)
        v.
    columns : ndarray of shape (n_rows, n_parameters)
        x̃.
    ridge : ndarray of shape (n_parameters,)
        ρ.
    """

    loss: RowLoss
    Y: Floats
    S: Floats
    weight: Floats
    columns: Floats
    ridge: Floats

    def solve(self, right: Floats, memory: Memory | None, accuracy: float) -> Floats:
        """Return H⁻¹R, for R of shape (n_parameters, n_outputs).

        By Cholesky's method, unless H is large or a remembered inverse is good enough to start conjugate gradients
        from. Of a singular H, the solution that is shortest in units of the columns.
        """
        if right.size > MOST_DENSE:
            diagonal = self._diagonal()
            scale = 1 / np.where(diagonal > 0, diagonal, 1.0)
            return conjugate_gradients(self.times, lambda R: scale * R, right, accuracy, _FAR)[0]
        if memory is not None and memory.solve is not None and memory.shape == right.shape:
            solution, done = conjugate_gradients(self.times, memory.solve, right, accuracy, _NEAR)
            if done:
                return solution
        inverse, regular = self._invert(right.shape)
        if memory is not None:
            memory.keep(right.shape, inverse if regular else None)
        return inverse(right)

    def times(self, V: Floats) -> Floats:
        """Return H V."""
        bend = self.weight[:, None] * self.loss.bend(self.Y, self.S, self.columns @ V)
        product: Floats = self.columns.T @ bend + self.ridge[:, None] * V
        return product

    def _invert(self, shape: tuple[int, ...]) -> tuple[Solve, bool]:
        size, outputs = shape
        dense = np.zeros((outputs, size, outputs, size))
        for one in range(outputs):
            for other in range(one, outputs) if self.loss.coupled else (one,):
                dense[one, :, other] = self._block(one, other)
                dense[other, :, one] = dense[one, :, other].T
        flat, regular = _invert_positive(dense.reshape(size * outputs, size * outputs))
        return lambda R: flat(R.T.ravel()).reshape(outputs, size).T, regular

    def _block(self, one: int, other: int) -> Floats:
        curvature = self.weight * self.loss.curvature(self.Y, self.S, one, other)
        bent = np.abs(curvature) > 1e-14 * np.abs(curvature).max(initial=0.0)
        columns = self.columns[bent]
        block: Floats = columns.T @ (curvature[bent, None] * columns)
        diagonal = np.diag_indices_from(block)
        if one == other:
            block[diagonal] += self.ridge
        # A softmax does not mind one vector added to all columns of Θ, and no gradient of it has such a part. With
        # these ones the Hessian is regular, and for right-hand sides without that part its inverse is the same.
        if self.loss.coupled:
            block[diagonal] += max(float(self.ridge.max(initial=0.0)), 1.0)
        return block

    def _diagonal(self) -> Floats:
        curvature = [self.weight * self.loss.curvature(self.Y, self.S, k, k) for k in range(self.Y.shape[1])]
        diagonal: Floats = (self.columns**2).T @ np.column_stack(curvature) + self.ridge[:, None]
        return diagonal


def _invert_positive(matrix: Floats) -> tuple[Solve, bool]:
    """Return the inverse of a positive semi-definite matrix, and whether it has one."""
    diagonal = np.diag(matrix)
    unit = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = unit[:, None] * matrix * unit
    factor, failed = lapack.dpotrf(scaled, lower=1)
    if not failed:
        condition, _ = lapack.dpocon(factor, np.abs(scaled).sum(axis=0).max(), uplo="L")
        if condition > _WORST_CONDITION:
            return lambda right: unit * cho_solve((factor, True), unit * right), True
    values, vectors = eigh(scaled)
    keep = values > 10 * len(values) * np.finfo(np.float64).eps * values.max(initial=0.0)
    basis, values = vectors[:, keep], values[keep]
    return lambda right: unit * (basis @ ((basis.T @ (unit * right)) / values)), False


def conjugate_gradients(
    times: Solve, precondition: Solve, right: Floats, accuracy: float, most: int
) -> tuple[Floats, bool]:
    """Solve H V = R to a relative accuracy, and tell whether ``most`` steps were enough.

    The residual is measured by the preconditioner, so that the units of the columns do not matter.
    """
    solution, residual = np.zeros_like(right), right.copy()
    eased = precondition(residual)
    direction, size = eased, float((residual * eased).sum())
    goal = accuracy**2 * size
    for _ in range(most):
        if size <= goal:
            break
        bent = times(direction)
        curvature = float((direction * bent).sum())
        if curvature <= 0:
            break
        solution = solution + size / curvature * direction
        residual = residual - size / curvature * bent
        eased = precondition(residual)
        before, size = size, float((residual * eased).sum())
        direction = eased + size / before * direction
    return solution, size <= goal
