"""Gradients of single rows as products pull × row: their mean and the direction along which they spread most."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from robustfit.sanitize._linear._row_space import RowSpace

# Up to this width the second moments are summed up block by block; beyond it products with a vector are enough.
_WIDEST_MOMENTS = 150


class RowGradients(NamedTuple):
    """The vectors g_i = vec(z_i p_iᵀ), never written down as one matrix.

    Attributes
    ----------
    space : RowSpace
        The n rows z of length ``width``.
    pulls : ndarray of shape (n_rows, n_outputs)
        Slopes of the rows' losses in their scores.
    """

    space: RowSpace
    pulls: np.ndarray

    def take(self, index):
        """Return those of some rows."""
        return RowGradients(self.space.take(index), self.pulls[index])

    def mean(self):
        """Return the mean, of shape (width, n_outputs)."""
        return self.space.transposed_times(self.pulls) / len(self.pulls)

    def project(self, direction):
        """Return the product of each vector with a direction of shape (width, n_outputs)."""
        return np.einsum("ik,ik->i", self.space.times(direction), self.pulls)

    def spread(self, mean):
        """Find the direction of the largest variance.

        Parameters
        ----------
        mean : ndarray of shape (width, n_outputs)

        Returns
        -------
        direction : ndarray of shape (width, n_outputs)
            Of length 1; zeros if all vectors are equal.
        variance : float
        """
        n_rows = len(self.pulls)
        lengths = self.space.squares() * np.einsum("ik,ik->i", self.pulls, self.pulls)
        total = lengths.sum() / n_rows - np.square(mean).sum()
        # Less is the rounding of the subtraction.
        if not total > 1e-12 * max(lengths.sum() / n_rows, np.finfo(float).tiny):
            return np.zeros_like(mean), 0.0
        values, vectors = self._by_moments(mean) if mean.size <= _WIDEST_MOMENTS else self._by_products(mean)
        vector = vectors[:, -1]
        # A sign of its own, so that a direction is one direction.
        vector = vector * (1.0 if vector[np.argmax(np.abs(vector))] > 0 else -1.0)
        return vector.reshape(mean.shape), max(0.0, float(values[-1]))

    def _by_moments(self, mean):
        second = np.zeros((mean.size, mean.size))
        for part, block in self.space.blocks(mean.size):
            vectors = (block[:, :, None] * self.pulls[part, None, :]).reshape(len(block), -1) - mean.ravel()
            second += vectors.T @ vectors
        return np.linalg.eigh(second / len(self.pulls))

    def _by_products(self, mean):
        n_rows = len(self.pulls)

        def times(vector):
            direction = np.reshape(vector, mean.shape)
            along = self.project(direction) - np.vdot(mean, direction)
            moment = self.space.transposed_times(self.pulls * along[:, None]) - mean * along.sum()
            return moment.ravel() / n_rows

        start = np.random.default_rng(0).normal(size=mean.size)
        try:
            return eigsh(LinearOperator((mean.size, mean.size), times), k=1, v0=start, tol=1e-6, maxiter=300)
        except ArpackNoConvergence:
            # Two directions that spread alike: any of them will do.
            for _ in range(100):
                start = times(start / np.linalg.norm(start))
            return np.array([np.linalg.norm(start)]), (start / np.linalg.norm(start))[:, None]
