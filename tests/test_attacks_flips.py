"""Label flips: one side only, next to the boundary, and the ones that a search finds to hurt most."""

import re

import cvxpy as cp
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, make_classification, make_regression
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from robustfit.attacks import ALFAAttack, FarFlipAttack, NearFlipAttack, RandomFlipAttack
from robustfit.attacks._alfa_attack import best_flips, divided_flips, flip_gains

# How well the learners of these tests converge is not what they are about.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N = 60
SIDED = [RandomFlipAttack, FarFlipAttack, NearFlipAttack, ALFAAttack]


@pytest.fixture
def three():
    """Three classes, read-only, so that an attack that writes to its input fails."""
    X, y = make_classification(n_samples=N, n_features=4, n_informative=3, n_redundant=0, n_classes=3, random_state=0)
    X.flags.writeable = y.flags.writeable = False
    return X, y


@pytest.fixture
def two(three):
    y = (three[1] > 0).astype(int)
    y.flags.writeable = False
    return three[0], y


@pytest.fixture(scope="module")
def cancer():
    X, y = load_breast_cancer(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.4, random_state=0, stratify=y)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), y, scaler.transform(X_test), y_test


def changed(poisoned, y):
    return np.flatnonzero(np.asarray(poisoned.y) != np.asarray(y))


# ---- one-sided flips -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", SIDED)
@pytest.mark.parametrize("source", [0, 1, 2])
def test_flips_of_one_label_leave_the_others_alone(attack, source, three):
    X, y = three
    available = int(np.sum(y == source))
    for budget in (1, 6, available - 1):
        poisoned = attack(source=source).generate(X, y, budget=budget)
        assert len(changed(poisoned, y)) == budget == poisoned.cost("label_flip")
        assert set(y[changed(poisoned, y)]) == {source}
        assert np.array_equal(changed(poisoned, y), poisoned.removed)
    with pytest.raises(ValueError, match=f"budget={available + 1}, but only {available} rows of label {source} can be"):
        attack(source=source).generate(X, y, budget=available + 1)


@pytest.mark.parametrize("attack", SIDED)
def test_a_source_that_is_no_label_is_refused(attack, three):
    X, y = three
    with pytest.raises(ValueError, match=re.escape("source=7 is not in y, which has [0, 1, 2]. Pass one of those.")):
        attack(source=7).generate(X, y, budget=1)
    for bad in (np.nan, [1]):
        with pytest.raises(ValueError, match="source "):
            attack(source=bad).generate(X, y, budget=1)


@pytest.mark.parametrize("attack", [RandomFlipAttack, FarFlipAttack, NearFlipAttack])
def test_regression_targets_have_no_sides(attack):
    X, y = make_regression(n_samples=20, n_features=3, random_state=0)
    with pytest.raises(ValueError, match=r"source=1\.0 names a class, but y of dtype float64.*y\.astype\(int\)"):
        attack(source=1.0).generate(X, y, budget=1)


def test_random_one_sided_flips_use_the_pool_of_labels(three):
    X, y = three
    poisoned = RandomFlipAttack(labels=[1, 9], source=1).generate(X, y, budget=5)
    assert set(poisoned.y[changed(poisoned, y)]) == {9}
    with pytest.raises(ValueError, match=r"only 0 rows of label 1 can be flipped: the labels to flip to are \[1\]"):
        RandomFlipAttack(labels=[1], source=1).generate(X, y, budget=1)


def test_sides_of_labels_of_any_kind():
    X = np.random.default_rng(0).normal(size=(8, 2))
    for labels in (["ham", "spam"] * 4, pd.Series(["ham", "spam"] * 4), pl.Series(["ham", "spam"] * 4)):
        poisoned = RandomFlipAttack(source="spam").generate(X, labels, budget=4)
        assert list(poisoned.y) == ["ham"] * 8
    poisoned = FarFlipAttack(LogisticRegression(), source=1.0).generate(X, np.array([0.0, 1.0] * 4), budget=4)
    assert poisoned.y.tolist() == [0.0] * 8


@pytest.mark.parametrize("attack", [FarFlipAttack, NearFlipAttack])
def test_the_far_and_the_near_of_one_label_are_ranked_as_those_of_all(attack, two):
    X, y = two
    order = [set(attack().generate(X, y, budget=b).removed.tolist()) for b in range(1, N)]
    for budget in (1, 5, 10):
        own = attack(source=1).generate(X, y, budget=budget).removed.tolist()
        first = next(rows for rows in order if len([i for i in rows if y[i] == 1]) == budget)
        assert {i for i in first if y[i] == 1} == set(own)


