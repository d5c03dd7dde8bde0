"""How far a least-trimmed-squares fit can be from the global optimum."""

# SPDX-License-Identifier: BSD-3-Clause

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from robustfit.trimmed._lts._gap_blocks import search_blocks
from robustfit.trimmed._lts._gap_boxes import search_boxes
from robustfit.trimmed._lts._gap_frame import make_frame
from robustfit.trimmed._lts._gap_ridge import search_intercepts
from robustfit.trimmed._lts._gap_tree import search

# With more rows a tree over rows ends only by luck; with more coefficients its nodes are slow.
_TREE_ROWS, _TREE_COEFS = 60, 50
_NEARLY, _CLOSE_ENOUGH = 0.99, 0.999
_PROVED = 1e-9
_MOST_EXACT = 100_000
_EPS = np.finfo(float).eps
_ROWS_PER_BLOCK, _MOST_BLOCKS = 24, 84
# Entries of rows that boxes are compared with, all together.
_BOX_ENTRIES = 500_000_000
# Conic problems, and rows in all of them together, that a bound may cost.
_CONIC_PROBLEMS, _CONIC_ROWS = 32, 4_000


class LowerBound(NamedTuple):
    """A lower bound on the least objective that any coefficients have.

    Attributes
    ----------
    value : float
        In units of the target squared.
    proved : bool
        Whether the optimum is known to be at most ``1e-9`` times the fit's objective above ``value``.
    """

    value: float
    proved: bool

    def gap(self, objective):
        """Return the share of an objective that a better fit could save at most: 0 is optimal, 1 says nothing."""
        if not objective > 0.0:
            return 0.0
        return float(np.clip((objective - self.value) / objective, 0.0, 1.0))


def lts_lower_bound(X, y, n_keep, coef, *, fit_intercept=True, ridge=0.0, max_nodes=50_000):
    """Bound the least sum of the ``n_keep`` smallest squared residuals, plus a ridge penalty, from below.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features), float64
    y : ndarray of shape (n_samples,), float64
    n_keep : int
        h, between 1 and ``n_samples``.
    coef : ndarray of shape (n_features + fit_intercept,)
        Coefficients of a fit, the intercept last: the better it is, the shorter the search. The bound holds for any.
    fit_intercept : bool, default=True
    ridge : float, default=0.0
        Price of the sum of squared slopes.
    max_nodes : int, default=50000
        How many subsets and boxes are looked at; fewer where rows and columns are many, so that a bound takes some
        seconds, with a ridge up to half a minute.

    Returns
    -------
    bound : LowerBound
        ``LowerBound(0.0, False)`` where columns are nearly but not exactly dependent (condition 1e7), where a penalty
        is all that tells them apart and is too small for it, or where numbers are too far apart to say anything in
        floating point.

    Notes
    -----
    **Guarantee.** For all coefficients b, with or without an intercept as asked,
    ``value`` ≤ Σ_{i ≤ h} r²_(i)(b) + ridge Σ_j b_j², for the numbers as given: only columns that depend on others
    exactly are left out. The largest of these bounds is returned; docs/trimming.md has the proofs.

    1. *Branch and bound over the rows kept* [1]_, exact where it ends: up to about 40 rows with 3 coefficients.
    2. *Branch and bound over the coefficients*: any number of rows, up to about 5 coefficients; nothing from about 7.
    3. With a ridge, *blocks* of 24 rows, each with coefficients of its own and its share of the penalty, and a *conic
       relaxation* [2]_ near no slopes with the penalty alone away from them: any number of coefficients; the larger the
       ridge, the closer.

    References
    ----------
    .. [1] J. Agulló, "New Algorithms for Computing the Least Trimmed Squares Regression Estimator", Computational
       Statistics & Data Analysis 36, 2001.
    .. [2] A. Gómez and J. Neto, "Outlier Detection in Regression: Conic Quadratic Formulations", INFORMS Journal on
       Computing, 2025.
    """
    objective, doubt = _objective(X, y, n_keep, coef, fit_intercept, ridge)
    if objective == 0.0 and doubt == 0.0:
        return LowerBound(0.0, True)
    frame = make_frame(X, y, n_keep, coef, fit_intercept=fit_intercept, ridge=ridge)
    if frame is None or not np.isfinite(objective) or frame.safe(frame.upper) == 0.0:
        return LowerBound(0.0, False)
    lower, attained = _search(frame, max_nodes, ridge)
    value = frame.safe(lower)
    # No bound is above an objective that is attained: one that is would be wrong altogether.
    if not value <= objective + doubt:
        return LowerBound(0.0, False)
    value = min(value, max(0.0, objective - doubt))
    attained = (np.sqrt(attained) + frame.shift) ** 2
    return LowerBound(value, bool(attained - value <= _PROVED * objective))


