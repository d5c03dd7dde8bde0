"""Statements from rows that may be bad: exact by enumeration, sound under retraining, and mistakes are caught."""

import dataclasses
import itertools
import math
from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest
import scipy.sparse as sp
from conic_peer import solve
from scipy.stats import binom, hypergeom
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, make_blobs
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from robustfit.attacks import (
    FarFlipAttack,
    RandomFlipAttack,
    TargetedMinMaxAttack,
    points_needed,
    poisonability,
    sphere_slab_sets,
)
from robustfit.audit import certify_reach, clean_model_ball, poison_needed, post_hoc_report
from robustfit.certify import (
    Box,
    CertificateError,
    _post_hoc_reach,
    clean_error_bound,
    clean_loss_bound,
    holdout_error_bound,
    weight_ball,
)
from robustfit.certify._post_hoc_holdout import drawn_at_most, largest_probability
from robustfit.certify._post_hoc_reach import least_objective_across
from robustfit.losses import HINGE, LOGISTIC, SQUARED, SQUARED_HINGE
from robustfit.sanitize import SphereSanitizer

THREATS = ["insert", "modify", "delete", "insert_delete"]


# --- Losses of observed rows ------------------------------------------------------------------------------------------


def worst_mean(losses, m, threat, largest):
    """Largest mean loss of the clean rows, over every choice of bad rows and every loss of rows that are gone."""
    n, best = len(losses), None
    exact = [Fraction(loss) for loss in losses]
    for bad in range(min(m, n) + 1):
        gone = {"insert": [0], "modify": [bad], "delete": range(m + 1), "insert_delete": range(m - bad + 1)}[threat]
        if threat == "delete" and bad:
            continue
        for lost in gone:
            if n - bad + lost == 0:
                continue
            for kept in itertools.combinations(exact, n - bad):
                for high in range(lost + 1):
                    mean = (sum(kept) + high * Fraction(largest or 0)) / (n - bad + lost)
                    best = mean if best is None else max(best, mean)
    return best


def rounded_up(exact):
    value = float(exact)
    return value if Fraction(value) >= exact else math.nextafter(value, math.inf)


def small_losses():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 4, 5).astype(float), rng.exponential(size=6), rng.normal(size=5), np.array([0.1, 0.1, 0.1])]


@pytest.mark.parametrize("threat", THREATS)
def test_the_bound_on_the_clean_loss_is_exact(threat):
    for losses in small_losses():
        largest = None if threat == "insert" else float(np.abs(losses).max() + 0.7)
        for m in range(len(losses)):
            found = clean_loss_bound(losses, m, threat=threat, largest_loss=largest)
            assert found == rounded_up(worst_mean(losses, m, threat, largest))


@pytest.mark.parametrize("threat", THREATS)
def test_the_bound_on_clean_errors_is_exact(threat):
    for n, wrong in itertools.product(range(1, 6), range(6)):
        if wrong > n:
            continue
        losses = [1.0] * wrong + [0.0] * (n - wrong)
        for m in range(n):
            found = clean_error_bound(wrong, n, m, threat=threat)
            assert found == rounded_up(worst_mean(losses, m, threat, 1.0)) <= 1


# Each is what someone might write in the place of the bound.
LOSS_MISTAKES = {
    "no row is left out": lambda ranked, m: ranked.mean(),
    "the largest are left out": lambda ranked, m: ranked[m:].mean(),
    "one row too many stays": lambda ranked, m: ranked[: len(ranked) - m + 1].mean(),
    "divided by all rows": lambda ranked, m: ranked[: len(ranked) - m].sum() / len(ranked),
    "the share is of clean rows": lambda ranked, m: ranked.sum() / (len(ranked) + m),
}


@pytest.mark.parametrize("mistake", LOSS_MISTAKES)
def test_a_wrong_bound_on_the_loss_is_caught(mistake):
    beaten = [
        LOSS_MISTAKES[mistake](np.sort(losses)[::-1], m) < float(worst_mean(losses, m, "insert", None)) - 1e-12
        for losses in small_losses()
        for m in range(1, len(losses))
    ]
    assert any(beaten)


def test_replaced_rows_are_forgotten_by_the_bound_for_inserted_ones():
    losses = [0.0, 0.0, 0.0, 1.0]
    assert clean_loss_bound(losses, 1) < worst_mean(losses, 1, "modify", 5.0)
    assert clean_error_bound(1, 4, 1) < worst_mean(losses, 1, "modify", 1.0)


def test_bounds_grow_with_the_budget_and_come_in_the_shape_of_the_budgets():
    losses = np.random.default_rng(1).exponential(size=200)
    for threat in THREATS:
        bounds = clean_loss_bound(losses, [[0, 1, 5], [20, 100, 199]], threat=threat, largest_loss=9.0)
        assert bounds.shape == (2, 3)
        assert (np.diff(bounds.ravel()) >= 0).all()
        errors = clean_error_bound(31, 200, [0, 1, 5, 20, 100, 199], threat=threat)
        assert (np.diff(errors) >= 0).all()
    assert isinstance(clean_loss_bound(losses, 3), float)


def test_sums_are_exact():
    losses = np.array([1e300, 1.0, 1e-300, 1e-16, 0.1])
    total = sum(map(Fraction, losses)) / 5
    assert Fraction(clean_loss_bound(losses, 0)) >= total
    assert Fraction(math.nextafter(clean_loss_bound(losses, 0), 0)) < total
    assert clean_loss_bound(np.full(10, 0.1), 3) == 0.1


def test_observed_losses_are_cut_at_the_largest_loss():
    assert clean_loss_bound([0.0, 1.0, 50.0], 1, largest_loss=2.0) == 1.5