# ---- flips next to the boundary ------------------------------------------------------------------------------


def test_near_flips_take_the_rows_a_reference_model_is_least_sure_of(two):
    X, y = two
    scaled = StandardScaler().fit_transform(X)
    margin = LogisticRegression(max_iter=1000).fit(scaled, y).decision_function(scaled) * np.where(y == 1, 1, -1)
    right = np.flatnonzero(margin >= 0)
    poisoned = NearFlipAttack().generate(X, y, budget=7)
    assert set(poisoned.removed) == set(right[np.argsort(margin[right])[:7]])
    # Beyond the right side, the nearest rows of the wrong one follow.
    more = NearFlipAttack().generate(X, y, budget=len(right) + 2)
    wrong = np.flatnonzero(margin < 0)
    assert set(more.removed) == {*right, *wrong[np.argsort(-margin[wrong])[:2]]}


@pytest.mark.parametrize("estimator", [RandomForestClassifier(n_estimators=5), SVC(), GaussianNB()], ids=repr)
def test_near_flips_go_to_the_most_likely_other_class(estimator, three):
    X, y = three
    names = np.array(["zebra", "ape", "gnu"])[y]
    attack = NearFlipAttack(estimator)
    poisoned = attack.generate(X, names, budget=9)
    assert np.all(poisoned.y[poisoned.is_poison] != names[poisoned.is_poison])
    assert poisoned.y.tolist() == clone(attack).generate(X, names, budget=9).y.tolist()
    if isinstance(estimator, GaussianNB):
        model = GaussianNB().fit(X, names)
        likely = np.where(model.classes_ == names[:, None], -1.0, model.predict_proba(X)).argmax(axis=1)
        assert poisoned.y[poisoned.removed].tolist() == model.classes_[likely[poisoned.removed]].tolist()


def test_near_and_far_flips_of_a_regression_target_are_the_ends_of_one_ranking():
    X, y = make_regression(n_samples=N, n_features=4, random_state=0)
    predicted = LinearRegression().fit(X, y).predict(X)
    near = NearFlipAttack(LinearRegression()).generate(X, y, budget=10)
    inner = np.setdiff1d(np.arange(N), [y.argmin(), y.argmax()])
    middle = (y.min() + y.max()) / 2
    expected = inner[np.argsort(np.abs(predicted[inner] - middle))[:10]]
    assert set(near.removed) == set(expected)
    far_end = np.where(predicted < middle, y.max(), y.min())
    assert np.array_equal(near.y[near.removed], far_end[near.removed])
    far = FarFlipAttack(LinearRegression()).generate(X, y, budget=N - 10)
    assert set(far.removed) | set(near.removed) == set(range(N))


def test_near_flips_hurt_less_than_random_ones_and_those_less_than_far_ones(cancer):
    X, y, X_test, y_test = cancer
    budget = len(y) // 8
    error = [
        1 - LogisticRegression().fit(p.X, p.y).score(X_test, y_test)
        for p in (a.generate(X, y, budget=budget) for a in (NearFlipAttack(), FarFlipAttack()))
    ]
    assert error[0] < error[1] / 2


def test_near_flips_name_themselves_in_errors():
    with pytest.raises(ValueError, match=r"such as NearFlipAttack\(make_pipeline\(TfidfVectorizer\(\)"):
        NearFlipAttack().generate(["a", "b"], [0, 1], budget=1)


# ---- ALFA: the linear programme ------------------------------------------------------------------------------


def hinge(margin):
    return np.maximum(0.0, 1.0 - margin)


def losses(scores):
    """Loss of each row under each label: that of its own score, and those of all others."""
    against = np.maximum(0.0, 1.0 + scores)
    return hinge(scores) + against.sum(axis=1, keepdims=True) - against


class Programme:
    """The linear programme of the paper, for a solver."""

    def __init__(self, n_rows, n_classes, own, budget):
        self.cost = cp.Parameter((n_rows, n_classes))
        q = cp.Variable((n_rows, n_classes), nonneg=True)
        flipped = np.ones((n_rows, n_classes))
        flipped[np.arange(n_rows), own] = 0.0
        limits = [cp.sum(q, axis=1) == 1, cp.sum(cp.multiply(flipped, q)) == budget]
        self.problem = cp.Problem(cp.Minimize(cp.sum(cp.multiply(self.cost, q))), limits)

    def solve(self, cost):
        self.cost.value = cost
        return self.problem.solve(solver=cp.HIGHS)


