"""Schemas: what a column of each kind may be given as, what becomes of it, and what is refused."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from robustfit.partition import Schema, SchemaError

libraries = pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
NOON = datetime.datetime(2024, 5, 6, 12)
HOUR = datetime.timedelta(hours=1)


def frame(library, values, dtype=None):
    """One column called a."""
    if dtype is None:
        return library.DataFrame({"a": values})
    return library.DataFrame({"a": library.Series(values, dtype=dtype)})


def cells(table):
    """Column a as a list, missing cells as None."""
    values = table["a"].to_list() if isinstance(table, pl.DataFrame) else table["a"].astype(object).tolist()
    return [None if value is None or value is pd.NaT or value is pd.NA or value != value else value for value in values]


def dtype(table):
    return table["a"].dtype


def declared(kind):
    return Schema.declare({"a": kind})


# What a declared column becomes

BECOMES = {
    "number": (np.dtype(np.float64), pl.Float64()),
    "integer": (np.dtype(np.int64), pl.Int64()),
    "boolean": (np.dtype(bool), pl.Boolean()),
    "text": (pd.Series(["x"]).dtype, pl.String()),
    "time": (np.dtype("datetime64[us]"), pl.Datetime("us")),
    "duration": (np.dtype("timedelta64[us]"), pl.Duration("us")),
    ("x", "y"): (pd.CategoricalDtype(["x", "y"]), pl.Enum(["x", "y"])),
}
ACCEPTED = {
    "fractions": ("number", [1.5, -2.0]),
    "whole numbers as numbers": ("number", [1, 2]),
    "numbers with gaps": ("number", [1.5, None]),
    "no numbers": ("number", [None, None]),
    "infinite numbers": ("number", [np.inf, 1.0]),
    "whole numbers": ("integer", [1, -2]),
    "large whole numbers": ("integer", [2**62 + 1, 3]),
    "whole fractions as whole numbers": ("integer", [1.0, -2.0]),
    "booleans": ("boolean", [True, False]),
    "texts": ("text", ["x", "naïve ☕"]),
    "texts with gaps": ("text", ["x", None]),
    "no texts": ("text", [None, None]),
    "empty texts": ("text", ["", ""]),
    "texts as categories": (("x", "y"), ["y", "x"]),
    "categories with gaps": (("x", "y"), ["y", None]),
    "no categories": (("x", "y"), [None, None]),
    "times": ("time", [NOON, NOON + HOUR]),
    "times with gaps": ("time", [NOON, None]),
    "durations": ("duration", [HOUR, 2 * HOUR]),
    "durations with gaps": ("duration", [HOUR, None]),
}


@libraries
@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_columns_get_the_one_type_of_their_kind(library, name):
    kind, values = ACCEPTED[name]
    given = frame(library, values)
    fitting = declared(kind).conform(given)
    assert type(fitting) is type(given)
    assert cells(fitting) == values
    assert dtype(fitting) == BECOMES[kind][library is pl]
    # Once is enough.
    again = declared(kind).conform(fitting)
    assert cells(again) == values
    assert dtype(again) == dtype(fitting)


NOTHING = {
    "pandas numbers": lambda: frame(pd, [np.nan, np.nan]),
    "pandas objects": lambda: frame(pd, [None, None], object),
    "polars numbers": lambda: frame(pl, [np.nan, np.nan]),
    "polars nulls": lambda: frame(pl, [None, None]),
}


@pytest.mark.parametrize("name", NOTHING)
@pytest.mark.parametrize("kind", ["text", "time", "duration", ("x", "y"), "number"], ids=str)
@pytest.mark.parametrize("origin", ["declared", "read off"])
def test_columns_without_any_entry_fit_and_get_the_type_of_their_kind(name, kind, origin):
    """What reading a file makes of a column without entries is the reader's guess, often a number."""
    table = NOTHING[name]()
    library = pl if isinstance(table, pl.DataFrame) else pd
    full = declared(kind).conform(frame(library, next(v for k, v in ACCEPTED.values() if k == kind)))
    schema = declared(kind) if origin == "declared" else Schema.of(full)
    fitting = schema.conform(table)
    assert cells(fitting) == [None, None]
    # Where a schema was read off, objects may stand for texts.
    if (kind, origin, name) != ("text", "read off", "pandas objects"):
        assert dtype(fitting) == dtype(full)


