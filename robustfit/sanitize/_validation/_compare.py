"""All checks of a batch, one after the other."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.sanitize._validation._check_columns import check_column, match_columns
from robustfit.sanitize._validation._pandera import run_user_schema
from robustfit.sanitize._validation._repeats import check_ids, check_rows, row_digests
from robustfit.sanitize._validation._report import Finding, ValidationReport
from robustfit.sanitize._validation._shares import failed_shares
from robustfit.sanitize._validation._targets import check_target

_OF_CELLS = ("type", "range", "range_share", "fraction", "category", "missing", "missing_share")
_EMPTY = Finding(
    check="empty", column=None, severity="error", expected="rows", found="none", message="The batch has no rows."
)
_NO_NAMES = Finding(
    check="schema",
    column=None,
    severity="error",
    expected="column names",
    found="none",
    message="The schema describes the columns of a data frame, and the batch has no column names. Pass a data frame.",
)


def compare(reference, table, y, ids, *, user_schema, level, share_tolerance):
    """Compare a batch with the reference.

    Parameters
    ----------
    reference : Reference
    table : Table
    y, ids : array-like of shape (n_samples,) or None
    user_schema : schema of pandera or None
    level, share_tolerance : float
        See `BatchValidator`.

    Returns
    -------
    ValidationReport
    """
    places, findings = match_columns(table, [column.name for column in reference.columns], reference.named)
    checks, tests = ["empty", "columns"], []
    for more, asked, made in (
        ([] if table.n_rows else [_EMPTY], [], []),
        _cells(reference, table, places),
        _target(reference, table, y),
        _repeats(reference, table, places, ids),
        _user_checks(user_schema, table),
    ):
        findings += more
        tests += asked
        checks += made
    failed, n_tests = failed_shares(tests, level, share_tolerance)
    return ValidationReport(
        n_rows=table.n_rows,
        findings=(*findings, *failed),
        checks=tuple(checks),
        level=float(level),
        n_tests=n_tests,
    )


def _cells(reference, table, places):
    findings, tests = [], []
    for profile, place in zip(reference.columns, places, strict=True):
        if place is not None:
            more, asked = check_column(table, place, profile, reference.n_rows, reference.declared)
            findings += more
            tests += asked
    return findings, tests, [] if all(place is None for place in places) else list(_OF_CELLS)


def _target(reference, table, y):
    if y is None:
        return [], [], []
    findings, tests = check_target(y, reference.target, reference.n_rows, table.n_rows)
    return findings, tests, ["label", "label_share"] if reference.target.counts else ["target"]


def _repeats(reference, table, places, ids):
    findings, checks = [], []
    whole = None not in places and len(places) == table.n_columns
    digests = row_digests(table.rows(places if whole else range(table.n_columns)))
    if digests is not None and not reference.repeats_by_nature:
        findings += check_rows(digests, reference.row_codes if whole else None, reference.n_repeated_rows)
        checks += ["repeated_row", "known_row"] if whole else ["repeated_row"]
    if ids is not None:
        findings += check_ids(ids, table.n_rows, reference.id_codes)
        checks += ["id"] if reference.id_codes is None else ["id", "known_id"]
    return findings, [], checks


def _user_checks(user_schema, table):
    if user_schema is None:
        return [], [], []
    return (run_user_schema(user_schema, table.native), [], ["schema"]) if table.named else ([_NO_NAMES], [], [])
