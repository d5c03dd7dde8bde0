"""Keeping fitted ensembles in files: written in one stroke, checked before anything in them is built.

A file is a zip archive of two entries. ``format.json`` says what the file is: versions, and a digest of everything.
``model.skops`` is the ensemble as skops writes it, without pickle: reading it runs no code but that of types that are
trusted by name.
"""

# SPDX-License-Identifier: BSD-3-Clause

import hashlib
import io
import json
import os
import platform
import sys
from collections.abc import Iterable
from copy import copy
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import scipy
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.validation import check_is_fitted

from robustfit._meta._warn import warn_caller
from robustfit.ensemble._atomic_write import check_target, replace_file
from robustfit.ensemble._base import BasePartitionEnsemble
from robustfit.ensemble._own_types import OWN_TYPES
from robustfit.ensemble._skops import dump, import_skops, rebuild
from robustfit.partition import HASH_VERSION
from robustfit.partition._schema import SCHEMA_VERSION

FORMAT_VERSION = 1
"""Changes whenever a file is laid out otherwise."""

_FORMAT = "robustfit.ensemble"
_HEADER, _MODEL = "format.json", "model.skops"

# What has to be the same where a file is read, and what would go wrong if it were not.
_EXACT = {
    "format_version": (FORMAT_VERSION, "the file is laid out otherwise"),
    "hash_version": (HASH_VERSION, "rows would land in other shards than those that were fitted"),
    "schema_version": (SCHEMA_VERSION, "columns of data frames would be read otherwise"),
}


def save(ensemble: BasePartitionEnsemble, path: str | os.PathLike) -> None:
    """Write a fitted ensemble to a file that `load` reads.

    A file that is already there is replaced in one stroke: whatever interrupts the writing, ``path`` holds the old
    model or the new one, whole. Before that, what is going to be written is read back and compared.

    Parameters
    ----------
    ensemble : PartitionClassifier or PartitionRegressor
        Fitted. Callbacks are left out.
    path : str or os.PathLike
        File to write, in a folder that exists.

    Raises
    ------
    ImportError
        If skops is not installed.
    NotFittedError
        If the ensemble is not fitted.
    TypeError
        If it is no ensemble, or holds something that skops cannot write and restore as it is. The message says where.
    OSError
        If the file cannot be written.

    See Also
    --------
    load : Read the file.

    Examples
    --------
    >>> import os, tempfile, robustfit
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = robustfit.PartitionClassifier(n_partitions=5).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     robustfit.save(model, os.path.join(folder, "iris.robustfit"))
    ...     os.listdir(folder)
    ['iris.robustfit']
    """
    import_skops()
    if not isinstance(ensemble, BasePartitionEnsemble):
        raise TypeError(
            f"Only a PartitionClassifier or PartitionRegressor can be saved, got {type(ensemble).__name__}. Of a "
            "pipeline save the ensemble that is its last step."
        )
    check_is_fitted(ensemble)
    target = check_target(path)
    bare: Any = copy(ensemble)
    # Callbacks watch a fit; they hold bars and queues, and are no part of a model.
    vars(bare).pop("_skl_callbacks", None)
    replace_file(target, _pack(ensemble, dump(bare)))


def load(
    path: str | os.PathLike, *, trusted: Iterable[str | type] = (), allow_other_versions: bool = False
) -> BasePartitionEnsemble:
    """Read a fitted ensemble from a file that `save` wrote.

    Parameters
    ----------
    path : str or os.PathLike
    trusted : iterable of type or str, default=()
        Types to build besides those listed in the notes, or their full names. The error about types that are not
        trusted names them.
    allow_other_versions : bool, default=False
        Whether to read a file of another minor version of scikit-learn or robustfit, with a warning.
        Another version of the row hash or of the schema rules is refused in any case.

    Returns
    -------
    ensemble : PartitionClassifier or PartitionRegressor
        With the same votes and certificates as the one that was saved.

    Raises
    ------
    ImportError
        If skops is not installed.
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file, is truncated, damaged or edited, or was written by versions that do not fit.
    TypeError
        If it holds types that are not trusted.

    Warns
    -----
    InconsistentVersionWarning
        If it was written with another version of scikit-learn. The certificates then say so, too.

    See Also
    --------
    save : Write the file.

    Notes
    -----
    Trusted are the types that skops trusts by default (plain Python values, numpy arrays, scikit-learn's estimators)
    and those of this library that fitted ensembles are made of. Trees, neighbour indexes and sparse matrices are not
    among them: building one runs no foreign code, but using it follows numbers in the file through memory.

    The digest in the file detects damage and careless edits. It is no signature: whoever can write the file can write a
    consistent one about a model that nobody fitted. Load files from places that you trust to have the right model.

    Examples
    --------
    >>> import os, tempfile, robustfit
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = robustfit.PartitionClassifier(DecisionTreeClassifier(), n_partitions=5).fit(X, y)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "iris.robustfit")
    ...     robustfit.save(model, path)
    ...     restored = robustfit.load(path, trusted=["sklearn.tree._tree.Tree"])
    >>> bool((restored.votes(X) == model.votes(X)).all())
    True
    """
    import_skops()
    allowed = _type_names(trusted)
    header, model = _unpack(path)
    written = _check_header(header, model, path, allow_other_versions)
    ensemble = rebuild(model, allowed, path)
    if not isinstance(ensemble, BasePartitionEnsemble):
        raise ValueError(f"{path} holds a {type(ensemble).__name__}, which is no ensemble of robustfit: refused.")
    _tell_versions(ensemble, written)
    return ensemble


