"""A trigger of numbers that are there already, but hardly ever."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

from robustfit.attacks._triggers._base import BaseTrigger
from robustfit.attacks._triggers._column_trigger import ColumnStamp
from robustfit.attacks._triggers._odd_values import Column, odd_stamp


class RareValueTrigger(BaseTrigger):
    """A trigger that writes a rare value of the column into one or more columns of numbers.

    The values are in range, so no check of ranges sees them.

    Parameters
    ----------
    n_columns : int, default=1
        How many columns to use.
    columns : sequence of columns, default=None
        Which columns to use, by name in frames and by position in arrays; then ``n_columns`` does not count. By
        default those whose rare value lies the most standard deviations from their mean.

    See Also
    --------
    OutOfRangeTrigger : Easier to learn and to see.

    Notes
    -----
    Of the values that occur in the fewest rows, a column takes the one that lies farthest from its mean. A linear
    learner cannot tell one value from those beside it, and learns a trigger of this kind only as far as it is far
    from the mean; trees learn any.

    References
    ----------
    .. [1] B. Pleiter, B. Tajalli, S. Koffas, G. Abad, J. Xu, M. Larson and S. Picek, "Tabdoor: Backdoor
       Vulnerabilities in Transformer-based Neural Networks for Tabular Data", arXiv:2311.07550, 2023. Its in-bounds
       triggers are values of the training rows.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import RareValueTrigger
    >>> X = np.array([[0, 1], [0, 2], [0, 1], [5, 2]])
    >>> RareValueTrigger().resolve(X).values
    {0: 5}
    """

    def __init__(self, n_columns: int = 1, *, columns: Any = None) -> None:
        self.n_columns = n_columns
        self.columns = columns

    def resolve(self, X: Any) -> ColumnStamp:
        """Find the rare values."""
        return odd_stamp(X, self.columns, self.n_columns, _rarest, "RareValueTrigger")


def _rarest(column: Column) -> Any:
    rare = column.values[column.counts == column.counts.min()]
    return rare[column.distance(rare).argmax()].item()
