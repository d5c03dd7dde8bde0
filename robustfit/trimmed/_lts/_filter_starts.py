"""Starts that put aside rows which pull together: along one direction of the gradients, or from one tight place."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._scatter_starts import nearest_half

_STEP = 0.05
_NEIGHBOURS = 0.05


def spectral_subset(small, h):
    """Take out, a twentieth at a time, the rows whose gradients stand out along their top direction (Sever).

    Parameters
    ----------
    small : SmallSet
    h : int
        Rows that are left in the end.

    Returns
    -------
    mask : ndarray of shape (n_rows,), bool

    References
    ----------
    .. [1] I. Diakonikolas, G. Kamath, D. Kane, J. Li, J. Steinhardt and A. Stewart, "Sever: A robust meta-algorithm
       for stochastic optimization", ICML 2019.
    """
    problem = small.problem
    active = np.ones(problem.n_rows, dtype=bool)
    at_once = max(1, round(_STEP * problem.n_rows))
    while (n_out := min(at_once, np.count_nonzero(active) - h)) > 0:
        coefs = small.fit(active[None])[0]
        index = np.flatnonzero(active)
        rows = problem.rows[index]
        gradient = rows * np.clip(problem.target[index] - rows @ coefs, -1e60, 1e60)[:, None]
        gradient = np.clip(gradient, -1e60, 1e60)
        gradient -= gradient.mean(axis=0)
        direction = np.linalg.eigh(gradient.T @ gradient)[1][:, -1]
        score = np.abs(gradient @ direction)
        active[index[np.argpartition(score, len(score) - n_out)[len(score) - n_out :]]] = False
    return active


def sparse_subsets(joint, shares):
    """Leave out the rows with the nearest neighbours: poison that sits in one tight place is denser than data.

    Parameters
    ----------
    joint : ndarray of shape (n_rows, n_columns)
        Features and target in robust units.
    shares : sequence of float
        Shares of rows to leave out.

    Returns
    -------
    masks : ndarray of shape (2 * n_shares, n_rows), bool
        For each share the rows that are left, and the half of them nearest to the median.
    """
    n_rows = len(joint)
    squares = np.square(joint).sum(axis=1)
    between = joint @ (-2.0 * joint.T)
    between += squares
    between += squares[:, None]
    # Which neighbour is the farthest that counts shows in half of the digits.
    between = between.astype(np.float32)
    rank = min(n_rows - 1, max(2, round(_NEIGHBOURS * n_rows)))
    between.partition(rank, axis=1)
    reach = between[:, rank]
    masks = np.zeros((2 * len(shares), n_rows), dtype=bool)
    for i, share in enumerate(shares):
        n_left = max(2, n_rows - round(share * n_rows))
        left = np.argpartition(-reach, n_left - 1)[:n_left]
        masks[2 * i, left] = True
        near = np.square(joint[left] - np.median(joint[left], axis=0)).sum(axis=1)
        masks[2 * i + 1, left[nearest_half(near)]] = True
    return masks
