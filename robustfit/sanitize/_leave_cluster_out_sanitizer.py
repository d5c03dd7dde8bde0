"""Rows whose label is contradicted by a model that has not seen rows like them."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np

from robustfit._meta._seeds import check_seed
from robustfit._sklearn import Interval, StrOptions
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._leave_cluster_out._folds import clusterings
from robustfit.sanitize._leave_cluster_out._readmission import final_penalty, robust_units, suggest, view_of
from robustfit.sanitize._leave_cluster_out._references import minimise, with_ones
from robustfit.sanitize._leave_cluster_out._rounds import (
    final_weights,
    readmit,
    reference_problem,
    run_rounds,
)
from robustfit.sanitize._row_normalizer import RowNormalizer

# Length of the weights that bad rows can give to a reference.
_LENGTH = 17.0

# At first more rows are left out than are said to be bad: bad rows among those kept would speak for each other.
_CAUTION = 1.5
_MOST = 0.45

# The penalty is that of at least so many bad rows.
_LEAST = 0.01


class LeaveClusterOutSanitizer(BaseSanitizer):
    """Leave out the rows whose label is contradicted by models that have not seen rows like them.

    Rows that an attacker placed alike speak for each other: a model that learned from some of them forgives the rest,
    and folds at random share them out. Here a row is judged by models that lack the whole cluster around it.

    Parameters
    ----------
    contamination : float, default=0.1
        Largest share of the rows to leave out, in [0, 0.5), rounded down to whole rows. Where rows come back fewer are
        left out, of clean rows often hardly any: a share that is too large costs less than one that is too small.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class. Poison that claims a
        small class may be a larger part of it, and ``"class"`` leaves what is beyond the share.
    n_clusters : int or sequence of int, default=(10, 30)
        Clusters of each class; scores are averaged over one clustering for each of the numbers.
    n_rounds : int, default=3
        How often rows are scored by models without the rows left out before.
    penalty : float or "auto", default="auto"
        λ of the reference models, per row. ``"auto"`` derives it from `contamination`, see Notes.
    readmit : float or None, default=0.1
        Rows that were left out come back if a model of the others gives their label at least this probability, where
        only the label and the most probable other class count; for numbers, if the normal density of the residual, with
        the spread of those of similar predictions, is at least this part of its peak. None: nothing comes back, and
        exactly the share is left out.
    scale : {"auto", "robust", "log1p"} or None, default="auto"
        How `RowNormalizer` scales the columns before rows are brought to length 1.
    threshold : float, default=None
        Leave out all rows with a larger score instead of a share; rows come back as well.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.
    random_state : int, default=0
        Of the clusterings. Keep it from an attacker, who could else place rows by it.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        By how much the margin of the label, half the distance to the best other class, is smaller than is usual for the
        class, that is than for all but a quarter of its rows: 0 is usual, and references ask for margins of 1. For
        numbers the size of the residual in robust standard deviations of y. Rows with a high score that came back are
        kept.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    suggested_labels_ : ndarray of shape (n_samples,)
        For a row that was left out, the label, number or number of the bin that a model of the rows kept expects; for
        others what y says.
    penalty_ : float
        λ that was used.
    normalizer_ : RowNormalizer
    coef_ : ndarray of shape (n_models, n_features)
        Of the reference of all rows kept, which scores later rows, in the columns of `normalizer_`.
    intercept_ : ndarray of shape (n_models,)
    typical_ : ndarray of shape (n_classes,)
        Minus the margins that are usual under it.
    units_ : tuple of float
        Median and robust standard deviation of y; with numbers only.
    classes_ : ndarray of shape (n_classes,)
        Not there if y holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    RowNormalizer : How rows are brought to length 1.
    LossSanitizer : Folds at random.
    robustfit.trimmed.TrimmedClassifier : Leaves out what the estimator itself contradicts.

    Notes
    -----
    Rows are brought to length 1 by `RowNormalizer`. Then, `n_rounds` times:

    1. A linear reference, hinge loss for labels (one class against the rest if there are more than two) and Huber's for
       numbers, is fitted to the rows kept so far, with the penalty λ/2 ‖w‖² per row, intercept included. λ is halved
       from round to round: there are fewer bad rows to withstand, and a weaker penalty tells classes apart better.
    2. k-means puts the rows of each class, or rows and numbers together, into clusters. For each cluster c, the model
       of the other rows is taken to be one Newton step away, ``w_c = w + (H − H_c)⁻¹ g_c`` with Hessian and gradient
       of the cluster's rows, and scores the rows of the cluster.
    3. The rows with the largest scores, averaged over the clusterings, are left out: half more than `contamination`.

    At last a logistic regression (for numbers a Huber regression) on the same rows of length 1 says which rows come
    back: first those of a probability of 0.9, then, after a new fit each, of less and less. Genuine rows that are hard
    come back early, and then count against the others. If more than the share are still away, the most believed of
    those come back as well. Its C is 1 for columns in robust units and 10 for counts and other columns, and at least
    1000 over the number of rows.

    *The penalty.* The reference is ``w = (1/λn) Σ a_i t_i x_i`` with ``0 ≤ a_i ≤ 1`` for labels t = ±1. Of rows of
    length 1, a share ε gives the weights of the columns a part that is at most ε/λ long, whatever those rows are.
    ``"auto"`` holds this at 17: λ = ε/17, with ε the contamination and at least 0.01, times 2/k for k > 2 classes. The
    length 17 was found by experiment. Half of it and twice as much did as well in most of them.

    *What it cannot do.* Rows that agree with what the other rows say, near the boundary, are kept; nothing here bounds
    what those do, see `robustfit.audit.certify_damage`. Models are linear in the columns: labels that depend on them in
    other ways look suspicious, in no order that means much. A cluster that only poison fills, in a class that nobody
    else claims there, has nothing against it.

    100 000 rows of 50 columns take about 4 seconds, 50 000 sparse rows of 10 000 columns about 6; sparse rows stay so.

    References
    ----------
    .. [1] P. W. Koh, J. Steinhardt and P. Liang, "Stronger Data Poisoning Attacks Break Data Sanitization Defenses",
       Machine Learning 111, 2022. The attacks that it was built against.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import LeaveClusterOutSanitizer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.where(X[:, 0] > 0, "a", "b")
    >>> far = np.argsort(X[:, 0])[:10]
    >>> y[far] = "a"
    >>> sanitizer = LeaveClusterOutSanitizer().fit(X, y)
    >>> np.array_equal(np.flatnonzero(~sanitizer.support_), np.sort(far))
    True
    >>> sanitizer.suggested_labels_[far[:3]]
    array(['b', 'b', 'b'], dtype='<U1')
    """

    _target_kind = "any"

    _parameter_constraints: dict = {
        **BaseSanitizer._parameter_constraints,
        "n_clusters": [Interval(Integral, 1, None, closed="left"), "array-like"],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "penalty": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "readmit": [Interval(Real, 0, 1, closed="right"), None],
        "scale": [StrOptions({"auto", "robust", "log1p"}), None],
    }

    def __init__(
        self,
        contamination=0.1,
        *,
        drop_by="global",
        n_clusters=(10, 30),
        n_rounds=3,
        penalty="auto",
        readmit=0.1,
        scale="auto",
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
        random_state=0,
    ):
        self.contamination = contamination
        self.drop_by = drop_by
        self.n_clusters = n_clusters
        self.n_rounds = n_rounds
        self.penalty = penalty
        self.readmit = readmit
        self.scale = scale
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins
        self.random_state = random_state

    def _fit_scores(self, rows, target):
        seed = check_seed(self.random_state)
        # Clusterings and sums depend on the order of the rows: this one is a function of what they hold.
        order = np.argsort(self._keys(rows, target), kind="stable")
        back = np.argsort(order)
        rows, target = rows[order], target.take(order)
        if not target.coded:
            self.units_ = robust_units(target.values)
        self.normalizer_ = RowNormalizer(self.scale).fit(rows)
        unit = self.normalizer_.transform(rows)
        view, X = self._view(target), with_ones(unit)
        self.penalty_ = self._penalty(target)
        folds = clusterings(view.to_cluster(unit), target.groups(), self.n_clusters, seed)

        scores, kept = self._decide(X, view, folds, rows, target)
        expected = view.expected(X @ final_weights(X, view, kept, final_penalty(self.normalizer_)))
        self.support_ = kept[back]
        self.suggested_labels_ = suggest(target, kept, expected)[back]
        weights = minimise(reference_problem(X, view, self.penalty_, kept))
        self.coef_, self.intercept_ = weights[:-1].T, weights[-1]
        self.typical_ = view.typical(view.suspicion(X @ weights))
        return scores[back]

    def _decide(self, X, view, folds, rows, target):
        """Return the scores, and the mask of the rows to keep."""

        def leave_out(share):
            def rule(scores):
                if self.threshold is not None:
                    return scores <= self.threshold
                return self._leave_out(share, scores, rows, target)

            return rule

        wide = self.contamination if self.readmit is None else min(_CAUTION * self.contamination, _MOST)
        scores, kept = run_rounds(X, view, folds, self.penalty_, leave_out(wide), self.n_rounds)
        if self.readmit is not None:
            cap = leave_out(self.contamination) if self.threshold is None else None
            kept = readmit(X, view, kept, final_penalty(self.normalizer_), self.readmit, cap)
        return scores, kept

    def _select(self, scores, rows, target):
        # Decided round by round.
        return self.support_

    def _score(self, rows, target):
        scores = self.normalizer_.transform(rows) @ self.coef_.T + self.intercept_
        view = self._view(target)
        return view.excess(view.suspicion(np.asarray(scores)), self.typical_)

    def _view(self, target):
        return view_of(target, getattr(self, "units_", None))

    def _penalty(self, target):
        if self.penalty != "auto":
            return float(self.penalty)
        share = max(self.contamination, _LEAST)
        # Each of many classes has few rows to speak for it.
        return share / _LENGTH * 2.0 / max(target.n_codes, 2)
