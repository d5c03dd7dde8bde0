"""A least-trimmed-squares problem as its lower bounds see it: exact rows, coordinates of the fit, rounding counted."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit._meta._selection import row_keys
from robustfit.trimmed._lts._gap_exact import independent_columns

Floats = NDArray[np.float64]

# Directions of columns that are shorter than this, relative to the longest, cannot be trusted.
_ILL_CONDITIONED = 1e-7
_FARTHEST = 1e60
_MAX_STEPS = 50
_EPS = np.finfo(float).eps
# Errors of residuals that are this small, relative to themselves, are left to the searches.
_RELATIVE = 4.0 * _EPS
# What sums of squares lose to rounding, relative to the fit's objective; derived in docs/trimming.md.
_ROUNDING = 1e-10


class Frame(NamedTuple):
    """Minimise over d the ``n_keep`` smallest (r_i − q_i·d)², rows that are always kept among them.

    Attributes
    ----------
    rows : ndarray of shape (n_rows, rank)
        q_i. The last ``n_forced`` belong to the penalty.
    residuals : ndarray of shape (n_rows,)
        r_i, at the fit d = 0; in descending order of size, except for the forced rows.
    n_keep : int
        Forced rows included.
    n_forced : int
    upper : float
        An objective that some d attains, to rounding.
    shift : float
        Bound on the length of the errors of the residuals kept, apart from those below.
    relative : float
        Bound on further errors of each residual and each row, relative to its own size.
    origin : ndarray of shape (n_rows, n_coefs) or None
        The rows as given, in the same order; columns are scaled by powers of two.
    target : ndarray of shape (n_rows,) or None
        The target as given, in the same order.
    """

    rows: Floats
    residuals: Floats
    n_keep: int
    n_forced: int
    upper: float
    shift: float
    relative: float
    origin: Floats | None = None
    target: Floats | None = None

    @property
    def n_free(self):
        """Number of rows that may be trimmed."""
        return len(self.rows) - self.n_forced

    @property
    def unit(self):
        """Bound on the relative error of a residual or row, and of whatever is summed over rows or columns."""
        return self.relative + (len(self.rows) + 2 * self.rows.shape[1] + 8) * _EPS

    def safe(self, value):
        """Return a bound that holds for the data as given, from one that holds but for rounding."""
        if not np.isfinite(value):
            return 0.0
        return float(max(0.0, np.sqrt(max(0.0, value - _ROUNDING * self.upper)) - self.shift) ** 2)


def make_frame(X, y, n_keep, coef, *, fit_intercept, ridge):
    """Build the frame around a fit.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features)
    y : ndarray of shape (n_samples,)
    n_keep : int
    coef : ndarray of shape (n_features + fit_intercept,)
        A fit to start from, the intercept last.
    fit_intercept : bool
    ridge : float

    Returns
    -------
    frame : Frame or None
        None if the columns are too nearly dependent, or numbers too large, to be trusted. Columns that depend on others
        exactly are left out, unless there is a penalty.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rows, target, n_forced, start = _augment(X, y, coef, fit_intercept, ridge)
    if rows is None or max(np.abs(rows).max(initial=0.0), np.abs(target).max()) > _FARTHEST:
        return None
    if not np.isfinite(start).all():
        return None
    n_free = len(rows) - n_forced
    fit, kept = concentrate(rows, target, n_keep + n_forced, n_forced, start)
    axes = _axes(rows, kept)
    if axes is None and n_forced == 0:
        columns = independent_columns(rows)
        if columns is None or len(columns) == rows.shape[1]:
            return None
        rows = np.ascontiguousarray(rows[:, columns])
        start = np.linalg.lstsq(rows[kept], target[kept], rcond=None)[0]
        fit, kept = concentrate(rows, target, n_keep, 0, start)
        axes = _axes(rows, kept)
    if axes is None or not np.isfinite(fit).all():
        return None
    # In extended precision, so that what is left of a residual or a row is accurate relative to itself.
    wide, wide_fit = rows.astype(np.longdouble), fit.astype(np.longdouble)
    residuals = (target - wide @ wide_fit).astype(np.float64)
    q = (wide @ axes.astype(np.longdouble)).astype(np.float64)
    if not max(np.abs(residuals).max(), np.abs(q).max(initial=0.0)) < _FARTHEST:
        return None
    digits = np.finfo(np.longdouble).eps * (2 * rows.shape[1] + 4)
    errors = digits * (np.abs(target) + np.abs(rows) @ np.abs(fit)) + 2.0 * _EPS * np.abs(residuals)
    errors = np.maximum(errors - _RELATIVE * np.abs(residuals), 0.0)
    shift = np.sqrt(np.sum(np.sort(errors)[-(n_keep + n_forced) :] ** 2))
    relative = _RELATIVE + digits * _largest_ratio(np.linalg.norm(np.abs(rows) @ np.abs(axes), axis=1), q)
    order = np.lexsort((row_keys(X, y), -np.abs(residuals[:n_free])))
    order = np.concatenate([order, np.arange(n_free, len(rows))])
    residuals, q = residuals[order], q[order]
    upper = float(np.sum(residuals[n_free:] ** 2) + np.sum(residuals[n_free - n_keep : n_free] ** 2))
    if not np.isfinite([upper, shift, relative]).all():
        return None
    return Frame(q, residuals, n_keep + n_forced, n_forced, upper, float(shift), relative, rows[order], target[order])