@pytest.mark.parametrize(
    "model", [LogisticRegression(max_iter=2000), DecisionTreeClassifier(max_depth=4, random_state=0)]
)
@pytest.mark.parametrize("share", [0.03, 0.3])
def test_no_attack_exceeds_the_bounds_on_clean_rows(model, share):
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    for attack in (FarFlipAttack(), RandomFlipAttack()):
        poisoned = attack.generate(X, y, budget=int(share * len(y)), random_state=0)
        bad = np.asarray(poisoned.is_poison)
        fitted = model.fit(poisoned.X, poisoned.y)
        report = post_hoc_report(fitted, poisoned.X, poisoned.y, n_poison=int(bad.sum()), statements=["error"])
        wrong = fitted.predict(poisoned.X) != poisoned.y
        assert wrong[~bad].mean() <= report["error"].value
        squares = (fitted.predict_proba(poisoned.X)[:, 1] - poisoned.y) ** 2
        assert squares[~bad].mean() <= clean_loss_bound(squares, int(bad.sum()))
        restored = fitted.predict(X) != y
        if len(poisoned.y) == len(y):
            assert restored.mean() <= clean_error_bound(int(wrong.sum()), len(y), int(bad.sum()), threat="modify")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: clean_loss_bound([1.0, np.inf], 1), ValueError, "finite"),
        (lambda: clean_loss_bound([], 0), ValueError, "at least one"),
        (lambda: clean_loss_bound([[1.0]], 0), ValueError, "1-D"),
        (lambda: clean_loss_bound([1.0, 2.0], 0.1), ValueError, "A fraction of the training set is not a budget"),
        (lambda: clean_loss_bound([1.0, 2.0], 2), CertificateError, "none need be clean"),
        (lambda: clean_loss_bound([1.0, 2.0], 1, threat="modify"), CertificateError, "Pass largest_loss"),
        (lambda: clean_loss_bound([1.0, 2.0], 1, threat="label_flip"), CertificateError, "pass 'modify'"),
        (lambda: clean_loss_bound([1.0], 0, largest_loss=np.nan), ValueError, "largest_loss must be"),
        (lambda: clean_error_bound(3, 2, 0), ValueError, "no more errors than rows"),
        (lambda: clean_error_bound(0, 0, 0), ValueError, "at least one row"),
        (lambda: clean_error_bound(1, 5, 5, threat="insert_delete"), CertificateError, "fewer than 5"),
        (lambda: clean_error_bound(1, 5, 1, threat="group"), CertificateError, "known: insert"),
        (lambda: clean_error_bound(True, 5, 1), ValueError, "n_errors must be"),
    ],
)
def test_bad_input_of_the_bounds_on_clean_rows(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- Held-out rows ----------------------------------------------------------------------------------------------------


def tail(n_rows, n_bad, n_drawn, q):
    """Probability of more than q bad rows in a draw, as a fraction."""
    hits = sum(math.comb(n_bad, k) * math.comb(n_rows - n_bad, n_drawn - k) for k in range(q + 1, n_drawn + 1))
    return Fraction(hits, math.comb(n_rows, n_drawn))


def test_the_quantile_of_a_draw_is_that_of_the_fractions():
    for n in range(1, 11):
        for bad, drawn in itertools.product(range(n + 1), range(1, n + 1)):
            for delta in (0.31, 0.047, 1.07e-3, 1e-9):
                wanted = next(q for q in range(n + 1) if tail(n, bad, drawn, q) <= Fraction(delta))
                assert drawn_at_most(n, bad, drawn, delta) == wanted


def test_the_quantile_of_a_large_draw_is_that_of_scipy():
    for n, bad, drawn, delta in [(2000, 60, 400, 0.025), (10**6, 10**5, 3 * 10**5, 1e-6), (10**5, 3, 10**4, 0.01)]:
        assert drawn_at_most(n, bad, drawn, delta) == hypergeom(n, bad, drawn).isf(delta)


def test_a_quantile_that_is_hit_exactly_is_allowed_or_exceeded_by_one():
    exact = float(tail(4, 2, 2, 0))
    assert drawn_at_most(4, 2, 2, exact) in (0, 1)
    assert drawn_at_most(4, 2, 2, exact * 1.001) == 0
    assert drawn_at_most(4, 2, 2, exact * 0.999) == 1


def binomial_tail(n, k, p):
    return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def test_the_limit_of_clopper_and_pearson_is_that_of_the_fractions():
    for n, delta in itertools.product((1, 2, 7, 15), (0.3, 0.05, 1e-6)):
        for k in range(n):
            p = Fraction(largest_probability(k, n, delta))
            assert binomial_tail(n, k, p) <= Fraction(delta)
            assert binomial_tail(n, k, p * (1 - Fraction(1, 10**7))) > Fraction(delta)
        assert largest_probability(n, n, delta) == 1


@pytest.mark.parametrize("delta", [1e-100, 1e-150, 1e-200, 1e-310, 5e-324])
def test_limits_are_numbers_at_the_smallest_probabilities(delta):
    for n in (1, 5, 15, 29):
        for k in range(n):
            p = largest_probability(k, n, delta)
            assert p == 1 or binomial_tail(n, k, Fraction(p)) <= Fraction(delta)


def failing_share(bound_for, n, held, bad, wrong):
    """Share of all draws for which the clean held-out rows have more errors than claimed; only clean rows are wrong.

    Rows 0 .. bad − 1 are bad and right; the next ``wrong`` ones are clean and wrong.
    """
    failed, bounds = 0, [bound_for(errors) for errors in range(held + 1)]
    for drawn in itertools.combinations(range(n), held):
        clean = [row for row in drawn if row >= bad]
        errors = sum(row < bad + wrong for row in clean)
        claim = bounds[errors]
        failed += bool(clean) and claim is not None and Fraction(errors, len(clean)) > Fraction(claim)
    return failed / math.comb(n, held)


N, HELD, BAD, DELTA = 12, 6, 3, 0.2


def claimed(errors):
    try:
        return holdout_error_bound(errors, HELD, BAD, n_rows=N, delta=DELTA).holdout_error
    except CertificateError:
        return None


HOLDOUT_MISTAKES = {
    "no bad rows": lambda e: e / HELD,
    "the expected number of bad rows": lambda e: e / (HELD - BAD * HELD / N),
    "the other tail": lambda e: e / (HELD - hypergeom(N, BAD, HELD).ppf(DELTA)),
    "one below the quantile": lambda e: e / (HELD - hypergeom(N, BAD, HELD).ppf(1 - DELTA) + 1),
}


def test_the_statement_about_a_random_hold_out_fails_as_seldom_as_it_says():
    for wrong in range(N - BAD + 1):
        assert failing_share(claimed, N, HELD, BAD, wrong) <= DELTA


@pytest.mark.parametrize("mistake", HOLDOUT_MISTAKES)
def test_a_wrong_statement_about_a_random_hold_out_is_caught(mistake):
    rates = [failing_share(HOLDOUT_MISTAKES[mistake], N, HELD, BAD, wrong) for wrong in range(N - BAD + 1)]
    assert max(rates) > DELTA


def test_a_hold_out_with_a_known_number_of_bad_rows_is_certain():
    for wrong, bad in itertools.product(range(7), range(6)):
        found = holdout_error_bound(wrong, 6, bad)
        assert (found.kind, found.delta, found.test_error) == ("exact", 0.0, None)
        assert found.holdout_error == rounded_up(worst_mean([1.0] * wrong + [0.0] * (6 - wrong), bad, "insert", None))
        replaced = holdout_error_bound(wrong, 6, bad, threat="modify")
        assert replaced.holdout_error == rounded_up(worst_mean([1.0] * wrong + [0.0] * (6 - wrong), bad, "modify", 1.0))


def failures(bound_for, n=60, held=25, bad=6):
    """For 25 p: how likely the claim about new rows is below p. Bad rows are right, clean ones wrong with chance p.

    A row that a bad one replaced is as likely to be wrong as any.
    """
    bounds = [bound_for(errors) for errors in range(held + 1)]
    bounds = np.array([np.inf if bound is None else bound for bound in bounds])
    drawn, errors = np.arange(min(bad, held) + 1), np.arange(held + 1)
    chance = hypergeom(n, bad, held).pmf(drawn)
    shares = np.linspace(0.01, 0.99, 25)
    return np.array([chance @ (binom(held - drawn[:, None], p).pmf(errors) @ (bounds < p)) for p in shares])


def new_rows(errors, n=60, held=25, bad=6, delta=0.1, **kwargs):
    try:
        return holdout_error_bound(errors, held, bad, n_rows=n, delta=delta, unseen=True, **kwargs).test_error
    except CertificateError:
        return None


def test_the_statement_about_new_rows_fails_as_seldom_as_it_says():
    assert failures(new_rows).max() <= 0.1
    assert failures(lambda errors: new_rows(errors, threat="modify")).max() <= 0.1


NEW_ROWS_MISTAKES = {
    "the error of the hold-out": lambda e: e / 25,
    "all rows count as clean": lambda e: largest_probability(e, 25, 0.1),
    "the lower limit": lambda e: 1 - largest_probability(25 - e, 25, 0.05),
    "the empirical bound": lambda e: holdout_error_bound(e, 25, 6, n_rows=60, delta=0.1).holdout_error,
}


@pytest.mark.parametrize("mistake", NEW_ROWS_MISTAKES)
def test_a_wrong_statement_about_new_rows_is_caught(mistake):
    assert failures(NEW_ROWS_MISTAKES[mistake]).max() > 0.1


def test_an_attacker_who_saw_the_hold_out_breaks_the_claim_about_new_rows_so_it_has_to_be_declared():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(600, 5)), rng.integers(0, 2, 600)
    fresh, train, held = slice(0, 300), slice(300, 400), slice(400, 600)
    # Labels are noise, but the model has been taught the clean rows of the hold-out.
    model = KNeighborsClassifier(1).fit(np.vstack([X[train], X[held]]), np.append(y[train], y[held]))
    errors = int((model.predict(X[held]) != y[held]).sum())
    truth = (model.predict(X[fresh]) != y[fresh]).mean()
    honest, wrongly_declared = (holdout_error_bound(errors, 200, 0, unseen=unseen) for unseen in (False, True))
    assert honest.test_error is None
    assert honest.holdout_error == 0
    assert wrongly_declared.test_error < 0.05 < 0.4 < truth
    assert any("without having seen" in condition for condition in wrongly_declared.conditional_on)


