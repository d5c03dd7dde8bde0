"""Pictures of certificates: what is drawn is what was certified, and the conditions can be read."""

import sys

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, make_regression
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustfit.certify import Certificate, CertificateError, IntervalCertificate
from robustfit.ensemble import PartitionClassifier, PartitionRegressor
from robustfit.evaluate import certified_accuracy_score
from robustfit.inspection import CertifiedAccuracyDisplay, RadiusHistogramDisplay, SanitizationDisplay
from robustfit.sanitize import SanitizedClassifier, SphereSanitizer

plt = pytest.importorskip("matplotlib.pyplot")

# Votes for class 1 out of five; right: yes, yes, no, yes, no, yes; radii: 2, 1, 0, 2, 1, 0.
VOTES = np.array([[0] * (5 - ones) + [1] * ones for ones in (0, 1, 2, 5, 4, 3)])
TRUTH = np.array([0, 0, 1, 1, 0, 1])
CURVE = [4 / 6, 3 / 6, 2 / 6, 0.0]

UNIT = "one row inserted or deleted"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def certify(**kwargs):
    return Certificate.from_votes(VOTES, [0, 1], unseen_class=False, **kwargs)


@pytest.fixture
def certificate():
    return certify()


@pytest.fixture
def intervals():
    # With a tolerance of 1.5 around (3, 10): radius 1 and −1.
    return IntervalCertificate.from_predictions([[1.0, 2.0, 3.0, 4.0, 9.0], [10.0, 20.0, 30.0, 40.0, 90.0]])


@pytest.fixture(scope="module")
def fitted():
    X, y = load_breast_cancer(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    return PartitionClassifier(GaussianNB(), n_partitions=9).fit(X_train, y_train), X_test, y_test


def captions(ax):
    return " ".join(text.get_text() for text in ax.texts).replace("\n", " ")


def heights(bars):
    return [patch.get_height() for patch in bars.patches]


# --- CertifiedAccuracyDisplay ---------------------------------------------------------------------------


def test_curve_by_hand(certificate):
    display = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate)
    assert display.budgets.tolist() == [0, 1, 2, 3]
    assert display.certified_accuracy.tolist() == pytest.approx(CURVE)
    assert display.unit == UNIT
    assert display.name is None
    assert display.line_.get_xdata().tolist() == [0, 1, 2, 3]
    assert display.line_.get_ydata().tolist() == pytest.approx(CURVE)
    assert display.line_.get_drawstyle() == "steps-post"
    assert display.ax_.get_xlabel() == f"budget ({UNIT})"
    assert display.ax_.get_ylabel() == "certified accuracy"
    assert display.ax_.get_ylim() == pytest.approx((0, 1), abs=0.02)
    assert display.ax_.get_legend() is None
    assert display.figure_ is display.ax_.figure


def test_curve_agrees_with_the_score(certificate):
    display = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, budgets=range(7))
    scores = [certified_accuracy_score(TRUTH, certificate, budget=budget) for budget in range(7)]
    assert display.certified_accuracy.tolist() == pytest.approx(scores)


def test_budgets_are_sorted_and_counted_once(certificate):
    display = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, budgets=[2, 0, 1, 2])
    assert display.budgets.tolist() == [0, 1, 2]
    display = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, budgets=1)
    assert display.certified_accuracy.tolist() == pytest.approx([3 / 6])


def test_between_budgets_the_curve_never_promises_more_than_holds(certificate):
    display = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, budgets=[0, 3, 4])
    x, y = display.line_.get_xdata(), display.line_.get_ydata()
    assert display.budgets.tolist() == [0, 3, 4]
    drawn = y[np.searchsorted(x, np.arange(5), side="right") - 1]
    true = certificate.certified_accuracy(TRUTH, np.arange(5))
    assert np.all(drawn <= true)
    assert drawn[[0, 3, 4]].tolist() == true[[0, 3, 4]].tolist()


@pytest.mark.parametrize("budgets", [[-1, 0], [0.5], np.linspace(0, 3, 7), ["1"]])
def test_budgets_are_whole_numbers(certificate, budgets):
    with pytest.raises(ValueError, match="budget must be a non-negative whole number"):
        CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, budgets=budgets)


