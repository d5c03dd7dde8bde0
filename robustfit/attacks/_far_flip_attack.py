"""Label flips where a reference model is surest: few flips, far from the boundary, most harm."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustfit.attacks._base_attack import BaseAttack, Chance, check_enough
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows, is_numeric, is_sparse
from robustfit.attacks._labels import Labels, distinct, far_side, is_regression
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._reference_model import class_scores, seeded


class FarFlipAttack(BaseAttack):
    """Flip the labels of the rows that lie farthest on the right side of the decision boundary.

    A reference model is fitted to the clean rows. With classes, the rows with the largest margin of the own
    class over the best other one get the class that the model finds least likely. With a regression target,
    the rows whose prediction is farthest from an end of the observed range get that end; a row that is there
    already gets the other end. One unit of the budget is one label.

    Parameters
    ----------
    estimator : estimator, default=None
        Reference model: a classifier with ``decision_function`` (one column per class if there are more
        than two) or ``predict_proba``, or a regressor. By default ``LogisticRegression``, or ``Ridge`` for a
        target of floating dtype, behind a ``StandardScaler``; both need numeric columns without NaN. A
        ``random_state`` that it leaves open is derived from that of `generate`.

    See Also
    --------
    RandomFlipAttack : Flips that need no model.

    References
    ----------
    .. [1] H. Xiao, H. Xiao and C. Eckert, "Adversarial Label Flips Attack on Support Vector Machines",
       ECAI 2012.
    .. [2] A. Paudice, L. Muñoz-González and E. C. Lupu, "Label Sanitization Against Label Flipping Poisoning
       Attacks", ECML PKDD Workshops 2018.
    .. [3] M. Jagielski, A. Oprea, B. Biggio, C. Liu, C. Nita-Rotaru and B. Li, "Manipulating Machine
       Learning: Poisoning Attacks and Countermeasures for Regression Learning", IEEE Symposium on Security
       and Privacy 2018. Moves regression targets to the far end of their range.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import FarFlipAttack
    >>> X, y = np.array([[-9.0], [-2.0], [-1.0], [1.0], [2.0], [8.0]]), np.array([0, 0, 0, 1, 1, 1])
    >>> FarFlipAttack().generate(X, y, budget=2).y
    array([1, 0, 0, 1, 1, 0])
    """

    def __init__(self, estimator: Any = None) -> None:
        self.estimator = estimator

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        regression = self._is_regression(clean.labels)
        classes, own = (far_side if regression else distinct)(clean.labels)
        if len(classes) < 2:
            raise ValueError(
                f"y has the single value {classes.tolist()[0]!r}, so there is no label to flip to. Pass a "
                "training set with at least two, or use RandomFlipAttack(labels=...)."
            )
        check_enough(budget, len(clean), "can be flipped")
        model = self._reference(clean.X, regression, chance.choices)
        model.fit(clean.X, clean.labels)
        if regression:
            distance, new = _to_far_end(model.predict(clean.X), clean.labels, classes)
        else:
            distance, new = _to_least_likely(class_scores(model, clean.X, classes), own)
        rows = np.argsort(-distance, kind="stable")[:budget]
        return clean.relabel(rows, classes[new[rows]])

    def _is_regression(self, labels: Labels) -> bool:
        if self.estimator is None or not (is_classifier(self.estimator) or is_regressor(self.estimator)):
            return is_regression(labels)
        if is_regressor(self.estimator) and labels.dtype.kind not in "iuf":
            raise ValueError(
                f"The reference model {type(self.estimator).__name__} is a regressor, but y holds labels of "
                f"dtype {labels.dtype}. Pass a classifier."
            )
        return bool(is_regressor(self.estimator))

    def _reference(self, X: Any, regression: bool, rng: np.random.Generator) -> BaseEstimator:
        if self.estimator is not None:
            return seeded(clone(self.estimator), rng)
        if not is_numeric(X):
            raise ValueError(
                "The default reference model needs 2-D X with numeric columns only, which this "
                f"{type(X).__name__} is not. Pass one that can read it, such as "
                "FarFlipAttack(make_pipeline(TfidfVectorizer(), LogisticRegression())) for texts."
            )
        last = Ridge() if regression else LogisticRegression(max_iter=1000)
        return make_pipeline(StandardScaler(with_mean=not is_sparse(X)), last)


def _to_least_likely(scores: Floats, own: Rows) -> tuple[Floats, Rows]:
    """Return each row's margin of its own class over the best other, and its least likely other class."""
    rows = np.arange(len(own))
    others = scores.copy()
    others[rows, own] = -np.inf
    margin = scores[rows, own] - others.max(axis=1)
    others[rows, own] = np.inf
    return margin, others.argmin(axis=1)


def _to_far_end(predicted: Floats, target: Labels, ends: Labels) -> tuple[Floats, Rows]:
    """Return each row's distance from its prediction to an end of the range that it is not at, and which."""
    distance = np.abs(ends.astype(np.float64) - np.asarray(predicted, dtype=np.float64).reshape(-1, 1))
    # Flipping a row to the value that it has would change nothing.
    distance[target[:, None] == ends] = -np.inf
    return distance.max(axis=1), distance.argmax(axis=1)
