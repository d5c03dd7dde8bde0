"""The certificate of a regressor: an interval around each prediction for every budget."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._base_certificate import BaseCertificate, freeze, import_pandas, share_certified
from robustfit.certify._median import (
    Floats,
    median_interval,
    median_prediction,
    median_radius,
    sort_predictions,
)
from robustfit.certify._threats import check_budgets, resolve_threat
from robustfit.certify._truth import check_y


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class IntervalCertificate(BaseCertificate):
    """What a median of members guarantees for each test row.

    Made by ``PartitionRegressor.certify``; use `from_predictions` for predictions of your own.

    Parameters
    ----------
    ranked : ndarray of shape (n_samples, n_members)
        Predictions in ascending order, abstentions last as +inf.
    n_voting : ndarray of shape (n_samples,), int64
        Members that do not abstain.

    Attributes
    ----------
    prediction : ndarray of shape (n_samples,)
        Median of the members' predictions; 0.0 if all abstain.

    Notes
    -----
    **Guarantee.** Refit on any training set within ``budget`` units of the one fitted, with the same parameters and
    valid under the same schema: ``predict`` stays in ``interval(budget)``. Both ends are reached when every
    touched member may predict as the attacker likes.

    References
    ----------
    .. [1] Z. Hammoudeh and D. Lowd, "Reducing Certified Regression to Certified Classification for General
       Poisoning Attacks", SaTML 2023.

    Examples
    --------
    >>> from robustfit.certify import IntervalCertificate
    >>> certificate = IntervalCertificate.from_predictions([[1.0, 2.0, 3.0, 4.0, 9.0]])
    >>> certificate.prediction
    array([3.])
    >>> certificate.interval(1)
    (array([2.]), array([4.]))
    >>> certificate.radius([3.0], tol=1.5)
    array([1])
    """

    ranked: Floats
    n_voting: NDArray[np.int64]

    @classmethod
    def from_predictions(
        cls,
        predictions: ArrayLike,
        *,
        threat: str = "insert_delete",
        partition_by: str = "content",
        conditional_on: tuple[str, ...] = (),
    ) -> Self:
        """Certify the median of members that were each trained on a shard of their own.

        Parameters
        ----------
        predictions : array-like of shape (n_samples, n_members)
            What each member predicts; a value that is not finite abstains.
        threat : str, default="insert_delete"
            One of `robustfit.certify.THREATS`.
        partition_by : {"content", "groups"}, default="content"
            How rows were assigned to the members' shards.
        conditional_on : tuple of str
            What the guarantee takes for granted.

        Returns
        -------
        IntervalCertificate

        Raises
        ------
        CertificateError
            If the partition cannot answer the threat.
        """
        resolve_threat(threat, partition_by)
        ranked, n_voting = sort_predictions(predictions)
        return cls(
            threat=threat,
            partition_by=partition_by,
            n_members=ranked.shape[1],
            conditional_on=conditional_on,
            ranked=freeze(ranked),
            n_voting=freeze(n_voting),
        )

    @cached_property
    def prediction(self) -> Floats:
        """Median of the members' predictions."""
        return freeze(median_prediction(self.ranked, self.n_voting))

    def interval(self, budget: int) -> tuple[Floats, Floats]:
        """Lowest and highest prediction that an attacker can force.

        Parameters
        ----------
        budget : int
            Number of units.

        Returns
        -------
        low, high : ndarray of shape (n_samples,)
            Infinite where the budget reaches half of the voting members.
        """
        return median_interval(self.ranked, self.n_voting, self._shards(budget))

    def radius(self, y: ArrayLike, tol: ArrayLike) -> NDArray[np.int64]:
        """Largest number of units for which every reachable prediction is within ``tol`` of ``y``.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            True values.
        tol : float or array-like of shape (n_samples,)
            Non-negative tolerance in units of ``y``; an error of exactly ``tol`` is within it.

        Returns
        -------
        radius : ndarray of shape (n_samples,), int64
            −1 where the prediction itself is further off.

        Raises
        ------
        ValueError
            If shapes disagree, ``y`` is not finite, or a tolerance is negative.
        """
        truth = check_y(y, len(self.ranked)).astype(np.float64)
        tolerance = np.asarray(tol, dtype=np.float64)
        if tolerance.shape not in ((), truth.shape) or not np.all(tolerance >= 0):
            raise ValueError(f"tol must be one non-negative number or one per row, got {tol!r}.")
        if not np.isfinite(truth).all():
            raise ValueError("y holds NaN or infinity; drop the rows whose true value is not known.")
        return self._units(median_radius(self.ranked, self.n_voting, truth, tolerance))

    def certified_accuracy(self, y: ArrayLike, tol: ArrayLike, budgets: ArrayLike) -> Any:
        """Share of rows that are within ``tol`` of ``y`` and stay so for each budget.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
        tol : float or array-like of shape (n_samples,)
        budgets : int or array-like of int

        Returns
        -------
        share : float or ndarray of the shape of ``budgets``
        """
        return share_certified(self.radius(y, tol), budgets)

    def to_frame(self, budgets: ArrayLike = (1,)) -> Any:
        """Return a pandas table: prediction, and ``low_<r>`` and ``high_<r>`` for each budget r."""
        columns: dict[str, Any] = {"prediction": self.prediction}
        for budget in check_budgets(budgets).ravel().tolist():
            columns[f"low_{budget}"], columns[f"high_{budget}"] = self.interval(budget)
        return import_pandas().DataFrame(columns)

    def _payload(self) -> dict[str, Any]:
        voting = [row[:n].tolist() for row, n in zip(self.ranked, self.n_voting, strict=True)]
        return {"sorted_predictions": voting, "prediction": self.prediction.tolist()}

    @classmethod
    def _restore(cls, data: dict[str, Any], common: dict[str, Any]) -> Self:
        rows = data["sorted_predictions"]
        for row in rows:
            if not all(type(value) is float for value in row) or row != sorted(row) or not np.isfinite(row).all():
                raise ValueError("its predictions are no sorted lists of finite numbers")
        predictions = np.full((len(rows), common["n_members"]), np.nan)
        for index, row in enumerate(rows):
            predictions[index, : len(row)] = row
        ranked, n_voting = sort_predictions(predictions)
        restored = cls(ranked=ranked, n_voting=n_voting, **common)
        if restored.prediction.tolist() != data["prediction"]:
            raise ValueError("its predictions do not follow from what its members predicted")
        return restored

    def __repr__(self) -> str:
        return (
            f"IntervalCertificate({len(self.ranked)} predictions, threat={self.threat!r} [{self.unit}], "
            f"n_members={self.n_members}, kind={self.kind!r}, conditional_on={self.conditional_on})"
        )