@libraries
@pytest.mark.parametrize("kind", ["integer", "boolean"])
def test_whole_numbers_and_booleans_cannot_be_missing(library, kind):
    with pytest.raises(SchemaError, match="Column 'a' holds"):
        declared(kind).conform(frame(library, [None, None]))


@libraries
@pytest.mark.parametrize("kind", [k for k in BECOMES if k not in ("time", "duration")], ids=str)
def test_frames_without_rows_fit(library, kind):
    values = next(values for given, values in ACCEPTED.values() if given == kind)
    assert len(declared(kind).conform(frame(library, values)[:0])) == 0


@pytest.mark.parametrize(
    ("kind", "values", "given"),
    [
        ("number", [1.5, 2.0], "float32"),
        ("number", [1.5, 2.0], "float16"),
        ("number", [1, 2], "uint8"),
        ("number", [1.5, None], "Float64"),
        ("number", [1, None], "Int64"),
        ("integer", [1, 2], "int8"),
        ("integer", [1, 2], "uint16"),
        ("integer", [1, 2], "Int64"),
        ("integer", [1, 2], "float32"),
        ("boolean", [True, False], "boolean"),
        ("text", ["x", None], "string"),
        ("text", ["x", None], "object"),
        ("text", ["x", None], "category"),
        ("time", [NOON, None], "datetime64[s]"),
        ("time", [NOON, None], "datetime64[ns]"),
        ("duration", [HOUR, None], "timedelta64[ns]"),
        (("x", "y"), ["y", "x"], "category"),
        (("x", "y"), ["y", None], "string"),
        (("x", "y"), ["y", None], pd.CategoricalDtype(["y", "x", "unused"])),
        (("x", "y"), ["y", None], pd.CategoricalDtype(["y", "x"], ordered=True)),
        (("x", "y"), ["y", None], pd.CategoricalDtype(["x", "y"], ordered=True)),
        (("x", "y"), [None, None], pd.CategoricalDtype([])),
    ],
    ids=str,
)
def test_pandas_types(kind, values, given):
    fitting = declared(kind).conform(frame(pd, values, given))
    assert cells(fitting) == values
    assert dtype(fitting) == BECOMES[kind][0]


@pytest.mark.parametrize(
    ("kind", "values", "given"),
    [
        ("number", [1.5, 2.0], pl.Float32),
        ("number", [1, None], pl.UInt8),
        ("number", [1, 2], pl.Decimal(10, 2)),
        ("number", [None, None], pl.Null),
        ("integer", [1, 2], pl.Int8),
        ("integer", [1.0, 2.0], pl.Float32),
        ("text", ["x", None], pl.Categorical),
        ("text", ["x", None], pl.Enum(["x", "y"])),
        ("text", [None, None], pl.Null),
        ("time", [NOON, None], pl.Datetime("ns")),
        ("time", [NOON.date(), None], pl.Date),
        ("duration", [HOUR, None], pl.Duration("ms")),
        (("x", "y"), ["y", None], pl.Categorical),
        (("x", "y"), ["y", None], pl.Enum(["y", "x"])),
        (("x", "y"), ["y", None], pl.Enum(["y", "x", "unused"])),
    ],
    ids=str,
)
def test_polars_types(kind, values, given):
    if given == pl.Decimal(10, 2):
        table = pl.DataFrame({"a": pl.Series(["1.00", "2.00"]).cast(given)})
    else:
        table = frame(pl, values, given)
    fitting = declared(kind).conform(table)
    expected = [NOON.replace(hour=0), None] if given == pl.Date else values
    assert cells(fitting) == expected
    assert dtype(fitting) == BECOMES[kind][1]


def test_times_of_a_zone_become_one_instant():
    local = pd.DataFrame({"a": pd.to_datetime(["2024-05-06 12:00"]).tz_localize("Europe/Vienna")})
    fitting = declared("time").conform(local)
    assert fitting["a"][0] == pd.Timestamp("2024-05-06 10:00", tz="UTC")
    assert str(dtype(fitting)) == "datetime64[us, UTC]"


