"""Any detector of outliers as a sanitizer, class by class."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.ensemble import IsolationForest
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import LocalOutlierFactor
from sklearn.utils import get_tags

from robustfit._meta._robust_scale import robust_location_scale
from robustfit._meta._seeds import check_seed, member_seed, set_open_seeds
from robustfit._meta._selection import row_keys
from robustfit._meta._warn import warn_caller
from robustfit._sklearn import HasMethods, StrOptions, fit_context
from robustfit.sanitize._base_sanitizer import BaseSanitizer
from robustfit.sanitize._centers import center_of, distances_to
from robustfit.sanitize._detector_scores import (
    check_sign,
    is_frozen,
    known_sign,
    last_step,
    method_of,
    training_scores,
)

# Share of the rows that are nearest to the centre, and farthest from it, that show which way round scores are.
_ENDS = 0.1
_FEWEST_AT_ENDS = 5


class OutlierSanitizer(MetaEstimatorMixin, BaseSanitizer):
    """Leave out the rows that a detector of outliers finds the strangest of their class.

    Parameters
    ----------
    detector : estimator, default=None
        Anything with ``fit`` and a method that scores rows, such as those of scikit-learn and PyOD, or a pipeline that
        ends in one; ``IsolationForest()`` if None. Clones are fitted; a `sklearn.frozen.FrozenEstimator` around a
        fitted detector is asked as it is.
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows. The detector's own ``contamination``
        has no say in it.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    score_method : str, default="auto"
        Method that scores rows; ``"auto"`` takes ``score_samples`` if there is one, else ``decision_function``.
    higher_is : {"normal", "outlier"}, default=None
        What a high score means. Known of scikit-learn's own methods, where it is ``"normal"``; of all others it has to
        be said. In PyOD high values of ``decision_function`` mean ``"outlier"``.
    by_class : bool, default=True
        Whether each class has a detector of its own. If not, one looks at all rows, and y may be left out.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    n_bins : int, default=None
        Number of bins of equal counts of y that stand for classes, where y holds numbers.
    random_state : int, default=0
        Source of those seeds of the detectors that are None.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        How much stranger a row is than the median of its class, in robust standard deviations of the scores of that
        class; 0 for the only row of a class.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    detectors_ : list
        The fitted detectors, one per class, None for a class of one row; a single one with ``by_class=False``.
    higher_is_ : {"normal", "outlier"}
        The sign that was used.
    classes_ : ndarray of shape (n_classes,)
        Not there if y is missing, binned or holds numbers.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    Raises
    ------
    ValueError
        From ``fit``, if the sign is not known or contradicts scikit-learn's, or a detector cannot be fitted on a class.

    Warns
    -----
    UserWarning
        If the sign that was declared makes rows in the middle of their class stranger than those far out: then it is
        probably the wrong one. A wrong sign leaves out the most ordinary rows and keeps the poison.

    See Also
    --------
    SphereSanitizer : Distance to the centre of the class.

    Notes
    -----
    With s the detector's score, turned so that high means strange, rows score ``(s − median s) / (1.4826 MAD s)`` with
    the median and median absolute deviation over the rows of the class, so that one budget serves all classes.

    Detectors see rows in an order that depends on their content alone. Training rows are scored as the detector itself
    scores them: a `sklearn.neighbors.LocalOutlierFactor` by ``negative_outlier_factor_``, with
    ``novelty`` or without, and detectors of PyOD by ``decision_scores_``. So `score_rows` may say something else of
    them, since a training row is then a neighbour of itself.

    Detectors know nothing of models: poison need not be strange to be harmful, and usually is not.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import LocalOutlierFactor
    >>> from robustfit.sanitize import OutlierSanitizer
    >>> X = np.array([[0.0], [0.5], [1.0], [1.5], [7.0], [20.0], [20.5], [21.0], [21.5], [22.0]])
    >>> y = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    >>> OutlierSanitizer(LocalOutlierFactor(n_neighbors=2), contamination=0.1).fit(X, y).support_.astype(int)
    array([1, 1, 1, 1, 0, 1, 1, 1, 1, 1])
    """

    _parameter_constraints: dict = {
        **BaseSanitizer._parameter_constraints,
        "detector": [HasMethods(["fit"]), None],
        "score_method": [str],
        "higher_is": [StrOptions({"normal", "outlier"}), None],
        "by_class": ["boolean"],
        "random_state": "no_validation",
    }

    def __init__(
        self,
        detector=None,
        *,
        contamination=0.05,
        drop_by="global",
        score_method="auto",
        higher_is=None,
        by_class=True,
        threshold=None,
        min_per_class=0.5,
        n_bins=None,
        random_state=0,
    ):
        self.detector = detector
        self.contamination = contamination
        self.drop_by = drop_by
        self.score_method = score_method
        self.higher_is = higher_is
        self.by_class = by_class
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.n_bins = n_bins
        self.random_state = random_state

    @property
    def _target_kind(self):
        return "classes" if self.by_class else "any"

    @property
    def _target_optional(self):
        return not self.by_class

    @fit_context(
        # The detector is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y=None):
        """Fit the detectors and choose the rows to keep.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Finite numbers.
        y : array-like of shape (n_samples,), default=None
            May be left out with ``by_class=False``.

        Returns
        -------
        self : object
        """
        self._fit_rows(*self._read(X, y, reset=True))
        return self

    def _fit_scores(self, rows, target):
        random_state = check_seed(self.random_state)
        detector = self._detector()
        self._method = method_of(detector, self.score_method)
        self.higher_is_ = check_sign(detector, self._method, self.higher_is)
        groups = self._groups(rows, target)
        # Many detectors draw rows by their positions.
        place = np.argsort(row_keys(rows, np.zeros(rows.shape[0])), kind="stable")
        self.detectors_, self.locations_, self.units_ = [], np.zeros(len(groups)), np.ones(len(groups))
        scores = np.zeros(rows.shape[0])
        for code, group in enumerate(groups):
            if len(group) < 2:
                self.detectors_.append(None)
                continue
            inside = np.zeros(rows.shape[0], dtype=bool)
            inside[group] = True
            ordered = place[inside[place]]
            fitted = set_open_seeds(clone(detector), member_seed(random_state, code))
            self._fit_detector(fitted, rows[ordered], target, code)
            strange = self._turn(training_scores(fitted, self._method, rows[ordered]))
            location, scale = robust_location_scale(strange[:, None])
            self.locations_[code], self.units_[code] = location[0], scale[0]
            scores[ordered] = (strange - location[0]) / scale[0]
            self.detectors_.append(fitted)
        if known_sign(detector, self._method) is None:
            self._warn_if_reversed(rows, groups, scores)
        return scores

    def _detector(self):
        detector = IsolationForest() if self.detector is None else self.detector
        if isinstance(detector, type):
            raise TypeError(f"detector must be an instance, got the class {detector.__name__}; call it.")
        last = last_step(detector)
        if isinstance(last, LocalOutlierFactor) and not is_frozen(detector):
            # It learns the same either way, but only so it scores other rows.
            detector = clone(detector)
            last_step(detector).set_params(novelty=True)
        return detector

    def _groups(self, rows, target):
        return target.groups() if self.by_class else [np.arange(rows.shape[0])]

    def _fit_detector(self, fitted, rows, target, code):
        if isinstance(fitted, FrozenEstimator):
            # Makes sure that it is fitted.
            fitted.fit(rows, None)
            return
        try:
            fitted.fit(rows)
        except ValueError as error:
            if not self.by_class:
                raise
            raise ValueError(
                f"The detector cannot be fitted on the {rows.shape[0]} rows of class {target.labels[code]!r}: {error} "
                "(by_class=False looks at all rows at once.)"
            ) from error

    def _turn(self, given):
        given = np.asarray(given, dtype=np.float64)
        if wrong := int(np.isnan(given).sum()):
            raise ValueError(f"The detector scores {wrong} of {len(given)} rows NaN, so they cannot be ranked.")
        # Of what is beyond all floats the difference would be no number.
        largest = np.finfo(np.float64).max / 4
        return np.clip(given if self.higher_is_ == "outlier" else -given, -largest, largest)

    def _score(self, rows, target):
        scores = np.zeros(rows.shape[0])
        groups = self._groups(rows, target)
        for code, group in enumerate(groups):
            if len(group) and self.detectors_[code] is not None:
                strange = self._turn(getattr(self.detectors_[code], self._method)(rows[group]))
                scores[group] = (strange - self.locations_[code]) / self.units_[code]
        return scores

    def _warn_if_reversed(self, rows, groups, scores):
        near, far = [], []
        for group in groups:
            n_ends = int(_ENDS * len(group))
            if n_ends >= _FEWEST_AT_ENDS:
                order = group[np.argsort(distances_to(rows[group], center_of(rows[group], "median")), kind="stable")]
                near.append(scores[order[:n_ends]])
                far.append(scores[order[-n_ends:]])
        if near and np.median(np.concatenate(near)) > np.median(np.concatenate(far)):
            name = f"{type(last_step(self._detector())).__name__}.{self._method}"
            warn_caller(
                f"With higher_is={self.higher_is!r} the {_ENDS:.0%} of the rows nearest to the centre of their class "
                f"are stranger than the {_ENDS:.0%} farthest from it. Look up what high values of {name} mean: if "
                "it is the opposite, the most ordinary rows are left out.",
                UserWarning,
            )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.detector is not None and not isinstance(self.detector, type):
            inner = get_tags(self.detector)
            tags.input_tags.sparse = inner.input_tags.sparse
            tags.input_tags.positive_only = inner.input_tags.positive_only
        return tags
