"""Least trimmed absolute deviations as a mixed-integer program, and what it says of least squares."""

# SPDX-License-Identifier: BSD-3-Clause

from itertools import combinations
from math import comb

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

# So many small systems are solved at most to bound the residuals of trimmed rows.
_MOST_SYSTEMS = 20_000
# Beyond this many times the found objective a big M says nothing to a solver that works to 1e-6.
_LARGEST_RANGE = 1e4
# HiGHS lets constraints and reduced costs be wrong by 1e-7 to 1e-6; this is charged for every term of every constraint.
_TOLERANCE = 1e-6


def ltad_lower_bound(X, y, n_keep, coef, *, fit_intercept=True, max_nodes=100_000, time_limit=60.0):
    """Bound the least sum of the ``n_keep`` smallest absolute residuals from below, by HiGHS.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64
    y : ndarray of shape (n_samples,), float64
    n_keep : int
        h.
    coef : ndarray of shape (n_features + fit_intercept,)
        Coefficients of a fit, the intercept last. The bound holds for any.
    fit_intercept : bool, default=True
    max_nodes : int, default=100000
    time_limit : float, default=60.0
        Seconds; where it ends the search, the bound depends on the machine.

    Returns
    -------
    lower : float
        0.0 where nothing can be said: too many systems, or rows that leave a big M without a useful size.

    Notes
    -----
    **Guarantee.** For all coefficients b, ``lower`` ≤ Σ_{i ≤ h} |r|_(i)(b), and by Cauchy's inequality
    L² / h ≤ Σ_{i ≤ h} r²_(i)(b) for L = ``lower``. A ridge only adds to the right side.

    The program minimises Σ e_i over e_i ≥ |r_i(b)| − M_i (1 − z_i), e_i ≥ 0, Σ z_i = h, z binary. Let U be the sum
    that the fit attains. *M_i*: of any n − h + p rows at least p are kept, and if their X_J is invertible,
    Σ_J |r| ≤ U bounds |r_i| by |r_i(b_J)| + U max |x_i X_J⁻¹|, b_J being the fit through them. The largest of these
    over all J holds for every b that is as good as the fit. Only HiGHS's dual bound counts. It sees columns and
    coefficients in such units that each coefficient is between -1 and 1, so that its tolerances of 1e-7 to 1e-6 are
    those of the objective in units of U; 1e-6 times the range of every term of every constraint is charged for them.
    `lts_lower_bound` is faster and closer; this is an independent check of it.
    """
    rows = np.column_stack([X, np.ones(len(y))]) if fit_intercept else np.asarray(X, dtype=np.float64)
    wide = rows.astype(np.longdouble) * np.asarray(coef, dtype=np.longdouble)
    residuals = (y - wide.sum(axis=1)).astype(np.float64)
    errors = np.finfo(np.longdouble).eps * (len(rows.T) + 4) * (np.abs(y) + np.abs(wide).sum(axis=1))
    found = float(np.sort(np.abs(residuals))[:n_keep].sum())
    if not (0.0 < found < np.inf and np.isfinite(rows).all()):
        return 0.0
    # Powers of two change no number.
    rows = np.ldexp(rows, -np.frexp(np.abs(rows).max(axis=0, initial=0.0))[1])
    # In units of the found objective around the fit, residuals are r_i − x_i·d and what is sought is at most 1.
    residuals = residuals / found
    ranges, coef_ranges = _ranges(rows, residuals, n_keep)
    if not max(ranges.max(), coef_ranges.max(initial=0.0)) <= _LARGEST_RANGE:
        return 0.0
    units = np.frexp(coef_ranges)[1]
    rows, coef_ranges = np.ldexp(rows, units), np.ldexp(coef_ranges, -units)
    doubt = _TOLERANCE * (1.0 + len(ranges) + ranges.sum() + np.sum(np.abs(rows) @ coef_ranges))
    if not doubt < 1.0:
        return 0.0
    bound = _solve(rows, residuals, n_keep, ranges, coef_ranges, max_nodes, time_limit)
    lower = found * max(0.0, min(1.0, bound) - doubt) - float(np.sort(errors)[-n_keep:].sum())
    return float(max(0.0, lower)) if np.isfinite(lower) else 0.0


def _ranges(rows, residuals, n_keep):
    """Bound |r_i|, and |d_j|, over all d whose kept residuals sum to at most 1; infinite if that cannot be done."""
    n_rows, n_coefs = rows.shape
    n_chosen = n_rows - n_keep + n_coefs
    if n_chosen > n_rows or comb(n_chosen, n_coefs) > _MOST_SYSTEMS:
        return np.full(n_rows, np.inf), np.full(n_coefs, np.inf)
    chosen = _well_spread(rows, n_chosen)
    largest, coef_ranges = np.zeros(n_rows), np.zeros(n_coefs)
    for subset in combinations(chosen, n_coefs):
        index = list(subset)
        matrix = rows[index]
        if np.linalg.cond(matrix) > 1e8:
            return np.full(n_rows, np.inf), np.full(n_coefs, np.inf)
        inverse = np.linalg.inv(matrix)
        weights = rows @ inverse
        farthest = np.abs(inverse @ residuals[index]) + np.abs(inverse).max(axis=1, initial=0.0)
        coef_ranges = np.maximum(coef_ranges, farthest)
        away = np.abs(residuals - weights @ residuals[index]) + np.abs(weights).max(axis=1, initial=0.0)
        largest = np.maximum(largest, away)
    return largest * (1.0 + 1e-6), coef_ranges * (1.0 + 1e-6)


def _well_spread(rows, n_chosen):
    """Rows that are far from the span of those chosen before, in rounds of as many as there are coefficients."""
    left = list(range(len(rows)))
    chosen: list[int] = []
    while len(chosen) < n_chosen:
        rest = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
        for _ in range(min(max(rows.shape[1], 1), n_chosen - len(chosen))):
            lengths = np.linalg.norm(rest[left], axis=1)
            best = left.pop(int(np.argmax(lengths)))
            chosen.append(best)
            direction = rest[best] / max(np.linalg.norm(rest[best]), 1e-300)
            rest = rest - np.outer(rest @ direction, direction)
    return chosen


def _solve(rows, residuals, n_keep, ranges, coef_ranges, max_nodes, time_limit):
    n_rows, n_coefs = rows.shape
    eye, big = np.eye(n_rows), np.diag(ranges)
    # Variables: d, e, z. A sum as large as the fit's own is no news, so no kept residual needs to exceed it.
    above = LinearConstraint(np.hstack([rows, eye, -big]), residuals - ranges, np.inf)
    below = LinearConstraint(np.hstack([-rows, eye, -big]), -residuals - ranges, np.inf)
    choose = LinearConstraint(np.concatenate([np.zeros(n_coefs + n_rows), np.ones(n_rows)]), n_keep, n_keep)
    result = milp(
        np.concatenate([np.zeros(n_coefs), np.ones(n_rows), np.zeros(n_rows)]),
        integrality=np.concatenate([np.zeros(n_coefs + n_rows), np.ones(n_rows)]),
        bounds=Bounds(
            np.concatenate([-coef_ranges, np.zeros(2 * n_rows)]),
            np.concatenate([coef_ranges, np.ones(2 * n_rows)]),
        ),
        constraints=[above, below, choose],
        options={"node_limit": max_nodes, "time_limit": time_limit, "mip_rel_gap": 0.0},
    )
    bound = result.get("mip_dual_bound")
    return 0.0 if bound is None or not np.isfinite(bound) else float(bound)
