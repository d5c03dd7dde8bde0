"""Linear classification that expects the worst shift of every row."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
from scipy.special import expit
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from robustfit._meta._by_scores import ByScores
from robustfit._sklearn import Interval, StrOptions, fit_context
from robustfit.learners._adversarial._problem import classification_loss
from robustfit.learners._adversarial._shifts import dual_norm
from robustfit.learners._base_adversarial import BaseAdversarial


def _gives_probabilities(classifier):
    if classifier.loss != "log_loss":
        raise AttributeError(f"Only loss='log_loss' gives probabilities, got loss={classifier.loss!r}.")
    return True


class AdversarialClassifier(ByScores, ClassifierMixin, BaseAdversarial):
    """Linear classifier trained against the worst shift of every row.

    Each training row may be moved by any δ within a radius, and the loss is that of the worst move. No coefficient can
    then be large without a margin that pays for it: triggers and other changes of a row within the radius lose most
    of their hold. With radius 0 it is plain logistic regression, or a plain support vector machine.

    **It is no defence against wrong labels**: the shift changes features, and a flipped label costs as much as it did
    before, or more, where margins are bought dearly. Nor against triggers larger than the radius, or rows that are
    poison without any trigger. The price is accuracy: a strong plain penalty (a small C) often buys much of the same,
    so compare the two on training rows.

    Parameters
    ----------
    radius : float or array-like of shape (n_features,), default=0.1
        Size of the shifts, in the unit of the columns: standardise them first, or give each column its own. With an
        array a shift δ is allowed if ‖δ / radius‖ ≤ 1, which for ``norm=numpy.inf`` is a box; columns of radius 0
        stay as they are.
    norm : {1, 2, numpy.inf}, default=2
        Norm of the shift: changes spread over few columns, over any, or over all at once.
    loss : {"log_loss", "hinge", "squared_hinge"}, default="log_loss"
    C : float, default=1.0
        Price of the sum of losses against half the sum of squared coefficients, as in
        `sklearn.linear_model.LogisticRegression` and `sklearn.svm.LinearSVC`. The intercept is not penalised.
    fit_intercept : bool, default=True
    solver : {"auto", "cvxpy"}, default="auto"
        An interior-point method made for the problem, or cvxpy with Clarabel as a check on it, tens of times slower.
    tol : float, default=1e-8
        The fit ends when the objective is proved to be within ``tol`` of the optimum, as a share of the objective at
        zero coefficients.
    max_iter : int, default=100
        Most iterations of a linear function; 10 to 30 are usual.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    coef_ : ndarray of shape (n_functions, n_features)
        One function for two classes, else one for each class against the others.
    intercept_ : ndarray of shape (n_functions,)
    objective_ : ndarray of shape (n_functions,)
        Sum of worst losses times C, and penalty.
    dual_gap_ : ndarray of shape (n_functions,)
        How far above the optimum each objective can be.
    n_iter_ : ndarray of shape (n_functions,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (`n_features_in_`,)

    Raises
    ------
    ValueError
        From ``fit``, if there are fewer than two classes, the radius is negative, not finite or of the wrong length,
        or the norm is unknown.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the gap is larger than ``tol`` allows.

    See Also
    --------
    AdversarialRegressor : For numbers.
    robustfit.attacks.BackdoorAttack : Teaches a learner a trigger.

    Notes
    -----
    The shift that lowers the margin m = y (w·x + b) most lowers it by radius · ‖w‖_*, whatever the row, so that the
    problem is convex [1]_:

        C Σ_i s_i loss(m_i − max_{‖δ / radius‖ ≤ 1} δ·w) + ½ ‖w‖².

    The dual norm ‖·‖_* of 1, 2 and ∞ is ∞, 2 and 1. With more than two classes this is done for each class against
    the others. Where each of the functions keeps its sign under a shift so does the prediction; the worst loss of the
    largest score itself has no such closed form, and is not what is minimised.

    If the radius is so large that a constant is the best function, ``coef_`` is exactly zero.

    An interior-point method [2]_ solves one linear system of the number of columns in each iteration, in
    O(n_samples · n_features² + n_features³) and with n_features² numbers in memory, so that wide tables need fewer
    columns first. Sparse rows stay sparse. From its multipliers follows a bound that no linear function can go below,
    and the gap to it is what ends the fit.

    References
    ----------
    .. [1] H. Xu, C. Caramanis and S. Mannor, "Robustness and Regularization of Support Vector Machines", Journal of
       Machine Learning Research 10, 2009.
    .. [2] S. Mehrotra, "On the Implementation of a Primal-Dual Interior Point Method", SIAM Journal on
       Optimization 2, 1992.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from robustfit.learners import AdversarialClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = AdversarialClassifier(radius=0.3).fit(scale(X), y)
    >>> round(model.score(scale(X), y), 2)
    0.99
    >>> round(float(model.shift_radius(scale(X)[:1])[0]), 1)
    5.6
    """

    _parameter_constraints: dict = {
        **BaseAdversarial._parameter_constraints,
        "loss": [StrOptions({"log_loss", "hinge", "squared_hinge"})],
        "C": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        radius=0.1,
        norm=2,
        loss="log_loss",
        C=1.0,
        fit_intercept=True,
        solver="auto",
        tol=1e-8,
        max_iter=100,
    ):
        self.radius = radius
        self.norm = norm
        self.loss = loss
        self.C = C
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Fit the classifier.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
        """
        X, y, weights = self._read_rows(X, y, sample_weight)
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"AdversarialClassifier needs two classes or more, got one class: {self.classes_[0]!r}.")
        positive = self.classes_[1:] if len(self.classes_) == 2 else self.classes_
        worst = classification_loss(self.loss)
        fits = [
            self._fit_function(X, np.where(y == label, 1.0, -1.0), self.C * weights, lambda unit: worst, 1.0)
            for label in positive
        ]
        self.coef_ = np.array([fit.coef for fit in fits])
        self.intercept_ = np.array([fit.intercept for fit in fits])
        self.objective_ = np.array([fit.objective for fit in fits])
        self.dual_gap_ = np.array([fit.gap for fit in fits])
        self.n_iter_ = np.array([fit.n_iter for fit in fits])
        return self

    def _outputs(self, X):
        return self._scores(X)[1]

    @available_if(_gives_probabilities)
    def predict_proba(self, X):
        """Logistic function of the scores; with several classes divided by its sum over them.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return expit(np.column_stack([-scores, scores]))
        # In logarithms, or far rows would have nothing to divide by.
        logs = -np.logaddexp(0.0, -scores)
        shares = np.exp(logs - logs.max(axis=1, keepdims=True))
        return shares / shares.sum(axis=1, keepdims=True)

    def shift_radius(self, X):
        """How far each row can be shifted without a change of its prediction.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        radius : ndarray of shape (n_samples,)
            In the ``norm`` of the classifier: of the shift, or of the shift divided by ``radius`` if that is an array
            (columns of radius 0 are then not shifted). Infinite if no shift can.

        Notes
        -----
        For the predicted class a, min_b (f_a(x) − f_b(x)) / ‖w_a − w_b‖_*; with two classes |f(x)| / ‖w‖_*. Rounded
        down by what rounding can have added.

        **Guarantee.** Of the fitted model, which stays as it is: for every shift of a test row that is smaller than
        the radius, ``predict`` returns the same label; larger ones exist that change it. It says nothing about training
        rows: what an attacker who changes those can do is the matter of
        `robustfit.ensemble.PartitionClassifier.certify`.
        """
        X, scores = self._scores(X)
        coef, size = self.coef_, abs(X) @ np.abs(self.coef_.T) + np.abs(self.intercept_)
        if len(self.classes_) == 2:
            # The first class has score 0, whatever the row.
            coef, scores, size = (_after_zeros(part, axis) for part, axis in ((coef, 0), (scores, 1), (size, 1)))
        winner = self.classes_.searchsorted(self.predict(X))[:, None]
        noise = (X.shape[1] + 8) * np.finfo(float).eps
        doubt = noise * (size + np.take_along_axis(size, winner, axis=1))
        lead = np.maximum(np.take_along_axis(scores, winner, axis=1) - scores - doubt, 0.0)
        unit = np.ones(X.shape[1]) if np.ndim(self.radius) == 0 else np.asarray(self.radius, dtype=np.float64)
        price = dual_norm(coef[:, None] - coef, unit, self.norm) * (1.0 + noise)
        # The scores of a shifted row round by its own size, which functions that nearly agree do not pay for.
        price = price + noise * dual_norm(np.abs(coef)[:, None] + np.abs(coef), unit, self.norm)
        np.fill_diagonal(price, 0.0)
        price = price[winner[:, 0]]
        return np.divide(lead, price, out=np.full_like(lead, np.inf), where=price > 0.0).min(axis=1)


def _after_zeros(part, axis):
    return np.concatenate([np.zeros_like(part), part], axis=axis)