def test_no_budgets(certificate):
    with pytest.raises(ValueError, match="budgets is empty"):
        CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, budgets=[])


def test_nothing_right_is_still_a_picture(certificate):
    display = CertifiedAccuracyDisplay.from_predictions(1 - certificate.prediction, certificate)
    assert display.budgets.tolist() == [0, 1]
    assert display.certified_accuracy.tolist() == [0.0, 0.0]


def test_several_models_on_one_axis(certificate):
    first = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, name="first")
    second = CertifiedAccuracyDisplay.from_predictions(
        TRUTH, certificate, name="second", ax=first.ax_, budgets=range(21), linestyle="--", color="k"
    )
    assert second.ax_ is first.ax_
    assert list(first.ax_.lines) == [first.line_, second.line_]
    assert [text.get_text() for text in first.ax_.get_legend().get_texts()] == ["first", "second"]
    assert second.line_.get_linestyle() == "--"
    # The axes grow with the second model.
    assert first.ax_.get_xlim()[1] >= 20
    assert len(plt.get_fignums()) == 1


def test_ticks_are_whole_numbers(certificate):
    display = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate)
    assert all(tick == round(tick) for tick in display.ax_.get_xticks())


def test_axes_with_ticks_of_their_own_keep_them(certificate):
    _, ax = plt.subplots()
    ax.set_xticks([0.0, 2.0], ["none", "two"])
    CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, ax=ax)
    assert ax.get_xticks().tolist() == [0.0, 2.0]


def test_units_are_not_mixed_on_one_axis(certificate):
    first = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate)
    with pytest.raises(ValueError, match=r"one row inserted or deleted.*one label changed.*of its own"):
        CertifiedAccuracyDisplay.from_predictions(TRUTH, certify(threat="label_flip"), ax=first.ax_)


def test_tolerances_are_not_mixed_on_one_axis(intervals):
    first = CertifiedAccuracyDisplay.from_predictions([3.0, 10.0], intervals, tol=1.5)
    CertifiedAccuracyDisplay.from_predictions([3.0, 10.0], intervals, tol=1.5, ax=first.ax_)
    with pytest.raises(ValueError, match="of its own"):
        CertifiedAccuracyDisplay.from_predictions([3.0, 10.0], intervals, tol=2.0, ax=first.ax_)


def test_tolerance_of_a_regressor_is_on_the_axis(intervals):
    display = CertifiedAccuracyDisplay.from_predictions([3.0, 10.0], intervals, tol=1.5)
    assert display.certified_accuracy.tolist() == [0.5, 0.5, 0.0]
    assert display.ax_.get_ylabel() == "certified accuracy (error ≤ 1.5)"
    display = CertifiedAccuracyDisplay.from_predictions([3.0, 10.0], intervals, tol=[1.5, 30.0])
    assert display.certified_accuracy.tolist() == [1.0, 1.0, 0.0]
    assert display.ax_.get_ylabel() == "certified accuracy (error ≤ each row's tolerance)"


def test_a_curve_can_be_drawn_again(certificate):
    display = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, name="old")
    first = display.ax_
    assert display.plot(name="new", color="red") is display
    assert display.ax_ is not first
    assert display.name == "old"
    assert display.line_.get_label() == "new"
    assert display.line_.get_color() == "red"


def test_a_label_overrules_the_name(certificate):
    display = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, name="name", label="label")
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["label"]


def test_display_refuses_what_the_score_refuses(certificate, intervals):
    with pytest.raises(CertificateError, match="target=1"):
        CertifiedAccuracyDisplay.from_predictions(TRUTH, certify(target=1))
    with pytest.raises(ValueError, match=r"shape \(6,\)"):
        CertifiedAccuracyDisplay.from_predictions(TRUTH[:5], certificate)
    with pytest.raises(ValueError, match="tol="):
        CertifiedAccuracyDisplay.from_predictions([3.0, 10.0], intervals)
    with pytest.raises(ValueError, match="tol is for regressors"):
        CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, tol=1.0)
    with pytest.raises(TypeError, match="got ndarray"):
        CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate.prediction)
    assert plt.get_fignums() == []


