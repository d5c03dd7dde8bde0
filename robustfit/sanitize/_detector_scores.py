"""What detectors of outliers call their scores, and which way round those are."""

# SPDX-License-Identifier: BSD-3-Clause

import inspect

import numpy as np
from sklearn.base import OutlierMixin
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import LocalOutlierFactor

_METHODS = ("score_samples", "decision_function")


def last_step(detector):
    """The detector itself, inside pipelines and what keeps it from being fitted again."""
    while True:
        if isinstance(detector, FrozenEstimator):
            detector = detector.estimator
        elif getattr(detector, "steps", None):
            detector = detector.steps[-1][1]
        else:
            return detector


def is_frozen(detector):
    """Whether the detector is not fitted again."""
    while getattr(detector, "steps", None):
        detector = detector.steps[-1][1]
    return isinstance(detector, FrozenEstimator)


def method_of(detector, name):
    """Name of the method that scores rows.

    Raises
    ------
    ValueError
        If the detector has no such method.
    """
    names = _METHODS if name == "auto" else (name,)
    for method in names:
        if callable(getattr(detector, method, None)):
            return method
    raise ValueError(
        f"{type(last_step(detector)).__name__} has no {' and no '.join(names)}. Pass a detector of outliers, or name "
        "the method that scores rows, score_method='...'."
    )


def known_sign(detector, method):
    """What a high score means in scikit-learn: ``"normal"``, or None if the method is not scikit-learn's.

    Its densities and detectors are high where rows are normal. Subclasses of them may have turned that round.
    """
    last = last_step(detector)
    means_normal = method == "score_samples" or isinstance(last, OutlierMixin)
    return "normal" if means_normal and _defined_by_sklearn(type(last), method) else None


def check_sign(detector, method, declared):
    """Return what a high score means, ``"normal"`` or ``"outlier"``.

    Raises
    ------
    ValueError
        If that is neither known nor declared, or what was declared is wrong.
    """
    name, known = f"{type(last_step(detector)).__name__}.{method}", known_sign(detector, method)
    if known is not None and declared not in (None, known):
        raise ValueError(
            f"higher_is={declared!r} is the wrong sign: high values of {name} mean {known!r} in scikit-learn. Leave "
            "higher_is out."
        )
    if known is None and declared is None:
        raise ValueError(
            f"What high values of {name} mean is not known, and is not guessed. Say higher_is='normal' if they mean "
            "that a row is normal, as in scikit-learn, or higher_is='outlier' if they mean that it is none, as in PyOD."
        )
    return known or declared


def _defined_by_sklearn(kind, method):
    for base in inspect.getmro(kind):
        if method in vars(base):
            return base.__module__.split(".")[0] == "sklearn"
    return False


def training_scores(detector, method, rows):
    """Scores of the rows that a detector was fitted on, the way round of its method.

    Some detectors take a row that they are asked about for a new one, which then is a neighbour of itself.
    """
    last = last_step(detector)
    if is_frozen(detector):
        # It was fitted on other rows.
        return getattr(detector, method)(rows)
    if isinstance(last, LocalOutlierFactor) and len(last.negative_outlier_factor_) == rows.shape[0]:
        scores = last.negative_outlier_factor_
        return scores - last.offset_ if method == "decision_function" else scores
    if method == "decision_function" and np.shape(getattr(last, "decision_scores_", None)) == (rows.shape[0],):
        return last.decision_scores_
    return getattr(detector, method)(rows)
