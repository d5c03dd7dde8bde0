"""The commands, their options and their help."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

import robustfit
from robustfit.cli._demo import demo
from robustfit.cli._errors import CommandError
from robustfit.cli._output import show_error

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


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


@app.command("demo", epilog=_EXIT_CODES)
def _demo(
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Directory for demo.json and demo.png.")
    ] = Path("robustfit-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Of the split, the shards, the members and the attacks.")] = 0,
) -> None:
    """Poison three data sets, and compare a plain learner with a partitioned one.

    Breast cancer, digits and diabetes come with scikit-learn; nothing is downloaded. The same learner is fitted once
    to all rows and once to each shard of a partition ensemble. Labels are flipped, rows inserted and deleted, and
    both are fitted again. Every prediction that was certified against an attack of that size is checked.
    Takes about half a minute.
    """
    with _exit_code():
        demo(output, seed)
