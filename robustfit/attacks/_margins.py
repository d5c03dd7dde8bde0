"""How sure a reference model is of each row, and flips of the rows that this ranks first."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows, is_numeric, is_sparse
from robustfit.attacks._labels import Labels, distinct, far_side, is_regression, rows_to_flip
from robustfit.attacks._poisoned import Poisoned


class MarginFlipAttack(BaseAttack):
    """Flips the rows that a reference model ranks first; a subclass says which these are, and to which label.

    Parameters
    ----------
    estimator : estimator, default=None
        The reference model.
    source : label, default=None
        Flip rows that bear this label only.
    """

    def __init__(self, estimator: Any = None, source: Any = None) -> None:
        self.estimator = estimator
        self.source = source

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        regression = self._is_regression(clean.labels)
        classes, own = (far_side if regression else distinct)(clean.labels)
        if len(classes) < 2:
            raise ValueError(
                f"y has the single value {classes.tolist()[0]!r}, so there is no label to flip to. Pass a "
                "training set with at least two, or use RandomFlipAttack(labels=...)."
            )
        open_rows, whose = rows_to_flip(clean.labels, self.source, regression)
        check_enough(budget, len(open_rows), whose)
        default = Ridge() if regression else LogisticRegression(max_iter=1000)
        model = reference_model(self.estimator, default, clean.X, chance.choices, type(self).__name__)
        model.fit(clean.X, clean.labels)
        if regression:
            distance, new = to_far_end(model.predict(clean.X), clean.labels, classes)
            order = self._rank_distances(distance[open_rows])
        else:
            scores = class_scores(model, clean.X, classes)
            order = self._rank_margins(margins(scores, own)[open_rows])
            new = self._choose_classes(scores, own)
        rows = open_rows[order[:budget]]
        return clean.relabel(rows, classes[new[rows]])

    @abstractmethod
    def _rank_margins(self, margin: Floats) -> Rows:
        """Order rows by their margin of the own class over the best other one, the first to be flipped first."""

    @abstractmethod
    def _choose_classes(self, scores: Floats, own: Rows) -> Rows:
        """Return the class that each row is flipped to."""

    @abstractmethod
    def _rank_distances(self, distance: Floats) -> Rows:
        """Order rows by the distance of their prediction from the end of the range that they are flipped to."""

    def _is_regression(self, labels: Labels) -> bool:
        if self.estimator is None or not (is_classifier(self.estimator) or is_regressor(self.estimator)):
            return is_regression(labels)
        if is_regressor(self.estimator) and labels.dtype.kind not in "iuf":
            raise ValueError(
                f"The reference model {type(self.estimator).__name__} is a regressor, but y holds labels of "
                f"dtype {labels.dtype}. Pass a classifier."
            )
        return bool(is_regressor(self.estimator))


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
        return _seeded(clone(estimator), rng)
    if not is_numeric(X):
        raise ValueError(
            "The default reference model needs 2-D X with numeric columns only, which this "
            f"{type(X).__name__} is not. Pass one that can read it, such as "
            f"{attack}(make_pipeline(TfidfVectorizer(), LogisticRegression())) for texts."
        )
    return _seeded(make_pipeline(StandardScaler(with_mean=not is_sparse(X)), default), rng)


def _seeded(model: Any, rng: np.random.Generator) -> Any:
    """Fix every ``random_state`` that was left open, so that the attack can be repeated."""
    seeds = {
        name: int(rng.integers(2**31))
        for name, value in sorted(model.get_params(deep=True).items())
        if (name == "random_state" or name.endswith("__random_state")) and value is None
    }
    return model.set_params(**seeds) if seeds else model


def class_scores(model: Any, X: Any, classes: Labels) -> Floats:
    """Return how much the model is for each class, of shape (n_rows, n_classes).

    Raises
    ------
    ValueError
        If the model has no scores, or not one for each class.
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


def other_scores(scores: Floats, own: Rows, blank: float) -> Floats:
    """Return the scores with that of each row's own class blanked out."""
    others = scores.copy()
    others[np.arange(len(own)), own] = blank
    return others


def margins(scores: Floats, own: Rows) -> Floats:
    """Return each row's score of its own class minus that of the best other one."""
    best: Floats = other_scores(scores, own, -np.inf).max(axis=1)
    return scores[np.arange(len(own)), own] - best


def to_far_end(predicted: Floats, target: Labels, ends: Labels) -> tuple[Floats, Rows]:
    """Return each row's distance from its prediction to an end of the range that it is not at, and which."""
    distance = np.abs(ends.astype(np.float64) - np.asarray(predicted, dtype=np.float64).reshape(-1, 1))
    # Flipping a row to the value that it has would change nothing.
    distance[target[:, None] == ends] = -np.inf
    return distance.max(axis=1), distance.argmax(axis=1)