def test_curve_of_an_estimator(fitted):
    model, X, y = fitted
    display = CertifiedAccuracyDisplay.from_estimator(model, X, y)
    expected = model.certify(X).certified_accuracy(y, display.budgets)
    assert display.certified_accuracy.tolist() == pytest.approx(expected)
    assert display.certified_accuracy[-1] == 0 < display.certified_accuracy[-2]
    assert display.name == "PartitionClassifier"
    assert display.line_.get_label() == "PartitionClassifier"


def test_curve_of_an_estimator_against_another_threat(fitted):
    model, X, y = fitted
    display = CertifiedAccuracyDisplay.from_estimator(
        model, X, y, threat="label_flip", name="flips", budgets=[0, 1], color="red"
    )
    assert display.unit == "one label changed"
    assert display.name == "flips"
    assert display.budgets.tolist() == [0, 1]
    with pytest.raises(CertificateError, match="group"):
        CertifiedAccuracyDisplay.from_estimator(model, X, y, threat="group")


@pytest.mark.parametrize("display", [CertifiedAccuracyDisplay, RadiusHistogramDisplay])
def test_a_step_that_learns_from_all_rows_is_refused_or_named(display):
    X, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), PartitionClassifier(LogisticRegression(), n_partitions=7)).fit(X, y)
    with pytest.raises(CertificateError, match="standardscaler"):
        display.from_estimator(model, X, y)
    drawn = display.from_estimator(model, X, y, trusted=["standardscaler"])
    assert "standardscaler (StandardScaler): vouched for" in captions(drawn.ax_)


def test_displays_of_a_regressor():
    X, y = make_regression(n_samples=900, n_features=4, noise=5.0, random_state=0)
    model = PartitionRegressor(LinearRegression(), n_partitions=5).fit(X[:600], y[:600])
    curve = CertifiedAccuracyDisplay.from_estimator(model, X[600:], y[600:], tol=10.0)
    expected = model.certify(X[600:]).certified_accuracy(y[600:], 10.0, curve.budgets)
    assert curve.certified_accuracy.tolist() == pytest.approx(expected)
    histogram = RadiusHistogramDisplay.from_estimator(model, X[600:], y[600:], tol=10.0)
    assert histogram.radius.tolist() == model.certify(X[600:]).radius(y[600:], 10.0).tolist()


# --- conditions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", ["curve", "histogram"])
def test_conditions_can_be_read_in_the_picture(certificate, draw):
    given = certificate.given("the schema", "hyper-parameters that were chosen on the same rows, " + "long " * 40)
    if draw == "curve":
        display = CertifiedAccuracyDisplay.from_predictions(TRUTH, given, name="model")
    else:
        display = RadiusHistogramDisplay.from_predictions(given, TRUTH)
    (caption,) = display.ax_.texts
    assert "the schema; hyper-parameters that were chosen on the same rows" in captions(display.ax_)
    assert given.conditional_on == display.conditional_on
    figure = display.figure_
    figure.canvas.draw()
    box = caption.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width
    assert box.y0 >= 0
    assert box.y1 <= display.ax_.xaxis.label.get_window_extent().y0


def test_no_conditions_no_caption(certificate):
    assert not CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate).ax_.texts
    assert not RadiusHistogramDisplay.from_predictions(certificate).ax_.texts


def test_conditions_of_several_models_are_all_listed(certificate):
    first = CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate.given("schema"), name="A")
    ax = first.ax_
    for name, condition in (("B", None), ("C", "trusted scaler"), ("C", "trusted scaler")):
        second = certificate if condition is None else certificate.given(condition)
        CertifiedAccuracyDisplay.from_predictions(TRUTH, second, name=name, ax=ax)
    assert [text.get_text() for text in ax.texts] == ["A, given: schema\nC, given: trusted scaler"]


def test_captions_side_by_side_do_not_touch(certificate):
    figure, axes = plt.subplots(1, 3, figsize=(9, 4), layout="constrained")
    given = certificate.given("a condition that takes many words to say, " * 3)
    for ax in axes:
        CertifiedAccuracyDisplay.from_predictions(TRUTH, given, ax=ax)
    figure.canvas.draw()
    boxes = [ax.texts[0].get_window_extent() for ax in axes]
    assert boxes[0].x1 < boxes[1].x0
    assert boxes[1].x1 < boxes[2].x0


