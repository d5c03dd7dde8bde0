"""Attacks that look first: guided by the votes of a partition ensemble, and by what a defence lets through."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from robustfit import CertificateError, PartitionClassifier, PartitionRegressor
from robustfit.attacks import (
    CertificateGuidedAttack,
    DeletionAttack,
    ExternalAttack,
    FarFlipAttack,
    InsertionAttack,
    IterativeAttack,
    ModificationAttack,
    RandomFlipAttack,
)
from robustfit.attacks._guided._twins import rows_in_shards, twins
from robustfit.attacks._guided._votes import members_to_turn, winner
from robustfit.attacks._iterative._trial import kept_rows
from robustfit.partition import ShardPlan

pytestmark = pytest.mark.filterwarnings(
    "ignore::robustfit.ensemble.PartitionWarning", "ignore::robustfit.ensemble.MemberWarning"
)

NEAREST = KNeighborsClassifier(1)


def split(load, n_test=40):
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    X, y = X[order], y[order]
    X.flags.writeable = y.flags.writeable = False
    return X[n_test:], y[n_test:], X[:n_test]


def share_moved(ensemble, X, y, targets, threat, extra):
    """Share of targets whose prediction moves in a refit, each attacked with its radius and some extra units."""
    radius = ensemble.certify(targets, threat=threat).radius
    moved = []
    for i in range(len(targets)):
        target, budget = targets[[i]], max(int(radius[i]) + extra, 0)
        poisoned = CertificateGuidedAttack(ensemble, target, threat=threat).generate(X, y, budget=budget)
        assert poisoned.cost(threat) == budget
        now = clone(ensemble).fit(poisoned.X, poisoned.y).predict(target)[0]
        moved.append(now != ensemble.predict(target)[0])
        if budget:
            assert poisoned.details["targets"].tolist() == [0] * int(moved[-1])
            assert len(poisoned.details["shards"]) <= budget
    return np.mean(moved)


# ---- guided: certificates are tight --------------------------------------------------------------------------


@pytest.mark.parametrize("threat", ["insert_delete", "label_flip"])
def test_nearest_neighbours_move_at_one_unit_above_the_radius(threat):
    X, y, targets = split(load_wine, 12)
    ensemble = PartitionClassifier(NEAREST, n_partitions=8).fit(X, y)
    assert share_moved(ensemble, X, y, targets, threat, 0) == 0
    assert share_moved(ensemble, X, y, targets, threat, 1) == 1


@pytest.mark.slow
@pytest.mark.parametrize("threat", ["insert_delete", "label_flip"])
@pytest.mark.parametrize(("load", "n_partitions"), [(load_breast_cancer, 25), (load_wine, 10), (load_digits, 50)])
def test_certificates_are_tight_for_nearest_neighbours(load, n_partitions, threat):
    X, y, targets = split(load)
    ensemble = PartitionClassifier(NEAREST, n_partitions=n_partitions).fit(X, y)
    assert share_moved(ensemble, X, y, targets, threat, 0) == 0
    assert share_moved(ensemble, X, y, targets, threat, 1) >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize(
    ("member", "least"),
    [
        (GaussianNB(), 0.6),
        (LogisticRegression(C=0.1, max_iter=1000), 0.4),
        (DecisionTreeClassifier(), 0.9),
        (RandomForestClassifier(5), 0.8),
    ],
)
def test_other_members_never_move_at_the_radius_and_often_above(member, least):
    X, y, targets = split(load_breast_cancer, 10)
    ensemble = PartitionClassifier(member, n_partitions=15).fit(X, y)
    assert share_moved(ensemble, X, y, targets, "insert_delete", 0) == 0
    assert share_moved(ensemble, X, y, targets, "insert_delete", 1) >= least


def test_an_unseen_label_that_sorts_first_wins_the_tie():
    X, y, targets = split(load_breast_cancer)
    for name, labels in (("numbers", y), ("texts", np.array(["bad", "good"])[y])):
        ensemble = PartitionClassifier(NEAREST, n_partitions=10).fit(X, labels)
        votes = ensemble.votes(targets)
        row = int(np.flatnonzero((votes == 0).all(axis=1))[0])
        # Ten votes for the smallest class: the other one needs six members, a label before it five.
        assert ensemble.certify(targets[[row]]).radius[0] == 4
        poisoned = CertificateGuidedAttack(ensemble, targets[[row]]).generate(X, labels, budget=5)
        new = {"numbers": -1, "texts": ""}[name]
        assert set(poisoned.y[poisoned.is_poison].tolist()) == {new}
        assert clone(ensemble).fit(poisoned.X, poisoned.y).predict(targets[[row]])[0] == new
        closed = clone(ensemble).set_params(classes=np.unique(labels)).fit(X, labels)
        poisoned = CertificateGuidedAttack(closed, targets[[row]]).generate(X, labels, budget=5)
        assert set(poisoned.y.tolist()) == set(labels.tolist())
        assert len(poisoned.details["targets"]) == 0


# ---- guided: threats, targets, labels ------------------------------------------------------------------------


@pytest.mark.parametrize("threat", ["insert_delete", "modify", "label_flip", "delete"])
@pytest.mark.parametrize("budget", [1, 9, 30])
def test_the_budget_is_exact(threat, budget):
    X, y, targets = split(load_wine)
    ensemble = PartitionClassifier(NEAREST, n_partitions=6)
    attack = CertificateGuidedAttack(ensemble, targets[:3], threat=threat)
    poisoned = attack.generate(X, y, budget=budget, random_state=4)
    assert poisoned.cost(threat) == budget
    again = clone(attack).generate(X, y, budget=budget, random_state=4)
    np.testing.assert_array_equal(poisoned.X, again.X)
    np.testing.assert_array_equal(poisoned.y, again.y)
    kept = np.setdiff1d(np.arange(len(y)), poisoned.removed)
    np.testing.assert_array_equal(poisoned.X[~poisoned.is_poison], X[kept])
    before = clone(ensemble).fit(X, y).predict(targets[:3])
    after = clone(ensemble).fit(poisoned.X, poisoned.y).predict(targets[:3])
    assert poisoned.details["targets"].tolist() == np.flatnonzero(after != before).tolist()
    if budget == 30 and threat != "delete":
        assert len(poisoned.details["targets"]) == 3


@pytest.mark.parametrize("threat", ["group", "insert_delete", "label_flip"])
def test_partitions_by_groups(threat):
    X, y, targets = split(load_breast_cancer)
    groups = np.array([f"source {i % 60}" for i in range(len(y))])
    ensemble = PartitionClassifier(NEAREST, n_partitions=11, partition_by="groups").fit(X, y, groups=groups)
    radius = ensemble.certify(targets[:4], threat=threat).radius
    for i in range(4):
        budget = int(radius[i]) + 1
        attack = CertificateGuidedAttack(ensemble, targets[[i]], threat=threat)
        poisoned = attack.generate(X, y, budget=budget, groups=groups)
        assert poisoned.cost(threat) == budget
        assert set(poisoned.groups) == set(groups)
        now = clone(ensemble).fit(poisoned.X, poisoned.y, groups=poisoned.groups).predict(targets[[i]])
        assert now != ensemble.predict(targets[[i]])
    if threat == "group":
        assert attack.generate(X, y, budget=60, groups=groups).cost("group") == 60
        with pytest.raises(ValueError, match="budget=61, but only 60 rows groups can send"):
            attack.generate(X, y, budget=61, groups=groups)


def test_the_closest_targets_come_first_and_share_rows():
    X, y, targets = split(load_digits)
    ensemble = PartitionClassifier(NEAREST, n_partitions=20).fit(X, y)
    radius = ensemble.certify(targets).radius
    order = np.argsort(radius, kind="stable")
    two = int(radius[order[0]] + radius[order[1]] + 2)
    poisoned = CertificateGuidedAttack(ensemble, targets).generate(X, y, budget=two)
    assert set(order[:2]) <= set(poisoned.details["targets"])
    # The same row twice is two targets for the price of one.
    twice = np.vstack([targets[:1], targets[:1]])
    poisoned = CertificateGuidedAttack(ensemble, twice).generate(X, y, budget=int(radius[0]) + 1)
    assert poisoned.details["targets"].tolist() == [0, 1]


@pytest.mark.parametrize("label", [2, 77])
def test_a_label_to_reach(label):
    X, y, targets = split(load_wine)
    ensemble = PartitionClassifier(NEAREST, n_partitions=7).fit(X, y)
    row = int(np.flatnonzero(ensemble.predict(targets) == 0)[0])
    attack = CertificateGuidedAttack(ensemble, targets[[row]], label=label)
    poisoned = attack.generate(X, y, budget=7)
    assert clone(ensemble).fit(poisoned.X, poisoned.y).predict(targets[[row]]) == label
    assert poisoned.details["targets"].tolist() == [0]
    closed = clone(ensemble).set_params(classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"label=9 is not one of the labels \[0, 1, 2\]"):
        CertificateGuidedAttack(closed, targets, label=9).generate(X, y, budget=1)
    with pytest.raises(ValueError, match="threat='delete' against this ensemble cannot bring in others"):
        CertificateGuidedAttack(ensemble, targets, label=9, threat="delete").generate(X, y, budget=1)


def test_members_that_need_several_rows_get_them():
    X, y, targets = split(load_wine)
    # Of three neighbours two have to agree.
    ensemble = PartitionClassifier(KNeighborsClassifier(3), n_partitions=5).fit(X, y)
    row = int(np.argmax(ensemble.certify(targets).radius))
    at_once = CertificateGuidedAttack(ensemble, targets[[row]]).generate(X, y, budget=3)
    assert len(at_once.details["targets"]) == 0
    twice = CertificateGuidedAttack(ensemble, targets[[row]]).generate(X, y, budget=8)
    assert twice.details["targets"].tolist() == [0]
    assert twice.cost("insert_delete") == 8


# ---- guided: containers --------------------------------------------------------------------------------------


def containers():
    rng = np.random.default_rng(0)
    y = np.arange(120) % 3
    X = rng.normal(size=(120, 4)) + 2 * y[:, None]
    thin = np.where(rng.random(X.shape) < 0.5, X, 0.0)
    mixed = {"a": X[:, 0], "kind": np.array(["x", "y", "z"])[y], "count": np.rint(X[:, 1] * 3).astype(int)}
    return y, {
        "float32": X.astype(np.float32),
        "int": np.rint(X * 20).astype(int),
        "uint8": np.clip(np.rint(X * 20), 0, 255).astype(np.uint8),
        "csr": sparse.csr_array(thin),
        "csc": sparse.csc_matrix(thin),
        "pandas": pd.DataFrame(X, columns=list("abcd")),
        "pandas ints": pd.DataFrame(np.rint(X * 20).astype(int), columns=list("abcd")),
        "polars": pl.DataFrame({"a": X[:, 0], "b": X[:, 1] > 3}),
        "mixed": pd.DataFrame(mixed),
    }


@pytest.mark.parametrize("kind", containers()[1])
def test_containers(kind):
    y, X = containers()[0], containers()[1][kind]
    member = make_pipeline(_OneHot(), NEAREST) if kind == "mixed" else NEAREST
    ensemble = PartitionClassifier(member, n_partitions=5).fit(X, y)
    target = X[:2] if kind not in ("csc", "csr") else X.tocsr()[:2].asformat(X.format)
    poisoned = CertificateGuidedAttack(ensemble, target).generate(X, y, budget=6)
    assert type(poisoned.X) is type(X)
    assert poisoned.X.shape == (126, X.shape[1])
    assert getattr(poisoned.X, "dtype", None) == getattr(X, "dtype", None)
    if hasattr(X, "dtypes"):
        assert list(poisoned.X.dtypes) == list(X.dtypes)
    after = clone(ensemble).fit(poisoned.X, poisoned.y).predict(target)
    assert poisoned.details["targets"].tolist() == np.flatnonzero(after != ensemble.predict(target)).tolist()
    assert len(poisoned.details["targets"]) >= 1


class _OneHot(BaseEstimator):
    """Letters as numbers, so that a nearest neighbour can read the frame."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X.assign(kind=X["kind"].map({"x": 0, "y": 1, "z": 2})).to_numpy(dtype=float)


