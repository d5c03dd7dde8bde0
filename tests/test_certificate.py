"""Certificates by hand: small tables whose answers can be counted, and records that restore or are refused."""

import copy
import dataclasses
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from robustfit import Certificate, CertificateError, IntervalCertificate
from robustfit.certify import THREATS

# Votes 5:0, 4:1, 3:2, 2:3 and 0:5 of five members.
TABLE = np.array([[0] * 5, [0, 0, 0, 0, 1], [0, 1, 0, 1, 0], [1, 1, 1, 0, 0], [1] * 5])
NAMES = np.array(["ham", "spam"])


def certificate(votes=TABLE, classes=NAMES, **options):
    return Certificate.from_votes(votes, classes, **{"unseen_class": False, **options})


def intervals(**options):
    # Medians 3, 2.5 and 7; the third row has two abstentions, the last nobody who votes.
    rows = [[1, 2, 3, 4, 9], [5, 0, 4, 1, np.nan], [np.nan, 7, 8, 6, np.inf], [np.nan] * 5]
    return IntervalCertificate.from_predictions(rows, **options)


# Votes


def test_radii_by_hand():
    # Class 0 wins ties: 5:0 falls with three voters (2:3), 0:5 with three (3:2), 3:2 with one, 2:3 with one (tie).
    assert certificate().prediction.tolist() == ["ham", "ham", "ham", "spam", "spam"]
    assert certificate().radius.tolist() == [2, 1, 0, 0, 2]
    assert certificate().rival_radius.tolist() == [[-1, 2], [-1, 1], [-1, 0], [0, -1], [2, -1]]


def test_an_unseen_label_is_one_more_rival():
    # It wins ties but can be predicted once somebody votes for it: against 5:0 three voters (2:0:3).
    open_list = certificate(unseen_class=True)
    assert open_list.radius.tolist() == [2, 1, 0, 0, 2]
    # With four members 4:0 falls to two voters (2:0:2), as the unseen label wins the tie.
    assert certificate([[0, 0, 0, 0]], unseen_class=True).radius.tolist() == [1]
    assert certificate([[0, 0, 0, 0]]).radius.tolist() == [2]
    assert certificate([[0, 0, 0, 0]], unseen_class=True, threat="delete").radius.tolist() == [2]


def test_units_by_hand():
    assert certificate(threat="modify").radius.tolist() == [1, 0, 0, 0, 1]
    assert certificate(threat="modify").shards_per_unit == 2
    assert certificate(threat="group", partition_by="groups").radius.tolist() == [2, 1, 0, 0, 2]
    for name, threat in THREATS.items():
        assert certificate(threat=name, partition_by="groups").unit == threat.unit


def test_nothing_can_change_a_vote_without_rivals():
    alone = certificate([[0, 0, -1]], ["ham"])
    assert alone.radius.tolist() == [3]
    assert certificate([[0, 0, -1]], ["ham"], threat="modify").radius.tolist() == [3]
    assert alone.rival_radius.tolist() == [[-1]]


def test_abstentions_by_hand():
    # One vote and four abstentions: whoever takes one member ties, and ham wins ties.
    assert certificate([[0, -1, -1, -1, -1]]).radius.tolist() == [0]
    assert certificate([[1, -1, -1, -1, -1]]).radius.tolist() == [0]
    # Nobody votes: ham by rule, and one member decides.
    nobody = certificate([[-1] * 5])
    assert nobody.prediction.tolist() == ["ham"]
    assert nobody.radius.tolist() == [0]


def test_doubtful_votes_by_hand():
    # 4:1 with one doubtful vote for ham: 3:2 if noise turns it, and one voter more makes it 2:3.
    doubtful = np.zeros((1, 5), dtype=bool)
    doubtful[0, 0] = True
    assert certificate([[0, 0, 0, 0, 1]], doubtful=doubtful).radius.tolist() == [0]
    # 3:2 with one doubtful vote for ham: noise alone makes it 2:3.
    assert certificate([[0, 0, 0, 1, 1]], doubtful=doubtful).radius.tolist() == [-1]


def test_a_target_by_hand():
    to_spam = certificate(target="spam")
    assert to_spam.radius.tolist() == [2, 1, 0, -1, -1]
    assert to_spam.target == "spam"
    assert not to_spam.radius.flags.writeable


# Certified accuracy


