"""Bad input is refused with what was given and what is allowed; input that is merely unusual works."""

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

from robustfit import CertificateError, PartitionClassifier, PartitionRegressor
from robustfit.ensemble import MemberWarning, PartitionWarning
from robustfit.partition import SchemaError

KINDS = [PartitionClassifier, PartitionRegressor]
both = pytest.mark.parametrize("kind", KINDS)
thin_shards = pytest.mark.filterwarnings("ignore::robustfit.ensemble.PartitionWarning")
abstaining = pytest.mark.filterwarnings("ignore::robustfit.ensemble.MemberWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = (X[:, 0] + 0.3 * RNG.normal(size=120) > 0).astype(int)
LABELS = np.where(Y == 1, "spam", "ham")


def with_cells(value, rows):
    """X with a value in the first column of some rows."""
    changed = X.copy()
    changed[rows, 0] = value
    return changed


def frame(array=X):
    return pd.DataFrame(array, columns=["a", "b", "c"])


def abstains(votes):
    return np.isnan(votes) if votes.dtype.kind == "f" else votes == -1


def ensemble(kind, estimator=None, **parameters):
    return kind(estimator, **{"n_partitions": 4, **parameters})


# Shapes

SHAPES = {
    "one-dimensional": (X[:, 0], "Expected 2D array, got 1D array"),
    "three-dimensional": (X[:, :, None], "dim 3"),
    "one number": (3.0, "Expected 2D array, got scalar array"),
    "nothing": (None, "Expected 2D array, got scalar array"),
    "a single text": ("spam", "Expected 2D array, got scalar array"),
    "no rows": (X[:0], "0 sample"),
    "no columns": (X[:, :0], "0 feature"),
    "ragged lists": ([[1.0, 2.0, 3.0], [4.0]] * 60, "inhomogeneous"),
}


@both
@pytest.mark.parametrize("name", SHAPES)
def test_shape_of_the_training_rows(kind, name):
    rows, message = SHAPES[name]
    with pytest.raises(ValueError, match=message):
        ensemble(kind).fit(rows, Y)


@both
@pytest.mark.parametrize("name", SHAPES)
def test_shape_of_the_test_rows(kind, name):
    rows, message = SHAPES[name]
    model = ensemble(kind).fit(X, Y)
    for ask in (model.predict, model.votes, model.certify):
        with pytest.raises(ValueError, match="has 0 feature|0 feature" if name == "no columns" else message):
            ask(rows)


@both
@pytest.mark.parametrize("make", [frame, lambda array: pl.DataFrame(array)], ids=["pandas", "polars"])
def test_frames_without_rows(kind, make):
    with pytest.raises(ValueError, match="0 sample"):
        ensemble(kind).fit(make(X[:0]), Y[:0])
    model = ensemble(kind).fit(make(X), Y)
    with pytest.raises(ValueError, match="0 sample"):
        model.predict(make(X)[:0])


@both
def test_frames_without_columns(kind):
    with pytest.raises(ValueError, match="0 feature"):
        ensemble(kind).fit(frame()[[]], Y)


@both
@pytest.mark.parametrize(
    "rows", [X, frame(), pl.DataFrame(X), sp.csr_array(X)], ids=["array", "pandas", "polars", "sparse"]
)
def test_lengths_differ(kind, rows):
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[120, 119\]"):
        ensemble(kind).fit(rows, Y[:-1])


@both
def test_several_outputs(kind):
    with pytest.raises(ValueError, match=r"y should be a 1d array, got an array of shape \(120, 2\)"):
        ensemble(kind).fit(X, np.column_stack([Y, Y]))


@both
def test_a_column_as_target_is_flattened_with_a_warning(kind):
    with pytest.warns(UserWarning, match="column-vector y"):
        column = ensemble(kind).fit(X, Y[:, None])
    np.testing.assert_array_equal(column.votes(X), ensemble(kind).fit(X, Y).votes(X))


@both
def test_no_target(kind):
    with pytest.raises(ValueError, match="requires y to be passed"):
        ensemble(kind).fit(X, None)


@both
def test_one_row(kind):
    with pytest.warns(PartitionWarning, match="3 of 4 shards empty"):
        model = ensemble(kind).fit(X[:1], Y[:1])
    assert model.shard_sizes_.sum() == 1
    np.testing.assert_array_equal(~abstains(model.votes(X[:1])), [model.shard_sizes_ == 1])
    assert model.predict(X[:1])[0] == pytest.approx(Y[0])


def test_one_class():
    model = ensemble(PartitionClassifier).fit(X, np.full(120, 7))
    assert model.predict(X[:2]).tolist() == [7, 7]
    assert model.predict_proba(X[:2]).tolist() == [[1.0], [1.0]]
    # Two of four votes for a label that nobody knows tie, and that label may win ties.
    assert model.certify(X[:2]).radius.tolist() == [1, 1]
    # A label that does not exist cannot be brought in: nothing can change.
    only = ensemble(PartitionClassifier, classes=[7]).fit(X, np.full(120, 7))
    assert only.certify(X[:2]).radius.tolist() == [4, 4]


# Missing and infinite values


@both
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity"), (-np.inf, "infinity")])
def test_a_few_incomplete_rows_silence_their_members(kind, value, word):
    with pytest.warns(
        MemberWarning, match=f"1 of 4 members could not be fitted and abstain; the first.*{word}"
    ) as record:
        model = ensemble(kind).fit(with_cells(value, [0]), Y)
    assert record[0].filename == __file__
    (shard,) = model.member_errors_
    assert word in model.member_errors_[shard]
    assert model.estimators_[shard] is None
    silent = abstains(model.votes(X))
    assert silent[:, shard].all()
    assert not np.delete(silent, shard, axis=1).any()


@both
def test_a_single_class_shard_is_no_excuse_for_incomplete_rows(kind):
    with pytest.warns(MemberWarning, match=r"1 of 4 members.*NaN"):
        model = ensemble(kind).fit(with_cells(np.nan, [0]), np.ones(120, dtype=int))
    assert list(model.member_errors_)


@both
def test_incomplete_sparse_and_frame_rows_silence_their_members(kind):
    for rows in (sp.csr_array(with_cells(np.nan, [0])), frame(with_cells(np.nan, [0]))):
        with pytest.warns(MemberWarning, match=r"1 of 4 members.*NaN"):
            ensemble(kind).fit(rows, Y)


@both
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_member_error_raise_raises(kind, value, word):
    with pytest.raises(ValueError, match=f"Input X contains {word}") as caught:
        ensemble(kind, member_error="raise").fit(with_cells(value, [0]), Y)
    assert any("While fitting the member of shard" in note for note in caught.value.__notes__)


def test_member_error_raise_raises_for_shards_of_one_class_too():
    with pytest.raises(ValueError, match="NaN"):
        ensemble(PartitionClassifier, member_error="raise").fit(with_cells(np.nan, [0]), np.ones(120, dtype=int))


@both
def test_many_incomplete_rows_are_refused(kind):
    with pytest.raises(ValueError, match=r"5% of the rows of X or more hold; drop those rows, or impute inside"):
        ensemble(kind).fit(with_cells(np.nan, range(7)), Y)


@thin_shards
@both
def test_one_incomplete_row_in_twenty_is_too_many(kind):
    with pytest.raises(ValueError, match="5% of the rows of X or more"):
        ensemble(kind, n_partitions=2).fit(with_cells(np.nan, [0])[:20], Y[:20])
    with pytest.warns(MemberWarning, match="NaN"):
        ensemble(kind, n_partitions=2).fit(with_cells(np.nan, [0])[:21], Y[:21])


@both
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
@pytest.mark.parametrize("container", [np.asarray, sp.csr_array], ids=["dense", "sparse"])
def test_incomplete_test_rows_are_refused(kind, value, word, container):
    model = ensemble(kind).fit(container(X), Y)
    for ask in (model.predict, model.votes, model.certify):
        with pytest.raises(ValueError, match=f"Input X contains {word}"):
            ask(container(with_cells(value, [5])))


@both
def test_incomplete_test_rows_of_a_frame_are_refused(kind):
    model = ensemble(kind).fit(frame(), Y)
    with pytest.raises(ValueError, match=r"No member can predict row 0 of X \(1 rows in all\): Input X contains NaN"):
        model.predict(frame(with_cells(np.nan, [5]))[5:6])


@both
def test_a_row_that_nobody_can_predict_leaves_the_others_their_answers(kind):
    model = ensemble(kind).fit(frame(), Y)
    message = r"No member can predict row 5 of X \(1 rows in all\): Input X contains NaN"
    with pytest.warns(MemberWarning, match=message):
        votes = model.votes(frame(with_cells(np.nan, [5])))
    assert abstains(votes[5]).all()
    np.testing.assert_array_equal(np.delete(votes, 5, axis=0), np.delete(model.votes(frame()), 5, axis=0))
    with pytest.warns(MemberWarning, match=message):
        certificate = model.certify(frame(with_cells(np.nan, [5])))
    # Whoever controls one member decides where nobody votes.
    assert certificate.prediction[5] == 0
    if kind is PartitionClassifier:
        assert certificate.radius[5] == 0
    else:
        assert certificate.interval(1)[0][5] == -np.inf


@both
@pytest.mark.parametrize("method", ["predict", "votes", "certify"])
def test_the_warning_points_at_the_caller(kind, method):
    model = ensemble(kind).fit(frame(), Y)
    with pytest.warns(MemberWarning) as record:
        getattr(model, method)(frame(with_cells(np.nan, [5])))
    assert record[0].filename == __file__


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("kind", "estimator"),
    [
        (PartitionClassifier, HistGradientBoostingClassifier(max_iter=3)),
        (PartitionRegressor, HistGradientBoostingRegressor(max_iter=3)),
    ],
    ids=["classifier", "regressor"],
)
def test_members_that_take_incomplete_rows_get_them(kind, estimator, value):
    rows = np.where(X > 0.8, value, X)
    model = ensemble(kind, estimator).fit(rows, Y)
    assert not model.member_errors_
    assert not abstains(model.votes(rows)).any()


