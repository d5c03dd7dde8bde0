"""Side doors through which one row could reach other shards, or one member another, each kept shut."""

import datetime
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from families import cancer, member_hashes
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from robustfit import CertificateError, PartitionClassifier, PartitionRegressor
from robustfit.ensemble import MemberWarning
from robustfit.partition import SchemaError, ShardPlan, as_rows

pytestmark = pytest.mark.filterwarnings(
    "ignore::robustfit.ensemble.PartitionWarning", "ignore::sklearn.exceptions.ConvergenceWarning"
)

RNG = np.random.default_rng(0)


def changed(before, after):
    return sum(a != b for a, b in zip(before, after, strict=True))


def hashes(model, *arguments, **options):
    return member_hashes(model.fit(*arguments, **options))


def assert_one_changes(model, clean, poisoned):
    assert changed(hashes(model, *clean), hashes(model, *poisoned)) <= 1


def column(*values):
    cells = np.empty((len(values), 1), dtype=object)
    cells[:, 0] = values
    return cells


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            datetime.datetime(2020, 1, 1, 13, tzinfo=datetime.timezone(datetime.timedelta(hours=1))),
            datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.UTC),
        ),
        (np.datetime64("2020-01-01", "D"), np.datetime64("2020-01-01", "s")),
        (pd.Timestamp("2020-01-01T13:00+01:00"), pd.Timestamp("2020-01-01T12:00Z")),
        (1, 1.0),
        (True, np.float32(1)),
    ],
)
def test_a_cell_has_one_form_whoever_came_first(one, other):
    alone = as_rows(column(one, one)).digest(0)
    after_its_equal = as_rows(column(other, one, one)).digest(0)
    np.testing.assert_array_equal(after_its_equal[1:], alone)
    assert after_its_equal[0] == alone[0]


def test_members_write_to_copies_of_objects():
    rng = np.random.default_rng(0)
    X = np.array([rng.choice(["u", "v"], 300), rng.choice([f"x{i}" for i in range(50)], 300)], dtype=object).T
    X[::7, 0] = None
    y = rng.integers(0, 2, 300)
    in_place = make_pipeline(
        SimpleImputer(missing_values=None, strategy="most_frequent", copy=False),
        OneHotEncoder(handle_unknown="ignore"),
        LogisticRegression(),
    )
    model = PartitionClassifier(in_place, n_partitions=5).fit(X, y)
    X_test = np.array([[None, "x1"], ["u", "x2"]], dtype=object)
    asked_together = model.votes(X_test)
    assert X_test[0, 0] is None
    for number, member in enumerate(model.estimators_):
        assert asked_together[0, number] == member.predict(np.array([[None, "x1"]] * 2, dtype=object))[0]


def _double(frame):
    if isinstance(frame, pl.DataFrame):
        return frame.replace_column(0, frame[:, 0] * 2)
    frame.loc[:, "a"] = frame["a"] * 2
    return frame


@pytest.mark.parametrize("library", [pd, pl])
def test_members_write_to_copies_of_frames(library):
    frame = library.DataFrame({"a": RNG.normal(size=120), "b": RNG.normal(size=120)})
    y = np.arange(120) % 2
    kept = frame["a"].to_list()
    model = PartitionClassifier(make_pipeline(FunctionTransformer(_double), GaussianNB()), n_partitions=5)
    model.fit(frame, y).predict(frame)
    assert frame["a"].to_list() == kept


