"""Sever: fit, drop the rows whose gradients stand out along their top direction, fit again."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from robustfit._meta._selection import keep_smallest
from robustfit.sanitize._linear._row_gradients import RowGradients

# The random threshold stops where the top variance is no more than this many times that of the middle of the rows:
# products of two normals have 2.9, and nothing can be said about the share of rows that would add less than a few more.
_QUIET = 9.0
_QUARTILE = 0.6744897501960817
# Below infinity, which means that a row is out already.
LARGEST = np.finfo(float).max


class Learner(NamedTuple):
    """What Sever asks of a learner; rows are numbered in an order that does not depend on where they stood.

    Attributes
    ----------
    fit : callable
        ``fit(index)`` gives the model fitted to some rows.
    slopes, losses : callable
        ``slopes(model)`` of all rows, of shape (n_rows, n_outputs), and ``losses(model)``, of shape (n_rows,).
    """

    fit: Callable[[np.ndarray], Any]
    slopes: Callable[[Any], np.ndarray]
    losses: Callable[[Any], np.ndarray]


class Severed(NamedTuple):
    """Where Sever came to.

    Attributes
    ----------
    model : estimator
    kept : ndarray of shape (n_rows,), bool
    history : list of dict
    """

    model: Any
    kept: np.ndarray
    history: list


def sever(learner, space, groups, quotas, codes, *, n_rounds, rng=None):
    """Drop rows in rounds.

    Parameters
    ----------
    learner : Learner
    space : RowSpace
        Of all rows.
    groups : list of ndarray of int
        Rows that are filtered together.
    quotas : list of int
        Rows to drop of each group; the most, with ``rng``.
    codes : ndarray of shape (n_rows,)
        Class of each row, of which half stays.
    n_rounds : int
    rng : numpy Generator, default=None
        Draws the threshold of each round between 0 and the largest score, and rounds end where gradients are quiet.

    Returns
    -------
    result : Severed
    """
    kept = np.ones(len(codes), dtype=bool)
    model = learner.fit(np.flatnonzero(kept))
    history = [_entry("start", kept, learner.losses(model))]
    for number in range(n_rounds):
        slopes = learner.slopes(model)
        before, loudest = np.count_nonzero(kept), 0.0
        for group, quota in zip(groups, quotas, strict=True):
            here = group[kept[group]]
            found, variance = gradient_scores(RowGradients(space.take(here), slopes[here]))
            loudest = max(loudest, variance)
            if rng is None:
                n_out = quota * (number + 1) // n_rounds
            else:
                n_out = min(len(group) - len(here) + _above_random(found, variance, rng), quota)
            scores = np.full(len(codes), np.inf)
            scores[here] = found
            kept[group] = keep_guarded(scores[group], len(group) - n_out, codes[group])
        if np.count_nonzero(kept) < before:
            model = learner.fit(np.flatnonzero(kept))
            history.append(_entry("filter", kept, learner.losses(model), loudest))
    return Severed(model, kept, history)


def gradient_scores(gradients):
    """Squares of the centred gradients along the direction in which they spread most, and the variance there."""
    mean = gradients.mean()
    direction, variance = gradients.spread(mean)
    scores = np.square(gradients.project(direction) - np.vdot(direction, mean))
    return np.nan_to_num(scores, nan=LARGEST, posinf=LARGEST), variance


def concentrate(learner, severed, codes, max_iter):
    """Let all rows compete again, for the smallest loss: as many stay as stayed before, and half of each class.

    Each step takes the rows with the smallest losses and fits to them, until they stay the same or the sum of their
    losses does not fall any more.

    Returns
    -------
    result : Severed
    """
    model, kept, history = severed
    losses = learner.losses(model)
    best = losses[kept].sum()
    for _ in range(max_iter):
        nearer = keep_guarded(losses, np.count_nonzero(kept), codes)
        if (nearer == kept).all():
            break
        closer = learner.fit(np.flatnonzero(nearer))
        losses = learner.losses(closer)
        if not losses[nearer].sum() < best:
            break
        model, kept, best = closer, nearer, losses[nearer].sum()
        history = [*history, _entry("concentrate", kept, losses)]
    return Severed(model, kept, history)


def keep_guarded(scores, n_keep, codes):
    """Mark the rows with the smallest scores, among them the better half of each class; ties go to the first.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Not negative.
    n_keep : int
        At least the sum of the halves, each rounded up.
    codes : ndarray of shape (n_rows,)

    Returns
    -------
    kept : ndarray of shape (n_rows,), bool
    """
    guarded = scores.copy()
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        guarded[rows[keep_smallest(scores[rows], (len(rows) + 1) // 2, lambda rows=rows: rows)]] = -1.0
    return keep_smallest(guarded, n_keep, lambda: np.arange(len(scores)))


def _above_random(scores, variance, rng):
    """How many scores lie above a random part of the largest one; none where the rows are quiet."""
    share = rng.random()
    middle = np.median(scores) / _QUARTILE**2
    return 0 if variance <= _QUIET * middle else int(np.count_nonzero(scores > share * scores.max()))


def _entry(stage, kept, losses, variance=None):
    entry = {"stage": stage, "n_kept": int(np.count_nonzero(kept)), "loss": float(losses[kept].mean())}
    return entry if variance is None else entry | {"variance": variance}
