"""plan_partitions: what it estimates against whole ensembles, what it says, what it refuses."""

import dataclasses
import sys

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import robustfit
from robustfit import Certificate, CertificateError, PartitionClassifier, PartitionRegressor, plan_partitions
from robustfit.ensemble import PartitionWarning
from robustfit.evaluate import PartitionPlan
from robustfit.evaluate._vote_mixture import (
    certified_area,
    certified_curve,
    constant_label,
    constant_value,
    draw_radius,
    median_counts,
    middle_radius,
    mixture,
    vote_counts,
)
from robustfit.inspection import PartitionPlanDisplay

X, Y = load_breast_cancer(return_X_y=True)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def make_rows(n_samples, seed=0):
    """Two classes that one member in a few gets wrong."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n_samples, 5))
    return rows, (rows[:, 0] + rows[:, 1] + rng.normal(size=n_samples) > 0.5).astype(int)


def hand_made(**changes):
    """Three numbers of partitions and four rows; areas by hand."""
    values = {
        "candidates": np.array([1, 3, 9]),
        "rows_per_shard": np.array([90.0, 30.0, 10.0]),
        "member_accuracy": np.array([1.0, 0.75, 0.5]),
        "fit_seconds": np.array([1.0, 2.0, 3.0]),
        "radius": np.array([[0, 0, 0, 0], [1, 1, 0, -1], [4, 4, -1, -1]]),
        "constant_accuracy": 0.5,
        "floor": 0.5,
    }
    return PartitionPlan(**(values | changes))


# --- arrays in, arrays out -------------------------------------------------------------------------------


def test_counts_of_votes_by_hand():
    votes = np.array([[0, 0, 1, 2, -1], [1, 1, 2, 2, 2], [-1, -1, -1, -1, -1]])
    right, rivals = vote_counts(votes, np.array([0, 1, 2]), 3)
    assert right.tolist() == [2, 2, 0]
    assert rivals.tolist() == [1, 3, 0]


def test_counts_of_predictions_by_hand():
    predictions = np.array([[1.0, 2.0, 3.0, 9.0, np.nan], [0.0, 0.0, 0.0, 5.0, 9.0]])
    right, rivals = median_counts(predictions, np.array([2.0, 5.0]), np.array([1.0, 1.0]))
    assert rivals.tolist() == [1, 3]
    assert right.tolist() == [3, 2]


@pytest.mark.parametrize("n_members", [7, 8])
def test_a_whole_sample_draws_what_certificates_say(n_members):
    # Of sure members nothing is left to chance: the radius is the one that the vote has.
    for winner, right in ((0, True), (1, False)):
        votes = np.full((1, n_members), winner)
        certificate = Certificate.from_votes(votes, [0, 1])
        counts = vote_counts(votes, np.array([0]), 2)
        radius = draw_radius(*mixture(*counts, n_members), n_members, 1, 1, np.random.default_rng(0))
        assert radius.tolist() == (certificate.radius.tolist() if right else [-1])


def test_units_of_two_shards_halve_the_radius():
    counts = np.array([9]), np.array([0])
    shares, weights = mixture(*counts, 9)
    assert draw_radius(shares, weights, 101, 1, 1, np.random.default_rng(0)).tolist() == [50]
    assert draw_radius(shares, weights, 101, 1, 2, np.random.default_rng(0)).tolist() == [25]


def test_the_mixture_takes_chance_out_of_the_shares():
    # All rows alike: each member is right with probability 0.6, so that nearly all of 2001 votes are won.
    rng = np.random.default_rng(0)
    right = rng.binomial(20, 0.6, size=4000)
    plain = np.mean(right <= 10)
    shares, weights = mixture(right, 20 - right, 20)
    radius = draw_radius(shares, weights, 2001, 4000, 1, rng)
    assert weights.sum() == pytest.approx(1)
    assert plain > 0.2
    assert np.mean(radius < 0) < 0.1
    assert np.average(shares[:, 0], weights=weights) == pytest.approx(0.6, abs=0.02)


def test_curve_area_and_median_by_hand():
    radius = np.array([-1, 0, 2, 2])
    assert certified_curve(radius, np.arange(4)).tolist() == [0.75, 0.5, 0.5, 0.0]
    assert certified_area(radius, 0.0) == pytest.approx(1.75)
    assert certified_area(radius, 0.5) == pytest.approx(0.25)
    assert certified_area(np.array([-1, -1]), 0.0) == 0
    certificate = Certificate.from_votes([[0] * 5, [0] * 5, [0, 0, 0, 1, 1], [1] * 5], [0, 1])
    truth = [0, 0, 0, 0]
    radius = np.where(certificate.prediction == truth, certificate.radius, -1)
    assert middle_radius(radius) == certificate.median_radius(truth)


def test_best_constants_by_hand():
    assert constant_label(np.array([0, 2, 2, 1])) == 0.5
    values, tol = np.array([0.0, 1.0, 2.0, 10.0]), np.full(4, 1.0)
    assert constant_value(values, tol) == 0.75
    assert constant_value(values, np.zeros(4)) == 0.25
    assert constant_value(np.zeros(3), np.zeros(3)) == 1


# --- the plan --------------------------------------------------------------------------------------------


def test_columns_by_hand():
    plan = hand_made()
    assert plan.accuracy.tolist() == [1.0, 0.75, 0.5]
    assert plan.median_radius.tolist() == [0, 1, 4]
    assert plan.area.tolist() == [0.5, 0.25, 0.0]
    assert plan.certified_accuracy([0, 1]).tolist() == [[1.0, 0.0], [0.75, 0.5], [0.5, 0.5]]
    assert plan.certified_accuracy(4).tolist() == [0.0, 0.0, 0.5]
    assert plan.to_frame().columns.tolist() == [
        "n_partitions",
        "rows_per_shard",
        "accuracy",
        "member_accuracy",
        "median_radius",
        "area",
        "fit_seconds",
    ]


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        ({}, 1),
        ({"floor": 0.0}, 9),
        ({"floor": 0.0, "max_loss": 0.25}, 3),
        ({"floor": 0.0, "max_loss": 0.1}, 1),
        ({"budget": 0}, 1),
        ({"budget": 1}, 3),
        ({"budget": 4}, 9),
        ({"budget": 100}, 1),
    ],
)
def test_the_choice_by_hand(changes, chosen):
    plan = hand_made(**changes)
    assert plan.n_partitions == chosen
    (condition,) = plan.conditional_on
    assert condition == f"n_partitions={chosen} chosen by plan_partitions on rows that an attacker may have changed"


def test_a_plan_cannot_be_changed_by_accident():
    plan = plan_partitions(GaussianNB(), X, Y, grid=[1, 5])
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.floor = 0.0
    for array in (plan.candidates, plan.radius, plan.area, plan.accuracy, plan.fit_seconds):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_the_table_is_aligned_and_says_what_was_chosen():
    text = str(hand_made(budget=1, threat="label_flip"))
    table, remarks = text.split("\n\n")
    lines = table.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split()[:4] == ["n", "partitions", "rows", "per"]
    assert [line.startswith(">") for line in lines] == [False, False, True, False]
    assert "largest certified accuracy at 1" in remarks
    assert "one label changed" in remarks
    assert "chosen by plan_partitions" in remarks
    assert "is not better" in str(hand_made(budget=4))
    assert "giving up at most 0.1 of accuracy" in str(hand_made(max_loss=0.1))
    assert repr(hand_made()).startswith("PartitionPlan(n_partitions=1 of [1, 3, 9], accuracy 1.000, median radius 0")


def test_the_condition_can_be_put_on_record():
    plan = plan_partitions(GaussianNB(), X, Y, grid=[1, 5])
    model = PartitionClassifier(GaussianNB(), n_partitions=plan.n_partitions).fit(X[:400], Y[:400])
    certificate = model.certify(X[400:405]).given(*plan.conditional_on)
    assert certificate.conditional_on == plan.conditional_on
    assert plan_partitions is robustfit.plan_partitions


# --- estimates against whole ensembles -------------------------------------------------------------------


@pytest.mark.parametrize("threat", ["insert_delete", "modify"])
def test_estimates_agree_with_whole_ensembles(threat):
    rows, labels = make_rows(4000)
    plan = plan_partitions(
        GaussianNB(), rows[:3000], labels[:3000], grid=[1, 25, 101, 301], n_members=20, threat=threat
    )
    for index, number in enumerate(plan.candidates.tolist()):
        certificate = PartitionClassifier(GaussianNB(), n_partitions=number, random_state=5)
        with pytest.warns(PartitionWarning) if number == 301 else np.errstate():
            certificate.fit(rows[:3000], labels[:3000])
        certificate = certificate.certify(rows[3000:], threat=threat)
        truth = labels[3000:]
        radius = np.where(certificate.prediction == truth, certificate.radius, -1)
        assert plan.accuracy[index] == pytest.approx(np.mean(radius >= 0), abs=0.04)
        assert plan.median_radius[index] == pytest.approx(middle_radius(radius), rel=0.15, abs=1)
        assert plan.area[index] == pytest.approx(certified_area(radius, plan.floor), rel=0.35)


def test_estimates_agree_with_a_whole_regressor():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3000, 4))
    values = rows @ [3.0, 2.0, 1.0, 0.0] + rng.normal(size=3000)
    plan = plan_partitions(LinearRegression(), rows[:2000], values[:2000], tol=1.0, grid=[1, 101, 201], n_members=20)
    model = PartitionRegressor(LinearRegression(), n_partitions=101).fit(rows[:2000], values[:2000])
    radius = model.certify(rows[2000:]).radius(values[2000:], 1.0)
    assert plan.accuracy[1] == pytest.approx(np.mean(radius >= 0), abs=0.04)
    assert plan.median_radius[1] == pytest.approx(np.median(radius), rel=0.2)
    assert plan.median_radius[2] == pytest.approx(2 * plan.median_radius[1], rel=0.4)


def test_the_rows_of_a_plan():
    plan = plan_partitions(GaussianNB(), X, Y)
    assert plan.candidates.tolist() == [1, 3, 5, 9, 17, 33]
    assert plan.radius.shape == (6, 5 * (len(Y) // 4))
    assert plan.rows_per_shard.tolist() == (len(Y) / plan.candidates).tolist()
    # The plain learner is an ensemble of one member, with no radius to speak of.
    assert plan.accuracy[0] == plan.member_accuracy[0]
    assert plan.median_radius[0] == 0
    assert plan.constant_accuracy == plan.floor == pytest.approx(np.mean(Y == 1), abs=0.02)
    assert np.all(plan.fit_seconds > 0)


def test_plans_repeat_and_seeds_differ():
    first, second = (plan_partitions(GaussianNB(), X, Y, grid=[1, 17, 65], random_state=1) for _ in range(2))
    assert np.array_equal(first.radius, second.radius)
    other = plan_partitions(GaussianNB(), X, Y, grid=[1, 17, 65], random_state=2)
    assert not np.array_equal(first.radius, other.radius)


def test_trusted_rows_plan_for_a_larger_training_set():
    rows, labels = make_rows(6000)
    few = plan_partitions(GaussianNB(), rows[:1000], labels[:1000], n_samples=6000)
    assert few.candidates.tolist() == [65, 129, 257, 513]
    assert few.rows_per_shard[0] == pytest.approx(6000 / 65)
    all_of_them = plan_partitions(GaussianNB(), rows, labels, grid=few.candidates)
    assert few.accuracy == pytest.approx(all_of_them.accuracy, abs=0.05)
    assert few.median_radius == pytest.approx(all_of_them.median_radius, rel=0.4)
    with pytest.raises(ValueError, match="from 60 .fewer would have shards of which 1000 rows hold less than ten"):
        plan_partitions(GaussianNB(), rows[:1000], labels[:1000], n_samples=6000, grid=[33])
    with pytest.raises(ValueError, match="too few to plan for n_samples=6000"):
        plan_partitions(GaussianNB(), rows[:60], labels[:60], n_samples=6000)


# --- containers, targets, groups -------------------------------------------------------------------------


def test_frames_with_rare_categories_and_labels_of_text():
    rows, labels = make_rows(120)
    frame = pd.DataFrame({"a": rows[:, 0], "b": rows[:, 1], "town": pd.Categorical(["x", "y"] * 60)})
    frame["town"] = frame["town"].cat.add_categories(["z"])
    frame.loc[7, "town"] = "z"
    names = np.where(labels == 1, "spam", "ham")
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town"]), remainder="passthrough"
    )
    learner = make_pipeline(columns, GaussianNB(var_smoothing=1e-3))
    plan = plan_partitions(learner, frame, names, grid=[1, 3])
    assert plan.accuracy.min() > 0.6
    same = pl.from_pandas(frame)
    assert np.array_equal(plan_partitions(learner, same, list(names), grid=[1, 3]).radius, plan.radius)


def test_sparse_rows_agree_with_dense_ones():
    rows = np.random.default_rng(0).integers(0, 2, size=(300, 12)).astype(float)
    labels = rows[:, :3].sum(axis=1) >= 2
    dense = plan_partitions(BernoulliNB(), rows, labels, grid=[1, 9])
    assert np.array_equal(plan_partitions(BernoulliNB(), sp.csr_array(rows), labels, grid=[1, 9]).radius, dense.radius)


@pytest.mark.parametrize("container", [list, np.array, pd.Series])
def test_texts(container):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, size=200)
    words = np.array(["win", "cash", "lunch", "minutes"])
    texts = [" ".join(words[(rng.integers(0, 2, size=4) + 2 * label) % 4]) for label in labels]
    plan = plan_partitions(make_pipeline(CountVectorizer(), BernoulliNB()), container(texts), labels, grid=[1, 5])
    assert plan.accuracy.min() > 0.9


def test_an_ensemble_brings_its_parameters():
    rows, labels = make_rows(300)
    closed = PartitionClassifier(GaussianNB(), n_partitions=7, classes=[0, 1], random_state=3)
    plan = plan_partitions(closed, rows, labels, grid=[1, 8])
    assert plan.candidates.tolist() == [1, 8]
    assert closed.n_partitions == 7
    assert not hasattr(closed, "estimators_")
    # Without a label that may come in, the plain learner's answer still falls with its only member.
    assert plan.median_radius[0] == 0
    assert plan_partitions(PartitionRegressor(), rows, rows[:, 0], tol=0.5, grid=[1]).accuracy[0] > 0.9


def test_groups_are_held_out_and_sampled_whole():
    rows, labels = make_rows(1200)
    source = np.array([f"s{number % 120}" for number in range(1200)])
    plan = plan_partitions(GaussianNB(), rows, labels, groups=source, threat="group", grid=[1, 9, 65], n_members=20)
    assert plan.unit == "everything that one group sent"
    assert plan.radius.shape == (3, 5 * 30 * 10)
    assert plan.accuracy.min() > 0.6


def test_an_ensemble_says_itself_how_it_partitions():
    rows, labels = make_rows(100)
    by_groups = PartitionClassifier(GaussianNB(), partition_by="groups")
    assert (
        plan_partitions(by_groups, rows, labels, groups=np.arange(100) % 50, threat="group", grid=[1]).threat == "group"
    )
    with pytest.raises(ValueError, match="partition_by='groups' needs groups="):
        plan_partitions(by_groups, rows, labels, grid=[1])
    with pytest.raises(ValueError, match="groups were given but partition_by='content'"):
        plan_partitions(PartitionClassifier(GaussianNB()), rows, labels, groups=labels, grid=[1])


def test_the_default_tolerance_and_one_per_row():
    rows, values = load_diabetes(return_X_y=True)
    learner = Ridge(0.1)
    by_default = plan_partitions(learner, rows, values, grid=[1, 5])
    half = np.median(np.abs(values - np.median(values))) / 2
    for tol in (half, np.full(len(values), half)):
        assert np.array_equal(plan_partitions(learner, rows, values, grid=[1, 5], tol=tol).radius, by_default.radius)
    assert 0 < by_default.floor < by_default.accuracy[0] < 1


def test_shards_too_thin_for_a_learner_are_a_result():
    plan = plan_partitions(KNeighborsClassifier(15), X[:80], Y[:80], grid=[1, 20, 40])
    assert plan.accuracy[0] > 0.8
    assert plan.n_partitions == 1


def test_a_rare_class_does_not_stop_the_split():
    rows, labels = make_rows(100)
    labels[0] = 7
    assert plan_partitions(GaussianNB(), rows, labels, grid=[1, 3]).accuracy[0] > 0.6


def test_learners_that_learn_nothing_are_told_apart():
    rng = np.random.default_rng(0)
    rows, labels = rng.normal(size=(200, 3)), rng.integers(0, 10, size=200) == 0
    with pytest.warns(PartitionWarning, match="learn nothing that is worth certifying"):
        plan = plan_partitions(GaussianNB(), rows, labels, grid=[1, 3])
    assert not plan.beats_constant


# --- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": [0, 5]}, "from 1 to the 569 rows of the training set, got"),
        ({"grid": [570]}, "from 1 to the 569 rows of the training set, got"),
        ({"grid": [2.5]}, "grid must hold whole numbers"),
        ({"grid": []}, "grid must hold whole numbers"),
        ({"grid": [True]}, "grid must hold whole numbers"),
        ({"test_size": 0}, "test_size must be a share of the rows"),
        ({"test_size": 1.0}, "leave some of the 569 to fit on"),
        ({"test_size": 569}, "leave some of the 569 to fit on"),
        ({"test_size": "half"}, "got .half."),
        ({"test_size": True}, "got True"),
        ({"budget": 0.1}, "budget must be a non-negative whole number"),
        ({"max_loss": -0.1}, "max_loss must be a share of rows"),
        ({"floor": 1.0}, "floor must be a share of rows"),
        ({"n_members": 5}, "n_members must be a whole number of at least 10"),
        ({"n_samples": 5}, "n_samples must be a whole number of at least 20"),
        ({"random_state": None}, "random_state must be a non-negative integer"),
        ({"tol": 1.0}, "tol is for regressors"),
        ({"threat": "group"}, "A partition by content cannot answer threat='group'"),
        ({"threat": "flip"}, "Unknown threat 'flip'"),
        ({"groups": [1, 2]}, "groups must have one entry per row"),
    ],
)
def test_bad_parameters(options, message):
    with pytest.raises(ValueError, match=message):
        plan_partitions(GaussianNB(), X, Y, **options)


@pytest.mark.parametrize("estimator", [None, KMeans(), object(), "GaussianNB"])
def test_what_is_neither_classifier_nor_regressor(estimator):
    with pytest.raises(TypeError, match="estimator must be a classifier or a regressor"):
        plan_partitions(estimator, X, Y)


def test_a_class_is_no_instance():
    with pytest.raises(TypeError, match="got the class GaussianNB; call it"):
        plan_partitions(GaussianNB, X, Y)


def test_bad_rows_and_targets():
    with pytest.raises(ValueError, match="12 rows are too few"):
        plan_partitions(GaussianNB(), X[:12], Y[:12])
    with pytest.raises(ValueError, match="one class only, 3"):
        plan_partitions(GaussianNB(), X, np.full(len(Y), 3))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        plan_partitions(GaussianNB(), X, Y[:50])
    with pytest.raises(ValueError, match="More than half of y"):
        plan_partitions(Ridge(), X, np.arange(len(Y)) < 5)
    for tol in (-1, "wide", [[1.0]] * len(Y)):
        with pytest.raises(ValueError, match="tol must be one non-negative number or one per row"):
            plan_partitions(Ridge(), X, X[:, 0], tol=tol)
    with pytest.raises(ValueError, match="NaN"):
        plan_partitions(GaussianNB(), np.full_like(X, np.nan), Y)


def test_what_cannot_be_certified_is_not_planned():
    with pytest.raises(CertificateError, match="fitted before"):
        plan_partitions(FrozenEstimator(GaussianNB().fit(X, Y)), X, Y)


def test_a_table_says_what_it_needs(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"to_frame\(\) needs pandas"):
        hand_made().to_frame()


# --- the picture -----------------------------------------------------------------------------------------


def test_the_picture_shows_the_table():
    plan = hand_made(floor=0.0)
    display = PartitionPlanDisplay.from_plan(plan)
    for line, column in (
        (display.accuracy_line_, plan.accuracy),
        (display.member_line_, plan.member_accuracy),
        (display.radius_line_, plan.median_radius),
    ):
        assert line.get_xdata().tolist() == [1, 3, 9]
        assert line.get_ydata().tolist() == column.tolist()
    assert display.ax_.get_xscale() == "log"
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["1", "3", "9"]
    assert display.ax_.get_xlabel() == "number of partitions"
    assert display.ax_.get_ylabel() == "accuracy"
    assert display.radius_ax_.get_ylabel() == "median radius (one row inserted or deleted)"
    assert list(display.chosen_line_.get_xdata()) == [9, 9]
    assert list(display.constant_line_.get_ydata()) == [0.5, 0.5]
    legend = [text.get_text() for text in display.radius_ax_.get_legend().get_texts()]
    assert legend[-1] == "chosen: 9"
    caption = " ".join(text.get_text() for text in display.ax_.texts).replace("\n", " ")
    assert "n_partitions=9 chosen by plan_partitions" in caption
    display.figure_.canvas.draw()


def test_radii_of_minus_one_are_in_the_picture():
    display = PartitionPlanDisplay.from_plan(hand_made(radius=np.full((3, 4), -1)))
    low, high = display.radius_ax_.get_ylim()
    assert low < -1 < high


def test_the_picture_of_an_estimator_on_given_axes():
    _, ax = plt.subplots()
    display = PartitionPlanDisplay.from_estimator(GaussianNB(), X, Y, grid=[1, 5], budget=1, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert display.candidates.tolist() == [1, 5]


def test_what_is_no_plan():
    with pytest.raises(TypeError, match="plan must be a PartitionPlan, got int"):
        PartitionPlanDisplay.from_plan(5)


def test_message_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="PartitionPlanDisplay needs matplotlib"):
        PartitionPlanDisplay.from_plan(hand_made())
    with pytest.raises(ImportError, match="PartitionPlanDisplay needs matplotlib"):
        PartitionPlanDisplay.from_estimator(None, None, None)
