"""Poison drawn in: rows that a defence drops come nearer to the clean rows that it keeps, until they get through."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_argmin

from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Rows, as_numbers, fit_numbers, is_numeric
from robustfit.attacks._iterative._poison_rows import PoisonRows


class DrawnIn:
    """Poison rows on the way to the nearest clean row that a defence kept, whatever the label of that.

    Parameters
    ----------
    rows : PoisonRows
        Numeric; where they are drawn from.
    kept : ndarray of int64
        Clean rows that the defence kept.
    clean : CleanSet
    """

    def __init__(self, rows: PoisonRows, kept: Rows, clean: CleanSet) -> None:
        numbers = clean.numbers()
        self.rows = rows
        self.far = as_numbers(rows.block)
        self.near = numbers[kept][pairwise_distances_argmin(self.far, numbers[kept])]
        # What is counted stays counted.
        self.whole = (numbers == np.rint(numbers)).all(axis=0)
        self.share = np.ones(len(rows))

    @staticmethod
    def can_draw(rows: PoisonRows) -> bool:
        """Whether the rows have features that may be changed."""
        return len(rows) > 0 and not rows.labels_only and is_numeric(rows.block)

    def draw(self, kept: NDArray[np.bool_]) -> PoisonRows:
        """Draw the rows that were dropped half as far from those clean rows as they are; others stay."""
        self.share[~kept] /= 2
        moved = self.near + self.share[:, None] * (self.far - self.near)
        moved[:, self.whole] = np.rint(moved[:, self.whole])
        return replace(self.rows, block=fit_numbers(self.rows.block, moved)[1])
