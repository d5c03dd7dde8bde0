"""KernelRidge and KernelRidgeClassifier: one small system per shard, one kernel block per member."""

# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise
from numbers import Real

import numpy as np
import scipy.sparse as sp
from scipy.linalg import LinAlgError
from sklearn.metrics.pairwise import pairwise_kernels

from robustfit._meta._labels import code_type
from robustfit.ensemble._lean._family import (
    SOLVER_ERROR,
    UNIT_ROUNDOFF,
    WORST_CONDITION,
    LeanFamily,
    LeanMembers,
    State,
    Unsolved,
    row_norms,
)
from robustfit.ensemble._lean._top_two import TopTwo
from robustfit.learners._kernel_ridge_classifier import class_targets
from robustfit.learners._kernel_system import solve_kernel_system


class Kernel:
    """A kernel function and the rounding of its values.

    Parameters
    ----------
    estimator : KernelRidge or KernelRidgeClassifier
    """

    def __init__(self, estimator):
        self.name = estimator.kernel
        self._params = {"gamma": estimator.gamma, "degree": estimator.degree, "coef0": estimator.coef0}

    def between(self, rows, X, row_squares, X_squares):
        """Kernel of the rows of shards with test rows, shape (n_rows, n_test_rows).

        ``row_squares`` and ``X_squares`` are squared norms, for the RBF kernel.
        """
        if self.name != "rbf":
            return np.array(pairwise_kernels(rows, X, metric=self.name, filter_params=True, **self._params))
        product = rows @ X.T
        values = product.toarray() if sp.issparse(product) else product
        # exp(−γ (‖s‖² − 2 s·x + ‖x‖²)), in place.
        gamma = self.gamma(X.shape[1])
        values *= 2.0 * gamma
        values -= gamma * row_squares[:, None]
        values -= gamma * X_squares
        return np.exp(values, out=values)

    def gamma(self, n_features):
        """Coefficient of the kernels that have one."""
        gamma = self._params["gamma"]
        return 1.0 / n_features if gamma is None else gamma

    def error(self, x_norms, longest_row, largest_value, n_features):
        """Bound on the rounding error of kernel values.

        Parameters
        ----------
        x_norms, longest_row : ndarray
            Norms of test rows, and of the longest rows of shards.
        largest_value : ndarray
            Largest absolute value of the kernel.
        n_features : int

        Returns
        -------
        error : ndarray
            Of the shape that the parameters broadcast to.
        """
        if self.name == "rbf":
            exponent = self.gamma(n_features) * (n_features + 4) * (x_norms + longest_row) ** 2
            return largest_value * np.expm1(UNIT_ROUNDOFF * (exponent + 4.0))
        reach = x_norms * longest_row
        if self.name == "linear":
            return UNIT_ROUNDOFF * (n_features + 2) * reach
        size = (self.gamma(n_features) * reach + abs(self._params["coef0"])) ** self._params["degree"]
        return UNIT_ROUNDOFF * (self._params["degree"] + 1) * (n_features + 4) * size

    def with_itself(self, norms, n_features):
        """``k(x, x)`` of a positive semi-definite kernel; infinity where the kernel may not be one."""
        if self.name == "rbf":
            return np.ones_like(norms)
        if self.name == "linear":
            return norms**2
        degree, coef0 = self._params["degree"], self._params["coef0"]
        if coef0 < 0 or degree != int(degree):
            return np.full_like(norms, np.inf)
        return (self.gamma(n_features) * norms**2 + coef0) ** degree


KERNELS = ("linear", "rbf", "poly", "polynomial")


def _refusal(estimator):
    if not isinstance(estimator.alpha, Real) or estimator.alpha < 0:
        return f"alpha={estimator.alpha!r} is not one non-negative number"
    if callable(estimator.kernel) or estimator.kernel not in KERNELS:
        # What a function rounds, and what it refuses, is its own affair.
        return f"kernel={estimator.kernel!r} is none of {', '.join(KERNELS)}"
    return None


