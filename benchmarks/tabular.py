"""Ten tabular sets: what the planned number of partitions gives, and how near it is to the best one.

    OMP_NUM_THREADS=1 ROBUSTFIT_DATA=/folder python benchmarks/tabular.py [--sets spambase adult] [--max-rows 12000]

One table. Per set: the accuracy of the plain learner; the number of partitions that `plan_partitions` names from the
training rows; the accuracy of that ensemble, its certified accuracy at 0.1, 0.5, 1 and 2 % of the training rows
(inserted or deleted), its median radius. Then the plan against the truth: ensembles of every number on the grid are
fitted whole, and the number with the largest area under the measured curve of certified accuracy is the best. Areas
count above the accuracy of the best constant answer, and numbers that lose at most 0.1 of accuracy, as in the plan; in
brackets the same for whole areas and all numbers, where a vote that is always the same counts in full.

Regressions count an answer as right within 15 % of the true price, or within 0.5 (50 000 dollars) for california.
Learners and tolerances are fixed in advance, plans are made on training rows, test labels are read once. Large sets are
cut to ``--max-rows`` training rows and 2 000 test rows, drawn at random. Without ROBUSTFIT_DATA (a folder with a
``load.py`` that has ``load(name)``), the sets that OpenML or scikit-learn serve are fetched, and the others skipped.
"""

import argparse
import dataclasses
import math
import time
import warnings

import numpy as np
from sets import available, load
from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from robustfit import PartitionClassifier, PartitionRegressor, plan_partitions

# Tolerance of a regression: relative, absolute. The others are classifications.
TOLERANCES = {"diamonds": (0.15, 0.0), "ames_housing": (0.15, 0.0), "california_housing": (0.0, 0.5)}
SETS = [
    "spambase",
    "adult",
    "german_credit",
    "compas",
    "phishing_websites",
    "sms_spam",
    "drug_consumption",
    *TOLERANCES,
]
SHARES = (0.001, 0.005, 0.01, 0.02)
TEST_ROWS = 2000


