"""Which of several runs is taken: asked of a model that bad rows cannot pull far, where there is one."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.trimmed._wrapper._choice import choose, dissent, is_better, is_outdone, is_worth, row_errors
from robustfit.trimmed._wrapper._filter import reference_view
from robustfit.trimmed._wrapper._fits import trimmed_mean


class Judge:
    """Compares runs by their trimmed losses and by their errors on all rows.

    Both are those of the reference, fitted to the rows that a run kept: bad rows that a learner can bend to would make
    it look good otherwise. Without a reference they are those of the learner itself, and also where that predicts rows
    that it has not seen much better than the reference does: this takes for bad what a straight line cannot follow.

    Parameters
    ----------
    search : Search
    data : TrainingSet
    trim : Trim
    in_sample : bool
        Whether losses are in sample.
    guarded : bool
        Whether runs are compared with the fit on all rows, too.

    Attributes
    ----------
    referred : bool
        Whether the reference is asked.
    """

    def __init__(self, search, data, trim, *, in_sample, guarded):
        self._search, self._data, self._trim = search, data, trim
        self._in_sample, self._guarded = in_sample, guarded
        self.referred = search.reference is not None
        self._views, self._errors = {}, {}

    def best(self, ends):
        """Return one of the runs that left out the same share."""
        if len(ends) == 1 and not self._guarded:
            return ends[0]
        if self.referred and not self._in_sample:
            fit = [run for run in ends if not is_outdone(self._errors_of(run), self._own_errors_of(run))]
            self.referred, ends = bool(fit), fit or ends
        return self._best(ends)

    def _best(self, ends):
        objectives = [trimmed_mean(self._view(run).losses, run.kept) for run in ends]
        return ends[choose(objectives, [self._errors_of(run) for run in ends], by=self._by)]

    @property
    def _by(self):
        return "reference" if self.referred else "estimator"

    def is_worth(self, run, before):
        """Whether a run is clearly better than one that left out less."""
        if not self._in_sample and not self.referred:
            # Learners that memorise explain few rows as well as many.
            return is_better(self._errors_of(run), self._errors_of(before))
        losses = self._view(before).losses
        had = trimmed_mean(losses, self._trim.overall(self._data.weights.sum() - run.kept.sum())(losses))
        return is_worth(
            trimmed_mean(self._view(run).losses, run.kept),
            had,
            run.share - before.share,
            self._errors_of(run),
            self._errors_of(before),
            by=self._by,
        )

    def dissent(self, run, ends):
        """Largest share of the rows that a run about as good as the one given sees otherwise."""
        rivals = [end for end in ends if end is not run]
        return dissent([self._errors_of(run), *map(self._errors_of, rivals)], 0) if rivals else 0.0

    def _own_errors_of(self, run):
        return row_errors(run.found.table, self._data.target, self._data.weights)

    def _errors_of(self, run):
        if not self.referred:
            return self._own_errors_of(run)
        key = run.kept.tobytes()
        if key not in self._errors:
            self._errors[key] = row_errors(self._view(run).table, self._data.target, self._data.weights)
        return self._errors[key]

    def _view(self, run):
        if not self.referred:
            return run.found
        key = run.kept.tobytes()
        if key not in self._views:
            self._views[key] = reference_view(self._search.reference, run.kept)
            self._search.n_compared += 1
        return self._views[key]
