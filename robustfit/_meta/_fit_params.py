"""Fit parameters of members: those with one entry per row are cut to the shard, all others are configuration."""

# SPDX-License-Identifier: BSD-3-Clause

import copy

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import has_fit_parameter

from robustfit._meta._around_estimator import AroundEstimator
from robustfit._sklearn import check_sample_weight, num_samples, process_routing, routing_enabled
from robustfit.partition import as_rows


def routed_params(owner, estimator, sample_weight, fit_params):
    """Return the parameters of the ``fit`` of an owner's estimator, by metadata routing or, with routing off, all.

    Raises
    ------
    TypeError
        If there are weights that the estimator does not take.
    """
    given = dict(fit_params)
    if sample_weight is not None:
        given["sample_weight"] = sample_weight
    if routing_enabled():
        return dict(process_routing(owner, "fit", **given).estimator.fit) if given else {}
    if sample_weight is not None and not takes_weights(estimator):
        raise TypeError(
            f"{type(estimator).__name__}.fit does not take sample_weight. For a Pipeline pass it to a step, for "
            "instance fit(X, y, logisticregression__sample_weight=w), or enable metadata routing and request it."
        )
    return given


def takes_weights(estimator):
    """Whether the ``fit`` of an estimator takes ``sample_weight``, by itself or to hand it on to the one inside."""
    if has_fit_parameter(estimator, "sample_weight"):
        return True
    return isinstance(estimator, AroundEstimator) and takes_weights(estimator._default_or_given())


def weight_parameter(estimator):
    """Return the name under which the ``fit`` of an estimator or pipeline takes weights, routing off; None if none."""
    if not hasattr(estimator, "steps"):
        return "sample_weight" if takes_weights(estimator) else None
    name, last = estimator.steps[-1]
    inner = weight_parameter(last)
    return inner and f"{name}__{inner}"


def rows_of_weight(sample_weight, n_samples):
    """Check weights, and tell rows of weight zero from the others: learners differ in what they make of them.

    Returns
    -------
    sample_weight : ndarray of shape (n_samples,) or None
    present : ndarray of shape (n_samples,), bool

    Raises
    ------
    ValueError
        If a weight is negative or no finite number, or all are zero.
    """
    if sample_weight is None:
        return None, np.ones(n_samples, dtype=bool)
    rows = np.empty((n_samples, 0))
    sample_weight = check_sample_weight(sample_weight, rows, dtype=np.float64, ensure_non_negative=True)
    present = sample_weight != 0
    if not present.any():
        raise ValueError("All sample weights are zero: there is no row to fit on.")
    return sample_weight, present


def split_params(params, n_samples):
    """Tell fit parameters that hold one entry per row from those that do not.

    Returns
    -------
    shared, per_row : dict

    Raises
    ------
    ValueError
        If a parameter is a vector or a table of another length: taken for configuration in one training set it would be
        taken for one entry per row in a larger or smaller one.
    """
    shared, per_row = {}, {}
    for name, value in params.items():
        if not _is_vector(value):
            shared[name] = value
        elif num_samples(value) == n_samples:
            per_row[name] = value.tocsr() if issparse(value) else value
        else:
            raise ValueError(
                f"The fit parameter {name} has {num_samples(value)} entries for {n_samples} rows. A vector or table "
                "must have one entry per row; configuration belongs into the estimator's constructor."
            )
    return shared, per_row


def _is_vector(value):
    """Whether a value is an array, a series, a frame, or a list of cells or of rows of cells."""
    if isinstance(value, list | tuple):
        # A list of pairs of arrays, such as sets to watch, is one value.
        flat = all(_is_cell(entry) for entry in value)
        rows = all(isinstance(entry, list | tuple) and all(map(_is_cell, entry)) for entry in value)
        return len(value) > 0 and (flat or rows)
    return issparse(value) or hasattr(value, "columns") or (hasattr(value, "shape") and value.shape != ())


def _is_cell(value):
    return isinstance(value, str | bytes | dict) or not (hasattr(value, "__len__") or callable(value))


def member_params(shared, per_row, index):
    """Fit parameters of one member, its own copy."""
    own = copy.deepcopy(shared) if shared else {}
    return own | {name: _take(value, index) for name, value in per_row.items()}


def _take(value, index):
    if isinstance(value, list | tuple):
        return [value[i] for i in index]
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        # Not as wide as the longest text of all rows.
        return np.array(value[index].tolist(), dtype=str)
    if isinstance(value, np.ndarray) or issparse(value):
        return value[index]
    return as_rows(value).take(index) if hasattr(value, "columns") else np.asarray(value)[index]


def param_columns(per_row):
    """Columns of per-row fit parameters, as keys to sort by."""
    for name in sorted(per_row):
        value = per_row[name]
        if isinstance(value, list | tuple):
            yield [entry if _is_cell(entry) and not isinstance(entry, dict) else repr(entry) for entry in value]
            continue
        array = value.toarray() if issparse(value) else np.asarray(value)
        yield from (array,) if array.ndim == 1 else array.reshape(len(array), -1).T
