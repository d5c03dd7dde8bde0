"""What is used where no sanitizer is named."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.sanitize._leave_cluster_out_sanitizer import LeaveClusterOutSanitizer


def default_sanitizer(task, contamination, random_state):
    """Return the sanitizer of `SanitizedClassifier` and `SanitizedRegressor` with ``sanitizer=None``.

    Parameters
    ----------
    task : {"classifier", "regressor"}
    contamination : float
    random_state : int
    """
    return LeaveClusterOutSanitizer(contamination, random_state=random_state)
