"""Certificates and labels in, scores out: how often a prediction is right and stays so."""

from robustfit.evaluate._attack_success_rate import attack_success_rate
from robustfit.evaluate._partition_plan import PartitionPlan
from robustfit.evaluate._plan_partitions import plan_partitions
from robustfit.evaluate._scorer import make_certified_scorer
from robustfit.evaluate._scores import (
    balanced_certified_accuracy_score,
    certified_accuracy_score,
    certified_recall_score,
)

__all__ = [
    "PartitionPlan",
    "attack_success_rate",
    "balanced_certified_accuracy_score",
    "certified_accuracy_score",
    "certified_recall_score",
    "make_certified_scorer",
    "plan_partitions",
]
