"""Vote certificates equal brute force: every table up to a size, then many random ones."""

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from brute_force import reachable, tally, true_radii, winners
from hypothesis import given
from hypothesis import strategies as st

from robustfit.certify import THREATS, Certificate, CertificateError, plurality_radius
from robustfit.certify._plurality import count_votes, unseen_radius
from robustfit.certify._shares import share_interval, threshold_radius, vote_shares


def every_table(n_members, n_classes):
    """All tables of one row up to the order of members: a member has a vote, firm or doubtful."""
    kinds = list(product(range(-1, n_classes), (False, True)))
    return list(combinations_with_replacement(kinds, n_members))


def assert_exact(table, n_classes, unseen_class):
    votes = [vote for vote, _ in table]
    doubtful = [unsure for _, unsure in table]
    shape = (1, len(table))
    got = plurality_radius(
        np.array(votes, dtype=int).reshape(shape),
        n_classes,
        doubtful=np.array(doubtful, dtype=bool).reshape(shape),
        unseen_class=unseen_class,
    )
    prediction, radius, rivals = true_radii(votes, doubtful, n_classes, unseen_class)
    assert (got[0][0], got[1][0], got[2][0].tolist()) == (prediction, radius, rivals[:-1]), (table, n_classes)
    if unseen_class and table:
        counts = count_votes(np.array([votes]), n_classes, doubtful=np.array([doubtful]))
        assert unseen_radius(counts)[0] == rivals[-1]


@pytest.mark.parametrize("unseen_class", [False, True])
@pytest.mark.parametrize("n_classes", [1, 2, 3, 4])
def test_exact_on_every_table_of_up_to_four_members(n_classes, unseen_class):
    for n_members in range(5):
        for table in every_table(n_members, n_classes):
            assert_exact(table, n_classes, unseen_class)


@pytest.mark.slow
@pytest.mark.parametrize("unseen_class", [False, True])
@pytest.mark.parametrize("n_members", [5, 6])
@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_exact_on_every_table_of_five_and_six_members(n_classes, n_members, unseen_class):
    for table in every_table(n_members, n_classes):
        assert_exact(table, n_classes, unseen_class)


def test_the_tables_are_ten_thousand():
    sizes = [len(every_table(n, c)) for c in (2, 3, 4) for n in range(7)]
    assert 2 * sum(sizes) >= 10_000


@pytest.mark.parametrize("seed", range(40))
def test_exact_on_larger_random_tables(seed, effort):
    rng = np.random.default_rng(seed)
    for _ in range(5 * effort):
        n_classes = int(rng.integers(2, 5))
        leaning = rng.dirichlet(np.full(n_classes + 1, 0.7))
        votes = rng.choice(np.arange(-1, n_classes), size=int(rng.integers(7, 11)), p=leaning).tolist()
        doubtful = (rng.random(len(votes)) < rng.choice([0, 0.15])).tolist()
        assert_exact(list(zip(votes, doubtful, strict=True)), n_classes, bool(rng.integers(2)))


@pytest.mark.parametrize("unseen_class", [False, True])
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_share_intervals_equal_brute_force(n_classes, unseen_class):
    for table in every_table(4, n_classes):
        votes = [vote for vote, _ in table]
        doubtful = [unsure for _, unsure in table]
        counts = count_votes(np.array([votes]), n_classes, doubtful=np.array([doubtful]))
        for r in range(4):
            low, high = share_interval(counts, r, unseen_class=unseen_class)
            truth = _true_shares(votes, doubtful, n_classes, r, unseen_class)
            np.testing.assert_allclose(low[0], truth.min(axis=0), atol=1e-12, err_msg=str((table, r)))
            np.testing.assert_allclose(high[0], truth.max(axis=0), atol=1e-12, err_msg=str((table, r)))


