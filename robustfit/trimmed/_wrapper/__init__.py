"""Concentration steps around any estimator: subsets, losses, starts, and the choice among their results."""
