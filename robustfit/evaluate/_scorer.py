"""A scorer for ``scoring=``: cross-validation and search by what is certified."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn import get_config
from sklearn.utils.metadata_routing import MetadataRequest

from robustfit.audit import certify_pipeline
from robustfit.certify._threats import check_budget, resolve_threat
from robustfit.evaluate._scores import balanced_certified_accuracy_score, certified_accuracy_score

_METRICS = ("accuracy", "balanced")


def make_certified_scorer(
    *,
    budget: int,
    threat: str = "insert_delete",
    metric: str = "accuracy",
    tol: float | None = None,
    trusted: Sequence[str] = (),
) -> "_CertifiedScorer":
    """Make a scorer that certifies a fitted estimator and scores the certificate.

    Use it wherever scikit-learn takes ``scoring=``: in a search, in
    `~sklearn.model_selection.cross_validate`, alone or as one metric of several.

    Parameters
    ----------
    budget : int
        Number of units that the attacker can spend.
    threat : str, default="insert_delete"
        What one unit pays for, one of `robustfit.certify.THREATS`.
    metric : {"accuracy", "balanced"}, default="accuracy"
        ``"accuracy"`` is `certified_accuracy_score`, ``"balanced"`` `balanced_certified_accuracy_score`.
    tol : float, default=None
        Largest error that counts as right, in units of ``y``; needed for regressors, and only for them.
    trusted : sequence of str, default=()
        Parts outside the ensemble that you vouch for, by their path, see `robustfit.audit.check_certifiable`.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y, sample_weight=None)`` returns a float; greater is better. It can be pickled.
        With metadata routing enabled, ask for weights with ``scorer.set_score_request(sample_weight=True)``.

    Raises
    ------
    CertificateError
        If the threat is not known; when called, if the estimator cannot be certified. A search turns errors
        of a scorer into NaN and a warning: pass it ``error_score="raise"`` to see the reason.
    ValueError
        If another argument is not allowed.

    Warnings
    --------
    Hyper-parameters chosen with this scorer on the training rows depend on all of those rows, so the certificate of
    the refitted ``best_estimator_`` is **conditional on the choice**: it bounds what an attacker can do to the votes,
    not what they could have done to the search, and the ensemble cannot know that it came out of one. (Asked about
    the search itself, `robustfit.audit.certify_pipeline` refuses, or records that you vouch for it.)
    Choose on a separate split that you trust and fit with the choice fixed, or put the search inside the shard,
    as in ``PartitionClassifier(GridSearchCV(...))``.

    See Also
    --------
    certified_accuracy_score : The same from a certificate.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import cross_validate
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from robustfit.ensemble import PartitionClassifier
    >>> from robustfit.evaluate import make_certified_scorer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> member = make_pipeline(StandardScaler(), LogisticRegression())
    >>> scoring = {"accuracy": "accuracy", "certified": make_certified_scorer(budget=1)}
    >>> scores = cross_validate(PartitionClassifier(member, n_partitions=7), X, y, cv=3, scoring=scoring)
    >>> bool((scores["test_certified"] <= scores["test_accuracy"]).all())
    True
    """
    # Groups answer every threat there is, so this refuses unknown names only.
    resolve_threat(threat, "groups")
    if metric not in _METRICS:
        raise ValueError(f"metric must be one of {', '.join(map(repr, _METRICS))}, got {metric!r}.")
    return _CertifiedScorer(
        budget=check_budget(budget),
        threat=threat,
        metric=metric,
        tol=_check_tol(tol, metric),
        trusted=_check_trusted(trusted),
    )


class _CertifiedScorer:
    """What `make_certified_scorer` returns."""

    # make_scorer passes predictions to a metric, and a certificate cannot be computed from predictions: this
    # class offers what search and cross-validation ask of any other callable.

    def __init__(self, *, budget: int, threat: str, metric: str, tol: float | None, trusted: tuple[str, ...]):
        self.budget = budget
        self.threat = threat
        self.metric = metric
        self.tol = tol
        self.trusted = trusted
        self._weight_request: bool | str | None = None

    def __call__(self, estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Certify ``X`` and score the certificate.

        Parameters
        ----------
        estimator : estimator
            Fitted ensemble, or what `robustfit.audit.certify_pipeline` takes around one.
        X : array-like of shape (n_samples, n_features)
            Test rows.
        y : array-like of shape (n_samples,)
            True labels or values.
        sample_weight : array-like of shape (n_samples,), default=None
            Non-negative weights.

        Returns
        -------
        score : float
        """
        certificate = certify_pipeline(estimator, X, threat=self.threat, trusted=self.trusted)
        if self.metric == "balanced":
            return balanced_certified_accuracy_score(y, certificate, budget=self.budget, sample_weight=sample_weight)
        return certified_accuracy_score(y, certificate, budget=self.budget, tol=self.tol, sample_weight=sample_weight)

    def set_score_request(self, *, sample_weight: bool | str | None) -> Self:
        """Say whether this scorer wants ``sample_weight`` when metadata routing is enabled.

        Parameters
        ----------
        sample_weight : bool, str or None
            True asks for it, False does without, a string asks for it under that name, None makes
            passing it an error.

        Returns
        -------
        self : object

        Raises
        ------
        RuntimeError
            If metadata routing is not enabled.
        """
        if not get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "Requests mean something only while metadata routing is enabled; enable it with "
                "sklearn.set_config(enable_metadata_routing=True). Without it no request is needed."
            )
        self._weight_request = sample_weight
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Return what this scorer asks for, for scikit-learn's metadata routing."""
        request = MetadataRequest(owner=repr(self))
        request.score.add_request(param="sample_weight", alias=self._weight_request)
        return request

    def _accept_sample_weight(self) -> bool:
        # Without routing, scikit-learn asks every scorer of a multi-metric search this.
        return True

    def __repr__(self) -> str:
        parts = [f"budget={self.budget}", f"threat={self.threat!r}", f"metric={self.metric!r}"]
        if self.tol is not None:
            parts.append(f"tol={self.tol!r}")
        if self.trusted:
            parts.append(f"trusted={self.trusted!r}")
        return f"make_certified_scorer({', '.join(parts)})"


def _check_tol(tol: Any, metric: str) -> float | None:
    if tol is None:
        return None
    if metric == "balanced":
        raise ValueError(f"metric='balanced' is about classes and takes no tolerance; leave out tol={tol!r}.")
    if isinstance(tol, bool | np.bool_) or not isinstance(tol, Real) or not float(tol) >= 0:
        raise ValueError(f"tol must be one non-negative number, the same for all rows, got {tol!r}.")
    return float(tol)


def _check_trusted(trusted: Sequence[str]) -> tuple[str, ...]:
    if isinstance(trusted, str) or not all(isinstance(path, str) for path in trusted):
        raise ValueError(f"trusted must be a sequence of paths, such as trusted=['standardscaler'], got {trusted!r}.")
    return tuple(trusted)
