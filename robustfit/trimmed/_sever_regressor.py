"""Sever around a linear regressor."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.linear_model import LinearRegression
from sklearn.utils.validation import validate_data

from robustfit.sanitize._linear._linear_losses import REGRESSORS
from robustfit.trimmed._base_sever import BaseSever


class SeverRegressor(RegressorMixin, BaseSever):
    """Fit a linear regressor without the rows whose gradients stand out together.

    A row can move a fit only by its gradient. If few rows are to move it far, their gradients must be large along one
    direction and there they spread more than those of good rows. Each round fits the learner, finds the direction
    along which the gradients of the rows spread most and drops the rows that are farthest out along it.

    Parameters
    ----------
    estimator : estimator, default=None
        Linear regressor of scikit-learn whose loss is known: LinearRegression (if None), Ridge, Lasso, ElasticNet, and
        those that choose their penalty by cross-validation, BayesianRidge, HuberRegressor, PoissonRegressor,
        GammaRegressor, SGDRegressor with a squared or Huber loss.
    contamination : float, default=0.1
        Share of rows to drop, in [0, 0.5); with 0 the learner is fitted as it is. A little more than the share of bad
        rows is best: good rows in the tails are dropped too.
    n_rounds : int, default=8
        Rounds in which they are dropped. Each is one fit.
    threshold : {"top", "random"}, default="top"
        Drop the same number of rows each round; or those whose score exceeds a random part of the largest one, as long
        as the spread is larger than that of the middle rows explains. Then ``contamination`` is the most that can be
        dropped, and of clean rows few are.
    final : {"concentrate"} or None, default="concentrate"
        Afterwards let all rows compete for the smallest loss, and fit to as many as were kept, until the sum of their
        losses does not fall any more. This brings back good rows for bad ones that were missed.
    random_state : int, default=0
        Non-negative. Seeds the thresholds, and the learner where it leaves its own seed open.

    Attributes
    ----------
    estimator_ : estimator
        The learner, fitted on the rows kept.
    coef_, intercept_ : ndarray and float
        Those of ``estimator_``.
    support_ : ndarray of shape (n_samples,), bool
        The rows kept. With ``threshold="top"`` all but ⌊contamination · n⌋, whatever ties.
    scores_ : ndarray of shape (n_samples,)
        Squared distance of each row's gradient from the mean of the rows kept, along the direction in which those
        spread most; for rows of weight zero NaN.
    history_ : list of dict
        One entry per fit: ``stage`` ("start", "filter" or "concentrate"), ``n_kept``, the mean ``loss`` of the rows
        kept and, after a filter, the ``variance`` along the direction that was filtered.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if the loss of the learner is not known or the contamination is out of range.

    See Also
    --------
    RobustGradientRegressor : Drops anew in every step of a descent from a robust start; survives more.
    LTSRegressor : Least trimmed squares from many starts.
    TrimmedRegressor : Trimmed losses around any regressor.

    Notes
    -----
    The gradient of row i is g_i = l'(y_i, f_i) (z_i, 1), where z_i has the median taken off and is divided by a robust
    scale, column by column; its score is (⟨g_i − ḡ, v⟩)² with v the top right-singular vector of the centred g_i
    [1]_. With a learner that is itself indifferent to it, shifted or rescaled columns change nothing; other linear maps
    of the columns do. The n × d table of gradients is not formed.

    If the good gradients have a covariance of at most σ² near the optimum, the error is of order σ √contamination [1]_,
    and only for a contamination well below one half. It begins with a fit to all rows: far rows that agree with each
    other, or a tight group within the bulk, of 20 % or more can hold that fit so firmly that the gradients of good rows
    stand out more. Rows with the features of good ones and another target, or wide ones, are found up to 30 %.

    References
    ----------
    .. [1] I. Diakonikolas, G. Kamath, D. Kane, J. Li, J. Steinhardt and A. Stewart, "Sever: A robust meta-algorithm
       for stochastic optimization", ICML 2019.
    .. [2] M. Jagielski et al., "Manipulating Machine Learning: Poisoning Attacks and Countermeasures for Regression
       Learning", IEEE Symposium on Security and Privacy, 2018. The concentration of the final stage.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.trimmed import SeverRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = X @ [1.0, -2.0] + 0.1 * rng.normal(size=200)
    >>> y[:20] = 10.0 * X[:20, 0]
    >>> SeverRegressor(contamination=0.15).fit(X, y).coef_.round(1).tolist()
    [1.0, -2.0]
    """

    _known = REGRESSORS
    _general = "TrimmedRegressor"

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.1,
        n_rounds=8,
        threshold="top",
        final="concentrate",
        random_state=0,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.n_rounds = n_rounds
        self.threshold = threshold
        self.final = final
        self.random_state = random_state

    def _default_estimator(self):
        return LinearRegression()

    def _validate(self, X, y):
        return validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, y_numeric=True)

    def _read_target(self, y, index):
        return y[index].astype(np.float64)

    def _groups(self, codes):
        return [np.arange(len(codes))]
