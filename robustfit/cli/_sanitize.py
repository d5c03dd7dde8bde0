"""``robustfit sanitize``: which rows of a table look poisoned, and a copy without them."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from robustfit import SanitizedClassifier, SanitizedRegressor
from robustfit.cli._attack_scene import Scene
from robustfit.cli._attack_values import read_learner
from robustfit.cli._errors import MissingDependencyError, UsageError, check_name
from robustfit.cli._learners import ESTIMATORS
from robustfit.cli._notes import collect_warnings, first_line
from robustfit.cli._output import check_output, make_console, say, write_json, write_whole
from robustfit.cli._sanitize_report import print_sanitized, sanitize_record
from robustfit.cli._sanitizers import check_sanitizer, make_sanitizer, takes_groups
from robustfit.cli._table import Table, load_table
from robustfit.cli._task import TASKS, decide_task
from robustfit.cli._write_table import check_format, table_bytes

# What is said of each row that is left out, in columns behind those of the file.
COLUMNS = {
    "robustfit_row": "row",
    "robustfit_score": "score",
    "robustfit_threshold": "threshold",
    "robustfit_reason": "reason",
    "robustfit_suggested": "suggested_label",
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the command, as given; the command line says what they mean."""

    file: Path
    target: str
    sanitizer: str = "auto"
    contamination: float | None = None
    estimator: str = "auto"
    task: str = "auto"
    groups: str | None = None
    output: Path | None = None
    dropped: Path | None = None
    seed: int = 0
    json: Path | None = None


def sanitize(options: Options) -> None:
    """Run the command.

    Raises
    ------
    UsageError
        If an option, the file or a column cannot be worked with, or the sanitizer refuses the rows.
    MissingDependencyError
        If pandas, or for Parquet pyarrow, or what the sanitizer needs is not installed.
    """
    _check_options(options)
    table = load_table(options.file, options.target, options.groups)
    scene = Scene.of(table, decide_task(options.task, table.target, options.target), options.seed)
    model, notes = _model(options, scene)
    console = make_console()
    with console.status(f"{type(model.sanitizer).__name__} looks at {len(scene.labels)} rows"):
        moved = _fit(model, scene, notes)
    report = model.report()
    report["row"] = table.positions
    if table.groups is not None:
        report["source"] = table.groups
    record = sanitize_record(report, scene, options=options, model=model, moved=moved, notes=table.notes + notes)
    print_sanitized(console, record)
    _write(options, table, report)
    if options.json is not None:
        write_json(options.json, record)
    written = [str(path) for path in (options.output, options.dropped, options.json) if path is not None]
    if written:
        say(console, f"Written: {', '.join(written)}")


def _check_options(options: Options) -> None:
    """Check what can be checked before the file is read."""
    check_name(options.task, TASKS, "task")
    check_name(options.estimator, ESTIMATORS, "estimator")
    check_sanitizer(options.sanitizer)
    if options.contamination is not None and not 0 <= options.contamination < 0.5:
        raise UsageError(
            f"--contamination is a share of the rows, at least 0 and below 0.5, got {options.contamination:g}. Try "
            "0.05."
        )
    outputs = {"--output": options.output, "--dropped": options.dropped, "--json": options.json}
    given = {option: path for option, path in outputs.items() if path is not None}
    for option, path in given.items():
        if option != "--json":
            check_format(path, option)
        check_output(path, option, options.file)
    if len({path.resolve() for path in given.values()}) < len(given):
        raise UsageError(f"{' and '.join(given)} must be different files.")


def _model(options: Options, scene: Scene) -> tuple[Any, list[str]]:
    """Return the sanitized estimator, and what was decided on the way."""
    taken = [name for name in COLUMNS if name in scene.table.frame.columns]
    if options.dropped is not None and taken:
        raise UsageError(f"{options.file} has a column {taken[0]!r} already. Rename it, or leave out --dropped.")
    sanitizer, notes = make_sanitizer(
        options.sanitizer, scene.task, contamination=options.contamination, estimator=options.estimator, seed=scene.seed
    )
    if scene.table.groups is not None and not takes_groups(sanitizer):
        notes.append(f"{type(sanitizer).__name__} does not look at sources: {options.groups!r} is only left out.")
    sanitized = SanitizedClassifier if scene.task == "classification" else SanitizedRegressor
    learner = read_learner(options.estimator, scene)
    return sanitized(learner, sanitizer=sanitizer, random_state=scene.seed), notes


def _fit(model: Any, scene: Scene, notes: list[str]) -> NDArray[np.float64]:
    """Fit, and return how far the prediction of each row is from the one of the same learner on all rows."""
    rows = scene.X.fillna("").tolist() if scene.is_prose else scene.X
    groups = {"groups": scene.table.groups} if takes_groups(model.sanitizer) else {}
    name = type(model.sanitizer).__name__
    try:
        with collect_warnings(f"{name} and the learner", notes, UserWarning):
            model.fit(rows, scene.labels, **{key: value for key, value in groups.items() if value is not None})
        with collect_warnings("The learner on all rows", notes):
            plain = clone(model.estimator).fit(rows, scene.labels).predict(rows)
    except ImportError as error:
        raise MissingDependencyError(str(error)) from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{name} and the learner cannot be used with these rows: {first_line(error)}") from error
    now = model.predict(rows)
    return np.abs(now - plain) if scene.task == "regression" else (now != plain).astype(np.float64)


def _write(options: Options, table: Table, report: Any) -> None:
    kept = report["kept"].to_numpy()
    if options.output is not None:
        write_whole(options.output, table_bytes(table.frame[kept], options.output))
    if options.dropped is not None:
        order = np.flatnonzero(~kept)
        order = order[np.argsort(-report["score"].to_numpy()[order], kind="stable")]
        said = {column: report[name].to_numpy()[order] for column, name in COLUMNS.items() if name in report}
        frame = table.frame.iloc[order].assign(**said)
        write_whole(options.dropped, table_bytes(frame, options.dropped))