@pytest.mark.parametrize(
    ("kind", "last"),
    [(PartitionClassifier, LogisticRegression()), (PartitionRegressor, Ridge())],
    ids=["classifier", "regressor"],
)
@pytest.mark.parametrize("container", [np.asarray, frame], ids=["array", "frame"])
def test_members_that_impute_get_incomplete_rows(kind, last, container):
    rows = container(np.where(X > 0.8, np.nan, X))
    model = ensemble(kind, make_pipeline(StandardScaler(), SimpleImputer(), last)).fit(rows, Y)
    assert not model.member_errors_
    assert not abstains(model.votes(rows)).any()


@both
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_incomplete_targets(kind, value, word):
    with pytest.raises(ValueError, match=f"Input y contains {word}"):
        ensemble(kind).fit(X, np.where(np.arange(120) == 3, value, Y))


@pytest.mark.parametrize(
    "y",
    [
        [None, *LABELS[1:].tolist()],
        pd.Categorical([None, *LABELS[1:]]),
        pd.array([pd.NA, *Y[1:].tolist()], dtype="Int64"),
        pl.Series([None, *LABELS[1:].tolist()]),
    ],
    ids=["None", "Categorical", "nullable", "polars"],
)
def test_missing_labels(y):
    with pytest.raises(ValueError, match=r"missing labels are not allowed|Input y contains NaN"):
        ensemble(PartitionClassifier).fit(X, y)


def test_texts_are_no_values_to_predict():
    with pytest.raises(ValueError, match="could not convert string to float"):
        ensemble(PartitionRegressor).fit(X, LABELS)


# Partitions


@both
def test_more_partitions_than_rows(kind):
    with pytest.warns(
        PartitionWarning, match=r"n_partitions=200 leaves 0\.6 rows per shard.*would give them that"
    ) as record:
        model = ensemble(kind, n_partitions=200).fit(X, Y)
    sensible = 12 if kind is PartitionRegressor else 6
    assert f"n_partitions <= {sensible} " in str(record[0].message)
    assert record[0].filename == __file__
    empty = model.shard_sizes_ == 0
    assert empty.sum() >= 80
    silent = abstains(model.votes(X[:5]))
    assert silent[:, empty].all()
    assert not silent[:, ~empty].any()
    assert [model.estimators_[n] for n in np.flatnonzero(empty)] == [None] * empty.sum()


