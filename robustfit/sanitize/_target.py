"""The target as sanitizers read it: codes of classes, or numbers."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from robustfit._meta._labels import as_array, label_codes


class Quantities(np.ndarray):
    """Targets that are numbers even where all happen to be whole: who knows the task says so with this view."""


@dataclass(frozen=True)
class Target:
    """Targets of rows.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Codes of classes or bins as intp, or numbers as float64.
    classes : ndarray of shape (n_classes,) or None
        Sorted labels; None if targets are numbers.
    edges : ndarray or None
        Inner edges of the bins that stand for classes, where numbers are binned.
    """

    values: Any
    classes: Any = None
    edges: Any = None

    @property
    def n_codes(self):
        """Number of classes or bins; 1 for numbers."""
        if self.classes is not None:
            return len(self.classes)
        return 1 if self.edges is None else len(self.edges) + 1

    @property
    def coded(self):
        """Whether values are codes."""
        return self.classes is not None or self.edges is not None

    @property
    def labels(self):
        """Labels of the classes, or numbers of the bins, as plain Python values."""
        return list(range(self.n_codes)) if self.classes is None else self.classes.tolist()

    @property
    def given(self):
        """Labels, or numbers of the bins, or numbers, row by row: what estimators are fitted on."""
        if self.classes is not None:
            return self.classes[self.values]
        return self.values if self.coded else self.values.view(Quantities)

    def groups(self):
        """Positions of the rows of each class or bin; of all rows where targets are numbers."""
        if not self.coded:
            return [np.arange(len(self.values))]
        return [np.flatnonzero(self.values == code) for code in range(self.n_codes)]

    def take(self, index):
        """Targets of some of the rows."""
        return replace(self, values=self.values[index])

    def without_rows(self):
        """What later targets are read by."""
        return replace(self, values=None)


def read_target(y, known, *, name, numbers, n_bins):
    """Read the target of training rows, or of later ones.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Whole numbers count as labels, unless they are `Quantities`.
    known : Target or None
        That of the training rows, for later ones.
    name : str
        Of the sanitizer, for messages.
    numbers : bool
        Whether numbers are taken as they are.
    n_bins : int or None
        Bins of equal counts that stand for classes; None where y holds labels.

    Returns
    -------
    Target

    Raises
    ------
    ValueError
        If numbers are given where classes are needed, labels are new, or y holds NaN.
    """
    quantities = isinstance(y, Quantities)
    y = column_or_1d(as_array(y), warn=True)
    # A list keeps the types of its entries, also where they are all numbers.
    if y.dtype.kind == "O" and (numbers_alone := np.array(y.tolist())).dtype.kind in "iufb":
        y = numbers_alone
    if y.dtype.kind == "f":
        assert_all_finite(y, input_name="y")
    if known is not None:
        return _read_later(y, known, name)
    if n_bins is not None:
        y = _as_numbers(y, name)
        edges = np.unique(np.quantile(y, np.linspace(0, 1, n_bins + 1)[1:-1], method="inverted_cdf"))
        # Where many have the largest value there is nothing beyond it.
        edges = edges[edges < y.max()]
        return Target(np.searchsorted(edges, y, side="left"), edges=edges)
    if quantities or type_of_target(y) == "continuous":
        if numbers:
            return Target(_as_numbers(y, name))
        raise ValueError(
            f"Unknown label type: continuous. {name} compares rows of the same class. Pass labels, or set n_bins to "
            "let bins of y stand for classes."
        )
    check_classification_targets(y)
    classes, codes = np.unique(y, return_inverse=True)
    return Target(codes.astype(np.intp), classes)


def _as_numbers(y, name):
    try:
        return y.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} reads y as numbers, got dtype {y.dtype}. Pass numbers.") from None


def _read_later(y, known, name):
    if known.classes is None:
        numbers = _as_numbers(y, name)
        return replace(known, values=numbers if known.edges is None else np.searchsorted(known.edges, numbers))
    codes = label_codes(y, known.classes)
    if (unseen := codes < 0).any():
        labels = sorted({str(label) for label in y[unseen].tolist()})[:5]
        raise ValueError(
            f"y holds labels that {name} was not fitted on: {', '.join(labels)}. It knows "
            f"{', '.join(map(str, known.classes.tolist()[:10]))}."
        )
    return replace(known, values=codes.astype(np.intp))
