"""Rows that a model which has not seen them finds wrong."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Integral, Real

import numpy as np

from robustfit._sklearn import Interval, StrOptions
from robustfit.sanitize._base_around_model import BaseAroundModel
from robustfit.sanitize._leave_cluster_out._readmission import suggest
from robustfit.sanitize._responses import CLASSIFICATION_LOSSES, REGRESSION_LOSSES
from robustfit.sanitize._row_learner import out_of_fold, residual_units

# Losses of residuals that have a unit; a deviance has its own.
_IN_UNITS = ("auto", "absolute_error", "squared_error")


class LossSanitizer(BaseAroundModel):
    """Leave out the rows with the largest losses under models that have not seen them.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier or regressor. If None, logistic regression of rows in robust units (columns around their medians,
        divided by the median absolute deviation, cut at ±3) whose length is cut at the lower quartile of all; or ridge
        regression in robust units, of rows that weigh less the more they are longer than that. The penalty is λ = 0.002
        per row. Then y holds numbers if some are not whole, or if there are more than 20 different ones and fewer than
        four rows of each; else labels.
    contamination : float, default=0.05
        Share of the rows to leave out, in [0, 0.5), rounded down to whole rows.
    least_loss : float, default=None
        Rows with a smaller loss stay in any case, however few are left out. Of clean rows there are always some with
        the largest losses: without a limit these go.
    drop_by : {"global", "class"}, default="global"
        Whether the most suspicious rows of all are left out, or the same share of each class.
    n_folds : int, default=5
        Number of folds. Those of a row are all the rows with the same features.
    loss : str or callable, default="auto"
        For classifiers ``"log_loss"`` (needs ``predict_proba``) or ``"hinge"`` of half the lead over the best other
        class (needs ``decision_function``), the first that the estimator has if ``"auto"``. For regressors
        ``"absolute_error"`` (if ``"auto"``), ``"squared_error"``, and the half deviances ``"poisson"`` and
        ``"gamma"``. Or a function of targets (codes of the sorted classes, or numbers) and answers that returns one
        number per row.
    threshold : float, default=None
        Leave out all rows with a larger score instead.
    min_per_class : int or float, default=0.5
        Rows, or share of the rows, of each class that stay in any case.
    random_state : int, default=0
        Seeds the folds, and what the estimator leaves open. Not negative.
    n_jobs : int, default=None
        Number of fits that run at the same time.

    Attributes
    ----------
    scores_ : ndarray of shape (n_samples,)
        Losses out of fold: for classifiers in nats (hinge: in units of the margin), for regressors losses of residuals
        whose median is taken off and which are divided by their robust scale (deviances: as they are). A loss that is
        no number, or infinite, counts as the largest one.
    support_ : ndarray of shape (n_samples,), bool
        Rows that are kept.
    sample_indices_ : ndarray of shape (n_kept,)
        Their positions.
    contamination_ : float
        Share of the rows that were left out.
    suggested_labels_ : ndarray of shape (n_samples,)
        For a row that was left out the label, or number, that the model which has not seen it expects; for others what
        y says.
    estimator_ : estimator
        Fitted to the rows kept; `score_rows` asks it.
    classes_ : ndarray of shape (n_classes,)
        Not there for regression.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        If X has column names that are all strings.

    See Also
    --------
    InfluenceSanitizer : What leaving a row out does to the losses of others.
    robustfit.trimmed.TrimmedClassifier : Fits again and again to the rows with the smallest losses.

    Notes
    -----
    Folds follow from the features of the rows and from the seed, so that the order of the rows means nothing, and rows
    with equal features share one: no row is judged by a model that has seen a copy of it, whatever its label. Classes
    are dealt out evenly. A class of which a model has seen no row is the last one that it would name.

    Random folds share the poison: rows that agree with each other, if they are many or far out, win the models that
    judge them. Against such rows `LeaveClusterOutSanitizer` is made.

    References
    ----------
    .. [1] P. W. Koh, J. Steinhardt and P. Liang, "Stronger Data Poisoning Attacks Break Data Sanitization Defenses",
       Machine Learning 111, 2022. The loss defence, there of a model that has seen the rows.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.sanitize import LossSanitizer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(100, 2)) + np.repeat([[-3.0], [3.0]], 50, axis=0)
    >>> y = np.repeat(["a", "b"], 50)
    >>> y[:3] = "b"
    >>> np.flatnonzero(~LossSanitizer(contamination=0.03).fit(X, y).support_)
    array([0, 1, 2])
    """

    _parameter_constraints: dict = {
        **BaseAroundModel._parameter_constraints,
        **BaseAroundModel._by_class,
        "least_loss": [Interval(Real, 0, None, closed="left"), None],
        "n_folds": [Interval(Integral, 2, None, closed="left")],
        "loss": [StrOptions({"auto", *CLASSIFICATION_LOSSES, *REGRESSION_LOSSES}), callable],
    }

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.05,
        least_loss=None,
        drop_by="global",
        n_folds=5,
        loss="auto",
        threshold=None,
        min_per_class=0.5,
        random_state=0,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.least_loss = least_loss
        self.drop_by = drop_by
        self.n_folds = n_folds
        self.loss = loss
        self.threshold = threshold
        self.min_per_class = min_per_class
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _fit_rows(self, rows, target, **given):
        super()._fit_rows(rows, target, **given)
        self.estimator_ = self._learner(rows, target, loss=self.loss).fit(self.sample_indices_)

    def _fit_scores(self, rows, target):
        learner = self._learner(rows, target, loss=self.loss)
        answers = out_of_fold(learner, self.n_folds, self.n_jobs)
        self._expected = answers if target.classes is None else answers.argmax(axis=1)
        self._units = (0.0, 1.0)
        if target.classes is None and self.loss in _IN_UNITS:
            self._units = residual_units(target.values, answers)
        return as_scores(learner.losses(answers, target.values, self._units))

    def _select(self, scores, rows, target):
        kept = super()._select(scores, rows, target)
        return kept if self.least_loss is None else kept | (scores < self.least_loss)

    def _keep(self, scores, kept, target):
        super()._keep(scores, kept, target)
        self.suggested_labels_ = suggest(target, kept, self._expected)
        del self._expected

    def _score(self, rows, target):
        learner = self._learner(rows, target, loss=self.loss)
        return as_scores(learner.losses(learner.answers(self.estimator_, rows), target.values, self._units))


def as_scores(losses):
    """Losses that are no number, or infinite, as the largest that is a number."""
    known = losses[np.isfinite(losses)]
    return np.where(np.isfinite(losses), losses, known.max(initial=0.0))