@pytest.mark.parametrize(
    ("kind", "y", "enough"),
    [
        (PartitionClassifier, Y, 6),
        (PartitionClassifier, np.arange(120) % 4, 3),
        (PartitionRegressor, Y, 12),
    ],
    ids=["two classes", "four classes", "regressor"],
)
def test_thin_shards_warn(kind, y, enough):
    ensemble(kind, n_partitions=enough).fit(X, y)
    with pytest.warns(PartitionWarning, match=f"n_partitions={enough + 1} leaves .* rows per shard"):
        ensemble(kind, n_partitions=enough + 1).fit(X, y)


def test_rows_of_weight_zero_do_not_thicken_shards():
    with pytest.warns(PartitionWarning, match=r"n_samples=60"):
        ensemble(PartitionClassifier, n_partitions=6).fit(X, Y, sample_weight=np.arange(120) % 2)


@both
@pytest.mark.parametrize("value", [0, -1, 2.5, "5", None, True])
def test_number_of_partitions(kind, value):
    with pytest.raises(ValueError, match="n_partitions"):
        ensemble(kind, n_partitions=value).fit(X, Y)


@both
@pytest.mark.parametrize("value", [None, -1, True, 1.5, "0", np.random.RandomState(0), np.random.default_rng(0)])
def test_seed(kind, value):
    with pytest.raises(ValueError, match=r"random_state must be a non-negative integer, got .* unrepeatable"):
        ensemble(kind, random_state=value).fit(X, Y)


@both
@pytest.mark.parametrize("value", [np.int32(3), np.uint8(3), 2**40])
def test_any_whole_number_is_a_seed(kind, value):
    np.testing.assert_array_equal(
        ensemble(kind, random_state=value).fit(X, Y).votes(X),
        ensemble(kind, random_state=int(value)).fit(X, Y).votes(X),
    )


@both
@pytest.mark.parametrize("value", [2.5, "2"])
def test_number_of_jobs_has_to_be_whole(kind, value):
    with pytest.raises(ValueError, match="n_jobs"):
        ensemble(kind, n_jobs=value).fit(X, Y)


@both
def test_no_jobs(kind):
    with pytest.raises(ValueError, match="n_jobs == 0"):
        ensemble(kind, n_jobs=0).fit(X, Y)


@both
@pytest.mark.parametrize("value", [-1, -1000, 3])
def test_any_other_number_of_jobs(kind, value):
    expected = ensemble(kind).fit(X, Y).votes(X)
    with joblib.parallel_config(backend="threading"):
        np.testing.assert_array_equal(ensemble(kind, n_jobs=value).fit(X, Y).votes(X), expected)


@both
@pytest.mark.parametrize(("name", "value"), [("partition_by", "rows"), ("member_error", "ignore")])
def test_unknown_choices(kind, name, value):
    with pytest.raises(ValueError, match=f"The '{name}' parameter of {kind.__name__} must be a str among"):
        ensemble(kind, **{name: value}).fit(X, Y)


# Groups


@both
def test_groups_are_needed(kind):
    with pytest.raises(ValueError, match="partition_by='groups' needs groups= in fit, one group per row"):
        ensemble(kind, partition_by="groups").fit(X, Y)


@both
def test_groups_are_not_used(kind):
    with pytest.raises(ValueError, match="set partition_by='groups'"):
        ensemble(kind).fit(X, Y, groups=Y)


@both
@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.arange(119), "one entry per row, 120, got 119"),
        ("a", "one entry per row, 120, got 1"),
        (X, r"one-dimensional, got shape \(120, 3\)"),
        (pd.DataFrame({"source": Y}), r"one-dimensional, got shape \(120, 1\)"),
        ([("a", 1)] * 120, "one-dimensional"),
    ],
    ids=["short", "one text", "array", "frame", "pairs"],
)
def test_shape_of_groups(kind, groups, message):
    with pytest.raises(ValueError, match=message):
        ensemble(kind, partition_by="groups").fit(X, Y, groups=groups)


@both
@pytest.mark.parametrize(
    "groups",
    [
        np.array([np.nan, *range(119)]),
        [None, *("ab" * 60)[1:]],
        pd.Series([pd.NA, *("ab" * 60)[1:]]),
        pd.array([pd.NA, *range(119)], dtype="Int64"),
        pd.Categorical([None, *("ab" * 60)[1:]]),
        pl.Series([None, *("ab" * 60)[1:]]),
        np.array(["NaT", *["2020-01-01"] * 119], dtype="datetime64[D]"),
    ],
    ids=["NaN", "None", "NA", "nullable", "Categorical", "polars", "NaT"],
)
def test_rows_without_a_group(kind, groups):
    with pytest.raises(ValueError, match=r"groups holds 1 missing values.*Drop those rows or name their group"):
        ensemble(kind, partition_by="groups").fit(X, Y, groups=groups)


def test_groups_that_cannot_be_told_apart():
    with pytest.raises(TypeError, match="A cell holds dict"):
        ensemble(PartitionClassifier, partition_by="groups").fit(X, Y, groups=np.array([{}] * 120, dtype=object))


@pytest.mark.parametrize("odd", ["x", 2.5])
def test_a_group_of_another_type_moves_no_other_row(odd):
    """numpy makes texts of all groups in a list as soon as one is a text."""
    groups = [i % 40 for i in range(120)]
    model = ensemble(PartitionClassifier, partition_by="groups")
    before = model.fit(X, Y, groups=groups).shard_sizes_
    after = model.fit(X, Y, groups=[*groups[:-1], odd]).shard_sizes_
    assert abs(after - before).sum() <= 2


# Threats and budgets


@both
@pytest.mark.parametrize("threat", ["flip", None, 3, "INSERT_DELETE"])
def test_unknown_threats(kind, threat):
    with pytest.raises(CertificateError, match="Known threats: insert_delete, modify, label_flip, delete, group"):
        ensemble(kind).fit(X, Y).certify(X, threat=threat)


