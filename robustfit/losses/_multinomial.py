"""The loss of logistic regression with any number of classes."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from robustfit.losses._loss import Loss

Floats = NDArray[np.float64]


def _value(y: Floats, s: Floats) -> Floats:
    own = np.take_along_axis(s, y.astype(np.intp)[:, None], axis=1)
    # Differences first: scores of 1e300 would not leave room for the logarithm.
    surprise: Floats = logsumexp(s - own, axis=1)
    return np.maximum(surprise, 0.0)


def _slope(y: Floats, s: Floats) -> Floats:
    pull: Floats = softmax(s, axis=1)
    pull[np.arange(len(pull)), y.astype(np.intp)] -= 1.0
    return pull


def _curvature(y: Floats, s: Floats) -> Floats:
    share: Floats = softmax(s, axis=1)
    bend: Floats = -share[:, :, None] * share[:, None, :]
    classes = np.arange(share.shape[1])
    bend[:, classes, classes] += share
    return bend


MULTINOMIAL = Loss("multinomial", _value, _slope, _curvature)
"""log Σ_j exp(s_j - s_y). Here y is the number of the class, of shape (n,), and s a table of shape (n, n_classes); the
value has shape (n,), the slope (n, n_classes), the curvature (n, n_classes, n_classes)."""
