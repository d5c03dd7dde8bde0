"""What the default of `SanitizedClassifier` does around learners that are not linear, on data that no plane divides.

    OMP_NUM_THREADS=1 ROBUSTFIT_DATA=/folder python benchmarks/curved.py [--real]

Made-up sets of 2 000 training and 10 000 test rows; ``--real``: the sets of ``poison_cells.py`` without poison, over
five splits, and with 5 % of far and random flips and copies of a subpopulation on the first. Numbers are errors in
percent (of regressions, mean squared error over the variance of the target) of a forest and of gradient boosting:
on all rows, with the default that linear learners have, and with the default that these have. *asked*: which of the
two that was.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
from poison_cells import CLASSIFICATIONS, REGRESSIONS, split, usable
from sets import available, load
from sklearn.base import clone
from sklearn.datasets import make_circles, make_moons
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split

from robustfit import SanitizedClassifier, SanitizedRegressor, attacks

POISON = 0.05
FORESTS = RandomForestClassifier(random_state=0), RandomForestRegressor(50, random_state=0)
BOOSTING = HistGradientBoostingClassifier(random_state=0), HistGradientBoostingRegressor(random_state=0)


def moons(n, seed):
    """Two moons."""
    return make_moons(n, noise=0.2, random_state=seed)


def circles(n, seed):
    """A circle inside another one."""
    return make_circles(n, noise=0.1, factor=0.5, random_state=seed)


def corners(n, seed):
    """Four clouds, of which those across have the same label."""
    rng = np.random.default_rng(seed)
    place = rng.integers(4, size=n)
    X = rng.normal(size=(n, 5))
    X[:, 0] += 4 * (place % 2)
    X[:, 1] += 4 * (place // 2)
    return X, ((place == 0) | (place == 3)).astype(int)


def box(n, seed):
    """Where two columns are large."""
    X = np.random.default_rng(seed).normal(size=(n, 5))
    return X, ((X[:, 0] > 0.8) & (X[:, 1] > 0.3)).astype(int)


def bent(n, seed):
    """A parabola, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 6))
    return X, (X[:, 0] + 0.7 * (X[:, 1] ** 2 - 1) + 0.3 * rng.normal(size=n) > 0).astype(int)


def poisoned(X, y):
    """The same rows with and without poison."""
    budget, rng = round(POISON * len(y)), np.random.default_rng(0)
    yield "clean", X, y
    wrong, flipped = rng.choice(len(y), budget, replace=False), y.copy()
    flipped[wrong] = (y[wrong] + 1) % len(np.unique(y))
    yield "random flips", X, flipped
    for name, attack in (
        ("far flips", attacks.FarFlipAttack()),
        ("subpopulation", attacks.ClusterMatchAttack(n_clusters=10)),
    ):
        found = attack.generate(X, y, budget=budget, random_state=0)
        yield name, found.X, found.y


def compare(X, y, X_test, y_test, *, numbers):
    """Errors of both learners on three choices of rows, and which default was asked."""
    around, plain = (SanitizedRegressor, Ridge()) if numbers else (SanitizedClassifier, LogisticRegression())
    chosen = around(clone(FORESTS[numbers])).fit(X, y)
    masks = np.ones(len(y), dtype=bool), around(plain).fit(X, y).support_, chosen.support_
    errors = []
    for learner in (FORESTS[numbers], BOOSTING[numbers]):
        for keep in masks:
            predicted = clone(learner).fit(X[keep], y[keep]).predict(X_test)
            wrong = (predicted - y_test) ** 2 / np.var(y_test) if numbers else predicted != y_test
            errors.append(100.0 * np.mean(wrong))
    return errors, chosen.sanitizer_.used_


def regression(name, seed):
    """Rows of a regression that is not among those of ``poison_cells.py``."""
    X, y = load(name)
    X, y = pd.get_dummies(pd.DataFrame(X)).astype(float).fillna(0.0).to_numpy(), np.asarray(y, dtype=float)
    size = min(2000, 2 * len(y) // 3)
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=size, test_size=min(2000, len(y) - size), random_state=seed
    )
    varies = np.ptp(X, axis=0) > 0.0
    return X[:, varies], y, X_test[:, varies], y_test


def show(name, what, found):
    """Print a line of the table."""
    errors, asked = found
    cells = "".join(f"{'  ' if place % 3 == 0 else ''}{error:>7.2f}" for place, error in enumerate(errors))
    print(f"{name:<18}{what:<15}{asked:<8}{cells}", flush=True)


def made_up():
    """Sets that nobody could divide by a plane."""
    for make in (moons, circles, corners, box, bent):
        X_test, y_test = make(10_000, 1)
        for what, X, y in poisoned(*make(2000, 0)):
            show(make.__name__, what, compare(X, y, X_test, y_test, numbers=False))


def real():
    """Sets that others made."""
    for name in filter(usable, (*CLASSIFICATIONS, *REGRESSIONS)):
        numbers = name in REGRESSIONS
        found = [compare(*split(name, seed), numbers=numbers) for seed in range(5)]
        show(name, "clean, 5 splits", (np.mean([errors for errors, _ in found], axis=0), found[0][1]))
        if not numbers:
            rows = split(name)
            for what, X, y in list(poisoned(rows.X, rows.y))[1:]:
                show(name, what, compare(X, y, rows.X_test, rows.y_test, numbers=False))
    for name in filter(available, ("insurance", "diamonds", "auto_mpg", "california_housing")):
        found = [compare(*regression(name, seed), numbers=True) for seed in range(5)]
        show(name, "clean, 5 splits", (np.mean([errors for errors, _ in found], axis=0), found[0][1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true")
    warnings.simplefilter("ignore")
    print(f"{'':<41}{'forest: all, linear, default':>23}{'boosting: all, linear, default':>33}")
    (real if parser.parse_args().real else made_up)()


if __name__ == "__main__":
    main()
