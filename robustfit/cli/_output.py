"""Where results go: the terminal, and files that are either whole or not there."""

# SPDX-License-Identifier: BSD-3-Clause

import json
import os
from pathlib import Path
from typing import Any

from rich.console import Console

from robustfit.cli._errors import UsageError


def make_console(*, stderr: bool = False) -> Console:
    """Make a console that prints text as it is: a name in square brackets is no markup."""
    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def say(console: Console, text: str) -> None:
    """Print a paragraph, wrapped for people and left in one line for files and pipes."""
    console.print(text, soft_wrap=not console.is_terminal)


def show_error(text: str) -> None:
    """Print an error message where it does not mix with results."""
    say(make_console(stderr=True), f"Error: {text}")


def share(value: float) -> str:
    """Format a share of rows or a score."""
    return f"{value:.3f}"


def check_writable(path: Path, option: str) -> Path:
    """Refuse a file that could not be written, before anything is computed for it.

    Raises
    ------
    UsageError
        If it is a directory, or its directory does not exist or cannot be written to.
    """
    if path.is_dir():
        raise UsageError(f"{option} {path}: this is a directory. Give the name of a file.")
    if not path.parent.is_dir():
        raise UsageError(f"{option} {path}: the directory {path.parent} does not exist. Create it first.")
    if not os.access(path.parent, os.W_OK):
        raise UsageError(f"{option} {path}: no permission to write to {path.parent}.")
    return path


def check_output(path: Path, option: str, table: Path) -> Path:
    """Refuse a file that could not be written, or that is the table that was read.

    Raises
    ------
    UsageError
        If it is either.
    """
    check_writable(path, option)
    if path.exists() and table.exists() and os.path.samefile(path, table):
        raise UsageError(f"{option} {path}: this would overwrite the table itself. Give another name.")
    return path


def make_directory(path: Path, option: str) -> Path:
    """Make a directory for results, before anything is computed for it.

    Raises
    ------
    UsageError
        If that is not possible.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"{option} {path}: no directory can be made here ({error.strerror}). Give another one."
        ) from error
    # Any name will do: what counts is the directory.
    check_writable(path / "results", option)
    return path


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, or leave the one that was there: nobody ever reads half of it.

    Raises
    ------
    UsageError
        If the disk does not take it.
    """
    # Next to the target, since a file can be moved in one step only within one file system.
    temporary = path.with_name(f".{path.name}-{os.getpid()}.tmp")
    try:
        try:
            temporary.write_bytes(content)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{path} could not be written: {error.strerror or error}.") from error


def write_json(path: Path, record: dict[str, Any]) -> None:
    """Write a record as JSON."""
    write_whole(path, f"{json.dumps(record, indent=2, allow_nan=False)}\n".encode())


def certificate_record(certificate: Any) -> dict[str, Any]:
    """Return what a certificate claims, without the votes behind it."""
    return {
        "threat": certificate.threat,
        "unit": certificate.unit,
        "partition_by": certificate.partition_by,
        "n_members": certificate.n_members,
        "kind": certificate.kind,
        "conditional_on": list(certificate.conditional_on),
    }
