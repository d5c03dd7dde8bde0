"""Sanitizers by the names that one types."""

# SPDX-License-Identifier: BSD-3-Clause

import inspect
from typing import Any

import robustfit.ensemble
import robustfit.sanitize
from robustfit.cli._attack_settings import shell_name
from robustfit.cli._errors import UsageError, check_name
from robustfit.cli._learners import make_model
from robustfit.sanitize import SanitizedClassifier
from robustfit.sanitize._base_composed import takes
from robustfit.sanitize._default import default_sanitizer

# As in SanitizedClassifier, which does not hand its estimator on.
_OWN_MODELS = (
    "The default sanitizer asks models of its own, not {}, which is fitted on the rows that it keeps. Sanitizers that "
    "ask the learner can be named, such as --sanitizer loss."
)

# Bins of a number that stand for classes, for sanitizers that compare rows of a class.
_BINS = 5


def _classes() -> dict[str, type[Any]]:
    """Sanitizers that can be made without telling them anything, by name."""
    rooms = (robustfit.sanitize, robustfit.ensemble)
    found = [getattr(room, name) for room in rooms for name in room.__all__ if name.endswith("Sanitizer")]
    return {shell_name(cls.__name__): cls for cls in found if not _needs(cls)}


def _needs(cls: type[Any]) -> bool:
    parameters = inspect.signature(cls).parameters.values()
    return any(one.default is one.empty for one in parameters)


def sanitizer_names() -> list[str]:
    """Return the names that can be typed."""
    return ["auto", *sorted(_classes())]


def check_sanitizer(name: str) -> str:
    """Return the name that is typed for a sanitizer, given that or the one of its class.

    Raises
    ------
    UsageError
        If there is no such sanitizer, or it cannot be used from the command line.
    """
    typed = {cls.__name__: own for own, cls in _classes().items()}
    return typed[name] if name in typed else check_name(name, sanitizer_names(), "sanitizer")


def make_sanitizer(
    name: str, task: str, *, contamination: float | None, estimator: str, seed: int
) -> tuple[Any, list[str]]:
    """Make a sanitizer.

    Parameters
    ----------
    name : str
    task : {"classification", "regression"}
    contamination : float or None
        None for its own default.
    estimator : str
        Learner that it asks, if it asks one; ``"auto"`` for its own default. The default sanitizer asks its own.
    seed : int

    Returns
    -------
    sanitizer
    notes : list of str
        What was decided.

    Raises
    ------
    UsageError
        If it does not know one of the settings, or the learner does not do the task.
    """
    name = check_sanitizer(name)
    if name == "auto":
        kind = "classifier" if task == "classification" else "regressor"
        share = SanitizedClassifier().contamination if contamination is None else contamination
        return default_sanitizer(kind, share, seed, linear=False), [] if estimator == "auto" else [
            _OWN_MODELS.format(estimator)
        ]
    cls = _classes()[name]
    sanitizer, notes = cls(), []
    own = set(sanitizer.get_params(deep=False))
    given: dict[str, Any] = {"random_state": seed} if "random_state" in own else {}
    if contamination is not None:
        if "contamination" not in own:
            raise UsageError(f"--contamination: {cls.__name__} has no such setting. Leave it out.")
        given["contamination"] = contamination
    if estimator != "auto" and "estimator" in own:
        given["estimator"] = make_model(estimator, task, seed)[1]
    if task == "regression" and "n_bins" in own and sanitizer._target_kind == "classes":
        given["n_bins"] = _BINS
        notes.append(f"{cls.__name__} compares rows of a class: {_BINS} bins of equal counts of the target are taken.")
    return sanitizer.set_params(**given), notes


def takes_groups(sanitizer: Any) -> bool:
    """Whether a sanitizer looks at who sent a row."""
    return bool(takes(sanitizer, "groups"))
