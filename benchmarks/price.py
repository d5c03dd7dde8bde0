"""The price of robustness on scikit-learn's bundled data: what is paid in accuracy, what is bought in radius.

    OMP_NUM_THREADS=1 python benchmarks/price.py

One table: a plain learner, the same learner in a partition ensemble, and its certificates. Medians over five splits.
Settings are fixed in advance; test labels are read once per split.
"""

import statistics
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustfit import PartitionClassifier, PartitionRegressor
from robustfit.attacks import FarFlipAttack
from robustfit.ensemble import MemberWarning, PartitionWarning

CLASSIFIERS = [(load_breast_cancer, 21), (load_digits, 31), (load_wine, 9)]
SPLITS = range(5)


def classifier_row(load, n_partitions):
    """Accuracies and certificates of one data set, medians over the splits."""
    X, y = load(return_X_y=True)
    base = make_pipeline(StandardScaler(), LogisticRegression())
    runs = []
    for seed in SPLITS:
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
        robust = PartitionClassifier(base, n_partitions=n_partitions).fit(X_train, y_train)
        certificate = robust.certify(X_test, threat="label_flip")
        budget = n_partitions // 4
        flipped = FarFlipAttack().generate(X_train, y_train, budget=budget, random_state=seed)
        runs.append(
            (
                base.fit(X_train, y_train).score(X_test, y_test),
                robust.score(X_test, y_test),
                certificate.median_radius(y_test),
                certificate.certified_accuracy(y_test, budget),
                base.fit(flipped.X, flipped.y).score(X_test, y_test),
                robust.fit(flipped.X, flipped.y).score(X_test, y_test),
            )
        )
    plain, kept, radius, certified, plain_hit, kept_hit = (
        statistics.median(column) for column in zip(*runs, strict=True)
    )
    name = load.__name__.removeprefix("load_").replace("_", " ")
    return (
        f"| {name} | {n_partitions} | {plain:.3f} | {kept:.3f} | {radius:.0f} | {n_partitions // 4} "
        f"| {certified:.3f} | {plain_hit:.3f} | {kept_hit:.3f} |"
    )


def regression_row(n_partitions):
    """The same for diabetes: share of rows within 60 units of the truth."""
    X, y = load_diabetes(return_X_y=True)
    base, tol = make_pipeline(StandardScaler(), Ridge(10.0)), 60.0
    runs = []
    for seed in SPLITS:
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=seed)
        robust = PartitionRegressor(base, n_partitions=n_partitions).fit(X_train, y_train)
        certificate = robust.certify(X_test, threat="label_flip")
        budget = n_partitions // 4
        flipped = FarFlipAttack().generate(X_train, y_train, budget=budget, random_state=seed)
        radii = certificate.radius(y_test, tol)
        runs.append(
            (
                np.mean(np.abs(base.fit(X_train, y_train).predict(X_test) - y_test) <= tol),
                np.mean(radii >= 0),
                np.median(radii),
                np.mean(radii >= budget),
                np.mean(np.abs(base.fit(flipped.X, flipped.y).predict(X_test) - y_test) <= tol),
                np.mean(np.abs(robust.fit(flipped.X, flipped.y).predict(X_test) - y_test) <= tol),
            )
        )
    plain, kept, radius, certified, plain_hit, kept_hit = (
        statistics.median(column) for column in zip(*runs, strict=True)
    )
    return (
        f"| diabetes (within {tol:.0f}) | {n_partitions} | {plain:.3f} | {kept:.3f} | {radius:.0f} "
        f"| {n_partitions // 4} | {certified:.3f} | {plain_hit:.3f} | {kept_hit:.3f} |"
    )


def main():
    """Print the table."""
    warnings.simplefilter("ignore", PartitionWarning)
    warnings.simplefilter("ignore", MemberWarning)
    print(
        "| data | partitions | plain | partitioned | median radius | budget | certified | plain hit | partitioned hit |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for load, n_partitions in CLASSIFIERS:
        print(classifier_row(load, n_partitions))
    print(regression_row(21))


if __name__ == "__main__":
    main()
