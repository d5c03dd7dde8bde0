"""Many learners, one vote: ensembles whose members share no training row."""

from robustfit.ensemble._explanation import Explanation
from robustfit.ensemble._interval_explanation import IntervalExplanation
from robustfit.ensemble._micro_model_sanitizer import MicroModelSanitizer
from robustfit.ensemble._partition_classifier import PartitionClassifier
from robustfit.ensemble._partition_regressor import PartitionRegressor
from robustfit.ensemble._persistence import load, save
from robustfit.ensemble._warnings import MemberWarning, PartitionWarning

__all__ = [
    "Explanation",
    "IntervalExplanation",
    "MemberWarning",
    "MicroModelSanitizer",
    "PartitionClassifier",
    "PartitionRegressor",
    "PartitionWarning",
    "load",
    "save",
]
