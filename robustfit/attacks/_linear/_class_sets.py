"""Where the rows of each class may lie, so that a sanitizer keeps them."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._labels import Labels, distinct
from robustfit.certify import FeasibleSet, SphereSlab

_HAIR = 1e-12
"""Share of the way inwards that undoes rounding."""


def sphere_slab_sets(X: Any, y: Any, *, quantile: float = 0.9) -> dict[Any, SphereSlab]:
    """Fit the sphere and slab defence of each class to clean rows.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
    y : array-like of shape (n_rows,)
        At least two classes.
    quantile : float, default=0.9
        Share of the rows of each class that its sphere keeps, and that its slab keeps.

    Returns
    -------
    sets : dict of label to SphereSlab
        For class k: rows within a distance of its centroid μ_k, and near the hyperplane through μ_k that is orthogonal
        to the line to the centroid of all other classes' centroids.

    Raises
    ------
    ValueError
        If there are fewer than two classes, or the quantile is not in (0, 1].

    References
    ----------
    .. [1] Steinhardt, Koh, Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import sphere_slab_sets
    >>> X = np.array([[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [4.0, 2.0]])
    >>> sets = sphere_slab_sets(X, ["a", "a", "b", "b"], quantile=1.0)
    >>> float(sets["b"].radius), sets["b"].normal
    (1.0, array([4., 0.]))
    """
    if not 0.0 < quantile <= 1.0:
        raise ValueError(f"quantile is a share of the rows in (0, 1], got {quantile!r}.")
    rows = np.asarray(X, dtype=np.float64)
    classes, codes = distinct(np.asarray(y))
    if len(classes) < 2:
        raise ValueError(f"A slab lies between two classes, but y has only {classes.tolist()}.")
    centers = np.array([rows[codes == code].mean(axis=0) for code in range(len(classes))])
    sets = {}
    for code, label in enumerate(classes.tolist()):
        own = rows[codes == code] - centers[code]
        normal = centers[code] - np.delete(centers, code, axis=0).mean(axis=0)
        radius = np.quantile(np.linalg.norm(own, axis=1), quantile)
        width = np.quantile(np.abs(own @ normal), quantile)
        sets[label] = SphereSlab(centers[code], radius, normal, width)
    return sets


def resolve_sets(feasible_set: Any, X: NDArray[np.float64], labels: Labels, classes: Labels) -> tuple[FeasibleSet, ...]:
    """Return the feasible set of each class, in the order of ``classes``.

    Parameters
    ----------
    feasible_set : FeasibleSet, mapping of label to FeasibleSet, or None
        One set for all classes, or one for each; None for `sphere_slab_sets` of the rows.
    X : ndarray of shape (n_rows, n_features)
    labels : ndarray of shape (n_rows,)
    classes : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If a class has no set, or a set has another width than the rows.
    TypeError
        If it is none of these.
    """
    if feasible_set is None:
        feasible_set = sphere_slab_sets(X, labels)
    if isinstance(feasible_set, FeasibleSet):
        feasible_set = dict.fromkeys(classes.tolist(), feasible_set)
    if not isinstance(feasible_set, Mapping) or not all(isinstance(s, FeasibleSet) for s in feasible_set.values()):
        raise TypeError(
            "feasible_set must be a robustfit.certify.FeasibleSet such as SphereSlab or Box, a dict of one for each "
            f"label, or None, got {feasible_set!r}."
        )
    without = [label for label in classes.tolist() if label not in feasible_set]
    if without:
        raise ValueError(
            f"feasible_set has sets for {list(feasible_set)}, but none for {without}, which y holds. Give one for each "
            "label."
        )
    sets = tuple(feasible_set[label] for label in classes.tolist())
    widths = sorted({s.n_features for s in sets} - {X.shape[1]})
    if widths:
        raise ValueError(f"X has {X.shape[1]} columns, but the feasible set is for {widths[0]}.")
    return sets


def draw_inside(feasible: FeasibleSet, rows: NDArray[np.float64], inner: NDArray[np.float64]) -> NDArray[np.float64]:
    """Undo rounding errors that put rows outside a set.

    Parameters
    ----------
    feasible : FeasibleSet
    rows : ndarray of shape (n_rows, n_features)
        Rows of the set, to rounding.
    inner : ndarray of shape (n_features,)
        A row well inside, or near one.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_features)
        Of a convex set with an inside, none is outside, whether it is looked at alone or with the others.
    """
    settled = feasible.project(rows)
    if not feasible.convex:
        return settled
    alone = np.array([feasible.violation(row[None])[0] for row in settled])
    outside = np.flatnonzero((feasible.violation(settled) > 0) | (alone > 0))
    anchor = feasible.project(inner[None])[0]
    settled[outside] += _HAIR * (anchor - settled[outside])
    return settled
