"""skops, held to its word: what it writes is read back and compared, and what it reads is named before it is built."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.exceptions import InconsistentVersionWarning

# Values without parts.
_WHOLE = (str, bytes, int, float, complex, set, frozenset, type, FunctionType, BuiltinFunctionType)


def import_skops() -> Any:
    """Import skops, which only saving and loading need."""
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(
            'save() and load() need skops 0.15 or newer; install it with: pip install "robustfit[persist]"'
        ) from error
    return skops.io


def dump(value: Any) -> bytes:
    """Return what skops writes, after making sure that it reads the same back.

    Raises
    ------
    TypeError
        If it cannot write some part, or reads something else back.
    """
    try:
        return _round_trip(value)
    except Exception as error:
        place, part, cause = _culprit(value, type(value).__name__, error, set())
        raise TypeError(
            f"{place} cannot be saved: skops does not restore this {type(part).__name__} as it is "
            f"({type(cause).__name__}: {cause}). Nothing was written. Replace that part (a lambda by a function of a "
            "module, for instance) and fit again; or keep the model with joblib, for readers who trust you."
        ) from cause


def rebuild(data: bytes, trusted: list[str], source: Any) -> Any:
    """Build what `dump` wrote, of trusted types only.

    Raises
    ------
    TypeError
        If there are other types in it; the message names them.
    ValueError
        If it cannot be built.
    """
    skops = import_skops()
    try:
        with warnings.catch_warnings():
            # Every member would say it; the caller says it once.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            return skops.loads(data, trusted=trusted)
    except skops.exceptions.UntrustedTypesFoundException as error:
        unknown = sorted(set(skops.get_untrusted_types(data=data)) - set(trusted))
        raise TypeError(
            f"{source} holds types that are not trusted: {', '.join(unknown)}. Look at each: could building or using "
            f"it do harm, and do you know who wrote the file? If all is well, pass trusted={unknown}"
        ) from error
    except Exception as error:
        raise ValueError(
            f"The model in {source} cannot be built ({type(error).__name__}: {error}). Import the modules and install "
            "the libraries that its learners come from, in the versions it was saved with; or fit and save again."
        ) from error


def _round_trip(value: Any) -> bytes:
    skops = import_skops()
    data: bytes = skops.dumps(value)
    # These are the caller's own objects: there is nobody to distrust.
    back = skops.loads(data, trusted=skops.get_untrusted_types(data=data))
    if not _same(value, back):
        raise ValueError("what is read back differs from what was written")
    return data


def _culprit(value: Any, place: str, error: Exception, seen: set[int]) -> tuple[str, Any, Exception]:
    """Find the innermost part that does not survive the round trip: where it is, itself, and why."""
    seen.add(id(value))
    for name, part in _parts(value).items():
        if id(part) in seen:
            continue
        try:
            _round_trip(part)
        except Exception as inner:
            return _culprit(part, place + name, inner, seen)
    return place, value, error


def _same(value: Any, back: Any) -> bool:
    """Whether two objects are made of the same parts."""
    pairs, seen = [(value, back)], {}
    while pairs:
        one, other = pairs.pop()
        if one is other or id(one) in seen:
            continue
        # Kept alive, so that no other object gets its id.
        seen[id(one)] = one
        if type(one) is not type(other):
            return False
        if isinstance(one, _WHOLE):
            if one != other and one == one:
                return False
            continue
        parts, others = _parts(one), _parts(other)
        if list(parts) != list(others):
            return False
        pairs += zip(parts.values(), others.values(), strict=True)
    return True


def _parts(value: Any) -> dict[str, Any]:
    """Return what an object is made of, by the names that Python code would use."""
    if isinstance(value, _WHOLE) and not isinstance(value, np.generic):
        return {}
    if isinstance(value, dict):
        # Unlike keys, their names tell True from 1.
        return {f"[{key!r}]": part for key, part in value.items()}
    if isinstance(value, list | tuple):
        return {f"[{place}]": part for place, part in enumerate(value)}
    if issparse(value):
        entries = value.tocoo()
        return {".shape": value.shape, ".data": entries.data, ".row": entries.row, ".col": entries.col}
    if isinstance(value, np.ndarray | np.generic):
        return _array_parts(value)
    try:
        state = value.__getstate__()
    except Exception:
        # Not everything can be looked into, locks for instance.
        return {}
    if isinstance(state, dict):
        return {f".{name}": part for name, part in state.items()}
    return {} if state is None else {".__getstate__()": state}


def _array_parts(array: Any) -> dict[str, Any]:
    if isinstance(array, np.ma.MaskedArray):
        return {".data": array.data, ".mask": np.ma.getmaskarray(array)}
    if array.dtype.names:
        # What lies between the fields is nobody's.
        return {f"[{name!r}]": array[name] for name in array.dtype.names}
    content = array.tolist() if array.dtype.kind == "O" else array.tobytes()
    return {".dtype": array.dtype.str, ".shape": array.shape, ".tolist()": content}
