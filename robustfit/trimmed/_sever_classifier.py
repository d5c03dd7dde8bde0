"""Sever around a linear classifier."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets

from robustfit._meta._hands_on import HandsOnScores
from robustfit._sklearn import StrOptions
from robustfit.sanitize._linear._linear_losses import CLASSIFIERS
from robustfit.trimmed._base_sever import BaseSever


class SeverClassifier(HandsOnScores, ClassifierMixin, BaseSever):
    """Fit a linear classifier without the rows whose gradients stand out together.

    Each round fits the learner, finds for each class the direction along which the gradients of its rows spread most
    and drops the rows that are farthest out along it: a minority can only move the fit by gradients that do.

    Parameters
    ----------
    estimator : estimator, default=None
        Linear classifier of scikit-learn whose loss is known: LogisticRegression (if None), RidgeClassifier, both also
        in the form that chooses its penalty by cross-validation, LinearSVC, SGDClassifier with the loss "hinge",
        "squared_hinge", "log_loss" or "squared_error". Scale the columns first.
    contamination : float, default=0.1
        Share of rows to drop, in [0, 0.5); with 0 the learner is fitted as it is.
    n_rounds : int, default=8
        Rounds in which they are dropped. Each is one fit.
    filter_by : {"class", "all"}, default="class"
        Drop the same share of each class, along a direction of its own; or drop along one direction for all classes.
        The latter is better where the bad labels are of one class, and no worse where they are random; the former
        holds out longer where the bad labels are the farthest ones.
    threshold : {"top", "random"}, default="top"
        Drop the same number of rows each round; or those whose score exceeds a random part of the largest one, as long
        as the spread is larger than that of the middle rows explains. Then ``contamination`` is the most that can be
        dropped.
    final : {"concentrate"} or None, default="concentrate"
        Afterwards let all rows, of whatever class, compete for the smallest loss, and fit to as many as were kept,
        until the sum of their losses does not fall any more. At least half of each class stays.
    random_state : int, default=0
        Non-negative. Seeds the thresholds, and the learner where it leaves its own seed open.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    estimator_ : estimator
        The learner, fitted on the rows kept.
    coef_, intercept_ : ndarray
        Those of ``estimator_``.
    support_ : ndarray of shape (n_samples,), bool
        The rows kept. With ``threshold="top"`` all but Σ_c ⌊contamination · n_c⌋ for classes of n_c rows, whatever
        ties; with ``filter_by="class"`` and ``final=None`` so many of each class.
    scores_ : ndarray of shape (n_samples,)
        Squared distance of each row's gradient from the mean of the rows kept (of its class), along the direction in
        which those spread most; for rows of weight zero NaN.
    history_ : list of dict
        One entry per fit: ``stage`` ("start", "filter" or "concentrate"), ``n_kept``, the mean ``loss`` of the rows
        kept and, after a filter, the largest ``variance`` along a direction that was filtered.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if the loss of the learner is not known or the contamination is out of range.

    See Also
    --------
    RobustGradientClassifier : Drops anew in every step of a descent from a robust start.
    TrimmedClassifier : Trimmed losses around any classifier.

    Notes
    -----
    For scores f of one or several outputs the gradient of row i is g_i = vec((z_i, 1) l'(y_i, f_i)ᵀ), where z_i has the
    median taken off and is divided by a robust scale, column by column; its score is (⟨g_i − ḡ, v⟩)² with v the top
    right-singular vector of the centred g_i of its class [1]_. The table of gradients is not formed.

    No filter of this kind, nor any that sees nothing but these rows, can tell which of two halves of a class is right.

    References
    ----------
    .. [1] I. Diakonikolas, G. Kamath, D. Kane, J. Li, J. Steinhardt and A. Stewart, "Sever: A robust meta-algorithm
       for stochastic optimization", ICML 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.trimmed import SeverClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2)) + np.repeat([[-2.0, 0.0], [2.0, 0.0]], 150, axis=0)
    >>> y = np.repeat(["a", "b"], 150)
    >>> y[np.argsort(X[:, 0])[:40]] = "b"
    >>> model = SeverClassifier(contamination=0.2).fit(X, y)
    >>> model.predict([[-2.0, 0.0], [2.0, 0.0]]).tolist(), int(model.support_.sum())
    (['a', 'b'], 240)
    """

    _known = CLASSIFIERS
    _general = "TrimmedClassifier"

    _parameter_constraints: dict = {
        **BaseSever._parameter_constraints,
        "filter_by": [StrOptions({"class", "all"})],
    }

    def __init__(
        self,
        estimator=None,
        *,
        contamination=0.1,
        n_rounds=8,
        filter_by="class",
        threshold="top",
        final="concentrate",
        random_state=0,
    ):
        self.estimator = estimator
        self.contamination = contamination
        self.n_rounds = n_rounds
        self.filter_by = filter_by
        self.threshold = threshold
        self.final = final
        self.random_state = random_state

    def _default_estimator(self):
        return LogisticRegression()

    def _read_target(self, y, index):
        check_classification_targets(y)
        self.classes_, codes = np.unique(y[index], return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "SeverClassifier needs rows of two classes or more whose sample_weight is not zero, got one class: "
                f"{self.classes_.tolist()}."
            )
        return codes.astype(np.intp)

    def _groups(self, codes):
        if self.filter_by == "all":
            return [np.arange(len(codes))]
        return [np.flatnonzero(codes == code) for code in np.unique(codes)]
