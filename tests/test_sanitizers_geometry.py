"""Sanitizers that look at where rows lie: formulas, containers, order, planted poison, and what they refuse."""

import tracemalloc
from functools import partial

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.neighbors import LocalOutlierFactor
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler

from robustfit.attacks import BackdoorAttack, ColumnTrigger, FarFlipAttack, RandomFlipAttack
from robustfit.sanitize import (
    DuplicateSanitizer,
    LabelAgreementSanitizer,
    NeighborsSanitizer,
    SlabSanitizer,
    SpectralSanitizer,
    SphereSanitizer,
    _row_index,
)
from robustfit.sanitize._centers import CENTERS, center_of, unit_of
from robustfit.sanitize._column_units import ColumnUnits
from robustfit.sanitize._directions import top_directions
from robustfit.sanitize._row_index import RowIndex

CLASS_WISE = {
    "sphere": SphereSanitizer,
    "slab": SlabSanitizer,
    "residual": partial(SpectralSanitizer, energy=0.5),
    "signature": partial(SpectralSanitizer, mode="signature"),
    "distance": NeighborsSanitizer,
    "density": partial(NeighborsSanitizer, mode="density"),
    "labels": LabelAgreementSanitizer,
}
EVERY = {**CLASS_WISE, "duplicates": DuplicateSanitizer}


