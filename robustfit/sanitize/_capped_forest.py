"""Forests whose trees see no more than so many rows: what data of any size are asked whether a linear model will do."""

# SPDX-License-Identifier: BSD-3-Clause

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

_TREES = 50

# A leaf of fewer rows would take the word of single ones.
_LEAST_IN_LEAF = 5

# A tree that sees more rows takes longer, and says hardly anything else.
_MOST_ROWS = 10_000

_FEW_COLUMNS = 10


class _CappedForest(BaseEstimator):
    """A forest of scikit-learn. The share of the rows that a tree sees depends on their number."""

    def __init__(self, random_state=0):
        self.random_state = random_state

    def fit(self, X, y):
        """Fit to rows of numbers."""
        share = _MOST_ROWS / len(y)
        self.forest_ = self._kind(
            _TREES,
            min_samples_leaf=_LEAST_IN_LEAF,
            max_features=self._n_columns(X.shape[1]),
            max_samples=share if share < 1.0 else None,
            random_state=self.random_state,
        ).fit(X, y)
        self.n_features_in_ = self.forest_.n_features_in_
        return self

    def predict(self, X):
        """Predict labels or numbers."""
        return self.forest_.predict(X)


class CappedForestClassifier(ClassifierMixin, _CappedForest):
    """A `~sklearn.ensemble.RandomForestClassifier` of 50 trees, leaves of five rows, and 10 000 rows for a tree."""

    _kind = RandomForestClassifier

    @staticmethod
    def _n_columns(n_features):
        return "sqrt"

    @property
    def classes_(self):
        """Sorted labels."""
        return self.forest_.classes_

    def predict_proba(self, X):
        """Return the shares of the labels."""
        return self.forest_.predict_proba(X)


class CappedForestRegressor(RegressorMixin, _CappedForest):
    """A `~sklearn.ensemble.RandomForestRegressor` of the same kind."""

    _kind = RandomForestRegressor

    @staticmethod
    def _n_columns(n_features):
        # Of few columns all, as scikit-learn has it; of many a third, which is faster and no worse.
        return max(n_features // 3, min(n_features, _FEW_COLUMNS))


def capped_forest(task, random_state):
    """Return the forest for classes or numbers."""
    return (CappedForestClassifier if task == "classifier" else CappedForestRegressor)(random_state)
