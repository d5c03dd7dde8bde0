"""Where concentration begins: random fits on small groups, and deterministic fits on a sample of all rows."""

# SPDX-License-Identifier: BSD-3-Clause

from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from robustfit.trimmed._lts._concentrate import SmallSet, best
from robustfit.trimmed._lts._elemental import elemental_starts
from robustfit.trimmed._lts._filter_starts import sparse_subsets, spectral_subset
from robustfit.trimmed._lts._scatter_starts import central_halves

_N_GROUPS = 5
# After one step the better one in so many goes on to the second.
_SECOND_LOOK = 3
RANDOM = "random"
# Scatter and neighbours are looked at in this many rows, or this many for each coefficient.
_SEEN, _SEEN_PER_COEF = 800, 15
# Squares of what is farther out would leave nothing of the digits of the rest.
_FARTHEST = 1e6


class Effort(NamedTuple):
    """How hard to look.

    Attributes
    ----------
    n_starts, n_keep, group_size : int
    deterministic : bool
    max_iter : int
    random_state : int
    n_jobs : int or None
    """

    n_starts: int
    n_keep: int
    group_size: int
    deterministic: bool
    max_iter: int
    random_state: int
    n_jobs: int | None


class Starts(NamedTuple):
    """Candidates, by name of what they come from.

    Attributes
    ----------
    names : list of str
    coefs : ndarray of shape (n_candidates, p)
    """

    names: list[str]
    coefs: NDArray[np.float64]


def pool_rows(keys, n_rows, group_size, random_state):
    """Choose the rows that candidates meet first: all of them if they are few, else an even sample.

    Rows are taken from the order of their keys, so that the choice does not depend on where they stand, at even
    intervals, so that many copies of one row are many in the sample too.
    """
    rng = np.random.default_rng(random_state)
    scrambled = keys * np.uint64(2 * int(rng.integers(1 << 62)) + 1)
    order = np.argsort(scrambled, kind="stable")
    size = n_rows if n_rows <= 2 * group_size else min(n_rows, _N_GROUPS * group_size)
    return order[np.arange(size) * n_rows // size]


def find_starts(small, effort):
    """Find candidates for a problem on the pool.

    Parameters
    ----------
    small : SmallSet
        The pool.
    effort : Effort

    Returns
    -------
    starts : Starts
    """
    pool = small.problem
    n_groups = 1 if pool.n_rows <= 2 * effort.group_size else -(-pool.n_rows // effort.group_size)
    names, coefs = [], []
    if effort.deterministic:
        names, found = _deterministic(small)
        coefs.append(found)
    if effort.n_starts:
        jobs = [(pool.take(slice(g, None, n_groups)), g) for g in range(n_groups)]
        share = small.h / pool.n_rows
        run = delayed(_random_of_group)
        found = Parallel(n_jobs=effort.n_jobs, prefer="threads")(run(*job, share, effort, n_groups) for job in jobs)
        coefs += found
        names = names + [RANDOM] * sum(len(part) for part in found)
    return Starts(names, np.vstack(coefs))


def _random_of_group(group, number, share, effort, n_groups):
    rng = np.random.default_rng([effort.random_state, number])
    with threadpool_limits(1) if effort.n_jobs not in (None, 1) else nullcontext():
        starts = elemental_starts(group, -(-effort.n_starts // n_groups), rng)
        small = SmallSet(group, max(1, round(share * group.n_rows)))
        kept, objective = small.look(small.move(starts, 1))
        hopeful, _ = best(kept, objective, max(effort.n_keep, len(starts) // _SECOND_LOOK))
        coefs = small.fit(hopeful)
        return best(coefs, small.look(coefs)[1], effort.n_keep)[0]


def _deterministic(small):
    pool = small.problem
    seen = pool.take(slice(max(_SEEN, _SEEN_PER_COEF * pool.n_coefs)))
    joint = np.column_stack([seen.rows[:, np.ptp(seen.rows, axis=0) > 0], seen.target])
    joint = np.clip(joint, -_FARTHEST, _FARTHEST)
    trimmed = 1.0 - small.h / pool.n_rows
    names, central = central_halves(joint)
    names += ["sparse", "sparse, nearest half", "half sparse", "half sparse, nearest half", "spectral", "all rows"]
    sparse = sparse_subsets(joint, (trimmed, 0.5 * (1.0 + trimmed)))
    masks = np.zeros((len(names), pool.n_rows), dtype=bool)
    masks[: len(names) - 2, : seen.n_rows] = np.vstack([central, sparse])
    masks[-2], masks[-1] = spectral_subset(small, small.h), True
    return names, small.fit(masks)
