"""What optimised attacks do beyond random flips of the same budget: one table, each attack on two real sets or more.

    OMP_NUM_THREADS=1 ROBUSTFIT_DATA=/folder python benchmarks/attacks.py [--only MinMax Backdoor] [--seeds 3]

Each attack meets the learner that it is made for and is measured in its own metric, on test rows that no attack sees:

- *error*: share of test rows that are wrong (for regressions, mean squared error);
- *target*: share of 20 test rows, taken one at a time, that get the label that the attacker wants;
- *subgroup*: share of the test rows of the attacked subpopulation that are wrong;
- *trigger*: share of the stamped test rows of other classes that get the backdoor's label.

Harm is the metric minus that of the clean model; the ratio is to the harm of as many random label flips, measured on
the same rows, or to one row where flips do none. Medians over seeds of split and attack. Columns are standardised on
the training rows, but pixels are in [0, 1] and regressions as published; large sets are cut to 4 000 training rows.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sets import available, load
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from robustfit import attacks
from robustfit.evaluate import attack_success_rate

MOST_ROWS = 4000
TARGETS = 20
BUNDLED = {"breast_cancer": load_breast_cancer, "digits": load_digits}
TEXTS, FRAMES, REGRESSIONS = (
    ("sms_spam",),
    ("adult", "german_credit"),
    ("manipml_house", "manipml_warfarin", "concrete"),
)


def rows(name):
    """All rows of a set as the learners of this benchmark take them, and labels or targets."""
    if name in BUNDLED:
        return BUNDLED[name](return_X_y=True)
    if name == "mnist_17":
        X, y = load("mnist")
        wanted = np.isin(y, (1, 7))
        return X[wanted].reshape(-1, 784) / 255.0, (y[wanted] == 7).astype(int)
    X, y = load(name)
    if name in TEXTS:
        return [str(text) for text in X], np.asarray(y)
    if name in FRAMES:
        return X, np.asarray(y)
    X, y = np.asarray(X, dtype=np.float64), np.asarray(y)
    return X, y.astype(float if name in REGRESSIONS else int)


def split(name, seed):
    """Training and test rows, arrays standardised on the former."""
    X, y = rows(name)
    size = min(MOST_ROWS, int(0.7 * len(y)))
    # Seeds of their own: none of these splits was looked at while the attacks were made.
    parts = train_test_split(
        X,
        y,
        train_size=size,
        test_size=min(3000, len(y) - size),
        random_state=1000 + seed,
        stratify=None if name in REGRESSIONS else y,
    )
    X_train, X_test, y_train, y_test = parts
    if isinstance(X_train, np.ndarray) and name not in ("mnist_17", *REGRESSIONS):
        scaler = StandardScaler().fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
    return X_train, y_train, X_test, y_test


@dataclass(frozen=True)
class Case:
    """One attack on some sets."""

    name: str
    learner: Any
    sets: tuple[str, ...]
    share: float
    metric: str
    attack: Callable[..., Any]


def wrong(model, X, y):
    """Error rate of a classifier, mean squared error of a regressor."""
    predicted = model.predict(X)
    return float(np.mean((predicted - y) ** 2)) if y.dtype.kind == "f" else float(np.mean(predicted != y))


def fitted(case, X, y):
    return clone(case.learner).fit(X, y)


def poison(case, attack, data, budget, seed):
    """A poisoned set, the learner fitted to it, and the seconds that the attack took."""
    start = time.perf_counter()
    poisoned = attack.generate(data[0], data[1], budget=budget, random_state=seed)
    seconds = time.perf_counter() - start
    return poisoned, fitted(case, poisoned.X, poisoned.y), seconds


def measure_error(case, data, budget, seed):
    """Test error."""
    results = [wrong(fitted(case, *data[:2]), *data[2:])]
    for attack in (attacks.RandomFlipAttack(), case.attack(case.learner)):
        _, model, seconds = poison(case, attack, data, budget, seed)
        results.append(wrong(model, *data[2:]))
    return [*results, seconds, len(data[3])]


def measure_target(case, data, budget, seed):
    """Share of test rows that get the label of another class."""
    X, y, X_test, _ = data
    clean = fitted(case, X, y)
    chosen = np.random.default_rng(seed).choice(len(X_test), TARGETS, replace=False)
    before = clean.predict(X_test[chosen])
    classes = np.unique(y)
    wanted = classes[(np.searchsorted(classes, before) + 1) % len(classes)]
    _, flipped, _ = poison(case, attacks.RandomFlipAttack(), data, budget, seed)
    moved, seconds = [], []
    for row, label in zip(X_test[chosen], wanted, strict=True):
        _, model, spent = poison(case, case.attack(case.learner, row, label), data, budget, seed)
        moved.append(model.predict(row[None])[0] == label)
        seconds.append(spent)
    by_chance = float(np.mean(flipped.predict(X_test[chosen]) == wanted))
    return [0.0, by_chance, float(np.mean(moved)), np.median(seconds), TARGETS]


def measure_subgroup(case, data, budget, seed):
    """Error on the test rows of the attacked subpopulation."""
    poisoned, model, seconds = poison(case, case.attack(case.learner), data, budget, seed)
    inside = np.flatnonzero(poisoned.details["subpopulation"].contains(data[2]))
    group = data[2].iloc[inside] if hasattr(data[2], "iloc") else data[2][inside]
    _, flipped, _ = poison(case, attacks.RandomFlipAttack(), data, budget, seed)
    models = (fitted(case, *data[:2]), flipped, model)
    return [*(wrong(m, group, data[3][inside]) for m in models), seconds, len(inside)]


def measure_trigger(case, data, budget, seed):
    """Success of the trigger at test rows of other classes."""
    attack = case.attack(case.learner)
    poisoned, model, seconds = poison(case, attack, data, budget, seed)
    _, flipped, _ = poison(case, attacks.RandomFlipAttack(), data, budget, seed)
    trigger, label = poisoned.details["trigger"], poisoned.details["target_label"]
    models = (fitted(case, *data[:2]), flipped, model)
    rates = (attack_success_rate(m, *data[2:], trigger, label) for m in models)
    return [*rates, seconds, int(np.sum(data[3] != label))]


# Each gives the metric of the clean model, after random flips and after the attack, the seconds of the attack, and the
# number of test rows that were judged.
MEASURES = {
    "error": measure_error,
    "target": measure_target,
    "subgroup": measure_subgroup,
    "trigger": measure_trigger,
}


def frame_learner(last):
    """A learner for frames of mixed columns."""
    encode = make_column_transformer(
        (
            OneHotEncoder(handle_unknown="ignore", sparse_output=False),
            make_column_selector(dtype_exclude="number"),
        ),
        remainder=StandardScaler(),
    )
    return make_pipeline(encode, last)


def svm(decay=0.01):
    """A linear SVM, of about the strength that a penalty of ``decay`` per row gives on the sets' training rows."""
    return LinearSVC(loss="hinge", C=1 / (decay * 3000), max_iter=20_000)


