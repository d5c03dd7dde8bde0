"""Containers at the door of an ensemble: what is validated, what is only indexed, what is refused."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import scipy.sparse as sp
from sklearn.utils import get_tags
from sklearn.utils.validation import validate_data

from robustfit._meta._labels import as_array
from robustfit._sklearn import num_samples
from robustfit.partition import Rows, Schema, SchemaError, as_rows, cells, missing_cells, narrow_indices


@dataclass(frozen=True)
class Container:
    """The kind of container that an ensemble was fitted on; part of its schema.

    Parameters
    ----------
    kind : {"array", "object", "frame", "text"}
    schema : Schema or None
        Of a frame.
    backend : str or None
        Library of a frame.
    """

    kind: str
    schema: Any = None
    backend: Any = None


def read_training_rows(ensemble, X, schema) -> tuple[Rows, Container]:
    """Validate the rows to fit on and set ``n_features_in_`` and ``feature_names_in_``.

    Raises
    ------
    SchemaError
        If a schema was given and the rows do not fit it.
    ValueError
        If the shape or the type of the rows is wrong.
    """
    if nw.dependencies.is_into_dataframe(X):
        fixed = Schema.of(X) if schema is None else Schema.declare(schema)
        validate_data(ensemble, X, skip_check_array=True)
        rows = as_rows(fixed.conform(X))
        _refuse_empty(rows.n_samples, rows.n_columns)
        return rows, Container("frame", fixed, nw.get_native_namespace(X).__name__)
    if schema is not None:
        raise SchemaError(
            f"schema= describes the columns of a data frame, got {type(X).__name__}; the schema of an array is "
            "its width. Pass a data frame, or leave schema out."
        )
    if (texts := _texts(X)) is not None:
        _refuse_empty(len(texts))
        return as_rows(texts), Container("text")
    array = _check_array(ensemble, X, reset=True)
    return as_rows(array), Container("object" if array.dtype.kind == "O" else "array")


def read_test_rows(ensemble, X, container: Container):
    """Validate rows to predict and bring them into the container that the members were fitted on.

    Returns
    -------
    X : ndarray, sparse matrix, data frame or list of str
        Members must not write to it.
    """
    if container.kind == "text":
        if isinstance(X, list | tuple | np.ndarray):
            _refuse_empty(len(X))
        if (texts := _texts(X)) is None:
            raise ValueError(f"The estimator was fitted on texts; pass a list of str, got {type(X).__name__}.")
        _refuse_empty(len(texts))
        return texts
    if container.kind == "frame":
        if not nw.dependencies.is_into_dataframe(X):
            X = _check_array(ensemble, X, reset=False)
            X = X.toarray() if sp.issparse(X) else X
            names = container.schema.names
            # As lists, so that each column gets the type of its own cells.
            X = nw.from_dict({n: X[:, j].tolist() for j, n in enumerate(names)}, backend=container.backend)
        else:
            validate_data(ensemble, X, skip_check_array=True, reset=False)
        frame = nw.from_native(X, eager_only=True)
        _refuse_empty(len(frame))
        return container.schema.conform(_to_backend(frame, container.backend))
    if container.kind == "object":
        if nw.dependencies.is_into_dataframe(X):
            frame = nw.from_native(X, eager_only=True)
            X = np.array([frame[:, j].to_list() for j in range(frame.shape[1])], dtype=object).T
        array = _check_array(ensemble, X, reset=False)
        return array if array.dtype.kind == "O" else array.astype(object)
    return _read_only(_check_array(ensemble, X, reset=False))


def is_numeric(container: Container) -> bool:
    """Whether rows can be had as numbers, by what is fixed in advance."""
    if container.kind == "frame":
        return all(column.kind in ("number", "integer", "boolean") for column in container.schema.columns)
    return container.kind == "array"


def as_numbers(X):
    """Rows of a frame of numbers and booleans as a float64 array, missing cells as NaN; arrays are kept as they are."""
    if isinstance(X, np.ndarray) or sp.issparse(X):
        return X
    frame = nw.from_native(X, eager_only=True)
    columns = [np.asarray(cells(frame[:, j]), dtype=np.float64) for j in range(frame.shape[1])]
    return np.ascontiguousarray(np.array(columns).T)


def check_groups(groups, partition_by, n_samples):
    """Return groups as an array whose entries keep their own types, or None.

    Raises
    ------
    ValueError
        If they are needed and absent, or the other way round, of another length, or missing for some row.
    """
    if (groups is None) == (partition_by == "groups"):
        raise ValueError(
            "partition_by='groups' needs groups= in fit, one group per row."
            if groups is None
            else "groups were given but partition_by='content' does not use them; set partition_by='groups'."
        )
    if groups is None:
        return None
    if num_samples(groups) != n_samples:
        raise ValueError(f"groups must have one entry per row, {n_samples}, got {num_samples(groups)}.")
    # numpy would give all groups of a list the type of the strangest one.
    array = as_array(groups)
    if array.ndim != 1:
        raise ValueError(f"groups must be one-dimensional, got shape {array.shape}.")
    if missing := int(missing_cells(array).sum()):
        raise ValueError(
            f"groups holds {missing} missing values; a row without a source belongs to no group. "
            "Drop those rows or name their group."
        )
    return array


def _check_array(ensemble, X, *, reset):
    options = {"accept_sparse": "csr", "ensure_all_finite": False, "reset": reset}
    if hasattr(X, "collect") and hasattr(X, "collect_schema"):
        raise ValueError(f"X is a lazy {type(X).__name__}; collect() it before fitting or predicting.")
    kind = "f"
    if not sp.issparse(X) and not nw.dependencies.is_into_dataframe(X):
        kind = (X if isinstance(X, np.ndarray) else np.asarray(X)).dtype.kind
    if kind not in "OUS":
        # Shards are copied in C order in any case; a test row has to be laid out the same way every time.
        return validate_data(ensemble, X, dtype=np.float64, order=None if reset else "C", **options)
    if reset and not isinstance(X, np.ndarray) and np.ndim(np.asarray(X, dtype=object)) == 2:
        # Whether a list holds numbers only is a matter of every single cell: no container to build a guarantee on.
        raise ValueError(
            "X is a list with cells that are no plain numbers. Pass numpy.array(X, dtype=object) or a data frame, so "
            "that the type of a column does not depend on single rows."
        )
    return validate_data(ensemble, np.asarray(X, dtype=object), dtype=None, **options)


def _texts(X):
    """Return X as a list of str if it is a one-dimensional container of texts, else None."""
    if nw.dependencies.is_into_series(X):
        X = nw.from_native(X, series_only=True).to_list()
    elif isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "UO":
        X = X.tolist()
    if not isinstance(X, list | tuple) or not any(isinstance(text, str) for text in X):
        return None
    for position, text in enumerate(X):
        if not isinstance(text, str):
            raise ValueError(
                f"X is a list of texts, but row {position} holds {type(text).__name__} {text!r}; "
                "replace missing texts by ''."
            )
    return [str(text) for text in X]


def _refuse_empty(n_samples, n_features=1):
    for count, name in ((n_samples, "sample"), (n_features, "feature")):
        if count == 0:
            raise ValueError(f"Found array with 0 {name}(s) while a minimum of 1 is required.")


def _to_backend(frame, backend):
    if nw.get_native_namespace(frame).__name__ == backend:
        return nw.to_native(frame)
    return {"pandas": frame.to_pandas, "polars": frame.to_polars, "pyarrow": frame.to_arrow}[backend]()


def _read_only(array):
    """Return a view that one member cannot change under the next one's eyes."""
    if sp.issparse(array):
        array = narrow_indices(array)
        parts = (array.data.view(), array.indices.view(), array.indptr.view())
        view = type(array)(parts, shape=array.shape, copy=False)
        for part in (view.data, view.indices, view.indptr):
            part.flags.writeable = False
        return view
    view = array.view()
    view.flags.writeable = False
    return view


def refuses_missing(estimator):
    """Whether an estimator is known, by its parameters alone, to take no NaN and no infinity.

    Of a composed estimator this is known only if the values reach a part that refuses them.
    """
    steps = getattr(estimator, "steps", None)
    if steps is None:
        composed = any(hasattr(part, "fit") for part in estimator.get_params(deep=False).values())
        return not composed and not get_tags(estimator).input_tags.allow_nan
    for _, step in steps:
        if step is None or step == "passthrough":
            continue
        if refuses_missing(step):
            return True
        # scikit-learn's preprocessing hands missing values on; what other steps do is their affair.
        if not type(step).__module__.startswith("sklearn.preprocessing."):
            return False
    return False
