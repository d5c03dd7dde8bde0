"""One row's loss as a function of its target and its score, with slope and curvature: pure functions on arrays."""

from robustfit.losses._hinge import HINGE, SQUARED_HINGE, smooth_hinge
from robustfit.losses._logistic import LOGISTIC
from robustfit.losses._loss import Loss
from robustfit.losses._squared import SQUARED

__all__ = ["HINGE", "LOGISTIC", "SQUARED", "SQUARED_HINGE", "Loss", "smooth_hinge"]
