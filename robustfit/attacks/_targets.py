"""Rows that an attack is aimed at: read them in the container of the training set."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from typing import Any

import narwhals as nw
import numpy as np
from scipy import sparse

from robustfit.attacks._containers import (
    as_narwhals,
    fit_numbers,
    is_frame,
    is_numeric,
    is_series,
    is_sparse,
    n_rows,
    take_rows,
)
from robustfit.attacks._labels import is_missing


def read_target(target: Any, X: Any) -> Any:
    """Return the targeted rows, one or more, as rows that can be appended to ``X``.

    Parameters
    ----------
    target : one row, or a container of rows like ``X``
        For arrays, sparse rows and frames of numbers also a 1-D array, for a pandas frame also a series, for texts also
        one text.
    X : container of the training set

    Raises
    ------
    ValueError
        If the target has other columns than ``X``, no rows, or values that its columns cannot hold.
    """
    if is_frame(X):
        rows = _like_frame(target, X)
    elif is_sparse(X) or (isinstance(X, np.ndarray) and X.ndim > 1):
        rows = _like_array(target, X)
    else:
        rows = _like_list(target, X)
    if n_rows(rows) == 0:
        raise ValueError("target has no rows; pass at least one.")
    return rows


def _like_array(target: Any, X: Any) -> Any:
    given = target.toarray() if is_sparse(target) else np.asarray(target)
    values = given[None] if given.ndim == X.ndim - 1 else given
    if values.shape[1:] != X.shape[1:] or values.ndim != X.ndim:
        raise ValueError(f"target must be one row of shape {X.shape[1:]}, as X has, or several, got {given.shape}.")
    if X.dtype.kind in "biufO":
        cast = values.astype(X.dtype)
        if X.dtype.kind in "biu" and not (cast == values).all():
            raise ValueError(f"target has values that the dtype {X.dtype} of X cannot hold. Cast X to float first.")
        values = cast
    if is_sparse(X):
        kind = sparse.csr_array if isinstance(X, sparse.sparray) else sparse.csr_matrix
        return kind(values).asformat(X.format)
    return values


def _like_frame(target: Any, X: Any) -> Any:
    clean = as_narwhals(X)
    if nw.dependencies.is_pandas_like_series(target):
        target = target.to_frame().T
    elif isinstance(target, np.ndarray | list) and is_numeric(X):
        numbers = _like_array(target, np.empty((0, len(clean.columns))))
        target = fit_numbers(take_rows(X, np.zeros(1, dtype=np.int64)), numbers)[1]
    frame = as_narwhals(target)
    if not is_frame(target) or frame.implementation != clean.implementation:
        raise ValueError(
            f"target must be a {type(X).__name__} with the columns of X and one row or several, such as X_test[:1], "
            f"got {type(target).__name__}."
        )
    absent = [name for name in clean.columns if name not in frame.columns]
    if absent:
        raise ValueError(f"target lacks the columns {absent} of X; it has {frame.columns}.")
    frame = nw.maybe_reset_index(frame.select(nw.col(name) for name in clean.columns))
    try:
        # Each library has its own dtypes, category lists included, and casts whole frames to them.
        native = frame.to_native()
        with warnings.catch_warnings():
            # A category that is not in the list becomes a missing value, which is seen below.
            warnings.simplefilter("ignore")
            cast = native.astype(dict(X.dtypes)) if hasattr(native, "astype") else native.cast(X.schema)
    except Exception as error:
        raise ValueError(f"target has values that the columns of X cannot hold: {error}") from error
    for name, dtype in clean.schema.items():
        before, after = frame.get_column(name).to_list(), as_narwhals(cast).get_column(name).to_list()
        if not dtype.is_float() and not all(map(_same, before, after)):
            raise ValueError(f"target has {before} in column {name!r}, which its dtype {dtype} in X cannot hold.")
    return cast


def _same(left: Any, right: Any) -> bool:
    return bool(is_missing(left) and is_missing(right)) or bool(left == right)


def _like_list(target: Any, X: Any) -> Any:
    values = as_narwhals(target).to_list() if is_series(target) else target
    first = as_narwhals(X)[0]
    kind = str if isinstance(first, str) else type(first)
    # One row of a list of rows looks like a list itself; what is in it does not look like a row.
    if isinstance(values, str) or (isinstance(values, kind) and not isinstance(values[0], kind)):
        values = [values]
    if not isinstance(values, list | tuple | np.ndarray) or not all(isinstance(row, kind) for row in values):
        raise ValueError(f"target must be one row as X has, such as {first!r}, or a list of several, got {target!r}.")
    if isinstance(X, list | tuple):
        return type(X)(values)
    if isinstance(X, np.ndarray):
        return np.array(values, dtype=object if X.dtype == object else None)
    series = as_narwhals(X)
    return nw.new_series("target", list(values), series.dtype, backend=series.implementation).to_native().rename(X.name)
