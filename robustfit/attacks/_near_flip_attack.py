"""Label flips where a reference model is least sure: flips that look like honest mistakes."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.attacks._containers import Floats, Rows
from robustfit.attacks._margins import MarginFlipAttack, other_scores


class NearFlipAttack(MarginFlipAttack):
    """Flip the labels of the rows that lie nearest to the decision boundary, on its right side.

    A reference model is fitted to the clean rows. With classes, the rows with the smallest margin of the own
    class over the best other one get that other class. With a regression target, there is no boundary but
    the middle of the observed range: the rows whose prediction is nearest to it get the end that is farther
    from the prediction, or the other end where they are at that one already. One unit of the budget is one
    label.

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
    FarFlipAttack : Flips at the other end of the ranking, which hurt most learners more.
    RandomFlipAttack : Flips that need no model.

    Notes
    -----
    A filter that looks for labels which a model or the neighbours of a row contradict finds these flips last,
    which is their use. On linear learners they do little harm. Once every row on the right side is flipped, a
    larger budget goes on with those on the wrong side, the nearest first.

    References
    ----------
    .. [1] A. Paudice, L. Muñoz-González and E. C. Lupu, "Label Sanitization Against Label Flipping Poisoning
       Attacks", ECML PKDD Workshops 2018. Filters that flips far from the boundary are found by.
    .. [2] H. Xiao, H. Xiao and C. Eckert, "Adversarial Label Flips Attack on Support Vector Machines",
       ECAI 2012. Compares flips that are nearest to the boundary with the farthest.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import NearFlipAttack
    >>> X, y = np.array([[-9.0], [-2.0], [-1.5], [1.0], [2.0], [8.0]]), np.array([0, 0, 0, 1, 1, 1])
    >>> NearFlipAttack().generate(X, y, budget=2).y
    array([0, 0, 1, 0, 1, 1])
    """

    def _rank_margins(self, margin: Floats) -> Rows:
        return np.lexsort([np.abs(margin), margin < 0])

    def _choose_classes(self, scores: Floats, own: Rows) -> Rows:
        return other_scores(scores, own, -np.inf).argmax(axis=1)

    def _rank_distances(self, distance: Floats) -> Rows:
        return np.argsort(distance, kind="stable")
