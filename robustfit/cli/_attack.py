"""``robustfit attack``: a poisoned copy of a table, with a column that says which rows are poison."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from robustfit.attacks import Poisoned
from robustfit.cli._attack_report import attack_record, print_attack
from robustfit.cli._attack_scene import Scene
from robustfit.cli._attack_settings import attack_class, make_attack, only_models_compute, split_settings
from robustfit.cli._budget import whole_budget
from robustfit.cli._errors import UsageError, check_name, listing
from robustfit.cli._notes import collect_warnings
from robustfit.cli._output import check_output, make_console, say, write_json, write_whole
from robustfit.cli._read_table import import_pandas
from robustfit.cli._table import Table, load_table
from robustfit.cli._task import TASKS, decide_task
from robustfit.cli._write_table import check_format, table_bytes

# What attacks and learners say of columns that are not numbers, or not complete.
_SIGNS_OF_COLUMNS = ("numeric columns", "NaN", "missing", "could not convert")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the command, as given; the command line says what they mean."""

    file: Path
    target: str
    attack: str
    budget: str
    output: Path
    settings: Sequence[str] = ()
    groups: str | None = None
    task: str = "auto"
    truth: str = "is_poison"
    seed: int = 0
    json: Path | None = None


def attack(options: Options) -> None:
    """Run the command.

    Raises
    ------
    UsageError
        If an option, the file or a column cannot be worked with, or the attack refuses the rows.
    MissingDependencyError
        If pandas, or for Parquet pyarrow, is not installed.
    """
    cls = attack_class(options.attack)
    settings = split_settings(options.settings)
    budget = _check_options(options)
    table = load_table(options.file, options.target, options.groups)
    if options.truth in table.frame.columns:
        raise UsageError(
            f"{options.file} has a column {options.truth!r} already. Name the column of the truth otherwise: --truth."
        )
    scene = Scene.of(table, decide_task(options.task, table.target, options.target), options.seed)
    made = make_attack(cls, settings, scene)
    console = make_console()
    with console.status(f"{cls.__name__} with a budget of {budget}"):
        poisoned, notes = _generate(made, scene, budget)
    if poisoned.groups is not None and options.groups is None:
        raise UsageError(f"{cls.__name__} is about the sources of rows. Say with --groups COL where they are.")
    write_whole(options.output, table_bytes(_poisoned_frame(poisoned, table, options), options.output))
    record = attack_record(
        poisoned, scene, options=options, name=cls.__name__, budget=budget, notes=table.notes + notes
    )
    print_attack(console, record)
    if options.json is not None:
        write_json(options.json, record)
    say(console, f"Written: {options.output}. Leave {options.truth!r} out before you fit anything to it.")


def _check_options(options: Options) -> int:
    """Check what can be checked before the file is read, and return the budget as a number."""
    check_name(options.task, TASKS, "task")
    check_format(options.output, "--output")
    check_output(options.output, "--output", options.file)
    if options.json is not None:
        check_output(options.json, "--json", options.file)
        if options.json.resolve() == options.output.resolve():
            raise UsageError(f"--json and --output are the same file {options.json}. Name two.")
    if not options.truth.strip():
        raise UsageError("--truth is the name of a column, and must not be empty.")
    return whole_budget(options.budget)


def _generate(made: Any, scene: Scene, budget: int) -> tuple[Poisoned, list[str]]:
    """Return the poisoned rows, and what the attack warned of."""
    name, y = type(made).__name__, import_pandas().Series(scene.labels)
    notes: list[str] = []
    try:
        with collect_warnings(name, notes, Warning):
            poisoned = made.generate(scene.X, y, budget=budget, random_state=scene.seed, groups=scene.table.groups)
    except (ValueError, TypeError) as error:
        raise UsageError(f"{name} cannot be used with these rows: {error}{_hint(error, made, scene)}") from error
    return poisoned, notes


def _hint(error: Exception, made: Any, scene: Scene) -> str:
    """Say which columns an attack stumbled over, if it did over columns, and what helps."""
    if not any(sign in str(error) for sign in _SIGNS_OF_COLUMNS) or not (scene.texts or scene.absent):
        return ""
    found = [f"texts in {listing(map(repr, scene.texts))}"] if scene.texts else []
    found += [f"missing values in {listing(map(repr, scene.absent))}"] if scene.absent else []
    reads = " --set estimator=auto reads such columns;" if only_models_compute(type(made)) else ""
    return (
        f" In this file there are {' and '.join(found)}.{reads} to encode and fill them, use pandas.get_dummies and "
        "fillna, or scikit-learn's OneHotEncoder and SimpleImputer."
    )


def _poisoned_frame(poisoned: Poisoned, table: Table, options: Options) -> Any:
    """Return the columns of the file in their order, poisoned, and the truth behind them."""
    pd = import_pandas()
    rows = poisoned.X.to_frame() if poisoned.X.ndim == 1 else poisoned.X
    columns = {name: rows[name].reset_index(drop=True) for name in table.names}
    columns[options.target] = _cells(poisoned.y, table.target, table.frame[options.target])
    if options.groups is not None:
        columns[options.groups] = _cells(poisoned.groups, table.groups, table.frame[options.groups])
    return pd.DataFrame({name: columns[name] for name in table.frame.columns}).assign(
        **{options.truth: poisoned.is_poison}
    )


def _cells(values: Any, known: Any, column: Any) -> Any:
    """Return the cells of a column of the file that stand for some values; new values get its type if that can be."""
    pd = import_pandas()
    series = pd.Series(values).reset_index(drop=True)
    first: dict[Any, int] = {}
    for place, value in enumerate(known.tolist()):
        first.setdefault(value, place)
    wanted = series.tolist()
    if all(value in first for value in wanted):
        return column.take([first[value] for value in wanted]).reset_index(drop=True)
    with np.errstate(all="ignore"):
        try:
            cast = series.astype(column.dtype)
        except (ValueError, TypeError):
            return series
    return cast if cast.astype(object).tolist() == wanted else series
