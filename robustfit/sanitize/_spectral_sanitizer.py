"""Rows that the main directions of the data do not explain, or that stand out along that of their class."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from robustfit._meta._seeds import check_seed
from robustfit._sklearn import Interval, StrOptions
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._centers import CENTERS, center_of, squared_lengths, unit_of
from robustfit.sanitize._directions import top_directions

# Lengths of what is left of a row, in lengths of the row, that rounding makes.
_ROUNDING = 1e-7


class SpectralSanitizer(BaseSanitizer):
    """Leave out rows that the main directions of the data do not explain, or that stand out along that of their class.

    Parameters
    ----------
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows. Rows whose score is 0 stay, so it may
        be fewer.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class. Poison that claims a
        small class may be a larger part of it, and ``"class"`` leaves what is beyond the share.
    mode : {"residual", "signature"}, default="residual"
        Look at what the main directions of all rows leave of a row, or at a row's part along the main direction of its
        class.
    energy : float, default=0.95
        Share of the sum of squares that the main directions explain, for ``"residual"``.
    n_components : int, default=100
        Directions at most, for ``"residual"``, where that share takes more.
    center : {"median", "trimmed_mean", "geometric_median", "mean"}, default="geometric_median"
        Of the rows of a class. The mean is the published one; a few far rows move it.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.
    random_state : int, default=0
        Where the search for directions starts, with more than 1000 columns.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Length of the residual, or squared part along the direction, in units of its median over the class.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    centers_ : ndarray of shape (n_classes, n_features)
    directions_ : ndarray of shape (n_directions, n_features)
        With ``"residual"``, orthogonal and of length 1: they span the main directions and the centres. With
        ``"signature"``, one of length 1 for each class, or zero for a class of equal rows.
    units_ : ndarray of shape (n_classes,)
        Median of the lengths or squares of each class; of those that are not 0, where half of them are.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is binned.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    GradientSanitizer : Signatures of the gradients of a linear learner.

    Notes
    -----
    *Residual* [1]_. Let P be the projection on the span of the centres ``μ_y`` and of the fewest right singular
    vectors of the rows, as they are, that hold 95 % of the energy. The score is ``‖x − P x‖``, which is
    ``‖(I − P)(x − μ_y)‖``. Rows longer than the median row of their class count as that long in the search for the
    directions, since a few long rows would else choose them. Where few columns are there, or one is much longer than
    the others, the span is all that there is, and all scores are 0.

    *Signature* [2]_. Let v be the top right singular vector of the rows of class y, each minus their mean. The score is
    ``⟨x − μ_y, v⟩²``. The vector is that of [2]_, so poison which spreads less than the class does leaves no signature;
    only what it is compared with is robust.

    Columns count as they are: scale them first. Sparse rows stay sparse; with more than 1000 columns, directions are
    found by iterating a subspace until what it explains changes by less than 0.01 %, 12 times at most.

    References
    ----------
    .. [1] P. W. Koh, J. Steinhardt and P. Liang, "Stronger data poisoning attacks break data sanitization defenses",
       Machine Learning, 2022.
    .. [2] B. Tran, J. Li and A. Mądry, "Spectral Signatures in Backdoor Attacks", NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import SpectralSanitizer
    >>> X = np.random.default_rng(0).normal(size=(100, 20)) * np.r_[[5.0] * 5, [0.5] * 15]
    >>> X[:3, 10:] += 2.0
    >>> y = np.arange(100) % 2
    >>> SpectralSanitizer(contamination=0.03).fit(X, y).support_[:5]
    array([False, False, False,  True,  True])
    """

    _parameter_constraints: dict = {
        **BaseSanitizer._parameter_constraints,
        "mode": [StrOptions({"residual", "signature"})],
        "energy": [Interval(Real, 0, 1, closed="right")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "center": [StrOptions(set(CENTERS))],
        "random_state": "no_validation",
    }

    def __init__(
        self,
        contamination=0.05,
        *,
        drop_by="global",
        mode="residual",
        energy=0.95,
        n_components=100,
        center="geometric_median",
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
        random_state=0,
    ):
        self.contamination = contamination
        self.drop_by = drop_by
        self.mode = mode
        self.energy = energy
        self.n_components = n_components
        self.center = center
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins
        self.random_state = random_state

    def _fit_scores(self, rows, target):
        seed, groups = check_seed(self.random_state), target.groups()
        self.centers_ = np.array([center_of(rows[group], self.center) for group in groups])
        if self.mode == "residual":
            self.directions_ = self._span(rows, groups, seed)
        else:
            self.directions_ = np.array([_signature(rows[group], seed) for group in groups])
        amounts = self._amounts(rows, target)
        self.units_ = np.array([unit_of(amounts[group]) for group in groups])
        return amounts / self.units_[target.values]

    def _span(self, rows, groups, seed):
        lengths, weights = np.sqrt(squared_lengths(rows)), np.ones(rows.shape[0])
        for group in groups:
            typical = unit_of(lengths[group])
            weights[group] = typical / np.maximum(lengths[group], typical)
        found = top_directions(rows, weights=weights, energy=self.energy, n_most=self.n_components, seed=seed)
        # Centres count by where they point: in other units they would vanish among directions of length 1.
        sizes = np.linalg.norm(self.centers_, axis=1)
        centers = self.centers_[sizes > 0.0] / sizes[sizes > 0.0, None]
        return scipy.linalg.orth(np.column_stack([found, centers.T])).T

    def _score(self, rows, target):
        return self._amounts(rows, target) / self.units_[target.values]

    def _amounts(self, rows, target):
        if self.mode == "residual":
            return _residuals(rows, self.directions_)
        along = np.empty(rows.shape[0])
        for code, group in enumerate(target.groups()):
            direction = self.directions_[code]
            along[group] = rows[group] @ direction - self.centers_[code] @ direction
        with np.errstate(over="ignore"):
            return along**2

    def _select(self, scores, rows, target):
        return super()._select(scores, rows, target) | (scores == 0.0)


def _signature(rows, seed):
    """Top right singular vector of rows minus their mean; zero where they are equal."""
    mean = np.asarray(rows.mean(axis=0)).ravel()
    found = top_directions(rows, center=mean, seed=seed)
    return found[:, 0] if found.shape[1] else np.zeros(rows.shape[1])


def _residuals(rows, directions):
    """Length of what directions leave of each row."""
    along = rows @ directions.T
    squares = squared_lengths(rows)
    far = np.isinf(squares)
    with np.errstate(invalid="ignore", over="ignore"):
        if sp.issparse(rows):
            left = np.sqrt(np.maximum(squares - np.einsum("ij,ij->i", along, along), 0.0))
        else:
            left = np.sqrt(squared_lengths(rows - along @ directions))
    left[left <= _ROUNDING * np.sqrt(squares)] = 0.0
    # Beyond the range of floats nothing is known of a row but that it is far.
    return np.where(far, np.inf, left)
