"""Rows as numbers: what the last step of a pipeline is given, where that is a table of numbers."""

# SPDX-License-Identifier: BSD-3-Clause

import logging

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from sklearn.base import clone

from robustfit._meta._inputs import as_numbers
from robustfit._meta._seeds import set_open_seeds

logger = logging.getLogger(__name__)


def numbers_of_last_step(estimator, X, y):
    """Return the rows as the last step of an estimator is given them, or None if those are no numbers.

    Parameters
    ----------
    estimator : estimator
        The steps of a pipeline before its last one are fitted to all rows.
    X : ndarray, sparse matrix, data frame or list
    y : ndarray of shape (n_samples,)

    Returns
    -------
    rows : ndarray or sparse matrix of shape (n_samples, n_numbers), or None
        Single values may be missing.
    """
    try:
        steps = steps_before_last(estimator)
        return table_of_numbers(X if steps is None else steps.fit_transform(X, y))
    except Exception as error:
        logger.info("The rows are not taken as numbers: %s", error)
        return None


def steps_before_last(estimator):
    """Return what comes before the last step of a pipeline, not fitted; None if nothing does."""
    if not hasattr(estimator, "steps") or len(estimator.steps) < 2:
        return None
    return set_open_seeds(clone(estimator[:-1]), 0)


def table_of_numbers(X):
    """Return rows as an array or a sparse matrix of numbers, or None if they are none, or there are none."""
    if isinstance(X, list):
        return None
    try:
        if nw.dependencies.is_into_dataframe(X):
            X = as_numbers(X)
        X = X if sp.issparse(X) else np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return X if X.ndim == 2 and X.shape[1] and np.isfinite(X.data if sp.issparse(X) else X).any() else None
