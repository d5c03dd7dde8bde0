"""Rows without which a linear learner would be better for others."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np

from robustfit._sklearn import Interval, fit_context
from robustfit.sanitize._base_around_linear import BaseAroundLinear
from robustfit.sanitize._base_around_model import BaseAroundModel
from robustfit.sanitize._linear._linear_losses import read_loss
from robustfit.sanitize._linear._penalized_fit import LinearRows, PenalizedFit
from robustfit.sanitize._linear._penalties import CLASSIFIERS, REGRESSORS, price_of_slopes
from robustfit.sanitize._robust_judges import robust_judges
from robustfit.sanitize._row_learner import residual_units

# Coefficients whose second derivatives are formed.
_MOST_COEFFICIENTS = 4000


class InfluenceSanitizer(BaseAroundLinear):
    """Leave out the rows without which a linear learner would lose least on others.

    The score of a row is what the learner would gain on a reference if it were fitted without that row: on trusted rows
    if there are some, else on the training rows that a robust fit agrees with, the row itself not counted. How far a
    row pulls the fit to itself is another question, to which good rows that are far out have the same answer as bad
    ones; here those that pull with the reference score below zero, and stay.

    Parameters
    ----------
    estimator : estimator, default=None
        LogisticRegression (of one or many classes, with a squared penalty or none, any solver but liblinear),
        RidgeClassifier, LinearRegression or Ridge, not inside a pipeline, with neither ``class_weight`` nor
        ``positive``. If None, logistic regression of rows in robust units (columns around their medians, divided by the
        median absolute deviation, cut at ±3) whose length is cut at the lower quartile of all; or ridge regression in
        robust units, of rows that weigh less the more they are longer than that. The penalty is λ = 0.002 per row. Then
        y holds numbers if some are not whole, or if there are more than 20 different ones and fewer than four rows of
        each; else labels.
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows. Rows with a score of zero or less stay
        in any case.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    min_rows_per_coefficient : float, default=0
        Refuse to judge where there are fewer rows for each coefficient of the learner: what few rows say of the effect
        of one of them is mostly noise.
    random_state : int, default=0
        Seeds what the learner leaves open, and the folds of the robust fit. Not negative.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Fall of the sum of the losses of the reference if the row is left out: in nats for logistic regression; for
        squared losses in units of half the square of the robust scale of the residuals (for RidgeClassifier of half the
        square of the distance of the targets −1 and 1 from their middle).
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    estimator_ : estimator
        Fitted to all rows. Without an ``estimator`` its columns are in robust units.
    classes_ : ndarray of shape (n_classes,)
        Not there for regression.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    RONISanitizer : Asks the same of groups of rows and of any estimator.
    LossSanitizer : The losses that the robust reference is chosen by.

    Notes
    -----
    With the minimum θ of Σ ℓ_i + λ‖w‖²/2, its second derivatives H, and slope s_i and curvature W_i of ℓ_i in the
    scores, one step of Newton for the sum without row i adds ``δ_i = H⁻¹ z_i (I − W_i h_i)⁻¹ s_i`` with the leverage
    ``h_i = z_iᵀ H⁻¹ z_i``. For squared losses that is the fit without the row, to rounding: ``δ_i = H⁻¹ z_i e_i / (1 −
    h_i)`` [1]_; for logistic regression it is the first step towards it [2]_. The losses R of the reference then change
    by ``∇R·δ_i + δ_iᵀ ∇²R δ_i / 2``. The units of the columns, and which rows are the reference, are those of all rows.
    `score_rows` puts each row in, rather than leaving it out.

    Without trusted rows the reference are the rows that remain when twice ``contamination``, at least 0.1, with the
    largest losses out of fold is left out, see `LossSanitizer`; poison that passes there speaks for itself. One row at
    a time is left out: of many copies of a row each seems to do little.

    Time is of order n p² + p³ and memory of order n + p², with p coefficients: one per feature and the intercept, for
    each of the classes if there are more than two. More than 4 000 are refused. Of a sparse matrix a few rows at a time
    are made dense.

    References
    ----------
    .. [1] R. D. Cook, "Detection of Influential Observation in Linear Regression", Technometrics 19, 1977.
    .. [2] D. Pregibon, "Logistic Regression Diagnostics", Annals of Statistics 9, 1981.
    .. [3] P. W. Koh and P. Liang, "Understanding Black-box Predictions via Influence Functions", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import InfluenceSanitizer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = X @ [1.0, -2.0] + 0.1 * rng.normal(size=200)
    >>> y[:4] += 5.0
    >>> np.flatnonzero(~InfluenceSanitizer(contamination=0.02).fit(X, y).support_)
    array([0, 1, 2, 3])
    """

    _spares_helpful = True

    _known_classifiers = CLASSIFIERS
    _known_regressors = REGRESSORS

    _parameter_constraints: dict = {
        **{name: how for name, how in BaseAroundModel._parameter_constraints.items() if name != "n_jobs"},
        **BaseAroundModel._by_class,
        "min_rows_per_coefficient": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.05,
        drop_by="global",
        threshold=None,
        min_per_class=0.5,
        min_rows_per_coefficient=0,
        random_state=0,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.drop_by = drop_by
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.min_rows_per_coefficient = min_rows_per_coefficient
        self.random_state = random_state

    @fit_context(
        # The estimator is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y=None, *, X_trusted=None, y_trusted=None):
        """Score the training rows and choose those to keep.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,)
        X_trusted : {array-like, sparse matrix} of shape (n_trusted, n_features), default=None
            Rows that are known to be good, and are no training rows.
        y_trusted : array-like of shape (n_trusted,), default=None

        Returns
        -------
        self : object
        """
        rows, target = self._read(X, y, reset=True)
        self._fit_rows(rows, target, trusted=self._read_trusted(X_trusted, y_trusted))
        return self

    def _fit_scores(self, rows, target, trusted):
        if self.estimator is not None:
            price_of_slopes(self.estimator)
        task = self._linear_task(rows, target)
        self._check_size(task, target)
        self.estimator_ = task.fit(np.ones(len(task.values), dtype=bool))
        given = LinearRows(self._measure(task.rows), task.values)
        found = self._minimum(given, price_of_slopes(task.estimator))
        # The loss is a handful of functions, which files of saved models do not hold.
        self._theta, self._inverse = found.theta, found.inverse
        members = np.zeros(len(task.values), dtype=bool)
        if trusted is None:
            settings = {name: getattr(self, name) for name in ("contamination", "drop_by", "min_per_class")}
            members = robust_judges(rows, target, random_state=self.random_state, **settings)[task.order]
            reference = LinearRows(given.space.take(members), task.values[members])
        else:
            reference = self._linear_rows(*trusted)
        self._others = reference.derivatives(found.loss, found.theta)
        self._unit = 1.0
        if target.classes is None:
            self._unit = residual_units(task.values, given.space.times(found.theta)[:, 0])[1] ** 2
        return task.restore(found.harms(given, *self._others, members=members)) / self._unit

    def _score(self, rows, target):
        fit = PenalizedFit(read_loss(self.estimator_), self._theta, self._inverse)
        return fit.harms(self._linear_rows(rows, target), *self._others) / self._unit

    def _linear_rows(self, rows, target):
        rows, values = self._as_given(rows, target.values)
        return LinearRows(self._space(rows), values)

    def _minimum(self, given, price):
        """Bring the learner's coefficients into the coordinates of the rows, and to the minimum."""
        model, space = self.estimator_, given.space
        center, scale = (0.0, np.ones(space.rows.shape[1])) if self._units is None else self._units
        slopes = np.atleast_2d(model.coef_)
        intercepts = np.atleast_1d(model.intercept_) + slopes @ (center * np.ones(len(scale)))
        prices = price / np.square(scale)
        theta = (slopes * scale).T
        if space.intercept:
            theta, prices = np.vstack([theta, intercepts]), np.append(prices, 0.0)
        return PenalizedFit.near(given, read_loss(model), theta, prices)

    def _check_size(self, task, target):
        n_outputs = target.n_codes if target.n_codes > 2 else 1
        n_coefficients = (task.rows.shape[1] + 1) * n_outputs
        if n_coefficients > _MOST_COEFFICIENTS:
            raise ValueError(
                f"InfluenceSanitizer inverts a dense matrix of as many rows and columns as there are coefficients, "
                f"{n_coefficients} for {task.rows.shape[1]} features and {n_outputs} outputs; the limit is "
                f"{_MOST_COEFFICIENTS}. Reduce the features first, with TruncatedSVD for instance, or use "
                "GradientSanitizer, which has no such limit."
            )
        if len(task.values) < self.min_rows_per_coefficient * n_coefficients:
            raise ValueError(
                f"InfluenceSanitizer has {len(task.values)} rows for {n_coefficients} coefficients, fewer than "
                f"min_rows_per_coefficient={self.min_rows_per_coefficient} asks for. Reduce the features, or lower it."
            )
