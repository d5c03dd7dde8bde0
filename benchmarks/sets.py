"""Real data for the benchmarks: from the folder that ROBUSTFIT_DATA names, else from OpenML or scikit-learn."""

import importlib.util
import os
from pathlib import Path

from sklearn.datasets import fetch_california_housing, fetch_openml

OPENML = {"spambase": 44, "adult": 1590, "german_credit": 31, "phishing_websites": 4534, "diamonds": 42225}


def load(name):
    """Rows and target of a set, or None where it cannot be had."""
    if folder := os.environ.get("ROBUSTFIT_DATA"):
        spec = importlib.util.spec_from_file_location("robustfit_data", Path(folder) / "load.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.load(name)
    if name == "california_housing":
        return fetch_california_housing(return_X_y=True, as_frame=True)
    if name == "mnist":
        X, y = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
        return X.reshape(-1, 28, 28), y.astype(int)
    return fetch_openml(data_id=OPENML[name], return_X_y=True, as_frame=True) if name in OPENML else None


def available(name):
    """Whether `load` can get a set."""
    return "ROBUSTFIT_DATA" in os.environ or name in {*OPENML, "california_housing", "mnist"}
