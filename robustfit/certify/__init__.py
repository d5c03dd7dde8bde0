"""Votes in, guarantees out: arrays and integers, no estimators."""

from robustfit.certify._certificate import Certificate
from robustfit.certify._damage_certificate import DamageCertificate, WeightedAttack
from robustfit.certify._feasible import (
    Box,
    BoxedSphereSlab,
    ConvexSet,
    CutSet,
    FeasibleSet,
    IntegerSphereSlab,
    NonNegativeIntegers,
    OneHotGroups,
    OneHotSphereSlab,
    Slab,
    Sphere,
    SphereSlab,
    Support,
)
from robustfit.certify._interval_certificate import IntervalCertificate
from robustfit.certify._location import median_range, trimmed_mean_range
from robustfit.certify._plurality import plurality_radius
from robustfit.certify._post_hoc_ball import WeightBall, weight_ball
from robustfit.certify._post_hoc_holdout import HoldoutBound, holdout_error_bound
from robustfit.certify._post_hoc_rows import clean_error_bound, clean_loss_bound
from robustfit.certify._threats import THREATS, CertificateError, Threat

__all__ = [
    "THREATS",
    "Box",
    "BoxedSphereSlab",
    "Certificate",
    "CertificateError",
    "ConvexSet",
    "CutSet",
    "DamageCertificate",
    "FeasibleSet",
    "HoldoutBound",
    "IntegerSphereSlab",
    "IntervalCertificate",
    "NonNegativeIntegers",
    "OneHotGroups",
    "OneHotSphereSlab",
    "Slab",
    "Sphere",
    "SphereSlab",
    "Support",
    "Threat",
    "WeightBall",
    "WeightedAttack",
    "clean_error_bound",
    "clean_loss_bound",
    "holdout_error_bound",
    "median_range",
    "plurality_radius",
    "trimmed_mean_range",
    "weight_ball",
]
