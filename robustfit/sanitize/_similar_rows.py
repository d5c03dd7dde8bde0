"""Groups of similar rows of the same class."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances

from robustfit._meta._inputs import as_numbers
from robustfit._meta._robust_scale import robust_location_scale
from robustfit._meta._seeds import set_open_seeds
from robustfit.sanitize._linear._bounded_rows import BoundedRows

# More rows are clustered in batches.
_MANY = 20_000

# Standard deviations of a numeric target beyond which it counts as that far out.
_FARTHEST = 3.0


class ComparableNumbers:
    """Rows as bounded numbers, with a column for a target of numbers.

    Parameters
    ----------
    estimator : estimator
        Of a pipeline the steps before the last one turn rows into numbers.
    owner : str
        Who asks, for messages.
    """

    def __init__(self, estimator, owner):
        self._owner = owner
        self._steps = clone(estimator[:-1]) if len(getattr(estimator, "steps", ())) > 1 else None
        self._rows = BoundedRows()

    def fit_transform(self, X, labels, target):
        """Fit to training rows, and return their numbers."""
        if self._steps is not None:
            set_open_seeds(self._steps, 0).fit(X, labels)
        self._units = None
        if target.classes is None:
            self._units = [float(part[0]) for part in robust_location_scale(target.values.reshape(-1, 1))]
        self._rows.fit(self._numbers(X))
        return self.transform(X, target)

    def transform(self, X, target):
        """Return the numbers of rows of the same kind."""
        rows = self._rows.transform(self._numbers(X))
        if self._units is None:
            return rows
        location, scale = self._units
        column = np.clip((target.values - location) / scale, -_FARTHEST, _FARTHEST)[:, None]
        return sp.csr_array(sp.hstack([rows, column])) if sp.issparse(rows) else np.hstack([rows, column])

    def _numbers(self, X):
        X = X if self._steps is None else self._steps.transform(X)
        try:
            if nw.dependencies.is_into_dataframe(X):
                X = as_numbers(X)
            if sp.issparse(X):
                X = sp.csr_array(X, dtype=np.float64, copy=True)
                X.data = np.nan_to_num(X.data)
                return X
            return np.nan_to_num(np.asarray(X, dtype=np.float64))
        except (TypeError, ValueError):
            raise ValueError(
                f"{self._owner} puts rows into groups by their numbers, and these rows hold something else. Put the "
                "steps that turn them into numbers into a Pipeline with the estimator, or use GroupSanitizer with "
                "groups of your own."
            ) from None


def similar_rows(numbers, classes, n_groups, seed):
    """Put the rows of each class into groups, the larger the class the more of them.

    Parameters
    ----------
    numbers : {ndarray, csr matrix} of shape (n_samples, n_features)
        In an order that does not depend on where the rows stood.
    classes : list of ndarray of int
        Rows of each class.
    n_groups : int
        Of all classes together; each has one at least.
    seed : int

    Returns
    -------
    groups : list of ndarray of int
    """
    found = []
    for rows in classes:
        found.extend(split(numbers, rows, max(1, round(n_groups * len(rows) / numbers.shape[0])), seed))
    return found


def split(numbers, rows, n_parts, seed):
    """Split rows into clusters, so many at most."""
    n_parts = min(n_parts, len(rows))
    if n_parts < 2:
        return [rows]
    means = MiniBatchKMeans if len(rows) > _MANY else KMeans
    with warnings.catch_warnings():
        # Rows that repeat make fewer clusters.
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = means(n_parts, n_init=1, random_state=seed).fit_predict(numbers[rows])
    return [rows[labels == label] for label in np.unique(labels)]


def nearest(numbers, centers):
    """Position of the nearest of some centres, for each row."""
    return pairwise_distances(numbers, centers).argmin(axis=1)