def test_certified_accuracy_by_hand():
    y = ["ham", "ham", "spam", "spam", "spam"]
    # The third row is wrong; radii of the others are 2, 1, 0 and 2.
    assert certificate().certified_accuracy(y, 0) == 0.8
    assert certificate().certified_accuracy(y, 1) == pytest.approx(0.6)
    assert certificate().certified_accuracy(y, 2) == pytest.approx(0.4)
    assert certificate().certified_accuracy(y, 3) == 0.0
    assert certificate().certified_accuracy(y, 10**30) == 0.0


def test_certified_accuracy_takes_budgets_of_any_shape():
    y = ["ham", "ham", "spam", "spam", "spam"]
    one = certificate().certified_accuracy(y, np.int64(1))
    assert type(one) is float
    curve = certificate().certified_accuracy(y, [0, 1, 2, 3])
    np.testing.assert_allclose(curve, [0.8, 0.6, 0.4, 0.0])
    np.testing.assert_allclose(certificate().certified_accuracy(y, range(4)), curve)
    np.testing.assert_allclose(certificate().certified_accuracy(y, np.array([[3, 0]], dtype=np.uint8)), [[0.0, 0.8]])
    assert certificate().certified_accuracy(y, []).shape == (0,)


def test_certified_accuracy_takes_labels_of_any_container():
    y = ["ham", "ham", "spam", "spam", "spam"]
    for same in (
        tuple(y),
        np.array(y),
        np.array(y, dtype=object),
        pd.Series(y, index=range(5)[::-1]),
        pd.Categorical(y),
    ):
        assert certificate().certified_accuracy(same, 1) == pytest.approx(0.6)


def test_rows_that_doubt_can_change_are_not_certified():
    doubtful = np.array([[True, False, False]])
    shaky = certificate([[0, 0, 1]], doubtful=doubtful)
    assert shaky.radius.tolist() == [-1]
    assert shaky.certified_accuracy(["ham"], 0) == 0.0


def test_certified_accuracy_needs_one_label_per_row():
    for y in (["ham"], ["ham"] * 6, [["ham"]] * 5):
        with pytest.raises(ValueError, match=r"y must have one value per certified row, shape \(5,\)"):
            certificate().certified_accuracy(y, 1)
        with pytest.raises(ValueError, match=r"y must have one value per certified row, shape \(5,\)"):
            certificate().median_radius(y)


@pytest.mark.parametrize("y", [[0, 0, 1, 1, 1], [None, *["ham"] * 4], [np.nan] * 5], ids=["numbers", "missing", "NaN"])
def test_labels_that_cannot_be_compared_are_refused(y):
    """A score of zero would look like an answer."""
    with pytest.raises(ValueError, match=r"text and numbers are never equal|has no label in"):
        certificate().certified_accuracy(y, 1)


def test_a_certificate_about_one_target_is_no_accuracy():
    y = ["ham"] * 5
    with pytest.raises(CertificateError, match=r"target='spam'.*Certify again with target=None"):
        certificate(target="spam").certified_accuracy(y, 1)
    with pytest.raises(CertificateError, match="target='spam'"):
        certificate(target="spam").median_radius(y)


@pytest.mark.parametrize(
    ("y", "median"),
    [
        # Radii 2, 1, 0, 0, 2: at least half, that is three of five, have radius 1.
        (["ham", "ham", "ham", "spam", "spam"], 1),
        # One row wrong: 2, 1, -1, 0, 2.
        (["ham", "ham", "spam", "spam", "spam"], 1),
        (["spam", "ham", "spam", "spam", "spam"], 0),
        # Three wrong of five: no budget has half.
        (["spam", "spam", "spam", "spam", "spam"], -1),
        (["spam", "spam", "spam", "ham", "ham"], -1),
    ],
)
def test_median_radius_of_an_odd_number_of_rows(y, median):
    assert certificate().median_radius(y) == median


@pytest.mark.parametrize(
    ("y", "median"),
    [
        # Radii 2, 1, 0, 0: two of four, exactly half, have radius 1.
        (["ham", "ham", "ham", "spam"], 1),
        (["ham", "ham", "spam", "ham"], 1),
        (["ham", "spam", "ham", "ham"], 0),
        (["ham", "spam", "spam", "ham"], -1),
    ],
)
def test_median_radius_of_an_even_number_of_rows(y, median):
    even = certificate(TABLE[:4])
    assert even.median_radius(y) == median
    if median >= 0:
        assert even.certified_accuracy(y, median) >= 0.5
    assert even.certified_accuracy(y, median + 1) < 0.5
    assert type(even.median_radius(y)) is int


