"""Parts of an estimator that `clone` does not reset: whatever they learned, every member inherits."""

# SPDX-License-Identifier: BSD-3-Clause

from sklearn.base import BaseEstimator


def prefitted_parts(estimator, prefix="estimator"):
    """Paths of the parts that bring along what they learned before.

    Parameters
    ----------
    estimator : estimator
    prefix : str, default="estimator"
        Name of the estimator in the paths.

    Returns
    -------
    paths : list of str
        Such as ``"estimator__standardscaler"``.
    """
    found = [prefix] if _keeps_state(estimator) else []
    if hasattr(estimator, "get_params"):
        for name, value in sorted(estimator.get_params(deep=True).items()):
            path = f"{prefix}__{name}"
            leaf = name.split("__")[-1]
            prefit = (leaf == "cv" and isinstance(value, str) and value == "prefit") or (
                leaf == "prefit" and value is True
            )
            inside = any(path.startswith(f"{outer}__") for outer in found)
            if not inside and (prefit or _keeps_state(value)):
                found.append(path)
    return found


def _keeps_state(value):
    own = getattr(type(value), "__sklearn_clone__", None)
    return own is not None and own is not BaseEstimator.__sklearn_clone__
