"""How far the gradients of rows stand out, along the directions in which gradients spread most."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np

from robustfit._meta._selection import keep_smallest

# Below infinity, which rules rank like a missing number.
_LARGEST = np.finfo(float).max


@dataclass(frozen=True)
class Directions:
    """Directions in which the gradients of a class spread.

    Attributes
    ----------
    means, directions : list of ndarray of shape (width, n_outputs)
        Centre of the gradients, and unit vector, one of each per direction.
    """

    means: list
    directions: list

    def score(self, gradients):
        """Largest distance of each gradient from the centre, along any of the directions."""
        scores = np.zeros(len(gradients.pulls))
        for mean, direction in zip(self.means, self.directions, strict=True):
            along = np.abs(gradients.project(direction) - np.vdot(direction, mean))
            scores = np.maximum(scores, np.nan_to_num(along, nan=_LARGEST, posinf=_LARGEST))
        return scores


def find_directions(gradients, n_directions, n_out):
    """Find directions one after the other, each without the rows that stood out along the ones before.

    Parameters
    ----------
    gradients : RowGradients
        Of one class, in an order that does not depend on where rows stood.
    n_directions : int
    n_out : int
        Rows to set aside in all, before the last direction.

    Returns
    -------
    directions : Directions
    """
    means: list[Any] = []
    directions: list[Any] = []
    n_rows = len(gradients.pulls)
    left = gradients
    for number in range(n_directions):
        mean = left.mean()
        direction, variance = left.spread(mean)
        if not variance > 0.0:
            break
        means.append(mean)
        directions.append(direction)
        n_keep = n_rows - n_out * (number + 1) // max(1, n_directions - 1)
        if number + 1 < n_directions and n_keep < n_rows:
            scores = Directions(means, directions).score(gradients)
            left = gradients.take(keep_smallest(scores, n_keep, lambda: np.arange(n_rows)))
    return Directions(means, directions)
