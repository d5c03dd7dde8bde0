"""The schema of a data frame: names, order and kinds of its columns, fixed before any row is looked at.

One row can change the type of a whole column: an unknown category turns categories into texts, a text turns
numbers into objects. Members of other shards would then be trained on other values although none
of their rows changed. A schema is therefore configuration: data that break it are refused.
"""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

from robustfit.partition._cells import canonical, missing_cells
from robustfit.partition._rows import wrap_frame

SCHEMA_VERSION = 1
"""Changes whenever columns are accepted, refused or converted otherwise; stored with everything that depends on it."""

KINDS = ("number", "integer", "boolean", "text", "time", "duration", "object")

# What a column of a kind may be given as; what is not listed is refused.
_ACCEPTED = {
    "number": ("number", "integer"),
    "integer": ("integer", "number"),
    "boolean": ("boolean",),
    "text": ("text", "category"),
    "category": ("category", "text"),
    "time": ("time",),
    "duration": ("duration",),
    "object": ("object", "number", "integer", "boolean", "text", "category", "time", "duration"),
}


class SchemaError(ValueError):
    """Data do not fit the schema; the message names the columns and the differences."""


@dataclass(frozen=True)
class Column:
    """Name and kind of a column; ``categories`` only for the kind ``"category"``."""

    name: str
    kind: str
    categories: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Schema:
    """Names, order and kinds of the columns of a data frame.

    Parameters
    ----------
    columns : tuple of Column
    declared : bool, default=False
        Whether the schema was given (True) or read off a frame (False). A declared one brings each column to the
        one type that its kind has; one that was read off leaves types as they are, where they fit.

    Examples
    --------
    >>> from robustfit.partition import Schema
    >>> Schema.declare({"age": "number", "sex": ["f", "m"]}).columns[1]
    Column(name='sex', kind='category', categories=('f', 'm'))
    """

    columns: tuple[Column, ...]
    declared: bool = False

    @classmethod
    def declare(cls, spec: "Schema | Mapping[str, str | Sequence[Any]]") -> "Schema":
        """Build a schema from ``{column: kind}``.

        Parameters
        ----------
        spec : Schema or mapping
            Kinds are ``"number"``, ``"integer"``, ``"boolean"``, ``"text"``, ``"time"``, ``"duration"`` and
            ``"object"``; a list of values means a category with those values.

        Returns
        -------
        Schema

        Raises
        ------
        SchemaError
            If a kind is unknown or a list of categories has duplicates.
        """
        if isinstance(spec, Schema):
            return cls(spec.columns, declared=True)
        if not isinstance(spec, Mapping) or not spec:
            raise SchemaError(f"schema must map column names to kinds, for instance {{'age': 'number'}}, got {spec!r}.")
        columns = []
        for name, kind in spec.items():
            if isinstance(kind, str):
                if kind not in KINDS:
                    raise SchemaError(
                        f"Column {name!r}: unknown kind {kind!r}. Allowed: {', '.join(KINDS)}, or a list of categories."
                    )
                columns.append(Column(name, kind))
                continue
            columns.append(Column(name, "category", _check_categories(name, kind)))
        return cls(tuple(columns), declared=True)

    @classmethod
    def of(cls, frame: Any) -> "Schema":
        """Read the schema off a data frame.

        Raises
        ------
        ValueError
            If two columns have the same name.
        """
        wrapped = wrap_frame(frame)
        columns = []
        for position, name in enumerate(wrapped.columns):
            given = wrapped[:, position]
            kind = _kind(given)
            columns.append(Column(name, kind, _categories(given) if kind == "category" else ()))
        return cls(tuple(columns))

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def conform(self, frame: Any) -> Any:
        """Return the frame with every column in the form that the schema fixes.

        Under a declared schema numbers and integers become float64 and int64, times get microseconds (in UTC if they
        have a zone), texts, categories and objects the one type that the library has for them. Under one that was read
        off, float columns become float64 and categories get its list; other columns stay as they are.

        Parameters
        ----------
        frame : eager data frame

        Returns
        -------
        frame : of the same library

        Raises
        ------
        SchemaError
            If columns are missing, added or in another order, or a column is of another kind, or holds a category
            that the schema does not list.
        """
        wrapped = wrap_frame(frame)
        if wrapped.columns != self.names:
            missing = [name for name in self.names if name not in wrapped.columns]
            added = [name for name in wrapped.columns if name not in self.names]
            raise SchemaError(
                f"The columns do not fit the schema: missing {missing}, not in the schema {added}"
                f"{'' if missing or added else ', in another order'}. Expected {self.names}."
            )
        fitting = [self._fit_column(column, wrapped[:, place]) for place, column in enumerate(self.columns)]
        if all(new is None for new in fitting):
            return frame
        native = {
            name: nw.to_native(wrapped[:, place]) if new is None else new
            for place, (name, new) in enumerate(zip(self.names, fitting, strict=True))
        }
        namespace = nw.get_native_namespace(wrapped)
        if _is_pandas_like(namespace):
            # Columns kept and columns made anew must not be aligned by their index.
            native = {name: values.array for name, values in native.items()}
            return namespace.DataFrame(native, columns=self.names)
        return nw.to_native(nw.from_dict({n: nw.from_native(v, series_only=True) for n, v in native.items()}))

    def _fit_column(self, column: Column, given: "nw.Series[Any]") -> Any:
        """Return the column as a native series of the form that it has to have, or None if it has it."""
        if column.kind not in ("integer", "boolean", "object") and _is_blank(given, column.kind):
            return _blank(column, given)
        kind = _kind(given)
        if kind == "object" and column.kind == "number" and _holds_numbers(given):
            # A missing value among whole numbers is enough for a library to give up on the type.
            kind = "number"
        if kind not in _ACCEPTED[column.kind]:
            raise SchemaError(
                f"Column {column.name!r} holds {kind} ({given.dtype}), the schema says {column.kind}. Convert the "
                "column, or pass schema= with the kind that it should have."
            )
        if column.kind == "integer":
            return self._whole_numbers(column, given)
        if column.kind == "category":
            return _with_categories(column, given, keep=not self.declared)
        if column.kind == "number":
            fits = not self.declared and given.dtype == nw.Float64
            return None if fits else _series(given, _floats(given))
        if self.declared:
            return _one_type(column, given)
        return _series(given, given.to_list(), text=True) if column.kind == "text" and kind != "text" else None

    def _whole_numbers(self, column: Column, given: "nw.Series[Any]") -> Any:
        if given.dtype.is_integer() and given.null_count() == 0:
            return _series(given, given.cast(nw.Int64).to_numpy()) if self.declared else None
        values = _floats(given)
        if np.all(np.abs(values) <= 2**53) and np.all(values == np.round(values)):
            return _series(given, values.astype(np.int64))
        if self.declared:
            raise SchemaError(
                f"Column {column.name!r} holds fractions or missing values, the schema says integer. "
                "Declare it as 'number'."
            )
        return None