@pytest.mark.parametrize("unseen_class", [False, True])
@pytest.mark.parametrize("n_classes", [1, 2, 3])
def test_threshold_radii_equal_brute_force(n_classes, unseen_class):
    for table in every_table(4, n_classes):
        votes = [vote for vote, _ in table]
        doubtful = [unsure for _, unsure in table]
        counts = count_votes(np.array([votes]), n_classes, doubtful=np.array([doubtful]))
        shares = [_true_shares(votes, doubtful, n_classes, r, unseen_class) for r in range(5)]
        for threshold in (0.2, 1 / 3, 0.5, 2 / 3, 1.0):
            for code in range(n_classes):
                got = threshold_radius(counts, code, threshold, 4, unseen_class=unseen_class)[0]
                passes = vote_shares(counts.cast)[0, code] >= threshold
                steady = [np.all((reached[:, code] >= threshold) == passes) for reached in shares]
                truth = 4 if all(steady) else steady.index(False) - 1
                assert got == truth, (table, threshold, code)


def _true_shares(votes, doubtful, n_classes, r, unseen_class):
    from brute_force import ways

    firm = tally([v for v, unsure in zip(votes, doubtful, strict=True) if not unsure], n_classes)
    free = min(r, firm.sum()) + sum(doubtful)
    spread = ways(free, n_classes + 2)
    if not unseen_class:
        spread = spread[spread[:, n_classes] == 0]
    shares = []
    for bought in ways(min(r, firm.sum()), n_classes + 2):
        if np.all(bought <= firm):
            counts = (firm - bought + spread)[:, : n_classes + 1]
            total = counts.sum(axis=1, keepdims=True)
            equal = np.full((1, n_classes), 1 / n_classes)
            shares.append(np.where(total > 0, counts[:, :n_classes] / np.maximum(total, 1), equal))
    return np.vstack(shares)


def test_published_formula_on_plain_votes():
    """With known classes and no doubt the radius is floor((n_a − max(n_b + 1[b<a])) / 2)."""
    rng = np.random.default_rng(0)
    votes = rng.integers(0, 5, size=(2000, 31))
    prediction, radius, _ = plurality_radius(votes, 5, unseen_class=False)
    counts = np.stack([(votes == c).sum(axis=1) for c in range(5)], axis=1)
    for row, winner, got in zip(counts, prediction, radius, strict=True):
        runner_up = max(row[b] + (b < winner) for b in range(5) if b != winner)
        assert got == (row[winner] - runner_up) // 2


def test_overtaking_the_winner_is_not_winning():
    votes = np.array([[0] * 5 + [1] * 5 + [2]])
    _, radius, rivals = plurality_radius(votes, 3, unseen_class=False)
    assert radius[0] == 0
    # "Overtake the winner" counts half the gap of 5 − 1; but then class 1 is still on top.
    assert rivals[0, 2] == 3 > (5 - 1) // 2
    table, firm = [0] * 5 + [1] * 5 + [2], [False] * 11
    assert 2 not in reachable(table, firm, 3, 3, False)
    assert 2 in reachable(table, firm, 3, 4, False)


@pytest.mark.parametrize(
    ("table", "doubtful", "radius"),
    [((0, 0, 0, 0, 1), (1, 0, 0, 0, 0), 0), ((0, 0, 1), (1, 0, 0), -1), ((0, 0, 1), (0, 0, 1), 0)],
)
def test_doubtful_votes_are_neither_kept_nor_dropped(table, doubtful, radius):
    doubtful = np.array([doubtful], dtype=bool)
    got = plurality_radius(np.array([table]), 2, doubtful=doubtful, unseen_class=False)[1][0]
    truth = true_radii(table, doubtful[0].tolist(), 2, False)[1]
    assert got == truth == radius


@given(st.data())
def test_a_doubtful_vote_never_makes_a_certificate_larger(data):
    n_classes = data.draw(st.integers(1, 4))
    n_members = data.draw(st.integers(1, 12))
    votes = np.array([data.draw(st.lists(st.integers(-1, n_classes - 1), min_size=n_members, max_size=n_members))])
    mask = np.array([data.draw(st.lists(st.booleans(), min_size=n_members, max_size=n_members))])
    more = mask | np.array([data.draw(st.lists(st.booleans(), min_size=n_members, max_size=n_members))])
    for unseen in (False, True):
        less_doubt = plurality_radius(votes, n_classes, doubtful=mask, unseen_class=unseen)
        more_doubt = plurality_radius(votes, n_classes, doubtful=more, unseen_class=unseen)
        assert np.all(more_doubt[1] <= less_doubt[1])
        assert np.all(more_doubt[2] <= less_doubt[2])


