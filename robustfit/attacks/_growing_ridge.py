"""Ridge regression that rows are inserted into one by one, and what each insertion does to the clean rows."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np

from robustfit.attacks._base_attack import check_number
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows


class UnitRange(NamedTuple):
    """Columns' ranges, to scale them to [0, 1] and back.

    Attributes
    ----------
    low, high : ndarray of shape (n_features,)
    """

    low: Floats
    high: Floats

    @classmethod
    def of(cls, X: Floats) -> "UnitRange":
        """Read the ranges off rows."""
        return cls(X.min(axis=0), X.max(axis=0))

    def scale(self, X: Floats) -> Floats:
        """Return rows with every column's range scaled to [0, 1]; a column that does not vary becomes 0."""
        width = self.high - self.low
        return (X - self.low) / np.where(width > 0, width, 1.0)

    def corners(self, upper: Any) -> Floats:
        """Return rows at the ends of the ranges, the upper one where told so."""
        return np.where(upper, self.high, self.low)


class GrowingRidge:
    """Ridge regression with an intercept on columns scaled to [0, 1], and how far insertions have moved it.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        The clean rows, scaled.
    regularization : float
        Penalty λ on the squared weights, against the sum of the rows' squared errors. The intercept is free.

    Attributes
    ----------
    move : ndarray of shape (n_features + 1,)
        The weights now minus those that the clean rows gave.

    Notes
    -----
    With Z the rows and a column of ones, A = ZᵀZ + λI and the leverage h(z) = zᵀA⁻¹z, inserting a row z with target t
    that was predicted as f moves the weights by A⁻¹z (t − f)/(1 + h) and takes A⁻¹zzᵀA⁻¹/(1 + h) off A⁻¹.
    """

    def __init__(self, rows: Floats, regularization: float) -> None:
        self.center = rows.mean(axis=0)
        Z = self.extend(rows)
        gram = Z.T @ Z
        self.move = np.zeros(len(gram))
        self._moment = gram / len(Z)
        # Columns were centred, so that the penalty leaves the intercept alone.
        self._inverse = np.linalg.inv(gram + np.diag(np.append(np.full(rows.shape[1], regularization), 0.0)))

    def extend(self, rows: Floats) -> Floats:
        """Centre rows and append the column of the intercept."""
        return np.column_stack([rows - self.center, np.ones(len(rows))])

    def fit(self, rows: Floats, target: Floats) -> tuple[Floats, Floats]:
        """Return what the regression predicts for the rows that it is fitted to, and their leverages."""
        Z = self.extend(rows)
        half = Z @ self._inverse
        return half @ (Z.T @ target), np.einsum("ij,ij->i", half, Z)

    @property
    def rise(self) -> float:
        """Mean squared distance of the predictions for the clean rows from those of the clean model."""
        return float(self.move @ self._moment @ self.move)

    def insert_worst(self, rows: Floats, predicted: Floats, targets: Floats) -> int:
        """Insert the one of some rows that raises the clean rows' error most, and return which.

        Parameters
        ----------
        rows : ndarray of shape (n, n_features)
            Candidates, scaled.
        predicted : ndarray of shape (n,)
            What the clean model predicts for them.
        targets : ndarray of shape (n,)
            Target that each would be inserted with.

        Notes
        -----
        The error is the mean squared distance between the predictions now and those of the clean model. It differs from
        the rise of the mean squared error only by a term of the clean model's residuals, which vanishes at λ = 0.
        """
        Z = self.extend(rows)
        half = Z @ self._inverse
        leverage = np.einsum("ij,ij->i", half, Z)
        step = (targets - predicted - Z @ self.move) / (1.0 + leverage)
        through = half @ self._moment
        rise = step * (2.0 * through @ self.move + step * np.einsum("ij,ij->i", through, half))
        worst = int(rise.argmax())
        self.move = self.move + half[worst] * step[worst]
        self._inverse = self._inverse - np.outer(half[worst], half[worst]) / (1.0 + leverage[worst])
        return worst


class Twins(NamedTuple):
    """Rows to copy with another target, and how likely each is drawn.

    Attributes
    ----------
    ridge : GrowingRidge
    rows : ndarray of shape (n_rows, n_features)
        The clean rows, scaled.
    predicted : ndarray of shape (n_rows,)
        What the ridge regression predicts for them.
    far : ndarray of shape (n_rows,)
        The end of the target's range that is farther from the prediction: the target of a copy.
    probability : ndarray of shape (n_rows,)
    """

    ridge: GrowingRidge
    rows: Floats
    predicted: Floats
    far: Floats
    probability: Floats

    @classmethod
    def of(cls, clean: CleanSet, attack: str, regularization: Any, power: Any) -> "Twins":
        """Draw rows in proportion to leverage times (distance of the prediction from the far end) to a power."""
        strength = check_regularization(regularization)
        exponent = check_number(power, "power", "a finite number that is not negative", least=0.0)
        target, X = clean.targets(attack), clean.numbers()
        rows = UnitRange.of(X).scale(X)
        ridge = GrowingRidge(rows, strength)
        predicted, leverage = ridge.fit(rows, target)
        far = far_ends(predicted, target)
        distance = np.abs(far - predicted)
        weight = np.maximum(leverage, 0.0) * (distance / distance.max()) ** exponent
        return cls(ridge, rows, predicted, far, weight / weight.sum())

    def draw(self, size: int, rng: np.random.Generator) -> Rows:
        """Draw positions of rows, repeats allowed."""
        return rng.choice(len(self.rows), size=size, p=self.probability)


def far_ends(values: Floats, target: Floats) -> Floats:
    """Return, for each value, the end of the target's range that is farther from it; from the middle, the upper one."""
    low, high = target.min(), target.max()
    return np.where(values - low > high - values, low, high)


def check_regularization(regularization: Any) -> float:
    """Return the strength of the penalty, or say what it must be."""
    return check_number(
        regularization,
        "regularization",
        "a positive number, which keeps leverages finite where columns depend on each other",
    )
