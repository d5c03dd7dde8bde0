"""Fit on the rows that agree: trimmed losses, for linear regression and around any estimator."""

from robustfit.trimmed._lts_regressor import LTSRegressor

__all__ = ["LTSRegressor"]
