"""Linear members: one matrix product asks all of them."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp

from robustfit.ensemble._lean._family import SOLVER_ERROR, UNIT_ROUNDOFF, LeanMembers, State, row_norms
from robustfit.ensemble._lean._top_two import TopTwo

# Few enough that a single row is answered at once, enough that a product is worth its call.
_BLOCK_ROWS = 32


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

    Notes
    -----
    With ``u`` the unit roundoff, ``d`` features and ``κ`` the condition number, the error of a score is at most
    ``noise · (1 + ‖x‖)`` with ``noise = u (d + 2 + c κ) max_k (‖w_k‖ + |b_k|) + residual``: the rounding of a dot
    product, and the forward error of a backward stable solver, with `SOLVER_ERROR` for ``c``.
    """
    size = float((np.sqrt(np.einsum("ij,ij->i", coef, coef)) + np.abs(intercept)).max())
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
        coef = np.zeros((n_classes, len(states), self._n_features))
        for place, (state, known) in enumerate(zip(states, codes, strict=True)):
            # The only score of two classes is that of the second; the first has zero.
            scored = known[-len(state.arrays["coef"]) :]
            self._intercept[known, place] = 0.0
            coef[scored, place] = state.arrays["coef"]
            self._intercept[scored, place] = state.arrays["intercept"]
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
        error = np.multiply.outer(1.0 + row_norms(X), self._noise)
        top = TopTwo(error.shape)
        for code, (coef, intercept) in enumerate(zip(self._coef, self._intercept, strict=True)):
            score = np.broadcast_to(intercept, error.shape) if coef is None else _product(X, coef) + intercept
            top.offer(code, score, error)
        return top.votes, top.doubtful()


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
        return _product(X, self._coef) + self._intercept, None


def _product(X, coef):
    product = X @ coef.T
    return product.toarray() if sp.issparse(product) else np.asarray(product)
