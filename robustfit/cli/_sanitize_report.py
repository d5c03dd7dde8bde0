"""What ``robustfit sanitize`` prints, and the same as JSON."""

# SPDX-License-Identifier: BSD-3-Clause

import inspect
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

import robustfit
from robustfit.cli._attack_scene import Scene
from robustfit.cli._learners import make_model
from robustfit.cli._output import say, share

# Rows, and labels or sources, that are printed; the files have all of them.
_MOST_ROWS = 10
_MOST_VALUES = 20


def sanitize_record(
    report: Any, scene: Scene, *, options: Any, model: Any, moved: NDArray[np.float64], notes: list[str]
) -> dict[str, Any]:
    """Return what was found, ready for JSON."""
    out = report[~report["kept"]].sort_values("score", ascending=False, kind="stable")
    return {
        "format": "robustfit.sanitize",
        "version": 1,
        "robustfit": robustfit.__version__,
        "file": str(options.file),
        "target": options.target,
        "groups": options.groups,
        "task": scene.task,
        "sanitizer": type(model.sanitizer_).__name__,
        "what_it_does": (inspect.getdoc(type(model.sanitizer_)) or "").partition("\n")[0],
        "estimator": make_model(options.estimator, scene.task, scene.seed)[0],
        "seed": options.seed,
        "output": None if options.output is None else str(options.output),
        "dropped": None if options.dropped is None else str(options.dropped),
        "rows": len(report),
        "suspicious": len(out),
        "classes": _counts(report, "label") if scene.task == "classification" else None,
        "sources": _counts(report, "source") if "source" in report else None,
        "suspicious_rows": [_plain_row(row) for row in out.to_dict("records")],
        "predictions_moved": _moved(moved, scene),
        "notes": notes,
    }


def _counts(report: Any, by: str) -> list[dict[str, Any]]:
    counts = report.groupby(by, sort=True)["kept"].agg(["size", "sum"])
    return [
        {by: _plain(value), "rows": int(n), "suspicious": int(n - kept)}
        for value, n, kept in counts.itertuples(name=None)
    ]


def _plain_row(row: dict[str, Any]) -> dict[str, Any]:
    names = ("row", "label", "source", "score", "threshold", "reason", "suggested_label")
    return {name: _plain(row[name]) for name in names if name in row}


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _moved(moved: NDArray[np.float64], scene: Scene) -> dict[str, Any]:
    if scene.task == "classification":
        return {"rows": int(moved.sum())}
    off = np.abs(scene.labels - np.median(scene.labels))
    return {"median": float(np.median(moved)), "largest": float(moved.max()), "spread": float(np.median(off))}


def print_sanitized(console: Console, record: dict[str, Any]) -> None:
    """Print what was found, and what it means for predictions."""
    say(
        console,
        f"{record['file']}: {record['sanitizer']} on {record['target']!r} ({record['task']}), seed {record['seed']}",
    )
    if record["what_it_does"]:
        say(console, f"What it does: {record['what_it_does']}")
    n_rows, n_out = record["rows"], record["suspicious"]
    say(console, f"{n_rows} rows, of which {n_out} ({share(n_out / n_rows)}) look suspicious.")
    for by, counts in (("label", record["classes"]), ("source", record["sources"])):
        if counts is not None:
            _print_counts(console, counts, by)
    if n_out:
        _print_rows(console, record)
        say(console, _effect(record))
    say(
        console,
        "A filter is no guarantee: poison that looks like other rows passes, and a suspicious row may be a rare but "
        "honest one. Look at them before you leave them out.",
    )
    for note in record["notes"]:
        say(console, f"Note: {note}")


def _print_counts(console: Console, counts: list[dict[str, Any]], by: str) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(by)
    for name in ("rows", "suspicious", "share"):
        table.add_column(name, justify="right")
    first = sorted(counts, key=lambda one: -one["suspicious"])[:_MOST_VALUES]
    for one in counts if len(counts) <= _MOST_VALUES else first:
        part = share(one["suspicious"] / one["rows"])
        table.add_row(str(one[by]), str(one["rows"]), str(one["suspicious"]), part)
    console.print(table)
    if len(counts) > _MOST_VALUES:
        say(console, f"… and {len(counts) - _MOST_VALUES} more.")


def _print_rows(console: Console, record: dict[str, Any]) -> None:
    rows = record["suspicious_rows"]
    some = f"the {_MOST_ROWS} most suspicious ones" if len(rows) > _MOST_ROWS else "these"
    say(console, f"Rows of {record['file']}, counted from 0, {some}:")
    # Who found a row is worth a column only where there are several.
    several = len({row["reason"] for row in rows}) > 1
    extra = {"source": "source"} if "source" in rows[0] else {}
    extra |= {"suggested_label": "suggested"} if "suggested_label" in rows[0] else {}
    extra |= {"reason": "found by"} if several else {}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("row", justify="right")
    table.add_column("label" if record["task"] == "classification" else "target")
    table.add_column("score", justify="right")
    for title in extra.values():
        table.add_column(title)
    for row in rows[:_MOST_ROWS]:
        table.add_row(str(row["row"]), _short(row["label"]), _score(row["score"]), *(_short(row[n]) for n in extra))
    console.print(table)


def _score(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 1e4 else f"{value:.3g}"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _effect(record: dict[str, Any]) -> str:
    moved, name = record["predictions_moved"], record["estimator"]
    if record["task"] == "classification":
        return f"{name} fitted without them predicts {moved['rows']} of {record['rows']} rows otherwise."
    return (
        f"{name} fitted without them moves its predictions by {moved['median']:.3g} in the median, "
        f"{moved['largest']:.3g} at most; the target's own median absolute deviation is {moved['spread']:.3g}."
    )
