"""Linear regression by gradient descent with filtered means."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from robustfit._sklearn import StrOptions, fit_context
from robustfit.losses import SQUARED, Loss
from robustfit.trimmed._base_robust_gradient import BaseRobustGradient
from robustfit.trimmed._lts._reweight import find_outliers


class RobustGradientRegressor(RegressorMixin, BaseRobustGradient):
    """Linear regression by gradient descent in which each mean gradient is a robust mean.

    The descent begins at a constant, where far rows that agree with each other stand out by their gradients, and in
    every step drops anew the rows whose gradients do: none is lost for good, and none holds the first fit.

    Parameters
    ----------
    loss : "squared_error" or Loss, default="squared_error"
        Or one of `robustfit.losses` for residuals whose curvature is at most 1: ``huber(delta)``, ``tukey(c)``.
    contamination : float, default=0.1
        Share of rows that are dropped from each mean, in [0, 0.5). A little more than the share of bad rows is best.
    alpha : float, default=0.0
        Price of half the squared slopes, of columns in robust units, against the mean loss.
    n_rounds : int, default=4
        Rounds of each filter.
    final : {"reweight", "concentrate"} or None, default="reweight"
        What follows: least trimmed losses from where the descent ended, with ⌊contamination · n⌋ rows left out, and
        then a fit to all rows but outliers; the former alone; or nothing.
    fit_intercept : bool, default=True
    max_iter : int, default=30
        Most steps.
    tol : float, default=1e-4
        Relative size of a step that ends the descent, if it is on the same rows as the one before.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    support_ : ndarray of shape (n_samples,), bool
        The rows that the model was fitted to.
    history_ : list of dict
        For each step ``stage`` ("descent" or "concentrate"), ``n_kept`` and the mean ``loss`` of the rows kept.
    n_iter_ : int
        Steps of the descent.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if the contamination is out of range.

    See Also
    --------
    LTSRegressor : Least trimmed squares from many starts; the first choice for squared errors.
    SeverRegressor : Drops for good, around a learner of scikit-learn.

    Notes
    -----
    With g the mean of the gradients that the filter of [2]_ keeps, H the second moment of their rows and P the price of
    slopes, a step is θ ← θ − (H + P)⁻¹ (g + Pθ) [1]_. Rows are in coordinates in which the bulk has about the unit
    covariance, found from spatial signs and the central half, so that shifts and scales of columns change nothing and
    other linear maps little. The error is of order σ √contamination [1]_; what follows makes it smaller where bad rows
    have large residuals. A bounded slope, as of ``huber``, makes far rows pull less but also stand out less.

    Bad rows that form a tight group within the bulk are missed from 20 % on, as in every method that looks for the
    smallest trimmed loss. Each step takes time in proportion to n_samples · n_features², and the coordinates memory in
    proportion to n_features².

    References
    ----------
    .. [1] A. Prasad, A. S. Suggala, S. Balakrishnan and P. Ravikumar, "Robust estimation via robust gradient
       estimation", Journal of the Royal Statistical Society B, 2020.
    .. [2] I. Diakonikolas, G. Kamath, D. Kane, J. Li, A. Moitra and A. Stewart, "Being Robust (in High Dimensions) Can
       Be Practical", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.trimmed import RobustGradientRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = X @ [1.0, -2.0] + 3.0 + 0.1 * rng.normal(size=200)
    >>> X[:60], y[:60] = 9.0, 40.0
    >>> model = RobustGradientRegressor(contamination=0.35).fit(X, y)
    >>> model.coef_.round(1).tolist(), round(float(model.intercept_), 1)
    ([1.0, -2.0], 3.0)
    """

    _parameter_constraints: dict = {
        **BaseRobustGradient._parameter_constraints,
        "loss": [StrOptions({"squared_error"}), Loss],
        "final": [StrOptions({"reweight", "concentrate"}), None],
    }

    def __init__(
        self,
        *,
        loss="squared_error",
        contamination=0.1,
        alpha=0.0,
        n_rounds=4,
        final="reweight",
        fit_intercept=True,
        max_iter=30,
        tol=1e-4,
    ):
        self.loss = loss
        self.contamination = contamination
        self.alpha = alpha
        self.n_rounds = n_rounds
        self.final = final
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Fit the regression.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        self : object
        """
        X, y = validate_data(self, X, y, y_numeric=True, dtype=np.float64)
        y = y.astype(np.float64, copy=False)
        loss = SQUARED if self.loss == "squared_error" else self._residual_loss()
        # The descent begins at the median, not at zero.
        middle = float(np.median(y)) if self.fit_intercept else 0.0
        slopes, intercepts = self._descend(X, y - middle, loss, 1.0, 1, np.zeros(len(y), dtype=int))
        self.coef_, self.intercept_ = slopes[:, 0], float(intercepts[0]) + middle
        return self

    def _residual_loss(self):
        if self.loss.name in ("squared_error", "huber", "tukey"):
            return self.loss
        raise ValueError(
            f"RobustGradientRegressor takes losses of residuals with a curvature of at most 1, got {self.loss.name!r}. "
            "Pass 'squared_error', or huber(delta) or tukey(c) of robustfit.losses."
        )

    def _groups(self, codes):
        return [np.arange(len(codes))]

    def _finish(self, objective, severed, codes):
        if self.final is None or self.contamination == 0:
            return severed
        severed = self._concentrate(objective, severed, codes)
        if self.final == "concentrate":
            return severed
        sizes = np.abs(objective.target - objective.space.times(severed.model)[:, 0])
        h = np.count_nonzero(severed.kept)
        outliers = find_outliers(sizes, np.square(sizes[severed.kept]).sum(), h, objective.space.width)
        if not outliers.scale > 0:
            # An exact fit: the rows on it are the good ones.
            return severed
        kept = sizes < outliers.cutoff
        return severed._replace(model=objective.take(kept).minimise(severed.model), kept=kept)

    def predict(self, X):
        """Predict by the linear model.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return X @ self.coef_ + self.intercept_
