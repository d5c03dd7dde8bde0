"""Fitting and asking members, one shard at a time; these functions run in the workers."""

# SPDX-License-Identifier: BSD-3-Clause

import logging
import os
import warnings
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.utils import assert_all_finite
from threadpoolctl import ThreadpoolController

from robustfit._meta._seeds import set_seeds
from robustfit.ensemble._lean import Unsolved

logger = logging.getLogger(__name__)

# Members are never asked for fewer rows at once.
_FEWEST_ROWS = 16

# Products of squares overflow from here on at usual penalties, and some solvers never come back from that.
_LARGEST_SQUARES = 1e100

# Shards are sent to the workers in this many batches per job: few enough to cost nothing, many
# enough that the copies under way stay a small part of the data.
_BATCHES_PER_JOB = 16


@dataclass
class Shard:
    """What one member is a function of, besides the ensemble's parameters.

    Attributes
    ----------
    number : int
    X, y : rows and targets of the shard, in canonical order
    params : dict
        Fit parameters, per-row ones already cut to the shard.
    seed : int
    context : sklearn.callback.CallbackContext or None
    """

    number: int
    X: Any
    y: Any
    params: dict
    seed: int
    context: Any = None


@dataclass
class FailedMember:
    """A shard whose member could not be fitted, and why."""

    reason: str


@lru_cache(maxsize=1)
def _thread_pools():
    return ThreadpoolController()


@contextmanager
def single_threaded():
    """Limit BLAS and OpenMP to one thread: members are small, and many threads cost more than they give."""
    with _thread_pools().limit(limits=1):
        yield


def batches(n_tasks, n_jobs, per_job=_BATCHES_PER_JOB):
    """Cut 0..n_tasks−1 into consecutive batches."""
    return [part for part in np.array_split(np.arange(n_tasks), per_job * n_jobs) if len(part)]


def _in_worker(parent_pid):
    # The caller's own process is limited by the caller: limits set and lifted by concurrent threads would clash.
    return single_threaded() if os.getpid() != parent_pid else nullcontext()


@contextmanager
def _warnings_stay_warnings():
    """Undo filters that make warnings errors: whether a member votes must not depend on the process it is fitted in."""
    with warnings.catch_warnings():
        filters = list(warnings.filters)
        if any(action == "error" for action, *_ in filters):
            warnings.resetwarnings()
            for action, message, categories, module, line in reversed(filters):
                # Some libraries set filters for several categories at once.
                for category in categories if isinstance(categories, tuple) else (categories,):
                    warnings.filterwarnings(
                        "default" if action == "error" else action,
                        getattr(message, "pattern", message) or "",
                        category,
                        getattr(module, "pattern", module) or "",
                        line,
                    )
        yield


def fit_members(estimator, shards, *, ensemble, seeded, member_error, parent_pid):
    """Fit one clone of ``estimator`` per shard.

    Returns
    -------
    members : list
        Fitted estimators, or `FailedMember` where fitting raised and ``member_error="abstain"``.
    """
    with _in_worker(parent_pid), _warnings_stay_warnings():
        return [_fit_member(estimator, shard, ensemble, seeded, member_error) for shard in shards]


def _fit_member(estimator, shard, ensemble, seeded, member_error):
    member = set_seeds(clone(estimator), seeded, shard.seed)
    try:
        with _reported(ensemble, member, shard):
            member.fit(shard.X, shard.y, **shard.params)
        return member
    except MemoryError:
        # A matter of this machine, not of the shard.
        raise
    except Exception as error:
        return _failed(error, shard, member_error)


def _failed(error, shard, member_error):
    if member_error == "raise":
        error.add_note(f"While fitting the member of shard {shard.number} ({len(shard.y)} rows).")
        raise error
    logger.info("The member of shard %d abstains: %s", shard.number, error)
    return FailedMember(f"{type(error).__name__}: {error}")


def _reported(ensemble, member, shard):
    """Tell scikit-learn's callbacks, if any, that a member begins and ends."""
    return nullcontext() if shard.context is None else _told(ensemble, member, shard)


@contextmanager
def _told(ensemble, member, shard):
    pass_on = hasattr(member, "set_callbacks")
    with shard.context.propagate_callback_context(member) if pass_on else nullcontext():
        shard.context.call_on_fit_task_begin(estimator=ensemble, X=shard.X, y=shard.y)
        try:
            yield
        finally:
            shard.context.call_on_fit_task_end(estimator=ensemble, X=shard.X, y=shard.y)


