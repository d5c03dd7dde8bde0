"""What estimators around estimators share: rows, labels and fit parameters as they come in, seeds as they go out."""

__all__: list[str] = []
