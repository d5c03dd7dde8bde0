"""Certificates, plans and scores in, pictures out."""

from robustfit.inspection._certified_accuracy_display import CertifiedAccuracyDisplay
from robustfit.inspection._partition_plan_display import PartitionPlanDisplay
from robustfit.inspection._radius_histogram_display import RadiusHistogramDisplay
from robustfit.inspection._sanitization_display import SanitizationDisplay

__all__ = ["CertifiedAccuracyDisplay", "PartitionPlanDisplay", "RadiusHistogramDisplay", "SanitizationDisplay"]
