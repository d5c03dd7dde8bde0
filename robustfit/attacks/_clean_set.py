"""A clean training set, and the ways to change it: relabel, insert, delete, replace rows."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._containers import (
    Floats,
    Rows,
    append_rows,
    as_numbers,
    fit_numbers,
    n_rows,
    replace_rows,
    shake,
    take_rows,
)
from robustfit.attacks._labels import Labels, distinct, is_regression, join_labels, read_labels, write_labels
from robustfit.attacks._poisoned import Poisoned


@dataclass(frozen=True, eq=False)
class CleanSet:
    """A checked training set; its methods return changed copies and leave it as it is."""

    X: Any
    y: Any
    labels: Labels
    groups: NDArray[Any] | None

    @classmethod
    def check(cls, X: Any, y: Any, groups: Any) -> Self:
        """Check that rows, labels and groups belong together.

        Raises
        ------
        TypeError
            If ``X`` is no known container.
        ValueError
            If lengths differ, there are no rows, or a label or group is missing.
        """
        rows = n_rows(X)
        if rows == 0:
            raise ValueError("X has no rows; an attack needs at least one.")
        labels = read_labels(y)
        members = None if groups is None else read_labels(groups, "groups")
        for name, values in (("y", labels), ("groups", members)):
            if values is not None and len(values) != rows:
                raise ValueError(f"{name} must have one value per row of X ({rows}), got {len(values)}.")
        return cls(X, y, labels, members)

    def __len__(self) -> int:
        return len(self.labels)

    def numbers(self) -> Floats:
        """Return the features as a dense float array, or say why they are none."""
        return as_numbers(self.X)

    def codes(self, attack: str) -> tuple[Labels, Rows]:
        """Return the classes, at least two, and each row's position among them.

        Raises
        ------
        ValueError
            If ``y`` is a regression target or has one class.
        """
        if is_regression(self.labels):
            raise ValueError(
                f"{attack} changes classes, but y of dtype {self.labels.dtype} is a regression target. If it holds "
                "class labels, cast it: y.astype(int)."
            )
        classes, codes = distinct(self.labels)
        if len(classes) < 2:
            raise ValueError(
                f"y has the single label {classes.tolist()[0]!r}; {attack} needs a training set with at least two."
            )
        return classes, codes

    def signs(self, attack: str) -> tuple[Labels, Floats]:
        """Return the two classes, and −1 or +1 for each row.

        Raises
        ------
        ValueError
            If ``y`` does not have exactly two classes.
        """
        classes, codes = self.codes(attack)
        if len(classes) > 2:
            raise ValueError(
                f"{attack} is about two classes, but y has {len(classes)}: {classes.tolist()[:10]}. Keep the rows of "
                "two of them, or mark one against the rest, as in y == label."
            )
        return classes, np.where(codes == 1, 1.0, -1.0)

    def targets(self, attack: str) -> Floats:
        """Return the regression target, which has at least two values.

        Raises
        ------
        ValueError
            If ``y`` holds class labels or is constant.
        """
        if not is_regression(self.labels):
            raise ValueError(
                f"{attack} changes regression targets, which have a floating dtype, but y has dtype "
                f"{self.labels.dtype}. If it is a target in whole numbers, cast it: y.astype(float)."
            )
        target = self.labels.astype(np.float64)
        if target.min() == target.max():
            raise ValueError(f"y is {target[0]} throughout; {attack} needs a target that varies.")
        return target

    def unchanged(self) -> Poisoned:
        """Return the training set itself."""
        return self._poisoned(self.X, self.y, [], [], self.groups)

    def relabel(self, rows: Rows, labels: Labels, details: Mapping[str, Any] | None = None) -> Poisoned:
        """Give some rows other labels."""
        old, new = join_labels(self.labels, labels)
        written = old.copy()
        written[rows] = new
        y = write_labels(written, self.y)
        return self._poisoned(self.X, y, rows, rows, self.groups, details, labels_only=True)

    def insert(
        self,
        sources: Rows,
        labels: Labels,
        rng: np.random.Generator,
        details: Mapping[str, Any] | None = None,
    ) -> Poisoned:
        """Append shaken copies of some rows, with labels of their own and the group of the row they copy."""
        return self.append(shake(take_rows(self.X, sources), self.X, rng), labels, sources, details)

    def append(self, block: Any, labels: Labels, sources: Rows, details: Mapping[str, Any] | None = None) -> Poisoned:
        """Append rows of the container of ``X``, with labels of their own and the groups of their sources."""
        y = write_labels(np.concatenate(join_labels(self.labels, labels)), self.y)
        groups = None if self.groups is None else np.concatenate([self.groups, self.groups[sources]])
        return self._poisoned(append_rows(self.X, block), y, len(self) + np.arange(len(sources)), [], groups, details)

    def add(self, numbers: Floats, labels: Labels, sources: Rows, details: Mapping[str, Any] | None = None) -> Poisoned:
        """Append rows of numbers, with labels of their own and the groups of the rows named as their sources.

        Columns that cannot hold the numbers exactly are widened to float64.
        """
        X, block = fit_numbers(self.X, numbers)
        y = write_labels(np.concatenate(join_labels(self.labels, labels)), self.y)
        groups = None if self.groups is None else np.concatenate([self.groups, self.groups[sources]])
        return self._poisoned(append_rows(X, block), y, len(self) + np.arange(len(numbers)), [], groups, details)

    def overwrite(self, rows: Rows, numbers: Floats, details: Mapping[str, Any] | None = None) -> Poisoned:
        """Give some rows other numbers; labels and groups stay."""
        X, block = fit_numbers(self.X, numbers)
        return replace(self, X=X).rewrite(rows, block, details)

    def rewrite(self, rows: Rows, block: Any, details: Mapping[str, Any] | None = None) -> Poisoned:
        """Give some rows other features, of the container of ``X``; labels and groups stay."""
        return self._poisoned(replace_rows(self.X, rows, block), self.y, rows, rows, self.groups, details)

    def delete(self, rows: Rows) -> Poisoned:
        """Leave some rows out."""
        keep = np.delete(np.arange(len(self)), rows)
        y = write_labels(self.labels[keep], self.y)
        groups = None if self.groups is None else self.groups[keep]
        return self._poisoned(take_rows(self.X, keep), y, [], rows, groups)

    def exchange(
        self, removed: Rows, block: Any, labels: Labels, sources: Rows, details: Mapping[str, Any] | None = None
    ) -> Poisoned:
        """Leave some rows out and append others of the same container, with the groups of the rows named as sources."""
        keep = np.delete(np.arange(len(self)), removed)
        y = write_labels(np.concatenate(join_labels(self.labels[keep], labels)), self.y)
        groups = None if self.groups is None else np.concatenate([self.groups[keep], self.groups[sources]])
        X = append_rows(take_rows(self.X, keep), block)
        return self._poisoned(X, y, len(keep) + np.arange(len(labels)), removed, groups, details)

    def replace(self, rows: Rows, donors: Rows, rng: np.random.Generator) -> Poisoned:
        """Overwrite the features of some rows by shaken copies of others'; labels and groups stay."""
        block = shake(take_rows(self.X, donors), self.X, rng)
        return self._poisoned(replace_rows(self.X, rows, block), self.y, rows, rows, self.groups)

    def _poisoned(
        self,
        X: Any,
        y: Any,
        poison: Any,
        removed: Any,
        groups: Any,
        details: Mapping[str, Any] | None = None,
        *,
        labels_only: bool = False,
    ) -> Poisoned:
        is_poison = np.zeros(n_rows(X), dtype=bool)
        is_poison[np.asarray(poison, dtype=np.int64)] = True
        gone = np.sort(np.asarray(removed, dtype=np.int64))
        removed_groups = None if self.groups is None else self.groups[gone]
        return Poisoned(X, y, is_poison, gone, groups, removed_groups, labels_only, dict(details or {}))
