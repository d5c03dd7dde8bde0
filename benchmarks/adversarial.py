"""Adversarial training: speed against cvxpy, what it does to backdoors of its own radius, and to label flips.

Run: python benchmarks/adversarial.py, with ROBUSTFIT_DATA naming the folder of data sets for spambase.
"""

# SPDX-License-Identifier: BSD-3-Clause

import time
import warnings

import numpy as np
from sets import available, load
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from robustfit.attacks import BackdoorAttack, ColumnTrigger, FarFlipAttack, RandomFlipAttack
from robustfit.evaluate import attack_success_rate
from robustfit.learners import AdversarialClassifier, AdversarialRegressor

SPLITS = range(5)
SHARE = 0.05
"""Poisoned rows inserted, as a share of the training rows."""


def digits():
    """Pixels of threes and eights in [0, 1], with a corner pixel lit by half: a shift of 0.5."""
    X, y = load_digits(return_X_y=True)
    kept = np.isin(y, [3, 8])
    return "digits 3, 8", X[kept] / 16, y[kept], {0: 0.5}, 0.5


def all_digits():
    """The same for ten classes."""
    X, y = load_digits(return_X_y=True)
    return "digits", X / 16, y, {0: 0.5}, 0.5


def spambase():
    """Frequencies of words, in standard deviations of their logarithms; a rare word half a deviation more often."""
    X, y = load("spambase")
    logs = np.log1p(np.asarray(X, dtype=float))
    rare = int(np.argmax((logs == 0).mean(axis=0)))
    X = StandardScaler().fit_transform(logs)
    return "spambase", X, np.unique(y, return_inverse=True)[1], {rare: X[:, rare].min() + 0.5}, 0.5


def breast_cancer():
    """Standardised measurements, one of them set to half a deviation below all: a shift far beyond the radius."""
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return "breast cancer", X, y, {9: X[:, 9].min() - 0.5}, 0.5


def backdoor_row(data):
    """Success of the trigger beyond chance, and accuracy, of plain, strongly penalised and adversarial training."""
    name, X, y, values, radius = data
    models = [
        AdversarialClassifier(radius=0.0),
        AdversarialClassifier(radius=0.0, C=0.01),
        AdversarialClassifier(radius=radius),
    ]
    runs, shifts = [], []
    for seed in SPLITS:
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
        target = y.max()
        attack = BackdoorAttack(ColumnTrigger(values), target)
        poisoned = attack.generate(X_train, y_train, budget=round(SHARE * len(y_train)), random_state=seed)
        stamp = poisoned.details["trigger"]
        shifts.append(np.median(np.linalg.norm(stamp.stamp(X_test) - X_test, axis=1)))
        run = []
        for model in models:
            model.fit(poisoned.X, poisoned.y)
            before = attack_success_rate(model, X_test, y_test, None, target)
            gain = attack_success_rate(model, X_test, y_test, stamp, target) - before
            run += [gain, model.score(X_test, y_test), model.fit(X_train, y_train).score(X_test, y_test)]
        runs.append(run)
    cells = np.mean(runs, axis=0).reshape(3, 3)
    told = " | ".join(f"{gain:.3f} / {accuracy:.3f} / {clean:.3f}" for gain, accuracy, clean in cells)
    return f"| {name} | {np.mean(shifts):.1f} | {radius} | {told} |"


def flip_row(data, attack, share):
    """Accuracy after flips: plain and adversarial training."""
    name, X, y, _, radius = data
    runs = []
    for seed in SPLITS:
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=seed, stratify=y)
        flipped = attack.generate(X_train, y_train, budget=round(share * len(y_train)), random_state=seed)
        plain, ours = AdversarialClassifier(radius=0.0), AdversarialClassifier(radius=radius)
        trained_on = (X_train, y_train), (flipped.X, flipped.y)
        runs.append([model.fit(*rows).score(X_test, y_test) for model in (plain, ours) for rows in trained_on])
    clean, plain, kept, ours = np.mean(runs, axis=0)
    closed = (ours - plain) / (clean - plain)
    cells = f"{clean:.3f} | {plain:.3f} | {kept:.3f} | {ours:.3f} | {closed:+.0%}"
    return f"| {name} | {type(attack).__name__} {share:.0%} | {cells} |"


def speed_row(loss, norm, n=5000, d=50):
    """CPU seconds of both solvers, and how far apart their objectives are."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d))
    score = X @ rng.normal(size=d) / np.sqrt(d) + 0.5 * rng.normal(size=n)
    margins = loss in ("log_loss", "hinge", "squared_hinge")
    y = (score > 0).astype(int) if margins else score
    model = (AdversarialClassifier if margins else AdversarialRegressor)(loss=loss, norm=norm, radius=0.05)
    taken, reached = [], []
    for solver in ("auto", "cvxpy"):
        model.set_params(solver=solver)
        start = time.process_time()
        model.fit(X, y)
        taken.append(time.process_time() - start)
        reached.append(np.max(model.objective_))
        if solver == "auto":
            gap = np.max(model.dual_gap_) / reached[0]
    fast, slow = taken
    return (
        f"| {loss} | {norm} | {fast:.2f} | {slow:.2f} | {slow / fast:.0f} | {gap:.0e} "
        f"| {(reached[1] - reached[0]) / reached[0]:+.0e} |"
    )


def main():
    """Print the tables."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    sets = [digits(), all_digits(), breast_cancer()] + ([spambase()] if available("spambase") else [])
    print("Backdoor, 5 % rows inserted: success beyond chance / accuracy / accuracy if trained on clean rows\n")
    print("| data | shift | radius | plain | C = 0.01 | adversarial |")
    print("|---|---|---|---|---|---|")
    for data in sets:
        print(backdoor_row(data), flush=True)
    print("\nLabel flips: accuracy\n")
    print("| data | attack | plain, clean | plain | adversarial, clean | adversarial | gap closed |")
    print("|---|---|---|---|---|---|---|")
    for data in sets:
        for attack, share in ((FarFlipAttack(LogisticRegression(max_iter=1000)), 0.1), (RandomFlipAttack(), 0.2)):
            print(flip_row(data, attack, share), flush=True)
    print("\n5 000 rows, 50 columns, radius 0.05: CPU seconds\n")
    print("| loss | norm | own | cvxpy | ratio | gap | cvxpy above |")
    print("|---|---|---|---|---|---|---|")
    for loss in ("log_loss", "hinge", "squared_hinge", "squared_error", "absolute_error", "huber"):
        for norm in (2, np.inf):
            print(speed_row(loss, norm), flush=True)


if __name__ == "__main__":
    main()
