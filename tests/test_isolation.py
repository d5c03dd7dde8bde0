"""One changed row changes one member: all others are identical, in their state and in their votes."""

import numpy as np
import pytest
from families import (
    ARRAY_BASES,
    FRAME_BASE,
    LEAN_BASES,
    LEAN_REGRESSORS,
    REGRESSORS,
    SLOW_BASES,
    TEXT_BASE,
    cancer,
    diabetes,
    frames,
    member_hashes,
    one_row_changes,
    texts,
)
from sklearn.ensemble import BaggingClassifier
from sklearn.svm import SVC

from robustfit import PartitionClassifier, PartitionRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::robustfit.ensemble.PartitionWarning",
    "ignore::robustfit.ensemble.MemberWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:The least populated class in y:UserWarning",
)


def assert_isolated(ensemble, X, y, X_test, rows):
    before = ensemble.fit(X, y)
    hashes, labels = member_hashes(before), getattr(before, "classes_", None)
    votes, most = before.votes(X_test), 0
    for i in rows:
        for name, allowed, X_changed, y_changed in one_row_changes(X, y, i):
            after = ensemble.fit(X_changed, y_changed)
            moved = [a != b for a, b in zip(hashes, member_hashes(after), strict=True)]
            assert sum(moved) <= allowed, (name, i, sum(moved))
            most = max(most, sum(moved))
            now = after.votes(X_test)
            if labels is not None:
                votes_then, votes_now = spell(votes, labels), spell(now, after.classes_)
            else:
                votes_then, votes_now = votes, now
            untouched = ~np.array(moved)
            np.testing.assert_array_equal(votes_now[:, untouched], votes_then[:, untouched])
    # Changes that nobody notices would prove nothing.
    assert most > 0


def spell(votes, labels):
    return np.append(labels.astype(object), None)[votes]


@pytest.mark.parametrize("name", ARRAY_BASES)
def test_arrays(name):
    assert_isolated(PartitionClassifier(ARRAY_BASES[name], n_partitions=10), *cancer(), rows=(0, 17))


@pytest.mark.parametrize("engine", ["lean", "generic"])
@pytest.mark.parametrize("name", LEAN_BASES)
def test_engines(name, engine):
    ensemble = PartitionClassifier(LEAN_BASES[name], n_partitions=10, engine=engine)
    assert_isolated(ensemble, *cancer(), rows=(0, 17))


@pytest.mark.parametrize("engine", ["lean", "generic"])
@pytest.mark.parametrize("name", LEAN_REGRESSORS)
def test_engines_of_regressors(name, engine):
    ensemble = PartitionRegressor(LEAN_REGRESSORS[name], n_partitions=11, engine=engine)
    assert_isolated(ensemble, *diabetes(), rows=(0, 17))


@pytest.mark.slow
@pytest.mark.parametrize("name", ARRAY_BASES | LEAN_BASES | SLOW_BASES)
def test_arrays_many_rows(name, effort):
    bases = ARRAY_BASES | LEAN_BASES | SLOW_BASES
    assert_isolated(
        PartitionClassifier(bases[name], n_partitions=12, random_state=3), *cancer(), rows=range(20, 25 + 5 * effort)
    )


def test_frames():
    assert_isolated(PartitionClassifier(FRAME_BASE, n_partitions=10), *frames(), rows=(0, 17))


def test_texts():
    assert_isolated(PartitionClassifier(TEXT_BASE, n_partitions=10), *texts(), rows=(0, 17))


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name):
    assert_isolated(PartitionRegressor(REGRESSORS[name], n_partitions=11), *diabetes(), rows=(0, 17))


def test_text_labels():
    X, y, X_test = cancer()
    assert_isolated(PartitionClassifier(SVC(), n_partitions=10), X, np.where(y == 1, "ok", "bad"), X_test, rows=(3,))


def test_groups_are_isolated():
    X, y, _ = cancer()
    groups = np.arange(len(y)) % 40
    ensemble = PartitionClassifier(SVC(), n_partitions=10, partition_by="groups")
    before = member_hashes(ensemble.fit(X, y, groups=groups))
    sent = groups == 7
    after = member_hashes(ensemble.fit(np.where(sent[:, None], -X, X), np.where(sent, 1 - y, y), groups=groups))
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1
    after = member_hashes(ensemble.fit(X[~sent], y[~sent], groups=groups[~sent]))
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_bagging_with_weights_is_not_isolated():
    """scikit-learn's bagging keeps all rows and weighs them with zero: SVC's gamma sees every one of them."""
    X, y, _ = cancer()
    changed = X.copy()
    changed[0] *= 1000
    # Disjoint draws without replacement: row 0 is in at most one member.
    bagging = BaggingClassifier(SVC(), n_estimators=10, max_samples=0.1, bootstrap=False, random_state=0)
    before, after = [], []
    bagging.fit(X, y)
    holders = [0 in drawn for drawn in bagging.estimators_samples_]
    before = [member._gamma for member in bagging.estimators_]
    bagging.fit(changed, y)
    after = [member._gamma for member in bagging.estimators_]
    assert sum(holders) < 5
    assert all(a != b for a, b in zip(before, after, strict=True))
