"""The training set cut to shards, and the fit of one member per shard."""

# SPDX-License-Identifier: BSD-3-Clause

import os
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from robustfit._meta._fit_params import member_params
from robustfit._meta._seeds import member_seed, needs_seeds
from robustfit.ensemble._lean import State, Unsolved
from robustfit.ensemble._members import FailedMember, Shard, batches, fit_members, single_threaded, solve_members


@dataclass
class Training:
    """A training set and its shards.

    Attributes
    ----------
    rows : Rows
    numbers : Rows or None
        The same rows as an array or sparse matrix of numbers, for the lean engine.
    target : ndarray of shape (n_samples,)
        In canonical form.
    shard_target : callable
        Turns one shard's part of it into what members get.
    shared, per_row : dict
        Fit parameters.
    shards : list of ndarray
        Positions of each shard's rows.
    random_state : int
    failures : dict
        Why the member of a shard could not be fitted, by shard number.
    """

    rows: Any
    numbers: Any
    target: Any
    shard_target: Any
    shared: dict
    per_row: dict
    shards: list
    random_state: int
    failures: dict = field(default_factory=dict)

    def cut(self, number, context=None):
        """Cut one shard, in the container that estimators are fitted on."""
        index = self.shards[number]
        return Shard(
            number=number,
            X=self.rows.take(index),
            y=self.shard_target(self.target[index]),
            params=member_params(self.shared, self.per_row, index),
            seed=member_seed(self.random_state, number),
            context=context,
        )

    def cut_numbers(self, numbers):
        """Cut some shards as arrays or sparse matrices of numbers, in one go; solvers need no seeds."""
        index = np.concatenate([self.shards[number] for number in numbers])
        X, target = self.numbers.take(index), self.target[index]
        params = {name: value[index] for name, value in self.per_row.items()}
        stop = 0
        for number in numbers:
            start, stop = stop, stop + len(self.shards[number])
            rows = slice(start, stop)
            own = {name: value[rows] for name, value in params.items()} if params else params
            yield Shard(number, X[rows], self.shard_target(target[rows]), own, seed=0)

    def solve(self, family, to_fit, contexts, *, ensemble):
        """Let the lean engine solve shards.

        Returns
        -------
        states : dict
            What was learned, by shard number.
        unsolved : list of int
            Shards that are left to scikit-learn.
        """
        settings = {"ensemble": ensemble, "member_error": ensemble.member_error}
        with single_threaded():
            solved = Parallel(n_jobs=ensemble.n_jobs, prefer="threads")(
                delayed(solve_members)(family, self, [to_fit[i] for i in part], contexts, **settings)
                for part in batches(len(to_fit), effective_n_jobs(ensemble.n_jobs))
            )
        results = dict(zip(to_fit, (result for part in solved for result in part), strict=True))
        self._note_failures(results)
        return (
            {number: result for number, result in results.items() if isinstance(result, State)},
            [number for number, result in results.items() if isinstance(result, Unsolved)],
        )

    def fit(self, estimator, to_fit, contexts, *, ensemble):
        """Fit clones of an estimator on shards; return them by shard number."""
        settings = {
            # Callbacks are handed the ensemble; members never are.
            "ensemble": ensemble if contexts else None,
            "seeded": needs_seeds(estimator),
            "member_error": ensemble.member_error,
            "parent_pid": os.getpid(),
        }
        template = clone(estimator)
        with single_threaded():
            # Slices travel by value: a memory-mapped one would be read-only, and so fail in some learners.
            fitted = Parallel(n_jobs=ensemble.n_jobs, max_nbytes=None)(
                delayed(fit_members)(template, [self.cut(to_fit[i], contexts.get(to_fit[i])) for i in part], **settings)
                for part in batches(len(to_fit), effective_n_jobs(ensemble.n_jobs))
            )
        results = dict(zip(to_fit, (member for part in fitted for member in part), strict=True))
        self._note_failures(results)
        return {number: member for number, member in results.items() if not isinstance(member, FailedMember)}

    def _note_failures(self, results):
        self.failures |= {n: result.reason for n, result in results.items() if isinstance(result, FailedMember)}


def split_by_need(training, only_answer, refused):
    """Sort shards by what their members need.

    Parameters
    ----------
    training : Training
    only_answer : callable
        Returns the only answer that a target allows, or None.
    refused : callable
        Whether a shard holds what no member takes, by its positions.

    Returns
    -------
    constants : dict
        The only answer of such shards, by number.
    to_fit : list of int
    refused : list of int
        Shards of a single answer that hold what members would have refused.
    """
    constants: dict[int, Any] = {}
    to_fit: list[int] = []
    spoilt: list[int] = []
    for number, index in enumerate(training.shards):
        if not len(index):
            continue
        answer = only_answer(training.target[index])
        if answer is None:
            to_fit.append(number)
        elif refused(index):
            spoilt.append(number)
        else:
            constants[number] = answer
    return constants, to_fit, spoilt


def codes_of(states, read):
    """Index of each state's classes among all classes; None for regressors."""
    if not states or states[0].classes is None:
        return None
    codes = np.asarray(read(np.concatenate([state.classes for state in states])))
    return np.split(codes, np.cumsum([len(state.classes) for state in states])[:-1])
