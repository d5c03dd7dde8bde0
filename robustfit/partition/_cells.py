"""Canonical form of single cells: numbers, texts, times and missing values of any container.

Two cells with the same content have the same code, whatever held them: ``1``, ``1.0``, ``np.float32(1)`` and ``True``
are one number; ``None``, ``NaN``, ``NaT`` and ``pd.NA`` are one missing value; a moment is the same in every time zone
and unit. The code of a cell depends on that cell alone, never on its neighbours.
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

Cell = tuple[str, float | str]

# The largest range of whole numbers that float64 holds one by one.
_EXACT = 2**53
_MISSING: Cell = ("number", math.nan)
# Types whose equal values are equal in content too. Equal times may differ in zone, equal numpy scalars in unit.
_PLAIN_TYPES = (str, int, float, bool)
_NANOSECONDS = {"W": 604_800 * 10**9, "D": 86_400 * 10**9, "h": 3_600 * 10**9, "m": 60 * 10**9, "s": 10**9}
_NANOSECONDS |= {"ms": 10**6, "us": 10**3, "ns": 1}
_EPOCH = datetime.date(1970, 1, 1).toordinal()


def canonical(value: Any) -> Cell:
    """Return kind and content of a cell.

    Raises
    ------
    TypeError
        If it is neither a number, a text, a time, bytes nor missing.
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return _MISSING
    if isinstance(value, str):
        return ("text", str(value))
    if isinstance(value, datetime.datetime | datetime.date | datetime.time | datetime.timedelta):
        return _time(value)
    if isinstance(value, np.datetime64 | np.timedelta64):
        return _numpy_time(value)
    if isinstance(value, Integral | np.bool_) and not -_EXACT <= int(value) <= _EXACT:
        return ("integer", str(int(value)))
    if isinstance(value, Real | np.bool_):
        return ("number", float(value))
    if isinstance(value, decimal.Decimal):
        return ("number", float(value)) if value == float(value) else ("decimal", str(value.normalize()))
    if isinstance(value, bytes):
        return ("bytes", value.hex())
    raise TypeError(
        f"A cell holds {type(value).__name__} {value!r}; the argument must be a string, a real number, "
        "a time, bytes or missing. Convert the column before fitting."
    )


def _time(value: Any) -> Cell:
    if isinstance(value, datetime.timedelta):
        whole = (value.days * 86_400 + value.seconds) * 10**9 + value.microseconds * 1000
        return ("duration", str(whole + getattr(value, "nanoseconds", 0)))
    if isinstance(value, datetime.time):
        return ("clock", value.isoformat())
    if not isinstance(value, datetime.datetime):
        return ("time", str((value.toordinal() - _EPOCH) * _NANOSECONDS["D"]))
    seconds = ((value.hour * 60) + value.minute) * 60 + value.second
    since = (value.toordinal() - _EPOCH) * _NANOSECONDS["D"] + seconds * 10**9 + value.microsecond * 1000
    since += getattr(value, "nanosecond", 0)
    offset = value.utcoffset()
    if offset is None:
        return ("time", str(since))
    return ("instant", str(since - (offset.days * 86_400 + offset.seconds) * 10**9 - offset.microseconds * 1000))


def _numpy_time(value: Any) -> Cell:
    if np.isnat(value):
        return _MISSING
    unit, step = np.datetime_data(value.dtype)
    if unit not in _NANOSECONDS:
        # Months and years have no fixed length; finer units than nanoseconds would be rounded.
        target = f"{np.dtype(value.dtype).kind}8[{'D' if unit in ('Y', 'M') else 'ns'}]"
        return _numpy_time(value.astype(target))
    kind = "time" if isinstance(value, np.datetime64) else "duration"
    return (kind, str(int(value.astype(np.int64)) * step * _NANOSECONDS[unit]))


def _code(cell: Cell) -> int:
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


def _distinct(cells: Sequence[Any]) -> tuple[list[tuple[Cell, str]], NDArray[np.intp]]:
    """Canonical form and type of the distinct cells, and for each cell its place among them."""
    places: dict[Any, int] = {}
    found: list[tuple[Cell, str]] = []
    index = np.empty(len(cells), dtype=np.intp)
    for position, value in enumerate(cells):
        plain = type(value) in _PLAIN_TYPES
        cell = None if plain else canonical(value)
        key = (type(value), value if cell is None else cell)
        place = places.get(key)
        if place is None:
            place = places[key] = len(found)
            found.append((canonical(value) if cell is None else cell, type(value).__name__))
        index[position] = place
    return found, index


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
    found, index = _distinct(_as_cells(values))
    return np.array([_code(cell) for cell, _ in found], dtype=np.uint64)[index]


def column_ranks(values: Any) -> Codes:
    """Whole numbers that sort the cells of a column by kind, content and type, without collisions."""
    if _is_plain(values):
        return float_codes(values)
    found, index = _distinct(_as_cells(values))
    keys = [(kind, _code((kind, content)) if kind == "number" else content, name) for (kind, content), name in found]
    place = {key: rank for rank, key in enumerate(sorted(set(keys), key=lambda key: (key[0], key[1], key[2])))}
    return np.array([place[key] for key in keys], dtype=np.uint64)[index]


def missing_cells(values: Any) -> NDArray[np.bool_]:
    """Which cells of a column are missing."""
    missing: NDArray[np.bool_] = column_codes(values) == float_codes(np.array([np.nan]))[0]
    return missing
