"""The demo's table, how to read it, and the same numbers as JSON."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import robustfit
from robustfit.cli._demo_run import Outcome, ScenarioResult
from robustfit.cli._output import certificate_record, share
from robustfit.cli._scoring import Scores


def print_scenario(console: Console, result: ScenarioResult) -> None:
    """Print what happened to one data set."""
    scenario = result.scenario
    console.print(
        Text.assemble(
            (f"\n{scenario.name}", "bold"),
            f": {result.n_train} rows to train on, {result.n_test} to test on, scored by {result.yardstick.words}; "
            f"{scenario.n_partitions} members of about {result.n_train / scenario.n_partitions:.0f} rows each: "
            f"{scenario.why}.",
        )
    )
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("attack")
    for name in ("units", "plain", "partitioned", "certified", "moved"):
        table.add_column(name, justify="right")
    table.add_row(f"(constant guess {share(result.baseline)})", "", "", "", "", "", style="dim")
    table.add_row("none", "0", *_pair(result.plain, result.partitioned), "", "")
    for campaign in result.campaigns:
        table.add_section()
        for number, outcome in enumerate(campaign.outcomes):
            table.add_row("" if number else campaign.campaign.name, *_cells(outcome))
    console.print(table)
    conditions = dict.fromkeys(c for campaign in result.campaigns for c in campaign.certificate.conditional_on)
    for condition in conditions:
        console.print(Text(f"certified given {condition}", style="dim"))


def _cells(outcome: Outcome) -> tuple[Text | str, ...]:
    return (
        str(outcome.cost),
        *_pair(outcome.plain, outcome.partitioned),
        share(outcome.certified),
        Text(f"{outcome.n_moved} of {outcome.n_certified}", style="bold red" if outcome.n_moved else ""),
    )


def _pair(plain: Scores, partitioned: Scores) -> tuple[Text, Text]:
    """Both accuracies, the better one in bold."""
    return (
        Text(share(plain.accuracy), style="bold" if plain.accuracy > partitioned.accuracy else ""),
        Text(share(partitioned.accuracy), style="bold" if partitioned.accuracy > plain.accuracy else ""),
    )


def print_reading(console: Console, results: Sequence[ScenarioResult]) -> None:
    """Print how to read the tables, with what the partitioned models cost."""
    prices = ", ".join(f"{r.plain.accuracy - r.partitioned.accuracy:+.3f} on {r.scenario.name}" for r in results)
    pairs = [
        (
            outcome.plain.accuracy - outcome.partitioned.accuracy,
            f"{result.scenario.name}, {part.campaign.name}, {outcome.cost} units",
        )
        for result in results
        for part in result.campaigns
        for outcome in part.outcomes
    ]
    worse = [pair for pair in pairs if pair[0] > 0]
    console.print(Text("How to read this", style="bold"))
    console.print(
        "1. plain, partitioned: scores on untouched test rows after refitting on the poisoned rows. These are "
        "a few attacks of many; others may do more harm."
    )
    console.print(
        "2. certified: no attack of that many units, of whatever kind the unit allows, can push partitioned below "
        "it; where it is 0, nothing is promised. moved: of the predictions certified against that many units, those "
        "that changed (for numbers: left their certified interval); anything but 0 refutes the certificate."
    )
    worst = f", by up to {max(worse)[0]:.3f} ({max(worse)[1]})" if worse else ""
    console.print(
        f"3. The price: members see few rows. Without an attack, plain minus partitioned is {prices}; under attack, "
        f"partitioned is below plain in {len(worse)} of {len(pairs)} cases{worst}."
    )


def demo_record(results: Sequence[ScenarioResult], seed: int) -> dict[str, Any]:
    """Return all numbers of the demo, ready for JSON."""
    return {
        "format": "robustfit.demo",
        "version": 1,
        "robustfit": robustfit.__version__,
        "seed": seed,
        "certified_predictions_moved": sum(result.n_moved for result in results),
        "data_sets": [_scenario_record(result) for result in results],
    }


def _scenario_record(result: ScenarioResult) -> dict[str, Any]:
    return {
        "name": result.scenario.name,
        "task": "regression" if result.scenario.regression else "classification",
        "n_train": result.n_train,
        "n_test": result.n_test,
        "n_partitions": result.scenario.n_partitions,
        "learner": " ".join(str(result.scenario.learner).split()),
        "score": result.yardstick.words,
        "tol": result.yardstick.tol,
        "constant_guess": result.baseline,
        "clean": {"plain": result.plain._asdict(), "partitioned": result.partitioned._asdict()},
        "attacks": [
            {
                "attack": part.campaign.name,
                "certificate": certificate_record(part.certificate)
                | {"median_radius": result.yardstick.median_radius(part.certificate, result.y_test)},
                "outcomes": [_outcome_record(outcome) for outcome in part.outcomes],
            }
            for part in result.campaigns
        ],
    }


def _outcome_record(outcome: Outcome) -> dict[str, Any]:
    return vars(outcome) | {"plain": outcome.plain._asdict(), "partitioned": outcome.partitioned._asdict()}
