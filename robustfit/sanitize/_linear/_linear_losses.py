"""Linear learners of scikit-learn as the loss whose sum they minimise."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn import linear_model as lm
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.svm import LinearSVC

from robustfit.losses import (
    GAMMA_DEVIANCE,
    HINGE,
    LOGISTIC,
    MULTINOMIAL,
    POISSON_DEVIANCE,
    SQUARED,
    SQUARED_HINGE,
    huber,
)


def row_slopes(loss, target, scores):
    """Slopes of the rows' losses in their scores.

    Parameters
    ----------
    loss : Loss
    target : ndarray of shape (n_rows,)
        Numbers, or the codes of classes.
    scores : ndarray of shape (n_rows, n_outputs)

    Returns
    -------
    slopes : ndarray of shape (n_rows, n_outputs)
    """
    return loss.slope(*_arguments(loss, target, scores)).reshape(scores.shape)


def row_losses(loss, target, scores):
    """Losses of the rows, summed over one-against-the-rest outputs; of shape (n_rows,)."""
    return loss.value(*_arguments(loss, target, scores)).reshape(len(scores), -1).sum(axis=1)


def row_bends(loss, target, scores):
    """Second derivatives of the rows' losses in their scores; of shape (n_rows, n_outputs, n_outputs)."""
    bends = loss.curvature(*_arguments(loss, target, scores))
    if bends.ndim == 3:
        return bends
    return bends.reshape(scores.shape)[:, :, None] * np.eye(scores.shape[1])


def signs(codes, n_outputs):
    """Codes of classes as targets −1 and +1, one column per class; for two classes one column."""
    return np.where(codes[:, None] == (np.arange(n_outputs) if n_outputs > 1 else 1), 1.0, -1.0)


def _arguments(loss, target, scores):
    if loss is MULTINOMIAL:
        return target, scores
    return (target[:, None] if target.dtype.kind == "f" else signs(target, scores.shape[1])), scores


def read_loss(model):
    """Return the loss of a fitted learner, a `Loss` or, where its parameters choose one that is not known, None."""
    return _READERS[type(model)](model)


def check_known(estimator, kinds, asker, general):
    """Refuse learners whose loss is not known.

    Parameters
    ----------
    estimator : estimator
    kinds : tuple of types
    asker, general : str
        Who asks, and who takes any learner.

    Raises
    ------
    ValueError
    """
    if type(estimator) in kinds:
        return
    raise ValueError(
        f"{asker} looks at gradients of rows, which it knows of linear learners with a known loss "
        f"({', '.join(kind.__name__ for kind in kinds)}; not inside a Pipeline: transform X first), got "
        f"{estimator!r}. {general} takes any learner."
    )


def _logistic(model):
    two = len(model.classes_) == 2
    one_by_one = model.solver == "liblinear" or getattr(model, "multi_class", None) == "ovr"
    return LOGISTIC if two or one_by_one else MULTINOMIAL


def _linear_svc(model):
    ovr = model.multi_class == "ovr"
    return {"hinge": HINGE, "squared_hinge": SQUARED_HINGE}.get(model.loss) if ovr else None


def _sgd_classifier(model):
    by_name = {"hinge": HINGE, "log_loss": LOGISTIC, "squared_hinge": SQUARED_HINGE, "squared_error": SQUARED}
    return by_name.get(model.loss)


def _sgd_regressor(model):
    return huber(model.epsilon) if model.loss == "huber" else {"squared_error": SQUARED}.get(model.loss)


def _huber(model):
    # Its scale is part of what it fits.
    return huber(max(model.epsilon * model.scale_, np.finfo(float).tiny))


def _squared(model):
    return SQUARED


_READERS = {
    lm.LinearRegression: _squared,
    lm.Ridge: _squared,
    lm.RidgeCV: _squared,
    lm.Lasso: _squared,
    lm.LassoCV: _squared,
    lm.ElasticNet: _squared,
    lm.ElasticNetCV: _squared,
    lm.BayesianRidge: _squared,
    lm.HuberRegressor: _huber,
    lm.SGDRegressor: _sgd_regressor,
    lm.PoissonRegressor: lambda model: POISSON_DEVIANCE,
    lm.GammaRegressor: lambda model: GAMMA_DEVIANCE,
    lm.LogisticRegression: _logistic,
    lm.LogisticRegressionCV: _logistic,
    lm.RidgeClassifier: _squared,
    lm.RidgeClassifierCV: _squared,
    LinearSVC: _linear_svc,
    lm.SGDClassifier: _sgd_classifier,
}

REGRESSORS = tuple(kind for kind in _READERS if issubclass(kind, RegressorMixin))
CLASSIFIERS = tuple(kind for kind in _READERS if issubclass(kind, ClassifierMixin))
