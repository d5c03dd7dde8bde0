"""Kernel ridge regression on class indicators: a classifier that learns from a handful of rows."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from numbers import Real

import numpy as np
from scipy.linalg import LinAlgError, LinAlgWarning, lstsq
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from robustfit._meta._by_scores import ByScores
from robustfit._sklearn import Interval, StrOptions, check_sample_weight, fit_context
from robustfit.learners._kernel_system import solve_kernel_system


class KernelRidgeClassifier(ByScores, ClassifierMixin, BaseEstimator):
    """Classifier using kernel ridge regression on class indicators.

    One Cholesky factorisation of an ``n_samples`` × ``n_samples`` matrix serves all classes, and there is nothing to
    converge: the learner of choice for shards of ten to a few hundred rows.

    Parameters
    ----------
    alpha : float, default=1.0
        Regularisation strength, non-negative.
    kernel : str or callable, default="rbf"
        Name of a kernel of `sklearn.metrics.pairwise.pairwise_kernels`, ``"precomputed"``, or a function of two rows.
        If precomputed, ``X`` is the kernel of the rows with the training rows.
    gamma : float, default=None
        Coefficient of the kernels that have one; ``1 / n_features`` if None.
    degree : float, default=3
        Degree of the polynomial kernel.
    coef0 : float, default=1
        Constant of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Further parameters of a callable kernel.
    target_coding : {"signs", "normalized"}, default="signs"
        Targets of a class: 1 for its rows and −1 for others; or, as in optimal scoring, ``1/√n`` for its ``n`` rows and
        0 for others, which evens out the classes of a small shard that has more rows of one than of another.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    dual_coef_ : ndarray of shape (n_samples, n_outputs)
        Weights of the training rows; one output for two classes, else one per class.
    X_fit_ : {ndarray, sparse matrix} of shape (n_samples, n_features)
        Training rows, or the kernel matrix if it was precomputed.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if there are fewer than two classes or a value is not finite.

    Warns
    -----
    scipy.linalg.LinAlgWarning
        If the system is singular, as it can be with ``alpha=0``; the solution of smallest norm is taken.

    See Also
    --------
    sklearn.kernel_ridge.KernelRidge : The regressor.

    Notes
    -----
    For targets ``t`` of a class the decision function is ``f(x) = Σ_i a_i k(x, x_i)`` with ``(K + αI) a = t``. The
    prediction is the class with the largest ``f``; ties go to the smallest class.

    References
    ----------
    .. [1] C. Saunders, A. Gammerman and V. Vovk, "Ridge Regression Learning Algorithm in Dual Variables", ICML 1998.
    .. [2] R. Rifkin, G. Yeo and T. Poggio, "Regularized Least-Squares Classification", 2003.
    .. [3] T. Hastie, R. Tibshirani and A. Buja, "Flexible Discriminant Analysis by Optimal Scoring", JASA 1994.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from robustfit.learners import KernelRidgeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> round(KernelRidgeClassifier(alpha=0.1).fit(X[::2], y[::2]).score(X[1::2], y[1::2]), 3)
    0.973
    """

    _parameter_constraints: dict = {
        "alpha": [Interval(Real, 0, None, closed="left")],
        "kernel": [StrOptions(set(PAIRWISE_KERNEL_FUNCTIONS) | {"precomputed"}), callable],
        "gamma": [Interval(Real, 0, None, closed="left"), None],
        "degree": [Interval(Real, 0, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "kernel_params": [dict, None],
        "target_coding": [StrOptions({"signs", "normalized"})],
    }

    def __init__(
        self,
        alpha=1.0,
        *,
        kernel="rbf",
        gamma=None,
        degree=3,
        coef0=1,
        kernel_params=None,
        target_coding="signs",
    ):
        self.alpha = alpha
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.target_coding = target_coding

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training rows, or the kernel matrix of shape (n_samples, n_samples) for ``kernel="precomputed"``.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        check_classification_targets(y)
        if self.kernel == "precomputed" and X.shape[0] != X.shape[1]:
            raise ValueError(f"A precomputed kernel matrix should be a square matrix, got shape {X.shape}.")
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            # A row of weight zero is not there: it must not bring in a class.
            kept = np.flatnonzero(sample_weight)
            if not len(kept):
                raise ValueError("All sample weights are zero: there is no row of any class to fit on.")
            if len(kept) < len(y):
                X = X[np.ix_(kept, kept)] if self.kernel == "precomputed" else X[kept]
                y, sample_weight = y[kept], sample_weight[kept]
        self.classes_, targets = class_targets(y, sample_weight, self.target_coding)
        self._kept = None if sample_weight is None or self.kernel != "precomputed" else kept
        try:
            self.dual_coef_ = solve_kernel_system(self._kernel(X), targets, self.alpha, sample_weight).dual
        except LinAlgError:
            warnings.warn(
                f"The kernel matrix is singular and alpha={self.alpha} does not make up for it; the solution of "
                "smallest norm is taken. Use a larger alpha.",
                LinAlgWarning,
                stacklevel=2,
            )
            self.dual_coef_ = self._smallest_norm(X, targets, sample_weight)
        self.X_fit_ = X
        return self

    def _smallest_norm(self, X, targets, sample_weight):
        root = np.ones((len(targets), 1)) if sample_weight is None else np.sqrt(sample_weight)[:, None]
        system = self._kernel(X) * root * root.T
        system.flat[:: len(system) + 1] += self.alpha
        return lstsq(system, targets * root)[0] * root

    def _kernel(self, X, Y=None):
        if self.kernel == "precomputed":
            return np.array(X.toarray() if hasattr(X, "toarray") else X)
        if callable(self.kernel):
            return np.array(pairwise_kernels(X, Y, metric=self.kernel, **(self.kernel_params or {})))
        params = {"gamma": self.gamma, "degree": self.degree, "coef0": self.coef0}
        return np.array(pairwise_kernels(X, Y, metric=self.kernel, filter_params=True, **params))

    def _outputs(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        if self.kernel == "precomputed" and self._kept is not None:
            X = X[:, self._kept]
        return safe_sparse_dot(self._kernel(X, self.X_fit_), self.dual_coef_, dense_output=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags


def class_targets(y, sample_weight, coding):
    """Classes and their targets, one column per class; for two classes one column, large for the second.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    sample_weight : ndarray of shape (n_samples,) or None
        Positive.
    coding : {"signs", "normalized"}

    Returns
    -------
    classes : ndarray of shape (n_classes,)
    targets : ndarray of shape (n_samples, n_classes) or (n_samples, 1)

    Raises
    ------
    ValueError
        If there is only one class.
    """
    classes, codes = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"KernelRidgeClassifier needs two classes or more, got one class: {classes[0]!r}.")
    indicator = codes[:, None] == np.arange(len(classes))
    if coding == "signs":
        targets = np.where(indicator, 1.0, -1.0)
        return classes, targets[:, 1:] if len(classes) == 2 else targets
    counts = indicator.sum(axis=0) if sample_weight is None else sample_weight @ indicator
    targets = indicator / np.sqrt(counts)
    return classes, targets[:, 1:] - targets[:, :1] if len(classes) == 2 else targets
