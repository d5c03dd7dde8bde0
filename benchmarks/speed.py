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

N_SHARDS, ROWS, COLUMNS = 1000, 60, 50
REPEATS = 5


def data(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_SHARDS * ROWS, COLUMNS))
    y = X @ rng.normal(size=COLUMNS) + 5.0 * rng.normal(size=len(X))
    return X, y, rng.normal(size=(10_000, COLUMNS))


def seconds(work, repeats=REPEATS):
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def row(name, ours, peer, bar):
    print(f"| {name} | {ours:.3g} | {peer:.3g} | {peer / ours:.1f}x | {bar} |", flush=True)


def fitting(X, y):
    """A whole ``fit``, hashing and cutting included, against bare fits on shards that are cut already."""
    for estimator, bar in ((Ridge(), ">= 15x"), (LogisticRegression(), ">= 4x"), (GaussianNB(), ">= 10x")):
        is_regressor = isinstance(estimator, Ridge)
        target = y if is_regressor else (y > 0).astype(int)
        ensemble = (PartitionRegressor if is_regressor else PartitionClassifier)(estimator, n_partitions=N_SHARDS)
        shards = [(X[i::N_SHARDS].copy(), target[i::N_SHARDS].copy()) for i in range(N_SHARDS)]

        def loop(estimator=estimator, shards=shards):
            return [clone(estimator).fit(rows, labels) for rows, labels in shards]

        def lean(ensemble=ensemble, target=target):
            ensemble.fit(X, target)

        lean()
        row(f"fit 1,000 x {type(estimator).__name__} (s)", seconds(lean), seconds(loop, 3), bar)


def asking(X, y, X_test):
    ensemble = PartitionClassifier(LogisticRegression(), n_partitions=N_SHARDS).fit(X, (y > 0).astype(int))
    members = list(ensemble.estimators_)
    row(
        "predict 10,000 rows, 1,000 linear members (s)",
        seconds(lambda: ensemble.predict(X_test)),
        seconds(lambda: [member.predict(X_test) for member in members], 3),
        ">= 2x",
    )
    for rows in X_test[:50]:
        ensemble.predict(rows[None])
    taken = []
    for rows in X_test[:2000]:
        start = time.perf_counter()
        ensemble.predict(rows[None])
        taken.append(1000 * (time.perf_counter() - start))
    loop = seconds(lambda: [member.predict(X_test[:1]) for member in members]) * 1000
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