@both
def test_threats_that_the_partition_cannot_answer(kind):
    message = r"cannot answer threat='group'.*It can answer insert_delete, modify, label_flip, delete\..*groups="
    with pytest.raises(CertificateError, match=message):
        ensemble(kind).fit(X, Y).certify(X, threat="group")


@both
def test_a_partition_by_groups_answers_every_threat(kind):
    model = ensemble(kind, partition_by="groups").fit(X, Y, groups=np.arange(120) % 30)
    for threat in ("insert_delete", "modify", "label_flip", "delete", "group"):
        assert model.certify(X[:1], threat=threat).threat == threat


@pytest.mark.parametrize("target", [9, "ham", [0]])
def test_targets_that_are_no_class(target):
    with pytest.raises(CertificateError, match=r"is not one of the classes \[0, 1\]"):
        ensemble(PartitionClassifier).fit(X, Y).certify(X, target=target)


@pytest.mark.parametrize("budget", [-1, 0.5, 1.0, np.float64(2), True, np.True_, "3", None])
def test_what_is_no_budget(budget):
    certificate = ensemble(PartitionClassifier).fit(X, Y).certify(X)
    intervals = ensemble(PartitionRegressor).fit(X, Y).certify(X)
    for call in (
        lambda: certificate.certified_accuracy(Y, budget),
        lambda: certificate.certified_accuracy(Y, [0, budget] if budget is not True else [budget]),
        lambda: certificate.share_interval(budget),
        lambda: intervals.interval(budget),
        lambda: intervals.certified_accuracy(Y, 0.5, budget),
        lambda: intervals.to_frame([budget]),
    ):
        with pytest.raises(ValueError, match=r"budget must be a non-negative whole number of units.*round up"):
            call()


# Labels


@pytest.mark.parametrize("y", [X[:, 0], X[:, 0].astype(np.float32), Y + 0.5], ids=["float64", "float32", "halves"])
def test_continuous_labels(y):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        ensemble(PartitionClassifier).fit(X, y)


@pytest.mark.parametrize("make", [list, lambda y: np.array(y, dtype=object), lambda y: pd.Series(y, dtype=object)])
def test_labels_of_mixed_types(make):
    with pytest.raises(ValueError, match=r"y holds int, str.*must all be whole numbers, all booleans or all texts"):
        ensemble(PartitionClassifier).fit(X, make([*Y[1:].tolist(), "spam"]))


@pytest.mark.parametrize(
    "y",
    [
        Y.astype("S"),
        Y.astype("datetime64[D]"),
        Y.astype("timedelta64[s]"),
        np.array([{}] * 120, dtype=object),
        np.array([(1,)] * 120 + [None], dtype=object)[:-1],
    ],
    ids=["bytes", "dates", "durations", "dicts", "tuples"],
)
def test_labels_that_are_none(y):
    with pytest.raises((ValueError, TypeError), match=r"(?i)label"):
        ensemble(PartitionClassifier).fit(X, y)


@both
def test_complex_targets(kind):
    with pytest.raises(ValueError, match="Complex data not supported"):
        ensemble(kind).fit(X, Y + 1j)


def test_labels_outside_the_classes():
    with pytest.raises(ValueError, match=r"y holds labels outside classes=\[0, 2\]: \[1\]\. Drop those rows, or add"):
        ensemble(PartitionClassifier, classes=[0, 2]).fit(X, Y)
    with pytest.raises(ValueError, match=r"outside classes=\['ham'\]: \['spam'\]"):
        ensemble(PartitionClassifier, classes=["ham"]).fit(X, LABELS)
    with pytest.raises(ValueError, match="outside classes"):
        ensemble(PartitionClassifier, classes=[0, 1]).fit(X, LABELS)


def test_labels_outside_the_classes_do_not_count_without_weight():
    y = np.where(np.arange(120) < 3, 9, Y)
    weight = np.arange(120) >= 3
    model = ensemble(PartitionClassifier, classes=[0, 1]).fit(X, y, sample_weight=weight)
    assert model.classes_.tolist() == [0, 1]


def test_classes_that_were_never_seen():
    model = ensemble(PartitionClassifier, classes=["spam", "eggs", "ham"]).fit(X, LABELS)
    assert model.classes_.tolist() == ["eggs", "ham", "spam"]
    assert model.predict_proba(X).shape == (120, 3)
    assert not model.predict_proba(X)[:, 0].any()
    assert set(model.predict(X)) <= {"ham", "spam"}


@pytest.mark.parametrize("classes", ["spam", 3, [0, 1, None], [0, 1, "spam"], np.array([0, "a"], dtype=object)])
def test_what_is_no_list_of_classes(classes):
    with pytest.raises(ValueError, match="classes"):
        ensemble(PartitionClassifier, classes=classes).fit(X, Y)


# Before fit


@pytest.mark.parametrize(
    ("kind", "method"),
    [(kind, method) for kind in KINDS for method in ("predict", "votes", "certify", "score")]
    + [(PartitionClassifier, "predict_proba")],
)
def test_nothing_is_answered_before_fit(kind, method):
    arguments = (X, Y) if method == "score" else (X,)
    with pytest.raises(NotFittedError, match=f"This {kind.__name__} instance is not fitted yet"):
        getattr(ensemble(kind), method)(*arguments)


@both
def test_a_refused_fit_leaves_an_unfitted_ensemble_unfitted(kind):
    model = ensemble(kind, random_state=None)
    with pytest.raises(ValueError, match="random_state"):
        model.fit(X, Y)
    with pytest.raises(NotFittedError):
        model.predict(X)


# Columns that change


@both
def test_arrays_of_another_width(kind):
    model = ensemble(kind).fit(X, Y)
    for rows in (X[:, :2], np.column_stack([X, X]), sp.csr_array(X[:, :2]), X[:, :2].tolist()):
        with pytest.raises(ValueError, match=r"X has [26] features, but .* is expecting 3 features"):
            model.votes(rows)