@libraries
def test_objects_take_everything(library):
    for values in ([1.5, 2.0], [1, 2], [True, False], ["x", None], [NOON, None], [None, None]):
        assert cells(declared("object").conform(frame(library, values))) == values
    mixed = frame(pd, ["x", 1, None, 2.5])
    assert cells(declared("object").conform(mixed)) == ["x", 1, None, 2.5]


def test_concatenation_with_an_odd_row_changes_no_other_cell_of_a_declared_frame():
    """Pandas turns categories into texts and whole numbers into fractions when one row does not fit."""
    schema = Schema.declare({"a": "number", "b": ["x", "y"], "c": "text"})
    table = pd.DataFrame({"a": [1, 2], "b": pd.Categorical(["x", "y"]), "c": ["u", "v"]})
    longer = pd.concat([table, pd.DataFrame({"a": [0.5], "b": ["y"], "c": [None]})], ignore_index=True)
    pd.testing.assert_frame_equal(schema.conform(longer)[:2], schema.conform(table))


@libraries
def test_columns_that_fit_are_not_looked_at_cell_by_cell(library, monkeypatch):
    """A predict would otherwise take a thousand times as long as the hash of its rows."""
    table = library.DataFrame({"a": [1.0, 2.0], "b": [0.5, None]})

    def refuse(values):
        raise AssertionError("a column of numbers was read cell by cell")

    monkeypatch.setattr("robustfit.partition._schema.missing_cells", refuse)
    monkeypatch.setattr("robustfit.partition._schema.canonical", refuse)
    for schema in (Schema.of(table), Schema.declare(dict.fromkeys(table.columns, "number"))):
        schema.conform(table)


# What is refused

GIVEN = {
    "number": [1.5, 2.0],
    "integer": [1, 2],
    "boolean": [True, False],
    "text": ["x", "y"],
    "time": [NOON, NOON],
    "duration": [HOUR, HOUR],
}
TAKES = {
    "number": {"number", "integer"},
    "integer": {"integer", "number"},
    "boolean": {"boolean"},
    "text": {"text"},
    ("x", "y"): {"text"},
    "time": {"time"},
    "duration": {"duration"},
    "object": set(GIVEN),
}


@libraries
@pytest.mark.parametrize("kind", TAKES, ids=str)
@pytest.mark.parametrize("given", GIVEN)
def test_each_kind_takes_what_it_says_and_refuses_the_rest(library, kind, given):
    values = [1.0, 2.0] if (kind, given) == ("integer", "number") else GIVEN[given]
    named = "category" if isinstance(kind, tuple) else kind
    if given in TAKES[kind]:
        assert cells(declared(kind).conform(frame(library, values))) == values
        return
    message = rf"Column 'a' holds {given} \(.*\), the schema says {named}\. Convert the column, or pass schema="
    with pytest.raises(SchemaError, match=message):
        declared(kind).conform(frame(library, values))
    if kind != ("x", "y"):
        with pytest.raises(SchemaError, match=message):
            Schema.of(frame(library, GIVEN.get(kind))).conform(frame(library, values))


@pytest.mark.parametrize("kind", ["number", "integer", "boolean", "text", "time", ("x", "y")], ids=str)
def test_columns_of_mixed_cells_are_objects(kind):
    with pytest.raises(SchemaError, match=r"Column 'a' holds object"):
        declared(kind).conform(frame(pd, ["x", 1, NOON]))
    # However far down the odd cell is.
    with pytest.raises(SchemaError, match=r"Column 'a' holds object"):
        declared(kind).conform(frame(pd, ["x"] * 5000 + [1]))


@libraries
@pytest.mark.parametrize("values", [[0.5, 2.0], [np.nan, 2.0], [np.inf, 2.0], [1e300, 2.0], [2.0, -np.inf]], ids=str)
def test_what_is_no_whole_number(library, values):
    with pytest.raises(SchemaError, match="Column 'a' holds .*, the schema says integer.*Declare it as 'number'"):
        declared("integer").conform(frame(library, values))


