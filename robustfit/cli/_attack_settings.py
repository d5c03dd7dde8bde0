"""Attacks from their name and from settings that are texts."""

# SPDX-License-Identifier: BSD-3-Clause

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import robustfit.attacks
from robustfit.attacks import catalog
from robustfit.cli._attack_scene import Scene
from robustfit.cli._attack_values import READERS, read_linear, read_plain, read_row
from robustfit.cli._errors import UsageError, check_name, listing

# Attacks that need what no text can say, and how to run them.
_ONLY_IN_PYTHON = {
    "CertificateGuidedAttack": "it needs an ensemble that was fitted to the rows. In Python: CertificateGuidedAttack("
    "PartitionClassifier().fit(X, y), X_test[:10]).generate(X, y, budget=3).",
    "ExternalAttack": "it needs a function. In Python: ExternalAttack(function).generate(X, y, budget=3).",
}

# Triggers by the names that are typed.
_TRIGGERS = (
    "ColumnTrigger",
    "OutOfRangeTrigger",
    "PatchTrigger",
    "RareCategoryTrigger",
    "RareValueTrigger",
    "WordTrigger",
)

# Settings that mean something else to one attack than to others: learners that can be differentiated, one bare row.
_OWN_READERS = {
    ("GradientAttack", "estimator"): read_linear,
    ("GradientCancelingAttack", "estimator"): read_linear,
    ("InfluenceAttack", "estimator"): read_linear,
    ("KKTAttack", "estimator"): read_linear,
    ("MinMaxAttack", "estimator"): read_linear,
    ("ModelTargetedAttack", "estimator"): read_linear,
    ("TargetedMinMaxAttack", "estimator"): read_linear,
    ("TargetedMinMaxAttack", "target"): read_row,
}

# What to type for settings that an attack cannot do without.
_EXAMPLES = {
    "attack": "insertion",
    "defence": "logistic",
    "estimator": "auto",
    "n_distinct": "2",
    "n_groups": "5",
    "target": "ROW",
    "target_label": "LABEL",
    "trigger": "rare-value",
    "values": "COLUMN:VALUE",
    "words": "WORD",
}


def shell_name(name: str) -> str:
    """Return the name of a class as one types it: ``StatPAttack`` is ``stat-p``."""
    parts = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]+", re.sub("(Attack|Trigger|Sanitizer)$", "", name))
    return "-".join(part.lower() for part in parts)


def attack_names() -> list[str]:
    """Return the names of the attacks that can be run from a file."""
    return [shell_name(entry.name) for entry in catalog() if entry.name not in _ONLY_IN_PYTHON]


def attack_class(name: str) -> type[Any]:
    """Return the class of an attack, by its own name or by the one that is typed.

    Raises
    ------
    UsageError
        If there is no such attack, or it cannot be run from a file.
    """
    found = _find(name, [entry.name for entry in catalog()])
    if found is None:
        check_name(name, attack_names(), "attack")
    if found in _ONLY_IN_PYTHON:
        raise UsageError(f"{name} cannot be run from a file: {_ONLY_IN_PYTHON[found]}")
    return _public(str(found))


def split_settings(given: Sequence[str]) -> dict[str, str]:
    """Take settings apart at their first ``=``.

    Raises
    ------
    UsageError
        If one is no setting, or is given twice.
    """
    settings: dict[str, str] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise UsageError(f"--set {text}: a setting is written name=value.")
        if key in settings:
            raise UsageError(f"--set {key} is given twice. Give it once.")
        settings[key] = value
    return settings


def make_attack(cls: type[Any], settings: Mapping[str, str], scene: Scene) -> Any:
    """Make an attack from settings.

    Parameters
    ----------
    cls : class of an attack
    settings : mapping of str to str
        Names of its parameters, and of those of attacks and triggers that it is given, as in ``attack__label``.
    scene : Scene

    Raises
    ------
    UsageError
        If a setting is unknown, cannot be read, or is missing.
    """
    return _make(cls, settings, scene, "")


def only_models_compute(cls: type[Any]) -> bool:
    """Whether an attack looks at features through a model only, which may prepare them for itself."""
    return catalog()[cls.__name__].units == ("label",) and "estimator" in inspect.signature(cls).parameters


def _make(cls: type[Any], settings: Mapping[str, str], scene: Scene, prefix: str) -> Any:
    parameters = inspect.signature(cls).parameters
    own = {key: text for key, text in settings.items() if "__" not in key}
    for key in settings:
        name = key.partition("__")[0]
        if not parameters:
            raise UsageError(f"--set {prefix}{key}: {cls.__name__} has no settings.")
        check_name(name, parameters, f"setting of {cls.__name__}")
        if name != key and name not in _OBJECTS:
            raise UsageError(
                f"--set {prefix}{key}: {name} is a value without settings of its own. Use {prefix}{name}=."
            )
        if name not in own:
            raise UsageError(f"--set {prefix}{key} needs --set {prefix}{name}= with what it is a setting of.")
    without = [name for name, one in parameters.items() if one.default is one.empty and name not in own]
    if without:
        example = " ".join(f"--set {prefix}{name}={_EXAMPLES.get(name, '…')}" for name in without)
        raise UsageError(f"{cls.__name__} needs {listing(without)}: {example}")
    return cls(**{key: _value(cls, key, settings, scene, prefix) for key in own})


def _value(cls: type[Any], key: str, settings: Mapping[str, str], scene: Scene, prefix: str) -> Any:
    if key not in _OBJECTS:
        reader = _OWN_READERS.get((cls.__name__, key)) or READERS.get(key, read_plain)
        return reader(settings[key], scene)
    inner = {name.partition("__")[2]: text for name, text in settings.items() if name.startswith(f"{key}__")}
    return _make(_OBJECTS[key](settings[key]), inner, scene, f"{prefix}{key}__")


def _trigger_class(name: str) -> type[Any]:
    found = _find(name, _TRIGGERS)
    if found is None:
        check_name(name, [shell_name(trigger) for trigger in _TRIGGERS], "trigger")
    return _public(str(found))


def _find(name: str, classes: Sequence[str]) -> str | None:
    typed = {shell_name(cls): cls for cls in classes}
    return name if name in classes else typed.get(re.sub("-(attack|trigger)$", "", name))


def _public(name: str) -> type[Any]:
    cls: type[Any] = getattr(robustfit.attacks, name)
    return cls


# Settings whose value is an object with settings of its own.
_OBJECTS: dict[str, Callable[[str], type[Any]]] = {"attack": attack_class, "trigger": _trigger_class}
