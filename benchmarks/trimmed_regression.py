"""Least trimmed squares against its peers: error and processor time under four kinds of bad rows.

    OMP_NUM_THREADS=1 python benchmarks/trimmed_regression.py --peers ENV1/bin/python --peers ENV2/bin/python

Each ``--peers`` is the interpreter of an environment with other libraries: robpy (which wants an older scikit-learn),
statsmodels, robustat-py, scikit-learn-extra (numpy < 2). What cannot be imported is left out. Peers see the same rows
as robustfit, in a process of their own, one thread; only the fit is timed. Slow peers get ``--peer-seeds`` seeds.
Their trimmed squares keep 75 % of the rows up to 20 % bad ones, and half of them beyond, which nobody would know.

Errors are Euclidean distances, over slopes and intercept, to least squares on the good rows; on clean data to the
truth, where least squares themselves have the error shown beside.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")

import numpy as np
from contaminations import KINDS, linear_data

from robustfit.trimmed import LTSRegressor

OURS = {
    "auto": LTSRegressor(alpha="auto"),
    "0.75": LTSRegressor(alpha=0.75),
    "0.65": LTSRegressor(alpha=0.65),
    "0.5": LTSRegressor(alpha=0.5),
    "0.65 mm": LTSRegressor(alpha=0.65, final="mm"),
}
# Beyond these numbers of rows a peer takes minutes and more.
MOST_ROWS = {"robustat-MM": 10_000, "TheilSen": 100_000, "robpy-LTS": 100_000, "robpy-LTS-reweighted": 10_000}
PEER_SCRIPT = Path(__file__).with_name("regression_peers.py")


def least_squares(X, y):
    """Coefficients, the intercept last."""
    return np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]


def peers_of(interpreters):
    """Interpreter that runs each peer; the first that has it."""
    found = {}
    for python in [sys.executable, *interpreters]:
        listed = subprocess.run([python, PEER_SCRIPT, "--list"], capture_output=True, text=True, check=True)
        for name in json.loads(listed.stdout):
            found.setdefault(name, python)
    return found


def ask(python, name, rows, alpha, time_limit):
    """A peer's coefficients and seconds, or the reason for none."""
    try:
        done = subprocess.run(
            [python, PEER_SCRIPT, name, rows, str(alpha)], capture_output=True, text=True, timeout=time_limit
        )
    except subprocess.TimeoutExpired:
        return None, f"> {time_limit} s"
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return None, "no answer"
    if "error" in answer:
        return None, answer["error"][:40]
    return np.array(answer["coefficients"]), answer["seconds"]


def fit_ours(name, X, y):
    model = OURS[name]
    start = time.process_time()
    model.fit(X, y)
    return np.append(model.coef_, model.intercept_), time.process_time() - start


def print_head():
    print(f"{'n':>8} {'d':>3} {'rows':8} {'share':>5}  {'method':22} {'error':>8} {'worst':>8} {'seconds':>8} seeds")


def print_line(setting, method, errors, seconds, note):
    n, d, kind, share = setting
    head = f"{n:8d} {d:3d} {kind:8} {share:5.2f}  {method:22}"
    if errors:
        middle = f"{np.median(errors):8.4f} {max(errors):8.4f} {np.median(seconds):8.3f} {len(errors)}"
    else:
        middle = f"{'-':>8} {'-':>8} {'-':>8}"
    print(f"{head} {middle} {note}".rstrip(), flush=True)


def compare(peers, setting, args):
    """Print the lines of one setting."""
    n, d, kind, share = setting
    answers = {}
    for seed in range(args.seeds):
        X, y, bad, truth = linear_data(kind, n=n, d=d, share=share, seed=seed)
        target = truth if kind == "clean" else least_squares(X[~bad], y[~bad])
        for name in args.methods:
            answers.setdefault(f"LTS {name}", []).append((target, *fit_ours(name, X, y)))
        if seed >= args.peer_seeds:
            continue
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows.npz"
            np.savez(rows, X=X, y=y)
            for name, python in peers.items():
                if n <= MOST_ROWS.get(name, np.inf):
                    answers.setdefault(name, []).append(
                        (target, *ask(python, name, rows, 0.75 if share <= 0.2 else 0.5, args.time_limit))
                    )
    for name, runs in answers.items():
        good = [(np.linalg.norm(found - target), seconds) for target, found, seconds in runs if found is not None]
        notes = {seconds for _, found, seconds in runs if found is None}
        errors, seconds = [e for e, _ in good], [s for _, s in good]
        print_line(setting, name, errors, seconds, "; ".join(map(str, notes)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="append", default=[], metavar="PYTHON")
    parser.add_argument("--only-peers", nargs="*", help="names of the peers to run")
    parser.add_argument("--methods", nargs="+", default=list(OURS), choices=list(OURS))
    parser.add_argument("--rows", nargs="+", type=int, default=[10_000, 100_000])
    parser.add_argument("--columns", nargs="+", type=int, default=[20])
    parser.add_argument("--kinds", nargs="+", default=["clean", *KINDS])
    parser.add_argument("--shares", nargs="+", type=float, default=[0.1, 0.2, 0.3, 0.4])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--peer-seeds", type=int, default=1)
    parser.add_argument("--time-limit", type=float, default=300.0, help="seconds for one fit of a peer")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    peers = peers_of(args.peers)
    if args.only_peers is not None:
        peers = {name: python for name, python in peers.items() if name in args.only_peers}
    print(
        f"Python {platform.python_version()}, numpy {np.__version__}, one thread; peers: {', '.join(peers) or 'none'}"
    )
    print_head()
    for n in args.rows:
        for d in args.columns:
            for kind in args.kinds:
                for share in [0.0] if kind == "clean" else args.shares:
                    compare(peers, (n, d, kind, share), args)


if __name__ == "__main__":
    main()
