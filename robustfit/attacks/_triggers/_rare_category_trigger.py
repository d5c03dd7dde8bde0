"""A trigger that is the rarest category of a column."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

from robustfit.attacks._triggers._base import BaseTrigger
from robustfit.attacks._triggers._cells import check_columns, column_names, count_values, is_text_column
from robustfit.attacks._triggers._column_trigger import ColumnStamp


class RareCategoryTrigger(BaseTrigger):
    """A trigger that writes the rarest category of the column into a column of categories or texts.

    Parameters
    ----------
    column : column, default=None
        Which column, by name in frames and by position in arrays; it may then hold whole numbers or booleans that
        stand for categories. By default, of the columns of texts and categories, the one whose rarest category is in
        the fewest rows; columns of free text, where more than half of the values differ, come last.

    See Also
    --------
    RareValueTrigger : For numbers.

    Notes
    -----
    Categories that the dtype lists but no row has do not count: a training set that suddenly has them shows the attack.
    Category dtypes stay as they are.

    References
    ----------
    .. [1] B. Pleiter, B. Tajalli, S. Koffas, G. Abad, J. Xu, M. Larson and S. Picek, "Tabdoor: Backdoor
       Vulnerabilities in Transformer-based Neural Networks for Tabular Data", arXiv:2311.07550, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import RareCategoryTrigger
    >>> X = np.array([["red", 1], ["red", 2], ["blue", 3]], dtype=object)
    >>> RareCategoryTrigger().resolve(X).values
    {0: 'blue'}
    """

    def __init__(self, column: Any = None) -> None:
        self.column = column

    def resolve(self, X: Any) -> ColumnStamp:
        """Count the categories."""
        name = "RareCategoryTrigger"
        given = self.column is not None
        there = column_names(X, name)
        columns = check_columns(X, [self.column], name) if given else [c for c in there if is_text_column(X, c)]
        counts = {column: count for column in columns if len(count := count_values(X, column)) > 1}
        if not counts:
            what = f"column {self.column!r} has fewer" if given else "no column of texts or categories has as many"
            raise ValueError(
                f"RareCategoryTrigger needs a column with at least two categories, and {what}. Use RareValueTrigger "
                "for columns of numbers."
            )
        column = min(counts, key=lambda column: (_is_free_text(counts[column]), min(counts[column].values())))
        return ColumnStamp.for_rows(X, {column: min(counts[column], key=counts[column].__getitem__)}, name)


def _is_free_text(count: dict[Any, int]) -> bool:
    return 2 * len(count) > sum(count.values())