# --- RadiusHistogramDisplay -----------------------------------------------------------------------------


def test_histogram_by_hand(certificate):
    display = RadiusHistogramDisplay.from_predictions(certificate)
    (bars,) = display.bars_
    assert heights(bars) == [2, 2, 2]
    assert [patch.get_x() + patch.get_width() / 2 for patch in bars.patches] == [0, 1, 2]
    assert display.right is None
    assert display.ax_.get_legend() is None
    assert display.ax_.get_xlabel() == f"certified radius ({UNIT})"
    assert display.ax_.get_ylabel() == "number of test rows"
    assert display.ax_.get_title() == ""
    assert display.figure_ is display.ax_.figure


def test_right_and_wrong_are_stacked(certificate):
    display = RadiusHistogramDisplay.from_predictions(certificate, TRUTH, name="votes")
    right, wrong = display.bars_
    assert heights(right) == [1, 1, 2]
    assert heights(wrong) == [1, 1, 0]
    assert [patch.get_y() for patch in wrong.patches] == [1, 1, 2]
    assert display.right.tolist() == [True, True, False, True, False, True]
    assert display.ax_.get_ylim() == pytest.approx((0, 2.1))
    assert all(tick == round(tick) for tick in display.ax_.get_yticks())
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == ["predicted right", "predicted wrong"]
    assert display.ax_.get_title() == "votes"


def test_minus_one_has_a_bar_of_its_own():
    doubtful = np.zeros(VOTES.shape, dtype=bool)
    doubtful[5] = True
    display = RadiusHistogramDisplay.from_predictions(certify(doubtful=doubtful), TRUTH)
    right, wrong = display.bars_
    assert heights(right) == [1, 0, 1, 2]
    assert heights(wrong) == [0, 1, 1, 0]
    apart, zero = right.patches[:2]
    assert apart.get_x() + apart.get_width() < zero.get_x()
    ticks = dict(zip(display.ax_.get_xticks(), display.ax_.get_xticklabels(), strict=True))
    assert ticks[apart.get_x() + apart.get_width() / 2].get_text() == "\N{MINUS SIGN}1"
    assert [label.get_text() for label in display.ax_.get_xticklabels()][1:] == ["0", "1", "2"]


def test_histogram_of_a_regressor(intervals):
    display = RadiusHistogramDisplay.from_predictions(intervals, [3.0, 10.0], tol=1.5)
    assert display.radius.tolist() == [1, -1]
    right, wrong = display.bars_
    assert heights(right) == [0, 0, 1]
    assert heights(wrong) == [1, 0, 0]


@pytest.mark.parametrize("radius", [[0], [-1, -1], [0, 59], [60, 0], [-1, 3, 12_345], np.arange(1000)])
def test_every_row_is_in_one_bar(radius):
    radius = np.array(radius)
    right = np.arange(len(radius)) % 3 > 0
    display = RadiusHistogramDisplay(radius=radius, unit="unit", right=right).plot()
    first, second = display.bars_
    assert sum(heights(first)) == right.sum()
    assert sum(heights(second)) == (~right).sum()
    assert len(first.patches) <= 62
    lefts = [patch.get_x() for patch in first.patches if patch.get_height()]
    for patch in first.patches[int(radius.min() < 0) :]:
        inside = (radius > patch.get_x()) & (radius < patch.get_x() + patch.get_width())
        assert patch.get_height() == np.sum(inside & right)
    assert len(set(lefts)) == len(lefts)


def test_histogram_of_a_target_names_it():
    targeted = certify(target=1)
    display = RadiusHistogramDisplay.from_predictions(targeted)
    assert display.ax_.get_xlabel() == f"certified radius against 1 ({UNIT})"
    assert display.radius.tolist() == targeted.radius.tolist()


