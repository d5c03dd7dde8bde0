"""Certify a pipeline: check it, let its row-wise steps transform the rows, certify its ensemble."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from robustfit.audit._check_certifiable import ENSEMBLES, check_certifiable, wrapped_by_search

# The ensemble sees its rows only after these steps and cannot enforce a schema before them: one row of another
# type may change the type of a column, and with it how every row is transformed. A row that a step refuses
# stops the fit.
_SCHEMA = (
    "training rows that the steps before the ensemble accept, in a container with the columns, types and layout of the "
    "fitted one"
)


def certify_pipeline(
    estimator: Any,
    X: Any,
    *,
    threat: str = "insert_delete",
    trusted: Sequence[str] = (),
    **options: Any,
) -> Any:
    """Certify the predictions of a pipeline that ends in a partition ensemble.

    Parameters
    ----------
    estimator : estimator
        Fitted `~robustfit.ensemble.PartitionClassifier` or `~robustfit.ensemble.PartitionRegressor`, a pipeline that
        ends in one, or, if it is trusted, a search over either.
    X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
        Rows as the pipeline's ``predict`` takes them.
    threat : {"insert_delete", "modify", "label_flip", "delete", "group"}, default="insert_delete"
        What one unit of the attacker's budget buys, see the ensemble's ``certify``.
    trusted : sequence of str, default=()
        Parts that you vouch for, see `check_certifiable`. The certificate records each.
    **options : dict
        Further parameters of the ensemble's ``certify``, such as ``target=``.

    Returns
    -------
    certificate : Certificate or IntervalCertificate

    Raises
    ------
    CertificateError
        If the estimator cannot be certified, for any of the reasons of `check_certifiable`, or the ensemble
        cannot answer the threat.
    ValueError
        If ``trusted`` names something that is not in the way.
    NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    check_certifiable : What is checked, and what is refused.

    Notes
    -----
    **Guarantee.** That of the ensemble's ``certify``, about ``estimator.predict(X)`` and the rows that are
    passed to ``estimator.fit``: steps in front of the ensemble transform each row by itself, so that one changed row
    of theirs is one changed row of the ensemble's. It holds under the conditions in ``conditional_on``.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import Normalizer, StandardScaler
    >>> from robustfit.audit import certify_pipeline
    >>> from robustfit.ensemble import PartitionClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> member = make_pipeline(StandardScaler(), LogisticRegression())
    >>> pipeline = make_pipeline(Normalizer(), PartitionClassifier(member, n_partitions=15)).fit(X[:400], y[:400])
    >>> certify_pipeline(pipeline, X[400:405]).radius
    array([7, 7, 7, 7, 7])
    """
    conditions = check_certifiable(estimator, trusted=trusted)
    ensemble, rows, n_steps = _descend(estimator, X)
    certificate = ensemble._certify(rows, threat=threat, **options)
    return certificate.given(*([_SCHEMA] if n_steps else []), *conditions)


def _descend(estimator: Any, X: Any) -> tuple[Any, Any, int]:
    """Return the ensemble, the rows as it gets them, and the number of steps that transformed them."""
    n_steps = 0
    while True:
        check_is_fitted(estimator)
        if issubclass(type(estimator), ENSEMBLES):
            return estimator, X, n_steps
        if type(estimator) is Pipeline:
            for _, step in estimator.steps[:-1]:
                if step is not None and step != "passthrough":
                    X = step.transform(X)
                    n_steps += 1
            estimator = estimator.steps[-1][1]
        else:
            estimator = wrapped_by_search(estimator)
