"""Nearest neighbours in each shard."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from robustfit.ensemble._lean._family import (
    UNIT_ROUNDOFF,
    LeanFamily,
    LeanMembers,
    State,
    classes_and_codes,
    row_norms,
)


def _refusal(estimator):
    if estimator.weights != "uniform":
        return f"weights={estimator.weights!r} are not taken"
    if (estimator.metric, estimator.p) not in (("minkowski", 2), ("euclidean", estimator.p)) or estimator.metric_params:
        return f"metric={estimator.metric!r} with p={estimator.p!r} is not Euclidean"
    return None


class _NeighborsFamily(LeanFamily):
    takes_sparse = True
    refusal = staticmethod(_refusal)

    def _keep(self, X, targets, classes=None):
        if self.estimator.n_neighbors > len(targets):
            raise ValueError(
                f"Expected n_neighbors <= n_samples_fit, but n_neighbors = {self.estimator.n_neighbors}, "
                f"n_samples_fit = {len(targets)}"
            )
        return State({"rows": X, "targets": targets, "squares": row_norms(X) ** 2}, classes)

    def dress(self, state, n_features):
        """Fit the estimator: it keeps its rows in a form of its own."""
        member = clone(self.estimator)
        targets = state.arrays["targets"]
        return member.fit(state.arrays["rows"], targets if state.classes is None else state.classes[targets])

    def fitted_attributes(self, state):
        """Nothing besides what fitting gives."""
        return {}


class KNeighborsClassifierFamily(_NeighborsFamily):
    """`sklearn.neighbors.KNeighborsClassifier` with uniform weights and Euclidean distances."""

    def solve(self, X, y, sample_weight):
        """Keep the rows."""
        classes, codes = classes_and_codes(y)
        return self._keep(X, codes, classes)

    def pack(self, states, codes, n_classes, *, sparse, slots):
        """Keep the rows of each shard by themselves."""
        return NeighborMembers(states, codes, self.estimator.n_neighbors)


class KNeighborsRegressorFamily(_NeighborsFamily):
    """`sklearn.neighbors.KNeighborsRegressor` with uniform weights and Euclidean distances."""

    def solve(self, X, y, sample_weight):
        """Keep the rows."""
        return self._keep(X, y)

    def pack(self, states, codes, n_classes, *, sparse, slots):
        """Keep the rows of each shard by themselves."""
        return NeighborMembers(states, None, self.estimator.n_neighbors)


class NeighborMembers(LeanMembers):
    """Members that ask the ``k`` nearest rows of their own shard.

    Rows at the same distance come in the order of the shard, which depends on their content alone; votes that another
    order would change are doubtful. Squared distances ``‖x‖² − 2 x·s + ‖s‖²`` are compared; their error is at most
    ``u (d + 4) (‖x‖ + ‖s‖)²``.
    """

    block_rows = (128, 16)

    def __init__(self, states, codes, n_neighbors):
        self._states, self._codes, self._k = states, codes, n_neighbors
        self.classifies = codes is not None

    @property
    def n_members(self):
        """Number of members."""
        return len(self._states)

    def state(self, place):
        """State of one member."""
        return self._states[place]

    def ask_block(self, X):
        """Votes of the nearest rows, or the mean of their targets."""
        norms = row_norms(X)
        answers = np.empty((X.shape[0], self.n_members))
        margins = np.zeros(answers.shape)
        for place, state in enumerate(self._states):
            distances, error = self._distances(X, norms, state)
            if self.classifies:
                votes, margins[:, place] = self._vote(distances, error, state)
                answers[:, place] = self._codes[place][votes]
            else:
                nearest = np.argsort(distances, axis=1, kind="stable")[:, : self._k]
                answers[:, place] = state.arrays["targets"][nearest].mean(axis=1)
        return answers, margins if self.classifies else None, 0.0

    def _distances(self, X, norms, state):
        rows, squares = state.arrays["rows"], state.arrays["squares"]
        product = X @ rows.T
        product = product.toarray() if sp.issparse(product) else product
        distances = norms[:, None] ** 2 - 2.0 * product + squares
        reach = norms + np.sqrt(squares.max())
        return distances, UNIT_ROUNDOFF * (X.shape[1] + 4) * reach**2

    def _vote(self, distances, error, state):
        targets, k = state.arrays["targets"], self._k
        indicator = targets[:, None] == np.arange(len(state.classes))
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        counts = indicator[order].sum(axis=1)
        votes = counts.argmax(axis=1)
        # Rows whose distance is within the error of the k-th may be in or out.
        edge = np.take_along_axis(distances, order[:, -1:], axis=1)
        open_rows = np.abs(distances - edge) <= 2.0 * error[:, None]
        sure = (distances < edge) & ~open_rows
        low = sure.astype(np.int64) @ indicator
        places = k - sure.sum(axis=1, keepdims=True)
        high = low + np.minimum(open_rows.astype(np.int64) @ indicator, places)
        # The open places go to classes that have open rows; the winner gets at least what the others cannot take.
        least = np.maximum(low, k - (high.sum(axis=1, keepdims=True) - high))
        rows = np.arange(len(votes))
        own = least[rows, votes][:, None]
        rivals = high + (np.arange(high.shape[1]) < votes[:, None])
        rivals[rows, votes] = 0
        # Neighbours that the winner is ahead of what any other class needs to win.
        margin = 1.0 + own[:, 0] - rivals.max(axis=1)
        return votes, np.where(np.isfinite(edge[:, 0]), margin, np.nan)
