"""What a lean solver is: parameters in, one state per shard, and all states packed to be asked at once.

A state is a function of the parameters and of its own shard: no array is shared or padded while solving. Packed members
are asked in blocks of a fixed number of rows, since linear algebra rounds otherwise for other shapes. What
rounding is left is bounded, and a vote within the bound is reported as doubtful.
"""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

UNIT_ROUNDOFF = float(np.finfo(np.float64).eps) / 2

# Forward error of a backward stable solver, in units of roundoff times condition number. The LAPACK Users' Guide takes
# 10 for this modestly growing function of the size.
SOLVER_ERROR = 20

# A system whose condition number exceeds this is left to scikit-learn, which has slower ways to solve it.
WORST_CONDITION = 1e12


class Unsolved(Exception):
    """A shard that is left to scikit-learn's own fit; the message says why."""


@dataclass
class State:
    """What one shard teaches.

    Attributes
    ----------
    arrays : dict of ndarray
        Parameters of the member, by the solver's names.
    classes : ndarray or None
        Labels of the shard, sorted; None for a regressor.
    attributes : dict
        Further fitted attributes of the estimator.
    rounding : Rounding or None
        Of linear classifiers.
    """

    arrays: dict[str, Any]
    classes: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    rounding: Any = None


class LeanFamily(ABC):
    """Solver of one class of estimators.

    Parameters
    ----------
    estimator : estimator
        Its parameters are read, it is not fitted.

    Attributes
    ----------
    takes_sparse : bool
    """

    takes_sparse: bool

    def __init__(self, estimator):
        self.estimator = estimator

    @staticmethod
    @abstractmethod
    def refusal(estimator):
        """Say which parameter the solver cannot take, or return None."""

    @abstractmethod
    def solve(self, X, y, sample_weight):
        """Solve one shard.

        Parameters
        ----------
        X : {ndarray, csr matrix} of shape (n_samples, n_features)
            Finite.
        y : ndarray of shape (n_samples,)
            Labels of at least two classes, or finite targets.
        sample_weight : ndarray of shape (n_samples,) or None
            Positive.

        Returns
        -------
        State

        Raises
        ------
        Unsolved
            If the shard is left to scikit-learn.
        ValueError
            If the estimator itself would refuse the shard.
        """

    @abstractmethod
    def pack(self, states, codes, n_classes, *, sparse, slots):
        """Pack the states.

        Parameters
        ----------
        states : list of State
        codes : list of ndarray or None
            Index of each state's classes among all classes, for classifiers.
        n_classes : int
            Number of all classes.
        sparse : bool
            Whether test rows come as sparse matrices.
        slots : tuple of (ndarray, int)
            Numbers of the shards, and how many shards there are: regressors have a place for each, since the shape of
            a product must not depend on how many of them could be solved.

        Returns
        -------
        LeanMembers
        """

    @abstractmethod
    def fitted_attributes(self, state):
        """Fitted attributes that the estimator would have, by name."""

    def dress(self, state, n_features):
        """Return the estimator as if it had been fitted on the shard."""
        member = clone(self.estimator)
        # What an estimator keeps besides its public attributes it builds itself, from a tiny set of the same shape.
        X = np.zeros((4, n_features)) if state.classes is None else np.zeros((2 * len(state.classes), n_features))
        X[:, 0] = np.arange(len(X))
        y = np.arange(4.0) if state.classes is None else np.repeat(state.classes, 2)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            member.fit(X, y)
        for name, value in {**self.fitted_attributes(state), **state.attributes}.items():
            if name == "intercept_" and not getattr(member, "fit_intercept", True):
                continue
            # Versions differ in the shapes of attributes; theirs is the right one.
            shown = getattr(member, name, None)
            setattr(member, name, value.reshape(shown.shape) if np.size(shown) == np.size(value) > 1 else value)
        return member


