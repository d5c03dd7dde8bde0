"""Strongly regularised linear models, and what they would be without some of their rows."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from robustfit.losses import Loss
from robustfit.sanitize._leave_cluster_out._systems import conjugate_gradients, factored, gram, solve_factored

# Up to this many unknowns each system is formed and factored. Up to the second number only the one of all rows is, and
# conditions those of fewer rows; beyond, systems are solved by products with the rows alone.
_FEW_UNKNOWNS = 150
_MANY_UNKNOWNS = 1500

# Newton's method ends when the objective would fall by less than this part of it.
_SMALL_FALL = 1e-9
_MOST_STEPS = 50
_MOST_HALVINGS = 30

# Part of the right-hand side's length at which a residual is small enough: Newton's method corrects
# a rough step with the next one.
_ROUGH, _FINE = 1e-2, 1e-5

# Folds whose systems are solved at once.
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
        step = -_solve(problem, problem.loss.curvature(target, scores), gradient)
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


def _solve(problem, bend, right):
    """Return ``(Xᵀ diag(bend) X + penalty · I)⁻¹ right``."""
    if problem.X.shape[1] <= _FEW_UNKNOWNS:
        return solve_factored(factored(_hessian(problem, bend)), right)

    def product(direction):
        return problem.X.T @ (bend * (problem.X @ direction)) + problem.penalty * direction

    return conjugate_gradients(product, right, _ROUGH)


def _hessian(problem, bend):
    hessian = gram(problem.X, bend)
    hessian.flat[:: len(hessian) + 1] += problem.penalty
    return hessian


def _value(problem, target, weights, scores):
    return float(problem.loss.value(target, scores).sum() + 0.5 * problem.penalty * (weights @ weights))


def scores_left_out(problem, weights, clusterings, X):
    """Score rows by models that have not seen the rows of the same fold.

    Parameters
    ----------
    problem : Problem
        Of the rows that models are fitted to.
    weights : ndarray of shape (n_unknowns, n_tasks)
        Its minimum.
    clusterings : list of (ndarray of shape (n_rows,), ndarray of shape (n_samples,))
        Folds of those rows, and of the rows to score.
    X : ndarray or csr array of shape (n_samples, n_unknowns)

    Returns
    -------
    scores : list of ndarray of shape (n_samples, n_tasks)
        One for each clustering.

    Notes
    -----
    A model without the rows of a fold is one Newton step away from the model of all rows, with the Hessian of the rows
    that are left: ``w − (H − H_c)⁻¹ (g − g_c)``, where the gradient g of all rows is zero. With a strong penalty that
    is close to a new fit, at the price of one system.
    """
    found = [np.empty((X.shape[0], weights.shape[1])) for _ in clusterings]
    members = [(_members(fitted), _members(scored)) for fitted, scored in clusterings]
    for task in range(weights.shape[1]):
        pull, bend = _pull_and_bend(problem, weights, task)
        move = _mover(problem, bend)
        for scores, (fitted, scored) in zip(found, members, strict=True):
            names = sorted(scored)
            rows = [fitted.get(name, np.empty(0, dtype=np.intp)) for name in names]
            for name, step in zip(names, move(rows, pull), strict=True):
                scores[scored[name], task] = X[scored[name]] @ (weights[:, task] + step)
    return found


def weights_left_out(problem, weights, groups):
    """Models without some of the rows, one Newton step away, as in `scores_left_out`.

    Parameters
    ----------
    problem : Problem
    weights : ndarray of shape (n_unknowns, n_tasks)
        Its minimum.
    groups : list of ndarray
        Positions of the rows that each of the models lacks.

    Returns
    -------
    models : ndarray of shape (n_groups, n_unknowns, n_tasks)
    """
    models = np.repeat(weights[None], len(groups), axis=0)
    for task in range(weights.shape[1]):
        pull, bend = _pull_and_bend(problem, weights, task)
        for place, step in enumerate(_mover(problem, bend)(groups, pull)):
            models[place, :, task] += step
    return models


def weights_roughly_left_out(problem, weights, groups):
    """As `weights_left_out`, with the Hessian of all rows, or its diagonal alone where there are many unknowns."""
    models = np.repeat(weights[None], len(groups), axis=0)
    sizes = [len(group) for group in groups]
    lacking = sp.csr_array(
        (np.ones(sum(sizes)), np.concatenate(groups), np.cumsum([0, *sizes])), shape=(len(groups), problem.X.shape[0])
    )
    for task in range(weights.shape[1]):
        pull, bend = _pull_and_bend(problem, weights, task)
        rights = lacking @ (sp.diags_array(pull) @ problem.X)
        rights = rights.toarray() if sp.issparse(rights) else rights
        if problem.X.shape[1] > _MANY_UNKNOWNS:
            models[:, :, task] += rights / (_squares(problem.X).T @ bend + problem.penalty)
        else:
            models[:, :, task] += solve_factored(factored(_hessian(problem, bend)), rights.T).T
    return models


def _squares(X):
    return X.multiply(X) if sp.issparse(X) else X**2


def _pull_and_bend(problem, weights, task):
    target, now = problem.targets[:, task], problem.X @ weights[:, task]
    return problem.loss.slope(target, now), problem.loss.curvature(target, now)


def _members(folds):
    """Rows of each fold."""
    order = np.argsort(folds, kind="stable")
    names, starts = np.unique(folds[order], return_index=True)
    return dict(zip(names.tolist(), np.split(order, starts[1:]), strict=True))


def _mover(problem, bend):
    """Return a function that gives, for the rows of each fold and all pulls, how leaving them out moves the weights."""
    if problem.X.shape[1] > _MANY_UNKNOWNS:
        return _move_by_products(problem, bend)
    hessian = _hessian(problem, bend)
    whole = factored(hessian)
    direct = problem.X.shape[1] <= _FEW_UNKNOWNS

    def move_one(own, pull):
        rows, bends = problem.X[own], bend[own]
        right = rows.T @ pull[own]
        if direct:
            return solve_factored(factored(hessian - gram(rows, bends)), right)

        def product(direction):
            return hessian @ direction - rows.T @ (bends * (rows @ direction))

        return conjugate_gradients(product, right, _FINE, lambda residual: solve_factored(whole, residual))

    return lambda folds, pull: (move_one(own, pull) for own in folds)


def _move_by_products(problem, bend):
    """As `_mover`, with nothing but products of rows and blocks of directions."""

    def move(folds, pull):
        for start in range(0, len(folds), _BLOCK):
            block = folds[start : start + _BLOCK]
            bends = np.repeat(bend[:, None], len(block), axis=1)
            for place, own in enumerate(block):
                bends[own, place] = 0.0
            rights = np.column_stack([problem.X[own].T @ pull[own] for own in block])

            def product(directions, bends=bends):
                return problem.X.T @ (bends * (problem.X @ directions)) + problem.penalty * directions

            yield from conjugate_gradients(product, rights, _FINE).T

    return move
