"""GaussianNB: sums per class, and quadratic scores as two matrix products."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.ensemble._lean._family import (
    UNIT_ROUNDOFF,
    LeanFamily,
    LeanMembers,
    State,
    Unsolved,
    classes_and_codes,
)
from robustfit.ensemble._lean._top_two import TopTwoIntervals


class GaussianNBFamily(LeanFamily):
    """`sklearn.naive_bayes.GaussianNB`."""

    takes_sparse = False

    @staticmethod
    def refusal(estimator):
        """Given priors must fit the classes of every shard, which scikit-learn checks."""
        return None if estimator.priors is None else "priors are not taken"

    def solve(self, X, y, sample_weight):
        """Means, variances and shares of the classes."""
        classes, codes = classes_and_codes(y)
        indicator = (codes == np.arange(len(classes))[:, None]).astype(np.float64)
        smoothing = self.estimator.var_smoothing
        if sample_weight is not None:
            smoothing *= X.var(axis=0).max()
            indicator *= sample_weight
        count = np.add.reduce(indicator, 1)
        indicator /= count[:, None]
        theta = indicator @ X
        away = X - theta[codes]
        away *= away
        var = indicator @ away
        share = count / np.add.reduce(count)
        if sample_weight is None:
            # Variance of a column: within classes plus between them.
            between = theta - share @ theta
            smoothing *= float(np.maximum.reduce(share @ (var + between * between)))
        var += smoothing
        if not 0 < var.min() <= var.max() < np.inf:
            raise Unsolved("a variance is zero or not finite")
        # Relative error of a variance: of two sums over the rows.
        noise = UNIT_ROUNDOFF * (2 * X.shape[1] + 2 * len(X) + 8)
        arrays = {"theta": theta, "var": var, "count": count, "share": share, "epsilon": smoothing, "noise": noise}
        return State(arrays, classes)

    def pack(self, states, codes, n_classes, *, sparse, slots):
        """Stack the parameters."""
        return GaussianMembers(states, codes, n_classes)

    def fitted_attributes(self, state):
        """Fitted attributes of the estimator."""
        return {
            "theta_": state.arrays["theta"],
            "var_": state.arrays["var"],
            "class_count_": state.arrays["count"],
            "class_prior_": state.arrays["share"],
            "epsilon_": state.arrays["epsilon"],
        }


class GaussianMembers(LeanMembers):
    """Members that vote for the largest log likelihood.

    Of class ``k`` it is ``c_k + Σ_j x_j θ_kj/σ²_kj − ½ Σ_j x_j²/σ²_kj``. Its rounding error is bounded by ``noise``
    times the same sum of absolute values, taken term by term: variances may differ by many orders of magnitude.
    """

    block_rows = (32,)
    classifies = True

    def __init__(self, states, codes, n_classes):
        shape = (n_classes, len(states), states[0].arrays["theta"].shape[1])
        self._states, self._codes = states, codes
        self._half_precision, self._pull = np.zeros(shape), np.zeros(shape)
        self._constant = np.full(shape[:2], -np.inf)
        self._constant_size = np.zeros(shape[:2])
        cells = np.concatenate(codes), np.repeat(np.arange(len(states)), [len(known) for known in codes])
        theta, var, share = (
            np.concatenate([state.arrays[name] for state in states]) for name in ("theta", "var", "share")
        )
        log_prior, log_var = np.log(share), np.log(2.0 * np.pi * var)
        self._half_precision[cells] = 0.5 / var
        self._pull[cells] = theta / var
        squares = 0.5 * (theta * theta / var).sum(axis=1)
        self._constant[cells] = log_prior - 0.5 * log_var.sum(axis=1) - squares
        self._constant_size[cells] = -log_prior + 0.5 * np.abs(log_var).sum(axis=1) + squares
        self._noise = np.array([state.arrays["noise"] for state in states])

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
        top = TopTwoIntervals((len(X), self.n_members), len(self._constant))
        for code, constant in enumerate(self._constant):
            away = squares @ self._half_precision[code].T
            size = away + sizes @ np.abs(self._pull[code]).T + self._constant_size[code]
            top.offer(code, X @ self._pull[code].T - away + constant, self._noise * size)
        return top.votes, top.margin(), 0.0
