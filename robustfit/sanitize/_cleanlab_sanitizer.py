"""cleanlab's label issues as a sanitizer."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral

import numpy as np

from robustfit._sklearn import Interval, StrOptions
from robustfit.sanitize._base_around_model import BaseAroundModel
from robustfit.sanitize._row_learner import out_of_fold

_SCORES = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
_FILTERS = (
    "prune_by_noise_rate",
    "prune_by_class",
    "both",
    "confident_learning",
    "predicted_neq_given",
    "low_normalized_margin",
    "low_self_confidence",
)


class CleanlabSanitizer(BaseAroundModel):
    """Leave out the rows whose labels cleanlab doubts. Needs ``pip install "cleanlab>=2.8"``.

    Parameters
    ----------
    estimator : classifier, default=None
        Gives probabilities to rows that it was not fitted on. If None, the logistic regression of `LossSanitizer`.
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows. At most that with ``filter_by``.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    quality : {"self_confidence", "normalized_margin", "confidence_weighted_entropy"}, default="self_confidence"
        cleanlab's measure of the quality of a label.
    filter_by : str, default=None
        One of cleanlab's rules for what an issue is, such as ``"prune_by_noise_rate"`` or ``"confident_learning"``:
        rows that are none stay. None leaves out the most suspicious rows, issues or not.
    n_folds : int, default=5
        Folds by which rows are given to models that have not seen them.
    threshold : float, default=None
        Leave out all rows with a larger score instead, whatever ``filter_by`` is.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    random_state : int, default=0
        Which rows share a fold, and source of those seeds of the estimator that are None.
    n_jobs : int, default=None
        Number of jobs for fitting the models.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        1 minus cleanlab's quality of the label, between 0 and 1.
    probabilities_ : ndarray of shape (n_samples, n_classes)
        Of the training rows, by models that have not seen them.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    estimator_ : estimator
        Fitted on the rows that are kept; `score_rows` asks it.
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    Raises
    ------
    ImportError
        From ``fit`` and ``score_rows``, if cleanlab is not installed.

    See Also
    --------
    LossSanitizer : Losses of rows under models that have not seen them; needs no other package.

    Notes
    -----
    With P the probabilities of a row and k its label, self-confidence is ``P[k]``, the normalized margin
    ``(P[k] − max_{j≠k} P[j] + 1) / 2``. cleanlab assumes labels that are wrong by chance, at a rate that depends on the
    class alone; poison is chosen to look right.

    cleanlab is imported when it is needed, and only then. It is under the Apache License 2.0 from version 2.8 on;
    versions up to 2.7.1 are under the GNU Affero General Public License, which is no licence to ship with a program of
    another one.

    References
    ----------
    .. [1] C. Northcutt, L. Jiang and I. Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
       Journal of Artificial Intelligence Research 70, 2021.

    Examples
    --------
    >>> from robustfit.sanitize import CleanlabSanitizer
    >>> sanitizer = CleanlabSanitizer(contamination=0.03, quality="normalized_margin")
    >>> sanitizer.fit(X, y).support_  # doctest: +SKIP
    """

    _target_kind = "classes"

    _parameter_constraints: dict = {
        **BaseAroundModel._parameter_constraints,
        **BaseAroundModel._by_class,
        "quality": [StrOptions(set(_SCORES))],
        "filter_by": [StrOptions(set(_FILTERS)), None],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
    }

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.05,
        drop_by="global",
        quality="self_confidence",
        filter_by=None,
        n_folds=5,
        threshold=None,
        min_per_class=0.5,
        random_state=0,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.drop_by = drop_by
        self.quality = quality
        self.filter_by = filter_by
        self.n_folds = n_folds
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _check_target(self, target):
        if target.classes is None:
            raise ValueError("Unknown label type: continuous. cleanlab looks for issues of labels; pass labels.")
        super()._check_target(target)

    def _fit_rows(self, rows, target, **given):
        super()._fit_rows(rows, target, **given)
        self.estimator_ = self._learner(rows, target, loss="log_loss").fit(self.sample_indices_)

    def _fit_scores(self, rows, target):
        # Before the models are fitted, which may take long.
        import_cleanlab()
        learner = self._learner(rows, target, loss="log_loss")
        self.probabilities_ = out_of_fold(learner, self.n_folds, self.n_jobs)
        return self._doubts(self.probabilities_, target)

    def _score(self, rows, target):
        learner = self._learner(rows, target, loss="log_loss")
        return self._doubts(learner.answers(self.estimator_, rows), target)

    def _doubts(self, probabilities, target):
        rank = import_cleanlab().rank
        quality = rank.get_label_quality_scores(target.values, probabilities, method=self.quality)
        return 1.0 - np.asarray(quality, dtype=np.float64)

    def _select(self, scores, rows, target):
        if self.filter_by is None or self.threshold is not None:
            return super()._select(scores, rows, target)
        find = import_cleanlab().filter.find_label_issues
        issues = np.asarray(find(target.values, self.probabilities_, filter_by=self.filter_by, n_jobs=1))
        # The others do not compete for the budget, and stay.
        return super()._select(np.where(issues, scores, -1.0), rows, target) | ~issues


def import_cleanlab():
    """Import cleanlab, which only this sanitizer needs.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import cleanlab.filter
        import cleanlab.rank
    except ImportError as error:
        raise ImportError(
            'CleanlabSanitizer needs cleanlab; install it with: pip install "cleanlab>=2.8" (Apache License 2.0). '
            "LossSanitizer asks the same models and needs no other package."
        ) from error
    return cleanlab