def test_texts():
    texts = [f"{'free cash' if i % 2 else 'lunch today'} number{i % 7} word{i}" for i in range(60)]
    y = np.arange(60) % 2
    ensemble = PartitionClassifier(make_pipeline(CountVectorizer(), NEAREST), n_partitions=5).fit(texts, y)
    target = ["free cash now"]
    budget = int(ensemble.certify(target).radius[0]) + 1
    poisoned = CertificateGuidedAttack(ensemble, target).generate(texts, y, budget=budget)
    assert poisoned.X[:60] == texts
    assert {text.strip() for text in poisoned.X[60:]} == set(target)
    assert poisoned.details["targets"].tolist() == [0]


def test_a_target_with_a_fraction_widens_whole_numbers():
    X, y = np.arange(40).reshape(20, 2), np.arange(20) % 2
    attack = CertificateGuidedAttack(PartitionClassifier(NEAREST, n_partitions=3), [[0.5, 1.0]])
    poisoned = attack.generate(X, y, budget=2)
    assert poisoned.X.dtype == np.float64
    np.testing.assert_array_equal(poisoned.X[:20], X)


def test_rows_next_to_a_row_in_every_shard():
    rng = np.random.default_rng(0)
    row = rng.normal(size=(1, 6))

    def place(X):
        return ShardPlan.by_content(X, n_partitions=50).shard

    rows, where = rows_in_shards(row, np.arange(50), 50, place, rng)
    assert sorted(where) == list(range(50))
    assert place(rows)[list(where.values())].tolist() == list(where)
    np.testing.assert_allclose(rows, np.repeat(row, len(rows), axis=0), rtol=1e-10)
    # There are but four rows of two booleans.
    rows, where = rows_in_shards(np.zeros((1, 2), dtype=bool), np.arange(50), 50, place, rng)
    assert 1 <= len(where) <= 3


