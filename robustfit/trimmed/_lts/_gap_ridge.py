"""A lower bound where slopes are penalised: near no slopes by a conic relaxation, far from them by the penalty."""

# SPDX-License-Identifier: BSD-3-Clause

import heapq
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_SHELLS = 48
_HALVINGS = 12
_RADII = 3
# Rows longer than this, in units of the penalty's root, leave the sums without digits.
_LONGEST = 1e12
_EPS = np.finfo(float).eps


class Cell(NamedTuple):
    """Solutions with an intercept of at most ``half`` from a middle.

    Attributes
    ----------
    residuals : ndarray of shape (n_free,)
        r_i, without slopes and at the middle intercept.
    half : float
    radius : float
        Greatest length of the slopes, in units of the penalty's root, that can be as good as the fit.
    upper : float
    """

    residuals: Floats
    half: float
    radius: float
    upper: float


def search_intercepts(frame, *, max_solves):
    """Bound the least objective of a frame with a penalty from below.

    Parameters
    ----------
    frame : Frame
    max_solves : int
        Conic problems solved at most.

    Returns
    -------
    lower : float
        Apart from rounding, never above the optimum.

    Notes
    -----
    Let e be the slopes, scaled so that the penalty is |e|², and r_i − p_i·e − c the residuals. The values that the
    intercept c can have are cut into cells. In each, slopes longer than R cost at least what `_shells` says, and those
    shorter at least what `Relaxation` says; R is where the two meet. Rows are used as given: the penalty makes any
    slopes short, however nearly the columns depend on each other.
    """
    with np.errstate(all="ignore"):
        p, residuals, errors = _in_units_of_the_penalty(frame)
        reach = np.linalg.norm(p, axis=1)
    n_keep, upper = frame.n_keep - frame.n_forced, frame.upper
    radius = np.sqrt(upper)
    free_intercept = frame.rows.shape[1] > frame.n_forced
    if not (np.isfinite(residuals).all() and np.isfinite(reach).all() and reach.max(initial=0.0) < _LONGEST):
        return 0.0
    low, high = _intercepts(reach, residuals, n_keep, upper) if free_intercept else (0.0, 0.0)
    farthest = max(abs(low), abs(high))
    errors = errors + 8.0 * _EPS * (np.abs(residuals) + farthest + reach * radius)
    can_be_kept = np.abs(residuals) - farthest <= 1.001 * (1.0 + reach) * radius + errors
    shift = np.sqrt(np.sum(np.sort(errors[can_be_kept])[-n_keep:] ** 2))

    def cell(left, right):
        middle = 0.5 * left + 0.5 * right
        half = np.nextafter(max(middle - left, right - middle), np.inf) if free_intercept else 0.0
        return Cell(residuals - middle, half, radius, upper)

    cells = [(_shells(reach, cell(low, high), n_keep, 0.0), low, high, False)]
    for _ in range(_HALVINGS if high > low else 0):
        bound, left, right, _ = heapq.heappop(cells)
        middle = 0.5 * left + 0.5 * right
        for ends in ((left, middle), (middle, right)):
            own = _shells(reach, cell(*ends), n_keep, 0.0)
            heapq.heappush(cells, (max(bound, own), *ends, False))
    relaxation = Relaxation(p, n_keep)
    # Cells in which no radius is worth a problem must come to an end too.
    for _ in range(16 * max_solves):
        if relaxation.n_solved >= max_solves or cells[0][0] >= upper:
            break
        bound, left, right, relaxed = heapq.heappop(cells)
        if not relaxed:
            heapq.heappush(cells, (_meet(relaxation, reach, cell(left, right), bound), left, right, True))
        elif high > low:
            middle = 0.5 * left + 0.5 * right
            heapq.heappush(cells, (bound, left, middle, False))
            heapq.heappush(cells, (bound, middle, right, False))
        else:
            heapq.heappush(cells, (bound, left, right, True))
            break
    lower = min(upper, cells[0][0])
    return float(max(0.0, np.sqrt(lower) - shift) ** 2) if np.isfinite(lower) else 0.0


def _in_units_of_the_penalty(frame):
    """Rows in units of the penalty's root, residuals without slopes, and errors of these beside their own rounding."""
    units = np.diagonal(frame.origin[frame.n_free :, : frame.n_forced])
    target = frame.target[: frame.n_free].astype(np.longdouble)
    middle = np.median(frame.target[: frame.n_free]) if frame.rows.shape[1] > frame.n_forced else 0.0
    errors = 2.0 * float(np.finfo(np.longdouble).eps) * (np.abs(frame.target[: frame.n_free]) + np.abs(middle))
    return frame.origin[: frame.n_free, : frame.n_forced] / units, (target - middle).astype(np.float64), errors


def _intercepts(reach, residuals, n_keep, upper):
    """Ends of the intercepts that can be as good as the fit: then ``n_keep`` residuals are at most √upper."""
    doubt = 1.001 * np.sqrt(upper) * (1.0 + reach) + 1e-12 * np.abs(residuals)
    low = np.partition(residuals - doubt, n_keep - 1)[n_keep - 1]
    high = np.partition(residuals + doubt, len(residuals) - n_keep)[len(residuals) - n_keep]
    return float(min(low, high)), float(max(low, high))


