"""Claims about an estimator: what of it can be certified, and why the rest cannot."""

from robustfit.audit._certify_damage import certify_damage, optimality_gap
from robustfit.audit._certify_pipeline import certify_pipeline
from robustfit.audit._certify_reach import ReachCertificate, certify_reach
from robustfit.audit._check_certifiable import check_certifiable
from robustfit.audit._clean_model_ball import clean_model_ball
from robustfit.audit._inflated_sets import inflated_sets
from robustfit.audit._linear_objective import LinearObjective
from robustfit.audit._poison_needed import poison_needed
from robustfit.audit._post_hoc_report import PostHocReport, Statement, post_hoc_report

__all__ = [
    "LinearObjective",
    "PostHocReport",
    "ReachCertificate",
    "Statement",
    "certify_damage",
    "certify_pipeline",
    "certify_reach",
    "check_certifiable",
    "clean_model_ball",
    "inflated_sets",
    "optimality_gap",
    "poison_needed",
    "post_hoc_report",
]