@pytest.mark.parametrize(("n_rows", "n_classes", "budget"), [(12, 2, 4), (15, 3, 6), (9, 4, 9), (20, 2, 1)])
@pytest.mark.parametrize("ties", [False, True])
def test_the_largest_gains_solve_the_linear_programme(n_rows, n_classes, budget, ties):
    rng = np.random.default_rng(7)
    own = rng.integers(n_classes, size=n_rows)
    programme = Programme(n_rows, n_classes, own, budget)
    for _ in range(30):
        clean, tainted = rng.normal(scale=1.5, size=(2, n_rows, n_classes))
        if ties:
            clean, tainted = np.round(clean), np.round(tainted)
        cost = losses(tainted) - losses(clean)
        flips = best_flips(flip_gains(clean, tainted, own), budget, np.arange(n_rows))
        labels = own.copy()
        labels[flips.rows] = flips.codes
        assert len(flips.rows) == budget
        assert np.all(flips.codes != own[flips.rows])
        assert cost[np.arange(n_rows), labels].sum() == pytest.approx(programme.solve(cost), abs=1e-6)


def test_with_two_classes_gains_are_twice_those_of_the_hinge_loss_of_the_margin():
    rng = np.random.default_rng(0)
    own, (clean, tainted) = rng.integers(2, size=50), rng.normal(scale=2.0, size=(2, 50))
    sign = np.where(own == 1, 1.0, -1.0)
    paper = hinge(-sign * clean) - hinge(sign * clean) - hinge(-sign * tainted) + hinge(sign * tainted)
    both = [np.column_stack([-decision, decision]) for decision in (clean, tainted)]
    gains = flip_gains(*both, own)
    assert np.allclose(gains[np.arange(50), 1 - own], 2 * paper)
    assert np.all(gains[np.arange(50), own] == -np.inf)


def test_of_ties_the_first_rows_are_flipped_and_only_open_ones():
    gains = np.array([[-np.inf, 1.0]] * 6)
    assert best_flips(gains, 2, np.arange(6)).rows.tolist() == [0, 1]
    assert best_flips(gains, 2, np.array([3, 4, 5])).rows.tolist() == [3, 4]


def test_a_budget_is_divided_as_far_as_there_are_rows():
    gains = np.where(np.arange(2) == 0, -np.inf, np.arange(10.0)[:, None])
    favoured = np.arange(10) < 3
    for share, inside in ((0.5, 2), (1.0, 3), (0.0, 0)):
        rows = divided_flips(gains, 4, np.arange(10), favoured, share).rows
        assert len(rows) == 4
        assert int(favoured[rows].sum()) == inside
        assert np.all(np.diff(rows) > 0)
    assert int(favoured[divided_flips(gains, 9, np.arange(10), favoured, 0.0).rows].sum()) == 2


# ---- ALFA: the attack ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [1, 7, N // 2, N - 1])
@pytest.mark.parametrize("kind", ["two", "three"])
def test_the_budget_is_exact_and_the_details_are_true(budget, kind, request):
    X, y = request.getfixturevalue(kind)
    poisoned = ALFAAttack().generate(X, y, budget=budget)
    assert len(changed(poisoned, y)) == budget == poisoned.cost("label_flip") == len(poisoned.removed)
    assert poisoned.X is X
    model = make_pipeline(StandardScaler(), LinearSVC(loss="hinge", random_state=0))
    assert poisoned.details["clean_error"] == pytest.approx(1 - model.fit(X, y).score(X, y), abs=0.04)
    if budget < N // 2:
        error = 1 - model.fit(X, poisoned.y).score(X, y)
        assert poisoned.details["poisoned_error"] == pytest.approx(error, abs=0.1)
        assert poisoned.details["poisoned_error"] >= poisoned.details["clean_error"]
    assert poisoned.details["n_fits"] >= 2


def test_same_seed_same_flips_and_budget_zero_none(two):
    X, y = two
    attack = ALFAAttack()
    first, second = (clone(attack).generate(X, y, budget=7, random_state=3) for _ in range(2))
    assert first.y.tolist() == second.y.tolist()
    assert first.details == second.details
    assert attack.generate(X, y, budget=0).y is y
    assert repr(attack) == "ALFAAttack()"
    assert attack.get_params() == {"estimator": None, "source": None, "max_rounds": 20}


def test_the_learner_is_not_touched(two):
    learner = LinearSVC(loss="hinge")
    ALFAAttack(learner).generate(*two, budget=3)
    assert learner.random_state is None
    assert not hasattr(learner, "coef_")


