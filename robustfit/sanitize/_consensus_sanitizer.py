"""What several sanitizers agree on."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import betainc
from sklearn.base import clone

from robustfit._meta._fit_params import member_params
from robustfit._sklearn import StrOptions, num_samples
from robustfit.sanitize._base_composed import BaseComposedSanitizer
from robustfit.sanitize._base_sanitizer import BaseSanitizer

_SHARED = ("contamination", "drop_by", "threshold", "min_per_class")


class ConsensusSanitizer(BaseComposedSanitizer):
    """Leave out the rows that several sanitizers rank as the most suspicious ones.

    Parameters
    ----------
    sanitizers : list of (str, sanitizer)
        Names and sanitizers. A sanitizer that is None is left out. Only their scores count, not what they leave out.
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    aggregation : {"rra", "median", "borda"}, default="rra"
        ``"rra"``, robust rank aggregation, finds rows that some of the sanitizers rank higher than chance would have
        it, whatever the others say; ``"median"`` those that more than half of them rank high; ``"borda"`` counts all.
    threshold : float, default=None
        Leave out all rows with a larger score instead. With ``"rra"``, 2 stands for a probability of 0.01.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        ``−log10(m·ρ)`` with ``"rra"``, see Notes: 2 or more for one clean row in a hundred at most, if ranks are
        independent; negative where nothing is conspicuous. Else 1 minus the median or mean of the ranks, in [0, 1).
    ranks_ : ndarray of shape (n_samples, n_sanitizers)
        Share of the rows that each sanitizer finds at least as suspicious, the row included: in (0, 1], smallest for
        the most suspicious row.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    named_sanitizers_ : Bunch
        The fitted sanitizers, by name.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is missing or holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    SanitizerChain : Sanitizers one after the other.

    Notes
    -----
    With the m ranks of a row in ascending order, ``r_(1) ≤ … ≤ r_(m)``, robust rank aggregation asks how probable it is
    that the k-th smallest of m independent ranks of a row like all others is ``r_(k)`` or less,
    ``β_k = I_{r_(k)}(k, m − k + 1)`` with the regularised incomplete beta function, and takes the smallest,
    ``ρ = min_k β_k``. Since m numbers were looked at, ``m·ρ`` bounds the probability that a row is that conspicuous by
    chance (Bonferroni). Rows of equal score share the largest of their ranks, which keeps that bound.

    Sanitizers that look at the same thing are not independent; then scores order the rows, but are no probabilities.
    There is no ``feasible_set_``: a row that few sanitizers object to is kept however far out it lies.
    There is no ``suggested_labels_`` either, since no sanitizer leaves a row out: one that suggests a label may not be
    among those that object to the row. To relabel, use a `SanitizerChain` or `UnionSanitizer`.

    References
    ----------
    .. [1] R. Kolde, S. Laur, P. Adler and J. Vilo, "Robust rank aggregation for gene list integration and
       meta-analysis", Bioinformatics 28(4), 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import ConsensusSanitizer, SphereSanitizer
    >>> X = np.array([[0.0], [1.0], [2.0], [90.0], [10.0], [11.0], [12.0], [40.0]])
    >>> y = np.array(["a", "a", "a", "a", "b", "b", "b", "b"])
    >>> members = [(center, SphereSanitizer(center=center)) for center in ("median", "mean", "geometric_median")]
    >>> consensus = ConsensusSanitizer(members, contamination=0.15).fit(X, y)
    >>> consensus.support_
    array([ True,  True,  True, False,  True,  True,  True,  True])
    >>> consensus.ranks_[3]
    array([0.125, 0.125, 0.125])
    """

    _parameter_constraints: dict = {
        **BaseComposedSanitizer._parameter_constraints,
        **{name: BaseSanitizer._parameter_constraints[name] for name in _SHARED},
        "aggregation": [StrOptions({"rra", "median", "borda"})],
    }

    def __init__(
        self,
        sanitizers,
        *,
        contamination=0.05,
        drop_by="global",
        aggregation="rra",
        threshold=None,
        min_per_class=0.5,
    ):
        self.sanitizers = sanitizers
        self.contamination = contamination
        self.drop_by = drop_by
        self.aggregation = aggregation
        self.threshold = threshold
        self.min_per_class = min_per_class

    def _fit_scores(self, rows, target, *, members, params):
        labels, everyone = None if target is None else target.given, np.arange(num_samples(rows))
        self._fitted = {}
        for name, member in members:
            fitted = clone(member)
            fitted.fit(rows, labels, **member_params(*params[name], everyone))
            self._fitted[name] = fitted
        given = [fitted.scores_ for fitted in self._fitted.values()]
        self._ordered = [np.sort(scores) for scores in given]
        self.ranks_ = self._ranks(given)
        return aggregate(self.ranks_, self.aggregation)

    def _score(self, rows, target):
        labels = None if target is None else target.given
        given = [fitted.score_rows(rows, labels) for fitted in self._fitted.values()]
        return aggregate(self._ranks(given), self.aggregation)

    def _ranks(self, given):
        columns = []
        for scores, ordered in zip(given, self._ordered, strict=True):
            n_above = len(ordered) - np.searchsorted(ordered, scores, side="left")
            # A row that is more suspicious than all training rows ranks like the first of them.
            columns.append(np.maximum(n_above, 1) / len(ordered))
        return np.column_stack(columns)


def aggregate(ranks, how):
    """Turn the ranks of rows by several sanitizers into one score, higher for more suspicious rows.

    Parameters
    ----------
    ranks : ndarray of shape (n_samples, n_sanitizers)
        In (0, 1], smallest for the most suspicious row.
    how : {"rra", "median", "borda"}

    Returns
    -------
    scores : ndarray of shape (n_samples,)
    """
    if how == "median":
        return 1.0 - np.median(ranks, axis=1)
    if how == "borda":
        return 1.0 - ranks.mean(axis=1)
    ordered, m = np.sort(ranks, axis=1), ranks.shape[1]
    smallest = np.ones(len(ranks))
    for k in range(1, m + 1):
        np.minimum(smallest, betainc(k, m - k + 1, ordered[:, k - 1]), out=smallest)
    return -np.log10(m * np.maximum(smallest, np.finfo(np.float64).tiny))
