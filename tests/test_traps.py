"""Mistakes that once gave wrong certificates, each planted on purpose: the claim holds here and fails there.

A claim is a function that raises `AssertionError` when it is broken. Every test states it of the library, then of a
variant with the mistake in it, to show that the claim would notice.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from brute_force import true_interval, true_radii
from families import cancer, frames, member_hashes
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.random_projection import GaussianRandomProjection
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from robustfit import CertificateError, PartitionClassifier
from robustfit._meta._inputs import validate_data
from robustfit.audit import check_certifiable
from robustfit.certify import IntervalCertificate, plurality_radius
from robustfit.certify._plurality import count_votes
from robustfit.ensemble import _training
from robustfit.partition import SchemaError, ShardPlan, as_rows

pytestmark = pytest.mark.filterwarnings(
    "ignore::robustfit.ensemble.PartitionWarning",
    "ignore::robustfit.ensemble.MemberWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:The covariance matrix:",
    "ignore:.*covariance matrix of class.*:",
)


def changed_members(before, after):
    return sum(a != b for a, b in zip(before, after, strict=True))


def assert_caught(claim, *planted):
    with pytest.raises(AssertionError):
        claim(*planted)


# 1


class EmptyShardsVote(PartitionClassifier):
    def votes(self, X, *, return_doubtful=False):
        votes = np.maximum(super().votes(X), 0)
        return (votes, None) if return_doubtful else votes


def test_trap_1_empty_shards_abstain():
    def claim(kind):
        X, y = np.arange(30.0)[:, None], np.repeat([1, 2], 15)
        model = kind(KNeighborsClassifier(1), n_partitions=100).fit(X, y)
        certificate = model.certify(X)
        poisoned = kind(KNeighborsClassifier(1), n_partitions=100)
        poisoned.fit(np.vstack([X, [[1e3]]]), np.append(y, 0))
        moved = poisoned.predict(X) != certificate.prediction
        assert not np.any(moved & (certificate.radius >= 1))

    claim(PartitionClassifier)
    assert_caught(claim, EmptyShardsVote)


# 2


class KnownLabelsOnly(PartitionClassifier):
    def _certify(self, X, *, threat, target=None):
        self._closed_classes = True
        return super()._certify(X, threat=threat, target=target)


def test_trap_2_unseen_labels_are_rivals():
    def claim(kind):
        X, y = np.arange(40.0)[:, None], np.ones(40, dtype=int)
        model = kind(KNeighborsClassifier(1), n_partitions=4).fit(X, y)
        # A row of an unknown label in each of two shards ties the vote, and the new label sorts first.
        near = 7 + 1e-3 * np.arange(100)[:, None]
        shard = ShardPlan.by_content(near, n_partitions=4).shard
        extra = near[[np.flatnonzero(shard == s)[0] for s in (0, 1)]]
        poisoned = kind(KNeighborsClassifier(1), n_partitions=4).fit(np.vstack([X, extra]), np.append(y, [0, 0]))
        moved = poisoned.predict([[7.0004]]) != model.predict([[7.0004]])
        assert moved[0]
        assert model.certify([[7.0004]]).radius[0] < 2

    claim(PartitionClassifier)
    assert_caught(claim, KnownLabelsOnly)


# 3


def test_trap_3_one_cell_cannot_change_a_column():
    X, y, _ = frames()
    base = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    schema = {"age": "number", "kind": ["a", "b", "c", "d"], "town": "text", "visits": "number"}

    def poisoned(**cells):
        # What concatenation makes of one row with other types: strings for categories, floats for counts.
        strange = X.iloc[[0]].astype({"kind": object}).assign(**cells)
        return pd.concat([X.astype({"kind": object}), strange], ignore_index=True), np.append(y, y[0])

    def claim(schema):
        model = PartitionClassifier(base, n_partitions=10, schema=schema)
        before = member_hashes(model.fit(X, y))
        after = member_hashes(model.fit(*poisoned(kind="d", visits=2.5)))
        assert changed_members(before, after) <= 1

    claim(schema)
    assert_caught(claim, None)
    model = PartitionClassifier(base, n_partitions=10, schema=schema)
    with pytest.raises(SchemaError, match="'atlantis'"):
        model.fit(*poisoned(kind="atlantis"))
    with pytest.raises(SchemaError, match="'age' holds object"):
        model.fit(*poisoned(age="old"))
    assert "schema" in PartitionClassifier(base, n_partitions=10).fit(X, y).certify(X).conditional_on[0]


# 4


@pytest.mark.parametrize(
    ("base", "row", "label"),
    [
        (MultinomialNB(), -1.0, 0),
        (DecisionTreeClassifier(), 1e200, 0),
        (LogisticRegression(), np.nan, 0),
        (LogisticRegression(), np.inf, 0),
        (QuadraticDiscriminantAnalysis(), 1.0, 7),
    ],
    ids=["negative row", "huge row", "NaN row", "infinite row", "new label"],
)
def test_trap_4_one_row_cannot_stop_training(base, row, label):
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(300, 4))
    y = (X[:, 0] > 0.5).astype(int)
    X_bad, y_bad = np.vstack([X, np.full((1, 4), row)]), np.append(y, label)

    def claim(member_error):
        model = PartitionClassifier(base, n_partitions=10, member_error=member_error)
        before = member_hashes(model.fit(X, y))
        try:
            after = member_hashes(model.fit(X_bad, y_bad))
        except Exception as error:
            raise AssertionError from error
        assert changed_members(before, after) == 1

    claim("abstain")
    assert_caught(claim, "raise")


# 5


def test_trap_5_equal_rows_are_sorted_by_labels_too(monkeypatch):
    X, y, _ = cancer()
    X, y = np.vstack([X, X]), np.concatenate([y, 1 - y])
    base = make_pipeline(StandardScaler(), SGDClassifier(max_iter=5, tol=None))

    def claim():
        model = PartitionClassifier(base, n_partitions=10)
        order = np.random.default_rng(0).permutation(len(y))
        assert member_hashes(model.fit(X, y)) == member_hashes(model.fit(X[order], y[order]))

    claim()
    split = ShardPlan.split
    monkeypatch.setattr(ShardPlan, "split", lambda self, rows, keys, keep=None: split(self, rows, [], keep))
    assert_caught(claim)


# 6


def test_trap_6_zero_weight_is_absence(monkeypatch):
    X, y, _ = cancer()
    X_more, y_more = np.vstack([X, X[:1] * 1000]), np.append(y, 1)
    weight = np.append(np.ones(len(y)), 0.0)

    def claim():
        model = PartitionClassifier(SVC(), n_partitions=5)
        present = member_hashes(model.fit(X_more, y_more, sample_weight=weight))
        assert present == member_hashes(model.fit(X, y, sample_weight=np.ones(len(y))))

    claim()
    split = ShardPlan.split
    monkeypatch.setattr(ShardPlan, "split", lambda self, rows, keys, keep=None: split(self, rows, keys))
    assert_caught(claim)


# 7


def test_trap_7_single_precision_is_widened_first(monkeypatch):
    X, y, _ = cancer()
    X = X.astype(np.float32)

    def claim():
        model = PartitionClassifier(make_pipeline(StandardScaler(), LogisticRegression()), n_partitions=6)
        assert member_hashes(model.fit(X, y)) == member_hashes(model.fit(X.astype(np.float64), y))

    claim()
    monkeypatch.setattr(
        "robustfit._meta._inputs.validate_data",
        lambda ensemble, X, **options: validate_data(ensemble, X, **options | {"dtype": None}),
    )
    assert_caught(claim)


# 8


@pytest.mark.parametrize("engine", ["lean", "generic"])
def test_trap_8_shards_are_not_solved_together(engine, monkeypatch):
    X, y, _ = cancer()

    def claim():
        model = PartitionClassifier(LogisticRegression(), n_partitions=40, engine=engine)
        before = member_hashes(model.fit(X, y))
        after = member_hashes(model.fit(np.vstack([X, X[:1] * 1000]), np.append(y, 1)))
        assert changed_members(before, after) <= 1

    claim()
    fit_members, solve_members = _training.fit_members, _training.solve_members

    def batched(estimator, shards, **settings):
        # One common scale for the batch, as a solver of many shards at once might have.
        scale = max(np.abs(shard.X).max() for shard in shards)
        for shard in shards:
            shard.X = shard.X / scale
        return fit_members(estimator, shards, **settings)

    def solved_together(family, training, numbers, contexts, **settings):
        scale = max(np.abs(shard.X).max() for shard in training.cut_numbers(numbers))
        every = np.arange(training.numbers.n_samples)
        training = replace(training, numbers=as_rows(training.numbers.take(every) / scale))
        return solve_members(family, training, numbers, contexts, **settings)

    monkeypatch.setattr(_training, "fit_members", batched)
    monkeypatch.setattr(_training, "solve_members", solved_together)
    assert_caught(claim)


# 9


def test_trap_9_solvers_are_compared_when_they_have_converged():
    X, y, X_test = cancer(n=400, n_test=160)

    def claim(tol):
        votes = [
            PartitionClassifier(
                make_pipeline(StandardScaler(), LogisticRegression(C=100, solver=solver, tol=tol, max_iter=10_000)),
                n_partitions=20,
            )
            .fit(X, y)
            .votes(X_test)
            for solver in ("lbfgs", "newton-cholesky")
        ]
        np.testing.assert_array_equal(*votes)

    claim(1e-10)
    assert_caught(claim, 1e-1)


# 10


@pytest.mark.parametrize(
    "step",
    [FunctionTransformer(lambda X: (X - X.mean(axis=0)) / X.std(axis=0)), GaussianRandomProjection("auto", eps=0.9)],
    ids=["z-score in a function", "projection that counts rows"],
)
def test_trap_10_only_known_row_wise_steps_stand_outside(step):
    def claim(step):
        try:
            check_certifiable(make_pipeline(step, PartitionClassifier()))
        except CertificateError as error:
            raise AssertionError from error

    claim(FunctionTransformer(np.log1p))
    assert_caught(claim, step)


# 11 and 12: formulas against brute force


def random_tables(n, doubt):
    rng = np.random.default_rng(0)
    for _ in range(n):
        n_classes = int(rng.integers(2, 5))
        votes = rng.integers(-1, n_classes, size=int(rng.integers(1, 7))).tolist()
        yield votes, (rng.random(len(votes)) < doubt).tolist(), n_classes


def half_of_the_gap(votes, doubtful, n_classes):
    counts = count_votes(np.array([votes]), n_classes)
    best, row = counts.prediction[0], counts.cast[0]
    return [-1 if b == best else (row[best] - row[b] - (b < best)) // 2 for b in range(n_classes)]


def rival_radii(votes, doubtful, n_classes):
    return plurality_radius([votes], n_classes, unseen_class=False)[2][0].tolist()


def test_trap_11_winning_is_more_than_overtaking():
    def claim(formula):
        for votes, doubtful, n_classes in random_tables(400, doubt=0):
            if max(votes) >= 0:
                assert formula(votes, doubtful, n_classes) == true_radii(votes, doubtful, n_classes, False)[2][:-1]

    claim(rival_radii)
    assert_caught(claim, half_of_the_gap)


def radius(votes, doubtful, n_classes):
    return plurality_radius([votes], n_classes, doubtful=[doubtful], unseen_class=False)[1][0]


def doubtful_kept(votes, doubtful, n_classes):
    return plurality_radius([votes], n_classes, unseen_class=False)[1][0]


def doubtful_dropped(votes, doubtful, n_classes):
    firm = [-1 if unsure else vote for vote, unsure in zip(votes, doubtful, strict=True)]
    return plurality_radius([firm], n_classes, unseen_class=False)[1][0]


def test_trap_12_a_doubtful_vote_is_the_attackers():
    def claim(formula):
        for votes, doubtful, n_classes in random_tables(400, doubt=0.3):
            assert formula(votes, doubtful, n_classes) <= true_radii(votes, doubtful, n_classes, False)[1]

    claim(radius)
    assert_caught(claim, doubtful_kept)
    assert_caught(claim, doubtful_dropped)


# 18


def intervals(values, r):
    low, high = IntervalCertificate.from_predictions([values]).interval(r)
    return low[0], high[0]


def lower_middle_only(values, r):
    ranked = np.sort(values[np.isfinite(values)])
    middle = (len(ranked) - 1) // 2
    return (
        ranked[middle - r] if middle >= r else -np.inf,
        ranked[middle + r] if middle + r < len(ranked) else np.inf,
    )


def abstentions_as_values(values, r):
    return intervals(np.nan_to_num(values, nan=0.0), r)


def test_trap_18_even_medians_and_abstentions():
    def claim(formula):
        rng = np.random.default_rng(0)
        for _ in range(300):
            values = np.round(rng.normal(size=rng.integers(1, 7)), 1)
            values[1:][rng.random(len(values) - 1) < 0.2] = np.nan
            for r in range(len(values)):
                truth = true_interval([None if np.isnan(v) else v for v in values.tolist()], r)
                low, high = formula(values, r)
                assert low <= truth[0]
                assert high >= truth[1]

    claim(intervals)
    assert_caught(claim, lower_middle_only)
    assert_caught(claim, abstentions_as_values)
