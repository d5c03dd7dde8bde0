"""What in a batch does not fit the columns of the reference."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.partition import Schema, SchemaError
from robustfit.partition._cells import column_codes
from robustfit.partition._schema import Column
from robustfit.sanitize._validation._column_profile import NUMERIC
from robustfit.sanitize._validation._report import Finding, examples
from robustfit.sanitize._validation._shares import ShareTest
from robustfit.sanitize._validation._table import NUMBERS, Numbers, read_cells

# Kinds of cells that a column of a kind may hold; others may hold whatever can be read.
ALLOWED = {
    "number": NUMBERS,
    "integer": NUMBERS,
    "boolean": NUMBERS,
    "text": ("text",),
    "time": ("time", "instant"),
    "duration": ("duration",),
}


def match_columns(table, names, named):
    """Find the columns of the reference in a batch.

    Parameters
    ----------
    table : Table
    names : list
        Of the reference.
    named : bool
        Whether it has column names.

    Returns
    -------
    places : list of int or None
        Where each column of the reference stands in the batch.
    findings : list of Finding
    """
    if table.named and named:
        return _match_names(table.names, names)
    if table.n_columns != len(names):
        message = (
            f"The batch has {table.n_columns} columns, the reference {len(names)}; without names nobody knows which "
            "are which, so none is compared."
        )
        return [None] * len(names), [_about_columns("error", f"{len(names)} columns", f"{table.n_columns}", message)]
    findings = []
    if table.named != named:
        who, other = ("reference", "batch") if named else ("batch", "reference")
        message = f"The {who} has column names and the {other} has none: columns are taken in the order they stand in."
        findings.append(_about_columns("warning", *(("names", "none") if named else ("none", "names")), message))
    return list(range(len(names))), findings


def _match_names(given, names):
    findings = []
    missing, added = [n for n in names if n not in set(given)], [n for n in given if n not in set(names)]
    for name in missing:
        message = f"Column {name!r} of the reference is not in the batch."
        findings.append(_about_columns("error", repr(name), "no such column", message, name))
    for name in added:
        message = f"Column {name!r} of the batch is not in the reference."
        findings.append(_about_columns("error", "no such column", repr(name), message, name))
    kept = [name for name in given if name in set(names)]
    expected = [name for name in names if name in set(given)]
    if kept != expected:
        wrong = [place for place, (a, b) in enumerate(zip(kept, expected, strict=True)) if a != b]
        message = (
            f"The columns stand in another order than in the reference, from {kept[wrong[0]]!r} on, where "
            f"{expected[wrong[0]]!r} is expected; they are compared by name."
        )
        findings.append(_about_columns("error", examples(expected), examples(kept), message))
    where = {name: place for place, name in enumerate(given)}
    return [where.get(name) for name in names], findings


def _about_columns(severity, expected, found, message, column=None):
    return Finding(check="columns", column=column, severity=severity, expected=expected, found=found, message=message)


def check_column(table, place, profile, n_reference, declared):
    """Compare a column of a batch with that of the reference.

    Parameters
    ----------
    table : Table
    place : int
        Of the column in the batch.
    profile : ColumnProfile
    n_reference : int
        Rows of the reference.
    declared : bool
        Whether the kind of the column was declared, see `robustfit.partition.Schema`.

    Returns
    -------
    findings : list of Finding
    tests : list of ShareTest
    """
    numbers = table.numbers(place) if table.sparse or profile.kind in NUMERIC else None
    if numbers is not None:
        findings = _check_type(profile, None, _fits(table, place, profile, declared), numbers)
        missing, cells = numbers.missing_rows, None
    else:
        cells = read_cells(table.raw(place))
        findings = _check_type(profile, cells, _fits(table, place, profile, declared))
        numbers = Numbers(cells.numbers(), np.arange(table.n_rows), table.n_rows)
        missing = np.flatnonzero(cells.missing)
    findings += check_missing(profile, missing)
    tests = [_missing_share(profile, len(missing), n_reference, table.n_rows)]
    if profile.kind in NUMERIC:
        more, outside = check_numbers(profile, numbers, n_reference)
        return findings + more, tests + outside
    if profile.values is not None and cells is not None:
        findings += check_categories(profile, cells, "category")
    return findings, tests


def _fits(table, place, profile, declared):
    """Whether the schema takes the column as it is."""
    if table.sparse:
        return profile.kind in (*NUMERIC, "boolean", "unknown", "object")
    if not table.named or profile.kind in ("unknown", "category"):
        return True
    # Fractions among whole numbers, and whole numbers in a column of another type, are no matter of the type here.
    kind = "number" if profile.kind == "integer" else profile.kind
    try:
        Schema((Column(table.names[place], kind),), declared).conform(table.one_column(place))
    except (SchemaError, TypeError):
        return False
    return True


def _check_type(profile, cells, fits, numbers=None):
    if cells is None:
        if fits:
            return []
        present = np.ones(numbers.n_rows, dtype=bool)
        present[numbers.missing_rows] = False
        held = "boolean" if profile.kind in NUMERIC else "number"
        return [type_finding(profile, np.flatnonzero(present), {held})]
    missing, allowed = cells.missing, ALLOWED.get(profile.kind)
    alien = cells.of_kinds(("unreadable",)) if allowed is None else ~cells.of_kinds(allowed) & ~missing
    if not fits and not alien.any() and not missing.any():
        # A missing value is enough for a library to give a column another type; nothing else is.
        alien = ~alien
    rows = np.flatnonzero(alien)
    if not len(rows):
        return []
    return [type_finding(profile, rows, cells.kinds_at(rows))]


def type_finding(profile, rows, held):
    """Say that cells are of kinds that those of the reference are not."""
    held = ", ".join(sorted({"other objects" if kind == "unreadable" else kind for kind in held}))
    return Finding(
        check="type",
        column=profile.name,
        severity="error",
        rows=tuple(rows.tolist()),
        expected=profile.kind,
        found=held,
        message=f"Column {profile.name!r}: {len(rows)} cell(s) of kind {held}, the reference says {profile.kind}.",
    )


def check_missing(profile, rows):
    """Name the rows without a value in a column that has one in every row of the reference."""
    if profile.n_missing or not len(rows):
        return []
    return [
        Finding(
            check="missing",
            column=profile.name,
            severity="warning",
            rows=tuple(rows.tolist()),
            expected="no missing values",
            found=f"{len(rows)} missing",
            message=f"Column {profile.name!r}: {len(rows)} value(s) missing, of the reference none.",
        )
    ]


def _missing_share(profile, n_found, n_reference, n_batch):
    return ShareTest("missing_share", profile.name, "have no value", profile.n_missing, n_reference, n_found, n_batch)


def check_numbers(profile, numbers, n_reference):
    """Compare numbers with the range of the reference, and fractions with whole numbers."""
    findings = [
        _range_finding(profile, numbers, rows, severity, bounds)
        for rule, severity, bounds in (
            (profile.far, "error", (profile.floor, profile.ceiling)),
            (profile.near, "warning", (profile.low, profile.high)),
        )
        if len(rows := numbers.rows_where(rule))
    ]
    if profile.whole and len(rows := numbers.rows_where(lambda values: values != np.floor(values))):
        found = _examples_at(numbers, rows)
        findings.append(
            Finding(
                check="fraction",
                column=profile.name,
                severity="error" if profile.kind == "integer" else "warning",
                rows=tuple(rows.tolist()),
                expected="whole numbers",
                found=found,
                message=f"Column {profile.name!r}: {len(rows)} fraction(s), of the reference none: {found}.",
            )
        )
    return findings, [
        ShareTest("range_share", profile.name, what, known, n_reference, found, numbers.n_rows, chosen=True)
        for what, known, found in (
            (f"lie below {_bound(profile.low)}", profile.n_below, len(numbers.rows_where(profile.below))),
            (f"lie above {_bound(profile.high)}", profile.n_above, len(numbers.rows_where(profile.above))),
        )
    ]


def _range_finding(profile, numbers, rows, severity, bounds):
    expected, found = f"[{_bound(bounds[0])}, {_bound(bounds[1])}]", _examples_at(numbers, rows)
    return Finding(
        check="range",
        column=profile.name,
        severity=severity,
        rows=tuple(rows.tolist()),
        expected=expected,
        found=found,
        message=f"Column {profile.name!r}: {len(rows)} value(s) outside of {expected}: {found}.",
    )


def _bound(bound):
    return "unbounded" if bound is None else f"{bound:.6g}"


def _examples_at(numbers, rows):
    wanted = rows[:6]
    values = [float(numbers.values[at[0]]) if len(at := np.flatnonzero(numbers.rows == row)) else 0.0 for row in wanted]
    return examples([*values, *[0.0] * (len(rows) - len(wanted))])


def check_categories(profile, cells, check):
    """Name the rows whose categories or labels the reference does not have."""
    known = np.isin(cells.codes, column_codes(list(profile.values))) if len(profile.values) else False
    allowed = ALLOWED.get(profile.kind)
    # Cells of another type are a finding of their own.
    unknown = [
        not seen and content == content and kind != "unreadable" and (allowed is None or kind in allowed)
        for seen, (kind, content) in zip(np.broadcast_to(known, len(cells.codes)), cells.contents, strict=True)
    ]
    rows = np.flatnonzero(cells.of_rows(unknown))
    if not len(rows):
        return []
    found = examples(content for new, (_, content) in zip(unknown, cells.contents, strict=True) if new)
    expected = examples(profile.values)
    return [
        Finding(
            check=check,
            column=profile.name,
            # Where the reference has categories that it saw only once, it has not seen all there are.
            severity="warning" if profile.n_single else "error",
            rows=tuple(rows.tolist()),
            expected=expected,
            found=found,
            message=(
                f"Column {profile.name!r}: {len(rows)} cell(s) with {found}, which the reference does not have; it has "
                f"{expected}."
            ),
        )
    ]
