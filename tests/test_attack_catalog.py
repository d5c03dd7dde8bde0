"""The catalogue of attacks: complete, true to the classes, and filed under identifiers that exist."""

import importlib
import importlib.util
import json
import re
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

import robustfit.attacks
from robustfit import CertificateError, PartitionClassifier
from robustfit.attacks import AttackEntry, Catalog, catalog
from robustfit.attacks._base_attack import BaseAttack
from robustfit.attacks._catalog._entry import KINDS, KNOWLEDGE, TASKS, UNITS
from robustfit.attacks._catalog._taxonomies import TAXONOMIES
from robustfit.certify import THREATS

DOCS = Path(__file__).parents[1] / "docs"
ENTRIES = pytest.mark.parametrize("entry", catalog(), ids=lambda entry: entry.name)


def public_attacks():
    public = [getattr(robustfit.attacks, name) for name in robustfit.attacks.__all__]
    return [cls.__name__ for cls in public if isinstance(cls, type) and issubclass(cls, BaseAttack)]


def words(text):
    return " ".join(re.sub(r"[^\w\s]", " ", text).casefold().split())


def test_every_public_attack_has_exactly_one_entry():
    names = [entry.name for entry in catalog()]
    assert sorted(names) == sorted(public_attacks())
    assert len(set(names)) == len(names)


def test_attacks_are_ordered_by_kind():
    kinds = [list(KINDS).index(entry.kind) for entry in catalog()]
    assert kinds == sorted(kinds)


@ENTRIES
def test_entries_use_the_words_of_the_vocabularies(entry):
    assert entry.kind in KINDS
    assert entry.units
    assert set(entry.units) <= set(UNITS)
    assert set(entry.threats) <= set(THREATS)
    assert entry.threats or entry.units == ("given",)
    assert entry.tasks
    assert set(entry.tasks) <= set(TASKS)
    assert not entry.two_classes or "classification" in entry.tasks
    assert entry.knows
    assert set(entry.knows) <= set(KNOWLEDGE)
    assert list(entry.knows) == [word for word in KNOWLEDGE if word in entry.knows]
    assert entry.made_for


@ENTRIES
@pytest.mark.parametrize("field", TAXONOMIES)
def test_entries_are_filed_under_identifiers_that_exist(entry, field):
    identifiers = getattr(entry, field)
    assert identifiers
    assert set(identifiers) <= set(TAXONOMIES[field].titles)
    assert len(set(identifiers)) == len(identifiers)


@pytest.mark.parametrize(
    ("field", "pattern"),
    [
        ("atlas", r"AML\.T\d{4}(\.\d{3})?"),
        ("owasp", r"(ML|LLM)\d\d:20\d\d"),
        ("nist", r"NISTAML\.0\d\d"),
    ],
)
def test_identifiers_are_well_formed_and_used(field, pattern):
    for identifier, title in TAXONOMIES[field].titles.items():
        assert re.fullmatch(pattern, identifier)
        assert title
        assert any(identifier in getattr(entry, field) for entry in catalog()), identifier


@ENTRIES
def test_references_are_those_of_the_class(entry):
    assert entry.references
    page = words(entry.attack.__doc__)
    for reference in entry.references:
        assert reference.authors
        assert reference.venue
        assert 1990 <= reference.year <= 2030
        assert words(reference.title) in page, reference.title


@ENTRIES
def test_the_summary_is_one_sentence(entry):
    assert re.fullmatch(r"[A-Z].*\.", entry.summary)


@ENTRIES
def test_defences_are_public(entry):
    assert entry.answers
    for answer in entry.answers:
        module, *path = answer.defence.split(".")
        found = importlib.import_module(module)
        for name in path:
            public = getattr(found, "__all__", None)
            if public is not None and name not in public:
                found = importlib.import_module(f"{found.__name__}.{name}")
            else:
                found = getattr(found, name)
            assert not name.startswith("_")
        assert callable(found)
        assert found.__doc__
        assert answer.how.endswith(".")
    assert len(set(entry.answers)) == len(entry.answers)


# --- what entries say is what attacks do --------------------------------------------------------------


