"""Models that an attacker trains to guess what the victim is sure of."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustfit.attacks._containers import Floats, is_numeric, is_sparse
from robustfit.attacks._labels import Labels, is_regression


def check_kind(model: Any, labels: Labels) -> None:
    """Raise if a regressor is to learn classes, or a classifier a target."""
    known = is_classifier(model) or is_regressor(model)
    if known and is_regressor(model) != is_regression(labels):
        kind, cast = ("regressor", "float") if is_regressor(model) else ("classifier", "int")
        raise ValueError(
            f"{type(model).__name__} is a {kind}, but y has dtype {labels.dtype}. Floating dtypes are regression "
            f"targets, all others classes: cast it, as in y.astype({cast})."
        )


def reference_model(
    estimator: Any, default: BaseEstimator, X: Any, rng: np.random.Generator, attack: str
) -> BaseEstimator:
    """Return an unfitted copy of the model that an attack refers to, with every open seed derived from ``rng``.

    Parameters
    ----------
    estimator : estimator or None
        None for the default one behind a `StandardScaler`.
    default : estimator
    X : container
        What it will be fitted to.
    rng : numpy Generator
    attack : str
        Who asks, for the message of the error.

    Raises
    ------
    ValueError
        If the default one cannot read ``X``.
    """
    if estimator is not None:
        return seeded(clone(estimator), rng)
    if not is_numeric(X):
        raise ValueError(
            "The default reference model needs 2-D X with numeric columns only, which this "
            f"{type(X).__name__} is not. Pass one that can read it, such as "
            f"{attack}(make_pipeline(TfidfVectorizer(), LogisticRegression())) for texts."
        )
    return seeded(make_pipeline(StandardScaler(with_mean=not is_sparse(X)), default), rng)


def seeded(model: Any, rng: np.random.Generator) -> Any:
    """Fix every ``random_state`` that was left open, so that the attack can be repeated."""
    seeds = {
        name: int(rng.integers(2**31))
        for name, value in sorted(model.get_params(deep=True).items())
        if (name == "random_state" or name.endswith("__random_state")) and value is None
    }
    return model.set_params(**seeds) if seeds else model


def class_scores(model: Any, X: Any, classes: Labels) -> Floats:
    """Return how much a fitted model is for each class, of shape (n_rows, n_classes).

    Raises
    ------
    ValueError
        If the model does not rank classes, or does not give one column for each.
    """
    # Probabilities of far rows are all 1.0 in floating point; decision values still tell them apart.
    name = next((name for name in ("decision_function", "predict_proba") if hasattr(model, name)), None)
    if name is None:
        raise ValueError(
            f"The reference model {type(model).__name__} has neither decision_function nor predict_proba to "
            "tell how far a row is from the boundary. Pass one that has."
        )
    scores = np.asarray(getattr(model, name)(X), dtype=np.float64)
    if scores.ndim == 1:
        scores = np.column_stack([-scores, scores])
    if scores.shape[1] != len(classes):
        raise ValueError(
            f"{type(model).__name__}.{name} gave {scores.shape[1]} columns for {len(classes)} classes. Pass "
            'a reference model with one per class, such as SVC(decision_function_shape="ovr").'
        )
    column = {label: i for i, label in enumerate(model.classes_.tolist())}
    return scores[:, [column[label] for label in classes.tolist()]]
