"""Label flips where a reference model is surest: few flips, far from the boundary, most harm."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.attacks._containers import Floats, Rows
from robustfit.attacks._margins import MarginFlipAttack, other_scores


class FarFlipAttack(MarginFlipAttack):
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
    source : label, default=None
        Flip rows that bear this label only: one-sided flips. By default any row may be flipped. Not for
        regression targets.

    See Also
    --------
    RandomFlipAttack : Flips that need no model.
    NearFlipAttack : Flips at the other end of the ranking, which stand out least.
    ALFAAttack : Goes on from these flips to ones that hurt more.

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
    >>> FarFlipAttack(source=1).generate(X, y, budget=2).y
    array([0, 0, 0, 1, 0, 0])
    """

    def _rank_margins(self, margin: Floats) -> Rows:
        return np.argsort(-margin, kind="stable")

    def _choose_classes(self, scores: Floats, own: Rows) -> Rows:
        return other_scores(scores, own, np.inf).argmin(axis=1)

    def _rank_distances(self, distance: Floats) -> Rows:
        return np.argsort(-distance, kind="stable")
