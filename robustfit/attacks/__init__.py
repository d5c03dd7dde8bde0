"""Poison rows on purpose: attacks with an exact budget, and what they cost under each threat."""

from robustfit.attacks._catalog import AttackEntry, Catalog, catalog
from robustfit.attacks._cluster_match_attack import ClusterMatchAttack
from robustfit.attacks._deletion_attack import DeletionAttack
from robustfit.attacks._far_flip_attack import FarFlipAttack
from robustfit.attacks._feature_collision_attack import FeatureCollisionAttack
from robustfit.attacks._feature_match_attack import FeatureMatchAttack
from robustfit.attacks._insertion_attack import InsertionAttack
from robustfit.attacks._linear import sphere_slab_sets
from robustfit.attacks._modification_attack import ModificationAttack
from robustfit.attacks._neighbor_copies_attack import NeighborCopiesAttack
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._random_flip_attack import RandomFlipAttack

__all__ = [
    "AttackEntry",
    "Catalog",
    "ClusterMatchAttack",
    "DeletionAttack",
    "FarFlipAttack",
    "FeatureCollisionAttack",
    "FeatureMatchAttack",
    "InsertionAttack",
    "ModificationAttack",
    "NeighborCopiesAttack",
    "Poisoned",
    "RandomFlipAttack",
    "catalog",
    "sphere_slab_sets",
]
