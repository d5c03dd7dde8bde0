"""Linear members: one matrix product asks all of them."""

# SPDX-License-Identifier: BSD-3-Clause

from math import isfinite, sqrt

import numpy as np
import scipy.sparse as sp

from robustfit.ensemble._lean._family import (
    SOLVER_ERROR,
    UNIT_ROUNDOFF,
    LeanMembers,
    State,
    Unsolved,
    row_norms,
)
from robustfit.ensemble._lean._top_two import TopTwo

# Few enough that a single row is answered at once, enough that a product is worth its call.
_BLOCK_ROWS = (32,)


def linear_state(coef, intercept, *, classes=None, condition=1.0, residual=0.0, **attributes):
    """State of a linear member.

    Parameters
    ----------
    coef : ndarray of shape (n_scores, n_features)
        One row per class, or a single one: of the second class, or of a regressor.
    intercept : ndarray of shape (n_scores,)
    classes : ndarray, optional
    condition : float
        Condition number of the system that was solved.
    residual : float
        Bound on the distance of the coefficients from the exact minimiser, besides rounding.

    Raises
    ------
    Unsolved
        If a coefficient is not finite.

    Notes
    -----
    With ``u`` the unit roundoff, ``d`` features and ``κ`` the condition number, the error of a score is at most
    ``noise · (1 + ‖x‖)`` with ``noise = u (d + 2 + c κ) (‖w‖ + ‖b‖) + residual``: the rounding of a dot
    product, and the forward error of a backward stable solver, with `SOLVER_ERROR` for ``c``.
    """
    # Norms of all scores together: at least as large as that of any one of them.
    size = sqrt(np.vdot(coef, coef)) + sqrt(intercept @ intercept)
    if not isfinite(size):
        raise Unsolved("its coefficients are not finite")
    noise = UNIT_ROUNDOFF * (coef.shape[1] + 2 + SOLVER_ERROR * condition) * size + residual
    return State({"coef": coef, "intercept": intercept}, classes, noise, attributes)


def linear_attributes(state):
    """Fitted attributes of scikit-learn's linear classifiers."""
    return {"coef_": state.arrays["coef"].copy(), "intercept_": state.arrays["intercept"].copy()}


class LinearClassifiers(LeanMembers):
    """Members that vote for the largest of ``w_k·x + b_k``; for two classes for the sign of one score."""

    block_rows = _BLOCK_ROWS
    classifies = True

    def __init__(self, states, codes, n_classes, *, sparse=False):
        self._n_features = states[0].arrays["coef"].shape[1]
        self._intercept = np.full((n_classes, len(states)), -np.inf)
        self._noise = np.array([state.noise for state in states])
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
        return State(arrays, classes, float(self._noise[place]), attributes)

    def _coef_of(self, code, place):
        rows = self._coef[code]
        if rows is None:
            return np.zeros(self._n_features)
        return rows[[place]].toarray()[0] if sp.issparse(rows) else rows[place]

    def ask_block(self, X):
        """Votes for the largest score."""
        # A margin is the difference of two scores.
        error = np.multiply.outer(1.0 + row_norms(X), 2.0 * self._noise)
        if len(self._coef) == 2:
            return self._ask_pair(X, error)
        top = TopTwo(error.shape, len(self._coef))
        for code, (coef, intercept) in enumerate(zip(self._coef, self._intercept, strict=True)):
            score = np.broadcast_to(intercept, error.shape) if coef is None else _product(X, coef) + intercept
            top.offer(code, score)
        return top.votes, top.margin(), error

    def _ask_pair(self, X, error):
        """Votes for the sign of the only score: with two classes all members know both."""
        coef, intercept = self._coef[1], self._intercept[1]
        if coef is None:
            score = np.broadcast_to(intercept, error.shape)
        else:
            score = _product(X, coef)
            score += intercept
        return (score > 0).view(np.int8), np.abs(score), error


class LinearRegressors(LeanMembers):
    """Members that predict ``w·x + b``."""

    block_rows = _BLOCK_ROWS
    classifies = False

    def __init__(self, states, *, sparse=False):
        coef = np.concatenate([state.arrays["coef"] for state in states])
        self._coef = sp.csr_array(coef) if sparse else coef
        self._intercept = np.concatenate([state.arrays["intercept"] for state in states])
        self._noise = np.array([state.noise for state in states])
        self._attributes = [state.attributes for state in states]

    @property
    def n_members(self):
        """Number of members."""
        return len(self._intercept)

    def state(self, place):
        """State of one member."""
        coef = self._coef[[place]]
        arrays = {
            "coef": coef.toarray() if sp.issparse(coef) else coef,
            "intercept": self._intercept[[place]],
        }
        return State(arrays, None, float(self._noise[place]), self._attributes[place])

    def ask_block(self, X):
        """Predictions."""
        return _product(X, self._coef) + self._intercept, None, 0.0


def _product(X, coef):
    product = X @ coef.T
    return product.toarray() if sp.issparse(product) else np.asarray(product)
