"""Ids and rows that a batch has more than once, or that the reference has already."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.sanitize._validation._report import Finding, examples
from robustfit.sanitize._validation._table import one_per_row, read_cells


def reference_ids(ids, n_rows):
    """Return the sorted codes of the ids of the reference.

    Raises
    ------
    ValueError
        If there is not one per row, or an id is missing, repeated, or neither number, text, time nor bytes.
    """
    given = one_per_row(ids, n_rows, "ids")
    cells = read_cells(given)
    for mask, what in (
        (cells.missing, "missing"),
        (cells.of_kinds(("unreadable",)), "neither numbers, texts, times nor bytes"),
        (cells.of_rows(cells.counts > 1), "not unique"),
    ):
        if (rows := np.flatnonzero(mask)).size:
            raise ValueError(
                f"{len(rows)} id(s) of the reference are {what}, first in row {rows[0]}: {given[rows[0]]!r}. An "
                "id names one row; drop those rows, or leave ids out."
            )
    return np.sort(cells.codes)


def check_ids(ids, n_rows, known):
    """Find ids that are missing, repeated within the batch, or those of rows of the reference.

    Parameters
    ----------
    ids : array-like of shape (n_rows,)
    n_rows : int
    known : ndarray of uint64 or None
        Codes of the ids of the reference.
    """
    given = one_per_row(ids, n_rows, "ids")
    cells = read_cells(given)
    unreadable = cells.of_kinds(("unreadable",))
    missing = cells.missing
    usable = ~unreadable & ~missing
    repeated = cells.of_rows(cells.counts > 1) & usable
    findings = [
        _finding("id", "error", unreadable, "numbers, texts, times or bytes", "id(s) of another type", given),
        _finding("id", "error", missing, "an id in every row", "missing id(s)", given),
        _finding("id", "error", repeated, "an id for each row", "repeated id(s)", given),
    ]
    if known is not None:
        seen = cells.of_rows(np.isin(cells.codes, known)) & usable
        findings.append(_finding("known_id", "error", seen, "new ids", "id(s) of rows of the reference", given))
    return [finding for finding in findings if finding]


def row_digests(rows):
    """Return the digest of each row, or None if a cell cannot be read."""
    try:
        return rows.digest(0)
    except TypeError:
        return None


def n_repeated(digests):
    """Count the rows that equal another one."""
    _, place, counts = np.unique(digests, return_inverse=True, return_counts=True)
    return int((counts[place] > 1).sum())


def check_rows(digests, known, n_repeated_reference):
    """Find rows that are equal, and rows that the reference has.

    Parameters
    ----------
    digests : ndarray of shape (n_rows,), uint64
    known : ndarray of uint64 or None
        Those of the reference, sorted; None if its rows cannot be compared with these.
    n_repeated_reference : int
        Rows of the reference that equal another one of it.
    """
    # Where the reference repeats rows, so may a batch.
    severity = "warning" if n_repeated_reference else "error"
    _, place, counts = np.unique(digests, return_inverse=True, return_counts=True)
    findings = [_finding("repeated_row", severity, (counts > 1)[place], "different rows", "row(s) that equal another")]
    if known is not None:
        seen = np.isin(digests, known)
        findings.append(_finding("known_row", severity, seen, "new rows", "row(s) that the reference has"))
    return [finding for finding in findings if finding]


def _finding(check, severity, mask, expected, found, given=None):
    rows = np.flatnonzero(mask)
    if not len(rows):
        return None
    which = "" if given is None else f": {examples({repr(given[row]): given[row] for row in rows}.values())}"
    return Finding(
        check=check,
        column=None,
        severity=severity,
        rows=tuple(rows.tolist()),
        expected=expected,
        found=f"{len(rows)} {found}",
        message=f"{len(rows)} {found}, first in row {rows[0]}{which}.",
    )
