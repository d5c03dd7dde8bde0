"""Which defences of this package answer an attack, derived from what its budget buys."""

# SPDX-License-Identifier: BSD-3-Clause

from robustfit.attacks._catalog._entry import Answer

_CLASSIFIER = "robustfit.PartitionClassifier.certify"
_REGRESSOR = "robustfit.PartitionRegressor.certify"

_BY_GROUPS = Answer(
    _CLASSIFIER,
    "partition_by='groups' and threat='group': all that one source sent is in one shard and counts 1, however many "
    "rows; it holds while the attacker has at most as many sources as the radius.",
)

_CERTIFICATES = {
    "label": Answer(
        _CLASSIFIER,
        "threat='label_flip': a changed label is in one shard, so a prediction whose radius is at least the number of "
        "changed labels stays, whichever they are.",
    ),
    "insertion": Answer(
        _CLASSIFIER,
        "threat='insert_delete': an inserted row is in one shard, so a prediction whose radius is at least the number "
        "of inserted rows stays, whatever they are.",
    ),
    "modification": Answer(
        _CLASSIFIER,
        "threat='modify': a modified row may leave one shard and enter another, so radii are about half of those for "
        "insertions; within them a prediction stays, whatever the rows have become.",
    ),
    "deletion": Answer(
        _CLASSIFIER,
        "threat='delete': a deleted row is missing from one shard, so a prediction whose radius is at least the number "
        "of deleted rows stays, whichever they are.",
    ),
    "group": _BY_GROUPS,
    "given": Answer(
        _CLASSIFIER,
        "Counts units and not looks: poison that hides from a filter, or was steered by one, costs as much as any "
        "other, and a prediction whose radius is at least its cost stays.",
    ),
}

_INTERVAL = Answer(
    _REGRESSOR,
    "The median of the members stays within the certified interval for the number of units spent, however far off the "
    "poison is; the interval widens with the budget.",
)

_TRIGGERED = Answer(
    _CLASSIFIER,
    "Certify the triggered rows, too: a radius is about the row that is asked, trigger and all, so where it is at "
    "least the cost, the trigger does nothing that it would not do to the clean model.",
)

_EXPLAIN = Answer(
    "robustfit.PartitionClassifier.explain",
    "Names the members, rows and groups that carry a prediction, and so where to look for what moved it; a lead, not a "
    "proof.",
)

_TRIMMED = Answer(
    "robustfit.trimmed.TrimmedClassifier",
    "Leaves out rows that contradict the rest. No guarantee: it finds far and scattered wrong labels, and loses where "
    "bad rows agree with each other better than good ones do.",
)

_TRIMMED_SQUARES = Answer(
    "robustfit.trimmed.LTSRegressor",
    "Fits the rows that agree with one plane, up to nearly half of them bad; max_copies= for tight clusters among good "
    "rows. No guarantee for what is no optimum: gap=True says how far from it a fit can be.",
)

_SHIFTED = Answer(
    "robustfit.learners.AdversarialClassifier",
    "Expects the worst shift of every row, so that a trigger within its radius loses most of its hold; larger triggers "
    "and wrong labels do not.",
)

CHECK = Answer(
    "robustfit.audit.check_certifiable",
    "Finds scalers and other steps outside the ensemble, through which one far-off row would reach every member; it "
    "does not judge rows.",
)


def answers(units: tuple[str, ...], tasks: tuple[str, ...], kind: str, *, one_source: bool) -> tuple[Answer, ...]:
    """Return what answers every attack with these units, tasks and kind.

    Parameters
    ----------
    units, tasks : tuple of str
    kind : str
    one_source : bool
        Whether the poison may come from one source, or from few.
    """
    found: list[Answer] = []
    if "classification" in tasks:
        found += [_CERTIFICATES[unit] for unit in units]
    if "regression" in tasks:
        found.append(_INTERVAL)
    if one_source:
        found.append(_BY_GROUPS)
    if kind == "availability" and "classification" in tasks:
        found.append(_TRIMMED)
    if kind == "availability" and "regression" in tasks:
        found.append(_TRIMMED_SQUARES)
    if kind == "backdoor":
        found += [_TRIGGERED, _SHIFTED]
    if kind in ("targeted", "subpopulation", "backdoor"):
        found.append(_EXPLAIN)
    return tuple(dict.fromkeys(found))