def test_missing_whole_numbers():
    for table in (frame(pd, [1, None]), frame(pd, [1, None], "Int64"), frame(pl, [1, None]), frame(pl, [1.0, None])):
        with pytest.raises(SchemaError, match="fractions or missing values, the schema says integer"):
            declared("integer").conform(table)


def test_missing_booleans():
    for table in (frame(pd, [True, None], "boolean"), frame(pl, [True, None])):
        with pytest.raises(SchemaError, match="Column 'a' holds missing values, the schema says boolean"):
            declared("boolean").conform(table)


@libraries
def test_categories_that_are_not_listed(library):
    message = r"Column 'a' holds categories that the schema does not list: 'q', 'z'\. Drop those rows, or pass schema="
    for schema in (declared(["x", "y"]), Schema.of(category(library))):
        with pytest.raises(SchemaError, match=message):
            schema.conform(frame(library, ["y", "z", None, "q", "z"]))
    # A long list is cut short.
    with pytest.raises(SchemaError, match=r"list: 'c0', 'c1', 'c10', 'c11', 'c12'\. Drop"):
        declared(["x"]).conform(frame(library, [f"c{i}" for i in range(100)]))


def category(library):
    return frame(library, ["x", "y"], pd.CategoricalDtype(["x", "y"]) if library is pd else pl.Enum(["x", "y"]))


# Names and order


@libraries
@pytest.mark.parametrize(
    "make", [Schema.declare, lambda spec: Schema(Schema.declare(spec).columns)], ids=["declared", "read"]
)
def test_names_and_order_of_columns(library, make):
    schema = make({"a": "number", "b": "text"})
    table = library.DataFrame({"a": [1.0], "b": ["x"]})
    assert list(schema.conform(table).columns) == ["a", "b"]
    for changed, message in (
        (table[["b", "a"]], r"missing \[\], not in the schema \[\], in another order\. Expected \['a', 'b'\]"),
        (table[["a"]], r"missing \['b'\], not in the schema \[\]\. Expected"),
        (library.DataFrame({"a": [1.0], "b": ["x"], "c": [1]}), r"missing \[\], not in the schema \['c'\]\. Expected"),
        (library.DataFrame({"a": [1.0], "B": ["x"]}), r"missing \['b'\], not in the schema \['B'\]"),
    ):
        with pytest.raises(SchemaError, match=message):
            schema.conform(changed)


def test_column_names_may_be_numbers():
    table = pd.DataFrame([[1, 2.5], [3, 4.5]])
    schema = Schema.of(table)
    assert schema.names == [0, 1]
    assert [column.kind for column in schema.columns] == ["integer", "number"]
    fitting = schema.conform(pd.DataFrame([[1.0, 2]]))
    assert fitting.columns.tolist() == [0, 1]
    assert fitting.dtypes.tolist() == [np.int64, np.float64]
    assert Schema.declare({0: "number", 1: "number"}).conform(table).dtypes.tolist() == [np.float64, np.float64]
    with pytest.raises(SchemaError, match=r"in another order\. Expected \[0, 1\]"):
        schema.conform(table[[1, 0]])
    with pytest.raises(SchemaError, match=r"missing \[0, 1\], not in the schema \['0', '1'\]"):
        schema.conform(table.rename(columns=str))


def test_duplicate_column_names():
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(ValueError, match="(?is)column names.*'a'"):
        Schema.of(twice)
    with pytest.raises(ValueError, match="(?i)column names"):
        declared("number").conform(twice)


def test_the_index_of_a_frame_does_not_move_cells():
    table = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]}, index=[2, 0, 0])
    fitting = Schema.declare({"a": "number", "b": "text"}).conform(table)
    assert fitting["a"].tolist() == [1.0, 2.0, 3.0]
    assert fitting["b"].tolist()[:2] == ["x", "y"]
    read = Schema.of(table).conform(table.astype({"a": float}))
    assert read["a"].tolist() == [1, 2, 3]
    assert read["b"].tolist()[:2] == ["x", "y"]


