"""What linear learners minimise, as bounds on damage take it."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.svm import SVC, LinearSVC

from robustfit.attacks._linear._victim import BLACK_BOX, read_victim, refuse_both_weights
from robustfit.certify import CertificateError
from robustfit.certify._damage import CrammerSinger, LinearLearner, Margins, Multinomial, RowLoss, Squares
from robustfit.losses import HINGE, LOGISTIC, SQUARED_HINGE, Loss

Floats = NDArray[np.float64]

_MARGIN_LOSSES = {"hinge": HINGE, "squared_hinge": SQUARED_HINGE, "log_loss": LOGISTIC}
_LOSSES = (*_MARGIN_LOSSES, "squared_error")
_LEARNERS = (LinearSVC, SVC, LogisticRegression, RidgeClassifier, Ridge)


@dataclass(frozen=True)
class LinearObjective:
    """A sum that a linear learner minimises, where no estimator is at hand.

    Over ‖(w, b)‖ ≤ norm: (1/n) Σᵢ ℓ(yᵢ, ⟨w, xᵢ⟩ + b) + (decay/2)‖(w, b)‖², where n is the number of clean rows, however
    many are added to the sum.

    Parameters
    ----------
    loss : {"hinge", "squared_hinge", "log_loss", "squared_error"}
        With more than two classes, ``"hinge"`` is that of Crammer and Singer, ``"log_loss"`` the multinomial one and
        ``"squared_hinge"`` the sum over one against the rest. ``"squared_error"`` is half the square, of a regression.
    decay : float, default=0.0
    norm : float, default=None
        Largest length of the model. One of the two is needed.
    fit_intercept : bool, default=True
        The intercept counts as one more weight.

    Examples
    --------
    >>> from robustfit.audit import LinearObjective
    >>> LinearObjective("hinge", norm=4.0)
    LinearObjective(loss='hinge', decay=0.0, norm=4.0, fit_intercept=True)
    """

    loss: str
    decay: float = 0.0
    norm: float | None = None
    fit_intercept: bool = True

    def __post_init__(self) -> None:
        if self.loss not in _LOSSES:
            raise ValueError(f"loss must be one of {', '.join(map(repr, _LOSSES))}, got {self.loss!r}.")
        if not 0 <= self.decay < np.inf or not (self.norm is None or 0 < self.norm < np.inf):
            raise ValueError(
                f"decay must be a non-negative number and norm a positive one, got decay={self.decay!r}, "
                f"norm={self.norm!r}."
            )
        if self.decay == 0 and self.norm is None:
            raise ValueError("Give decay or norm: a model that nothing holds has no largest damage that can be found.")


def is_regression(learner: Any) -> bool:
    """Whether targets are numbers."""
    return learner.loss == "squared_error" if isinstance(learner, LinearObjective) else isinstance(learner, Ridge)


def read_objective(learner: Any, n_rows: int, n_classes: int, ends: tuple[float, float]) -> LinearLearner:
    """Write a learner down as the sum that it minimises.

    Parameters
    ----------
    learner : estimator or LinearObjective
    n_rows : int
        Number of clean rows.
    n_classes : int
        1 for a regression.
    ends : tuple of float
        What targets of added rows may be, for a regression.

    Raises
    ------
    CertificateError
        If the learner is not known, or has no penalty.
    """
    if isinstance(learner, LinearObjective):
        ridge = learner.decay * n_rows
        norm = np.inf if learner.norm is None else learner.norm
        return LinearLearner(
            _row_loss(learner.loss, n_classes, ends, coupled=True),
            ridge,
            ridge if learner.fit_intercept else None,
            norm,
        )
    if type(learner) not in _LEARNERS:
        raise CertificateError(
            f"The damage to {type(learner).__name__} cannot be bounded: that takes a learner that minimises a known "
            f"convex sum. Pass {', '.join(kind.__name__ for kind in _LEARNERS)} (not inside a Pipeline: transform X "
            "first) or a LinearObjective."
        )
    if getattr(learner, "multi_class", None) == "crammer_singer" and isinstance(learner, LinearSVC):
        return _crammer_singer(learner, n_classes)
    try:
        victim = read_victim(learner, "certify_damage")
        if n_classes == 2:
            refuse_both_weights(learner, "certify_damage")
    except ValueError as error:
        raise CertificateError(str(error).removesuffix(BLACK_BOX).rstrip()) from error
    if n_classes > 2 and _is_pairwise(learner):
        raise CertificateError(
            f"{learner!r} learns {n_classes} classes in pairs or one by one, which is not written down here. Pass "
            "LogisticRegression with its default solver, LinearSVC, RidgeClassifier or a LinearObjective."
        )
    if not victim.ridge > 0:
        raise CertificateError(
            f"{learner!r} has no penalty, so the damage has no bound that could be found. Set a penalty, or pass a "
            "LinearObjective with a norm."
        )
    loss = _row_loss(victim.loss.name, n_classes, ends, coupled=isinstance(learner, LogisticRegression))
    return LinearLearner(loss, victim.ridge, victim.intercept_ridge)


def _row_loss(name: str, n_classes: int, ends: tuple[float, float], *, coupled: bool) -> RowLoss:
    if n_classes == 1:
        return Squares(np.array([[ends[0]]]), np.array([[ends[1]]]))
    signs = 2.0 * np.eye(n_classes) - 1.0 if n_classes > 2 else np.array([[-1.0], [1.0]])
    if name == "squared_error":
        return Squares(signs, signs)
    if n_classes > 2 and coupled and name != "squared_hinge":
        return Multinomial(n_classes) if name == "log_loss" else CrammerSinger(n_classes)
    loss: Loss = _MARGIN_LOSSES[name]
    return Margins(loss, signs)


def _crammer_singer(learner: LinearSVC, n_classes: int) -> LinearLearner:
    if n_classes == 2 or learner.class_weight is not None:
        raise CertificateError(
            "LinearSVC with multi_class='crammer_singer' is known with more than two classes and without class weights "
            f"only, got {n_classes} classes and class_weight={learner.class_weight!r}."
        )
    held = 1 / (learner.C * learner.intercept_scaling**2) if learner.fit_intercept else None
    return LinearLearner(CrammerSinger(n_classes), 1 / learner.C, held)


def _is_pairwise(learner: Any) -> bool:
    separate = isinstance(learner, LogisticRegression) and getattr(learner, "multi_class", None) == "ovr"
    return isinstance(learner, SVC) or separate or getattr(learner, "solver", None) == "liblinear"


def encode(loss: RowLoss, codes: NDArray[np.intp], values: Floats | None) -> Floats:
    """Return targets as a loss takes them: of classes, or of a regression's values."""
    if values is not None:
        return values[:, None]
    if isinstance(loss, Margins):
        return loss.signs[codes]
    if isinstance(loss, Squares):
        return loss.low[codes]
    return codes.astype(np.float64)[:, None]


def decode(loss: RowLoss, targets: Floats) -> NDArray[np.intp]:
    """Return the classes that targets were made of."""
    if isinstance(loss, Squares):
        return (targets[:, None] == loss.low).all(axis=2).argmax(axis=1)
    return loss.groups(targets)


def read_theta(model: Any) -> Floats:
    """Return a fitted learner's model, of shape (n_features + 1, n_outputs)."""
    weights = np.atleast_2d(model.coef_).T
    intercepts = np.broadcast_to(np.ravel(model.intercept_), (weights.shape[1],))
    return np.vstack([weights, intercepts]).astype(np.float64)
