"""One scenario of the demo: fit on clean and on poisoned rows, and hold every certificate against the result."""

# SPDX-License-Identifier: BSD-3-Clause

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import train_test_split

from robustfit.certify import Certificate
from robustfit.cli._demo_scenarios import Campaign, Scenario
from robustfit.cli._scoring import Scores, Yardstick
from robustfit.ensemble import PartitionClassifier, PartitionRegressor, PartitionWarning


@dataclass(frozen=True)
class Outcome:
    """What one attack of one size did.

    Attributes
    ----------
    budget : int
        What the attack was allowed to change.
    cost : int
        Units of the threat that it used.
    plain, partitioned : Scores
        Of the refitted models.
    certified : float
        Share that the clean model was certified to get right against any attack of this cost.
    n_certified : int
        Predictions, right or wrong, that were certified not to move (for a regressor: not out of an interval).
    n_moved : int
        How many of those moved nevertheless.
    """

    budget: int
    cost: int
    plain: Scores
    partitioned: Scores
    certified: float
    n_certified: int
    n_moved: int


@dataclass(frozen=True)
class CampaignResult:
    """Outcomes of one attack with growing budgets, and the certificate they are held against."""

    campaign: Campaign
    certificate: Any
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True)
class ScenarioResult:
    """All that the demo found out about one data set."""

    scenario: Scenario
    n_train: int
    n_test: int
    y_test: NDArray[Any]
    yardstick: Yardstick
    baseline: float
    plain: Scores
    partitioned: Scores
    campaigns: tuple[CampaignResult, ...]

    @property
    def n_moved(self) -> int:
        """Certified predictions that moved."""
        return sum(outcome.n_moved for result in self.campaigns for outcome in result.outcomes)


def run_scenario(scenario: Scenario, seed: int, progress: Callable[[str], None] = lambda text: None) -> ScenarioResult:
    """Fit, attack, refit and compare.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        Of the split, the hash, the members and the attacks.
    progress : callable
        Told what is going on.

    Returns
    -------
    ScenarioResult
    """
    X, y = scenario.load(return_X_y=True)
    stratify = None if scenario.regression else y
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed, stratify=stratify)
    yardstick = Yardstick.for_targets(y_train, regression=scenario.regression)
    progress(f"{scenario.name}: fitting on the clean rows")
    plain, partitioned = _fit(scenario, X_train, y_train, seed)

    def strike(campaign: Campaign, certificate: Any, budget: int) -> Outcome:
        progress(f"{scenario.name}: {campaign.name}, budget {budget}")
        poisoned = campaign.attack(y_train).generate(X_train, y_train, budget=budget, random_state=seed)
        cost = poisoned.cost(campaign.threat)
        plain, partitioned = (model.predict(X_test) for model in _fit(scenario, poisoned.X, poisoned.y, seed))
        certified, moved = compare(certificate, partitioned, cost)
        return Outcome(
            budget=budget,
            cost=cost,
            plain=yardstick.score(y_test, plain),
            partitioned=yardstick.score(y_test, partitioned),
            certified=float(yardstick.certified_accuracy(certificate, y_test, cost)),
            n_certified=int(certified.sum()),
            n_moved=int(moved.sum()),
        )

    def march(campaign: Campaign) -> CampaignResult:
        certificate = partitioned.certify(X_test, threat=campaign.threat)
        outcomes = tuple(strike(campaign, certificate, budget) for budget in campaign.budgets)
        return CampaignResult(campaign, certificate, outcomes)

    return ScenarioResult(
        scenario=scenario,
        n_train=len(y_train),
        n_test=len(y_test),
        y_test=y_test,
        yardstick=yardstick,
        baseline=yardstick.baseline(y_train, y_test),
        plain=yardstick.score(y_test, plain.predict(X_test)),
        partitioned=yardstick.score(y_test, partitioned.predict(X_test)),
        campaigns=tuple(march(campaign) for campaign in scenario.campaigns),
    )


def _fit(scenario: Scenario, X: Any, y: Any, seed: int) -> tuple[Any, Any]:
    """Fit the learner once to all rows and once per shard."""
    ensemble = PartitionRegressor if scenario.regression else PartitionClassifier
    partitioned = ensemble(clone(scenario.learner), n_partitions=scenario.n_partitions, random_state=seed)
    with warnings.catch_warnings():
        # The heading of the table says how few rows a member has.
        warnings.simplefilter("ignore", PartitionWarning)
        return clone(scenario.learner).fit(X, y), partitioned.fit(X, y)


def compare(certificate: Any, predicted: NDArray[Any], cost: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Hold the predictions of a refitted model against the certificate of the clean one.

    Parameters
    ----------
    certificate : Certificate or IntervalCertificate
        Of the clean model.
    predicted : ndarray of shape (n_samples,)
        Predictions after the attack.
    cost : int
        Units of the certificate's threat that the attack used.

    Returns
    -------
    certified : ndarray of shape (n_samples,), bool
        Predictions about which the certificate says something at this cost.
    moved : ndarray of shape (n_samples,), bool
        Those for which what it says is not true.
    """
    if isinstance(certificate, Certificate):
        certified = certificate.radius >= cost
        return certified, certified & (predicted != certificate.prediction)
    low, high = certificate.interval(cost)
    certified = np.isfinite(low) & np.isfinite(high)
    return certified, certified & ~((low <= predicted) & (predicted <= high))