def test_twins_start_with_the_row_itself():
    rng = np.random.default_rng(0)
    for row in (
        np.ones((1, 3)),
        np.zeros((1, 3)),
        np.array([[250, 255]], dtype=np.uint8),
        sparse.csr_array([[0, 2.0]]),
    ):
        block = twins(row, 40, 0, rng)
        assert type(block) is type(row)
        assert block.dtype == row.dtype
        dense, first = (part.toarray() if sparse.issparse(part) else part for part in (block, row))
        assert dense[0].tolist() == first[0].tolist()
        assert len(np.unique(dense, axis=0)) > 2
    assert twins(["hello"], 3, 0, rng)[0] == "hello"
    assert len(set(twins(["hello"], 300, 0, rng))) == 300


def test_fewest_members_by_brute_force():
    rng = np.random.default_rng(0)
    for _ in range(60):
        n_labels, n_members = int(rng.integers(2, 5)), int(rng.integers(1, 8))
        votes = rng.integers(-1, n_labels, n_members)
        rival = int(rng.integers(n_labels))
        free = np.ones(n_members, dtype=bool)
        members, done = members_to_turn(votes, rival, n_labels, can_turn=free, exact=True)
        subsets = range(2**n_members)
        chosen = [[i for i in range(n_members) if s >> i & 1] for s in subsets]
        wins = [
            len(c)
            for c in chosen
            if winner(np.where(np.isin(np.arange(n_members), c), rival, votes), n_labels) == rival
        ]
        if winner(votes, n_labels) == rival:
            assert members == []
        else:
            assert done
            assert len(members) == min(wins)


