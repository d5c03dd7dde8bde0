"""Regression intervals and radii equal brute force, for odd and even sizes, abstentions and ties."""

import numpy as np
import pytest
from brute_force import median, true_interval

from robustfit.certify import IntervalCertificate
from robustfit.certify._median import median_interval, median_prediction, sort_predictions


def random_table(rng):
    n_members = int(rng.integers(0, 7))
    values = np.round(rng.normal(size=n_members), int(rng.integers(0, 3)))
    values[rng.random(n_members) < 0.2] = np.nan
    return values


def as_cells(values):
    return [None if np.isnan(v) else float(v) for v in values]


@pytest.mark.parametrize("seed", range(20))
def test_intervals_are_exact(seed, effort):
    rng = np.random.default_rng(seed)
    for _ in range(60 * effort):
        values = random_table(rng)
        ranked, n_voting = sort_predictions(values[None, :])
        assert median_prediction(ranked, n_voting)[0] == median(as_cells(values))
        for r in range(len(values) + 1):
            low, high = median_interval(ranked, n_voting, r)
            assert (low[0], high[0]) == true_interval(as_cells(values), r), (values, r)


@pytest.mark.parametrize("threat", ["insert_delete", "modify"])
@pytest.mark.parametrize("seed", range(10))
def test_radii_are_exact(seed, threat, effort):
    rng = np.random.default_rng(100 + seed)
    shards_per_unit = {"insert_delete": 1, "modify": 2}[threat]
    for _ in range(30 * effort):
        values = random_table(rng)
        if not len(values):
            continue
        certificate = IntervalCertificate.from_predictions(values[None, :], threat=threat)
        y, tol = round(rng.normal(), 1), float(rng.choice([0, 0.1, 0.5, 1, 3]))
        truth = -1
        while truth < len(values):
            ends = true_interval(as_cells(values), (truth + 1) * shards_per_unit)
            if any(abs(end - y) > tol for end in ends):
                break
            truth += 1
        assert certificate.radius([y], tol)[0] == truth


def test_rows_are_certified_one_by_one():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(200, 9))
    table[rng.random(table.shape) < 0.3] = np.nan
    certificate = IntervalCertificate.from_predictions(table)
    y = rng.normal(size=200)
    radius = certificate.radius(y, 0.7)
    for row in range(200):
        single = IntervalCertificate.from_predictions(table[row : row + 1])
        assert single.radius(y[row : row + 1], 0.7)[0] == radius[row]
        for budget in range(6):
            assert single.interval(budget)[0][0] == certificate.interval(budget)[0][row]


def test_even_ensembles_shift_both_middle_values():
    certificate = IntervalCertificate.from_predictions([[0.0, 1.0, 10.0, 11.0]])
    assert certificate.prediction[0] == 5.5
    low, high = certificate.interval(1)
    assert (low[0], high[0]) == (0.5, 10.5)
    assert certificate.interval(2)[0][0] == -np.inf


def test_infinite_predictions_abstain():
    certificate = IntervalCertificate.from_predictions([[np.inf, 1.0, 2.0, 3.0, np.nan, -np.inf]])
    assert certificate.prediction[0] == 2.0
    assert certificate.n_voting[0] == 3
    assert certificate.interval(1)[1][0] == 3.0


def test_huge_predictions_do_not_overflow():
    certificate = IntervalCertificate.from_predictions([[1.7e308, 1.7e308]])
    assert certificate.prediction[0] == 1.7e308


def test_bad_input():
    with pytest.raises(ValueError, match="2-D array"):
        IntervalCertificate.from_predictions([1.0, 2.0])
    certificate = IntervalCertificate.from_predictions([[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="non-negative whole number"):
        certificate.interval(-1)
    with pytest.raises(ValueError, match="round up"):
        certificate.interval(0.5)
    with pytest.raises(ValueError, match="non-negative number"):
        certificate.radius([1.0], -0.5)
    with pytest.raises(ValueError, match="y holds NaN"):
        certificate.radius([np.nan], 1.0)
    with pytest.raises(ValueError, match="one value per certified row"):
        certificate.radius([1.0, 2.0], 1.0)
