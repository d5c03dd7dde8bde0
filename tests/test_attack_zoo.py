"""What every attack of the catalogue promises: exact budgets, repeatability, inputs left alone, clear refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from robustfit import PartitionClassifier, attacks
from robustfit.attacks import catalog
from robustfit.certify import CertificateError

N, D, BUDGET = 120, 4, 6
pytestmark = pytest.mark.filterwarnings("ignore::robustfit.ensemble.PartitionWarning")


def classes():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X[:N, :D])
    X.flags.writeable = False
    return X, y[:N]


def target():
    X, y = load_diabetes(return_X_y=True)
    return X[:N, :D].copy(), y[:N].copy()


X, Y = classes()
TARGET_ROW = X[5]


def copied(X, y, budget, seed):
    """An outside attack: copies of drawn rows under the other label."""
    drawn = np.random.default_rng(seed).integers(len(y), size=budget)
    return X[drawn], 1 - y[drawn]


def instance(name):
    """An attack as a user would make it, small enough for a test."""
    kind = getattr(attacks, name)
    special = {
        "NeighborCopiesAttack": lambda: kind(TARGET_ROW),
        "FeatureCollisionAttack": lambda: kind(TARGET_ROW, base_label=1 - Y[5]),
        "TargetedMinMaxAttack": lambda: kind(TARGET_ROW),
        "FeatureMatchAttack": lambda: kind({0: X[5, 0]}),
        "ClusterMatchAttack": lambda: kind(n_clusters=4),
        "BlackBoxAttack": lambda: kind(DecisionTreeClassifier(max_depth=3, random_state=0), n_fits=6),
        "BackdoorAttack": lambda: kind(attacks.OutOfRangeTrigger(), 1),
        "GroupSplitAttack": lambda: kind(attacks.InsertionAttack(), n_groups=3),
        "NearDuplicateAttack": lambda: kind(attacks.InsertionAttack(), n_distinct=2),
        "IterativeAttack": lambda: kind(attacks.InsertionAttack(), LogisticRegression(), rounds=2),
        "CertificateGuidedAttack": lambda: kind(
            PartitionClassifier(KNeighborsClassifier(1), n_partitions=9), TARGET_ROW[None]
        ),
        "ExternalAttack": lambda: kind(copied),
    }
    return special[name]() if name in special else kind()


ENTRIES = [pytest.param(entry, id=entry.name) for entry in catalog()]
CLASSIFY = [pytest.param(entry, id=entry.name) for entry in catalog() if "classification" in entry.tasks]
REGRESS = [pytest.param(entry, id=entry.name) for entry in catalog() if entry.tasks == ("regression",)]


def generate(entry, *, budget=BUDGET, X=None, y=None, random_state=0, **kwargs):
    rows, labels = classes() if "classification" in entry.tasks else target()
    rows, labels = rows if X is None else X, labels if y is None else y
    return instance(entry.name).generate(rows, labels, budget=budget, random_state=random_state, **kwargs)


def as_array(X):
    return X.toarray() if sparse.issparse(X) else np.asarray(X)


def same(left, right):
    return (
        np.array_equal(as_array(left.X), as_array(right.X))
        and np.array_equal(left.y, right.y)
        and np.array_equal(left.is_poison, right.is_poison)
        and np.array_equal(left.removed, right.removed)
    )


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_budget_is_exact_and_all_else_is_as_it_was(entry):
    rows, labels = classes() if "classification" in entry.tasks else target()
    poisoned = generate(entry)
    changed = max(int(poisoned.is_poison.sum()), len(poisoned.removed))
    assert changed == BUDGET
    kept = np.setdiff1d(np.arange(N), poisoned.removed)
    np.testing.assert_array_equal(poisoned.X[~poisoned.is_poison], rows[kept])
    np.testing.assert_array_equal(poisoned.y[~poisoned.is_poison], labels[kept])
    for threat in entry.threats:
        try:
            cost = poisoned.cost(threat)
        except CertificateError:
            # An attack with several units has some threats for one of them only.
            assert len(entry.units) > 1
            continue
        assert cost in (BUDGET, 2 * BUDGET)


@pytest.mark.parametrize("entry", ENTRIES)
def test_same_seed_same_poison(entry):
    assert same(generate(entry, random_state=3), generate(entry, random_state=np.int64(3)))


@pytest.mark.parametrize("entry", ENTRIES)
def test_cloned_and_shown(entry):
    attack = instance(entry.name)
    assert type(clone(attack)) is type(attack)
    assert repr(attack).startswith(entry.name)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_budget_of_nothing_changes_nothing(entry):
    rows, labels = classes() if "classification" in entry.tasks else target()
    poisoned = generate(entry, budget=0)
    assert not poisoned.is_poison.any()
    assert len(poisoned.removed) == 0
    np.testing.assert_array_equal(poisoned.X, rows)
    np.testing.assert_array_equal(poisoned.y, labels)
    assert poisoned.cost("insert_delete") == 0


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("budget", [-1, 2.5, np.nan, True, "3", None])
def test_a_budget_is_a_whole_number(entry, budget):
    with pytest.raises(ValueError, match="budget"):
        generate(entry, budget=budget)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_budget_above_the_rows_is_refused_or_inserted(entry):
    if len(entry.units) > 1:
        # What it does depends on its parameters, and has tests of its own.
        return
    if entry.units in (("insertion",), ("given",)):
        assert int(generate(entry, budget=N + 7).is_poison.sum()) == N + 7
    else:
        with pytest.raises(ValueError, match=f"budget={N + 7}"):
            generate(entry, budget=N + 7)


@pytest.mark.parametrize("entry", ENTRIES)
def test_one_class_leaves_nothing_to_confuse(entry):
    if entry.name in ("DeletionAttack", "DistortionAttack", "ExternalAttack"):
        # These need no second class.
        return
    y = np.ones(N, dtype=int if "classification" in entry.tasks else float)
    with pytest.raises(ValueError, match=r"single|No label can be wrong|least two|throughout|only 0 rows"):
        generate(entry, y=y)


@pytest.mark.parametrize("entry", CLASSIFY)
def test_a_continuous_target_is_no_class(entry):
    if "regression" in entry.tasks or entry.units == ("given",):
        return
    with pytest.raises(ValueError, match=r"classes|class labels|classification"):
        generate(entry, y=target()[1])


@pytest.mark.parametrize("entry", REGRESS)
def test_a_class_is_no_continuous_target(entry):
    with pytest.raises(ValueError, match="regression target"):
        generate(entry, y=np.arange(N) % 2)


@pytest.mark.parametrize("entry", CLASSIFY)
def test_three_classes_or_a_clear_error(entry):
    y = classes()[1] + (np.arange(N) % 5 == 0)
    if entry.two_classes:
        with pytest.raises(ValueError, match=r"two classes|binary"):
            generate(entry, y=y)
    else:
        assert max(generate(entry, y=y).is_poison.sum(), len(generate(entry, y=y).removed)) == BUDGET


# Where a parameter names columns, rows or values of an array, or a function takes one.
REFUSED = {
    "FeatureCollisionAttack": ("frame",),
    "FeatureMatchAttack": ("frame", "float32"),
    "CertificateGuidedAttack": ("frame", "csr", "csc"),
    "ExternalAttack": ("frame",),
    "NeighborCopiesAttack": ("frame", "csr", "csc"),
}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("kind", ["csr", "csc", "float32", "frame", "read-only"])
def test_containers_come_back_as_they_are(entry, kind):
    rows, labels = classes() if "classification" in entry.tasks else target()
    if kind in REFUSED.get(entry.name, ()):
        return
    if kind == "read-only":
        rows = rows.copy()
        rows.flags.writeable = labels.flags.writeable = False
    else:
        make = {"csr": sparse.csr_array, "csc": sparse.csc_matrix, "float32": np.float32, "frame": None}[kind]
        rows = pd.DataFrame(rows, columns=list("abcd")) if make is None else make(rows)
    poisoned = generate(entry, X=rows, y=labels)
    assert type(poisoned.X) is type(rows)
    assert poisoned.X.shape[1] == D
    assert len(poisoned.y) == poisoned.X.shape[0]


@pytest.mark.parametrize("entry", ENTRIES)
def test_groups_follow_the_rows(entry):
    groups = np.arange(N) % 10
    poisoned = generate(entry, groups=groups)
    assert len(poisoned.groups) == len(poisoned.y)
    np.testing.assert_array_equal(poisoned.removed_groups, groups[poisoned.removed])
    assert 1 <= poisoned.cost("group") <= BUDGET


@pytest.mark.parametrize("entry", CLASSIFY)
def test_text_labels_come_back_as_texts(entry):
    if entry.name in ("FeatureCollisionAttack", "BackdoorAttack", "ExternalAttack"):
        # Their parameters name labels.
        return
    y = np.array(["benign", "malignant"])[classes()[1]]
    poisoned = generate(entry, y=y)
    assert set(poisoned.y) <= {"benign", "malignant"} or entry.name == "CertificateGuidedAttack"


def test_a_gradient_attack_names_the_black_box_one_for_other_learners():
    for name in ("GradientAttack", "InfluenceAttack", "GradientCancelingAttack", "MinMaxAttack", "KKTAttack"):
        attack = getattr(attacks, name)(DecisionTreeClassifier())
        with pytest.raises(ValueError, match="BlackBoxAttack"):
            attack.generate(*classes(), budget=3)
    with pytest.raises(ValueError, match="BlackBoxAttack"):
        attacks.ModelTargetedAttack(LogisticRegression(class_weight="balanced")).generate(*classes(), budget=3)
