"""What leaving out groups of rows does to the losses of others, all groups measured from the same fits."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.parallel import Parallel, delayed
from threadpoolctl import threadpool_limits

from robustfit.partition import as_rows
from robustfit.sanitize._row_learner import residual_units


class Part(NamedTuple):
    """Rows to fit to, and those that are asked about.

    Attributes
    ----------
    fitted : ndarray of int
        Positions of training rows.
    asked : ndarray of int
        Positions of judges.
    """

    fitted: Any
    asked: Any


@dataclass
class Jury:
    """Rows whose losses tell what a fit is worth.

    Attributes
    ----------
    learner : RowLearner
    parts : list of Part
        No judge is asked about a fit to itself, or to a copy.
    rows : ndarray, sparse matrix, data frame or list
        The judges: training rows, or others.
    values : ndarray of shape (n_judges,)
        Their targets.
    sources : ndarray of shape (n_judges,), intp
        Number of the group that each is counted in.
    among_training : bool
        Whether the judges are the training rows, at their positions.
    units : tuple of float
        Of the residuals.
    losses : ndarray of shape (n_judges,)
        Under the fits to all rows of each part.
    residuals : ndarray of shape (n_judges,) or None
        What those fits predict too low, in units; None for classes.
    n_fits : int
    """

    learner: Any
    parts: list
    rows: Any
    values: Any
    sources: Any
    among_training: bool
    units: tuple = (0.0, 1.0)
    losses: Any = None
    residuals: Any = None
    n_fits: int = 0

    def sworn_in(self):
        """Fit to all rows of each part, and measure from there."""
        answers = None
        for part in self.parts:
            found = self.learner.answers(self.learner.fit(part.fitted), as_rows(self.rows).take(part.asked))
            answers = np.zeros((len(self.values), *found.shape[1:])) if answers is None else answers
            answers[part.asked] = found
        units, residuals = self.units, None
        if self.learner.target.classes is None:
            asked = np.concatenate([part.asked for part in self.parts])
            # What all residuals share is what the fits are to lose.
            units = 0.0, residual_units(self.values[asked], answers[asked])[1]
            residuals = (self.values - answers) / units[1]
        losses = self.learner.losses(answers, self.values, units)
        return replace(self, units=units, losses=losses, residuals=residuals, n_fits=self.n_fits + len(self.parts))

    def gains(self, groups, n_jobs):
        """Leave out each group, and add up by how much the losses of the others fall.

        Parameters
        ----------
        groups : list of ndarray of int
            Positions of training rows.
        n_jobs : int or None

        Returns
        -------
        totals : ndarray of shape (n_groups, 3, n_sources)
            Sums of the falls, of their squares, and numbers of judges, by source.
        """
        tasks = [(number, part) for number in range(len(groups)) for part in self.parts]
        self.n_fits += len(tasks)
        with threadpool_limits(limits=1):
            found = Parallel(n_jobs=n_jobs)(delayed(_gains)(self, part, groups[number]) for number, part in tasks)
        totals = np.zeros((len(groups), 3, self.sources.max() + 1))
        for (number, _), gained in zip(tasks, found, strict=True):
            totals[number] += gained
        return totals


def _gains(jury, part, group):
    asked = np.setdiff1d(part.asked, group) if jury.among_training else part.asked
    left = np.setdiff1d(part.fitted, group)
    counts = np.bincount(jury.sources[asked], minlength=jury.sources.max() + 1)
    if len(left) == len(part.fitted) or not len(left) or not len(asked):
        return np.array([np.zeros_like(counts), np.zeros_like(counts), counts], dtype=np.float64)
    answers = jury.learner.answers(jury.learner.fit(left), as_rows(jury.rows).take(asked))
    gained = jury.losses[asked] - jury.learner.losses(answers, jury.values[asked], jury.units)
    by_source = [np.bincount(jury.sources[asked], weights=w, minlength=len(counts)) for w in (gained, gained**2)]
    return np.array([*by_source, counts])
