"""How sure a reference model is of each row, and flips of the rows that this ranks first."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows
from robustfit.attacks._labels import Labels, distinct, far_side, is_regression, rows_to_flip
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._reference_model import class_scores, reference_model


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
