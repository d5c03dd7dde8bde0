"""What can go wrong for a user, and the exit code of each."""

# SPDX-License-Identifier: BSD-3-Clause

import difflib
from collections.abc import Iterable

EXIT_MISSING_DEPENDENCY = 1
EXIT_USAGE = 2
EXIT_GUARANTEE_BROKEN = 3


class CommandError(Exception):
    """Ends a command with a message and no traceback."""

    exit_code = EXIT_USAGE


class UsageError(CommandError):
    """A file, a column or an option that the command cannot work with."""


class MissingDependencyError(CommandError):
    """An optional dependency is not installed."""

    exit_code = EXIT_MISSING_DEPENDENCY


class GuaranteeBrokenError(CommandError):
    """A prediction moved although its certificate said that it cannot."""

    exit_code = EXIT_GUARANTEE_BROKEN


def listing(names: Iterable[object], most: int = 30) -> str:
    """Names separated by commas; of many the first and the last, since targets often come last."""
    all_names = [str(name) for name in names]
    if len(all_names) <= most:
        return ", ".join(all_names)
    ends = [*all_names[: most // 2], "…", *all_names[-(most // 2) :]]
    return f"{', '.join(ends)} ({len(all_names)} in all)"


def check_name(given: str, allowed: Iterable[str], what: str) -> str:
    """Return a name that is allowed, or say which are and which is closest.

    Raises
    ------
    UsageError
        If the name is not allowed.
    """
    names = list(allowed)
    if given in names:
        return given
    folded = {name.casefold(): name for name in names}
    close = difflib.get_close_matches(given.strip().casefold(), folded, n=1, cutoff=0.6)
    guess = f" Did you mean {folded[close[0]]!r}?" if close else ""
    raise UsageError(f"There is no {what} {given!r}.{guess} There is: {listing(names)}.")
