"""What trimming survives and what it does not, and what capping near-copies changes about that."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_classification
from sklearn.linear_model import LogisticRegression, Ridge

from robustfit.sanitize._column_units import ColumnUnits
from robustfit.sanitize._copies import cap_copies
from robustfit.trimmed import LTSRegressor, TrimmedClassifier, TrimmedRegressor, TrimmingWarning


def mild(share, *, n=600, d=5, seed=0):
    """A tight cluster inside the bulk, six standard deviations below the plane."""
    rng = np.random.default_rng(seed)
    slopes = rng.normal(size=d)
    slopes *= 3.0 / np.linalg.norm(slopes)
    X = rng.normal(size=(n, d))
    y = X @ slopes + 1.0 + rng.normal(size=n)
    bad = np.arange(n) >= n - round(share * n)
    centre = rng.normal(size=d)
    X[bad] = 2.0 * centre / np.linalg.norm(centre) + 0.1 * rng.normal(size=(bad.sum(), d))
    y[bad] = X[bad] @ slopes - 5.0 + 0.1 * rng.normal(size=bad.sum())
    return X, y, bad, np.append(slopes, 1.0)


def far(share, *, n=600, d=5, seed=0):
    """A tight cluster far out."""
    X, y, bad, truth = mild(share, n=n, d=d, seed=seed)
    X[bad] = 8.0 * np.ones(d) / np.sqrt(d) + 0.1 * X[bad]
    y[bad] = 40.0
    return X, y, bad, truth


def error(model, truth):
    return float(np.linalg.norm(np.append(model.coef_, model.intercept_) - truth))


def oracle_ratio(X, y, bad, model):
    """objective(found) / objective(started at the good rows): below 1 the optimum itself is poisoned."""
    h = int(model.support_.sum())
    rows = np.column_stack([X, np.ones(len(y))])
    kept = np.flatnonzero(~bad)
    for _ in range(50):
        coef = np.linalg.lstsq(rows[kept], y[kept], rcond=None)[0]
        kept = np.argsort((y - rows @ coef) ** 2)[:h]
    return model.objective_ / float(np.sort((y - rows @ coef) ** 2)[:h].sum())


@pytest.mark.parametrize(("data", "share"), [(mild, 0.3), (mild, 0.4), (far, 0.4)])
def test_a_tight_cluster_is_a_failure_of_the_objective_and_capping_copies_is_its_remedy(data, share):
    for seed in range(3):
        X, y, bad, truth = data(share, seed=seed)
        plain = LTSRegressor(alpha=0.6).fit(X, y)
        assert oracle_ratio(X, y, bad, plain) < 0.9
        assert error(plain, truth) > 1.0
        capped = LTSRegressor(alpha=0.6, max_copies=5).fit(X, y)
        assert error(capped, truth) < 0.5
        assert capped.n_copies_ >= 0.9 * bad.sum()
        assert not capped.weights_[~cap_copies(X, y, 5)].any()


def test_more_trimming_is_not_safer():
    X, y, _, truth = mild(0.25)
    assert error(LTSRegressor(alpha=0.5).fit(X, y), truth) > 1.0
    assert error(LTSRegressor(alpha=0.6).fit(X, y), truth) < 0.5


def test_trimming_too_little_fails():
    X, y, _, truth = far(0.2)
    assert error(LTSRegressor(alpha=0.95).fit(X, y), truth) > 1.0


def test_capping_costs_clean_data_next_to_nothing():
    lost = []
    for load, classes in ((load_wine, True), (load_breast_cancer, True), (load_diabetes, False)):
        X, y = load(return_X_y=True)
        lost.append(1.0 - cap_copies(X, y.astype(np.float64), 5, classes=classes).mean())
    X, y, _, _ = mild(0.0)
    lost.append(1.0 - cap_copies(X, y, 5).mean())
    assert max(lost) == 0.0
    assert LTSRegressor(max_copies=5).fit(X, y).coef_.tolist() == LTSRegressor().fit(X, y).coef_.tolist()


@pytest.mark.parametrize("max_copies", [1, 2, 5, 30])
def test_of_equal_rows_so_many_count(max_copies):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 3)), rng.normal(size=200)
    X[0] = 6.0
    X[150:], y[150:] = X[0], y[0]
    same = (y == y[0]).nonzero()[0]
    counted = cap_copies(X, y, max_copies)
    assert counted[same].sum() == max_copies
    # One or two more may go where chance brings two rows together.
    assert 0 <= 200 - len(same) + max_copies - counted.sum() <= 2


def test_every_row_left_out_has_enough_near_rows_that_count():
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(500, 2)), rng.normal(size=500)
    X[300:] = 1.0 + 0.02 * rng.normal(size=(200, 2))
    y[300:] = 0.02 * rng.normal(size=200)
    counted = cap_copies(X, y, 4)
    assert 100 < (~counted).sum() <= 196
    table = np.column_stack([X, y])
    table = ColumnUnits(table)(table)
    distances = np.linalg.norm(table[:, None] - table[None], axis=2)
    typical = np.median(np.sort(distances, axis=1)[:, 4])
    near = np.sum(distances[~counted][:, counted] <= 0.5 * typical * (1.0 + 1e-9), axis=1)
    assert (near >= 4).all()


def test_order_of_rows_means_nothing():
    X, y, _, _ = mild(0.3)
    order = np.random.default_rng(2).permutation(len(y))
    assert np.array_equal(cap_copies(X[order], y[order], 5), cap_copies(X, y, 5)[order])


@pytest.mark.parametrize("attack", ["far rows", "spread rows", "tight rows"])
def test_bad_rows_do_not_set_the_scale(attack):
    # Whatever 40 % of the rows are, good rows are no copies of each other, and copies are.
    rng = np.random.default_rng(3)
    good = rng.normal(size=(360, 4))
    bad = rng.normal(size=(240, 4)) * {"far rows": 1e6, "spread rows": 30.0, "tight rows": 1e-6}[attack]
    X, y = np.vstack([good, bad]), np.concatenate([good[:, 0], np.zeros(240)])
    X[340:360], y[340:360] = 1.0 + 1e-3 * rng.normal(size=(20, 4)), 1.0
    counted = cap_copies(X, y, 5)
    assert counted[:340].mean() > 0.97
    assert counted[340:360].sum() <= 6


@pytest.mark.parametrize("spot", [4.0, 0.0])
@pytest.mark.parametrize("zeros", [0.45, 0.48, 0.499, 0.52, 0.6])
def test_columns_that_are_half_zeros_have_units(zeros, spot):
    """Bad rows near zero would make a median absolute deviation there as small as they like."""
    rng = np.random.default_rng(10)
    X = rng.normal(size=(600, 5)) + 4.0
    X[rng.permutation(600)[: int(600 * zeros)], 0] = 0.0
    X[rng.permutation(600)[: int(600 * zeros)], 1] = 0.0
    y = X @ np.ones(5) + rng.normal(size=600)
    X[:150] = [spot, spot, 5.0, 5.0, 5.0] + 0.02 * rng.normal(size=(150, 5))
    y[:150] = 0.1 * rng.normal(size=150)
    counted = cap_copies(X, y, 5)
    assert counted[:150].sum() <= 8
    assert counted[150:].mean() > 0.99
    model = LTSRegressor(alpha=0.75, max_copies=5).fit(X, y)
    assert np.abs(model.coef_ - 1.0).max() < 0.25
    assert model.n_copies_ == np.count_nonzero(~counted)


def test_far_rows_in_all_columns_but_one_hide_no_copies():
    rng = np.random.default_rng(11)
    X = rng.normal(size=(800, 5))
    X[:180, 1:] = 1e6 * rng.normal(size=(180, 4))
    # As spread as good rows in the column that has no far rows.
    X[180:380, 1:] = 1.0 + 0.01 * rng.normal(size=(200, 4))
    counted = cap_copies(X, np.zeros(800), 5)
    assert counted[180:380].mean() < 0.2
    assert counted[380:].mean() > 0.99


def test_copies_of_labels_count_within_their_class():
    rng = np.random.default_rng(4)
    X, codes = rng.normal(size=(200, 3)), rng.integers(2, size=200).astype(float)
    X[100:140], codes[100:120], codes[120:140] = X[0], 0.0, 1.0
    codes[0] = 0.0
    counted = cap_copies(X, codes, 3, classes=True)
    assert counted[120:140].sum() == 3
    assert counted[[0, *range(100, 120)]].sum() == 3


def test_rows_that_repeat_by_nature_are_refused():
    rng = np.random.default_rng(5)
    X, y = rng.integers(2, size=(200, 2)).astype(float), rng.integers(2, size=200).astype(float)
    with pytest.raises(ValueError, match=r"repeat by nature.*Raise max_copies, or leave it None"):
        cap_copies(X, y, 5, classes=True)
    assert cap_copies(X, y, 150, classes=True).all()
    assert cap_copies(X, y, 10_000).all()


def test_missing_and_infinite_numbers_are_places_like_others():
    rng = np.random.default_rng(6)
    X, y = rng.normal(size=(100, 3)), rng.normal(size=100)
    X[:20], y[:20] = [np.nan, np.inf, 1.0], 0.0
    assert cap_copies(X, y, 5)[:20].sum() == 5


def test_other_containers_count_equal_rows():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(30, 2))
    X[20:] = X[0]
    y = np.zeros(30)
    for container in (sp.csr_matrix(X), pd.DataFrame(X, columns=["a", "b"]), [str(row) for row in X.tolist()]):
        counted = cap_copies(container, y, 3)
        assert counted.sum() == 22
        assert counted[1:20].all()


def test_wrappers_leave_copies_out():
    rng = np.random.default_rng(8)
    X, y = make_classification(n_samples=600, n_features=10, n_informative=6, class_sep=1.5, random_state=0)
    test_X, test_y, X, y = X[300:], y[300:], X[:300], y[:300]
    clean = LogisticRegression().fit(X, y).score(test_X, test_y)
    bad = X[y == 0].mean(axis=0) + 0.05 * rng.normal(size=(128, 10))
    X, y = np.vstack([X, bad]), np.append(y, np.ones(128, dtype=int))
    with pytest.warns(TrimmingWarning, match="cannot be told"):
        model = TrimmedClassifier(contamination=0.3).fit(X, y)
    assert model.score(test_X, test_y) < clean - 0.03
    model = TrimmedClassifier(contamination=0.02, max_copies=5).fit(X, y)
    assert model.score(test_X, test_y) > clean - 0.02
    assert np.isnan(model.losses_).sum() == 123
    assert not model.support_[np.isnan(model.losses_)].any()

    X, y, bad, truth = mild(0.4)
    trimmed = TrimmedRegressor(Ridge(), contamination=0.2, max_copies=5).fit(X, y)
    assert np.linalg.norm(trimmed.estimator_.coef_ - truth[:-1]) < 0.5
    assert error(TrimmedRegressor(Ridge(), contamination=0.4).fit(X, y).estimator_, truth) > 1.0


@pytest.mark.parametrize("estimator", [LTSRegressor, TrimmedRegressor, TrimmedClassifier])
def test_bad_max_copies(estimator):
    with pytest.raises(ValueError, match="max_copies"):
        estimator(max_copies=0).fit(np.eye(8), np.arange(8) % 2)


def test_thirty_percent_of_far_flips_are_a_failure_of_the_objective():
    rng = np.random.default_rng(9)
    X = rng.normal(size=(1000, 20))
    w = rng.normal(size=20) / np.sqrt(20)
    y = (X @ w + 0.3 * rng.normal(size=1000) > 0).astype(int)
    flipped = np.argsort(-np.abs(X @ w))[:300]
    poisoned = y.copy()
    poisoned[flipped] = 1 - poisoned[flipped]

    def trimmed(kept):
        for _ in range(30):
            model = LogisticRegression().fit(X[kept], poisoned[kept])
            losses = -np.log(model.predict_proba(X)[np.arange(1000), poisoned])
            kept = np.argsort(losses, kind="stable")[:700]
        return model.score(X, y), np.sort(losses)[:700].mean()

    found, oracle = trimmed(np.arange(1000)), trimmed(np.setdiff1d(np.arange(1000), flipped))
    assert oracle[0] > 0.85
    assert found[0] < 0.4
    assert found[1] < 0.9 * oracle[1]
