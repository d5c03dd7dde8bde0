"""Finite numbers that stand for rows of any container: how is learned from training rows, and holds for later ones."""

# SPDX-License-Identifier: BSD-3-Clause

import logging

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from sklearn.impute import SimpleImputer

from robustfit._meta._numbers import steps_before_last, table_of_numbers
from robustfit._meta._robust_scale import robust_location_scale
from robustfit.partition import cells
from robustfit.partition._cells import canonical

logger = logging.getLogger(__name__)

# Categories of a column that get an indicator of their own; the others share one.
_MOST_CATEGORIES = 30

_NANOSECONDS_PER_DAY = 86_400 * 10**9


class RowNumbers:
    """Turn rows into numbers.

    What the last step of a pipeline is given, also of a pipeline inside a search or another estimator around one; the
    columns as they are where there is no pipeline. Columns of texts are encoded here: each of the 30 most frequent
    categories has an indicator, the others share one, a missing text is a category; numbers beside them are scaled by
    median and median absolute deviation. Missing values are medians of their column, in arrays infinite ones are the
    farthest finite ones.

    Parameters
    ----------
    estimator : estimator
    owner : str
        Who asks, for messages.
    """

    def __init__(self, estimator, owner):
        self._estimator = estimator
        self._owner = owner

    def fit_transform(self, X, y):
        """Learn from training rows, and return them as numbers.

        Parameters
        ----------
        X : ndarray, sparse matrix, data frame or list of str
        y : ndarray of shape (n_samples,)

        Returns
        -------
        rows : ndarray or sparse matrix of shape (n_samples, n_numbers)

        Raises
        ------
        ValueError
            If rows are texts that no step turns into numbers.
        """
        rows = self._fit_steps(X, y)
        if rows is None:
            rows = self._fit_columns(X)
        self._imputer = None
        if sp.issparse(rows):
            self._imputer = SimpleImputer(strategy="median", keep_empty_features=True).fit(_without_infinity(rows))
        else:
            self._ends = _ends(rows)
        return self._complete(rows)

    def transform(self, X):
        """Return later rows as numbers."""
        if self._columns is not None:
            rows = np.column_stack([one.transform(v) for one, v in zip(self._columns, _columns(X), strict=True)])
        else:
            rows = X if self._steps is None else self._steps.transform(X)
            rows = rows if sp.issparse(rows) else table_of_numbers(rows)
        return self._complete(rows)

    def _fit_steps(self, X, y):
        """What the last step is given; None if these are no numbers."""
        self._columns = None
        try:
            self._steps = steps_before_last(innermost(self._estimator))
            return table_of_numbers(X if self._steps is None else self._steps.fit_transform(X, y))
        except Exception as error:
            # Fitting the whole estimator will tell.
            logger.info("The rows are not taken as numbers: %s", error)
            return None

    def _fit_columns(self, X):
        if isinstance(X, list):
            name = type(self._estimator).__name__
            raise ValueError(
                f"{self._owner} compares rows as numbers, but these are texts, and {name} has no steps that turn them "
                "into numbers for its last one. Pass a pipeline such as make_pipeline(TfidfVectorizer(), estimator)."
            )
        self._steps = None
        if sp.issparse(X) or (isinstance(X, np.ndarray) and X.dtype.kind != "O"):
            return X
        columns = _columns(X)
        self._columns = [_Column(values) for values in columns]
        return np.column_stack([one.transform(v) for one, v in zip(self._columns, columns, strict=True)])

    def _complete(self, rows):
        if np.isfinite(rows.data if sp.issparse(rows) else rows).all():
            return rows
        if sp.issparse(rows):
            return self._imputer.transform(_without_infinity(rows))
        return _filled(rows, *self._ends)


def innermost(estimator):
    """The pipeline that an estimator is around, or what is innermost."""
    while not hasattr(estimator, "steps") and hasattr(getattr(estimator, "estimator", None), "fit"):
        estimator = estimator.estimator
    return estimator


def _columns(X):
    """Columns of a frame or of an array of objects."""
    if isinstance(X, np.ndarray):
        return [X[:, j].tolist() for j in range(X.shape[1])]
    frame = nw.from_native(X, eager_only=True)
    return [cells(frame[:, j]) for j in range(frame.shape[1])]


class _Column:
    """One column: numbers, or categories by their place among the most frequent ones."""

    def __init__(self, values):
        numbers, found = _read(values)
        self._places = None
        if numbers is None:
            names, counts = np.unique(found, return_counts=True)
            # The most frequent ones first, equal ones by name, so that the order of the rows does not matter.
            ranked = names[np.lexsort((names, -counts))].tolist()
            self._places = {name: min(rank, _MOST_CATEGORIES) for rank, name in enumerate(ranked)}
            return
        self._ends = _ends(numbers[:, None])
        center, scale = robust_location_scale(_filled(numbers[:, None], *self._ends))
        self._center, self._scale = center[0], scale[0]

    def transform(self, values):
        """Return the numbers that stand for the cells, one row each."""
        numbers, found = _read(values)
        if self._places is None:
            numbers = np.full(len(found), np.nan) if numbers is None else numbers
            return (_filled(numbers[:, None], *self._ends) - self._center) / self._scale
        width = max(self._places.values()) + 1
        # What is new is one of the others, if there are others; else it is none of them.
        others = np.zeros(width)
        others[_MOST_CATEGORIES:] = 1.0
        rows = np.eye(width)
        return np.array([rows[self._places[name]] if name in self._places else others for name in found])


def _read(values):
    """Numbers of a column, times in days, or None; and a name for each cell."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        return values.astype(np.float64), values
    found = [canonical(value) for value in values]
    kinds = {kind for kind, content in found if content == content}
    names = [f"{kind}:{content}" for kind, content in found]
    if kinds <= {"number", "integer", "decimal"}:
        return np.array([float(content) for _, content in found]), names
    if kinds <= {"time", "instant"} or kinds == {"duration"}:
        return np.array([float(content) / _NANOSECONDS_PER_DAY for _, content in found]), names
    return None, names


def _ends(rows):
    """Smallest, middle and largest finite value of each column; zeros where there is none."""
    if np.isfinite(rows).all():
        return rows.min(axis=0), np.median(rows, axis=0), rows.max(axis=0)
    ends = np.zeros((3, rows.shape[1]))
    for j, column in enumerate(rows.T):
        finite = column[np.isfinite(column)]
        if len(finite):
            ends[:, j] = finite.min(), np.median(finite), finite.max()
    return tuple(ends)


def _filled(rows, low, middle, high):
    if np.isfinite(rows).all():
        return rows
    rows = np.where(np.isnan(rows), middle, rows)
    rows = np.where(np.isneginf(rows), low, rows)
    return np.where(np.isposinf(rows), high, rows)


def _without_infinity(rows):
    if np.isinf(rows.data).any():
        rows = rows.copy()
        rows.data[np.isinf(rows.data)] = np.nan
    return rows
