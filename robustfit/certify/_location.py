"""How far r changed rows can move the median or the trimmed mean of a sample: exactly."""

# SPDX-License-Identifier: BSD-3-Clause

from fractions import Fraction
from itertools import accumulate

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustfit.certify._threats import CertificateError, check_budgets

Floats = NDArray[np.float64]

_ANSWERED = ("insert_delete", "modify", "delete")


def median_range(values: ArrayLike, budget: ArrayLike, *, threat: str = "insert_delete") -> tuple[Floats, Floats]:
    """Lowest and highest median that changes to a sample can reach.

    Parameters
    ----------
    values : array-like of shape (n_samples,), float
        The sample; finite, at least one value. Whole numbers beyond 2^53 are rounded to float64.
    budget : int or array-like of int
        r: number of changes.
    threat : {"insert_delete", "modify", "delete"}, default="insert_delete"
        A change is a value inserted or deleted, a value replaced by any other, or a value deleted.

    Returns
    -------
    low, high : ndarray of float64, of the shape of ``budget``
        Infinite where the median can be moved beyond every bound, and where nothing may be left of the sample.

    Raises
    ------
    CertificateError
        If the threat is another one.
    ValueError
        If the sample is empty, not one-dimensional or not finite, or a budget is not a non-negative whole number.

    Notes
    -----
    **Guarantee.** After at most r changes the median lies between ``low`` and ``high``, whatever finite values come in,
    and both are reached or approached without end: the interval is exact, and rounded outwards. The median of an even
    number of values is the mean of the two in the middle.

    With x_0 ≤ ... ≤ x_{n−1}, q = r, and q = 2r for "modify": high is the mean of x_j for j = ⌊(n + q − 1)/2⌋ and
    ⌊(n + q)/2⌋, low that for j = ⌊(n − q − 1)/2⌋ and ⌊(n − q)/2⌋. docs/trimming.md has the proof.

    See Also
    --------
    trimmed_mean_range : The same for the mean of the middle part.

    Examples
    --------
    >>> from robustfit.certify import median_range
    >>> low, high = median_range([1.0, 2.0, 4.0, 8.0, 16.0], [0, 1, 2, 5])
    >>> low.tolist(), high.tolist()
    ([4.0, 3.0, 2.0, -inf], [4.0, 6.0, 8.0, inf])
    """
    ranked, budgets = _check(values, budget, threat)
    shifts = np.minimum(budgets, len(ranked) + 1) * (2 if threat == "modify" else 1)
    high = np.array([_upper_middle(ranked, int(q)) for q in shifts.ravel()]).reshape(shifts.shape)
    low = np.array([-_upper_middle(-ranked[::-1], int(q)) for q in shifts.ravel()]).reshape(shifts.shape)
    gone = (budgets >= len(ranked)) & (threat == "delete")
    return np.where(gone, -np.inf, low), np.where(gone, np.inf, high)


def trimmed_mean_range(
    values: ArrayLike, budget: ArrayLike, *, proportion: float, threat: str = "insert_delete"
) -> tuple[Floats, Floats]:
    """Lowest and highest trimmed mean that changes to a sample can reach.

    Parameters
    ----------
    values : array-like of shape (n_samples,), float
        The sample; finite, at least one value.
    budget : int or array-like of int
        r: number of changes.
    proportion : float
        Share of the values left out at each end, in [0, 0.5); of n values ``int(proportion * n)``, as in
        `scipy.stats.trim_mean`, where n is their number after the changes.
    threat : {"insert_delete", "modify", "delete"}, default="insert_delete"
        A change is a value inserted or deleted, a value replaced by any other, or a value deleted.

    Returns
    -------
    low, high : ndarray of float64, of the shape of ``budget``
        Infinite where the mean can be moved beyond every bound, and where nothing may be left of the sample.

    Raises
    ------
    CertificateError
        If the threat is another one.
    ValueError
        If the sample is empty, not one-dimensional or not finite, the proportion is out of range, or a budget is not a
        non-negative whole number.

    Notes
    -----
    **Guarantee.** After at most r changes the trimmed mean lies between ``low`` and ``high``, whatever finite values
    come in, and both are reached or approached without end. Sums are exact, and their mean is rounded outwards.

    The highest mean deletes the k smallest values and inserts m far above all others, k + m = r; every k is tried. For
    "modify" k = m = r, for "delete" m = 0. docs/trimming.md has the proof. The cost is n log n + r for each budget.

    See Also
    --------
    median_range : The same for the median.

    Examples
    --------
    >>> from robustfit.certify import trimmed_mean_range
    >>> low, high = trimmed_mean_range([1.0, 2.0, 4.0, 8.0, 16.0], [0, 1, 2], proportion=0.2, threat="modify")
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([4.67, 2.33, -inf], [4.67, 9.33, inf])
    """
    if not 0.0 <= proportion < 0.5:
        raise ValueError(f"proportion is the share left out at each end, in [0, 0.5), got {proportion!r}.")
    ranked, budgets = _check(values, budget, threat)
    high = np.array([_highest(ranked, int(r), float(proportion), threat) for r in budgets.ravel()])
    low = np.array([-_highest(-ranked[::-1], int(r), float(proportion), threat) for r in budgets.ravel()])
    return low.reshape(budgets.shape), high.reshape(budgets.shape)


def _check(values: ArrayLike, budget: ArrayLike, threat: str) -> tuple[Floats, NDArray[np.int64]]:
    if threat not in _ANSWERED:
        raise CertificateError(f"A sample's location cannot answer threat={threat!r}; it can {', '.join(_ANSWERED)}.")
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or len(sample) == 0 or not np.isfinite(sample).all():
        raise ValueError(f"values must be a 1-D array of at least one finite number, got shape {sample.shape}.")
    return np.sort(sample), check_budgets(budget)


def _upper_middle(ranked: Floats, q: int) -> float:
    """Median after the ranks in the middle have moved up by half of ``q``, rounded up."""
    n = len(ranked)
    if (n + q) // 2 >= n:
        return np.inf
    low, high = ranked[(n + q - 1) // 2].item(), ranked[(n + q) // 2].item()
    return _round_up((Fraction(low) + Fraction(high)) / 2)


def _highest(ranked: Floats, r: int, proportion: float, threat: str) -> float:
    n = len(ranked)
    if r >= n:
        return np.inf
    sums = [Fraction(0), *accumulate(map(Fraction, ranked.tolist()))]
    changes = {"modify": [(r, r)], "delete": [(r, 0)], "insert_delete": [(k, r - k) for k in range(r + 1)]}
    best: Fraction | None = None
    for deleted, inserted in changes[threat]:
        size = n - deleted + inserted
        cut = int(proportion * size)
        if inserted > cut:
            return np.inf
        first, last = deleted + cut, n + inserted - cut
        mean = (sums[last] - sums[first]) / (last - first)
        best = mean if best is None or mean > best else best
    return _round_up(best) if best is not None else np.inf


def _round_up(exact: Fraction) -> float:
    nearest = float(exact)
    return nearest if Fraction(nearest) >= exact else float(np.nextafter(nearest, np.inf))
