"""Certificates and labels in, scores out: how often a prediction is right and stays so."""

from robustfit.evaluate._scorer import make_certified_scorer
from robustfit.evaluate._scores import (
    balanced_certified_accuracy_score,
    certified_accuracy_score,
    certified_recall_score,
)

__all__ = [
    "balanced_certified_accuracy_score",
    "certified_accuracy_score",
    "certified_recall_score",
    "make_certified_scorer",
]