def test_median_radius_without_rivals_is_the_number_of_members():
    assert certificate([[0, 0, 0]], ["ham"]).median_radius(["ham"]) == 3


# Share intervals


def test_share_intervals_by_hand():
    low, high = certificate().share_interval(0)
    np.testing.assert_allclose(low[:, 0], [1.0, 0.8, 0.6, 0.4, 0.0])
    np.testing.assert_array_equal(low, high)
    low, high = certificate().share_interval(1)
    np.testing.assert_allclose(low[:, 0], [0.8, 0.6, 0.4, 0.2, 0.0])
    np.testing.assert_allclose(high[:, 0], [1.0, 1.0, 0.8, 0.6, 0.2])
    np.testing.assert_allclose(low + high[:, ::-1], 1)


def test_share_intervals_count_in_units():
    np.testing.assert_allclose(certificate(threat="modify").share_interval(1), certificate().share_interval(2))
    np.testing.assert_allclose(certificate().share_interval(10**30), certificate().share_interval(5))
    low, high = certificate().share_interval(5)
    assert not low.any()
    assert np.all(high == 1)


def test_threshold_radii_by_hand():
    made = certificate([[0, 0, 0, 1, 1]])
    assert made.threshold_radius(made.classes[0], 0.6).tolist() == [0]
    assert made.threshold_radius(made.classes[0], 0.4).tolist() == [1]
    assert made.threshold_radius(made.classes[1], 0.6).tolist() == [0]
    assert made.threshold_radius(made.classes[1], 1.0).tolist() == [2]
    # In units: a replaced row may touch two shards.
    assert certificate([[0, 0, 0, 1, 1]], threat="modify").threshold_radius(made.classes[0], 0.2).tolist() == [1]


def test_threshold_radii_hold_where_share_intervals_do():
    rng = np.random.default_rng(0)
    made = certificate(rng.integers(-1, 2, (300, 21)), doubtful=rng.random((300, 21)) < 0.05)
    for threshold in (0.25, 0.5, 0.7):
        radius = made.threshold_radius(made.classes[1], threshold)
        for budget in range(12):
            low, high = (side[:, 1] for side in made.share_interval(budget))
            steady = (low >= threshold) | (high < threshold)
            np.testing.assert_array_equal(steady, radius >= budget)


@pytest.mark.parametrize("threshold", [0, -0.1, 1.5, np.nan])
def test_thresholds_out_of_range(threshold):
    with pytest.raises(ValueError, match=r"vote share in \(0, 1\]"):
        certificate().threshold_radius(certificate().classes[0], threshold)


def test_thresholds_of_unknown_labels():
    with pytest.raises(ValueError, match="not one of the classes"):
        certificate().threshold_radius("nobody", 0.5)


def test_share_intervals_with_abstentions_and_doubt():
    # Two votes for ham, three abstentions: taking one vote leaves half or all to ham, a new vote for spam a third.
    low, high = certificate([[0, 0, -1, -1, -1]]).share_interval(1)
    np.testing.assert_allclose(low, [[0.5, 0.0]])
    np.testing.assert_allclose(high, [[1.0, 0.5]])
    low, high = certificate([[0, 0, 1, 1]], doubtful=np.array([[True, False, False, False]])).share_interval(0)
    np.testing.assert_allclose(low, [[0.25, 0.5]])
    np.testing.assert_allclose(high, [[0.5, 0.75]])
    low, high = certificate([[-1, -1]]).share_interval(0)
    assert low.tolist() == high.tolist() == [[0.5, 0.5]]


# Tables


def test_table_of_a_certificate():
    table = certificate().to_frame()
    assert table.columns.tolist() == ["prediction", "radius", "rival_radius_ham", "rival_radius_spam"]
    assert table["prediction"].tolist() == certificate().prediction.tolist()
    assert table["radius"].tolist() == [2, 1, 0, 0, 2]
    assert table["rival_radius_spam"].tolist() == [2, 1, 0, -1, -1]
    assert table.index.tolist() == list(range(5))
    assert certificate(classes=[0, 1]).to_frame().columns[2:].tolist() == ["rival_radius_0", "rival_radius_1"]