class Reader(ClassifierMixin, BaseEstimator):
    """Keeps what it was handed."""

    def fit(self, X, y, **params):
        self.classes_ = np.unique(y)
        self.params_ = {name: list(v) if np.ndim(v) else v for name, v in params.items()}
        for value in params.values():
            if isinstance(value, dict):
                value["seen"] = value.get("seen", 0) + len(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


def test_a_vector_is_per_row_or_refused():
    X, y, _ = cancer()
    model = PartitionClassifier(Reader(), n_partitions=4)
    model.fit(X, y, ids=np.arange(len(y)))
    assert sorted(i for member in model.estimators_ for i in member.params_["ids"]) == list(range(len(y)))
    with pytest.raises(ValueError, match="ids has 8 entries for 300 rows"):
        model.fit(X, y, ids=np.arange(8))
    with pytest.raises(ValueError, match="ids has 299 entries"):
        model.fit(X, y, ids=list(range(299)))


def test_members_share_no_mutable_parameter():
    X, y, _ = cancer()
    history = {}
    model = PartitionClassifier(Reader(), n_partitions=4).fit(X, y, history=history)
    assert history == {}
    assert [m.params_["history"]["seen"] for m in model.estimators_] == model.shard_sizes_.tolist()
    assert "history" in model.certify(X[:2]).conditional_on[0]


@pytest.mark.parametrize("strange", ["x", 2.0, True])
@pytest.mark.parametrize("clean", [[2, 10] * 60, [True, False] * 60, ["a", "b"] * 60])
def test_one_label_cannot_convert_the_others(clean, strange):
    X = RNG.normal(size=(121, 3))
    model = PartitionClassifier(GaussianNB(), n_partitions=4)
    if type(strange) is type(clean[0]):
        assert_one_changes(model, (X[:120], clean), (X, [*clean, strange]))
    else:
        with pytest.raises(ValueError, match="Unknown label type"):
            model.fit(X, [*clean, strange])
    # A row of weight zero is not there.
    weight = np.append(np.ones(120), 0.0)
    model.fit(X, [*clean, strange], sample_weight=weight)
    assert model.classes_.tolist() == sorted(set(clean))


@pytest.mark.parametrize("strange", ["a", b"x", 0.5, 2**63, datetime.date(2020, 1, 1)])
@pytest.mark.parametrize("clean", [list(range(30)), [2**60 + i for i in range(30)]])
def test_one_group_cannot_move_the_others(clean, strange):
    X = RNG.normal(size=(121, 3))
    y, groups = np.arange(121) % 2, clean * 4
    plans = [ShardPlan.by_groups(X[: len(g)], g, n_partitions=7).shard[:120] for g in (groups, [*groups, strange])]
    np.testing.assert_array_equal(*plans)
    model = PartitionClassifier(GaussianNB(), n_partitions=7, partition_by="groups")
    before = hashes(model, X[:120], y[:120], groups=groups)
    assert changed(before, hashes(model, X, y, groups=[*groups, strange])) <= 1


def test_groups_of_times_do_not_depend_on_their_unit():
    days = np.arange("2020-01-01", "2020-03-01", dtype="datetime64[D]")
    X = np.zeros((len(days), 1))
    by_day = ShardPlan.by_groups(X, days, n_partitions=9).shard
    np.testing.assert_array_equal(ShardPlan.by_groups(X, days.astype("M8[h]"), n_partitions=9).shard, by_day)
    with pytest.raises(ValueError, match="1 missing values"):
        PartitionClassifier(n_partitions=3, partition_by="groups").fit(
            np.zeros((3, 1)), [0, 1, 1], groups=np.array(["2020", "2021", "NaT"], dtype="M8[D]")
        )
    with pytest.raises(ValueError, match="1 missing values"):
        PartitionClassifier(n_partitions=3, partition_by="groups").fit(
            np.zeros((3, 1)), [0, 1, 1], groups=[1, 2, pd.NA]
        )


def _text_of_cells(frame):
    return [" ".join(f"{name}_{value}" for name, value in row.items()) for row in frame.to_dict("records")]


SPELLED = make_pipeline(
    FunctionTransformer(_text_of_cells), CountVectorizer(token_pattern=r"\S+"), LogisticRegression()
)
NUMBERS_ONLY = make_pipeline(
    make_column_transformer((StandardScaler(), make_column_selector(dtype_include="number"))), LogisticRegression()
)
TEXTS_ONLY = make_pipeline(
    make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")), remainder="passthrough"
    ),
    LogisticRegression(),
)


