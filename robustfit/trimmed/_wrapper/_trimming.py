"""The whole search: starts for each share that may be left out, and the choice among where they lead."""

# SPDX-License-Identifier: BSD-3-Clause

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from robustfit.trimmed._wrapper._filter import reference_view
from robustfit.trimmed._wrapper._fits import trimmed_mean
from robustfit.trimmed._wrapper._search import Run
from robustfit.trimmed._wrapper._starts import run_start

logger = logging.getLogger(__name__)

# How many times the least loss of the reference, over the rows kept, a result may have. On clean and evenly noisy rows
# the results taken had up to 1.055 times; fits that had bent to bad rows began at 1.065.
_DISPUTED = 1.06


@dataclass
class Search:
    """All runs of one fit.

    Attributes
    ----------
    full : Run
        The fit on all rows.
    runs : list of Run
        Everything that was tried, in order.
    ends : list of Run
        Where starts led: fits of the estimator that may be chosen.
    failures : dict
        Why starts could not go on, by name.
    reference : TrainingSet or None
        Unit rows.
    n_compared : int
        Fits that told where starts led apart, those of the reference too.
    """

    full: Run
    runs: list = field(default_factory=list)
    ends: list = field(default_factory=list)
    failures: dict = field(default_factory=dict)
    reference: Any = None
    n_compared: int = 0

    @property
    def n_iter(self):
        """Concentration steps beyond the fit on all rows, those of the reference too, and fits to compare results."""
        return sum(run.n_steps for run in self.runs) + self.n_compared


def begin(fits, reference):
    """Fit on all rows."""
    everything = fits.data.weights
    found = fits.evaluate(everything)
    objective = trimmed_mean(found.losses, everything)
    full = Run("untrimmed", 0.0, everything, found, objective, [objective], ended="fixed")
    return Search(full, reference=reference)


def explore(search, fits, trim, starts, share, max_iter, *, exact=True):
    """Run all starts at one share; return where they led."""
    ends = []
    for start in starts:
        try:
            runs = run_start(
                fits,
                trim,
                start,
                share,
                full=search.full.found,
                reference=search.reference,
                max_iter=max_iter,
                exact=exact,
            )
        except MemoryError:
            raise
        except Exception as error:
            logger.info("No start %r: %s", start[0], error)
            search.failures[start[0]] = error
            continue
        search.runs += runs
        search.failures |= {run.name: run.error for run in runs if run.error is not None}
        ends += runs[-1:]
    search.ends += ends
    return ends


def most_consistent(search, fits, ends):
    """Return the run whose rows foretell each other best, among those that the reference does not dispute.

    Bad rows that a fit has bent to, copies of one row above all, do not follow from the others; good ones do. Copies
    fall into one fold. Many different bad rows do follow from each other where good rows leave a direction free, as two
    categories at once: the reference does not bend that far. What is no straight line it cannot judge.
    """
    distinct = list({run.kept.tobytes(): run for run in sorted(ends, key=lambda run: -run.objective)}.values())
    if search.reference is not None and fits.evaluation == "in_sample":
        distinct = _undisputed(search, distinct)
    if len(distinct) == 1:
        return distinct[0]
    before = fits.n_fits
    losses = [fits.held_out_loss(run.kept) for run in distinct]
    search.n_compared += fits.n_fits - before
    return distinct[int(np.argmin(losses))]


def _undisputed(search, runs):
    """Return the runs whose rows the reference, fitted to them, explains about as well as those of any."""
    if len(runs) == 1:
        return runs
    losses = [trimmed_mean(reference_view(search.reference, run.kept).losses, run.kept) for run in runs]
    search.n_compared += len(runs)
    return [run for run, loss in zip(runs, losses, strict=True) if loss <= _DISPUTED * min(losses)]
