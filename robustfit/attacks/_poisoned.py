"""A poisoned training set, and what it costs the attacker under each threat."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._containers import n_rows
from robustfit.certify import THREATS, CertificateError


@dataclass(frozen=True, eq=False, repr=False)
class Poisoned:
    """A training set after an attack.

    Parameters
    ----------
    X, y : containers of n_rows rows
        The poisoned training set, in the containers of the clean one. What the attack left alone may be
        shared with the clean set, not copied.
    is_poison : ndarray of shape (n_rows,), bool
        Rows of ``X`` that were inserted, modified, or whose label was changed.
    removed : ndarray of shape (n_removed,), int64
        Rows of the *clean* set that are no longer there as they were: deleted, modified or relabelled.
    groups : ndarray of shape (n_rows,) or None
        Group of each row of ``X``, if the clean rows had groups.
    removed_groups : ndarray of shape (n_removed,) or None
        Group of each removed row.
    labels_only : bool, default=False
        Whether nothing but labels changed: row i of ``X`` is row i of the clean set.
    details : mapping of str, optional
        What the attack found out on its way, such as the model that it aims at; each attack says what.

    Raises
    ------
    ValueError
        If the parts do not fit together.

    Notes
    -----
    The clean set is a multiset of rows. Going from it to the poisoned one takes away the rows in ``removed``
    and brings in those in ``is_poison``. `cost` counts these steps in the unit of a threat, as ``certify``
    counts a radius: a prediction whose certified radius is at least the cost must survive refitting on this
    set.

    References
    ----------
    .. [1] A. Levine and S. Feizi, "Deep Partition Aggregation: Provable Defenses against General Poisoning
       Attacks", ICLR 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import RandomFlipAttack
    >>> X, y = np.arange(8.0).reshape(4, 2), np.array(["ham", "spam", "ham", "spam"])
    >>> poisoned = RandomFlipAttack().generate(X, y, budget=1)
    >>> poisoned
    Poisoned(4 rows, 1 poison, 1 removed)
    >>> poisoned.cost("label_flip"), poisoned.cost("modify"), poisoned.cost("insert_delete")
    (1, 1, 2)
    """

    X: Any
    y: Any
    is_poison: NDArray[np.bool_]
    removed: NDArray[np.int64]
    groups: NDArray[Any] | None = None
    removed_groups: NDArray[Any] | None = None
    labels_only: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows = n_rows(self.X)
        if self.is_poison.dtype != bool or self.is_poison.shape != (rows,) or len(self.y) != rows:
            raise ValueError(
                f"is_poison must be a boolean mask and y a sequence with one entry for each of the {rows} "
                f"rows of X, got is_poison of dtype {self.is_poison.dtype} and shape {self.is_poison.shape}, "
                f"and {len(self.y)} labels."
            )
        if self.removed.ndim != 1 or len(np.unique(self.removed)) != len(self.removed):
            raise ValueError(f"removed must hold distinct positions of clean rows, got {self.removed!r}.")
        lengths = [None if part is None else len(part) for part in (self.groups, self.removed_groups)]
        if lengths not in ([None, None], [rows, len(self.removed)]):
            raise ValueError(
                f"Pass groups and removed_groups both or neither, with one entry for each of the {rows} rows "
                f"of X and each of the {len(self.removed)} removed rows; got {lengths[0]} and {lengths[1]} "
                "entries."
            )
        if self.labels_only and not np.array_equal(np.flatnonzero(self.is_poison), np.sort(self.removed)):
            raise ValueError("labels_only=True needs every changed row to replace the clean row at its position.")

    def cost(self, threat: str) -> int:
        """Count the units of a threat that turn the clean training set into this one.

        Parameters
        ----------
        threat : {"insert_delete", "modify", "label_flip", "delete", "group"}
            The unit to count in:

            - ``"insert_delete"``: rows inserted plus rows deleted; a row that was modified or relabelled is
              one of each, so it counts 2;
            - ``"modify"``: rows replaced; needs as many poison rows as removed ones;
            - ``"label_flip"``: labels changed; needs that nothing else changed;
            - ``"delete"``: rows deleted; needs that there are no poison rows;
            - ``"group"``: groups with a poison or a removed row; needs groups.

        Returns
        -------
        cost : int

        Raises
        ------
        CertificateError
            If the threat is unknown or cannot make this change at any price.
        """
        if threat not in THREATS:
            raise CertificateError(f"Unknown threat {threat!r}. Known threats: {', '.join(THREATS)}.")
        costs = self._costs()
        if threat not in costs:
            hint = " Pass groups= to generate to count groups." if threat == "group" else ""
            raise CertificateError(
                f"{self!r} cannot be counted in units of threat={threat!r} ({THREATS[threat].unit}). It can "
                f"in {', '.join(repr(name) for name in costs)}.{hint}"
            )
        return costs[threat]

    def _costs(self) -> dict[str, int]:
        poison, removed = int(self.is_poison.sum()), len(self.removed)
        if poison + removed == 0:
            return dict.fromkeys(THREATS, 0)
        costs = {"insert_delete": poison + removed}
        if poison == removed:
            costs["modify"] = poison
        if self.labels_only:
            costs["label_flip"] = poison
        if poison == 0:
            costs["delete"] = removed
        if self.groups is not None and self.removed_groups is not None:
            touched = self.groups[self.is_poison].tolist() + self.removed_groups.tolist()
            costs["group"] = len(set(touched))
        return costs

    def __repr__(self) -> str:
        return f"Poisoned({len(self.is_poison)} rows, {int(self.is_poison.sum())} poison, {len(self.removed)} removed)"
