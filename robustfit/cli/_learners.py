"""Learners by name, each behind the preparation that a table of mixed columns needs, all of it inside the shard."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from robustfit.cli._errors import UsageError, check_name

# scikit-learn's 20 rows per leaf would leave nothing to split in a shard.
_BOOSTING = {"min_samples_leaf": 5, "early_stopping": False}


class _Learner(NamedTuple):
    classification: Callable[[], Any] | None
    regression: Callable[[], Any] | None
    dense: bool = False


_LEARNERS = {
    "logistic": _Learner(lambda: LogisticRegression(max_iter=1000), None),
    "ridge": _Learner(RidgeClassifier, Ridge),
    "tree": _Learner(DecisionTreeClassifier, DecisionTreeRegressor),
    "forest": _Learner(RandomForestClassifier, RandomForestRegressor),
    "boosting": _Learner(
        lambda: HistGradientBoostingClassifier(**_BOOSTING),
        lambda: HistGradientBoostingRegressor(**_BOOSTING),
        dense=True,
    ),
    "knn": _Learner(KNeighborsClassifier, KNeighborsRegressor),
    # SVR's C and epsilon are in units of the target.
    "svm": _Learner(SVC, lambda: TransformedTargetRegressor(SVR(), transformer=StandardScaler())),
    "naive-bayes": _Learner(GaussianNB, None, dense=True),
}

_AUTO = {"classification": "logistic", "regression": "ridge"}

ESTIMATORS = ("auto", *_LEARNERS)


def make_learner(name: str, task: str, numbers: Sequence[str], texts: Sequence[str], seed: int) -> tuple[str, Pipeline]:
    """Make a pipeline from the columns of a frame to a prediction.

    Parameters
    ----------
    name : str
        One of `ESTIMATORS`.
    task : {"classification", "regression"}
    numbers, texts : sequence of str
        Columns of either form, see `robustfit.cli._columns.features`.
    seed : int
        Of a learner that draws at random.

    Returns
    -------
    name : str
        The name that ``"auto"`` stands for.
    learner : Pipeline

    Raises
    ------
    UsageError
        If there is no such learner, or none for this task.
    """
    name, model = make_model(name, task, seed)
    return name, make_pipeline(_preparation(numbers, texts, dense=_LEARNERS[name].dense), model)


def make_model(name: str, task: str, seed: int) -> tuple[str, Any]:
    """Make a learner of numbers; parameters, returns and errors are those of `make_learner`."""
    name = _AUTO[task] if check_name(name, ESTIMATORS, "estimator") == "auto" else name
    make = getattr(_LEARNERS[name], task)
    if make is None:
        others = [other for other, known in _LEARNERS.items() if getattr(known, task) is not None]
        raise UsageError(f"{name} does not do {task}. These do: {', '.join(others)}.")
    model = make()
    if "random_state" in model.get_params():
        model.set_params(random_state=seed)
    return name, model


def _preparation(numbers: Sequence[str], texts: Sequence[str], *, dense: bool) -> ColumnTransformer:
    # A shard may hold no value of a column at all: it must keep its place nevertheless.
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    parts = [
        ("numbers", make_pipeline(fill, StandardScaler()), list(numbers)),
        # A missing text is a category of its own.
        ("texts", OneHotEncoder(handle_unknown="ignore"), list(texts)),
    ]
    return ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0.0 if dense else 0.3)
