"""The learner that attacks on linear classifiers are aimed at when none is given."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.svm import LinearSVC

from robustfit.attacks._reference_model import seeded

_DECAY = 0.01


def seeded_learner(estimator: Any, n_rows: int, rng: np.random.Generator) -> Any:
    """Return a copy of a learner whose chance can be repeated, or a linear SVM.

    Parameters
    ----------
    estimator : estimator or None
        None for a ``LinearSVC`` with hinge loss and ``C = 1 / (0.01 n_rows)``: a penalty of 0.005‖w‖² next to the mean
        loss, as in the experiments of Koh, Steinhardt and Liang.
    n_rows : int
    rng : numpy Generator
    """
    if estimator is None:
        estimator = LinearSVC(loss="hinge", C=1.0 / (_DECAY * n_rows), max_iter=10_000)
    return seeded(clone(estimator), rng)
