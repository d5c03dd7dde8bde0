"""A regressor around any other, fitted on the rows that a sanitizer lets pass."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import column_or_1d

from robustfit._sklearn import StrOptions
from robustfit.sanitize._base_sanitized import BaseSanitized
from robustfit.sanitize._target import Quantities


class SanitizedRegressor(RegressorMixin, BaseSanitized):
    """Fit a regressor without the rows that a sanitizer finds suspicious.

    What a pipeline cannot do: leave rows out. The sanitizer is fitted first, on all rows; the whole estimator, its
    scalers and encoders included, is then fitted on those that it keeps.

    Parameters
    ----------
    estimator : estimator, default=None
        Regressor or pipeline; ``Ridge()`` if None.
    sanitizer : sanitizer, default=None
        Anything with ``fit(X, y)`` that has ``support_`` and ``scores_`` afterwards: one of `robustfit.sanitize`, a
        `SanitizerChain`, or a pipeline that ends in one, such as ``make_pipeline(RobustScaler(), SphereSanitizer())``.
        What Notes describe if None. It is given the rows as numbers, see there.
    action : {"drop", "weight"}, default="drop"
        What happens to suspicious rows: they are left out; or they count for a tenth, for an estimator (or the last
        step of a pipeline) that takes ``sample_weight``.
    contamination : float, default=0.05
        Share of the rows, in [0, 0.5), that may be bad, for the default sanitizer. One that is passed has its own.
    random_state : int, default=0
        Seed of the default sanitizer, and of all that a sanitizer and the estimator leave open with
        ``random_state=None``. Non-negative.

    Attributes
    ----------
    estimator_ : estimator
        Fitted on the rows of ``support_``; on all rows with ``action="weight"``.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are not suspicious, or that stay for the sake of their class; rows of weight zero are not among them.
    scores_ : ndarray of shape (n_samples,)
        What the sanitizer thinks of each row, higher is more suspicious; NaN for rows of weight zero.
    contamination_ : float
        Share of the rows (of those whose weight is not zero) that are not in ``support_``.
    sanitizer_ : sanitizer
        Fitted on the rows as numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    Raises
    ------
    ValueError
        From ``fit``, if the rows are texts that no step turns into numbers, or the sanitizer cannot work with the
        rows.
    TypeError
        From ``fit``, if weights are wanted and the estimator takes none, or what is passed is no sanitizer.

    See Also
    --------
    SanitizedClassifier : The same for labels.
    robustfit.trimmed.TrimmedRegressor : Lets the losses of the estimator judge the rows instead.
    robustfit.ensemble.PartitionRegressor : A median with a certificate; may have this as its member.

    Notes
    -----
    Without a sanitizer, rows are left out that `DuplicateSanitizer`, `LeaveClusterOutSanitizer` (asked for twice the
    share, since it takes rows back) or `InfluenceSanitizer` (where there are ten rows for each coefficient) leaves out,
    each told `contamination`; those come back whose residual under a robust fit to the others has a normal density of
    at least 0.02 of its peak, within 2.8 standard deviations, see `UnionSanitizer`. Deviations are those of the 30 % of
    the rows kept with the most similar predictions, or of all where these are larger: many targets vary more where they
    are large. Up to twice the share can go: where residuals have heavy tails or several levels, which a linear model
    cannot tell from poison, honest rows go with them and the fit moves. Take the logarithm of such targets, or name a
    sanitizer.

    Around an estimator that is not one of `sklearn.linear_model`, or of their kind, rows also come back if a forest of
    the others foretells them as well, and that union is the first of two in a `FallbackSanitizer`: where the residuals
    of a forest are smaller by 15 % than those of linear models on the rows that it keeps, rows go only if both the
    union and a forest that has not seen them (residuals beyond 2.8 robust standard deviations) leave them out; repeats
    go if a forest of the others does not foretell them.

    Sanitizers that compare rows of a class take numbers in bins, ``SphereSanitizer(n_bins=5)``. At least one row stays.

    Of m suspicious rows the one with rank r among them, the most suspicious one first, has its weight multiplied by
    ``0.2 r / (m + 1)`` with ``action="weight"``: a tenth on average, and never zero, since learners differ in what they
    make of weights of zero.

    Numbers are what the last step of a pipeline is given, also of a pipeline inside a search; its earlier steps are
    fitted to all rows for that, and again to those that are kept. Without a pipeline the columns count as they are;
    columns of texts and categories become indicators (of the 30 most frequent ones each, and of all others), next to
    numbers scaled by median and median absolute deviation. Missing values are medians of their column. The estimator is
    given the rows as they came.

    A filter is no guarantee: poison that looks like clean rows passes. On clean rows the least typical ones are lost.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import SanitizedRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 2))
    >>> y = X @ [1.0, -2.0] + 0.1 * rng.normal(size=200)
    >>> X[:10], y[:10] = X[:10] + [2.0, 0.0], -10.0
    >>> model = SanitizedRegressor().fit(X, y)
    >>> model.estimator_.coef_.round(1)
    array([ 1., -2.])
    >>> bool(model.support_[:10].any())
    False
    """

    _inner_type = "regressor"

    _parameter_constraints: dict = {
        **BaseSanitized._parameter_constraints,
        "action": [StrOptions({"drop", "weight"})],
    }

    def _default_estimator(self):
        return Ridge()

    def _read_target(self, y, index):
        target = column_or_1d(y, warn=True)
        assert_all_finite(target, input_name="y")
        target = target.astype(np.float64)
        return target, target[index]

    def _groups(self, codes):
        return [np.arange(len(codes))]

    @staticmethod
    def _for_sanitizer(target):
        # Prices are no classes, even if all of them are whole.
        return target.view(Quantities)
