"""Newton solvers: LogisticRegression and LinearSVC."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from robustfit.ensemble._lean._densify import densified
from robustfit.ensemble._lean._family import LeanFamily, classes_and_codes
from robustfit.ensemble._lean._linear_members import LinearClassifiers, linear_attributes, linear_state
from robustfit.ensemble._lean._newton import LogisticLoss, MultinomialLoss, SquaredHingeLoss, minimise

# These minimise the same objective to ``tol``; liblinear penalises the intercept, sag and saga are stochastic.
_LOGISTIC_SOLVERS = ("lbfgs", "newton-cg", "newton-cholesky")


class _Rotated:
    """A shard in as few coordinates as it has rows: minimisers lie in the span of the rows.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_columns)
    constant : float
        Value of an additional column; 0 for none.
    """

    def __init__(self, X, constant):
        self._basis = None
        if X.shape[1] > len(X):
            self._basis, triangle = np.linalg.qr(X.T)
            X = triangle.T
        self.constant = constant
        self.X = np.column_stack([X, np.full(len(X), constant)]) if constant else X

    def back(self, weights):
        """Split weights, of shape (n_scores, n_unknowns), into coefficients of all columns and intercepts."""
        if self.constant:
            weights, intercept = weights[:, :-1], self.constant * weights[:, -1]
        else:
            intercept = np.zeros(len(weights))
        return weights if self._basis is None else weights @ self._basis.T, intercept


class _Newton(LeanFamily):
    takes_sparse = True
    classifies = True
    fitted_attributes = staticmethod(linear_attributes)

    def pack(self, states, codes, n_classes, *, sparse):
        """Stack the coefficients."""
        return LinearClassifiers(states, codes, n_classes, sparse=sparse)

    def _row_weights(self, y, sample_weight):
        weights = self.row_weights(y, sample_weight)
        return np.full(len(y), float(self.estimator.C)) if weights is None else self.estimator.C * weights

    def _state(self, dense, rotated, minima, classes, n_iter):
        width = rotated.X.shape[1]
        coef, intercept = rotated.back(np.concatenate([minimum.weights.reshape(-1, width) for minimum in minima]))
        return linear_state(
            dense.expand(coef),
            intercept,
            classes=classes,
            condition=max(minimum.condition for minimum in minima),
            residual=2.0 * max(minimum.residual for minimum in minima) * max(1.0, rotated.constant),
            n_iter_=n_iter,
        )


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
        weights = self._row_weights(y, sample_weight)
        if len(classes) == 2:
            objective = LogisticLoss(rotated.X, 2.0 * codes - 1.0, weights, penalty)
        else:
            objective = MultinomialLoss(rotated.X, codes, len(classes), weights, penalty)
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
        weights = self._row_weights(y, sample_weight)
        penalty = np.ones(rotated.X.shape[1])
        positives = [1] if len(classes) == 2 else range(len(classes))
        minima = [
            minimise(
                SquaredHingeLoss(rotated.X, np.where(codes == positive, 1.0, -1.0), weights, penalty),
                len(penalty),
                self.estimator.max_iter,
            )
            for positive in positives
        ]
        return self._state(dense, rotated, minima, classes, max(minimum.n_iter for minimum in minima))
