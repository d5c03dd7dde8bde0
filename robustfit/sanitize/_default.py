"""What is used where no sanitizer is named."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.sanitize._calibration_sanitizer import CalibrationSanitizer
from robustfit.sanitize._contradiction_sanitizer import ContradictionSanitizer
from robustfit.sanitize._duplicate_sanitizer import DuplicateSanitizer
from robustfit.sanitize._influence_sanitizer import InfluenceSanitizer
from robustfit.sanitize._leave_cluster_out_sanitizer import LeaveClusterOutSanitizer
from robustfit.sanitize._sanitizer_chain import SanitizerChain
from robustfit.sanitize._shortcut_sanitizer import ShortcutSanitizer
from robustfit.sanitize._spectral_sanitizer import SpectralSanitizer
from robustfit.sanitize._union_sanitizer import UnionSanitizer

# Probability of its label from which a row comes back that one of the sanitizers left out. Of numbers, this part of the
# peak of the normal density, which is 2.8 standard deviations away.
_READMIT = {"classifier": 0.35, "regressor": 0.02}

# It takes back what it can be wrong about: the more it looks at, the better.
_CLUSTER_OUT = 2.0
_MOST = 0.45

# What rows have in common is strong evidence: of such rows more may go than are said to be bad.
_TOGETHER = 5.0
_MOST_TOGETHER = 0.25

# With fewer rows the influence of one of them is mostly noise.
_ROWS_PER_COEFFICIENT = 10


def default_sanitizer(task, contamination, random_state):
    """Return the sanitizer of `SanitizedClassifier` and `SanitizedRegressor` with ``sanitizer=None``.

    Parameters
    ----------
    task : {"classifier", "regressor"}
    contamination : float
    random_state : int
    """
    seeded = {"contamination": contamination, "random_state": random_state}
    wide = max(contamination, min(_CLUSTER_OUT * contamination, _MOST))
    members = [
        ("duplicates", DuplicateSanitizer(random_state=random_state)),
        ("cluster_out", LeaveClusterOutSanitizer(wide, random_state=random_state)),
        ("influence", InfluenceSanitizer(min_rows_per_coefficient=_ROWS_PER_COEFFICIENT, **seeded)),
    ]
    if task == "classifier":
        members.append(("signature", SpectralSanitizer(mode="signature", **seeded)))
    union = UnionSanitizer(members, readmit=_READMIT[task], member_error="abstain")
    if task != "classifier":
        return union
    # What is told by rows that agree in something, not by single ones, goes first: models of the others never see it.
    most = min(_TOGETHER * contamination, _MOST_TOGETHER)
    together = [
        ("contradictions", ContradictionSanitizer(most, random_state=random_state)),
        ("shortcuts", ShortcutSanitizer(most)),
    ]
    # What comes back on the word of rows of length 1 is looked at once more, in the lengths that a learner sees.
    models = CalibrationSanitizer(contamination, sanitizer=union, random_state=random_state)
    return SanitizerChain([*together, ("models", models)])
