"""Poison rows on purpose: attacks with an exact budget, and what they cost under each threat."""

from robustfit.attacks._adaptive_flip_attack import AdaptiveFlipAttack
from robustfit.attacks._alfa_attack import ALFAAttack
from robustfit.attacks._backdoor_attack import BackdoorAttack
from robustfit.attacks._black_box_attack import BlackBoxAttack
from robustfit.attacks._catalog import AttackEntry, Catalog, catalog
from robustfit.attacks._certificate_guided_attack import CertificateGuidedAttack
from robustfit.attacks._cluster_match_attack import ClusterMatchAttack
from robustfit.attacks._deletion_attack import DeletionAttack
from robustfit.attacks._distortion_attack import DistortionAttack
from robustfit.attacks._external_attack import ExternalAttack
from robustfit.attacks._far_flip_attack import FarFlipAttack
from robustfit.attacks._feature_collision_attack import FeatureCollisionAttack
from robustfit.attacks._feature_match_attack import FeatureMatchAttack
from robustfit.attacks._gradient_attack import GradientAttack
from robustfit.attacks._gradient_canceling_attack import GradientCancelingAttack
from robustfit.attacks._group_split_attack import GroupSplitAttack
from robustfit.attacks._inf_flip_attack import InfFlipAttack
from robustfit.attacks._influence_attack import InfluenceAttack
from robustfit.attacks._insertion_attack import InsertionAttack
from robustfit.attacks._iterative_attack import IterativeAttack
from robustfit.attacks._kkt_attack import KKTAttack
from robustfit.attacks._linear import sphere_slab_sets
from robustfit.attacks._linear._points_needed import points_needed
from robustfit.attacks._linear._poisonability import Poisonability, poisonability
from robustfit.attacks._min_max_attack import MinMaxAttack
from robustfit.attacks._model_targeted_attack import ModelTargetedAttack
from robustfit.attacks._modification_attack import ModificationAttack
from robustfit.attacks._moment_matching_attack import MomentMatchingAttack
from robustfit.attacks._near_duplicate_attack import NearDuplicateAttack
from robustfit.attacks._near_flip_attack import NearFlipAttack
from robustfit.attacks._neighbor_copies_attack import NeighborCopiesAttack
from robustfit.attacks._poisoned import Poisoned
from robustfit.attacks._random_flip_attack import RandomFlipAttack
from robustfit.attacks._random_row_attack import RandomRowAttack
from robustfit.attacks._stat_p_attack import StatPAttack
from robustfit.attacks._targeted_min_max_attack import TargetedMinMaxAttack
from robustfit.attacks._triggers import (
    ColumnTrigger,
    OutOfRangeTrigger,
    PatchTrigger,
    RareCategoryTrigger,
    RareValueTrigger,
    WordTrigger,
)

__all__ = [
    "ALFAAttack",
    "AdaptiveFlipAttack",
    "AttackEntry",
    "BackdoorAttack",
    "BlackBoxAttack",
    "Catalog",
    "CertificateGuidedAttack",
    "ClusterMatchAttack",
    "ColumnTrigger",
    "DeletionAttack",
    "DistortionAttack",
    "ExternalAttack",
    "FarFlipAttack",
    "FeatureCollisionAttack",
    "FeatureMatchAttack",
    "GradientAttack",
    "GradientCancelingAttack",
    "GroupSplitAttack",
    "InfFlipAttack",
    "InfluenceAttack",
    "InsertionAttack",
    "IterativeAttack",
    "KKTAttack",
    "MinMaxAttack",
    "ModelTargetedAttack",
    "ModificationAttack",
    "MomentMatchingAttack",
    "NearDuplicateAttack",
    "NearFlipAttack",
    "NeighborCopiesAttack",
    "OutOfRangeTrigger",
    "PatchTrigger",
    "Poisonability",
    "Poisoned",
    "RandomFlipAttack",
    "RandomRowAttack",
    "RareCategoryTrigger",
    "RareValueTrigger",
    "StatPAttack",
    "TargetedMinMaxAttack",
    "WordTrigger",
    "catalog",
    "points_needed",
    "poisonability",
    "sphere_slab_sets",
]
