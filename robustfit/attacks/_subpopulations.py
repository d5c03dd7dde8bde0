"""Parts of a population: predicates that tell which rows belong, and the poison that is aimed at them."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._base_attack import Chance, check_jitter
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows, as_narwhals, is_frame, is_sparse, shake, take_rows
from robustfit.attacks._encoding import RowEncoder, column_values
from robustfit.attacks._labels import Labels, distinct, is_missing, join_labels, read_labels
from robustfit.attacks._poisoned import Poisoned


class Subpopulation(Protocol):
    """Tells which rows belong, by their features alone."""

    def contains(self, X: Any) -> NDArray[np.bool_]:
        """Return whether each row belongs, of shape (n_rows,)."""


@dataclass(frozen=True, eq=False)
class ClusterSubpopulation:
    """The rows that are nearer to one centroid than to all others.

    Parameters
    ----------
    encoder : RowEncoder
        Fitted; makes points of rows.
    centroids : ndarray of shape (n_clusters, n_coordinates)
    cluster : int
        Position of the centroid; of two at the same distance, a row belongs to the first.
    """

    encoder: RowEncoder
    centroids: Floats
    cluster: int

    def contains(self, X: Any) -> NDArray[np.bool_]:
        """Return whether each row belongs, of shape (n_rows,)."""
        return nearest_centroid(self.encoder.transform(X), self.centroids) == self.cluster


def nearest_centroid(points: Floats, centroids: Floats) -> Rows:
    """Return the position of the centroid that is nearest to each point."""
    # The points' own lengths are the same for all centroids.
    distance = np.einsum("ij,ij->i", centroids, centroids) - 2 * points @ centroids.T
    nearest: Rows = distance.argmin(axis=1)
    return nearest


@dataclass(frozen=True, eq=False)
class FeatureSubpopulation:
    """The rows that have given values in given columns.

    Parameters
    ----------
    values : mapping of column to condition
        Columns by name for frames, by position for arrays and sparse rows. A condition is one value, a list or set of
        values, or a tuple (low, high) of two numbers, both ends included. None stands for a missing value.
    """

    values: Mapping[Any, Any]

    def contains(self, X: Any) -> NDArray[np.bool_]:
        """Return whether each row belongs, of shape (n_rows,).

        Raises
        ------
        ValueError
            If ``X`` lacks one of the columns, or has none.
        """
        _check_columns(X, self.values)
        masks = [[_meets(cell, wanted) for cell in column_values(X, name)] for name, wanted in self.values.items()]
        belongs: NDArray[np.bool_] = np.logical_and.reduce(masks)
        return belongs


def _check_columns(X: Any, columns: Iterable[Any]) -> None:
    if is_frame(X):
        there = as_narwhals(X).columns
        absent = [name for name in columns if name not in there]
        if absent:
            raise ValueError(f"X has no column {absent}; it has {there}.")
        return
    if not (is_sparse(X) or (isinstance(X, np.ndarray) and X.ndim == 2)):
        raise ValueError(
            f"X must be a frame, a 2-D array or a sparse matrix to have values of columns, got {type(X).__name__}. "
            "ClusterMatchAttack finds subpopulations in rows of any kind."
        )
    absent = [j for j in columns if not isinstance(j, int | np.integer) or not 0 <= j < X.shape[1]]
    if absent:
        raise ValueError(f"X has no column {absent}; its columns are the positions 0..{X.shape[1] - 1}.")


def _meets(cell: Any, wanted: Any) -> bool:
    if isinstance(wanted, tuple):
        return not is_missing(cell) and bool(wanted[0] <= cell <= wanted[1])
    if isinstance(wanted, list | set | frozenset):
        return any(_meets(cell, value) for value in wanted)
    if is_missing(cell) or is_missing(wanted):
        return is_missing(cell) and is_missing(wanted)
    return bool(cell == wanted)


def turn_against(
    subpopulation: Subpopulation,
    members: Rows,
    clean: CleanSet,
    budget: int,
    chance: Chance,
    *,
    label: Any,
    jitter: float,
    details: Mapping[str, Any] | None = None,
) -> Poisoned:
    """Insert shaken copies of a subpopulation's rows under one wrong label.

    Parameters
    ----------
    subpopulation : Subpopulation
    members : ndarray of shape (n_members,), int64
        The rows that belong to it, at least one.
    clean : CleanSet
    budget : int
    chance : Chance
    label : label or None
        See `wrong_copies`.
    jitter : float
        Scale of the noise on the copies, as a fraction of each column's standard deviation.
    details : mapping, optional
        What else the attack has to tell.
    """
    check_jitter(jitter)
    drawn, new = wrong_copies(members, clean, budget, chance.rows, label)
    block = shake(take_rows(clean.X, drawn), clean.X, chance.noise, jitter)
    found = {"subpopulation": subpopulation, "label": new.tolist()[0], "n_members": len(members)}
    return clean.append(block, new, drawn, found | dict(details or {}))


def wrong_copies(
    members: Rows, clean: CleanSet, budget: int, rng: np.random.Generator, label: Any = None
) -> tuple[Rows, Labels]:
    """Draw rows of a subpopulation to copy, and give the copies one wrong label.

    Parameters
    ----------
    members : ndarray of shape (n_members,), int64
    clean : CleanSet
    budget : int
        Number of copies; every row is copied once before any is copied twice.
    rng : numpy Generator
    label : label, optional
        Rows that have it are not copied. By default the most frequent class of the subpopulation besides its majority
        or, if there is none, of the whole set.

    Raises
    ------
    ValueError
        If all rows have the label already.
    """
    classes, codes = distinct(clean.labels)
    new = classes[[_easiest_label(codes, members)]] if label is None else read_labels([label], "label")
    old, wrong = join_labels(clean.labels, new)
    sources = members[old[members] != wrong[0]]
    if len(sources) == 0:
        raise ValueError(
            f"All {len(members)} rows of the subpopulation have the label {new.tolist()[0]!r} already. Pass another."
        )
    return np.resize(rng.permutation(sources), budget), np.repeat(new, budget)


def _easiest_label(codes: Rows, members: Rows) -> int:
    everywhere = np.bincount(codes)
    inside = np.bincount(codes[members], minlength=len(everywhere))
    rank = inside * (len(codes) + 1) + everywhere
    rank[inside.argmax()] = -1
    return int(rank.argmax())
