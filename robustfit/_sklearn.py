"""The only door to scikit-learn's private names, and the bridge between its versions."""

# SPDX-License-Identifier: BSD-3-Clause

import sklearn
from sklearn.base import _fit_context as fit_context
from sklearn.linear_model._base import LinearClassifierMixin, LinearModel
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils._param_validation import HasMethods, Interval, InvalidParameterError, StrOptions
from sklearn.utils.fixes import parse_version
from sklearn.utils.metadata_routing import _routing_enabled as routing_enabled
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.metaestimators import _BaseComposition as BaseComposition
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _num_samples as num_samples

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # scikit-learn < 1.9 has no callbacks

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Stands in where scikit-learn has no callbacks."""


# Before, discriminants were whitened by the variance per degree of freedom.
WHITENS_BY_ROWS = parse_version(sklearn.__version__) >= parse_version("1.9")


def valid_params(estimator):
    """Whether a scikit-learn estimator would accept its own parameters."""
    try:
        estimator._validate_params()
    except InvalidParameterError:
        return False
    return True


__all__ = [
    "WHITENS_BY_ROWS",
    "BaseComposition",
    "CallbackSupportMixin",
    "HasMethods",
    "Interval",
    "LinearClassifierMixin",
    "LinearModel",
    "StrOptions",
    "check_sample_weight",
    "fit_context",
    "num_samples",
    "process_routing",
    "routing_enabled",
    "safe_indexing",
    "valid_params",
]