def test_histogram_refuses_what_cannot_be_drawn(certificate, intervals):
    with pytest.raises(ValueError, match="pass the true values and tol="):
        RadiusHistogramDisplay.from_predictions(intervals)
    with pytest.raises(ValueError, match="tol="):
        RadiusHistogramDisplay.from_predictions(intervals, [3.0, 10.0])
    with pytest.raises(ValueError, match="tol is for regressors"):
        RadiusHistogramDisplay.from_predictions(certificate, tol=1.0)
    with pytest.raises(TypeError, match="got ndarray"):
        RadiusHistogramDisplay.from_predictions(certificate.prediction)
    with pytest.raises(ValueError, match=r"shape \(6,\)"):
        RadiusHistogramDisplay.from_predictions(certificate, TRUTH[:5])
    with pytest.raises(ValueError, match="no rows"):
        RadiusHistogramDisplay.from_predictions(Certificate.from_votes(np.empty((0, 3), int), [0, 1]))
    assert plt.get_fignums() == []


def test_histogram_of_an_estimator(fitted):
    model, X, y = fitted
    display = RadiusHistogramDisplay.from_estimator(model, X, y, threat="label_flip", alpha=0.5)
    assert display.radius.tolist() == model.certify(X, threat="label_flip").radius.tolist()
    assert display.right.tolist() == (model.predict(X) == y).tolist()
    assert display.unit == "one label changed"
    assert display.ax_.get_title() == "PartitionClassifier"
    assert display.bars_[0].patches[0].get_alpha() == 0.5
    assert RadiusHistogramDisplay.from_estimator(model, X, name="mine").ax_.get_title() == "mine"


def test_both_displays_side_by_side(certificate):
    _, (left, right) = plt.subplots(1, 2)
    assert CertifiedAccuracyDisplay.from_predictions(TRUTH, certificate, ax=left).ax_ is left
    assert RadiusHistogramDisplay.from_predictions(certificate, TRUTH, ax=right).ax_ is right
    assert len(plt.get_fignums()) == 1


# --- SanitizationDisplay --------------------------------------------------------------------------------

SCORES = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.9, 0.8, 0.7])
KEPT = SCORES < 0.6
POISON = np.array([0, 0, 0, 1, 0, 1, 1, 0], dtype=bool)


def counts(drawn):
    return sum(patch.get_height() for patch in drawn.patches)


def test_scores_by_hand():
    display = SanitizationDisplay.from_scores(SCORES, KEPT, is_poison=POISON)
    assert (display.recall, display.precision) == pytest.approx((2 / 3, 2 / 3))
    assert [counts(display.bars_[part]) for part in ("kept", "suspicious")] == [5, 3]
    assert list(display.bars_) == ["kept", "suspicious", "poison"]
    assert display.ax_.get_yscale() == "log"
    assert display.curve_ax_.get_xlabel() == "recall of poison"
    assert display.chosen_.get_xdata().tolist() == pytest.approx([2 / 3])
    # From all rows to the single most suspicious one: 3 of 8, 3 of 7, …, 1 of 1, and no row at all.
    precision = [3 / 8, 3 / 7, 3 / 6, 3 / 5, 2 / 4, 2 / 3, 1.0, 1.0, 1.0]
    assert display.curve_.get_ydata().tolist() == pytest.approx(precision)
    assert display.curve_.get_xdata().tolist() == pytest.approx([1, 1, 1, 1, 2 / 3, 2 / 3, 2 / 3, 1 / 3, 0])
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [
        "kept (5)",
        "suspicious (3)",
        "poison (3)",
    ]


def test_scores_alone_are_one_picture():
    display = SanitizationDisplay.from_scores(SCORES, KEPT)
    assert display.curve_ax_ is None
    assert len(display.figure_.axes) == 1
    with pytest.raises(AttributeError, match="pass is_poison="):
        display.recall  # noqa: B018
    # Without a row of poison there is no recall to draw.
    display = SanitizationDisplay.from_scores(SCORES, KEPT, is_poison=np.zeros(8))
    assert display.curve_ax_ is None
    assert np.isnan(display.recall)
    assert np.isnan(SanitizationDisplay.from_scores(SCORES, np.ones(8), is_poison=POISON).precision)


