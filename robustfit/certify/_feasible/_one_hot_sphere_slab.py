"""Sphere and slab among rows with encoded categories."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from robustfit.certify._feasible._checks import check_vector
from robustfit.certify._feasible._one_hot_groups import OneHotGroups
from robustfit.certify._feasible._separable_sphere_slab import SeparableSphereSlab


class OneHotSphereSlab(SeparableSphereSlab):
    """Rows in sphere and slab with exactly one 1 in each group of columns; columns of no group lie in a box.

    Parameters
    ----------
    center : array-like of shape (n_features,)
        μ, the centre of sphere and slab; for encoded categories its entries are shares.
    radius : float
        r ≥ 0, in units of the features. May be infinite if all columns of no group are bounded.
    normal : array-like of shape (n_features,), optional
        n, of any length. None for no slab.
    width : float, default=inf
        s ≥ 0, in units of the inner product.
    groups : sequence of sequences of int
        Columns of each encoded category. A column can be in one group only.
    lower, upper : float or array-like of shape (n_features,), default=-inf, inf
        Ends of the columns that are in no group.

    Raises
    ------
    ValueError
        If groups overlap or are empty, if no row is near enough to the centre or the slab, or if no point of the set
        was found.

    Notes
    -----
    ``maximize(u).point`` is a row of the set: categories are chosen by the dual and repaired one by one, then the real
    columns are the best for them. `project` returns a nearby row of the set, not always the nearest.

    **Guarantee.** ``maximize(u).bound`` is the dual value at some (λ ≥ 0, ν) plus a bound on its rounding errors; no
    row of the set exceeds it. The best row may stay below it.

    References
    ----------
    .. [1] Steinhardt, Koh, Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> from robustfit.certify import OneHotSphereSlab
    >>> kept = OneHotSphereSlab([0.6, 0.3, 0.1, 0.0], 1.0, groups=[[0, 1, 2]])
    >>> support = kept.maximize([1.0, 2.0, 5.0, 1.0])
    >>> support.point.round(4)
    array([0.    , 1.    , 0.    , 0.3742])
    >>> bool(support.value <= support.bound)
    True
    """

    def __init__(
        self,
        center: ArrayLike,
        radius: Any,
        normal: ArrayLike | None = None,
        width: Any = np.inf,
        *,
        groups: Sequence[Sequence[int]],
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> None:
        size = check_vector(center, "center").size
        super().__init__(OneHotGroups(size, groups, lower, upper), center, radius, normal, width)