def _shells(reach, cell, n_keep, inner):
    """Bound solutions with slopes of length ``inner`` and more: shell by shell, row by row."""
    radii = inner + (cell.radius - inner) * (np.arange(_SHELLS + 1) / _SHELLS)
    squares = np.maximum(np.abs(cell.residuals) - cell.half - reach * radii[1:, None], 0.0) ** 2
    squares.partition(n_keep - 1, axis=1)
    return float(min(cell.upper, (radii[:-1] ** 2 + squares[:, :n_keep].sum(axis=1)).min()))


def _meet(relaxation, reach, cell, bound):
    """Best bound over the radii tried: the smaller one of inside and outside."""
    short, long = 0.0, cell.radius
    for _ in range(_RADII):
        radius = 0.3 * short + 0.7 * long
        outside = _shells(reach, cell, relaxation.n_keep, radius)
        if outside <= bound:
            short = radius
            continue
        inside = relaxation.bound(cell, radius)
        bound = max(bound, min(inside, outside))
        short, long = (radius, long) if inside > outside else (short, radius)
    return bound


class Relaxation:
    """The perspective relaxation of which rows are kept, for slopes of at most a given length.

    Parameters
    ----------
    p : ndarray of shape (n_free, n_slopes)
    n_keep : int

    Notes
    -----
    With residuals between l_i and u_i, and z_i the share of row i that is kept, minimise

        |e|² + Σ s_i² / z_i   over |e| ≤ R, |c| ≤ half, Σ z_i = n_keep,
        r_i − p_i·e − c = s_i + o_i,  s_i in z_i [l_i, u_i],  o_i in (1 − z_i) [l_i, u_i].

    CVXPY's solution is not trusted: its multipliers v of the equations are put into the Lagrange dual, of which every
    value is a bound,

        Σ v_i r_i − max_e (v'P e − |e|²) − half |Σ v_i| − Σ σ_i − (the n_keep largest of φ_i − σ_i),

    σ_i = max(v_i l_i, v_i u_i), φ_i = max over s in [l_i, u_i] of v_i s − s².
    """

    def __init__(self, p, n_keep):
        import cvxpy as cp

        self.n_keep, self.n_solved = n_keep, 0
        self._p, self._reach, self._solver = p, np.linalg.norm(p, axis=1), cp.CLARABEL
        n_rows, n_slopes = p.shape
        self._r, self._l, self._u = cp.Parameter(n_rows), cp.Parameter(n_rows), cp.Parameter(n_rows)
        self._half, self._radius = cp.Parameter(nonneg=True), cp.Parameter(nonneg=True)
        slopes, intercept, share = cp.Variable(n_slopes), cp.Variable(), cp.Variable(n_rows)
        small, other, square = cp.Variable(n_rows), cp.Variable(n_rows), cp.Variable(n_rows)
        self._split = small + other == self._r - p @ slopes - intercept
        rules = [self._split, cp.norm(slopes) <= self._radius, cp.abs(intercept) <= self._half]
        rules += [cp.sum(share) == n_keep, share >= 0, share <= 1]
        for part, of in ((small, share), (other, 1 - share)):
            rules += [cp.multiply(of, self._l) <= part, part <= cp.multiply(of, self._u)]
        rules += [cp.SOC(square + share, cp.vstack([2 * small, square - share]), axis=0)]
        self._problem = cp.Problem(cp.Minimize(cp.sum_squares(slopes) + cp.sum(square)), rules)

    def bound(self, cell, radius):
        """Bound the solutions of a cell with slopes of at most ``radius`` from below."""
        # A wider range is a weaker claim.
        reach = (self._reach * radius + cell.half) * (1.0 + 1e-12) + 8.0 * _EPS * np.abs(cell.residuals)
        self._r.value, self._l.value, self._u.value = cell.residuals, cell.residuals - reach, cell.residuals + reach
        self._half.value, self._radius.value = cell.half, radius
        self.n_solved += 1
        prices = self._prices()
        # The sign of a multiplier is a convention; both give a bound, and zero does if the solver gave up.
        return max(self._dual(v, cell, radius) for v in (prices, -prices, np.zeros_like(prices)))

    def _prices(self):
        import cvxpy as cp

        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                # An inaccurate solution only makes the bound smaller.
                warnings.simplefilter("ignore", UserWarning)
                self._problem.solve(solver=self._solver)
        except cp.SolverError:
            return np.zeros(len(self._reach))
        prices = self._split.dual_value
        return np.zeros(len(self._reach)) if prices is None else np.nan_to_num(np.asarray(prices, dtype=np.float64))

    def _dual(self, prices, cell, radius):
        lowest, highest = self._l.value, self._u.value
        pull = float(np.linalg.norm(prices @ self._p))
        length = min(radius, pull / 2.0)
        trimmed = np.maximum(prices * lowest, prices * highest)
        best = np.clip(prices / 2.0, lowest, highest)
        gain = prices * best - best**2 - trimmed
        kept = np.partition(gain, len(gain) - self.n_keep)[len(gain) - self.n_keep :]
        terms = np.concatenate([prices * cell.residuals, -trimmed, -kept])
        slopes = pull * length - length**2
        total = terms.sum() - slopes - cell.half * abs(prices.sum())
        size = (
            np.abs(terms).sum()
            + pull * length
            + cell.half * np.abs(prices).sum()
            + np.abs(prices) @ self._reach * radius
        )
        total -= 4.0 * len(terms) * _EPS * size
        return float(total) if np.isfinite(total) else 0.0
