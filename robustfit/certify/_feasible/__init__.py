"""Feasible sets: where an attacker may put rows that a sanitizer keeps, and how far a linear score can go there.

The sets and their bounds are derived in ``docs/feasible_sets.md``.
"""

from robustfit.certify._feasible._base import FeasibleSet, Support
from robustfit.certify._feasible._box import Box
from robustfit.certify._feasible._boxed_sphere_slab import BoxedSphereSlab
from robustfit.certify._feasible._convex_set import ConvexSet
from robustfit.certify._feasible._cut_set import CutSet
from robustfit.certify._feasible._integer_sphere_slab import IntegerSphereSlab
from robustfit.certify._feasible._non_negative_integers import NonNegativeIntegers
from robustfit.certify._feasible._one_hot_groups import OneHotGroups
from robustfit.certify._feasible._one_hot_sphere_slab import OneHotSphereSlab
from robustfit.certify._feasible._slab import Slab
from robustfit.certify._feasible._sphere import Sphere
from robustfit.certify._feasible._sphere_slab import SphereSlab

__all__ = [
    "Box",
    "BoxedSphereSlab",
    "ConvexSet",
    "CutSet",
    "FeasibleSet",
    "IntegerSphereSlab",
    "NonNegativeIntegers",
    "OneHotGroups",
    "OneHotSphereSlab",
    "Slab",
    "Sphere",
    "SphereSlab",
    "Support",
]
