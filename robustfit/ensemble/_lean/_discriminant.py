"""Linear rules made of class means: LinearDiscriminantAnalysis and NearestCentroid."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real

import numpy as np
from scipy.linalg import LinAlgError, lstsq

from robustfit.ensemble._lean._densify import densified
from robustfit.ensemble._lean._family import UNIT_ROUNDOFF, WORST_CONDITION, LeanFamily, Unsolved, classes_and_codes
from robustfit.ensemble._lean._linear_members import LinearClassifiers, linear_attributes, linear_state


def _class_means(X, codes, n_classes):
    indicator = (codes == np.arange(n_classes)[:, None]).astype(np.float64)
    count = indicator.sum(axis=1)
    return indicator @ X / count[:, None], count


class _MeanRule(LeanFamily):
    classifies = True

    def pack(self, states, codes, n_classes, *, sparse):
        """Stack the coefficients."""
        return LinearClassifiers(states, codes, n_classes, sparse=sparse)


class NearestCentroidFamily(_MeanRule):
    """`sklearn.neighbors.NearestCentroid` with Euclidean distances: ``2 c_k·x − ‖c_k‖²`` is largest."""

    takes_sparse = True

    @staticmethod
    def refusal(estimator):
        """Other metrics, priors and shrinking are other rules."""
        if estimator.metric != "euclidean":
            return f"metric={estimator.metric!r} is not Euclidean"
        if estimator.shrink_threshold is not None:
            return "shrink_threshold is not taken"
        if not isinstance(estimator.priors, str) or estimator.priors != "uniform":
            return "priors other than 'uniform' are not taken"
        return None

    def solve(self, X, y, sample_weight):
        """Means of the classes."""
        dense = densified(X)
        classes, codes = classes_and_codes(y)
        if not np.ptp(dense.X, axis=0).any():
            raise ValueError("All features have zero variance. Division by zero.")
        centroids, _ = _class_means(dense.X, codes, len(classes))
        coef, intercept = 2.0 * centroids, -np.einsum("ij,ij->i", centroids, centroids)
        size = float(np.sqrt(-intercept.min()))
        if len(classes) == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        # Means of rows, squared lengths and differences are rounded in the unit of the centroids.
        residual = 4.0 * UNIT_ROUNDOFF * (X.shape[1] + len(y)) * size * (1.0 + size)
        state = linear_state(dense.expand(coef), intercept, classes=classes, residual=residual)
        deviation = np.sqrt(((dense.X - centroids[codes]) ** 2).sum(axis=0) / (len(y) - len(classes)))
        state.attributes = {
            "centroids_": dense.expand(centroids),
            "within_class_std_dev_": dense.expand(deviation[None])[0],
        }
        return state

    def fitted_attributes(self, state):
        """Nothing besides the centroids."""
        return {}


class LinearDiscriminantFamily(_MeanRule):
    """`sklearn.discriminant_analysis.LinearDiscriminantAnalysis` by singular values or by least squares."""

    takes_sparse = False

    @staticmethod
    def refusal(estimator):
        """Name what is solved otherwise."""
        if estimator.priors is not None:
            return "priors are not taken"
        if estimator.solver == "svd" and estimator.shrinkage is None and estimator.covariance_estimator is None:
            return None if estimator.n_components is None and not estimator.store_covariance else "only predictions"
        if estimator.solver == "lsqr" and estimator.covariance_estimator is None:
            shrinkage = estimator.shrinkage
            if shrinkage is None or (isinstance(shrinkage, Real) and 0 <= shrinkage <= 1):
                return None
        return "only solver='svd', or solver='lsqr' with shrinkage None or a number, is solved"

    def solve(self, X, y, sample_weight):
        """Solve for the discriminants."""
        classes, codes = classes_and_codes(y)
        if len(y) == len(classes):
            raise ValueError("The number of samples must be more than the number of classes.")
        means, count = _class_means(X, codes, len(classes))
        priors = count / len(y)
        centred = X - means[codes]
        try:
            if self.estimator.solver == "svd":
                coef, intercept, condition, attributes = self._by_singular_values(centred, means, priors)
            else:
                coef, intercept, condition, attributes = self._by_least_squares(centred, codes, means, priors)
        except (LinAlgError, ValueError) as error:
            raise Unsolved("its singular values could not be found") from error
        if condition > WORST_CONDITION:
            raise Unsolved("its covariance is ill-conditioned")
        if len(classes) == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        return linear_state(
            coef,
            intercept,
            classes=classes,
            condition=condition,
            means_=means,
            priors_=priors,
            **attributes,
        )

    def _by_singular_values(self, centred, means, priors):
        """Whiten within classes, then keep the directions in which the means differ."""
        tol, n_samples, n_classes = self.estimator.tol, len(centred), len(means)
        centre = priors @ means
        spread = centred.std(axis=0)
        varies = spread > 0
        if (spread[varies] <= UNIT_ROUNDOFF * n_samples * np.abs(means).max(axis=0)[varies]).any():
            raise Unsolved("the spread of a column is nothing but rounding")
        spread[~varies] = 1.0
        _, within, axes = np.linalg.svd(centred / (spread * np.sqrt(n_samples)), full_matrices=False)
        rank = int((within > tol).sum())
        if not rank:
            raise Unsolved("its classes have no spread")
        whiten = (axes[:rank] / spread).T / within[:rank]
        weights = np.sqrt(n_samples * priors / (n_classes - 1))
        _, between, axes = np.linalg.svd((weights[:, None] * (means - centre)) @ whiten, full_matrices=False)
        kept = int((between > tol * between[0]).sum())
        scalings = whiten @ axes[:kept].T
        projected = (means - centre) @ scalings
        coef = projected @ scalings.T
        intercept = -0.5 * (projected**2).sum(axis=1) + np.log(priors) - centre @ coef.T
        condition = (within[0] / within[rank - 1]) ** 2
        shares = (between**2 / (between**2).sum())[: min(n_classes - 1, means.shape[1])]
        attributes = {"xbar_": centre, "scalings_": scalings, "explained_variance_ratio_": shares}
        return coef, intercept, float(condition), attributes

    def _by_least_squares(self, centred, codes, means, priors):
        """Solve ``Σ w_k = mean_k`` with the pooled covariance, shrunk towards a multiple of the identity per class."""
        shrinkage, width = self.estimator.shrinkage or 0.0, means.shape[1]
        covariance = np.zeros((width, width))
        for code, prior in enumerate(priors):
            rows = centred[codes == code]
            of_class = rows.T @ rows / len(rows)
            level = shrinkage * np.trace(of_class) / width
            of_class *= 1.0 - shrinkage
            of_class.flat[:: width + 1] += level
            covariance += prior * of_class
        solution, _, rank, singular = lstsq(covariance, means.T)
        coef = solution.T
        intercept = -0.5 * np.einsum("ij,ij->i", means, coef) + np.log(priors)
        condition = singular[0] / singular[rank - 1] if rank else np.inf
        return coef, intercept, float(condition), {"covariance_": covariance}

    fitted_attributes = staticmethod(linear_attributes)
