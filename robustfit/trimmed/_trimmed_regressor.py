"""A regressor around any other: fitted on the rows that it fits best, from several starts."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.stats import norm
from sklearn.base import RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.utils import assert_all_finite, column_or_1d

from robustfit._sklearn import StrOptions
from robustfit.sanitize._responses import REGRESSION_LOSSES, regressor_response
from robustfit.trimmed._base_trimmed import BaseTrimmed
from robustfit.trimmed._wrapper._starts import plan_starts
from robustfit.trimmed._wrapper._trimming import explore, most_consistent

# For contamination="auto": the share left out at first, and the robust standard deviations beyond which a row is bad.
_FIRST_SHARE = 0.4
_BAD = 2.5


class TrimmedRegressor(RegressorMixin, BaseTrimmed):
    """Fit a regressor on the rows that agree, leaving out a share that may be wrong.

    Alternates between fitting the whole estimator on the rows kept and keeping the rows with the smallest losses, from
    several starts: all rows, a strongly regularised fit to rows of equal length, both also with twice the share left
    out at first, and a slowly growing share. The result is the one whose rows foretell each other best, among those
    that the strongly regularised fit does not dispute.

    Parameters
    ----------
    estimator : estimator, default=None
        Regressor or pipeline; ``Ridge()`` if None. A pipeline is fitted as a whole: its scaler never sees the rows that
        are left out.
    contamination : float or "auto", default=0.1
        Share of the rows (of the weight) that are left out, in [0, 0.5). 0 is plain fitting. ``"auto"`` leaves out 40 %
        first, and in the end the rows beyond 2.5 robust standard deviations of that fit.
    loss : {"auto", "squared_error", "absolute_error", "poisson", "gamma"} or callable, default="auto"
        Of the prediction; ``"auto"`` is the squared error. A callable is given targets and predictions and returns one
        loss per row.
    evaluation : {"auto", "in_sample", "out_of_fold", "out_of_bag"}, default="auto"
        Which fits a row's loss is taken from. Learners that memorise would forgive every row that they were fitted on.
        ``"auto"`` is in sample for scikit-learn's linear models, out of bag for forests and bagging, else out of fold.
    n_starts : int or "auto", default="auto"
        The first so many starts.
    n_folds : int, default=5
        Folds for ``"out_of_fold"``. A row's fold depends on that row alone.
    max_iter : int or "auto", default="auto"
        Fits for each start; ``"auto"`` is 20 in sample, 3 out of fold and 4 out of bag.
    warm_start : bool, default=True
        Begin each fit of a convex iterative learner of scikit-learn at the coefficients of the one before.
    max_copies : int, default=None
        Most rows that count of any neighbourhood of near-copies (in arrays of numbers; of equal rows in
        sparse matrices, frames and texts); the others are treated as rows of weight zero. The remedy against a tight
        cluster of bad rows, which trimming alone does not survive. Leave it None where good rows repeat by nature.
    random_state : int, default=0
        Seed of all that the estimator leaves open with ``random_state=None``, and salt of the folds. Non-negative.

    Attributes
    ----------
    estimator_ : estimator
        Fitted on the rows of ``support_``.
    support_ : ndarray of bool of shape (n_samples,)
        Rows that were kept; rows of weight zero, and copies left out, were not.
    losses_ : ndarray of shape (n_samples,)
        Loss of each row; NaN for rows of weight zero and copies left out.
    contamination_ : float
        Share of the weight that was left out.
    start_ : str
        Where the steps began that led here.
    history_ : list of dict
        For each start ``"start"``, ``"share"``, ``"objective"`` (the mean loss of the rows kept, after each fit) and
        ``"ended"``: ``"fixed"``, ``"cycle"``, ``"limit"`` or ``"failed"``.
    n_iter_ : int
        Concentration steps of all starts, and fits that compare where they led.
    n_fits_ : int
        Fits of the estimator. In sample, at most ``n_iter_ + 1``.
    monotone_ : bool
        Whether the objective never rose on the way.
    evaluation_ : {"in_sample", "out_of_fold", "out_of_bag"}
    n_features_in_ : int
        Number of features; not set for texts.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if more losses are NaN than may be left out.

    Warns
    -----
    TrimmingWarning
        If a start ended early because the estimator could not be fitted.

    See Also
    --------
    TrimmedClassifier : The same for labels.
    LTSRegressor : Least trimmed squares, with many more starts, for linear models.

    Notes
    -----
    From rows H the steps are θ ← fit(H), H ← the h rows with the smallest ℓ(θ; x_i, y_i). With ``Ridge`` they are those
    of TRIM [2]_, which has a single start.

    The smallest trimmed loss does not tell good results from bad: with many columns a fit bends to a few bad rows,
    copied often enough, at little loss. Of the results the one is taken whose rows H have the smallest mean loss when
    each is predicted by a fit to the rows of H in the other folds; copies of a row share its fold.
    Many different bad rows do follow from each other where good rows leave a direction free, such as two categories of
    one kind at once. Where losses are in sample, results are therefore left aside first whose rows the strongly
    regularised fit, made anew to them, explains with over 1.06 times the least mean absolute error of any. Other
    learners follow curves that such a fit cannot judge.

    It cannot help where bad rows agree with each other better than good ones do: a tight cluster of bad rows far from
    the rest can have the smaller trimmed loss.

    References
    ----------
    .. [1] P. J. Rousseeuw and K. Van Driessen, "Computing LTS Regression for Large Data Sets", Data Mining and
       Knowledge Discovery 12, 2006.
    .. [2] M. Jagielski, A. Oprea, B. Biggio, C. Liu, C. Nita-Rotaru and B. Li, "Manipulating Machine Learning:
       Poisoning Attacks and Countermeasures for Regression Learning", IEEE Symposium on Security and Privacy 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.trimmed import TrimmedRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = X @ [1.0, -2.0] + 0.1 * rng.normal(size=200)
    >>> X[:30], y[:30] = [4.0, 4.0], 30.0
    >>> model = TrimmedRegressor(contamination=0.2).fit(X, y)
    >>> model.estimator_.coef_.round(1)
    array([ 1., -2.])
    >>> bool(model.support_[:30].any())
    False
    """

    _parameter_constraints: dict = {
        **BaseTrimmed._parameter_constraints,
        "loss": [StrOptions({"auto", *REGRESSION_LOSSES}), callable],
    }

    _inner_type = "regressor"

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.1,
        loss="auto",
        evaluation="auto",
        n_starts="auto",
        n_folds=5,
        max_iter="auto",
        warm_start=True,
        max_copies=None,
        random_state=0,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.loss = loss
        self.evaluation = evaluation
        self.n_starts = n_starts
        self.n_folds = n_folds
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.max_copies = max_copies
        self.random_state = random_state

    def _default_estimator(self):
        return Ridge()

    def _read_target(self, y, index):
        target = column_or_1d(y, warn=True)
        assert_all_finite(target, input_name="y")
        return target[index].astype(np.float64), None

    def _choose_response(self, estimator):
        return regressor_response(self.loss)

    def _groups(self, data):
        return [np.arange(len(data))]

    def _starts(self, totals, *, referred):
        return plan_starts(None, totals, referred=referred)

    def _settle(self, search, fits, trim, starts, max_iter):
        share = _FIRST_SHARE if self.contamination == "auto" else self.contamination
        run = self._best(search, fits, explore(search, fits, trim, starts, share, max_iter), search.full)
        if self.contamination != "auto":
            return run
        share = bad_share(run, fits.data)
        if share == 0:
            return search.full
        return self._best(search, fits, explore(search, fits, trim, starts, share, max_iter), run)

    def _best(self, search, fits, ends, otherwise):
        return most_consistent(search, fits, ends) if ends else otherwise


def bad_share(run, data):
    """Share of the weight of rows whose prediction is off by more than chance would have it.

    Parameters
    ----------
    run : Run
        That left out more rows than are bad.
    data : TrainingSet
    """
    off, weights = np.abs(data.target - run.found.table), data.weights
    kept = run.kept.sum() / weights.sum()
    # Mean square of the smallest share ``kept`` of normal residuals.
    cut = norm.ppf((1.0 + kept) / 2.0)
    shrinkage = 1.0 - 2.0 * cut * norm.pdf(cut) / kept if kept < 1.0 else 1.0
    spread = np.sqrt(np.average(off**2, weights=run.kept) / shrinkage)
    return min(float(weights[off > _BAD * spread].sum() / weights.sum()), _FIRST_SHARE)
