"""A classifier made of one member per shard of the training set, with a certificate for each prediction."""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import check_is_fitted

from robustfit._meta._labels import as_array, canonical_labels, check_labels, code_type, compact, label_codes
from robustfit.certify import Certificate
from robustfit.certify._base_certificate import freeze
from robustfit.certify._plurality import count_votes
from robustfit.certify._shares import vote_shares
from robustfit.ensemble._base import BasePartitionEnsemble
from robustfit.ensemble._explanation import Explanation

_ROWS_PER_CLASS = 10


class PartitionClassifier(ClassifierMixin, BasePartitionEnsemble):
    """Classify by a plurality vote of members that share no training row.

    Each training row is assigned to one shard by a hash of its features (or of its group); a clone of
    ``estimator`` is fitted on each shard. Ties go to the smallest class in ``classes_``.

    Parameters
    ----------
    estimator : estimator, default=None
        Classifier or pipeline that each shard fits a clone of; ``LogisticRegression()`` if None. Scaling, encoding,
        imputing, selection, calibration and search belong inside it.
    n_partitions : int, default=50
        Number of shards. More shards certify against more poisoned rows and leave fewer rows to each member.
    partition_by : {"content", "groups"}, default="content"
        Hash a row's features, or its group: then all that one source sent is in one shard and
        ``threat="group"`` can be certified.
    classes : array-like of shape (n_classes,), default=None
        All labels there can be. Other labels are then refused. If None, certificates count a label
        that was never seen as one more rival.
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
        Number of jobs for fitting and predicting; shards and votes do not depend on it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels in sorted order.
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
        From ``fit``, if a parameter is out of range, shapes disagree, labels are continuous, mixed or outside
        ``classes``, or no member at all could be fitted.

    Warns
    -----
    PartitionWarning
        If shards average fewer than 10 rows per class.
    MemberWarning
        If some members could not be fitted and abstain.

    See Also
    --------
    PartitionRegressor : The same with a median.

    Notes
    -----
    **Guarantee.** `certify` bounds what an attacker who inserts, deletes, replaces or relabels training rows
    can do to each prediction. A member is a function of its own shard alone: of the shard's rows
    sorted by content, and of seeds derived from ``random_state`` and the shard's number. Inserting,
    deleting or relabelling one row changes one shard, replacing it at most two. Empty shards and shards whose
    member cannot be fitted abstain, and the attacker may turn an abstention into any vote.
    The statement is about refitting with the same parameters, software and floating-point arithmetic, on
    data valid under the same schema; it is about the prediction, right or wrong.

    Rows of weight zero are dropped before anything is learned.

    References
    ----------
    .. [1] A. Levine and S. Feizi, "Deep Partition Aggregation: Provable Defense against General
       Poisoning Attacks", ICLR 2021.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from robustfit import PartitionClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = PartitionClassifier(make_pipeline(StandardScaler(), LogisticRegression()), n_partitions=15)
    >>> round(model.fit(X_train, y_train).score(X_test, y_test), 3)
    0.958
    >>> certificate = model.certify(X_test)
    >>> certificate.radius[:5]
    array([6, 6, 7, 7, 7])
    >>> certificate.certified_accuracy(y_test, [0, 3, 6]).round(3)
    array([0.958, 0.923, 0.825])
    """

    _parameter_constraints: dict = {
        **BasePartitionEnsemble._parameter_constraints,
        "classes": ["array-like", None],
    }

    _inner_type = "classifier"

    def __init__(
        self,
        estimator=None,
        *,
        n_partitions=50,
        partition_by="content",
        classes=None,
        schema=None,
        engine="auto",
        member_error="abstain",
        random_state=0,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.n_partitions = n_partitions
        self.partition_by = partition_by
        self.classes = classes
        self.schema = schema
        self.engine = engine
        self.member_error = member_error
        self.random_state = random_state
        self.n_jobs = n_jobs

    def votes(self, X, *, return_doubtful=False):
        """Votes of all members.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
        return_doubtful : bool, default=False
            Whether to return also which votes rounding could change.

        Returns
        -------
        votes : ndarray of shape (n_samples, n_partitions)
            Index into ``classes_``; −1 where a member abstains. Of the smallest integer type that holds them.
        doubtful : ndarray of bool of shape (n_samples, n_partitions), or None
            Only if asked for. None if each member was asked by itself, as the generic engine does: then nothing that
            happens to other members can change the rounding of its scores.
        """
        check_is_fitted(self)
        return self._votes(X) if return_doubtful else self._votes(X)[0]

    def _votes(self, X):
        """Votes, and which of them rounding could change; None if no member knows."""
        answers = self._cast(X)
        return answers.values, answers.doubtful

    def _cast(self, X, *, with_margins=False):
        """Ask all members for their votes."""
        answers = self._ask(X, code_type(len(self.classes_)), with_margins=with_margins)
        answers.values[answers.abstains] = -1
        return answers

    def predict(self, X):
        """Predict the label that most members vote for.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        counts = count_votes(self.votes(X), len(self.classes_))
        return self.classes_[counts.prediction]

    def predict_proba(self, X):
        """Vote shares: the share of the members that vote, and vote for a class.

        These are not calibrated probabilities. ``certify(X).share_interval(budget)`` bounds them.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)

        Returns
        -------
        shares : ndarray of shape (n_samples, n_classes)
        """
        return vote_shares(count_votes(self.votes(X), len(self.classes_)).cast)

    def certify(self, X, *, threat="insert_delete", target=None):
        """Certify the predictions of X.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
        threat : {"insert_delete", "modify", "label_flip", "delete", "group"}, default="insert_delete"
            What one unit of the attacker's budget buys: one row inserted or deleted; one row replaced; one label
            changed; one row deleted; everything one group sent (with ``partition_by="groups"``).
        target : label, default=None
            Bound only changes of the prediction to this label.

        Returns
        -------
        certificate : Certificate

        Raises
        ------
        CertificateError
            If the partition cannot answer the threat, the target is not a class, the estimator is not deterministic
            or holds parts that were fitted before.

        Notes
        -----
        **Guarantee.** For every training set within ``radius`` units of the one fitted, `predict` returns the same
        label for that row. Exact: with one unit more there is a choice of members, and of votes for them, that
        changes it.
        """
        check_is_fitted(self)
        self._check_certifiable_members()
        return self._certify(X, threat=threat, target=target)

    def _certify(self, X, *, threat, target=None):
        return self._certify_votes(*self.votes(X, return_doubtful=True), threat=threat, target=target)

    def _certify_votes(self, votes, doubtful, *, threat, target=None):
        return Certificate.from_votes(
            votes,
            self.classes_,
            doubtful=doubtful,
            threat=threat,
            partition_by=self._partition_by,
            unseen_class=not self._closed_classes,
            target=target,
            conditional_on=self._conditions,
        )

    def explain(self, X):
        """Explain the predictions of X: the members, the training rows and the groups that carry each of them.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)

        Returns
        -------
        explanation : Explanation
            Votes with their margins, the lead over the runner-up, the training rows behind each vote and, with
            ``partition_by="groups"``, by how many votes the lead can shrink if a group is removed. Holds a number for
            each row and member: ask for the rows in question.

        Notes
        -----
        Effects of groups are counted, not refitted: exact for a group that is alone in its shard, else an upper bound.
        """
        check_is_fitted(self)
        answers = self._cast(X, with_margins=True)
        votes, doubtful = answers.values, answers.doubtful
        return Explanation(
            places=self._places(),
            certified=self._certify_votes(votes, doubtful, threat="insert_delete"),
            refusal=self._refusal(),
            votes=freeze(votes),
            margins=freeze(np.where(votes < 0, np.nan, answers.margins)),
            doubtful=freeze(np.zeros(votes.shape, dtype=bool) if doubtful is None else doubtful),
        )

    def _default_estimator(self):
        return LogisticRegression()

    def _fit_target(self, y, keep):
        given = as_array(y)
        if given.ndim == 1:
            given = given[keep]
        labels = check_labels(given)
        if self.classes is None:
            kept = np.asarray(given).reshape(-1) if given.dtype.kind != "O" else labels
            self.classes_ = np.unique(compact(kept) if isinstance(y, list | tuple) else kept)
        else:
            self.classes_ = self._check_classes()
        known = canonical_labels(self.classes_, "classes")
        outside = sorted(set(labels.tolist()) - set(known.tolist()), key=str)
        if outside:
            raise ValueError(
                f"y holds labels outside classes={self.classes_.tolist()}: {outside[:5]}. Drop those rows, or add the "
                "labels to classes."
            )
        self._known_labels = compact(known)
        self._closed_classes = self.classes is not None
        target = np.zeros(len(keep), dtype=labels.dtype)
        target[keep] = labels
        return target

    def _check_classes(self):
        given = as_array(self.classes)
        if given.ndim != 1 or len(given) == 0:
            raise ValueError(f"classes must be a non-empty list of labels, got {self.classes!r}.")
        canonical = canonical_labels(given, "classes")
        return np.unique(canonical if given.dtype.kind == "O" and canonical.dtype.kind != "O" else given)

    def _rows_needed(self):
        return _ROWS_PER_CLASS * len(self.classes_)

    def _only_answer(self, y):
        # Few learners take a single class, and what they would make of it is clear.
        return y[0] if np.all(y == y[0]) else None

    def _shard_target(self, y):
        return compact(y)

    def _read(self, predicted):
        return label_codes(predicted, self._known_labels)
