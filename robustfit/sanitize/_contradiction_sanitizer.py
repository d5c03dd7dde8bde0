"""Near-copies of rows under other labels: the label stays that rows elsewhere speak for."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np

from robustfit._meta._seeds import check_seed
from robustfit._meta._selection import row_keys
from robustfit._sklearn import HasMethods, Interval, StrOptions
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._column_units import ColumnUnits
from robustfit.sanitize._copies import NEAR
from robustfit.sanitize._leave_cluster_out._readmission import final_penalty, suggest
from robustfit.sanitize._leave_cluster_out._references import Problem, minimise, with_ones
from robustfit.sanitize._leave_cluster_out._views import ClassView, belief_of
from robustfit.sanitize._row_index import RowIndex
from robustfit.sanitize._row_normalizer import RowNormalizer
from robustfit.sanitize._second_model import limit_tags, second_model


class ContradictionSanitizer(BaseSanitizer):
    """Where near-copies have different labels, keep those of the label that a model of all other rows believes most.

    Who attacks a subpopulation copies its rows under another label, and may shake the copies. Half of them lie, and
    among themselves nobody can say which half. Rows that nobody contradicts can.

    Parameters
    ----------
    contamination : float, default=0.25
        Largest share of the rows to leave out, in [0, 0.5). Only rows that are contradicted go.
    drop_by : {"global", "class"}, default="global"
        Whether that share is one of all rows or of each class.
    chance : float, default=0.01
        Rows are near-copies up to the distance at which this part of them would have another one of their label by
        chance, in [0, 1], but no farther than half the distance of a typical row's nearest one. 0 for equal rows only.
    estimator : classifier, default=None
        The model, with ``predict_proba``; one of rows of numbers. If None a logistic regression, see Notes.
    scale : {"auto", "robust", "log1p"} or None, default="auto"
        How `RowNormalizer` scales the columns before rows are brought to length 1.
    threshold : float, default=None
        Leave out all rows with a larger score instead; 0 for all that are contradicted by a more probable label.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.
    random_state : int, default=0
        Of the search for near rows, where there are more than 10 000, and of what `estimator` leaves open.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        By how much the label is less probable than the most probable label of a near-copy. 0 for the others. Between 0
        and 1.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    contradicted_ : ndarray of shape (n_samples,), bool
        Rows that have near-copies of another label.
    radius_ : float
        Largest distance of near-copies, in units of `ColumnUnits`; 0 where only equal rows count.
    suggested_labels_ : ndarray of shape (n_samples,)
        The most probable label, or number of the bin, of near-copies.
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
    Without an `estimator` the model is a logistic regression with the penalty that C=1 has, on rows that
    `RowNormalizer` brought to length 1, of the rows that are in no contradiction. Of labels only those that are
    there among near-copies are compared; probabilities are those of one class against the best other one. Labels
    that are equally probable stay. Where rows in no contradiction do not know all classes, the model is one of all
    rows.

    *Near.* Distances are measured in the units in which `DuplicateSanitizer` measures them. Let d be the median
    distance of a row to the nearest other one of its label, and D the number of columns that vary independently, as
    told by the ratio of the distances to the nearest two, whose median is ``2^(1/D)`` [1]_. A row has another one of
    its label within r by chance with the probability ``1 − exp(−log(2) (r/d)^D)``, about ``log(2) (r/d)^D``: this gives
    the radius. Where more than half of the rows repeat others, rows repeat by nature, and only equal ones count. On
    tables of few whole numbers honest rows contradict each other; of these the less probable go.

    *What it cannot do.* Copies that are shaken by as much as rows differ are copies no more. Noise in columns that are
    nearly constant makes them so sooner: the noise sets the unit of such a column, and tells the copies from all other
    rows.

    100 000 rows of 50 columns, or 50 000 sparse rows of 10 000 columns, take about 5 seconds.

    References
    ----------
    .. [1] E. Facco, M. d'Errico, A. Rodriguez and A. Laio, "Estimating the Intrinsic Dimension of Datasets by a Minimal
       Neighborhood Information", Scientific Reports 7, 2017.

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
        "chance": [Interval(Real, 0, 1, closed="both")],
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "scale": [StrOptions({"auto", "robust", "log1p"}), None],
    }

    def __init__(
        self,
        contamination=0.25,
        *,
        drop_by="global",
        chance=0.01,
        estimator=None,
        scale="auto",
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
        random_state=0,
    ):
        self.contamination = contamination
        self.drop_by = drop_by
        self.chance = chance
        self.estimator = estimator
        self.scale = scale
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins
        self.random_state = random_state

    def _fit_scores(self, rows, target):
        # Sums depend on the order of the rows: this one is a function of what they hold.
        order = np.argsort(self._keys(rows, target), kind="stable")
        rows, target = rows[order], target.take(order)
        codes, n_codes = target.values, target.n_codes
        self._seen, places = np.unique(_content(rows), return_inverse=True)
        self._known = np.zeros((len(self._seen), n_codes), dtype=bool)
        self._known[places, codes] = True
        known = self._known[places] | self._near(self._fit_indices(rows, target), codes)
        contradicted = known.sum(axis=1) > 1
        self._fit_model(rows, target, ~contradicted)
        claims = self._claims(rows, target, known)
        back = np.argsort(order)
        self.contradicted_, self._best = contradicted[back], claims.argmax(axis=1)[back]
        return _gaps(claims, codes)[back]

    def _fit_indices(self, rows, target):
        """Decide how near a copy is, and index the rows of each label; return the rows in the units of distances."""
        self.radius_, self._indices, seed = 0.0, None, check_seed(self.random_state)
        if self.chance == 0.0 or target.n_codes == 1:
            return None
        self._units = ColumnUnits(rows)
        table, nearest, groups = self._units(rows), np.full((rows.shape[0], 2), np.inf), target.groups()
        indices = [RowIndex(table[group], seed, content=rows[group]) if len(group) else None for group in groups]
        for index, group in zip(indices, groups, strict=True):
            if len(group) > 2:
                nearest[group] = index.nearest(table[group], 2, np.arange(len(group)))[0]
        self.radius_ = _radius(nearest, self.chance)
        if self.radius_ > 0.0:
            self._indices = indices
        return table

    def _near(self, table, codes):
        """Mark for each row the other labels that near-copies of it have."""
        near = np.zeros((len(codes), self._known.shape[1]), dtype=bool)
        for code, index in enumerate(self._indices or []):
            others = np.flatnonzero(codes != code)
            if index is not None and len(others):
                near[others, code] = index.nearest(table[others], 1)[0][:, 0] <= self.radius_
        return near

    def _fit_model(self, rows, target, fair):
        n_codes = target.n_codes
        if len(np.unique(target.values[fair])) < n_codes:
            fair = np.ones(len(target.values), dtype=bool)
        if self.estimator is not None:
            learner = second_model(self.estimator, rows, target, check_seed(self.random_state))
            self._model = learner.fit(np.flatnonzero(fair))
            return
        self.normalizer_ = RowNormalizer(self.scale).fit(rows)
        X, view = with_ones(self.normalizer_.transform(rows)), ClassView(target.values, n_codes)
        problem = Problem(X[fair], view.targets[fair], view.final_loss, final_penalty(self.normalizer_))
        self._weights = minimise(problem) if n_codes > 1 else np.zeros((X.shape[1], 1))

    def _claims(self, rows, target, known):
        """Probability of each label that near-copies are known to have; -1 for others."""
        believed = self._believed(rows, target)
        claims = np.full(known.shape, -1.0)
        for code in range(claims.shape[1]):
            claims[:, code] = np.where(known[:, code], believed(np.full(len(claims), code)), -1.0)
        return claims

    def _believed(self, rows, target):
        """Return the function from one label for each row to the probabilities of these."""
        if self.estimator is not None:
            learner = second_model(self.estimator, rows, target, check_seed(self.random_state))
            shares = learner.answers(self._model, rows)
            return lambda codes: belief_of(shares, codes)
        scores = with_ones(self.normalizer_.transform(rows)) @ self._weights
        return lambda codes: ClassView(codes, target.n_codes).belief(scores, None)

    def _select(self, scores, rows, target):
        if self.threshold is not None:
            return super()._select(scores, rows, target)
        return (scores == 0.0) | self._leave_out(self.contamination, scores, rows, target)

    def _score(self, rows, target):
        content, codes = _content(rows), target.values
        places = np.minimum(np.searchsorted(self._seen, content), len(self._seen) - 1)
        known = self._known[places] & (self._seen[places] == content)[:, None]
        known |= self._near(None if self._indices is None else self._units(rows), codes)
        # A label that no such row had is a claim as well.
        known[np.arange(len(codes)), codes] = True
        return _gaps(self._claims(rows, target, known), codes)

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        self.suggested_labels_ = suggest(target, scores <= 0.0, self._best)
        del self._best

    def __sklearn_tags__(self):
        return limit_tags(super().__sklearn_tags__(), self.estimator)


def _radius(nearest, chance):
    """Distance within which a share of the rows has another one by chance, given those to the nearest two."""
    typical = np.median(nearest[:, 0])
    if not 0.0 < typical < np.inf:
        return 0.0
    first, second = nearest[(nearest[:, 0] > 0.0) & np.isfinite(nearest[:, 1])].T
    # 1 over the dimension.
    flatness = np.log2(np.median(second / first))
    return float(typical * min(NEAR, (chance / np.log(2.0)) ** flatness))


def _content(rows):
    """Keys of rows, whatever their labels."""
    return row_keys(rows, np.zeros(rows.shape[0]))


def _gaps(claims, codes):
    return claims.max(axis=1) - claims[np.arange(len(codes)), codes]