COLUMN_CHANGES = {
    "reordered": (lambda f: f[["b", "a", "c"]], "must be in the same order"),
    "missing": (lambda f: f[["a", "b"]], "now missing:\n- c"),
    "added": (lambda f: pd.DataFrame(f).assign(d=1.0), "unseen at fit time:\n- d"),
    "renamed": (lambda f: f.rename(columns={"a": "A"}), "unseen at fit time:\n- A"),
}


@both
@pytest.mark.parametrize("name", COLUMN_CHANGES)
@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_whose_columns_changed(kind, name, library):
    change, message = COLUMN_CHANGES[name]
    fitted, asked = frame(), change(frame())
    if library == "polars":
        fitted, asked = pl.from_pandas(fitted), pl.from_pandas(asked)
    model = ensemble(kind).fit(fitted, Y)
    for ask in (model.predict, model.votes, model.certify):
        with pytest.raises(ValueError, match=message):
            ask(asked)


@both
def test_frames_whose_numbered_columns_changed(kind):
    model = ensemble(kind).fit(pd.DataFrame(X), Y)
    with pytest.raises(SchemaError, match=r"in another order\. Expected \[0, 1, 2\]"):
        model.predict(pd.DataFrame(X)[[1, 0, 2]])


@both
def test_arrays_and_frames_may_take_turns_with_a_warning(kind):
    named = ensemble(kind).fit(frame(), Y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_array_equal(named.votes(X), named.votes(frame()))
    plain = ensemble(kind).fit(X, Y)
    with pytest.warns(UserWarning, match="was fitted without feature names"):
        np.testing.assert_array_equal(plain.votes(frame()), plain.votes(X))


@both
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_arrays_of_another_width_than_the_frame(kind):
    with pytest.raises(ValueError, match=r"X has 2 features, but .* is expecting 3"):
        ensemble(kind).fit(frame(), Y).votes(X[:, :2])


@both
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_sparse_test_rows_for_an_ensemble_fitted_on_a_frame(kind):
    model = ensemble(kind).fit(frame(), Y)
    try:
        votes = model.votes(sp.csr_array(X))
    except (TypeError, ValueError) as error:
        assert "frame" in str(error)  # noqa: PT017
    else:
        np.testing.assert_array_equal(votes, model.votes(frame()))


# Schemas


@both
@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"a": "number", "b": "number"}, r"not in the schema \['c'\]"),
        ({"a": "number", "b": "number", "c": "number", "d": "text"}, r"missing \['d'\]"),
        ({"c": "number", "b": "number", "a": "number"}, "in another order"),
        ({"a": "text", "b": "number", "c": "number"}, "Column 'a' holds number .*, the schema says text"),
        ({"a": ["x", "y"], "b": "number", "c": "number"}, "Column 'a' holds number .*, the schema says category"),
        ({"a": "integer", "b": "number", "c": "number"}, "Column 'a' holds fractions.*Declare it as 'number'"),
        (
            {"a": "numeric", "b": "number", "c": "number"},
            "Column 'a': unknown kind 'numeric'. Allowed: number, integer",
        ),
        ({"a": float, "b": "number", "c": "number"}, "Column 'a'"),
        ({"a": [], "b": "number", "c": "number"}, "Column 'a': categories must be a non-empty list"),
        (["a", "b", "c"], "schema must map column names to kinds, for instance"),
        ("number", "schema must map column names to kinds"),
        ({}, "schema must map column names to kinds"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value)[:20],
)
def test_schemas_that_do_not_fit(kind, schema, message):
    with pytest.raises(SchemaError, match=message):
        ensemble(kind, schema=schema).fit(frame(), Y)


@both
@pytest.mark.parametrize(
    "rows", [X, X.tolist(), sp.csr_array(X), ["a text"] * 120], ids=["array", "lists", "sparse", "texts"]
)
def test_only_frames_have_a_schema(kind, rows):
    with pytest.raises(
        SchemaError, match=r"the schema of an array is its width. Pass a data frame, or leave schema out"
    ):
        ensemble(kind, schema={"a": "number"}).fit(rows, Y)


@both
@pytest.mark.parametrize("declared", [True, False])
def test_test_rows_that_break_the_schema(kind, declared):
    rows = frame().assign(b=pd.Categorical(np.where(X[:, 1] > 0, "x", "y")), c=(10 * X[:, 2]).round().astype(int))
    base = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression() if kind is KINDS[0] else Ridge())
    schema = {"a": "number", "b": ["x", "y"], "c": "integer"} if declared else None
    model = ensemble(kind, base, schema=schema).fit(rows, Y)
    with pytest.raises(SchemaError, match=r"Column 'a' holds text .*, the schema says number"):
        model.predict(rows.assign(a="old"))
    with pytest.raises(SchemaError, match="Column 'b' holds categories that the schema does not list: 'z'"):
        model.certify(rows.assign(b="z"))
    with pytest.raises(SchemaError, match=r"Column 'c' holds boolean .*, the schema says integer"):
        model.votes(rows.assign(c=True))
    if declared:
        with pytest.raises(SchemaError, match="Column 'c' holds fractions or missing values, the schema says integer"):
            model.votes(rows.assign(c=0.5))
    else:
        assert len(model.votes(rows.assign(c=0.5))) == 120


@both
@pytest.mark.parametrize("declared", [True, False])
def test_test_rows_of_which_a_text_is_not_known(kind, declared):
    """A batch without any entry in a column of texts reads as a column of numbers that are missing."""
    rows = frame().assign(b=np.where(X[:, 1] > 0, "x", "y"))
    base = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["b"]), remainder="passthrough"),
        LogisticRegression() if kind is PartitionClassifier else Ridge(),
    )
    schema = {"a": "number", "b": "text", "c": "number"} if declared else None
    model = ensemble(kind, base, schema=schema).fit(rows, Y)
    expected = model.votes(rows.assign(b=None))
    assert not abstains(expected).any()
    np.testing.assert_array_equal(model.votes(rows.assign(b=np.nan)), expected)


@both
def test_duplicate_column_names(kind):
    twice = pd.DataFrame(X, columns=["a", "a", "b"])
    with pytest.raises(ValueError, match=r"(?i)column names"):
        ensemble(kind).fit(twice, Y)
    with pytest.raises(ValueError, match=r"(?i)feature names|column names"):
        ensemble(kind).fit(frame(), Y).predict(twice)


