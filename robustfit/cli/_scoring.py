"""When a prediction counts as right: one yardstick for classes and for numbers."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import r2_score

from robustfit.cli._errors import UsageError

TOLERANCE_RULE = "the median absolute deviation of the training targets, which a constant guess meets half of the time"


class Scores(NamedTuple):
    """How good predictions are: the share that is right and, for numbers, R²."""

    accuracy: float
    r2: float | None


@dataclass(frozen=True)
class Yardstick:
    """Says how often predictions are right.

    Parameters
    ----------
    tol : float or None
        Largest error that counts as right; None for class labels.
    """

    tol: float | None

    @classmethod
    def for_targets(cls, y_train: NDArray[Any], *, regression: bool, tol: float | None = None) -> Self:
        """Make the yardstick for a training target.

        Raises
        ------
        UsageError
            If no tolerance is given and the default one is zero.
        """
        if not regression:
            return cls(None)
        if tol is None:
            tol = float(np.median(np.abs(y_train - np.median(y_train))))
            if tol == 0:
                raise UsageError(
                    "More than half of the training targets are equal, so the default tolerance is 0. Say with --tol "
                    "how large an error still counts as right, in units of the target."
                )
        return cls(tol)

    @property
    def words(self) -> str:
        """What the accuracy is, in words."""
        return "accuracy" if self.tol is None else f"share with an error of at most {self.tol:g}"

    def right(self, truth: NDArray[Any], predicted: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which predictions are right."""
        return truth == predicted if self.tol is None else np.abs(predicted - truth) <= self.tol

    def score(self, truth: NDArray[Any], predicted: NDArray[Any]) -> Scores:
        """Score predictions."""
        r2 = None if self.tol is None or len(truth) < 2 else float(r2_score(truth, predicted))
        return Scores(self.accuracy(truth, predicted), r2)

    def accuracy(self, truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        """Return the share of predictions that are right."""
        return float(np.mean(self.right(truth, predicted)))

    def baseline(self, y_train: NDArray[Any], y_test: NDArray[Any]) -> float:
        """Return the accuracy of the best guess that looks at no feature."""
        if self.tol is not None:
            return self.accuracy(y_test, np.full(len(y_test), np.median(y_train)))
        values, counts = np.unique(y_train, return_counts=True)
        return self.accuracy(y_test, np.full(len(y_test), values[counts.argmax()]))

    def certified_accuracy(self, certificate: Any, truth: NDArray[Any], budgets: ArrayLike) -> Any:
        """Return the share of predictions that are right and stay so."""
        if self.tol is None:
            return certificate.certified_accuracy(truth, budgets)
        return certificate.certified_accuracy(truth, self.tol, budgets)

    def median_radius(self, certificate: Any, truth: NDArray[Any]) -> int:
        """Return the largest budget with a certified accuracy of at least one half; −1 if there is none."""
        if self.tol is None:
            return certificate.median_radius(truth)
        ranked = np.sort(certificate.radius(truth, self.tol))[::-1]
        return int(ranked[(len(ranked) + 1) // 2 - 1])
