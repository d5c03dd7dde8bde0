"""Branch and bound over the coefficients: a lower bound for few columns and any number of rows."""

# SPDX-License-Identifier: BSD-3-Clause

import heapq
from itertools import count

import numpy as np

_BATCH_ELEMENTS = 1 << 17
# Coefficients farther out than this many roots of the fit's objective are bounded by direction alone.
_FAR = 8.0
_CLOSE_ENOUGH = 0.999


def search_boxes(frame, *, max_nodes):
    """Bound the least objective over all coefficients from below.

    Parameters
    ----------
    frame : Frame
    max_nodes : int
        Boxes looked at at most, up to one batch.

    Returns
    -------
    lower : float
        Apart from rounding, never above the optimum.

    Notes
    -----
    Space is cut into boxes within a cube, and cones outside of it. The one with the smallest bound is halved across its
    longest side, until the smallest bound is close to the fit's objective.
    """
    rank = frame.rows.shape[1]
    side = _FAR * np.sqrt(frame.upper)
    batch = max(1, _BATCH_ELEMENTS // (len(frame.rows) * max(rank, 1)))
    ticket, seen = count(), 0
    # A cone is a face of the cube, on which one coordinate stands still.
    fresh = [(0.0, -1, np.zeros(rank), np.full(rank, side))]
    fresh += [(0.0, face, np.eye(rank)[face], 1.0 - np.eye(rank)[face]) for face in range(rank)]
    heap = []
    while fresh:
        cones = np.array([face >= 0 for _, face, _, _ in fresh])
        centres, halves = np.array([item[2] for item in fresh]), np.array([item[3] for item in fresh])
        bounds = np.array([item[0] for item in fresh])
        for which, bound in ((~cones, _bound_boxes), (cones, _bound_cones)):
            if which.any():
                own = bound(frame, centres[which], halves[which], side)
                bounds[which] = np.maximum(bounds[which], own)
        seen += len(fresh)
        for (_, face, centre, half), bound in zip(fresh, bounds, strict=True):
            if bound < frame.upper:
                heapq.heappush(heap, (float(bound), next(ticket), face, centre, half))
        if not heap or heap[0][0] >= _CLOSE_ENOUGH * frame.upper or seen >= max_nodes or rank == 0:
            break
        fresh = [half for _ in range(min(batch, len(heap))) for half in _halve(*heapq.heappop(heap))]
    return min(frame.upper, heap[0][0]) if heap else frame.upper


def _halve(bound, _, face, centre, half):
    longest = int(np.argmax(half))
    # Halves of halves are exact, so that the two meet.
    shorter = half.copy()
    shorter[longest] *= 0.5
    for sign in (-1.0, 1.0):
        moved = centre.copy()
        moved[longest] += sign * shorter[longest]
        yield bound, face, moved, shorter


def _bound_boxes(frame, centres, halves, _):
    """Bound boxes from below.

    Notes
    -----
    Within a box, |r_i| stays between a low and a high value; the smallest low ones bound the sum. Rows whose high value
    is below the low ones of n − h others are kept throughout; their sum is convex, so its tangent in the centre bounds
    it, in which the pulls of the rows cancel. ``error`` bounds that of a residual, which is as large as its terms.
    """
    residuals = frame.residuals - centres @ frame.rows.T
    sizes = np.abs(frame.rows).T
    within = halves @ sizes
    error = (frame.unit * (np.abs(centres) + halves)) @ sizes
    error += frame.unit * np.abs(frame.residuals)
    spread = within + error
    spread += error
    size = np.abs(residuals)
    low, high = np.maximum(size - spread, 0.0), size + spread
    cost, threshold = _smallest(frame, low)
    always = high < threshold[:, None]
    always[:, frame.n_free :] = True
    kept = np.where(always, residuals, 0.0)
    tangent = np.sum(kept**2, axis=1) - 2.0 * np.sum(halves * np.abs(kept @ frame.rows), axis=1)
    error *= always
    size *= always
    doubt = _dots(size, error) + _dots(within, error) + frame.unit * _dots(within, size)
    tangent -= 4.0 * doubt
    return cost + np.maximum(tangent - np.sum(np.where(always, low, 0.0) ** 2, axis=1), 0.0)


def _dots(left, right):
    return np.einsum("ij,ij->i", left, right)


def _bound_cones(frame, centres, halves, side):
    """Bound cones from below: at length t ≥ side, |r_i − t q_i·u| is at least side |q_i·u| − |r_i|, where positive."""
    slack = halves + 2.0 * frame.unit * (np.abs(centres) + halves)
    across = np.maximum(np.abs(centres @ frame.rows.T) - slack @ np.abs(frame.rows).T, 0.0)
    return _smallest(frame, np.maximum(side * across - np.abs(frame.residuals) * (1.0 + 2.0 * frame.unit), 0.0))[0]


def _smallest(frame, low):
    """Sum of the smallest squares that a solution may keep, and the next size."""
    free, n_keep = low[:, : frame.n_free], frame.n_keep - frame.n_forced
    forced = np.sum(low[:, frame.n_free :] ** 2, axis=1)
    if n_keep == frame.n_free:
        return forced + np.sum(free**2, axis=1), np.full(len(low), np.inf)
    ranked = np.partition(free, n_keep, axis=1)
    return forced + np.sum(ranked[:, :n_keep] ** 2, axis=1), ranked[:, n_keep]