# Unusual arrays

ARRAYS = {
    "Fortran order": np.asfortranarray(X),
    "big-endian": X.astype(">f8"),
    "every other column": np.repeat(X, 2, axis=1)[:, ::2],
    "rows backwards": X[::-1],
    "transposed": np.ascontiguousarray(X.T).T,
    "int64": (10 * X).round().astype(np.int64),
    "big-endian int16": (10 * X).round().astype(">i2"),
    "bool": X > 0,
    "uint8": (20 * abs(X)).astype(np.uint8),
    "float16": X.astype(np.float16),
    "float32": X.astype(np.float32),
    "longdouble": X.astype(np.longdouble),
    "objects": X.astype(object),
    "lists": X.tolist(),
    "tuples": tuple(map(tuple, X.tolist())),
}
BASES = {
    PartitionClassifier: [
        make_pipeline(StandardScaler(copy=False), LogisticRegression()),
        DecisionTreeClassifier(),
        SVC(),
    ],
    PartitionRegressor: [make_pipeline(StandardScaler(copy=False), Ridge()), SVR()],
}


@both
@pytest.mark.parametrize("name", ARRAYS)
def test_unusual_arrays(kind, name):
    rows = ARRAYS[name]
    plain = np.ascontiguousarray(np.asarray(rows).astype(np.float64))
    for base in BASES[kind]:
        expected = ensemble(kind, base).fit(plain, Y).votes(plain)
        np.testing.assert_array_equal(ensemble(kind, base).fit(rows, Y).votes(rows), expected)


@pytest.fixture
def mapped(tmp_path):
    """X as read-only memory maps."""
    np.save(tmp_path / "rows.npy", X)
    joblib.dump(X, tmp_path / "rows.joblib")
    maps = [np.load(tmp_path / "rows.npy", mmap_mode="r"), joblib.load(tmp_path / "rows.joblib", mmap_mode="r")]
    assert all(isinstance(rows, np.memmap) and not rows.flags.writeable for rows in maps)
    return maps


@both
def test_read_only_memory_maps(kind, mapped):
    for base in BASES[kind]:
        expected = ensemble(kind, base).fit(X, Y).votes(X)
        for rows in mapped:
            np.testing.assert_array_equal(ensemble(kind, base).fit(rows, Y).votes(rows), expected)


def test_read_only_memory_maps_in_other_processes(mapped):
    base = BASES[PartitionClassifier][0]
    expected = ensemble(PartitionClassifier, base).fit(X, Y).votes(X)
    model = ensemble(PartitionClassifier, base, n_jobs=2).fit(mapped[0], Y)
    np.testing.assert_array_equal(model.votes(mapped[1]), expected)


@both
def test_read_only_targets_weights_and_groups(kind):
    parts = [Y.copy(), np.arange(1.0, 121.0), np.arange(120) % 30]
    for part in parts:
        part.flags.writeable = False
    y, weight, groups = parts
    ensemble(kind, partition_by="groups").fit(X, y, sample_weight=weight, groups=groups)


@both
def test_complex_numbers(kind):
    with pytest.raises(ValueError, match="Complex data not supported"):
        ensemble(kind).fit(X + 1j, Y)
    with pytest.raises(ValueError, match="Complex data not supported"):
        ensemble(kind).fit(X, Y).predict(X + 1j)


MIXED = [[int(i % 3), "north" if i % 2 else "south", None if i % 7 == 0 else 0.5, True] for i in range(120)]


@pytest.mark.parametrize(
    ("kind", "last"),
    [(PartitionClassifier, LogisticRegression()), (PartitionRegressor, Ridge())],
    ids=["classifier", "regressor"],
)
def test_mixed_cells_in_lists_and_object_arrays(kind, last):
    model = ensemble(kind, make_pipeline(OneHotEncoder(handle_unknown="ignore"), last))
    array = np.array(MIXED, dtype=object)
    expected = model.fit(array, Y).votes(array)
    assert not abstains(expected).any()
    np.testing.assert_array_equal(model.votes(MIXED), expected)
    # Whether a list holds numbers only is decided by each of its cells.
    with pytest.raises(ValueError, match=r"Pass numpy.array\(X, dtype=object\) or a data frame"):
        model.fit(MIXED, Y)
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 4"):
        model.votes(array[:, :3])


@both
@pytest.mark.parametrize(
    "cell", [{"a": 1}, [1, 2], {1, 2}, object(), 1j], ids=["dict", "list", "set", "object", "complex"]
)
def test_cells_that_are_no_content(kind, cell):
    rows = np.empty((120, 2), dtype=object)
    rows[:, 0] = 0.0
    for i in range(120):
        rows[i, 1] = cell
    with pytest.raises(TypeError, match=r"A cell holds .*must be a string, a real number.*Convert the column"):
        ensemble(kind).fit(rows, Y)


@both
@pytest.mark.parametrize(
    "rows",
    [pd.DataFrame({"a": [{"x": 1}] * 120}), pl.DataFrame({"a": [[1, 2]] * 120}), pl.DataFrame({"a": [{"x": 1}] * 120})],
    ids=["dicts", "lists", "structs"],
)
def test_cells_of_frames_that_are_no_content(kind, rows):
    with pytest.raises(TypeError, match=r"A cell holds (dict|list).*Convert the column"):
        ensemble(kind).fit(rows, Y)


@both
def test_text_in_an_array_of_numbers(kind):
    rows = X.astype(object)
    rows[:, 1] = "a text"
    with pytest.raises(ValueError, match=r"No member could be fitted; the first.*could not convert string to float"):
        ensemble(kind).fit(rows, Y)


# Texts

TEXTS = [f"{'offer' if label else 'meeting'} number {i}" for i, label in enumerate(Y)]


