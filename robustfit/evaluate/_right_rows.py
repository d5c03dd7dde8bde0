"""Which rows are predicted right, and by how much: what every score and every picture starts from."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify import Certificate, CertificateError, IntervalCertificate
from robustfit.certify._base_certificate import check_y


def right_rows(
    y_true: ArrayLike, certificate: Certificate | IntervalCertificate, tol: ArrayLike | None = None
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Compare a certificate with the truth.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels or values.
    certificate : Certificate or IntervalCertificate
    tol : float or array-like of shape (n_samples,), optional
        Largest error, in units of ``y_true``, that still counts as right. Needed for an
        `IntervalCertificate`, refused for a `Certificate`.

    Returns
    -------
    radius : ndarray of shape (n_samples,), int64
        Radius of every row, right or wrong, in units of the budget.
    right : ndarray of shape (n_samples,), bool

    Raises
    ------
    TypeError
        If ``certificate`` is something else.
    ValueError
        If there are no rows, shapes disagree, the truth of a row is missing, labels are text on one side and
        numbers on the other, or ``tol`` does not fit the kind of certificate.
    """
    check_certificate(certificate)
    if isinstance(certificate, IntervalCertificate):
        if tol is None:
            raise ValueError(
                "This certificate is of a regressor, which is never exactly right: say with tol= how far "
                "from the truth a prediction may be, in units of y."
            )
        radius = certificate.radius(y_true, tol)
        return radius, radius >= 0
    if tol is not None:
        raise ValueError(f"tol is for regressors; a label is right or wrong. Leave out tol={tol!r}.")
    truth = check_labels(y_true, certificate)
    return certificate.radius, certificate.prediction == truth


def check_certificate(certificate: Any) -> None:
    """Refuse what is not a certificate, above all the predictions that other metrics take, or has no rows."""
    if not isinstance(certificate, Certificate | IntervalCertificate):
        raise TypeError(
            "certificate must be a Certificate or an IntervalCertificate, got "
            f"{type(certificate).__name__}. Make one with estimator.certify(X), not estimator.predict(X)."
        )
    if len(certificate.prediction) == 0:
        raise ValueError("The certificate is about no rows, so no share of them is defined; certify at least one.")


def refuse_target(certificate: Certificate | IntervalCertificate) -> None:
    """Refuse a certificate about one target label, whose radius is silent about all other changes.

    Raises
    ------
    CertificateError
        If the certificate was made with a target.
    """
    target = getattr(certificate, "target", None)
    if target is not None:
        raise CertificateError(
            f"This certificate was made with target={target!r}: its radius only says when a prediction "
            f"cannot become {target!r}, and is silent about a change to any other label. Certify again with "
            "target=None."
        )


def check_labels(y_true: ArrayLike, certificate: Certificate) -> NDArray[Any]:
    """Return true labels that can be compared with the predicted ones.

    Raises
    ------
    ValueError
        If there is not one label per row, one is missing, or labels are text on one side only.
    """
    truth = check_y(y_true, len(certificate.prediction))
    if truth.dtype.kind in "fMmO":
        missing = [index for index, label in enumerate(truth) if _is_missing(label)]
        if missing:
            raise ValueError(
                f"y_true has no label in {len(missing)} of {len(truth)} rows (first: row {missing[0]}); "
                "drop the rows whose label is not known."
            )
    refuse_mix(truth, certificate.classes, "y_true")
    return truth


def refuse_mix(labels: NDArray[Any], classes: NDArray[Any], name: str) -> None:
    """Refuse to compare text with numbers, which is never equal and would pass for a score of 0."""
    if _is_text(labels) != _is_text(classes):
        raise ValueError(
            f"{name} holds labels such as {labels.tolist()[0]!r}, the certificate predicts labels such as "
            f"{classes.tolist()[0]!r}: text and numbers are never equal. Convert one to the other's type."
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
