"""What every estimator around one estimator says of itself: whose metadata it hands on, and what rows it takes."""

# SPDX-License-Identifier: BSD-3-Clause

from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

# Rows are the business of the estimator inside.
_INPUT_TAGS = ("sparse", "allow_nan", "string", "positive_only", "categorical")


class AroundEstimator(MetaEstimatorMixin, BaseEstimator):
    """Base of estimators with one ``estimator``, which ``_resolve_estimator`` returns and ``fit`` fits."""

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
        inner = get_tags(self._default_estimator() if self.estimator is None else self.estimator)
        for name in _INPUT_TAGS:
            setattr(tags.input_tags, name, getattr(inner.input_tags, name))
        tags.non_deterministic = inner.non_deterministic
        return tags
