"""Branch and bound over the rows kept: a lower bound whenever it stops, the optimum where it ends."""

# SPDX-License-Identifier: BSD-3-Clause

import heapq
from itertools import count

import numpy as np

from robustfit.trimmed._lts._gap_exact import exact_rank

_KEPT, _FREE, _TRIMMED = 1, 0, -1
_BATCH = 64
_SHELLS = 24
_LARGEST_CONDITION = 1e8
# Directions of the rows of a leaf that are longer than this, relative to the longest, exist.
_CLEAR = 1e-7


def search(frame, *, max_nodes):
    """Bound the least objective over all subsets of ``n_keep`` rows from below.

    Parameters
    ----------
    frame : Frame
    max_nodes : int
        Nodes opened at most, up to one batch.

    Returns
    -------
    lower : float
        Apart from rounding, never above the optimum.
    attained : float
        An objective that some coefficients attain; apart from rounding, equal to ``lower`` where the search ended.

    Notes
    -----
    A node says of some rows that they are kept or trimmed. Keeping more rows never costs less [1]_, so the least sum of
    squares of its kept rows is a bound; `_bound_nodes` has a larger one. Of all open nodes the one with the smallest
    bound is split, by the free row that it would cost most to keep.

    References
    ----------
    .. [1] J. Agulló, "New Algorithms for Computing the Least Trimmed Squares Regression Estimator", Computational
       Statistics & Data Analysis 36, 2001.
    """
    root = np.zeros(len(frame.rows), dtype=np.int8)
    root[frame.n_free :] = _KEPT
    heap, ticket, opened, unsolved = [(0.0, 0, root)], count(1), 0, np.inf
    upper = attained = frame.upper
    while heap and heap[0][0] < upper and opened < max_nodes:
        batch = [heapq.heappop(heap) for _ in range(min(_BATCH, len(heap)))]
        opened += len(batch)
        states = np.array([state for _, _, state in batch])
        bounds, split = _bound_nodes(frame, states, upper)
        bounds = np.maximum(bounds, [bound for bound, _, _ in batch])
        for state, bound, row in zip(states, bounds, split, strict=True):
            spare = np.count_nonzero(state != _TRIMMED) - frame.n_keep
            if bound >= upper or spare < 0:
                continue
            if spare == 0 or np.count_nonzero(state == _KEPT) == frame.n_keep:
                cost = _cost(frame, state, spare)
                if cost is None:
                    unsolved = min(unsolved, bound)
                else:
                    upper, attained = min(upper, cost[0]), min(attained, cost[1])
                continue
            for choice in (_KEPT, _TRIMMED):
                child = state.copy()
                child[row] = choice
                heapq.heappush(heap, (bound, next(ticket), child))
    lower = min([upper, unsolved, *(bound for bound, _, _ in heap)])
    return float(lower), float(attained)


def _cost(frame, state, spare):
    """Bounds on the least sum of squares of a full set of rows; None if it cannot be told which directions they span.

    Notes
    -----
    If the rows Q span exactly as many directions as are fitted, the part of the residuals r that a better fit could
    still take away is at most |Q'r| over the shortest length of Q.
    """
    kept = state != _TRIMMED if spare == 0 else state == _KEPT
    rows, residuals = frame.rows[kept], frame.residuals[kept]
    left, lengths, right = np.linalg.svd(rows, full_matrices=False)
    rank = len(lengths)
    if rank and not lengths[-1] > _CLEAR * lengths[0]:
        # With a penalty, what is short may be the penalty itself.
        if frame.origin is None or frame.n_forced:
            return None
        rank = exact_rank(frame.origin[kept])
        if rank and not lengths[rank - 1] > _CLEAR * lengths[0]:
            return None
    coef = right[:rank].T @ ((left[:, :rank].T @ residuals) / lengths[:rank])
    residuals = residuals - rows @ coef
    size, whole, unit = np.linalg.norm(residuals), np.linalg.norm(rows), 2.0 * frame.unit
    error = unit * (size + whole * np.linalg.norm(coef))
    gradient = np.linalg.norm(residuals @ rows) + whole * (unit * size + error)
    off = gradient / (0.9 * lengths[rank - 1]) if rank else 0.0
    cost = max(0.0, max(0.0, size - error) ** 2 - off**2), (size + error) ** 2
    return cost if np.isfinite(cost).all() else None


