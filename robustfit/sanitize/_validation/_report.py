"""What the validation of a batch found: findings, and the report that holds them."""

# SPDX-License-Identifier: BSD-3-Clause

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._base_certificate import import_pandas
from robustfit.sanitize._validation._stored import read_stored, stored

_FORMAT = "robustfit.ValidationReport"
_SEVERITIES = ("error", "warning")
_SHOWN = 5


class BatchValidationError(ValueError):
    """A batch does not fit the trusted reference.

    Attributes
    ----------
    report : ValidationReport
    """

    def __init__(self, report: "ValidationReport", of: str = "The batch does not fit the reference") -> None:
        self.report = report
        errors = report.errors
        lines = [f"- {finding.message}" for finding in errors[:_SHOWN]]
        if len(errors) > _SHOWN:
            lines.append(f"- and {len(errors) - _SHOWN} more, see .report.to_frame()")
        super().__init__("\n".join([f"{of}, {len(errors)} errors:", *lines]))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing about a batch that is not as in the reference.

    Attributes
    ----------
    check : str
        Name of the check, see `BatchValidator`.
    column : str, int or None
        Column concerned; ``"y"`` for labels and targets, None where it is the batch as a whole.
    severity : {"error", "warning"}
        A batch with errors does not pass.
    rows : tuple of int
        Positions of the rows concerned, sorted; empty where it is the column or the batch, not single rows.
    expected, found : str
        What the reference says and what the batch holds.
    message : str
        All of that in one sentence.
    """

    check: str
    column: Any
    severity: str
    expected: str
    found: str
    message: str
    rows: tuple[int, ...] = ()

    @property
    def n_rows(self) -> int:
        """Number of rows concerned."""
        return len(self.rows)


@dataclass(frozen=True, kw_only=True, repr=False)
class ValidationReport:
    """Everything that the validation of a batch found.

    Made by `BatchValidator.validate`.

    Attributes
    ----------
    n_rows : int
        Rows of the batch.
    findings : tuple of Finding
    checks : tuple of str
        Names of the checks that were made. What is not listed was not looked at: labels of a batch without labels,
        values of columns that are not there.
    level : float
        Chance that a batch which is exchangeable with the reference fails any of the tests of shares.
    n_tests : int
        Number of tests of shares that the level was corrected for.
    """

    n_rows: int
    findings: tuple[Finding, ...]
    checks: tuple[str, ...]
    level: float
    n_tests: int

    @property
    def passed(self) -> bool:
        """Whether there are no errors; warnings do not count."""
        return not self.errors

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Findings that make the batch fail."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The other findings."""
        return tuple(finding for finding in self.findings if finding.severity == "warning")

    def row_scores(self, *, severity: str | None = None) -> NDArray[np.int64]:
        """Count the findings that name each row.

        Parameters
        ----------
        severity : {"error", "warning"}, default=None
            Count only those; None counts both.

        Returns
        -------
        scores : ndarray of shape (n_rows,), int64
            Higher is more suspicious. Findings about a whole column or batch name no row and count for none.
        """
        if severity is not None and severity not in _SEVERITIES:
            raise ValueError(f"severity must be 'error', 'warning' or None, got {severity!r}.")
        scores = np.zeros(self.n_rows, dtype=np.int64)
        for finding in self.findings:
            if severity in (None, finding.severity):
                scores[list(finding.rows)] += 1
        return scores

    def row_mask(self, *, severity: str | None = None) -> NDArray[np.bool_]:
        """Mark the rows that no finding names: those to keep, as ``support_`` of a sanitizer.

        Parameters
        ----------
        severity : {"error", "warning"}, default=None
            As in `row_scores`.
        """
        return self.row_scores(severity=severity) == 0

    def suspicious_rows(self, *, severity: str | None = None) -> NDArray[np.intp]:
        """Positions of the rows that findings name.

        Parameters
        ----------
        severity : {"error", "warning"}, default=None
            As in `row_scores`.
        """
        return np.flatnonzero(~self.row_mask(severity=severity))

    def raise_if_failed(self) -> "ValidationReport":
        """Return the report, or raise if it has errors.

        Raises
        ------
        BatchValidationError
            With the report as its attribute ``report``.
        """
        if not self.passed:
            raise BatchValidationError(self)
        return self

    def to_frame(self) -> Any:
        """Return a pandas table with one line for each finding."""
        names = ["check", "column", "severity", "n_rows", "rows", "expected", "found", "message"]
        lines = [[getattr(finding, name) for name in names] for finding in self.findings]
        return import_pandas().DataFrame(lines, columns=names)

    def to_json(self) -> str:
        """Serialise as JSON text; `from_json` restores it."""
        return json.dumps(
            stored(
                _FORMAT,
                {
                    "passed": self.passed,
                    "n_rows": self.n_rows,
                    "level": self.level,
                    "n_tests": self.n_tests,
                    "checks": list(self.checks),
                    "findings": [asdict(finding) for finding in self.findings],
                },
            ),
            allow_nan=False,
        )

    @classmethod
    def from_json(cls, text: str) -> "ValidationReport":
        """Restore a report.

        Raises
        ------
        ValueError
            If the text is truncated, damaged, edited, or of another kind or version.
        """
        return read_stored(text, _FORMAT, cls._restore)

    @classmethod
    def _restore(cls, data: dict[str, Any]) -> "ValidationReport":
        report = cls(
            n_rows=data["n_rows"],
            findings=tuple(_finding(record, data["n_rows"]) for record in data["findings"]),
            checks=tuple(data["checks"]),
            level=data["level"],
            n_tests=data["n_tests"],
        )
        if report.passed is not data["passed"]:
            raise ValueError("it says that the batch passed where its findings say otherwise, or the reverse")
        return report

    def __repr__(self) -> str:
        verdict = "passed" if self.passed else "failed"
        return (
            f"ValidationReport({verdict}, {self.n_rows} rows, {len(self.errors)} errors, {len(self.warnings)} warnings)"
        )


def _finding(record: dict[str, Any], n_rows: int) -> Finding:
    rows = tuple(record["rows"])
    if not all(type(row) is int and 0 <= row < n_rows for row in rows):
        raise ValueError("a finding names rows that the batch does not have")
    if record["severity"] not in _SEVERITIES:
        raise ValueError(f"a finding is neither an error nor a warning but {record['severity']!r}")
    return Finding(**record | {"rows": rows})


def examples(values: Any) -> str:
    """List the first few of some values, for messages."""
    values = list(values)
    shown = ", ".join(_shown(value) for value in values[:_SHOWN])
    return f"{shown}, and {len(values) - _SHOWN} more" if len(values) > _SHOWN else shown


def _shown(value: Any) -> str:
    if not isinstance(value, float | np.floating):
        return repr(value)
    number = float(value)
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.6g}"
