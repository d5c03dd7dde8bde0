"""How tight certificates are: refits after attacks that are guided by them.

    OMP_NUM_THREADS=1 python benchmarks/guided.py [n_test]

One table. For each test row the attack gets as many units as its certified radius, and one more; each time the ensemble
is refitted. Moved at the radius has to be 0; how far moved at radius + 1 is from 1 says how much stronger an attacker
the certificate allows for than the one who finds rows for these members.
"""

import sys
import time
import warnings

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from robustfit import PartitionClassifier
from robustfit.attacks import CertificateGuidedAttack

SETS = [(load_breast_cancer, 25), (load_wine, 10), (load_digits, 50)]
MEMBERS = {
    "1-NN": KNeighborsClassifier(1),
    "GaussianNB": GaussianNB(),
    "logistic": LogisticRegression(C=0.1, max_iter=1000),
    "tree": DecisionTreeClassifier(),
    "forest": RandomForestClassifier(10),
}
ATTACKS = [("1-NN", "insert_delete"), ("1-NN", "label_flip"), *((name, "insert_delete") for name in list(MEMBERS)[1:])]
# Ten classes take the solver of these, or ten trees, minutes per test row.
SLOW = {("digits", "logistic"), ("digits", "forest")}
N_TEST = 40


def moved(ensemble, row, threat, budget, X, y):
    """Whether a refit after the attack predicts something else."""
    attack = CertificateGuidedAttack(ensemble, row, threat=threat)
    poisoned = attack.generate(X, y, budget=budget)
    assert poisoned.cost(threat) == budget
    return bool(clone(ensemble).fit(poisoned.X, poisoned.y).predict(row)[0] != ensemble.predict(row)[0])


def data_name(load):
    return load.__name__.removeprefix("load_").replace("_", " ")


def line(load, n_partitions, name, threat, n_test):
    """One line of the table."""
    X, y = load(return_X_y=True)
    # Members that take long to fit get fewer test rows.
    n_test = min(n_test if name == "1-NN" else max(10, n_test // 4), len(y) // 3)
    X, X_test, y, _ = train_test_split(X, y, test_size=n_test, stratify=y, random_state=0)
    start = time.perf_counter()
    ensemble = PartitionClassifier(MEMBERS[name], n_partitions=n_partitions).fit(X, y)
    radius = ensemble.certify(X_test, threat=threat).radius
    at, above = [], []
    for i in range(n_test):
        # Where no vote decides, rounding alone may change the answer: the radius is -1.
        at.append(moved(ensemble, X_test[[i]], threat, max(int(radius[i]), 0), X, y))
        above.append(moved(ensemble, X_test[[i]], threat, int(radius[i]) + 1, X, y))
    seconds = (time.perf_counter() - start) / (2 * n_test)
    return (
        f"| {data_name(load)} | {name} | {threat} | {n_partitions} | {n_test} | {np.median(radius):.0f} "
        f"| {np.mean(at):.3f} | {np.mean(above):.3f} | {seconds:.2f} |"
    )


def main():
    """Print the table."""
    warnings.simplefilter("ignore")
    n_test = int(sys.argv[1]) if len(sys.argv) > 1 else N_TEST
    print(
        "| data | member | threat | partitions | test rows | median radius | moved at radius | moved at radius + 1 "
        "| seconds per attack |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for load, n_partitions in SETS:
        for name, threat in ATTACKS:
            if (data_name(load), name) not in SLOW:
                print(line(load, n_partitions, name, threat, n_test), flush=True)


if __name__ == "__main__":
    main()
