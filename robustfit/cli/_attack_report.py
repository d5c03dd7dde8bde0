"""What ``robustfit attack`` prints, and the same as JSON."""

# SPDX-License-Identifier: BSD-3-Clause

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import robustfit
from robustfit.attacks import Poisoned
from robustfit.certify import THREATS, CertificateError
from robustfit.cli._attack_scene import Scene
from robustfit.cli._errors import listing
from robustfit.cli._output import say

# What an attack found out is printed if it is no longer than this; the JSON has all of it.
_LONGEST_DETAIL = 120


def attack_record(
    poisoned: Poisoned, scene: Scene, *, options: Any, name: str, budget: int, notes: list[str]
) -> dict[str, Any]:
    """Return what was done and what it costs, ready for JSON."""
    return {
        "format": "robustfit.attack",
        "version": 1,
        "robustfit": robustfit.__version__,
        "file": str(options.file),
        "output": str(options.output),
        "target": options.target,
        "groups": options.groups,
        "task": scene.task,
        "attack": name,
        "settings": list(options.settings),
        "budget": budget,
        "seed": options.seed,
        "truth": options.truth,
        "rows_before": len(scene.table.positions),
        "rows_after": len(poisoned.is_poison),
        "poison_rows": int(poisoned.is_poison.sum()),
        "removed_rows": scene.table.positions[poisoned.removed].tolist(),
        "labels_only": poisoned.labels_only,
        "cost": _costs(poisoned),
        "details": {key: _plain(value) for key, value in poisoned.details.items()},
        "notes": notes,
    }


def print_attack(console: Console, record: dict[str, Any]) -> None:
    """Print what was done and what it costs."""
    say(
        console,
        f"{record['file']}: {record['attack']} on {record['target']!r} ({record['task']}), budget {record['budget']}, "
        f"seed {record['seed']}",
    )
    say(
        console,
        f"{record['rows_before']} rows before, {record['rows_after']} after, of which {record['poison_rows']} are "
        f"poison and marked in {record['truth']!r}.",
    )
    if record["removed_rows"]:
        what = "have another label now" if record["labels_only"] else "are gone, or no longer as they were"
        say(console, f"Rows of {record['file']}, counted from 0, that {what}: {listing(record['removed_rows'])}.")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("threat")
    table.add_column("one unit")
    table.add_column("cost", justify="right")
    for threat, cost in record["cost"].items():
        table.add_row(threat, THREATS[threat].unit, str(cost))
    console.print(table)
    for key, value in record["details"].items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if len(text) <= _LONGEST_DETAIL:
            say(console, f"{key}: {text}")
    for note in record["notes"]:
        say(console, f"Note: {note}")


def _costs(poisoned: Poisoned) -> dict[str, int]:
    costs = {}
    for threat in THREATS:
        try:
            costs[threat] = poisoned.cost(threat)
        except CertificateError:
            continue
    return costs


def _plain(value: Any) -> Any:
    """Return a detail as JSON knows it; of an object that it does not know its type, and its fields if it has some."""
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    inner = fields(value) if is_dataclass(value) else ()
    return {"type": type(value).__name__, **{field.name: _plain(getattr(value, field.name)) for field in inner}}
