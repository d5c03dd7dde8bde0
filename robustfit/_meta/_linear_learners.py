"""Which learners are linear in the numbers that they are given."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit._meta._row_numbers import innermost
from robustfit._sklearn import LinearClassifierMixin, LinearModel


def is_linear(estimator):
    """Whether a linear model is what learns in the end.

    Asked are the last step of a pipeline and the estimator inside a search, or another wrapper that calls it
    ``estimator``. What is neither from `sklearn.linear_model` nor of its kind counts as not linear.
    """
    while hasattr(estimator := innermost(estimator), "steps"):
        estimator = estimator.steps[-1][1]
    return isinstance(estimator, LinearClassifierMixin | LinearModel)
