"""scikit-learn estimators that resist poisoned training data, and say by how much."""

from robustfit.certify import Certificate, CertificateError, IntervalCertificate
from robustfit.ensemble import PartitionClassifier, PartitionRegressor, load, save
from robustfit.evaluate import plan_partitions
from robustfit.sanitize import SanitizedClassifier, SanitizedRegressor
from robustfit.trimmed import LTSRegressor, SeverClassifier, SeverRegressor, TrimmedClassifier, TrimmedRegressor

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "CertificateError",
    "IntervalCertificate",
    "LTSRegressor",
    "PartitionClassifier",
    "PartitionRegressor",
    "SanitizedClassifier",
    "SanitizedRegressor",
    "SeverClassifier",
    "SeverRegressor",
    "TrimmedClassifier",
    "TrimmedRegressor",
    "__version__",
    "load",
    "plan_partitions",
    "save",
]