def test_tables_are_copies():
    made = certificate()
    table = made.to_frame()
    table.loc[0, "radius"] = 9
    assert made.radius[0] == 2


# Records

LABELS = {
    "int": [3, 8],
    "negative": [-8, 3],
    "int8": np.array([3, 8], dtype=np.int8),
    "uint64": np.array([3, 2**64 - 1], dtype=np.uint64),
    "big-endian int": np.array([3, 8], dtype=">i4"),
    "bool": [False, True],
    "float": [0.1, 0.5],
    "float32": np.array([0.1, 0.5], dtype=np.float32),
    "str": ["ham", "spam"],
    "big-endian str": np.array(["ham", "spam"], dtype=">U4"),
    "object": np.array(["ham", "spam"], dtype=object),
    "unicode": ["naïve", "☕"],
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("target", [None, 1])
@pytest.mark.parametrize("threat", ["insert_delete", "modify", "delete"])
def test_records_restore_certificates(name, target, threat):
    classes = np.asarray(LABELS[name])
    made = Certificate.from_votes(
        [*TABLE, [0, -1, -1, 1, 1]],
        classes,
        threat=threat,
        target=None if target is None else classes[target],
        doubtful=np.random.default_rng(0).random((6, 5)) < 0.2,
        conditional_on=("one thing", "another"),
    )
    restored = Certificate.from_json(made.to_json())
    for field in ("prediction", "radius", "rival_radius", "classes"):
        np.testing.assert_array_equal(getattr(restored, field), getattr(made, field))
    assert restored.classes.dtype.newbyteorder("=") == made.classes.dtype.newbyteorder("=")
    for field in ("threat", "unit", "partition_by", "n_members", "conditional_on", "kind", "unseen_class"):
        assert getattr(restored, field) == getattr(made, field)
    assert restored.target == made.target
    np.testing.assert_array_equal(restored.share_interval(1), made.share_interval(1))
    assert restored.to_json() == made.to_json()


def test_records_are_plain_json():
    record = json.loads(certificate(conditional_on=("a schema",)).to_json())
    assert record["format"] == "robustfit.Certificate"
    assert record["version"] == 1
    assert record["threat"] == "insert_delete"
    assert record["unit"] == "one row inserted or deleted"
    assert record["n_members"] == 5
    assert record["conditional_on"] == ["a schema"]
    assert record["kind"] == "exact"
    assert record["firm_votes"] == [[5, 0], [4, 1], [3, 2], [2, 3], [0, 5]]
    assert record["radius"] == [2, 1, 0, 0, 2]


@pytest.mark.parametrize(
    "classes",
    [
        np.array([(1,), (2,), None], dtype=object)[:2],
        np.array([1, 2], dtype=object),
        np.array(["2020", "2021"], dtype="datetime64[Y]"),
        np.array([b"a", b"b"]),
        np.array([1, 2], dtype=np.longdouble),
    ],
    ids=["tuples", "numbers as objects", "dates", "bytes", "long floats"],
)
def test_labels_that_cannot_be_written(classes):
    with pytest.raises(ValueError, match="written as JSON"):
        certificate(classes=classes).to_json()


def record(**changes):
    text = certificate(unseen_class=True, conditional_on=("a schema",)).to_json()
    return json.dumps(json.loads(text) | changes)


def test_the_record_itself_is_fine():
    assert Certificate.from_json(record()).radius.tolist() == [2, 1, 0, 0, 2]


@pytest.mark.parametrize("text", ["", "{", record()[:200], record()[:-1], "[1]", "3", "null", '{"version": 1}'])
def test_truncated_records_and_other_files(text):
    for kind in (Certificate, IntervalCertificate):
        with pytest.raises(ValueError, match=f"not the JSON of a {kind.__name__} .truncated or another file"):
            kind.from_json(text)


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "robustfit.IntervalCertificate"},
        {"format": "else"},
        {"version": 2},
        {"version": "1"},
        {"version": None},
    ],
)
def test_other_formats_and_versions(changes):
    with pytest.raises(ValueError, match="Expected format 'robustfit.Certificate', version 1, got .* that wrote it"):
        Certificate.from_json(record(**changes))


