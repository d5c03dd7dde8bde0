"""How many rows to keep: as many as leave the scale of the errors where it is with fewer."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._concentrate import best
from robustfit.trimmed._lts._reweight import clean_scale

SHARES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
# A scale that grows by more from one share to the next has met rows of another kind.
_JUMP = 1.15
_FOLLOWED = 12
_STEPS = 2
_LAST_STEPS = 6


def scale_path(pool, starts, counts):
    """Scale of the errors along a path of numbers of rows kept, each warm-started by the one before.

    Parameters
    ----------
    pool : SmallSet
    starts : Starts
    counts : sequence of int
        Rows of the pool to keep, increasing.

    Returns
    -------
    scales : ndarray of shape (n_counts,)
        Corrected for the share of outliers that the fit itself shows, so that it is level as long as the rows kept
        follow one model.
    """
    problem, scales, warm = pool.problem, [], starts.coefs
    # What is best with few rows may be poison that fits itself well, so candidates are followed from both ends.
    ends = [best(*pool.with_h(count).concentrate(warm, _STEPS), _FOLLOWED)[0] for count in (counts[0], counts[-4])]
    warm = np.vstack(ends)
    for count in counts:
        small = pool.with_h(count)
        warm, objective = small.concentrate(warm, _STEPS)
        leaders, values = small.settle(best(warm, objective, 3)[0], _LAST_STEPS)
        residuals = problem.target - problem.rows @ leaders[0]
        squares = float(values[0] - problem.penalty(leaders[0]))
        scales.append(clean_scale(residuals, max(squares, 0.0), count, problem.n_coefs)[0])
    return np.array(scales)


def last_level(scales):
    """Return the place on the path one before the last that is level, so that no row at the edge is let in.

    Parameters
    ----------
    scales : ndarray of shape (n_counts,)

    Returns
    -------
    place : int
        The last one if the scale never jumps.
    """
    for place in range(len(scales) - 1):
        if scales[place + 1] > _JUMP * scales[place]:
            return max(place - 1, 0)
    return len(scales) - 1
