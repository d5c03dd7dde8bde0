"""All members of a fitted ensemble: fitted estimators, solved shards, single labels, abstainers."""

# SPDX-License-Identifier: BSD-3-Clause

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils.parallel import Parallel, delayed

from robustfit.ensemble._margins import MarginReader
from robustfit.ensemble._members import ask_members, batches, constant_member, single_threaded


@dataclass
class Answers:
    """What all members say of some rows.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_members)
        Index of a class, or a prediction; undefined where ``abstains``.
    abstains : ndarray of bool of shape (n_samples, n_members)
    doubtful : ndarray of bool of shape (n_samples, n_members), or None
        Answers that rounding could change, where members know of it.
    error : Exception or None
        The last one that a member raised.
    margins : ndarray of float of shape (n_samples, n_members), or None
        How close each vote is, on the scale of its member; NaN where that is not known, infinite for members that
        know one class only. None if they were not asked for.
    """

    values: Any
    abstains: Any
    doubtful: Any = None
    error: Exception | None = None
    margins: Any = None


class MemberSet(Sequence):
    """Sequence of members, one per shard.

    Entries are fitted scikit-learn estimators; None for a member that abstains. Those of the lean engine are built when
    they are looked at.

    Parameters
    ----------
    n_members : int
    n_features : int or None
        Number of features; None for texts.
    feature_names : ndarray or None
        Names of the columns, if all are strings.
    """

    def __init__(self, n_members, n_features=None, feature_names=None):
        self._fitted = [None] * n_members
        self._labels = [None] * n_members
        self._n_features = n_features
        self._feature_names = feature_names
        self._constant_numbers = np.empty(0, dtype=np.intp)
        self._constant_codes = np.empty(0)
        self._family = None
        self._lean = None
        self._lean_numbers = np.empty(0, dtype=np.intp)

    def keep_fitted(self, number, member):
        """Keep a fitted estimator."""
        self._fitted[number] = member

    def keep_constants(self, labels, codes):
        """Keep members that always give the same answer.

        Parameters
        ----------
        labels : dict
            The only label of each such shard, by number.
        codes : ndarray of shape (len(labels),)
            Index of these labels among all classes.
        """
        for number, label in labels.items():
            self._labels[number] = label
        self._constant_numbers = np.array(list(labels), dtype=np.intp)
        self._constant_codes = codes

    def keep_solved(self, family, numbers, lean):
        """Keep packed members and their shards' numbers."""
        self._family, self._lean = family, lean
        self._lean_numbers = np.array(numbers, dtype=np.intp)

    def __len__(self):
        return len(self._fitted)

    def __getitem__(self, number):
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        number = range(len(self))[number]
        if self._labels[number] is not None:
            return constant_member(self._labels[number])
        place = np.flatnonzero(self._lean_numbers == number)
        if not len(place):
            return self._fitted[number]
        member = self._family.dress(self._lean.state(int(place[0])), self._n_features)
        if self._feature_names is not None:
            member.feature_names_in_ = self._feature_names
        return member

    @property
    def any_fitted(self):
        """Whether some member is asked by itself rather than in a pass over all."""
        return any(member is not None for member in self._fitted)

    def ask(self, X, numbers, n_samples, *, dtype, read, member_error, n_jobs, with_margins=False):
        """Ask all members about all rows.

        Parameters
        ----------
        X : rows, in the container that members were fitted on
        numbers : {ndarray, csr matrix} or None
            The same rows as numbers, for solved members; rows that are not finite get no answer from them.
        n_samples : int
        dtype : dtype of the answers
        read : callable
            Turns one fitted estimator's predictions into answers.
        member_error : {"abstain", "raise"}
        n_jobs : int or None
        with_margins : bool, default=False
            Whether to ask classifiers for margins, too; fitted estimators are then asked once more.

        Returns
        -------
        Answers
        """
        given = Answers(np.zeros((n_samples, len(self)), dtype=dtype), np.ones((n_samples, len(self)), dtype=bool))
        if with_margins:
            given.margins = np.full((n_samples, len(self)), np.nan)
            given.margins[:, self._constant_numbers] = np.inf
        if len(self._constant_numbers):
            given.values[:, self._constant_numbers] = self._constant_codes
            given.abstains[:, self._constant_numbers] = False
        with single_threaded():
            if self._lean is not None:
                self._ask_lean(numbers, given, member_error, n_jobs)
            if self.any_fitted:
                self._ask_fitted(X, n_samples, given, read, member_error, n_jobs)
        return given

    def _ask_lean(self, X, given, member_error, n_jobs):
        # Of arrays and sparse matrices it is known by now; frames may have missing cells.
        incomplete = ~np.isfinite(X).all(axis=1) if isinstance(X, np.ndarray) else np.zeros(X.shape[0], dtype=bool)
        if incomplete.any():
            given.error = ValueError("Input X contains NaN or infinity (inf).")
            if member_error == "raise":
                raise given.error
            X = np.where(incomplete[:, None], 0.0, X)
        with_margins = given.margins is not None
        values, doubtful, margins = self._lean.ask(X, n_jobs, given.values.dtype, with_margins=with_margins)
        if with_margins:
            # Where error bounds are part of a margin, doubtful ones may be negative.
            given.margins[:, self._lean_numbers] = np.maximum(margins, 0.0)
            given.margins[np.ix_(incomplete, self._lean_numbers)] = np.nan
        if len(self._lean_numbers) == len(self):
            given.values, given.doubtful = values, doubtful
            given.abstains[:] = False
        else:
            given.values[:, self._lean_numbers] = values
            given.abstains[:, self._lean_numbers] = False
            if doubtful is not None:
                given.doubtful = np.zeros(given.values.shape, dtype=bool)
                given.doubtful[:, self._lean_numbers] = doubtful
        if incomplete.any():
            given.abstains[np.ix_(incomplete, self._lean_numbers)] = True
            if given.doubtful is not None:
                given.doubtful[incomplete] = False

    def _ask_fitted(self, X, n_samples, given, read, member_error, n_jobs):
        voting = [number for number, member in enumerate(self._fitted) if member is not None]
        settings = {
            "dtype": given.values.dtype,
            "read": read,
            "member_error": member_error,
            "parent_pid": os.getpid(),
        }
        # One batch per job: every batch takes all of X along.
        parts = batches(len(voting), effective_n_jobs(n_jobs), per_job=1)
        # The same options as for fitting: with others joblib would start all workers anew.
        results = Parallel(n_jobs=n_jobs, max_nbytes=None)(
            delayed(ask_members)([self._fitted[voting[i]] for i in part], X, n_samples, **settings) for part in parts
        )
        for part, (values, failed, raised) in zip(parts, results, strict=True):
            columns = [voting[i] for i in part]
            given.values[:, columns] = values
            given.abstains[:, columns] = failed
            given.error = raised or given.error
        if given.margins is not None:
            self._ask_margins(X, n_samples, given, parts, voting, n_jobs)

    def _ask_margins(self, X, n_samples, given, parts, voting, n_jobs):
        # Rows that a member cannot predict have no margin: what it raises was told before.
        settings = {"dtype": float, "read": np.asarray, "member_error": "abstain", "parent_pid": os.getpid()}
        results = Parallel(n_jobs=n_jobs, max_nbytes=None)(
            delayed(ask_members)([MarginReader(self._fitted[voting[i]]) for i in part], X, n_samples, **settings)
            for part in parts
        )
        for part, (margins, failed, _) in zip(parts, results, strict=True):
            given.margins[:, [voting[i] for i in part]] = np.where(failed, np.nan, margins)
