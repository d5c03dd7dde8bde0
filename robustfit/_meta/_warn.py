"""Warnings that point at the user's line."""

# SPDX-License-Identifier: BSD-3-Clause

import sys
import warnings


def warn_caller(message, category):
    """Warn at the line outside robustfit and scikit-learn that led here."""
    frame, depth = sys._getframe(1), 2
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in ("robustfit", "sklearn"):
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, category, stacklevel=depth)
