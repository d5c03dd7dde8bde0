"""The learners of sanitizers that are given none: linear, and no row pulls them far."""

# SPDX-License-Identifier: BSD-3-Clause

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from robustfit.sanitize._linear._bounded_rows import BoundedRows

# Penalty per row, λ = 1 / (n C).
PENALTY = 0.002

# The order of the rows by their losses settles long before the coefficients do.
_STEPS = 200


def default_learner(regression, n_rows):
    """Ridge or logistic regression on rows in robust units, of length 1 at most."""
    return make_pipeline(BoundedRows(), linear_step(regression, n_rows))


def linear_step(regression, n_rows):
    """Return the last step of the default learner."""
    if regression:
        return Ridge(alpha=PENALTY * n_rows)
    return LogisticRegression(C=1.0 / (PENALTY * n_rows), max_iter=_STEPS)
