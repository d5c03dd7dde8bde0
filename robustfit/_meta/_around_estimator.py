"""What every estimator around one estimator shares: which it takes, whose metadata it hands on, what rows it takes."""

# SPDX-License-Identifier: BSD-3-Clause

from abc import ABCMeta, abstractmethod

from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from robustfit._sklearn import routing_enabled

# Rows are the business of the estimator inside.
_INPUT_TAGS = ("sparse", "allow_nan", "string", "positive_only", "categorical")


class AroundEstimator(MetaEstimatorMixin, BaseEstimator, metaclass=ABCMeta):
    """Base of estimators with one ``estimator``, which ``_resolve_estimator`` returns and ``fit`` fits."""

    # What scikit-learn's tags call the estimators that can be inside.
    _inner_type: str

    # How the names of the classifier and the regressor of this kind begin.
    _family: str

    # What is wrong with columns that are training rows.
    _against_pairwise: str

    @abstractmethod
    def _default_estimator(self):
        """Return the estimator that is used for ``estimator=None``."""

    def _default_or_given(self):
        return self._default_estimator() if self.estimator is None else self.estimator

    def _resolve_estimator(self):
        """Return the estimator to clone, after checking that it can be inside."""
        if self.estimator is None:
            estimator = self._default_estimator()
            return estimator.set_fit_request(sample_weight=True) if routing_enabled() else estimator
        if isinstance(self.estimator, type):
            raise TypeError(f"estimator must be an instance, got the class {self.estimator.__name__}; call it.")
        self._check_estimator(self.estimator)
        return self.estimator

    def _check_estimator(self, estimator):
        """Refuse estimators that cannot be inside."""
        tags = get_tags(estimator)
        kind = tags.estimator_type
        if kind not in (self._inner_type, None):
            known = kind in ("classifier", "regressor")
            remedy = f"use {self._family}{kind.capitalize()}" if known else f"pass a {self._inner_type}"
            raise ValueError(f"{estimator!r} is a {kind}; {remedy}.")
        if tags.input_tags.pairwise:
            raise ValueError(
                f"{type(estimator).__name__} takes pairwise distances or a precomputed kernel{self._against_pairwise}"
            )

    def get_metadata_routing(self):
        """Describe which metadata ``fit`` takes itself and which it hands on.

        Returns
        -------
        routing : sklearn.utils.metadata_routing.MetadataRouter
        """
        return (
            MetadataRouter(owner=self)
            .add_self_request(self)
            .add(
                estimator=self._resolve_estimator(),
                method_mapping=MethodMapping().add(caller="fit", callee="fit"),
            )
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        inner = get_tags(self._default_or_given())
        for name in _INPUT_TAGS:
            setattr(tags.input_tags, name, getattr(inner.input_tags, name))
        tags.non_deterministic = inner.non_deterministic
        return tags
