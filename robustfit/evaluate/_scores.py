"""Scores of a certificate: accuracy and recall that an attacker with a given budget cannot take away."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import UndefinedMetricWarning

from robustfit.certify import Certificate, IntervalCertificate
from robustfit.certify._threats import check_budget
from robustfit.certify._truth import check_labels, refuse_mix, refuse_target
from robustfit.evaluate._right_rows import check_certificate, right_rows


def certified_accuracy_score(
    y_true: ArrayLike,
    certificate: Certificate | IntervalCertificate,
    *,
    budget: int,
    tol: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Share of rows that are predicted right and stay so against a budget.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels, or true values for an `IntervalCertificate`.
    certificate : Certificate or IntervalCertificate
        What ``certify`` returned for the same rows.
    budget : int
        Number of units that the attacker can spend; `Certificate.unit` says what one unit pays for.
    tol : float or array-like of shape (n_samples,), default=None
        Largest error, in units of ``y_true``, that counts as right. Needed for an `IntervalCertificate`,
        refused for a `Certificate`.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weight of each row in the share.

    Returns
    -------
    score : float
        Between 0 and 1. For ``budget=0`` it is the plain accuracy, less the rows that numerical noise could
        change.

    Raises
    ------
    CertificateError
        If the certificate was made with a ``target``: its radius is about that label only.
    TypeError
        If ``certificate`` is not a certificate.
    ValueError
        If the budget is not a whole number, shapes disagree, labels cannot be compared, a weight is negative
        or all are zero, or ``tol`` does not fit the kind of certificate.

    See Also
    --------
    certified_recall_score : The same, class by class.
    make_certified_scorer : The same, for ``scoring=``.

    Notes
    -----
    **Guarantee.** No training set within ``budget`` units of the one fitted makes accuracy on these rows fall
    below the score, under the conditions listed in ``certificate.conditional_on``. All rows may be attacked
    by one and the same change: since each row holds on its own, they hold together. The true worst case can
    be better.

    Examples
    --------
    >>> from robustfit.certify import Certificate, IntervalCertificate
    >>> from robustfit.evaluate import certified_accuracy_score
    >>> votes = [[0, 0, 0, 0, 1], [1, 1, 0, 0, 1]]
    >>> certificate = Certificate.from_votes(votes, ["ham", "spam"], unseen_class=False)
    >>> certified_accuracy_score(["ham", "spam"], certificate, budget=1)
    0.5
    >>> intervals = IntervalCertificate.from_predictions([[1.0, 2.0, 3.0, 4.0, 9.0]])
    >>> certified_accuracy_score([3.0], intervals, budget=1, tol=1.5)
    1.0
    """
    needed = check_budget(budget)
    radius, right = right_rows(y_true, certificate, tol)
    refuse_target(getattr(certificate, "target", None))
    weight = _check_weight(sample_weight, len(radius))
    return float(np.average(right & (radius >= needed), weights=weight))


def certified_recall_score(
    y_true: ArrayLike,
    certificate: Certificate,
    *,
    budget: int,
    labels: ArrayLike | None = None,
    average: str | None = None,
    sample_weight: ArrayLike | None = None,
) -> Any:
    """Of each class's rows, the share that is predicted right and stays so against a budget.

    Read it beside the certified accuracy whenever a class is rare. A partition spreads a class of ``m``
    training rows over its shards; when few shards see the class, few members can vote for it, and its rows
    lose their certificates first, while the accuracy, carried by the other classes, hardly moves. Fewer
    partitions give each member more rows of the rare class.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    certificate : Certificate
        What ``certify`` returned for the same rows.
    budget : int
        Number of units that the attacker can spend.
    labels : array-like of shape (n_labels,), default=None
        Classes to score, in this order; None takes those in ``y_true``, sorted.
    average : {None, "macro"}, default=None
        None returns one share per class, ``"macro"`` their plain mean, in which a rare class counts as
        much as a common one.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weight of each row in its class's share.

    Returns
    -------
    score : ndarray of shape (n_labels,) or float
        A class without rows (or with rows of weight zero only) scores NaN, with an
        `~sklearn.exceptions.UndefinedMetricWarning`, and is left out of the mean.

    Raises
    ------
    CertificateError
        If the certificate was made with a ``target``.
    TypeError
        If ``certificate`` is not a certificate.
    ValueError
        If an argument is not allowed, the certificate is a regressor's, or no class has a row.

    See Also
    --------
    balanced_certified_accuracy_score : The mean over the classes in ``y_true``.

    Notes
    -----
    **Guarantee.** As for `certified_accuracy_score`, for the rows of each class.

    Examples
    --------
    >>> from robustfit.certify import Certificate
    >>> from robustfit.evaluate import certified_recall_score
    >>> votes = [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [1, 1, 0, 0, 1]]
    >>> certificate = Certificate.from_votes(votes, ["ham", "spam"], unseen_class=False)
    >>> certified_recall_score(["ham", "ham", "spam"], certificate, budget=1)
    array([1., 0.])
    >>> certified_recall_score(["ham", "ham", "spam"], certificate, budget=1, average="macro")
    0.5
    """
    if average not in (None, "macro"):
        raise ValueError(f"average must be None (one score per class) or 'macro' (their mean), got {average!r}.")
    needed = check_budget(budget)
    check_certificate(certificate)
    if isinstance(certificate, IntervalCertificate):
        raise ValueError(
            "Recall is about classes, and this certificate is of a regressor: use certified_accuracy_score with tol=."
        )
    radius, right = right_rows(y_true, certificate)
    refuse_target(getattr(certificate, "target", None))
    truth = check_labels(y_true, certificate.classes, len(certificate.prediction))
    wanted = np.unique(truth) if labels is None else _check_wanted(labels, certificate)
    weight = _check_weight(sample_weight, len(truth))
    certified = right & (radius >= needed)
    recall = np.array([_share(certified, np.where(truth == label, weight, 0.0)) for label in wanted])
    _warn_of_empty_classes(wanted[np.isnan(recall)].tolist(), len(wanted))
    return recall if average is None else float(np.nanmean(recall))


