"""The demo as a picture: one row of panels per data set, one panel per attack."""

# SPDX-License-Identifier: BSD-3-Clause

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from robustfit.cli._demo_run import CampaignResult, ScenarioResult
from robustfit.inspection import CertifiedAccuracyDisplay

_PLAIN, _PARTITIONED, _CERTIFIED = "#c1440e", "#1f5f8b", "#8fb8d8"


def draw_demo(results: Sequence[ScenarioResult]) -> bytes:
    """Draw all results.

    Parameters
    ----------
    results : sequence of ScenarioResult

    Returns
    -------
    png : bytes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    n_columns = max(len(result.campaigns) for result in results)
    # A figure of its own, not pyplot's: nothing is left open, and no display is needed.
    figure = Figure(figsize=(3.4 * n_columns, 0.7 + 2.9 * len(results)), layout="constrained")
    panels = figure.subplots(len(results), n_columns, squeeze=False)
    for row, result in zip(panels, results, strict=True):
        for ax, campaign in zip(row, result.campaigns, strict=False):
            _draw_panel(ax, result, campaign)
        for ax in row[1:]:
            ax.set_ylabel("")
        for ax in row[len(result.campaigns) :]:
            ax.set_axis_off()
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(handles), frameon=False)
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=120)
    return png.getvalue()


def _draw_panel(ax: Any, result: ScenarioResult, part: CampaignResult) -> None:
    outcomes = part.outcomes
    budgets = [0, *(outcome.cost for outcome in outcomes)]
    display = CertifiedAccuracyDisplay.from_predictions(
        result.y_test, part.certificate, tol=result.yardstick.tol, ax=ax, color=_CERTIFIED, label=None
    )
    steps = display.line_.get_xydata()
    ax.fill_between(steps[:, 0], steps[:, 1], step="post", color=_CERTIFIED, alpha=0.5, lw=0, label="certified floor")
    # In front of the curve, or the markers at its edge disappear.
    style = {"marker": "o", "markersize": 4, "zorder": 3}
    plain = [result.plain.accuracy, *(outcome.plain.accuracy for outcome in outcomes)]
    partitioned = [result.partitioned.accuracy, *(outcome.partitioned.accuracy for outcome in outcomes)]
    ax.plot(budgets, plain, color=_PLAIN, label="plain, attacked", **style)
    ax.plot(budgets, partitioned, color=_PARTITIONED, label="partitioned, attacked", **style)
    ax.axhline(result.baseline, color="0.5", lw=1, ls=":", label="constant guess")
    ax.set_title(f"{result.scenario.name}: {part.campaign.name}", fontsize=10)
    ax.set_xlabel(f"units ({part.certificate.unit})", fontsize=8)
    ax.set_ylabel(result.yardstick.words.replace("error ", "error\n"), fontsize=8)
    # Small budgets are where certificates are, large ones where models break: the root shows both.
    ax.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    ax.set_xlim(0, max(budgets) * 1.08)
    ax.set_xticks(budgets, [str(budget) for budget in budgets], fontsize=8)
    ax.tick_params(axis="y", labelsize=8)