def blobs(n=90, d=8, n_classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % n_classes
    X = rng.normal(size=(n, d)) * np.linspace(3.0, 0.5, d)
    X[:, 0] += 2.0 * y
    return X, y


def counts(n=120, d=30, seed=0):
    """Whole numbers, mostly zero, some rows repeated."""
    rng = np.random.default_rng(seed)
    X = rng.poisson(0.3, size=(n, d)).astype(np.float64)
    X[:, :3] += rng.poisson(2.0, size=(n, 3))
    X[n // 2 : n // 2 + 4] = X[0]
    return X, np.arange(n) % 2


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.fixture(scope="module")
def digits():
    return load_digits(return_X_y=True)


class TestFormulas:
    """Against plain numpy, one class at a time."""

    @pytest.mark.parametrize("center", CENTERS)
    def test_sphere(self, center):
        X, y = blobs()
        model = SphereSanitizer(center=center).fit(X, y)
        for code in range(3):
            far = np.linalg.norm(X[y == code] - center_of(X[y == code], center), axis=1)
            np.testing.assert_allclose(model.scores_[y == code], far / np.median(far))

    @pytest.mark.parametrize("center", CENTERS)
    def test_slab(self, center):
        X, y = blobs()
        model = SlabSanitizer(center=center).fit(X, y)
        centers = np.array([center_of(X[y == code], center) for code in range(3)])
        for code in range(3):
            line = centers[code] - np.delete(centers, code, axis=0).mean(axis=0)
            along = np.abs((X[y == code] - centers[code]) @ line)
            np.testing.assert_allclose(model.scores_[y == code], along / np.median(along))
        np.testing.assert_allclose(np.linalg.norm(model.normals_, axis=1), 1.0)

    def test_residual(self):
        X, y = blobs(d=12)
        X += 0.7
        model = SpectralSanitizer(energy=0.8, center="mean").fit(X, y)
        lengths = np.linalg.norm(X, axis=1)
        median = np.array([np.median(lengths[y == code]) for code in range(3)])[y]
        shrunk = X * np.minimum(1.0, median / lengths)[:, None]
        _, values, vectors = np.linalg.svd(shrunk, full_matrices=False)
        shares = np.cumsum(values**2) / np.sum(values**2)
        k = next(k for k in range(1, 13) if shares[k - 1] >= 0.8)
        centers = np.array([X[y == code].mean(axis=0) for code in range(3)])
        basis = np.linalg.qr(np.vstack([vectors[:k], centers]).T)[0]
        assert len(model.directions_) == k + 3
        left = np.linalg.norm(X - X @ basis @ basis.T, axis=1)
        # The centres lie in the span, so that it is the residual of x − μ as well.
        np.testing.assert_allclose(left, np.linalg.norm((X - centers[y]) @ (np.eye(12) - basis @ basis.T), axis=1))
        for code in range(3):
            np.testing.assert_allclose(model.scores_[y == code], left[y == code] / np.median(left[y == code]))

    def test_signature(self):
        X, y = blobs()
        model = SpectralSanitizer(mode="signature", center="mean").fit(X, y)
        for code in range(3):
            rows = X[y == code] - X[y == code].mean(axis=0)
            squares = (rows @ np.linalg.svd(rows)[2][0]) ** 2
            np.testing.assert_allclose(model.scores_[y == code], squares / np.median(squares))

    def test_the_signature_is_not_moved_by_where_the_origin_is(self):
        X, y = blobs()
        near, far = (SpectralSanitizer(mode="signature").fit(X + shift, y).scores_ for shift in (0.0, 1e3))
        np.testing.assert_allclose(near, far, rtol=1e-6, atol=1e-9)

    def test_distance(self):
        X, y = blobs()
        model = NeighborsSanitizer(n_neighbors=4).fit(X, y)
        for code in range(3):
            rows = X[y == code]
            between = np.linalg.norm(rows[:, None] - rows[None], axis=2)
            mean = np.sort(between, axis=1)[:, 1:5].mean(axis=1)
            np.testing.assert_allclose(model.scores_[y == code], mean / np.median(mean))

    def test_density_is_the_local_outlier_factor(self):
        X, y = blobs(n=240)
        model = NeighborsSanitizer(mode="density", n_neighbors=7).fit(X, y)
        for code in range(3):
            other = LocalOutlierFactor(n_neighbors=7).fit(X[y == code])
            np.testing.assert_allclose(model.scores_[y == code], -other.negative_outlier_factor_, rtol=1e-6)

    @pytest.mark.parametrize("eta", [0.4, 0.5, 0.7, 1.0])
    def test_labels(self, eta):
        X, y = blobs(n=150)
        model = LabelAgreementSanitizer(0.49, n_neighbors=5, eta=eta, min_per_class=1).fit(X, y)
        between = np.linalg.norm(X[:, None] - X[None], axis=2)
        np.fill_diagonal(between, np.inf)
        votes = y[np.argsort(between, axis=1)[:, :5]]
        np.testing.assert_allclose(model.scores_, np.mean(votes != y[:, None], axis=1))
        for row in range(len(y)):
            n_votes = np.bincount(votes[row], minlength=3)
            mode = n_votes.argmax()
            told = n_votes[mode] > n_votes[y[row]] and n_votes[mode] >= eta * 5
            assert model.suggested_labels_[row] == (mode if told else y[row])
        assert np.array_equal(model.support_, model.suggested_labels_ == y)

    def test_duplicates(self):
        X, y = blobs(n=120)
        X[:30] = X[0] + 1e-3 * X[:30]
        model = DuplicateSanitizer(max_copies=4).fit(X, y)
        away = np.sort(np.abs(X - np.median(X, axis=0)), axis=0)
        # Normal values nearer than 0.7554 are 55 % of all, with a mean square of 0.1761.
        table = X / np.sqrt(np.mean(away[:66] ** 2, axis=0) / 0.1761)
        farthest, near = np.empty(120), np.empty(120)
        for code in range(3):
            rows = table[y == code]
            between = np.linalg.norm(rows[:, None] - rows[None], axis=2)
            farthest[y == code] = np.sort(between, axis=1)[:, 4]
        np.testing.assert_allclose(model.radius_, 0.5 * np.median(farthest), rtol=2e-3)
        for code in range(3):
            rows = table[y == code]
            between = np.linalg.norm(rows[:, None] - rows[None], axis=2)
            near[y == code] = np.sum(between <= model.radius_, axis=1) - 1
        assert np.array_equal(model.scores_, near)
        assert [model.support_[:30][y[:30] == code].sum() for code in range(3)] == [4, 4, 4]
        assert model.support_[30:].all()


@pytest.mark.parametrize("name", EVERY)
class TestEverySanitizer:
    """What holds for all of them."""

    @pytest.mark.parametrize("data", [blobs, counts])
    def test_sparse_is_dense(self, name, data):
        X, y = data()
        dense, sparse = (EVERY[name]().fit(rows, y) for rows in (X, sp.csr_array(X)))
        np.testing.assert_allclose(sparse.scores_, dense.scores_, rtol=1e-6, atol=1e-6)
        if data is blobs:
            assert np.array_equal(sparse.support_, dense.support_)
        later = sp.csr_matrix(X[:20])
        np.testing.assert_allclose(sparse.score_rows(later, y[:20]), dense.score_rows(X[:20], y[:20]), atol=1e-6)

    @pytest.mark.parametrize("data", [blobs, counts])
    def test_the_order_of_the_rows_does_not_matter(self, name, data):
        X, y = data()
        order = np.random.default_rng(1).permutation(len(y))
        first, second = EVERY[name]().fit(X, y), EVERY[name]().fit(X[order], y[order])
        # Of equal rows one may have the score of another.
        content = np.unique(np.column_stack([X, y]), axis=0, return_inverse=True)[1]
        before = np.lexsort((first.scores_, content))
        after = np.lexsort((second.scores_, content[order]))
        np.testing.assert_allclose(second.scores_[after], first.scores_[before], rtol=1e-9, atol=1e-12)
        assert sorted(content[order][second.support_]) == sorted(content[first.support_])

    def test_containers_and_types(self, name):
        X, y = counts()
        fitted = EVERY[name]().fit(X, y)
        labels = np.array(["no", "yes"])[y]
        for rows, target in (
            (X.astype(np.float32), y.astype(bool)),
            (X.astype(np.int64), labels),
            (pd.DataFrame(X).add_prefix("x"), pd.Series(labels)),
            (X.tolist(), y.tolist()),
            (sp.csc_matrix(X), y),
        ):
            np.testing.assert_allclose(EVERY[name]().fit(rows, target).scores_, fitted.scores_, rtol=1e-6, atol=1e-6)

    def test_one_hot_data(self, name):
        X, y = load_wine(return_X_y=True)
        encoder = KBinsDiscretizer(4, encode="onehot", quantile_method="averaged_inverted_cdf")
        rows = encoder.fit_transform(X)
        model = EVERY[name]().fit(rows, y)
        assert np.isfinite(model.scores_).all()
        assert (model.scores_.max() > 0) == (name != "duplicates")
        assert set(y[model.support_]) == {0, 1, 2}

    def test_given_to_a_plain_loop(self, name):
        X, y = load_wine(return_X_y=True, as_frame=True)
        model = EVERY[name]()
        kept, labels = model.fit_resample(X, y)
        assert list(kept.columns) == list(X.columns)
        assert kept.index.tolist() == labels.index.tolist() == X.index[model.support_].tolist()
        assert model.contamination_ == pytest.approx(1 - len(kept) / len(X))
        assert np.array_equal(model.sample_indices_, np.flatnonzero(model.support_))

    def test_a_second_fit_forgets_the_first(self, name):
        X, y = blobs()
        again = EVERY[name]().fit(*counts()).fit(X, y)
        np.testing.assert_array_equal(again.scores_, EVERY[name]().fit(X, y).scores_)

    def test_sparse_rows_stay_sparse(self, name):
        """As dense arrays these would take 120 megabytes."""
        rng = np.random.default_rng(0)
        columns = np.sort(rng.integers(0, 50_000, size=(300, 20)), axis=1).ravel()
        X = sp.csr_array((rng.random(6000), columns, np.arange(0, 6001, 20)), shape=(300, 50_000))
        X.sum_duplicates()
        model = EVERY[name]()
        if name == "residual":
            model.set_params(n_components=5)
        tracemalloc.start()
        model.fit(X, np.arange(300) % 2)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 60e6
        assert np.isfinite(model.scores_).all()

    def test_identical_rows(self, name):
        X, y = np.ones((40, 3)), np.arange(40) % 2
        model = EVERY[name](max_copies=30) if name == "duplicates" else EVERY[name]()
        if name == "slab":
            model.set_params(center="median")
        model.fit(X, y)
        assert np.isfinite(model.scores_).all()
        # Which of so many neighbours are asked is arbitrary.
        assert len(np.unique(model.scores_)) <= (3 if name == "labels" else 2)
        assert set(y[model.support_]) == {0, 1}

    def test_missing_values_are_refused(self, name):
        X, y = blobs()
        X[3, 2] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            EVERY[name]().fit(X, y)
        with pytest.raises(ValueError, match="NaN"):
            EVERY[name]().fit(sp.csr_matrix(X), y)

    def test_a_far_row_breaks_nothing(self, name):
        X, y = blobs()
        plain = EVERY[name]().fit(X, y)
        for far in (1e12, 1e200):
            X[0] = far
            model = EVERY[name]().fit(X, y)
            assert not np.isnan(model.scores_).any()
            if name in ("sphere", "slab", "distance"):
                assert model.scores_[0] == model.scores_.max()
                assert not model.support_[0]
                np.testing.assert_allclose(model.scores_[1:], plain.scores_[1:], rtol=0.7, atol=1.0)


@pytest.mark.parametrize("name", CLASS_WISE)
class TestClassWise:
    """Budgets, bins, classes."""

    def test_y_is_needed(self, name):
        with pytest.raises(ValueError, match=r"requires y to be passed, but the target y is None"):
            CLASS_WISE[name]().fit(blobs()[0])

    def test_numbers_are_refused_or_binned(self, name):
        X, y = load_diabetes(return_X_y=True)
        y = y / 7
        with pytest.raises(ValueError, match=r"continuous.*set n_bins"):
            CLASS_WISE[name]().fit(X, y)
        model = CLASS_WISE[name](n_bins=4).fit(X, y)
        edges = np.quantile(y, [0.25, 0.5, 0.75], method="inverted_cdf")
        codes = np.searchsorted(edges, y)
        np.testing.assert_allclose(model.scores_, CLASS_WISE[name]().fit(X, codes).scores_)
        assert not hasattr(model, "classes_")
        assert model.score_rows(X[:5], y[:5]).shape == (5,)

    def test_a_class_smaller_than_the_number_to_drop(self, name):
        X, y = blobs(n=100, n_classes=2)
        y = (np.arange(100) < 4).astype(int)
        X[y == 1] += 20.0
        model = CLASS_WISE[name](0.2, threshold=None).fit(X, y)
        assert model.support_[y == 1].sum() >= 2
        alone = CLASS_WISE[name](0.2, min_per_class=4).fit(X, y)
        assert alone.support_[y == 1].all()

    def test_a_class_of_one_row(self, name):
        X, y = blobs(n=60, n_classes=2)
        y[0] = 7
        model = CLASS_WISE[name](0.4).fit(X, y)
        assert model.support_[0]
        assert np.isfinite(model.scores_).all()
        assert np.isfinite(model.score_rows(X[:3], y[:3])).all()

    def test_as_many_go_as_are_asked_for(self, name):
        X, y = blobs()
        model = CLASS_WISE[name](0.1).fit(X, y)
        # Rows that nothing speaks against stay.
        assert (~model.support_).sum() == 9 or (name == "labels" and (~model.support_).sum() < 9)
        by_class = CLASS_WISE[name](0.1, drop_by="class").fit(X, y)
        assert max((~by_class.support_)[y == code].sum() for code in range(3)) <= 3
        assert CLASS_WISE[name](0.0).fit(X, y).support_.all()

    def test_a_threshold(self, name):
        X, y = blobs()
        scores = CLASS_WISE[name]().fit(X, y).scores_
        limit = float(np.quantile(scores, 0.8))
        assert np.array_equal(CLASS_WISE[name](threshold=limit).fit(X, y).support_, scores <= limit)

    def test_unseen_labels(self, name):
        X, y = blobs()
        with pytest.raises(ValueError, match="not fitted on: 9"):
            CLASS_WISE[name]().fit(X, y).score_rows(X, np.full(len(y), 9))


@pytest.mark.parametrize("kind", [SphereSanitizer, SlabSanitizer])
@pytest.mark.parametrize("given", [{}, {"threshold": 2.0}, {"drop_by": "class"}, {"center": "mean"}])
def test_feasible_sets_hold_exactly_the_rows_that_pass(kind, given):
    for X, y in (blobs(), load_wine(return_X_y=True), load_digits(return_X_y=True)):
        X = StandardScaler().fit_transform(X)
        model = kind(0.1, **given).fit(X, y)
        for label, allowed in model.feasible_set_.items():
            own = y == label
            inside = allowed.contains(X[own])
            assert np.array_equal(inside, model.support_[own])


def test_feasible_sets_of_bins_and_labels():
    X, y = load_diabetes(return_X_y=True)
    assert list(SlabSanitizer(n_bins=3).fit(X, y).feasible_set_) == [0, 1, 2]
    assert list(SphereSanitizer().fit(X, np.where(y > 100, "b", "a")).feasible_set_) == ["a", "b"]


@pytest.mark.parametrize("counts", [(20, 30, 40), (60, 20, 10)])
def test_no_bin_is_empty_where_many_targets_are_equal(counts):
    X, y = np.random.default_rng(0).normal(size=(90, 3)), np.repeat([0.0, 1.0, 2.0], counts)
    slabs = SlabSanitizer(n_bins=3).fit(X, y)
    assert list(slabs.feasible_set_) == [0, 1]
    assert np.isfinite(slabs.centers_).all()
    assert list(SphereSanitizer(n_bins=3).fit(X, np.ones(90)).feasible_set_) == [0]


class TestPoison:
    """Each finds what it is meant for, on real rows."""

    @staticmethod
    def recall(model, X, y, poison):
        model = model.fit(X, y)
        # As many go as there are, so precision is the same.
        return (~model.support_)[poison].mean()

    @staticmethod
    def flipped(X, y, share, attack, seed=0):
        poisoned = attack.generate(X, y, budget=int(share * len(y)), random_state=seed)
        return poisoned.X, poisoned.y, np.asarray(poisoned.is_poison, dtype=bool)

    def test_sphere_finds_far_rows(self, cancer):
        X, y = cancer
        X = X.copy()
        X[:28] += 4.0
        assert self.recall(SphereSanitizer(28.5 / len(y)), X, y, np.arange(28)) >= 0.8

    @pytest.mark.parametrize(
        ("model", "attack"),
        [
            (SlabSanitizer, FarFlipAttack()),
            (LabelAgreementSanitizer, RandomFlipAttack()),
        ],
    )
    def test_flipped_labels(self, model, attack, cancer):
        X, y, poison = self.flipped(*cancer, 0.05, attack)
        assert self.recall(model((poison.sum() + 0.5) / len(y)), X, y, poison) >= 0.6

    def test_distance_finds_flipped_labels_of_tight_classes(self, digits):
        X, y = digits
        rng = np.random.default_rng(0)
        poison = rng.choice(len(y), 90, replace=False)
        y = y.copy()
        y[poison] = (y[poison] + rng.integers(1, 10, 90)) % 10
        assert self.recall(NeighborsSanitizer(90.5 / len(y)), X, y, poison) >= 0.8

    def test_suggested_labels_undo_flips(self, cancer):
        X, y, poison = self.flipped(*cancer, 0.05, RandomFlipAttack())
        model = LabelAgreementSanitizer().fit(X, y)
        truth = np.where(poison, 1 - y, y)
        relabelled = np.where(model.support_, y, model.suggested_labels_)
        assert np.mean(relabelled != truth) <= 0.4 * np.mean(y != truth)

    def test_residual_finds_what_no_good_row_has(self):
        X, y = load_digits(return_X_y=True)
        rng = np.random.default_rng(0)
        poison = np.arange(90)
        X = X.copy()
        X[poison] = rng.permuted(X[poison], axis=1)
        assert self.recall(SpectralSanitizer(90.5 / len(y)), X, y, poison) >= 0.9

    def test_signature_finds_backdoors(self):
        X, y = load_digits(return_X_y=True)
        # Two strokes where digits have one at most.
        trigger = ColumnTrigger({0: 16.0, 7: 16.0, 56: 16.0, 63: 16.0})
        poisoned = BackdoorAttack(trigger, 3).generate(X, y, budget=40, random_state=0)
        poison = np.asarray(poisoned.is_poison, dtype=bool)
        model = SpectralSanitizer((1.5 * poison.sum() + 0.5) / len(poison), mode="signature")
        assert self.recall(model, poisoned.X, poisoned.y, poison) >= 0.8

    def test_density_finds_rows_between_clusters_of_other_densities(self):
        rng = np.random.default_rng(0)
        X = np.vstack([rng.normal(size=(150, 4)), 0.05 * rng.normal(size=(150, 4)) + 20.0])
        X[-8:] += 0.6
        y, poison = np.zeros(300, dtype=int), np.arange(292, 300)
        density, distance = (
            self.recall(NeighborsSanitizer(8.5 / 300, mode=mode, n_neighbors=10), X, y, poison)
            for mode in ("density", "distance")
        )
        assert density == 1.0
        assert distance == 0.0

    def test_duplicates_finds_repeated_rows_with_jitter(self, cancer):
        X, y = cancer
        rng = np.random.default_rng(0)
        copies = np.repeat(X[[5, 300]], 15, axis=0) + 0.02 * rng.normal(size=(30, X.shape[1]))
        rows, labels = np.vstack([X, copies]), np.append(y, np.repeat(1 - y[[5, 300]], 15))
        model = DuplicateSanitizer(max_copies=2).fit(rows, labels)
        assert (~model.support_)[-30:].sum() == 26
        assert model.support_[:-30].mean() >= 0.99
        assert DuplicateSanitizer().fit(X, y).support_.all()


class TestDuplicates:
    """Budgets, targets, and natural repetition."""

    def test_exact_copies_only(self):
        X, y = counts()
        model = DuplicateSanitizer(max_copies=1, tolerance=0).fit(X, y)
        for code in (0, 1):
            _, first, n_seen = np.unique(X[y == code], axis=0, return_index=True, return_counts=True)
            assert model.support_[y == code].sum() == len(first)
            np.testing.assert_array_equal(model.scores_[y == code][first], n_seen - 1)
        np.testing.assert_array_equal(model.score_rows(X[:9], y[:9]), model.scores_[:9] + 1)
        assert model.score_rows(X[:1] + 0.5, y[:1]).tolist() == [0]

    def test_a_budget_takes_the_largest_groups_first(self):
        X, y = blobs(n=200, n_classes=2)
        X[:20], X[20:28] = X[0], X[20]
        model = DuplicateSanitizer(0.04, max_copies=2).fit(X, y)
        assert (~model.support_).sum() == (~model.support_[:20]).sum() == 8
        assert DuplicateSanitizer(0.0).fit(X, y).support_.all()

    def test_a_target_of_numbers_is_a_column(self):
        X, y = load_diabetes(return_X_y=True)
        X = np.vstack([X, np.repeat(X[:1], 20, axis=0)])
        same, apart = np.append(y, np.full(20, y[0])), np.append(y, np.linspace(0, 2000, 20))
        assert (~DuplicateSanitizer().fit(X, same).support_).sum() == 16
        assert (~DuplicateSanitizer().fit(X, apart).support_).sum() == 0
        assert (~DuplicateSanitizer().fit(X).support_).sum() == 16
        dense, sparse = (DuplicateSanitizer().fit(rows, same).scores_ for rows in (X, sp.csr_matrix(X)))
        np.testing.assert_array_equal(dense, sparse)

    def test_y_stays_what_it_was(self):
        X, y = blobs()
        with pytest.raises(ValueError, match="fitted with y"):
            DuplicateSanitizer().fit(X, y).score_rows(X)
        assert DuplicateSanitizer().fit(X).score_rows(X).shape == y.shape

    def test_rows_that_repeat_by_nature(self):
        X, y = np.zeros((40, 2)), np.arange(40) % 2
        with pytest.raises(ValueError, match=r"repeat by nature.*Raise max_copies"):
            DuplicateSanitizer().fit(X, y)
        assert DuplicateSanitizer(tolerance=0).fit(X, y).support_.sum() == 10

    def test_classes_of_few_rows(self):
        X, _ = blobs(n=12)
        assert DuplicateSanitizer().fit(X, np.arange(12) % 6).support_.all()


class TestColumnUnits:
    def test_neither_far_nor_tiny_values_set_them(self):
        """A column just over half of which is zero has no median absolute deviation worth the name."""
        rng = np.random.default_rng(0)
        X = rng.normal(size=(1000, 3)) + 5.0
        X[:480, 1] = X[:900, 2] = 0.0
        clean = ColumnUnits(X)(X[-1:])
        X[:30] = 1e-9 * rng.normal(size=(30, 3))
        np.testing.assert_allclose(ColumnUnits(X)(X[-1:]) / clean, 1.0, atol=0.35)
        X[:5] = 1e12
        np.testing.assert_allclose(ColumnUnits(X)(X[-1:]) / clean, 1.0, atol=0.35)

    def test_sparse_ones_are_those_of_dense_ones(self):
        X, _ = counts()
        dense, sparse = (ColumnUnits(rows)(rows) for rows in (X, sp.csr_array(X)))
        np.testing.assert_allclose(np.diff(dense, axis=0), np.diff(sparse.toarray(), axis=0), atol=1e-12)

    def test_jitter_in_constant_columns_hides_few_copies(self, digits):
        X, y = digits
        rng = np.random.default_rng(0)
        copies = np.repeat(X[:3], 30, axis=0) + 1e-3 * rng.normal(size=(90, 64))
        model = DuplicateSanitizer().fit(np.vstack([X, copies]), np.append(y, np.repeat(y[:3], 30)))
        assert (~model.support_)[-90:].sum() > 0.4 * 75
        assert model.support_[:-90].mean() > 0.99


class TestBadParameters:
    def test_slab_of_one_class(self):
        with pytest.raises(ValueError, match=r"lies between two classes.*one class only: \[0\]"):
            SlabSanitizer().fit(blobs()[0], np.zeros(90, dtype=int))

    @pytest.mark.parametrize(
        ("model", "named"),
        [
            (SphereSanitizer(center="middle"), "center"),
            (SlabSanitizer(0.5), "contamination"),
            (SpectralSanitizer(mode="both"), "mode"),
            (SpectralSanitizer(energy=0), "energy"),
            (SpectralSanitizer(n_components=0), "n_components"),
            (NeighborsSanitizer(n_neighbors=0), "n_neighbors"),
            (LabelAgreementSanitizer(eta=0), "eta"),
            (DuplicateSanitizer(max_copies=0), "max_copies"),
            (DuplicateSanitizer(tolerance=2), "tolerance"),
            (NeighborsSanitizer(random_state=None), "random_state"),
            (SpectralSanitizer(random_state=-1), "random_state"),
            (DuplicateSanitizer(random_state=1.5), "random_state"),
            (LabelAgreementSanitizer(random_state=np.random.RandomState(0)), "random_state"),
        ],
    )
    def test_are_named(self, model, named):
        with pytest.raises(ValueError, match=named):
            clone(model).fit(*blobs())


class TestCenters:
    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    @pytest.mark.parametrize("far", [1e3, 1e15, 1e200])
    def test_far_rows_do_not_keep_the_geometric_median_from_settling(self, container, far):
        """Steps were once measured by the farthest row, so that one at 1e15 ended them at the mean."""
        X = np.random.default_rng(0).normal(size=(1000, 3))
        clean = center_of(X, "geometric_median")
        X[:10] = far
        assert np.linalg.norm(center_of(container(X), "geometric_median") - clean) < 0.1

    def test_the_geometric_median_is_one(self):
        X, _ = blobs()
        center = center_of(X, "geometric_median")
        total = np.linalg.norm(X - center, axis=1).sum()
        for step in np.vstack([np.eye(8), -np.eye(8)]) * 1e-3:
            assert np.linalg.norm(X - center - step, axis=1).sum() > total
        X[:50] = 1.0
        np.testing.assert_array_equal(center_of(X, "geometric_median"), 1.0)

    def test_units(self):
        assert unit_of(np.array([0.0, 1.0, 5.0])) == 1.0
        assert unit_of(np.array([0.0, 0.0, 0.0, 3.0, 5.0])) == 4.0
        assert unit_of(np.zeros(3)) == 1.0

    def test_slabs_of_sparse_words_have_a_direction(self):
        """Where a word is in less than half of the rows its median is 0 in each class."""
        X, y = counts(n=400)
        X[:, 3:] *= np.where(y[:, None] == 1, 1.0, np.random.default_rng(0).random((400, 27)) < 0.3)
        assert not SlabSanitizer(center="median").fit(X[:, 3:], y).normals_.any()
        assert SlabSanitizer().fit(X[:, 3:], y).normals_.any()


class TestDirections:
    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    @pytest.mark.parametrize("shape", [(60, 1500), (300, 40)])
    def test_are_those_of_numpy(self, container, shape):
        rng = np.random.default_rng(0)
        X = rng.normal(size=shape) @ np.diag(1.0 / np.arange(1, shape[1] + 1)) + 0.3
        X[rng.random(shape) < 0.5] = 0.0
        center, weights = X.mean(axis=0), rng.random(shape[0])
        found = top_directions(container(X), center=center, weights=weights, energy=0.7, n_most=30)
        _, values, vectors = np.linalg.svd(weights[:, None] * (X - center), full_matrices=False)
        k = int(np.argmax(np.cumsum(values**2) >= 0.7 * np.sum(values**2))) + 1
        assert found.shape == (shape[1], k)
        np.testing.assert_allclose(np.abs(np.sum(found.T * vectors[:k], axis=1)), 1.0, atol=0.02)

    def test_no_energy(self):
        assert top_directions(np.zeros((5, 3))).shape == (3, 0)
        assert top_directions(np.ones((5, 3)), center=np.ones(3)).shape == (3, 0)

    def test_few_rows_of_many_columns(self):
        X, y = counts(n=20, d=1200)
        for mode in ("residual", "signature"):
            dense, sparse = (SpectralSanitizer(mode=mode).fit(rows, y) for rows in (X, sp.csr_matrix(X)))
            np.testing.assert_allclose(dense.scores_, sparse.scores_, rtol=1e-5, atol=1e-5)

    def test_the_span_is_all_there_is(self):
        X, y = blobs(d=2, n_classes=2)
        model = SpectralSanitizer(0.2).fit(X, y)
        assert not model.scores_.any()
        assert model.support_.all()


class TestManyRows:
    """Cells, as with more than 10 000 rows."""

    @pytest.fixture(autouse=True)
    def few(self, monkeypatch):
        monkeypatch.setattr(_row_index, "_FEW", 300)

    @pytest.mark.parametrize("container", [np.asarray, sp.csr_array])
    def test_most_are_nearest_and_none_is_far(self, digits, container):
        X = digits[0]
        near, found = RowIndex(container(X), 0).nearest(container(X), 5, np.arange(len(X)))
        between = cdist(X, X)
        np.testing.assert_allclose(near, np.take_along_axis(between, found, axis=1))
        assert (found != np.arange(len(X))[:, None]).all()
        assert (np.diff(near, axis=1) >= 0).all()
        np.fill_diagonal(between, np.inf)
        exact = np.sort(between, axis=1)[:, :5]
        assert np.mean(near <= exact[:, -1:] * (1 + 1e-9)) > 0.9
        assert np.mean(near / exact) < 1.02

    def test_no_neighbour_twice_and_as_many_as_asked_for(self, digits):
        X = digits[0][:700]
        for k in (1, 40, 699):
            near, found = RowIndex(X, 3).nearest(X, k, np.arange(700))
            assert np.isfinite(near).all()
            assert all(len(set(row)) == k for row in found.tolist())

    def test_repeated_rows(self):
        X, _ = blobs(n=1000)
        X[:600] = X[0]
        near, found = RowIndex(X, 0).nearest(X, 8, np.arange(1000))
        assert not near[:600].any()
        assert (found[:600] < 600).all()
        counted = RowIndex(X, 0).count_near(X[:1], 0.1)
        np.testing.assert_allclose(counted, 600, rtol=0.05)
        assert RowIndex(np.ones((500, 2)), 0).nearest(np.ones((1, 2)), 30)[0].max() == 0

    @pytest.mark.parametrize("name", ["distance", "density", "labels", "duplicates"])
    def test_order_and_containers(self, digits, name):
        X, y = digits
        model = EVERY[name](random_state=5).fit(X, y > 4)
        order = np.random.default_rng(0).permutation(len(y))
        again = EVERY[name](random_state=5).fit(sp.csr_matrix(X[order]), y[order] > 4)
        np.testing.assert_allclose(again.scores_, model.scores_[order], rtol=1e-6)

    @pytest.mark.parametrize("name", ["distance", "density", "labels"])
    def test_scores_are_close_to_those_of_all_neighbours(self, digits, name, monkeypatch):
        X, y = digits
        some = EVERY[name]().fit(X, y > 4)
        monkeypatch.setattr(_row_index, "_FEW", 10_000)
        every = EVERY[name]().fit(X, y > 4)
        assert np.corrcoef(some.scores_, every.scores_)[0, 1] > 0.95

    def test_groups_of_copies_are_found(self, digits):
        X, y = digits
        jitter = 0.01 * np.random.default_rng(0).normal(size=(400, 64)) * (X.std(axis=0) > 0)
        X = np.vstack([X, np.repeat(X[:1], 400, axis=0) + jitter])
        model = DuplicateSanitizer().fit(X, np.append(y, np.ones(400, dtype=int)) > 4)
        assert 4 <= model.support_[-400:].sum() <= 20
        assert model.support_[:-400].mean() > 0.99
