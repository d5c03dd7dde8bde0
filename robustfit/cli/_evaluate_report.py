"""What ``robustfit evaluate`` prints, and the same as JSON."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from robustfit.cli._evaluate_run import Evaluation
from robustfit.cli._output import certificate_record, say, share


def print_evaluation(console: Console, evaluation: Evaluation, setting: dict[str, Any]) -> None:
    """Print scores, certified accuracies, and what they take for granted."""
    _print_setting(console, setting)
    _print_scores(console, evaluation, setting["score"])
    _print_certified(console, evaluation)
    certificate = evaluation.certificate
    say(console, f"One unit of budget is {certificate.unit}.")
    if evaluation.median_radius < 0:
        say(console, "Median radius: none, fewer than half of the test rows are predicted right.")
    else:
        say(
            console,
            f"Median radius: {evaluation.median_radius}; half of the test rows are right and stay so against as many "
            "units.",
        )
    say(
        console,
        f"Members: {certificate.n_members}, of which {evaluation.n_empty} have an empty shard and "
        f"{evaluation.n_failed} could not be fitted; {evaluation.mean_voting:.1f} vote on a test row on average.",
    )
    say(console, "The guarantee is about retraining on changed training rows, and takes for granted:")
    for condition in certificate.conditional_on:
        say(console, f"  - {condition}")
    for note in setting["notes"] + evaluation.notes:
        say(console, f"Note: {note}")


def _print_setting(console: Console, setting: dict[str, Any]) -> None:
    columns = setting["columns"]
    members = setting["n_partitions"]
    say(console, f"{setting['file']}: {setting['task']} of {setting['target']!r} with {setting['estimator']}")
    say(
        console,
        f"{setting['n_train']} rows to train on, {setting['n_test']} to test on ({setting['split']}); "
        f"{len(columns['numbers'])} columns of numbers, {len(columns['texts'])} of texts",
    )
    say(console, f"{members} members of about {setting['n_train'] / members:.3g} rows each")
    if setting["tol"] is not None:
        say(console, f"An error of at most {setting['tol']:g} counts as right ({setting['tol_from']}).")


def _print_scores(console: Console, evaluation: Evaluation, score: str) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for name in ("plain", "partitioned", "constant guess"):
        table.add_column(name, justify="right")
    plain, partitioned = evaluation.plain, evaluation.partitioned
    table.add_row(score, share(plain.accuracy), share(partitioned.accuracy), share(evaluation.baseline))
    if plain.r2 is not None and partitioned.r2 is not None:
        table.add_row("R²", share(plain.r2), share(partitioned.r2), "")
    console.print(table)


def _print_certified(console: Console, evaluation: Evaluation) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("budget", justify="right")
    table.add_column("certified accuracy", justify="right")
    for budget, certified in zip(evaluation.budgets, evaluation.certified, strict=True):
        table.add_row(str(budget), share(certified))
    console.print(table)


def evaluation_record(evaluation: Evaluation, setting: dict[str, Any]) -> dict[str, Any]:
    """Return all that is printed, ready for JSON."""
    return {
        "format": "robustfit.evaluate",
        "version": 1,
        **setting,
        "notes": setting["notes"] + evaluation.notes,
        "plain": evaluation.plain._asdict(),
        "partitioned": evaluation.partitioned._asdict(),
        "constant_guess": evaluation.baseline,
        "certificate": certificate_record(evaluation.certificate),
        "certified_accuracy": [
            {"budget": budget, "share": certified}
            for budget, certified in zip(evaluation.budgets, evaluation.certified, strict=True)
        ],
        "median_radius": evaluation.median_radius,
        "empty_shards": evaluation.n_empty,
        "members_not_fitted": evaluation.n_failed,
        "mean_voting_members": evaluation.mean_voting,
    }
