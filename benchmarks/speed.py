"""What the lean engine saves: fitting, asking, single rows, and memory, against loops over scikit-learn estimators.

Run with ``OMP_NUM_THREADS=1``; figures are medians of several runs in one process, peers in the same run.
"""

import os
import statistics
import subprocess
import sys
import time

import numpy as np
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB

from robustfit import PartitionClassifier, PartitionRegressor
from robustfit.ensemble._lean import lean_family
from robustfit.partition import ShardPlan, as_rows

N_SHARDS, ROWS, COLUMNS = 1000, 60, 50
REPEATS = 5


def data(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_SHARDS * ROWS, COLUMNS))
    y = X @ rng.normal(size=COLUMNS) + 5.0 * rng.normal(size=len(X))
    return X, y, rng.normal(size=(10_000, COLUMNS))


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(*works):
    taken = [[seconds(work) for work in works] for _ in range(REPEATS)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def row(name, ours, peer, bar):
    print(f"| {name} | {ours:.3g} | {peer:.3g} | {peer / ours:.1f}x | {bar} |", flush=True)


def fitting(X, y):
    """The engine's solvers, and a whole ``fit`` with hashing and cutting, against bare fits on shards that are cut."""
    for estimator, bar in ((Ridge(), ">= 15x"), (LogisticRegression(), ">= 4x"), (GaussianNB(), ">= 10x")):
        is_regressor = isinstance(estimator, Ridge)
        target = y if is_regressor else (y > 0).astype(int)
        ensemble = (PartitionRegressor if is_regressor else PartitionClassifier)(estimator, n_partitions=N_SHARDS)
        index = ShardPlan.by_content(X, n_partitions=N_SHARDS).split(as_rows(X), [target])
        shards = [(X[rows], target[rows]) for rows in index]
        family, _ = lean_family(estimator)

        def loop(estimator=estimator, shards=shards):
            return [clone(estimator).fit(rows, labels) for rows, labels in shards]

        def solve(family=family, shards=shards):
            return [family.solve(rows, labels, None) for rows, labels in shards]

        def fit(ensemble=ensemble, target=target):
            ensemble.fit(X, target)

        # In turns, so that a drifting machine favours nobody.
        solving, fitting_all, looping = medians(solve, fit, loop)
        name = type(estimator).__name__
        row(f"solve 1,000 shards of 60 x 50, {name} (s)", solving, looping, bar)
        row(f"the whole fit, hashing and cutting included, {name} (s)", fitting_all, looping, "")


def asking(X, y, X_test):
    ensemble = PartitionClassifier(LogisticRegression(), n_partitions=N_SHARDS).fit(X, (y > 0).astype(int))
    members = list(ensemble.estimators_)
    ours, peer = medians(lambda: ensemble.predict(X_test), lambda: [member.predict(X_test) for member in members])
    row("predict 10,000 rows, 1,000 linear members (s)", ours, peer, ">= 2x")
    for rows in X_test[:50]:
        ensemble.predict(rows[None])
    taken = []
    for rows in X_test[:2000]:
        taken.append(1000 * seconds(lambda rows=rows: ensemble.predict(rows[None])))
    loop = 1000 * medians(lambda: [member.predict(X_test[:1]) for member in members])[0]
    row("predict one row, p50 (ms)", float(np.percentile(taken, 50)), loop, "<= 1 ms")
    row("predict one row, p99 (ms)", float(np.percentile(taken, 99)), loop, "<= 5 ms")


MEMORY = """
import resource, numpy as np
from sklearn.linear_model import LogisticRegression
from robustfit import PartitionClassifier
rng = np.random.default_rng(0)
X = rng.normal(size=(60_000, 20)); y = (X[:, 0] + rng.normal(size=len(X)) > 0).astype(int)
model = PartitionClassifier(LogisticRegression(), n_partitions=3000).fit(X, y)
X_test = rng.normal(size=(10_000, 20))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model.certify(X_test)
print(before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def memory():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEMORY], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    before, after = (int(word) / 1024 for word in done.stdout.split())
    print(f"| certify 10,000 rows, 3,000 members: peak (MB) | {after:.0f} | before: {before:.0f} | | <= 400 |")


def main():
    print("| | robustfit | peer | ratio | bar |\n|---|---|---|---|---|")
    X, y, X_test = data()
    fitting(X, y)
    asking(X, y, X_test)
    memory()


if __name__ == "__main__":
    main()