@pytest.mark.parametrize("convert", [sparse.csr_array, sparse.csc_matrix, pd.DataFrame, pl.DataFrame])
def test_alfa_reads_any_numeric_container(convert, two):
    X, y = convert(two[0]), two[1]
    poisoned = ALFAAttack(max_rounds=3).generate(X, y, budget=5)
    assert poisoned.X is X
    assert len(changed(poisoned, y)) == 5


@pytest.mark.parametrize("estimator", [SVC(), LogisticRegression(), GaussianNB()], ids=repr)
def test_alfa_attacks_any_classifier_with_scores(estimator):
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    poisoned = ALFAAttack(estimator, max_rounds=4).generate(X, names, budget=20)
    error = 1 - clone(estimator).fit(X, poisoned.y).score(X, names)
    assert poisoned.details["poisoned_error"] == pytest.approx(error)
    assert error >= poisoned.details["clean_error"] + 0.05


def test_alfa_on_texts():
    texts = [f"word{i % 7} text {i}" for i in range(30)]
    y = ["spam" if i % 7 < 3 else "ham" for i in range(30)]
    model = make_pipeline(TfidfVectorizer(), LinearSVC(loss="hinge"))
    poisoned = ALFAAttack(model, max_rounds=2).generate(texts, y, budget=4)
    assert sum(new != old for new, old in zip(poisoned.y, y, strict=True)) == 4
    with pytest.raises(ValueError, match=r"2-D X with numeric columns only.*ALFAAttack\(make_pipeline"):
        ALFAAttack().generate(texts, y, budget=4)


def test_more_rounds_and_more_starts_never_hurt_less_on_the_training_rows(cancer):
    X, y = cancer[:2]
    learner = LinearSVC(loss="hinge", random_state=0)
    budget = len(y) // 10
    far = FarFlipAttack(learner).generate(X, y, budget=budget)
    error = [1 - learner.fit(X, far.y).score(X, y)]
    error += [
        ALFAAttack(learner, max_rounds=k).generate(X, y, budget=budget).details["poisoned_error"] for k in (1, 10)
    ]
    assert error == sorted(error)
    assert error[2] > error[0]


def test_alfa_hurts_a_linear_svm_far_more_than_random_flips(cancer):
    X, y, X_test, y_test = cancer
    learner = LinearSVC(loss="hinge", random_state=0)

    def harm(attack, seed):
        poisoned = attack.generate(X, y, budget=len(y) // 10, random_state=seed)
        return learner.fit(X, poisoned.y).score(X_test, y_test)

    clean = learner.fit(X, y).score(X_test, y_test)
    random = np.median([clean - harm(RandomFlipAttack(), seed) for seed in range(5)])
    assert clean - harm(ALFAAttack(learner), 0) >= max(1.5 * random, 0.05)


def test_one_sided_alfa_flips_hurt_more_than_one_sided_random_ones(cancer):
    X, y, X_test, y_test = cancer
    learner = LinearSVC(loss="hinge", random_state=0)
    score = [
        learner.fit(X, a.generate(X, y, budget=30).y).score(X_test, y_test)
        for a in (RandomFlipAttack(source=0), ALFAAttack(learner, source=0))
    ]
    assert score[1] < score[0]


@pytest.mark.parametrize(
    ("attack", "y", "message"),
    [
        (
            ALFAAttack(),
            np.linspace(0, 1, N),
            r"ALFAAttack changes classes, but y of dtype float64 is a regression target",
        ),
        (ALFAAttack(), ["a"] * N, "y has the single label 'a'"),
        (ALFAAttack(max_rounds=0), None, "max_rounds must be a positive whole number, got 0"),
        (ALFAAttack(max_rounds=2.5), None, r"max_rounds must be a positive whole number, got 2\.5"),
        (ALFAAttack(LinearRegression()), None, "LinearRegression has neither decision_function nor predict_proba"),
        (
            ALFAAttack(SVC(decision_function_shape="ovo")),
            np.arange(N) % 4,
            r"SVC.decision_function gave 6 columns for 4",
        ),
    ],
)
def test_bad_input_is_refused(attack, y, message, two):
    with pytest.raises(ValueError, match=message):
        attack.generate(two[0], two[1] if y is None else y, budget=2)


def test_budgets_that_no_learner_survives_are_refused(two):
    X, y = two
    with pytest.raises(ValueError, match=f"budget={N + 1}, but only {N} rows can be flipped"):
        ALFAAttack().generate(X, y, budget=N + 1)
    with pytest.raises(ValueError, match=r"budget=5 leaves a class without a row.*nothing to fit Pipeline to"):
        ALFAAttack(source=0).generate(X[:10], np.repeat([0, 1], 5), budget=5)
