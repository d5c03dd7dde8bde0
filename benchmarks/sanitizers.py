"""Which filter finds poison, what it costs, and what is left: all sanitizers and their peers on the same poisoned sets.

    OMP_NUM_THREADS=1 ROBUSTFIT_DATA=/folder python benchmarks/sanitizers.py --cells FOLDER [--sets ...] [--out FILE]
    python benchmarks/sanitizers.py --merge FILE FILE ...

Every filter leaves out 5 % of the rows, whatever the share of poison (1, 3, 5 and 10 % of the clean rows), with its own
defaults, on the statistics of the poisoned rows; then the learner (logistic regression, ridge for regressions) is
fitted to the rest. ``poison_cells.py`` says what the sets and the attacks are; poisoned sets are kept in the folder
``--cells``. *published* filters are those of Koh, Steinhardt and Liang: 5 % of each class, by statistics that are not
robust. Detectors of scikit-learn and PyOD do not look at labels. Defences of ART read the rows as activations of a
linear model, see ``art_peers.py``. What is not installed is left out.

- *recall*: share of the poison that is among the rows left out.
- *error*: share of clean test rows that are wrong; for regressions, mean squared error over the variance of the target.
  Of attacks on a subpopulation, and of backdoors, the mean of that and of the error on the rows that they aim at.
- *rank*: of the error, averaged over all poisoned cells; 1 is best, ties share.
- *near*: share of the cells whose error is within 1 point of the smallest one of any filter.
- *cost*: largest increase of the error, in points, on rows without poison.
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from art_peers import art_defences
from filters import FILTERS, kept
from poison_cells import CLASSIFICATIONS, REGRESSIONS, Cell, attacks_on, cell_of, learner_of, split, usable
from sklearn.base import clone
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import LocalOutlierFactor

from robustfit import SanitizedClassifier, SanitizedRegressor
from robustfit.ensemble import MicroModelSanitizer
from robustfit.sanitize import (
    ActivationClusteringSanitizer,
    CalibrationSanitizer,
    ConsensusSanitizer,
    ContradictionSanitizer,
    DuplicateSanitizer,
    GradientSanitizer,
    InfluenceSanitizer,
    LabelAgreementSanitizer,
    LeaveClusterOutSanitizer,
    LossSanitizer,
    NeighborsSanitizer,
    OutlierSanitizer,
    RONISanitizer,
    SanitizerChain,
    ShortcutSanitizer,
    SlabSanitizer,
    SpectralSanitizer,
    SphereSanitizer,
)

try:
    from pyod.models.ecod import ECOD
    from pyod.models.knn import KNN
except ImportError:
    ECOD = KNN = None
try:
    from cleanlab.rank import get_label_quality_scores
except ImportError:
    get_label_quality_scores = None

SHARES = (0.01, 0.03, 0.05, 0.1)
REMOVED = 0.05
# Covariances of more columns than that are singular or slow.
MOST_COLUMNS = 100
DEFAULT = "default"


def sanitizers(numbers):
    """Sanitizers of this library, by name; for regressions with bins for classes where they need some."""
    bins = {"n_bins": 10} if numbers else {}
    found = {
        "sphere": SphereSanitizer(REMOVED, **bins),
        "slab": SlabSanitizer(REMOVED, **bins),
        "SVD residual": SpectralSanitizer(REMOVED, mode="residual", **bins),
        "signature": SpectralSanitizer(REMOVED, mode="signature", **bins),
        "neighbors": NeighborsSanitizer(REMOVED, mode="distance", **bins),
        "density": NeighborsSanitizer(REMOVED, mode="density", **bins),
        "duplicates": DuplicateSanitizer(),
        "gradient": GradientSanitizer(contamination=REMOVED),
        "loss": LossSanitizer(contamination=REMOVED),
        "influence": InfluenceSanitizer(contamination=REMOVED),
        "RONI": RONISanitizer(contamination=REMOVED),
        "cluster out": LeaveClusterOutSanitizer(REMOVED),
        "micro models": MicroModelSanitizer(contamination=REMOVED),
        "chain": SanitizerChain([("duplicates", DuplicateSanitizer()), ("loss", LossSanitizer(contamination=REMOVED))]),
        "consensus": ConsensusSanitizer(
            [
                ("slab", SlabSanitizer(**bins)),
                ("loss", LossSanitizer()),
                ("gradient", GradientSanitizer()),
                ("cluster", LeaveClusterOutSanitizer()),
            ],
            contamination=REMOVED,
        ),
        "forest by class": OutlierSanitizer(IsolationForest(random_state=0), contamination=REMOVED, **bins),
    }
    if not numbers:
        found["agreement"] = LabelAgreementSanitizer(REMOVED)
        found["contradictions"], found["shortcuts"] = ContradictionSanitizer(), ShortcutSanitizer()
        found["crowds"] = CalibrationSanitizer(REMOVED)
        found["activations"] = ActivationClusteringSanitizer(contamination=REMOVED)
    return found


def most_normal(scores):
    """Mask of the rows that stay if those with the largest scores are left out."""
    keep = np.ones(len(scores), dtype=bool)
    keep[np.argsort(-scores, kind="stable")[: int(REMOVED * len(scores))]] = False
    return keep


def detectors(n_columns):
    """Peers that do not look at labels: functions from rows to scores."""
    found = {
        "sklearn forest": lambda X: -IsolationForest(random_state=0).fit(X).score_samples(X),
        "sklearn LOF": lambda X: -LocalOutlierFactor().fit(X).negative_outlier_factor_,
    }
    if n_columns <= MOST_COLUMNS:
        found["sklearn ellipse"] = lambda X: -EllipticEnvelope(random_state=0).fit(X).score_samples(X)
    if ECOD is not None:
        found["PyOD ECOD"] = lambda X: ECOD().fit(X).decision_scores_
        found["PyOD KNN"] = lambda X: KNN().fit(X).decision_scores_
    return found


def contestants(name, learner, n_columns):
    """Functions from training rows to the mask of those that stay, by name."""
    numbers = name in REGRESSIONS
    around = SanitizedRegressor if numbers else SanitizedClassifier
    found = {"nothing": lambda X, y: np.ones(len(y), dtype=bool)}
    found[DEFAULT] = lambda X, y: around(clone(learner)).fit(X, y).support_
    for label, sanitizer in sanitizers(numbers).items():
        found[label] = lambda X, y, sanitizer=sanitizer: clone(sanitizer).fit(X, y).support_
    for label, scores in detectors(n_columns).items():
        found[label] = lambda X, y, scores=scores: most_normal(scores(X))
    if not numbers and get_label_quality_scores is not None:
        found["cleanlab"] = lambda X, y: most_normal(-_label_quality(learner, X, y))
    if not numbers:
        found |= art_defences(REMOVED)
    if not numbers and name != "digits":
        for label in FILTERS:
            found[f"published {label}"] = lambda X, y, label=label: kept(label, X, np.where(y == 1, 1, -1), learner)
    return found


def _label_quality(learner, X, y):
    return get_label_quality_scores(y, cross_val_predict(clone(learner), X, y, method="predict_proba", cv=5))


def error_of(model, X, y, *, scale):
    """Error in points."""
    if scale is None:
        return 100.0 * np.mean(model.predict(X) != y)
    return 100.0 * np.mean((model.predict(X) - y) ** 2) / scale


def measure(name, rows, cell, kind, share):
    """One line of the table for each contestant."""
    learner, lines = learner_of(name), []
    scale = np.var(rows.y_test) if name in REGRESSIONS else None
    for label, choose in contestants(name, learner, rows.X.shape[1]).items():
        start = time.process_time()
        try:
            keep = choose(cell.X, cell.y)
            model = clone(learner).fit(cell.X[keep], cell.y[keep])
        except Exception as problem:
            print(f"    {name}, {kind}, {label}: {type(problem).__name__}: {str(problem)[:100]}", flush=True)
            continue
        seconds = time.process_time() - start
        error = error_of(model, rows.X_test, rows.y_test, scale=scale)
        if cell.aimed is not None and len(cell.aimed):
            error = (error + error_of(model, cell.aimed, cell.aimed_y, scale=scale)) / 2.0
        recall = np.mean(~keep[cell.is_poison]) if cell.is_poison.any() else np.nan
        lines.append((name, kind, share, label, recall, 1.0 - keep.mean(), error, seconds))
    return lines


COLUMNS = ("set", "attack", "share", "filter", "recall", "removed", "error", "seconds")


def run(names, shares, folder, out):
    """Measure all cells of some sets."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in names:
        rows = split(name)
        clean = Cell(rows.X, rows.y, np.zeros(len(rows.y), dtype=bool), None, None)
        lines += measure(name, rows, clean, "none", 0.0)
        for kind in attacks_on(name):
            for share in shares:
                lines += measure(name, rows, cell_of(name, rows, kind, share, folder), kind, share)
                print(f"{name}, {kind}, {share:.0%}", flush=True)
                if out:
                    pd.DataFrame(lines, columns=COLUMNS).to_csv(out, index=False)
    return pd.DataFrame(lines, columns=COLUMNS)


