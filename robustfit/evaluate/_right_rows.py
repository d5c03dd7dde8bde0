"""Which rows are predicted right, and by how much: what every score and every picture starts from."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify import Certificate, IntervalCertificate
from robustfit.certify._truth import check_labels


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
    truth = check_labels(y_true, certificate.classes, len(certificate.prediction))
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
