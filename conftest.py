"""Test configuration: one BLAS thread, the slow lane, and how hard to try."""

import os

# numpy reads these once, when it loads: they have to be set before any other import.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest  # noqa: E402

EFFORT = int(os.environ.get("ROBUSTFIT_EFFORT", "1"))


def pytest_addoption(parser):
    """Add the switch between the two lanes."""
    parser.addoption("--slow", action="store_true", help="run the slow lane instead of the quick one")


def pytest_collection_modifyitems(config, items):
    """Two lanes that never overlap: CI runs the quick one first, then `--slow`."""
    slow_lane = config.getoption("--slow")
    keep = [item for item in items if ("slow" in item.keywords) == slow_lane]
    dropped = [item for item in items if ("slow" in item.keywords) != slow_lane]
    config.hook.pytest_deselected(items=dropped)
    items[:] = keep


@pytest.fixture(scope="session")
def effort():
    """Multiplier of random trials: 1 in CI, 20 for the figures of docs/evidence.md."""
    return EFFORT
