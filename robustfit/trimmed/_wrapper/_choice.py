"""The choice among fits that left out different rows: by what they say of all rows, not of those that they kept."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

# Standard errors by which a fit without some rows must beat the fit on all of them, and another kind of trimming the
# usual one.
_CLEARLY = 2.0
_LIKELY = 1.0


def row_errors(table, codes, weights):
    """Share of the balanced error that each row is charged with.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_classes)
        Scores of the classes.
    codes : ndarray of shape (n_samples,)
        Labels as given, good or bad.
    weights : ndarray of shape (n_samples,)

    Returns
    -------
    errors : ndarray of shape (n_samples,)
        They sum up to the mean, over the classes, of half the share of the class missed plus half the share of the
        others taken for it, each at the best threshold on the score of the class.

    Notes
    -----
    Every row counts, with at most its weight, so that leaving out the rows that are hard, or a whole class, gains
    nothing. A threshold for each class makes the error one of the order of the scores: how often each label is given,
    which one-sided flips change, does not enter.
    """
    errors, classes = np.zeros(len(codes)), np.arange(table.shape[1])
    # Of two classes the second says all.
    for c in classes[1:] if len(classes) == 2 else classes:
        own = codes == c
        price = np.where(own, weights / weights[own].sum(), weights / weights[~own].sum()) / 2.0
        order = np.argsort(-table[:, c], kind="stable")
        score = table[order, c]
        gain = np.cumsum(np.where(own, price, -price)[order])
        ends = np.append(score[1:] != score[:-1], True)
        best = np.argmax(np.where(ends, gain, -np.inf))
        taken = table[:, c] >= score[best] if gain[best] > 0.0 else np.zeros(len(codes), dtype=bool)
        errors += np.where(taken != own, price, 0.0)
    return errors / (1 if len(classes) == 2 else len(classes))


def lead(errors, rival_errors):
    """How much better the first errors are than those of a rival, in standard errors of the difference."""
    difference = rival_errors - errors
    spread = np.sqrt(np.sum(difference**2))
    return float(difference.sum() / spread) if spread > 0.0 else 0.0


def choose(errors, *, first, full):
    """Choose among fits.

    Parameters
    ----------
    errors : list of ndarray of shape (n_samples,)
        See `row_errors`.
    first : int
        The fit that others must be likely to beat.
    full : int or None
        The fit on all rows, which stays unless it is clearly beaten.

    Returns
    -------
    chosen : int
    """
    trimmed = [i for i in range(len(errors)) if i != full]
    if not trimmed:
        return full
    best = min(trimmed, key=lambda i: errors[i].sum())
    chosen = best if lead(errors[best], errors[first]) > _LIKELY else first
    if full is not None and lead(errors[chosen], errors[full]) <= _CLEARLY:
        return full
    return chosen


def dissent(tables, errors, chosen):
    """Largest share of rows that a fit about as good as the chosen one puts into another class."""
    own = tables[chosen].argmax(axis=1)
    rivals = [i for i in range(len(tables)) if lead(errors[chosen], errors[i]) < _CLEARLY]
    return max(float(np.mean(tables[i].argmax(axis=1) != own)) for i in rivals)
