"""Rows that come back after any filter: those that a model of the others believes."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from scipy.sparse import issparse

from robustfit._meta._robust_scale import robust_location_scale
from robustfit.sanitize._leave_cluster_out._references import with_ones
from robustfit.sanitize._leave_cluster_out._rounds import final_weights, readmit
from robustfit.sanitize._leave_cluster_out._views import ClassView, NumberView
from robustfit.sanitize._row_normalizer import RowNormalizer

# Total penalty of the model that is asked which rows come back: for columns in robust units that of
# `sklearn.linear_model.LogisticRegression`. Few rows may hold the word that says what they are: counts take larger
# weights.
_PENALTY, _PENALTY_OF_COUNTS = 1.0, 0.1

# A row of length 1 does not tell how far away it was. The model of the user sees that.
_FARTHER = 3.0


def final_penalty(normalizer):
    """Return the penalty of the model that is asked about rows of a `RowNormalizer`."""
    return _PENALTY if normalizer.scale_ == "robust" else _PENALTY_OF_COUNTS


def take_back(rows, target, kept, least, keys):
    """Take back rows that a linear model of the rows kept believes, all brought to length 1.

    Rows that are more than three times as far out in a column as all rows kept do not come back.

    Parameters
    ----------
    rows : ndarray or csr matrix of shape (n_samples, n_features)
    target : Target
    kept : ndarray of shape (n_samples,), bool
    least : float
        Probability of the label from which a row comes back.
    keys : ndarray of shape (n_samples,)
        A key of each row that does not depend on where it stands.

    Returns
    -------
    kept : ndarray of shape (n_samples,), bool
        As it was where no row is missing, or fewer than two classes are left.
    suggested : ndarray of shape (n_samples,)
        See `suggest`.
    """
    if kept.all() or (target.coded and len(np.unique(target.values[kept])) < 2):
        return kept, suggest(target, kept, target.values)
    # Sums depend on the order of the rows.
    order = np.argsort(keys, kind="stable")
    rows, target = rows[order], target.take(order)
    normalizer = RowNormalizer().fit(rows)
    X, penalty = with_ones(normalizer.transform(rows)), final_penalty(normalizer)
    units = None if target.coded else robust_units(target.values)
    view = view_of(target, units)
    found = kept[order]
    near = np.flatnonzero(found | ~beyond(rows, found))
    found[near] = readmit(X[near], view_of(target.take(near), units), found[near], penalty, least, None)
    suggested = suggest(target, found, view.expected(X @ final_weights(X, view, found, penalty)))
    back = np.argsort(order)
    return found[back], suggested[back]


def beyond(rows, kept):
    """Mark rows farther out in a column than three times all rows kept; where those agree, than in any column."""
    if issparse(rows):
        sizes = abs(rows)
        limits, stored = _limits(sizes[kept].max(axis=0).toarray().ravel()), sizes.tocoo()
        return np.bincount(stored.row[stored.data > limits[stored.col]], minlength=rows.shape[0]) > 0
    rows = np.nan_to_num(rows)
    sizes = np.abs(rows - np.median(rows[kept], axis=0))
    return (sizes > _limits(sizes[kept].max(axis=0))).any(axis=1)


def _limits(reach):
    with np.errstate(over="ignore"):
        return _FARTHER * np.where(reach > 0.0, reach, reach.max())


def suggest(target, kept, expected):
    """Labels, numbers or bins: what a model expects of rows that are left out, and what y says of others."""
    suggested = np.where(kept, target.values, expected)
    return suggested if target.classes is None else target.classes[suggested]


def view_of(target, units):
    """Return how targets are looked at; ``units`` are centre and unit of numbers."""
    return ClassView(target.values, target.n_codes) if target.coded else NumberView(target.values, *units)


def robust_units(values):
    """Centre and unit of numbers."""
    location, scale = robust_location_scale(values.reshape(-1, 1))
    return float(location[0]), float(scale[0])
