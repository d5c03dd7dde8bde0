"""What the catalogue says about one attack, and the words that it says it in."""

# SPDX-License-Identifier: BSD-3-Clause

import importlib
from dataclasses import dataclass
from typing import Any, NamedTuple

KINDS: dict[str, str] = {
    "availability": "makes the model worse at everything",
    "targeted": "changes the prediction of one row, or of a few, and little else",
    "subpopulation": "changes the predictions of rows that are alike, and little else",
    "backdoor": "gives rows that carry a trigger the label that the attacker wants",
    "adaptive": "hides from a defence, or lets a defence steer it",
    "external": "does what the function does that it is given",
}


class Unit(NamedTuple):
    """What one unit of an attack's budget buys, and the threats in whose units the poison can be counted."""

    words: str
    threats: tuple[str, ...]


UNITS: dict[str, Unit] = {
    "label": Unit("one label changed", ("insert_delete", "modify", "label_flip")),
    "insertion": Unit("one row inserted", ("insert_delete",)),
    "modification": Unit("one row modified", ("insert_delete", "modify")),
    "deletion": Unit("one row deleted", ("insert_delete", "delete")),
    "group": Unit("all that one group sends", ("group",)),
    "given": Unit("that of the attack it is given", ()),
}

KNOWLEDGE: dict[str, str] = {
    "data": "the clean training rows",
    "learner": "which learner will be fitted, and what it minimises",
    "parameters": "the learner's hyper-parameters",
    "test rows": "the rows whose predictions are at stake",
    "defence": "the defence, and all that it is fitted with",
}

TASKS = ("classification", "regression")


@dataclass(frozen=True)
class Reference:
    """A publication.

    Attributes
    ----------
    authors, title, venue : str
    year : int
    """

    authors: str
    title: str
    venue: str
    year: int

    def __str__(self) -> str:
        return f'{self.authors}, "{self.title}", {self.venue} {self.year}.'


@dataclass(frozen=True)
class Answer:
    """A defence of this package that answers an attack.

    Attributes
    ----------
    defence : str
        Public name, from ``robustfit`` on.
    how : str
        Why it does, and how far.
    """

    defence: str
    how: str


@dataclass(frozen=True, kw_only=True)
class AttackEntry:
    """What the catalogue says about one attack.

    Attributes
    ----------
    name : str
        Of its class in `robustfit.attacks`.
    kind : {"availability", "targeted", "subpopulation", "backdoor", "adaptive", "external"}
    units : tuple of {"label", "insertion", "modification", "deletion", "group", "given"}
        What one unit of the budget buys; several if that depends on the attack's parameters.
    tasks : tuple of {"classification", "regression"}
    two_classes : bool
        Whether it is about exactly two classes.
    knows : tuple of {"data", "learner", "parameters", "test rows", "defence"}
        What the attacker must know.
    made_for : str
        The learner that it hurts most, or the defence that it gets past.
    references : tuple of Reference
        The most important one first.
    atlas, owasp, nist : tuple of str
        Identifiers in MITRE ATLAS, the OWASP lists and NIST AI 100-2.
    answers : tuple of Answer
        The defences of this package that answer it.

    References
    ----------
    .. [1] MITRE, "Adversarial Threat Landscape for Artificial-Intelligence Systems (ATLAS)".
    .. [2] OWASP, "Machine Learning Security Top 10", 2023, and "Top 10 for Large Language Model Applications".
    .. [3] A. Vassilev, A. Oprea, A. Fordyce and H. Anderson, "Adversarial Machine Learning: A Taxonomy and Terminology
       of Attacks and Mitigations", NIST AI 100-2, 2025.

    Examples
    --------
    >>> from robustfit.attacks import catalog
    >>> entry = catalog()["FarFlipAttack"]
    >>> entry.kind, entry.units, entry.threats
    ('availability', ('label',), ('insert_delete', 'modify', 'label_flip'))
    >>> print(entry.summary)
    Flip the labels of the rows that lie farthest on the right side of the decision boundary.
    """

    name: str
    kind: str
    units: tuple[str, ...]
    tasks: tuple[str, ...]
    knows: tuple[str, ...]
    made_for: str
    references: tuple[Reference, ...]
    atlas: tuple[str, ...]
    owasp: tuple[str, ...]
    nist: tuple[str, ...]
    answers: tuple[Answer, ...]
    two_classes: bool = False

    @property
    def attack(self) -> type[Any]:
        """The class itself."""
        # Only when asked: the room lists the catalogue next to the attacks.
        found: type[Any] = getattr(importlib.import_module("robustfit.attacks"), self.name)
        return found

    @property
    def summary(self) -> str:
        """What the attack does, in one line: the first of its own documentation."""
        return (self.attack.__doc__ or "").strip().partition("\n")[0]

    @property
    def threats(self) -> tuple[str, ...]:
        """Threats in whose units the poison can be counted; any can be counted in groups where rows have some.

        Empty if that depends on the attack that it is given.
        """
        return tuple(dict.fromkeys(threat for unit in self.units for threat in UNITS[unit].threats))

    @property
    def unit(self) -> str:
        """What one unit of the budget buys, in words."""
        *first, last = [UNITS[unit].words for unit in self.units]
        return f"{', '.join(first)} or {last}" if first else last
