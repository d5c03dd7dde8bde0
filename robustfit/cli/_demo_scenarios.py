"""What the demo attacks: three data sets that come with scikit-learn, and the attacks on each."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from robustfit.attacks import DeletionAttack, FarFlipAttack, InsertionAttack


@dataclass(frozen=True)
class Campaign:
    """One attack with growing budgets.

    Attributes
    ----------
    name : str
        What the attacker does, in the words of the table.
    threat : str
        Threat in whose units the attack is counted.
    budgets : tuple of int
    attack : callable
        Makes the attack from the training labels.
    """

    name: str
    threat: str
    budgets: tuple[int, ...]
    attack: Callable[[NDArray[Any]], Any]


@dataclass(frozen=True)
class Scenario:
    """A data set, a learner, and the attacks on it.

    Attributes
    ----------
    name : str
    load : callable
        Returns X and y.
    learner : estimator
        Trained once on all rows, and once per shard.
    n_partitions : int
    why : str
        Why so many.
    campaigns : tuple of Campaign
    regression : bool
    """

    name: str
    load: Callable[..., Any]
    learner: Any
    n_partitions: int
    why: str
    campaigns: tuple[Campaign, ...]
    regression: bool = False


def rarest(labels: NDArray[Any]) -> Any:
    """Return the label that the fewest rows have."""
    values, counts = np.unique(labels, return_counts=True)
    return values[counts.argmin()].item()


def classification_campaigns(
    flips: tuple[int, ...], inserts: tuple[int, ...], deletes: tuple[int, ...]
) -> tuple[Campaign, ...]:
    """Attacks on class labels: two that confuse, two that tip the balance between the classes."""
    return (
        Campaign("labels flipped", "label_flip", flips, lambda y: FarFlipAttack()),
        Campaign("rows inserted", "insert_delete", inserts, lambda y: InsertionAttack()),
        Campaign("one label inserted", "insert_delete", inserts, lambda y: InsertionAttack(label=rarest(y))),
        Campaign("one class deleted", "delete", deletes, lambda y: DeletionAttack(label=rarest(y))),
    )


def regression_campaigns(
    flips: tuple[int, ...], inserts: tuple[int, ...], deletes: tuple[int, ...]
) -> tuple[Campaign, ...]:
    """Attacks on target values."""
    return (
        Campaign("targets changed", "label_flip", flips, lambda y: FarFlipAttack()),
        Campaign("rows inserted", "insert_delete", inserts, lambda y: InsertionAttack()),
        Campaign("top value inserted", "insert_delete", inserts, lambda y: InsertionAttack(label=float(y.max()))),
        Campaign("rows deleted", "delete", deletes, lambda y: DeletionAttack()),
    )


SCENARIOS = (
    Scenario(
        name="breast_cancer",
        load=load_breast_cancer,
        learner=make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        n_partitions=41,
        why="few, but enough to tell two classes apart that a plane separates well",
        campaigns=classification_campaigns((5, 10, 20, 40, 80), (5, 10, 20, 100, 200), (5, 10, 20, 80, 120)),
    ),
    Scenario(
        name="digits",
        load=load_digits,
        learner=make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        n_partitions=25,
        why="ten classes need more, and still they pay with accuracy",
        campaigns=classification_campaigns((2, 5, 10, 200, 400), (2, 5, 10, 100, 400), (2, 5, 10, 80, 120)),
    ),
    Scenario(
        name="diabetes",
        load=load_diabetes,
        learner=make_pipeline(StandardScaler(), Ridge()),
        n_partitions=33,
        why="few, but the median evens out what small linear models get wrong",
        campaigns=regression_campaigns((2, 5, 10, 40, 80), (2, 5, 10, 50, 100), (2, 5, 10, 50, 200)),
        regression=True,
    ),
)
