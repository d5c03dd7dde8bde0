"""Equal rows of different labels: the label stays that rows elsewhere speak for."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit._meta._selection import row_keys
from robustfit._sklearn import StrOptions
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._leave_cluster_out._readmission import final_penalty, suggest
from robustfit.sanitize._leave_cluster_out._references import Problem, minimise, with_ones
from robustfit.sanitize._leave_cluster_out._views import ClassView
from robustfit.sanitize._row_normalizer import RowNormalizer


class ContradictionSanitizer(BaseSanitizer):
    """Where equal rows have different labels, keep those of the label that a model of all other rows believes most.

    Who attacks a subpopulation copies its rows under another label. Half of them lie, and among themselves nobody can
    say which half. Rows that nobody contradicts can.

    Parameters
    ----------
    contamination : float, default=0.25
        Largest share of the rows to leave out, in [0, 0.5). Only rows that are contradicted go.
    drop_by : {"global", "class"}, default="global"
        Whether that share is one of all rows or of each class.
    scale : {"auto", "robust", "log1p"} or None, default="auto"
        How `RowNormalizer` scales the columns before rows are brought to length 1.
    threshold : float, default=None
        Leave out all rows with a larger score instead; 0 for all that are contradicted by a more probable label.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        By how much the label is less probable than the most probable label of an equal row. 0 for the others. Between 0
        and 1.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    contradicted_ : ndarray of shape (n_samples,), bool
        Rows that have equal ones of another label.
    suggested_labels_ : ndarray of shape (n_samples,)
        The most probable label, or number of the bin, of equal rows.
    classes_ : ndarray of shape (n_classes,)
        Not there if y holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    DuplicateSanitizer : Rows that repeat others with the same label.
    LabelAgreementSanitizer : Asks the nearest rows, as many as one likes.
    robustfit.attacks.ClusterMatchAttack : What this is against.

    Notes
    -----
    The model is a logistic regression with the penalty that C=1 has, on rows that `RowNormalizer` brought to length 1,
    of the rows that are in no contradiction. Of labels only those that are there among the equal rows are compared;
    probabilities are those of one class against the best other one. Labels that are equally probable stay. Where rows
    in no contradiction do not know all classes, the model is one of all rows.

    Rows that differ in the last digit are not equal, and nothing is said of them. On tables of few whole numbers,
    honest rows contradict each other; of these the less probable go.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import ContradictionSanitizer
    >>> X = np.random.default_rng(0).normal(size=(100, 3))
    >>> y = np.where(X[:, 0] > 0, "a", "b")
    >>> liars = np.flatnonzero(X[:, 0] > 1)
    >>> X, y = np.vstack([X, X[liars]]), np.append(y, np.repeat("b", len(liars)))
    >>> sanitizer = ContradictionSanitizer().fit(X, y)
    >>> bool(sanitizer.support_[:100].all()), bool(sanitizer.support_[100:].any())
    (True, False)
    """

    _parameter_constraints: dict = {
        **BaseSanitizer._parameter_constraints,
        "scale": [StrOptions({"auto", "robust", "log1p"}), None],
    }

    def __init__(
        self, contamination=0.25, *, drop_by="global", scale="auto", threshold=None, min_per_class=0.5, n_bins=None
    ):
        self.contamination = contamination
        self.drop_by = drop_by
        self.scale = scale
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins

    def _fit_scores(self, rows, target):
        # Sums depend on the order of the rows: this one is a function of what they hold.
        order = np.argsort(self._keys(rows, target), kind="stable")
        rows, codes, n_codes = rows[order], target.values[order], target.n_codes
        self._seen, places = np.unique(_content(rows), return_inverse=True)
        self._known = np.zeros((len(self._seen), n_codes), dtype=bool)
        self._known[places, codes] = True
        contradicted = (self._known.sum(axis=1) > 1)[places]
        self._fit_model(rows, codes, n_codes, ~contradicted)
        claims = self._claims(rows, self._known[places])
        back = np.argsort(order)
        self.contradicted_, self._best = contradicted[back], claims.argmax(axis=1)[back]
        return _gaps(claims, codes)[back]

    def _fit_model(self, rows, codes, n_codes, fair):
        self.normalizer_ = RowNormalizer(self.scale).fit(rows)
        X, view = with_ones(self.normalizer_.transform(rows)), ClassView(codes, n_codes)
        if len(np.unique(codes[fair])) < n_codes:
            fair = np.ones(len(codes), dtype=bool)
        problem = Problem(X[fair], view.targets[fair], view.final_loss, final_penalty(self.normalizer_))
        self._weights = minimise(problem) if n_codes > 1 else np.zeros((X.shape[1], 1))

    def _claims(self, rows, known):
        """Probability of each label that equal rows are known to have; -1 for others."""
        scores = with_ones(self.normalizer_.transform(rows)) @ self._weights
        claims = np.full(known.shape, -1.0)
        for code in range(claims.shape[1]):
            own = ClassView(np.full(len(claims), code), claims.shape[1])
            claims[:, code] = np.where(known[:, code], own.belief(scores, None), -1.0)
        return claims

    def _select(self, scores, rows, target):
        if self.threshold is not None:
            return super()._select(scores, rows, target)
        return (scores == 0.0) | self._leave_out(self.contamination, scores, rows, target)

    def _score(self, rows, target):
        content = _content(rows)
        places = np.minimum(np.searchsorted(self._seen, content), len(self._seen) - 1)
        there = np.flatnonzero(self._seen[places] == content)
        scores, codes, known = np.zeros(len(content)), target.values[there], self._known[places[there]]
        # A label that no such row had is a claim as well.
        known[np.arange(len(there)), codes] = True
        scores[there] = _gaps(self._claims(rows[there], known), codes)
        return scores

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        self.suggested_labels_ = suggest(target, scores <= 0.0, self._best)
        del self._best


def _content(rows):
    """Keys of rows, whatever their labels."""
    return row_keys(rows, np.zeros(rows.shape[0]))


def _gaps(claims, codes):
    return claims.max(axis=1) - claims[np.arange(len(codes)), codes]
