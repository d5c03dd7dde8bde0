"""Which estimators the lean engine takes, by class and parameters, never by data."""

# SPDX-License-Identifier: BSD-3-Clause

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid
from sklearn.svm import LinearSVC

from robustfit._sklearn import valid_params
from robustfit.ensemble._lean._discriminant import LinearDiscriminantFamily, NearestCentroidFamily
from robustfit.ensemble._lean._gaussian import GaussianNBFamily
from robustfit.ensemble._lean._kernel import KernelRidgeClassifierFamily, KernelRidgeFamily
from robustfit.ensemble._lean._least_squares import LinearRegressionFamily, RidgeClassifierFamily, RidgeFamily
from robustfit.ensemble._lean._margin_learners import LinearSVCFamily, LogisticRegressionFamily
from robustfit.ensemble._lean._neighbors import KNeighborsClassifierFamily, KNeighborsRegressorFamily
from robustfit.learners import KernelRidgeClassifier

_FAMILIES = {
    Ridge: RidgeFamily,
    LinearRegression: LinearRegressionFamily,
    RidgeClassifier: RidgeClassifierFamily,
    KernelRidge: KernelRidgeFamily,
    KernelRidgeClassifier: KernelRidgeClassifierFamily,
    LogisticRegression: LogisticRegressionFamily,
    LinearSVC: LinearSVCFamily,
    GaussianNB: GaussianNBFamily,
    NearestCentroid: NearestCentroidFamily,
    LinearDiscriminantAnalysis: LinearDiscriminantFamily,
    KNeighborsClassifier: KNeighborsClassifierFamily,
    KNeighborsRegressor: KNeighborsRegressorFamily,
}


def lean_family(estimator):
    """Return the solver for an estimator.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    family : LeanFamily or None
    refusal : str or None
        Why there is none.
    """
    # Subclasses may override anything.
    family = _FAMILIES.get(type(estimator))
    if family is None:
        names = ", ".join(sorted(cls.__name__ for cls in _FAMILIES))
        return None, f"it solves {names}, got {type(estimator).__name__}"
    if not valid_params(estimator):
        return None, f"{type(estimator).__name__} itself refuses its parameters"
    if (refusal := family.refusal(estimator)) is not None:
        return None, f"{type(estimator).__name__}: {refusal}"
    return family(estimator), None
