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
_STEPS = 2
RANDOM = "random"


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


def find_starts(pool, share, effort):
    """Find candidates for a problem on the pool.

    Parameters
    ----------
    pool : Problem
    share : float
        Of rows kept.
    effort : Effort

    Returns
    -------
    starts : Starts
    """
    n_groups = 1 if pool.n_rows <= 2 * effort.group_size else -(-pool.n_rows // effort.group_size)
    names, coefs = [], []
    if effort.deterministic:
        names, found = _deterministic(SmallSet(pool, _share_of(pool, share)))
        coefs.append(found)
    if effort.n_starts:
        jobs = [(pool.take(slice(g, None, n_groups)), g) for g in range(n_groups)]
        run = delayed(_random_of_group)
        found = Parallel(n_jobs=effort.n_jobs, prefer="threads")(run(*job, share, effort, n_groups) for job in jobs)
        coefs += found
        names = names + [RANDOM] * sum(len(part) for part in found)
    return Starts(names, np.vstack(coefs))


def _share_of(problem, share):
    return min(problem.n_rows, max(1, round(share * problem.n_rows)))


def _random_of_group(group, number, share, effort, n_groups):
    rng = np.random.default_rng([effort.random_state, number])
    with threadpool_limits(1) if effort.n_jobs not in (None, 1) else nullcontext():
        starts = elemental_starts(group, -(-effort.n_starts // n_groups), rng)
        small = SmallSet(group, _share_of(group, share))
        return best(*small.concentrate(starts, _STEPS), effort.n_keep)[0]


def _deterministic(small):
    pool = small.problem
    joint = np.column_stack([pool.rows[:, pool.rows.std(axis=0) > 0], pool.target])
    names, masks = central_halves(joint)
    trimmed = 1.0 - small.h / pool.n_rows
    dense = sparse_subsets(joint, (trimmed, 0.5 * (1.0 + trimmed)))
    names += ["sparse", "sparse, nearest half", "half sparse", "half sparse, nearest half", "spectral", "all rows"]
    rest = np.vstack([spectral_subset(small, small.h), np.ones(pool.n_rows, dtype=bool)])
    return names, small.fit(np.vstack([masks, dense, rest]))
