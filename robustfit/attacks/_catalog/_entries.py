"""The entries of the catalogue, by kind and from simple to elaborate."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.attacks._catalog import _references as ref
from robustfit.attacks._catalog._answers import answers
from robustfit.attacks._catalog._entry import Answer, AttackEntry, Reference
from robustfit.attacks._catalog._taxonomies import TAXONOMIES

_CLASSES = ("classification",)
_TARGETS = ("regression",)
_BOTH = ("classification", "regression")

_LINEAR = "linear classifiers"

# What an attack of each kind is filed under; an attack that fits elsewhere, too, adds to it.
_FILED = {
    "availability": ("AML.T0020", "AML.T0059", "ML02:2023", "NISTAML.013"),
    "targeted": ("AML.T0020", "ML02:2023", "NISTAML.024"),
    "subpopulation": ("AML.T0020", "ML02:2023", "NISTAML.024"),
    "backdoor": (
        *("AML.T0018.000", "AML.T0020", "AML.T0043.004"),
        *("ML02:2023", "LLM04:2025", "LLM05:2026"),
        *("NISTAML.021", "NISTAML.023"),
    ),
    "adaptive": ("AML.T0020", "ML02:2023", "NISTAML.013"),
    "external": ("AML.T0020", "ML02:2023", "NISTAML.013"),
}


def _entry(
    kind: str,
    name: str,
    units: str,
    references: tuple[Reference, ...],
    *,
    tasks: tuple[str, ...] = _CLASSES,
    two_classes: bool = False,
    knows: tuple[str, ...] = ("data",),
    made_for: str = "any learner",
    filed: tuple[str, ...] = (),
    one_source: bool = True,
    extra: tuple[Answer, ...] = (),
) -> AttackEntry:
    """Fill in what follows from the kind and the unit."""
    bought = tuple(units.split())
    identifiers = {*_FILED[kind], *filed}
    return AttackEntry(
        name=name,
        kind=kind,
        units=bought,
        tasks=tasks,
        two_classes=two_classes,
        knows=knows,
        made_for=made_for,
        references=references,
        **{field: tuple(t for t in taxonomy.titles if t in identifiers) for field, taxonomy in TAXONOMIES.items()},
        answers=(*answers(bought, tasks, kind, one_source=one_source), *extra),
    )


ENTRIES: tuple[AttackEntry, ...] = (
    # Labels.
    _entry("availability", "RandomFlipAttack", "label", (ref.BIGGIO_2011,), tasks=_BOTH),
    _entry(
        "availability",
        "FarFlipAttack",
        "label",
        (ref.XIAO_2012, ref.PAUDICE_2018, ref.JAGIELSKI_2018),
        tasks=_BOTH,
        knows=("data", "learner"),
        made_for="linear models",
    ),
    # Rows.
    _entry("availability", "InsertionAttack", "insertion", (ref.BIGGIO_2012,), tasks=_BOTH),
    _entry(
        "availability",
        "ModificationAttack",
        "modification",
        (ref.JIA_2021,),
        tasks=_BOTH,
        filed=("NISTAML.012",),
    ),
    _entry(
        "availability",
        "DeletionAttack",
        "deletion",
        (ref.BRODERICK_2020,),
        tasks=_BOTH,
        filed=("ML08:2023",),
    ),
)