def _search(frame, max_nodes, ridge):
    """Best bound, and an objective that is attained."""
    bounds, attained = [], frame.upper
    if frame.n_free <= _TREE_ROWS and frame.rows.shape[1] <= _TREE_COEFS:
        lower, attained = search(frame, max_nodes=max_nodes)
        # Other searches stop at a share of the optimum, or rounding is all that is left.
        if lower >= _CLOSE_ENOUGH * attained or frame.safe(attained) == 0.0:
            return lower, attained
        bounds.append(lower)
    bounds.append(search_boxes(frame, max_nodes=min(max_nodes, _BOX_ENTRIES // max(frame.rows.size, 1))))
    if ridge > 0 and max(bounds) < _NEARLY * frame.upper:
        bounds += _with_penalty(frame, max_nodes)
    return max(bound if np.isfinite(bound) else 0.0 for bound in bounds), attained


def _objective(X, y, n_keep, coef, fit_intercept, ridge):
    """Objective of given coefficients in extended precision, and a bound on its error."""
    with np.errstate(over="ignore", invalid="ignore"):
        wide = np.asarray(coef, dtype=np.longdouble)
        slopes, intercept = (wide[:-1], wide[-1]) if fit_intercept else (wide, np.longdouble(0.0))
        terms = X * slopes
        squares = (y - terms.sum(axis=1) - intercept) ** 2
        kept = np.argsort(squares, kind="stable")[:n_keep]
        objective = squares[kept].sum() + ridge * np.sum(slopes**2)
        eps = np.finfo(np.longdouble).eps * (X.shape[1] + 4)
        errors = eps * (np.abs(y) + np.abs(terms).sum(axis=1) + np.abs(intercept))[kept]
        doubt = 2.0 * np.sum(errors * (np.sqrt(squares[kept]) + errors)) + _EPS * objective
    if objective == 0.0 and not _zero_throughout(X[kept], y[kept], coef, ridge):
        doubt = max(doubt, np.finfo(float).tiny)
    elif objective == 0.0:
        doubt = 0.0
    return float(objective), float(doubt)


def _zero_throughout(X, y, coef, ridge):
    """Whether all residuals, and the penalty, are zero without rounding."""
    if X.size > _MOST_EXACT or (ridge > 0 and np.any(coef[: X.shape[1]])):
        return False
    given = [Fraction(value) for value in coef.tolist()]
    rows = np.column_stack([X, np.ones((len(y), len(given) - X.shape[1]))]).tolist()
    return not any(
        sum((Fraction(a) * b for a, b in zip(row, given, strict=True)), -Fraction(target))
        for row, target in zip(rows, y.tolist(), strict=True)
    )


def _with_penalty(frame, max_nodes):
    n_blocks = -(-frame.n_free // _ROWS_PER_BLOCK)
    if frame.rows.shape[1] <= _TREE_COEFS and 1 < n_blocks <= _MOST_BLOCKS:
        yield search_blocks(frame, n_blocks=n_blocks, max_nodes=max_nodes)
    if frame.rows.shape[1] - frame.n_forced <= 1:
        yield search_intercepts(frame, max_solves=min(_CONIC_PROBLEMS, _CONIC_ROWS // frame.n_free))
