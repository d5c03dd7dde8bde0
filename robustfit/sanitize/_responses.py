"""What a fitted estimator says of each row, and the loss that follows from it."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from robustfit.losses import ABSOLUTE, GAMMA_DEVIANCE, HINGE, POISSON_DEVIANCE, SQUARED

REGRESSION_LOSSES = {
    "squared_error": lambda y, predicted: SQUARED.value(y, predicted),
    "absolute_error": lambda y, predicted: ABSOLUTE.value(y, predicted),
    "poisson": lambda y, predicted: POISSON_DEVIANCE.value(y, _log(predicted)),
    "gamma": lambda y, predicted: GAMMA_DEVIANCE.value(y, _log(predicted)),
}
CLASSIFICATION_LOSSES = {"log_loss": "predict_proba", "hinge": "decision_function"}

# Neighbours and trees often give a row no chance at all; a mean of losses must not be about those rows alone.
_LEAST_OF_VOTES = 1e-3


@dataclass(frozen=True)
class Response:
    """Which method is asked, and how its answer becomes a loss.

    Attributes
    ----------
    method : str
        Name of the estimator's method.
    loss : callable
        ``loss(target, table)``, of shape (n_samples,). The target is the codes of the labels, or numbers.
    """

    method: str
    loss: Callable[[Any, Any], Any]

    def ask(self, model, X, classes):
        """Return the answer for each row; of a classifier, one column per class."""
        answer = np.asarray(getattr(model, self.method)(X), dtype=np.float64)
        if classes is None:
            return answer.reshape(len(answer), -1)[:, 0] if answer.ndim == 2 and answer.shape[1] == 1 else answer
        if answer.ndim == 1:
            answer = np.column_stack([-answer, answer])
        known = model.classes_
        if answer.shape[1] != len(known):
            raise ValueError(
                f"{type(model).__name__}.{self.method} returned {answer.shape[1]} columns for {len(known)} classes; "
                "scores of pairs of classes do not give each row one loss. Use decision_function_shape='ovr'."
            )
        if len(known) == len(classes):
            return answer
        # A class that this model has not seen is the last one that it would name.
        table = np.full((len(answer), len(classes)), 0.0 if self.method == "predict_proba" else -np.inf)
        table[:, np.searchsorted(classes, known)] = answer
        return table


def classifier_response(estimator, loss, *, votes):
    """Choose the response of a classifier.

    Parameters
    ----------
    estimator : estimator
    loss : {"auto", "log_loss", "hinge"} or callable
    votes : bool
        Whether probabilities may be shares of a few votes.

    Raises
    ------
    ValueError
        If the estimator has no such method.
    """
    methods = [name for name in ("predict_proba", "decision_function") if hasattr(estimator, name)]
    if not methods:
        raise ValueError(
            f"{type(estimator).__name__} has neither predict_proba nor decision_function. Right or wrong is all that "
            "its predictions say of a row: too many rows would tie. Use an estimator with scores, or wrap it in "
            "sklearn.calibration.CalibratedClassifierCV."
        )
    if callable(loss):
        return Response(methods[0], loss)
    method = methods[0] if loss == "auto" else CLASSIFICATION_LOSSES[loss]
    if method not in methods:
        raise ValueError(f"loss={loss!r} needs {method}, which {type(estimator).__name__} does not have.")
    if method == "decision_function":
        return Response(method, hinge)
    return Response(method, partial(log_loss, least=_LEAST_OF_VOTES) if votes else log_loss)


def regressor_response(loss):
    """Choose the response of a regressor; see `REGRESSION_LOSSES`."""
    if callable(loss):
        return Response("predict", loss)
    return Response("predict", REGRESSION_LOSSES["squared_error" if loss == "auto" else loss])


def log_loss(codes, shares, least=1e-300):
    """Return minus the logarithm of the probability of each row's own class, or of ``least`` if that is larger."""
    return -np.log(np.maximum(shares[np.arange(len(codes)), codes], least))


def hinge(codes, scores):
    """Hinge of half the lead of each row's own class over the best other one; for two classes, the usual hinge."""
    rows = np.arange(len(codes))
    others = scores.copy()
    others[rows, codes] = -np.inf
    lead = np.subtract(scores[rows, codes], others.max(axis=1))
    return HINGE.value(np.ones(len(codes)), 0.5 * lead)


def _log(predicted):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(predicted)
