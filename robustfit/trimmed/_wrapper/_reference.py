"""A start that no row pulls far: a strongly regularised linear fit to rows of equal length."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression, Ridge

from robustfit._meta._numbers import numbers_of_last_step
from robustfit.partition import as_rows
from robustfit.sanitize._responses import Response, log_loss
from robustfit.trimmed._wrapper._fits import Fits, TrainingSet
from robustfit.trimmed._wrapper._search import concentrate

# Penalty per row, λ = 1 / (n C), of two classes.
_PENALTY = 0.003

# Rounds of the reference at most. Strong regularisation makes it move slowly.
_ROUNDS = 20

# Columns beyond this many robust standard deviations are cut.
_CLIP = 3.0

# The interquartile range of a normal distribution, in standard deviations.
_IQR_OF_NORMAL = 1.349


def reference_data(fits):
    """Return the training set with unit rows of numbers, or None where there are no numbers.

    Notes
    -----
    In front of the last step of a pipeline the earlier steps are fitted to all rows; what bad rows do to them is cut by
    the scaling that follows.
    """
    data = fits.data
    lonely = data.classes is not None and len(data.classes) < 2
    X = None if lonely else numbers_of_last_step(fits.estimator, data.X, data.y)
    if X is None:
        return None
    target = data.y
    if data.classes is None:
        center, scale = _robust_scale(data.y.reshape(-1, 1), data.weights)
        target = ((data.y.reshape(-1, 1) - center) / scale).ravel()
    names = () if np.all(data.weights == 1.0) else ("sample_weight",)
    return TrainingSet(as_rows(unit_rows(X, data.weights)), target, data.classes, data.weights, weight_names=names)


def reference_fits(data):
    """Return fits of the reference model."""
    if data.classes is None:
        model = Ridge(alpha=_PENALTY * data.weights.sum())
        response = Response("predict", lambda y, predicted: np.abs(y - predicted))
    else:
        # Each of many classes has few rows to speak for it.
        penalty = _PENALTY * data.weights.sum() * 2.0 / len(data.classes)
        model = LogisticRegression(C=1.0 / penalty, tol=1e-6, max_iter=200)
        response = Response("predict_proba", log_loss)
    return Fits(model, data, response, evaluation="in_sample", n_folds=2, random_state=0, warm_start=True)


def reference_run(data, name, share, rule, kept):
    """Concentrate with the reference model."""
    return concentrate(reference_fits(data), name, share, rule, kept, max_iter=_ROUNDS)


def unit_rows(X, weights):
    """Scale the columns by median and interquartile range, cut them, and bring each row to length 1.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        Sparse rows are brought to length 1 only.
    weights : ndarray of shape (n_samples,)
    """
    if sp.issparse(X):
        lengths = np.sqrt(X.multiply(X).sum(axis=1))
        return sp.csr_array(sp.diags_array(1.0 / np.maximum(np.asarray(lengths).ravel(), 1e-300)) @ X)
    center, scale = _robust_scale(X, weights)
    cut = np.nan_to_num(np.clip((X - center) / scale, -_CLIP, _CLIP))
    return cut / np.maximum(np.linalg.norm(cut, axis=1, keepdims=True), 1e-12)


def _robust_scale(X, weights):
    with np.errstate(all="ignore"):
        low, center, high = _quartiles(X, weights)
        # Columns that are mostly one value.
        mean = np.nansum(X * weights[:, None], axis=0) / weights.sum()
        spread = np.sqrt(np.nansum((X - mean) ** 2 * weights[:, None], axis=0) / weights.sum())
    scale = np.where(high > low, (high - low) / _IQR_OF_NORMAL, spread)
    return np.nan_to_num(center), np.where((scale > 0.0) & np.isfinite(scale), scale, 1.0)


def _quartiles(X, weights):
    """Quartiles of the columns, missing values left out; a weight of two is two rows."""
    missing = np.isnan(X)
    if np.all(weights == 1.0) and not missing.any():
        return np.quantile(X, [0.25, 0.5, 0.75], axis=0, method="inverted_cdf")
    order = np.argsort(X, axis=0)
    passed = np.cumsum(np.take_along_axis(np.where(missing, 0.0, weights[:, None]), order, axis=0), axis=0)
    places = [np.argmax(passed >= part * passed[-1], axis=0) for part in (0.25, 0.5, 0.75)]
    ordered = np.take_along_axis(X, order, axis=0)
    return [np.take_along_axis(ordered, place[None], axis=0)[0] for place in places]
