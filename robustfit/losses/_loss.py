"""What a loss is made of."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RowFunction = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


class Loss(NamedTuple):
    """One row's loss, as functions of the target y and the score s that a model gives the row.

    Attributes
    ----------
    name : str
        As scikit-learn calls it, where it does.
    value : callable
        ``value(y, s)``, of the shape that y and s broadcast to. Never negative.
    slope : callable
        The derivative in s; where there is none, a subgradient.
    curvature : callable
        The second derivative in s; where there is none, that of one side.

    Notes
    -----
    For classification y is −1 or +1 and the loss depends on the margin m = y s. Both are float64.
    """

    name: str
    value: RowFunction
    slope: RowFunction
    curvature: RowFunction

    def __repr__(self) -> str:
        # The functions would be shown with their addresses, which differ from process to process.
        return f"Loss({self.name!r})"
