"""Seeds of a member: a function of the ensemble's seed and of the shard's number, of nothing else."""

# SPDX-License-Identifier: BSD-3-Clause

import copy
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator


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


def seeded_parameters(estimator):
    """Names of the parameters that hold a seed, sorted.

    Returns
    -------
    direct : list of str
        Parameters called ``random_state``, nested ones with their path.
    owners : list of str
        Parameters whose value is no estimator but has a ``random_state`` of its own, such as a splitter.
    """
    parameters = estimator.get_params(deep=True)
    direct = sorted(name for name in parameters if name == "random_state" or name.endswith("__random_state"))
    owners = sorted(
        name
        for name, value in parameters.items()
        if hasattr(value, "random_state") and not hasattr(value, "get_params")
    )
    return direct, owners


def set_seeds(estimator, seeded, seed):
    """Give every seed of an unfitted estimator a value that depends on ``seed`` alone."""
    direct, owners = seeded
    if not direct and not owners:
        return estimator
    values = {}
    if len(direct) == 1 and not owners:
        if direct == ["random_state"] and type(estimator).set_params is BaseEstimator.set_params:
            # What set_params would do, without the walk through all parameters: this runs once per shard.
            estimator.random_state = seed
            return estimator
        values[direct[0]] = seed
    else:
        states = np.random.SeedSequence(seed).generate_state(len(direct) + len(owners)) >> 1
        values.update(zip(direct, map(int, states), strict=False))
        parameters = estimator.get_params(deep=True)
        for name, state in zip(owners, states[len(direct) :], strict=True):
            values[name] = copy.copy(parameters[name])
            values[name].random_state = int(state)
    return estimator.set_params(**values)