# ---- guided: bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ensemble": PartitionRegressor()}, "the ensemble is a PartitionRegressor.*Use BlackBoxAttack"),
        ({"target": np.zeros((1, 3))}, r"at least one row and 13 columns, got shape \(1, 3\)"),
        ({"target": np.zeros((0, 13))}, "at least one row"),
        ({"target": np.zeros(13)}, "2-D X with numeric columns"),
        ({"threat": "group"}, "A partition by content cannot answer threat='group'"),
        ({"threat": "poison"}, "Unknown threat 'poison'"),
        ({"ensemble": PartitionClassifier(NEAREST, partition_by="groups")}, "pass groups= to generate"),
    ],
)
def test_bad_input(change, message):
    X, y, targets = split(load_wine)
    parts = {"ensemble": PartitionClassifier(NEAREST, n_partitions=5), "target": targets[:1], "threat": "insert_delete"}
    with pytest.raises(ValueError, match=message):
        CertificateGuidedAttack(**(parts | change)).generate(X, y, budget=1)


def test_more_bad_input():
    X, y, targets = split(load_wine)
    ensemble = PartitionClassifier(NEAREST, n_partitions=5)
    with pytest.raises(TypeError, match="ensemble must be a PartitionClassifier, got LogisticRegression"):
        CertificateGuidedAttack(LogisticRegression(), targets).generate(X, y, budget=1)
    other = clone(ensemble).fit(X[:50], y[:50])
    with pytest.raises(ValueError, match=r"fitted on other rows.*Pass it unfitted: clone\(ensemble\)"):
        CertificateGuidedAttack(other, targets).generate(X, y, budget=1)
    with pytest.raises(ValueError, match=f"only {len(y) - 1} rows can be deleted if one is to be left"):
        CertificateGuidedAttack(ensemble, targets, threat="delete").generate(X, y, budget=len(y))
    with pytest.raises(ValueError, match=f"only {len(y)} rows can be changed"):
        CertificateGuidedAttack(ensemble, targets, threat="label_flip").generate(X, y, budget=len(y) + 1)
    with pytest.raises(ValueError, match="is a regression target"):
        CertificateGuidedAttack(ensemble, targets).generate(X, y.astype(float), budget=1)
    with pytest.raises(ValueError, match="X is a list: it and target must hold texts"):
        CertificateGuidedAttack(ensemble, targets).generate(["a", "b"], [0, 1], budget=1)
    frame = pd.DataFrame(X)
    with pytest.raises(ValueError, match="X is a data frame: target must be one"):
        CertificateGuidedAttack(ensemble, targets).generate(frame, y, budget=1)
    words = pd.DataFrame({"word": ["a", "b", "c"] * 4})
    attack = CertificateGuidedAttack(PartitionClassifier(NEAREST, n_partitions=2, schema={"word": "text"}), words[:1])
    with pytest.raises(ValueError, match="No member could be fitted"):
        attack.generate(words, np.arange(12) % 2, budget=1)
    with pytest.raises(CertificateError):
        CertificateGuidedAttack(ensemble, targets, threat=None).generate(X, y, budget=1)