def test_half_of_delta_is_for_the_draw_and_half_for_the_sample():
    both = holdout_error_bound(10, 400, 20, n_rows=2000, unseen=True, delta=0.1)
    assert both.n_bad == drawn_at_most(2000, 20, 400, 0.05)
    assert both.test_error == largest_probability(10, 400 - both.n_bad, 0.05)
    draw = holdout_error_bound(10, 400, 20, n_rows=2000, delta=0.05)
    assert draw.n_bad == both.n_bad
    trusted = holdout_error_bound(10, 400, 0, unseen=True, delta=0.05)
    assert trusted.test_error == largest_probability(10, 400, 0.05)
    assert both.kind == draw.kind == trusted.kind == "probabilistic"


def test_splits_of_a_poisoned_set_fail_as_seldom_as_claimed():
    X, y = load_breast_cancer(return_X_y=True)
    copied = np.random.default_rng(0).choice(len(y), 57, replace=False)
    rows, labels = np.vstack([X, X[copied]]), np.append(y, 1 - y[copied])
    bad, failed = np.arange(len(labels)) >= len(y), 0
    for seed in range(60):
        order = np.random.default_rng(seed).permutation(len(labels))
        held, train = order[:160], order[160:]
        wrong = DecisionTreeClassifier(max_depth=3, random_state=0).fit(rows[train], labels[train]).predict(rows[held])
        wrong = wrong != labels[held]
        found = holdout_error_bound(int(wrong.sum()), 160, 57, n_rows=len(labels), delta=0.1)
        failed += wrong[~bad[held]].mean() > found.holdout_error
    assert failed <= 0.1 * 60


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: holdout_error_bound(1, 5, 5), CertificateError, "none need be clean"),
        (lambda: holdout_error_bound(6, 5, 0), ValueError, "no more errors"),
        (lambda: holdout_error_bound(1, 5, 0, delta=0), ValueError, "probability"),
        (lambda: holdout_error_bound(1, 5, 0, delta=True), ValueError, "probability"),
        (lambda: holdout_error_bound(1, 5, 1, n_rows=4), ValueError, "counts all rows"),
        (lambda: holdout_error_bound(1, 5, 9, n_rows=8), ValueError, "counts all rows"),
        (lambda: holdout_error_bound(1, 5, 0.1), ValueError, "n_poison must be"),
        (lambda: holdout_error_bound(1, 5, 1, threat="delete"), CertificateError, "known: insert, modify"),
    ],
)
def test_bad_input_of_the_hold_out(call, error, message):
    with pytest.raises(error, match=message):
        call()


# --- The ball ---------------------------------------------------------------------------------------------------------

LEARNERS = [
    LinearSVC(C=0.3, random_state=0, tol=1e-11, max_iter=10**6),
    LinearSVC(C=0.3, random_state=0, tol=1e-11, max_iter=10**6, intercept_scaling=0.5),
    LinearSVC(C=0.3, random_state=0, tol=1e-11, max_iter=10**6, loss="hinge"),
    LogisticRegression(C=0.5, fit_intercept=False, tol=1e-11, max_iter=10**4),
    LogisticRegression(C=0.5, solver="liblinear", tol=1e-11, intercept_scaling=2.0, max_iter=10**4),
    RidgeClassifier(alpha=2.0, fit_intercept=False),
]
# Nearer to their minimum are these learners.
CLOSE = 1e-6