def _bound_nodes(frame, states, upper):
    """Bound each node from below, trim rows that no better solution keeps (in place), and choose the row to split by.

    Notes
    -----
    Let A = Σ q_i q_i' over the kept rows, d_0 their least-squares fit with the sum of squares s, and t the distance of
    d from d_0 in the norm of A. Then the kept rows cost s + t², and a free row at least
    (|r_i| − t √(q_i' A⁻¹ q_i))₊². The m smallest of these, on shells of t, bound what m further rows cost.
    """
    low = np.zeros(len(states))
    # Where no bound is known, rows are in descending order of their residuals: take the first that is free.
    split = np.argmax(states == _FREE, axis=1)
    kept = (states == _KEPT).astype(np.float64)
    rank = frame.rows.shape[1]
    products = (frame.rows[:, :, None] * frame.rows[:, None, :]).reshape(len(frame.rows), rank * rank)
    lengths, axes = np.linalg.eigh((kept @ products).reshape(-1, rank, rank)) if rank else (kept[:, :1] + 1.0, None)
    clear = (lengths[:, 0] * _LARGEST_CONDITION > lengths[:, -1]) & np.isfinite(lengths).all(axis=1)
    doubt = 8.0 * (rank + 1) * frame.unit * lengths[:, -1] / np.where(clear, lengths[:, 0], np.inf)
    known = np.flatnonzero(clear & (doubt < 0.5))
    if not len(known):
        return low, split
    kept, lengths = kept[known], lengths[known]
    residuals, cost, off, leverage = _fits(frame, kept, lengths, axes[known] if rank else None)
    leverage = leverage * (1.0 + doubt[known, None])
    reach = np.sqrt(leverage)
    least = np.maximum(residuals - reach * off[:, None], 0.0) ** 2 / (1.0 + leverage)
    nodes = states[known]
    nodes[(nodes == _FREE) & (cost[:, None] + least >= upper)] = _TRIMMED
    states[known] = nodes
    free = nodes == _FREE
    missing = frame.n_keep - kept.sum(axis=1).astype(np.intp)
    radii = np.sqrt(np.maximum(upper - cost, 0.0))[:, None] * (np.arange(_SHELLS + 1) / _SHELLS) ** 1.5
    outer = radii[:, 1:, None] + off[:, None, None]
    squares = np.maximum(residuals[:, None, :] - reach[:, None, :] * outer, 0.0) ** 2
    squares = np.where(free[:, None, :], squares, np.inf)
    squares.sort(axis=2)
    sums = np.concatenate([np.zeros((*squares.shape[:2], 1)), np.cumsum(squares, axis=2)], axis=2)
    added = np.take_along_axis(sums, missing[:, None, None], axis=2)[:, :, 0]
    low[known] = np.minimum(cost + (radii[:, :-1] ** 2 + added).min(axis=1), upper)
    split[known] = np.where(free, least, -1.0).argmax(axis=1)
    return low, split


def _fits(frame, kept, lengths, axes):
    """Fit the kept rows of each node.

    Returns
    -------
    residuals : ndarray of shape (n_nodes, n_rows)
        Sizes, at most those of the computed fit.
    cost : ndarray of shape (n_nodes,)
        At most the least sum of squares of the kept rows, however far the fit is from it.
    off : ndarray of shape (n_nodes,)
        At least the distance of the fit from the best one, in the norm of A.
    leverage : ndarray of shape (n_nodes, n_rows)
        q_i' A⁻¹ q_i, as computed.
    """
    if axes is None:
        residuals = np.broadcast_to(np.abs(frame.residuals) * (1.0 - 2.0 * frame.unit), kept.shape)
        return residuals, kept @ residuals[0] ** 2, np.zeros(len(kept)), np.zeros(kept.shape)
    whiten = axes / np.sqrt(lengths)[:, None, :]
    moments = kept @ (frame.rows * frame.residuals[:, None])
    coef = (whiten @ (moments[:, None, :] @ whiten).transpose(0, 2, 1))[:, :, 0]
    residuals = frame.residuals - coef @ frame.rows.T
    unit, size = 2.0 * frame.unit, np.sqrt(np.sum(kept * residuals**2, axis=1))
    # Errors of the residuals of kept rows are no longer than this; see docs/trimming.md.
    error = unit * (size + np.sqrt(lengths.sum(axis=1) * np.sum(coef**2, axis=1)))
    # The gradient tells how far the computed fit is from the best: |A^(-1/2) gradient|.
    gradient = np.sqrt(np.sum(((kept * residuals) @ frame.rows) ** 2, axis=1))
    gradient = gradient + 2.0 * np.sqrt(lengths.sum(axis=1)) * (unit * size + error)
    off = gradient / np.sqrt(lengths[:, 0] * 0.5)
    cost = np.maximum(np.maximum(size - error, 0.0) ** 2 - off**2, 0.0)
    leverage = np.sum((frame.rows @ whiten) ** 2, axis=2)
    return np.abs(residuals) * (1.0 - unit), cost, off, leverage
