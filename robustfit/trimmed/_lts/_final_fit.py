"""The fit that ends a search: on some rows, refined against rounding, shortest where rows leave it open."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._lts._normal_equations import gram_of, solve_one

_ROUNDS = 50
_TOLERANCE = 1e-9
# Where the bisquare reaches zero, for 95 % efficiency with normal errors.
_BISQUARE = 4.685


def fit_rows(problem, units, kept):
    """Penalised least squares on the rows kept; of all that fit alike, the one with the shortest slopes.

    Parameters
    ----------
    problem : Problem
    units : Units
    kept : ndarray of shape (n_rows,), bool

    Returns
    -------
    coefs : ndarray of shape (p,)
    """
    index = np.flatnonzero(kept)
    gram, moment = gram_of(problem, index)
    coefs = solve_one(problem, gram, moment)
    if problem.sparse:
        return coefs
    for _ in range(2):
        residuals = np.where(kept, problem.target - problem.rows @ coefs, 0.0)
        coefs = coefs + solve_one(problem, gram, problem.rows.T @ residuals - problem.ridge * coefs)
    return _shortest(units, gram + np.diag(problem.ridge), coefs)


def degrees_of_freedom(problem, coefs, kept):
    """Coefficients that the fit on the rows kept is free to choose, fewer where they are penalised."""
    if problem.sparse:
        return float(np.count_nonzero(coefs))
    if not problem.ridge.any():
        return float(problem.n_coefs)
    gram = gram_of(problem, np.flatnonzero(kept))[0]
    return float(np.trace(np.linalg.pinv(gram + np.diag(problem.ridge), hermitian=True) @ gram))


def _shortest(units, gram, coefs):
    """Take out what the rows say nothing of, measured in the units of the data."""
    size = np.sqrt(gram.diagonal())
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(gram / size / size[:, None])
    open_ = vectors[:, values <= values[-1] * len(values) * 4 * np.finfo(float).eps] / size[:, None]
    n_features = len(units.scale)
    if not open_.size:
        return coefs
    slopes = coefs[:n_features] / units.scale
    # Directions differ by many orders where columns do.
    silent = open_[:n_features] / units.scale[:, None]
    length = np.linalg.norm(silent, axis=0)
    length[length == 0] = 1.0
    return coefs - (open_ / length) @ np.linalg.lstsq(silent / length, slopes, rcond=None)[0]


def bisquare_fit(problem, coefs, scale):
    """Tukey's bisquare from a robust start with the scale held (the last step of an MM estimate).

    Parameters
    ----------
    problem : Problem
    coefs : ndarray of shape (p,)
    scale : float
        Positive.

    Returns
    -------
    coefs : ndarray of shape (p,)
    weights : ndarray of shape (n_rows,)

    References
    ----------
    .. [1] V. J. Yohai, "High breakdown-point and high efficiency robust estimates for regression", Annals of
       Statistics, 1987.
    """
    for _ in range(_ROUNDS):
        residuals = problem.target - problem.rows @ coefs
        weights = bisquare_weights(residuals, scale)
        index = np.flatnonzero(weights)
        root = np.sqrt(weights[index])
        rooted = problem._replace(rows=problem.rows[index] * root[:, None], target=problem.target[index] * root)
        gram, moment = gram_of(rooted, np.arange(len(index)))
        before, coefs = coefs, solve_one(problem, gram, moment)
        if np.max(np.abs(problem.rows[index] @ (coefs - before)), initial=0.0) <= _TOLERANCE * scale:
            break
    return coefs, bisquare_weights(problem.target - problem.rows @ coefs, scale)


def bisquare_weights(residuals, scale):
    """Weights of rows: from 1 at no residual to 0 beyond 4.685 sigma."""
    return np.square(np.maximum(1.0 - np.square(residuals / (_BISQUARE * scale)), 0.0))
