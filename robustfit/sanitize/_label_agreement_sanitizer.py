"""Rows whose label most rows around them contradict."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np

from robustfit._meta._seeds import check_seed
from robustfit._sklearn import Interval
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._row_index import RowIndex


class LabelAgreementSanitizer(BaseSanitizer):
    """Leave out rows whose label the rows around them contradict, or suggest another label for them.

    Parameters
    ----------
    contamination : float, default=0.05
        Share of the rows to leave out at most, in [0, 0.5), rounded down to whole rows. Rows that are not contradicted
        stay, so it may be fewer.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    n_neighbors : int, default=10
        Of any class; all others where there are fewer rows.
    eta : float, default=0.5
        A row is contradicted if at least this share of its neighbours have one and the same other label, and more of
        them than have its own.
    threshold : float, default=None
        Leave out all rows with a larger score instead, whatever ``eta`` is.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.
    random_state : int, default=0
        Which rows are the middles of cells, with more than 10 000 rows.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Share of the neighbours that have another label, from 0 to 1.
    suggested_labels_ : ndarray of shape (n_samples,)
        For rows that are contradicted the label that most of their neighbours have, for others their own. Not there if
        y is binned.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is binned.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    NeighborsSanitizer : Asks how far the neighbours of the same class are.

    Notes
    -----
    Among the k nearest rows of x, x itself not among them, let ``c`` be the most frequent label (the smallest of
    several, x's own if that is one of them). x is contradicted, and ``c`` suggested, if c is not its label and at least
    ``η k`` neighbours have it. The score is the share of neighbours that do not have x's label.

    Where classes overlap, good rows are contradicted too, and those of a rare class first. Poison that lies in groups
    of more than k rows agrees with itself. Columns count as they are: scale them first. With more than 10 000 rows,
    neighbours are searched in parts of the rows, so that they are near, but not always nearest. `score_rows` does
    not know whether a row was among the training rows; one that was is a neighbour of itself there.

    References
    ----------
    .. [1] A. Paudice, L. Muñoz-González and E. C. Lupu, "Label Sanitization against Label Flipping Poisoning Attacks",
       ECML PKDD Workshops 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import LabelAgreementSanitizer
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0], [10.0], [11.0], [12.0], [13.0]])
    >>> y = np.array(["a", "b", "a", "a", "b", "b", "b", "b"])
    >>> sanitizer = LabelAgreementSanitizer(contamination=0.2, n_neighbors=3).fit(X, y)
    >>> sanitizer.support_
    array([ True, False,  True,  True,  True,  True,  True,  True])
    >>> sanitizer.suggested_labels_.tolist()
    ['a', 'a', 'a', 'a', 'b', 'b', 'b', 'b']
    """

    _parameter_constraints: dict = {
        **BaseSanitizer._parameter_constraints,
        "n_neighbors": [Interval(Integral, 1, None, closed="left")],
        "eta": [Interval(Real, 0, 1, closed="right")],
        "random_state": "no_validation",
    }

    def __init__(
        self,
        contamination=0.05,
        *,
        drop_by="global",
        n_neighbors=10,
        eta=0.5,
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
        random_state=0,
    ):
        self.contamination = contamination
        self.drop_by = drop_by
        self.n_neighbors = n_neighbors
        self.eta = eta
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins
        self.random_state = random_state

    def _fit_scores(self, rows, target):
        n_rows = rows.shape[0]
        self._index = RowIndex(rows, check_seed(self.random_state), tie=target.values)
        self._codes = target.values
        scores, suggested = self._ask(rows, target, min(self.n_neighbors, n_rows - 1), np.arange(n_rows))
        self._contradicted = suggested != target.values
        if target.classes is not None:
            self.suggested_labels_ = target.classes[suggested]
        return scores

    def _score(self, rows, target):
        return self._ask(rows, target, min(self.n_neighbors, len(self._codes)))[0]

    def _ask(self, rows, target, n_neighbors, own=None):
        """Share of neighbours with another label, and the label that is suggested."""
        codes = self._codes[self._index.nearest(rows, n_neighbors, own)[1]]
        n_agree = np.count_nonzero(codes == target.values[:, None], axis=1)
        common, n_common = _most_frequent(codes)
        # Shares are quotients: 0.3 · 10 is more than 3.
        contradicted = (n_common > n_agree) & (n_common >= self.eta * n_neighbors * (1.0 - 1e-12))
        return 1.0 - n_agree / n_neighbors, np.where(contradicted, common, target.values)

    def _select(self, scores, rows, target):
        if self.threshold is not None:
            return super()._select(scores, rows, target)
        # The others do not compete for the budget, and stay.
        return super()._select(np.where(self._contradicted, scores, -1.0), rows, target) | ~self._contradicted


def _most_frequent(codes):
    """Most frequent entry of each row, the smallest of several, and how often it is there."""
    codes = np.sort(codes, axis=1)
    common, n_common = codes[:, 0].copy(), np.zeros(len(codes), dtype=np.intp)
    length = np.zeros(len(codes), dtype=np.intp)
    for j in range(codes.shape[1]):
        length = np.where(codes[:, j] == codes[:, max(j - 1, 0)], length + 1, 1)
        longer = length > n_common
        common[longer], n_common[longer] = codes[longer, j], length[longer]
    return common, n_common
