"""Concentration steps: fit on the rows kept, keep the rows that fit best, until nothing changes."""

# SPDX-License-Identifier: BSD-3-Clause

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from robustfit.trimmed._wrapper._fits import Evaluation

logger = logging.getLogger(__name__)

# Relative; solvers do not end exactly where they began.
_RISE = 1e-6


@dataclass
class Run:
    """Where the steps from one start led.

    Attributes
    ----------
    name : str
        Of the start.
    share : float
        Share of the weight that was left out.
    kept : ndarray of shape (n_samples,)
        Weight that each row kept; 0 if it was left out.
    found : Evaluation
        Of the fit on the rows kept.
    objectives : list of float
        Mean of the losses that the rule would keep, after each fit.
    ended : {"fixed", "cycle", "limit", "failed"}
    error : Exception or None
        Why a fit failed.
    full_known : bool
        Whether the first fit, on all rows, was there already.
    """

    name: str
    share: float
    kept: Any
    found: Evaluation
    objectives: list = field(default_factory=list)
    ended: str = "limit"
    error: Any = None
    full_known: bool = False

    @property
    def objective(self):
        """The smallest one; that of ``kept``."""
        return min(self.objectives)

    @property
    def monotone(self):
        """Whether no step made the objective worse."""
        steps = np.array(self.objectives)
        return bool(np.all(steps[1:] <= steps[:-1] + _RISE * np.abs(steps[:-1])))


def trimmed_mean(losses, kept):
    """Weighted mean of the losses kept; infinite if one of them is no number."""
    there = kept > 0
    of_kept = losses[there]
    return np.inf if np.isnan(of_kept).any() else float(np.average(of_kept, weights=kept[there]))


def concentrate(fits, name, share, rule, kept, *, max_iter, found=None):
    """Alternate between fitting and keeping.

    Parameters
    ----------
    fits : Fits
    name, share
        As in `Run`.
    rule : callable
        Turns losses into the weights to keep.
    kept : ndarray of shape (n_samples,)
        Weights to begin with.
    max_iter : int
        Fits at most.
    found : Evaluation or None
        Of the rows to begin with, if it is known.

    Returns
    -------
    run : Run or None
        With the fit of the smallest objective. None if there was none.
    """
    run, seen, near, known = None, set(), None, found is not None
    for _ in range(max_iter):
        try:
            found = fits.evaluate(kept, near) if found is None else found
        except Exception as error:
            if run is None:
                raise
            logger.info("Start %r ends early: %s", name, error)
            run.ended, run.error = "failed", error
            break
        near, following = found.model, rule(found.losses)
        objective = trimmed_mean(found.losses, following)
        if run is None:
            run = Run(name, share, kept, found, full_known=known)
        elif objective < run.objective:
            run.kept, run.found = kept, found
        run.objectives.append(objective)
        if np.array_equal(following, kept):
            run.ended = "fixed"
            break
        seen.add(kept.tobytes())
        if following.tobytes() in seen:
            # Solvers that stop early, folds and trees need not agree with themselves.
            run.ended = "cycle"
            break
        kept, found = following, None
    return run
