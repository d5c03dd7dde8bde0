"""``robustfit demo``: poison three data sets, and watch who stands."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits

from robustfit.cli import _demo_scenarios
from robustfit.cli._demo_picture import draw_demo
from robustfit.cli._demo_report import demo_record, print_reading, print_scenario
from robustfit.cli._demo_run import ScenarioResult, run_scenario
from robustfit.cli._demo_scenarios import Scenario
from robustfit.cli._errors import GuaranteeBrokenError
from robustfit.cli._output import make_console, make_directory, say, write_json, write_whole


def demo(output: Path, seed: int, scenarios: Sequence[Scenario] | None = None) -> None:
    """Run the demo.

    Parameters
    ----------
    output : Path
        Directory for ``demo.json`` and ``demo.png``; it is made if it is not there.
    seed : int
    scenarios : sequence of Scenario, optional
        What to attack; by default all that there is.

    Raises
    ------
    UsageError
        If the directory cannot be made or written to.
    GuaranteeBrokenError
        If a certified prediction moved. The results are written first.
    """
    make_directory(output, "--output")
    console = make_console()
    results = []
    for scenario in _demo_scenarios.SCENARIOS if scenarios is None else scenarios:
        # Silent unless somebody watches. For models as small as these, threads only get in each other's way.
        with console.status(scenario.name) as status, threadpool_limits(limits=1):
            results.append(run_scenario(scenario, seed, status.update))
        print_scenario(console, results[-1])
    print_reading(console, results)
    write_json(output / "demo.json", demo_record(results, seed))
    say(console, f"\nAll numbers: {output / 'demo.json'}")
    picture = _picture(results)
    if picture is None:
        say(console, 'No picture, since matplotlib is not installed: pip install "robustfit[plot]"')
    else:
        write_whole(output / "demo.png", picture)
        say(console, f"Picture: {output / 'demo.png'}")
    if moved := sum(result.n_moved for result in results):
        raise GuaranteeBrokenError(
            f"{moved} CERTIFIED PREDICTIONS MOVED. This refutes the certificates and must never happen: please report "
            f"it with {output / 'demo.json'}, and rely on no certificate of this installation until it is explained."
        )


def _picture(results: Sequence[ScenarioResult]) -> bytes | None:
    try:
        return draw_demo(results)
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "matplotlib":
            raise
        return None
