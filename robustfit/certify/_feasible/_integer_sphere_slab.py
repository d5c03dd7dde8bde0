"""Sphere and slab among rows of counts, such as bags of words."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from robustfit.certify._feasible._checks import check_vector
from robustfit.certify._feasible._non_negative_integers import NonNegativeIntegers
from robustfit.certify._feasible._separable_sphere_slab import SeparableSphereSlab


class IntegerSphereSlab(SeparableSphereSlab):
    """Rows of non-negative whole numbers in sphere and slab.

    Parameters
    ----------
    center : array-like of shape (n_features,)
        μ, the centre of sphere and slab, any real vector.
    radius : float
        r ≥ 0. May be infinite if all columns have an upper end.
    normal : array-like of shape (n_features,), optional
        n, of any length. None for no slab.
    width : float, default=inf
        s ≥ 0, in units of the inner product.
    upper : float or array-like of shape (n_features,), default=inf
        Largest count of each column.

    Raises
    ------
    ValueError
        If no count is near enough to the centre or the slab, or no point of the set was found.

    Notes
    -----
    Under the Lagrangian each column's best count is a parabola's largest value among whole numbers, which is at the one
    nearest to its top. No relaxation of the square is involved, so the bound is tighter than one over real rows.

    ``maximize(u).point`` is a row of the set, found by repairing the dual's answer step by step; finding the best one
    is a knapsack problem. `project` returns a nearby row of the set, not always the nearest.

    **Guarantee.** ``maximize(u).bound`` is the dual value at some (λ ≥ 0, ν) plus a bound on its rounding errors; no
    row of the set exceeds it. The best row may stay below it.

    References
    ----------
    .. [1] Steinhardt, Koh, Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> from robustfit.certify import IntegerSphereSlab
    >>> kept = IntegerSphereSlab([0.0, 0.0, 0.0], 3.0)
    >>> support = kept.maximize([2.0, 2.0, 1.0])
    >>> support.point, support.value, round(support.bound, 9)
    (array([2., 2., 1.]), 9.0, 9.0)
    """

    def __init__(
        self,
        center: ArrayLike,
        radius: Any,
        normal: ArrayLike | None = None,
        width: Any = np.inf,
        *,
        upper: ArrayLike = np.inf,
    ) -> None:
        size = check_vector(center, "center").size
        super().__init__(NonNegativeIntegers(upper, n_features=size), center, radius, normal, width)
