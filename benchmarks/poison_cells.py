"""Poisoned training sets that defences are compared on: real sets, attacks and budgets, kept in a folder once made.

Sets are cut to 2 000 training and 2 000 test rows. Columns are standardised on the clean training rows (spambase after
log(1 + x)); pixels are in [0, 1], words of sms_spam are counted, manip-ml's regressions are as published. Attackers see
the training rows and the learner, and what they insert stays in the sphere and slab that hold 90 % of each class; of
counts, whole numbers that do.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sets import available, load
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from robustfit import attacks
from robustfit.certify import IntegerSphereSlab

MOST_ROWS = 2000
MOST_WORDS = 1000
DECAY = 0.01
# Of copies, in standard deviations of a column.
JITTER = 0.1

BUNDLED = {"breast_cancer": load_breast_cancer, "digits": load_digits}
REGRESSIONS = ("manipml_house", "manipml_warfarin")
CLASSIFICATIONS = (
    "breast_cancer",
    "digits",
    "spambase",
    "german_credit",
    "phishing_websites",
    "adult",
    "drug_consumption",
    "mnist_17",
    "sms_spam",
)
FLIPS = ("far flips", "one-sided flips")
TARGETED = ("subpopulation", "shaken subpopulation", "backdoor")
OPTIMISED = ("min-max", "min-max, decoy", "KKT", "influence", "ALFA")
RESPONSES = ("StatP", "InfFlip")


class Split(NamedTuple):
    """Training and test rows of a set."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


class Cell(NamedTuple):
    """A poisoned training set, and what the attack is after on test rows.

    ``aimed`` are test rows with the labels ``aimed_y`` that the attacker wants errors on, or None for all of them.
    """

    X: np.ndarray
    y: np.ndarray
    is_poison: np.ndarray
    aimed: np.ndarray | None
    aimed_y: np.ndarray | None


def usable(name):
    """Whether a set can be had."""
    return name in BUNDLED or available("mnist" if name == "mnist_17" else name)


def attacks_on(name):
    """Names of the attacks that a set takes."""
    if name in REGRESSIONS:
        return RESPONSES
    return (*FLIPS, *TARGETED) if name == "digits" else (*OPTIMISED, *FLIPS, *TARGETED)


def learner_of(name):
    """The learner that is defended."""
    return Ridge() if name in REGRESSIONS else LogisticRegression(max_iter=1000)


def split(name, seed=0):
    """Training and test rows of a set."""
    X, y = _rows(name)
    classes = None if name in REGRESSIONS else y
    size = min(MOST_ROWS, 2 * len(y) // 3)
    X, X_test, y, y_test = train_test_split(
        X, y, train_size=size, test_size=min(MOST_ROWS, len(y) - size), stratify=classes, random_state=seed
    )
    if name == "sms_spam":
        words = CountVectorizer(max_features=MOST_WORDS).fit(X)
        X, X_test = (words.transform(texts).toarray().astype(float) for texts in (X, X_test))
    elif name in REGRESSIONS:
        varies = np.ptp(X, axis=0) > 0.0
        X, X_test = X[:, varies], X_test[:, varies]
    elif name != "mnist_17":
        scaler = StandardScaler().fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
    return Split(X, y, X_test, y_test)


def _rows(name):
    if name in BUNDLED:
        return BUNDLED[name](return_X_y=True)
    if name == "mnist_17":
        X, y = load("mnist")
        wanted = np.isin(y, (1, 7))
        return X[wanted].reshape(-1, 784) / 255.0, (y[wanted] == 7).astype(int)
    X, y = load(name)
    if name == "sms_spam":
        return np.array([str(text) for text in X], dtype=object), np.unique(np.asarray(y), return_inverse=True)[1]
    X = pd.get_dummies(X).astype(float).fillna(0.0).to_numpy()
    if name in REGRESSIONS:
        return X, np.asarray(y, dtype=float)
    return np.log1p(X) if name == "spambase" else X, np.unique(np.asarray(y).astype(str), return_inverse=True)[1]


def feasible_sets(name, rows):
    """Where inserted rows of each class may lie."""
    sets = attacks.sphere_slab_sets(rows.X, rows.y)
    if name != "sms_spam":
        return sets
    most = rows.X.max(axis=0)
    return {
        label: IntegerSphereSlab(kept.center, kept.radius, kept.normal, kept.width, upper=most)
        for label, kept in sets.items()
    }


def poison(name, rows, kind, share, seed=0):
    """Poison a training set.

    Parameters
    ----------
    name : str
        Of the set.
    rows : Split
    kind : str
        One of `attacks_on`.
    share : float
        Poison rows, as a share of the clean ones.
    """
    budget = round(share * len(rows.y))
    attack = _attack(name, rows, kind)
    poisoned = attack.generate(rows.X, rows.y, budget=budget, random_state=seed)
    aimed = aimed_y = None
    if kind.endswith("subpopulation"):
        inside = poisoned.details["subpopulation"].contains(rows.X_test)
        aimed, aimed_y = rows.X_test[inside], rows.y_test[inside]
    elif kind == "backdoor":
        others = rows.y_test != poisoned.details["target_label"]
        aimed, aimed_y = poisoned.details["trigger"].stamp(rows.X_test[others]), rows.y_test[others]
    return Cell(poisoned.X, poisoned.y, poisoned.is_poison, aimed, aimed_y)


def _attack(name, rows, kind):
    victim = LinearSVC(loss="hinge", C=1 / (DECAY * len(rows.y)), max_iter=20_000)
    if kind in RESPONSES:
        return {"StatP": attacks.StatPAttack, "InfFlip": attacks.InfFlipAttack}[kind]()
    if kind in FLIPS:
        source = np.bincount(rows.y).argmax() if kind == "one-sided flips" else None
        return attacks.FarFlipAttack(source=source)
    if kind.endswith("subpopulation"):
        return attacks.ClusterMatchAttack(n_clusters=10, jitter=JITTER if kind.startswith("shaken") else 0.0)
    if kind == "backdoor":
        return attacks.BackdoorAttack(attacks.OutOfRangeTrigger(3), int(rows.y.max()))
    if kind == "ALFA":
        return attacks.ALFAAttack(victim)
    sets = feasible_sets(name, rows)
    made = {
        "min-max": lambda: attacks.MinMaxAttack(victim, feasible_set=sets),
        "min-max, decoy": lambda: attacks.MinMaxAttack(victim, feasible_set=sets, decoy="auto"),
        "KKT": lambda: attacks.KKTAttack(victim, feasible_set=sets),
        "influence": lambda: attacks.InfluenceAttack(victim, feasible_set=sets),
    }
    return made[kind]()


def cell_of(name, rows, kind, share, folder):
    """Return a poisoned set, from the folder if it was made before."""
    file = Path(folder) / f"{name}-{kind.replace(', ', '-').replace(' ', '-')}-{share:g}.npz"
    if not file.exists():
        cell = poison(name, rows, kind, share)
        found = {field: value for field, value in cell._asdict().items() if value is not None}
        np.savez_compressed(file, **found)
    with np.load(file) as stored:
        return Cell(*(stored.get(field, None) for field in Cell._fields))
