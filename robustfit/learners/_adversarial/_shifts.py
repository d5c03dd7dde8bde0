"""Norms of a shift, per column: their duals, and the nearest point of a ball."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

NORMS = (1, 2, np.inf)


def dual_norm(w, radius, norm):
    """Largest δ·w over all shifts δ with ‖δ / radius‖ ≤ 1.

    Parameters
    ----------
    w : ndarray of shape (..., n_features)
    radius : ndarray of shape (n_features,)
        Of each column; a column of radius 0 is never shifted.
    norm : {1, 2, inf}
        Of the shift.

    Returns
    -------
    largest : float or ndarray of shape (...)
    """
    size = np.abs(w) * radius
    if norm == 1:
        return size.max(axis=-1)
    if norm == 2:
        # Scaled, so that neither the square of a huge nor that of a tiny coefficient is lost.
        unit = size.max(axis=-1, keepdims=True)
        unit = np.where(unit > 0.0, unit, 1.0)
        return np.sqrt(((size / unit) ** 2).sum(axis=-1)) * unit[..., 0]
    return size.sum(axis=-1)


def shift_norm(v, radius, norm):
    """‖v / radius‖, infinite where v leaves a column of radius 0.

    Parameters
    ----------
    v : ndarray of shape (n_features,)
    radius : ndarray of shape (n_features,)
    norm : {1, 2, inf}

    Returns
    -------
    size : float
    """
    fixed = radius == 0.0
    if np.any(v[fixed]):
        return np.inf
    share = np.abs(v[~fixed]) / radius[~fixed]
    return float(np.linalg.norm(share, norm)) if len(share) else 0.0


def gain(v, pull, radius, ridge, norm):
    """An upper bound on max_w v·w − pull · dual_norm(w) − ½ Σ_j ridge_j w_j².

    Parameters
    ----------
    v : ndarray of shape (n_features,)
    pull : float
        Non-negative.
    radius, ridge : ndarray of shape (n_features,)
        ``ridge`` is positive.
    norm : {1, 2, inf}

    Returns
    -------
    bound : float
        ½ Σ_j (v_j − p_j)² / ridge_j for a point p of the ball of size ``pull``: any such p makes a bound, the best
        one is exact.
    """
    return 0.5 * float(np.sum((v - _nearest(v, pull, radius, ridge, norm)) ** 2 / ridge))


def _nearest(v, pull, radius, ridge, norm):
    reach = pull * radius
    if norm == np.inf:
        return np.clip(v, -reach, reach)
    if shift_norm(v, radius, norm) <= pull:
        return v
    shrink = _shrunk_1 if norm == 1 else _shrunk_2
    free = reach > 0.0
    point = np.zeros_like(v)
    if np.any(free):
        point[free] = shrink(v[free], reach[free], ridge[free])
        # Rounding must not leave the ball: the bound would be too good.
        point /= max(1.0, shift_norm(point, radius, norm) / pull)
    return point


def _shrunk_2(v, reach, ridge):
    """Minimise Σ (v − p)² / ridge over Σ (p / reach)² ≤ 1: p = v / (1 + λ ridge / reach²)."""
    return _at_root(lambda rate: v / (1.0 + rate * ridge / reach**2), lambda p: np.sum((p / reach) ** 2))


def _shrunk_1(v, reach, ridge):
    """Minimise Σ (v − p)² / ridge over Σ |p| / reach ≤ 1: p = sign(v) (|v| − λ ridge / reach)₊."""
    size = np.abs(v)
    return _at_root(
        lambda rate: np.sign(v) * np.maximum(size - rate * ridge / reach, 0.0), lambda p: np.sum(np.abs(p) / reach)
    )


def _at_root(point, size):
    """Bisect the rate, in logarithms, at which a point enters the ball of size 1."""
    low, high = -700.0, 700.0
    for _ in range(70):
        middle = 0.5 * (low + high)
        with np.errstate(over="ignore"):
            inside = size(point(np.exp(middle))) <= 1.0
        low, high = (low, middle) if inside else (middle, high)
    return point(np.exp(high))