def labels(values, **changes):
    return json.loads(record())["classes"] | {"values": values} | changes


EDITS = {
    "larger radius": {"radius": [3, 1, 0, 0, 2]},
    "smaller radius": {"radius": [1, 1, 0, 0, 2]},
    "fewer radii": {"radius": [2, 1, 0, 0]},
    "radius of text": {"radius": "21002"},
    "votes": {"firm_votes": [[5, 0], [5, 0], [3, 2], [2, 3], [0, 5]]},
    "too many votes": {"firm_votes": [[50, 0], [4, 1], [3, 2], [2, 3], [0, 5]]},
    "negative votes": {"firm_votes": [[6, -1], [4, 1], [3, 2], [2, 3], [0, 5]]},
    "votes in parts": {"firm_votes": [[5, 0], [4.4, 1], [3, 2], [2, 3], [0, 5]]},
    "flat votes": {"firm_votes": [5, 0, 4, 1, 3, 2, 2, 3, 0, 5]},
    "missing row": {"firm_votes": [[5, 0], [4, 1], [3, 2], [2, 3]]},
    "no rows": {"firm_votes": []},
    "doubtful votes of nobody": {"doubtful_votes": [[0, 0], [0, 0], [0, 0], [0, 0], [1, 0]]},
    "doubtful members": {"doubtful_members": [1, 0, 0, 0, 0]},
    "one doubtful member for all rows": {"doubtful_members": [0]},
    "negative doubtful members": {"doubtful_members": [-1, 0, 0, 0, 0]},
    "fewer members": {"n_members": 4},
    "members in parts": {"n_members": 5.0},
    "negative members": {"n_members": -5},
    "another threat": {"threat": "modify"},
    "a threat that the partition cannot answer": {"threat": "group"},
    "an unknown threat": {"threat": "flip"},
    "an unknown partition": {"partition_by": "rows"},
    "another unit": {"unit": "one data centre"},
    "another target": {"target": "spam"},
    "an unknown target": {"target": "eggs"},
    "an unknown kind": {"kind": "perfect"},
    "conditions as a text": {"conditional_on": "a schema"},
    "no conditions": {"conditional_on": None},
    "conditions that are no texts": {"conditional_on": [1]},
    "unseen label in words": {"unseen_class": "no"},
    "labels in another order": {"classes": labels(["spam", "ham"])},
    "labels twice": {"classes": labels(["ham", "ham"])},
    "fewer labels": {"classes": labels(["ham"])},
    "no labels": {"classes": labels([])},
    "labels that are no texts": {"classes": labels([1, 2])},
    "labels of another type": {"classes": labels(["ham", "spam"], dtype="int64")},
    "labels of unknown type": {"classes": labels(["ham", "spam"], dtype="V8")},
    "labels without a type": {"classes": ["ham", "spam"]},
}


@pytest.mark.parametrize("name", EDITS)
def test_edited_records(name):
    with pytest.raises(ValueError, match="This Certificate is damaged or was edited"):
        Certificate.from_json(record(**EDITS[name]))


@pytest.mark.parametrize("name", sorted(json.loads(record()).keys() - {"format", "version"}))
def test_records_with_a_field_missing(name):
    incomplete = json.loads(record())
    del incomplete[name]
    with pytest.raises(ValueError, match="This Certificate is damaged or was edited"):
        Certificate.from_json(json.dumps(incomplete))


# What a certificate is


def test_certificates_are_read_only():
    made = certificate()
    for array in (made.prediction, made.radius, made.rival_radius):
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = array[1]
    for name in ("threat", "radius", "prediction", "counts", "something_new"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, name, None)


def test_what_a_certificate_was_made_from_may_change_afterwards():
    votes, classes = TABLE.copy(), NAMES.copy()
    made = Certificate.from_votes(votes, classes)
    votes[:] = 1
    classes[:] = ["x", "y"]
    assert made.classes.tolist() == ["ham", "spam"]
    assert made.prediction.tolist() == ["ham", "ham", "ham", "spam", "spam"]
    assert made.counts.cast[0].tolist() == [5, 0]


