"""Fit one regression of another library and print its answer: ``python regression_peers.py NAME ROWS.npz ALPHA``.

ALPHA is the share of rows that trimmed squares keep. Runs in whatever environment has that library; needs nothing of
robustfit. Prints JSON: the coefficients with the intercept last, and seconds of processor time of the fit alone.
``--list`` prints the names that can be imported.
"""

import importlib.util
import json
import logging
import os
import sys
import time
import warnings

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def scikit_learn(name):
    from sklearn import linear_model as lm

    # RANSAC is given what nobody knows: the scale of the noise, in its default way, by the MAD of y; and 1 000 trials.
    return {
        "OLS": lm.LinearRegression,
        "Huber": lambda: lm.HuberRegressor(max_iter=1000),
        "RANSAC-1000": lambda: lm.RANSACRegressor(
            max_trials=1000, stop_probability=1.0 - 1e-9, max_skips=1000, random_state=0
        ),
        "TheilSen": lambda: lm.TheilSenRegressor(random_state=0),
    }[name]()


def coefficients(model):
    model = getattr(model, "estimator_", model)
    return np.append(np.ravel(model.coef_), np.ravel(model.intercept_))


def fit_scikit_learn(name, X, y, alpha):
    return coefficients(scikit_learn(name).fit(X, y))


def fit_statsmodels(name, X, y, alpha):
    import statsmodels.api as sm

    rows = np.column_stack([X, np.ones(len(X))])
    return sm.RLM(y, rows, M=sm.robust.norms.TukeyBiweight()).fit(maxiter=200).params


def fit_robpy(name, X, y, alpha):
    from robpy.regression import FastLTSRegression

    model = FastLTSRegression(alpha=alpha, reweighting=name.endswith("reweighted"))
    return coefficients(model.fit(X, y, verbosity=logging.CRITICAL).model)


def fit_robustat(name, X, y, alpha):
    import robustat_py as rs

    rows = np.column_stack([X, np.ones(len(X))])
    model = rs.Lts(coverage=alpha) if name.endswith("LTS") else rs.MMEstimator()
    return np.asarray(model.fit(rows, y).coefficients)


def fit_extra(name, X, y, alpha):
    from sklearn_extra.robust import RobustWeightedRegressor

    return coefficients(RobustWeightedRegressor(weighting="huber", random_state=0).fit(X, y).base_estimator_)


PEERS = {
    **dict.fromkeys(("OLS", "Huber", "RANSAC-1000", "TheilSen"), ("sklearn", fit_scikit_learn)),
    "RLM-Tukey": ("statsmodels", fit_statsmodels),
    "robpy-LTS": ("robpy", fit_robpy),
    "robpy-LTS-reweighted": ("robpy", fit_robpy),
    "robustat-LTS": ("robustat_py", fit_robustat),
    "robustat-MM": ("robustat_py", fit_robustat),
    "extra-RWR-huber": ("sklearn_extra", fit_extra),
}


def run(name, X, y, alpha):
    """Coefficients of a peer and the processor time that they took."""
    fit = PEERS[name][1]
    fit(name, X[:200], y[:200], alpha)  # imports and first calls are not its cost
    start = time.process_time()
    found = fit(name, X, y, alpha)
    return found, time.process_time() - start


def main():
    if sys.argv[1] == "--list":
        print(json.dumps([name for name, (module, _) in PEERS.items() if importlib.util.find_spec(module)]))
        return
    rows = np.load(sys.argv[2])
    try:
        found, seconds = run(sys.argv[1], rows["X"], rows["y"], float(sys.argv[3]))
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        return
    print(json.dumps({"coefficients": [float(c) for c in found], "seconds": seconds}))


if __name__ == "__main__":
    main()
