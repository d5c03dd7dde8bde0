"""Sphere, slab and box together: rows that a defence keeps and that are valid measurements."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from robustfit.certify._feasible._box import Box
from robustfit.certify._feasible._checks import check_vector
from robustfit.certify._feasible._separable_sphere_slab import SeparableSphereSlab


class BoxedSphereSlab(SeparableSphereSlab):
    """Rows in sphere and slab whose columns stay within a range.

    Parameters
    ----------
    center : array-like of shape (n_features,)
        μ, the centre of sphere and slab; it may lie outside the box.
    radius : float
        r ≥ 0, in units of the features. May be infinite if the box is bounded, for a slab and a box alone.
    normal : array-like of shape (n_features,), optional
        n, of any length. None for no slab.
    width : float, default=inf
        s ≥ 0, in units of the inner product.
    lower, upper : float or array-like of shape (n_features,)
        Ends of the columns; infinite where there is none.

    Raises
    ------
    ValueError
        If the box, the box and the sphere, the box and the slab, or all three have no point in common (the message says
        which), or if the set is unbounded.

    Notes
    -----
    `maximize` minimises the Lagrange dual in the multipliers λ of the sphere and ν of the slab. `project` solves the
    same kind of dual, to about 1e-8 of the distances involved.

    **Guarantee.** ``maximize(u).bound`` is the dual value at some (λ ≥ 0, ν) plus a bound on its rounding errors. Every
    such pair bounds the maximum, so the bound holds whether or not the search converged; where it did, bound and value
    agree up to rounding.

    References
    ----------
    .. [1] Steinhardt, Koh, Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> from robustfit.certify import BoxedSphereSlab
    >>> kept = BoxedSphereSlab([0.5, 0.5], 0.6, [1.0, -1.0], 0.2, lower=0.0, upper=1.0)
    >>> support = kept.maximize([1.0, 0.0])
    >>> support.point.round(6), round(support.value, 6), bool(support.bound - support.value < 1e-9)
    (array([1. , 0.8]), 1.0, True)
    """

    def __init__(
        self,
        center: ArrayLike,
        radius: Any,
        normal: ArrayLike | None = None,
        width: Any = np.inf,
        *,
        lower: ArrayLike,
        upper: ArrayLike,
    ) -> None:
        size = check_vector(center, "center").size
        super().__init__(Box(lower, upper, n_features=size), center, radius, normal, width)
