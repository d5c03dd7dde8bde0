"""Labels or numbers to predict: what is known of those of the reference, and what in a batch does not fit them."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from sklearn.utils.multiclass import type_of_target

from robustfit._meta._labels import canonical_labels
from robustfit.partition._cells import column_codes
from robustfit.sanitize._validation._check_columns import (
    ALLOWED,
    check_categories,
    check_numbers,
    type_finding,
)
from robustfit.sanitize._validation._column_profile import ColumnProfile, profile_numbers
from robustfit.sanitize._validation._report import Finding
from robustfit.sanitize._validation._shares import ShareTest
from robustfit.sanitize._validation._table import Numbers, one_per_row, read_cells


@dataclass(frozen=True)
class TargetProfile:
    """What is known of the target.

    Attributes
    ----------
    column : ColumnProfile
        Its kind is ``"label"`` or ``"number"``.
    counts : tuple of int
        Rows of each label; empty for numbers.
    """

    column: ColumnProfile
    counts: tuple[int, ...] = ()


def profile_target(y, n_rows, *, quantile, tolerance, max_categories):
    """Profile the target of the reference: labels, or numbers where they are fractions or of very many values."""
    labels = canonical_labels(y, "y")
    one_per_row(labels, n_rows, "y")
    number = labels.dtype.kind in "iuf"
    values, counts = np.unique(labels, return_counts=True)
    if number and (type_of_target(labels) == "continuous" or len(values) > max_categories):
        numbers = Numbers(labels.astype(np.float64), np.arange(len(labels)), len(labels))
        return TargetProfile(profile_numbers("y", "number", numbers, quantile, tolerance))
    plain = tuple(v.item() if hasattr(v, "item") else str(v) for v in values)
    return TargetProfile(ColumnProfile(name="y", kind="label", values=plain), tuple(counts.tolist()))


def check_target(y, profile: TargetProfile, n_reference, n_rows):
    """Compare the target of a batch with that of the reference.

    Returns
    -------
    findings : list of Finding
    tests : list of ShareTest
    """
    cells, column = read_cells(one_per_row(y, n_rows, "y")), profile.column
    missing = np.flatnonzero(cells.missing)
    findings = [
        Finding(
            check="missing",
            column="y",
            severity="error",
            rows=tuple(missing.tolist()),
            expected="no missing values",
            found=f"{len(missing)} missing",
            message=f"Column 'y': {len(missing)} value(s) missing. Drop those rows.",
        )
    ] * bool(len(missing))
    if column.kind == "number":
        alien = np.flatnonzero(~cells.of_kinds(ALLOWED["number"]))
        if len(alien):
            findings.append(type_finding(column, alien, cells.kinds_at(alien)))
        more, tests = check_numbers(column, Numbers(cells.numbers(), np.arange(n_rows), n_rows), n_reference)
        return findings + more, tests
    if len(alien := np.flatnonzero(cells.of_kinds(("unreadable",)))):
        findings.append(type_finding(column, alien, {"unreadable"}))
    return findings + check_categories(column, cells, "label"), _label_shares(cells, profile, n_reference)


def _label_shares(cells, profile, n_reference):
    """One test for each label of reference and batch; of two labels, one says it all."""
    known = dict(zip(column_codes(list(profile.column.values)).tolist(), profile.counts, strict=True))
    named, found = dict(zip(known, profile.column.values, strict=True)), {}
    for code, (kind, content), count in zip(cells.codes.tolist(), cells.contents, cells.counts.tolist(), strict=True):
        if kind != "unreadable" and content == content:
            found[code] = count
            named.setdefault(code, content)
    codes, n_rows = list(named), len(cells.place)
    return [
        ShareTest(
            "label_share",
            "y",
            f"have the label {named[code]!r}",
            known.get(code, 0),
            n_reference,
            found.get(code, 0),
            n_rows,
        )
        for code in (codes[1:] if len(codes) == 2 else codes)
    ]
