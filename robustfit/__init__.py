"""scikit-learn estimators that resist poisoned training data, and say by how much."""

from robustfit.certify import Certificate, CertificateError, IntervalCertificate
from robustfit.ensemble import PartitionClassifier, PartitionRegressor, load, save
from robustfit.evaluate import plan_partitions

__version__ = "0.1.0"

__all__ = [
    "Certificate",
    "CertificateError",
    "IntervalCertificate",
    "PartitionClassifier",
    "PartitionRegressor",
    "__version__",
    "load",
    "plan_partitions",
    "save",
]
