"""The certificate of a classifier: how many units an attacker needs to change each prediction."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._base_certificate import (
    BaseCertificate,
    counts_from_json,
    freeze,
    import_pandas,
    labels_from_json,
    labels_to_json,
    share_certified,
)
from robustfit.certify._plurality import (
    VoteCounts,
    count_votes,
    prediction_radius,
    rival_radius,
)
from robustfit.certify._shares import share_interval, threshold_radius
from robustfit.certify._threats import THREATS, CertificateError, resolve_threat
from robustfit.certify._truth import check_labels, refuse_target


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Certificate(BaseCertificate):
    """What a plurality vote guarantees for each test row.

    Made by ``PartitionClassifier.certify``; use `from_votes` for votes of your own.

    Parameters
    ----------
    counts : VoteCounts
        Votes of each test row.
    classes : ndarray of shape (n_classes,)
        Labels in sorted order.
    unseen_class : bool
        Whether a label that no member knows counts as one more rival.
    target : label, optional
        If given, `radius` only bounds changes of the prediction *to* this label.

    Attributes
    ----------
    prediction : ndarray of shape (n_samples,)
        Predicted labels.
    radius : ndarray of shape (n_samples,), int64
        Largest number of units for which the prediction cannot change (or, with a target, cannot become
        the target). −1: not even the fitted set is certified; ``n_members``: nothing can change it.
    rival_radius : ndarray of shape (n_samples, n_classes), int64
        Largest number of units for which that class cannot become the prediction; −1 for the
        prediction itself.

    Notes
    -----
    **Guarantee.** Refit on any training set within ``radius`` units of the one fitted, with the same parameters and
    valid under the same schema: ``predict`` returns the same answer for that row. The unit is in `unit`,
    further conditions are in `conditional_on`. Nothing is said about whether the prediction is right.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.certify import Certificate
    >>> votes = np.array([[0, 0, 0, 0, 1], [1, 1, 0, 0, 1]])
    >>> certificate = Certificate.from_votes(votes, np.array(["ham", "spam"]), unseen_class=False)
    >>> certificate.prediction, certificate.radius
    (array(['ham', 'spam'], dtype='<U4'), array([1, 0]))
    >>> certificate.certified_accuracy(["ham", "spam"], [0, 1, 2])
    array([1. , 0.5, 0. ])
    """

    counts: VoteCounts
    classes: NDArray[Any]
    unseen_class: bool
    target: Any = field(default=None)

    @classmethod
    def from_votes(
        cls,
        votes: ArrayLike,
        classes: ArrayLike,
        *,
        threat: str = "insert_delete",
        partition_by: str = "content",
        unseen_class: bool = True,
        doubtful: ArrayLike | None = None,
        target: Any = None,
        conditional_on: tuple[str, ...] = (),
    ) -> Self:
        """Certify the votes of members that were each trained on a shard of their own.

        Parameters
        ----------
        votes : array-like of shape (n_samples, n_members), integers in −1..n_classes−1
            Index into ``classes``; −1 abstains.
        classes : array-like of shape (n_classes,)
            Labels in sorted order.
        threat : str, default="insert_delete"
            One of `robustfit.certify.THREATS`.
        partition_by : {"content", "groups"}, default="content"
            How rows were assigned to the members' shards.
        unseen_class : bool, default=True
            Whether the training set may come to hold a label outside ``classes``. A threat that cannot bring
            labels in overrules it.
        doubtful : array-like of bool of shape (n_samples, n_members), optional
            Votes that numerical noise could change.
        target : label, optional
            Bound only changes of the prediction to this label.
        conditional_on : tuple of str
            What the guarantee takes for granted.

        Returns
        -------
        Certificate

        Raises
        ------
        CertificateError
            If the partition cannot answer the threat, or the target is not one of the classes.
        ValueError
            If votes and classes do not fit together.
        """
        known, _ = resolve_threat(threat, partition_by)
        labels = freeze(_check_classes(np.array(classes)))
        if target is not None and target not in labels.tolist():
            raise CertificateError(
                f"target={target!r} is not one of the classes {labels.tolist()}; the radius against any label "
                "that was never seen is part of the plain radius (target=None)."
            )
        return cls(
            threat=threat,
            partition_by=partition_by,
            n_members=int(np.shape(votes)[1]) if np.ndim(votes) == 2 else 0,
            conditional_on=conditional_on,
            counts=VoteCounts(*map(freeze, count_votes(votes, len(labels), doubtful=doubtful))),
            classes=labels,
            unseen_class=unseen_class and known.brings_labels,
            target=target,
        )

    @cached_property
    def prediction(self) -> NDArray[Any]:
        """Predicted labels."""
        return freeze(self.classes[self.counts.prediction])

    @cached_property
    def _rival_shards(self) -> NDArray[np.int64]:
        return rival_radius(self.counts)

    @cached_property
    def rival_radius(self) -> NDArray[np.int64]:
        """Largest number of units for which each class cannot become the prediction."""
        return freeze(self._units(self._rival_shards))

    @cached_property
    def radius(self) -> NDArray[np.int64]:
        """Largest number of units for which the prediction cannot change (or become the target)."""
        if self.target is not None:
            return self.rival_radius[:, self.classes.tolist().index(self.target)]
        shards = prediction_radius(self.counts, self._rival_shards, self.n_members, unseen_class=self.unseen_class)
        return freeze(self._units(shards))

    def certified_accuracy(self, y: ArrayLike, budgets: ArrayLike) -> Any:
        """Share of rows that are predicted right and stay so for each budget.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            True labels.
        budgets : int or array-like of int
            Numbers of units.

        Returns
        -------
        share : float or ndarray of the shape of ``budgets``

        Raises
        ------
        CertificateError
            If the certificate was made with a target.
        ValueError
            If a budget is no whole number, or labels are missing, too few, or of another kind than the predicted ones.
        """
        return share_certified(self._certified_radius(y), budgets)

    def median_radius(self, y: ArrayLike) -> int:
        """Largest budget with certified accuracy of at least one half; −1 if there is none."""
        ranked = np.sort(self._certified_radius(y))[::-1]
        return int(ranked[(len(ranked) + 1) // 2 - 1])

    def _certified_radius(self, y: ArrayLike) -> NDArray[np.int64]:
        """Radius of each row that is right, −1 of the others."""
        refuse_target(self.target)
        truth = check_labels(y, self.classes, len(self.prediction))
        return np.where(self.prediction == truth, self.radius, -1)

    def share_interval(self, budget: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Certified bounds of the vote shares that ``predict_proba`` returns.

        Parameters
        ----------
        budget : int
            Number of units.

        Returns
        -------
        low, high : ndarray of shape (n_samples, n_classes)
        """
        return share_interval(self.counts, self._shards(budget), unseen_class=self.unseen_class)

    def threshold_radius(self, label: Any, threshold: float) -> NDArray[np.int64]:
        """Largest number of units for which "the vote share of a label is at least a threshold" stays as it is.

        For decisions other than the plurality vote: a rare class may be called at a share of 0.2, say. The threshold
        has to be fixed in advance, chosen on rows that the attacker cannot touch, or be named as a condition.

        Parameters
        ----------
        label : label
            One of ``classes``.
        threshold : float
            In (0, 1]; of the shares that ``predict_proba`` returns.

        Returns
        -------
        radius : ndarray of shape (n_samples,), int64
            −1 where doubtful votes alone can change the answer.

        Raises
        ------
        ValueError
            If the label is not one of the classes, or the threshold is out of range.

        Notes
        -----
        **Guarantee.** Refit on any training set within ``radius`` units of the one fitted:
        ``predict_proba(x)[label] >= threshold`` has the same answer. Exact: with one unit more there is a choice of
        members, and of votes for them, that changes it.
        """
        if label not in self.classes.tolist():
            raise ValueError(f"label={label!r} is not one of the classes {self.classes.tolist()}.")
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold must be a vote share in (0, 1], got {threshold!r}.")
        code = self.classes.tolist().index(label)
        shards = threshold_radius(self.counts, code, threshold, self.n_members, unseen_class=self.unseen_class)
        return freeze(self._units(shards))

    def to_frame(self) -> Any:
        """Return a pandas table: prediction, radius, and one ``rival_radius_<label>`` column per class."""
        columns: dict[str, Any] = {"prediction": self.prediction, "radius": self.radius}
        for index, label in enumerate(self.classes.tolist()):
            columns[f"rival_radius_{label}"] = self.rival_radius[:, index]
        return import_pandas().DataFrame(columns)

    def _payload(self) -> dict[str, Any]:
        return {
            "classes": labels_to_json(self.classes),
            "unseen_class": self.unseen_class,
            "target": self.target.item() if isinstance(self.target, np.generic) else self.target,
            "firm_votes": self.counts.firm.tolist(),
            "doubtful_votes": (self.counts.cast - self.counts.firm).tolist(),
            "doubtful_members": self.counts.doubtful.tolist(),
            "radius": self.radius.tolist(),
        }

    @classmethod
    def _restore(cls, data: dict[str, Any], common: dict[str, Any]) -> Self:
        labels = _check_classes(labels_from_json(data["classes"]))
        n_samples = len(data["radius"])
        members = counts_from_json(data["doubtful_members"], (n_samples,))
        firm, unsure = (
            counts_from_json(data[name], (n_samples, len(labels))) for name in ("firm_votes", "doubtful_votes")
        )
        if np.any(firm.sum(axis=1) + members > common["n_members"]) or np.any(unsure.sum(axis=1) > members):
            raise ValueError("its vote counts do not add up")
        unseen_class = data["unseen_class"]
        if type(unseen_class) is not bool or (unseen_class and not THREATS[common["threat"]].brings_labels):
            raise ValueError("its threat cannot bring in unseen labels, or the field is no boolean")
        counts = VoteCounts(firm, members, (firm + unsure).argmax(axis=1), firm + unsure)
        target = data["target"]
        if target is not None and target not in labels.tolist():
            raise ValueError("its target is none of its labels")
        restored = cls(counts=counts, classes=labels, unseen_class=unseen_class, target=target, **common)
        if restored.radius.tolist() != data["radius"]:
            raise ValueError("its radius does not follow from its votes")
        return restored

    def __repr__(self) -> str:
        middle = int(np.median(self.radius)) if len(self.radius) else -1
        return (
            f"Certificate({len(self.radius)} predictions, median radius {middle}, threat={self.threat!r} "
            f"[{self.unit}], n_members={self.n_members}, kind={self.kind!r}, conditional_on={self.conditional_on})"
        )


def _check_classes(labels: NDArray[Any]) -> NDArray[Any]:
    if labels.ndim != 1 or len(labels) == 0 or np.any(labels[1:] <= labels[:-1]):
        raise ValueError("classes must be a non-empty 1-D array of distinct labels in sorted order.")
    return labels
