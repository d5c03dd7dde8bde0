"""Linear rules made of class means: LinearDiscriminantAnalysis and NearestCentroid."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from math import sqrt
from numbers import Real
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, lstsq

from robustfit._sklearn import WHITENS_BY_ROWS
from robustfit.ensemble._lean._densify import densified
from robustfit.ensemble._lean._family import (
    SOLVER_ERROR,
    UNIT_ROUNDOFF,
    WORST_CONDITION,
    Unsolved,
    classes_and_codes,
)
from robustfit.ensemble._lean._linear_members import LinearClassifierFamily, linear_state
from robustfit.ensemble._lean._rounding import Rounding, length


def _class_means(X, codes, n_classes):
    indicator = (codes == np.arange(n_classes)[:, None]).astype(np.float64)
    count = indicator.sum(axis=1)
    return indicator @ X / count[:, None], count


class NearestCentroidFamily(LinearClassifierFamily):
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
        centroids, count = _class_means(dense.X, codes, len(classes))
        coef, intercept = 2.0 * centroids, -np.einsum("ij,ij->i", centroids, centroids)
        if len(classes) == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        # Means of rows and squared lengths are rounded in the unit of the largest rows.
        reach = np.abs(dense.X).max(axis=0)
        effort = 4.0 * UNIT_ROUNDOFF * sum(X.shape)
        rounding = Rounding(dense.expand(reach), effort * sqrt(len(reach)), effort * length(reach) ** 2)
        away = dense.X - centroids[codes]
        spread = dense.expand(np.sqrt((away**2).sum(axis=0) / (len(y) - len(classes))))
        scale = np.sqrt(1.0 / count - 1.0 / len(y))[:, None] * (spread + np.median(spread))
        return linear_state(
            dense.expand(coef),
            intercept,
            classes=classes,
            rounding=rounding,
            centroids_=dense.expand(centroids),
            within_class_std_dev_=spread,
            deviations_=dense.expand(centroids - dense.X.mean(axis=0)) / scale,
        )

    def fitted_attributes(self, state):
        """Nothing besides the centroids."""
        return {}


@dataclass
class _Discriminants:
    """Scores of all classes, and the system that they come from: in units of ``scale``."""

    coef: Any
    intercept: Any
    scale: Any
    condition: float
    attributes: dict[str, Any]

    def rounding(self, reach, n_samples):
        """Bound the rounding of scores; means and deviations from them are rounded in the unit of the largest rows."""
        if not self.condition <= WORST_CONDITION:
            raise Unsolved("its covariance is ill-conditioned")
        size, far = length(self.coef / self.scale), length(self.scale * reach)
        effort = UNIT_ROUNDOFF * (SOLVER_ERROR + n_samples + len(reach))
        slack = effort * self.condition * (size * (1.0 + sqrt(n_samples) * far) + sqrt(len(self.coef)) * far)
        offset = effort * float((np.abs(self.coef) @ reach).sum() + np.abs(self.intercept).sum())
        return Rounding(self.scale, slack, 2.0 * slack * far + offset)


class LinearDiscriminantFamily(LinearClassifierFamily):
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
                solved = self._by_singular_values(centred, means, priors)
            else:
                solved = self._by_least_squares(centred, codes, means, priors)
        except (LinAlgError, ValueError) as error:
            raise Unsolved("its singular values could not be found") from error
        coef, intercept = solved.coef, solved.intercept
        rounding = solved.rounding(np.abs(X).max(axis=0), len(y))
        if len(classes) == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        attributes = {"means_": means, "priors_": priors, **solved.attributes}
        return linear_state(coef, intercept, classes=classes, rounding=rounding, **attributes)

    def _by_singular_values(self, centred, means, priors):
        """Whiten within classes, then keep the directions in which the means differ."""
        tol, n_samples, n_classes = self.estimator.tol, len(centred), len(means)
        centre = priors @ means
        spread = centred.std(axis=0)
        varies = spread > 0
        if (spread[varies] <= UNIT_ROUNDOFF * n_samples * np.abs(means).max(axis=0)[varies]).any():
            raise Unsolved("the spread of a column is nothing but rounding")
        spread[~varies] = 1.0
        divisor = n_samples if WHITENS_BY_ROWS else n_samples - n_classes
        _, within, axes = np.linalg.svd(centred / (spread * np.sqrt(divisor)), full_matrices=False)
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
        condition = float(within[0] / within[rank - 1]) ** 2
        shares = (between**2 / (between**2).sum())[: min(n_classes - 1, means.shape[1])]
        attributes = {"xbar_": centre, "scalings_": scalings, "explained_variance_ratio_": shares}
        return _Discriminants(coef, intercept, 1.0 / spread, condition, attributes)

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
        variances = covariance.diagonal()
        if not variances.min() > 0:
            raise Unsolved("a column does not vary within its classes")
        scale = 1.0 / np.sqrt(variances)
        solution, _, _, singular = lstsq(scale[:, None] * covariance * scale, (means * scale).T)
        coef = solution.T * scale
        intercept = -0.5 * np.einsum("ij,ij->i", means, coef) + np.log(priors)
        condition = float(singular[0] / max(singular[-1], np.finfo(np.float64).tiny))
        return _Discriminants(coef, intercept, scale, condition, {"covariance_": covariance})
