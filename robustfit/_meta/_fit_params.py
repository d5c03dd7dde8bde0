"""Fit parameters of members: those with one entry per row are cut to the shard, all others are configuration."""

# SPDX-License-Identifier: BSD-3-Clause

import copy

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.validation import has_fit_parameter

from robustfit._sklearn import num_samples, process_routing, routing_enabled
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
    if sample_weight is not None and not has_fit_parameter(estimator, "sample_weight"):
        raise TypeError(
            f"{type(estimator).__name__}.fit does not take sample_weight. For a Pipeline pass it to a step, for "
            "instance fit(X, y, logisticregression__sample_weight=w), or enable metadata routing and request it."
        )
    return given


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
