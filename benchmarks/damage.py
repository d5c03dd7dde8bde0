"""Bounds on the damage of rows that a filter lets through: one table of bounds, attacks and times.

    OMP_NUM_THREADS=1 ROBUSTFIT_DATA=... python benchmarks/damage.py [--sets breast_cancer digits_17 ...]

Sets of rows: 0.7-quantile sphere and slab of each class of the training rows, as in Steinhardt, Koh and Liang (2017);
for counts the same with whole numbers. "attack" is the objective that the bound's own weighted rows force on the
learner, proven from below: no learner, however well it is trained, does better. "gap" is the share of the bound above
it. Seconds are CPU time of `certify_damage`, one budget at a time, without a start from another.
"""

import argparse
import time

import numpy as np
from sets import load
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale
from sklearn.svm import SVC, LinearSVC

from robustfit.attacks import sphere_slab_sets
from robustfit.audit import LinearObjective, certify_damage
from robustfit.certify import IntegerSphereSlab, Sphere

QUANTILE = 0.7
DECAY = 0.01
COLUMNS = ("set", "rows", "columns", "learner", "share", "clean", "bound", "attack", "gap %", "seconds")


def breast_cancer():
    X, y = load_breast_cancer(return_X_y=True)
    X, _, y, _ = train_test_split(scale(X), y, test_size=0.3, random_state=0, stratify=y)
    return X, y, sphere_slab_sets(X, y, quantile=QUANTILE)


def digits_17():
    X, y = load_digits(return_X_y=True)
    chosen = np.isin(y, (1, 7))
    X, _, y, _ = train_test_split(X[chosen] / 16, y[chosen], test_size=0.3, random_state=0, stratify=y[chosen])
    return X, y, sphere_slab_sets(X, y, quantile=QUANTILE)


def mnist_17():
    X, y = load("mnist")
    X, y = X[:60000], y[:60000]
    chosen = np.isin(y, (1, 7))
    X, y = X[chosen].reshape(-1, 784) / 255, y[chosen]
    return X, y, sphere_slab_sets(X, y, quantile=QUANTILE)


def sms_counts():
    text, y = load("sms_spam")
    X = CountVectorizer(max_features=5000).fit_transform(list(text)).astype(float)
    X, _, y, _ = train_test_split(X, y, test_size=0.2, random_state=0, stratify=y)
    centers = {label: np.asarray(X[y == label].mean(axis=0)).ravel() for label in (0, 1)}
    found = {}
    for label, center in centers.items():
        own, normal = X[y == label], center - centers[1 - label]
        far = np.sqrt(np.asarray(own.multiply(own).sum(axis=1)).ravel() - 2 * (own @ center) + center @ center)
        along = np.abs(own @ normal - center @ normal)
        sizes = np.quantile(far, QUANTILE), np.quantile(along, QUANTILE)
        found[label] = IntegerSphereSlab(center, sizes[0], normal, sizes[1])
    return X, y, found


def digits():
    X, y = load_digits(return_X_y=True)
    X, _, y, _ = train_test_split(X / 16, y, test_size=0.3, random_state=0, stratify=y)
    return X, y, sphere_slab_sets(X, y, quantile=QUANTILE)


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    X = scale(X)
    return X, y / 100, Sphere(np.zeros(X.shape[1]), float(np.quantile(np.linalg.norm(X, axis=1), QUANTILE)))


def hinge(n):
    return LinearSVC(loss="hinge", C=1 / (DECAY * n))


CASES = {
    "breast_cancer": (
        breast_cancer,
        (0.01, 0.03, 0.1, 0.3),
        {
            "hinge, decay .01": hinge,
            "hinge, norm 4": lambda n: LinearObjective("hinge", norm=4.0),
            "SVC": lambda n: SVC(kernel="linear"),
            "logistic": lambda n: LogisticRegression(),
        },
    ),
    "digits_17": (
        digits_17,
        (0.01, 0.03, 0.1, 0.3),
        {
            "hinge, decay .01": hinge,
            "hinge, norm 2": lambda n: LinearObjective("hinge", norm=2.0),
            "SVC": lambda n: SVC(kernel="linear"),
            "logistic": lambda n: LogisticRegression(),
        },
    ),
    "mnist_17": (mnist_17, (0.03, 0.3), {"hinge, decay .01": hinge, "logistic": lambda n: LogisticRegression()}),
    "sms_spam": (sms_counts, (0.03,), {"hinge, decay .01": hinge, "logistic": lambda n: LogisticRegression()}),
    "digits": (
        digits,
        (0.03,),
        {
            "multinomial": lambda n: LogisticRegression(C=1 / (DECAY * n)),
            "Crammer-Singer": lambda n: LinearSVC(multi_class="crammer_singer", C=1 / (DECAY * n)),
        },
    ),
    "diabetes": (diabetes, (0.03, 0.3), {"ridge": lambda n: Ridge()}),
}


def lines(name):
    make, shares, learners = CASES[name]
    X, y, feasible = make()
    for title, learner in learners.items():
        for share in shares:
            start = time.process_time()
            found = certify_damage(learner(len(y)), X, y, budget=round(share * len(y)), feasible_set=feasible)
            seconds = time.process_time() - start
            numbers = found.clean, found.bound[0], found.attained[0], 100 * found.gap[0], seconds
            yield (name, *X.shape, title, share, *numbers)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", default=list(CASES), choices=list(CASES))
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for name in parser.parse_args().sets:
        for line in lines(name):
            print(
                "| {} | {} | {} | {} | {:.0%} | {:.4f} | {:.4f} | {:.4f} | {:.2f} | {:.2f} |".format(*line), flush=True
            )


if __name__ == "__main__":
    main()
