"""The commands, their options and their help."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

import robustfit
from robustfit.certify import THREATS
from robustfit.cli import _attack as attacking
from robustfit.cli import _sanitize as sanitizing
from robustfit.cli._attack_settings import attack_names
from robustfit.cli._catalog import FORMATS, KINDS, show_catalog
from robustfit.cli._demo import demo
from robustfit.cli._errors import CommandError
from robustfit.cli._evaluate import Options, evaluate
from robustfit.cli._learners import ESTIMATORS
from robustfit.cli._output import show_error
from robustfit.cli._sanitizers import sanitizer_names

# The largest that scikit-learn takes.
_LARGEST_SEED = 2**32 - 1

_EXIT_CODES = """\b
Exit codes:
  0  all went well
  1  an optional dependency is not installed
  2  a file, a column or an option cannot be worked with
  3  a certified prediction moved (demo only)"""

app = typer.Typer(
    # A traceback is for bugs, and then it must be whole.
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="scikit-learn estimators that resist poisoned training data, and say by how much.",
    epilog=_EXIT_CODES,
)


@contextmanager
def _exit_code() -> Iterator[None]:
    """Turn what a user can mend into a message and an exit code."""
    try:
        yield
    except CommandError as error:
        show_error(str(error))
        raise typer.Exit(error.exit_code) from None


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"robustfit {robustfit.__version__}")
        raise typer.Exit


def _attacks(wanted: bool) -> None:
    if wanted:
        typer.echo("\n".join(attack_names()))
        raise typer.Exit


def _sanitizers(wanted: bool) -> None:
    if wanted:
        typer.echo("\n".join(sanitizer_names()))
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command("demo", short_help="Poison three data sets and see who stands.", epilog=_EXIT_CODES)
def _demo(
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Directory for demo.json and demo.png.")
    ] = Path("robustfit-demo"),
    seed: Annotated[
        int,
        typer.Option(
            min=0, max=_LARGEST_SEED, metavar="N", help="Of the split, the shards, the members and the attacks."
        ),
    ] = 0,
) -> None:
    """Poison three data sets, and compare a plain learner with a partitioned one.

    Breast cancer, digits and diabetes come with scikit-learn; nothing is downloaded. The same learner is fitted once
    to all rows and once to each shard of a partition ensemble. Labels are flipped, rows inserted and deleted, and
    both are fitted again. Every prediction that was certified against an attack of that size is checked.
    Takes about half a minute.
    """
    with _exit_code():
        demo(output, seed)


@app.command("evaluate", short_help="Score and certify a table of your own.", epilog=_EXIT_CODES)
def _evaluate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Table with column names: .csv, .parquet or .pq.")],
    target: Annotated[str, typer.Option(metavar="COL", help="Column to predict.")],
    estimator: Annotated[
        str, typer.Option(metavar="NAME", help=f"{', '.join(ESTIMATORS)}; auto is logistic or ridge.")
    ] = "auto",
    task: Annotated[
        str,
        typer.Option(
            metavar="TASK",
            help="classification, regression or auto: texts, booleans, and whole numbers of at most 20 values are "
            "classes.",
        ),
    ] = "auto",
    n_partitions: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Number of members. Default: shards of 10 rows per class (10 for regression) on average; odd, 3 to "
            "199, not more than groups.",
        ),
    ] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(metavar="N", help="Units that an attacker may spend; repeat for several. Default: 0, 1, 2, 5, …"),
    ] = None,
    threat: Annotated[
        str | None,
        typer.Option(
            metavar="THREAT",
            help=f"What one unit pays for: {', '.join(THREATS)}. Default: group with --groups, else insert_delete.",
        ),
    ] = None,
    groups: Annotated[
        str | None, typer.Option(metavar="COL", help="Column with the source of each row; no feature then.")
    ] = None,
    test_size: Annotated[float, typer.Option(metavar="SHARE", help="Share of rows (of groups) to test on.")] = 0.25,
    tol: Annotated[
        float | None,
        typer.Option(
            metavar="ERROR",
            help="Largest error that counts as right in regression. Default: the median absolute deviation of the "
            "training targets, which a constant guess meets half of the time.",
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=_LARGEST_SEED, metavar="N", help="Of the split, the shards and the learners.")
    ] = 0,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all results there, too.")] = None,
    n_jobs: Annotated[int | None, typer.Option(metavar="N", help="Members fitted at a time; -1: all cores.")] = None,
) -> None:
    """Compare a learner on all rows of a table with the same learner in a partition ensemble.

    Rows are held back for testing. Prints the accuracy of both, and for each budget the certified accuracy: the
    share of test rows that the ensemble predicts right whatever an attacker who controls that many training rows
    (labels, groups) does. Imputing, scaling and encoding happen inside the shards.
    """
    given: dict[str, Any] = {"file": file, "target": target, "estimator": estimator, "task": task, "groups": groups}
    given |= {"n_partitions": n_partitions, "budgets": budget or (), "threat": threat, "test_size": test_size}
    with _exit_code():
        evaluate(Options(**given, tol=tol, seed=seed, json=json, n_jobs=n_jobs))


@app.command("catalog", short_help="Show what is known about each attack.", epilog=_EXIT_CODES)
def _catalog(
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help=f"Only this kind: {', '.join(KINDS)}. Default: all.")
    ] = None,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help=", ".join(FORMATS) + ".")] = "table",
) -> None:
    """Show each attack of robustfit: its kind, what one unit of its budget buys, and what the attacker must know.

    The Markdown and the JSON form also say where it comes from, what it is called in MITRE ATLAS, the lists of OWASP
    and NIST AI 100-2, and which defences of robustfit answer it.
    """
    with _exit_code():
        show_catalog(kind, form)


@app.command("attack", short_help="Write a poisoned copy of a table.", epilog=_EXIT_CODES)
def _attack(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Table with column names: .csv, .parquet or .pq.")],
    target: Annotated[str, typer.Option(metavar="COL", help="Column with the label or number that is learned.")],
    attack: Annotated[str, typer.Option(metavar="NAME", help="Such as random-flip; --list shows all.")],
    budget: Annotated[str, typer.Option(metavar="N", help="Rows (labels) that the attacker may change, exactly.")],
    output: Annotated[Path, typer.Option(metavar="FILE", help="Poisoned copy: .csv, .parquet or .pq.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Parameter of the attack; repeat for several."),
    ] = None,
    groups: Annotated[
        str | None, typer.Option(metavar="COL", help="Column with the source of each row; no feature then.")
    ] = None,
    task: Annotated[
        str, typer.Option(metavar="TASK", help="classification, regression or auto, as in evaluate.")
    ] = "auto",
    truth: Annotated[
        str, typer.Option(metavar="COL", help="New column of the copy that says which rows are poison.")
    ] = "is_poison",
    seed: Annotated[int, typer.Option(min=0, max=_LARGEST_SEED, metavar="N", help="Of the attack.")] = 0,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write there what was done, which rows were removed included.")
    ] = None,
    names: Annotated[
        bool, typer.Option("--list", callback=_attacks, is_eager=True, help="Show the names of attacks and exit.")
    ] = False,
) -> None:
    """Write a poisoned copy of a table, with a column that says which rows are poison.

    Rows that the attack leaves alone come first and in their order, inserted ones behind them. Of rows that were
    deleted nothing is left in the copy; their numbers are printed, and written with --json. Says what the attack costs
    in the units of each threat, to be compared with the radii of a certificate.
    """
    given: dict[str, Any] = {"file": file, "target": target, "attack": attack, "budget": budget, "output": output}
    given |= {"settings": settings or (), "groups": groups, "task": task, "truth": truth, "seed": seed, "json": json}
    with _exit_code():
        attacking.attack(attacking.Options(**given))


@app.command("sanitize", short_help="Find suspicious rows of a table.", epilog=_EXIT_CODES)
def _sanitize(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Table with column names: .csv, .parquet or .pq.")],
    target: Annotated[str, typer.Option(metavar="COL", help="Column with the label or number that is learned.")],
    sanitizer: Annotated[
        str, typer.Option(metavar="NAME", help="Such as sphere; --list shows all. auto is the library's default.")
    ] = "auto",
    contamination: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Share of the rows that may be bad. Default: that of the sanitizer, 0.05."),
    ] = None,
    estimator: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=f"{', '.join(ESTIMATORS)}; auto is logistic or ridge. Fitted with and without the suspicious rows; "
            "sanitizers that ask a learner ask this one.",
        ),
    ] = "auto",
    task: Annotated[
        str, typer.Option(metavar="TASK", help="classification, regression or auto, as in evaluate.")
    ] = "auto",
    groups: Annotated[
        str | None, typer.Option(metavar="COL", help="Column with the source of each row; no feature then.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "--out", metavar="FILE", help="Copy without them: .csv, .parquet or .pq.")
    ] = None,
    dropped: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The suspicious rows and why, the most suspicious first: as for --output."),
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=_LARGEST_SEED, metavar="N", help="Of the sanitizer and the learner.")
    ] = 0,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all results there, too.")] = None,
    names: Annotated[
        bool, typer.Option("--list", callback=_sanitizers, is_eager=True, help="Show the names of sanitizers and exit.")
    ] = False,
) -> None:
    """Find the rows of a table that look poisoned, and write a copy without them.

    The sanitizer sees the columns as the learner does: numbers filled and scaled, texts and categories as indicators,
    a single column of prose as word weights. Says how many rows of each label are suspicious, shows the most suspicious
    ones, and how far the learner's predictions move when it is fitted without them. Numbers of rows count from 0, in
    the order of the file. A column robustfit_reason of the file with the suspicious rows names what found each.
    """
    given: dict[str, Any] = {"file": file, "target": target, "sanitizer": sanitizer, "contamination": contamination}
    given |= {"estimator": estimator, "task": task, "groups": groups, "output": output, "dropped": dropped}
    with _exit_code():
        sanitizing.sanitize(sanitizing.Options(**given, seed=seed, json=json))