# ---- iterative -----------------------------------------------------------------------------------------------


class Filter(ClassifierMixin, BaseEstimator):
    """Drops the rows of each class that are farthest from its centroid, poison included, and fits the rest."""

    def __init__(self, estimator, share=0.05):
        self.estimator = estimator
        self.share = share

    def fit(self, X, y):
        keep = np.ones(len(y), dtype=bool)
        for label in np.unique(y):
            own = np.flatnonzero(y == label)
            far = np.linalg.norm(X[own] - X[own].mean(axis=0), axis=1)
            keep[own[np.argsort(-far)[: int(np.ceil(self.share * len(own)))]]] = False
        self.support_, self.classes_ = keep, np.unique(y)
        self.model_ = clone(self.estimator).fit(X[keep], y[keep])
        return self

    def predict(self, X):
        return self.model_.predict(X)


class Trimmed(Filter):
    """Fits, drops the rows of largest loss, and again."""

    def fit(self, X, y):
        keep, self.classes_ = np.ones(len(y), dtype=bool), np.unique(y)
        sign = np.where(y == self.classes_[1], 1.0, -1.0)
        for _ in range(4):
            self.model_ = clone(self.estimator).fit(X[keep], y[keep])
            worst = np.argsort(sign * self.model_.decision_function(X))[: int(self.share * len(y))]
            keep = ~np.isin(np.arange(len(y)), worst)
        self.sample_indices_ = np.flatnonzero(keep)
        return self


SVM = LinearSVC(C=0.1, random_state=0)


def pair(first, second, seed):
    X, y = load_digits(return_X_y=True)
    of_two = np.isin(y, [first, second])
    X, y = X[of_two] / 8 - 1, y[of_two]
    return train_test_split(X, y, test_size=0.4, stratify=y, random_state=seed)


def far_out(X, y, budget, seed):
    """An attack that ignores defences: rows pushed far from the centre, under the other label."""
    rows = np.random.default_rng(seed).choice(len(y), budget)
    labels = np.unique(y)
    return X.mean(axis=0) + 4 * (X[rows] - X.mean(axis=0)), labels.sum() - y[rows]


def errors(attack, defence, pairs, seeds, share=0.05):
    """Mean error on clean test rows after the attack alone and in rounds, and both by what guides it."""
    table = []
    for pair_of in pairs:
        for seed in seeds:
            X, X_test, y, y_test = pair(*pair_of, seed)
            budget = int(share * len(y))
            alone = attack.generate(X, y, budget=budget, random_state=seed)
            rounds = IterativeAttack(attack, defence).generate(X, y, budget=budget, random_state=seed)
            scores = [1 - clone(defence).fit(p.X, p.y).score(X_test, y_test) for p in (alone, rounds)]
            history = rounds.details["history"]
            assert rounds.details["harm"] == max(trial["harm"] for trial in history) >= history[0]["harm"]
            table.append([*scores, history[0]["harm"], rounds.details["harm"]])
    return np.mean(table, axis=0)


