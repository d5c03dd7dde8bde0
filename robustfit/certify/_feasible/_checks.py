"""What the sets take: vectors, lengths, bounds and groups of columns, or an error that says what is wrong."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Squares of lengths beyond these would leave the range of floats.
_LONGEST, _SHORTEST = 1e150, 1e-150


def check_rows(X: ArrayLike, n_features: int, *, finite: bool = False) -> NDArray[np.float64]:
    """Return rows as a 2-D float array of the set's width.

    Raises
    ------
    ValueError
        If the shape is another one, or (with ``finite``) a value is NaN or infinite.
    """
    if hasattr(X, "tocsr"):
        raise ValueError("Feasible sets take dense arrays; pass X.toarray() for the rows in question.")
    rows = np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != n_features:
        raise ValueError(
            f"X must have shape (n_samples, {n_features}), got {rows.shape}; reshape a single row with "
            "X.reshape(1, -1)."
        )
    if finite and not np.isfinite(rows).all():
        raise ValueError("X holds NaN or infinity, and no point of the set is near those.")
    return rows


def check_vector(value: ArrayLike, name: str, n_features: int | None = None) -> NDArray[np.float64]:
    """Return a read-only copy of a finite vector of a length that can be squared.

    Raises
    ------
    ValueError
        If it is not one-dimensional, empty, of another size, or out of range.
    """
    vector = np.array(value, dtype=np.float64)
    if vector.ndim != 1 or not vector.size or vector.size != (n_features or vector.size):
        wanted = "(n_features,)" if n_features is None else f"({n_features},)"
        raise ValueError(f"{name} must have shape {wanted} with at least one feature, got {vector.shape}.")
    if not np.isfinite(vector).all() or np.abs(vector).max() > _LONGEST:
        raise ValueError(f"{name} must be finite, with entries of at most {_LONGEST:g} in absolute value.")
    vector.flags.writeable = False
    return vector


def check_normal(value: ArrayLike, n_features: int) -> NDArray[np.float64]:
    """Return the normal of a slab: a vector that is zero, or long enough to be squared.

    Raises
    ------
    ValueError
        If it is neither.
    """
    normal = check_vector(value, "normal", n_features)
    if 0 < np.abs(normal).max() < _SHORTEST:
        raise ValueError(f"normal is shorter than {_SHORTEST:g} but not zero; scale normal and width up together.")
    return normal


def check_length(value: Any, name: str, *, infinite: bool = False) -> float:
    """Return a radius or width: a non-negative number.

    Raises
    ------
    ValueError
        If it is negative, NaN or too large; infinity passes only where ``infinite`` says so.
    """
    length = float(value)
    if infinite and length == np.inf:
        return length
    if not 0 <= length <= _LONGEST:
        allowed = " or infinite" if infinite else ""
        raise ValueError(
            f"{name} must be a non-negative number of at most {_LONGEST:g}{allowed}, got {value!r}: "
            "the set would be empty or without a limit."
        )
    return length


def check_level(value: Any, name: str) -> float:
    """Return a level of a score: a number, or infinity where there is none.

    Raises
    ------
    ValueError
        If it is NaN or too large.
    """
    level = float(value)
    if not (abs(level) <= _LONGEST or abs(level) == np.inf):
        raise ValueError(f"{name} must be a number of at most {_LONGEST:g} in size, or infinite, got {value!r}.")
    return level


def check_bounds(
    lower: ArrayLike, upper: ArrayLike, n_features: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return lower and upper ends, one per column; a number stands for all columns.

    Raises
    ------
    ValueError
        If sizes disagree, an end is NaN, or some lower end exceeds the upper one.
    """
    ends = [np.array(value, dtype=np.float64) for value in (lower, upper)]
    if n_features is None:
        n_features = max(end.size for end in ends)
    for name, end in zip(("lower", "upper"), ends, strict=True):
        if end.shape not in ((), (n_features,)) or np.isnan(end).any():
            raise ValueError(
                f"{name} must be a number or have shape ({n_features},), without NaN, got shape {end.shape}."
            )
    low, high = (np.broadcast_to(end, (n_features,)) for end in ends)
    crossed = np.flatnonzero((low > high) | (low == np.inf) | (high == -np.inf))
    if crossed.size:
        column = crossed[0]
        raise ValueError(
            f"The box is empty: column {column} would lie between {low[column]} and {high[column]} "
            f"({crossed.size} such columns)."
        )
    return low, high


def check_count(value: Any, name: str) -> int:
    """Return a positive whole number.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive whole number, got {value!r}.")
    return int(value)


def check_groups(groups: Sequence[Sequence[int]], n_features: int) -> tuple[NDArray[np.intp], ...]:
    """Return groups of columns that do not overlap.

    Raises
    ------
    ValueError
        If there is no group, one is empty, or a column is out of range or in two of them.
    """
    checked = tuple(np.array(group, dtype=np.intp).ravel() for group in groups)
    if not checked or not all(group.size for group in checked):
        raise ValueError("groups must hold at least one group, and every group at least one column.")
    columns = np.concatenate(checked)
    if columns.min() < 0 or columns.max() >= n_features:
        raise ValueError(f"groups must name columns 0..{n_features - 1}, got columns {columns.min()}..{columns.max()}.")
    numbers, counts = np.unique(columns, return_counts=True)
    if counts.max() > 1:
        raise ValueError(f"A column can be in one group only; column {numbers[counts.argmax()]} is named twice.")
    return checked
