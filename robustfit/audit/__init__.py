"""Claims about an estimator: what of it can be certified, and why the rest cannot."""

from robustfit.audit._certify_pipeline import certify_pipeline
from robustfit.audit._check_certifiable import check_certifiable

__all__ = ["certify_pipeline", "check_certifiable"]
