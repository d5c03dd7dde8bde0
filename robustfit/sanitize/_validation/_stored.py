"""Records as JSON, with a digest that damage and careless edits do not survive."""

# SPDX-License-Identifier: BSD-3-Clause

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

VERSION = 1

T = TypeVar("T")


def stored(form: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return a record with its format, version and digest.

    Parameters
    ----------
    form : str
        Name of the format.
    data : dict
        Of plain values that JSON has.
    """
    return {"format": form, "version": VERSION, "sha256": _digest(data), "data": data}


def read_stored(text: str | bytes, form: str, restore: Callable[[dict[str, Any]], T]) -> T:
    """Read what `stored` wrote.

    Parameters
    ----------
    text : str or bytes
    form : str
    restore : callable
        Makes the object of ``data``.

    Raises
    ------
    ValueError
        If the text is truncated, damaged, edited, or of another kind or version.
    """
    name = form.rpartition(".")[2]
    try:
        record = json.loads(text)
        header = (record["format"], record["version"])
        digest, data = record["sha256"], record["data"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"This is not the JSON of a {name} (truncated, damaged or another file?): {error}.") from error
    if header != (form, VERSION):
        raise ValueError(
            f"Expected format {form!r}, version {VERSION}, got {header[0]!r}, version {header[1]!r}. Read it with the "
            "class and the release that wrote it."
        )
    if digest != _digest(data):
        raise ValueError(f"This {name} is damaged or was edited: its content does not have the digest it states.")
    try:
        return restore(data)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError, AttributeError) as error:
        raise ValueError(f"This {name} is damaged or was edited: {error}") from error


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def codes_to_text(codes: NDArray[np.uint64]) -> str:
    """Encode 64-bit codes."""
    return base64.b64encode(codes.astype("<u8").tobytes()).decode("ascii")


def codes_from_text(text: str) -> NDArray[np.uint64]:
    """Decode what `codes_to_text` wrote."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype="<u8").astype(np.uint64)
