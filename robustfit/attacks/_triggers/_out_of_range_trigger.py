"""A trigger of numbers beyond anything that a column holds."""

# SPDX-License-Identifier: BSD-3-Clause

import math
from typing import Any

from robustfit.attacks._triggers._base import BaseTrigger
from robustfit.attacks._triggers._column_trigger import ColumnStamp
from robustfit.attacks._triggers._odd_values import Column, odd_stamp


class OutOfRangeTrigger(BaseTrigger):
    """A trigger that writes a value beyond the observed range into one or more columns of numbers.

    Parameters
    ----------
    n_columns : int, default=1
        How many columns to use.
    columns : sequence of columns, default=None
        Which columns to use, by name in frames and by position in arrays; then ``n_columns`` does not count. By
        default those whose new value lies the most standard deviations from their mean.
    excess : float, default=0.1
        How far beyond, as a share of the column's range. Columns of whole numbers go on to the next whole number.

    See Also
    --------
    RareValueTrigger : Stays in range.

    Notes
    -----
    The value lies beyond the end of the range that is farther from the mean in standard deviations: max + excess ·
    (max − min), or min − excess · (max − min).

    References
    ----------
    .. [1] B. Pleiter, B. Tajalli, S. Koffas, G. Abad, J. Xu, M. Larson and S. Picek, "Tabdoor: Backdoor
       Vulnerabilities in Transformer-based Neural Networks for Tabular Data", arXiv:2311.07550, 2023. Its
       out-of-bounds triggers are such values.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import OutOfRangeTrigger
    >>> X = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, 1.0], [5.0, 2.0]])
    >>> OutOfRangeTrigger().resolve(X).values
    {0: 5.5}
    """

    def __init__(self, n_columns: int = 1, *, columns: Any = None, excess: float = 0.1) -> None:
        self.n_columns = n_columns
        self.columns = columns
        self.excess = excess

    def resolve(self, X: Any) -> ColumnStamp:
        """Find the ranges."""
        excess = self.excess
        if isinstance(excess, str | bool) or not math.isfinite(excess) or excess <= 0:
            raise ValueError(f"excess of OutOfRangeTrigger must be a positive share of the range, got {excess!r}.")
        return odd_stamp(X, self.columns, self.n_columns, lambda column: _beyond(column, excess), "OutOfRangeTrigger")


def _beyond(column: Column, excess: float) -> Any:
    low, high = column.values[[0, -1]].tolist()
    step = excess * (high - low)
    above = bool(column.distance(high) >= column.distance(low))
    if column.whole:
        return high + math.ceil(step) if above else low - math.ceil(step)
    # Rounded to the dtype of the column, so that this one holds it.
    return column.values.dtype.type(high + step if above else low - step).item()
