"""What `clone` does not reset, and what is no function of the shard: members would inherit it from elsewhere."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils import get_tags


def prefitted_parts(estimator: Any, prefix: str = "estimator") -> list[str]:
    """Paths of the parts that bring along what they learned before.

    These are frozen estimators and other classes that refuse to be reset, ``prefit`` options, and methods of fitted
    objects handed over as functions. What a plain function remembers cannot be seen from outside.

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
    found: list[str] = []
    for path, value in parts(estimator, prefix):
        inside = any(path.startswith(f"{outer}__") for outer in found)
        if not inside and (keeps_state(value) or _is_prefit_option(path, value)):
            found.append(path)
    return found


def non_deterministic_parts(estimator: Any, prefix: str = "estimator") -> list[str]:
    """Paths of the parts that say of themselves that a refit on the same rows may give another result."""
    return [path for path, value in parts(estimator, prefix) if _is_estimator(value) and _may_vary(value)]


def parts(value: Any, path: str = "estimator") -> Iterator[tuple[str, Any]]:
    """Walk an estimator and all that it is made of, outer parts first, by name.

    Yields
    ------
    path : str
    part : object
        A parameter's value, or an entry of a list or dictionary of them.
    """
    yield path, value
    if _is_estimator(value):
        for name, inner in sorted(value.get_params(deep=False).items()):
            yield from parts(inner, f"{path}__{name}")
        # Steps and transformers are known by their names rather than by their place in a list.
        for name, inner in sorted(value.get_params(deep=True).items()):
            if "__" not in name and name not in value.get_params(deep=False):
                yield from parts(inner, f"{path}__{name}")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from parts(inner, f"{path}__{name}")
    elif isinstance(value, list | tuple) and not _is_named_list(value):
        for place, inner in enumerate(value):
            yield from parts(inner, f"{path}__{place}")
    elif isinstance(value, partial):
        yield from parts(value.func, f"{path}__func")
        yield from parts(value.args, f"{path}__args")
        yield from parts(value.keywords, f"{path}__keywords")


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _is_named_list(value: Any) -> bool:
    """Whether the parts of a list are parameters of their own, as the steps of a pipeline are."""
    return bool(value) and all(isinstance(item, tuple) and len(item) in (2, 3) for item in value)


def keeps_state(value: Any) -> bool:
    """Whether a part survives `sklearn.base.clone` with what it learned, or is a method of something that learns."""
    if isinstance(value, type):
        return False
    owner = getattr(value, "__self__", None)
    if owner is not None and hasattr(owner, "fit") and not isinstance(owner, type):
        return True
    own = getattr(type(value), "__sklearn_clone__", None)
    return own is not None and own is not BaseEstimator.__sklearn_clone__


def _is_prefit_option(path: str, value: Any) -> bool:
    leaf = path.rsplit("__", maxsplit=1)[-1]
    return (leaf == "cv" and isinstance(value, str) and value == "prefit") or (leaf == "prefit" and value is True)


def _may_vary(estimator: Any) -> bool:
    try:
        return bool(get_tags(estimator).non_deterministic)
    except (AttributeError, TypeError):
        # Kernels and other parts have parameters but no tags.
        return False
