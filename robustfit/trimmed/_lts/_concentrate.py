"""Concentration of many candidates on a small set: keep the rows a candidate fits best, refit on them, again."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._normal_equations import Normal, solve_many


class SmallSet:
    """A set of rows small enough for all candidates to be moved at once.

    Parameters
    ----------
    problem : Problem
    h : int
        Rows kept of it.
    """

    def __init__(self, problem, h):
        self.problem = problem
        self.h = h
        self._normal = Normal(problem)

    def with_h(self, h):
        """Return the same set with another number of rows kept; the products of its columns are shared."""
        other = object.__new__(SmallSet)
        other.problem, other.h, other._normal = self.problem, h, self._normal
        return other

    def fit(self, masks):
        """Coefficients of subsets given as masks."""
        return solve_many(self.problem, *self._normal.of(masks))

    def look(self, coefs):
        """Return the rows that each candidate keeps (n_candidates, n_rows) and its objective (n_candidates,)."""
        squares = coefs @ self.problem.rows.T
        np.subtract(self.problem.target, squares, out=squares)
        np.square(squares, out=squares)
        smallest = np.partition(squares, self.h - 1, axis=1)[:, : self.h]
        kept = squares <= smallest[:, -1:]
        for i in np.flatnonzero(kept.sum(axis=1) > self.h):
            tied = np.flatnonzero(squares[i] == smallest[i, -1])
            kept[i, tied[len(tied) - (np.count_nonzero(kept[i]) - self.h) :]] = False
        return kept, smallest.sum(axis=1) + self.problem.penalty(coefs)

    def move(self, coefs, n_steps):
        """Move each candidate by some steps."""
        for _ in range(n_steps):
            coefs = self.fit(self.look(coefs)[0])
        return coefs

    def settle(self, coefs, n_steps):
        """Concentrate until no candidate's rows change; return coefficients and objective.

        Candidates that come to keep the same rows are one from there on.
        """
        kept, objective = self.look(coefs)
        moving = np.arange(len(coefs))
        for _ in range(n_steps):
            coefs[moving] = self.fit(kept[moving])
            now, objective[moving] = self.look(coefs[moving])
            same = (now == kept[moving]).all(axis=1)
            kept[moving] = now
            moving = moving[~same]
            if not len(moving):
                break
        if len(coefs) == 1:
            return coefs, objective
        _, first = np.unique(np.packbits(kept, axis=1), axis=0, return_index=True)
        first = first[np.argsort(objective[first], kind="stable")]
        return coefs[first], objective[first]


def distinct(kept, objective, n_keep, apart):
    """Choose the candidates with the smallest objectives among those that keep different rows.

    Parameters
    ----------
    kept : ndarray of shape (n_candidates, n_rows), bool
    objective : ndarray of shape (n_candidates,)
    n_keep : int
    apart : int
        Rows that one of two candidates keeps and the other does not, at least.

    Returns
    -------
    chosen : list of int
        Best first.
    """
    # Counts are exact in single precision.
    kept = kept.astype(np.float32)
    apart_from = kept.sum(axis=1)[:, None] - kept @ kept.T >= apart
    chosen: list[int] = []
    for i in np.argsort(objective, kind="stable"):
        if apart_from[i, chosen].all():
            chosen.append(int(i))
            if len(chosen) == n_keep:
                break
    return chosen


def best(candidates, objective, n_keep):
    """Return the candidates with the smallest objective, coefficients or masks of rows, best first."""
    order = np.argsort(objective, kind="stable")[:n_keep]
    return candidates[order], objective[order]
