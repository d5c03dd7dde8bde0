"""Strongly regularised linear models, and what they would be without some of their rows."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import dpotrf, dpotrs

from robustfit.losses import Loss

# Up to this many unknowns the Hessian is formed and factored; beyond, systems are solved by conjugate gradients.
_MOST_FACTORED = 1000

# Newton's method ends when the objective would fall by less than this part of it.
_SMALL_FALL = 1e-9
_MOST_STEPS = 50
_MOST_HALVINGS = 30

# Conjugate gradients end at this part of the right-hand side's length.
_RESIDUAL = 1e-6
_MOST_PRODUCTS = 500

# Right-hand sides that are solved at once.
_BLOCK = 16


@dataclass(frozen=True)
class Problem:
    """``Σ_i ℓ(t_i, w · x_i) + (penalty / 2) ‖w‖²`` for each column t of targets.

    Parameters
    ----------
    X : ndarray or csr array of shape (n_rows, n_unknowns)
        With a column of ones, so that the intercept is penalised like all weights: only then does a bounded pull of
        each row bound what some of them do.
    targets : ndarray of shape (n_rows, n_tasks)
    loss : Loss
    penalty : float
    """

    X: Any
    targets: Any
    loss: Loss
    penalty: float

    def only(self, rows):
        """Return the same problem for some of the rows; the penalty stays."""
        return Problem(self.X[rows], self.targets[rows], self.loss, self.penalty)


def with_ones(X):
    """Append the column of the intercept."""
    ones = np.ones((X.shape[0], 1))
    return sp.csr_array(sp.hstack([X, sp.csr_array(ones)])) if sp.issparse(X) else np.hstack([X, ones])


def minimise(problem, start=None):
    """Minimise by Newton's method with a line search.

    Parameters
    ----------
    problem : Problem
    start : ndarray of shape (n_unknowns, n_tasks), default=None
        Zeros by default.

    Returns
    -------
    weights : ndarray of shape (n_unknowns, n_tasks)
    """
    weights = np.zeros((problem.X.shape[1], problem.targets.shape[1])) if start is None else start.copy()
    for task in range(weights.shape[1]):
        weights[:, task] = _minimise_one(problem, problem.targets[:, task], weights[:, task])
    return weights


def _minimise_one(problem, target, weights):
    scores = problem.X @ weights
    value = _value(problem, target, weights, scores)
    for _ in range(_MOST_STEPS):
        gradient = problem.X.T @ problem.loss.slope(target, scores) + problem.penalty * weights
        step = -_System(problem.X, problem.loss.curvature(target, scores), problem.penalty).solve(gradient)
        fall = -(gradient @ step)
        if fall <= _SMALL_FALL * value:
            break
        along = problem.X @ step
        share = 1.0
        for _ in range(_MOST_HALVINGS):
            moved = _value(problem, target, weights + share * step, scores + share * along)
            if moved <= value - 1e-4 * share * fall:
                break
            share /= 2
        weights, scores, value = weights + share * step, scores + share * along, moved
    return weights


def _value(problem, target, weights, scores):
    return float(problem.loss.value(target, scores).sum() + 0.5 * problem.penalty * (weights @ weights))


def scores_left_out(problem, weights, folds, X, folds_of_rows):
    """Score rows by models that have not seen the rows of the same fold.

    Parameters
    ----------
    problem : Problem
        Of the rows that models are fitted to.
    weights : ndarray of shape (n_unknowns, n_tasks)
        Its minimum.
    folds : ndarray of shape (n_rows,)
        Folds of those rows.
    X : ndarray or csr array of shape (n_samples, n_unknowns)
    folds_of_rows : ndarray of shape (n_samples,)
        Folds of the rows to score.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_tasks)

    Notes
    -----
    A model without the rows of a fold is one Newton step away from the model of all rows, with the Hessian of the rows
    that are left: ``w − (H − H_c)⁻¹ (g − g_c)``, where the gradient g of all rows is zero. With a strong penalty that
    is close to a new fit, at the price of one system.
    """
    scores = np.empty((X.shape[0], weights.shape[1]))
    fitted, scored = _members(folds), _members(folds_of_rows)
    names = sorted(scored)
    for task in range(weights.shape[1]):
        target = problem.targets[:, task]
        now = problem.X @ weights[:, task]
        pull, bend = problem.loss.slope(target, now), problem.loss.curvature(target, now)
        system = _System(problem.X, bend, problem.penalty)
        for start in range(0, len(names), _BLOCK):
            block = names[start : start + _BLOCK]
            rows = [fitted.get(name, np.empty(0, dtype=np.intp)) for name in block]
            moved = system.solve_without(rows, [problem.X[own].T @ pull[own] for own in rows])
            for name, move in zip(block, moved, strict=True):
                own = scored[name]
                scores[own, task] = X[own] @ (weights[:, task] + move)
    return scores


def _members(folds):
    """Rows of each fold."""
    order = np.argsort(folds, kind="stable")
    names, starts = np.unique(folds[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True))


class _System:
    """``H = Xᵀ diag(bend) X + penalty · I``."""

    def __init__(self, X, bend, penalty):
        self.X, self.bend, self.penalty = X, bend, penalty
        self.factored = X.shape[1] <= _MOST_FACTORED
        if self.factored:
            self.hessian = _gram(X, bend)
            self.hessian.flat[:: len(self.hessian) + 1] += penalty

    def solve(self, right):
        """Return ``H⁻¹ right``."""
        if self.factored:
            return _solve(self.hessian, right)
        return self._iterate(right[:, None], None)[:, 0]

    def solve_without(self, folds, rights):
        """Return ``(H − H_c)⁻¹ right_c`` for each fold c, H_c being what its rows give to H."""
        if self.factored:
            return [
                _solve(self.hessian - _gram(self.X[own], self.bend[own]), right) if len(own) else np.zeros_like(right)
                for own, right in zip(folds, rights, strict=True)
            ]
        bends = np.repeat(self.bend[:, None], len(folds), axis=1)
        for place, own in enumerate(folds):
            bends[own, place] = 0.0
        return self._iterate(np.column_stack(rights), bends).T

    def _iterate(self, right, bends):
        """Conjugate gradients for each column by itself, the products of all at once."""
        bends = self.bend[:, None] if bends is None else bends
        found, residual = np.zeros_like(right), right.copy()
        direction, squares = residual.copy(), np.einsum("ij,ij->j", residual, residual)
        enough = _RESIDUAL**2 * squares
        for _ in range(_MOST_PRODUCTS):
            busy = squares > enough
            if not busy.any():
                break
            product = self.X.T @ (bends * (self.X @ direction)) + self.penalty * direction
            along = np.einsum("ij,ij->j", direction, product)
            rate = np.divide(squares, along, out=np.zeros_like(squares), where=busy)
            found += rate * direction
            residual -= rate * product
            new = np.einsum("ij,ij->j", residual, residual)
            direction = residual + np.divide(new, squares, out=np.zeros_like(new), where=busy) * direction
            squares = np.where(busy, new, squares)
        return found


def _gram(X, bend):
    root = np.sqrt(bend)
    if sp.issparse(X):
        rows = sp.diags_array(root) @ X
        return (rows.T @ rows).toarray()
    rows = X * root[:, None]
    return rows.T @ rows


def _solve(hessian, right):
    factor, info = dpotrf(hessian, lower=1)
    if info != 0:  # pragma: no cover - the penalty makes it positive definite
        raise np.linalg.LinAlgError("The Hessian of a reference model is not positive definite.")
    return dpotrs(factor, right, lower=1)[0]