def test_blocks_of_rows_do_not_matter(monkeypatch):
    votes = np.random.default_rng(1).integers(-1, 7, size=(503, 19)).astype(np.int8)
    whole = plurality_radius(votes, 7)
    monkeypatch.setattr("robustfit.certify._plurality._BLOCK_ELEMENTS", 50)
    for a, b in zip(whole, plurality_radius(votes, 7), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_same_tie_rule_predicts_and_certifies():
    votes = np.array([[1, 0], [1, 1]])
    prediction, radius, _ = plurality_radius(votes, 2, unseen_class=False)
    assert prediction.tolist() == [0, 1]
    # One voter more for class 0 ties, and the smaller class wins the tie.
    assert radius.tolist() == [0, 0]
    assert plurality_radius(np.array([[0, 0]]), 2, unseen_class=False)[1][0] == 1
    np.testing.assert_array_equal(vote_shares(np.array([[1, 1]])).argmax(axis=1), winners(np.array([[1, 1, 0]]), 2))


def test_bad_votes():
    with pytest.raises(ValueError, match="2-D array of whole numbers"):
        plurality_radius([0, 1], 2)
    with pytest.raises(ValueError, match="2-D array of whole numbers"):
        plurality_radius([[0.5, 1.0]], 2)
    with pytest.raises(ValueError, match=r"-1\.\.1"):
        plurality_radius([[0, 2]], 2)
    with pytest.raises(ValueError, match="boolean array of the shape of votes"):
        plurality_radius([[0, 1]], 2, doubtful=[[0, 1]])
    with pytest.raises(ValueError, match="at least 1"):
        plurality_radius([[-1]], 0)


def test_threats_have_their_units():
    votes = np.array([[0] * 9 + [1]])
    radius = {
        threat: Certificate.from_votes(
            votes, ["a", "b"], threat=threat, partition_by="groups", unseen_class=False
        ).radius[0]
        for threat in ("insert_delete", "modify", "label_flip", "delete", "group")
    }
    assert radius == {"insert_delete": 4, "modify": 2, "label_flip": 4, "delete": 4, "group": 4}
    with pytest.raises(CertificateError, match="cannot answer threat='group'"):
        Certificate.from_votes(votes, ["a", "b"], threat="group")
    with pytest.raises(CertificateError, match="Known threats"):
        Certificate.from_votes(votes, ["a", "b"], threat="flip")


@pytest.mark.parametrize("threat", ["insert_delete", "modify"])
def test_target_radius_is_the_rivals(threat):
    rng = np.random.default_rng(3)
    votes = rng.integers(-1, 3, size=(50, 9))
    plain = Certificate.from_votes(votes, [0, 1, 2], threat=threat)
    for target in range(3):
        aimed = Certificate.from_votes(votes, [0, 1, 2], threat=threat, target=target)
        np.testing.assert_array_equal(aimed.radius, plain.rival_radius[:, target])
    with pytest.raises(CertificateError, match="not one of the classes"):
        Certificate.from_votes(votes, [0, 1, 2], target=7)


@pytest.mark.parametrize(
    ("threat", "by_content", "by_groups", "brings_labels"),
    [
        ("insert_delete", 1, 1, True),
        ("modify", 2, 2, True),
        ("label_flip", 1, 1, True),
        ("delete", 1, 1, False),
        ("group", None, 1, True),
    ],
)
def test_the_table_of_threats(threat, by_content, by_groups, brings_labels):
    expected = {"content": by_content, "groups": by_groups}
    assert THREATS[threat].shards_per_unit == {by: n for by, n in expected.items() if n}
    certificate = Certificate.from_votes([[0, 0, 0, 0]], ["a"], threat=threat, partition_by="groups")
    # A label that nobody has seen ties with two voters; where there can be none, nothing can change.
    assert certificate.radius[0] == (1 // by_groups if brings_labels else 4)


def test_deleting_brings_no_label():
    votes = np.array([[0, 0]])
    assert Certificate.from_votes(votes, ["a"], threat="insert_delete").radius[0] == 0
    # Two members, one class and nothing to bring in: nothing can change.
    assert Certificate.from_votes(votes, ["a"], threat="delete").radius[0] == 2
