"""Seeds of what estimators are made of: a function of the outer seed and of a number, of nothing else."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator

from robustfit._meta._prefitted import keeps_state, parts

# What learners call their seed.
_SEED_NAMES = ("random_state", "random_seed", "seed", "rng")


def check_seed(random_state):
    """Return ``random_state`` as an int.

    Raises
    ------
    ValueError
        If it is not a non-negative whole number.
    """
    if isinstance(random_state, bool | np.bool_) or not isinstance(random_state, Integral) or random_state < 0:
        raise ValueError(
            f"random_state must be a non-negative integer, got {random_state!r}. None or a RandomState would make "
            "the shards and members, and with them the guarantee, unrepeatable."
        )
    return int(random_state)


def member_seed(random_state, shard):
    """Seed of the member of one shard, below 2^31 as every learner accepts it."""
    return int(np.random.SeedSequence([random_state, shard]).generate_state(1)[0] >> 1)


def needs_seeds(estimator):
    """Say how an estimator is seeded: ``"none"``, ``"own"`` (its own parameter only) or ``"nested"``."""
    slots = [(owner, name) for owner, name, _ in _slots(estimator)]
    if not slots:
        return "none"
    own = len(slots) == 1 and slots[0] == (estimator, "random_state")
    return "own" if own and type(estimator).set_params is BaseEstimator.set_params else "nested"


def set_seeds(estimator, how, seed):
    """Give every seed of an unfitted clone a value that depends on ``seed`` alone.

    Seeds are found in parameters, nested to any depth, and in what lists and dictionaries of parameters hold: the
    estimators of a search's grid, its splitter, its distributions.
    """
    if how == "own":
        # What set_params would do, without the walk through all parameters: this runs once per shard.
        estimator.random_state = seed
    elif how == "nested":
        _fill(list(_slots(estimator)), seed)
    return estimator


def set_open_seeds(estimator, seed):
    """Give every seed of an unfitted clone that is None a value that depends on ``seed`` alone; leave the others."""
    _fill([slot for slot in _slots(estimator) if getattr(slot[0], slot[1], None) is None], seed)
    return estimator


def _fill(slots, seed):
    states = np.random.SeedSequence(seed).generate_state(len(slots)) >> 1
    for (owner, name, is_parameter), state in zip(slots, states, strict=True):
        if is_parameter:
            owner.set_params(**{name: int(state)})
        else:
            owner.random_state = int(state)


def _slots(estimator):
    """Owner, name and kind of each place that holds a seed, in an order fixed by the parameters' names."""
    seen, frozen = set(), []
    for path, part in parts(estimator):
        if id(part) in seen or isinstance(part, type) or any(path.startswith(outer) for outer in frozen):
            continue
        seen.add(id(part))
        if keeps_state(part):
            # A clone shares it with the caller, who did not ask for other seeds.
            frozen.append(f"{path}__")
            continue
        if hasattr(part, "get_params"):
            for name in sorted(part.get_params(deep=False)):
                if name in _SEED_NAMES:
                    yield part, name, True
        elif hasattr(part, "random_state"):
            yield part, "random_state", False
