"""Score, leave out, score again without what was left out; then take back what the cleaned model believes."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.sanitize._leave_cluster_out._references import Problem, minimise, scores_left_out

# The rows kept in later rounds hold fewer bad ones: the reference may tell classes apart better.
_EASE = 0.5

# Penalty per row at most of the model that says which rows come back. Of few rows it would else be sure of nothing, and
# believe all.
_FINAL_PENALTY_PER_ROW = 0.001

# The surest rows come back first. With them the model has more to say against the bad ones, which would be believed if
# all came at once; those that remain are the less believed, the more has come back.
_STEPS = (0.9, 0.75, 0.6, 0.5, 0.4, 0.3, 0.2)


def run_rounds(X, view, clusterings, penalty, select, n_rounds):
    """Score rows by reference models of the rows kept so far that have not seen the rows of their cluster.

    Parameters
    ----------
    X : ndarray or csr array of shape (n_samples, n_unknowns)
        With the column of ones.
    view : ClassView or NumberView
    clusterings : list of ndarray
        Folds of the rows; scores are averaged over them.
    penalty : float
        Per row kept, in the first round; half as large in each one after.
    select : callable
        ``select(scores)`` marks the rows to keep.
    n_rounds : int

    Returns
    -------
    scores : ndarray of shape (n_samples,)
    kept : ndarray of shape (n_samples,), bool
    """
    kept, weights = np.ones(X.shape[0], dtype=bool), None
    for place in range(n_rounds):
        problem = reference_problem(X, view, penalty * _EASE**place, kept)
        weights = minimise(problem, weights)
        folds = [(folds[kept], folds) for folds in clusterings]
        found = scores_left_out(problem, weights, folds, X)
        suspicion = np.mean([view.suspicion(scores) for scores in found], axis=0)
        scores = view.excess(suspicion, view.typical(suspicion))
        kept = select(scores)
    return scores, kept


def reference_problem(X, view, penalty, kept):
    """Return the problem of the reference model of some of the rows."""
    return Problem(X[kept], view.targets[kept], view.reference_loss, penalty * np.count_nonzero(kept))


def readmit(X, view, kept, penalty, least, cap):
    """Take back rows that a model of the rows kept believes, and the least doubtful ones of the others.

    Parameters
    ----------
    X : ndarray or csr array of shape (n_samples, n_unknowns)
    view : ClassView or NumberView
    kept : ndarray of shape (n_samples,), bool
    penalty : float
        Of that model, for all rows together.
    least : float
        Belief from which a row comes back in the end.
    cap : callable or None
        ``cap(doubts)`` marks the rows that come back in any case, since only so many may stay away.

    Returns
    -------
    kept : ndarray of shape (n_samples,), bool
    """
    weights, fitted = None, None
    for step in (*(step for step in _STEPS if step > least), least, least):
        if not np.array_equal(kept, fitted):
            weights, fitted = final_weights(X, view, kept, penalty, weights), kept
            belief = view.belief(X @ weights, kept)
        kept = kept | (belief >= step)
    if cap is None:
        return kept
    # Rows that are kept are above all doubt.
    return kept | cap(np.where(kept, -2.0, -belief))


def final_weights(X, view, kept, penalty, start=None):
    """Fit the model that is believed: as weakly regularised as a user's would be."""
    penalty = min(penalty, _FINAL_PENALTY_PER_ROW * X.shape[0])
    return minimise(Problem(X[kept], view.targets[kept], view.final_loss, penalty), start)
