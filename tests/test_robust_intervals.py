"""Ranges of the median and of the trimmed mean: equal to what every change to a small sample reaches."""

from itertools import combinations, combinations_with_replacement

import numpy as np
import pytest
from scipy.stats import trim_mean

from robustfit.certify import CertificateError, median_range, trimmed_mean_range

FAR = 1e9
THREATS = ("insert_delete", "modify", "delete")


def candidates(sample):
    """Values that stand for all others: far out on both sides, each value, and one between each two."""
    ranked = np.unique(sample)
    return [-FAR, *ranked, *(0.5 * (ranked[1:] + ranked[:-1])), FAR]


def changed(sample, r, threat):
    """Every sample within r changes, up to the choice of values between others."""
    n, new = len(sample), candidates(sample)
    for k in range(min(r, n) + 1):
        for kept in combinations(range(n), n - k):
            left = [sample[i] for i in kept]
            if threat == "delete":
                yield left
            elif threat == "modify":
                for extra in combinations_with_replacement(new, k):
                    yield left + list(extra)
            else:
                for m in range(r - k + 1):
                    for extra in combinations_with_replacement(new, m):
                        yield left + list(extra)


def reached(sample, r, threat, statistic):
    values = [statistic(s) if s else None for s in changed(sample, r, threat)]
    if None in values:
        return -np.inf, np.inf
    low, high = min(values), max(values)
    return (-np.inf if low < -1e7 else low), (np.inf if high > 1e7 else high)


def samples(seed, most):
    rng = np.random.default_rng(seed)
    for n in range(1, most + 1):
        yield rng.normal(size=n).round(2).tolist()
        yield rng.integers(3, size=n).astype(float).tolist()
        yield (100.0 ** rng.normal(size=n)).tolist()


@pytest.mark.parametrize("threat", THREATS)
def test_median_range_is_what_all_changes_reach(threat):
    for sample in samples(0, 5):
        for r in range(4 if threat == "delete" else 3):
            low, high = median_range(sample, r, threat=threat)
            expected = reached(sample, r, threat, np.median)
            assert (float(low), float(high)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("threat", THREATS)
@pytest.mark.parametrize("proportion", [0.0, 0.1, 0.2, 0.25, 0.34, 0.49])
def test_trimmed_mean_range_is_what_all_changes_reach(threat, proportion):
    for sample in samples(1, 5):
        for r in range(4 if threat == "delete" else 3):
            low, high = trimmed_mean_range(sample, r, proportion=proportion, threat=threat)
            expected = reached(sample, r, threat, lambda s: trim_mean(s, proportion))
            assert (float(low), float(high)) == pytest.approx(expected, rel=1e-12)


def test_trimmed_mean_range_of_more_values_than_can_be_enumerated():
    # Deletions of the smallest and insertions above the largest, in any mixture of at most r.
    rng = np.random.default_rng(2)
    for _ in range(40):
        n, proportion = int(rng.integers(6, 40)), float(rng.uniform(0, 0.5))
        sample = np.sort(rng.standard_t(2, size=n))
        r = int(rng.integers(0, n))
        values = [
            trim_mean(np.append(sample[k:], np.full(m, FAR)), proportion)
            for k in range(r + 1)
            for m in range(r - k + 1)
        ]
        high = trimmed_mean_range(sample, r, proportion=proportion)[1]
        assert float(high) == pytest.approx(np.inf if max(values) > 1e6 else max(values), rel=1e-9)


def test_random_changes_stay_inside():
    rng = np.random.default_rng(3)
    for _ in range(200):
        sample, r = rng.normal(size=15), int(rng.integers(0, 6))
        moved = np.append(np.delete(sample, rng.permutation(15)[: r // 2]), 10.0 * rng.normal(size=r - r // 2))
        for low, high, value in (
            (*median_range(sample, r), np.median(moved)),
            (*trimmed_mean_range(sample, r, proportion=0.2), trim_mean(moved, 0.2)),
        ):
            assert low - 1e-12 <= value <= high + 1e-12


def test_breakdown():
    sample = np.arange(21.0)
    assert np.isfinite(median_range(sample, 10, threat="modify")).all()
    assert np.isinf(median_range(sample, 11, threat="modify")).all()
    assert np.isfinite(median_range(sample, 20)).all()
    assert np.isinf(median_range(sample, 21)).all()
    assert np.isfinite(trimmed_mean_range(sample, 4, proportion=0.2, threat="modify")).all()
    assert np.isinf(trimmed_mean_range(sample, 5, proportion=0.2, threat="modify")).all()
    assert np.isinf(trimmed_mean_range(sample, 1, proportion=0.0)).all()


def test_shapes_order_and_huge_budgets():
    sample = [3.0, 1.0, 2.0]
    low, high = median_range(sample, [[0, 1], [2, 2**62]])
    assert low.shape == high.shape == (2, 2)
    assert (np.diff(high.ravel()) >= 0).all()
    assert (np.diff(low.ravel()) <= 0).all()
    assert low[1, 1] == -np.inf
    for found in (median_range, lambda *a: trimmed_mean_range(*a, proportion=0.2)):
        assert found(sample, 1) == found(sorted(sample), 1)
        assert found(sample, 2**62) == (-np.inf, np.inf)


def test_sums_are_exact_beside_huge_values():
    sample = [-1e300, 0.1, 0.2, 0.3, 1e300]
    low, high = trimmed_mean_range(sample, 0, proportion=0.2)
    assert low <= high
    assert float(low) == pytest.approx(0.2)


@pytest.mark.parametrize("threat", ["label_flip", "group", "anything"])
def test_other_threats_are_refused(threat):
    with pytest.raises(CertificateError, match="insert_delete, modify, delete"):
        median_range([1.0], 1, threat=threat)


@pytest.mark.parametrize("values", [[], [np.nan, 1.0], [np.inf], [[1.0]]])
def test_bad_samples(values):
    for found in (median_range, lambda *a: trimmed_mean_range(*a, proportion=0.2)):
        with pytest.raises(ValueError, match="at least one finite number"):
            found(values, 1)


def test_bad_numbers():
    with pytest.raises(ValueError, match=r"in \[0, 0.5\), got 0.5"):
        trimmed_mean_range([1.0, 2.0], 1, proportion=0.5)
    with pytest.raises(ValueError, match="non-negative whole number"):
        median_range([1.0, 2.0], -1)


def test_medians_are_rounded_outwards_and_equal_values_not_at_all():
    tiny = 5e-324
    for sample, exact in (([tiny], tiny), ([3 * tiny] * 3, 3 * tiny), ([3 * tiny] * 2, 3 * tiny)):
        low, high = median_range(sample, 0)
        assert low == high == exact
    low, high = median_range([1.0, np.nextafter(1.0, 2.0)], 0)
    assert (low, high) == (1.0, np.nextafter(1.0, 2.0))
    assert median_range([1.7e308, 1.7e308], 0)[1] == 1.7e308
