"""A trigger that is a patch in a corner of an image."""

# SPDX-License-Identifier: BSD-3-Clause

import math
from numbers import Integral
from typing import Any

import numpy as np

from robustfit.attacks._containers import as_numbers, is_frame, is_sparse
from robustfit.attacks._triggers._base import BaseTrigger
from robustfit.attacks._triggers._cells import column_names
from robustfit.attacks._triggers._column_trigger import ColumnStamp

CORNERS = ("top left", "top right", "bottom left", "bottom right")


class PatchTrigger(BaseTrigger):
    """A trigger that fills a corner of each image with one colour.

    Parameters
    ----------
    shape : int or (int, int), default=3
        Height and width of the patch in pixels; one number for a square.
    value : float, default=None
        What its pixels hold, in every channel. By default the largest value of the clean images.
    corner : {"top left", "top right", "bottom left", "bottom right"}, default="bottom right"
        Where it goes.
    image_shape : (height, width) or (height, width, channels), default=None
        Shape of the image in each row, if the rows are flat (an array, a sparse matrix or a frame with one column per
        pixel). By default the shape of the rows of ``X``.

    See Also
    --------
    ColumnTrigger : Writes any values anywhere.

    References
    ----------
    .. [1] T. Gu, B. Dolan-Gavitt and S. Garg, "BadNets: Identifying Vulnerabilities in the Machine Learning Model
       Supply Chain", arXiv:1708.06733, 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.attacks import PatchTrigger
    >>> images = np.zeros((5, 3, 3), dtype=np.uint8)
    >>> PatchTrigger((1, 2), value=9).resolve(images).stamp(images)[0]
    array([[0, 0, 0],
           [0, 0, 0],
           [0, 9, 9]], dtype=uint8)
    """

    def __init__(
        self, shape: Any = 3, *, value: Any = None, corner: str = "bottom right", image_shape: Any = None
    ) -> None:
        self.shape = shape
        self.value = value
        self.corner = corner
        self.image_shape = image_shape

    def resolve(self, X: Any) -> ColumnStamp:
        """Find the pixels of the patch."""
        names = column_names(X, "PatchTrigger")
        image = _image_shape(X, self.image_shape, len(names))
        height, width = _patch_shape(self.shape, image)
        if self.corner not in CORNERS:
            raise ValueError(f"corner of PatchTrigger must be one of {CORNERS}, got {self.corner!r}.")
        pixels = np.arange(math.prod(image)).reshape(image)
        pixels = pixels[-height:] if self.corner.startswith("bottom") else pixels[:height]
        pixels = pixels[:, -width:] if self.corner.endswith("right") else pixels[:, :width]
        value = _brightest(X) if self.value is None else self.value
        return ColumnStamp.for_rows(X, {names[i]: value for i in pixels.ravel()}, "PatchTrigger")


def _is_size(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


def _image_shape(X: Any, given: Any, n_pixels: int) -> tuple[int, ...]:
    if given is None:
        if is_frame(X) or X.ndim not in (3, 4):
            raise ValueError(
                "PatchTrigger needs images: X of shape (n, height, width) or (n, height, width, channels), or flat "
                f"rows and image_shape=(height, width), got {n_pixels} columns and no image_shape."
            )
        return tuple(X.shape[1:])
    if not isinstance(given, tuple | list) or len(given) not in (2, 3) or not all(map(_is_size, given)):
        raise ValueError(
            f"image_shape of PatchTrigger must be (height, width) or (height, width, channels), got {given!r}."
        )
    if math.prod(given) != n_pixels:
        raise ValueError(f"image_shape={given} has {math.prod(given)} pixels, but a row of X has {n_pixels}.")
    return tuple(int(side) for side in given)


def _patch_shape(given: Any, image: tuple[int, ...]) -> tuple[int, int]:
    sides = (given, given) if _is_size(given) else given
    if not isinstance(sides, tuple | list) or len(sides) != 2 or not all(map(_is_size, sides)):
        raise ValueError(f"shape of PatchTrigger must be a number of pixels or (height, width), got {given!r}.")
    height, width = int(sides[0]), int(sides[1])
    if height > image[0] or width > image[1]:
        raise ValueError(f"A patch of shape {(height, width)} does not fit into images of shape {image}.")
    return height, width


def _brightest(X: Any) -> Any:
    if is_frame(X):
        return as_numbers(X).max().item()
    if X.dtype.kind not in "biuf":
        raise ValueError(f"PatchTrigger is for images of numbers, but X has dtype {X.dtype}.")
    return X.max().item() if is_sparse(X) else np.nanmax(X).item()
