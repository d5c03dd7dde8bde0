"""How many rows to keep: as many as leave the scale of the errors where it is with fewer."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from robustfit.trimmed._lts._concentrate import best, distinct
from robustfit.trimmed._lts._reweight import find_outliers, normal_distance

SHARES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
# Scales that differ by more are those of rows of other kinds.
_JUMP = 1.15
# Distances from a normal law that differ by less than this, over the root of the number of rows, differ by chance.
_CHANCE = 0.35
_FOLLOWED = 6
_STEPS = 2
# Candidates that differ by a smaller share of the rows they keep are one.
_APART = 0.02
_LAST_STEPS = 6


class Stage(NamedTuple):
    """The fit that leads with some number of rows kept.

    Attributes
    ----------
    coefs : ndarray of shape (p,)
    scale : float
        Of the errors, corrected for the share of outliers that the fit itself shows: level as long as the rows kept
        follow one model.
    distance : float
        Of its residuals from a normal law with outliers.
    """

    coefs: NDArray[np.float64]
    scale: float
    distance: float


def scale_path(pool, starts, counts):
    """Follow the best fits along a path of numbers of rows kept, each warm-started by the one before.

    With few rows kept the smallest objective may belong to a tight minority that fits itself all too well. Such a fit
    shows: far too many of its residuals are next to nothing for its scale. So of the leading fits only those are
    taken whose residuals are about as close to a normal law as any other's.

    Parameters
    ----------
    pool : SmallSet
    starts : Starts
    counts : sequence of int
        Rows of the pool to keep, increasing.

    Yields
    ------
    stage : Stage
        One for each count.
    """
    warm, objective = _advance(pool.with_h(counts[0]), starts.coefs)
    distance = _look(pool.problem, warm, objective, counts[0])[1]
    warm = np.vstack([best(warm, objective, _FOLLOWED)[0], best(warm, distance, _FOLLOWED)[0]])
    for count in counts:
        small = pool.with_h(count)
        warm, objective = _advance(small, warm)
        distance = _look(pool.problem, warm, objective, count)[1]
        alike = distance <= distance.min() + _CHANCE / np.sqrt(pool.problem.n_rows)
        leader = best(warm[alike], objective[alike], 1)[0]
        leader, objective = small.settle(leader, _LAST_STEPS)
        yield Stage(leader[0], *_look(pool.problem, leader, objective, count)[:, 0].tolist())


def _advance(small, coefs):
    """Concentrate a little; return the candidates that are still different, and their objective."""
    coefs = small.move(coefs, _STEPS)
    kept, objective = small.look(coefs)
    followed = distinct(kept, objective, len(coefs), max(1, round(_APART * small.h)))
    return coefs[followed], objective[followed]


def _look(problem, coefs, objective, h):
    """Scale of each fit, and the distance of its residuals from a normal law of that scale with outliers."""
    sizes = np.sort(np.abs(problem.target - coefs @ problem.rows.T), axis=1)
    squares = np.maximum(objective - problem.penalty(coefs), 0.0).tolist()
    looks = [_look_at(each, value, h, problem.n_coefs) for each, value in zip(sizes, squares, strict=True)]
    return np.array(looks).T


def _look_at(sizes, squares, h, n_coefs):
    outliers = find_outliers(sizes, squares, h, n_coefs)
    return outliers.scale, normal_distance(sizes, outliers)


def choose_stage(stages, n_rows):
    """Return the place of the stage to go on from, given all stages of a path over ``n_rows`` rows."""
    distance = np.array([stage.distance for stage in stages])
    plausible = distance <= distance.min() + 2.0 * _CHANCE / np.sqrt(n_rows)
    return longest_level(np.array([stage.scale for stage in stages]), plausible)


def longest_level(scales, plausible):
    """Find where the scale stays level the longest, and stop short of where that ends.

    Parameters
    ----------
    scales : ndarray of float
        Along a path of numbers of rows kept.
    plausible : ndarray of bool
        Whether the residuals look as they do where they look best; other places do not count.

    Returns
    -------
    place : int
        The last but one of the longest run of scales that are within 15 % of each other, so that no row at the edge is
        let in; the last one if the path ends there. A run whose scale is e times as large, as that of a fit to all rows
        may be, has to be longer by one.
    """
    smallest = max(np.min(scales[plausible]), np.finfo(float).tiny)
    longest = (-np.inf, 0, 0)
    for start in range(len(scales)):
        stop = start + 1
        while stop < len(scales) and np.max(scales[start : stop + 1]) <= _JUMP * np.min(scales[start : stop + 1]):
            stop += 1
        larger = np.log(max(np.min(scales[start:stop]), smallest) / smallest)
        if (length := np.sum(plausible[start:stop]) - larger) > longest[0]:
            longest = (length, start, stop)
    _, start, stop = longest
    return stop - 1 if stop == len(scales) else max(stop - 2, start)
