"""Which of several runs is taken: asked of a model that bad rows cannot pull far, where there is one."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.trimmed._wrapper._choice import choose, dissent, is_better, is_worth, row_errors
from robustfit.trimmed._wrapper._filter import reference_view
from robustfit.trimmed._wrapper._fits import trimmed_mean


class Judge:
    """Compares runs by their trimmed losses and by their errors on all rows.

    Both are those of the reference, fitted to the rows that a run kept: bad rows that a learner can bend to would make
    it look good otherwise. Without a reference they are those of the learner itself.

    Parameters
    ----------
    search : Search
    data : TrainingSet
    trim : Trim
    in_sample : bool
        Whether losses are in sample.
    """

    def __init__(self, search, data, trim, *, in_sample):
        self._search, self._data, self._trim, self._in_sample = search, data, trim, in_sample
        self._views, self._errors = {}, {}

    def best(self, ends):
        """Return one of the runs that left out the same share."""
        if len(ends) == 1:
            return ends[0]
        objectives = [trimmed_mean(self._losses_of(run), run.kept) for run in ends]
        return ends[choose(objectives, [self._errors_of(run) for run in ends])]

    def is_worth(self, run, before):
        """Whether a run is clearly better than one that left out less."""
        referred = self._search.reference is not None
        if not self._in_sample and not referred:
            # Learners that memorise explain few rows as well as many.
            return is_better(self._errors_of(run), self._errors_of(before))
        losses = self._losses_of(before)
        had = trimmed_mean(losses, self._trim.overall(self._data.weights.sum() - run.kept.sum())(losses))
        return is_worth(
            trimmed_mean(self._losses_of(run), run.kept),
            had,
            run.share - before.share,
            self._errors_of(run),
            self._errors_of(before),
            by="reference" if referred else "estimator",
        )

    def dissent(self, run, ends):
        """Largest share of the rows that a run about as good as the one given sees otherwise."""
        rivals = [end for end in ends if end is not run]
        return dissent([self._errors_of(run), *map(self._errors_of, rivals)], 0) if rivals else 0.0

    def _losses_of(self, run):
        return self._view(run).losses

    def _errors_of(self, run):
        if id(run) not in self._errors:
            self._errors[id(run)] = row_errors(self._view(run).table, self._data.target, self._data.weights)
        return self._errors[id(run)]

    def _view(self, run):
        if self._search.reference is None:
            return run.found
        key = run.kept.tobytes()
        if key not in self._views:
            self._views[key] = reference_view(self._search.reference, run.kept)
            self._search.n_compared += 1
        return self._views[key]