def _largest_ratio(sizes, q):
    lengths = np.linalg.norm(q, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(np.where(sizes > 0.0, sizes / lengths, 0.0), initial=0.0))


def concentrate(rows, target, n_keep, n_forced, coef):
    """Fit the rows with the smallest residuals again and again, until they stay the same; forced rows are last."""
    free = len(rows) - n_forced
    kept, forced = None, np.arange(free, len(rows))
    for _ in range(_MAX_STEPS):
        squares = (target[:free] - rows[:free] @ coef) ** 2
        nearest = np.sort(np.argsort(squares, kind="stable")[: n_keep - n_forced])
        previous, kept = kept, np.concatenate([nearest, forced])
        if previous is not None and np.array_equal(previous, kept):
            break
        coef = np.linalg.lstsq(rows[kept], target[kept], rcond=None)[0]
    return coef, kept


def _augment(X, y, coef, fit_intercept, ridge):
    """Add the column of the intercept and the rows of the penalty; scale columns by powers of two, which is exact."""
    n_samples, n_features = X.shape
    n_forced = n_features if ridge > 0 else 0
    rows = np.zeros((n_samples + n_forced, n_features + fit_intercept))
    rows[:n_samples, :n_features] = X
    rows[:n_samples, n_features:] = 1.0
    if n_forced:
        rows[n_samples:, :n_features] = np.sqrt(ridge) * np.eye(n_features)
    # By a typical entry: one far row must not make a column look empty.
    sizes = np.where(rows == 0.0, np.nan, np.abs(rows))
    filled = np.where(np.isnan(sizes).all(axis=0), 1.0, sizes)
    # A penalty that outweighs the data is the size of its column.
    typical = np.maximum(np.nanmedian(filled, axis=0), rows[n_samples:].max(axis=0, initial=0.0))
    exponents = np.frexp(typical)[1]
    scaled = np.ldexp(rows, -exponents)
    return (
        scaled if np.array_equal(np.ldexp(scaled, exponents), rows) else None,
        np.concatenate([y, np.zeros(n_forced)]),
        n_forced,
        np.ldexp(np.asarray(coef, dtype=np.float64), exponents),
    )


def _axes(rows, kept):
    """Coordinates in which the kept rows are orthonormal, if they can be; else all rows, shortened to length 1."""
    n_coefs = rows.shape[1]
    short = rows / np.maximum(1.0, np.linalg.norm(rows, axis=1, keepdims=True))
    for some in (rows[kept], short):
        _, lengths, axes = np.linalg.svd(some, full_matrices=False)
        if n_coefs == 0 or (len(lengths) == n_coefs and lengths[-1] > _ILL_CONDITIONED * lengths[0]):
            return axes.T / lengths
    return None
