"""Elemental starts: fits through as few rows as determine one."""

# SPDX-License-Identifier: BSD-3-Clause

from itertools import combinations
from math import comb

import numpy as np

from robustfit.trimmed._lts._normal_equations import solve_many

# A squared pivot below this share of the largest says that the rows do not determine the coefficients.
_SINGULAR = 1e-9
_GROWTH = 25


def elemental_starts(problem, n_starts, rng):
    """Coefficients of fits through a few rows: all such fits where there are no more than asked for, else random ones.

    Rows that do not determine the coefficients, as dummy columns often have it, are joined by further ones, one at a
    time, or a few where there are many columns.

    Parameters
    ----------
    problem : Problem
    n_starts : int
    rng : numpy.random.Generator

    Returns
    -------
    coefs : ndarray of shape (n_starts, p)
    """
    n_rows, p = problem.rows.shape
    # A penalty determines what few rows leave open, and sparse fits need few.
    size = min(3 if problem.sparse else p, n_rows)
    if comb(n_rows, size) <= n_starts:
        subsets = np.array(list(combinations(range(n_rows), size)), dtype=np.intp)
    else:
        longest = min(n_rows, size if problem.sparse else size + max(10, size))
        subsets = random_subsets(n_rows, longest, n_starts, rng)
    return _fit_growing(problem, subsets, size)


def _fit_growing(problem, subsets, size):
    rows, target = problem.rows[subsets[:, :size]], problem.target[subsets[:, :size]]
    gram = rows.transpose(0, 2, 1) @ rows
    moment = (rows.transpose(0, 2, 1) @ target[:, :, None])[:, :, 0]
    at_once = max(1, size // _GROWTH)
    for extra in range(size, subsets.shape[1], at_once):
        open_ = np.flatnonzero(_singular(gram + np.diag(problem.ridge)))
        if not len(open_):
            break
        more = subsets[open_, extra : extra + at_once]
        rows, target = problem.rows[more], problem.target[more]
        gram[open_] += rows.transpose(0, 2, 1) @ rows
        moment[open_] += (rows.transpose(0, 2, 1) @ target[:, :, None])[:, :, 0]
    return solve_many(problem, gram, moment)


def _singular(gram):
    p = gram.shape[1]
    diagonal = gram[:, np.arange(p), np.arange(p)]
    size = diagonal.max(axis=1)
    size = np.where(size > 0, size, 1.0)
    shifted = gram / size[:, None, None]
    shifted[:, np.arange(p), np.arange(p)] += _SINGULAR / 100
    try:
        pivots = np.linalg.cholesky(shifted)[:, np.arange(p), np.arange(p)]
    except np.linalg.LinAlgError:
        return np.linalg.eigvalsh(gram / size[:, None, None])[:, 0] < _SINGULAR
    return pivots.min(axis=1) < np.sqrt(_SINGULAR)


def random_subsets(n_rows, size, n_subsets, rng):
    """Draw subsets without replacement, each in random order (Floyd's algorithm, all subsets in step)."""
    tops = np.arange(n_rows - size, n_rows)
    chosen = rng.integers(0, tops[:, None] + 1, (size, n_subsets))
    for place in range(1, size):
        taken = (chosen[:place] == chosen[place]).any(axis=0)
        chosen[place, taken] = tops[place]
    return rng.permuted(chosen, axis=0).T
