"""Warnings of learners and attacks, told as notes."""

# SPDX-License-Identifier: BSD-3-Clause

import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collect_warnings(what: str, notes: list[str], *categories: type[Warning]) -> Iterator[None]:
    """Collect warnings of some categories as notes about something, each once; others are dropped."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        for category in categories:
            warnings.simplefilter("always", category)
        yield
    seen = dict.fromkeys(first_line(warning.message) for warning in caught)
    notes += [f"{what}: {text}" for text in seen]


def first_line(message: object) -> str:
    """Return the first line of a message, and not too much of it."""
    lines = str(message).strip().splitlines() or [type(message).__name__]
    return textwrap.shorten(lines[0], 300, placeholder=" …")
