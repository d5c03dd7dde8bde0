"""Exact tests of shares: whether a batch has as many rows of some kind as the reference lets one expect."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from robustfit.sanitize._validation._report import Finding


@dataclass(frozen=True)
class ShareTest:
    """The rows of some kind, in the reference and in the batch.

    Parameters
    ----------
    check : str
        Name of the finding that follows from a failure.
    column : str, int or None
    kind : str
        Rows that are counted, in words.
    n_known, n_reference : int
        Such rows of the reference, and all of its rows.
    n_found, n_batch : int
        Those of the batch.
    chosen : bool, default=False
        Whether what is counted was chosen by the reference: rows beyond a limit that depends on it. Then fewer rows
        are no finding.
    """

    check: str
    column: Any
    kind: str
    n_known: int
    n_reference: int
    n_found: int
    n_batch: int
    chosen: bool = False

    @property
    def expected(self) -> float:
        """Share in the reference."""
        return self.n_known / self.n_reference

    @property
    def found(self) -> float:
        """Share in the batch."""
        return self.n_found / self.n_batch

    @property
    def undecided(self) -> bool:
        """Whether rows of both together leave more than one outcome; where they do not, no test can fail."""
        if self.chosen:
            return self.n_batch > 0
        total = self.n_known + self.n_found
        return self.n_batch > 0 and 0 < total < self.n_reference + self.n_batch


def p_values(tests: Sequence[ShareTest]) -> NDArray[np.float64]:
    """Probability, at most, of a difference as large, if rows of batch and reference are exchangeable.

    Given the total K of such rows in both, their number in the batch is hypergeometric. Two-sided values are twice the
    smaller tail.

    Where rows are counted beyond a limit that leaves m rows of the reference beyond it, the c rows of the batch there
    come before the (m + 1)-th row of the reference. For a fixed m that has the same probability: the first m + c rows
    of both together hold c of the batch or more. But m depends on the reference. Its value m is allowed the share
    1 / ((m + 1) (m + 2)) of the level, which add up to one, so the probability is multiplied by (m + 1) (m + 2).
    """
    found = np.array([test.n_found for test in tests])
    size = np.array([test.n_reference + test.n_batch for test in tests])
    total = np.array([test.n_known + test.n_found for test in tests])
    drawn = np.array([test.n_batch for test in tests])
    more = hypergeom.sf(found - 1, size, total, drawn)
    fewer = hypergeom.cdf(found, size, total, drawn)
    chosen = np.array([test.chosen for test in tests], dtype=bool)
    m = (total - found).astype(np.float64)
    return np.clip(np.where(chosen, (m + 1) * (m + 2) * more, 2.0 * np.minimum(more, fewer)), 0.0, 1.0)


def holm(p: NDArray[np.float64], level: float) -> NDArray[np.bool_]:
    """Which tests fail, so that the chance of any false failure is at most ``level`` [1]_.

    References
    ----------
    .. [1] S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 1979.
    """
    order = np.argsort(p, kind="stable")
    passes = p[order] > level / np.arange(len(p), 0, -1)
    failed = np.zeros(len(p), dtype=bool)
    failed[order[: int(np.argmax(passes)) if passes.any() else len(p)]] = True
    return failed


def failed_shares(tests: Sequence[ShareTest], level: float, tolerance: float) -> tuple[list[Finding], int]:
    """Return a finding for each test that fails, and the number of tests that were made.

    Parameters
    ----------
    tests : sequence of ShareTest
    level : float
        Chance of any failure, if rows of batch and reference are exchangeable.
    tolerance : float
        Differences of shares up to this are no findings, whatever the test says.
    """
    made = [test for test in tests if test.undecided]
    if not made:
        return [], 0
    p = p_values(made)
    return [
        _finding(made[place], p[place], len(made), level)
        for place in np.flatnonzero(holm(p, level))
        if abs(made[place].found - made[place].expected) > tolerance
    ], len(made)


def _finding(test: ShareTest, p: float, n_tests: int, level: float) -> Finding:
    where = "" if test.column is None else f"Column {test.column!r}: "
    return Finding(
        check=test.check,
        column=test.column,
        severity="error",
        expected=f"{test.expected:.4g}",
        found=f"{test.found:.4g}",
        message=(
            f"{where}{test.n_found} of {test.n_batch} rows ({test.found:.2%}) {test.kind}, of the reference "
            f"{test.n_known} of {test.n_reference} ({test.expected:.2%}); p = {p:.2g}, one of {n_tests} tests at level "
            f"{level:g} together."
        ),
    )
