"""What partition ensembles share: one member per shard, each a function of its own shard alone."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import abstractmethod
from dataclasses import fields
from numbers import Integral

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from robustfit._meta._around_estimator import AroundEstimator
from robustfit._meta._fit_params import param_columns, routed_params, split_params
from robustfit._meta._inputs import as_numbers, check_groups, read_test_rows, read_training_rows, refuses_missing
from robustfit._meta._labels import code_type
from robustfit._meta._prefitted import non_deterministic_parts, prefitted_parts
from robustfit._meta._seeds import check_seed
from robustfit._meta._warn import warn_caller
from robustfit._sklearn import (
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
    num_samples,
)
from robustfit.certify import CertificateError
from robustfit.certify._base_certificate import freeze
from robustfit.ensemble._engine import choose_engine
from robustfit.ensemble._member_set import MemberSet
from robustfit.ensemble._places import Places, distinct_groups
from robustfit.ensemble._training import Training, codes_of, split_by_need
from robustfit.ensemble._warnings import MemberWarning, PartitionWarning
from robustfit.partition import HASH_VERSION, ShardPlan, as_rows

# Members are held in memory one by one.
_MOST_PARTITIONS = 10**7

# From this share of rows with NaN or infinity on, failing members are no matter of single rows any more.
_MOST_INCOMPLETE = 0.05


class BasePartitionEnsemble(CallbackSupportMixin, AroundEstimator):
    """Fit one clone of an estimator on each shard of the training set.

    Subclasses say what a target and an answer of a member are, and how answers are combined.
    """

    _family = "Partition"
    _against_pairwise = (
        ": its columns are training rows, which shards do not share. Pass the rows and let members compute the kernel."
    )

    _parameter_constraints: dict = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_partitions": [Interval(Integral, 1, None, closed="left")],
        "partition_by": [StrOptions({"content", "groups"})],
        "schema": "no_validation",
        "engine": [StrOptions({"auto", "lean", "generic"})],
        "member_error": [StrOptions({"abstain", "raise"})],
        "random_state": "no_validation",
        "n_jobs": [Integral, None],
    }

    @abstractmethod
    def _fit_target(self, y, keep):
        """Return the whole target in canonical form and set what is learned of it."""

    @abstractmethod
    def _rows_needed(self):
        """Return the fewest rows per shard for which a member can be expected to learn."""

    @abstractmethod
    def _only_answer(self, y):
        """Return the answer that a shard's target leaves no choice about, or None."""

    @abstractmethod
    def _shard_target(self, y):
        """Return one shard's target as members get it."""

    @abstractmethod
    def _read(self, predicted):
        """Turn one member's predictions into answers."""

    @fit_context(
        # The estimator is not validated yet
        prefer_skip_nested_validation=False
    )
    def fit(self, X, y, sample_weight=None, *, groups=None, **fit_params):
        """Fit one member per shard.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, list of str} of shape (n_samples, n_features)
            Training rows. Numeric arrays become float64; frames and texts are handed to the members as they are.
        y : array-like of shape (n_samples,)
            Labels (whole numbers, booleans or texts) or target values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights for members that take them. Rows of weight zero are dropped.
        groups : array-like of shape (n_samples,), default=None
            Source of each row, with ``partition_by="groups"`` only.
        **fit_params : dict
            Parameters of the members' ``fit``. Vectors and tables have one entry per row and are cut to the shards; all
            else is copied for each member.

        Returns
        -------
        self : object
        """
        if y is None:
            raise ValueError(f"{type(self).__name__} requires y to be passed, but the target y is None.")
        random_state = check_seed(self.random_state)
        if isinstance(self.n_partitions, bool | np.bool_) or self.n_partitions > _MOST_PARTITIONS:
            raise ValueError(
                f"n_partitions must be a whole number up to {_MOST_PARTITIONS}, got {self.n_partitions!r}."
            )
        estimator = self._resolve_estimator()
        rows, self._container_ = read_training_rows(self, X, self.schema)
        check_consistent_length(range(rows.n_samples), y)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, np.empty((rows.n_samples, 0)), dtype=np.float64)
        params = routed_params(self, estimator, sample_weight, fit_params)
        family = choose_engine(self.engine, estimator, self._container_, X, params)
        groups = check_groups(groups, self.partition_by, rows.n_samples)

        # A row of weight zero is not there: learners differ in what they make of it.
        keep = np.ones(rows.n_samples, dtype=bool) if sample_weight is None else sample_weight != 0
        if not keep.any():
            raise ValueError("All sample weights are zero: there is no row to fit on.")
        target = self._fit_target(y, keep)
        shared, per_row = split_params(params, rows.n_samples)
        weights = [] if sample_weight is None else [sample_weight]
        keys = [target, *weights, *([] if groups is None else [groups]), *param_columns(per_row)]

        plan = self._plan(rows, groups, random_state)
        shards = plan.split(rows, keys, keep)
        self.shard_sizes_ = np.array([len(index) for index in shards])
        self._keep_places(plan.shard, keep, groups)
        self.hash_version_ = HASH_VERSION
        self.engine_ = "generic" if family is None else "lean"
        numbers = None
        if family is not None:
            numbers = as_rows(as_numbers(X)) if self._container_.kind == "frame" else rows
        incomplete = rows.incomplete() & keep
        self._remember(estimator, shared, int(incomplete.sum()), int(keep.sum()))
        self._warn_if_thin(int(keep.sum()))
        training = Training(rows, numbers, target, self._shard_target, shared, per_row, shards, random_state)
        self._fit_shards(estimator, family, training, incomplete)
        return self

    def _remember(self, estimator, shared, n_incomplete, n_rows):
        """Keep what certificates depend on: parameters may be changed after the fit."""
        self._partition_by = self.partition_by
        self._refuses_missing = refuses_missing(estimator)
        self._non_deterministic = non_deterministic_parts(estimator)
        self._prefitted = prefitted_parts(estimator)
        conditions = []
        if (schema := self._container_.schema) is not None:
            origin = "that was declared" if schema.declared else "that was read off the fitted frame"
            conditions.append(f"the schema {origin}")
        if shared:
            conditions.append(f"the fit parameters {', '.join(sorted(shared))}, handed to every member as they are")
        if self.member_error == "raise":
            conditions.append("training sets on whose shards every member can be fitted (member_error='raise')")
        elif self._container_.kind == "array":
            # No radius is larger. Where shards average ten rows or more it is too small to make fit refuse.
            most = (self.n_partitions - 1) // 2
            if self.partition_by == "groups" or n_incomplete + most >= _MOST_INCOMPLETE * (n_rows - most):
                conditions.append(
                    "training sets in which fewer than one row in twenty holds NaN or infinity that members refuse"
                )
        self._conditions = tuple(conditions)

    def _plan(self, rows, groups, random_state):
        options = {"n_partitions": self.n_partitions, "random_state": random_state}
        if self.partition_by == "groups":
            return ShardPlan.by_groups(rows, groups, **options)
        return ShardPlan.by_content(rows, **options)

    def _keep_places(self, shards, keep, groups):
        """Keep where rows and groups went, for explanations."""
        self.row_shards_ = np.where(keep, shards, -1).astype(code_type(self.n_partitions))
        self.groups_ = self.group_shards_ = self.group_sizes_ = None
        if groups is not None:
            self.groups_, self.group_shards_, self.group_sizes_ = distinct_groups(groups[keep], shards[keep])

    def _places(self):
        kept = {field.name: getattr(self, f"{field.name}_") for field in fields(Places)}
        return Places(**{name: None if value is None else freeze(value) for name, value in kept.items()})

    def _warn_if_thin(self, n_rows):
        needed = self._rows_needed()
        if n_rows >= needed * self.n_partitions:
            return
        empty = int(np.sum(self.shard_sizes_ == 0))
        warn_caller(
            f"n_partitions={self.n_partitions} leaves {n_rows / self.n_partitions:.3g} rows per shard "
            f"(n_samples={n_rows}, {empty} of {self.n_partitions} shards empty). Members learn little from fewer than "
            f"{needed} rows; n_partitions <= {max(1, n_rows // needed)} would give them that. "
            "robustfit.plan_partitions(estimator, X, y) prices each number of partitions on your data.",
            PartitionWarning,
        )

    def _fit_shards(self, estimator, family, training, incomplete):
        def refused(index):
            # Members of a single answer would not notice what their estimator refuses.
            return self._refuses_missing and incomplete[index].any()

        constants, to_fit, spoilt = split_by_need(training, self._only_answer, refused)
        self._refuse_spoilt(training, spoilt)
        contexts = self._contexts(to_fit)
        members = MemberSet(
            self.n_partitions, getattr(self, "n_features_in_", None), getattr(self, "feature_names_in_", None)
        )
        if constants:
            members.keep_constants(constants, self._read(self._shard_target(np.array(list(constants.values())))))
        if family is not None and to_fit:
            states, to_fit = training.solve(family, to_fit, contexts, ensemble=self)
            if states:
                sparse = issparse(training.numbers.take(np.zeros(1, dtype=np.intp)))
                solved = list(states.values())
                codes = codes_of(solved, self._read)
                n_classes = 1 if codes is None else len(self._known_labels)
                slots = (np.array(list(states)), self.n_partitions)
                packed = family.pack(solved, codes, n_classes, sparse=sparse, slots=slots)
                members.keep_solved(family, slots[0], packed)
            # Those that are left over were reported already.
            contexts = {}
        for number, member in training.fit(estimator, to_fit, contexts, ensemble=self).items():
            members.keep_fitted(number, member)
        if hasattr(self, "_callback_fit_ctx"):
            self._callback_fit_ctx.call_on_fit_task_end(estimator=self)
        self._keep_members(members, training.failures, too_many=_too_many(incomplete, self.shard_sizes_))

    def _refuse_spoilt(self, training, spoilt):
        reason = "Input X contains NaN or infinity (inf)."
        if spoilt and self.member_error == "raise":
            raise ValueError(f"{reason} (In shard {spoilt[0]}.)")
        training.failures |= dict.fromkeys(spoilt, f"ValueError: {reason}")

    def _contexts(self, to_fit):
        """Return one callback context per member to fit, by shard number; none if nobody listens."""
        if not (getattr(self, "_skl_callbacks", None) or hasattr(self, "_parent_callback_ctx")):
            return {}
        root = self._init_callback_context(max_subtasks=len(to_fit))
        root.call_on_fit_task_begin(estimator=self)
        return {number: root.subcontext(task_name="fit member") for number in to_fit}

    def _keep_members(self, members, failures, *, too_many):
        self.member_errors_ = dict(sorted(failures.items()))
        self.estimators_ = members
        if not failures:
            return
        first = next(iter(self.member_errors_.items()))
        if too_many:
            raise ValueError(
                f"Members do not take the NaN or infinity (inf) that {_MOST_INCOMPLETE:.0%} of the rows of X or more "
                f"hold; drop those rows, or impute inside the estimator. The first, of shard {first[0]}, said: "
                f"{first[1]}"
            )
        if len(failures) == np.count_nonzero(self.shard_sizes_):
            raise ValueError(f"No member could be fitted; the first, of shard {first[0]}, said: {first[1]}")
        warn_caller(
            f"{len(failures)} of {self.n_partitions} members could not be fitted and abstain; the first, of shard "
            f"{first[0]}, said: {first[1]}. member_errors_ has them all.",
            MemberWarning,
        )

    def _ask(self, X, dtype, *, with_margins=False):
        """Ask all members about X; see `robustfit.ensemble._member_set.Answers`."""
        check_is_fitted(self)
        X = read_test_rows(self, X, self._container_)
        if self._container_.kind == "array" and self._refuses_missing:
            # Members of a single class would not notice.
            assert_all_finite(X, input_name="X")
        answers = self.estimators_.ask(
            X,
            as_numbers(X) if self.engine_ == "lean" else None,
            num_samples(X),
            dtype=dtype,
            read=self._read,
            member_error=self.member_error,
            n_jobs=self.n_jobs,
            with_margins=with_margins,
        )
        if answers.error is not None and (silent := answers.abstains.all(axis=1)).any():
            message = (
                f"No member can predict row {int(silent.argmax())} of X ({int(silent.sum())} rows in all): "
                f"{answers.error}"
            )
            if silent.all():
                raise ValueError(message) from answers.error
            # The other rows have an answer, which must not depend on who else is asked about.
            warn_caller(f"{message}. These rows get the answer of a vote without voters.", MemberWarning)
        return answers

    def _check_certifiable_members(self):
        """Refuse members that are no function of their own shard."""
        if self._non_deterministic:
            raise CertificateError(
                f"{', '.join(self._non_deterministic)}: not deterministic; a refit on the same shard may vote "
                "otherwise, so nothing can be said about members that were not touched."
            )
        if self._prefitted:
            raise CertificateError(
                f"{', '.join(self._prefitted)}: fitted before, on rows that this ensemble does not know. If they were "
                "not the training rows, vouch for that: robustfit.audit.certify_pipeline(ensemble, X, trusted=[...])."
            )

    def _refusal(self):
        """Why members cannot be certified; None if they can."""
        try:
            self._check_certifiable_members()
        except CertificateError as error:
            return str(error)
        return None


def _too_many(incomplete, shard_sizes):
    return incomplete.sum() >= _MOST_INCOMPLETE * shard_sizes.sum()