def test_given_adds_conditions_to_a_copy():
    made = certificate(conditional_on=("a schema",))
    more = made.given("one thing", "another")
    assert more.conditional_on == ("a schema", "one thing", "another")
    assert made.conditional_on == ("a schema",)
    assert more.radius.tolist() == made.radius.tolist()
    assert type(more) is Certificate
    assert made.given().conditional_on == made.conditional_on
    assert Certificate.from_json(more.to_json()).conditional_on == more.conditional_on
    assert certificate(conditional_on=["a list"]).given("more").conditional_on == ("a list", "more")


def test_repr_says_what_is_certified_and_under_which_conditions():
    text = repr(certificate(threat="modify", conditional_on=("a schema",)))
    assert text.startswith(
        "Certificate(5 predictions, median radius 0, threat='modify' [one row replaced by any other]"
    )
    assert "n_members=5" in text
    assert "kind='exact'" in text
    assert "conditional_on=('a schema',)" in text


def test_certificates_can_be_copied_and_pickled():
    made = certificate(target="spam")
    assert made.radius.tolist() == [2, 1, 0, -1, -1]
    for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made), copy.copy(made)):
        assert other.radius.tolist() == made.radius.tolist()
        assert other.to_json() == made.to_json()


def test_a_certificate_about_no_rows():
    empty = certificate(np.zeros((0, 5), dtype=int))
    assert empty.prediction.shape == empty.radius.shape == (0,)
    assert empty.rival_radius.shape == (0, 2)
    assert [side.shape for side in empty.share_interval(1)] == [(0, 2), (0, 2)]
    assert empty.to_frame().shape == (0, 4)
    assert "0 predictions" in repr(empty)
    restored = Certificate.from_json(empty.to_json())
    assert restored.radius.shape == (0,)
    assert restored.rival_radius.shape == (0, 2)
    with pytest.raises(ValueError, match="about no rows"):
        empty.certified_accuracy([], 1)
    with pytest.raises(ValueError, match="about no rows"):
        empty.median_radius([])


@pytest.mark.parametrize(
    ("votes", "classes", "message"),
    [
        (TABLE, ["spam", "ham"], "distinct labels in sorted order"),
        (TABLE, ["ham", "ham"], "distinct labels in sorted order"),
        (TABLE, [], "non-empty 1-D array"),
        (TABLE, [["ham", "spam"]], "non-empty 1-D array"),
        (TABLE, ["ham"], r"votes must lie in -1\.\.0"),
        (TABLE - 2, ["ham", "spam"], r"votes must lie in -1\.\.1"),
        (TABLE[0], ["ham", "spam"], "2-D array of whole numbers"),
        (TABLE * 1.0, ["ham", "spam"], "2-D array of whole numbers"),
    ],
)
def test_votes_and_classes_that_do_not_fit(votes, classes, message):
    with pytest.raises(ValueError, match=message):
        Certificate.from_votes(votes, classes)


def test_an_unknown_partition():
    with pytest.raises(CertificateError, match=r"(?i)unknown partition.*content.*groups"):
        certificate(partition_by="rows")


# Intervals


def test_intervals_by_hand():
    made = intervals()
    assert made.prediction.tolist() == [3.0, 2.5, 7.0, 0.0]
    assert made.n_voting.tolist() == [5, 4, 3, 0]
    low, high = made.interval(0)
    assert low.tolist() == high.tolist() == made.prediction.tolist()
    low, high = made.interval(1)
    # Middle two of 0, 1, 4, 5 shifted by one: (0 + 1) / 2 and (4 + 5) / 2.
    assert low.tolist() == [2.0, 0.5, 6.0, -np.inf]
    assert high.tolist() == [4.0, 4.5, 8.0, np.inf]
    low, high = made.interval(2)
    assert low.tolist() == [1.0, -np.inf, -np.inf, -np.inf]
    assert high.tolist() == [9.0, np.inf, np.inf, np.inf]
    assert np.isinf(made.interval(3)).all()
    assert np.isinf(made.interval(10**30)).all()


def test_intervals_count_in_units():
    np.testing.assert_array_equal(intervals(threat="modify").interval(1), intervals().interval(2))
    assert intervals(threat="modify").shards_per_unit == 2
    assert intervals(threat="group", partition_by="groups").unit == "everything that one group sent"
    with pytest.raises(CertificateError, match="cannot answer threat='group'"):
        intervals(threat="group")


