"""What the ensemble costs beyond fitting its members: one table, ratios against peers of the same run.

    OMP_NUM_THREADS=1 python benchmarks/overhead.py [--repeats 7] [--skip-large]

Rows: the engine against a bare loop of clone-and-fit on the same slices; against scikit-learn's bagging with the same
shard size; hashing; certifying; and how cost per row and memory grow from 10⁵ to 10⁶ rows.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from robustfit import Certificate, PartitionClassifier
from robustfit.partition import ShardPlan, as_rows


def make_rows(n_samples, n_features, seed=0):
    """Two overlapping classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    y = (X[:, :5].sum(axis=1) + rng.normal(size=n_samples) > 0).astype(int)
    return X, y


def seconds(function):
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def paired(ours, peer, repeats):
    """Median of the ratios of paired runs, and the median times."""
    runs = []
    for turn in range(repeats):
        # Alternate who goes first, so that a drifting machine favours nobody.
        pair = [seconds(ours), seconds(peer)] if turn % 2 else [seconds(peer), seconds(ours)][::-1]
        runs.append(pair)
    ratio = statistics.median(a / b for a, b in runs)
    return ratio, *(statistics.median(column) for column in zip(*runs, strict=True))


def engine_against_loop(repeats):
    """Fit 1 000 shards of 60 rows: the ensemble, and nothing but clone and fit on the same slices."""
    X, y = make_rows(60_000, 50)
    base = LogisticRegression()
    rows = as_rows(X)
    shards = ShardPlan.by_content(rows, n_partitions=1000).split(rows, [y])

    def loop():
        with threadpool_limits(1):
            return [clone(base).fit(X[index], y[index]) for index in shards]

    return paired(lambda: PartitionClassifier(base, n_partitions=1000).fit(X, y), loop, repeats)


def engine_against_bagging(n_samples, repeats):
    """The same number of members of the same size, made by scikit-learn's bagging."""
    X, y = make_rows(n_samples, 50)
    base = LogisticRegression()
    bagging = BaggingClassifier(base, n_estimators=100, max_samples=0.01, bootstrap=False, random_state=0)
    # A shard of 1 % of the rows for each of 100 members, as bagging draws them.
    return paired(lambda: PartitionClassifier(base, n_partitions=100).fit(X, y), lambda: bagging.fit(X, y), repeats)


def hashing(repeats):
    """Microseconds per row of 20 numbers; seconds for 60 000 rows of 784."""
    narrow, wide = make_rows(10**6, 20)[0], make_rows(60_000, 784)[0]
    per_row = statistics.median(seconds(lambda: as_rows(narrow).digest(0)) for _ in range(repeats))
    whole = statistics.median(seconds(lambda: as_rows(wide).digest(0)) for _ in range(repeats))
    return per_row, whole


def certifying(repeats):
    """Seconds to certify 10 000 rows of 1 000 votes for 10 classes."""
    votes = np.random.default_rng(0).integers(-1, 10, size=(10_000, 1000)).astype(np.int8)

    def certify():
        certificate = Certificate.from_votes(votes, np.arange(10))
        return certificate.radius, certificate.rival_radius

    return statistics.median(seconds(certify) for _ in range(repeats))


def one_fit(n_samples):
    """In a fresh process: seconds per row and peak memory of a fit with 100 rows per shard."""
    X, y = make_rows(n_samples, 50)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = PartitionClassifier(LogisticRegression(max_iter=20), n_partitions=n_samples // 100)
    elapsed = seconds(lambda: model.fit(X, y))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = (X.nbytes + y.nbytes) / 1024
    return {"per_row": elapsed / n_samples, "memory": (data + max(0, peak - before)) / data}


def growth(repeats):
    """Cost per row at 10⁶ rows against 10⁵, and peak memory in units of the data."""
    runs = {n: [] for n in (10**5, 10**6)}
    for _ in range(repeats):
        for n_samples, results in runs.items():
            command = [sys.executable, "-W", "ignore", __file__, "--one-fit", str(n_samples)]
            results.append(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout))
    middle = {n: statistics.median(run["per_row"] for run in results) for n, results in runs.items()}
    memory = statistics.median(run["memory"] for run in runs[10**6])
    return middle[10**6] / middle[10**5], memory, middle


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--skip-large", action="store_true", help="leave out the fits of 10⁶ rows")
    parser.add_argument("--one-fit", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one_fit:
        print(json.dumps(one_fit(options.one_fit)))
        return
    print(f"{os.cpu_count()} cores, medians of {options.repeats} paired runs\n")
    print(f"{'measure':58} {'value':>9} {'bar':>9}")

    def line(measure, value, bar):
        print(f"{measure:58} {value:>9} {bar:>9}", flush=True)

    ratio, ours, loop = engine_against_loop(options.repeats)
    line(f"fit 1 000 shards of 60x50 / bare loop ({ours:.2f} s / {loop:.2f} s)", f"{ratio:.3f}", "<= 1.10")
    # Bagging fits every member on all rows, weighted: its cost per member grows with the data, ours with the shard.
    for n_samples in (60_000, 200_000):
        ratio, ours, bagging = engine_against_bagging(n_samples, min(options.repeats, 3))
        line(
            f"bagging / fit, 100 members, {n_samples} rows ({bagging:.1f} s / {ours:.2f} s)",
            f"{1 / ratio:.1f}",
            ">= 30",
        )
    per_row, whole = hashing(options.repeats)
    line("hash a row of 20 numbers, microseconds", f"{per_row:.2f}", "<= 1")
    line("hash 60 000 rows of 784 numbers, seconds", f"{whole:.2f}", "<= 1.5")
    line("certify 10 000 x 1 000 votes, 10 classes, seconds", f"{certifying(options.repeats):.3f}", "<= 0.3")
    if not options.skip_large:
        ratio, memory, middle = growth(3)
        line(f"cost per row, 10⁶ / 10⁵ rows ({middle[10**6] * 1e6:.0f} us per row)", f"{ratio:.2f}", "<= 1.2")
        line("peak memory / data, 10⁶ rows of 50", f"{memory:.2f}", "<= 1.5")


if __name__ == "__main__":
    main()