@both
@pytest.mark.parametrize(
    ("position", "missing", "shown"),
    [
        (5, None, "row 5 holds NoneType None"),
        (5, np.nan, "row 5 holds float nan"),
        (5, 7, "row 5 holds int 7"),
        (0, None, "row 0 holds NoneType None"),
    ],
)
def test_texts_that_are_none(kind, position, missing, shown):
    texts = [*TEXTS[:position], missing, *TEXTS[position + 1 :]]
    with pytest.raises(ValueError, match=f"X is a list of texts, but {shown}; replace missing texts by ''"):
        ensemble(kind).fit(texts, Y)


@both
def test_texts_for_members_that_take_numbers(kind):
    for texts in (TEXTS, np.array(TEXTS), pd.Series(TEXTS)):
        with pytest.raises(ValueError, match="No member could be fitted; the first, of shard 0, said: ValueError"):
            ensemble(kind).fit(texts, Y)


def test_test_rows_of_an_ensemble_fitted_on_texts(text_model):
    for rows in (X, frame(), [[text] for text in TEXTS], "offer"):
        with pytest.raises(ValueError, match="fitted on texts; pass a list of str"):
            text_model.predict(rows)
    with pytest.raises(ValueError, match="row 1 holds NoneType None; replace missing texts by ''"):
        text_model.predict(["offer", None])


def test_no_test_rows_of_an_ensemble_fitted_on_texts(text_model):
    with pytest.raises(ValueError, match="0 sample"):
        text_model.predict([])


def test_the_first_missing_text_of_the_test_rows(text_model):
    with pytest.raises(ValueError, match="row 0 holds NoneType None"):
        text_model.predict([None, "offer"])


@pytest.fixture(scope="module")
def text_model():
    from families import TEXT_BASE

    return ensemble(PartitionClassifier, TEXT_BASE).fit(TEXTS, Y)


# Estimators


@both
@pytest.mark.parametrize("wrap", [lambda e: e, lambda e: make_pipeline(StandardScaler(), e)], ids=["bare", "pipeline"])
def test_the_other_kind_of_estimator(kind, wrap):
    if kind is PartitionClassifier:
        with pytest.raises(ValueError, match="is a regressor; use PartitionRegressor"):
            ensemble(kind, wrap(Ridge())).fit(X, Y)
    else:
        with pytest.raises(ValueError, match="is a classifier; use PartitionClassifier"):
            ensemble(kind, wrap(LogisticRegression())).fit(X, Y)


@both
def test_clusterers_do_not_predict_labels(kind):
    """A cluster's number is no label: votes by number would look like an ensemble that learned."""
    with pytest.raises(ValueError, match="KMeans"):
        ensemble(kind, KMeans(2, n_init=1)).fit(X, Y)


@both
@pytest.mark.parametrize("estimator", [StandardScaler(), "logistic", 3], ids=["transformer", "text", "number"])
def test_what_is_no_estimator(kind, estimator):
    with pytest.raises(
        ValueError, match=r"'estimator' parameter of .* must be an object implementing 'fit' and 'predict'"
    ):
        ensemble(kind, estimator).fit(X, Y)


@both
@pytest.mark.filterwarnings("ignore:passing a class to None is deprecated:FutureWarning")
def test_a_class_is_no_estimator(kind):
    with pytest.raises((TypeError, ValueError), match=r"(?i)instance"):
        ensemble(kind, LogisticRegression).fit(X, Y)


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [
        (PartitionClassifier, SVC(kernel="precomputed")),
        (PartitionClassifier, make_pipeline(SVC(kernel="precomputed"))),
        (PartitionClassifier, GridSearchCV(SVC(kernel="precomputed"), {"C": [1]})),
        (PartitionClassifier, KNeighborsClassifier(metric="precomputed")),
        (PartitionRegressor, SVR(kernel="precomputed")),
        (PartitionRegressor, KNeighborsRegressor(metric="precomputed")),
    ],
    ids=["SVC", "pipeline", "search", "neighbours", "SVR", "neighbours, regression"],
)
def test_precomputed_kernels_and_distances(kind, estimator):
    with pytest.raises(ValueError, match="its columns are training rows, which shards do not share"):
        ensemble(kind, estimator).fit(X @ X.T, Y)


# Weights


@both
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(119), r"sample_weight.shape == \(119,\), expected \(120,\)"),
        (np.ones((120, 1)), "Sample weights must be 1D array or scalar"),
        (np.zeros(120), "(?i)sample weights.*zero"),
        (0.0, "(?i)sample weights.*zero"),
        (np.where(np.arange(120) == 3, np.nan, 1.0), "sample_weight contains NaN"),
        (np.full(120, np.inf), "sample_weight contains infinity"),
        ("heavy", "could not convert string to float"),
    ],
    ids=["short", "column", "all zero", "zero", "NaN", "infinite", "text"],
)
def test_weights(kind, weight, message):
    with pytest.raises(ValueError, match=message):
        ensemble(kind).fit(X, Y, sample_weight=weight)


@both
def test_one_weight_for_all_rows(kind):
    same = ensemble(kind).fit(X, Y, sample_weight=np.full(120, 2.0)).votes(X)
    np.testing.assert_array_equal(ensemble(kind).fit(X, Y, sample_weight=2.0).votes(X), same)


@pytest.mark.parametrize(
    ("kind", "estimator"),
    [
        (PartitionClassifier, KNeighborsClassifier()),
        (PartitionClassifier, make_pipeline(StandardScaler(), LogisticRegression())),
        (PartitionRegressor, KNeighborsRegressor()),
        (PartitionRegressor, make_pipeline(StandardScaler(), Ridge())),
    ],
    ids=["neighbours", "pipeline", "neighbours, regression", "pipeline, regression"],
)
def test_weights_for_members_that_take_none(kind, estimator):
    message = (
        rf"{type(estimator).__name__}\.fit does not take sample_weight.*logisticregression__sample_weight=w.*routing"
    )
    with pytest.raises(TypeError, match=message):
        ensemble(kind, estimator).fit(X, Y, sample_weight=np.ones(120))


@both
def test_unknown_fit_parameters(kind):
    with pytest.raises(ValueError, match=r"No member could be fitted.*unexpected keyword argument 'foo'"):
        ensemble(kind).fit(X, Y, foo=3)


# Rows that repeat, and sparse rows


