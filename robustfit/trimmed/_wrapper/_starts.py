"""Where concentration steps begin, and what they leave out."""

# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise

import numpy as np

from robustfit.trimmed._wrapper._filter import filtered_runs
from robustfit.trimmed._wrapper._reference import reference_run
from robustfit.trimmed._wrapper._search import concentrate

# Shares of the final budget on the way to it.
_ANNEALING = (0.25, 0.5, 0.75)

# How much more is left out at first by the starts that are called cautious, and what never is.
_CAUTION = 2.0
_MOST = 0.45

# Shares of the budget that fall to the first of two classes; half and half is close to "class".
_SPLITS = (0.0, 1.0, 0.25, 0.75)


def plan_starts(trim_by, totals, *, referred, held_out=False):
    """Name the starts, the most useful first.

    Parameters
    ----------
    trim_by : {"auto", "global", "class"} or None
        None for regression.
    totals : ndarray of shape (n_groups,)
        Weight of each class.
    referred : bool
        Whether there is a reference.
    held_out : bool
        Whether losses are of rows that a fit has not seen, so that steps from all rows do not relapse.

    Returns
    -------
    names : list of tuple
        Kind of the start, and the share of the budget of each class where it is fixed.
    """
    if trim_by is None:
        return [("all rows",), ("reference",), ("cautious",), ("cautious reference",), ("annealed",)]
    parts = totals / totals.sum()
    if trim_by == "global":
        return [("all rows",), *[("filtered",)] * referred, ("annealed",)]
    if trim_by == "class":
        return [("per class", parts), *[("filtered per class", parts)] * referred]
    if not referred:
        return [("all rows",), ("per class", parts), ("annealed",)]
    split = []
    if len(totals) == 2:
        split = [(f"filtered, {share:.0%} from the first class", np.array([share, 1.0 - share])) for share in _SPLITS]
    return [("filtered",), ("filtered per class", parts), *[("all rows",)] * held_out, *split]


def run_start(fits, trim, start, share, *, full, reference, max_iter, exact):
    """Run concentration steps from one start.

    Parameters
    ----------
    fits : Fits
    trim : Trim
    start : tuple
        One of `plan_starts`.
    share : float
        Share of the weight to leave out.
    full : Evaluation
        Of the fit on all rows.
    reference : TrainingSet or None
        See `reference_data`.
    max_iter : int
    exact : bool
        Whether exactly this share is left out; else rows that the filter took for bad may come back.

    Returns
    -------
    runs : list of Run
        The last one ends where the start led; those before it are on the way, and models of their own.
    """
    name, leave_out = start[0], leave_out_of(start, trim)
    if name.startswith("filtered"):
        return filtered_runs(fits, reference, name, share, leave_out, exact=exact)
    rule = leave_out(share)
    if len(start) == 2 or name == "all rows":
        return [concentrate(fits, name, share, rule, None, max_iter=max_iter, full=full)]
    way = _WAYS[name](fits, trim, name, share, full, reference, max_iter)
    if way is None:
        return []
    return [*way, concentrate(fits, name, share, rule, rule(way[-1].found.losses), max_iter=max_iter)]


def leave_out_of(start, trim):
    """Return what turns a share into the rule that leaves it out, of all rows or as the start divides it."""
    total = trim.weights.sum()
    return lambda share: trim.by_class(share * total * start[1]) if len(start) == 2 else trim.overall(share * total)


def _annealed(fits, trim, name, share, full, reference, max_iter):
    """Leave out more and more."""
    total, way, found = fits.data.weights.sum(), [], full
    for before, part in pairwise(_ANNEALING):
        kept = trim.overall(before * share * total)(found.losses)
        way.append(concentrate(fits, name, part * share, trim.overall(part * share * total), kept, max_iter=1))
        found = way[-1].found
    return way


def _referred(fits, trim, name, share, full, reference, max_iter):
    """Begin with the rows that the reference keeps."""
    if reference is None:
        return None
    rule = trim.overall(share * fits.data.weights.sum())
    return [reference_run(reference, name, share, rule, fits.data.weights)]


def _cautious(fits, trim, name, share, full, reference, max_iter):
    """Leave out more than will be left out: a fit to fewer rows is harder to hold for bad ones."""
    share = min(_CAUTION * share, _MOST)
    rule = trim.overall(share * fits.data.weights.sum())
    return [concentrate(fits, name, share, rule, None, max_iter=max_iter, full=full)]


def _cautious_referred(fits, trim, name, share, full, reference, max_iter):
    """Leave out more than will be left out, beginning with the rows that the reference keeps."""
    share = min(_CAUTION * share, _MOST)
    way = _referred(fits, trim, name, share, full, reference, max_iter)
    if way is None:
        return None
    rule = trim.overall(share * fits.data.weights.sum())
    return [*way, concentrate(fits, name, share, rule, rule(way[0].found.losses), max_iter=max_iter)]


_WAYS = {
    "annealed": _annealed,
    "reference": _referred,
    "cautious": _cautious,
    "cautious reference": _cautious_referred,
}
