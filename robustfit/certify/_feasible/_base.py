"""What every feasible set can do: tell who is inside, how far a linear score can go, and find a nearby point."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._feasible._checks import check_rows
from robustfit.certify._threats import CertificateError

# Directions that are asked at once for the ends of all columns.
_BLOCK = 256

_EPS = float(np.finfo(np.float64).eps)

# Added to how far a set with a radius reaches: entries below 1e-161 have squares that vanish, so that a row which is
# found within the radius may be beyond it by that much. A bound's allowance, 1e-14 of the reach, then covers it.
UNSEEN = 1e-146


def rounding(n_features: int) -> float:
    """Relative error that covers the sums of a set's formulas, see ``docs/feasible_sets.md``, 6."""
    return (2 * n_features + 32) * _EPS


def lengths(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Euclidean length of each row; several times faster than numpy's norm, which counts for short calls."""
    size: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return size


class Support(NamedTuple):
    """How far a set reaches in one direction, or in several.

    Attributes
    ----------
    point : ndarray of shape (n_features,) or (n_directions, n_features)
        A point of the set, to rounding.
    value : float or ndarray of shape (n_directions,)
        Inner product of the direction with that point.
    bound : float or ndarray of shape (n_directions,)
        No point of the set has a larger inner product.
    """

    point: NDArray[np.float64]
    value: Any
    bound: Any


class FeasibleSet(ABC):
    """Where rows may lie: the part of the feature space that a defence keeps.

    Parameters
    ----------
    n_features : int
        Number of columns.

    Attributes
    ----------
    convex : bool
        Whether every mixture of rows of the set lies in it. Sets that do not say so count as not convex.

    Notes
    -----
    **Guarantee.** ``maximize(u).bound`` is at least ⟨u, x⟩ for every x of the set in exact arithmetic, and for every x
    that ``contains(x, tol=0)`` accepts in floating point. Nothing that was computed on the way is trusted: rounding
    errors are bounded and added. It may be infinite, never too small. `ConvexSet` states a weaker form of its own.
    """

    convex = False

    def __init__(self, n_features: int) -> None:
        self.n_features = n_features

    @cached_property
    def reach(self) -> float:
        """No row of the set is farther from the origin; infinite where the set has no end."""
        longest = np.zeros(self.n_features)
        try:
            for start in range(0, self.n_features, _BLOCK):
                axes = np.eye(min(_BLOCK, self.n_features - start), self.n_features, start)
                longest[start : start + _BLOCK] = np.maximum(self.maximize(axes).bound, self.maximize(-axes).bound)
        except CertificateError:
            return np.inf
        return float(np.linalg.norm(longest))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_features={self.n_features})"

    def violation(self, X: ArrayLike) -> NDArray[np.float64]:
        """How far rows are from satisfying the constraint that they break most.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        violation : ndarray of shape (n_samples,)
            In units of the features; 0 for rows of the set, infinite for rows with NaN.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            amount = self._violation(check_rows(X, self.n_features))
        return np.where(np.isnan(amount), np.inf, amount)

    def contains(self, X: ArrayLike, tol: float = 1e-9) -> NDArray[np.bool_]:
        """Tell which rows lie in the set, or break no constraint by more than ``tol``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        tol : float, default=1e-9
            Allowed violation, in units of the features.

        Returns
        -------
        inside : ndarray of shape (n_samples,), bool
        """
        inside: NDArray[np.bool_] = self.violation(X) <= tol
        return inside

    def maximize(self, direction: ArrayLike) -> Support:
        """Find the point of the set that lies farthest in a direction, and a bound that none exceeds.

        Parameters
        ----------
        direction : array-like of shape (n_features,) or (n_directions, n_features)
            Several directions are answered at once.

        Returns
        -------
        Support
            Numbers for one direction, arrays for several.

        Raises
        ------
        ValueError
            If a direction has another size, or is not finite.
        CertificateError
            If the set has no end in a direction.
        """
        given = np.asarray(direction, dtype=np.float64)
        fits = given.ndim in (1, 2) and given.shape[-1] == self.n_features
        rows = given.reshape(-1, self.n_features) if fits else given
        peak = np.abs(rows).max(axis=1) if fits else np.nan
        # NaN and infinity carry over to the largest entry.
        if not np.all(np.isfinite(peak)):
            raise ValueError(
                f"direction must be finite, of shape ({self.n_features},) or (n_directions, {self.n_features}), "
                f"got shape {given.shape}."
            )
        # Powers of two scale without rounding, and no square can overflow or vanish afterwards.
        exponent = np.frexp(peak)[1]
        scaled = np.ldexp(rows, -exponent[:, None])
        points, bounds = self._support(scaled)
        with np.errstate(over="ignore"):
            values = np.ldexp(np.einsum("ij,ij->i", scaled, points), exponent)
            bounds = np.nextafter(np.ldexp(np.where(np.isnan(bounds), np.inf, bounds), exponent), np.inf)
        if given.ndim == 1:
            return Support(points[0], float(values[0]), float(bounds[0]))
        return Support(points, values, bounds)

    def project(self, X: ArrayLike) -> NDArray[np.float64]:
        """Find a point of the set near each row: the nearest one where the set is convex.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Finite rows.

        Returns
        -------
        nearby : ndarray of shape (n_samples, n_features)
            Points of the set, to rounding; rows that lie inside come back unchanged.

        Raises
        ------
        ValueError
            If rows have another width, or are not finite.
        """
        rows = check_rows(X, self.n_features, finite=True)
        outside = np.flatnonzero(self.violation(rows) > 0)
        nearby = rows.copy()
        if outside.size:
            nearby[outside] = self._project(rows[outside])
        return nearby

    @abstractmethod
    def _violation(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Largest violation of each row."""

    @abstractmethod
    def _support(self, directions: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Farthest points and sound bounds for directions whose largest entry is about 1, or all are 0."""

    @abstractmethod
    def _project(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Nearby points of rows that lie outside."""


def pull_inside(
    points: NDArray[np.float64],
    anchor: NDArray[np.float64],
    violation: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Move points that rounding left outside a convex set a hair towards a point inside it.

    A point that stays outside, because the set has no interior there, is returned as it was.
    """
    outside = np.flatnonzero(violation(points) > 0)
    step = rounding(points.shape[1])
    for _ in range(4):
        if not outside.size:
            break
        trial = anchor + (1 - step) * (points[outside] - anchor)
        good = violation(trial) <= 0
        points[outside[good]] = trial[good]
        outside, step = outside[~good], 16 * step
    return points