def length(learner, theta):
    """Length of a model as the penalty has it."""
    constant = getattr(learner, "intercept_scaling", 1.0) if learner.fit_intercept else np.inf
    return float(np.hypot(np.linalg.norm(theta[:-1]), theta[-1] / constant))


def fit(learner, X, y):
    model = learner.fit(X, y)
    return np.append(np.ravel(model.coef_), np.ravel(model.intercept_)[:1])


def cloud(n, d=2, seed=0, gap=1.0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    return rng.normal(size=(n, d)) + gap * np.where(y[:, None] > 0, 1.0, -1.0), y


def violations(ball, learner, observed, X, certified):
    """How often the models of all clean sets contradict the ball: each clean set is one of (X, y, units)."""
    theta = ball.theta
    n_bad = 0
    for clean_X, clean_y, units in observed:
        other = fit(learner, clean_X, clean_y)
        n_bad += length(learner, theta - other) > ball.radius(units)
        kept = certified >= units
        n_bad += int((np.sign(X @ other[:-1] + other[-1]) != np.sign(X @ theta[:-1] + theta[-1]))[kept].sum())
    return n_bad


def without(X, y, m):
    """All sets of rows with up to m rows fewer, and their number."""
    for k in range(m + 1):
        for gone in itertools.combinations(range(len(y)), k):
            kept = np.setdiff1d(np.arange(len(y)), gone)
            yield X[kept], y[kept], k


def made_ball(learner, X, y, **kwargs):
    fit(learner, X, y)
    return clean_model_ball(learner, X, y, retrained_distance=CLOSE, **kwargs)


@pytest.mark.parametrize("learner", LEARNERS)
def test_all_models_of_fewer_rows_lie_in_the_ball_and_predict_as_certified(learner):
    X, y = cloud(9)
    test = np.random.default_rng(1).normal(size=(300, 2)) * 3
    ball = made_ball(learner, X, y)
    certified = ball.certify(test)
    assert certified.min() == -1 or certified.min() == 0
    assert (certified >= 1).mean() > 0.1
    assert violations(ball, learner, without(X, y, 2), test, certified) == 0


def poisoned_sets(threat, m, seed, norm):
    """A clean set, and what an attacker made of it with m units."""
    rng = np.random.default_rng(seed)
    X, y = cloud(14, seed=seed)
    X *= np.minimum(1, norm / np.linalg.norm(X, axis=1))[:, None]
    new = rng.normal(size=(m, 2)) * 2
    labels = rng.integers(0, 2, m)
    first = rng.permutation(np.arange(2, 14))[:m]
    kept = np.setdiff1d(np.arange(14), first)
    if threat == "delete":
        return (X, y), (X[kept], y[kept])
    if threat == "modify":
        return (X, y), (np.vstack([X[kept], new]), np.append(y[kept], labels))
    half = m // 2
    kept = np.setdiff1d(np.arange(14), first[:half])
    return (X, y), (np.vstack([X[kept], new[half:]]), np.append(y[kept], labels[half:]))


@pytest.mark.parametrize("threat", ["modify", "delete", "insert_delete"])
@pytest.mark.parametrize("learner", [LEARNERS[0], LEARNERS[2], LEARNERS[3], LEARNERS[5]])
def test_the_model_of_the_clean_rows_lies_in_the_ball_if_rows_are_gone(threat, learner):
    test = np.random.default_rng(1).normal(size=(100, 2)) * 3
    for seed in range(4):
        clean, observed = poisoned_sets(threat, 3, seed, norm=2.0)
        ball = made_ball(learner, *observed, threat=threat, row_norm=2.0)
        assert violations(ball, learner, [(*clean, 3)], test, ball.certify(test)) == 0


def test_the_radius_is_nearly_reached_if_the_penalty_is_strong():
    X, y = np.array([[1.0], [1.0], [-1.0], [5.0]]), np.array([1, 1, 0, 0])
    learner = RidgeClassifier(alpha=1e4, fit_intercept=False)
    theta, ball = fit(learner, X, y), clean_model_ball(learner, X, y)
    moved = abs(theta - fit(learner, X[:3], y[:3]))[0]
    assert 0.99 * ball.radius(1) < moved <= ball.radius(1)


def test_half_of_the_ball_certifies_what_the_whole_does_and_more():
    X, y = cloud(60, d=3)
    test = np.random.default_rng(1).normal(size=(100, 3)) * 3
    learner = LEARNERS[0]
    theta, ball = fit(learner, X, y), clean_model_ball(learner, X, y)
    lengths = np.hypot(np.linalg.norm(test, axis=1), 1.0)
    score = np.abs(test @ theta[:-1] + theta[-1])
    whole = (score[:, None] > np.outer(lengths, ball.radius(np.arange(61)))).sum(axis=1) - 1
    found = ball.certify(test)
    assert (found >= whole).all()
    assert found.mean() > 1.2 * whole.mean()


def test_sparse_and_dense_rows_say_the_same():
    X, y = cloud(40, d=5)
    X[np.abs(X) < 0.7] = 0.0
    learner = LEARNERS[0].fit(X, y)
    dense, sparse = clean_model_ball(learner, X, y), clean_model_ball(learner, sp.csr_matrix(X), y)
    assert np.allclose(dense.radius([0, 3, 40]), sparse.radius([0, 3, 40]), rtol=1e-9, atol=1e-12)
    for rows in (X, sp.csr_array(X)):
        assert (dense.certify(rows) == sparse.certify(rows)).all()


def test_a_score_within_the_noise_is_not_certified():
    X, y = cloud(20)
    learner = LEARNERS[3].fit(X, y)
    ball = clean_model_ball(learner, X, y)
    across = np.array([[-ball.theta[1], ball.theta[0]]])
    assert ball.certify(np.vstack([across, 0 * across])).tolist() == [-1, -1]


def test_rows_beyond_the_range_of_floats_certify_nothing():
    X = np.vstack([cloud(20)[0], [[1e200, 0.0]]])
    ball = weight_ball([1.0, 1.0, 0.0], X, np.append(np.ones(20), 0.0), ridge=1e3)
    assert np.isinf(ball.radius([0, 1])).all()
    known = weight_ball([1.0, 1.0, 0.0], X, np.append(np.ones(20), 0.0), ridge=1e3, distance=0.0)
    assert np.isinf(known.radius(1))
    assert known.certify([[1.0, 1.0], [1e300, 1e300]]).tolist() == [0, -1]
    y = np.append(cloud(20)[1], 0) * 2.0 - 1
    claim = least_objective_across(LOGISTIC, X, y, 1.0, np.array([1.0, 1.0]), 1.0)
    assert not claim > LOGISTIC.value(y, 0 * y).sum()


def loosely_fitted():
    X, y = cloud(9, gap=0.5)
    return LogisticRegression(C=50.0, fit_intercept=False, max_iter=1), X, y


def test_a_model_that_stopped_early_has_a_larger_ball(recwarn):
    learner, X, y = loosely_fitted()
    learner.fit(X, y)
    tight = LogisticRegression(C=50.0, fit_intercept=False, tol=1e-11, max_iter=10**4)
    ball = clean_model_ball(learner, X, y)
    assert ball.radius(0) >= np.linalg.norm(fit(tight, X, y) - ball.theta) > 0
    recwarn.clear()


def planted(mistake):
    """A ball with a fault, its learner, and clean sets that it is wrong about."""
    X, y = cloud(9)
    if mistake == "the solver is trusted":
        learner, X, y = loosely_fitted()
        ball = dataclasses.replace(clean_model_ball(learner.fit(X, y), X, y), distance=0.0)
        return ball, LogisticRegression(C=50.0, fit_intercept=False, tol=1e-11, max_iter=10**4), [(X, y, 0)]
    if mistake == "rows that are gone do not count":
        strong = RidgeClassifier(alpha=100.0, fit_intercept=False)
        clean, observed = (np.array([[1.0, 0], [0, 1], [2, 0]]), [0, 1, 1]), (np.array([[1.0, 0], [0, 1]]), [0, 1])
        ball = clean_model_ball(strong.fit(*observed), *observed, threat="delete", row_norm=2.0)
        return dataclasses.replace(ball, outside=0.0), strong, [(clean[0], np.array(clean[1]), 1)]
    strong = RidgeClassifier(alpha=200.0, fit_intercept=False)
    rows, labels = np.vstack([X, [[9.0, 9.0]]]), np.append(y, 0)
    ball = clean_model_ball(strong.fit(rows, labels), rows, labels)
    sizes = np.linalg.norm(rows, axis=1)
    faults = {
        "the penalty is taken twice": {"ridge": 2 * ball.ridge},
        "the penalty is that of the mean": {"ridge": ball.ridge * len(labels)},
        "every row pulls as the average": {"pull": (np.abs(ball.pull) @ sizes / len(sizes)) / sizes},
        "the far row does not count": {"pull": np.where(np.arange(10) == 9, 0.0, ball.pull)},
    }
    return dataclasses.replace(ball, **faults[mistake]), strong, list(without(rows, labels, 1))


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
@pytest.mark.parametrize(
    "mistake",
    [
        "the solver is trusted",
        "rows that are gone do not count",
        "the penalty is taken twice",
        "the penalty is that of the mean",
        "every row pulls as the average",
        "the far row does not count",
    ],
)
def test_a_wrong_ball_is_caught(mistake):
    ball, learner, clean_sets = planted(mistake)
    assert violations(ball, learner, clean_sets, np.zeros((0, 2)), np.zeros(0)) > 0


def test_the_other_half_of_the_ball_is_caught():
    X = np.array([[1.0, 0.0], [1.0, 0.1], [-1.0, 0.0], [-1.0, -0.1], [0.0, 6.0]])
    y = np.array([1, 1, 0, 0, 1])
    learner = RidgeClassifier(alpha=300.0, fit_intercept=False)
    ball = clean_model_ball(learner.fit(X, y), X, y)
    test = np.column_stack([np.cos(np.linspace(0, 6.28, 400)), np.sin(np.linspace(0, 6.28, 400))])
    cases = list(without(X, y, 1))[1:]
    assert violations(ball, learner, cases, test, ball.certify(test)) == 0
    turned = dataclasses.replace(ball, pull=-ball.pull)
    assert violations(ball, learner, cases, test, turned.certify(test)) > 0


def test_an_intercept_without_penalty_is_refused_since_one_row_moves_it_far():
    X, y = np.vstack([np.full((20, 1), 0.01), [[-0.01]]]), np.append(np.ones(20, int), 0)
    free = LogisticRegression(C=1e-4, tol=1e-11).fit(X, y)
    with pytest.raises(CertificateError, match="intercept of .* is not penalised"):
        clean_model_ball(free, X, y)
    # Nothing but the constant keeps this from a certificate.
    theta = np.append(free.coef_.ravel(), free.intercept_)
    pull = np.where(y > 0, 1.0, -1.0) - np.tanh((X @ theta[:1] + theta[1]) / 2)
    with pytest.raises(CertificateError, match="intercept that is not penalised"):
        weight_ball(theta, X, pull / 2, ridge=1e4)


@pytest.mark.parametrize(
    ("estimator", "error", "message"),
    [
        (DecisionTreeClassifier(), CertificateError, "strongly convex"),
        (SVC(kernel="linear"), CertificateError, "strongly convex"),
        (LinearSVC(class_weight="balanced"), CertificateError, "class_weight"),
        (LogisticRegression(), CertificateError, "not penalised"),
        (LogisticRegression(C=np.inf, fit_intercept=False), CertificateError, "no penalty"),
        (LogisticRegression(solver="saga", l1_ratio=1.0, tol=0.1), CertificateError, "L2 penalty"),
    ],
)
def test_learners_that_have_no_ball(estimator, error, message):
    X, y = cloud(30)
    with pytest.raises(error, match=message):
        clean_model_ball(estimator.fit(X, y), X, y)


def test_bad_input_of_the_ball():
    X, y = cloud(30)
    learner = LEARNERS[0].fit(X, y)
    ball = clean_model_ball(learner, X, y)
    with pytest.raises(ValueError, match="fitted to 2"):
        clean_model_ball(learner, X[:, :1], y)
    with pytest.raises(ValueError, match=r"y holds \[7\]"):
        clean_model_ball(learner, X, np.append(y[1:], 7))
    with pytest.raises(CertificateError, match="Pass outside"):
        clean_model_ball(learner, X, y, threat="modify")
    with pytest.raises(ValueError, match="row_norm"):
        clean_model_ball(learner, X, y, threat="modify", row_norm=-1)
    with pytest.raises(ValueError, match="at most all 30"):
        ball.radius(31)
    with pytest.raises(ValueError, match="shape"):
        ball.certify(X[:, :1])
    three = make_blobs(30, centers=3, random_state=0)
    with pytest.raises(CertificateError, match="one against the rest"):
        clean_model_ball(LinearSVC().fit(*three), *three)
    with pytest.raises(CertificateError, match="ridge must be a positive number"):
        weight_ball([1.0, 0.0], [[1.0]], [0.0], ridge=0.0)
    with pytest.raises(ValueError, match="pull must be finite"):
        weight_ball([1.0, 0.0], [[1.0]], [0.0, 1.0], ridge=1.0)
    with pytest.raises(ValueError, match="distance must be"):
        weight_ball([1.0, 0.0], [[1.0]], [0.0], ridge=1.0, distance=np.nan)
    with pytest.raises(ValueError, match="infinite or missing"):
        weight_ball([1.0, 0.0], [[np.nan]], [0.0], ridge=1.0)


@pytest.mark.parametrize("share", [0.01, 0.05])
@pytest.mark.parametrize(
    "learner",
    [
        LinearSVC(C=1e-4, random_state=0, tol=1e-10, max_iter=10**5),
        LogisticRegression(C=1e-4, fit_intercept=False, tol=1e-10),
    ],
)
def test_no_attack_leaves_the_ball_at_real_size(learner, share):
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    flipped = FarFlipAttack().generate(X, y, budget=int(share * len(y)), random_state=0)
    bad = flipped.y != y
    m = int(bad.sum())
    norm = float(np.linalg.norm(X, axis=1).max())
    for threat, rows, labels in (
        ("modify", X, flipped.y),
        ("insert", np.vstack([X, X[bad]]), np.append(y, flipped.y[bad])),
        ("delete", X[~bad], y[~bad]),
    ):
        ball = made_ball(learner, rows, labels, threat=threat, row_norm=norm)
        certified = ball.certify(X)
        assert violations(ball, learner, [(X, y, m)], X, certified) == 0
        assert np.median(certified) >= 1


# --- Rows that a target costs -----------------------------------------------------------------------------------------


def test_the_larger_of_both_bounds_is_taken():
    X, y = np.linspace(-1, 1, 20).reshape(-1, 1), np.repeat([0, 1], 10)
    learner, target, near = LogisticRegression(), [-1.0, 0.0], Box([-1.0], [1.0])
    anywhere = poisonability(learner, X, y, target).n_points
    inside = points_needed(learner, X, y, target, feasible_set=near)
    assert poison_needed(learner, X, y, target) == anywhere
    assert poison_needed(learner, X, y, target, feasible_set=near) == max(anywhere, inside)
    small = points_needed(learner, X, y, target, feasible_set=Box([-9.0], [9.0]))
    assert small < anywhere == poison_needed(learner, X, y, target, feasible_set=Box([-9.0], [9.0]))
    assert poison_needed(learner, X, y, target, feasible_set=near, slack=1e-6) <= inside
    with pytest.raises(ValueError, match="feasible_set"):
        poison_needed(learner, X, y, target, slack=1e-6)


def test_a_model_that_was_trained_on_added_rows_needs_no_more():
    X, y = cloud(20)
    for k in (1, 4, 9):
        added, labels = np.full((k, 2), 2.0), np.zeros(k, int)
        model = LogisticRegression(tol=1e-12).fit(np.vstack([X, added]), np.append(y, labels))
        assert poison_needed(LogisticRegression(), X, y, model, feasible_set=Box([-4, -4], [4, 4]), slack=1e-9) <= k


# --- Predictions that rows of a set cannot change ---------------------------------------------------------------------

LOSSES = {
    "hinge": (HINGE, lambda m: cp.sum(cp.pos(1 - m))),
    "squared hinge": (SQUARED_HINGE, lambda m: cp.sum_squares(cp.pos(1 - m))),
    "logistic": (LOGISTIC, lambda m: cp.sum(cp.logistic(-m))),
    "square": (SQUARED, lambda m: 0.5 * cp.sum_squares(1 - m)),
}


def across(name, ridge=2.0, n=30, d=3):
    """Rows, classes, a test row and its side, and the least objective on the other side, by Clarabel."""
    X, codes = cloud(n, d=d)
    y, test = 2.0 * codes - 1, np.array([1.0, 0.3, 0.8])
    theta = cp.Variable(d)
    objective = LOSSES[name][1](cp.multiply(y, X @ theta)) + ridge / 2 * cp.sum_squares(theta)
    return X, y, test, solve(cp.Problem(cp.Minimize(objective), [test @ theta <= 0]))


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("ridge", [0.05, 2.0])
def test_the_least_objective_across_is_that_of_a_conic_solver(name, ridge):
    X, y, test, best = across(name, ridge)
    found = least_objective_across(LOSSES[name][0], X, y, ridge, test, 1.0)
    assert best * (1 - 4e-3) < found <= best + 1e-6
    # No bound is above the other side's objective, where the minimum over all models is.
    assert least_objective_across(LOSSES[name][0], X, y, ridge, test, -1.0) <= best


@pytest.mark.parametrize("name", LOSSES)
def test_no_model_that_predicts_otherwise_has_a_smaller_objective(name):
    X, y, test, _ = across(name)
    bound = least_objective_across(LOSSES[name][0], X, y, 2.0, test, 1.0)
    rng = np.random.default_rng(0)
    for theta in rng.normal(size=(2000, 3)) * rng.exponential(size=(2000, 1)):
        theta = theta if theta @ test <= 0 else theta - (theta @ test) / (test @ test) * test * (1 + 1e-12)
        assert LOSSES[name][0].value(y, X @ theta).sum() + (theta**2).sum() >= bound


@pytest.mark.parametrize("name", LOSSES)
def test_the_bound_holds_wherever_the_search_stops(name, monkeypatch):
    X, y, test, best = across(name)
    monkeypatch.setattr(_post_hoc_reach, "_MAX_STEPS", 0)
    found = least_objective_across(LOSSES[name][0], X, y, 2.0, test, 1.0)
    assert found < best


@pytest.mark.parametrize("mistake", ["the penalty is left out", "the penalty is taken twice", "a primal value"])
def test_a_wrong_bound_on_the_objective_across_is_caught(mistake):
    X, y, test, best = across("logistic")
    if mistake == "a primal value":
        # Of the model that the search starts at.
        claim = LOGISTIC.value(y, 0 * y).sum()
    else:
        pulls = _post_hoc_reach._find_pulls(LOGISTIC, X, y, 2.0, test)
        toward = X.T @ (pulls * y)
        left = toward - max(0.0, toward @ test / (test @ test)) * test
        dual = _post_hoc_reach._DUALS["log_loss"](pulls, y).sum()
        claim = dual - (0.0 if "left out" in mistake else left @ left / (4 * 2.0))
    assert claim > best + 1e-3


REACHED = [
    LinearSVC(C=0.5, random_state=0, tol=1e-10, max_iter=10**6),
    LinearSVC(C=0.5, loss="hinge", random_state=0, tol=1e-10, max_iter=10**6),
    LogisticRegression(C=1.0, solver="liblinear", tol=1e-10, max_iter=10**4),
    LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, max_iter=10**4),
    RidgeClassifier(alpha=2.0, fit_intercept=False),
]


