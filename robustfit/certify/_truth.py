"""True labels and values: what a certificate can be compared with, and what is refused."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._threats import CertificateError


def check_y(y: ArrayLike, n_samples: int) -> NDArray[Any]:
    """Return true labels or values as a 1-D array of the certified number of rows.

    Raises
    ------
    ValueError
        If there is not one per row, or there are no rows at all.
    """
    array = np.asarray(y)
    if array.shape != (n_samples,):
        raise ValueError(f"y must have one value per certified row, shape ({n_samples},), got {array.shape}.")
    if n_samples == 0:
        raise ValueError("The certificate is about no rows, so no share of them is defined; certify at least one.")
    return array


def check_labels(y: ArrayLike, classes: NDArray[Any], n_samples: int) -> NDArray[Any]:
    """Return true labels that can be compared with predicted ones.

    Raises
    ------
    ValueError
        If there is not one label per row, one is missing, or labels are text on one side only.
    """
    truth = check_y(y, n_samples)
    if truth.dtype.kind in "fMmO":
        missing = [index for index, label in enumerate(truth) if _is_missing(label)]
        if missing:
            raise ValueError(
                f"y has no label in {len(missing)} of {len(truth)} rows (first: row {missing[0]}); "
                "drop the rows whose label is not known."
            )
    refuse_mix(truth, classes, "y")
    return truth


def refuse_mix(labels: NDArray[Any], classes: NDArray[Any], name: str) -> None:
    """Refuse to compare text with numbers, which is never equal and would pass for a score of 0."""
    if _is_text(labels) != _is_text(classes):
        raise ValueError(
            f"{name} holds labels such as {labels.tolist()[0]!r}, the certificate predicts labels such as "
            f"{classes.tolist()[0]!r}: text and numbers are never equal. Convert one to the other's type."
        )


def refuse_target(target: Any) -> None:
    """Refuse a certificate about one target label where its radius would be read as one about all.

    Raises
    ------
    CertificateError
        If the certificate was made with a target.
    """
    if target is not None:
        raise CertificateError(
            f"This certificate was made with target={target!r}: its radius only says when a prediction "
            f"cannot become {target!r}, and is silent about a change to any other label. Certify again with "
            "target=None."
        )


def _is_text(labels: NDArray[Any]) -> bool:
    if labels.dtype.kind == "O":
        return any(isinstance(label, str) for label in labels)
    return labels.dtype.kind in "UT"


def _is_missing(label: Any) -> bool:
    if label is None:
        return True
    try:
        return bool(label != label)
    except TypeError:
        # pandas.NA is neither true nor false.
        return True
