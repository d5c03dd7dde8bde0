"""Attacks at real size: poison, refit, and no prediction moves that was certified against that much."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from robustfit import PartitionClassifier, PartitionRegressor
from robustfit.partition import ShardPlan

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::robustfit.ensemble.PartitionWarning", "ignore::robustfit.ensemble.MemberWarning"
    ),
    pytest.mark.slow,
]

BASES = {
    "nearest neighbour": KNeighborsClassifier(1),
    "naive Bayes": GaussianNB(),
    "tree": DecisionTreeClassifier(max_depth=4),
    "scaled logistic": make_pipeline(StandardScaler(), LogisticRegression(C=0.3)),
}
THREATS = ["insert_delete", "label_flip", "delete", "modify"]


def split(load, n_test=60):
    X, y = load(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return X[order[n_test:]], y[order[n_test:]], X[order[:n_test]]


class Attacker:
    """Poisons a chosen number of units, spread over shards one each; guided: shards that are closest to turning."""

    def __init__(self, ensemble, X, y, X_test, rng):
        self.X, self.y, self.X_test, self.rng = X, y, X_test, rng
        self.shard = ShardPlan.by_content(X, n_partitions=ensemble.n_partitions, random_state=ensemble.random_state)
        self.shard = self.shard.shard
        self.n_partitions = ensemble.n_partitions
        self.random_state = ensemble.random_state
        self.votes = ensemble.votes(X_test)

    def shards(self, units, row, guided):
        """Shards to spend on, one each."""
        occupied = np.unique(self.shard)
        if guided:
            votes = self.votes[row, occupied]
            if votes.dtype.kind == "f":
                # Members below the median can be pushed above it: take those.
                occupied = occupied[np.argsort(votes)]
            else:
                winner = np.bincount(votes[votes >= 0]).argmax()
                sizes = np.bincount(self.shard, minlength=self.n_partitions)[occupied]
                # Members that vote for the winner, the smallest shards first: they turn most easily.
                occupied = occupied[np.lexsort((sizes, votes != winner))]
        else:
            occupied = self.rng.permutation(occupied)
        return occupied[: min(units, len(occupied))]

    def near(self, target, shard):
        """A row that hashes into the shard, as close to the attacked row as it takes."""
        for scale in (0.0, *np.geomspace(1e-6, 1e-2, 400)):
            x = target + scale * self.rng.normal(size=target.shape)
            plan = ShardPlan.by_content(x[None, :], n_partitions=self.n_partitions, random_state=self.random_state)
            if plan.shard[0] == shard:
                return x
        return None

    def poison(self, threat, units, row, label, guided):
        X, y = list(self.X), list(self.y)
        target = self.X_test[row]
        removed = []
        for shard in self.shards(units, row, guided):
            here = np.flatnonzero(self.shard == shard)
            nearest = here[np.argmin(((self.X[here] - target) ** 2).sum(axis=1))]
            if threat == "label_flip":
                y[nearest] = label
            elif threat == "delete":
                # The nearest row with another label than the one that is wanted.
                against = here[self.y[here] != label]
                removed.append(
                    nearest if len(against) == 0 else against[np.argmin(((self.X[against] - target) ** 2).sum(axis=1))]
                )
            elif (x := self.near(target, shard)) is not None:
                X.append(x)
                y.append(label)
                if threat == "modify":
                    # The other shard that the replaced row leaves.
                    removed.append(int(self.rng.choice(np.flatnonzero(self.shard != shard))))
        removed = sorted(set(removed))
        keep = np.setdiff1d(np.arange(len(X)), removed)
        return np.array(X)[keep], np.array(y, dtype=np.result_type(self.y, type(label)))[keep]


@pytest.mark.parametrize("threat", THREATS)
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("load", [load_breast_cancer, load_digits], ids=["breast cancer", "digits"])
def test_classifiers(load, base, threat, effort):
    X, y, X_test = split(load)
    new_label = int(y.max()) + 1
    moved_above, attacks = 0, 0
    rng = np.random.default_rng([THREATS.index(threat), list(BASES).index(base)])
    for seed in range(2):
        ensemble = PartitionClassifier(BASES[base], n_partitions=24 + seed, random_state=seed).fit(X, y)
        certificate = ensemble.certify(X_test, threat=threat)
        prediction, radius = np.array(certificate.prediction), certificate.radius
        attacker = Attacker(ensemble, X, y, X_test, rng)
        for trial in range(28 * effort):
            guided = trial % 2 == 0
            row = int(rng.integers(len(X_test)))
            units = int(max(1, radius[row] + rng.integers(0, 2)))
            others = [c for c in ensemble.classes_ if c != prediction[row]]
            runner_up = certificate.classes[np.argsort(-certificate.rival_radius[row])[-2]]
            label = int(rng.choice([runner_up, rng.choice(others), -1 if trial % 3 else new_label]))
            X_bad, y_bad = attacker.poison(threat, units, row, label, guided)
            now = PartitionClassifier(BASES[base], n_partitions=24 + seed, random_state=seed)
            changed = now.fit(X_bad, y_bad).predict(X_test) != prediction
            assert not np.any(changed & (radius >= units)), (seed, trial, units, label)
            moved_above += int(np.sum(changed & (radius < units)))
            attacks += 1
    assert attacks == 56 * effort
    if base in ("nearest neighbour", "naive Bayes") and threat != "modify":
        # Attacks that never move anything would prove nothing.
        assert moved_above > 0


@pytest.mark.parametrize("threat", THREATS)
def test_regressors(threat, effort):
    X, y, X_test = split(load_diabetes)
    rng = np.random.default_rng(THREATS.index(threat))
    moved = 0
    for base in (None, DecisionTreeRegressor(max_depth=3)):
        for n_partitions in (20, 21):
            ensemble = PartitionRegressor(base, n_partitions=n_partitions).fit(X, y)
            certificate = ensemble.certify(X_test, threat=threat)
            attacker = Attacker(ensemble, X, y, X_test, rng)
            for trial in range(14 * effort):
                units = int(rng.integers(1, 12))
                row = int(rng.integers(len(X_test)))
                X_bad, y_bad = attacker.poison(threat, units, row, float(rng.choice([-1e6, 1e6])), trial % 2 == 0)
                low, high = certificate.interval(units)
                now = ensemble.set_params(n_jobs=None).fit(X_bad, y_bad).predict(X_test)
                assert np.all((low <= now) & (now <= high)), (n_partitions, trial, units)
                moved += int(np.sum(now != certificate.prediction))
    assert moved > 0


def test_groups(effort):
    X, y, X_test = split(load_breast_cancer)
    rng = np.random.default_rng(0)
    groups = np.array([f"source {i % 100}" for i in range(len(y))])
    options = {"n_partitions": 20, "partition_by": "groups"}
    ensemble = PartitionClassifier(GaussianNB(), **options).fit(X, y, groups=groups)
    certificate = ensemble.certify(X_test, threat="group")
    prediction = np.array(certificate.prediction)
    moved_above = 0
    for trial in range(60 * effort):
        units = int(rng.integers(1, 8))
        bad = rng.choice(np.unique(groups), units, replace=False).tolist()
        # A source may send anything: wrong labels, many more rows, or nothing; and new sources may turn up.
        bad[0] = "source new" if trial % 3 == 0 else bad[0]
        keep = ~np.isin(groups, bad)
        extra = rng.integers(0, len(y), size=40 * units)
        X_bad = np.vstack([X[keep], X[extra] * rng.choice([1.0, 3.0])])
        y_bad = np.concatenate([y[keep], 1 - y[extra] if trial % 2 else np.full(len(extra), 2)])
        groups_bad = np.concatenate([groups[keep], rng.choice(bad, len(extra))])
        now = PartitionClassifier(GaussianNB(), **options).fit(X_bad, y_bad, groups=groups_bad).predict(X_test)
        assert not np.any((now != prediction) & (certificate.radius >= units))
        moved_above += int(np.sum(now != prediction))
    assert moved_above > 0


def test_mixed_frames(effort):
    from families import FRAME_BASE, frames

    X, y, X_test = frames(n=500)
    rng = np.random.default_rng(0)
    # Whole numbers become floats as soon as one row holds a fraction: the schema has to say which.
    schema = {"age": "number", "kind": ["a", "b", "c", "d"], "town": "text", "visits": "number"}
    ensemble = PartitionClassifier(FRAME_BASE, n_partitions=15, schema=schema).fit(X, y)
    certificate = ensemble.certify(X_test)
    prediction = np.array(certificate.prediction)
    for _ in range(60 * effort):
        units = int(rng.integers(1, 8))
        strange = X.iloc[rng.integers(0, len(X), units)].assign(
            town=[f"town {v}" for v in rng.integers(0, 99, units)], age=rng.choice([-1e9, 1e9], units), visits=0.5
        )
        X_bad = pd.concat([X, strange.astype({"kind": object})], ignore_index=True)
        y_bad = np.concatenate([y, rng.integers(0, 4, units)])
        now = PartitionClassifier(FRAME_BASE, n_partitions=15, schema=schema).fit(X_bad, y_bad).predict(X_test)
        assert not np.any((now != prediction) & (certificate.radius >= units))
