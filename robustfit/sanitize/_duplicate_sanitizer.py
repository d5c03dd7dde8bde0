"""Rows that repeat one another, exactly or nearly."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np
import scipy.sparse as sp

from robustfit._meta._seeds import check_seed
from robustfit._meta._selection import keep_smallest
from robustfit._sklearn import Interval
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._column_units import ColumnUnits
from robustfit.sanitize._copies import NEAR, choose, near_radius
from robustfit.sanitize._row_index import RowIndex

# Sums of shares round.
_SLACK = 1e-9


class DuplicateSanitizer(BaseSanitizer):
    """Leave out all but a few of the rows that repeat one another, exactly or nearly.

    Parameters
    ----------
    contamination : float, default=None
        Share of the rows to leave out at most, in [0, 0.5), rounded down to whole rows: those that have most copies
        go first. None for as many as there are too many.
    max_copies : int, default=5
        How many rows of a group of near-copies stay.
    tolerance : float, default=0.5
        Rows are near-copies if they are not farther apart than this share, from 0 to 1, of the distance at which a
        typical row has ``max_copies`` others. 0 for rows that are equal.
    random_state : int, default=0
        Which rows are the middles of cells, in classes of more than 10 000 rows.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Number of other rows of the class that are near-copies.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    radius_ : float
        Distance up to which rows are near-copies, in units of the columns (see Notes).
    classes_ : ndarray of shape (n_classes,)
        Not there if y holds numbers or is None.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    NeighborsSanitizer : Finds rows that are suspiciously far from others.
    robustfit.trimmed.LTSRegressor : Has ``max_copies`` as well.

    Notes
    -----
    Columns are measured in root mean squares of the differences from their median, the farthest 45 % left out; where a
    quarter of a column or more is one value in the middle, among the rows that differ from it, the farthest tenth left
    out. A column of which more than half is one value counts a third. Labels must be equal
    for rows to be copies; a y of numbers is one more column; without y only the features are compared. Let d be the
    median, over all rows, of the distance to the ``max_copies``-th nearest other row of the class. Rows up to
    ``tolerance · d`` apart are near-copies. Rows are taken in the order of their digests, and one that ``max_copies``
    near-copies were taken of is left out. So of equal rows ``max_copies`` stay, whatever their order, and no class
    loses all rows.

    As long as less than half of the rows are bad, d lies between two quantiles of the distances that good rows have:
    who sends copies cannot make them look far apart, nor good rows look like copies by sending distant ones. There are
    two exceptions: in columns that are constant for good rows jitter has no measure but itself, and columns that are
    largely one value hardly count if more than a tenth of the others are far out.

    A good row that happens to be repeated looks exactly like a copy. Where more than half of the rows have
    ``max_copies`` exact copies, fit refuses; where many are whole numbers, or good rows lie in clusters much denser
    than others, good rows go too: set ``tolerance=0`` there, or limit ``contamination``. Poison that is spread as
    widely as good rows are has no copies. In classes of more than 10 000 rows near-copies are searched in parts of
    the class, so single ones may be missed; groups are not.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import DuplicateSanitizer
    >>> X = np.random.default_rng(0).normal(size=(60, 4))
    >>> X[:20] = X[0] + 0.01 * X[:20]
    >>> sanitizer = DuplicateSanitizer(max_copies=2).fit(X, np.repeat(["a", "b"], 30))
    >>> sanitizer.support_[:20].sum(), sanitizer.support_[20:].sum()
    (np.int64(2), np.int64(40))
    >>> float(sanitizer.scores_[0])
    19.0
    """

    _target_kind = "any"
    _target_optional = True

    _parameter_constraints: dict = {
        "contamination": [Interval(Real, 0, 0.5, closed="left"), None],
        "max_copies": [Interval(Integral, 1, None, closed="left")],
        "tolerance": [Interval(Real, 0, 1, closed="both")],
        "random_state": "no_validation",
    }

    def __init__(self, contamination=None, *, max_copies=5, tolerance=NEAR, random_state=0):
        self.contamination = contamination
        self.max_copies = max_copies
        self.tolerance = tolerance
        self.random_state = random_state

    def _fit_scores(self, rows, target):
        seed, groups = check_seed(self.random_state), _groups(rows, target)
        self.radius_, self._indices = 0.0, None
        if self.tolerance > 0.0:
            wide = _with_numbers(rows, target)
            self._units = ColumnUnits(wide)
            table = self._units(wide)
            indices = [RowIndex(table[group], seed, content=wide[group]) for group in groups]
            nearest = self._nearest(table, indices, groups)
            self.radius_ = near_radius(nearest[:, -1], self.max_copies, self.tolerance)
        # Where most classes have no so many rows there is no typical distance.
        if self.radius_ == 0.0:
            self._seen, place, self._n_seen = np.unique(
                self._keys(rows, target), return_inverse=True, return_counts=True
            )
            return self._n_seen[place] - 1.0
        self._indices = indices
        scores = np.count_nonzero(nearest <= self.radius_, axis=1).astype(np.float64)
        crowded = scores >= self.max_copies
        for index, group in zip(indices, groups, strict=True):
            own = np.flatnonzero(crowded[group])
            counts = index.count_near(table[group[own]], self.radius_, own)
            scores[group[own]] = np.maximum(np.rint(counts), self.max_copies)
        return scores

    def _nearest(self, table, indices, groups):
        nearest = np.full((table.shape[0], self.max_copies), np.inf)
        for index, group in zip(indices, groups, strict=True):
            if len(group) > self.max_copies:
                nearest[group] = index.nearest(table[group], self.max_copies, np.arange(len(group)))[0]
        return nearest

    def _score(self, rows, target):
        if (target is None) != (self.target_ is None):
            raise ValueError(
                "DuplicateSanitizer was fitted without y, so leave y out here too."
                if self.target_ is None
                else "DuplicateSanitizer was fitted with y: of rows to score it needs y as well."
            )
        if self._indices is None:
            keys = self._keys(rows, target)
            place = np.minimum(np.searchsorted(self._seen, keys), len(self._seen) - 1)
            return np.where(self._seen[place] == keys, self._n_seen[place], 0)
        table, scores = self._units(_with_numbers(rows, target)), np.zeros(rows.shape[0])
        for index, group in zip(self._indices, _groups(rows, target), strict=True):
            scores[group] = np.rint(index.count_near(table[group], self.radius_))
        return scores

    def _select(self, scores, rows, target):
        keys, crowded = self._keys(rows, target), scores >= self.max_copies
        table = rows if self._indices is None else self._units(_with_numbers(rows, target))
        groups = [group[crowded[group]] for group in _groups(rows, target)]
        dropped = crowded & ~choose(table, groups, keys, self.radius_, self.max_copies)
        if self.contamination is None:
            return ~dropped
        most = int(self.contamination * len(scores) * (1.0 + _SLACK))
        n_kept = len(scores) - min(most, np.count_nonzero(dropped))
        return keep_smallest(np.where(dropped, scores, -1.0), n_kept, lambda: keys)


def _groups(rows, target):
    return [np.arange(rows.shape[0])] if target is None else target.groups()


def _with_numbers(rows, target):
    """Rows, with a target of numbers as one more column."""
    if target is None or target.coded:
        return rows
    if sp.issparse(rows):
        return sp.csr_array(sp.hstack([rows, sp.csr_array(target.values[:, None])]))
    return np.column_stack([rows, target.values])