@pytest.mark.parametrize(
    ("kind", "clean", "strange", "base"),
    [
        ("object", range(160), 1.5, SPELLED),
        ("object", range(160), "x", SPELLED),
        ("integer", np.arange(160, dtype=np.int8), 200, SPELLED),
        ("number", range(160), 0.5, NUMBERS_ONLY),
        ("number", range(160), None, NUMBERS_ONLY),
        ("text", [f"t{i % 4}" for i in range(160)], None, TEXTS_ONLY),
        (
            "time",
            pd.date_range("2020-01-01", periods=160).astype("M8[s]"),
            pd.Timestamp("2020-01-01 00:00:00.5"),
            SPELLED,
        ),
        (["a", "b", "c"], pd.Categorical(["a", "b"] * 80, categories=["a", "b"]), "c", TEXTS_ONLY),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_declared_schema_fixes_the_type_of_columns(kind, clean, strange, base):
    frame = pd.DataFrame({"a": clean, "b": np.arange(160) % 5})
    row = pd.DataFrame({"a": [strange], "b": [3]})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        poisoned = pd.concat([frame.astype({"a": object}) if isinstance(kind, list) else frame, row], ignore_index=True)
    assert poisoned["a"].dtype != frame["a"].dtype or kind == "text" or strange is None
    y = np.arange(161) % 2
    model = PartitionClassifier(base, n_partitions=5, schema={"a": kind, "b": "number"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MemberWarning)
        assert_one_changes(model, (frame, y[:160]), (poisoned, y))


@pytest.mark.parametrize("place", [0, 150])
def test_every_cell_of_a_text_column_is_looked_at(place):
    cells = [f"t{i % 4}" for i in range(200)]
    cells[place] = 7
    frame = pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    with pytest.raises(SchemaError, match="'a' holds object"):
        PartitionClassifier(TEXTS_ONLY, n_partitions=3, schema={"a": "text"}).fit(frame, np.arange(200) % 2)


def test_lists_hold_numbers_only():
    X = [[1, 2], [3, 4], [5, 6], ["x", 1]]
    with pytest.raises(ValueError, match=r"numpy.array\(X, dtype=object\)"):
        PartitionClassifier(n_partitions=2).fit(X, [0, 1, 0, 1])


@pytest.mark.parametrize("seed_name", ["random_state", "seed"])
def test_estimators_in_a_grid_are_seeded(seed_name):
    class Guess(ClassifierMixin, BaseEstimator):
        def __init__(self, seed=None):
            self.seed = seed

        def fit(self, X, y):
            self.classes_ = np.unique(y)
            self.coin_ = np.random.default_rng(self.seed).random(3)
            return self

        def predict(self, X):
            return np.full(len(X), self.classes_[int(self.coin_[0] > 0.5)])

    X, y, _ = cancer(n=160)
    forests = [RandomForestClassifier(n_estimators=2), ExtraTreesClassifier(n_estimators=2)]
    grid = {"logisticregression": forests if seed_name == "random_state" else [Guess()]}
    search = GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), grid, cv=StratifiedKFold(2, shuffle=True)
    )
    model = PartitionClassifier(search, n_partitions=4)
    votes = model.fit(X, y).votes(X)
    np.testing.assert_array_equal(model.fit(X, y).votes(X), votes)
    assert all(forest.random_state is None for forest in forests)


def test_single_rows_are_asked_like_many():
    rng = np.random.default_rng(0)
    direction = rng.normal(size=20)
    X = rng.normal(size=400)[:, None] * direction
    model = PartitionClassifier(LogisticRegression(fit_intercept=False), n_partitions=25)
    model.fit(X, (X @ direction > 0).astype(int))
    near_ties = rng.normal(size=(60, 20))
    near_ties -= (near_ties @ direction)[:, None] * direction / (direction @ direction)
    one_by_one = np.vstack([model.votes(near_ties[i : i + 1]) for i in range(60)])
    # Rounding may differ where a row stands among others, but not because it stands alone.
    blocks = np.vstack([model.votes(near_ties[i : i + 16]) for i in range(0, 60, 16)])
    assert one_by_one.shape == blocks.shape
    assert np.mean(one_by_one != blocks) < 0.05


def test_a_row_that_nobody_can_predict_spoils_no_other():
    X = np.empty((120, 2), dtype=object)
    X[:, 0], X[:, 1] = ["a", "b"] * 60, np.arange(120.0)
    encode = make_column_transformer((OneHotEncoder(handle_unknown="error"), [0]), remainder="passthrough")
    model = PartitionClassifier(make_pipeline(encode, DecisionTreeClassifier()), n_partitions=3)
    model.fit(X, np.arange(120) // 7 % 2)
    with pytest.warns(MemberWarning, match="No member can predict row 1"):
        votes = model.votes(np.array([["a", 3.0], ["unknown", 4.0]], dtype=object))
    assert votes[1].tolist() == [-1, -1, -1]
    assert votes[0].max() >= 0
    with pytest.raises(ValueError, match="No member can predict row 0"):
        model.predict(np.array([["unknown", 4.0]], dtype=object))


def test_certificates_are_about_the_fit_not_about_later_parameters():
    X, y, X_test = cancer()
    model = PartitionClassifier(GaussianNB(), n_partitions=9).fit(X, y)
    radius = model.certify(X_test).radius
    model.set_params(partition_by="groups", classes=[0, 1], n_partitions=5, estimator=KNeighborsClassifier(1))
    np.testing.assert_array_equal(model.certify(X_test).radius, radius)
    with pytest.raises(CertificateError, match="cannot answer threat='group'"):
        model.certify(X_test, threat="group")


def test_zeros_have_no_sign_for_members():
    X, y, _ = cancer(n=100)
    X[:50, 0] = 0.0
    other = X.copy()
    other[:50, 0] = -0.0
    signs = make_pipeline(FunctionTransformer(np.signbit), DecisionTreeClassifier())
    model = PartitionClassifier(signs, n_partitions=4)
    assert hashes(model, X, y) == hashes(model, other, y)


def test_members_need_not_return_themselves():
    class Silent(GaussianNB):
        def fit(self, X, y):
            super().fit(X, y)

    X, y, X_test = cancer()
    votes = PartitionClassifier(Silent(), n_partitions=4).fit(X, y).votes(X_test)
    np.testing.assert_array_equal(votes, PartitionClassifier(GaussianNB(), n_partitions=4).fit(X, y).votes(X_test))


def test_predictions_of_another_length_are_failures():
    class Short(GaussianNB):
        def predict(self, X):
            return super().predict(X)[:1]

    X, y, X_test = cancer()
    model = PartitionClassifier(Short(), n_partitions=4, member_error="raise").fit(X, y)
    with pytest.raises(ValueError, match=r"Short.predict returned shape \(1,\)"):
        model.predict(X_test)


def test_refused_training_sets_are_no_certified_ones():
    """Beyond one row in twenty that members do not take, fit refuses, and thin certificates say so."""
    X, y, X_test = cancer()
    thin = PartitionClassifier(GaussianNB(), n_partitions=40).fit(X, y).certify(X_test)
    assert "one row in twenty" in thin.conditional_on[0]
    full = PartitionClassifier(GaussianNB(), n_partitions=30).fit(X, y)
    certificate = full.certify(X_test)
    assert certificate.conditional_on == ()
    poisoned = np.vstack([X, np.full((certificate.radius.max(), X.shape[1]), np.nan)])
    with pytest.warns(MemberWarning, match="abstain"):
        moved = full.fit(poisoned, np.append(y, y[: len(poisoned) - len(y)])).predict(X_test) != certificate.prediction
    assert not np.any(moved & (certificate.radius >= certificate.radius.max()))
    many = np.vstack([X, np.full((17, X.shape[1]), np.nan)])
    with pytest.raises(ValueError, match="5% of the rows of X or more"):
        full.fit(many, np.append(y, y[:17]))
    # Rows of weight zero do not count.
    with pytest.warns(MemberWarning, match="abstain"):
        full.fit(many, np.append(y, y[:17]), sample_weight=np.append(np.ones(len(y) + 1), np.zeros(16)))
    strict = PartitionRegressor(n_partitions=9, member_error="raise").fit(X, y.astype(float)).certify(X_test)
    assert "member_error='raise'" in strict.conditional_on[0]
