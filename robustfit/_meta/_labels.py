"""Labels of any type: one canonical form per kind, so that a shard's labels do not depend on other shards'."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets


def check_labels(y):
    """Return the labels of a training set in canonical form, see `canonical_labels`.

    Raises
    ------
    ValueError
        Also if they are continuous.
    """
    labels = canonical_labels(y, "y")
    check_classification_targets(labels)
    return labels


def canonical_labels(labels, name):
    """Return class labels in canonical form.

    Parameters
    ----------
    labels : array-like of shape (n_labels,)
        Whole numbers, booleans or texts.
    name : str
        What error messages call them.

    Returns
    -------
    labels : ndarray of shape (n_labels,)
        int64, uint64, float64, bool, or Python strings as objects: a string array would make
        the longest label of all rows part of every shard.

    Raises
    ------
    ValueError
        If there are several columns, or labels mix types.
    """
    array = column_or_1d(as_array(labels), warn=True)
    if array.dtype.kind == "O":
        kinds = {_object_kind(label) for label in array.tolist()}
        if len(kinds) > 1 or None in kinds:
            names = sorted({type(label).__name__ for label in array.tolist()})
            raise ValueError(
                f"Unknown label type: {name} holds {', '.join(names)}. Labels must all be whole numbers, all booleans "
                "or all texts, so that one row cannot change the labels of others; missing labels are not allowed."
            )
        array = np.array(array.tolist()) if kinds != {"text"} else array
    if array.dtype.kind == "f":
        assert_all_finite(array, input_name=name)
    if array.dtype.kind not in "iufbUO":
        raise ValueError(f"Unknown label type: {name} has dtype {array.dtype}. Use whole numbers, booleans or texts.")
    if array.dtype.kind in "UO":
        return np.array([str(label) for label in array.tolist()], dtype=object)
    wide = {"i": np.int64, "u": np.uint64, "f": np.float64, "b": np.bool_}
    return array.astype(wide[array.dtype.kind])


def labels_and_classes(y, index):
    """Read labels as they are given, and which classes some of the rows have.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
    index : ndarray of shape (n_rows,)
        Positions of the rows that count.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,)
    codes : ndarray of shape (n_rows,)

    Raises
    ------
    ValueError
        If they are continuous or missing, or there are several columns.
    """
    labels = column_or_1d(y, warn=True)
    if labels.dtype.kind == "f":
        assert_all_finite(labels, input_name="y")
    check_classification_targets(labels[index])
    classes, codes = np.unique(labels[index], return_inverse=True)
    return labels, classes, codes


def as_array(y):
    """Return labels as an array; of a list each label keeps its own type."""
    if isinstance(y, list | tuple) and all(np.ndim(label) == 0 for label in y):
        array = np.empty(len(y), dtype=object)
        array[:] = y
        return array
    return np.asarray(y)


def _object_kind(label):
    if isinstance(label, str):
        return "text"
    if isinstance(label, bool | np.bool_):
        return "boolean"
    if isinstance(label, int | np.integer):
        return "whole number"
    return "number" if isinstance(label, float | np.floating) else None


def compact(labels):
    """Labels of one shard, or all classes, as an array whose type depends on these labels alone."""
    return labels.astype(str) if labels.dtype.kind == "O" else labels


def code_type(n_codes):
    """Smallest integer type that holds 0..n_codes−1, and −1 for none."""
    # min_scalar_type counts from −(2^(b−1)): these fit where −n does.
    return np.min_scalar_type(-int(n_codes))


def label_codes(predicted, classes):
    """Index of each predicted label among the sorted classes; −1 for a label that is none of them."""
    predicted = np.asarray(predicted)
    if predicted.dtype.kind == "O":
        predicted = predicted.astype(classes.dtype)
    codes = np.minimum(np.searchsorted(classes, predicted), len(classes) - 1)
    return np.where(classes[codes] == predicted, codes, -1)
