"""Rows whose losses can be trusted to say what is good, where nobody says which rows can."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.sanitize._linear._default_learner import default_learner
from robustfit.sanitize._loss_sanitizer import LossSanitizer

# Twice the contamination is left out, but no less and no more than that.
_LEAST_SHARE = 0.1
_LARGEST_SHARE = 0.45


def robust_judges(rows, target, estimator=None, *, contamination, **settings):
    """Mark the rows that remain when those with the largest losses out of fold are left out.

    Parameters
    ----------
    rows : ndarray, sparse matrix, data frame or list
    target : Target
    estimator : estimator, default=None
        The default learner if None.
    contamination : float
        Twice as many rows are left out, 0.1 at least.
    **settings : dict
        Of the `LossSanitizer`.

    Returns
    -------
    judges : ndarray of shape (n_samples,), bool
    """
    regression = target.classes is None
    estimator = default_learner(regression, len(target.values)) if estimator is None else estimator
    share = min(max(2.0 * contamination, _LEAST_SHARE), _LARGEST_SHARE)
    judge = LossSanitizer(estimator, contamination=share, **settings)
    return judge.fit(rows, target.values if regression else target.classes[target.values]).support_
