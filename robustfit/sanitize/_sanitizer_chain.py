"""Sanitizers one after the other."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import clone

from robustfit._meta._fit_params import member_params
from robustfit._sklearn import num_samples, safe_indexing
from robustfit.sanitize._base_composed import BaseComposedSanitizer, reasons_of
from robustfit.sanitize._stage import Stage, codes_of


class SanitizerChain(BaseComposedSanitizer):
    """Sanitizers one after the other: each is fitted on the rows that those before it kept.

    Parameters
    ----------
    sanitizers : list of (str, sanitizer)
        Names and sanitizers, in order. A sanitizer that is None is left out. Each has its own ``contamination``, a
        share of the rows that reach it.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        For a row that the s-th of S sanitizers left out, ``S − s + 1`` plus its rank: the earlier, the more suspicious.
        For a row that all kept, the largest of its ranks. A rank is the share of the rows seen by a sanitizer that it
        finds less suspicious, above 0 and below 1, where rows of the same score, itself among them, count by half.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    dropped_by_ : ndarray of shape (n_samples,), object
        Name of the sanitizer that left a row out, of a composed one with the name that this one gives; None for a row
        that is kept.
    taken_back_ : ndarray of shape (n_samples,), bool
        Rows that came back on the word of an estimator, see `UnionSanitizer`. Only there if a sanitizer has one.
    named_sanitizers_ : Bunch
        The fitted sanitizers, by name.
    suggested_labels_ : ndarray of shape (n_samples,)
        For a row that was left out what the sanitizer that did suggests; for one that was left out by a sanitizer that
        suggests nothing, and for others, what y says. Only there if a sanitizer suggests labels.
    feasible_set_ : dict of label to FeasibleSet
        Where rows of each class may lie that all sanitizers keep. Only there if all of them have one, by labels.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is missing or holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    ConsensusSanitizer : Ask several sanitizers about the same rows.

    Notes
    -----
    A later sanitizer no longer sees what an earlier one left out, so that gross poison cannot shape its centres and
    models; clean rows that an earlier one took for poison are gone. What the sanitizers leave out adds up: S of them at
    5 % cost up to S times 5 % of the rows.

    `score_rows` takes for left out by a sanitizer what is more suspicious than all rows of the same class that it kept.

    Parameters of sanitizers are set and searched as ``name__param``. ``feasible_set_`` is the intersection of those of
    the sanitizers: exact for a bounded set and slabs, whatever their centres. Where there are two bounded sets the one
    of smaller reach stands for both, which contains the intersection, so that bounds over it hold.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import SanitizerChain, SphereSanitizer
    >>> X = np.array([[0.0], [1.0], [2.0], [90.0], [10.0], [11.0], [12.0], [40.0]])
    >>> y = np.array(["a", "a", "a", "a", "b", "b", "b", "b"])
    >>> chain = SanitizerChain([("first", SphereSanitizer(0.15)), ("second", SphereSanitizer(0.15))]).fit(X, y)
    >>> chain.dropped_by_
    array([None, None, None, 'first', None, None, None, 'second'],
          dtype=object)
    >>> chain.set_params(second__contamination=0.0).fit(X, y).sample_indices_
    array([0, 1, 2, 4, 5, 6, 7])
    """

    def __init__(self, sanitizers):
        self.sanitizers = sanitizers

    def _fit_scores(self, rows, target, *, members, params):
        labels, codes, n_rows = None if target is None else target.given, codes_of(rows, target), num_samples(rows)
        self.dropped_by_ = np.full(n_rows, None, dtype=object)
        self._fitted, self._stages = {}, []
        scores, left, opinions = np.zeros(n_rows), np.arange(n_rows), []
        for place, (name, member) in enumerate(members):
            fitted = clone(member)
            own = member_params(*params[name], left)
            fitted.fit(_take(rows, left), None if labels is None else labels[left], **own)
            stage = Stage.of(fitted, codes[left], 1 if target is None else target.n_codes)
            ranks = stage.ranks(fitted.scores_)
            dropped = ~fitted.support_
            scores[left] = np.where(dropped, len(members) - place + ranks, np.maximum(scores[left], ranks))
            self.dropped_by_[left[dropped]] = reasons_of(name, fitted)
            self._fitted[name] = fitted
            self._stages.append(stage)
            opinions.append((left, fitted))
            left = left[~dropped]
        self._suggest(target, opinions)
        self._hand_on_taken_back(n_rows, opinions)
        return scores

    def _hand_on_taken_back(self, n_rows, opinions):
        # Of an earlier fit.
        vars(self).pop("taken_back_", None)
        for seen, fitted in opinions:
            if hasattr(fitted, "taken_back_"):
                found = getattr(self, "taken_back_", np.zeros(n_rows, dtype=bool))
                found[seen] |= fitted.taken_back_
                self.taken_back_ = found

    def _select(self, scores, rows, target):
        return scores < 1.0

    def _score(self, rows, target):
        labels, codes = None if target is None else target.given, codes_of(rows, target)
        scores, left = np.zeros(len(codes)), np.arange(len(codes))
        n_stages = len(self._stages)
        for place, (member, stage) in enumerate(zip(self._fitted.values(), self._stages, strict=True)):
            if not len(left):
                break
            given = member.score_rows(_take(rows, left), None if labels is None else labels[left])
            ranks, dropped = stage.ranks(given), given > stage.reach[codes[left]]
            scores[left] = np.where(dropped, n_stages - place + ranks, np.maximum(scores[left], ranks))
            left = left[~dropped]
        return scores

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        self._keep_regions(target, self._fitted.values())


def _take(rows, index):
    return rows if len(index) == num_samples(rows) else safe_indexing(rows, index)
