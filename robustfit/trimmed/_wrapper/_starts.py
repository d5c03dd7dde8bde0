"""Where concentration steps begin, and what they leave out."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.trimmed._wrapper._reference import reference_run
from robustfit.trimmed._wrapper._search import concentrate

# Shares of the final budget on the way to it.
_ANNEALING = (0.25, 0.5, 0.75)

# Shares of the budget that fall to the first of two classes; half and half is close to "class".
_SPLITS = (0.0, 1.0, 0.25, 0.75)


def plan_starts(trim_by, totals):
    """Name the starts, the most useful first.

    Parameters
    ----------
    trim_by : {"auto", "global", "class"}
    totals : ndarray of shape (n_groups,)
        Weight of each class.

    Returns
    -------
    names : list of tuple
        Kind of the start, and the share of the budget of each class where it is fixed.
    """
    overall = [("all rows",), ("reference",), ("annealed",)]
    if trim_by == "global":
        return overall
    by_class = [("per class", totals / totals.sum())]
    if trim_by == "class":
        return by_class
    split = []
    if len(totals) == 2:
        split = [(f"{share:.0%} from the first class", np.array([share, 1.0 - share])) for share in _SPLITS]
    return [*overall[:2], *by_class, *split[:2], overall[2], *split[2:]]


def run_start(fits, trim, start, share, *, full, reference, max_iter):
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

    Returns
    -------
    runs : list of Run
        The last one ends where the start led; those before it are on the way, and models of their own.
    """
    name, everything, budget = start[0], fits.data.weights, share * fits.data.weights.sum()
    if len(start) == 2:
        rule = trim.by_class(budget * start[1])
        return [concentrate(fits, name, share, rule, None, max_iter=max_iter, full=full)]
    rule = trim.overall(budget)
    if name == "annealed":
        runs, kept = [], trim.overall(_ANNEALING[0] * budget)(full.losses)
        for part in _ANNEALING[1:]:
            step = trim.overall(part * budget)
            runs.append(concentrate(fits, name, part * share, step, kept, max_iter=1))
            kept = step(runs[-1].found.losses)
        kept = rule(runs[-1].found.losses)
        return [*runs, concentrate(fits, name, share, rule, kept, max_iter=max_iter)]
    if name == "reference":
        if reference is None:
            return []
        first = reference_run(reference, name, share, rule, everything)
        kept = rule(first.found.losses)
        return [first, concentrate(fits, name, share, rule, kept, max_iter=max_iter)]
    return [concentrate(fits, name, share, rule, None, max_iter=max_iter, full=full)]
