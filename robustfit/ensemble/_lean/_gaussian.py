"""GaussianNB: sums per class, and quadratic scores as two matrix products."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.ensemble._lean._family import UNIT_ROUNDOFF, LeanFamily, LeanMembers, State, Unsolved
from robustfit.ensemble._lean._top_two import TopTwo


class GaussianNBFamily(LeanFamily):
    """`sklearn.naive_bayes.GaussianNB`."""

    takes_sparse = False
    classifies = True

    @staticmethod
    def refusal(estimator):
        """Given priors must fit the classes of every shard, which scikit-learn checks."""
        return None if estimator.priors is None else "priors are not taken"

    def solve(self, X, y, sample_weight):
        """Means, variances and shares of the classes."""
        classes, codes = np.unique(y, return_inverse=True)
        indicator = (codes == np.arange(len(classes))[:, None]).astype(np.float64)
        centred = X - X.sum(axis=0) / len(X)
        epsilon = self.estimator.var_smoothing * float((np.einsum("ij,ij->j", centred, centred) / len(X)).max())
        if sample_weight is not None:
            indicator *= sample_weight
        count = indicator.sum(axis=1)
        theta = indicator @ X / count[:, None]
        centred = X - theta[codes]
        centred *= centred
        var = indicator @ centred / count[:, None] + epsilon
        if not (np.isfinite(var).all() and (var > 0).all()):
            raise Unsolved("a variance is zero or not finite")
        # Relative error of a variance: of two sums over the rows.
        noise = UNIT_ROUNDOFF * (2 * X.shape[1] + 2 * len(X) + 8)
        return State({"theta": theta, "var": var, "count": count, "epsilon": np.array(epsilon)}, classes, noise)

    def pack(self, states, codes, n_classes, *, sparse):
        """Stack the parameters."""
        return GaussianMembers(states, codes, n_classes)

    def fitted_attributes(self, state):
        """Fitted attributes of the estimator."""
        count = state.arrays["count"]
        return {
            "theta_": state.arrays["theta"],
            "var_": state.arrays["var"],
            "class_count_": count,
            "class_prior_": count / count.sum(),
            "epsilon_": float(state.arrays["epsilon"]),
        }


class GaussianMembers(LeanMembers):
    """Members that vote for the largest log likelihood.

    Of class ``k`` it is ``c_k + Σ_j x_j θ_kj/σ²_kj − ½ Σ_j x_j²/σ²_kj``. Its rounding error is bounded by ``noise``
    times the same sum of absolute values, taken term by term: variances may differ by many orders of magnitude.
    """

    block_rows = 32
    classifies = True

    def __init__(self, states, codes, n_classes):
        shape = (n_classes, len(states), states[0].arrays["theta"].shape[1])
        self._states, self._codes = states, codes
        self._half_precision, self._pull = np.zeros(shape), np.zeros(shape)
        self._constant = np.full(shape[:2], -np.inf)
        self._constant_size = np.zeros(shape[:2])
        for place, (state, known) in enumerate(zip(states, codes, strict=True)):
            theta, var, count = (state.arrays[name] for name in ("theta", "var", "count"))
            log_prior, log_var = np.log(count / count.sum()), np.log(2.0 * np.pi * var)
            self._half_precision[known, place] = 0.5 / var
            self._pull[known, place] = theta / var
            squares = 0.5 * (theta * theta / var).sum(axis=1)
            self._constant[known, place] = log_prior - 0.5 * log_var.sum(axis=1) - squares
            self._constant_size[known, place] = -log_prior + 0.5 * np.abs(log_var).sum(axis=1) + squares
        self._noise = np.array([state.noise for state in states])

    @property
    def n_members(self):
        """Number of members."""
        return len(self._states)

    def state(self, place):
        """State of one member."""
        return self._states[place]

    def ask_block(self, X):
        """Votes for the largest log likelihood."""
        squares, sizes = X * X, np.abs(X)
        top = TopTwo((len(X), self.n_members))
        for code, constant in enumerate(self._constant):
            away = squares @ self._half_precision[code].T
            size = away + sizes @ np.abs(self._pull[code]).T + self._constant_size[code]
            top.offer(code, X @ self._pull[code].T - away + constant, self._noise * size)
        return top.votes, top.doubtful()
