"""Canonical form of single cells: numbers, texts, times and missing values of any container.

Two cells with the same content have the same code and the same sort key, whatever held them: ``1``, ``1.0``,
``np.float32(1)`` and ``True`` are one number, ``None``, ``NaN``, ``NaT`` and ``pd.NA`` are one missing value.
"""

# SPDX-License-Identifier: BSD-3-Clause

import datetime
import decimal
import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.partition._hash import Codes, digest_bytes, float_codes

# The largest range of whole numbers that float64 holds one by one.
_EXACT = 2**53


def _canonical(value: Any) -> tuple[str, float | str]:
    """Return kind and content of a cell, comparable within the kind."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ("number", math.nan)
    if isinstance(value, str):
        return ("text", str(value))
    if isinstance(value, Integral | np.bool_) and not -_EXACT <= int(value) <= _EXACT:
        return ("integer", str(int(value)))
    if isinstance(value, Real | np.bool_):
        return ("number", float(value))
    if isinstance(value, decimal.Decimal):
        return ("number", float(value)) if value == float(value) else ("decimal", str(value.normalize()))
    if isinstance(value, bytes):
        return ("bytes", value.hex())
    if isinstance(value, datetime.date | datetime.time):
        return ("time", value.isoformat())
    if isinstance(value, datetime.timedelta):
        return ("number", value.total_seconds())
    if isinstance(value, np.datetime64 | np.timedelta64):
        return ("number", math.nan) if np.isnat(value) else ("time", str(value))
    raise TypeError(
        f"A cell holds {type(value).__name__} {value!r}; the argument must be a string, a real number, "
        "a time, bytes or missing. Convert the column before fitting."
    )


def _code(cell: tuple[str, float | str]) -> int:
    kind, content = cell
    if kind == "number":
        return int(float_codes(np.array([content]))[0])
    return digest_bytes(f"{kind}:{content}".encode("utf-8", "surrogatepass"))


def _is_plain(values: Any) -> bool:
    """Whether values are an array of numbers that float64 holds exactly."""
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "biuf" or values.dtype.itemsize > 8:
        return False
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and values.size:
        return bool(values.min() >= -_EXACT and values.max() <= _EXACT)
    return True


def _as_cells(values: Any) -> Sequence[Any]:
    if isinstance(values, np.ndarray):
        # Times keep their unit as numpy scalars; everything else becomes a plain Python object.
        cells: Sequence[Any] = list(values) if values.dtype.kind in "mM" else values.tolist()
        return cells
    return list(values)


def _distinct(cells: Sequence[Any]) -> tuple[list[tuple[str, float | str]], NDArray[np.intp]]:
    """Canonical form of the distinct cells, and for each cell its place among them."""
    # Keyed by type as well: 1, 1.0 and True are equal keys but a numpy scalar may not be hashable alike.
    places: dict[Any, int] = {}
    canonical: list[tuple[str, float | str]] = []
    index = np.empty(len(cells), dtype=np.intp)
    for position, value in enumerate(cells):
        try:
            place = places.get((type(value), value))
        except TypeError:
            _canonical(value)
            raise
        if place is None:
            place = places[(type(value), value)] = len(canonical)
            canonical.append(_canonical(value))
        index[position] = place
    return canonical, index


def column_codes(values: Any) -> Codes:
    """64-bit code of each cell of a column.

    Parameters
    ----------
    values : ndarray of shape (n_samples,) or sequence
        Numbers, texts, times, bytes or missing values.

    Returns
    -------
    codes : ndarray of shape (n_samples,), uint64

    Raises
    ------
    TypeError
        If a cell is none of these.
    """
    if _is_plain(values):
        return float_codes(values)
    canonical, index = _distinct(_as_cells(values))
    return np.array([_code(cell) for cell in canonical], dtype=np.uint64)[index]


def column_ranks(values: Any) -> Codes:
    """Whole numbers that sort the cells of a column by kind and content, without collisions."""
    if _is_plain(values):
        return float_codes(values)
    canonical, index = _distinct(_as_cells(values))
    keys = [(kind, _code((kind, content)) if kind == "number" else content) for kind, content in canonical]
    place = {key: rank for rank, key in enumerate(sorted(set(keys), key=lambda key: (key[0], key[1])))}
    return np.array([place[key] for key in keys], dtype=np.uint64)[index]