def test_outliers_learn_to_pass_a_filter():
    alone, adapted, guide_alone, guide = errors(ExternalAttack(far_out), Filter(SVM), [(3, 8), (4, 9)], range(2))
    assert adapted >= 1.5 * alone
    assert guide >= 1.5 * guide_alone


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attack", "defence", "factor"),
    [
        (ExternalAttack(far_out), Filter(SVM), 1.5),
        (RandomFlipAttack(), Trimmed(SVM), 1.5),
        (FarFlipAttack(), Filter(SVM), 1.0),
        (InsertionAttack(), Trimmed(SVM), 1.0),
    ],
    ids=["far rows, filter", "flips, trimming", "far flips, filter", "insertions, trimming"],
)
def test_what_watches_the_defence_does_more_harm(attack, defence, factor):
    alone, adapted, guide_alone, guide = errors(attack, defence, [(3, 8), (4, 9), (1, 7)], range(3))
    assert guide >= 1.1 * guide_alone
    assert adapted >= factor * alone


@pytest.mark.parametrize(
    "attack", [InsertionAttack(), RandomFlipAttack(), ModificationAttack(), DeletionAttack(), FarFlipAttack()]
)
@pytest.mark.parametrize("defence", [Filter(GaussianNB()), GaussianNB()], ids=["filter", "plain"])
def test_every_kind_of_attack_in_rounds(attack, defence):
    X, y, _ = split(load_breast_cancer, 400)
    groups = np.arange(len(y)) % 7
    adaptive = IterativeAttack(attack, defence, rounds=2)
    poisoned = adaptive.generate(X, y, budget=11, groups=groups)
    threat = {"InsertionAttack": "insert_delete", "ModificationAttack": "modify", "DeletionAttack": "delete"}
    assert poisoned.cost(threat.get(type(attack).__name__, "label_flip")) == 11
    kept = np.setdiff1d(np.arange(len(y)), poisoned.removed)
    np.testing.assert_array_equal(poisoned.X[~poisoned.is_poison], X[kept])
    np.testing.assert_array_equal(poisoned.y[~poisoned.is_poison], y[kept])
    np.testing.assert_array_equal(poisoned.groups[~poisoned.is_poison], groups[kept])
    assert len(poisoned.groups) == len(poisoned.y)
    history = poisoned.details["history"]
    assert poisoned.details["harm"] == max(trial["harm"] for trial in history)
    kinds = {trial["kind"] for trial in history}
    if isinstance(defence, GaussianNB):
        assert kinds == {"fresh"}
        assert [trial["round"] for trial in history] == [0, 1, 2]
        assert all(trial["kept_poison"] is None for trial in history)
    elif not isinstance(attack, DeletionAttack):
        assert {"fresh", "survivors", "kept"} <= kinds
        assert all(0 <= trial["kept_poison"] <= 1 for trial in history)
    assert ("drawn in" in kinds) == (
        isinstance(defence, Filter) and isinstance(attack, InsertionAttack | ModificationAttack)
    )
    again = clone(adaptive).generate(X, y, budget=11, groups=groups)
    np.testing.assert_array_equal(poisoned.X, again.X)
    assert again.details["history"] == history


def test_regression_in_rounds():
    X, y = load_diabetes(return_X_y=True)
    defence = RANSACRegressor(LinearRegression(), min_samples=0.5)
    for attack in (RandomFlipAttack(), InsertionAttack()):
        poisoned = IterativeAttack(attack, defence, rounds=2).generate(X[:200], y[:200], budget=20)
        history = poisoned.details["history"]
        assert poisoned.details["harm"] >= history[0]["harm"] > 100
        assert history[0]["kept_poison"] is not None


