"""Fit on the rows that agree: trimmed losses, for linear regression and around any estimator."""

from robustfit.trimmed._lts._gap import LowerBound, lts_lower_bound
from robustfit.trimmed._lts._gap_absolute import ltad_lower_bound
from robustfit.trimmed._lts_regressor import LTSRegressor
from robustfit.trimmed._sever_classifier import SeverClassifier
from robustfit.trimmed._sever_regressor import SeverRegressor

__all__ = [
    "LTSRegressor",
    "LowerBound",
    "SeverClassifier",
    "SeverRegressor",
    "ltad_lower_bound",
    "lts_lower_bound",
]
