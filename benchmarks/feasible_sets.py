"""Feasible sets against CVXPY with Clarabel: one table of times, ratios and differences.

    OMP_NUM_THREADS=1 python benchmarks/feasible_sets.py [--repeats 9] [--skip-large]

CVXPY is timed twice: written anew for each direction ("new"), and compiled once with the direction as a parameter
("again"). Ours is timed with one direction per call, and per direction in a batch of 64. A ratio stands under
the name of what it is to. For whole numbers and categories CVXPY answers the relaxation to reals: the table says how
much looser.
"""

import argparse
import statistics
import time

import cvxpy as cp
import numpy as np

from robustfit.certify import BoxedSphereSlab, IntegerSphereSlab, OneHotSphereSlab, SphereSlab

HEADER = (
    f"{'set':<12}{'d':>5}{'new ms':>9}{'again ms':>9}{'ours ms':>9}{'new':>7}{'again':>7}{'batch ms':>9}{'again':>7}"
    f"{'bound-peer':>12}{'bound-value':>12}{'violation':>10}"
)


def seconds(function):
    """Wall time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def problem(name, d, rng):
    """A set, and the constraints that say the same to CVXPY on offsets from the centre."""
    normal = rng.normal(size=d)
    size = float(np.linalg.norm(normal))
    z = cp.Variable(d)
    center, more, radius, width = rng.random(d), [], 0.4 * np.sqrt(d), 0.02 * np.sqrt(d) * size
    if name == "sphere-slab":
        kept = SphereSlab(center, radius, normal, width)
    elif name == "box":
        kept = BoxedSphereSlab(center, radius, normal, width, lower=0.0, upper=1.0)
        more = [z >= -center, z <= 1 - center]
    elif name == "integer":
        center, radius, width = np.minimum(rng.gamma(0.2, 0.5, size=d), 0.45), 0.4 * np.sqrt(d), size
        kept = IntegerSphereSlab(center, radius, normal, width)
        more = [z >= -center]
    else:
        # Three columns in four encode categories of four values, the others are real.
        groups = np.arange(d - d % 16).reshape(-1, 16)[:, :12].reshape(-1, 4)
        center = rng.random(d)
        center[groups] = rng.dirichlet(np.ones(4), size=len(groups))
        radius, width = 0.42 * np.sqrt(d), size
        kept = OneHotSphereSlab(center, radius, normal, width, groups=groups, lower=0.0, upper=1.0)
        more = [z >= -center, z <= 1 - center, *(cp.sum(z[group]) == 0 for group in groups)]
    return kept, z, [cp.norm(z) <= radius, cp.abs(normal @ z) <= width, *more]


def row(name, d, repeats):
    """One line of the table: medians over directions; differences relative to the bound's distance from the centre."""
    rng = np.random.default_rng(d)
    kept, z, constraints = problem(name, d, rng)
    direction = cp.Parameter(d)
    peer = cp.Problem(cp.Maximize(direction @ z), constraints)
    directions = rng.normal(size=(64, d))
    direction.value = directions[-1]
    peer.solve(solver=cp.CLARABEL)
    kept.maximize(directions[-1])

    anew, again, ours, difference = [], [], [], []
    for u in directions[:repeats]:
        direction.value = u
        anew.append(seconds(lambda u=u: cp.Problem(cp.Maximize(u @ z), constraints).solve(solver=cp.CLARABEL)))
        again.append(seconds(lambda: peer.solve(solver=cp.CLARABEL)))
        ours.append(statistics.median(seconds(lambda u=u: kept.maximize(u)) for _ in range(5)))
        difference.append((kept.maximize(u).bound - u @ kept.center - peer.value) / abs(peer.value))
    batch = statistics.median(seconds(lambda: kept.maximize(directions)) for _ in range(3)) / len(directions)
    support = kept.maximize(directions)
    gap = (support.bound - support.value) / np.abs(support.bound - directions @ kept.center)
    new, old, our = (statistics.median(times) for times in (anew, again, ours))
    worst = difference[int(np.abs(difference).argmax())]
    return (
        f"{name:<12}{d:>5}{1e3 * new:>9.2f}{1e3 * old:>9.2f}{1e3 * our:>9.3f}{new / our:>6.0f}x{old / our:>6.0f}x"
        f"{1e3 * batch:>9.4f}{old / batch:>6.0f}x{worst:>12.1e}{gap.max():>12.1e}"
        f"{kept.violation(support.point).max():>10.1e}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, help="directions that are timed, at most 64")
    parser.add_argument("--skip-large", action="store_true", help="leave out 5 000 columns")
    options = parser.parse_args()
    print(HEADER)
    for name in ("sphere-slab", "box", "integer", "one-hot"):
        for d in (54, 784) if options.skip_large else (54, 784, 5000):
            print(row(name, d, options.repeats), flush=True)


if __name__ == "__main__":
    main()