def test_the_attack_may_refer_to_the_learner_of_the_defence():
    seen = []

    class Noted(LogisticRegression):
        def fit(self, X, y):
            seen.append(len(y))
            return super().fit(X, y)

    X, _, y, _ = pair(3, 8, 0)
    # Fitted by the defence for three folds and all, and by nobody else, but for the attack's sets of kept rows.
    IterativeAttack(FarFlipAttack(), Filter(Noted()), rounds=1).generate(X, y, budget=8)
    plain, own = len(seen), FarFlipAttack(LogisticRegression())
    seen.clear()
    IterativeAttack(own, Filter(Noted()), rounds=1).generate(X, y, budget=8)
    assert plain == len(seen) + 2


@pytest.mark.parametrize("kind", ["csr", "frame", "float32", "int"])
def test_containers_in_rounds(kind):
    X, _, y, _ = pair(3, 8, 0)
    X = np.rint(8 * (X + 1))
    make = {
        "csr": sparse.csr_array,
        "frame": lambda rows: pd.DataFrame(rows, columns=[f"p{i}" for i in range(64)]),
        "float32": np.float32,
        "int": lambda rows: rows.astype(int),
    }[kind]
    rows, labels = make(X), np.array(["three", "eight"])[(y == 8).astype(int)]
    defence = SGDLike() if kind == "csr" else SGDLike(dense=True)
    poisoned = IterativeAttack(InsertionAttack(), defence, rounds=2).generate(rows, list(labels), budget=6)
    assert type(poisoned.X) is type(rows)
    assert poisoned.cost("insert_delete") == 6
    assert isinstance(poisoned.y, list)
    assert set(poisoned.y) == {"three", "eight"}
    assert "drawn in" in {trial["kind"] for trial in poisoned.details["history"]}


class SGDLike(ClassifierMixin, BaseEstimator):
    """Keeps four rows of five, whatever they are."""

    def __init__(self, dense=False):
        self.dense = dense

    def fit(self, X, y):
        rows = np.flatnonzero(np.arange(len(y)) % 5)
        self.sample_indices_ = rows
        self.model_ = LogisticRegression(max_iter=1000).fit(self._read(X)[rows], np.asarray(y)[rows])
        return self

    def predict(self, X):
        return self.model_.predict(self._read(X))

    def _read(self, X):
        return np.asarray(X, dtype=float) if self.dense else X.tocsr()


def test_where_kept_rows_are_read_off():
    X, y = load_wine(return_X_y=True)
    assert kept_rows(SVC().fit(X, y), len(y)) is None
    assert kept_rows(GaussianNB().fit(X, y), len(y)) is None
    told = Filter(GaussianNB()).fit(X, y)
    np.testing.assert_array_equal(kept_rows(told, len(y)), told.support_)
    inside = make_pipeline(KNeighborsClassifier()).fit(X, y)
    assert kept_rows(inside, len(y)) is None
    ransac = make_pipeline(RANSACRegressor(LinearRegression(), min_samples=0.5, random_state=0)).fit(X, y)
    np.testing.assert_array_equal(kept_rows(ransac, len(y)), ransac[-1].inlier_mask_)


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (IterativeAttack("flip", GaussianNB()), "attack of IterativeAttack must be an attack"),
        (IterativeAttack(RandomFlipAttack(), GaussianNB), "must be a classifier or regressor, with fit and predict"),
        (IterativeAttack(RandomFlipAttack(), None), "must be a classifier or regressor"),
        (
            IterativeAttack(RandomFlipAttack(), IsolationForest()),
            "must be a classifier or regressor.*put it in front of",
        ),
        (
            IterativeAttack(RandomFlipAttack(), LinearRegression()),
            "LinearRegression is a regressor, but y has dtype int64",
        ),
        (
            IterativeAttack(RandomFlipAttack(), GaussianNB(), rounds=0),
            "rounds of IterativeAttack must be a whole number",
        ),
        (IterativeAttack(RandomFlipAttack(), GaussianNB(), rounds=1.5), "rounds of IterativeAttack"),
        (IterativeAttack(RandomFlipAttack(), GaussianNB(), folds=1), "folds of IterativeAttack must be from 2"),
        (IterativeAttack(RandomFlipAttack(), GaussianNB(), folds=9), "from 2 to 8, the number of rows, got 9"),
    ],
)
def test_bad_input_of_rounds(attack, message):
    with pytest.raises(ValueError, match=message):
        attack.generate(np.arange(16.0).reshape(8, 2), np.arange(8) % 2, budget=1)
