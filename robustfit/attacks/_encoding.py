"""Rows of any container as points, so that an attack can tell which rows are near each other."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, Normalizer, OneHotEncoder, StandardScaler

from robustfit.attacks._containers import Floats, as_narwhals, is_frame, is_numeric, is_series, is_sparse
from robustfit.attacks._labels import is_missing

MOST_CATEGORIES = 30
"""Categories of one column that get a coordinate of their own; the rare rest shares one."""


class RowEncoder:
    """Maps rows of any container to points whose Euclidean distances mean something.

    Numbers are divided by the standard deviation of their column, missing ones replaced by its mean. Every other
    column becomes one coordinate per category. Texts become TF-IDF vectors, and sparse rows vectors of length 1 whose
    columns had a common scale before. What it learned is fixed by `fit`, so that other rows can be placed later.

    Parameters
    ----------
    n_components : int
        Largest number of coordinates: the first principal components, or singular directions of sparse data.
    seed : int
        For the randomised decompositions.
    """

    def __init__(self, n_components: int, seed: int) -> None:
        self.n_components = n_components
        self.seed = seed

    def fit(self, X: Any) -> Self:
        """Learn scales, categories, words and directions from the rows."""
        rows = read_rows(X)
        self.steps_ = _steps(rows)
        points = self.steps_.fit_transform(rows)
        self.reducer_ = None
        n_components = min(self.n_components, points.shape[0])
        if points.shape[1] > n_components:
            kind = TruncatedSVD if is_sparse(points) else PCA
            # Rows that are all alike have no direction, and a share of no variance.
            with np.errstate(invalid="ignore", divide="ignore"):
                self.reducer_ = kind(n_components, random_state=self.seed).fit(points)
        return self

    def transform(self, X: Any) -> Floats:
        """Return one point per row, of shape (n_rows, n_coordinates)."""
        points = self.steps_.transform(read_rows(X))
        if self.reducer_ is not None:
            points = self.reducer_.transform(points)
        return np.asarray(points.toarray() if is_sparse(points) else points, dtype=np.float64)


def column_values(X: Any, column: Any) -> list[Any]:
    """Return one column as Python values: by name from a frame, by position from anything else."""
    if is_frame(X):
        values: list[Any] = as_narwhals(X).get_column(column).to_list()
    elif is_sparse(X):
        values = np.ravel(X.tocsc()[:, [column]].toarray()).tolist()
    else:
        values = X[:, column].tolist()
    return values


def read_rows(X: Any) -> Any:
    """Return rows as a float array with NaN for missing numbers, a sparse float matrix, objects, or a list of texts."""
    if is_sparse(X):
        return sparse.csr_array(X, dtype=np.float64)
    if is_frame(X):
        if is_numeric(X):
            return _numbers(as_narwhals(X).to_numpy())
        return _table([column_values(X, name) for name in as_narwhals(X).columns], len(X))
    rows = as_narwhals(X).to_list() if is_series(X) else X
    if not isinstance(rows, np.ndarray) or rows.ndim == 1:
        return _read_list(list(rows))
    flat = rows.reshape(len(rows), -1)
    return _numbers(flat) if flat.dtype.kind in "biuf" else flat.astype(object)


def _read_list(rows: list[Any]) -> Any:
    if all(isinstance(row, str) or is_missing(row) for row in rows):
        return [row if isinstance(row, str) else "" for row in rows]
    cells = [np.ravel(np.array(row, dtype=object)).tolist() for row in rows]
    if len({len(row) for row in cells}) > 1:
        raise ValueError("Rows in a list must all be texts, or all have the same number of entries.")
    return _table(list(zip(*cells, strict=True)), len(rows))


def _table(columns: Sequence[Any], n_rows: int) -> NDArray[Any]:
    cells = np.empty((n_rows, len(columns)), dtype=object)
    for j, values in enumerate(columns):
        cells[:, j] = values
    return cells


def _numbers(cells: NDArray[Any]) -> Floats:
    """Return cells as floats; what is no finite number has no distance, and counts as missing."""
    if cells.dtype == object:
        values = [float(v) if _is_number(v) and not is_missing(v) else np.nan for v in cells.ravel().tolist()]
        return np.array(values, dtype=np.float64).reshape(cells.shape)
    numbers = cells.astype(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number | np.bool_) or is_missing(value)


def _steps(rows: Any) -> Any:
    if is_sparse(rows):
        return make_pipeline(MaxAbsScaler(), Normalizer())
    if isinstance(rows, list):
        # Single signs count too, so that only blank texts have no word at all.
        return TfidfVectorizer(token_pattern=r"\w+|[^\w\s]")
    return _standardizer() if rows.dtype != object else _Columns()


def _standardizer() -> Pipeline:
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())


class _Columns:
    """Standardised numbers next to one coordinate per category."""

    def fit_transform(self, rows: NDArray[Any]) -> Floats:
        values = [column.tolist() for column in rows.T]
        self.numeric_ = np.array([all(map(_is_number, v)) and not all(map(is_missing, v)) for v in values], dtype=bool)
        self.numbers_ = _standardizer()
        self.categories_ = OneHotEncoder(
            handle_unknown="infrequent_if_exist", max_categories=MOST_CATEGORIES, sparse_output=False
        )
        if self.numeric_.any():
            self.numbers_.fit(_numbers(rows[:, self.numeric_]))
        if not self.numeric_.all():
            self.categories_.fit(_words(rows[:, ~self.numeric_]))
        return self.transform(rows)

    def transform(self, rows: NDArray[Any]) -> Floats:
        parts = [np.empty((len(rows), 0))]
        if self.numeric_.any():
            parts.append(self.numbers_.transform(_numbers(rows[:, self.numeric_])))
        if not self.numeric_.all():
            parts.append(self.categories_.transform(_words(rows[:, ~self.numeric_])))
        return np.hstack(parts)


def _words(cells: NDArray[Any]) -> NDArray[Any]:
    words = np.empty(cells.size, dtype=object)
    words[:] = ["\0" if is_missing(v) else str(v) for v in cells.ravel().tolist()]
    return words.reshape(cells.shape)
