"""Fit on the rows that agree: trimmed losses, for linear regression and around any estimator."""

__all__: list[str] = []
