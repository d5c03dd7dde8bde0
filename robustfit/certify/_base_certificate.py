"""What every certificate says: against which change, in which unit, under which conditions; and its JSON."""

# SPDX-License-Identifier: BSD-3-Clause

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._threats import THREATS, check_budget, check_budgets, resolve_threat, units_from_shards

_JSON_VERSION = 1
_KINDS = ("exact", "sound", "probabilistic")
_LABEL_KINDS: dict[str, type | tuple[type, ...]] = {
    "bool": bool,
    "text": str,
    "object": str,
    **dict.fromkeys(("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"), int),
    **dict.fromkeys(("float16", "float32", "float64"), (int, float)),
}


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class BaseCertificate(ABC):
    """Fields and habits that all certificates share.

    Parameters
    ----------
    threat : str
        Key of the threat that is answered, see ``docs/threats.md``.
    partition_by : {"content", "groups"}
        How rows were assigned to shards.
    n_members : int
        Number of members, abstaining ones included.
    conditional_on : tuple of str
        What the guarantee takes for granted besides the threat.
    kind : {"exact", "sound", "probabilistic"}
        ``"exact"``: equal to the truth when every touched shard may vote as the attacker likes.
        ``"sound"``: never larger than that.
    """

    threat: str
    partition_by: str
    n_members: int
    conditional_on: tuple[str, ...] = ()
    kind: str = "exact"

    @property
    def unit(self) -> str:
        """What one unit of the budget pays for, in words."""
        return THREATS[self.threat].unit

    @property
    def shards_per_unit(self) -> int:
        """Most shards that one unit can touch."""
        return resolve_threat(self.threat, self.partition_by)[1]

    def _shards(self, budget: Any) -> int:
        """Most members that ``budget`` units can touch."""
        return min(check_budget(budget) * self.shards_per_unit, self.n_members)

    def _units(self, shards: NDArray[np.int64]) -> NDArray[np.int64]:
        return units_from_shards(shards, self.shards_per_unit, self.n_members)

    def given(self, *conditions: str) -> Self:
        """Return the same certificate with more conditions on record."""
        return replace(self, conditional_on=(*self.conditional_on, *conditions))

    def to_json(self) -> str:
        """Serialise as JSON text; `from_json` restores it.

        The text is a record, not a proof: it carries no signature, and whoever can edit it can write a
        consistent one about votes that nobody cast.
        """
        header = {
            "format": f"robustfit.{type(self).__name__}",
            "version": _JSON_VERSION,
            "threat": self.threat,
            "unit": self.unit,
            "partition_by": self.partition_by,
            "n_members": self.n_members,
            "conditional_on": list(self.conditional_on),
            "kind": self.kind,
        }
        return json.dumps(header | self._payload(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Restore a certificate, and check that it agrees with its own votes.

        Raises
        ------
        ValueError
            If the text is truncated, of another kind or version, or was edited so that what it
            claims no longer follows from the votes it holds.
        """
        try:
            data = json.loads(text)
            header = (data["format"], data["version"])
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(
                f"This is not the JSON of a {cls.__name__} (truncated or another file?): {error}."
            ) from error
        if header != (f"robustfit.{cls.__name__}", _JSON_VERSION):
            raise ValueError(
                f"Expected format 'robustfit.{cls.__name__}', version {_JSON_VERSION}, got {header[0]!r}, "
                f"version {header[1]!r}. Read it with the class and the release that wrote it."
            )
        try:
            return cls._restore(data, cls._read_header(data))
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise ValueError(f"This {cls.__name__} is damaged or was edited: {error}") from error

    @classmethod
    def _read_header(cls, data: dict[str, Any]) -> dict[str, Any]:
        resolve_threat(data["threat"], data["partition_by"])
        conditions = data["conditional_on"]
        if not isinstance(conditions, list) or not all(isinstance(condition, str) for condition in conditions):
            raise ValueError("its conditions are no list of texts")
        if data["kind"] not in _KINDS or data["unit"] != THREATS[data["threat"]].unit:
            raise ValueError("its kind or unit is not one that a certificate of this threat can have")
        return {
            "threat": data["threat"],
            "partition_by": data["partition_by"],
            "n_members": check_budget(data["n_members"], name="n_members"),
            "conditional_on": tuple(conditions),
            "kind": data["kind"],
        }

    @abstractmethod
    def _payload(self) -> dict[str, Any]:
        """Return what the certificate holds besides the header, as JSON has it."""

    @classmethod
    @abstractmethod
    def _restore(cls, data: dict[str, Any], common: dict[str, Any]) -> Self:
        """Make a certificate of what `_payload` wrote, and check that it is consistent."""


def share_certified(radius: NDArray[np.int64], budgets: ArrayLike) -> Any:
    """Share of rows whose radius reaches each budget: a float for one budget, else an array of the budgets' shape."""
    wanted = check_budgets(budgets)
    share = (len(radius) - np.searchsorted(np.sort(radius), wanted)) / len(radius)
    return float(share) if wanted.ndim == 0 else share


def freeze(array: NDArray[Any]) -> NDArray[Any]:
    """Return a read-only view, so that a certificate cannot be changed by accident."""
    view = array.view()
    view.flags.writeable = False
    return view


def import_pandas() -> Any:
    """Import pandas, which only tables need."""
    try:
        import pandas as pd
    except ImportError as error:
        raise ImportError('to_frame() needs pandas; install it with: pip install "robustfit[parquet]"') from error
    return pd


def labels_to_json(labels: NDArray[Any]) -> dict[str, Any]:
    """Encode labels with their kind; objects have to be strings.

    Raises
    ------
    ValueError
        If labels are neither numbers of 64 bits or fewer, booleans nor texts.
    """
    kind = "text" if labels.dtype.kind == "U" else labels.dtype.name
    if kind == "object" and not all(isinstance(label, str) for label in labels):
        raise ValueError("Only labels that are numbers, booleans or strings can be written as JSON.")
    if kind not in _LABEL_KINDS:
        raise ValueError(f"Labels of dtype {labels.dtype} cannot be written as JSON.")
    return {"dtype": kind, "values": labels.tolist()}


def labels_from_json(record: Any) -> NDArray[Any]:
    """Decode what `labels_to_json` wrote.

    Raises
    ------
    ValueError
        If it is something else, or labels do not have the kind that is written beside them.
    """
    if not isinstance(record, dict) or record.get("dtype") not in _LABEL_KINDS:
        raise ValueError("its labels are of no known kind")
    values, kind = record["values"], record["dtype"]
    if not isinstance(values, list) or not all(isinstance(value, _LABEL_KINDS[kind]) for value in values):
        raise ValueError("its labels are not of the kind that it says")
    if kind != "bool" and any(isinstance(value, bool) for value in values):
        raise ValueError("its labels are not of the kind that it says")
    return np.array(values, dtype=str if kind == "text" else kind)


def counts_from_json(values: Any, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Decode an array of non-negative whole numbers of a given shape.

    Raises
    ------
    ValueError
        If it is anything else.
    """
    array = np.array(values, dtype=object)
    if array.size == 0 and 0 in shape:
        array = array.reshape(shape)
    whole = all(type(value) is int and 0 <= value < 2**62 for value in array.ravel().tolist())
    if array.shape != shape or not whole:
        raise ValueError("its counts are no table of whole numbers of one row per prediction")
    return array.astype(np.int64)
