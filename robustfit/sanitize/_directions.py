"""Directions in which rows spread most: singular vectors, without making sparse rows dense."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp

from robustfit.partition import as_rows
from robustfit.sanitize._centers import squared_lengths

# So many columns have all their products computed; beyond, a subspace is iterated.
_FEW_COLUMNS = 1000
_BLOCK = 64
_SPARE = 10
_STEPS = 12
_SETTLED = 1e-4


def top_directions(rows, *, center=None, weights=None, energy=1.0, n_most=1, seed=0):
    """Right singular vectors of rows that explain a share of their energy.

    Parameters
    ----------
    rows : ndarray or csr matrix of shape (n_samples, n_features)
    center : ndarray of shape (n_features,), default=None
        Subtracted from each row.
    weights : ndarray of shape (n_samples,), default=None
        Factor of each row, after that.
    energy : float, default=1.0
        Share of the sum of all squares.
    n_most : int, default=1
        Directions at most, whatever they explain.
    seed : int, default=0
        Where the iteration starts, with more than 1000 columns.

    Returns
    -------
    directions : ndarray of shape (n_features, n_directions)
        Of length 1, orthogonal, strongest first; none where there is no energy.
    """
    weights = np.ones(rows.shape[0]) if weights is None else weights
    center = np.zeros(rows.shape[1]) if center is None else center
    # No square may leave the range of floats.
    peak = max(abs(rows).max(), np.abs(center).max())
    if peak == 0.0:
        return np.zeros((rows.shape[1], 0))
    # Sums in a fixed order, so that no direction depends on how rows stand, however weakly it is determined.
    order = np.argsort(as_rows(rows).digest(0), kind="stable")
    scatter = _Scatter(rows[order] / peak, center / peak, weights[order])
    if not scatter.total > 0.0:
        return np.zeros((rows.shape[1], 0))
    n_most = min(n_most, *rows.shape)
    strengths, directions = _all(scatter) if rows.shape[1] <= _FEW_COLUMNS else _few(scatter, n_most, seed)
    reached = np.cumsum(strengths[:n_most]) >= energy * scatter.total * (1.0 - 1e-12)
    n_needed = int(np.argmax(reached)) + 1 if reached.any() else n_most
    return directions[:, :n_needed]


class _Scatter:
    """The symmetric matrix of summed products of columns, as a function."""

    def __init__(self, rows, center, weights):
        self.n_features = rows.shape[1]
        if sp.issparse(rows):
            # Moving them would fill them up.
            self._rows, self._moves, self._center = sp.csr_array(sp.diags_array(weights) @ rows), weights, center
        else:
            self._rows, self._moves, self._center = weights[:, None] * (rows - center), None, None
        lengths = squared_lengths(self._rows)
        if self._moves is not None:
            lengths = lengths - 2.0 * weights * (self._rows @ center) + weights**2 * (center @ center)
        self.total = float(lengths.sum())

    def __call__(self, vectors):
        along = self._rows @ vectors
        if self._moves is None:
            return self._rows.T @ along
        along -= np.outer(self._moves, self._center @ vectors)
        return self._rows.T @ along - np.outer(self._center, self._moves @ along)

    def dense(self):
        """All of the matrix."""
        if self._moves is None:
            return self._rows.T @ self._rows
        axes = np.eye(self.n_features)
        parts = [self(axes[:, start : start + _BLOCK]) for start in range(0, self.n_features, _BLOCK)]
        return np.hstack(parts)


def _all(scatter):
    strengths, directions = np.linalg.eigh(scatter.dense())
    return np.maximum(strengths[::-1], 0.0), directions[:, ::-1]


def _few(scatter, n_most, seed):
    """Iterate a random subspace until what it explains stays the same."""
    width = min(n_most + _SPARE, scatter.n_features)
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((scatter.n_features, width)))[0]
    before = 0.0
    for _ in range(_STEPS):
        image = scatter(basis)
        strengths, turn = np.linalg.eigh(basis.T @ image)
        explained = strengths[-n_most:].sum()
        if explained - before <= _SETTLED * explained:
            break
        before = explained
        basis = np.linalg.qr(image)[0]
    return np.maximum(strengths[::-1], 0.0), (basis @ turn)[:, ::-1]
