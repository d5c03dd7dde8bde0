"""The bridge to pandera: its checks run on a batch, and what is known of the reference as one of its schemas."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from decimal import Decimal
from numbers import Real

import narwhals.stable.v2 as nw
import numpy as np

from robustfit.sanitize._validation._column_profile import NUMERIC
from robustfit.sanitize._validation._report import Finding, examples

_LIBRARIES = ("pandas", "polars")


def read_user_schema(schema):
    """Return a schema of pandera, or None if it is none.

    Parameters
    ----------
    schema : object
        A ``DataFrameSchema`` or ``DataFrameModel`` of pandera for pandas or polars, or anything else.

    Raises
    ------
    ValueError
        If it is for another library, drops rows, or checks the index.
    """
    kind = schema if isinstance(schema, type) else type(schema)
    if not any(base.__module__.partition(".")[0] == "pandera" for base in kind.__mro__):
        return None
    if isinstance(schema, type) and hasattr(schema, "to_schema"):
        schema = schema.to_schema()
    if _library(schema) not in _LIBRARIES or not hasattr(schema, "columns"):
        raise ValueError(
            f"schema is a {type(schema).__module__}.{type(schema).__name__}; pass a DataFrameSchema or DataFrameModel "
            "of pandera.pandas or pandera.polars."
        )
    if getattr(schema, "drop_invalid_rows", False):
        raise ValueError(
            "schema drops invalid rows and would not say so: pass it with drop_invalid_rows=False, and keep the rows "
            "that row_mask() of the report marks."
        )
    if getattr(schema, "index", None) is not None:
        raise ValueError(
            "schema checks the index of the frame, but rows are known by their positions here. Make the index a column."
        )
    return schema


def _library(schema):
    return next((library for library in _LIBRARIES if f".{library}" in type(schema).__module__), None)


def run_user_schema(schema, frame):
    """Run all checks of a pandera schema and return what failed.

    Parameters
    ----------
    schema : DataFrameSchema of pandera
    frame : eager data frame of any library

    Returns
    -------
    findings : list of Finding
        Their check is ``"schema"``; checks with ``raise_warning`` give warnings, without positions of rows.
    """
    from pandera.config import ValidationDepth, config_context
    from pandera.errors import SchemaErrors, SchemaWarning

    wrapped = nw.from_native(frame, eager_only=True)
    # A pandas index may name rows twice; positions do not.
    table = wrapped.to_polars() if _library(schema) == "polars" else wrapped.to_pandas().reset_index(drop=True)
    failures = None
    # The environment can switch pandera off; then every batch would pass.
    always = config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA)
    with always, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            schema.validate(table, lazy=True)
        except SchemaErrors as errors:
            failures = nw.from_native(errors.failure_cases, eager_only=True)
    findings = [] if failures is None else _failures(failures, len(wrapped))
    for warning in told:
        if issubclass(warning.category, SchemaWarning):
            findings.append(_warning(str(warning.message)))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return findings


def _failures(failures, n_rows):
    """Gather failure cases, one line each, to one finding for each check of each column."""
    places = ("schema_context", "column", "check", "failure_case", "index")
    gathered = {}
    for context, column, check, case, index in zip(*(failures[name].to_list() for name in places), strict=True):
        column = column if context == "Column" and column == column else None
        cases, rows = gathered.setdefault((column, str(check)), ([], set()))
        cases.append(case)
        if index is not None and index == index:
            rows.add(int(index))
    return [_failure(column, check, cases, rows, n_rows) for (column, check), (cases, rows) in gathered.items()]


def _failure(column, check, cases, rows, n_rows):
    where = "" if column is None else f"Column {column!r}: "
    found = examples(cases)
    return Finding(
        check="schema",
        column=column,
        severity="error",
        rows=tuple(sorted(row for row in rows if 0 <= row < n_rows)),
        expected=check,
        found=found,
        message=f"{where}the check {check} of the schema fails for {found}.",
    )


def _warning(message):
    return Finding(
        check="schema",
        column=None,
        severity="warning",
        expected="what the schema says",
        found=message,
        message=f"The schema warns: {message}",
    )


def import_pandera():
    """Import pandera for pandas, which only schemas of it need."""
    try:
        import pandera.pandas as pandera
    except ImportError as error:
        raise ImportError(
            'to_pandera() needs pandera and pandas; install them with: pip install "robustfit[validate]"'
        ) from error
    return pandera


def schema_of(profiles):
    """Return the columns of a reference as a pandera schema for pandas."""
    pandera = import_pandera()
    return pandera.DataFrameSchema(
        {
            profile.name: pandera.Column(
                checks=_checks(profile, pandera.Check),
                nullable=profile.n_missing > 0,
                title=f"{profile.kind} column of the reference",
            )
            for profile in profiles
        },
        strict=True,
        ordered=True,
    )


def _checks(profile, check):
    checks = []
    if profile.kind in (*NUMERIC, "boolean", "time", "duration", "text"):
        checks.append(check(_is_kind(profile.kind), name=f"holds {profile.kind}"))
    if profile.kind in NUMERIC:
        for bound, rule, doubtful in (
            (profile.floor, check.ge, False),
            (profile.ceiling, check.le, False),
            (profile.low, check.ge, True),
            (profile.high, check.le, True),
        ):
            if bound is not None:
                checks.append(rule(bound, raise_warning=doubtful))
        if profile.whole:
            doubt = {"raise_warning": profile.kind != "integer"}
            checks.append(check(lambda values: values == np.floor(values), name="whole numbers", **doubt))
    if profile.values is not None:
        checks.append(check.isin(list(profile.values), raise_warning=profile.n_single > 0))
    return checks


def _is_kind(kind):
    from pandas.api import types

    if kind == "text":
        return lambda values: all(isinstance(value, str) for value in values)
    rule = {
        "boolean": types.is_bool_dtype,
        "time": types.is_datetime64_any_dtype,
        "duration": types.is_timedelta64_dtype,
    }.get(kind)
    if rule is not None:
        return lambda values: bool(rule(values.infer_objects()))
    return lambda values: (
        (types.is_numeric_dtype(values) or all(isinstance(value, Real | Decimal) for value in values))
        and not types.is_bool_dtype(values)
    )