def _type_names(trusted: Any) -> list[str]:
    """Return full names of the types of this library and of those that the caller trusts."""
    single = isinstance(trusted, str | type) or not isinstance(trusted, Iterable)
    given = [] if single else list(trusted)
    if single or not all(isinstance(entry, str | type) for entry in given):
        raise TypeError(
            f"trusted must be a list of types or of their full names, such as ['sklearn.tree._tree.Tree'], got "
            f"{trusted!r}. There is no way to trust everything."
        )
    return [*OWN_TYPES, *(t if isinstance(t, str) else f"{t.__module__}.{t.__name__}" for t in given)]


def _versions() -> dict[str, str]:
    return {
        # Looked up, since the front door imports every room and so none of them imports it.
        "robustfit": sys.modules["robustfit"].__version__,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }


def _pack(ensemble: BasePartitionEnsemble, model: bytes) -> bytes:
    header = {
        "format": _FORMAT,
        "class": type(ensemble).__name__,
        **{name: expected for name, (expected, _) in _EXACT.items()},
        # That of the fit, which may have been another process.
        "hash_version": ensemble.hash_version_,
        "versions": _versions(),
    }
    header["sha256"] = _digest(header, model)
    buffer = io.BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        archive.writestr(_HEADER, json.dumps(header, indent=2))
        archive.writestr(_MODEL, model)
    return buffer.getvalue()


def _digest(header: dict[str, Any], model: bytes) -> str:
    signed = {name: value for name, value in header.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(signed, sort_keys=True).encode() + b"\n" + model).hexdigest()


def _unpack(path: Any) -> tuple[dict[str, Any], bytes]:
    # A number would be taken for an open file.
    with open(os.fspath(path), "rb") as file:
        try:
            with ZipFile(file) as archive:
                if archive.namelist() != [_HEADER, _MODEL]:
                    raise ValueError(f"it holds {archive.namelist()[:5]} instead of {[_HEADER, _MODEL]}")
                header = json.loads(archive.read(_HEADER))
                model = archive.read(_MODEL)
            if not isinstance(header, dict) or header.get("format") != _FORMAT:
                raise ValueError(f"{_HEADER} does not say {_FORMAT!r}")
        # Damaged archives fail in more ways than zipfile documents.
        except Exception as error:
            raise ValueError(
                f"{path} is no file that robustfit.save wrote, or is truncated or damaged: {error}. Copy it again from "
                "where it came, or fit and save again. Pickles and joblib files are never read here."
            ) from error
    return header, model


def _check_header(header: dict[str, Any], model: bytes, path: Any, allow_other_versions: bool) -> dict[str, str]:
    """Refuse a file that this version cannot read, or that does not fit its digest; return the versions that wrote it.

    Versions come first: another format may have another digest.
    """
    ours, written = _versions(), header.get("versions")
    written = dict.fromkeys(ours, "unknown") | (written if isinstance(written, dict) else {})
    for name, (expected, otherwise) in _EXACT.items():
        if header.get(name) != expected:
            raise ValueError(
                f"{path} has {name} {header.get(name)!r}, robustfit {ours['robustfit']} reads {expected} only: "
                f"{otherwise}. Load it with robustfit {written['robustfit']}, which wrote it; or fit and save "
                "again."
            )
    others = [name for name in ("robustfit", "scikit-learn") if _minor(written[name]) != _minor(ours[name])]
    if others and not allow_other_versions:
        told = " and ".join(f"{name} {written[name]} (here: {ours[name]})" for name in others)
        raise ValueError(
            f"{path} was written with {told}; members may vote otherwise, or fail. Install those versions, or fit and "
            "save again; allow_other_versions=True loads it all the same."
        )
    if header.get("sha256") != _digest(header, model):
        raise ValueError(
            f"{path} does not fit its own digest: it was damaged or edited. Copy it again from where it came, or fit "
            "and save again."
        )
    return written


def _minor(version: Any) -> list[str]:
    return str(version).split(".")[:2]


def _tell_versions(ensemble: Any, written: dict[str, str]) -> None:
    """Warn, and put on record in certificates, that other versions fitted the members."""
    ours = _versions()
    differing = {
        "scikit-learn": written["scikit-learn"] != ours["scikit-learn"],
        "robustfit": _minor(written["robustfit"]) != _minor(ours["robustfit"]),
    }
    for name, differs in differing.items():
        if not differs:
            continue
        condition = f"members that vote with {name} {ours[name]} as they would with {written[name]}, which fitted them"
        ensemble._conditions = (*ensemble._conditions, condition)
        if name == "scikit-learn":
            warning: Any = InconsistentVersionWarning(
                estimator_name=type(ensemble).__name__,
                current_sklearn_version=ours[name],
                original_sklearn_version=written[name],
            )
        else:
            warning = f"Saved with {name} {written[name]}, loaded with {ours[name]}; fit and save again."
        warn_caller(warning, UserWarning)