def summary(table):
    """One line for each filter, best rank first."""
    poisoned = table[table.share > 0]
    # A filter that takes part in some cells only would be ranked among others: it is listed, not ranked.
    errors = poisoned.pivot_table(index=["set", "attack", "share"], columns="filter", values="error")
    complete = errors.dropna(axis=1)
    ranks = complete.round(2).rank(axis=1).mean()
    near = (errors.sub(errors.min(axis=1), axis=0) <= 1.0).where(errors.notna()).mean()
    clean = table[table.share == 0].pivot_table(index="set", columns="filter", values="error")
    cost = clean.sub(clean["nothing"], axis=0)
    found = pd.DataFrame(
        {
            "rank": ranks,
            "near": near,
            "error": errors.mean(),
            "recall": poisoned.groupby("filter").recall.mean(),
            "cost": cost.max(),
            "worst at": cost.fillna(-np.inf).idxmax(),
            "seconds": table.groupby("filter").seconds.median(),
            "cells": errors.notna().sum(),
        }
    )
    return found.sort_values(["rank", "error"])


def report(table):
    """Print errors by attack, and the summary."""
    by_attack = table.pivot_table(index="filter", columns=["attack"], values="error", aggfunc="mean")
    found = summary(table)
    options = {"float_format": lambda value: f"{value:.2f}", "na_rep": "-"}
    print("\nMean error by attack, over sets and shares")
    print(by_attack.loc[found.index].to_string(**options))
    print("\nAll poisoned cells")
    print(found.to_string(**options))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="*", default=[*CLASSIFICATIONS, *REGRESSIONS])
    parser.add_argument("--shares", nargs="*", type=float, default=list(SHARES))
    parser.add_argument("--cells", type=Path, help="folder of the poisoned sets")
    parser.add_argument("--out", type=Path, help="CSV file of all cells")
    parser.add_argument("--merge", nargs="*", type=Path, help="only report on such files")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.merge:
        report(pd.concat([pd.read_csv(file) for file in options.merge]))
        return
    if options.cells is None:
        parser.error("--cells FOLDER is needed: making the poison takes longer than all else")
    report(run([name for name in options.sets if usable(name)], options.shares, options.cells, options.out))


if __name__ == "__main__":
    main()