def predicts(learner, X, y, test):
    return learner.fit(X, y).predict(test)


@pytest.mark.parametrize("learner", REACHED)
def test_no_rows_of_a_set_change_a_certified_prediction(learner):
    X, y = cloud(20, gap=0.7)
    box = Box([-1.5, -1.5], [1.5, 1.5])
    test = np.random.default_rng(2).normal(size=(40, 2)) * 2
    learner.fit(X, y)
    found = certify_reach(learner, X, y, test, budget=[1, 2, 3], feasible_set=box, suboptimality=1e-8)
    assert (found.prediction == learner.predict(test)).all()
    assert set(found.radius) >= {1}
    corners = [(np.array([a, b]), label) for a in (-1.5, 1.5) for b in (-1.5, 1.5) for label in (0, 1)]
    for m in (1, 2):
        for added in itertools.combinations_with_replacement(corners, m):
            rows, labels = np.vstack([X, *(row for row, _ in added)]), np.append(y, [label for _, label in added])
            changed = predicts(learner, rows, labels, test) != found.prediction
            assert not (changed & (found.radius >= m)).any()


def test_attacks_on_single_predictions_need_more_rows_than_are_certified():
    X, y = load_breast_cancer(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    X /= np.linalg.norm(X, axis=1)[:, None]
    learner = LinearSVC(loss="hinge", random_state=0, tol=1e-8, max_iter=10**6)
    sets = sphere_slab_sets(X, y)
    learner.fit(X, y)
    found = certify_reach(learner, X, y, X[:60:6], budget=[3, 10, 30], feasible_set=sets, suboptimality=1e-6)
    assert np.median(found.radius) >= 3
    row = int(np.flatnonzero(found.radius >= 3)[0])
    for budget in (int(found.radius[row]), 1):
        attack = TargetedMinMaxAttack(X[6 * row], estimator=LinearSVC(loss="hinge", random_state=0), feasible_set=sets)
        poisoned = attack.generate(X, y, budget=budget, random_state=0)
        changed = predicts(learner, poisoned.X, poisoned.y, X[6 * row : 6 * row + 1]) != found.prediction[row]
        assert not changed.any()


def test_what_a_reach_certificate_tells():
    X, y = cloud(40)
    learner, box = REACHED[3].fit(X, y), Box([-1.0, -1.0], [1.0, 1.0])
    found = certify_reach(learner, X, y, np.vstack([X, [[0.0, 0.0]]]), budget=[2, 8], feasible_set=box)
    assert found.radius[-1] == -1
    assert found.radius.max() <= 8
    wrong = certify_reach(learner, X, y, X, budget=8, feasible_set=box).certified_accuracy(y, [0, 4, 8])
    assert (np.diff(wrong) <= 0).all()
    assert "all clean rows are kept" in found.conditional_on
    assert repr(found).startswith("ReachCertificate(41 predictions")
    sparse = certify_reach(learner, sp.csr_matrix(X), y, sp.csr_matrix(X), budget=[2, 8], feasible_set=box)
    assert (sparse.radius == found.radius[:-1]).all()
    # A model that was fitted to other rows vouches for nothing that it predicts differently.
    other = LogisticRegression(fit_intercept=False).fit(X, 1 - y)
    assert (certify_reach(other, X, y, X, budget=3, feasible_set=box).radius == -1).mean() > 0.9


def test_bad_input_of_the_reach():
    X, y = cloud(30)
    learner, box = REACHED[3].fit(X, y), Box([-1.0, -1.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="X_test has 1 columns"):
        certify_reach(learner, X, y, X[:, :1], budget=1, feasible_set=box)
    with pytest.raises(CertificateError, match="may drop clean rows"):
        certify_reach(learner, X, y, X, budget=1, feasible_set=SphereSanitizer().fit(X, y))
    with pytest.raises(CertificateError, match="not penalised"):
        certify_reach(LogisticRegression().fit(X, y), X, y, X, budget=1, feasible_set=box)
    wide = sp.csr_matrix((30, 3000))
    with pytest.raises(ValueError, match="made dense"):
        certify_reach(LogisticRegression(fit_intercept=False).fit(wide, y), wide, y, wide, budget=1, feasible_set=box)


# --- The report -------------------------------------------------------------------------------------------------------


def report_case():
    X, y = cloud(80, d=3)
    return LEARNERS[0].fit(X[:60], y[:60]), X[:60], y[:60], X[60:], y[60:]


def test_the_report_gathers_what_can_be_said():
    learner, X, y, held, labels = report_case()
    report = post_hoc_report(
        learner, X, y, n_poison=3, X_holdout=held, y_holdout=labels, unseen=True, X_test=held, delta=0.1
    )
    assert [told.name for told in report] == ["error", "holdout_error", "test_error", "ball", "predictions"]
    assert "no predict_proba" in report.refused["loss"]
    wrong, missed = (int((learner.predict(a) != b).sum()) for a, b in ((X, y), (held, labels)))
    assert report["error"].value == clean_error_bound(wrong, 60, 3)
    found = holdout_error_bound(missed, 20, 3, n_rows=80, unseen=True, delta=0.1)
    assert report["test_error"].value == found.test_error
    assert report["test_error"].delta == 0.1
    ball = clean_model_ball(learner, X, y)
    assert report["ball"].value == ball.radius(3)
    assert (report["predictions"].value == ball.certify(held)).all()
    text = repr(report)
    assert all(condition in text for told in report for condition in told.conditional_on)
    assert "probability 0.9" in text
    assert report.to_frame()["name"].tolist() == ["error", "holdout_error", "test_error", "ball"]
    with pytest.raises(CertificateError, match="predict_proba"):
        report["loss"]
    with pytest.raises(KeyError):
        report["nothing"]


def test_the_report_knows_losses_of_classifiers_and_regressors():
    _, X, y, held, labels = report_case()
    model = LogisticRegression().fit(X, y)
    losses = -np.log(model.predict_proba(X)[np.arange(60), y])
    told = post_hoc_report(model, X, y, n_poison=3)["loss"]
    assert told.value == clean_loss_bound(losses, 3)
    line = LinearRegression().fit(X, X[:, 0] + y)
    squares = (line.predict(X) - X[:, 0] - y) ** 2
    report = post_hoc_report(line, X, X[:, 0] + y, n_poison=3, threat="modify", largest_loss=1.0)
    # Predictions of the same rows differ in the last digit with where they lie in memory.
    assert report["loss"].value == pytest.approx(
        clean_loss_bound(squares, 3, threat="modify", largest_loss=1.0), rel=1e-14
    )
    assert "no class" in report.refused["error"]
    trusted = post_hoc_report(model, X, y, n_poison=3, X_holdout=held, y_holdout=labels, n_holdout_poison=0)
    assert (trusted["holdout_error"].kind, trusted["holdout_error"].n_poison) == ("exact", 0)
    assert "teach the model" in trusted.refused["test_error"]
    capped = post_hoc_report(model, X, y, n_poison=3, loss=lambda m, a, b: (m.predict(a) != b) * 1.0)
    assert capped["loss"].value == capped["error"].value


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"statements": ["loss"]}, CertificateError, "loss: LinearSVC has no predict_proba"),
        ({"statements": ["test_error"]}, CertificateError, "test_error: An attacker who has seen"),
        ({"statements": ["holdout_error"]}, CertificateError, "Pass X_holdout"),
        ({"statements": ["predictions"]}, CertificateError, "Pass X_test"),
        ({"statements": ["ball"], "threat": "modify"}, CertificateError, "Pass outside"),
        ({"statements": ["ball"], "n_poison": 30}, CertificateError, "to 29 something can be said"),
        ({"statements": ["error"], "n_poison": 60}, CertificateError, "none need be clean"),
        ({"statements": ["errors"]}, ValueError, "statements knows loss"),
        ({"statements": ["loss"], "loss": lambda m, a, b: [1.0]}, ValueError, "one number for each"),
        ({"statements": ["loss"], "loss": lambda m, a, b: np.full(60, np.inf)}, CertificateError, "60 rows have"),
        ({"n_poison": 0.05}, ValueError, "n_poison must be"),
        ({"X_holdout": [[1.0, 2.0, 3.0]]}, ValueError, "go together"),
        ({"threat": "group", "statements": ["error"]}, CertificateError, "known: insert"),
    ],
)
def test_bad_input_of_the_report(kwargs, error, message):
    learner, X, y, _, _ = report_case()
    with pytest.raises(error, match=message):
        post_hoc_report(learner, X, y, **{"n_poison": 3, **kwargs})


