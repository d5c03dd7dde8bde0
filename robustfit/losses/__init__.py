"""One row's loss as a function of its target and its score, with slope and curvature: pure functions on arrays."""

from robustfit.losses._deviance import GAMMA_DEVIANCE, POISSON_DEVIANCE
from robustfit.losses._hinge import HINGE, SQUARED_HINGE, smooth_hinge
from robustfit.losses._logistic import LOGISTIC
from robustfit.losses._loss import Loss
from robustfit.losses._multinomial import MULTINOMIAL
from robustfit.losses._residual import ABSOLUTE, huber, tukey
from robustfit.losses._squared import SQUARED

__all__ = [
    "ABSOLUTE",
    "GAMMA_DEVIANCE",
    "HINGE",
    "LOGISTIC",
    "MULTINOMIAL",
    "POISSON_DEVIANCE",
    "SQUARED",
    "SQUARED_HINGE",
    "Loss",
    "huber",
    "smooth_hinge",
    "tukey",
]
