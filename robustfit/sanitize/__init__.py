"""Who looks poisoned: score rows, keep or drop them."""

from robustfit.sanitize._consensus_sanitizer import ConsensusSanitizer
from robustfit.sanitize._sanitized_classifier import SanitizedClassifier
from robustfit.sanitize._sanitized_regressor import SanitizedRegressor
from robustfit.sanitize._sanitizer_chain import SanitizerChain
from robustfit.sanitize._sphere_sanitizer import SphereSanitizer

__all__ = [
    "ConsensusSanitizer",
    "SanitizedClassifier",
    "SanitizedRegressor",
    "SanitizerChain",
    "SphereSanitizer",
]
