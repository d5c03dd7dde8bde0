"""An attacker from elsewhere: the SVM poisoning of the Adversarial Robustness Toolbox, behind `ExternalAttack`.

    python -m pip install adversarial-robustness-toolbox packaging
    OMP_NUM_THREADS=1 python benchmarks/outside_attacker.py

One table: test errors of a linear SVM, clean and after each attack of the same budget; means over the splits.
`art_rows` is all that it takes to use that tool here.
"""

import time
import warnings
from functools import partial
from importlib.metadata import version

import numpy as np
from art.attacks.poisoning import PoisoningAttackSVM
from art.estimators.classification import SklearnClassifier
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from robustfit.attacks import ExternalAttack, GradientAttack, RandomFlipAttack

SPLITS = range(3)
SHARE = 0.08


def art_rows(X, y, budget, seed, *, svm, step=0.5, max_iter=30):
    """Poison rows by gradient ascent on the hinge loss of a third of the rows, for labels 0 and 1."""
    # The tool draws from the global generator, and compares ``svm.probability`` with nothing but True and False.
    np.random.seed(seed)  # noqa: NPY002
    codes = np.eye(2)[y]
    drawn = np.random.default_rng(seed).permutation(len(y))
    held, start = drawn[: len(y) // 3], drawn[-budget:]
    rest = drawn[len(y) // 3 :]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        victim = SklearnClassifier(clone(svm).set_params(probability=False), clip_values=(X.min(), X.max()))
        victim.fit(X[rest], codes[rest])
        attack = PoisoningAttackSVM(
            victim, step, 1e-3, X[rest], codes[rest], X[held], codes[held], max_iter, verbose=False
        )
        rows, labels = attack.poison(X[start].copy(), y=codes[start][:, ::-1])
    return rows, labels.argmax(axis=1)


def one_digit_against_another():
    """Fours and nines."""
    X, y = load_digits(return_X_y=True)
    kept = np.isin(y, [4, 9])
    return X[kept], (y[kept] == 9).astype(int)


def line(name, X, y, svm, attack):
    """One line of the table."""
    clean, hurt, seconds = [], [], 0.0
    for seed in SPLITS:
        X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=0.5, stratify=y, random_state=seed)
        scaler = StandardScaler().fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
        budget = int(SHARE * len(y_train))
        start = time.perf_counter()
        poisoned = attack.generate(X_train, y_train, budget=budget, random_state=seed)
        seconds += (time.perf_counter() - start) / len(SPLITS)
        assert int(poisoned.is_poison.sum()) == budget
        clean.append(1 - clone(svm).fit(X_train, y_train).score(X_test, y_test))
        hurt.append(1 - clone(svm).fit(poisoned.X, poisoned.y).score(X_test, y_test))
    return f"{budget} | {np.mean(clean):.3f} | {np.mean(hurt):.3f} | {seconds:.1f} |"


def main():
    """Print the table."""
    packages = ("adversarial-robustness-toolbox", "scikit-learn", "numpy")
    print(", ".join(f"{name} {version(name)}" for name in packages), end="\n\n")
    svm = SVC(kernel="linear", C=0.1)
    attacks = {
        "RandomFlipAttack": RandomFlipAttack(),
        "PoisoningAttackSVM (ART)": ExternalAttack(partial(art_rows, svm=svm)),
        "GradientAttack": GradientAttack(svm),
    }
    print("| data | attack | budget | clean error | error | seconds |\n|---|---|---|---|---|---|")
    for name, load in (
        ("breast cancer", partial(load_breast_cancer, return_X_y=True)),
        ("digits 4, 9", one_digit_against_another),
    ):
        X, y = load()
        for label, attack in attacks.items():
            print(f"| {name} | {label} | {line(name, X, y, svm, attack)}", flush=True)


if __name__ == "__main__":
    main()
