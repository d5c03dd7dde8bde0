"""Linear learners as the sum that they minimise, so that an attack can differentiate it."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
)
from sklearn.svm import SVC, LinearSVC

from robustfit.losses import HINGE, LOGISTIC, SQUARED, SQUARED_HINGE, Loss

Floats = NDArray[np.float64]

BLACK_BOX = "Use BlackBoxAttack, which asks an estimator for nothing but predictions."


@dataclass(frozen=True, eq=False)
class LinearVictim:
    """A learner that minimises Σᵢ vᵢ ℓ(yᵢ, ⟨w, xᵢ⟩ + b) + (ridge/2)‖w‖² + (intercept_ridge/2) b² + lasso‖w‖₁.

    A model is the vector θ = (w, b) of length n_features + 1. Classes are −1 and +1.

    Attributes
    ----------
    estimator : estimator
        The learner itself, unfitted.
    loss : Loss
    ridge, lasso : float
        Against the sum of the rows' losses; per unit of weight if ``per_row``.
    per_row : bool
        Whether the penalties grow with the sum of the weights, as those of `Lasso` do.
    intercept_ridge : float or None
        0 for an intercept that is not penalised, None for a learner without one.
    """

    estimator: Any
    loss: Loss
    ridge: float
    lasso: float = 0.0
    per_row: bool = False
    intercept_ridge: float | None = 0.0

    def fit(self, X: Any, y: Floats, sample_weight: Floats | None = None) -> Floats:
        """Train the learner and return its θ; whether it converged is the learner's affair."""
        return self.refit(clone(self.estimator), X, y, sample_weight)

    def refit(self, model: Any, X: Any, y: Floats, sample_weight: Floats | None = None) -> Floats:
        """Train a copy of the learner, which may start from where it was, and return its θ."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y, sample_weight=sample_weight)
        return np.append(np.ravel(model.coef_), np.ravel(model.intercept_)[:1]).astype(np.float64)

    def penalty(self, total: float) -> tuple[Floats | float, float, float]:
        """Return (ridge, intercept_ridge, lasso) for rows whose weights sum to ``total``."""
        scale = total if self.per_row else 1.0
        return scale * self.ridge, scale * (self.intercept_ridge or 0.0), scale * self.lasso

    def ridge_vector(self, n_features: int, total: float) -> Floats:
        """Return the diagonal of the quadratic penalty's Hessian, of shape (n_features + 1,)."""
        ridge, intercept_ridge, _ = self.penalty(total)
        return np.append(np.full(n_features, ridge), intercept_ridge)

    def objective(self, theta: Floats, X: Any, y: Floats, sample_weight: Floats | None = None) -> float:
        """Return the sum that the learner minimises."""
        losses = self.loss.value(y, scores(X, theta))
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        total = float(weight.sum())
        quadratic = 0.5 * float(self.ridge_vector(len(theta) - 1, total) @ theta**2)
        return float(weight @ losses) + quadratic + self.penalty(total)[2] * float(np.abs(theta[:-1]).sum())

    def row_gradient(self, theta: Floats, X: Any, y: Floats, sample_weight: Floats | None = None) -> Floats:
        """Return the gradient of the rows' weighted losses in θ, without the penalty."""
        pull = self.loss.slope(y, scores(X, theta))
        if sample_weight is not None:
            pull = pull * sample_weight
        return np.append(X.T @ pull, 0.0 if self.intercept_ridge is None else pull.sum())


def scores(X: Any, theta: Floats) -> Floats:
    """Return ⟨w, x⟩ + b for each row."""
    result: Floats = X @ theta[:-1] + theta[-1]
    return result


