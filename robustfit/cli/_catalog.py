"""``robustfit catalog``: what is known about each attack."""

# SPDX-License-Identifier: BSD-3-Clause

import json

from rich import box
from rich.console import Console
from rich.table import Table

import robustfit
from robustfit.attacks import Catalog, catalog
from robustfit.cli._errors import check_name
from robustfit.cli._output import make_console, say

FORMATS = ("table", "markdown", "json")
KINDS = tuple(dict.fromkeys(entry.kind for entry in catalog()))


def show_catalog(kind: str | None, form: str) -> None:
    """Run the command.

    Raises
    ------
    UsageError
        If there is no such kind or format.
    """
    check_name(form, FORMATS, "format")
    chosen = catalog() if kind is None else catalog().of_kind(check_name(kind, KINDS, "kind"))
    console = make_console()
    if form == "table":
        _print_table(console, chosen)
        return
    # Neither may be wrapped, not even for people.
    text = chosen.to_markdown() if form == "markdown" else _json(chosen)
    console.print(text, soft_wrap=True, end="")


def _json(chosen: Catalog) -> str:
    record = {
        "format": "robustfit.catalog",
        "version": 1,
        "robustfit": robustfit.__version__,
        "attacks": chosen.to_records(),
    }
    return f"{json.dumps(record, indent=2, ensure_ascii=False)}\n"


def _print_table(console: Console, chosen: Catalog) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    # A name that is cut in two cannot be copied.
    table.add_column("attack", no_wrap=True)
    for name in ("kind", "one unit buys", "task", "must know"):
        table.add_column(name)
    for entry in chosen:
        table.add_row(entry.name, entry.kind, entry.unit, ", ".join(entry.tasks), ", ".join(entry.knows))
    console.print(table)
    say(console, "Sources, identifiers and what answers each attack: --format markdown, or --format json.")
