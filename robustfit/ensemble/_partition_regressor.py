"""A regressor made of one member per shard of the training set, with an interval for each prediction."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.linear_model import Ridge
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.validation import check_is_fitted

from robustfit.certify import IntervalCertificate
from robustfit.certify._base_certificate import freeze
from robustfit.certify._median import median_prediction, sort_predictions
from robustfit.ensemble._base import BasePartitionEnsemble
from robustfit.ensemble._interval_explanation import IntervalExplanation

_ROWS_PER_SHARD = 10


class PartitionRegressor(RegressorMixin, BasePartitionEnsemble):
    """Predict the median of members that share no training row.

    Each training row is assigned to one shard by a hash of its features (or of its group); a clone of
    ``estimator`` is fitted on each shard. An even number of voting members gives the mean of the middle two.

    Parameters
    ----------
    estimator : estimator, default=None
        Regressor or pipeline that each shard fits a clone of; ``Ridge()`` if None. Scaling, encoding,
        imputing, selection and search belong inside it.
    n_partitions : int, default=51
        Number of shards. More shards certify against more poisoned rows and leave fewer rows to each member.
    partition_by : {"content", "groups"}, default="content"
        Hash a row's features, or its group: then all that one source sent is in one shard and
        ``threat="group"`` can be certified.
    schema : mapping or Schema, default=None
        Kinds of the columns of a data frame, ``{"age": "number", "sex": ["f", "m"]}``. If None it is read off
        the fitted frame, and certificates say so.
    engine : {"auto", "lean", "generic"}, default="auto"
        ``"lean"`` solves each shard in closed form or by Newton's method and asks all members in one pass, for the
        estimators listed in the user guide; ``"generic"`` fits clones of any estimator. ``"auto"`` takes the lean one
        where it can, by the estimator's class and parameters, never by the data.
    member_error : {"abstain", "raise"}, default="abstain"
        What happens when a member cannot be fitted on its shard, or cannot predict a row.
    random_state : int, default=0
        Salt of the hash and source of the members' seeds. Non-negative; None is refused since it would make
        the guarantee unrepeatable.
    n_jobs : int, default=None
        Number of jobs for fitting and predicting; shards and predictions do not depend on it.

    Attributes
    ----------
    estimators_ : sequence of length n_partitions
        Fitted members; None for a member that abstains. Those of the lean engine are built when they are looked at.
    engine_ : {"lean", "generic"}
        The engine that was used.
    member_errors_ : dict
        Why the member of a shard could not be fitted, by shard number.
    shard_sizes_ : ndarray of shape (n_partitions,)
        Number of rows of each shard.
    row_shards_ : ndarray of shape (n_samples,)
        Shard of each training row; −1 for rows of weight zero. Of the smallest integer type that holds them.
    groups_ : ndarray of shape (n_groups,) or None
        Distinct groups, sorted by kind and content; None with ``partition_by="content"``. Times of pandas are kept as
        Python's or numpy's.
    group_shards_, group_sizes_ : ndarray of shape (n_groups,) or None
        Shard and number of rows of each group.
    hash_version_ : int
        Version of the row hash.
    n_features_in_ : int
        Number of features; not set for texts.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a data frame, if all are strings.

    Raises
    ------
    ValueError
        From ``fit``, if a parameter is out of range, shapes disagree, ``y`` has several columns or is not finite, or
        no member at all could be fitted.

    Warns
    -----
    PartitionWarning
        If shards average fewer than 10 rows.
    MemberWarning
        If some members could not be fitted and abstain.

    See Also
    --------
    PartitionClassifier : The same with a plurality vote.

    Notes
    -----
    **Guarantee.** `certify` bounds how far an attacker who inserts, deletes, replaces or relabels training rows
    can move each prediction, under the same conditions as for `PartitionClassifier`. A member whose
    prediction is not finite abstains for that row.

    References
    ----------
    .. [1] Z. Hammoudeh and D. Lowd, "Reducing Certified Regression to Certified Classification for General
       Poisoning Attacks", SaTML 2023.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from robustfit import PartitionRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = PartitionRegressor(n_partitions=15).fit(X[:400], y[:400])
    >>> certificate = model.certify(X[400:403])
    >>> certificate.prediction.round(1)
    array([153.7, 143.9, 160.1])
    >>> low, high = certificate.interval(budget=3)
    >>> low.round(1), high.round(1)
    (array([148. , 139. , 149.9]), array([156.4, 148.3, 166.4]))
    """

    _parameter_constraints: dict = {**BasePartitionEnsemble._parameter_constraints}

    _inner_type = "regressor"

    def __init__(
        self,
        estimator=None,
        *,
        n_partitions=51,
        partition_by="content",
        schema=None,
        engine="auto",
        member_error="abstain",
        random_state=0,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.n_partitions = n_partitions
        self.partition_by = partition_by
        self.schema = schema
        self.engine = engine
        self.member_error = member_error
        self.random_state = random_state
        self.n_jobs = n_jobs

    def votes(self, X):
        """Predictions of all members.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)

        Returns
        -------
        predictions : ndarray of shape (n_samples, n_partitions)
            NaN where a member abstains.
        """
        check_is_fitted(self)
        answers = self._ask(X, np.float64)
        answers.values[answers.abstains | ~np.isfinite(answers.values)] = np.nan
        return answers.values

    def predict(self, X):
        """Predict the median of the members' predictions; 0.0 where all abstain.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        return median_prediction(*sort_predictions(self.votes(X)))

    def certify(self, X, *, threat="insert_delete"):
        """Certify the predictions of X.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
        threat : {"insert_delete", "modify", "label_flip", "delete", "group"}, default="insert_delete"
            What one unit of the attacker's budget buys: one row inserted or deleted; one row replaced; one target
            changed; one row deleted; everything one group sent (with ``partition_by="groups"``).

        Returns
        -------
        certificate : IntervalCertificate

        Raises
        ------
        CertificateError
            If the partition cannot answer the threat, the estimator is not deterministic or holds parts that were
            fitted before.

        Notes
        -----
        **Guarantee.** For every training set within ``budget`` units of the one fitted, `predict` stays in
        ``interval(budget)``. Exact: both ends are reached for some choice of members and of their predictions.
        """
        check_is_fitted(self)
        self._check_certifiable_members()
        return self._certify(X, threat=threat)

    def _certify(self, X, *, threat):
        return self._certify_predictions(self.votes(X), threat=threat)

    def _certify_predictions(self, predictions, *, threat):
        return IntervalCertificate.from_predictions(
            predictions, threat=threat, partition_by=self._partition_by, conditional_on=self._conditions
        )

    def explain(self, X):
        """Explain the predictions of X: the members, the training rows and the groups that carry each of them.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)

        Returns
        -------
        explanation : IntervalExplanation
            Predictions of the members and their distance to the median, the training rows of those in the middle
            and, with ``partition_by="groups"``, how far the median can move if a group is removed. Holds a number for
            each row and member: ask for the rows in question.

        Notes
        -----
        Effects of groups are bounds, not refits; exact for a group that is alone in its shard.
        """
        predictions = self.votes(X)
        return IntervalExplanation(
            places=self._places(),
            certified=self._certify_predictions(predictions, threat="insert_delete"),
            refusal=self._refusal(),
            predictions=freeze(predictions),
        )

    def _default_estimator(self):
        return Ridge()

    def _fit_target(self, y, keep):
        checked = column_or_1d(check_array(y, ensure_2d=False, dtype=np.float64, ensure_all_finite=False), warn=True)
        assert_all_finite(checked[keep], input_name="y")
        return checked

    def _rows_needed(self):
        return _ROWS_PER_SHARD

    def _only_answer(self, y):
        return None

    def _shard_target(self, y):
        return y

    def _read(self, predicted):
        return np.asarray(predicted, dtype=np.float64).reshape(-1)
