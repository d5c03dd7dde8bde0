"""Attacks on a linear SVM against filters that drop 5 % of each class: test errors, two real sets.

    OMP_NUM_THREADS=1 ROBUSTFIT_DATA=/folder python benchmarks/attack_filters.py [--sets spambase] [--seeds 1]

The protocol of Koh, Steinhardt and Liang (2022): poison of 3 % of the clean rows, hinge loss with a penalty of
wd = 0.01 per row, filters on the statistics of the poisoned rows (``filters.py``). Spambase: log(1 + x), columns
standardised on the clean training rows, a third of the rows held back. MNIST-1-7: pixels in [0, 1], the published
split. The attacker sees the training rows only, and optimised rows stay in the sphere and slab that keep 90 % of each
class's clean rows; *outside* is the largest violation. Test labels are read once, by the errors of the table. Medians
over seeds of the attack; *best* is the lowest error that a filter reaches.
"""

import argparse
import statistics
import time
import warnings

import numpy as np
from filters import FILTERS, kept
from sets import available, load
from sklearn.base import clone
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from robustfit.attacks import (
    ALFAAttack,
    FarFlipAttack,
    GradientAttack,
    InfluenceAttack,
    KKTAttack,
    MinMaxAttack,
    ModelTargetedAttack,
    RandomFlipAttack,
    sphere_slab_sets,
)

POISON = 0.03
DECAY = 0.01

# What the papers say of their own attacks, learner and sets, at 3 %: clean test error and that under attack.
PUBLISHED = (
    "Published (Koh, Steinhardt and Liang 2022, 3 %, against their filters): Enron 3 % -> 24 %, IMDB 12 % -> 29 %. "
    "Published (Steinhardt, Koh and Liang 2017): MNIST-1-7 and Dogfish resilient, at most 7 % error on MNIST-1-7 at "
    "30 % poison when the filter knows the clean statistics; IMDB 12 % -> 23 % at 3 %."
)


def spambase():
    """Training and test rows of spambase, skewed counts compressed."""
    X, y = load("spambase")
    X, y = np.log1p(np.asarray(X, dtype=np.float64)), np.where(np.asarray(y).astype(int) == 1, 1, -1)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=1 / 3, stratify=y, random_state=0)
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train), y_train, scaler.transform(X_test), y_test


def mnist_17():
    """Ones and sevens of MNIST, pixels in [0, 1]."""
    X, y = load("mnist")
    parts = []
    for rows in (slice(0, 60_000), slice(60_000, None)):
        wanted = np.isin(y[rows], (1, 7))
        parts += [X[rows][wanted].reshape(-1, 784) / 255.0, np.where(y[rows][wanted] == 7, 1, -1)]
    return parts


SETS = {"spambase": spambase, "mnist": mnist_17}


def attacks(learner):
    """What is compared, by name; the first is the yardstick."""
    return {
        "random flips": RandomFlipAttack(),
        "far flips": FarFlipAttack(clone(learner)),
        "ALFA": ALFAAttack(clone(learner)),
        "gradient": GradientAttack(clone(learner)),
        "influence": InfluenceAttack(clone(learner)),
        "min-max": MinMaxAttack(clone(learner)),
        "KKT": KKTAttack(clone(learner)),
        "model-targeted": ModelTargetedAttack(clone(learner)),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"{'set':<10}{'attack':<16}{'none':>8}" + "".join(f"{name:>8}" for name in FILTERS), end="")
    print(f"{'harm':>8}{'best':>8}{'outside':>9}{'seconds':>9}")
    for name in filter(available, options.sets):
        X, y, X_test, y_test = SETS[name]()
        learner = LinearSVC(loss="hinge", C=1 / (DECAY * len(y)), max_iter=20_000)
        sets = sphere_slab_sets(X, y)
        budget = int(POISON * len(y))

        def errors(X, y, X_test=X_test, y_test=y_test, learner=learner):
            found = []
            for rule in ("none", *FILTERS):
                keep = kept(rule, X, y, learner)
                found.append(1 - clone(learner).fit(X[keep], y[keep]).score(X_test, y_test))
            return np.array(found)

        def row(label, found, more, name=name):
            print(f"{name:<10}{label:<16}" + "".join(f"{error:>8.4f}" for error in found) + more, flush=True)

        clean = errors(X, y)
        row("clean", clean, "")
        random_harm = None
        for label, attack in attacks(learner).items():
            runs, outside, seconds = [], 0.0, []
            for seed in range(options.seeds):
                start = time.perf_counter()
                poisoned = attack.generate(X, y, budget=budget, random_state=seed)
                seconds.append(time.perf_counter() - start)
                runs.append(errors(poisoned.X, poisoned.y))
                if not poisoned.labels_only:
                    for sign in (-1, 1):
                        rows = poisoned.X[poisoned.is_poison & (poisoned.y == sign)]
                        outside = max(outside, sets[sign].violation(rows).max(initial=0.0))
            found = np.median(runs, axis=0)
            harm = found[0] - clean[0]
            random_harm = harm if random_harm is None else random_harm
            ratio = harm / max(random_harm, 1 / len(y_test))
            more = f"{ratio:>7.1f}x{found[1:].min():>8.4f}{outside:>9.1e}{statistics.median(seconds):>9.1f}"
            row(label, found, more)
    print(f"\n{PUBLISHED}")


if __name__ == "__main__":
    main()
