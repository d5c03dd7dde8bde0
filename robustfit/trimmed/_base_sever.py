"""What the Sever estimators share: a linear learner fitted again and again, without rows whose gradients stand out."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import validate_data

from robustfit._meta._around_estimator import AroundEstimator
from robustfit._meta._fit_params import member_params, routed_params, split_params
from robustfit._meta._hands_on import HandsOnPredictions
from robustfit._meta._seeds import check_seed, set_open_seeds
from robustfit._meta._selection import row_keys
from robustfit._sklearn import HasMethods, Interval, StrOptions, check_sample_weight, fit_context
from robustfit.sanitize._linear._linear_losses import check_known, read_loss, row_losses, row_slopes
from robustfit.sanitize._linear._row_gradients import RowGradients
from robustfit.sanitize._linear._row_space import RowSpace
from robustfit.trimmed._sever._sever import Learner, Severed, concentrate, sever

# So many steps are hardly ever taken: each lowers the sum of the losses kept.
_MOST_STEPS = 50


class BaseSever(HandsOnPredictions, AroundEstimator):
    """Sever around a linear learner.

    Subclasses say what a target is and which rows are filtered together.
    """

    # The learners whose loss is known, and who takes all others.
    _known: tuple
    _general: str

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "contamination": [Interval(Real, 0, 0.5, closed="left")],
        "n_rounds": [Interval(Integral, 1, None, closed="left")],
        "threshold": [StrOptions({"top", "random"})],
        "final": [StrOptions({"concentrate"}), None],
        "random_state": "no_validation",
    }

    @abstractmethod
    def _read_target(self, y, index):
        """Return the target of some rows: numbers, or codes of classes."""

    @abstractmethod
    def _groups(self, codes):
        """Return the rows that are filtered together, given the class of each."""

    @fit_context(
        # The estimator is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y, **fit_params):
        """Fit the learner without the rows whose gradients stand out.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        **fit_params : dict
            Parameters of the learner's ``fit``, such as ``sample_weight`` if it takes them. Vectors have one entry per
            row and are cut to the rows kept. A weight scales the gradient of its row, which still counts as one row;
            rows of weight zero are dropped first.

        Returns
        -------
        self : object
        """
        random_state = check_seed(self.random_state)
        estimator = self._resolve_estimator()
        X, y = self._validate(X, y)
        weights = fit_params.pop("sample_weight", None)
        if weights is not None:
            weights = check_sample_weight(weights, X, dtype=np.float64, ensure_non_negative=True)
        params = split_params(routed_params(self, estimator, weights, fit_params), X.shape[0])
        weights = np.ones(X.shape[0]) if weights is None else weights
        present = np.flatnonzero(weights)
        if not len(present):
            raise ValueError("All sample weights are zero: there is no row to fit on.")
        target = self._read_target(y, present)
        # Sorted by content, so that neither ties nor the learner can see in which order rows came.
        order = np.lexsort((weights[present], row_keys(X[present], target)))
        if self.contamination == 0:
            # The plain fit, to the last bit.
            order = np.arange(len(present))
        index, target = present[order], target[order]
        learner = self._learner(estimator, X[index], y[index], target, weights[index], params, index)
        space = RowSpace.of(X[index], intercept=bool(getattr(estimator, "fit_intercept", True)))[0]
        self._keep(self._sever(learner, space, target, random_state), learner, space, target, index, len(y))
        return self

    def _learner(self, estimator, X, y, target, weights, params, index):
        shared, per_row = params

        def fit(rows):
            model = set_open_seeds(clone(estimator), self.random_state)
            return model.fit(X[rows], y[rows], **member_params(shared, per_row, index[rows]))

        def of_rows(measure, model):
            scores = np.asarray(X @ np.atleast_2d(model.coef_).T + model.intercept_)
            return measure(self._loss(model), target, scores)

        return Learner(
            fit,
            lambda model: of_rows(row_slopes, model) * weights[:, None],
            lambda model: of_rows(row_losses, model),
        )

    def _loss(self, model):
        loss = read_loss(model)
        if loss is None:
            raise ValueError(
                f"{type(self).__name__} does not know the loss of {model!r}. Choose another loss, or use "
                f"{self._general}, which takes any learner."
            )
        return loss

    def _sever(self, learner, space, target, random_state):
        codes = target if target.dtype.kind == "i" else np.zeros(len(target), dtype=int)
        groups = self._groups(codes)
        quotas = [self._quota(codes[group]) for group in groups]
        if not sum(quotas):
            kept = np.ones(len(codes), dtype=bool)
            return Severed(learner.fit(np.arange(len(codes))), kept, [])
        rng = np.random.default_rng(random_state) if self.threshold == "random" else None
        severed = sever(learner, space, groups, quotas, codes, n_rounds=self.n_rounds, rng=rng)
        return severed if self.final is None else concentrate(learner, severed, codes, _MOST_STEPS)

    def _quota(self, codes):
        # A hair less than a whole number is that number.
        return sum(int(self.contamination * count + 1e-9) for count in np.bincount(codes))

    def _keep(self, severed, learner, space, target, index, n_samples):
        self.estimator_ = severed.model
        self.coef_, self.intercept_ = severed.model.coef_, severed.model.intercept_
        self.support_ = np.zeros(n_samples, dtype=bool)
        self.support_[index] = severed.kept
        self.history_ = severed.history
        self.scores_ = np.full(n_samples, np.nan)
        slopes = learner.slopes(severed.model)
        for group in self._groups(target if target.dtype.kind == "i" else np.zeros(len(target), dtype=int)):
            kept = group[severed.kept[group]]
            gradients = RowGradients(space.take(kept), slopes[kept])
            self.scores_[index[group]] = _scores_of_all(gradients, RowGradients(space.take(group), slopes[group]))

    def _check_estimator(self, estimator):
        check_known(estimator, self._known, type(self).__name__, self._general)

    def _validate(self, X, y):
        return validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)

    def _read_test_rows(self, X):
        return validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self._default_or_given())
        # Rows are read here, as numbers without gaps; the order of rows and all draws are fixed.
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = False
        tags.non_deterministic = False
        tags.target_tags.positive_only = inner.target_tags.positive_only
        return tags


def _scores_of_all(kept, everything):
    """Scores of all rows, along the direction in which the rows kept spread most."""
    mean = kept.mean()
    direction = kept.spread(mean)[0]
    return np.square(everything.project(direction) - np.vdot(direction, mean))
