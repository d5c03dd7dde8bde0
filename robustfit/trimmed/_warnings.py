"""Warnings of the trimmed estimators."""

# SPDX-License-Identifier: BSD-3-Clause


class TrimmingWarning(UserWarning):
    """Trimming may not have found the rows that agree."""
