"""The schema of a data frame: names, order and kinds of its columns, fixed before any row is looked at.

One row can change the type of a whole column: an unknown category turns categories into texts, a text turns
numbers into objects. Members of other shards would then be trained on other values although none
of their rows changed. A schema is therefore configuration: data that break it are refused.
"""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw

KINDS = ("number", "integer", "boolean", "text", "time", "object")

# What a column of a kind may be given as; what is not listed is refused.
_ACCEPTED = {
    "number": ("number", "integer"),
    "integer": ("integer", "number"),
    "boolean": ("boolean",),
    "text": ("text", "category"),
    "category": ("category", "text"),
    "time": ("time",),
    "object": ("object", "number", "integer", "boolean", "text", "category", "time"),
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
        Whether the schema was given (True) or read off a frame (False). A declared one is enforced to the
        letter; one that was read off lets whole numbers stand for numbers and the other way round.

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
            Kinds are ``"number"``, ``"integer"``, ``"boolean"``, ``"text"``, ``"time"``, ``"object"``; a list of
            values means a category with those values.

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
            categories = tuple(kind)
            if not categories or len(set(categories)) != len(categories):
                raise SchemaError(f"Column {name!r}: categories must be a non-empty list without duplicates.")
            columns.append(Column(name, "category", categories))
        return cls(tuple(columns), declared=True)

    @classmethod
    def of(cls, frame: Any) -> "Schema":
        """Read the schema off a data frame.

        Raises
        ------
        SchemaError
            If two columns have the same name.
        """
        wrapped = nw.from_native(frame, eager_only=True)
        if len(set(wrapped.columns)) < len(wrapped.columns):
            raise SchemaError(f"Column names must be distinct, got {wrapped.columns}.")
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

        Numbers become float64, categories get the schema's list, columns that fit stay as they are.

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
        wrapped = nw.from_native(frame, eager_only=True)
        if wrapped.columns != self.names:
            missing = [name for name in self.names if name not in wrapped.columns]
            added = [name for name in wrapped.columns if name not in self.names]
            raise SchemaError(
                f"The columns do not fit the schema: missing {missing}, not in the schema {added}"
                f"{'' if missing or added else ', in another order'}. Expected {self.names}."
            )
        changed = []
        for position, column in enumerate(self.columns):
            given = wrapped[:, position]
            fitting = self._fit_column(column, given)
            if fitting is not given:
                changed.append(fitting)
        return nw.to_native(wrapped.with_columns(*changed)) if changed else frame

    def _fit_column(self, column: Column, given: "nw.Series[Any]") -> "nw.Series[Any]":
        kind = _kind(given)
        if given.null_count() == len(given) and kind in ("object", "text") and column.kind != "object":
            return _all_missing(column, given)
        if kind not in _ACCEPTED[column.kind]:
            raise SchemaError(
                f"Column {column.name!r} holds {kind} ({given.dtype}), the schema says {column.kind}. Convert the "
                "column, or pass schema= with the kind that it should have."
            )
        if column.kind == "category":
            return _with_categories(column, given)
        if column.kind == "number" and given.dtype != nw.Float64:
            return given.cast(nw.Float64)
        if column.kind == "text" and kind == "category" and _categories(given):
            return given.cast(nw.String)
        if column.kind == "integer" and kind == "number":
            return self._whole_numbers(column, given)
        return given

    def _whole_numbers(self, column: Column, given: "nw.Series[Any]") -> "nw.Series[Any]":
        if given.null_count() == 0 and bool((given == given.round(0)).all()):
            return given.cast(nw.Int64)
        if self.declared:
            raise SchemaError(
                f"Column {column.name!r} holds fractions or missing values, the schema says integer. "
                "Declare it as 'number'."
            )
        return given


def _kind(column: "nw.Series[Any]") -> str:
    dtype = column.dtype
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "number"
    if dtype.is_temporal():
        return "time"
    if isinstance(dtype, nw.Boolean):
        return "boolean"
    if isinstance(dtype, nw.Categorical | nw.Enum):
        # A polars Categorical lists what it happens to hold: that is a text, not a schema.
        return "category" if _categories(column) else "text"
    return "text" if isinstance(dtype, nw.String) else "object"


def _categories(column: "nw.Series[Any]") -> tuple[Any, ...]:
    """Return the fixed list of categories of a column; empty if its type has none."""
    native = nw.to_native(column)
    if hasattr(native, "cat") and hasattr(native.cat, "categories"):
        return tuple(native.cat.categories.tolist())
    return tuple(column.dtype.categories) if isinstance(column.dtype, nw.Enum) else ()


def _all_missing(column: Column, given: "nw.Series[Any]") -> "nw.Series[Any]":
    if column.kind == "category":
        return _with_categories(column, given.cast(nw.String))
    target = {"number": nw.Float64, "integer": nw.Float64, "text": nw.String}.get(column.kind)
    return given.cast(target()) if target is not None else given


def _with_categories(column: Column, given: "nw.Series[Any]") -> "nw.Series[Any]":
    if _categories(given) == column.categories:
        return given
    unknown = sorted({repr(value) for value in given.drop_nulls().to_list()} - set(map(repr, column.categories)))
    if unknown:
        raise SchemaError(
            f"Column {column.name!r} holds categories that the schema does not list: {', '.join(unknown[:5])}. "
            "Drop those rows, or pass schema= with the full list of categories before fitting."
        )
    native = nw.to_native(given)
    namespace = nw.get_native_namespace(given)
    if hasattr(namespace, "CategoricalDtype"):
        return nw.from_native(native.astype(namespace.CategoricalDtype(list(column.categories))), series_only=True)
    return given.cast(nw.Enum([str(value) for value in column.categories]))