class _KernelFamily(LeanFamily):
    takes_sparse = True
    refusal = staticmethod(_refusal)

    def _solve_targets(self, X, targets, sample_weight, classes=None):
        kernel = Kernel(self.estimator)
        squares = row_norms(X) ** 2
        matrix = kernel.between(X, X, squares, squares)
        longest = np.sqrt(squares.max())
        value_error = float(kernel.error(longest, longest, np.abs(matrix).max(), X.shape[1]))
        alpha = float(self.estimator.alpha)
        try:
            solution = solve_kernel_system(matrix, targets, alpha, sample_weight)
        except LinAlgError as error:
            raise Unsolved("its kernel matrix is singular") from error
        if not np.isfinite(solution.size) or solution.condition > WORST_CONDITION:
            raise Unsolved("its kernel matrix is ill-conditioned")
        n_rows, weight = len(squares), 1.0 if sample_weight is None else float(sample_weight.max())
        disturbed = UNIT_ROUNDOFF * SOLVER_ERROR * solution.norm + weight * n_rows * value_error
        moved = disturbed * solution.size
        arrays = {
            "rows": X,
            "dual": solution.dual,
            "squares": squares,
            "total": np.abs(solution.dual).sum(axis=0).max(),
            # What the solver's rounding makes of a score, per unit of the largest kernel value, and of √k(x, x).
            "by_value": moved * np.sqrt(n_rows * weight) * solution.condition / solution.norm,
            "by_norm": moved / (2.0 * np.sqrt(alpha)) if alpha > 0 else np.inf,
        }
        return State(arrays, classes)

    def fitted_attributes(self, state):
        """Dual coefficients and the rows of the shard."""
        return {"dual_coef_": state.arrays["dual"].copy(), "X_fit_": state.arrays["rows"]}


class KernelRidgeClassifierFamily(_KernelFamily):
    """`robustfit.learners.KernelRidgeClassifier`."""

    def solve(self, X, y, sample_weight):
        """Solve the kernel system for all classes at once."""
        classes, targets = class_targets(y, sample_weight, self.estimator.target_coding)
        return self._solve_targets(X, targets, sample_weight, classes)

    def pack(self, states, codes, n_classes, *, sparse, slots):
        """Keep the rows of each shard by themselves."""
        return KernelMembers(states, codes, n_classes, Kernel(self.estimator))


class KernelRidgeFamily(_KernelFamily):
    """`sklearn.kernel_ridge.KernelRidge`."""

    def solve(self, X, y, sample_weight):
        """Solve the kernel system."""
        return self._solve_targets(X, y[:, None], sample_weight)

    def pack(self, states, codes, n_classes, *, sparse, slots):
        """Keep the rows of each shard by themselves."""
        return KernelMembers(states, None, 1, Kernel(self.estimator))

    def fitted_attributes(self, state):
        """Dual coefficients in the shape of a single target."""
        return {"dual_coef_": state.arrays["dual"][:, 0].copy(), "X_fit_": state.arrays["rows"]}


