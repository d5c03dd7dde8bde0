"""KernelRidge and KernelRidgeClassifier: one small system per shard, one kernel block per member."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
import scipy.sparse as sp
from scipy.linalg import LinAlgError
from sklearn.metrics.pairwise import pairwise_kernels

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
from robustfit.learners._kernel_ridge_classifier import indicator_targets
from robustfit.learners._kernel_system import solve_kernel_system

# Members whose scores are held at once.
_MEMBERS_PER_GROUP = 64


class Kernel:
    """A kernel function and the rounding of its values.

    Parameters
    ----------
    estimator : KernelRidge or KernelRidgeClassifier
    """

    def __init__(self, estimator):
        self.name = estimator.kernel
        self._params = {"gamma": estimator.gamma, "degree": estimator.degree, "coef0": estimator.coef0}
        if callable(self.name):
            self._params = dict(estimator.kernel_params or {})

    def between(self, X, rows, X_squares=None, row_squares=None):
        """Kernel of test rows with the rows of a shard, shape (n_test_rows, n_rows).

        ``X_squares`` and ``row_squares`` are the squared norms, for the RBF kernel.
        """
        if self.name != "rbf" or X_squares is None:
            return np.asarray(pairwise_kernels(X, rows, metric=self.name, filter_params=True, **self._params))
        product = X @ rows.T
        values = product.toarray() if sp.issparse(product) else product
        # exp(−γ (‖x‖² − 2 x·s + ‖s‖²)), in place.
        values *= 2.0
        values -= X_squares[:, None]
        values -= row_squares
        np.minimum(values, 0.0, out=values)
        values *= self.gamma(X.shape[1])
        return np.exp(values, out=values)

    def gamma(self, n_features):
        """Coefficient of the kernels that have one."""
        gamma = self._params["gamma"]
        return 1.0 / n_features if gamma is None else gamma

    def error(self, x_norms, largest_row, n_features):
        """Bound on the rounding error of kernel values, and on the values, in units of 1, shape (n_test_rows,).

        The rounding of a callable is not known: its values are taken as they are.
        """
        reach = x_norms * largest_row
        if self.name == "rbf":
            exponent = self.gamma(n_features) * (n_features + 4) * (x_norms + largest_row) ** 2
            return UNIT_ROUNDOFF * (exponent + 4.0), np.ones_like(x_norms)
        if self.name == "linear":
            return UNIT_ROUNDOFF * (n_features + 2) * reach, reach
        if self.name in ("poly", "polynomial"):
            base = self.gamma(n_features) * reach + abs(self._params["coef0"])
            size = base ** self._params["degree"]
            return UNIT_ROUNDOFF * (self._params["degree"] + 1) * (n_features + 4) * size, size
        return np.zeros_like(x_norms), np.full_like(x_norms, np.nan)


KERNELS = ("linear", "rbf", "poly", "polynomial")


def _refusal(estimator):
    if not isinstance(estimator.alpha, Real) or estimator.alpha < 0:
        return f"alpha={estimator.alpha!r} is not one non-negative number"
    if not callable(estimator.kernel) and estimator.kernel not in KERNELS:
        return f"kernel={estimator.kernel!r} is neither a function nor one of {', '.join(KERNELS)}"
    return None


class _KernelFamily(LeanFamily):
    takes_sparse = True
    refusal = staticmethod(_refusal)

    def _solve_targets(self, X, targets, sample_weight, classes=None):
        kernel = Kernel(self.estimator)
        squares = row_norms(X) ** 2
        matrix = np.array(kernel.between(X, X, squares, squares))
        reach = np.sqrt(squares.max(keepdims=True))
        value_error = float(kernel.error(reach, reach[0], X.shape[1])[0][0])
        try:
            dual, condition = solve_kernel_system(matrix, targets, float(self.estimator.alpha), sample_weight)
        except LinAlgError as error:
            raise Unsolved("its kernel matrix is singular") from error
        if not np.isfinite(dual).all() or condition > WORST_CONDITION:
            raise Unsolved("its kernel matrix is ill-conditioned")
        # Sum of the weights, times the rounding of the sum and of the solver, per unit of kernel.
        total = float(np.abs(dual).sum(axis=0).max())
        noise = (UNIT_ROUNDOFF * (len(dual) + SOLVER_ERROR * condition) + value_error * condition) * total
        arrays = {"rows": X, "dual": dual, "squares": squares, "total": np.array(total)}
        return State(arrays, classes, noise)

    def fitted_attributes(self, state):
        """Dual coefficients and the rows of the shard."""
        return {"dual_coef_": state.arrays["dual"].copy(), "X_fit_": state.arrays["rows"]}


class KernelRidgeClassifierFamily(_KernelFamily):
    """`robustfit.learners.KernelRidgeClassifier`."""

    classifies = True

    def solve(self, X, y, sample_weight):
        """Solve the kernel system for all classes at once."""
        classes, targets = indicator_targets(y)
        return self._solve_targets(X, targets, sample_weight, classes)

    def pack(self, states, codes, n_classes, *, sparse):
        """Keep the rows of each shard by themselves."""
        return KernelMembers(states, codes, n_classes, Kernel(self.estimator))


class KernelRidgeFamily(_KernelFamily):
    """`sklearn.kernel_ridge.KernelRidge`."""

    classifies = False

    def solve(self, X, y, sample_weight):
        """Solve the kernel system."""
        return self._solve_targets(X, y[:, None], sample_weight)

    def pack(self, states, codes, n_classes, *, sparse):
        """Keep the rows of each shard by themselves."""
        return KernelMembers(states, None, 1, Kernel(self.estimator))

    def fitted_attributes(self, state):
        """Dual coefficients in the shape of a single target."""
        return {"dual_coef_": state.arrays["dual"][:, 0].copy(), "X_fit_": state.arrays["rows"]}


class KernelMembers(LeanMembers):
    """Members that score a row by ``Σ_i a_ik k(x, x_i)`` over the rows of their own shard.

    Each member's kernel block is computed by itself: in one product over all rows, a row more in one shard would
    shift the others, and with them their rounding.
    """

    def __init__(self, states, codes, n_classes, kernel):
        self._states, self._codes, self._kernel, self._n_classes = states, codes, kernel, n_classes
        self._largest_row = [float(np.sqrt(state.arrays["squares"].max())) for state in states]
        self.classifies = codes is not None
        # A block fills the cache next to the rows of one shard.
        self.block_rows = 512

    @property
    def n_members(self):
        """Number of members."""
        return len(self._states)

    def state(self, place):
        """State of one member."""
        return self._states[place]

    def ask_block(self, X):
        """Votes for the largest score, or predictions."""
        parts = [
            self._ask_group(X, range(first, min(first + _MEMBERS_PER_GROUP, self.n_members)))
            for first in range(0, self.n_members, _MEMBERS_PER_GROUP)
        ]
        answers, doubtful = zip(*parts, strict=True)
        return np.concatenate(answers, axis=1), np.concatenate(doubtful, axis=1) if self.classifies else None

    def _ask_group(self, X, places):
        norms = row_norms(X)
        squares = norms**2
        n_rows = X.shape[0]
        scores = np.full((self._n_classes, n_rows, len(places)), -np.inf)
        errors = np.empty((n_rows, len(places)))
        for column, place in enumerate(places):
            arrays = self._states[place].arrays
            values = self._kernel.between(X, arrays["rows"], squares, arrays["squares"])
            score = values @ arrays["dual"]
            if not self.classifies:
                scores[0, :, column] = score[:, 0]
                continue
            known = self._codes[place]
            # The only score of two classes is that of the second; the first has zero.
            scores[known[0], :, column] = 0.0
            scores[known[-score.shape[1] :], :, column] = score.T
            errors[:, column] = self._error(place, norms, values, X.shape[1])
        if not self.classifies:
            return scores[0], None
        top = TopTwo(errors.shape)
        for code, score in enumerate(scores):
            top.offer(code, score, errors)
        return top.votes, top.doubtful()

    def _error(self, place, norms, values, n_features):
        """``Σ|a_i|`` times the error of a kernel value, plus the error of the solver and of the sum."""
        state = self._states[place]
        error, size = self._kernel.error(norms, self._largest_row[place], n_features)
        if callable(self._kernel.name):
            size = np.abs(values).max(axis=1)
        return float(state.arrays["total"]) * error + state.noise * size
