"""Poison that goes where a partition ensemble's votes are closest: the attack that its certificate counts on."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import (
    as_narwhals,
    as_numbers,
    fit_numbers,
    is_frame,
    is_numeric,
    is_sparse,
    n_rows,
    take_rows,
)
from robustfit.attacks._guided import Campaign, Spending, fit_quietly, shards_of
from robustfit.attacks._labels import Labels, distinct
from robustfit.attacks._poisoned import Poisoned
from robustfit.certify._threats import resolve_threat
from robustfit.ensemble import PartitionClassifier, PartitionRegressor

_MOST_RIVALS = 2
_MOST_PUSHES = 8


class CertificateGuidedAttack(BaseAttack):
    """Turn the votes of a partition ensemble where the fewest members decide, one unit of the budget for each.

    For each target the attack finds the label that needs the fewest members to win, which may be one that the
    training set does not have, and learns by trial which members a single unit turns: the ensemble is refitted with one
    change in every shard at once, which says it of all members, as each depends on its own shard alone. Then it
    takes just as many members as the prediction needs. Targets with the smallest radius come first; a change that
    turns a member at several targets counts for all of them.

    Parameters
    ----------
    ensemble : PartitionClassifier
        A fitted one must have been fitted on the rows that are attacked, without weights. Of one that is not, a
        clone is fitted.
    target : container of n_targets rows
        Rows whose predictions are to move; of the kind of ``X``.
    threat : {"insert_delete", "modify", "label_flip", "delete", "group"}, default="insert_delete"
        What one unit of the budget does:

        - ``"insert_delete"``: insert a row. It is next to the target, changed by rounding errors until its hash falls
          into the wanted shard (whole numbers change by one, texts get blanks at the end), and has the rival's
          label. Where that turns too few members, and features are floating-point, rows farther out in
          the target's direction are tried, under the rival's label and under the one that the member votes for;
        - ``"modify"``: replace a row by such a row in its own shard;
        - ``"label_flip"``: give one of the three rows of a shard that are nearest to the target the rival's label;
        - ``"delete"``: delete one of these;
        - ``"group"``: let one group send the target under the rival's label, as often as its shard has
          rows. Needs ``groups``, as every ensemble with ``partition_by="groups"`` does.
    label : label, default=None
        What targets are to be predicted as, known to the training set or not. By default any other label will do.

    See Also
    --------
    NeighborCopiesAttack : The same against a single nearest-neighbour learner.
    IterativeAttack : Adapts an attack to any defence.

    Notes
    -----
    For members that are nearest-neighbour learners one unit more than a prediction's radius moves it, for
    ``"insert_delete"`` and (where no shard is empty) ``"label_flip"``: the certificate is tight. With as many units as
    the radius, nothing can. Other members may need more than one row to turn; then the rest of the budget goes
    on to the same shards. ``"modify"`` touches one shard per unit here, where the certificate counts two.

    A larger budget starts anew: it may reach other targets. Units that no target needs add
    rows next to the closest one, or change such that are far from all.
    ``Poisoned.details`` holds ``targets``, the positions of the targets whose prediction moved in a refit (became
    ``label``, if given), and ``shards``, those that were touched.

    References
    ----------
    .. [1] A. Levine and S. Feizi, "Deep Partition Aggregation: Provable Defenses against General Poisoning
       Attacks", ICLR 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from robustfit import PartitionClassifier
    >>> from robustfit.attacks import CertificateGuidedAttack
    >>> X, y = load_digits(return_X_y=True)
    >>> X, y, target = X[1:], y[1:], X[:1]
    >>> ensemble = PartitionClassifier(KNeighborsClassifier(1), n_partitions=9).fit(X, y)
    >>> radius = int(ensemble.certify(target).radius[0])
    >>> poisoned = CertificateGuidedAttack(ensemble, target).generate(X, y, budget=radius + 1)
    >>> radius, poisoned.cost("insert_delete"), poisoned.details["targets"]
    (4, 5, array([0]))
    >>> ensemble.predict(target), ensemble.fit(poisoned.X, poisoned.y).predict(target)
    (array([0]), array([1]))
    """

    def __init__(self, ensemble: Any, target: Any, *, threat: str = "insert_delete", label: Any = None) -> None:
        self.ensemble = ensemble
        self.target = target
        self.threat = threat
        self.label = label

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        clean.codes(type(self).__name__)
        _check_ensemble(self.ensemble, clean)
        threat, _ = resolve_threat(self.threat, self.ensemble.partition_by)
        _check_affordable(budget, threat.name, clean)
        clean, target = _read_target(clean, self.target)
        model = _fitted(self.ensemble, clean)
        labels, rivals = self._rivals(model, threat.brings_labels)
        campaign = Campaign(clean, model, target, labels)
        spending = Spending(campaign, threat.name, rivals, self.label is not None, budget, chance.noise)
        edits = spending.spend()
        reached = campaign.predictions(campaign.votes_after([]))
        moved = np.isin(reached, rivals) if self.label is not None else reached != campaign.predicted
        poisoned = campaign.poisoned(edits)
        details = {"targets": np.flatnonzero(moved), "shards": _touched(model, poisoned)}
        return replace(poisoned, details=details)

    def _rivals(self, model: Any, brings_labels: bool) -> tuple[Labels, NDArray[np.int64]]:
        """Return all labels, sorted, and the positions of those that targets may be turned to, known ones first."""
        known = model.classes_.tolist()
        open_world = brings_labels and model.classes is None
        new = _first_label(known) if open_world and self.label is None else []
        if self.label is not None and self.label not in known:
            if not open_world:
                raise ValueError(
                    f"label={self.label!r} is not one of the labels {known}, and threat={self.threat!r} against this "
                    "ensemble cannot bring in others."
                )
            new = [self.label]
        labels = np.array(sorted([*known, *new]), dtype=model.classes_.dtype if not new else None)
        wanted = [*known, *new] if self.label is None else [self.label]
        return labels, np.array([labels.tolist().index(label) for label in wanted], dtype=np.int64)


def _first_label(known: list[Any]) -> list[Any]:
    """Return a label that is not known and wins every tie, because it sorts first; none if there is none."""
    first = known[0]
    if isinstance(first, str):
        return [""] if first else []
    return [] if isinstance(first, bool) else [int(first) - 1]


def _check_ensemble(ensemble: Any, clean: CleanSet) -> None:
    if isinstance(ensemble, PartitionRegressor):
        raise ValueError(
            "CertificateGuidedAttack turns votes for classes, but the ensemble is a PartitionRegressor, whose median "
            "moves by any amount. Use BlackBoxAttack."
        )
    if not isinstance(ensemble, PartitionClassifier):
        raise TypeError(f"ensemble must be a PartitionClassifier, got {ensemble!r}.")
    if ensemble.partition_by == "groups" and clean.groups is None:
        raise ValueError("The ensemble has partition_by='groups': pass groups= to generate, one group per row.")


def _check_affordable(budget: int, threat: str, clean: CleanSet) -> None:
    n = len(clean)
    if threat == "group":
        check_enough(budget, len(distinct(np.asarray(clean.groups))[0]), "groups can send something else")
    elif threat == "delete":
        check_enough(budget, n - 1, "can be deleted if one is to be left")
    elif threat != "insert_delete":
        check_enough(budget, n, "can be changed")


def _read_target(clean: CleanSet, target: Any) -> tuple[CleanSet, Any]:
    """Return the targets in the container of the clean rows, which are widened where they could not hold them."""
    X = clean.X
    if isinstance(X, list | tuple):
        texts = [] if isinstance(target, str) or is_frame(target) else list(target)
        if not texts or not all(isinstance(text, str) for text in [*X, *texts]):
            raise ValueError(f"X is a list: it and target must hold texts, at least one, got target={target!r}.")
        return clean, type(X)(texts)
    if is_frame(X):
        if not is_frame(target) or as_narwhals(target).schema != as_narwhals(X).schema or not n_rows(target):
            raise ValueError(
                "X is a data frame: target must be one of at least one row, with the same columns of the same types, "
                f"{dict(as_narwhals(X).schema)}."
            )
        return clean, target
    if not is_numeric(X):
        raise ValueError(
            "CertificateGuidedAttack takes X as an array or sparse matrix of numbers, a data frame or a list of texts, "
            f"which this {type(X).__name__} is not."
        )
    numbers = as_numbers(target if is_sparse(target) else np.asarray(target))
    if numbers.shape[0] == 0 or numbers.shape[1] != X.shape[1]:
        raise ValueError(f"target must have at least one row and {X.shape[1]} columns, got shape {numbers.shape}.")
    wide, rows = fit_numbers(X, numbers)
    return replace(clean, X=wide), rows


def _fitted(ensemble: Any, clean: CleanSet) -> Any:
    """Return the ensemble, fitted on the clean rows."""
    by_groups = ensemble.partition_by == "groups"
    groups = clean.groups if by_groups else None
    try:
        check_is_fitted(ensemble)
    except NotFittedError:
        params = {"groups": groups} if by_groups else {}
        return fit_quietly(clone(ensemble), clean.X, clean.y, params)
    shards = shards_of(ensemble, clean.X, groups)
    if not np.array_equal(shards, ensemble.row_shards_) or set(ensemble.classes_.tolist()) < set(clean.labels.tolist()):
        raise ValueError(
            "The ensemble was fitted on other rows than those that are attacked, or with weights or parameters that "
            "have changed since. Pass it unfitted: clone(ensemble)."
        )
    return ensemble


def _touched(model: Any, poisoned: Poisoned) -> NDArray[np.int64]:
    """Return the shards in which a row came, went or changed."""
    rows = np.flatnonzero(poisoned.is_poison)
    shards = model.row_shards_[poisoned.removed].astype(np.int64)
    if len(rows):
        groups = None if model.partition_by == "content" or poisoned.groups is None else poisoned.groups[rows]
        shards = np.concatenate([shards, shards_of(model, take_rows(poisoned.X, rows), groups)])
    return np.unique(shards)