def balanced_certified_accuracy_score(
    y_true: ArrayLike, certificate: Certificate, *, budget: int, sample_weight: ArrayLike | None = None
) -> float:
    """Certified accuracy in which every class counts the same, however rare.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    certificate : Certificate
        What ``certify`` returned for the same rows.
    budget : int
        Number of units that the attacker can spend.
    sample_weight : array-like of shape (n_samples,), default=None
        Non-negative weight of each row in its class's share.

    Returns
    -------
    score : float
        Mean of `certified_recall_score` over the classes in ``y_true``.

    Raises
    ------
    CertificateError
        If the certificate was made with a ``target``.
    TypeError, ValueError
        As for `certified_recall_score`.

    Notes
    -----
    **Guarantee.** No training set within ``budget`` units of the one fitted makes the balanced accuracy on
    these rows fall below the score, under the conditions listed in ``certificate.conditional_on``.

    Examples
    --------
    >>> from robustfit.certify import Certificate
    >>> from robustfit.evaluate import balanced_certified_accuracy_score
    >>> votes = [[0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [1, 1, 0, 0, 1]]
    >>> certificate = Certificate.from_votes(votes, ["ham", "spam"], unseen_class=False)
    >>> balanced_certified_accuracy_score(["ham", "ham", "spam"], certificate, budget=1)
    0.5
    """
    score: float = certified_recall_score(
        y_true, certificate, budget=budget, average="macro", sample_weight=sample_weight
    )
    return score


def _check_weight(sample_weight: ArrayLike | None, n_samples: int) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(n_samples)
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != (n_samples,):
        raise ValueError(
            f"sample_weight must have one value per certified row, shape ({n_samples},), got {weight.shape}."
        )
    if not np.all(np.isfinite(weight)) or np.any(weight < 0) or not np.any(weight > 0):
        raise ValueError(
            "sample_weight must be finite and non-negative, with at least one weight above zero, got values "
            f"from {weight.min()} to {weight.max()}."
        )
    return weight


def _check_wanted(labels: ArrayLike, certificate: Certificate) -> NDArray[Any]:
    wanted = np.asarray(labels)
    if wanted.ndim != 1 or len(wanted) == 0 or len(set(wanted.tolist())) < len(wanted):
        raise ValueError(f"labels must be a non-empty 1-D sequence of distinct classes, got {labels!r}.")
    refuse_mix(wanted, certificate.classes, "labels")
    return wanted


def _share(certified: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
    total = weight.sum()
    return float(weight[certified].sum() / total) if total > 0 else float("nan")


def _warn_of_empty_classes(empty: list[Any], n_wanted: int) -> None:
    if len(empty) == n_wanted:
        raise ValueError(f"None of the classes {empty} has a row of positive weight in y_true.")
    if empty:
        warnings.warn(
            f"The classes {empty} have no row of positive weight in y_true: their recall is not defined and "
            "set to NaN. Leave them out of labels, or score rows that hold them.",
            UndefinedMetricWarning,
            stacklevel=3,
        )
