"""``robustfit evaluate``: what a partition ensemble costs and certifies on a table of your own."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import robustfit
from robustfit.certify import THREATS
from robustfit.cli._budget import whole_budget
from robustfit.cli._columns import MOST_DISTINCT, features
from robustfit.cli._errors import UsageError, check_name
from robustfit.cli._evaluate_report import evaluation_record, print_evaluation
from robustfit.cli._evaluate_run import Problem, default_partitions, evaluate_problem
from robustfit.cli._learners import ESTIMATORS, make_learner
from robustfit.cli._output import check_output, make_console, say, write_json
from robustfit.cli._scoring import TOLERANCE_RULE, Yardstick
from robustfit.cli._table import load_table
from robustfit.cli._task import TASKS, decide_task, split_rows


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the command, as given; the command line says what they mean."""

    file: Path
    target: str
    estimator: str = "auto"
    task: str = "auto"
    n_partitions: int | None = None
    budgets: Sequence[str] = ()
    threat: str | None = None
    groups: str | None = None
    test_size: float = 0.25
    tol: float | None = None
    seed: int = 0
    json: Path | None = None
    n_jobs: int | None = None


def evaluate(options: Options) -> None:
    """Run the command.

    Raises
    ------
    UsageError
        If an option, the file or a column cannot be worked with.
    MissingDependencyError
        If pandas, or for Parquet pyarrow, is not installed.
    """
    budgets = _check_options(options)
    table = _load(options)
    problem, setting = _pose(options, table)
    console = make_console()
    with console.status(f"fitting {problem.n_partitions} members"):
        evaluation = evaluate_problem(
            problem,
            regression=setting["task"] == "regression",
            budgets=budgets,
            seed=options.seed,
            n_jobs=options.n_jobs,
        )
    print_evaluation(console, evaluation, setting)
    if options.json is not None:
        write_json(options.json, evaluation_record(evaluation, setting))
        say(console, f"Written: {options.json}")


def _check_options(options: Options) -> list[int] | None:
    """Check what can be checked before the file is read, and return the budgets as numbers."""
    check_name(options.estimator, ESTIMATORS, "estimator")
    check_name(options.task, TASKS, "task")
    if options.threat is not None:
        check_name(options.threat, THREATS, "threat")
    if options.threat == "group" and options.groups is None:
        raise UsageError("--threat group needs --groups COL: the column that says which source each row came from.")
    if options.tol is not None and not 0 <= options.tol < np.inf:
        raise UsageError(f"--tol is the largest error that counts as right, 0 or more, got {options.tol:g}.")
    if options.n_jobs == 0:
        raise UsageError("--n-jobs 0 would leave nobody to do the work. Use 1, 2, … or -1 for all cores.")
    if options.json is not None:
        check_output(options.json, "--json", options.file)
    return [whole_budget(budget) for budget in options.budgets] or None


@dataclass(frozen=True)
class _Table:
    frame: Any
    numbers: list[str]
    texts: list[str]
    target: NDArray[Any]
    groups: NDArray[Any] | None
    notes: list[str]


def _load(options: Options) -> _Table:
    """Read the file and bring its columns into the forms that the learners take."""
    table = load_table(options.file, options.target, options.groups)
    frame, numbers, texts = features(table.frame[table.names])
    crowded = [name for name in texts if frame[name].nunique() > MOST_DISTINCT * len(frame)]
    notes = [
        f"Column {name!r} has {frame[name].nunique()} different texts; as categories they teach next to nothing. Split "
        "or drop it."
        for name in crowded
    ]
    return _Table(frame, numbers, texts, table.target, table.groups, table.notes + notes)


def _pose(options: Options, table: _Table) -> tuple[Problem, dict[str, Any]]:
    """Decide what was left open, and write down what was decided."""
    task = decide_task(options.task, table.target, options.target)
    regression = task == "regression"
    if options.tol is not None and not regression:
        raise UsageError(f"--tol {options.tol:g}: a class is right or wrong. Leave it out, or use --task regression.")
    target = table.target.astype(np.float64) if regression else table.target
    split = split_rows(target, table.groups, task=task, test_size=options.test_size, seed=options.seed)
    y_train = target[split.train]
    groups = None if table.groups is None else table.groups[split.train]
    estimator, learner = make_learner(options.estimator, task, table.numbers, table.texts, options.seed)
    n_partitions = options.n_partitions or default_partitions(
        len(y_train),
        None if regression else len(np.unique(y_train)),
        None if groups is None else len(np.unique(groups)),
    )
    threat = options.threat or ("insert_delete" if groups is None else "group")
    problem = Problem(
        X_train=table.frame.iloc[split.train].reset_index(drop=True),
        X_test=table.frame.iloc[split.test].reset_index(drop=True),
        y_train=y_train,
        y_test=target[split.test],
        groups=groups,
        learner=learner,
        yardstick=Yardstick.for_targets(y_train, regression=regression, tol=options.tol),
        threat=threat,
        n_partitions=n_partitions,
        conditions=_conditions(options, task, n_partitions),
    )
    setting = {
        "robustfit": robustfit.__version__,
        "file": str(options.file),
        "target": options.target,
        "task": task,
        "estimator": estimator,
        "groups": options.groups,
        "seed": options.seed,
        "n_train": len(split.train),
        "n_test": len(split.test),
        "split": split.how,
        "columns": {"numbers": table.numbers, "texts": table.texts},
        "n_partitions": n_partitions,
        "score": problem.yardstick.words,
        "tol": problem.yardstick.tol,
        "tol_from": None if not regression else TOLERANCE_RULE if options.tol is None else "given",
        "notes": table.notes,
    }
    return problem, setting


def _conditions(options: Options, task: str, n_partitions: int) -> tuple[str, ...]:
    """What was read off all rows of the file, so that one row more might have changed it."""
    conditions = ["the split into rows to train and to test on"]
    if options.task == "auto":
        conditions.append(f"task={task}, which was read off the target")
    if options.n_partitions is None:
        conditions.append(f"n_partitions={n_partitions}, which was chosen by the number of rows, classes and groups")
    return tuple(conditions)
