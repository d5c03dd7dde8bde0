"""The whole search: starts for each share that may be left out, and the choice among where they lead."""

# SPDX-License-Identifier: BSD-3-Clause

import logging
from dataclasses import dataclass, field
from typing import Any

from robustfit.trimmed._wrapper._reference import reference_data
from robustfit.trimmed._wrapper._search import Run, trimmed_mean
from robustfit.trimmed._wrapper._starts import run_start

logger = logging.getLogger(__name__)


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
    """

    full: Run
    runs: list = field(default_factory=list)
    ends: list = field(default_factory=list)
    failures: dict = field(default_factory=dict)
    reference: Any = None

    @property
    def n_iter(self):
        """Concentration steps beyond the fit on all rows, those of the reference included."""
        return sum(run.n_steps for run in self.runs)


def begin(fits, starts):
    """Fit on all rows."""
    everything = fits.data.weights
    found = fits.evaluate(everything)
    objective = trimmed_mean(found.losses, everything)
    full = Run("untrimmed", 0.0, everything, found, objective, [objective], ended="fixed")
    wanted = any(start[0] == "reference" for start in starts)
    return Search(full, reference=reference_data(fits) if wanted else None)


def explore(search, fits, trim, starts, share, max_iter):
    """Run all starts at one share; return where they led."""
    ends = []
    for start in starts:
        try:
            runs = run_start(
                fits, trim, start, share, full=search.full.found, reference=search.reference, max_iter=max_iter
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
