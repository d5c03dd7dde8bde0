"""Score, leave out, score again without what was left out; then take back what the cleaned model believes."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.sanitize._leave_cluster_out._references import Problem, minimise, scores_left_out

# Total penalty of the model that says which rows come back: that of `sklearn.linear_model.LogisticRegression`.
_FINAL_PENALTY = 1.0
_READMISSIONS = 2


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
        Per row kept.
    select : callable
        ``select(scores)`` marks the rows to keep.
    n_rounds : int

    Returns
    -------
    scores : ndarray of shape (n_samples,)
    kept : ndarray of shape (n_samples,), bool
    """
    kept, weights = np.ones(X.shape[0], dtype=bool), None
    for _ in range(n_rounds):
        before = kept
        problem = reference_problem(X, view, penalty, kept)
        weights = minimise(problem, weights)
        scores = np.mean(
            [view.suspicion(scores_left_out(problem, weights, folds[kept], X, folds)) for folds in clusterings],
            axis=0,
        )
        kept = select(scores)
        if np.array_equal(kept, before):
            break
    return scores, kept


def reference_problem(X, view, penalty, kept):
    """Return the problem of the reference model of some of the rows."""
    return Problem(X[kept], view.targets[kept], view.reference_loss, penalty * np.count_nonzero(kept))


def readmit(X, view, kept, least):
    """Take back rows that a model of the rows kept believes.

    Parameters
    ----------
    X : ndarray or csr array of shape (n_samples, n_unknowns)
    view : ClassView or NumberView
    kept : ndarray of shape (n_samples,), bool
    least : float
        Belief from which a row comes back.

    Returns
    -------
    kept : ndarray of shape (n_samples,), bool
    scores : ndarray of shape (n_samples, n_tasks)
        Of the last of those models.
    """
    weights = None
    for _ in range(_READMISSIONS):
        weights = minimise(Problem(X[kept], view.targets[kept], view.final_loss, _FINAL_PENALTY), weights)
        scores = X @ weights
        back = kept | (view.belief(scores, kept) >= least)
        if np.array_equal(back, kept):
            break
        kept = back
    return kept, scores
