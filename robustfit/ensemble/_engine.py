"""Which engine fits and asks the members: a matter of parameters and containers, never of data."""

# SPDX-License-Identifier: BSD-3-Clause

from scipy.sparse import issparse

from robustfit._meta._inputs import Container, is_numeric
from robustfit.ensemble._lean import LeanFamily, lean_family


def choose_engine(engine, estimator, container: Container, X, fit_params) -> LeanFamily | None:
    """Return the lean engine's solver for an ensemble; None for the generic engine.

    Parameters
    ----------
    engine : {"auto", "lean", "generic"}
    estimator : estimator
    container : Container
    X : training rows as given
    fit_params : dict
        Parameters of the members' ``fit``.

    Raises
    ------
    ValueError
        If the lean engine was asked for and cannot be used.
    """
    if engine == "generic":
        return None
    family, refusal = lean_family(estimator)
    if family is not None:
        refusal = _refuses_rows(family, container, X) or _refuses_params(fit_params)
    if refusal is None:
        return family
    if engine == "lean":
        raise ValueError(f"engine='lean' cannot be used: {refusal}. Set engine='auto' or engine='generic'.")
    return None


def _refuses_rows(family, container, X):
    if not is_numeric(container):
        return "it takes arrays, sparse matrices and data frames of numbers and booleans only"
    if issparse(X) and not family.takes_sparse:
        return f"{type(family.estimator).__name__} takes no sparse matrices"
    return None


def _refuses_params(fit_params):
    others = sorted(set(fit_params) - {"sample_weight"})
    return f"it knows no fit parameters besides sample_weight, got {', '.join(others)}" if others else None
