"""Base learners made for small shards, and linear ones that expect the worst shift of every row."""

from robustfit.learners._adversarial_classifier import AdversarialClassifier
from robustfit.learners._adversarial_regressor import AdversarialRegressor
from robustfit.learners._kernel_ridge_classifier import KernelRidgeClassifier

__all__ = ["AdversarialClassifier", "AdversarialRegressor", "KernelRidgeClassifier"]