def _check_categories(name: Any, kind: Any) -> tuple[Any, ...]:
    if isinstance(kind, type | Mapping) or not isinstance(kind, Iterable):
        raise SchemaError(
            f"Column {name!r}: unknown kind {kind!r}. Allowed: {', '.join(KINDS)}, or a list of categories."
        )
    values = kind.tolist() if hasattr(kind, "tolist") else list(kind)
    if not values or not all(isinstance(v, str | int | float) for v in values) or len(set(values)) != len(values):
        raise SchemaError(
            f"Column {name!r}: categories must be a non-empty list without duplicates, texts or numbers; got {kind!r}."
        )
    return tuple(values)


def _kind(column: "nw.Series[Any]") -> str:
    dtype = column.dtype
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, nw.Duration):
        return "duration"
    if dtype.is_temporal() and not isinstance(dtype, nw.Time):
        return "time"
    if isinstance(dtype, nw.Boolean):
        return "boolean"
    if isinstance(dtype, nw.Categorical | nw.Enum):
        # A polars Categorical lists what it happens to hold: that is a text, not a schema.
        return "category" if _categories(column) else "text"
    if str(getattr(nw.to_native(column), "dtype", "")) == "object":
        # The library guesses from the first cells; one cell further down must not go unnoticed.
        cells = column.to_list()
        texts = all(isinstance(c, str) or missing for c, missing in zip(cells, missing_cells(cells), strict=True))
        return "text" if texts else "object"
    return "text" if isinstance(dtype, nw.String) else "object"


def _categories(column: "nw.Series[Any]") -> tuple[Any, ...]:
    """Return the fixed list of categories of a column; empty if its type has none."""
    native = nw.to_native(column)
    if hasattr(native, "cat") and hasattr(native.cat, "categories"):
        return tuple(native.cat.categories.tolist())
    return tuple(column.dtype.categories) if isinstance(column.dtype, nw.Enum) else ()


def _is_pandas_like(namespace: Any) -> bool:
    return hasattr(namespace, "CategoricalDtype")


