"""Classifiers trained on flipped labels: trimmed against plain, confident learning and single-start trimming.

    OMP_NUM_THREADS=1 ROBUSTFIT_DATA=/folder python benchmarks/trimmed_classification.py [--sets ...] [--bases ...]

Labels of 5, 10, 20 and 30 % of the training rows are flipped: random ones; those farthest from the boundary of a
logistic regression; and the farthest of the largest class only (at most 80 % of it). The test rows, a third, are clean.
Sets are cut to 4 000 training rows, the made-up one (logistic labels on 50 normal columns) only for bases other than
logistic regression and linear SVM; categories become columns, spambase log(1 + x); everything is standardised inside
the estimator. Settings are the defaults of each library, the same for all sets.

Compared are, for each base: *plain*; *single*, trimming of the whole set from one start, as is usual; *trimmed*,
`TrimmedClassifier`; *auto*, the same with ``contamination="auto"``; *cleanlab*, its ``CleanLearning`` with five folds,
if it is installed and the base has probabilities. single and trimmed are given the share of flipped labels, 10 % on
clean sets. Accuracies in percent; *rank* is the average rank over all poisoned cells (1 is best), ties shared; *gap*
the share of the loss of plain that is won back. *fits* is the time of trimmed over that of (iterations + 1) fits of the
base with a prediction of the training rows each.

The last table trains regressors on manip-ml's house and warfarin sets with 20 % of poison (StatP, InfFlip) added, as
`benchmarks/trimmed_classification.py --regression` alone does: *kept* is the share of the poison that is kept, *ratio*
the mean squared error on clean test rows over that of the same base trained on clean rows.
"""

import argparse
import time
import warnings

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sets import available, load
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from robustfit.attacks import FarFlipAttack, InfFlipAttack, RandomFlipAttack, StatPAttack
from robustfit.trimmed import TrimmedClassifier, TrimmedRegressor

try:
    from cleanlab.classification import CleanLearning
except ImportError:
    CleanLearning = None

MOST_ROWS = 4000
SHARES = (0.05, 0.1, 0.2, 0.3)
SETS = ("breast_cancer", "digits", "spambase", "german_credit", "adult", "synthetic")
BASES = {
    "logistic": LogisticRegression(max_iter=500),
    "linear SVM": LinearSVC(),
    "forest": RandomForestClassifier(random_state=0),
    "boosting": HistGradientBoostingClassifier(random_state=0),
    "kNN": KNeighborsClassifier(),
}


def synthetic(n=30_000, d=50):
    """Normal rows; labels drawn from a logistic model whose own accuracy is 0.87."""
    rng = np.random.default_rng(0)
    X, direction = rng.normal(size=(n, d)), rng.normal(size=d)
    score = 4.0 * X @ direction / np.linalg.norm(direction)
    return X, (rng.random(n) < 1.0 / (1.0 + np.exp(-score))).astype(int)


def rows_of(name):
    if name == "synthetic":
        return synthetic()
    if name in ("breast_cancer", "digits"):
        return {"breast_cancer": load_breast_cancer, "digits": load_digits}[name](return_X_y=True)
    X, y = load(name)
    X = pd.get_dummies(X).astype(float).fillna(0.0).to_numpy()
    codes = np.unique(np.asarray(y).astype(str), return_inverse=True)[1]
    return (np.log1p(X) if name == "spambase" else X), codes


def split(name, base, seed):
    """Training and test rows; an attacker standardises for itself."""
    X, y = rows_of(name)
    X, X_test, y, y_test = train_test_split(X, y, test_size=1 / 3, stratify=y, random_state=seed)
    whole = name == "synthetic" and base in ("logistic", "linear SVM")
    return (X, y, X_test, y_test) if whole else (X[:MOST_ROWS], y[:MOST_ROWS], X_test, y_test)


def flip(kind, share, X, y, seed):
    budget = int(share * len(y))
    if kind == "random":
        return RandomFlipAttack().generate(X, y, budget=budget, random_state=seed)
    if kind == "far":
        return FarFlipAttack().generate(X, y, budget=budget, random_state=0)
    largest = np.bincount(y).argmax()
    budget = min(budget, int(0.8 * np.sum(y == largest)))
    return FarFlipAttack(source=largest).generate(X, y, budget=budget, random_state=0)


def contestants(base, share):
    share = share or 0.1
    found = {
        "plain": clone(base),
        "single": TrimmedClassifier(base, contamination=share, trim_by="global", n_starts=1, evaluation="in_sample"),
        "trimmed": TrimmedClassifier(base, contamination=share),
        "auto": TrimmedClassifier(base, contamination="auto"),
    }
    if CleanLearning is not None and hasattr(base, "predict_proba"):
        found["cleanlab"] = CleanLearning(clone(base), cv_n_folds=5, seed=0, verbose=False)
    return found


def seconds(run):
    start = time.process_time()
    run()
    return time.process_time() - start


def cell(base, share, X, y, X_test, y_test):
    """Accuracy of each contestant, and the price of trimming in fits."""
    accuracies, price = {}, np.nan
    for name, model in contestants(base, share).items():
        try:
            spent = seconds(lambda model=model: model.fit(X, y))
            accuracies[name] = 100.0 * np.mean(model.predict(X_test) == y_test)
        except Exception as error:
            print(f"    {name}: {type(error).__name__}: {str(error)[:90]}")
            accuracies[name] = np.nan
            continue
        if name == "trimmed":
            one = min(seconds(lambda: clone(base).fit(X, y).predict(X)) for _ in range(3))
            price = spent / (max(model.n_iter_ + 1, model.n_fits_) * one)
    return accuracies, price