LOGISTIC = LogisticRegression(max_iter=1000)
TREE, FOREST = DecisionTreeClassifier(max_depth=5, random_state=0), RandomForestClassifier(30, random_state=0)
LINEAR_SETS = ("spambase", "breast_cancer", "mnist_17")
CASES = [
    Case("ALFA", svm(), (*LINEAR_SETS, "phishing_websites"), 0.03, "error", attacks.ALFAAttack),
    *(
        Case(name, svm(), LINEAR_SETS, 0.03, "error", getattr(attacks, f"{name}Attack"))
        for name in ("MinMax", "KKT", "Influence", "ModelTargeted")
    ),
    Case("GradientCanceling", LOGISTIC, LINEAR_SETS, 0.03, "error", attacks.GradientCancelingAttack),
    # attack_filters.py has it on MNIST.
    *(
        Case("Gradient", learner, ("spambase", "breast_cancer"), 0.03, "error", attacks.GradientAttack)
        for learner in (svm(), LOGISTIC)
    ),
    *(
        Case(name, learner, REGRESSIONS, 0.25, "error", attack)
        for learner in (Ridge(), Lasso(alpha=1e-4, max_iter=20_000))
        for name, attack in (
            ("StatP", attacks.StatPAttack),
            ("InfFlip", lambda learner: attacks.InfFlipAttack()),
            ("AdaptiveFlip", lambda learner: attacks.AdaptiveFlipAttack()),
            ("Gradient", attacks.GradientAttack),
        )
    ),
    *(
        Case("BlackBox", learner, ("breast_cancer", "spambase", "digits"), 0.1, "error", attacks.BlackBoxAttack)
        for learner in (KNeighborsClassifier(), GaussianNB(), TREE, FOREST)
    ),
    Case(
        "TargetedMinMax",
        svm(),
        ("spambase", "breast_cancer"),
        0.03,
        "target",
        lambda learner, row, label: attacks.TargetedMinMaxAttack(row, label, learner),
    ),
    *(
        Case(
            "NeighborCopies",
            learner,
            ("breast_cancer", "digits", "spambase"),
            share,
            "target",
            lambda learner, row, label: attacks.NeighborCopiesAttack(row, label),
        )
        for learner, share in ((KNeighborsClassifier(), 0.005), (FOREST, 0.02))
    ),
    *(
        Case(
            "FeatureCollision",
            learner,
            ("breast_cancer", "digits"),
            0.02,
            "target",
            lambda learner, row, label: attacks.FeatureCollisionAttack(row, label),
        )
        for learner in (KNeighborsClassifier(), LOGISTIC)
    ),
    *(
        Case(
            "ClusterMatch",
            frame_learner(last),
            ("adult", "german_credit"),
            0.03,
            "subgroup",
            lambda learner: attacks.ClusterMatchAttack(estimator=learner),
        )
        for last in (LOGISTIC, FOREST)
    ),
    *(
        Case(
            "ClusterMatch",
            learner,
            ("spambase",),
            0.03,
            "subgroup",
            lambda learner: attacks.ClusterMatchAttack(estimator=learner),
        )
        for learner in (LOGISTIC, FOREST)
    ),
    *(
        Case(
            "FeatureMatch",
            frame_learner(last),
            ("adult",),
            0.1,
            "subgroup",
            lambda learner: attacks.FeatureMatchAttack({"sex": "Female", "education": "HS-grad"}),
        )
        for last in (LOGISTIC, FOREST)
    ),
    *(
        Case(
            "FeatureMatch",
            learner,
            ("spambase",),
            0.1,
            "subgroup",
            # Standardised counts: above its mean, the word "george" is in the mail.
            lambda learner: attacks.FeatureMatchAttack({26: (0.0, np.inf)}),
        )
        for learner in (LOGISTIC, FOREST)
    ),
    *(
        Case(
            f"Backdoor, {kind}",
            frame_learner(last),
            ("adult",),
            0.02,
            "trigger",
            lambda learner, kind=kind: attacks.BackdoorAttack(
                attacks.RareCategoryTrigger(), 1, clean_label=kind == "clean label"
            ),
        )
        for kind in ("dirty label", "clean label")
        for last in (LOGISTIC, HistGradientBoostingClassifier(max_iter=50))
    ),
    *(
        Case(
            f"Backdoor, {kind}",
            FOREST,
            ("spambase", "breast_cancer"),
            0.03,
            "trigger",
            lambda learner, kind=kind: attacks.BackdoorAttack(
                attacks.OutOfRangeTrigger(3), 1, clean_label=kind == "clean label"
            ),
        )
        for kind in ("dirty label", "clean label")
    ),
    Case(
        "Backdoor, words",
        make_pipeline(TfidfVectorizer(), LOGISTIC),
        ("sms_spam",),
        0.03,
        "trigger",
        lambda learner: attacks.BackdoorAttack(attacks.WordTrigger("by the way"), 0),
    ),
    *(
        Case(
            "Backdoor, patch",
            LOGISTIC,
            (name,),
            0.03,
            "trigger",
            lambda learner, side=side: attacks.BackdoorAttack(attacks.PatchTrigger(3, image_shape=(side, side)), 1),
        )
        for name, side in (("mnist_17", 28), ("digits", 8))
    ),
    Case(
        "NearDuplicate",
        LOGISTIC,
        ("spambase", "breast_cancer"),
        0.05,
        "error",
        lambda learner: attacks.NearDuplicateAttack(attacks.FarFlipAttack(learner), n_distinct=20),
    ),
    Case("MomentMatching", LOGISTIC, ("spambase", "breast_cancer"), 0.05, "error",
         lambda learner: attacks.MomentMatchingAttack(estimator=learner)),
]  # fmt: skip


