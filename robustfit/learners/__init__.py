"""Base learners made for small shards."""

from robustfit.learners._kernel_ridge_classifier import KernelRidgeClassifier

__all__ = ["KernelRidgeClassifier"]