def split(name, X, y, max_rows):
    """Training and test rows, cut to what the benchmark has time for."""
    y = np.asarray(y)
    if name in TOLERANCES:
        y = y.astype(float)
    sizes = {"train_size": min(max_rows, math.floor(0.75 * len(y))), "test_size": min(TEST_ROWS, len(y) // 4)}
    return train_test_split(X, y, **sizes, random_state=0, stratify=None if name in TOLERANCES else y)


def learner(name):
    """A plain learner, with all that learns from rows inside."""
    if name == "sms_spam":
        return make_pipeline(TfidfVectorizer(), MultinomialNB(alpha=0.1))
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    if name not in TOLERANCES:
        return make_pipeline(columns, LogisticRegression(max_iter=200))
    ridge = make_pipeline(columns, Ridge())
    relative, _ = TOLERANCES[name]
    # Prices are relative: a linear model of their logarithm.
    return (
        TransformedTargetRegressor(ridge, func=np.log, inverse_func=np.exp, check_inverse=False) if relative else ridge
    )


def tolerance(name, y):
    """Largest error of each row that counts as right; None for labels."""
    if name not in TOLERANCES:
        return None
    relative, absolute = TOLERANCES[name]
    return relative * np.abs(y) + absolute


def fit(name, number, train, n_jobs):
    """A whole ensemble."""
    ensemble = PartitionRegressor if name in TOLERANCES else PartitionClassifier
    return ensemble(learner(name), n_partitions=number, n_jobs=n_jobs).fit(*train)


def measured(name, number, train, test, n_jobs):
    """Radius of every test row, −1 where the answer is wrong."""
    X, y = test
    certificate = fit(name, number, train, n_jobs).certify(X)
    if name in TOLERANCES:
        return certificate.radius(y, tolerance(name, y))
    return np.where(certificate.prediction == y, certificate.radius, -1)


def plain_accuracy(name, train, test):
    """Accuracy of the learner without an ensemble."""
    predicted = learner(name).fit(*train).predict(test[0])
    if name in TOLERANCES:
        return np.mean(np.abs(predicted - test[1]) <= tolerance(name, test[1]))
    return np.mean(predicted == test[1])


def constant_accuracy(name, y):
    """Share of rows that the best constant answer gets right."""
    if name not in TOLERANCES:
        return max(np.mean(y == label) for label in np.unique(y))
    low, high = y - tolerance(name, y), y + tolerance(name, y)
    return max(np.mean((low <= value) & (value <= high)) for value in low)


def area(radius, floor):
    """Sum over all budgets of the certified accuracy above the floor."""
    budgets = np.arange(max(0, radius.max()) + 1)
    share = (len(radius) - np.searchsorted(np.sort(radius), budgets)) / len(radius)
    return np.maximum(share - floor, 0).sum()


def against_best(number, radii, floor, max_loss):
    """Chosen and best number, and the share of the best one's area that the chosen one has."""
    areas = {other: area(radius, floor) for other, radius in radii.items()}
    accuracy = {other: np.mean(radius >= 0) for other, radius in radii.items()}
    best = max((other for other in radii if accuracy[other] >= accuracy[1] - max_loss), key=areas.get)
    return number, best, areas[number] / areas[best]


def line(name, max_rows, n_jobs):
    """One line of the table; and whether the number is within a factor of two, above the floor and of whole areas."""
    X, y = load(name)
    X_train, X_test, y_train, y_test = split(name, X, y, max_rows)
    train, test = (X_train, y_train), (X_test, y_test)
    start = time.perf_counter()
    plan = plan_partitions(learner(name), *train, tol=tolerance(name, y_train), n_jobs=n_jobs)
    planning = (time.perf_counter() - start) / 60
    radii = {number: measured(name, number, train, test, n_jobs) for number in plan.candidates.tolist()}
    minutes = (time.perf_counter() - start) / 60
    chosen = radii[plan.n_partitions]
    certified = [f"{np.mean(chosen >= math.ceil(share * len(y_train))):.3f}" for share in SHARES]
    number, best, regret = against_best(plan.n_partitions, radii, constant_accuracy(name, y_test), plan.max_loss)
    # The plan keeps its radii, so that another criterion needs no second fit.
    whole_plan = dataclasses.replace(plan, floor=0.0, max_loss=None)
    whole = against_best(whole_plan.n_partitions, radii, 0.0, 1.0)
    cells = [
        name,
        f"{len(y_train)}",
        f"{plain_accuracy(name, train, test):.3f}",
        f"{number}",
        f"{np.mean(chosen >= 0):.3f}",
        *certified,
        f"{np.sort(chosen)[len(chosen) // 2]}",
        f"{best} ({whole[1]})",
        f"{number / best:.2f} ({whole[0] / whole[1]:.2f})",
        f"{regret:.2f} ({whole[2]:.2f})",
        f"{planning:.1f}",
        f"{minutes:.1f}",
    ]
    return f"| {' | '.join(cells)} |", [0.5 <= found[0] / found[1] <= 2 for found in ((number, best), whole)]


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    parser.add_argument("--max-rows", type=int, default=12_000, help="most training rows")
    parser.add_argument("--n-jobs", type=int, default=2)
    options = parser.parse_args()
    # Too small shards, and learners that do not converge on them, are part of what is measured.
    warnings.simplefilter("ignore")
    names = [name for name in options.sets if available(name)]
    header = ["set", "n", "plain", "planned", "ensemble", *(f"at {100 * share:g} %" for share in SHARES)]
    header += ["median radius", "best", "planned / best", "area / best area", "plan min", "all min"]
    print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}", flush=True)
    near = []
    for name in names:
        text, within = line(name, options.max_rows, options.n_jobs)
        near.append(within)
        print(text, flush=True)
    above, whole = np.sum(near, axis=0) if near else (0, 0)
    print(f"\nWithin a factor of two of the best number: {above} of {len(near)} (whole areas: {whole}).")
    if skipped := sorted(set(options.sets) - set(names)):
        print(f"Skipped, since ROBUSTFIT_DATA is not set: {', '.join(skipped)}.")


if __name__ == "__main__":
    main()
