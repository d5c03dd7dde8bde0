"""What trimming finds where there is nothing to find: in labels drawn anew, as noisy as those given."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from functools import cached_property

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from robustfit._meta._rules import Trim, most_to_drop
from robustfit.trimmed._wrapper._filter import reference_way
from robustfit.trimmed._wrapper._fits import trimmed_mean
from robustfit.trimmed._wrapper._reference import reference_fits
from robustfit.trimmed._wrapper._starts import leave_out_of

# Draws of all labels. Ratios of losses spread by 1 to 4 % between draws, by 0.3 % of 16 000 rows.
_DRAWS = 5

# Of clean rows and random flips the least ratio of any start was 0.93 to 1.0 times that of the draws, and below 0.95
# only within 2.3 standard errors; far flips of a tenth gave 0.67 to 0.945. A ratio that exceeds the third bound after
# some draws is not looked at again.
_SURPRISE = 0.95
_ERRORS = 2.5
_HOPE = 0.98


class Noise:
    """Labels drawn from the reference, fitted to all rows and calibrated, and what trimming makes of them.

    A calibrated model explains every label that is wrong at random, but not labels that are wrong where the score is
    far from the boundary: the chance of a class cannot fall as its score rises. Rows that contradict the rest as such
    flips do are therefore told from noise by how much better the others are explained without them.

    Parameters
    ----------
    search : Search
        With a reference.
    data : TrainingSet
    trim : Trim
    starts : list of tuple
        See `plan_starts`.
    min_per_class : int or float
    random_state : int
    """

    def __init__(self, search, data, trim, starts, min_per_class, random_state):
        self._search, self._data, self._trim = search, data, trim
        self._starts = {start[0]: start for start in starts}
        self._min_per_class = min_per_class
        self._seed = random_state

    def is_surpassed(self, run):
        """Whether the rows that the reference kept on the way to a run are explained better than noise allows."""
        observed = np.log(self._explained(run.way, self._full, self._trim))
        excess = []
        for codes in self._draws():
            excess.append(observed - np.log(self._explained_of_noise(codes, run)))
            if np.mean(excess) > np.log(_HOPE):
                return False
        if len(excess) < 2:
            return False
        spread = np.std(excess, ddof=1) * np.sqrt(1.0 + 1.0 / len(excess))
        return bool(np.mean(excess) < min(np.log(_SURPRISE), -_ERRORS * spread))

    @cached_property
    def _full(self):
        return self._reference_to_all(self._search.reference)

    @cached_property
    def _chances(self):
        return calibrated(self._full.table, self._data.target, self._data.weights)

    def _draws(self):
        """Codes drawn from the chances, a row's by its place among the sorted digests, whatever the order of rows."""
        rng, order = np.random.default_rng(self._seed), np.argsort(self._data.keys, kind="stable")
        steps = np.cumsum(self._chances, axis=1)[:, :-1]
        for _ in range(_DRAWS):
            level = np.empty(len(order))
            level[order] = rng.random(len(order))
            codes = np.sum(level[:, None] > steps, axis=1)
            if len(np.unique(codes)) == len(self._data.classes):
                yield codes

    def _explained_of_noise(self, codes, run):
        reference = self._search.reference
        groups = [np.flatnonzero(codes == c) for c in range(len(reference.classes))]
        most = most_to_drop(self._trim.weights, groups, self._min_per_class)
        trim = Trim(self._trim.weights, lambda: self._data.keys, groups, most)
        reference = replace(reference, y=reference.classes[codes])
        way = reference_way(reference, run.name, run.share, leave_out_of(self._starts[run.name], trim))
        self._search.n_compared += way.n_steps
        return self._explained(way, self._reference_to_all(reference), trim)

    def _reference_to_all(self, reference):
        self._search.n_compared += 1
        return reference_fits(reference).evaluate(reference.weights)

    @staticmethod
    def _explained(way, full, trim):
        """Mean loss of the rows kept over that of as many before."""
        before = trim.overall(trim.weights.sum() - way.kept.sum())(full.losses)
        return trimmed_mean(way.found.losses, way.kept) / trimmed_mean(full.losses, before)


def calibrated(table, codes, weights):
    """Chances of the classes given the scores of a model: as often as they are given, in the order of the scores.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_classes)
        Probabilities that the model gives.
    codes : ndarray of shape (n_samples,)
    weights : ndarray of shape (n_samples,)

    Returns
    -------
    chances : ndarray of shape (n_samples, n_classes)
        Isotonic in the score of the second of two classes; of more, a logistic regression on the logarithms.
    """
    if table.shape[1] == 2:
        second = IsotonicRegression(y_min=0.0, y_max=1.0).fit(table[:, 1], codes, sample_weight=weights)
        chances = second.predict(table[:, 1])
        return np.column_stack([1.0 - chances, chances])
    scores = np.log(np.maximum(table, 1e-12))
    model = LogisticRegression(C=1e2, solver="newton-cholesky").fit(scores, codes, sample_weight=weights)
    return model.predict_proba(scores)
