"""Least trimmed squares: linear regression on the rows that agree."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from robustfit._meta._seeds import check_seed
from robustfit._sklearn import Interval, StrOptions, fit_context
from robustfit.sanitize._copies import cap_copies
from robustfit.trimmed._lts._conclude import conclude
from robustfit.trimmed._lts._gap import lts_lower_bound
from robustfit.trimmed._lts._starts import Effort
from robustfit.trimmed._lts._trim import trim


class LTSRegressor(RegressorMixin, BaseEstimator):
    """Linear regression by least trimmed squares.

    Fits the share ``alpha`` of the rows that agree best with one linear model, whatever the others are, then brings
    back the rows that agree with that model too.

    Parameters
    ----------
    alpha : float or "auto", default="auto"
        Share of rows kept by the raw fit, from 0.5 (survives most bad rows; less counts as 0.5, since with fewer rows
        no fit survives more) to 1 (least squares). Best a little below the share of good rows: more trimming is not
        safer, since a tight minority may then be the rows that agree best. With ``"auto"`` the share is followed from
        0.5 to 0.95 on a sample of the rows, and taken from where the scale of the errors stays level, before it jumps.
        Give a number for the classic estimator, the smallest objective at that share.
    n_starts : int, default=500
        Random elemental starts, shared out over groups of rows.
    n_keep : int, default=10
        Candidates followed from one stage to the next.
    group_size : int or "auto", default="auto"
        Rows that random starts are compared on. Up to twice as many rows are searched as a whole; of more, five groups
        make a sample on which candidates meet before they see all rows. ``"auto"`` is
        ``max(600, 30 * n_coefficients)``.
    deterministic_starts : bool, default=True
        Also start from the central half of the rows under six robust estimates of scatter, from what filters of
        dense and of pulling rows leave, and from all rows. Random starts find nothing in many columns: with 40 % bad
        rows and 20 columns, one in 45 000 is free of them.
    final : {"reweight", "mm"} or None, default="reweight"
        What follows the raw fit: least squares on all rows but outliers, with a cut-off that adapts to the data so
        that clean data lose next to nothing; Tukey's bisquare with the scale held; or nothing.
    ridge : float, default=0.0
        Price of the sum of squared slopes in the objective, as in `sklearn.linear_model.Ridge`.
    l1 : float, default=0.0
        Price of the sum of absolute slopes in the objective; with ``ridge`` an elastic net (sparse least trimmed
        squares). `sklearn.linear_model.Lasso` with ``alpha`` on the h rows kept has ``l1 = 2 * h * alpha``.
    fit_intercept : bool, default=True
    max_copies : int, default=None
        Most rows that count of any neighbourhood of near-copies; the others are left out before anything else, and h is
        a share of those that count. The remedy against a tight cluster of bad rows inside the data, which no amount of
        trimming survives. Leave it None where good rows repeat by nature: whole numbers, repeated measurements.
    gap : bool, default=False
        Whether to search for a proof of how far the raw fit is from the global optimum: some seconds.
    max_iter : int, default=100
        Most concentration steps of one candidate.
    n_jobs : int, default=None
        Threads for the groups of random starts.
    random_state : int, default=0
        Non-negative.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    scale_ : float
        Standard deviation of the errors of good rows; 0 after an exact fit.
    support_ : ndarray of shape (n_samples,), bool
        The h rows that the raw fit rests on.
    weights_ : ndarray of shape (n_samples,)
        Weight of each row in the final fit, between 0 and 1; without one, 1 for the rows of ``support_``.
    contamination_ : float
        Share of rows that are more, and farther out, than normal errors explain.
    breakdown_point_ : float
        Smallest share of rows (with ``max_copies``, of those that count) that can carry the exact optimum of the
        objective anywhere, for rows in general position.
    objective_ : float
        Of the raw fit: sum of the h smallest squared residuals, plus penalties.
    alpha_ : float
        Share of rows kept, as given or as found.
    exact_fit_ : bool
        Whether h rows or more lie on one plane, up to rounding.
    lower_bound_ : float
        If ``gap``: no coefficients whatever have a smaller objective. See Notes.
    gap_ : float
        If ``gap``: ``(objective_ - lower_bound_) / objective_``, between 0 (the global optimum) and 1 (nothing is
        known).
    n_copies_ : int
        Number of rows left out by ``max_copies``.
    start_report_ : dict of str to float
        Smallest objective that each kind of start came to after two steps, on the sample where candidates meet (scaled
        to h rows).
    n_iter_ : int
        Passes over all rows that the winning candidate took.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if there are fewer rows than coefficients and no penalty.

    See Also
    --------
    sklearn.linear_model.HuberRegressor : Convex, and helpless against rows with far features.
    sklearn.linear_model.RANSACRegressor : Random starts alone, around any regressor.

    Notes
    -----
    The raw fit minimises, over coefficients b,

        Σ_{i ≤ h} r²_(i)(b) + ridge Σ_j b_j² + l1 Σ_j |b_j|,

    with the squared residuals in increasing order [1]_, where for n rows and p coefficients (the intercept counts; with
    a penalty p is 1) n₂ = ⌊(n + p + 1)/2⌋ and h = ⌊2 n₂ − n + 2 (n − n₂) alpha⌋. It is found by concentration
    steps [2]_ from many starts [3]_, and with few rows by exchanges of one row for another. The optimum is not
    guaranteed, and neither is the breakdown point, which is that of the optimum.

    The cut-off of the final fit is that of [4]_, on a scale that is corrected for the share of outliers found.

    With ``alpha`` above the share of good rows the fit is lost. With ``alpha`` below, the optimum itself can be the
    wrong fit: a tight cluster of 30 % that lies within the data is fitted with smaller residuals than good rows are,
    and no search helps. ``alpha="auto"`` does in such cases, since it does not go by the objective alone: a fit that
    passes through a tight minority has too many residuals next to nothing, and a scale that climbs with the share of
    rows kept. Of the minima found it takes one whose residuals are about as close to a normal law, outliers apart, as
    those of any other; ``objective_`` need not be the smallest then. What imitates the errors of good rows is beyond it
    too.

    **Guarantee.** With ``gap=True``, ``lower_bound_`` is at most the objective of any coefficients, on the rows that
    count under ``max_copies``; it is 0 where columns, each in its own unit, are too nearly dependent (condition 1e7) to
    say more in floating point, unless they are exactly so. An ``l1`` penalty is left out of it, which keeps it a bound.
    What is reached depends on size: to about 40 rows the gap is closed, with up to 4 coefficients it is small for any
    number of rows, with more than 6 and no ridge it is 1. `lts_lower_bound` computes it.

    There is no ``sample_weight``: a row is kept or not, h counts rows and so does the breakdown point; a weighted row
    would be neither one row nor several. Repeat rows that stand for several.

    References
    ----------
    .. [1] P. J. Rousseeuw, "Least median of squares regression", Journal of the American Statistical Association, 1984.
    .. [2] P. J. Rousseeuw and K. Van Driessen, "Computing LTS regression for large data sets", Data Mining and
       Knowledge Discovery, 2006.
    .. [3] M. Hubert, P. J. Rousseeuw and T. Verdonck, "A deterministic algorithm for robust location and scatter",
       Journal of Computational and Graphical Statistics, 2012.
    .. [4] D. Gervini and V. J. Yohai, "A class of robust and fully efficient regression estimators", Annals of
       Statistics, 2002.
    .. [5] A. Alfons, C. Croux and S. Gelper, "Sparse least trimmed squares regression for analyzing high-dimensional
       large data sets", Annals of Applied Statistics, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.trimmed import LTSRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = X @ [1.0, -2.0] + 3.0 + 0.1 * rng.normal(size=200)
    >>> X[:40], y[:40] = 9.0, 40.0
    >>> model = LTSRegressor().fit(X, y)
    >>> model.coef_.round(1).tolist(), round(float(model.intercept_), 1)
    ([1.0, -2.0], 3.0)
    >>> bool(model.weights_[:40].any()), round(model.contamination_, 1)
    (False, 0.2)
    """

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, 1, closed="right"), StrOptions({"auto"})],
        "n_starts": [Interval(Integral, 0, None, closed="left")],
        "n_keep": [Interval(Integral, 1, None, closed="left")],
        "group_size": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
        "deterministic_starts": ["boolean"],
        "final": [StrOptions({"reweight", "mm"}), None],
        "ridge": [Interval(Real, 0, None, closed="left")],
        "l1": [Interval(Real, 0, None, closed="left")],
        "fit_intercept": ["boolean"],
        "max_copies": [Interval(Integral, 1, None, closed="left"), None],
        "gap": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
        "random_state": "no_validation",
    }

    def __init__(
        self,
        *,
        alpha="auto",
        n_starts=500,
        n_keep=10,
        group_size="auto",
        deterministic_starts=True,
        final="reweight",
        ridge=0.0,
        l1=0.0,
        fit_intercept=True,
        max_copies=None,
        gap=False,
        max_iter=100,
        n_jobs=None,
        random_state=0,
    ):
        self.alpha = alpha
        self.n_starts = n_starts
        self.n_keep = n_keep
        self.group_size = group_size
        self.deterministic_starts = deterministic_starts
        self.final = final
        self.ridge = ridge
        self.l1 = l1
        self.fit_intercept = fit_intercept
        self.max_copies = max_copies
        self.gap = gap
        self.max_iter = max_iter
        self.n_jobs = n_jobs
        self.random_state = random_state

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
        X, y = validate_data(self, X, y, y_numeric=True, dtype=np.float64, ensure_min_samples=2)
        y = y.astype(np.float64, copy=False)
        counted = np.ones(len(y), dtype=bool) if self.max_copies is None else cap_copies(X, y, self.max_copies)
        if not counted.all():
            X, y = X[counted], y[counted]
        n_samples, n_coefs = X.shape[0], X.shape[1] + bool(self.fit_intercept)
        self._check_enough(n_samples, n_coefs)
        trimmed = trim(
            X,
            y,
            alpha=self.alpha if self.alpha == "auto" else max(float(self.alpha), 0.5),
            effort=self._effort(n_coefs),
            ridge=self.ridge,
            l1=self.l1,
            intercept=bool(self.fit_intercept),
        )
        concluded = conclude(trimmed, self.final)
        self.coef_, self.intercept_ = trimmed.units.leave(concluded.coefs)
        squared_unit = trimmed.units.target_scale**2
        self.scale_ = concluded.scale * trimmed.units.target_scale
        self.n_copies_ = len(counted) - n_samples
        self.support_ = _among(counted, trimmed.solution.kept)
        self.weights_ = _among(counted, concluded.weights)
        self.contamination_ = concluded.contamination
        self.exact_fit_ = concluded.exact
        self.alpha_ = trimmed.alpha
        penalised = bool(self.ridge or self.l1)
        to_break = n_samples - trimmed.h + 1
        self.breakdown_point_ = (to_break if penalised else min(to_break, trimmed.h - n_coefs + 1)) / n_samples
        self.objective_ = trimmed.solution.objective * squared_unit
        self.start_report_ = {name: value * squared_unit for name, value in trimmed.reached.items()}
        self.n_iter_ = trimmed.n_iter
        if self.gap:
            self._bound(X, y, trimmed)
        return self

    def _bound(self, X, y, trimmed):
        slopes, intercept = trimmed.units.leave(trimmed.solution.coefs)
        coef = np.append(slopes, intercept) if self.fit_intercept else slopes
        given = {"fit_intercept": bool(self.fit_intercept), "ridge": self.ridge}
        bound = lts_lower_bound(X, y, trimmed.h, coef, **given)
        self.lower_bound_ = bound.value
        self.gap_ = bound.gap(self.objective_)

    def _check_enough(self, n_samples, n_coefs):
        if self.n_starts == 0 and not self.deterministic_starts:
            raise ValueError("n_starts=0 with deterministic_starts=False leaves nowhere to start; set one of them.")
        if n_samples < n_coefs and not (self.ridge or self.l1):
            raise ValueError(
                f"n_samples={n_samples} rows cannot determine {n_coefs} coefficients (the intercept counts): at least "
                f"{n_coefs} rows are needed, and {2 * n_coefs} before any can be bad. Give more rows or fewer columns, "
                "or set ridge or l1."
            )

    def _effort(self, n_coefs):
        group_size = max(600, 30 * n_coefs) if self.group_size == "auto" else self.group_size
        return Effort(
            n_starts=self.n_starts,
            n_keep=self.n_keep,
            group_size=group_size,
            deterministic=self.deterministic_starts,
            max_iter=self.max_iter,
            random_state=check_seed(self.random_state),
            n_jobs=self.n_jobs,
        )

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


def _among(counted, values):
    """Spread what is known of the rows that count over all rows."""
    everywhere = np.zeros(len(counted), dtype=values.dtype)
    everywhere[counted] = values
    return everywhere
