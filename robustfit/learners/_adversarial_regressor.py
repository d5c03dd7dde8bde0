"""Linear regression that expects the worst shift of every row."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
from sklearn.base import RegressorMixin

from robustfit._sklearn import Interval, StrOptions, fit_context
from robustfit.learners._adversarial._problem import regression_loss
from robustfit.learners._adversarial._shifts import dual_norm
from robustfit.learners._base_adversarial import BaseAdversarial


class AdversarialRegressor(RegressorMixin, BaseAdversarial):
    """Linear regression trained against the worst shift of every row.

    Each training row may be moved by any δ within a radius, and the loss is that of the worst move. No coefficient is
    then larger than the fit needs: triggers and other changes of a row within the radius move a prediction little.
    With radius 0 it is plain ridge, least absolute deviations or Huber regression.

    **It is no defence against wrong targets**: the shift changes features, and a poisoned target pulls as it did
    before. Nor against rows farther out than the radius: for those see `robustfit.trimmed.LTSRegressor`.

    Parameters
    ----------
    radius : float or array-like of shape (n_features,), default=0.1
        Size of the shifts, in the unit of the columns: standardise them first, or give each column its own. With an
        array a shift δ is allowed if ‖δ / radius‖ ≤ 1, which for ``norm=numpy.inf`` is a box; columns of radius 0
        stay as they are.
    norm : {1, 2, numpy.inf}, default=2
        Norm of the shift: changes spread over few columns, over any, or over all at once. The last makes coefficients
        zero, as the lasso does.
    loss : {"squared_error", "absolute_error", "huber"}, default="squared_error"
    delta : float, default=1.35
        Residual beyond which Huber's loss is linear, in the unit of the target.
    alpha : float, default=0.0
        Price of half the sum of squared coefficients, as in `sklearn.linear_model.Ridge`. Zero needs a positive radius
        of every column.
    fit_intercept : bool, default=True
    solver : {"auto", "cvxpy"}, default="auto"
        An interior-point method made for the problem, or cvxpy with Clarabel as a check on it, tens of times slower.
    tol : float, default=1e-8
        The fit ends when the objective is proved to be within ``tol`` of the optimum, as a share of the objective at
        zero coefficients and the mean target.
    max_iter : int, default=100
        Most iterations; 10 to 30 are usual.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    objective_ : float
        Sum of worst losses and penalty.
    dual_gap_ : float
        How far above the optimum the objective can be.
    max_shift_ : float
        Most that a shift within the radius changes a prediction: radius times the dual norm of ``coef_``.
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if the radius is negative, not finite or of the wrong length, the norm is unknown, or neither
        ``alpha`` nor ``radius`` keeps some coefficient finite.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the gap is larger than ``tol`` allows.

    See Also
    --------
    AdversarialClassifier : For labels.
    robustfit.trimmed.LTSRegressor : Against rows that are wrong, in features or target.

    Notes
    -----
    The shift that raises the residual r = y − w·x − b most raises its size by radius · ‖w‖_*, whatever the row, so that
    the problem is convex [1]_ [2]_:

        Σ_i s_i loss(|r_i| + max_{‖δ / radius‖ ≤ 1} δ·w) + ½ alpha ‖w‖².

    The dual norm ‖·‖_* of 1, 2 and ∞ is ∞, 2 and 1; the squared error is r²/2. If the radius is so large that a
    constant is the best function, ``coef_`` is exactly zero.

    An interior-point method [3]_ solves one linear system of the number of columns in each iteration, in
    O(n_samples · n_features² + n_features³) and with n_features² numbers in memory, so that wide tables need fewer
    columns first. Sparse rows stay sparse. From its multipliers follows a bound that no linear function can go below,
    and the gap to it is what ends the fit.

    References
    ----------
    .. [1] H. Xu, C. Caramanis and S. Mannor, "Robust Regression and Lasso", IEEE Transactions on Information Theory 56,
       2010.
    .. [2] A. H. Ribeiro, D. Zachariah, F. Bach and T. B. Schön, "Regularization properties of adversarially-trained
       linear regression", NeurIPS 2023.
    .. [3] S. Mehrotra, "On the Implementation of a Primal-Dual Interior Point Method", SIAM Journal on
       Optimization 2, 1992.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from robustfit.learners import AdversarialRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = AdversarialRegressor(radius=0.1, norm=np.inf).fit(scale(X), y)
    >>> round(model.score(scale(X), y), 2)
    0.49
    >>> int(np.count_nonzero(model.coef_))
    5
    """

    _parameter_constraints: dict = {
        **BaseAdversarial._parameter_constraints,
        "loss": [StrOptions({"squared_error", "absolute_error", "huber"})],
        "delta": [Interval(Real, 0, None, closed="neither")],
        "alpha": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        radius=0.1,
        norm=2,
        loss="squared_error",
        delta=1.35,
        alpha=0.0,
        fit_intercept=True,
        solver="auto",
        tol=1e-8,
        max_iter=100,
    ):
        self.radius = radius
        self.norm = norm
        self.loss = loss
        self.delta = delta
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the regression.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
        """
        X, y, weights = self._read_rows(X, y, sample_weight, y_numeric=True)
        radius = self._read_radius()
        if self.alpha == 0.0 and not np.all(radius > 0.0):
            raise ValueError(
                "alpha=0 leaves coefficients of columns with radius 0 without any bound. Set alpha > 0 (1e-6 changes "
                "little), or a positive radius of every column."
            )
        fit = self._fit_function(
            X, y.astype(np.float64), weights, lambda unit: regression_loss(self.loss, self.delta / unit), self.alpha
        )
        self.coef_, self.intercept_ = fit.coef, fit.intercept
        self.objective_, self.dual_gap_, self.n_iter_ = fit.objective, fit.gap, fit.n_iter
        self.max_shift_ = float(dual_norm(fit.coef, radius, self.norm))
        return self

    def predict(self, X):
        """Predict by the linear function.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        return self._scores(X)[1]
