"""The choice among fits that left out different rows: by what they say of all rows, not of those that they kept."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

# Standard errors of a difference beyond which one fit is worse than another, or better.
_WORSE = {"estimator": 3.0, "reference": 6.0}
_CLEARLY = 2.0
_LIKELY = 1.0

# And how many times as many errors it makes: the rows of a share that is left out count as errors of a good fit, too.
_WORSE_BY = {"estimator": 1.0, "reference": 1.15}

# Leaving out a tenth of the rows makes a fit to noise explain the rest about 1.6 times as well, as measured on clean
# data; below a half there was something to leave out. Beyond 17 % the bound stays where it is. What the reference says
# of the rows hardly moves for noise: clean data gave 0.81 to 1.06, a tenth of flipped labels 0.5 to 0.8.
_EXPLAINED = {"estimator": 0.5, "reference": 0.8}
_BEST_EXPLAINED = {"estimator": 0.3, "reference": 0.75}


# Errors of a forest over those of the reference, on rows that it has not seen: 0.97 to 1.01 where the classes lie on
# either side of a plane, as in spambase, 0.64 to 0.84 where they do not.
_OUTDONE = 0.9


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
    if len(classes) < 2:
        return errors
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


def choose(objectives, errors, *, by):
    """Choose among fits that left out the same share of the rows.

    The smallest trimmed loss decides, but not in favour of a fit that is clearly wrong about more rows than another:
    where a class is almost gone, or bad rows agree with each other, the trimmed loss is small too.

    Parameters
    ----------
    objectives : list of float
    errors : list of ndarray of shape (n_samples,)
        See `row_errors`.
    by : {"estimator", "reference"}
        Whose losses and errors these are.

    Returns
    -------
    chosen : int
    """
    best = errors[min(range(len(errors)), key=lambda i: errors[i].sum())]
    few = _WORSE_BY[by] * best.sum()
    open_to = [i for i, own in enumerate(errors) if own.sum() <= few or lead(best, own) <= _WORSE[by]]
    return min(open_to, key=lambda i: objectives[i])


def is_worth(objective, before, more, errors, errors_before, *, by):
    """Whether to leave out more rows than another fit did.

    Parameters
    ----------
    objective : float
        Mean loss of the rows kept.
    before : float
        The same for the other fit, had it kept as few.
    more : float
        Difference of the shares left out.
    errors, errors_before : ndarray of shape (n_samples,)
        See `row_errors`.
    by : {"estimator", "reference"}
        Whose losses and errors these are.
    """
    expected = max(_BEST_EXPLAINED[by], _EXPLAINED[by] ** (more / 0.1))
    return objective < expected * before or is_better(errors, errors_before)


def is_outdone(errors, rival_errors):
    """Whether a rival makes clearly fewer errors, and not just a few fewer, as it must among many rows."""
    return lead(rival_errors, errors) > _CLEARLY and rival_errors.sum() < _OUTDONE * errors.sum()


def is_better(errors, errors_before):
    """Whether errors are clearly smaller than those of another fit."""
    return lead(errors, errors_before) > _CLEARLY


def dissent(errors, chosen):
    """Largest share of rows that a fit about as good as the chosen one sees otherwise, each at its best threshold."""
    rivals = [rival for rival in errors if lead(errors[chosen], rival) < _LIKELY]
    return max(float(np.mean(rival != errors[chosen])) for rival in rivals)
