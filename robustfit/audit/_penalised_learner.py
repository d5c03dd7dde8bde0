"""Linear classifiers whose objective is strongly convex, and their rows."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC
from sklearn.utils import check_array, check_consistent_length

from robustfit._meta._labels import as_array
from robustfit.attacks._linear._victim import BLACK_BOX, LinearVictim, read_victim, refuse_both_weights
from robustfit.certify import CertificateError

Floats = NDArray[np.float64]

PARAMETERS = "the learner's parameters as they are, not chosen by rows that may be bad"
_LEARNERS = (LinearSVC, LogisticRegression, RidgeClassifier)


def read_penalised(estimator: Any, caller: str) -> LinearVictim:
    """Write a learner down as the strongly convex sum that it minimises.

    Raises
    ------
    CertificateError
        If it is not known, or its objective is not strongly convex.
    """
    if type(estimator) not in _LEARNERS:
        raise CertificateError(
            f"{caller} says nothing of {type(estimator).__name__}: that takes a known strongly convex objective. "
            f"Pass {', '.join(kind.__name__ for kind in _LEARNERS)} (not inside a Pipeline: transform X first)."
        )
    try:
        victim = read_victim(estimator, caller)
        refuse_both_weights(estimator, caller)
    except ValueError as error:
        raise CertificateError(str(error).removesuffix(BLACK_BOX).rstrip()) from error
    if not victim.ridge > 0:
        raise CertificateError(f"{estimator!r} has no penalty: one row can move it anywhere. Set one.")
    if victim.intercept_ridge == 0:
        raise CertificateError(
            f"The intercept of {estimator!r} is not penalised, so that its objective is not strongly convex. Use "
            "LinearSVC, LogisticRegression(solver='liblinear'), or fit_intercept=False with a column of ones."
        )
    return victim


def intercept_column(victim: LinearVictim) -> float:
    """Return what stands in the intercept's column, so that one penalty is for all weights; 0 without an intercept."""
    return 0.0 if victim.intercept_ridge is None else float(np.sqrt(victim.ridge / victim.intercept_ridge))


def read_two_classes(estimator: Any, X: Any, y: Any) -> tuple[Any, Floats]:
    """Return rows, and their labels as −1 and 1 as a fitted classifier has them.

    Raises
    ------
    CertificateError
        If there are more than two classes.
    ValueError
        If rows, labels and estimator do not go together.
    """
    rows = check_array(X, accept_sparse="csr", dtype=np.float64)
    rows = sp.csr_array(rows) if sp.issparse(rows) else rows
    labels, classes = as_array(y), estimator.classes_
    check_consistent_length(rows, labels)
    if len(classes) != 2:
        raise CertificateError(
            f"{type(estimator).__name__} was fitted to {len(classes)} classes. It takes two; of several, pass one "
            "against the rest at a time."
        )
    if rows.shape[1] != estimator.n_features_in_:
        raise ValueError(f"X has {rows.shape[1]} columns, but the estimator was fitted to {estimator.n_features_in_}.")
    if unknown := sorted(set(labels.tolist()) - set(classes.tolist()), key=str):
        raise ValueError(f"y holds {unknown}, but the estimator was fitted to {classes.tolist()}. Pass the same rows.")
    return rows, np.where(labels == classes[1], 1.0, -1.0)