class KernelMembers(LeanMembers):
    """Members that score a row by ``Σ_i a_ik k(x, x_i)`` over the rows of their own shard.

    Of classifiers kernels are computed for the rows of a group of shards at once, filled up so that every row of every
    shard goes through the same arithmetic wherever it stands in its group. Of regressors, whose predictions nobody
    doubts, each shard is computed by itself.

    The error of a score is at most ``Σ_i |a_i|`` times that of a kernel value and of a sum, plus what the solver's
    rounding makes of it. With ``M = SKS + αI`` and ``M z = S t`` solved up to a disturbance ``E`` of ``M``, that is
    ``|kᵀS M⁻¹ E z|``, where ``‖M⁻¹ S k‖`` is at most ``‖M⁻¹‖ ‖S k‖`` and, for a positive semi-definite kernel, at most
    ``√k(x, x) / (2√α)``.
    """

    # A block of test rows and the rows of a group are multiplied in the cache.
    block_rows = (512, 16)

    def __init__(self, states, codes, n_classes, kernel):
        self._codes, self._kernel, self._n_classes = codes, kernel, n_classes
        self.classifies = codes is not None
        self._members_per_group, self._row_multiple = (32, 16) if self.classifies else (1, 1)
        self._duals = [np.ascontiguousarray(state.arrays["dual"].T) for state in states]
        self._classes = [state.classes for state in states]
        self._totals, self._by_value, self._by_norm = (
            np.array([state.arrays[name] for state in states]) for name in ("total", "by_value", "by_norm")
        )
        self._rows, self._squares = [], []
        for first in range(0, len(states), self._members_per_group):
            group = [state.arrays for state in states[first : first + self._members_per_group]]
            self._rows.append(self._filled_up([arrays["rows"] for arrays in group]))
            squares = np.zeros(self._rows[-1].shape[0])
            known = np.concatenate([arrays["squares"] for arrays in group])
            squares[: len(known)] = known
            self._squares.append(squares)
        self._longest = np.sqrt([state.arrays["squares"].max() for state in states])

    def _filled_up(self, parts):
        missing = -sum(part.shape[0] for part in parts) % self._row_multiple
        if sp.issparse(parts[0]):
            return sp.csr_array(sp.vstack([*parts, sp.csr_array((missing, parts[0].shape[1]))]))
        return np.concatenate([*parts, np.zeros((missing, parts[0].shape[1]))])

    @property
    def n_members(self):
        """Number of members."""
        return len(self._duals)

    def state(self, place):
        """State of one member."""
        group, within = divmod(place, self._members_per_group)
        rows = self._slices(group)[within]
        arrays = {"rows": self._rows[group][rows], "dual": self._duals[place].T}
        return State(arrays, self._classes[place])

    def _places(self, group):
        first = group * self._members_per_group
        return range(first, min(first + self._members_per_group, self.n_members))

    def _slices(self, group):
        """Rows of each member within its group."""
        ends = np.cumsum([0, *(self._duals[place].shape[1] for place in self._places(group))])
        return [slice(start, stop) for start, stop in pairwise(ends.tolist())]

    def ask_block(self, X):
        """Votes for the largest score, or predictions."""
        norms = row_norms(X)
        answers = np.empty((X.shape[0], self.n_members), dtype=code_type(self._n_classes) if self.classifies else float)
        margins, errors = np.empty(answers.shape), np.empty(answers.shape)
        for group in range(len(self._rows)):
            values = self._kernel.between(self._rows[group], X, self._squares[group], norms * norms)
            columns = slice(self._places(group).start, self._places(group).stop)
            if not self.classifies:
                for place, rows in zip(self._places(group), self._slices(group), strict=True):
                    answers[:, place] = (self._duals[place] @ values[rows])[0]
                continue
            top = self._vote(group, values)
            answers[:, columns], margins[:, columns] = top.votes.T, top.margin().T
            # A margin is the difference of two scores.
            errors[:, columns] = 2.0 * self._error(group, values, norms, X.shape[1]).T
        return answers, margins if self.classifies else None, errors

    def _vote(self, group, values):
        places = self._places(group)
        scores = np.full((self._n_classes, len(places), values.shape[1]), -np.inf)
        for column, (place, rows) in enumerate(zip(places, self._slices(group), strict=True)):
            known, dual = self._codes[place], self._duals[place]
            # The only score of two classes is that of the second; the first has zero.
            scores[known[0], column] = 0.0
            scores[known[-len(dual) :], column] = dual @ values[rows]
        top = TopTwo(scores.shape[1:], self._n_classes)
        for code, score in enumerate(scores):
            top.offer(code, score)
        return top

    def _error(self, group, values, norms, n_features):
        columns = slice(self._places(group).start, self._places(group).stop)
        slices = self._slices(group)
        largest = np.maximum.reduceat(np.abs(values[: slices[-1].stop]), [rows.start for rows in slices], axis=0)
        error = self._kernel.error(norms, self._longest[columns, None], largest, n_features)
        sizes = np.array([rows.stop - rows.start for rows in slices])[:, None]
        by_norm = self._by_norm[columns, None] * np.sqrt(self._kernel.with_itself(norms, n_features))
        solved = np.minimum(self._by_value[columns, None] * largest, by_norm)
        return self._totals[columns, None] * (error + UNIT_ROUNDOFF * sizes * largest) + solved
