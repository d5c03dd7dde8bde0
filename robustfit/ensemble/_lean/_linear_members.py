"""Linear members: one matrix product asks all of them."""

# SPDX-License-Identifier: BSD-3-Clause

from math import isfinite

import numpy as np
import scipy.sparse as sp

from robustfit.ensemble._lean._family import UNIT_ROUNDOFF, LeanFamily, LeanMembers, State, Unsolved, row_norms
from robustfit.ensemble._lean._rounding import length
from robustfit.ensemble._lean._top_two import TopTwo

# Few enough that a single row is answered at once, enough that a product is worth its call.
_BLOCK_ROWS = (32,)


def linear_state(coef, intercept, *, classes=None, rounding=None, **attributes):
    """State of a linear member.

    Parameters
    ----------
    coef : ndarray of shape (n_scores, n_features)
        One row per class, or a single one: of the second class, or of a regressor.
    intercept : ndarray of shape (n_scores,)
    classes : ndarray, optional
    rounding : Rounding, optional
        Of a classifier.

    Raises
    ------
    Unsolved
        If a coefficient is not finite.
    """
    if not isfinite(length(coef) + length(intercept)):
        raise Unsolved("its coefficients are not finite")
    return State({"coef": coef, "intercept": intercept}, classes, attributes=attributes, rounding=rounding)


class LinearClassifiers(LeanMembers):
    """Members that vote for the largest of ``w_k·x + b_k``; for two classes for the sign of one score.

    The error of a score is at most ``u (d + 2) (‖w‖‖x‖ + ‖b‖)``, the rounding of a dot product, plus what the rounding
    of the coefficients makes of it, see `Rounding`. ``‖D x‖`` is first taken for at most ``max D · ‖x‖``, and computed
    where that leaves a vote in doubt.
    """

    block_rows = _BLOCK_ROWS
    classifies = True

    def __init__(self, states, codes, n_classes, *, sparse=False):
        self._n_features = states[0].arrays["coef"].shape[1]
        self._intercept = np.full((n_classes, len(states)), -np.inf)
        sums = UNIT_ROUNDOFF * (self._n_features + 2)
        # A margin is the difference of two scores.
        self._by_norm = 2.0 * sums * np.array([length(state.arrays["coef"]) for state in states])
        self._slack = 2.0 * np.array([state.rounding.slack for state in states])
        self._constant = 2.0 * np.array(
            [sums * length(state.arrays["intercept"]) + state.rounding.constant for state in states]
        )
        scale = np.array([state.rounding.scale for state in states])
        self._largest_scale = scale.max(axis=1)
        self._scale_squares = sp.csr_array(scale**2) if sparse else scale**2
        self._codes = codes
        self._more = [(state.classes, state.attributes) for state in states]
        rows = [state.arrays["coef"] for state in states]
        # The only score of two classes is that of the second; the first has zero.
        scored = np.concatenate([known[-len(own) :] for known, own in zip(codes, rows, strict=True)])
        places = np.repeat(np.arange(len(states)), [len(own) for own in rows])
        coef = np.zeros((n_classes, len(states), self._n_features))
        coef[scored, places] = np.concatenate(rows)
        known_places = np.repeat(np.arange(len(states)), [len(known) for known in codes])
        self._intercept[np.concatenate(codes), known_places] = 0.0
        self._intercept[scored, places] = np.concatenate([state.arrays["intercept"] for state in states])
        self._coef = [(sp.csr_array(rows) if sparse else rows) if rows.any() else None for rows in coef]

    @property
    def n_members(self):
        """Number of members."""
        return len(self._codes)

    def state(self, place):
        """State of one member."""
        classes, attributes = self._more[place]
        scored = self._codes[place][-1:] if len(classes) == 2 else self._codes[place]
        coef = np.array([self._coef_of(code, place) for code in scored])
        arrays = {"coef": coef, "intercept": self._intercept[scored, place]}
        return State(arrays, classes, attributes=attributes)

    def _coef_of(self, code, place):
        rows = self._coef[code]
        if rows is None:
            return np.zeros(self._n_features)
        return rows[[place]].toarray()[0] if sp.issparse(rows) else rows[place]

    def ask_block(self, X):
        """Votes for the largest score."""
        norms = row_norms(X)
        error = np.multiply.outer(norms, self._by_norm + self._slack * self._largest_scale) + self._constant
        votes, margin = self._ask_pair(X, error.shape) if len(self._coef) == 2 else self._ask_several(X, error.shape)
        if (close := ~(margin > error).all(axis=0)).any():
            scaled = _product(X * X, self._scale_squares[close])
            error[:, close] = np.multiply.outer(norms, self._by_norm[close]) + self._slack[close] * np.sqrt(scaled)
            error[:, close] += self._constant[close]
        return votes, margin, error

    def _ask_several(self, X, shape):
        top = TopTwo(shape, len(self._coef))
        for code, (coef, intercept) in enumerate(zip(self._coef, self._intercept, strict=True)):
            top.offer(code, np.broadcast_to(intercept, shape) if coef is None else _product(X, coef) + intercept)
        return top.votes, top.margin()

    def _ask_pair(self, X, shape):
        """Votes for the sign of the only score: with two classes all members know both."""
        coef, intercept = self._coef[1], self._intercept[1]
        score = np.broadcast_to(intercept, shape) if coef is None else _product(X, coef) + intercept
        return (score > 0).view(np.int8), np.abs(score)


class LinearClassifierFamily(LeanFamily):
    """Solver whose members are `LinearClassifiers`."""

    def pack(self, states, codes, n_classes, *, sparse, slots):
        """Stack the coefficients."""
        return LinearClassifiers(states, codes, n_classes, sparse=sparse)

    def fitted_attributes(self, state):
        """Coefficients of all scores."""
        return {"coef_": state.arrays["coef"].copy(), "intercept_": state.arrays["intercept"].copy()}


class LinearRegressors(LeanMembers):
    """Members that predict ``w·x + b``.

    Nobody doubts a prediction: so there is a place for every shard, solved or not, and a product of one shape.
    """

    block_rows = _BLOCK_ROWS
    classifies = False

    def __init__(self, states, slots, *, sparse=False):
        self._places, n_slots = slots
        coef = np.zeros((n_slots, states[0].arrays["coef"].shape[1]))
        coef[self._places] = np.concatenate([state.arrays["coef"] for state in states])
        self._coef = sp.csr_array(coef) if sparse else coef
        self._intercept = np.concatenate([state.arrays["intercept"] for state in states])
        self._attributes = [state.attributes for state in states]

    @property
    def n_members(self):
        """Number of members."""
        return len(self._intercept)

    def state(self, place):
        """State of one member."""
        coef = self._coef[[self._places[place]]]
        arrays = {
            "coef": coef.toarray() if sp.issparse(coef) else coef,
            "intercept": self._intercept[[place]],
        }
        return State(arrays, attributes=self._attributes[place])

    def ask_block(self, X):
        """Predictions."""
        return _product(X, self._coef)[:, self._places] + self._intercept, None, 0.0


def _product(X, coef):
    product = X @ coef.T
    return product.toarray() if sp.issparse(product) else np.asarray(product)
