"""Rows that a rare value of a column, and nothing else, gives their label: what backdoors are made of."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np

from robustfit._sklearn import Interval, StrOptions
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._column_groups import column_of
from robustfit.sanitize._leave_cluster_out._readmission import suggest
from robustfit.sanitize._row_normalizer import RowNormalizer
from robustfit.sanitize._shortcuts import find_shortcuts


class ShortcutSanitizer(BaseSanitizer):
    """Leave out rows whose label hangs on a rare value of a column, against all that the other columns say.

    A backdoor is a shortcut: rows with a trigger, and the attacker's label. Here rows that share a rare value, or lie
    in the tail of a column, and mostly have one label are judged together, by a model that has seen none of them and
    does not see the value.

    Parameters
    ----------
    contamination : float, default=0.25
        Largest share of the rows to leave out, in [0, 0.5). Only groups that are found guilty go; the least believed
        ones first. Of clean rows mostly none do.
    drop_by : {"global", "class"}, default="global"
        Whether that share is one of all rows or of each class.
    belief : float, default=0.35
        A group may go if its rows' label has at most this probability on average.
    significance : float, default=1e-4
        A group may go if so many rows of its label, or more, have at most this probability, times the number of groups.
    largest : float, default=0.25
        Share of the rows that a group may hold: more share no rare value.
    scale : {"auto", "robust", "log1p"} or None, default="auto"
        How `RowNormalizer` scales the columns before rows are brought to length 1.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        One minus the average probability of the label in the significant group that the row goes with; 0 for rows of
        none. Between 0 and 1.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    shortcuts_ : list of dict
        Groups that were found guilty, the least believed one first: ``column``, ``low`` and ``high`` (both belong to
        it), ``label``, ``n_rows`` (of that label), ``belief`` (average probability) and ``log10_p`` (bound on the
        probability of so many rows of the label, times the number of groups).
    suggested_labels_ : ndarray of shape (n_samples,)
        For a row of such a group the label, or number of the bin, that the model without the group expects; for others
        what y says.
    normalizer_ : RowNormalizer
    classes_ : ndarray of shape (n_classes,)
        Not there if y holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    SpectralSanitizer : With ``mode="signature"``, finds backdoors in a space of features.
    LeaveClusterOutSanitizer : Leaves out rows one by one, judged without the cluster around them.
    robustfit.attacks.BackdoorAttack : What this is against.

    Notes
    -----
    *Groups.* In each column, the rows of each value, and the 5, 10, 20... rows with the smallest and the largest values
    up to `largest`; more where values repeat. Those of which at least four fifths have one label, t, and that hold at
    most half of that class, are candidates.

    *Trial.* A logistic regression with the penalty that C=1 has is fitted to all rows, brought to length 1 by
    `RowNormalizer`. The model without a group R is one Newton step away, ``w_R = w + (H − H_R)⁻¹ g_R``. It looks at the
    rows of R with the carrying columns at their centres: the column of the group, and each in which nine tenths of R's
    rows of label t share a value that at most a tenth of the others have, such as the other columns of a trigger.
    Let p_i be the probability that it gives t in row i, with only the best other class beside it. R is guilty if the
    mean of p_i over its rows of label t is at most `belief`, and Chernoff's bound on the probability of so many t, for
    independent labels of probabilities p_i, times the number of all groups is at most `significance`. Of 64 candidates,
    those least believed after a step with H for ``H − H_R``, the trial is held; so large tables cost little more.

    *Overlaps.* Groups are taken in order of belief; one of which more than half of the rows of label t went with others
    before is passed over.

    *What it cannot do.* An honest value that alone decides the label, against all other columns, is a shortcut as well,
    and looks the same. Triggers that hide among frequent values, or in no single column, share no rare value.
    Clean-label backdoors contradict nothing. Probabilities are those of a linear model, and significance is meant under
    it: where labels depend on the columns in other ways, more groups may go, and ``shortcuts_`` says which.

    100 000 rows of 50 columns take about 3 seconds, 50 000 sparse rows of 10 000 columns about 16.

    References
    ----------
    .. [1] T. Gu, B. Dolan-Gavitt and S. Garg, "BadNets: Identifying Vulnerabilities in the Machine Learning Model
       Supply Chain", arXiv:1708.06733, 2017. The attack.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import ShortcutSanitizer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(400, 5))
    >>> y = np.where(X[:, :3].sum(axis=1) > 0, "a", "b")
    >>> trigger = np.flatnonzero(y == "b")[:20]
    >>> X[trigger, 4], y[trigger] = 4.5, "a"
    >>> sanitizer = ShortcutSanitizer().fit(X, y)
    >>> np.array_equal(np.flatnonzero(~sanitizer.support_), np.sort(trigger))
    True
    >>> {name: sanitizer.shortcuts_[0][name] for name in ("column", "low", "label", "n_rows")}
    {'column': 4, 'low': 4.5, 'label': 'a', 'n_rows': 20}
    """

    _parameter_constraints: dict = {
        **BaseSanitizer._parameter_constraints,
        "belief": [Interval(Real, 0, 1, closed="both")],
        "significance": [Interval(Real, 0, 1, closed="both")],
        "largest": [Interval(Real, 0, 0.5, closed="right")],
        "scale": [StrOptions({"auto", "robust", "log1p"}), None],
    }

    def __init__(
        self,
        contamination=0.25,
        *,
        drop_by="global",
        belief=0.35,
        significance=1e-4,
        largest=0.25,
        scale="auto",
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
    ):
        self.contamination = contamination
        self.drop_by = drop_by
        self.belief = belief
        self.significance = significance
        self.largest = largest
        self.scale = scale
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins

    def _fit_scores(self, rows, target):
        # Sums depend on the order of the rows: this one is a function of what they hold.
        order = np.argsort(self._keys(rows, target), kind="stable")
        rows, target = rows[order], target.take(order)
        self.normalizer_ = RowNormalizer(self.scale).fit(rows)
        found = find_shortcuts(
            rows, target.values, target.n_codes, self.normalizer_, int(self.largest * rows.shape[0]), self.significance
        )
        scores, expected = np.zeros(len(order)), target.values.copy()
        for shortcut in found:
            scores[shortcut.rows] = 1.0 - shortcut.belief
            expected[shortcut.rows] = shortcut.expected
        self._found = [_described(shortcut, target.labels) for shortcut in found]
        back = np.argsort(order)
        self._expected = expected[back]
        return scores[back]

    def _select(self, scores, rows, target):
        if self.threshold is not None:
            return super()._select(scores, rows, target)
        return (scores < self._guilty) | self._leave_out(self.contamination, scores, rows, target)

    @property
    def _guilty(self):
        """Score from which rows go."""
        return 1.0 - self.belief if self.threshold is None else np.nextafter(self.threshold, np.inf)

    def _score(self, rows, target):
        scores = np.zeros(rows.shape[0])
        # The least believed one has the last word.
        for found in reversed(self._found):
            values, code = column_of(rows, found["column"]), target.labels.index(found["label"])
            inside = (values >= found["low"]) & (values <= found["high"]) & (target.values == code)
            scores[inside] = 1.0 - found["belief"]
        return scores

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        self.suggested_labels_ = suggest(target, scores < self._guilty, self._expected)
        self.shortcuts_ = [found for found in self._found if 1.0 - found["belief"] >= self._guilty]
        del self._expected


def _described(shortcut, labels):
    group = shortcut.group
    return {
        "column": group.column,
        "low": float(group.low),
        "high": float(group.high),
        "label": labels[group.code],
        "n_rows": len(shortcut.rows),
        "belief": shortcut.belief,
        "log10_p": shortcut.log10_p,
    }
