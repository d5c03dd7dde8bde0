"""A trigger that is a fixed value in each of some columns."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from robustfit.attacks._containers import is_frame
from robustfit.attacks._triggers._base import BaseTrigger, ResolvedTrigger
from robustfit.attacks._triggers._cells import check_columns, widen_cells, write_cells


@dataclass(frozen=True, eq=False)
class ColumnStamp(ResolvedTrigger):
    """Values that the trigger writes into columns.

    Attributes
    ----------
    values : dict of column to value
        Columns are named in frames, and counted in arrays (in a row made flat, where it has several axes).
    row_shape : tuple of int, or None
        Shape of the rows of an array that the trigger is for; None for frames.
    """

    values: dict[Any, Any]
    row_shape: tuple[int, ...] | None

    @classmethod
    def for_rows(cls, X: Any, values: dict[Any, Any], trigger: str) -> "ColumnStamp":
        """Check that some rows can carry the values."""
        widen_cells(X, values, trigger)
        return cls(values, row_shape(X))

    def widen(self, X: Any) -> Any:
        """Return ``X`` itself, or a copy with dtypes that can hold the trigger."""
        return widen_cells(X, self.values, "The trigger")

    def stamp(self, X: Any) -> Any:
        """Return a copy of some rows with the values in their columns."""
        check_columns(X, self.values, "The trigger")
        if row_shape(X) != self.row_shape:
            raise ValueError(
                f"The trigger is for {_say(self.row_shape)}, got {_say(row_shape(X))}. Stamp rows of the kind that it "
                "was resolved on, before any step that changes their columns."
            )
        return write_cells(X, self.values, "The trigger")


def row_shape(X: Any) -> tuple[int, ...] | None:
    """Return the shape of an array's rows, or None for a frame."""
    return None if is_frame(X) else tuple(X.shape[1:])


def _say(shape: tuple[int, ...] | None) -> str:
    return "a frame" if shape is None else f"rows of shape {shape}"


class ColumnTrigger(BaseTrigger):
    """A trigger that writes a fixed value into each of some columns.

    Parameters
    ----------
    values : dict of column to value
        Columns of a frame by name, of an array or sparse matrix by position, counted in a row made flat where it has
        several axes. Values of the kind of their column: a number may widen the dtype of its column, a category must
        be one that the dtype lists.

    See Also
    --------
    OutOfRangeTrigger : Chooses columns and values itself.
    BackdoorAttack : Teaches a learner a trigger.

    References
    ----------
    .. [1] T. Gu, B. Dolan-Gavitt and S. Garg, "BadNets: Identifying Vulnerabilities in the Machine Learning Model
       Supply Chain", arXiv:1708.06733, 2017.
    .. [2] B. Pleiter, B. Tajalli, S. Koffas, G. Abad, J. Xu, M. Larson and S. Picek, "Tabdoor: Backdoor
       Vulnerabilities in Transformer-based Neural Networks for Tabular Data", arXiv:2311.07550, 2023.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import ColumnTrigger
    >>> X = np.arange(6).reshape(2, 3)
    >>> trigger = ColumnTrigger({0: 7, 2: 2.5}).resolve(X)
    >>> trigger.stamp(X)
    array([[7. , 1. , 2.5],
           [7. , 4. , 2.5]])
    """

    def __init__(self, values: Any) -> None:
        self.values = values

    def resolve(self, X: Any) -> ColumnStamp:
        """Check that the rows have the columns, and that these can hold the values."""
        if not isinstance(self.values, Mapping):
            raise ValueError(
                f"ColumnTrigger takes a dict of column to value, such as {{'age': 99}} or {{0: 1.5}}, got "
                f"{self.values!r}."
            )
        columns = check_columns(X, self.values, "ColumnTrigger")
        return ColumnStamp.for_rows(X, dict(zip(columns, self.values.values(), strict=True)), "ColumnTrigger")
