"""The mean of vectors of which a minority may be anything: filters along the direction of the largest spread."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from robustfit.sanitize._linear._row_gradients import RowGradients
from robustfit.sanitize._linear._row_space import RowSpace
from robustfit.trimmed._sever._sever import LARGEST, keep_guarded


class FilteredMean(NamedTuple):
    """A robust mean and what it rests on.

    Attributes
    ----------
    mean : ndarray
        Of the vectors kept.
    kept : ndarray of shape (n_vectors,), bool
    variance : float
        Of the vectors kept, along the direction in which they spread most: the mean can be off by about the square
        root of contamination × variance.
    """

    mean: np.ndarray
    kept: np.ndarray
    variance: float


def filtered_mean(vectors, contamination, *, n_rounds=8):
    """Estimate the mean of vectors of which a share may be anything.

    Each round finds the direction of the largest variance of the vectors still there and drops those that are
    farthest, along it, from the median. All rounds together drop ⌊contamination · n⌋ vectors.

    Parameters
    ----------
    vectors : ndarray of shape (n_vectors, n_features)
    contamination : float
        In [0, 0.5).
    n_rounds : int, default=8

    Returns
    -------
    result : FilteredMean

    Raises
    ------
    ValueError
        If there is no vector, a value is not finite or the contamination is out of range.

    Notes
    -----
    Where the good vectors have a covariance of at most σ², bad ones that move the mean far have to spread it along
    some direction, and there they lie far out. Coordinates count as they are: bring them to one unit first. Dropping
    a fixed number makes the mean of skewed clean vectors lean to the side of the median.

    References
    ----------
    .. [1] I. Diakonikolas, G. Kamath, D. Kane, J. Li, A. Moitra and A. Stewart, "Being Robust (in High Dimensions) Can
       Be Practical", ICML 2017.
    .. [2] I. Diakonikolas and D. Kane, "Algorithmic High-Dimensional Robust Statistics", Cambridge University Press,
       2023, chapter 2.

    Examples
    --------
    >>> import numpy as np
    >>> from robustfit.trimmed._robust_mean import filtered_mean
    >>> vectors = np.random.default_rng(0).normal(size=(500, 20))
    >>> vectors[:50] += 2.0
    >>> naive, robust = vectors.mean(axis=0), filtered_mean(vectors, 0.1).mean
    >>> bool(np.linalg.norm(robust) < 0.5 * np.linalg.norm(naive))
    True
    """
    vectors = np.asarray(vectors, dtype=np.float64)
    if vectors.ndim != 2 or not len(vectors):
        raise ValueError(f"vectors must be a table with one row or more, got shape {vectors.shape}.")
    if not np.isfinite(vectors).all():
        raise ValueError("vectors holds NaN or infinity; drop those rows first.")
    if not 0 <= contamination < 0.5:
        raise ValueError(f"contamination must be in [0, 0.5), a share of the vectors, got {contamination!r}.")
    space = RowSpace(vectors, np.zeros(vectors.shape[1]), intercept=False)
    gradients = RowGradients(space, np.ones((len(vectors), 1)))
    # A hair less than a whole number is that number.
    n_out = int(contamination * len(vectors) + 1e-9)
    found = filter_gradients(gradients, n_out, n_rounds, np.zeros(len(vectors), dtype=int))
    return found._replace(mean=found.mean[:, 0])


def filter_gradients(gradients, n_out, n_rounds, codes):
    """Filter vectors that are given as products; see `filtered_mean`.

    Parameters
    ----------
    gradients : RowGradients
        In an order that does not depend on where rows stood: ties go to the first.
    n_out : int
        Vectors to drop, not half of them.
    n_rounds : int
    codes : ndarray of shape (n_vectors,)
        Class of each, of which half stays.

    Returns
    -------
    result : FilteredMean
    """
    n_vectors = len(codes)
    kept, left = np.ones(n_vectors, dtype=bool), gradients
    for number in range(n_rounds):
        n_keep = n_vectors - n_out * (number + 1) // n_rounds
        if n_keep == np.count_nonzero(kept):
            continue
        along = left.project(left.spread(left.mean())[0])
        distances = np.full(n_vectors, np.inf)
        distances[kept] = np.nan_to_num(np.abs(along - np.median(along)), nan=LARGEST, posinf=LARGEST)
        kept = keep_guarded(distances, n_keep, codes)
        left = gradients.take(kept)
    mean = left.mean()
    return FilteredMean(mean, kept, left.spread(mean)[1])
