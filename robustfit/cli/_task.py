"""What is to be predicted, and which rows are held back to score it."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from robustfit.cli._errors import UsageError, check_name

TASKS = ("auto", "classification", "regression")

# Whole numbers of more values than this are taken for quantities.
_MOST_NUMBERED_CLASSES = 20


def decide_task(task: str, target: NDArray[Any], name: str) -> str:
    """Return ``"classification"`` or ``"regression"``, and check that the target suits it.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}
    target : ndarray of shape (n_rows,)
    name : str
        Of the target column.

    Raises
    ------
    UsageError
        If the task is unknown, or cannot be done with this target.
    """
    check_name(task, TASKS, "task")
    values = np.unique(target)
    if len(values) < 2:
        raise UsageError(f"The target {name!r} is {values.tolist()[0]!r} in every row: there is nothing to predict.")
    if task == "auto":
        labels = target.dtype.kind in "Ob" or (target.dtype.kind == "i" and len(values) <= _MOST_NUMBERED_CLASSES)
        task = "classification" if labels else "regression"
    if task == "regression" and target.dtype.kind == "O":
        raise UsageError(
            f"The target {name!r} holds texts such as {values.tolist()[0]!r}, and regression needs numbers. Use --task "
            "classification."
        )
    if task == "classification":
        _check_classes(target, values, name)
    return task


def _check_classes(target: NDArray[Any], values: NDArray[Any], name: str) -> None:
    if target.dtype.kind == "f":
        fraction = next(value for value in values.tolist() if value != round(value))
        raise UsageError(
            f"The target {name!r} holds fractions such as {fraction:g}: a quantity, not a class. Use --task regression."
        )
    if len(values) > len(target) / 2:
        other = "an identifier" if target.dtype.kind == "O" else "an identifier, or a quantity for --task regression"
        raise UsageError(
            f"The target {name!r} has {len(values)} different values in {len(target)} rows, too many for classes. Is "
            f"it {other}?"
        )


class Split(NamedTuple):
    """Positions of the rows to train and to test on, and how they were told apart."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    how: str


def split_rows(target: NDArray[Any], groups: NDArray[Any] | None, *, task: str, test_size: float, seed: int) -> Split:
    """Hold rows back for testing: whole groups, or the same share of every class where that is possible.

    Raises
    ------
    UsageError
        If nothing is left to train on, to test on, or to tell apart.
    """
    if not 0 < test_size < 1:
        raise UsageError(f"--test-size is a share of the rows between 0 and 1, got {test_size:g}. Try 0.25.")
    try:
        split = _split(target, groups, task == "classification", test_size, seed)
    except ValueError as error:
        raise UsageError(
            f"{len(target)} rows cannot be split with --test-size {test_size:g}: {error} Bring more rows, or try "
            "another size."
        ) from error
    if len(np.unique(target[split.train])) < 2:
        raise UsageError(
            "All training rows have the same target: no learner can tell anything apart. Bring more rows"
            f"{', or groups that hold several targets' if groups is not None else ''}, or try another --seed."
        )
    return split


def _split(target: NDArray[Any], groups: NDArray[Any] | None, classes: bool, test_size: float, seed: int) -> Split:
    rows = np.arange(len(target))
    if groups is not None:
        # Codes, since texts and numbers are split alike.
        codes = np.unique(groups, return_inverse=True)[1]
        splitter = GroupShuffleSplit(n_splits=1, test_size=test_size, random_state=seed)
        train, test = next(splitter.split(rows, groups=codes))
        return Split(train, test, "no group on both sides")
    if classes:
        _, codes, counts = np.unique(target, return_inverse=True, return_counts=True)
        n_test = int(np.ceil(test_size * len(rows)))
        if counts.min() >= 2 and min(n_test, len(rows) - n_test) >= len(counts):
            train, test = train_test_split(rows, test_size=test_size, random_state=seed, stratify=codes)
            return Split(train, test, "the same share of every class")
    train, test = train_test_split(rows, test_size=test_size, random_state=seed)
    return Split(
        train, test, "at random" if not classes else "at random, since some classes are too small for both sides"
    )
