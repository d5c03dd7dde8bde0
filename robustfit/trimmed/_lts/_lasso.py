"""Elastic net on normal equations, for many subsets at once, by coordinate descent."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

EXACT = 1e-12
ROUGH = 1e-4
_MOST_SWEEPS = {EXACT: 20_000, ROUGH: 100}


def solve_lasso(gram, moment, ridge, l1, tolerance):
    """Minimise ``b'Gb − 2 m'b + Σ ridge_j b_j² + Σ l1_j |b_j|`` for each of several G and m.

    All coefficients are gone through once, then those that are not zero anywhere until they rest, then all again, until
    that changes nothing.

    Parameters
    ----------
    gram : ndarray of shape (n_subsets, p, p)
    moment : ndarray of shape (n_subsets, p)
    ridge, l1 : ndarray of shape (p,)
    tolerance : {EXACT, ROUGH}
        Largest last change of a coefficient, in units of the largest there could be. Rough solutions also stop after
        some sweeps.

    Returns
    -------
    coefs : ndarray of shape (n_subsets, p)
    """
    every = np.arange(moment.shape[1])
    state = _Descent(gram, moment, ridge, l1)
    sweeps, at_rest = 0, False
    while not at_rest and sweeps < _MOST_SWEEPS[tolerance]:
        at_rest = state.sweep(every) <= tolerance
        sweeps += 1
        active = np.flatnonzero(state.coefs.any(axis=1))
        while len(active) and sweeps < _MOST_SWEEPS[tolerance]:
            sweeps += 1
            if state.sweep(active) <= tolerance:
                break
    return state.coefs.T.copy()


class _Descent:
    """Coefficients of all subsets, (p, n_subsets), so that one of them in all subsets is one piece of memory."""

    def __init__(self, gram, moment, ridge, l1):
        diagonal = np.einsum("kjj->jk", gram)
        self._columns = np.ascontiguousarray(gram.transpose(2, 1, 0))
        self._own = np.ascontiguousarray(diagonal)
        weight = self._own + ridge[:, None]
        self._weight = np.where(weight > 0, weight, 1.0)
        self._gradient = np.ascontiguousarray(moment.T).copy()
        self._threshold = 0.5 * l1
        largest = np.max(np.square(moment.T) / self._weight, axis=0)
        self._unit = np.sqrt(self._weight / np.where(largest > 0, largest, 1.0))
        self.coefs = np.zeros(moment.T.shape)

    def sweep(self, places):
        """Minimise over one coefficient after the other; return the largest change."""
        largest = 0.0
        for j in places:
            pull = self._gradient[j] + self._own[j] * self.coefs[j]
            new = np.sign(pull) * np.maximum(np.abs(pull) - self._threshold[j], 0.0) / self._weight[j]
            step = new - self.coefs[j]
            if step.any():
                self._gradient -= self._columns[j] * step
                self.coefs[j] = new
                largest = max(largest, float(np.max(np.abs(step) * self._unit[j])))
        return largest
