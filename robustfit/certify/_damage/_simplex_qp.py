"""Small convex quadratic programmes, by an active set that starts where the last one ended."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_RIDGE = 1e-11
_DUAL_TOLERANCE = 1e-11


def minimize_quadratic(
    quadratic: Floats, linear: Floats, equations: Floats, right: Floats, start: Floats
) -> tuple[Floats, Floats]:
    """Minimise ½xᵀQx − cᵀx over x ≥ 0 with E x = e.

    Parameters
    ----------
    quadratic : ndarray of shape (n, n)
        Q, positive semidefinite.
    linear : ndarray of shape (n,)
        c.
    equations : ndarray of shape (k, n)
        E.
    right : ndarray of shape (k,)
        e.
    start : ndarray of shape (n,)
        A feasible x.

    Returns
    -------
    x : ndarray of shape (n,)
        Non-negative, with E x = e to rounding. Where numbers are too large to go on, the best so far.
    multipliers : ndarray of shape (k,)
        μ with Q x − c + Eᵀμ = 0 where x > 0, and ≥ 0 elsewhere, to rounding.
    """
    x, free = start.copy(), start > 0
    multipliers = np.zeros(len(right))
    scale = float(np.abs(linear).max(initial=0.0) + np.abs(quadratic.diagonal()).max(initial=0.0)) or 1.0
    quadratic, linear = quadratic / scale, linear / scale
    for _ in range(20 + 4 * len(x)):
        places = np.flatnonzero(free)
        wanted, found = _stationary(quadratic, linear, equations, right, places)
        if not np.isfinite(wanted).all():
            break
        multipliers = found
        falling = wanted <= 0
        if not falling.any():
            x[:] = 0.0
            x[places] = wanted
            reduced = quadratic[:, places] @ wanted - linear + multipliers @ equations
            reduced[places] = 0.0
            entering = int(reduced.argmin())
            if reduced[entering] >= -_DUAL_TOLERANCE:
                break
            free[entering] = True
            continue
        here = x[places]
        way = here[falling] - wanted[falling]
        # One that has just entered may have no way to go.
        step = np.divide(here[falling], way, out=np.zeros_like(way), where=way > 0)
        share = float(step.min())
        x[places] = np.maximum(here + share * (wanted - here), 0.0)
        leaving = places[falling][step <= share]
        x[leaving], free[leaving] = 0.0, False
    return x, multipliers * scale


def _stationary(
    quadratic: Floats, linear: Floats, equations: Floats, right: Floats, places: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Solve for the minimum on a face, without regard to signs; what is beyond the range of floats has none."""
    n, k = len(places), len(right)
    system = np.zeros((n + k, n + k))
    system[:n, :n] = quadratic[np.ix_(places, places)]
    system[:n, n:] = equations[:, places].T
    system[n:, :n] = equations[:, places]
    # Cuts may repeat each other, and a face may leave an equation without a variable.
    system[np.arange(n), np.arange(n)] += _RIDGE
    system[np.arange(n, n + k), np.arange(n, n + k)] -= _RIDGE
    wanted = np.concatenate([linear[places], right])
    if not np.isfinite(system).all():
        return np.full(n, np.nan), np.full(k, np.nan)
    try:
        solution = np.linalg.solve(system, wanted)
    except np.linalg.LinAlgError:
        solution = np.linalg.lstsq(system, wanted)[0]
    return solution[:n], solution[n:]