def test_a_third_class_among_rows_that_are_gone_is_a_condition():
    """The only row of a class that the attacker deletes: the clean model tells three classes apart."""
    X = np.vstack([np.tile([[2.0, 0.0]], (60, 1)), np.tile([[-2.0, 0.0]], (60, 1)), [[0.0, 3.0]]])
    y = np.repeat([0, 1, 2], [60, 60, 1])
    learner = LinearSVC(C=5e-4, tol=1e-10, fit_intercept=False, dual=False)
    tests = np.column_stack([np.linspace(0.01, 0.3, 30), np.full(30, 3.0)])
    ours, theirs = clone(learner).fit(X[:-1], y[:-1]), clone(learner).fit(X, y)
    moved = ours.predict(tests) != theirs.predict(tests)
    for threat in ("delete", "insert_delete", "modify"):
        ball = clean_model_ball(ours, X[:-1], y[:-1], threat=threat, row_norm=3.0)
        assert (moved & (ball.certify(tests) >= 1)).any()
        assert any("one of the two labels" in condition for condition in ball.conditional_on)
    ball = clean_model_ball(ours, X[:-1], y[:-1])
    assert not any("one of the two labels" in condition for condition in ball.conditional_on)


def test_pulls_above_1_round_as_their_squares_do():
    rng = np.random.default_rng(0)
    for loss, part in [(SQUARED, 2), (SQUARED_HINGE, 4)]:
        for _ in range(50):
            pull = rng.uniform(0, 10 ** rng.uniform(0, 8), size=3)
            Z, test = np.zeros((3, 1)), np.ones(1)
            found = _post_hoc_reach._dual(loss, Z, np.ones(3), 1.0, test, 1.0, pull)
            assert Fraction(found) <= sum(a - a * a / part for a in map(Fraction, pull.tolist()))