class LeanMembers(ABC):
    """Members of one family, packed.

    Attributes
    ----------
    block_rows : tuple of int
        Numbers of test rows that are worked on at once, largest first: as many rows as possible in large blocks, the
        rest in blocks of the last size, filled up by repetition.
    classifies : bool
    """

    block_rows: tuple[int, ...]
    classifies: bool

    @abstractmethod
    def state(self, place):
        """State of one member."""

    @abstractmethod
    def ask_block(self, X):
        """Answer as many rows as one of ``block_rows``.

        Returns
        -------
        answers : ndarray of shape (n_rows, n_members)
            Index of a class, −1 for none; or predictions.
        margin : ndarray of the same shape, or None
            How close each vote is; None for predictions.
        error : ndarray of the same shape, or float
            Largest margin that rounding could overcome.
        """

    @property
    @abstractmethod
    def n_members(self):
        """Number of members."""

    def ask(self, X, n_jobs, dtype, *, with_margins=False):
        """Answer all rows, block by block.

        Parameters
        ----------
        X : {ndarray, csr matrix} of shape (n_samples, n_features)
            Finite.
        n_jobs : int or None
        dtype : dtype of the answers
        with_margins : bool, default=False
            Whether to return margins, which take more memory than the answers.

        Returns
        -------
        answers : ndarray of shape (n_samples, n_members)
        doubtful : ndarray of bool of shape (n_samples, n_members), or None
            Answers that rounding could change; None for predictions.
        margins : ndarray of float of shape (n_samples, n_members), or None
        """
        blocks = self._blocks(X.shape[0])
        jobs = min(effective_n_jobs(n_jobs), len(blocks))
        if jobs <= 1:
            return self._ask_blocks(X, blocks, dtype, with_margins)
        # Matrix products release the interpreter lock: threads need no copies of the members.
        shares = np.array_split(np.arange(len(blocks)), jobs)
        parts = Parallel(n_jobs=n_jobs, prefer="threads")(
            delayed(self._ask_blocks)(X, blocks[share[0] : share[-1] + 1], dtype, with_margins) for share in shares
        )
        return tuple(None if part[0] is None else np.concatenate(part) for part in zip(*parts, strict=True))

    def _blocks(self, n_samples):
        """First row and size of each block."""
        blocks, start = [], 0
        for size in self.block_rows:
            while n_samples - start >= size or (size == self.block_rows[-1] and start < n_samples):
                blocks.append((start, size))
                start += size
        return blocks

    def _ask_blocks(self, X, blocks, dtype, with_margins):
        first, last = blocks[0][0], min(X.shape[0], sum(blocks[-1]))
        answers = np.empty((last - first, self.n_members), dtype=dtype)
        doubtful = np.empty(answers.shape, dtype=bool) if self.classifies else None
        margins = np.empty(answers.shape) if self.classifies and with_margins else None
        with np.errstate(all="ignore"):
            for start, size in blocks:
                block = X[start : start + size]
                n_rows = block.shape[0]
                if n_rows < size:
                    block = block[np.resize(np.arange(n_rows), size)]
                given, margin, error = self.ask_block(block)
                place = slice(start - first, start - first + n_rows)
                answers[place] = given[:n_rows]
                if doubtful is not None:
                    # Margins that are no numbers are always in doubt.
                    doubtful[place] = ~(margin > error)[:n_rows]
                if margins is not None:
                    margins[place] = margin[:n_rows]
        return answers, doubtful, margins


def classes_and_codes(y):
    """Sorted labels of a shard, and the index of each row's label among them."""
    ranked = np.sort(y)
    first = np.empty(len(y), dtype=bool)
    first[:1] = True
    np.not_equal(ranked[1:], ranked[:-1], out=first[1:])
    classes = ranked[first]
    return classes, classes.searchsorted(y)


def row_norms(X):
    """Euclidean norm of each row."""
    squares = X.multiply(X).sum(axis=1) if sp.issparse(X) else np.einsum("ij,ij->i", X, X)
    return np.sqrt(np.asarray(squares, dtype=np.float64).ravel())
