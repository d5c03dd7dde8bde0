"""Newton solvers: LogisticRegression and LinearSVC."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils.class_weight import compute_class_weight

from robustfit.ensemble._lean._densify import densified
from robustfit.ensemble._lean._family import SOLVER_ERROR, UNIT_ROUNDOFF, classes_and_codes
from robustfit.ensemble._lean._linear_members import LinearClassifierFamily, linear_state
from robustfit.ensemble._lean._newton import LogisticLoss, MultinomialLoss, SquaredHingeLoss, minimise
from robustfit.ensemble._lean._rounding import Magnitudes, Rounding, length

# These minimise the same objective to ``tol``; liblinear penalises the intercept, sag and saga are stochastic.
_LOGISTIC_SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky")

_FEW_COLUMNS = 100


class _Rotated:
    """A shard with many columns in as few coordinates as it has rows: minimisers lie in the span of the rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
    constant : float
        Value of an additional column; 0 for none.
    """

    def __init__(self, X, constant):
        self._basis = None
        # A rotation mixes columns of all units: not for the sake of a few unknowns.
        if X.shape[1] > max(2 * len(X), _FEW_COLUMNS):
            self._basis, triangle = np.linalg.qr(X.T)
            X = triangle.T
        self.constant = constant
        self.X = np.column_stack([X, np.full(len(X), constant)]) if constant else X

    @property
    def magnitudes(self):
        """Sizes of its entries, for bounds on rounding."""
        return Magnitudes(self.X, rotated=self._basis is not None)

    def back(self, weights):
        """Split weights, of shape (n_scores, n_unknowns), into coefficients of all columns and intercepts."""
        if self.constant:
            weights, intercept = weights[:, :-1], self.constant * weights[:, -1]
        else:
            intercept = np.zeros(len(weights))
        return weights if self._basis is None else weights @ self._basis.T, intercept

    def rounding(self, minima, n_features):
        """Bound what an error of the weights makes of scores."""
        width, n_columns = self.X.shape[1], self.X.shape[1] - bool(self.constant)
        scale = np.max([minimum.scale.reshape(-1, width).max(axis=0) for minimum in minima], axis=0)
        slack = max(minimum.slack for minimum in minima)
        constant = slack * scale[-1] * self.constant if self.constant else 0.0
        if self._basis is None:
            return Rounding(scale[:n_columns], slack, constant)
        size = max(length(minimum.weights) for minimum in minima)
        slack = slack * scale[:n_columns].max() + UNIT_ROUNDOFF * (n_features + SOLVER_ERROR) * size
        return Rounding(np.ones(n_features), slack, constant)


class _Newton(LinearClassifierFamily):
    takes_sparse = True

    def _weights(self, classes, y, sample_weight):
        """Weights of the classes, and ``C`` times those of the rows."""
        estimator = self.estimator
        of_rows = np.ones(len(y)) if sample_weight is None else sample_weight
        if estimator.class_weight is None:
            return np.ones(len(classes)), estimator.C * of_rows
        options = {"classes": classes, "y": y, "sample_weight": sample_weight}
        return compute_class_weight(estimator.class_weight, **options), estimator.C * of_rows

    def _state(self, dense, rotated, minima, classes, n_iter):
        width = rotated.X.shape[1]
        coef, intercept = rotated.back(np.concatenate([minimum.weights.reshape(-1, width) for minimum in minima]))
        rounding = rotated.rounding(minima, dense.X.shape[1])
        rounding.scale = dense.expand(rounding.scale)
        return linear_state(dense.expand(coef), intercept, classes=classes, rounding=rounding, n_iter_=n_iter)


class LogisticRegressionFamily(_Newton):
    """`sklearn.linear_model.LogisticRegression` with an L2 penalty, for two classes or more."""

    @staticmethod
    def refusal(estimator):
        """Name what has another objective, or no minimum."""
        if estimator.solver not in _LOGISTIC_SOLVERS:
            return f"solver={estimator.solver!r} is none of {', '.join(_LOGISTIC_SOLVERS)}"
        if estimator.penalty not in ("l2", "deprecated") or estimator.l1_ratio not in (None, 0, 0.0):
            return "only the L2 penalty is solved"
        if not 0 < estimator.C < np.inf:
            return f"C={estimator.C!r} is no penalty"
        if estimator.dual or estimator.warm_start:
            return "dual and warm_start are not taken"
        if getattr(estimator, "multi_class", "deprecated") not in ("deprecated", "auto", "multinomial"):
            return f"multi_class={estimator.multi_class!r} is another model"
        return None

    def solve(self, X, y, sample_weight):
        """Minimise the binary or the multinomial loss."""
        dense = densified(X)
        classes, codes = classes_and_codes(y)
        rotated = _Rotated(dense.X, float(self.estimator.fit_intercept))
        penalty = np.ones(rotated.X.shape[1])
        if rotated.constant:
            penalty[-1] = 0.0
        of_classes, weights = self._weights(classes, y, sample_weight)
        weights = of_classes[codes] * weights
        if len(classes) == 2:
            objective = LogisticLoss(rotated.X, 2.0 * codes - 1.0, weights, penalty, rotated.magnitudes)
        else:
            objective = MultinomialLoss(rotated.X, codes, len(classes), weights, penalty, rotated.magnitudes)
        n_scores = 1 if len(classes) == 2 else len(classes)
        minimum = minimise(objective, n_scores * len(penalty), self.estimator.max_iter)
        return self._state(dense, rotated, [minimum], classes, np.array([minimum.n_iter], dtype=np.int32))


class LinearSVCFamily(_Newton):
    """`sklearn.svm.LinearSVC` with the squared hinge loss, one class against the rest."""

    @staticmethod
    def refusal(estimator):
        """Name what has another objective."""
        if estimator.loss != "squared_hinge" or estimator.penalty != "l2":
            return "only the squared hinge loss with the L2 penalty is solved"
        if estimator.multi_class != "ovr":
            return f"multi_class={estimator.multi_class!r} is another model"
        if not 0 < estimator.C < np.inf:
            return f"C={estimator.C!r} is no penalty"
        return None

    def solve(self, X, y, sample_weight):
        """Minimise one loss per class; the intercept is penalised, as liblinear does it."""
        dense = densified(X)
        classes, codes = classes_and_codes(y)
        rotated = _Rotated(dense.X, float(self.estimator.intercept_scaling) * bool(self.estimator.fit_intercept))
        of_classes, weights = self._weights(classes, y, sample_weight)
        penalty = np.ones(rotated.X.shape[1])
        minima = []
        for positive in [1] if len(classes) == 2 else range(len(classes)):
            # Of several classes only the one that is told from the rest has its weight.
            rest = of_classes[0] if len(classes) == 2 else 1.0
            is_positive = codes == positive
            row_weights = np.where(is_positive, of_classes[positive], rest) * weights
            signs = np.where(is_positive, 1.0, -1.0)
            loss = SquaredHingeLoss(rotated.X, signs, row_weights, penalty, rotated.magnitudes)
            minima.append(minimise(loss, len(penalty), self.estimator.max_iter))
        return self._state(dense, rotated, minima, classes, max(minimum.n_iter for minimum in minima))