@libraries
def test_the_given_frame_is_not_changed(library):
    table = library.DataFrame({"a": [1, 2], "b": ["x", None]})
    before = table.copy() if library is pd else table.clone()
    Schema.declare({"a": "number", "b": ["x", "y"]}).conform(table)
    assert table.equals(before)


@pytest.mark.parametrize("given", [np.zeros((2, 2)), [[1, 2]], {"a": [1]}, "a", pl.LazyFrame({"a": [1]})], ids=str)
def test_what_is_no_frame(given):
    for call in (Schema.of, declared("number").conform):
        with pytest.raises((TypeError, ValueError), match="(?i)frame"):
            call(given)


# Declaring


def test_declared_schemas():
    schema = Schema.declare({"a": "number", "b": ["x", "y"], "c": ("u",)})
    assert schema.declared
    assert schema.names == ["a", "b", "c"]
    assert [column.kind for column in schema.columns] == ["number", "category", "category"]
    assert [column.categories for column in schema.columns] == [(), ("x", "y"), ("u",)]
    assert schema == Schema.declare({"a": "number", "b": ("x", "y"), "c": ["u"]})
    assert schema != Schema.declare({"a": "number", "b": ("y", "x"), "c": ["u"]})
    assert Schema.declare(schema) == schema
    assert Schema.declare(Schema.of(pd.DataFrame({"a": [1]}))).declared


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"a": "numeric"}, "Column 'a': unknown kind 'numeric'. Allowed: number, integer, boolean, text, time"),
        ({"a": "Number"}, "Column 'a': unknown kind 'Number'"),
        ({"a": "category"}, r"Column 'a': unknown kind 'category'.*or a list of categories"),
        ({"a": ""}, "Column 'a': unknown kind ''"),
        ({"a": float}, "Column 'a'"),
        ({"a": None}, "Column 'a'"),
        ({"a": 5}, "Column 'a'"),
        ({"a": []}, "Column 'a': categories must be a non-empty list without duplicates"),
        ({"a": ["x", "x"]}, "Column 'a': categories must be a non-empty list without duplicates"),
        ({"a": [["x"], ["y"]]}, "Column 'a'"),
        ({}, "schema must map column names to kinds, for instance {'age': 'number'}, got {}"),
        (["a"], r"schema must map column names to kinds.*got \['a'\]"),
        ("number", "schema must map column names to kinds"),
        (None, "schema must map column names to kinds"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_what_is_no_declaration(spec, message):
    with pytest.raises(SchemaError, match=message):
        Schema.declare(spec)


@pytest.mark.parametrize(
    "categories",
    [np.array(["x", "y"]), pd.Index(["x", "y"]), pd.Series(["x", "y"]), np.array(["x", "y"], dtype=object)],
    ids=["array", "Index", "Series", "objects"],
)
@libraries
def test_lists_of_categories_may_be_arrays(library, categories):
    fitting = declared(categories).conform(frame(library, ["y", None]))
    assert cells(fitting) == ["y", None]
    assert dtype(fitting) == BECOMES["x", "y"][library is pl]


@pytest.mark.parametrize("categories", [[1, 2, 3], np.array([1, 2, 3])], ids=["list", "array"])
def test_categories_may_be_numbers(categories):
    given = frame(pd, [3, 1], pd.CategoricalDtype([3, 1]))
    fitting = declared(categories).conform(given)
    assert fitting["a"].tolist() == [3, 1]
    assert fitting["a"].cat.categories.tolist() == [1, 2, 3]
    with pytest.raises(SchemaError, match="does not list: 9"):
        declared(categories).conform(frame(pd, [9, 1], "category"))


def test_numbers_have_to_be_made_categories():
    with pytest.raises(SchemaError, match="Column 'a' holds integer .*, the schema says category. Convert the column"):
        declared([1, 2, 3]).conform(frame(pd, [3, 1]))


# Reading


@pytest.mark.parametrize(
    ("values", "given", "kind", "categories"),
    [
        ([1.5, 2.0], None, "number", ()),
        ([1.5, 2.0], "float32", "number", ()),
        ([1, 2], None, "integer", ()),
        ([1, None], None, "number", ()),
        ([1, None], "Int64", "integer", ()),
        ([True, False], None, "boolean", ()),
        ([True, None], "boolean", "boolean", ()),
        ([True, None], None, "object", ()),
        (["x", None], None, "text", ()),
        (["x", None], "string", "text", ()),
        (["x", None], "object", "text", ()),
        (["x", 1], None, "object", ()),
        (["x", "y"], pd.CategoricalDtype(["y", "x", "z"]), "category", ("y", "x", "z")),
        (["x", "y"], pd.CategoricalDtype(["y", "x"], ordered=True), "category", ("y", "x")),
        ([2, 1], "category", "category", (1, 2)),
        ([NOON, None], None, "time", ()),
        ([HOUR, None], None, "duration", ()),
        ([NOON.date(), NOON.date()], None, "object", ()),
    ],
    ids=str,
)
def test_kinds_of_pandas_columns(values, given, kind, categories):
    (column,) = Schema.of(frame(pd, values, given)).columns
    assert (column.name, column.kind, column.categories) == ("a", kind, categories)
    assert not Schema.of(frame(pd, values, given)).declared


@pytest.mark.parametrize(
    ("values", "given", "kind", "categories"),
    [
        ([1.5, 2.0], None, "number", ()),
        ([1, None], None, "integer", ()),
        ([True, None], None, "boolean", ()),
        (["x", None], None, "text", ()),
        # A Categorical lists what it happens to hold.
        (["x", "y"], pl.Categorical, "text", ()),
        (["x", "y"], pl.Enum(["y", "x", "z"]), "category", ("y", "x", "z")),
        ([NOON, None], None, "time", ()),
        ([NOON.date(), None], None, "time", ()),
        ([HOUR, None], None, "duration", ()),
        ([None, None], None, "object", ()),
        ([[1], [2]], None, "object", ()),
    ],
    ids=str,
)
def test_kinds_of_polars_columns(values, given, kind, categories):
    (column,) = Schema.of(frame(pl, values, given)).columns
    assert (column.name, column.kind, column.categories) == ("a", kind, categories)


@libraries
@pytest.mark.parametrize("values", [[1.5, None], [1, 2], [True, False], ["x", None], [NOON, None]], ids=str)
def test_a_frame_fits_the_schema_that_was_read_off_it(library, values):
    table = frame(library, values)
    fitting = Schema.of(table).conform(table)
    assert cells(fitting) == values
    assert dtype(fitting) == dtype(table)


@libraries
def test_numbers_and_whole_numbers_stand_for_each_other_where_the_schema_was_read_off(library):
    whole, parts = Schema.of(frame(library, [1, 2])), Schema.of(frame(library, [1.5, 2.5]))
    fitting = parts.conform(frame(library, [1, 2]))
    assert dtype(fitting) == BECOMES["number"][library is pl]
    fitting = whole.conform(frame(library, [1.0, 2.0]))
    assert dtype(fitting) == BECOMES["integer"][library is pl]
    # What is no whole number stays what it is.
    for values in ([0.5, 2.0], [None, 2.0], [np.inf, 2.0], [1e300, 2.0]):
        assert cells(whole.conform(frame(library, values))) == values
    assert cells(whole.conform(frame(library, [np.nan, 2.0]))) == [None, 2.0]


@libraries
def test_categories_that_were_read_off_fix_the_list(library):
    schema = Schema.of(category(library))
    fitting = schema.conform(frame(library, ["y", None]))
    assert cells(fitting) == ["y", None]
    assert dtype(fitting) == BECOMES["x", "y"][library is pl]
    assert cells(schema.conform(frame(library, [None, None]))) == [None, None]


def test_texts_that_are_given_as_categories_where_texts_were_read_off():
    schema = Schema.of(frame(pd, ["x", "y"]))
    fitting = schema.conform(frame(pd, ["y", None], "category"))
    assert cells(fitting) == ["y", None]
    assert dtype(fitting) == dtype(frame(pd, ["x"]))
    # One missing cell does not change how the others are written.
    numbered = declared("text").conform(frame(pd, [1, 2, None], "category"))
    assert cells(numbered) == ["1", "2", None]
