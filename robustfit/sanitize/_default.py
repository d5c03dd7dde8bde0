"""What is used where no sanitizer is named."""

# SPDX-License-Identifier: BSD-3-Clause

import math

from robustfit.sanitize._calibration_sanitizer import CalibrationSanitizer
from robustfit.sanitize._capped_forest import capped_forest
from robustfit.sanitize._contradiction_sanitizer import ContradictionSanitizer
from robustfit.sanitize._duplicate_sanitizer import DuplicateSanitizer
from robustfit.sanitize._fallback_sanitizer import FallbackSanitizer
from robustfit.sanitize._influence_sanitizer import InfluenceSanitizer
from robustfit.sanitize._leave_cluster_out_sanitizer import LeaveClusterOutSanitizer
from robustfit.sanitize._loss_sanitizer import LossSanitizer
from robustfit.sanitize._sanitizer_chain import SanitizerChain
from robustfit.sanitize._shortcut_sanitizer import ShortcutSanitizer
from robustfit.sanitize._spectral_sanitizer import SpectralSanitizer
from robustfit.sanitize._union_sanitizer import UnionSanitizer

# Probability of its label from which a row comes back that one of the sanitizers left out. Of numbers, this part of the
# peak of the normal density, which is 2.8 standard deviations away.
_READMIT = {"classifier": 0.35, "regressor": 0.02}

# The losses of rows that are believed no more than that.
_DISBELIEVED = {"classifier": -math.log(0.35), "regressor": 2.8}

# It takes back what it can be wrong about: the more it looks at, the better.
_CLUSTER_OUT = 2.0
_MOST = 0.45

# What rows have in common is strong evidence: of such rows more may go than are said to be bad.
_TOGETHER = 5.0
_MOST_TOGETHER = 0.25

# With fewer rows the influence of one of them is mostly noise.
_ROWS_PER_COEFFICIENT = 10


def default_sanitizer(task, contamination, random_state, *, linear):
    """Return the sanitizer of `SanitizedClassifier` and `SanitizedRegressor` with ``sanitizer=None``.

    Parameters
    ----------
    task : {"classifier", "regressor"}
    contamination : float
    random_state : int
    linear : bool
        Whether what learns is linear: then it is of no use that another model would know better.
    """
    if linear:
        return _by_planes(task, contamination, random_state)
    forest = capped_forest(task, random_state)
    by_planes = _by_planes(task, contamination, random_state, forest)
    if task == "classifier":
        by_forests = _classes_by_forests(forest, contamination, random_state)
    else:
        by_forests = _numbers_by_forests(forest, by_planes, random_state)
    return FallbackSanitizer([("linear", by_planes), ("forest", by_forests)], random_state=random_state)


def _by_planes(task, contamination, random_state, forest=None):
    seeded = {"contamination": contamination, "random_state": random_state}
    wide = max(contamination, min(_CLUSTER_OUT * contamination, _MOST))
    members = [
        ("duplicates", DuplicateSanitizer(random_state=random_state)),
        ("cluster_out", LeaveClusterOutSanitizer(wide, random_state=random_state)),
        ("influence", InfluenceSanitizer(min_rows_per_coefficient=_ROWS_PER_COEFFICIENT, **seeded)),
    ]
    if task == "classifier":
        members.append(("signature", SpectralSanitizer(mode="signature", **seeded)))
    union = UnionSanitizer(members, readmit=_READMIT[task], member_error="abstain", random_state=random_state)
    if task != "classifier":
        return union if forest is None else _tried("planes", union, forest, task)
    # What is told by rows that agree in something, not by single ones, goes first: models of the others never see it.
    most = _most_together(contamination)
    together = [
        ("contradictions", ContradictionSanitizer(most, random_state=random_state)),
        ("shortcuts", ShortcutSanitizer(most)),
    ]
    # What comes back on the word of rows of length 1 is looked at once more, in the lengths that a learner sees.
    models = CalibrationSanitizer(contamination, sanitizer=union, random_state=random_state)
    if forest is not None:
        models = _tried("planes", models, forest, task)
    return SanitizerChain([*together, ("models", models)])


def _classes_by_forests(forest, contamination, random_state):
    loss = LossSanitizer(
        forest, contamination=contamination, least_loss=_DISBELIEVED["classifier"], random_state=random_state
    )
    contradictions = ContradictionSanitizer(_most_together(contamination), estimator=forest, random_state=random_state)
    # A value that tells of a curve is a shortcut to a linear model: its word alone is weak.
    shortcuts = _tried("values", ShortcutSanitizer(contamination), forest, "classifier")
    repeats = _tried("copies", DuplicateSanitizer(random_state=random_state), forest, "classifier")
    return SanitizerChain(
        [("contradictions", contradictions), ("shortcuts", shortcuts), ("repeats", repeats), ("loss", loss)]
    )


def _numbers_by_forests(forest, by_planes, random_state):
    # What is far from a plane goes only if the forest did not foretell it either.
    far = LossSanitizer(forest, threshold=_DISBELIEVED["regressor"], random_state=random_state)
    both = UnionSanitizer([("linear", by_planes), ("loss", far)], least_votes=2, random_state=random_state)
    repeats = _tried("copies", DuplicateSanitizer(random_state=random_state), forest, "regressor")
    return SanitizerChain([("repeats", repeats), ("both", both)])


def _tried(name, sanitizer, forest, task):
    """Let rows come back that a forest of the others believes."""
    return UnionSanitizer(
        [(name, sanitizer)], readmit=_READMIT[task], estimator=forest, random_state=forest.random_state
    )


def _most_together(contamination):
    return min(_TOGETHER * contamination, _MOST_TOGETHER)
