"""Linear regressions with a share of bad rows: four ways to be bad, from gross to sly. Needs numpy alone."""

import numpy as np

KINDS = ("cluster", "statp", "spread", "mild")


def linear_data(kind, *, n, d, share, seed):
    """Rows of a linear model with noise of variance 1, the last ones replaced by bad ones.

    Parameters
    ----------
    kind : {"clean", "cluster", "statp", "spread", "mild"}
        cluster: a tight cluster far out, ``|x| = 8``, all with ``y = 40``.
        statp: features in corners of the box of the clean ones, drawn from their moments and rounded; y at the end of
        its range that is farther from the truth (Jagielski et al., 2018).
        spread: features three times as wide, on the plane with the opposite slopes.
        mild: a tight cluster inside the bulk, ``|x| = 2``, six standard deviations below the plane.
    n, d, seed : int
    share : float
        Of bad rows among the ``n``.

    Returns
    -------
    X, y : ndarrays
    bad : ndarray of bool
    truth : ndarray of shape (d + 1,)
        Slopes and intercept.
    """
    rng = np.random.default_rng([seed, n, d, KINDS.index(kind) if kind in KINDS else 9])
    slopes = _direction(rng, d, 3.0)
    X = _autoregressive(rng, n, d)
    y = X @ slopes + 1.0 + rng.normal(size=n)
    n_bad = 0 if kind == "clean" else round(share * n)
    bad = np.arange(n) >= n - n_bad
    if n_bad:
        X[bad], y[bad] = _BAD[kind](rng, n_bad, X[~bad], y[~bad], slopes)
    order = rng.permutation(n)
    return X[order], y[order], bad[order], np.append(slopes, 1.0)


def _direction(rng, d, length):
    v = rng.normal(size=d)
    return length * v / np.linalg.norm(v)


def _autoregressive(rng, n, d, rho=0.5):
    X = rng.normal(size=(n, d))
    for j in range(1, d):
        X[:, j] = rho * X[:, j - 1] + np.sqrt(1 - rho**2) * X[:, j]
    return X


def _cluster(rng, m, X, y, slopes):
    centre = _direction(rng, len(slopes), 8.0)
    return centre + 0.1 * rng.normal(size=(m, len(slopes))), 40.0 + 0.1 * rng.normal(size=m)


def _statp(rng, m, X, y, slopes):
    low, high = X.min(axis=0), X.max(axis=0)
    drawn = rng.multivariate_normal(X.mean(axis=0), np.cov(X.T), size=m)
    corners = np.where(drawn > (low + high) / 2, high, low)
    return corners, np.where(corners @ slopes + 1.0 > (y.min() + y.max()) / 2, y.min(), y.max())


def _spread(rng, m, X, y, slopes):
    wide = 3.0 * _autoregressive(rng, m, len(slopes))
    return wide, -wide @ slopes + 1.0 + rng.normal(size=m)


def _mild(rng, m, X, y, slopes):
    rows = _direction(rng, len(slopes), 2.0) + 0.1 * rng.normal(size=(m, len(slopes)))
    return rows, rows @ slopes + 1.0 - 6.0 + 0.1 * rng.normal(size=m)


_BAD = {"cluster": _cluster, "statp": _statp, "spread": _spread, "mild": _mild}
