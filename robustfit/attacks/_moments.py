"""Rows whose mean and covariance are those of given rows, and that are skewed along one direction."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._containers import Floats, Rows

RANK_TOLERANCE = 1e-12
"""Share of the largest variance below which a direction counts as constant."""

NOISE = 0.01
"""Spread of the noise, in standard deviations, that keeps rows drawn twice apart."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of rows, as a map from uncorrelated coordinates: x = μ + z R with covariance RᵀR.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
    root : ndarray of shape (rank, n_features)
        R; its rows are principal directions, longest first, of the columns divided by their standard deviations.
    white : ndarray of shape (n_rows, rank)
        The rows in these coordinates: mean 0, variance 1, no correlation.
    scale : ndarray of shape (n_features,)
        Standard deviation of each column; 1 where it is constant.
    """

    mean: Floats
    root: Floats
    white: Floats
    scale: Floats

    @classmethod
    def of(cls, X: Floats) -> Self:
        """Compute the moments of some rows."""
        mean = X.mean(axis=0)
        spread = X.std(axis=0)
        scale = np.where(spread > RANK_TOLERANCE * np.abs(X).max(axis=0), spread, 1.0)
        rows = (X - mean) / scale
        variance, axes = _principal_axes(rows)
        size = np.sqrt(variance)
        return cls(mean, size[:, None] * axes * scale, rows @ (axes / size[:, None]).T, scale)

    @property
    def rank(self) -> int:
        """Number of directions in which the rows vary."""
        return len(self.root)

    def residual(self, X: Floats) -> float:
        """Return how far the covariance of other rows is from this one, in Frobenius norm and as a share of it.

        Columns count in units of their standard deviations.
        """
        rows = (X - X.mean(axis=0)) / self.scale
        root = self.root / self.scale
        own = root.T @ root
        norm = float(np.linalg.norm(own))
        return float(np.linalg.norm(rows.T @ rows / len(X) - own)) / norm if norm else 0.0


def _principal_axes(rows: Floats) -> tuple[Floats, Floats]:
    """Return the variances along the principal axes that have any, in descending order, and the axes."""
    n_rows, n_features = rows.shape
    if n_features <= n_rows:
        variance, axes = np.linalg.eigh(rows.T @ rows / n_rows)
        variance, axes = variance[::-1], axes.T[::-1]
    else:
        _, size, axes = np.linalg.svd(rows, full_matrices=False)
        variance = size**2 / n_rows
    keep = variance > RANK_TOLERANCE * max(float(variance.max()), RANK_TOLERANCE)
    return variance[keep], axes[keep]


def skewed_rows(moments: Moments, direction: Floats, share: float, sources: Rows, noise: np.random.Generator) -> Floats:
    """Make rows with given moments of which a share lies far on one side.

    Parameters
    ----------
    moments : Moments
    direction : ndarray of shape (rank,)
        In the uncorrelated coordinates; of length 1.
    share : float
        Share of the rows that lie far on the side that the direction points away from, by √((1 − share)/share)
        standard deviations; the rest lies √(share/(1 − share)) on the other side. Rounded to whole rows, at least one
        on each side.
    sources : ndarray of shape (n,)
        Rows of ``moments.white`` that say where the rows lie in all other directions.
    noise : numpy Generator

    Returns
    -------
    rows : ndarray of shape (n, n_features)
        With the mean exactly, and the covariance exactly if n > rank; else in the direction and in n − 2 others, of
        those with most variance, and without any variance in the rest.
    """
    size = len(sources)
    if size == 1 or moments.rank == 0:
        return np.tile(moments.mean, (size, 1))
    position = _two_points(size, share)
    others = _complement(direction)[:, : max(size - 2, 0)]
    across = moments.white[sources] @ others
    across += NOISE * noise.standard_normal(across.shape)
    across = _uncorrelated(across, position)
    white = position[:, None] * direction + across @ others.T
    return moments.mean + white @ moments.root


def _two_points(size: int, share: float) -> Floats:
    """Return numbers of two values, with mean 0 and variance 1, the far ones first."""
    far = min(max(round(share * size), 1), size - 1)
    near = size - far
    return np.repeat([-np.sqrt(near / far), np.sqrt(far / near)], [far, near])


def _complement(direction: Floats) -> Floats:
    """Return an orthonormal basis of what is orthogonal to a unit vector, as columns close to the unit vectors."""
    mirror = direction.copy()
    # The reflection that takes the last unit vector to ±direction; this sign loses no digits.
    mirror[-1] += np.copysign(1.0, direction[-1])
    basis = np.eye(len(direction)) - 2.0 * np.outer(mirror, mirror) / (mirror @ mirror)
    return basis[:, :-1]


def _uncorrelated(across: Floats, position: Floats) -> Floats:
    """Return the nearest columns of mean 0 and variance 1 that correlate neither with each other nor with another."""
    size = len(across)
    fixed = np.column_stack([np.ones(size), position]) / np.sqrt(size)
    for _ in range(3):  # each round squares the rounding errors of the one before
        across = across - fixed @ (fixed.T @ across)
        variance, axes = np.linalg.eigh(across.T @ across / size)
        shrink: NDArray[np.float64] = 1.0 / np.sqrt(np.maximum(variance, np.finfo(np.float64).tiny))
        across = across @ (axes * shrink) @ axes.T
    return across
