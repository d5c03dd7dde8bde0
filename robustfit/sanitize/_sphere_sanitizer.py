"""Rows far from the centre of their class."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.certify import Sphere
from robustfit.sanitize._base_centered import BaseCentered
from robustfit.sanitize._centers import distances_to


class SphereSanitizer(BaseCentered):
    """Leave out the rows that are far from the centre of their class.

    Parameters
    ----------
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class. Poison that claims a
        small class may be a larger part of it, and ``"class"`` leaves what is beyond the share.
    center : {"median", "trimmed_mean", "geometric_median", "mean"}, default="median"
        Of the rows of a class. The mean is the published one; a few far rows move it. The median of a column that is
        mostly zero is zero.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Distance to the centre of the class, in units of the median distance in that class.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    centers_ : ndarray of shape (n_classes, n_features)
    units_ : ndarray of shape (n_classes,)
        Median distance of each class, in units of the features; that of the rows which are not at the centre, where
        half of the rows are.
    feasible_set_ : dict of label (number of the bin) to Sphere
        Where rows of each class may lie: as far out as the farthest one that is kept.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is binned.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    SlabSanitizer : Looks along the line between the classes only.

    Notes
    -----
    The score is ``‖x − μ_y‖ / median ‖x − μ_y‖``. Columns count as they are: scale them first. Rows that an attacker
    places inside the sphere pass; `robustfit.audit.certify_damage` bounds what those can do.

    References
    ----------
    .. [1] J. Steinhardt, P. W. Koh and P. Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import SphereSanitizer
    >>> X = np.array([[0.0], [1.0], [2.0], [50.0], [10.0], [11.0], [12.0], [13.0]])
    >>> y = np.array(["a", "a", "a", "a", "b", "b", "b", "b"])
    >>> SphereSanitizer(contamination=0.2).fit(X, y).support_
    array([ True,  True,  True, False,  True,  True,  True,  True])
    """

    def __init__(
        self,
        contamination=0.05,
        *,
        drop_by="global",
        center="median",
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

    def _distances(self, rows, code):
        return distances_to(rows, self.centers_[code])

    def _region(self, code, reach):
        return Sphere(self.centers_[code], reach)
