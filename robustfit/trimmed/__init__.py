"""Fit on the rows that agree: trimmed losses, for linear regression and around any estimator."""

from robustfit.trimmed._lts._gap import LowerBound, lts_lower_bound
from robustfit.trimmed._lts._gap_absolute import ltad_lower_bound
from robustfit.trimmed._lts_regressor import LTSRegressor
from robustfit.trimmed._robust_gradient_classifier import RobustGradientClassifier
from robustfit.trimmed._robust_gradient_regressor import RobustGradientRegressor
from robustfit.trimmed._sever_classifier import SeverClassifier
from robustfit.trimmed._sever_regressor import SeverRegressor
from robustfit.trimmed._trimmed_classifier import TrimmedClassifier
from robustfit.trimmed._trimmed_regressor import TrimmedRegressor
from robustfit.trimmed._warnings import TrimmingWarning

__all__ = [
    "LTSRegressor",
    "LowerBound",
    "RobustGradientClassifier",
    "RobustGradientRegressor",
    "SeverClassifier",
    "SeverRegressor",
    "TrimmedClassifier",
    "TrimmedRegressor",
    "TrimmingWarning",
    "ltad_lower_bound",
    "lts_lower_bound",
]