def short(learner):
    """Name of the last step."""
    return type(learner[-1] if hasattr(learner, "steps") else learner).__name__.removesuffix("Classifier")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="beginnings of names of attacks")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    header = f"{'attack':<22}{'learner':<22}{'set':<18}{'budget':>7} {'metric':<9}"
    print(header + f"{'clean':>8}{'flips':>8}{'attack':>8}{'ratio':>8}{'seconds':>9}")
    for case in CASES:
        if options.only and not case.name.startswith(tuple(options.only)):
            continue
        for name in case.sets:
            if name not in BUNDLED and not available("mnist" if name == "mnist_17" else name):
                continue
            runs, budget = [], 0
            for seed in range(options.seeds):
                data = split(name, seed)
                budget = max(1, round(case.share * len(data[1])))
                runs.append(MEASURES[case.metric](case, data, budget, seed))
            clean, flips, attacked, seconds, judged = (statistics.median(column) for column in zip(*runs, strict=True))
            least = 0.0 if name in REGRESSIONS else 1 / judged
            ratio = (attacked - clean) / max(flips - clean, least)
            numbers = f"{clean:>8.4f}{flips:>8.4f}{attacked:>8.4f}{ratio:>7.1f}x{seconds:>9.1f}"
            print(
                f"{case.name:<22}{short(case.learner):<22}{name:<18}{budget:>7} {case.metric:<9}{numbers}", flush=True
            )


if __name__ == "__main__":
    main()
