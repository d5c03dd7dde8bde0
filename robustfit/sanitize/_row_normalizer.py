"""Rows of equal length as a transformer."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from robustfit._sklearn import Interval, StrOptions, fit_context
from robustfit.sanitize._unit_rows import CLIP, cut_columns, holds_counts, log_counts, robust_scale, to_length_one


class RowNormalizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Bring columns to comparable units that no minority of rows sets, and each row to length 1.

    A linear learner is pulled by a row in proportion to its length. Of equal rows it takes many to move a model far.

    Parameters
    ----------
    scale : {"auto", "robust", "log1p"} or None, default="auto"
        What is done to the columns. ``"robust"``: their median is subtracted, and they are divided by their
        interquartile range in standard deviations of a normal distribution; where that is 0, by their standard
        deviation. Dense data only: sparse data would lose its zeros. ``"log1p"``: ``sign(x) log(1 + |x|)``, for counts
        and other skewed numbers. None: nothing. ``"auto"``: ``"log1p"`` where most rows are whole numbers that are not
        negative and at least nine tenths of the columns are mostly zero; else ``"robust"`` for dense data and None for
        sparse.
    clip : float, default=3.0
        Where robust units are cut, in standard deviations; infinite to cut nothing.

    Attributes
    ----------
    scale_ : {"robust", "log1p"} or None
        What is done.
    center_ : ndarray of shape (n_features,)
        Medians; with ``scale_="robust"`` only.
    width_ : ndarray of shape (n_features,)
        What columns are divided by; with ``scale_="robust"`` only.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    LeaveClusterOutSanitizer : Looks at rows through this.
    sklearn.preprocessing.RobustScaler : Columns only.

    Notes
    -----
    A row becomes ``z / ‖z‖`` with ``z_j = min(c, max(−c, (x_j − median_j) / width_j))``, or with the logarithm instead.
    Rows of zeros stay. Missing values become the median, 0. What a row's length said is lost, so there is no inverse.

    The median and the interquartile range resist up to a quarter of bad rows. The standard deviation, which stands in
    for columns that are mostly one value, resists none: far values make it larger, and such a column fainter.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import RowNormalizer
    >>> RowNormalizer(scale=None).fit_transform(np.array([[3.0, 4.0], [30.0, 40.0]]))
    array([[0.6, 0.8],
           [0.6, 0.8]])
    """

    _parameter_constraints: dict = {
        "scale": [StrOptions({"auto", "robust", "log1p"}), None],
        "clip": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, scale="auto", *, clip=CLIP):
        self.scale = scale
        self.clip = clip

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the units of the columns.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Values may be missing.
        y : None
            Ignored.

        Returns
        -------
        self : object
        """
        X = self._read(X, reset=True)
        self.scale_ = self._choose(X)
        if self.scale_ == "robust":
            self.center_, self.width_ = robust_scale(X, np.ones(len(X)))
        return self

    def transform(self, X):
        """Return the rows at length 1.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        rows : ndarray or csr matrix of shape (n_samples, n_features)
            Sparse if X is.
        """
        check_is_fitted(self)
        X = self._read(X, reset=False)
        if self.scale_ == "robust":
            self._refuse_sparse(X)
            return to_length_one(cut_columns(X, self.center_, self.width_, self.clip))
        return to_length_one(log_counts(X) if self.scale_ == "log1p" else _without_missing(X))

    def _choose(self, X):
        if self.scale == "robust":
            self._refuse_sparse(X)
        if self.scale != "auto":
            return self.scale
        if holds_counts(X):
            return "log1p"
        return None if sp.issparse(X) else "robust"

    @staticmethod
    def _refuse_sparse(X):
        if sp.issparse(X):
            raise ValueError(
                "RowNormalizer cannot subtract medians from sparse data, which would fill it. Use scale='log1p' or "
                "scale=None, or pass a dense array."
            )

    def _read(self, X, *, reset):
        return validate_data(self, X, accept_sparse="csr", dtype=np.float64, ensure_all_finite="allow-nan", reset=reset)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def _without_missing(X):
    if sp.issparse(X):
        X = X.copy()
        X.data = np.nan_to_num(X.data)
        return X
    return np.nan_to_num(X)