def test_interval_radii_by_hand():
    made = intervals()
    # Within one of 3, 2.5 and 7: [2, 4] is, [0.5, 4.5] is not, [6, 8] is; 0 stays 0 until someone is taken over.
    assert made.radius([3, 2.5, 7, 0], 1).tolist() == [1, 0, 1, 0]
    assert made.radius([3, 2.5, 7, 0], 2).tolist() == [1, 1, 1, 0]
    assert made.radius([3, 2.5, 7, 0], [6, 0, 0.5, 0]).tolist() == [2, 0, 0, 0]
    assert made.radius([9, 9, 9, 9], 1).tolist() == [-1, -1, -1, -1]
    assert intervals(threat="modify").radius([3, 2.5, 7, 0], 6).tolist() == [1, 0, 0, 0]
    # Within an infinite tolerance nothing matters, in any unit.
    assert made.radius([3, 2.5, 7, 0], np.inf).tolist() == [5, 5, 5, 5]
    assert intervals(threat="modify").radius([3, 2.5, 7, 0], np.inf).tolist() == [5, 5, 5, 5]


def test_an_error_of_exactly_the_tolerance_is_within_it():
    assert intervals().radius([4, 2.5, 7, 0], 1).tolist()[0] == 0
    assert intervals().radius([4.5, 2.5, 7, 0], 1).tolist()[0] == -1


def test_certified_accuracy_within_a_tolerance():
    made = intervals()
    y = [3, 2.5, 7, 1]
    # Radii 1, 1, 1 and, being off by one, 0 at best.
    assert made.radius(y, 2).tolist() == [1, 1, 1, 0]
    assert made.certified_accuracy(y, 2, 0) == 1.0
    assert made.certified_accuracy(y, 2, 1) == 0.75
    assert type(made.certified_accuracy(y, 2, 1)) is float
    np.testing.assert_array_equal(made.certified_accuracy(y, 2, [0, 1, 2, 10**30]), [1.0, 0.75, 0.0, 0.0])
    np.testing.assert_array_equal(made.certified_accuracy(y, [2, 2, 2, 0.5], [[0], [1]]), [[0.75], [0.75]])


@pytest.mark.parametrize("tol", [-1, -1e-9, np.nan, [1, 1], [1, 1, 1, -1], [[1, 1, 1, 1]]])
def test_what_is_no_tolerance(tol):
    with pytest.raises(ValueError, match="tol must be one non-negative number or one per row"):
        intervals().radius([0, 0, 0, 0], tol)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_true_values_that_are_not_known(value):
    with pytest.raises(ValueError, match="y holds NaN"):
        intervals().radius([0, 0, 0, value], 1)


def test_one_true_value_per_row():
    with pytest.raises(ValueError, match=r"shape \(4,\), got \(3,\)"):
        intervals().radius([0, 0, 0], 1)
    with pytest.raises(ValueError, match=r"shape \(4,\), got \(4, 1\)"):
        intervals().certified_accuracy([[0]] * 4, 1, 1)


def test_table_of_intervals():
    assert intervals().to_frame().columns.tolist() == ["prediction", "low_1", "high_1"]
    table = intervals().to_frame([0, 2])
    assert table.columns.tolist() == ["prediction", "low_0", "high_0", "low_2", "high_2"]
    assert table["low_2"].tolist() == [1.0, -np.inf, -np.inf, -np.inf]
    assert intervals().to_frame(1).columns.tolist() == ["prediction", "low_1", "high_1"]
    assert intervals().to_frame([]).columns.tolist() == ["prediction"]
    assert intervals(threat="modify").to_frame([1])["low_1"].tolist() == table["low_2"].tolist()


def test_records_restore_intervals():
    made = intervals(threat="modify", conditional_on=("one thing",))
    restored = IntervalCertificate.from_json(made.to_json())
    for field in ("prediction", "ranked", "n_voting"):
        np.testing.assert_array_equal(getattr(restored, field), getattr(made, field))
    for budget in range(4):
        np.testing.assert_array_equal(restored.interval(budget), made.interval(budget))
    assert restored.to_json() == made.to_json()
    assert (restored.threat, restored.conditional_on, restored.n_members) == ("modify", ("one thing",), 5)
    odd = IntervalCertificate.from_predictions(np.random.default_rng(0).normal(size=(20, 7)) * 1e300)
    np.testing.assert_array_equal(IntervalCertificate.from_json(odd.to_json()).interval(2), odd.interval(2))


def interval_record(**changes):
    return json.dumps(json.loads(intervals().to_json()) | changes)


