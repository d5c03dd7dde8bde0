"""Who looks poisoned: score rows, keep or drop them."""

from robustfit.sanitize._activation_clustering_sanitizer import ActivationClusteringSanitizer
from robustfit.sanitize._calibration_sanitizer import CalibrationSanitizer
from robustfit.sanitize._cleanlab_sanitizer import CleanlabSanitizer
from robustfit.sanitize._consensus_sanitizer import ConsensusSanitizer
from robustfit.sanitize._contradiction_sanitizer import ContradictionSanitizer
from robustfit.sanitize._duplicate_sanitizer import DuplicateSanitizer
from robustfit.sanitize._fallback_sanitizer import FallbackSanitizer
from robustfit.sanitize._gradient_sanitizer import GradientSanitizer
from robustfit.sanitize._group_sanitizer import GroupSanitizer
from robustfit.sanitize._influence_sanitizer import InfluenceSanitizer
from robustfit.sanitize._label_agreement_sanitizer import LabelAgreementSanitizer
from robustfit.sanitize._leave_cluster_out_sanitizer import LeaveClusterOutSanitizer
from robustfit.sanitize._loss_sanitizer import LossSanitizer
from robustfit.sanitize._neighbors_sanitizer import NeighborsSanitizer
from robustfit.sanitize._outlier_sanitizer import OutlierSanitizer
from robustfit.sanitize._roni_sanitizer import RONISanitizer
from robustfit.sanitize._row_normalizer import RowNormalizer
from robustfit.sanitize._sanitized_classifier import SanitizedClassifier
from robustfit.sanitize._sanitized_regressor import SanitizedRegressor
from robustfit.sanitize._sanitizer_chain import SanitizerChain
from robustfit.sanitize._shortcut_sanitizer import ShortcutSanitizer
from robustfit.sanitize._slab_sanitizer import SlabSanitizer
from robustfit.sanitize._spectral_sanitizer import SpectralSanitizer
from robustfit.sanitize._sphere_sanitizer import SphereSanitizer
from robustfit.sanitize._union_sanitizer import UnionSanitizer
from robustfit.sanitize._validation._batch_validator import BatchValidator
from robustfit.sanitize._validation._report import BatchValidationError, Finding, ValidationReport

__all__ = [
    "ActivationClusteringSanitizer",
    "BatchValidationError",
    "BatchValidator",
    "CalibrationSanitizer",
    "CleanlabSanitizer",
    "ConsensusSanitizer",
    "ContradictionSanitizer",
    "DuplicateSanitizer",
    "FallbackSanitizer",
    "Finding",
    "GradientSanitizer",
    "GroupSanitizer",
    "InfluenceSanitizer",
    "LabelAgreementSanitizer",
    "LeaveClusterOutSanitizer",
    "LossSanitizer",
    "NeighborsSanitizer",
    "OutlierSanitizer",
    "RONISanitizer",
    "RowNormalizer",
    "SanitizedClassifier",
    "SanitizedRegressor",
    "SanitizerChain",
    "ShortcutSanitizer",
    "SlabSanitizer",
    "SpectralSanitizer",
    "SphereSanitizer",
    "UnionSanitizer",
    "ValidationReport",
]
