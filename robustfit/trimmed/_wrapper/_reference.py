"""A start that no row pulls far: a strongly regularised linear fit to rows of equal length."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from robustfit._meta._numbers import numbers_of_last_step
from robustfit.partition import as_rows
from robustfit.sanitize._responses import Response, log_loss
from robustfit.sanitize._unit_rows import robust_scale, unit_rows
from robustfit.trimmed._wrapper._fits import Fits, TrainingSet
from robustfit.trimmed._wrapper._search import concentrate

# Penalty per row, λ = 1 / (n C), of two classes.
_PENALTY = 0.003

# Rounds of the reference at most. Strong regularisation makes it move slowly.
_ROUNDS = 20


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
        center, scale = robust_scale(data.y.reshape(-1, 1), data.weights)
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
