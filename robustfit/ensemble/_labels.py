"""Labels of any type: one canonical form per kind, so that a shard's labels do not depend on other shards'."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets


def check_labels(y):
    """Return class labels in canonical form.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Whole numbers, booleans or texts.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        int64, uint64, float64, bool, or Python strings as objects: a string array would make
        the longest label of all rows part of every shard.

    Raises
    ------
    ValueError
        If ``y`` has several columns, is continuous, or mixes types.
    """
    array = column_or_1d(y, warn=True)
    if array.dtype.kind == "O":
        kinds = {_object_kind(label) for label in array.tolist()}
        if len(kinds) > 1 or None in kinds:
            raise ValueError(
                "Unknown label type: y mixes "
                f"{', '.join(sorted({type(label).__name__ for label in array.tolist()}))}. Labels must all be whole "
                "numbers, all booleans or all texts; missing labels are not allowed."
            )
        array = np.array(array.tolist()) if kinds != {"text"} else array
    if array.dtype.kind == "f":
        assert_all_finite(array, input_name="y")
    check_classification_targets(array)
    if array.dtype.kind in "UO":
        return np.array([str(label) for label in array.tolist()], dtype=object)
    wide = {"i": np.int64, "u": np.uint64, "f": np.float64, "b": np.bool_}
    return array.astype(wide[array.dtype.kind])


def _object_kind(label):
    if isinstance(label, str):
        return "text"
    if isinstance(label, bool | np.bool_):
        return "boolean"
    return "number" if isinstance(label, int | float | np.integer | np.floating) else None


def compact(labels):
    """Labels of one shard, or all classes, as an array whose type depends on these labels alone."""
    return labels.astype(str) if labels.dtype.kind == "O" else labels


def label_codes(predicted, classes):
    """Index of each predicted label among the sorted classes; −1 for a label that is none of them."""
    predicted = np.asarray(predicted)
    if predicted.dtype.kind == "O":
        predicted = predicted.astype(classes.dtype)
    codes = np.minimum(np.searchsorted(classes, predicted), len(classes) - 1)
    return np.where(classes[codes] == predicted, codes, -1)
