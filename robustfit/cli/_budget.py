"""Budgets, which are whole numbers, as they are typed."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.cli._errors import UsageError


def whole_budget(budget: str) -> int:
    """Return a budget as a number.

    Raises
    ------
    UsageError
        If it is not a whole number of units.
    """
    # Longer ones are no number of rows that anybody has.
    if budget.isascii() and budget.isdigit() and len(budget) <= 15:
        return int(budget)
    raise UsageError(
        f"--budget is a whole number of units (rows, labels or groups, as the threat says), 0 or more, got {budget!r}. "
        "A share of the rows is no budget: multiply it by their number."
    )
