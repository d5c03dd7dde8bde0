"""Mutation tests of a room: change one operator or constant at a time, and see whether a test notices.

    python .ci/mutation.py ROOM [--sample N] [--seed S]

Works on a copy. Prints each mutant that no test killed and exits with 1 if more than one in twenty survived.
"""

import argparse
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = {
    "certify": "tests/test_plurality.py tests/test_median.py tests/test_certificate.py robustfit/certify",
    "partition": "tests/test_partition.py tests/test_schema.py tests/test_invariance.py tests/test_traps.py",
    "ensemble": "tests/test_isolation.py tests/test_traps.py tests/test_ensemble_api.py tests/test_bad_input.py "
    "tests/test_invariance.py tests/test_lean.py tests/test_explain.py",
}
CONFIG = """
[cosmic-ray]
module-path = "robustfit/{room}"
timeout = 120.0
excluded-modules = ["robustfit/{room}/__init__.py"]
test-command = "{python} -m pytest -x -q -n0 -p no:cacheprovider {tests}"

[cosmic-ray.distributor]
name = "local"
"""


def keep_sample(session, size, rng):
    """Keep one mutant each of some places in the code, drop all others."""
    places = {}
    # Unions of types in annotations are no operators.
    query = (
        "SELECT job_id, module_path, start_pos_row, start_pos_col FROM mutation_specs WHERE operator_name NOT LIKE ?"
    )
    for job, *place in session.execute(query, ("%BitOr%",)).fetchall():
        places.setdefault(tuple(place), []).append(job)
    chosen = rng.sample(sorted(places), min(size, len(places)))
    kept = {rng.choice(sorted(places[place])) for place in chosen}
    for table in ("mutation_specs", "work_items"):
        jobs = [row[0] for row in session.execute(f"SELECT job_id FROM {table}")]
        session.executemany(f"DELETE FROM {table} WHERE job_id = ?", [(job,) for job in jobs if job not in kept])


def main():
    """Mutate, test, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("room", choices=TESTS)
    parser.add_argument("--sample", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(Path(__file__).parents[1], copy, ignore=shutil.ignore_patterns(".git", ".venv", "*cache*"))
        config = CONFIG.format(room=options.room, python=sys.executable, tests=TESTS[options.room])
        (copy / "mutation.toml").write_text(config)

        def cosmic_ray(*words):
            command = [sys.executable, "-m", "cosmic_ray.cli", *words]
            return subprocess.run(command, cwd=copy, check=True, capture_output=True, text=True).stdout

        # Without it, tests that cannot run at all would pass for mutants killed.
        cosmic_ray("baseline", "mutation.toml")
        cosmic_ray("init", "mutation.toml", "session.sqlite")
        with sqlite3.connect(copy / "session.sqlite") as session:
            keep_sample(session, options.sample, random.Random(options.seed))
        cosmic_ray("exec", "mutation.toml", "session.sqlite")
        with sqlite3.connect(copy / "session.sqlite") as session:
            outcomes = session.execute("SELECT test_outcome, diff FROM work_results").fetchall()
    survived = [diff for outcome, diff in outcomes if "SURVIVED" in str(outcome).upper()]
    print("\n".join(survived))
    print(f"{options.room}: {len(outcomes)} mutants, {len(survived)} survived")
    return int(len(survived) * 20 > len(outcomes))


if __name__ == "__main__":
    sys.exit(main())
