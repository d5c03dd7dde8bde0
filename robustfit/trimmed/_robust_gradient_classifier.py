"""Linear classification by gradient descent with filtered means."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from robustfit._meta._by_scores import ByScores
from robustfit._sklearn import StrOptions, fit_context
from robustfit.losses import LOGISTIC, MULTINOMIAL, SQUARED_HINGE
from robustfit.trimmed._base_robust_gradient import BaseRobustGradient
from robustfit.trimmed._sever._sever import Severed
from robustfit.trimmed._wrapper._filter import believed

# As in trimmed classifiers: a label is believed if no other is more than nine times as likely; the second fit knows
# rows that were hard, and later ones add little.
_ODDS = 9.0
_READMISSIONS = 2


def _is_logistic(self):
    return self.loss == "log_loss"


class RobustGradientClassifier(ByScores, ClassifierMixin, BaseRobustGradient):
    """Linear classification by gradient descent in which each mean gradient is a robust mean.

    The descent begins at zero, where no row has been fitted yet, and in every step drops anew the rows whose gradients
    stand out: none is lost for good, and none holds the first fit.

    Parameters
    ----------
    loss : {"log_loss", "squared_hinge"}, default="log_loss"
        Of logistic regression (multinomial for more than two classes), or of support vector machines (one class against
        the rest).
    contamination : float, default=0.1
        Share of rows that are dropped from each mean, in [0, 0.5).
    alpha : float, default=0.003
        Price of half the squared slopes, of columns in robust units, against the mean loss. Rows that disagree are left
        out, so that classes tend to be separated: without a price there may be no minimum.
    n_rounds : int, default=4
        Rounds of each filter.
    filter_by : {"all", "class"}, default="all"
        Filter the gradients of all rows together; or drop the same share of each class, along directions of its own,
        which is better where bad labels are of all classes and many.
    final : {"readmit", "concentrate"} or None, default="readmit"
        What follows: least trimmed losses from where the descent ended, with as many rows left out, and then fits also
        to the rows left out whose labels the fit believes: no other is more than nine times as likely, or (of support
        vector machines) better by more than 1.5. Or the former alone; or nothing.
    fit_intercept : bool, default=True
    max_iter : int, default=30
        Most steps.
    tol : float, default=1e-4
        Relative size of a step that ends the descent, if it is on the same rows as the one before.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    support_ : ndarray of shape (n_samples,), bool
        The rows that the model was fitted to: at least half of each class, and all but Σ_c ⌊contamination · n_c⌋ for
        classes of n_c rows, or more if rows were taken back.
    history_ : list of dict
        For each step ``stage`` ("descent", "concentrate" or "readmit"), ``n_kept`` and the mean ``loss`` of the rows
        kept.
    n_iter_ : int
        Steps of the descent.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if the contamination is out of range or there is one class only.

    See Also
    --------
    SeverClassifier : Drops for good, around a learner of scikit-learn; takes sparse rows.
    TrimmedClassifier : Trimmed losses around any classifier.

    Notes
    -----
    With g the mean of the gradients that the filter of [2]_ keeps, H the second moment of their rows times the largest
    curvature of the loss, and P the price of slopes, a step is θ ← θ − (H + P)⁻¹ (g + Pθ) [1]_. Rows are in coordinates
    in which the bulk has about the unit covariance, so that shifts and scales of columns change nothing. Each step
    takes time in proportion to n_samples · n_features², and the coordinates memory in proportion to n_features².

    Where more than half of a class bears another label no filter can tell which half is right.

    References
    ----------
    .. [1] A. Prasad, A. S. Suggala, S. Balakrishnan and P. Ravikumar, "Robust estimation via robust gradient
       estimation", Journal of the Royal Statistical Society B, 2020.
    .. [2] I. Diakonikolas, G. Kamath, D. Kane, J. Li, A. Moitra and A. Stewart, "Being Robust (in High Dimensions) Can
       Be Practical", ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.trimmed import RobustGradientClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2)) + np.repeat([[-2.0, 0.0], [2.0, 0.0]], 150, axis=0)
    >>> y = np.repeat(["a", "b"], 150)
    >>> y[np.argsort(X[:, 0])[:50]] = "b"
    >>> model = RobustGradientClassifier(contamination=0.2).fit(X, y)
    >>> model.predict([[-4.0, 0.0], [-1.0, 0.0], [2.0, 0.0]]).tolist()
    ['a', 'a', 'b']
    """

    _parameter_constraints: dict = {
        **BaseRobustGradient._parameter_constraints,
        "loss": [StrOptions({"log_loss", "squared_hinge"})],
        "filter_by": [StrOptions({"all", "class"})],
        "final": [StrOptions({"readmit", "concentrate"}), None],
    }

    def __init__(
        self,
        *,
        loss="log_loss",
        contamination=0.1,
        alpha=0.003,
        n_rounds=4,
        filter_by="all",
        final="readmit",
        fit_intercept=True,
        max_iter=30,
        tol=1e-4,
    ):
        self.loss = loss
        self.contamination = contamination
        self.alpha = alpha
        self.n_rounds = n_rounds
        self.filter_by = filter_by
        self.final = final
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Fit the classifier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)

        Returns
        -------
        self : object
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        n_classes = len(self.classes_)
        if n_classes < 2:
            raise ValueError(
                f"RobustGradientClassifier needs rows of two classes or more, got one class: {self.classes_.tolist()}."
            )
        n_outputs = 1 if n_classes == 2 else n_classes
        # Bounds on the curvature: 1/4 and 1/2 for the logistic losses, 2 for the squared hinge.
        loss, bend = SQUARED_HINGE, 2.0
        if self.loss == "log_loss":
            loss, bend = (LOGISTIC, 0.25) if n_classes == 2 else (MULTINOMIAL, 0.5)
        slopes, self.intercept_ = self._descend(X, codes.astype(np.intp), loss, bend, n_outputs, codes)
        self.coef_ = slopes.T
        return self

    def _groups(self, codes):
        if self.filter_by == "all":
            return [np.arange(len(codes))]
        return [np.flatnonzero(codes == code) for code in np.unique(codes)]

    def _finish(self, objective, severed, codes):
        if self.final is None or self.contamination == 0:
            return severed
        severed = self._concentrate(objective, severed, codes)
        return severed if self.final == "concentrate" else self._take_back(objective, severed, codes)

    def _take_back(self, objective, severed, codes):
        """Fit also to the rows left out whose labels the fit believes."""
        model, kept, history = severed
        for _ in range(_READMISSIONS):
            scores = objective.space.times(model)
            if self.loss == "log_loss":
                more = kept | believed(_probabilities(scores), codes, "predict_proba", odds=_ODDS)
            else:
                table = np.hstack([-scores, scores]) if scores.shape[1] == 1 else scores
                more = kept | believed(table, codes, "decision_function", odds=_ODDS)
            if (more == kept).all():
                break
            model, kept = objective.take(more).minimise(model), more
            loss = float(objective.losses(model)[kept].mean())
            history = [*history, {"stage": "readmit", "n_kept": int(kept.sum()), "loss": loss}]
        return Severed(model, kept, history)

    def _outputs(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_.T + self.intercept_

    @available_if(_is_logistic)
    def predict_proba(self, X):
        """Probabilities of the classes, for ``loss="log_loss"``; too sure, since rows that disagree were left out.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        """
        scores = self.decision_function(X)
        return _probabilities(scores.reshape(len(scores), -1))


def _probabilities(scores):
    """Probabilities of all classes, given scores of the second of two or of each."""
    return np.hstack([expit(-scores), expit(scores)]) if scores.shape[1] == 1 else softmax(scores, axis=1)