def test_a_logistic_regression_that_pays_for_both_of_two_classes_is_refused():
    """scikit-learn had it until 1.7: the same predictions, another penalty."""
    X, y = cloud(20)
    learner = LogisticRegression(C=0.1, fit_intercept=False).fit(X, y)
    learner.multi_class = "multinomial"
    for refused in (
        lambda: clean_model_ball(learner, X, y),
        lambda: certify_reach(learner, X, y, X, budget=1, feasible_set=sphere_slab_sets(X, y)),
        lambda: poison_needed(learner, X, y, [*learner.coef_[0].tolist(), 0.0]),
    ):
        with pytest.raises(ValueError, match="Leave multi_class out"):
            refused()


@pytest.mark.parametrize("constant", [0.5, 1.0, 2.0])
def test_a_model_that_is_off_in_its_intercept_alone_is_away_from_the_minimum(constant):
    """The gradient that the learner left counts, and the intercept has a part of it however it is scaled."""
    rng = np.random.default_rng(0)
    X, y, ridge = rng.normal(size=(30, 2)), rng.normal(size=30), 0.7
    X -= X.mean(axis=0)
    Z = np.column_stack([X, np.full(30, constant)])
    least = np.linalg.solve(Z.T @ Z + ridge * np.eye(3), Z.T @ y)
    for shift in (0.0, 0.4, -3.0):
        own = least + shift * np.array([0.0, 0.0, 1.0])
        theta = np.append(own[:2], own[2] * constant)
        ball = weight_ball(theta, X, y - Z @ own, ridge=ridge, constant=constant)
        assert ball.radius([0])[0] >= abs(shift) * (1 - 1e-12)
        assert shift or ball.radius([0])[0] < 1e-10