def read_victim(estimator: Any, attack: str) -> LinearVictim:
    """Write a learner down as the sum that it minimises.

    Parameters
    ----------
    estimator : estimator
    attack : str
        Who asks, for the message of the error.

    Raises
    ------
    ValueError
        If this is no linear learner that is known here, or one with parameters that change the sum.
    """
    reader = next((read for kind, read in _READERS.items() if type(estimator) is kind), None)
    if reader is None:
        raise ValueError(
            f"{attack} differentiates through the learner and knows {', '.join(kind.__name__ for kind in _READERS)} "
            f"(not inside a Pipeline: transform X first), got {type(estimator).__name__}. {BLACK_BOX}"
        )
    weights = getattr(estimator, "class_weight", None)
    if weights is not None:
        raise ValueError(
            f"{attack} knows {type(estimator).__name__} without class weights only, got class_weight={weights!r}. "
            f"{BLACK_BOX}"
        )
    if getattr(estimator, "positive", False):
        raise ValueError(
            f"{attack} cannot differentiate {type(estimator).__name__}(positive=True), whose signs are constrained. "
            f"{BLACK_BOX}"
        )
    return reader(estimator, attack)


def refuse_both_weights(estimator: Any, attack: str) -> None:
    """Raise if a learner pays for the weights of both of two classes: its penalty is another one than is read here."""
    # The option is gone from scikit-learn 1.8 on.
    if isinstance(estimator, LogisticRegression) and getattr(estimator, "multi_class", None) == "multinomial":
        raise ValueError(
            f"{attack} does not know LogisticRegression with multi_class='multinomial', which pays for the weights of "
            "both of two classes. Leave multi_class out."
        )


def _unless(ok: bool, attack: str, estimator: Any, wanted: str) -> None:
    if not ok:
        raise ValueError(
            f"{attack} knows {type(estimator).__name__} with {wanted} only, got {estimator!r}. {BLACK_BOX}"
        )


def _intercept(estimator: Any, ridge: float = 0.0) -> float | None:
    return ridge if estimator.fit_intercept else None


def _linear_svc(svc: Any, attack: str) -> LinearVictim:
    _unless(svc.penalty == "l2" and svc.multi_class == "ovr", attack, svc, "penalty='l2' and multi_class='ovr'")
    loss = {"hinge": HINGE, "squared_hinge": SQUARED_HINGE}[svc.loss]
    # liblinear appends a column of intercept_scaling to the rows and penalises its weight.
    return LinearVictim(svc, loss, 1 / svc.C, intercept_ridge=_intercept(svc, 1 / (svc.C * svc.intercept_scaling**2)))


def _svc(svc: Any, attack: str) -> LinearVictim:
    _unless(svc.kernel == "linear", attack, svc, "kernel='linear'")
    return LinearVictim(svc, HINGE, 1 / svc.C)


def _logistic(model: Any, attack: str) -> LinearVictim:
    # Newer releases say l1_ratio=0 and C=inf where older ones say penalty="l2" and penalty=None.
    penalty, share = model.penalty, model.l1_ratio or 0.0
    _unless(penalty in ("l2", "deprecated", None) and share == 0, attack, model, "an L2 penalty or none")
    strength = 0.0 if penalty is None else 1 / model.C
    scaled = strength / model.intercept_scaling**2 if model.solver == "liblinear" else 0.0
    return LinearVictim(model, LOGISTIC, strength, intercept_ridge=_intercept(model, scaled))


def _ridge(model: Any, attack: str) -> LinearVictim:
    _unless(np.ndim(model.alpha) == 0, attack, model, "one number as alpha")
    return LinearVictim(model, SQUARED, float(model.alpha), intercept_ridge=_intercept(model))


def _least_squares(model: Any, attack: str) -> LinearVictim:
    return LinearVictim(model, SQUARED, 0.0, intercept_ridge=_intercept(model))


def _elastic_net(model: Any, attack: str) -> LinearVictim:
    share = 1.0 if isinstance(model, Lasso) else model.l1_ratio
    return LinearVictim(
        model,
        SQUARED,
        ridge=model.alpha * (1 - share),
        lasso=model.alpha * share,
        per_row=True,
        intercept_ridge=_intercept(model),
    )


_READERS = {
    LinearSVC: _linear_svc,
    SVC: _svc,
    LogisticRegression: _logistic,
    RidgeClassifier: _ridge,
    Ridge: _ridge,
    LinearRegression: _least_squares,
    Lasso: _elastic_net,
    ElasticNet: _elastic_net,
}
