"""What planning asks of a target: who is right, and by how much, for labels and for values."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.validation import check_consistent_length

from robustfit._meta._labels import as_array, check_labels, compact, label_codes
from robustfit.certify import Certificate, IntervalCertificate
from robustfit.evaluate._vote_mixture import constant_label, constant_value, median_counts, vote_counts

Index = NDArray[np.intp]


@dataclass
class Labels:
    """Target of a classifier.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
        Labels as the ensemble is given them.
    classes : ndarray of shape (n_classes,)
        In sorted order.
    codes : ndarray of shape (n_rows,)
        Index of each row's label in ``classes``.
    unseen_class : bool
        Whether certificates count a label that was never seen.
    """

    y: NDArray[Any]
    classes: NDArray[Any]
    codes: NDArray[np.int64]
    unseen_class: bool

    @property
    def n_answers(self) -> int:
        """What the number of rows that a shard needs grows with."""
        return len(self.classes)

    @property
    def strata(self) -> NDArray[np.int64] | None:
        """Classes to keep in proportion, unless one has too few rows for that."""
        return self.codes if np.bincount(self.codes).min() > 1 else None

    def votes(self, model: Any, X: Any) -> NDArray[np.int64]:
        """Votes as indices of ``classes``, whichever of them the model was fitted on."""
        # One more entry, for index −1: abstentions stay what they are.
        codes = np.append(label_codes(compact(np.asarray(model.classes_)), self.classes), -1)
        return codes[model.votes(X)]

    def right(self, votes: NDArray[Any], rows: Index) -> NDArray[np.bool_]:
        """Which votes are right."""
        return votes == self.codes[rows, None]

    def certified_radius(self, votes: NDArray[Any], rows: Index, **options: Any) -> NDArray[np.int64]:
        """Radius of the vote where it is right, else −1."""
        certificate = Certificate.from_votes(
            votes, np.arange(len(self.classes)), unseen_class=self.unseen_class, **options
        )
        return np.where(certificate.prediction == self.codes[rows], certificate.radius, -1)

    def counts(self, votes: NDArray[Any], rows: Index) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Votes for the right answer and its rivals, see `vote_counts`."""
        return vote_counts(votes, self.codes[rows], len(self.classes))

    def constant_accuracy(self, rows: Index) -> float:
        """Share of rows that the best constant label answers right."""
        return constant_label(self.codes[rows])


@dataclass
class Values:
    """Target of a regressor.

    Parameters
    ----------
    y, tol : ndarray of shape (n_rows,)
        Values, and the largest error of each that counts as right.
    """

    y: NDArray[np.float64]
    tol: NDArray[np.float64]

    n_answers = 1
    strata = None

    def votes(self, model: Any, X: Any) -> NDArray[np.float64]:
        """Predictions of the members."""
        return model.votes(X)

    def right(self, votes: NDArray[Any], rows: Index) -> NDArray[np.bool_]:
        """Which predictions are within the tolerance."""
        return np.abs(votes - self.y[rows, None]) <= self.tol[rows, None]

    def certified_radius(self, votes: NDArray[Any], rows: Index, **options: Any) -> NDArray[np.int64]:
        """Radius of the median where it is right, else −1."""
        certificate = IntervalCertificate.from_predictions(votes, **options)
        return certificate.radius(self.y[rows], self.tol[rows])

    def counts(self, votes: NDArray[Any], rows: Index) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Predictions near enough and their rivals, see `median_counts`."""
        return median_counts(votes, self.y[rows], self.tol[rows])

    def constant_accuracy(self, rows: Index) -> float:
        """Share of rows that the best constant value answers right."""
        return constant_value(self.y[rows], self.tol[rows])


def read_target(ensemble: Any, y: ArrayLike, tol: ArrayLike | None) -> Labels | Values:
    """Validate the target for an ensemble.

    Raises
    ------
    ValueError
        If labels are continuous or of one class only, values are not finite, or the tolerance does not fit.
    """
    if ensemble._inner_type == "regressor":
        values = column_or_1d(check_array(y, ensure_2d=False, dtype=np.float64, ensure_all_finite=False), warn=True)
        assert_all_finite(values, input_name="y")
        return Values(values, _check_tol(tol, values))
    if tol is not None:
        raise ValueError(f"tol is for regressors; a label is right or wrong. Leave out tol={tol!r}.")
    labels = check_labels(as_array(y))
    classes = np.unique(compact(labels))
    if len(classes) == 1:
        raise ValueError(
            f"y holds one class only, {classes.tolist()[0]!r}: every number of partitions answers it. Pass rows of "
            "two classes or more."
        )
    codes = label_codes(compact(labels), classes).astype(np.int64)
    return Labels(labels, classes, codes, unseen_class=ensemble.classes is None)


def _check_tol(tol: ArrayLike | None, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if tol is None:
        tol = np.median(np.abs(values - np.median(values))) / 2
        if tol == 0:
            raise ValueError(
                "More than half of y is one and the same value, so its spread says nothing about a tolerance: pass "
                "tol=, the largest error that counts as right, in units of y."
            )
    try:
        tolerance = np.asarray(tol, dtype=np.float64)
    except (TypeError, ValueError):
        tolerance = np.array(np.nan)
    if tolerance.ndim:
        check_consistent_length(values, tolerance)
    if tolerance.ndim > 1 or not np.all(tolerance >= 0):
        raise ValueError(f"tol must be one non-negative number or one per row, in units of y, got {tol!r}.")
    return np.broadcast_to(tolerance, values.shape)
