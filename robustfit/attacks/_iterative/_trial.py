"""A defence on trial: what it keeps of a poisoned set, and how wrong it is on clean rows that it has not seen."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows, take_rows
from robustfit.attacks._inner import inserted_rows
from robustfit.attacks._labels import is_regression, read_labels
from robustfit.attacks._poisoned import Poisoned


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of one poisoned set.

    Attributes
    ----------
    poisoned : Poisoned
    harm : float
    kept_poison : ndarray of bool of shape (n_poison,) or None
        Which poison rows the defence kept, in their order; None if it does not tell.
    kept_clean : ndarray of int64 or None
        Clean rows that it kept.
    """

    poisoned: Poisoned
    harm: float
    kept_poison: NDArray[np.bool_] | None
    kept_clean: Rows | None


@dataclass(frozen=True, eq=False)
class Trial:
    """How the harm of a poisoned set is measured: always by the same defence, on the same clean rows.

    Attributes
    ----------
    clean : CleanSet
    defence : estimator
        Without open seeds.
    folds : list of ndarray of int64
        Clean rows, each in one fold. The error on a fold is that of the defence fitted without its rows, and
        without what the attack made of them.
    """

    clean: CleanSet
    defence: Any
    folds: list[Rows]

    def run(self, poisoned: Poisoned) -> Outcome:
        """Fit the defence to a poisoned set, and for each fold to the rest of it."""
        places = origins(poisoned, len(self.clean))
        inserted = np.flatnonzero(places < 0)
        errors = []
        for number, fold in enumerate(self.folds):
            # A fold takes its share of the poison along: the rest is poisoned as much as the whole.
            left_out = np.append(np.flatnonzero(np.isin(places, fold)), inserted[number :: len(self.folds)])
            errors.append(self._errors(poisoned, np.delete(np.arange(len(places)), left_out), fold))
        harm = float(np.concatenate(errors).mean())
        kept = kept_rows(self._fit(poisoned, np.arange(len(places))), len(places))
        if kept is None:
            return Outcome(poisoned, harm, None, None)
        bad = poisoned.is_poison
        return Outcome(poisoned, harm, kept[bad], places[kept & ~bad])

    def _fit(self, poisoned: Poisoned, rows: Rows) -> Any:
        return clone(self.defence).fit(take_rows(poisoned.X, rows), read_labels(poisoned.y)[rows])

    def _errors(self, poisoned: Poisoned, shown: Rows, fold: Rows) -> Floats:
        """Return the error on each clean row of a fold."""
        predicted = np.asarray(self._fit(poisoned, shown).predict(take_rows(self.clean.X, fold))).ravel()
        truth = self.clean.labels[fold]
        if is_regression(truth):
            return np.square(predicted.astype(np.float64) - truth)
        return np.asarray(predicted != truth, dtype=np.float64)


def origins(poisoned: Poisoned, n: int) -> Rows:
    """Return the clean row that each row is, or takes the place of; −1 for rows that were inserted."""
    origin = np.full(len(poisoned.is_poison), -1, dtype=np.int64)
    origin[~poisoned.is_poison] = np.setdiff1d(np.arange(n), poisoned.removed)
    in_place = np.setdiff1d(np.flatnonzero(poisoned.is_poison), inserted_rows(poisoned))
    origin[in_place] = in_place
    return origin


def kept_rows(model: Any, n: int) -> NDArray[np.bool_] | None:
    """Return which of its ``n`` training rows a fitted defence kept, or None if it does not tell.

    Read off ``sample_indices_``, or else a boolean mask in ``support_`` or ``inlier_mask_``, of the model or of the
    last step of a pipeline. The support vectors of an SVM are no such mask.
    """
    if hasattr(model, "steps"):
        model = model.steps[-1][1]
    indices = np.asarray(getattr(model, "sample_indices_", []))
    if indices.size:
        return np.isin(np.arange(n), indices)
    masks = (np.asarray(getattr(model, name, None)) for name in ("support_", "inlier_mask_"))
    return next((mask.copy() for mask in masks if mask.dtype == bool and mask.shape == (n,)), None)
