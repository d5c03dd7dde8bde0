"""Rows far from the centre of their class along the line to the other classes."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.certify import Slab
from robustfit.sanitize._base_centered import BaseCentered

NO_LINE = 1e-12
"""Centres that differ by less than this share of their size differ by what is left of rounding: no direction."""


class SlabSanitizer(BaseCentered):
    """Leave out the rows that are far from the centre of their class along the line to the other classes.

    Parameters
    ----------
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class. Poison that claims a
        small class may be a larger part of it, and ``"class"`` leaves what is beyond the share.
    center : {"median", "trimmed_mean", "geometric_median", "mean"}, default="geometric_median"
        Of the rows of a class. The mean is the published one; a few far rows move it. The median of a column that is
        mostly zero is zero, so where most are, medians give no line.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Distance to the centre of the class along the line, in units of the median distance in that class.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    centers_ : ndarray of shape (n_classes, n_features)
    normals_ : ndarray of shape (n_classes, n_features)
        Directions of the lines, of length 1; zero for a class whose centre is that of the others.
    units_ : ndarray of shape (n_classes,)
        Median distance of each class, in units of the features; that of the rows which are not in the middle, where
        half of the rows are.
    feasible_set_ : dict of label (number of the bin) to Slab
        Where rows of each class may lie: as far out as the farthest one that is kept.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is binned.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    SphereSanitizer : Looks in all directions alike.
    SanitizerChain : Both, one after the other.

    Notes
    -----
    The score is ``|⟨x − μ_y, v_y⟩| / median |⟨x − μ_y, v_y⟩|``, where ``v_y`` points from the centre of the centres of
    the other classes to ``μ_y``. It finds rows that lie on the side of another class, and rows far beyond their own,
    in as many columns as there may be: what happens across the line does not count. So a row may be anywhere in all
    other directions. Columns count as they are: scale them first.

    References
    ----------
    .. [1] J. Steinhardt, P. W. Koh and P. Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import SlabSanitizer
    >>> X = np.array([[0.0, 9.0], [1.0, -9.0], [2.0, 0.0], [10.0, 1.0], [9.0, 0.0], [10.0, 1.0], [11.0, 5.0]])
    >>> y = np.array(["a", "a", "a", "a", "b", "b", "b"])
    >>> SlabSanitizer(contamination=0.2).fit(X, y).support_
    array([ True,  True,  True, False,  True,  True,  True])
    """

    def __init__(
        self,
        contamination=0.05,
        *,
        drop_by="global",
        center="geometric_median",
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
    ):
        self.contamination = contamination
        self.drop_by = drop_by
        self.center = center
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins

    def _fit_scores(self, rows, target):
        if len(target.labels) < 2:
            raise ValueError(
                f"A slab lies between two classes, but y has one class only: {target.labels}. Leave this filter out, "
                "or use SphereSanitizer."
            )
        return super()._fit_scores(rows, target)

    def _find_centers(self, classes):
        super()._find_centers(classes)
        self.normals_ = _normals(self.centers_)

    def _distances(self, rows, code):
        normal = self.normals_[code]
        return np.abs(rows @ normal - self.centers_[code] @ normal)

    def _region(self, code, reach):
        return Slab(self.centers_[code], self.normals_[code], reach)


def _normals(centers):
    """Unit vectors from the centre of the other centres to each."""
    others = (centers.sum(axis=0) - centers) / (len(centers) - 1)
    lines = centers - others
    lengths = np.linalg.norm(lines, axis=1)
    lengths[lengths <= NO_LINE * np.linalg.norm(centers, axis=1).max()] = np.inf
    return lines / lengths[:, None]
