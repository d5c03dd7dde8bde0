"""Concentration steps: fit on the rows kept, keep the rows that fit best, until nothing changes."""

# SPDX-License-Identifier: BSD-3-Clause

import logging
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from robustfit.trimmed._wrapper._fits import trimmed_mean

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
    objective : float
        Mean of the losses that the rule would keep, after that fit.
    objectives : list of float
        The same after each fit on the way, beginning with that on all rows where the start was there.
    n_steps : int
        Fits on the way.
    ended : {"fixed", "cycle", "limit", "failed", "refit"}
    error : Exception or None
        Why a fit failed.
    way : Run or None
        Of the reference, where that chose the rows.
    """

    name: str
    share: float
    kept: Any = None
    found: Any = None
    objective: float = np.inf
    objectives: list = field(default_factory=list)
    n_steps: int = 0
    ended: str = "limit"
    error: Any = None
    way: Any = None

    @property
    def monotone(self):
        """Whether no step made the objective worse."""
        steps = np.array(self.objectives)
        return bool(np.all(steps[1:] <= steps[:-1] + _RISE * np.abs(steps[:-1])))


def concentrate(fits, name, share, rule, kept, *, max_iter, full=None):
    """Alternate between fitting and keeping.

    Parameters
    ----------
    fits : Fits
    name, share
        As in `Run`.
    rule : callable
        Turns losses into the weights to keep.
    kept : ndarray of shape (n_samples,) or None
        Weights to begin with; None for those that the rule keeps after the fit on all rows.
    max_iter : int
        Fits at most.
    full : Evaluation or None
        Of all rows, with ``kept=None``.

    Returns
    -------
    run : Run
        With the fit of the smallest objective among those on rows that the rule kept.

    Raises
    ------
    Exception
        What the estimator raised, if it could not be fitted even once.
    """
    run, seen, near = Run(name, share), set(), None
    if kept is None:
        near, kept = full.model, rule(full.losses)
        run.objectives.append(trimmed_mean(full.losses, kept))
    for _ in range(max_iter):
        try:
            found = fits.evaluate(kept, near)
        except Exception as error:
            if run.found is None:
                raise
            logger.info("Start %r ends early: %s", name, error)
            run.ended, run.error = "failed", error
            break
        near, following = found.model, rule(found.losses)
        objective = trimmed_mean(found.losses, following)
        run.objectives.append(objective)
        run.n_steps += 1
        if run.found is None or objective <= run.objective:
            run.kept, run.found, run.objective = kept, found, objective
        if np.array_equal(following, kept):
            run.ended = "fixed"
            break
        seen.add(kept.tobytes())
        if following.tobytes() in seen:
            # Solvers that stop early, folds and trees need not agree with themselves.
            run.ended = "cycle"
            break
        kept = following
    return run
