"""How close the vote of a fitted classifier is, on its own scale."""

# SPDX-License-Identifier: BSD-3-Clause

from copy import deepcopy

import numpy as np

# The first that a classifier has is taken. Products of probabilities come before shares, which they saturate.
_SCORES = ("decision_function", "predict_joint_log_proba", "predict_proba")


class MarginReader:
    """A fitted classifier that answers with margins instead of labels, so that it is asked like one.

    Parameters
    ----------
    member : fitted classifier
    """

    def __init__(self, member):
        self.member = member

    def predict(self, X):
        """Distance between the best score and the next one.

        Parameters
        ----------
        X : rows in the container that the member was fitted on

        Returns
        -------
        margins : ndarray of shape (n_samples,)
            NaN where it is not known, or where the best score is not that of the label that the member votes for.
        """
        # Members may write to what they are handed. A row that cannot be predicted raises here, as in a vote.
        labels = np.asarray(self.member.predict(deepcopy(X)))
        try:
            return _margins(self.member, X, labels.reshape(-1))
        except MemoryError:
            raise
        except Exception:
            # That a vote cannot be explained is no reason not to count it.
            return np.full(len(labels), np.nan)


def _margins(member, X, labels):
    classes = np.asarray(member.classes_)
    method = next(name for name in _SCORES if hasattr(member, name))
    scores = np.asarray(getattr(member, method)(X), dtype=np.float64)
    n_rows, n_classes = len(labels), len(classes)
    if n_classes == 2 and scores.shape in ((n_rows,), (n_rows, 1)):
        # The only score of two classes is that of the second; the first has zero.
        scores = np.column_stack([np.zeros(n_rows), scores])
    elif scores.shape != (n_rows, n_classes) or n_classes < 2 or (n_classes > 2 and _compares_pairs(member)):
        return np.full(n_rows, np.nan)
    ranked = np.sort(scores, axis=1)
    with np.errstate(invalid="ignore"):
        margins = ranked[:, -1] - ranked[:, -2]
    # Thresholds that were tuned, or votes among pairs of classes, decide by something else than these scores.
    agrees = (classes[scores.argmax(axis=1)] == labels) | (margins == 0.0)
    return np.where(agrees, margins, np.nan)


def _compares_pairs(member):
    """Whether scores are those of pairs of classes; of three classes there are three, which look like one per class."""
    parameters = getattr(member, "best_estimator_", member).get_params()
    return any(
        name.endswith("decision_function_shape") and isinstance(value, str) and value == "ovo"
        for name, value in parameters.items()
    )
