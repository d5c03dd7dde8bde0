"""Leave out what a model that no row pulls far contradicts, and take back what the estimator then believes."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._wrapper._fits import trimmed_mean
from robustfit.trimmed._wrapper._reference import reference_fits, reference_run
from robustfit.trimmed._wrapper._search import Run

# The reference leaves out more than is said to be bad: bad rows that it keeps would win the estimator over again.
_CAUTION = 1.5
_MOST = 0.45

# A label is believed if no other is more than three times as likely: with two classes, from a probability of 1/4.
# Scores are not probabilities; a row that lies on the wrong side is believed up to half the margin.
_ODDS = 3.0
_HALF_MARGIN = 0.5


def filtered_runs(fits, reference, name, share, leave_out, *, exact):
    """Fit to the rows that the reference keeps, then once more to all rows that this fit believes.

    There are no more steps: a learner whose rows may pull without bound would fit bad rows among them next.

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
        Whether the second fit is to the rows with the smallest losses after the first, the share given being left out;
        else it is to all rows whose label the first fit believes, besides those it was fitted on.

    Returns
    -------
    runs : list of Run
        Of the reference, and of the estimator.
    """
    wide = min(_CAUTION * share, max(_MOST, share))
    way = reference_run(reference, name, wide, leave_out(wide), reference.weights)
    first = fits.look(way.kept)
    if exact:
        kept = leave_out(share)(first.losses)
    else:
        kept = np.where(believed(first.table, fits.data.target, fits.response.method), fits.data.weights, way.kept)
    found = fits.evaluate(kept)
    objective = trimmed_mean(found.losses, kept)
    return [way, Run(name, share, kept, found, objective, [objective], n_steps=2, ended="refit")]


def believed(table, codes, method):
    """Whether a fit finds each label likely enough.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_classes)
    codes : ndarray of shape (n_samples,)
    method : {"predict_proba", "decision_function"}
        What the table holds.
    """
    rows, others = np.arange(len(codes)), table.copy()
    others[rows, codes] = -np.inf
    own, best = table[rows, codes], others.max(axis=1, initial=-np.inf)
    if method == "predict_proba":
        return _ODDS * own >= best
    with np.errstate(invalid="ignore"):
        return own - best >= -2.0 * _HALF_MARGIN


def reference_view(reference, kept):
    """Return what the reference says of all rows if it is fitted to those kept."""
    return reference_fits(reference).evaluate(kept)
