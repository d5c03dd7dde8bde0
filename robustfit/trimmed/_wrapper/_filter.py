"""Leave out what a model that no row pulls far contradicts, and take back what the estimator then believes."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._wrapper._fits import trimmed_mean
from robustfit.trimmed._wrapper._reference import reference_fits, reference_run
from robustfit.trimmed._wrapper._search import Run

# The reference leaves out more than is said to be bad: bad rows that it keeps would win the estimator over again.
_CAUTION = 1.5
_MOST = 0.45

# A label is believed if no other is more than nine times as likely: with two classes, from a probability of 1/10.
# Scores are not probabilities; a row that lies on the wrong side is believed up to this part of the margin.
# Votes of trees and neighbours are hardly ever so sure: there it is three times.
_ODDS = {"in_sample": 9.0, "out_of_fold": 3.0, "out_of_bag": 3.0}
_MARGIN = 0.75

# The second time the fit knows rows that were hard, and believes more of them; later ones add little. A learner that
# memorises would only repeat what it was told.
_READMISSIONS = {"in_sample": 2, "out_of_fold": 1, "out_of_bag": 1}


def filtered_runs(fits, reference, name, share, leave_out, *, exact):
    """Fit to the rows that the reference keeps, then also to all other rows that this fit believes.

    No row is left out by the estimator's own losses: a learner whose rows may pull without bound would next leave out
    good rows to fit bad ones.

    Parameters
    ----------
    fits : Fits
    reference : TrainingSet
        Unit rows; see `reference_data`.
    name, share
        As in `Run`.
    leave_out : callable
        ``leave_out(share)`` turns losses into the weights to keep.
    exact : bool
        Whether the last fit is to the rows with the smallest losses after the first, the share given being left out.

    Returns
    -------
    runs : list of Run
        Of the reference, and of the estimator.
    """
    way = reference_way(reference, name, share, leave_out)
    kept, n_steps = way.kept, 1
    if exact:
        kept = leave_out(share)(fits.look(kept).losses)
        n_steps += 1
    else:
        for _ in range(_READMISSIONS[fits.evaluation]):
            table, before = fits.look(kept).table, kept
            n_steps += 1
            back = believed(table, fits.data.target, fits.response.method, odds=_ODDS[fits.evaluation])
            kept = np.where(back, fits.data.weights, before)
            if np.array_equal(kept, before):
                break
    found = fits.evaluate(kept)
    objective = trimmed_mean(found.losses, kept)
    return [way, Run(name, share, kept, found, objective, [objective], n_steps=n_steps, ended="refit", way=way)]


def reference_way(reference, name, share, leave_out):
    """Return where the reference goes before the estimator is asked; parameters as in `filtered_runs`."""
    wide = min(_CAUTION * share, max(_MOST, share))
    return reference_run(reference, name, wide, leave_out(wide), reference.weights)


def believed(table, codes, method, *, odds):
    """Whether a fit finds each label likely enough.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,)
    method : {"predict_proba", "decision_function"}
        What the table holds.
    odds : float
        How much more likely another label may be.
    """
    rows, others = np.arange(len(codes)), table.copy()
    others[rows, codes] = -np.inf
    own, best = table[rows, codes], others.max(axis=1, initial=-np.inf)
    if method == "predict_proba":
        return odds * own >= best
    with np.errstate(invalid="ignore"):
        return own - best >= -2.0 * _MARGIN


def reference_view(reference, kept):
    """Return what the reference says of all rows if it is fitted to those kept."""
    return reference_fits(reference).evaluate(kept)
