"""Certificates and plans in, pictures out."""

from robustfit.inspection._certified_accuracy_display import CertifiedAccuracyDisplay
from robustfit.inspection._partition_plan_display import PartitionPlanDisplay
from robustfit.inspection._radius_histogram_display import RadiusHistogramDisplay

__all__ = ["CertifiedAccuracyDisplay", "PartitionPlanDisplay", "RadiusHistogramDisplay"]