def _series(like: "nw.Series[Any]", values: Any, *, text: bool = False) -> Any:
    """Make a native series of the library of ``like``."""
    namespace = nw.get_native_namespace(like)
    if text:
        absent = missing_cells(values)
        values = [None if missing else str(value) for value, missing in zip(values, absent, strict=True)]
    if _is_pandas_like(namespace):
        # What the library makes of a text: objects in older versions, a type of their own in newer ones.
        dtype = namespace.Series(["text"]).dtype if text else None
        return namespace.Series(values, dtype=dtype)
    return nw.to_native(nw.new_series(like.name, values, nw.String() if text else None, backend=namespace))


def _is_blank(given: "nw.Series[Any]", kind: str) -> bool:
    """Whether a column has no entries, so that its type says nothing about its kind."""
    if given.null_count() == len(given):
        return True
    # Missing numbers are no nulls to every library; numbers that are wanted need no such look.
    return kind != "number" and given.dtype.is_float() and bool(np.isnan(_floats(given)).all())


def _blank(column: Column, like: "nw.Series[Any]") -> Any:
    """Make a column without entries of the type that the kind of the column has."""
    nothing = [None] * len(like)
    if column.kind == "number":
        return _series(like, np.full(len(like), np.nan))
    if column.kind == "text":
        return _series(like, nothing, text=True)
    if column.kind == "category":
        return _categorical(column, like, nothing)
    empty = nw.Duration("us") if column.kind == "duration" else nw.Datetime("us")
    return nw.to_native(nw.new_series(like.name, nothing, empty, backend=nw.get_native_namespace(like)))


def _holds_numbers(given: "nw.Series[Any]") -> bool:
    return all(canonical(cell)[0] in ("number", "integer", "decimal") for cell in given.to_list())


def _floats(given: "nw.Series[Any]") -> Any:
    if given.dtype.is_numeric():
        return given.cast(nw.Float64).to_numpy()
    cells = given.to_list()
    absent = missing_cells(cells)
    return np.array([np.nan if missing else float(cell) for cell, missing in zip(cells, absent, strict=True)])


def _one_type(column: Column, given: "nw.Series[Any]") -> Any:
    """Bring a column to the one type that its kind has under a declared schema."""
    if column.kind == "text":
        return _series(given, given.to_list(), text=True)
    if column.kind == "boolean":
        if given.null_count():
            raise SchemaError(
                f"Column {column.name!r} holds missing values, the schema says boolean. Declare 'object'."
            )
        return _series(given, np.array(given.to_list(), dtype=bool))
    if column.kind == "object":
        # Concatenation turns whole numbers into fractions of type only; as objects they would be told apart.
        values = np.empty(len(given), dtype=object)
        values[:] = [_as_float(value) for value in given.to_list()]
        return _series(given, values) if _is_pandas_like(nw.get_native_namespace(given)) else None
    if given.dtype.is_temporal():
        zone = getattr(given.dtype, "time_zone", None)
        target = nw.Duration("us") if column.kind == "duration" else nw.Datetime("us", "UTC" if zone else None)
        return nw.to_native(given.cast(target))
    return _series(given, given.to_list())


def _as_float(value: Any) -> Any:
    whole = isinstance(value, Integral) and not isinstance(value, bool) and abs(int(value)) <= 2**53
    return float(value) if whole or isinstance(value, np.floating) else value


def _with_categories(column: Column, given: "nw.Series[Any]", *, keep: bool) -> Any:
    if keep and _categories(given) == column.categories:
        return None
    values = given.to_list()
    absent = missing_cells(values)
    unknown = {repr(v) for v, missing in zip(values, absent, strict=True) if not missing}
    unknown -= set(map(repr, column.categories))
    if unknown:
        raise SchemaError(
            f"Column {column.name!r} holds categories that the schema does not list: {', '.join(sorted(unknown)[:5])}. "
            "Drop those rows, or pass schema= with the full list of categories before fitting."
        )
    return _categorical(column, given, [None if missing else v for v, missing in zip(values, absent, strict=True)])


def _categorical(column: Column, like: "nw.Series[Any]", values: list[Any]) -> Any:
    namespace = nw.get_native_namespace(like)
    if _is_pandas_like(namespace):
        return namespace.Series(namespace.Categorical(values, categories=list(column.categories)))
    options = nw.Enum([str(value) for value in column.categories])
    return nw.to_native(nw.new_series(like.name, values, options, backend=namespace))
