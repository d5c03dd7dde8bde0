"""Claims about an estimator: what of it can be certified, and why the rest cannot."""

from robustfit.audit._certify_damage import certify_damage, optimality_gap
from robustfit.audit._certify_pipeline import certify_pipeline
from robustfit.audit._check_certifiable import check_certifiable
from robustfit.audit._inflated_sets import inflated_sets
from robustfit.audit._linear_objective import LinearObjective

__all__ = [
    "LinearObjective",
    "certify_damage",
    "certify_pipeline",
    "check_certifiable",
    "inflated_sets",
    "optimality_gap",
]
