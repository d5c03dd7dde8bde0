"""Attacks that blend in: moments of the class, many sources, near-duplicates."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from robustfit.attacks import (
    DeletionAttack,
    FarFlipAttack,
    GroupSplitAttack,
    InsertionAttack,
    ModificationAttack,
    MomentMatchingAttack,
    NearDuplicateAttack,
    RandomFlipAttack,
)
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import as_numbers
from robustfit.attacks._inner import inserted_rows
from robustfit.attacks._moments import Moments, skewed_rows
from robustfit.certify import CertificateError

N = 60
TEXTS = [f"word{i % 7} text {i}" for i in range(N)]


@pytest.fixture
def numbers():
    X, y = make_classification(n_samples=N, n_features=4, n_informative=3, n_redundant=0, n_classes=3, random_state=0)
    X.flags.writeable = y.flags.writeable = False
    return X, y


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    X.flags.writeable = y.flags.writeable = False
    return X, y


def rows_of(X):
    if sparse.issparse(X):
        X = X.toarray()
    if isinstance(X, pd.DataFrame):
        return list(X.astype(object).where(X.notna(), None).itertuples(index=False, name=None))
    if isinstance(X, pl.DataFrame):
        return X.rows()
    return [(row,) if isinstance(row, str) else tuple(np.ravel(row).tolist()) for row in list(X)]


def same(left, right):
    return rows_of(left.X) == rows_of(right.X) and list(left.y) == list(right.y)


# ---- moments -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(50, 4), (6, 9), (30, 30)])
def test_moments_of_rows(shape):
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape) * np.logspace(-3, 4, shape[1]) + 5.0
    X[:, 1] = 2 * X[:, 0]
    X[:, 2] = 7.0
    moments = Moments.of(X)
    assert moments.rank == min(shape[0] - 1, shape[1] - 2)
    assert np.allclose(moments.mean + moments.white @ moments.root, X)
    assert np.allclose(moments.white.T @ moments.white / len(X), np.eye(moments.rank), atol=1e-8)
    assert moments.residual(X) < 1e-12


@pytest.mark.parametrize("size", [7, 8, 40])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.99])
def test_rows_have_the_moments_they_are_told(size, share):
    rng = np.random.default_rng(1)
    X = rng.exponential(size=(25, 6)) * np.logspace(-2, 3, 6)
    moments = Moments.of(X)
    direction = rng.normal(size=6)
    direction /= np.linalg.norm(direction)
    rows = skewed_rows(moments, direction, share, np.arange(size) % 25, rng)
    assert np.allclose((rows.mean(axis=0) - moments.mean) / moments.scale, 0, atol=1e-12)
    assert moments.residual(rows) < 1e-12
    along = (rows - moments.mean) @ np.linalg.pinv(moments.root) @ direction
    far = min(max(round(share * size), 1), size - 1)
    assert np.allclose(np.sort(along)[:far], -np.sqrt((size - far) / far))
    assert np.allclose(np.sort(along)[far:], np.sqrt(far / (size - far)))
    assert len(np.unique(rows, axis=0)) == size


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_few_rows_have_the_mean_and_as_much_of_the_covariance_as_they_can(size):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(50, 6)) * np.array([30, 20, 10, 3, 2, 1.0])
    moments = Moments.of(X)
    direction = np.eye(6)[5]
    rows = skewed_rows(moments, direction, 0.3, np.arange(size), rng)
    assert np.allclose(rows.mean(axis=0), X.mean(axis=0))
    white = (rows - moments.mean) @ np.linalg.pinv(moments.root)
    variance = np.diag(white.T @ white / size)
    expected = np.zeros(6)
    if size > 1:
        expected[[5, *range(size - 2)]] = 1.0
    assert np.allclose(variance, expected)


def convert(X, container):
    if container == "float32":
        return X.astype(np.float32)
    if container == "int":
        return np.rint(X).astype(int)
    return {"array": np.array, "csr": sparse.csr_array, "pandas": pd.DataFrame, "polars": pl.DataFrame}[container](X)


@pytest.mark.parametrize("container", ["array", "float32", "int", "csr", "pandas", "polars"])
def test_the_poison_has_the_mean_and_covariance_of_its_class(container, cancer):
    X, y = convert(cancer[0][:, :8], container), cancer[1]
    poisoned = MomentMatchingAttack(0, n_trials=3).generate(X, y, budget=20)
    assert type(poisoned.X) is type(X)
    assert poisoned.is_poison.tolist() == [False] * len(y) + [True] * 20
    assert set(poisoned.y[len(y) :].tolist()) == {0}
    values, clean = as_numbers(poisoned.X), as_numbers(X)
    assert np.array_equal(values[: len(y)], clean)
    rows, own = values[len(y) :], clean[y == 0]
    spread = np.where(own.std(axis=0) > 0, own.std(axis=0), 1.0)
    assert np.abs((rows.mean(axis=0) - own.mean(axis=0)) / spread).max() < 1e-10
    difference = np.cov(rows.T, ddof=0) - np.cov(own.T, ddof=0)
    assert np.abs(difference / np.outer(spread, spread)).max() < 1e-10
    assert poisoned.details["residual"] < 1e-12
    assert poisoned.details["label"] == 0
    assert poisoned.details["direction"].shape == (8,)
    assert 0 < poisoned.details["share"] < 1
    assert poisoned.cost("insert_delete") == 20


def test_pooled_moments_of_the_class_stay_what_they_were(cancer):
    X, y = cancer
    poisoned = MomentMatchingAttack(n_trials=0).generate(X, y, budget=57)
    label = poisoned.details["label"]
    before, after = X[y == label], poisoned.X[poisoned.y == label]
    assert np.allclose(before.mean(axis=0), after.mean(axis=0))
    assert np.allclose(np.cov(before.T, ddof=0), np.cov(after.T, ddof=0))


def test_filters_of_moments_see_nothing(cancer):
    X, y = cancer
    X = StandardScaler().fit_transform(X)
    caught = {}
    for attack in (MomentMatchingAttack(n_trials=10), InsertionAttack()):
        poisoned = attack.generate(X, y, budget=57)
        hits = 0
        for label in (0, 1):
            own = np.flatnonzero(poisoned.y == label)
            rows = poisoned.X[own]
            center = rows - rows.mean(axis=0)
            far = np.einsum("ij,ij->i", center @ np.linalg.pinv(np.cov(center.T)), center)
            dropped = own[np.argsort(-far)[: len(own) // 20]]
            hits += poisoned.is_poison[dropped].sum()
        caught[type(attack).__name__] = hits
    assert caught["MomentMatchingAttack"] <= 3
    assert caught["InsertionAttack"] >= 10


@pytest.mark.parametrize("estimator", [None, LinearSVC(C=0.1, dual=False)])
def test_more_trials_do_no_less_harm(estimator, cancer):
    X, y = StandardScaler().fit_transform(cancer[0]), cancer[1]
    errors = []
    for n_trials in (0, 30):
        attack = MomentMatchingAttack(estimator=estimator, n_trials=n_trials)
        poisoned = attack.generate(X, y, budget=57)
        assert poisoned.details["error"] >= poisoned.details["clean_error"]
        errors.append(poisoned.details["error"])
    assert errors[1] >= errors[0]
    assert errors[1] > poisoned.details["clean_error"]
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)) if estimator is None else estimator
    assert 1 - clone(model).fit(poisoned.X, poisoned.y).score(X, y) > poisoned.details["clean_error"]


def test_same_seed_same_rows_and_other_seed_other_rows(numbers):
    attack = MomentMatchingAttack(n_trials=4)
    first = attack.generate(*numbers, budget=8, random_state=1)
    assert same(first, clone(attack).generate(*numbers, budget=8, random_state=1))
    assert not same(first, attack.generate(*numbers, budget=8, random_state=2))


@pytest.mark.parametrize("budget", [1, 2, 100])
def test_several_classes_and_any_budget(budget, numbers):
    X, y = numbers
    names = np.array(["a", "b", "c"])[y]
    poisoned = MomentMatchingAttack(n_trials=2).generate(X, names, budget=budget, groups=y)
    assert poisoned.is_poison.sum() == budget
    assert set(poisoned.y[N:]) == {poisoned.details["label"]}
    assert (poisoned.details["residual"] < 1e-12) == (budget == 100)
    own = X[names == poisoned.details["label"]]
    assert np.allclose(poisoned.X[N:].mean(axis=0), own.mean(axis=0))


def test_classes_without_variance():
    X = np.array([[0.0, 0.0]] * 3 + [[1.0, 1.0], [2.0, 1.0]])
    y = np.array([0, 0, 0, 1, 1])
    poisoned = MomentMatchingAttack(0).generate(X, y, budget=4)
    assert poisoned.X[5:].tolist() == [[0.0, 0.0]] * 4
    poisoned = MomentMatchingAttack(1).generate(X, y, budget=4)
    assert np.allclose(poisoned.X[5:].var(axis=0), [0.25, 0.0])


@pytest.mark.parametrize(
    ("attack", "change", "message"),
    [
        (MomentMatchingAttack("x"), {}, r"label='x' is not in y, which has \[0, 1, 2\]"),
        (MomentMatchingAttack(n_trials=-1), {}, "n_trials must be a whole number of at least 0, got -1"),
        (MomentMatchingAttack(n_trials=1.5), {}, "n_trials must be a whole number"),
        (MomentMatchingAttack(estimator=Ridge()), {}, "estimator must be a classifier, which Ridge is not"),
        (MomentMatchingAttack(), {"y": np.zeros(N, dtype=int)}, "single label 0"),
        (MomentMatchingAttack(), {"y": np.arange(N) / 3}, "regression target"),
        (MomentMatchingAttack(), {"X": TEXTS}, "needs 2-D X with numeric columns only"),
        (MomentMatchingAttack(), {"X": np.full((N, 2), np.nan)}, "holds NaN or infinity"),
        (MomentMatchingAttack(), {"X": sparse.csr_array((N, 10**7))}, "would have to make its 60 x 10000000"),
    ],
)
def test_moments_that_cannot_be_matched_are_refused(attack, change, message, numbers):
    given = {"X": numbers[0], "y": numbers[1]} | change
    with pytest.raises(ValueError, match=message):
        attack.generate(**given, budget=2)


# ---- many sources --------------------------------------------------------------------------------------------


SOURCES = np.repeat([f"s{i}" for i in range(6)], N // 6)


@pytest.mark.parametrize("budget", [1, 4, 13])
@pytest.mark.parametrize("n_groups", [1, 4, 6])
def test_inserted_rows_come_from_many_groups_in_equal_shares(budget, n_groups, numbers):
    inner = InsertionAttack()
    poisoned = GroupSplitAttack(inner, n_groups).generate(*numbers, budget=budget, groups=SOURCES)
    _, counts = np.unique(poisoned.groups[N:], return_counts=True)
    assert len(counts) == min(n_groups, budget) == poisoned.cost("group")
    assert counts.max() - counts.min() <= 1
    assert poisoned.groups[:N].tolist() == SOURCES.tolist()
    assert set(poisoned.groups[N:]) <= set(poisoned.details["groups"]) <= set(SOURCES)
    assert len(poisoned.details["groups"]) == n_groups
    assert poisoned.is_poison.sum() == budget


def test_a_larger_budget_goes_on_with_the_same_groups(numbers):
    attack = GroupSplitAttack(InsertionAttack(), 4)
    small, large = (attack.generate(*numbers, budget=b, groups=SOURCES, random_state=3) for b in (5, 11))
    assert large.groups[: N + 5].tolist() == small.groups.tolist()
    assert np.array_equal(large.X[: N + 5], small.X)
    assert same(small, clone(attack).generate(*numbers, budget=5, groups=SOURCES, random_state=3))
    assert small.groups.tolist() != attack.generate(*numbers, budget=5, groups=SOURCES).groups.tolist()


def test_without_groups_new_ones_are_made_up_and_every_clean_row_is_its_own(numbers):
    poisoned = GroupSplitAttack(InsertionAttack(), 3).generate(*numbers, budget=7)
    assert sorted(poisoned.details["groups"]) == ["source 0", "source 1", "source 2"]
    assert len(set(poisoned.groups[:N])) == N
    assert not set(poisoned.groups[:N]) & set(poisoned.groups[N:])
    assert poisoned.cost("group") == 3
    flipped = GroupSplitAttack(RandomFlipAttack(), 3).generate(*numbers, budget=7)
    assert flipped.cost("group") == 7
    assert flipped.labels_only


def test_groups_can_be_named(numbers):
    attack = GroupSplitAttack(InsertionAttack(), 2, groups=[7, 8, "nine"])
    poisoned = attack.generate(*numbers, budget=6, groups=np.arange(N) % 3)
    assert set(poisoned.groups[N:].tolist()) <= {7, 8, "nine"}
    assert poisoned.groups[:N].tolist() == (np.arange(N) % 3).tolist()
    with pytest.raises(ValueError, match="n_groups=4, but groups= names only 3"):
        GroupSplitAttack(InsertionAttack(), 4, groups=[7, 8, "nine"]).generate(*numbers, budget=6)


@pytest.mark.parametrize("inner", [RandomFlipAttack(), ModificationAttack(), DeletionAttack(), FarFlipAttack()])
def test_rows_that_were_there_keep_their_groups(inner, numbers):
    poisoned = GroupSplitAttack(inner, 2).generate(*numbers, budget=9, groups=SOURCES)
    kept = np.setdiff1d(np.arange(N), poisoned.removed) if isinstance(inner, DeletionAttack) else np.arange(N)
    assert poisoned.groups.tolist() == SOURCES[kept].tolist()
    assert poisoned.removed_groups.tolist() == SOURCES[poisoned.removed].tolist()
    touched = {*SOURCES[poisoned.removed]}
    assert poisoned.cost("group") == len(touched)


def test_rows_that_came_while_others_went_are_inserted_ones(numbers):
    clean = CleanSet.check(*numbers, SOURCES)
    removed = np.array([3, 50])
    poisoned = clean.exchange(removed, numbers[0][:2], numbers[1][:2], np.array([0, 1]))
    assert inserted_rows(poisoned).tolist() == [N - 2, N - 1]
    flipped = clean.relabel(removed, (numbers[1][removed] + 1) % 3)
    assert inserted_rows(flipped).tolist() == []


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (GroupSplitAttack(InsertionAttack(), 0), "n_groups of GroupSplitAttack must be a whole number of at least 1"),
        (GroupSplitAttack(InsertionAttack(), 2.0), "n_groups of GroupSplitAttack must be a whole number"),
        (GroupSplitAttack(InsertionAttack(), 7), "n_groups=7, but the training set has only 6.*pass groups="),
        (GroupSplitAttack(LogisticRegression(), 2), "attack of GroupSplitAttack must be an attack such as"),
        (GroupSplitAttack(InsertionAttack(), 1, groups="ab"), "groups must be a sequence"),
        (NearDuplicateAttack(InsertionAttack(), 0), "n_distinct of NearDuplicateAttack must be a whole number"),
        (NearDuplicateAttack(InsertionAttack(), 1, jitter=-1.0), "jitter must be a finite number"),
        (NearDuplicateAttack("insert", 1), "attack of NearDuplicateAttack must be an attack such as"),
        (NearDuplicateAttack(DeletionAttack(), 1), "DeletionAttack leaves no poison rows"),
    ],
)
def test_wrappers_that_cannot_work_are_refused(attack, message, numbers):
    with pytest.raises(ValueError, match=message):
        attack.generate(*numbers, budget=2, groups=SOURCES)


# ---- near-duplicates -----------------------------------------------------------------------------------------


def mixed_frame(kind):
    i = np.arange(N)
    columns = {"size": i * 0.5, "count": i % 50, "flag": i % 2 == 0, "bit": i % 2, "place": [f"t{k % 3}" for k in i]}
    if kind == "polars":
        return pl.DataFrame({**columns, "maybe": [None if k % 5 == 0 else k for k in i]})
    frame = pd.DataFrame(columns, index=i[::-1])
    frame["kind"] = pd.Categorical(["a", "b"] * (N // 2))
    frame["maybe"] = pd.array([None if k % 5 == 0 else k for k in i], dtype="Int64")
    return frame


RNG = np.random.default_rng(5)
CONTAINERS = {
    "array": RNG.normal(size=(N, 4)),
    "float32": RNG.normal(size=(N, 4)).astype(np.float32),
    "int": RNG.integers(0, 255, size=(N, 4)),
    "images": RNG.integers(0, 255, size=(N, 3, 3)).astype(np.uint8),
    "csr": sparse.csr_array(np.where(RNG.random((N, 9)) < 0.5, RNG.normal(size=(N, 9)), 0.0)),
    "csc int": sparse.csc_matrix(RNG.integers(0, 9, size=(N, 9))),
    "pandas": mixed_frame("pandas"),
    "polars": mixed_frame("polars"),
    "texts": TEXTS,
    "series": pd.Series(TEXTS),
    "objects": np.array([[f"c{i % 4}", i] for i in range(N)], dtype=object),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_few_rows_are_repeated_until_the_budget_is_spent(container):
    X, y = CONTAINERS[container], np.arange(N) % 3
    before = rows_of(X)
    attack = NearDuplicateAttack(InsertionAttack(), 3)
    poisoned = attack.generate(X, y, budget=14, groups=SOURCES)
    after = rows_of(poisoned.X)
    assert type(poisoned.X) is type(X)
    assert rows_of(X) == before
    assert after[:N] == before
    assert poisoned.is_poison.tolist() == [False] * N + [True] * 14
    assert poisoned.details["copy_of"].tolist() == [k % 3 for k in range(14)]
    for part in (poisoned.y[N:], poisoned.groups[N:]):
        assert part.tolist() == [part[k % 3] for k in range(14)]
    assert poisoned.groups[:N].tolist() == SOURCES.tolist()
    assert same(poisoned, clone(attack).generate(X, y, budget=14, groups=SOURCES))
    distinct = len(set(after[N:]))
    assert distinct == 3 if container in ("texts", "series", "objects") else distinct > 9


@pytest.mark.parametrize("container", ["array", "float32", "int", "csr"])
def test_copies_are_near_and_in_range(container):
    X, y = CONTAINERS[container], np.arange(N) % 3
    poisoned = NearDuplicateAttack(InsertionAttack(), 2, jitter=0.05).generate(X, y, budget=400)
    values, clean = as_numbers(poisoned.X), as_numbers(X)
    copies, originals = values[N + 2 :], values[N + np.arange(2, 400) % 2]
    assert np.all(copies >= clean.min(axis=0))
    assert np.all(copies <= clean.max(axis=0))
    assert np.abs((copies - originals) / clean.std(axis=0)).max() < 0.4
    assert len(np.unique(copies, axis=0)) > 390
    if container == "int":
        assert poisoned.X.dtype == X.dtype
        assert abs((copies - originals).mean()) < 1.0


def test_whole_numbers_stay_whole_and_codes_of_two_stay_codes():
    for container in ("pandas", "polars"):
        X = CONTAINERS[container]
        poisoned = NearDuplicateAttack(InsertionAttack(), 2, jitter=0.5).generate(X, np.arange(N) % 3, budget=50)
        copies = poisoned.X[N:] if container == "polars" else poisoned.X.iloc[N:]
        assert set(copies["bit"].to_list()) <= {0, 1}
        assert len(set(copies["bit"].to_list())) <= 2
        assert len(set(copies["count"].to_list())) > 10
        assert len({repr(v) for v in copies["maybe"].to_list()}) > 10 or copies["maybe"].isna().any()
        types = X.schema if container == "polars" else list(X.dtypes)
        assert types == (poisoned.X.schema if container == "polars" else list(poisoned.X.dtypes))


def test_huge_whole_numbers_are_not_rounded_where_nothing_moves():
    X = np.full((6, 2), 2**62 + 1) + np.arange(6)[:, None] * np.array([0, 3])
    poisoned = NearDuplicateAttack(InsertionAttack(), 1, jitter=0).generate(X, [0, 1] * 3, budget=5)
    assert set(poisoned.X[:, 0].tolist()) == {2**62 + 1}


@pytest.mark.parametrize("inner", [RandomFlipAttack(), ModificationAttack()])
def test_changed_rows_are_inserted_next_to_the_clean_ones(inner, numbers):
    X, y = numbers
    poisoned = NearDuplicateAttack(inner, 2).generate(X, y, budget=6)
    assert len(poisoned.removed) == 0
    assert np.array_equal(poisoned.X[:N], X)
    assert np.array_equal(poisoned.y[:N], y)
    assert poisoned.cost("insert_delete") == 6
    with pytest.raises(CertificateError, match="label_flip"):
        poisoned.cost("label_flip")


def test_an_inner_attack_that_widens_columns():
    X = np.random.default_rng(0).integers(0, 20, size=(N, 3))
    y = np.arange(N) % 2
    for convert_ in (np.asarray, pd.DataFrame, sparse.csr_array):
        attack = NearDuplicateAttack(MomentMatchingAttack(n_trials=0), 3)
        poisoned = attack.generate(convert_(X), y, budget=8)
        assert np.array_equal(as_numbers(poisoned.X)[:N], X)
        assert not np.array_equal(as_numbers(poisoned.X), np.rint(as_numbers(poisoned.X)))
        assert poisoned.details["label"] in (0, 1)


def test_fewer_rows_than_distinct_ones_are_as_the_inner_attack_made_them(numbers):
    poisoned = NearDuplicateAttack(InsertionAttack(), 9).generate(*numbers, budget=4)
    assert poisoned.details["copy_of"].tolist() == [0, 1, 2, 3]
    assert poisoned.is_poison.sum() == 4


def test_wrappers_nest(numbers):
    attack = GroupSplitAttack(NearDuplicateAttack(InsertionAttack(), 2), 5)
    poisoned = attack.generate(*numbers, budget=20, groups=SOURCES)
    assert poisoned.cost("group") == 5
    assert poisoned.details["copy_of"].tolist() == [k % 2 for k in range(20)]


def test_constructors_only_store():
    inner = InsertionAttack()
    for attack in (GroupSplitAttack(inner, 3), NearDuplicateAttack(inner, 3)):
        assert attack.attack is inner
        assert attack.get_params()["attack__label"] is None
    model = LogisticRegression()
    assert MomentMatchingAttack(estimator=model).estimator is model


@pytest.mark.parametrize(
    "attack",
    [MomentMatchingAttack(), GroupSplitAttack(InsertionAttack(), 2), NearDuplicateAttack(InsertionAttack(), 2)],
    ids=lambda attack: type(attack).__name__,
)
def test_budget_zero_and_bad_budgets(attack, numbers):
    X, y = numbers
    assert attack.generate(X, y, budget=0).X is X
    with pytest.raises(ValueError, match="whole number of units"):
        attack.generate(X, y, budget=0.5)


def test_groups_that_an_inner_attack_makes_up_stay_inside(numbers):
    attack = NearDuplicateAttack(GroupSplitAttack(InsertionAttack(), 2), 2)
    poisoned = attack.generate(*numbers, budget=5)
    assert poisoned.groups is None
    assert poisoned.cost("insert_delete") == 5