INTERVAL_EDITS = {
    "prediction": {"prediction": [3.5, 2.5, 7.0, 0.0]},
    "fewer predictions": {"prediction": [3.0, 2.5, 7.0]},
    "members' predictions": {
        "sorted_predictions": [[1.0, 2.0, 3.5, 4.0, 9.0], [0.0, 1.0, 4.0, 5.0], [6.0, 7.0, 8.0], []]
    },
    "not sorted": {"sorted_predictions": [[9.0, 2.0, 3.0, 4.0, 1.0], [0.0, 1.0, 4.0, 5.0], [6.0, 7.0, 8.0], []]},
    "too many": {"sorted_predictions": [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0.0, 1.0, 4.0, 5.0], [6.0, 7.0, 8.0], []]},
    "no lists": {"sorted_predictions": [1.0, 2.0, 3.0, 4.0]},
    "no list": {"sorted_predictions": 5},
    "texts": {"sorted_predictions": [["1", "2", "3", "4", "9"], [0.0, 1.0, 4.0, 5.0], [6.0, 7.0, 8.0], []]},
    "nothing": {"sorted_predictions": [[1.0, 2.0, 3.0, 4.0, 9.0, None], [0.0, 1.0, 4.0, 5.0], [6.0, 7.0, 8.0], []]},
    "not finite": {"sorted_predictions": [[1.0, 2.0, 3.0, 4.0, np.inf], [0.0, 1.0, 4.0, 5.0], [6.0, 7.0, 8.0], []]},
    "fewer members": {"n_members": 4},
    "an unknown kind": {"kind": "perfect"},
    "a threat that the partition cannot answer": {"threat": "group"},
}


@pytest.mark.parametrize("name", INTERVAL_EDITS)
def test_edited_records_of_intervals(name):
    assert IntervalCertificate.from_json(interval_record()).prediction.tolist() == [3.0, 2.5, 7.0, 0.0]
    with pytest.raises(ValueError, match="This IntervalCertificate is damaged or was edited"):
        IntervalCertificate.from_json(interval_record(**INTERVAL_EDITS[name]))


def test_the_two_kinds_of_record_are_told_apart():
    with pytest.raises(ValueError, match="Expected format 'robustfit.IntervalCertificate'"):
        IntervalCertificate.from_json(record())
    with pytest.raises(ValueError, match="Expected format 'robustfit.Certificate'"):
        Certificate.from_json(interval_record())


def test_interval_certificates_are_read_only():
    made = intervals()
    with pytest.raises(ValueError, match="read-only"):
        made.prediction[0] = 1
    for name in ("threat", "ranked", "prediction", "something_new"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, name, None)
    low, _ = made.interval(0)
    low[:] = 9
    assert made.prediction.tolist() == [3.0, 2.5, 7.0, 0.0]


def test_what_intervals_were_made_from_may_change_afterwards():
    rows = np.array([[3.0, 1.0, 2.0]])
    made = IntervalCertificate.from_predictions(rows)
    rows[:] = 9
    assert made.prediction.tolist() == [2.0]
    assert made.interval(1)[1].tolist() == [3.0]


def test_given_and_repr_of_intervals():
    made = intervals().given("a schema")
    assert type(made) is IntervalCertificate
    assert made.conditional_on == ("a schema",)
    assert intervals().conditional_on == ()
    assert repr(made) == (
        "IntervalCertificate(4 predictions, threat='insert_delete' [one row inserted or deleted], n_members=5, "
        "kind='exact', conditional_on=('a schema',))"
    )


def test_interval_certificates_can_be_copied_and_pickled():
    made = intervals()
    for other in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert other.to_json() == made.to_json()


def test_intervals_about_no_rows():
    empty = IntervalCertificate.from_predictions(np.zeros((0, 5)))
    assert empty.prediction.shape == (0,)
    assert [side.shape for side in empty.interval(1)] == [(0,), (0,)]
    assert empty.to_frame().shape == (0, 3)
    assert "0 predictions" in repr(empty)
    assert IntervalCertificate.from_json(empty.to_json()).prediction.shape == (0,)
    with pytest.raises(ValueError, match="about no rows"):
        empty.radius([], 1)
    with pytest.raises(ValueError, match="about no rows"):
        empty.certified_accuracy([], 1, 1)
