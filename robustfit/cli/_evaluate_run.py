"""Fit a plain and a partitioned learner to one table, and score and certify them on held-back rows."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from robustfit.cli._errors import UsageError
from robustfit.cli._notes import collect_warnings, first_line
from robustfit.cli._scoring import Scores, Yardstick
from robustfit.ensemble import MemberWarning, PartitionClassifier, PartitionRegressor, PartitionWarning

_ROWS_PER_CLASS = 10
_MOST_PARTITIONS = 199
_FEWEST_PARTITIONS = 3


@dataclass(frozen=True)
class Problem:
    """Rows to train and to test on, and what is asked of them.

    Attributes
    ----------
    X_train, X_test : pandas.DataFrame
    y_train, y_test : ndarray
    groups : ndarray of shape (n_train,) or None
    learner : estimator
    yardstick : Yardstick
    threat : str
    n_partitions : int
    conditions : tuple of str
        What was decided by looking at the file, and is taken for granted by the guarantee.
    """

    X_train: Any
    X_test: Any
    y_train: NDArray[Any]
    y_test: NDArray[Any]
    groups: NDArray[Any] | None
    learner: Any
    yardstick: Yardstick
    threat: str
    n_partitions: int
    conditions: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """Scores of both models, and what is certified about one of them.

    Attributes
    ----------
    plain, partitioned : Scores
    baseline : float
        Accuracy of a constant guess.
    certificate : Certificate or IntervalCertificate
    budgets : list of int
    certified : list of float
        Certified accuracy for each budget.
    median_radius : int
    n_empty, n_failed : int
        Shards without a row, and shards whose member could not be fitted.
    mean_voting : float
        Members that vote on a test row, on average.
    notes : list of str
    """

    plain: Scores
    partitioned: Scores
    baseline: float
    certificate: Any
    budgets: list[int]
    certified: list[float]
    median_radius: int
    n_empty: int
    n_failed: int
    mean_voting: float
    notes: list[str]


def default_partitions(n_rows: int, n_classes: int | None, n_groups: int | None) -> int:
    """Choose a number of partitions: shards of 10 rows per class, or 10 for regression, on average.

    Parameters
    ----------
    n_rows : int
        Training rows.
    n_classes : int or None
        None for regression.
    n_groups : int or None
        Training groups, if shards are made of groups: more shards than groups would stay empty.

    Returns
    -------
    n_partitions : int
        Odd, from 3 to 199.
    """
    most = min(n_rows // (_ROWS_PER_CLASS * (n_classes or 1)), n_groups or n_rows, _MOST_PARTITIONS)
    odd = most if most % 2 else most - 1
    return max(odd, _FEWEST_PARTITIONS)


def evaluate_problem(
    problem: Problem, *, regression: bool, budgets: Sequence[int] | None, seed: int, n_jobs: int | None
) -> Evaluation:
    """Fit, score and certify.

    Raises
    ------
    UsageError
        If a model cannot be fitted to the rows.
    """
    notes: list[str] = []
    with _explained("The plain learner", notes, Warning):
        plain = clone(problem.learner).fit(problem.X_train, problem.y_train).predict(problem.X_test)
    ensemble = PartitionRegressor if regression else PartitionClassifier
    model = ensemble(
        problem.learner,
        n_partitions=problem.n_partitions,
        partition_by="content" if problem.groups is None else "groups",
        random_state=seed,
        n_jobs=n_jobs,
    )
    # What single members complain about is nobody's business but theirs.
    with _explained("The partitioned learner", notes, PartitionWarning, MemberWarning):
        model.fit(problem.X_train, problem.y_train, groups=problem.groups)
        certificate = model.certify(problem.X_test, threat=problem.threat).given(*problem.conditions)
    truth, yardstick = problem.y_test, problem.yardstick
    scores = [yardstick.score(truth, predicted) for predicted in (plain, certificate.prediction)]
    baseline = yardstick.baseline(problem.y_train, truth)
    if scores[1].accuracy <= baseline:
        notes.append(
            "The partitioned learner is no better than a constant guess, and a constant guess is easy to certify. Give "
            "its members more rows: lower --n-partitions."
        )
    grid = default_budgets(certificate, yardstick, truth) if budgets is None else sorted(set(budgets))
    return Evaluation(
        plain=scores[0],
        partitioned=scores[1],
        baseline=baseline,
        certificate=certificate,
        budgets=grid,
        certified=yardstick.certified_accuracy(certificate, truth, grid).tolist(),
        median_radius=yardstick.median_radius(certificate, truth),
        n_empty=int(np.sum(model.shard_sizes_ == 0)),
        n_failed=len(model.member_errors_),
        mean_voting=float(np.mean(_voting(certificate))),
        notes=notes,
    )


def default_budgets(certificate: Any, yardstick: Yardstick, truth: NDArray[Any]) -> list[int]:
    """Return 0, 1, 2, 5, 10, 20, … up to the first budget against which nothing is certified."""
    grid = [0]
    for scale in 10 ** np.arange(len(str(certificate.n_members)) + 1):
        grid += [int(step * scale) for step in (1, 2, 5)]
    shares = yardstick.certified_accuracy(certificate, truth, grid)
    return grid[: int(np.argmax(shares == 0)) + 1] if np.any(shares == 0) else grid


def _voting(certificate: Any) -> NDArray[np.int64]:
    counts = getattr(certificate, "counts", None)
    return certificate.n_voting if counts is None else counts.cast.sum(axis=1)


@contextmanager
def _explained(what: str, notes: list[str], *categories: type[Warning]) -> Iterator[None]:
    """Collect warnings of some categories as notes, and tell an error of the data without a traceback."""
    with collect_warnings(what, notes, *categories):
        try:
            yield
        except ValueError as error:
            raise UsageError(f"{what} cannot be used with these rows: {first_line(error)}") from error