def rows(task, n_classes=2, n=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    if task == "regression":
        return X, X[:, 0] + 0.1 * rng.normal(size=n)
    return X, np.digitize(X[:, 0], [0.0] if n_classes == 2 else [-0.5, 0.5])


def example(name, X, y, unit):
    """An attack that can be run on these rows and whose budget buys this unit."""
    inner = robustfit.attacks.InsertionAttack()
    made = {
        "BackdoorAttack": lambda cls: cls(
            robustfit.attacks.ColumnTrigger({0: 9.0}), 0, clean_label=unit == "modification"
        ),
        "BlackBoxAttack": lambda cls: cls(
            GaussianNB() if y.dtype.kind == "i" else Ridge(), action="flip" if unit == "label" else "insert", n_fits=5
        ),
        "ExternalAttack": lambda cls: cls(
            lambda X, y, budget, seed: (np.arange(budget) if unit == "label" else X[:budget], y.max() - y[:budget]),
            kind="flip" if unit == "label" else "insert",
        ),
        "FeatureCollisionAttack": lambda cls: cls(X[0] + 0.1),
        "FeatureMatchAttack": lambda cls: cls({0: (-1.0, 1.0)}),
        "GroupSplitAttack": lambda cls: cls(inner, 2),
        "GradientAttack": lambda cls: cls(n_iter=5),
        "GradientCancelingAttack": lambda cls: cls(n_iter=5),
        "InfluenceAttack": lambda cls: cls(n_iter=5),
        "MinMaxAttack": lambda cls: cls(n_steps=50),
        "IterativeAttack": lambda cls: cls(inner, GaussianNB() if y.dtype.kind == "i" else Ridge(), rounds=1),
        "MomentMatchingAttack": lambda cls: cls(n_trials=2),
        "TargetedMinMaxAttack": lambda cls: cls(X[0] + 0.1),
        "NearDuplicateAttack": lambda cls: cls(inner, 2),
        "NeighborCopiesAttack": lambda cls: cls(X[0] + 0.1),
        "CertificateGuidedAttack": lambda cls: cls(
            PartitionClassifier(KNeighborsClassifier(1), n_partitions=3),
            X[:2] + 0.1,
            threat=UNITS[unit].threats[-1],
        ),
    }
    return made.get(name, lambda cls: cls())(getattr(robustfit.attacks, name))


PRICED = [(entry, unit) for entry in catalog() for unit in entry.units if unit not in ("given", "group")]


@pytest.mark.parametrize(("entry", "unit"), PRICED, ids=lambda part: getattr(part, "name", part))
def test_poison_is_priced_as_the_entry_says(entry, unit):
    X, y = rows(entry.tasks[0])
    poisoned = example(entry.name, X, y, unit).generate(X, y, budget=2)
    priced = []
    for threat in THREATS:
        with suppress(CertificateError):
            priced.append((threat, poisoned.cost(threat)))
    assert tuple(threat for threat, _ in priced) == UNITS[unit].threats
    cheapest = {"insertion": "insert_delete", "modification": "modify", "label": "label_flip", "deletion": "delete"}
    assert dict(priced)[cheapest[unit]] == 2


@ENTRIES
@pytest.mark.parametrize("task", TASKS)
def test_attacks_do_the_tasks_of_their_entry_and_no_others(entry, task):
    X, y = rows(task)
    attack = example(entry.name, X, y, entry.units[0])
    if task in entry.tasks:
        assert attack.generate(X, y, budget=2).is_poison.sum() <= 2
    else:
        with pytest.raises(ValueError):
            attack.generate(X, y, budget=2)


@ENTRIES
def test_attacks_on_two_classes_refuse_three(entry):
    X, y = rows("classification", 3)
    attack = example(entry.name, X, y, entry.units[0])
    if entry.two_classes:
        with pytest.raises(ValueError, match="two classes"):
            attack.generate(X, y, budget=2)
    elif "classification" in entry.tasks:
        attack.generate(X, y, budget=2)


# --- tables -------------------------------------------------------------------------------------------


def test_lookup():
    entries = catalog()
    assert isinstance(entries, Catalog)
    assert len(entries) == len(list(entries))
    assert repr(entries) == f"Catalog({len(entries)} attacks)"
    entry = entries["DeletionAttack"]
    assert isinstance(entry, AttackEntry)
    assert entry.attack is robustfit.attacks.DeletionAttack
    assert entry in entries
    assert "DeletionAttack" in entries
    assert "Deletion" not in entries
    with pytest.raises(KeyError, match="There is no attack 'Deletion'. There is: RandomFlipAttack"):
        entries["Deletion"]


def test_kinds():
    parts = [catalog().of_kind(kind) for kind in KINDS]
    assert all(len(part) > 0 for part in parts)
    assert sum(map(len, parts)) == len(catalog())
    with pytest.raises(ValueError, match="There is no kind 'clean'"):
        catalog().of_kind("clean")


def test_frame():
    pytest.importorskip("pandas")
    frame = catalog().to_frame()
    assert frame["attack"].tolist() == [entry.name for entry in catalog()]
    assert frame.set_index("attack").loc["DeletionAttack", "threats"] == "insert_delete, delete"
    assert not frame.isna().any(axis=None)


def test_records_are_json():
    records = json.loads(json.dumps(catalog().to_records()))
    for record, entry in zip(records, catalog(), strict=True):
        assert (record["name"], record["unit"], tuple(record["threats"])) == (entry.name, entry.unit, entry.threats)
        assert record["answers"][0]["defence"] == entry.answers[0].defence
        assert record["references"][0]["year"] == entry.references[0].year


def test_markdown_holds_every_attack_once_and_explains_its_signs():
    text = catalog().to_markdown()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == [entry.name for entry in catalog()]
    assert {row.count(" | ") for row in rows} == {8}
    for row in rows:
        *_, filed, answers, sources = row.strip("| ").split(" | ")
        assert all(f"\n- **{letter}** `" in text for letter in answers.split(", "))
        assert all(f"\n{number}. " in text for number in re.findall(r"\[(\d+)\]", sources))
        assert all(f" {name} " in text.partition("### Identifiers")[2] for name in filed.split(", "))


def test_the_page_holds_the_catalogue_as_it_is():
    spec = importlib.util.spec_from_file_location("attack_tables", DOCS / "attack_tables.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (DOCS / "attacks.md").read_text(encoding="utf-8")
    assert script.updated(page) == page, "docs/attacks.md is out of date; run: python docs/attack_tables.py"
    assert catalog().to_markdown() in page
    with pytest.raises(ValueError, match="once"):
        script.updated(page + page)
