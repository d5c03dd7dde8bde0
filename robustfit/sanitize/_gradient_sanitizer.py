"""Rows whose gradients pull a linear learner together, in one direction."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np

from robustfit._sklearn import Interval
from robustfit.sanitize._base_around_linear import BaseAroundLinear
from robustfit.sanitize._base_around_model import BaseAroundModel
from robustfit.sanitize._folds import content_folds
from robustfit.sanitize._linear._linear_losses import CLASSIFIERS, REGRESSORS, read_loss, row_slopes
from robustfit.sanitize._linear._row_gradients import RowGradients
from robustfit.sanitize._linear._spectral_scores import find_directions


class GradientSanitizer(BaseAroundLinear):
    """Leave out the rows whose gradients stand out together: Sever's filter, on its own.

    A row moves the fit of a linear learner by its gradient alone. If few rows are to move it far, their gradients must
    be large along one direction, and there they spread more than those of good rows. Each round fits the learner to
    the rows kept so far, fold by fold, takes the gradient of each row under the model that has not seen it, finds for
    each class the directions along which these spread most, and scores all rows anew by how far out they are; so a row
    that was left out may come back.

    Parameters
    ----------
    estimator : estimator, default=None
        Linear learner of scikit-learn whose loss is known, not inside a pipeline: LogisticRegression, RidgeClassifier,
        LinearSVC or SGDClassifier; LinearRegression, Ridge, Lasso, ElasticNet, HuberRegressor, SGDRegressor,
        PoissonRegressor or GammaRegressor; those that choose their penalty by cross-validation too. If None, logistic
        regression of rows in robust units (columns around their medians, divided by the median absolute deviation, cut
        at ±3) whose length is cut at the lower quartile of all; or ridge regression in robust units, of rows that weigh
        less the more they are longer than that. The penalty is λ = 0.002 per row. Then y holds numbers if some are not
        whole, or if there are more than 20 different ones and fewer than four rows of each; else labels.
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    n_folds : int, default=3
        Number of folds. Those of a row are all the rows with the same features: many copies of a row bend a model until
        their gradients vanish.
    n_rounds : int, default=4
        Number of rounds. Each leaves out a few rows more than the one before, the first one none.
    n_directions : int, default=2
        Number of directions per class. Each is found without the rows that stand out along the ones before.
    threshold : float, default=None
        Leave out all rows with a larger score instead; ``contamination`` rows are then left out on the way to the last
        fit.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    random_state : int, default=0
        Seeds the folds, and what the learner leaves open. Not negative.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Distance of each gradient from the mean of its class, along the direction in which it is farthest out, in units
        of the root mean square length of the gradients of the rows kept.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    estimator_ : estimator
        Fitted to the rows kept; `score_rows` takes gradients under it. Without an ``estimator`` its columns are in
        robust units.
    classes_ : ndarray of shape (n_classes,)
        Not there for regression.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    robustfit.trimmed.SeverClassifier : Sever as a classifier.
    InfluenceSanitizer : How far the losses of others move if a row is left out.

    Notes
    -----
    For scores f of one or several outputs the gradient of row i is ``g_i = vec(z_i ∇ℓ(y_i, f_i)ᵀ)`` with ``z_i`` the
    row in robust units and a one for the intercept; its score is the largest ``|⟨g_i − ḡ, v⟩|`` over the directions v,
    top right-singular vectors of centred gradients [1]_. The table of gradients is not formed: time and memory are
    linear in the rows, and in the filled cells of a sparse matrix. Published Sever takes gradients under a model that
    has seen all rows. Where a fold would leave no row of a class to learn from, the rows of that class are seen.

    A filter of this kind cannot tell which of two halves of a class is right, and rows that pull no harder than good
    ones pass.

    References
    ----------
    .. [1] I. Diakonikolas, G. Kamath, D. Kane, J. Li, J. Steinhardt and A. Stewart, "Sever: A robust meta-algorithm
       for stochastic optimization", ICML 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import GradientSanitizer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = X @ [1.0, -2.0] + 0.1 * rng.normal(size=200)
    >>> y[:4] = 10.0
    >>> np.flatnonzero(~GradientSanitizer(contamination=0.02).fit(X, y).support_)
    array([0, 1, 2, 3])
    """

    _known_classifiers = CLASSIFIERS
    _known_regressors = REGRESSORS

    _parameter_constraints: dict = {
        **{name: how for name, how in BaseAroundModel._parameter_constraints.items() if name != "n_jobs"},
        **BaseAroundModel._by_class,
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "n_directions": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.05,
        drop_by="global",
        n_folds=3,
        n_rounds=4,
        n_directions=2,
        threshold=None,
        min_per_class=0.5,
        random_state=0,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.drop_by = drop_by
        self.n_folds = n_folds
        self.n_rounds = n_rounds
        self.n_directions = n_directions
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.random_state = random_state

    def _fit_scores(self, rows, target):
        task = self._linear_task(rows, target)
        groups, space = self._groups(task.values), self._measure(task.rows)
        folds = content_folds(rows[task.order], task.codes, self.n_folds, task.random_state)
        kept = np.ones(len(task.values), dtype=bool)
        for number in range(self.n_rounds):
            gradients = RowGradients(space, self._unseen_slopes(task, kept, folds))
            self._directions = {
                code: find_directions(gradients.take(group), self.n_directions, int(self.contamination * len(group)))
                for code, group in groups.items()
            }
            scores = self._far_out(gradients, groups)
            share = self.contamination * (number + 1) / self.n_rounds
            kept = self._leave_out(share, task.restore(scores), rows, target)[task.order]
        lengths = space.squares() * np.square(gradients.pulls).sum(axis=1)
        unit = float(np.sqrt(lengths[kept].mean()))
        self._unit = unit if unit > 0.0 else 1.0
        self.estimator_ = task.fit(kept)
        return task.restore(scores) / self._unit

    def _unseen_slopes(self, task, kept, folds):
        """Slopes of the rows' losses under models that have not seen them."""
        slopes = None
        for fold in range(folds.max() + 1):
            asked = folds == fold
            seen = kept & ~asked
            # A class that a model has not seen has no gradient.
            missing = np.setdiff1d(task.codes, task.codes[seen])
            model = task.fit(seen | np.isin(task.codes, missing))
            found = self._slopes(model, task.rows[asked], task.values[asked])
            if slopes is None:
                slopes = np.zeros((len(task.values), found.shape[1]))
            slopes[asked] = found
        return slopes

    def _score(self, rows, target):
        rows, values = self._as_given(rows, target.values)
        gradients = RowGradients(self._space(rows), self._slopes(self.estimator_, rows, values))
        return self._far_out(gradients, self._groups(target.values)) / self._unit

    def _far_out(self, gradients, groups):
        scores = np.zeros(len(gradients.pulls))
        for code, group in groups.items():
            scores[group] = self._directions[code].score(gradients.take(group))
        return scores

    def _slopes(self, model, rows, values):
        loss = read_loss(model)
        if loss is None:
            raise ValueError(
                f"GradientSanitizer does not know the loss of {model!r}. Choose another loss, or use LossSanitizer, "
                "which takes any learner."
            )
        answers = np.asarray(rows @ np.atleast_2d(model.coef_).T + model.intercept_)
        return row_slopes(loss, values, answers)

    @staticmethod
    def _groups(values):
        if values.dtype.kind == "f":
            return {0: np.arange(len(values))}
        return {int(code): np.flatnonzero(values == code) for code in np.unique(values)}