def test_scores_on_axes_that_are_there():
    _, (left, right) = plt.subplots(1, 2)
    display = SanitizationDisplay.from_scores(SCORES, KEPT, is_poison=POISON, name="mine", ax=(left, right))
    assert (display.ax_, display.curve_ax_) == (left, right)
    assert left.get_title() == "mine"
    _, single = plt.subplots()
    assert SanitizationDisplay.from_scores(SCORES, KEPT, is_poison=POISON, ax=single).curve_ax_ is None
    again = display.plot(name="other")
    assert again.ax_ is not left
    assert again.ax_.get_title() == "other"


@pytest.mark.parametrize(
    "scores",
    [
        np.zeros(8),
        [1e9, *SCORES[1:]],
        [np.inf, *SCORES[1:]],
        [np.inf] * 8,
        [-np.inf, np.inf, *SCORES[2:]],
        [1.0] + [0.0] * 7,
    ],
)
def test_every_score_is_in_a_bar(scores):
    display = SanitizationDisplay.from_scores(scores, KEPT, is_poison=POISON)
    assert sum(counts(display.bars_[part]) for part in ("kept", "suspicious")) == 8


def test_rows_without_a_score_are_left_out():
    scores = SCORES.copy()
    scores[[0, 5]] = np.nan
    display = SanitizationDisplay.from_scores(scores, KEPT, is_poison=POISON)
    assert len(display.scores) == len(display.kept) == len(display.is_poison) == 6


def test_scores_of_estimators_and_sanitizers():
    X, y = load_breast_cancer(return_X_y=True)
    sanitizer = make_pipeline(StandardScaler(), SphereSanitizer())
    model = make_pipeline(StandardScaler(), SanitizedClassifier(GaussianNB(), sanitizer=sanitizer)).fit(X, y)
    display = SanitizationDisplay.from_estimator(model)
    assert display.name == display.ax_.get_title() == "SphereSanitizer"
    assert (~display.kept).sum() == 28
    alone = SanitizationDisplay.from_sanitizer(sanitizer.fit(X, y))
    assert alone.name == "SphereSanitizer"
    np.testing.assert_allclose(alone.scores, display.scores)
    for unfitted in (SanitizedClassifier(), SphereSanitizer()):
        with pytest.raises(NotFittedError):
            SanitizationDisplay.from_estimator(unfitted)


@pytest.mark.parametrize(
    ("scores", "kept", "is_poison", "message"),
    [
        (SCORES, KEPT[1:], None, "inconsistent numbers of samples"),
        (SCORES, KEPT, POISON[1:], "inconsistent numbers of samples"),
        (SCORES, np.arange(8), None, "kept must say yes or no to each row"),
        (SCORES, KEPT, [POISON], "is_poison must say yes or no to each row"),
        (np.full(8, np.nan), KEPT, None, "at least one of them not NaN"),
        (SCORES[:, None], KEPT, None, "one number per row"),
    ],
)
def test_scores_that_cannot_be_drawn(scores, kept, is_poison, message):
    with pytest.raises(ValueError, match=message):
        SanitizationDisplay.from_scores(scores, kept, is_poison=is_poison)


# --- without matplotlib ---------------------------------------------------------------------------------


@pytest.mark.parametrize("display", [CertifiedAccuracyDisplay, RadiusHistogramDisplay])
def test_message_without_matplotlib(monkeypatch, certificate, display):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    arguments = {CertifiedAccuracyDisplay: (TRUTH, certificate), RadiusHistogramDisplay: (certificate, TRUTH)}
    message = rf'{display.__name__} needs matplotlib; install it with: pip install "robustfit\[plot\]"'
    with pytest.raises(ImportError, match=message):
        display.from_predictions(*arguments[display])
    # Said before the work is done, not after: this estimator could not be certified at all.
    with pytest.raises(ImportError, match=message):
        display.from_estimator(None, None, None)
    for make in (SanitizationDisplay.from_estimator, SanitizationDisplay.from_sanitizer):
        with pytest.raises(ImportError, match="SanitizationDisplay needs matplotlib"):
            make(None)
    with pytest.raises(ImportError, match="SanitizationDisplay needs matplotlib"):
        SanitizationDisplay.from_scores(None, None)
