"""Labels of any dtype: read them, tell which are wrong for a row, write new ones without cutting them."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._containers import (
    Rows,
    as_narwhals,
    is_frame,
    is_series,
    is_sparse,
    keep_index,
    take_rows,
)

Labels = NDArray[Any]


def read_labels(values: Any, name: str = "y") -> Labels:
    """Return one value per row as a 1-D array that holds every value as it was given.

    Raises
    ------
    ValueError
        If there is more than one value per row, or a value is missing or infinite.
    """
    if isinstance(values, str) or is_sparse(values) or not isinstance(values, Iterable):
        raise ValueError(f"{name} must be a sequence with one value per row, got {values!r}.")
    if is_series(values):
        series = as_narwhals(values)
        if series.is_null().any():
            raise ValueError(_missing(name))
        array = series.to_numpy()
    elif isinstance(values, np.ndarray) or is_frame(values):
        array = np.asarray(values)
    else:
        array = _array_of(list(values), name)
    if array.ndim != 1:
        raise ValueError(
            f"{name} must be 1-D, one value per row, got shape {array.shape}. For a single column pass "
            f"{name}.ravel(); attack several outputs one at a time."
        )
    if _any_missing(array):
        raise ValueError(_missing(name))
    return array


def _array_of(values: list[Any], name: str) -> Labels:
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name} must hold one value per row, got rows of several lengths.") from error
    if array.ndim == 1 and array.tolist() != values:
        # numpy turns ["a", 1] into two strings.
        array = np.empty(len(values), dtype=object)
        array[:] = values
    return array


def _any_missing(array: Labels) -> bool:
    if array.dtype == object:
        return any(map(is_missing, array.tolist()))
    return array.dtype.kind in "fcmM" and not np.isfinite(array).all()


def is_missing(value: Any) -> bool:
    """Whether a value is None, NaN, infinite or another mark of nothing."""
    if value is None:
        return True
    try:
        return not bool(value == value) or value in (float("inf"), float("-inf"))
    except TypeError:  # pandas.NA has no truth value
        return True
    except ValueError:  # an array in a cell is no label, but not a missing one
        return False


def _missing(name: str) -> str:
    return f"{name} holds missing or infinite values. Drop or replace them before the attack."


def is_regression(labels: Labels) -> bool:
    """Tell a regression target, of floating dtype, from class labels, of any other."""
    return labels.dtype.kind == "f"


def distinct(labels: Labels) -> tuple[Labels, Rows]:
    """Return the distinct labels, in an order that does not depend on the rows, and each row's position."""
    if labels.dtype != object:
        return np.unique(labels, return_inverse=True)
    values = labels.tolist()
    try:
        ranked = sorted(set(values), key=lambda value: (type(value).__name__, value))
    except TypeError as error:
        raise ValueError(
            f"Labels must be numbers, booleans, strings or other hashable values with an order: {error}."
        ) from error
    position = {value: i for i, value in enumerate(ranked)}
    classes = np.empty(len(ranked), dtype=object)
    classes[:] = ranked
    return classes, np.array([position[value] for value in values], dtype=np.int64)


def far_side(target: Labels) -> tuple[Labels, Rows]:
    """Return both ends of a regression target's range, and which of the two each row is nearer to.

    A row belongs to the end on its side of the median. An end itself always belongs to itself, however
    skewed the target is, so that the other end is a change for every row. A constant has one end.
    """
    ends = np.unique([target.min(), target.max()])
    above = (target > np.median(target)) | (target == ends[-1])
    return ends, np.where(target == ends[0], 0, above.astype(np.int64))


@dataclass(frozen=True, eq=False)
class WrongLabels:
    """The labels that would be wrong for each row.

    Attributes
    ----------
    pool : ndarray of shape (n_labels,)
        Labels to choose from.
    own : ndarray of shape (n_rows,), int64
        Position in the pool of the one label that would not be wrong for the row; −1 if none is.
    """

    pool: Labels
    own: Rows

    @property
    def n_choices(self) -> Rows:
        """Number of wrong labels for each row."""
        return len(self.pool) - (self.own >= 0).astype(np.int64)

    def draw(self, rows: Rows, rng: np.random.Generator) -> Labels:
        """Draw a wrong label for each of some rows that have one."""
        position = rng.integers(self.n_choices[rows])
        own = self.own[rows]
        return self.pool[position + ((own >= 0) & (position >= own))]


