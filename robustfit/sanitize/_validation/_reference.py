"""What is known of trusted rows, learned once and kept without the rows."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from robustfit.partition import HASH_VERSION
from robustfit.sanitize._validation._column_profile import ColumnProfile, profile_columns
from robustfit.sanitize._validation._repeats import n_repeated, reference_ids, row_digests
from robustfit.sanitize._validation._stored import codes_from_text, codes_to_text
from robustfit.sanitize._validation._targets import TargetProfile, profile_target


@dataclass(frozen=True, kw_only=True, eq=False)
class Reference:
    """What is known of the reference.

    Attributes
    ----------
    n_rows : int
    named : bool
        Whether its columns have names.
    declared : bool
        Whether the kinds of its columns were declared.
    columns : tuple of ColumnProfile
    target : TargetProfile or None
    n_repeated_rows : int
        Rows that equal another one in all columns.
    row_codes : ndarray, uint64
        Sorted digests of the rows.
    id_codes : ndarray, uint64, or None
        Sorted codes of the ids.
    """

    n_rows: int
    named: bool
    declared: bool
    columns: tuple[ColumnProfile, ...]
    target: TargetProfile | None
    n_repeated_rows: int
    row_codes: Any = field(repr=False)
    id_codes: Any = field(repr=False)

    @property
    def repeats_by_nature(self):
        """Whether most rows equal another one, so that equal rows mean nothing."""
        return 2 * self.n_repeated_rows > self.n_rows

    def to_data(self):
        """Return it as plain values that JSON has.

        Raises
        ------
        ValueError
            If column names are neither texts nor whole numbers.
        """
        if not all(isinstance(column.name, str | int) for column in self.columns):
            raise ValueError("Column names that are neither texts nor whole numbers cannot be stored; rename columns.")
        return {
            "hash_version": HASH_VERSION,
            "n_rows": self.n_rows,
            "named": self.named,
            "declared": self.declared,
            "columns": [asdict(column) for column in self.columns],
            "target": None if self.target is None else asdict(self.target),
            "n_repeated_rows": self.n_repeated_rows,
            "row_codes": codes_to_text(self.row_codes),
            "id_codes": None if self.id_codes is None else codes_to_text(self.id_codes),
        }

    @classmethod
    def from_data(cls, data):
        """Restore what `to_data` gave."""
        if data["hash_version"] != HASH_VERSION:
            raise ValueError(
                f"its digests are of version {data['hash_version']!r}, this release makes version {HASH_VERSION}; fit "
                "again"
            )
        counts = [data["n_rows"], data["n_repeated_rows"], *(column["n_missing"] for column in data["columns"])]
        if not all(type(count) is int and 0 <= count <= data["n_rows"] for count in counts) or not data["n_rows"]:
            raise ValueError("its counts are no whole numbers up to the number of rows")
        target, ids = data["target"], data["id_codes"]
        return cls(
            n_rows=data["n_rows"],
            named=bool(data["named"]),
            declared=bool(data["declared"]),
            columns=tuple(_column(record) for record in data["columns"]),
            target=None if target is None else TargetProfile(_column(target["column"]), tuple(target["counts"])),
            n_repeated_rows=data["n_repeated_rows"],
            row_codes=codes_from_text(data["row_codes"]),
            id_codes=None if ids is None else codes_from_text(ids),
        )


def _column(record):
    values = record["values"]
    return ColumnProfile(**record | {"values": None if values is None else tuple(values)})


def learn_reference(table, y, ids, schema, *, quantile, tolerance, max_categories):
    """Learn what there is to know of trusted rows.

    Parameters
    ----------
    table : Table
    y : array-like of shape (n_samples,) or None
    ids : array-like of shape (n_samples,) or None
    schema : Schema or None
        If declared.
    quantile, tolerance, max_categories
        See `BatchValidator`.

    Returns
    -------
    Reference
    """
    limits = {"quantile": quantile, "tolerance": tolerance, "max_categories": max_categories}
    if schema is None:
        kinds, categories = table.kinds(), table.categories()
    else:
        schema.conform(table.native)
        kinds = [column.kind for column in schema.columns]
        categories = [column.categories for column in schema.columns]
    columns = profile_columns(table, kinds, categories, **limits)
    digests = row_digests(table.rows(range(table.n_columns)))
    return Reference(
        n_rows=table.n_rows,
        named=table.named,
        declared=schema is not None,
        columns=columns,
        target=None if y is None else profile_target(y, table.n_rows, **limits),
        n_repeated_rows=n_repeated(digests),
        row_codes=np.unique(digests),
        id_codes=None if ids is None else reference_ids(ids, table.n_rows),
    )
