"""From the votes of some members to the radii of an ensemble with more of them: arrays in, arrays out.

Of each row two numbers matter: the members that answer right, and their strongest rivals. Of a vote the rivals are
those who agree on one wrong label, of a median those who err on the same side.
"""

# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._threats import units_from_shards

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_ROUNDS = 100
_NEVER = 1e-9


def vote_counts(votes: NDArray[np.signedinteger], truth: Integers, n_classes: int) -> tuple[Integers, Integers]:
    """Votes for the true class, and for its strongest rival.

    Parameters
    ----------
    votes : ndarray of shape (n_samples, n_members)
        Class index that each member votes for; −1 abstains.
    truth : ndarray of shape (n_samples,)
        Index of the true class.
    n_classes : int

    Returns
    -------
    right, rivals : ndarray of shape (n_samples,)
    """
    counts = np.stack([np.sum(votes == label, axis=1) for label in range(n_classes)], axis=1)
    rows = np.arange(len(truth))
    right = counts[rows, truth]
    counts[rows, truth] = 0
    return right, counts.max(axis=1)


def median_counts(predictions: Floats, truth: Floats, tol: Floats) -> tuple[Integers, Integers]:
    """Members that keep a median within its tolerance, and those who err on the stronger side.

    Parameters
    ----------
    predictions : ndarray of shape (n_samples, n_members)
        NaN where a member abstains.
    truth, tol : ndarray of shape (n_samples,)

    Returns
    -------
    right, rivals : ndarray of shape (n_samples,)
    """
    above = np.sum(predictions > (truth + tol)[:, None], axis=1)
    below = np.sum(predictions < (truth - tol)[:, None], axis=1)
    rivals = np.maximum(above, below)
    # Whoever errs on the other side holds the median back as well as one who is right.
    return np.isfinite(predictions).sum(axis=1) - rivals, rivals


def mixture(right: Integers, rivals: Integers, n_members: int) -> tuple[Floats, Floats]:
    """How likely members are to be right or rivals, spread over the rows.

    Shares of few members differ between rows by chance as well, so that they say too little of rows that are
    sure and too much of rows that are not. Expectation maximisation, from the shares as they are, finds
    the mixture of likelihoods that best explains them.

    Parameters
    ----------
    right, rivals : ndarray of shape (n_samples,)
        Counted among the same number of members.
    n_members : int

    Returns
    -------
    shares : ndarray of shape (n_components, 3)
        Probability that a member is right, a rival or neither, by ascending lead of the right.
    weights : ndarray of shape (n_components,)
        Share of rows with these probabilities.

    References
    ----------
    .. [1] N. Laird, "Nonparametric Maximum Likelihood Estimation of a Mixing Distribution", JASA 73, 1978.
    """
    counts, n_rows = np.unique(
        np.stack([right, rivals, n_members - right - rivals], axis=1), axis=0, return_counts=True
    )
    order = np.argsort(counts[:, 0] - counts[:, 1], kind="stable")
    counts, n_rows = counts[order], n_rows[order]
    shares = counts / n_members
    fit = counts @ np.log(np.maximum(shares, _NEVER)).T
    likelihood = np.exp(fit - fit.max(axis=1, keepdims=True))
    weights = n_rows / n_rows.sum()
    for _ in range(_ROUNDS):
        belongs = likelihood * weights
        weights = (n_rows / belongs.sum(axis=1)) @ belongs / n_rows.sum()
    return shares, weights


def draw_radius(
    shares: Floats, weights: Floats, n_members: int, n_rows: int, shards_per_unit: int, rng: np.random.Generator
) -> Integers:
    """Let an ensemble vote on rows of a mixture.

    Parameters
    ----------
    shares, weights : ndarray
        As `mixture` returns them.
    n_members : int
        Members of the ensemble.
    n_rows : int
        Rows to draw, in proportion to the weights.
    shards_per_unit : int
        Members that one unit of the threat may touch.
    rng : numpy.random.Generator

    Returns
    -------
    radius : ndarray of shape (n_rows,), int64
        In units of the threat; −1 where the answer is wrong. Ties count as lost.
    """
    places = (np.arange(n_rows) + 0.5) / n_rows
    component = np.minimum(np.searchsorted(np.cumsum(weights), places), len(weights) - 1)
    counts = rng.multinomial(n_members, shares[component])
    # A member taken over costs the lead two votes.
    shards = -(-(counts[:, 0] - counts[:, 1]) // 2) - 1
    return units_from_shards(np.maximum(shards, -1), shards_per_unit, n_members)


def certified_curve(radius: Integers, budgets: Integers) -> Floats:
    """Share of rows whose radius reaches each budget."""
    ranked = np.sort(radius)
    return (len(ranked) - np.searchsorted(ranked, budgets)) / len(ranked)


def certified_area(radius: Integers, floor: float) -> float:
    """Sum over all budgets of the certified accuracy above ``floor``."""
    curve = certified_curve(radius, np.arange(max(0, int(radius.max())) + 1))
    return float(np.maximum(curve - floor, 0).sum())


def middle_radius(radius: Integers) -> int:
    """Largest budget with certified accuracy of at least one half; −1 if there is none."""
    return int(np.sort(radius)[len(radius) // 2])


def constant_label(truth: Integers) -> float:
    """Share of rows that the best constant label answers right."""
    return float(np.bincount(truth).max() / len(truth))


def constant_value(truth: Floats, tol: Floats) -> float:
    """Share of rows that the best constant value answers within their tolerances."""
    opens, closes = np.sort(truth - tol), np.sort(truth + tol)
    # The best value can be taken where an interval opens; those that close just there still count.
    return float((np.arange(1, len(truth) + 1) - np.searchsorted(closes, opens)).max() / len(truth))