def wrong_labels(labels: Labels, pool: Any = None, name: str = "labels") -> WrongLabels:
    """Say which labels are wrong for each row.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
    pool : sequence of labels, optional
        Labels to choose from. By default the observed classes or, for a regression target, the two ends of
        its range.
    name : str, default="labels"
        What error messages call the pool.
    """
    if pool is None:
        return WrongLabels(*(far_side if is_regression(labels) else distinct)(labels))
    choices, _ = distinct(read_labels(pool, name))
    position = {value: i for i, value in enumerate(choices.tolist())}
    own = [position.get(value, -1) for value in labels.tolist()]
    return WrongLabels(choices, np.array(own, dtype=np.int64))


def rows_with(labels: Labels, label: Any, name: str) -> Rows:
    """Return the positions of the rows that bear a label, or say that none does.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
    label : label
    name : str
        Parameter that it was passed as, for the message of the error.

    Raises
    ------
    ValueError
        If no row bears it.
    """
    rows = np.flatnonzero(wrong_labels(labels, [label], name).own == 0)
    if len(rows) == 0:
        known = distinct(labels)[0].tolist()[:10]
        raise ValueError(f"{name}={label!r} is not in y, which has {known}. Pass one of those.")
    return rows


def rows_to_flip(labels: Labels, source: Any, regression: bool) -> tuple[Rows, str]:
    """Return the rows that flips may change, and what a message says of them: all, or those that bear ``source``.

    Raises
    ------
    ValueError
        If no row bears it, or the labels are a regression target, which has no classes to take sides.
    """
    if source is None:
        return np.arange(len(labels)), "can be flipped"
    if regression:
        raise ValueError(
            f"source={source!r} names a class, but y of dtype {labels.dtype} is taken for a regression target. If it "
            "holds class labels, cast it: y.astype(int). Else leave source=None."
        )
    return rows_with(labels, source, "source"), f"of label {source!r} can be flipped"


def join_labels(labels: Labels, new: Labels) -> tuple[Labels, Labels]:
    """Give two arrays of labels one dtype that holds all of them, the first one's if it can."""
    kinds = {labels.dtype.kind, new.dtype.kind}
    if labels.dtype != object and (kinds <= set("biuf") or len(kinds) == 1):
        for dtype in (labels.dtype, np.result_type(labels, new)):
            with np.errstate(all="ignore"):
                both = labels.astype(dtype), new.astype(dtype)
            # Python compares integers with floats exactly; numpy rounds the integers first.
            if both[0].tolist() == labels.tolist() and both[1].tolist() == new.tolist():
                return both
    return labels.astype(object), new.astype(object)


def write_labels(labels: Labels, y: Any) -> Any:
    """Put labels into a container like ``y``; the index of a pandas series is kept if the length is."""
    if isinstance(y, list | tuple):
        return type(y)(labels.tolist())
    if not is_series(y):
        return labels
    first: dict[Any, int] = {}
    for position, label in enumerate(read_labels(y).tolist()):
        first.setdefault(label, position)
    values = labels.tolist()
    if all(value in first for value in values):
        # Taking them from y itself keeps its dtype, category lists included.
        written = take_rows(y, np.array([first[value] for value in values], dtype=np.int64))
    else:
        series = as_narwhals(y)
        mixed = len(set(map(type, values))) > 1
        # polars would read the type off the first label and trip over the others; pandas looks at all.
        loose = series.implementation.is_polars() and labels.dtype == object
        written = nw.new_series(
            series.name,
            values if loose else labels,
            nw.Object if loose and mixed else None,
            backend=series.implementation,
        ).to_native()
    return keep_index(written, y) if len(values) == len(y) else written
