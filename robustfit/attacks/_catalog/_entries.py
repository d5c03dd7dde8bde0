"""The entries of the catalogue, by kind and from simple to elaborate."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.attacks._catalog import _references as ref
from robustfit.attacks._catalog._answers import CHECK, answers
from robustfit.attacks._catalog._entry import Answer, AttackEntry, Reference
from robustfit.attacks._catalog._taxonomies import TAXONOMIES

_CLASSES = ("classification",)
_TARGETS = ("regression",)
_BOTH = ("classification", "regression")

_LINEAR = "linear classifiers"
_BEHIND_FILTERS = "linear classifiers behind filters"
_LINEAR_REGRESSION = "linear regression"

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
    _entry(
        "availability",
        "NearFlipAttack",
        "label",
        (ref.PAUDICE_2018, ref.XIAO_2012),
        tasks=_BOTH,
        knows=("data", "learner"),
        made_for="filters of labels",
    ),
    _entry(
        "availability",
        "ALFAAttack",
        "label",
        (ref.XIAO_2012,),
        knows=("data", "learner", "parameters"),
        made_for="linear support vector machines",
    ),
    # Rows.
    _entry("availability", "InsertionAttack", "insertion", (ref.BIGGIO_2012,), tasks=_BOTH),
    _entry("availability", "RandomRowAttack", "insertion", (ref.JAGIELSKI_2018,), tasks=_BOTH),
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
        "DistortionAttack",
        "modification",
        (ref.ALQALLAF_2009,),
        tasks=_BOTH,
        filed=("NISTAML.012",),
        extra=(CHECK,),
    ),
    _entry(
        "availability",
        "DeletionAttack",
        "deletion",
        (ref.BRODERICK_2020,),
        tasks=_BOTH,
        filed=("ML08:2023",),
    ),
    # Regression targets.
    _entry(
        "availability",
        "StatPAttack",
        "insertion",
        (ref.JAGIELSKI_2018,),
        tasks=_TARGETS,
        knows=("data", "learner"),
        made_for=_LINEAR_REGRESSION,
    ),
    _entry(
        "availability",
        "InfFlipAttack",
        "insertion",
        (ref.JAGIELSKI_2018,),
        tasks=_TARGETS,
        knows=("data", "learner"),
        made_for=_LINEAR_REGRESSION,
    ),
    _entry(
        "availability",
        "AdaptiveFlipAttack",
        "insertion",
        (ref.JAGIELSKI_2018,),
        tasks=_TARGETS,
        knows=("data", "learner"),
        made_for=_LINEAR_REGRESSION,
    ),
    # Rows that are optimised.
    _entry(
        "availability",
        "GradientAttack",
        "insertion",
        (ref.BIGGIO_2012, ref.MEI_2015, ref.XIAO_2015, ref.MUNOZ_2017, ref.JAGIELSKI_2018),
        tasks=_BOTH,
        knows=("data", "learner", "parameters"),
        made_for="linear models",
    ),
    _entry(
        "availability",
        "InfluenceAttack",
        "insertion",
        (ref.KOH_2022, ref.KOH_2017),
        knows=("data", "learner", "parameters", "defence"),
        made_for=_BEHIND_FILTERS,
    ),
    _entry(
        "availability",
        "MinMaxAttack",
        "insertion",
        (ref.STEINHARDT_2017, ref.KOH_2022),
        two_classes=True,
        knows=("data", "learner", "parameters", "defence"),
        made_for=_BEHIND_FILTERS,
    ),
    _entry(
        "availability",
        "KKTAttack",
        "insertion",
        (ref.KOH_2022,),
        two_classes=True,
        knows=("data", "learner", "parameters", "defence"),
        made_for="linear support vector machines behind filters",
    ),
    _entry(
        "availability",
        "ModelTargetedAttack",
        "insertion",
        (ref.SUYA_2021,),
        two_classes=True,
        knows=("data", "learner", "parameters"),
        made_for=_LINEAR,
    ),
    _entry(
        "availability",
        "GradientCancelingAttack",
        "insertion",
        (ref.LU_2023,),
        two_classes=True,
        knows=("data", "learner", "parameters"),
        made_for=_LINEAR,
    ),
    # One prediction.
    _entry(
        "targeted",
        "NeighborCopiesAttack",
        "insertion",
        (ref.JIA_2022,),
        tasks=_BOTH,
        knows=("data", "test rows"),
        made_for="nearest neighbours, kernels, trees",
    ),
    _entry(
        "targeted",
        "TargetedMinMaxAttack",
        "insertion",
        (ref.STEINHARDT_2017, ref.SUYA_2021),
        two_classes=True,
        knows=("data", "learner", "parameters", "test rows"),
        made_for=_LINEAR,
    ),
    _entry(
        "targeted",
        "FeatureCollisionAttack",
        "insertion",
        (ref.SHAFAHI_2018,),
        knows=("data", "learner", "test rows"),
        made_for="learners on top of fixed features",
        filed=("NISTAML.012",),
    ),
    _entry(
        "targeted",
        "BlackBoxAttack",
        "label insertion",
        (ref.BIGGIO_2018, ref.EIBEN_2015),
        tasks=_BOTH,
        knows=("data", "learner", "parameters"),
        filed=("AML.T0059", "NISTAML.013"),
    ),
    # One group of rows.
    _entry(
        "subpopulation",
        "ClusterMatchAttack",
        "insertion",
        (ref.JAGIELSKI_2021,),
        knows=("data", "learner"),
    ),
    _entry("subpopulation", "FeatureMatchAttack", "insertion", (ref.JAGIELSKI_2021,)),
    # Triggers.
    _entry("backdoor", "BackdoorAttack", "insertion modification", (ref.GU_2017, ref.TURNER_2019)),
    # Around a defence.
    _entry(
        "adaptive",
        "GroupSplitAttack",
        "given",
        (ref.DOUCEUR_2002, ref.BARACALDO_2017),
        tasks=_BOTH,
        knows=("data", "defence"),
        made_for="defences that judge sources",
        one_source=False,
    ),
    _entry(
        "adaptive",
        "NearDuplicateAttack",
        "insertion",
        (ref.KOH_2022,),
        tasks=_BOTH,
        knows=("data", "defence"),
        made_for="defences that look for duplicates",
    ),
    _entry(
        "adaptive",
        "MomentMatchingAttack",
        "insertion",
        (ref.KOH_2022, ref.DIAKONIKOLAS_2016),
        knows=("data", "learner", "defence"),
        made_for="linear classifiers behind filters by mean and covariance",
    ),
    _entry(
        "adaptive",
        "IterativeAttack",
        "given",
        (ref.KOH_2022, ref.TRAMER_2020),
        tasks=_BOTH,
        knows=("data", "learner", "parameters", "defence"),
        made_for="any defence that is an estimator",
    ),
    _entry(
        "adaptive",
        "CertificateGuidedAttack",
        "insertion modification label deletion group",
        (ref.LEVINE_2021,),
        knows=("data", "learner", "parameters", "test rows", "defence"),
        made_for="partition ensembles, of nearest neighbours above all",
        filed=("NISTAML.024",),
    ),
    # From elsewhere.
    _entry("external", "ExternalAttack", "insertion label", (ref.NICOLAE_2018, ref.PINTOR_2022), tasks=_BOTH),
)