def cells_of(name, base, kind, share, seeds):
    """Means over the splits: accuracy on clean rows, accuracies of the contestants, price in fits."""
    clean, found, prices = [], [], []
    for seed in seeds:
        X, y, X_test, y_test = split(name, base, seed)
        learner = make_pipeline(StandardScaler(), BASES[base])
        labels = flip(kind, share, X, y, seed).y if share else y
        accuracies, price = cell(learner, share, X, labels, X_test, y_test)
        clean.append(100.0 * clone(learner).fit(X, y).score(X_test, y_test))
        found.append(accuracies)
        prices.append(price)
    means = {name: np.mean([accuracies[name] for accuracies in found]) for name in found[0]}
    return np.mean(clean), means, np.mean(prices)


def classification(sets, bases, seeds):
    names = list(contestants(BASES["logistic"], 0.1))
    poisoned, harm = {base: [] for base in bases}, []
    print(f"{'set':<15}{'base':<12}{'flips':<12}{'clean':>7}" + "".join(f"{name:>10}" for name in names), end="")
    print(f"{'gap':>8}{'fits':>7}")
    for base in bases:
        for name in sets:
            for kind, share in [("none", 0.0), *((k, s) for k in ("random", "far", "one-sided") for s in SHARES)]:
                clean, found, price = cells_of(name, base, kind, share, seeds)
                values = np.array([found.get(contestant, np.nan) for contestant in names])
                gap = (found["trimmed"] - found["plain"]) / (clean - found["plain"]) if share else np.nan
                row = "".join(f"{value:>10.1f}" for value in values)
                print(
                    f"{name:<15}{base:<12}{kind:<9}{share:>3.0%}{clean:>7.1f}{row}{gap:>8.2f}{price:>7.2f}", flush=True
                )
                if share:
                    poisoned[base].append(values)
                else:
                    harm.append((found["trimmed"] - found["plain"], found["auto"] - found["plain"], name, base))
    print_summary(names, poisoned, harm)


def print_summary(names, poisoned, harm):
    print(f"\n{'average rank':<46}" + "".join(f"{name:>10}" for name in names))
    for base, cells in [*poisoned.items(), ("all", [row for rows in poisoned.values() for row in rows])]:
        ranks = np.nanmean(rankdata(-np.round(cells, 2), axis=1, nan_policy="omit"), axis=0)
        print(f"{base:<46}" + "".join(f"{rank:>10.2f}" for rank in ranks))
    for place, label in enumerate(("trimmed", "auto")):
        worst = min(harm, key=lambda found: found[place])
        print(f"largest cost of {label} on clean rows: {-worst[place]:.2f} points ({worst[2]}, {worst[3]})")
    if CleanLearning is None:
        print("cleanlab is not installed: left out.")


def regression():
    print(f"\n{'set':<18}{'attack':<9}{'base':<8}{'plain':>8}{'single':>14}{'trimmed':>14}{'auto':>14}")
    print(f"{'':<35}{'ratio':>8}" + f"{'kept':>7}{'ratio':>7}" * 3)
    for name in filter(available, ("manipml_house", "manipml_warfarin")):
        X, y = load(name)
        X = pd.get_dummies(X).astype(float).fillna(0.0).to_numpy()
        X, X_test, y, y_test = train_test_split(X, np.asarray(y, dtype=float), test_size=1 / 3, random_state=0)
        low, high = X.min(axis=0), X.max(axis=0)
        varies = high > low
        X, X_test = ((part[:, varies] - low[varies]) / (high - low)[varies] for part in (X, X_test))
        low, high = y.min(), y.max()
        X, y, y_test = X[:MOST_ROWS], (y[:MOST_ROWS] - low) / (high - low), (y_test - low) / (high - low)
        for attack in (StatPAttack(), InfFlipAttack()):
            poisoned = attack.generate(X, y, budget=len(y) // 4, random_state=0)
            for label, base in (("ridge", Ridge()), ("lasso", Lasso(alpha=1e-4, max_iter=5000))):

                def error(model, X_test=X_test, y_test=y_test):
                    return mean_squared_error(y_test, model.predict(X_test))

                clean = error(clone(base).fit(X, y))
                row = f"{error(clone(base).fit(poisoned.X, poisoned.y)) / clean:>8.2f}"
                for share, starts in ((0.2, 1), (0.2, "auto"), ("auto", "auto")):
                    model = TrimmedRegressor(base, contamination=share, n_starts=starts).fit(poisoned.X, poisoned.y)
                    kept = model.support_[poisoned.is_poison].mean()
                    row += f"{kept:>7.1%}{error(model) / clean:>7.2f}"
                print(f"{name:<18}{type(attack).__name__[:-6]:<9}{label:<8}{row}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=SETS)
    parser.add_argument("--bases", nargs="*", default=list(BASES), choices=list(BASES))
    parser.add_argument("--splits", type=int, nargs="*", default=[0, 1, 2], help="seeds of the splits and of the flips")
    parser.add_argument("--regression", action="store_true", help="only the regressions")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    bundled = ("breast_cancer", "digits", "synthetic")
    if not options.regression:
        sets = [name for name in options.sets if name in bundled or available(name)]
        classification(sets, options.bases, options.splits)
    regression()


if __name__ == "__main__":
    main()