@both
def test_duplicated_rows_share_a_shard(kind):
    sizes = ensemble(kind).fit(X, Y).shard_sizes_
    doubled = ensemble(kind).fit(np.vstack([X, X]), np.append(Y, 1 - Y)).shard_sizes_
    np.testing.assert_array_equal(doubled, 2 * sizes)


@both
@thin_shards
def test_rows_that_are_all_the_same(kind):
    model = ensemble(kind).fit(np.ones((50, 2)), np.arange(50) % 2)
    assert sorted(model.shard_sizes_) == [0, 0, 0, 50]
    assert (~abstains(model.votes(np.ones((1, 2))))).sum() == 1


def sparse_with(indices=np.int32, zeros=False):
    dense = np.where(X > 0, X, 0.0)
    matrix = sp.csr_array(np.where(dense == 0, 7.0, dense) if zeros else dense)
    if zeros:
        matrix.data[matrix.data == 7.0] = 0.0
    matrix.indices, matrix.indptr = matrix.indices.astype(indices), matrix.indptr.astype(indices)
    return matrix


@pytest.mark.parametrize(
    "base",
    [SVC(), DecisionTreeClassifier(), LogisticRegression(), KNeighborsClassifier(3, algorithm="brute")],
    ids=lambda base: type(base).__name__,
)
@pytest.mark.parametrize(("indices", "zeros"), [(np.int32, True), (np.int64, False), (np.int64, True)])
def test_explicit_zeros_and_wide_indices(base, indices, zeros):
    model = ensemble(PartitionClassifier, base)
    plain, odd = sparse_with(), sparse_with(indices, zeros)
    assert odd.indices.dtype == indices
    expected = model.fit(plain, Y).votes(plain)
    np.testing.assert_array_equal(model.fit(odd, Y).votes(plain), expected)
    np.testing.assert_array_equal(model.votes(odd), expected)
    np.testing.assert_array_equal(model.votes(odd[[3]]), expected[[3]])


@both
@pytest.mark.parametrize("convert", [sp.coo_array, sp.csc_array, sp.lil_array, sp.bsr_array, sp.dok_array])
def test_every_sparse_format(kind, convert):
    rows = sparse_with()
    model = ensemble(kind).fit(rows, Y)
    expected = model.votes(rows)
    np.testing.assert_array_equal(model.fit(convert(rows), Y).votes(convert(rows)), expected)


# Members that fail


class Refuses(LogisticRegression):
    """Cannot be fitted."""

    def fit(self, X, y, sample_weight=None):
        raise RuntimeError("no luck today")


class RefusesLargeRows(LogisticRegression):
    """Cannot predict rows whose first value is large, and says so for the whole block."""

    def __init__(self, limit=1.0, only_odd=False):
        super().__init__()
        self.limit, self.only_odd = limit, only_odd

    def fit(self, X, y, sample_weight=None):
        self.picky_ = not self.only_odd or len(X) % 2 == 1
        return super().fit(X, y)

    def predict(self, X):
        if self.picky_ and np.any(X[:, 0] > self.limit):
            raise RuntimeError("a row is too large")
        return super().predict(X)


def test_no_member_can_be_fitted():
    with pytest.raises(
        ValueError, match="No member could be fitted; the first, of shard 0, said: RuntimeError: no luck"
    ):
        ensemble(PartitionClassifier, Refuses()).fit(X, Y)
    with pytest.raises(RuntimeError, match="no luck today"):
        ensemble(PartitionClassifier, Refuses(), member_error="raise").fit(X, Y)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_members_that_fail_on_some_rows_abstain_there_only(n_jobs):
    with joblib.parallel_config(backend="threading"):
        model = ensemble(PartitionClassifier, RefusesLargeRows(only_odd=True), n_jobs=n_jobs).fit(X, Y)
        votes = model.votes(X)
    odd = model.shard_sizes_ % 2 == 1
    assert 0 < odd.sum() < 4
    np.testing.assert_array_equal(votes == -1, np.outer(X[:, 0] > 1, odd))
    model.set_params(n_jobs=None)
    np.testing.assert_array_equal(votes[X[:, 0] <= 1], model.votes(X[X[:, 0] <= 1]))
    np.testing.assert_array_equal(model.certify(X).prediction, model.predict(X))


def test_rows_that_no_member_can_predict():
    model = ensemble(PartitionClassifier, RefusesLargeRows()).fit(X, Y)
    large = X[:, 0] > 1
    first = int(np.flatnonzero(large)[0])
    message = rf"No member can predict row {first} of X \({large.sum()} rows in all\): a row is too large"
    for ask in (model.predict, model.votes, model.certify):
        with pytest.warns(MemberWarning, match=message):
            ask(X)
    with pytest.raises(ValueError, match=r"No member can predict row 0 of X .*a row is too large") as caught:
        model.predict(X[large])
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert len(model.predict(X[~large])) == (~large).sum()


def test_member_error_raise_raises_at_predict():
    model = ensemble(PartitionClassifier, RefusesLargeRows(), member_error="raise").fit(X, Y)
    with pytest.raises(RuntimeError, match="a row is too large"):
        model.predict(X)


class PredictsOneValue(LogisticRegression):
    """Answers with one value, however many rows it is asked about."""

    def predict(self, X):
        return super().predict(X)[:1]


def test_members_that_answer_for_too_few_rows_do_not_vote_for_the_others():
    model = ensemble(PartitionClassifier, PredictsOneValue()).fit(X, Y)
    expected = ensemble(PartitionClassifier).fit(X, Y).votes(X)
    try:
        votes = model.votes(X)
    except ValueError:
        return
    assert np.all((votes == -1) | (votes == expected))


@both
@abstaining
def test_an_infinite_row_moves_no_other_member(kind):
    clean = ensemble(kind).fit(X, Y)
    dirty = ensemble(kind).fit(np.vstack([X, [[np.inf, 0.0, 0.0]]]), np.append(Y, 1))
    (shard,) = dirty.member_errors_
    np.testing.assert_array_equal(np.delete(dirty.votes(X), shard, axis=1), np.delete(clean.votes(X), shard, axis=1))
