"""A lower bound where coefficients are penalised: disjoint blocks of rows, each with coefficients of its own."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._gap_frame import Frame, concentrate
from robustfit.trimmed._lts._gap_tree import search

# Fewer rows than the block's share are looked at up to this many below it; with even fewer it counts as free of cost.
_BELOW_SHARE = 4


def search_blocks(frame, *, n_blocks, max_nodes):
    """Bound the least objective from below by a sum over blocks of rows.

    Parameters
    ----------
    frame : Frame
    n_blocks : int
    max_nodes : int
        Nodes opened at most, in all blocks together, apart from one batch each.

    Returns
    -------
    lower : float
        Apart from rounding, never above the optimum.

    Notes
    -----
    Let L_k(j) bound the least sum of squares of j rows of block k, with its share of the penalty, from below. Of the
    rows that the optimum keeps, block k holds some number j_k, and they cost at least L_k(j_k) whatever the
    coefficients. So the least Σ_k L_k(j_k) over all j_k with the right sum is a bound; it is found exactly, block after
    block.
    """
    blocks = [_block(frame, k, n_blocks) for k in range(n_blocks)]
    share = (frame.n_keep - frame.n_forced) / frame.n_free
    first = [max(0, int(share * (len(rows) - frame.n_forced)) - _BELOW_SHARE) for rows, _ in blocks]
    n_searches = sum(len(rows) - frame.n_forced - low + 1 for (rows, _), low in zip(blocks, first, strict=True))
    total = np.zeros(1)
    for (rows, residuals), low in zip(blocks, first, strict=True):
        total = _least_sums(total, _costs(rows, residuals, low, frame, max_nodes // n_searches))
    return float(total[frame.n_keep - frame.n_forced])


def _block(frame, k, n_blocks):
    # Rows are in the order of their residuals, so that every block has its share of the large ones.
    free = np.arange(k, frame.n_free, n_blocks)
    forced = np.arange(frame.n_free, len(frame.rows))
    part = np.sqrt(1.0 / n_blocks)
    rows = np.concatenate([frame.rows[free], part * frame.rows[forced]])
    return rows, np.concatenate([frame.residuals[free], part * frame.residuals[forced]])


def _costs(rows, residuals, first, frame, max_nodes):
    """Lower bounds on the least cost of 0, 1, ... rows of one block."""
    # The share of the penalty is rounded once more.
    n_forced, relative = frame.n_forced, 2.0 * frame.relative
    free = len(rows) - n_forced
    costs = np.zeros(free + 1)
    for j in range(first, free + 1):
        coef, kept = concentrate(rows, residuals, j + n_forced, n_forced, np.zeros(rows.shape[1]))
        left = residuals - rows @ coef
        order = np.concatenate([np.argsort(-np.abs(left[:free]), kind="stable"), np.arange(free, len(rows))])
        upper = float(np.sum(left[kept] ** 2))
        found = Frame(rows[order], residuals[order], j + n_forced, n_forced, upper, 0.0, relative)
        # More rows never cost less.
        costs[j] = max(search(found, max_nodes=max_nodes)[0], costs[j - 1] if j else 0.0)
    return costs


def _least_sums(first, second):
    """Least first[i] + second[j] for every i + j."""
    sums = np.full(len(first) + len(second) - 1, np.inf)
    for j, cost in enumerate(second):
        part = slice(j, j + len(first))
        sums[part] = np.minimum(sums[part], first + cost)
    return sums
