"""All attacks of this package, what is known about each, and tables of it."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from robustfit.attacks._catalog._entries import ENTRIES
from robustfit.attacks._catalog._entry import KINDS, AttackEntry
from robustfit.attacks._catalog._markdown import markdown
from robustfit.certify._base_certificate import import_pandas


@dataclass(frozen=True, repr=False)
class Catalog:
    """Entries about attacks, to be looked up by name, counted, and shown as a table.

    Parameters
    ----------
    entries : tuple of AttackEntry

    References
    ----------
    .. [1] A. Vassilev, A. Oprea, A. Fordyce and H. Anderson, "Adversarial Machine Learning: A Taxonomy and Terminology
       of Attacks and Mitigations", NIST AI 100-2, 2025.

    Examples
    --------
    >>> from robustfit.attacks import catalog
    >>> flips = [entry.name for entry in catalog() if entry.units == ("label",) and "regression" in entry.tasks]
    >>> flips[:2]
    ['RandomFlipAttack', 'FarFlipAttack']
    >>> print(catalog()["DeletionAttack"].references[0].authors)
    T. Broderick, R. Giordano and R. Meager
    """

    entries: tuple[AttackEntry, ...]

    def __iter__(self) -> Iterator[AttackEntry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, item: object) -> bool:
        """Tell whether this entry, or one of this name, is there."""
        return any(item in (entry, entry.name) for entry in self.entries)

    def __getitem__(self, name: str) -> AttackEntry:
        """Return the entry of an attack by the name of its class."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise KeyError(f"There is no attack {name!r}. There is: {', '.join(entry.name for entry in self.entries)}.")

    def __repr__(self) -> str:
        return f"Catalog({len(self)} attacks)"

    def of_kind(self, kind: str) -> "Catalog":
        """Return the part of the catalogue that is about one kind of attack.

        Parameters
        ----------
        kind : {"availability", "targeted", "subpopulation", "backdoor", "adaptive", "external"}

        Returns
        -------
        catalog : Catalog

        Raises
        ------
        ValueError
            If there is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"There is no kind {kind!r} of attacks. There is: {', '.join(KINDS)}.")
        return Catalog(tuple(entry for entry in self.entries if entry.kind == kind))

    def to_records(self) -> list[dict[str, Any]]:
        """Return all that is known as dicts of strings, numbers, lists and dicts, ready for JSON.

        Returns
        -------
        records : list of dict
            One for each attack.
        """
        return [_record(entry) for entry in self.entries]

    def to_frame(self) -> Any:
        """Return a table with one row for each attack.

        Returns
        -------
        frame : pandas.DataFrame
            Columns ``attack``, ``kind``, ``summary``, ``unit``, ``threats``, ``tasks``, ``two_classes``, ``knows``,
            ``made_for``, ``atlas``, ``owasp``, ``nist``, ``answered_by`` and ``reference``; lists are texts with
            commas.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pd = import_pandas()
        return pd.DataFrame([_row(entry) for entry in self.entries])

    def to_markdown(self) -> str:
        """Return the catalogue as Markdown: a table for each kind, then identifiers, defences and references.

        Returns
        -------
        text : str
        """
        return markdown(self.entries)


def catalog() -> Catalog:
    """Return what is known about every attack of this package.

    Returns
    -------
    catalog : Catalog
        A sequence of `AttackEntry`, by kind and from simple to elaborate.

    References
    ----------
    .. [1] A. Vassilev, A. Oprea, A. Fordyce and H. Anderson, "Adversarial Machine Learning: A Taxonomy and Terminology
       of Attacks and Mitigations", NIST AI 100-2, 2025.

    Examples
    --------
    >>> from robustfit.attacks import catalog
    >>> [entry.name for entry in catalog() if entry.units == ("deletion",)]
    ['DeletionAttack']
    >>> catalog().of_kind("availability")["RandomFlipAttack"].nist
    ('NISTAML.013',)
    """
    return Catalog(ENTRIES)


def _record(entry: AttackEntry) -> dict[str, Any]:
    known: dict[str, Any] = asdict(entry)
    found = {"summary": entry.summary, "unit": entry.unit, "threats": entry.threats}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in (known | found).items()}


def _row(entry: AttackEntry) -> dict[str, Any]:
    return {
        "attack": entry.name,
        "kind": entry.kind,
        "summary": entry.summary,
        "unit": entry.unit,
        "threats": _joined(entry.threats),
        "tasks": _joined(entry.tasks),
        "two_classes": entry.two_classes,
        "knows": _joined(entry.knows),
        "made_for": entry.made_for,
        "atlas": _joined(entry.atlas),
        "owasp": _joined(entry.owasp),
        "nist": _joined(entry.nist),
        "answered_by": _joined(dict.fromkeys(answer.defence for answer in entry.answers)),
        "reference": str(entry.references[0]),
    }


def _joined(names: Sequence[str] | dict[str, Any]) -> str:
    return ", ".join(names)
