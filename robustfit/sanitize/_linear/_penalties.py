"""Linear learners of scikit-learn that minimise a smooth loss plus a price of the squared slopes."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

from sklearn import linear_model as lm

REGRESSORS = (lm.LinearRegression, lm.Ridge)
CLASSIFIERS = (lm.LogisticRegression, lm.RidgeClassifier)


def price_of_slopes(estimator):
    """Return λ such that a learner minimises Σ_i ℓ_i + λ ‖w‖² / 2.

    Raises
    ------
    ValueError
        If its parameters make it minimise something else.
    """
    wrong = _what_is_wrong(estimator)
    if wrong:
        raise ValueError(
            f"{estimator!r} has {wrong}, which leaving a row out has no formula for here. Leave that parameter at its "
            "default, or use RONISanitizer, which takes any learner."
        )
    if isinstance(estimator, lm.LinearRegression):
        return 0.0
    if isinstance(estimator, lm.LogisticRegression):
        return 0.0 if estimator.penalty is None else 1.0 / estimator.C
    return float(estimator.alpha)


def _what_is_wrong(estimator):
    if getattr(estimator, "positive", False):
        return "positive=True"
    if getattr(estimator, "class_weight", None) is not None:
        return "class_weight"
    if not isinstance(getattr(estimator, "alpha", 1.0), Real):
        return "an alpha for each target"
    if isinstance(estimator, lm.LogisticRegression):
        # Releases say in one parameter or the other which penalty it is.
        smooth = estimator.penalty in ("l2", None) or (estimator.penalty == "deprecated" and not estimator.l1_ratio)
        if not smooth:
            return "a penalty on absolute slopes"
        if estimator.solver == "liblinear":
            return "solver='liblinear'"
    return None