def solve_members(family, training, numbers, contexts, *, ensemble, member_error):
    """Let the lean engine solve shards.

    Parameters
    ----------
    family : LeanFamily
    training : Training
    numbers : list of int
        Which shards.
    contexts : dict
        Callback contexts by shard number; empty if nobody listens.
    ensemble, member_error
        As for `fit_members`.

    Returns
    -------
    results : list of State, Unsolved or FailedMember
    """
    results = []
    with np.errstate(all="ignore"):
        for shard in training.cut_numbers(numbers):
            shard.context = contexts.get(shard.number)
            with _reported(ensemble, None, shard):
                results.append(_solve_member(family, shard, member_error))
    return results


def _solve_member(family, shard, member_error):
    try:
        entries = shard.X.data if sp.issparse(shard.X) else shard.X
        if not np.vdot(entries, entries) < _LARGEST_SQUARES:
            assert_all_finite(shard.X, input_name="X")
            raise ValueError(f"Input X contains values whose squares sum to more than {_LARGEST_SQUARES:g}.")
        return family.solve(shard.X, shard.y, shard.params.get("sample_weight"))
    except Unsolved as reason:
        logger.debug("Shard %d is left to scikit-learn: %s", shard.number, reason)
        return reason
    except ValueError as error:
        return _failed(error, shard, member_error)


def constant_member(label):
    """Fit a member that always votes for the only label of its shard."""
    return DummyClassifier(strategy="constant", constant=[label]).fit(np.zeros((1, 1)), np.array([label]))


def ask_members(members, X, n_samples, *, dtype, read, member_error, parent_pid):
    """Collect what members predict.

    Parameters
    ----------
    members : list of fitted estimators
    X : test rows
    n_samples : int
    dtype : dtype of the answers
    read : callable
        Turns one member's predictions into answers.
    member_error : {"abstain", "raise"}
    parent_pid : int

    Returns
    -------
    answers : ndarray of shape (n_samples, len(members))
        Undefined where ``failed``.
    failed : ndarray of bool of shape (n_samples, len(members))
        Rows that a member could not predict.
    error : Exception or None
        The last one that was raised.
    """
    answers = np.zeros((n_samples, len(members)), dtype=dtype)
    failed = np.zeros((n_samples, len(members)), dtype=bool)
    error = None
    with _in_worker(parent_pid), _warnings_stay_warnings():
        for column, member in enumerate(members):
            blocks = [np.arange(n_samples)]
            while blocks:
                block = blocks.pop()
                try:
                    answers[block, column] = _ask(member, X, block, n_samples, read)
                except MemoryError:
                    raise
                except Exception as raised:
                    if member_error == "raise":
                        raise
                    error = raised
                    if len(block) == 1:
                        failed[block, column] = True
                    else:
                        # A row that this member cannot take must not silence it on the others.
                        blocks += np.array_split(block, 2)
    return answers, failed, error


def _ask(member, X, block, n_samples, read):
    if len(block) >= _FEWEST_ROWS:
        part, index = (X if len(block) == n_samples else _rows(X, block)), slice(None)
    else:
        # Linear algebra on one row takes another path than on many, and rounds otherwise.
        part, index = _rows(X, np.resize(block, _FEWEST_ROWS)), slice(len(block))
    predicted = np.asarray(member.predict(_guarded(part)))
    if predicted.ndim == 2 and predicted.shape[1] == 1:
        predicted = predicted[:, 0]
    if predicted.shape != (max(len(block), _FEWEST_ROWS),):
        raise ValueError(f"{type(member).__name__}.predict returned shape {predicted.shape} for {len(block)} rows.")
    return read(predicted[index])


def _rows(X, block):
    if isinstance(X, list):
        return [X[i] for i in block]
    if isinstance(X, np.ndarray) or sp.issparse(X):
        return X[block]
    return X.iloc[block] if hasattr(X, "iloc") else X[block.tolist()]


def _guarded(X):
    """Rows that a member may write to without the next member seeing it; numbers are read-only already."""
    if isinstance(X, list):
        return list(X)
    if isinstance(X, np.ndarray):
        return X.copy() if X.dtype.kind == "O" else X
    if hasattr(X, "iloc"):
        # Newer versions of pandas copy what is written to; older ones share it with a shallow copy.
        return X.copy(deep=not _copies_on_write(X))
    return X.clone() if hasattr(X, "clone") else X


def _copies_on_write(frame):
    namespace = nw.get_native_namespace(frame)
    return namespace.__name__ == "pandas" and int(namespace.__version__.split(".")[0]) >= 3
