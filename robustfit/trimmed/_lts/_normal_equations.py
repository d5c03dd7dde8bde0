"""Normal equations of many subsets at once, and of one large subset, brought up to date where rows came and went."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._lasso import EXACT, ROUGH, solve_lasso

# Products of all pairs of columns are worth their memory up to here (in numbers).
_MOST_PRODUCTS = 1 << 22
# Fewer subsets than these are summed faster than the products are formed.
_FEW_SUBSETS = 16
_BLOCK_ROWS = 2048
_TINY = 1e-12
# Rows that weigh more than this, next to what they leave behind, take too many digits with them.
_MOST_CANCELLED = 1e4


class Normal:
    """Gram matrices and right-hand sides of subsets of one small set of rows.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem):
        self._problem = problem
        n_rows, p = problem.rows.shape
        self._upper = np.triu_indices(p)
        self._worthwhile = n_rows * (len(self._upper[0]) + p) <= _MOST_PRODUCTS
        self._products = None

    def of(self, masks):
        """Return Gram matrices (n_subsets, p, p) and right-hand sides (n_subsets, p) of subsets given as masks."""
        p = self._problem.n_coefs
        if self._products is None and self._worthwhile and len(masks) >= _FEW_SUBSETS:
            self._products = _products(self._problem)
        if self._products is None:
            pairs = [gram_of(self._problem, np.flatnonzero(mask)) for mask in masks]
            return np.array([gram for gram, _ in pairs]), np.array([moment for _, moment in pairs])
        sums = masks.astype(np.float64) @ self._products
        n_pairs = len(self._upper[0])
        gram = np.empty((len(masks), p, p))
        gram[:, self._upper[0], self._upper[1]] = sums[:, :n_pairs]
        gram[:, self._upper[1], self._upper[0]] = sums[:, :n_pairs]
        return gram, sums[:, n_pairs:]


def _products(problem):
    """Products of all pairs of columns, upper triangle row by row, then of columns and target."""
    n_rows, p = problem.rows.shape
    products = np.empty((n_rows, p * (p + 1) // 2 + p))
    stop = 0
    for j in range(p):
        start, stop = stop, stop + p - j
        np.multiply(problem.rows[:, j:], problem.rows[:, j : j + 1], out=products[:, start:stop])
    np.multiply(problem.rows, problem.target[:, None], out=products[:, stop:])
    return products


def gram_of(problem, index):
    """Gram matrix and right-hand side of the rows at ``index``, block by block."""
    p = problem.n_coefs
    gram, moment = np.zeros((p, p)), np.zeros(p)
    for start in range(0, len(index), _BLOCK_ROWS):
        part = index[start : start + _BLOCK_ROWS]
        rows = problem.rows.take(part, axis=0)
        gram += rows.T @ rows
        moment += rows.T @ problem.target[part]
    return gram, moment


def gram_moved(problem, gram, moment, before, after):
    """Gram matrix and right-hand side of ``after``, from those of ``before`` where few rows came and went.

    Parameters
    ----------
    problem : Problem
    gram, moment : ndarray of shape (p, p) and (p,)
    before, after : ndarray of shape (n_rows,), bool

    Returns
    -------
    gram, moment : ndarray of shape (p, p) and (p,)
    """
    came, went = np.flatnonzero(after & ~before), np.flatnonzero(before & ~after)
    if len(came) + len(went) < 0.5 * np.count_nonzero(after):
        gram_in, moment_in = gram_of(problem, came)
        gram_out, moment_out = gram_of(problem, went)
        moved = gram + gram_in - gram_out
        if (gram_out.diagonal() <= _MOST_CANCELLED * moved.diagonal()).all():
            return moved, moment + moment_in - moment_out
    return gram_of(problem, np.flatnonzero(after))


def solve_many(problem, gram, moment):
    """Coefficients of many subsets; near the shortest ones where a subset does not determine them.

    Parameters
    ----------
    problem : Problem
    gram, moment : ndarray of shape (n_subsets, p, p) and (n_subsets, p)

    Returns
    -------
    coefs : ndarray of shape (n_subsets, p)
    """
    if problem.sparse:
        return solve_lasso(gram, moment, problem.ridge, problem.l1, ROUGH)
    p = problem.n_coefs
    system = gram.copy()
    diagonal = system[:, np.arange(p), np.arange(p)]
    system[:, np.arange(p), np.arange(p)] += problem.ridge + _TINY * (diagonal.mean(axis=1, keepdims=True) + _TINY)
    return np.linalg.solve(system, moment[:, :, None])[:, :, 0]


def solve_one(problem, gram, moment):
    """Coefficients of one subset; the shortest ones where it does not determine them."""
    if problem.sparse:
        return solve_lasso(gram[None], moment[None], problem.ridge, problem.l1, EXACT)[0]
    system = gram + np.diag(problem.ridge)
    size = np.sqrt(system.diagonal())
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(system / size / size[:, None])
    real = values > values[-1] * len(values) * 4 * np.finfo(float).eps
    inverse = np.where(real, 1.0 / np.where(real, values, 1.0), 0.0)
    return (vectors @ (inverse * (vectors.T @ (moment / size)))) / size
