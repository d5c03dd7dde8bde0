"""Rows as numbers: what the last step of a pipeline is given, or else columns of texts as indicators."""

# SPDX-License-Identifier: BSD-3-Clause

import logging

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.impute import SimpleImputer

from robustfit._meta._inputs import as_numbers
from robustfit._meta._robust_scale import robust_location_scale
from robustfit._meta._seeds import set_open_seeds
from robustfit.partition import cells
from robustfit.partition._cells import canonical

logger = logging.getLogger(__name__)

# Categories of a column that get an indicator of their own; the others share one.
_MOST_CATEGORIES = 30

_NANOSECONDS_PER_DAY = 86_400 * 10**9


def numbers_of_last_step(estimator, X, y):
    """Return the rows as the last step of an estimator is given them, or None if those are no numbers.

    Parameters
    ----------
    estimator : estimator
        The steps of a pipeline before its last one are fitted to all rows.
    X : ndarray, sparse matrix, data frame or list
    y : ndarray of shape (n_samples,)

    Returns
    -------
    rows : ndarray or sparse matrix of shape (n_samples, n_numbers), or None
        Single values may be missing.
    """
    if hasattr(estimator, "steps") and len(estimator.steps) > 1:
        try:
            X = set_open_seeds(clone(estimator[:-1]), 0).fit_transform(X, y)
        except Exception as error:
            logger.info("The rows are not taken as numbers: %s", error)
            return None
    if isinstance(X, list):
        return None
    try:
        if nw.dependencies.is_into_dataframe(X):
            X = as_numbers(X)
        X = X if sp.issparse(X) else np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return X if X.ndim == 2 and X.shape[1] and np.isfinite(X.data if sp.issparse(X) else X).any() else None


def rows_as_numbers(estimator, X, y, *, owner):
    """Return rows of any container as finite numbers.

    Parameters
    ----------
    estimator : estimator
        Its pipeline, also inside a search or another estimator around one, says which numbers; its steps before the
        last one are fitted to all rows.
    X : ndarray, sparse matrix, data frame or list of str
    y : ndarray of shape (n_samples,)
    owner : str
        Who asks, for messages.

    Returns
    -------
    rows : ndarray or sparse matrix of shape (n_samples, n_numbers)
        Missing values are medians of their column; in arrays infinite ones are the farthest finite ones. Where columns
        of texts have to be encoded here, each of the 30 most frequent categories has an indicator, the others share
        one, a missing text is a category, and numbers are scaled by median and median absolute deviation.

    Raises
    ------
    ValueError
        If rows are texts that no step turns into numbers.
    """
    rows = numbers_of_last_step(_innermost(estimator), X, y)
    if rows is None and isinstance(X, list):
        raise ValueError(
            f"{owner} compares rows as numbers, but these are texts, and {type(estimator).__name__} has no steps that "
            "turn them into numbers for its last one. Pass a pipeline such as make_pipeline(TfidfVectorizer(), "
            "estimator)."
        )
    if rows is None:
        is_table = sp.issparse(X) or (isinstance(X, np.ndarray) and X.dtype.kind != "O")
        rows = X if is_table else _encoded(X)
    return _completed_sparse(rows) if sp.issparse(rows) else _completed(rows)


def _innermost(estimator):
    """The pipeline that an estimator is around, or what is innermost."""
    inner = estimator
    while not hasattr(inner, "steps") and hasattr(getattr(inner, "estimator", None), "fit"):
        inner = inner.estimator
    return inner


def _completed(rows):
    if np.isfinite(rows).all():
        return rows
    rows = np.array(rows, dtype=np.float64)
    for column in rows.T:
        finite = column[np.isfinite(column)]
        low, middle, high = (finite.min(), np.median(finite), finite.max()) if len(finite) else (0.0, 0.0, 0.0)
        column[np.isnan(column)] = middle
        np.clip(column, low, high, out=column)
    return rows


def _completed_sparse(rows):
    gaps = ~np.isfinite(rows.data)
    if not gaps.any():
        return rows
    rows = rows.copy()
    rows.data[gaps] = np.nan
    return SimpleImputer(strategy="median", keep_empty_features=True).fit_transform(rows)


def _encoded(X):
    """Columns of a frame or of an array of objects as numbers and indicators."""
    if isinstance(X, np.ndarray):
        columns = [X[:, j].tolist() for j in range(X.shape[1])]
    else:
        frame = nw.from_native(X, eager_only=True)
        columns = [cells(frame[:, j]) for j in range(frame.shape[1])]
    return np.column_stack([_column(values) for values in columns])


def _column(values):
    if isinstance(values, np.ndarray) and values.dtype.kind in "biuf":
        numbers = values.astype(np.float64)
    else:
        found = [canonical(value) for value in values]
        numbers = _as_numbers(found)
        if numbers is None:
            return _indicators(found)
    numbers = _completed(numbers.reshape(-1, 1))
    center, scale = robust_location_scale(numbers)
    return (numbers - center) / scale


def _as_numbers(found):
    """Numbers and times of a column, the latter in days; None if there are others."""
    kinds = {kind for kind, content in found if content == content}
    if kinds <= {"number", "integer", "decimal"}:
        return np.array([float(content) for _, content in found])
    if kinds <= {"time", "instant"} or kinds == {"duration"}:
        return np.array([float(content) / _NANOSECONDS_PER_DAY for _, content in found])
    return None


def _indicators(found):
    names, codes, counts = np.unique(
        [f"{kind}:{content}" for kind, content in found], return_inverse=True, return_counts=True
    )
    # The most frequent ones first, equal ones by name, so that the order of the rows does not matter.
    place = np.empty(len(names), dtype=np.intp)
    place[np.lexsort((names, -counts))] = np.arange(len(names))
    place = np.minimum(place, _MOST_CATEGORIES)
    return np.eye(place.max() + 1)[place[codes]]
