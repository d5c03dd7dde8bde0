"""scikit-learn's own checks, with metadata routing off and on, and that they did run."""

import pytest
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import check_estimator

from robustfit import PartitionClassifier, PartitionRegressor


class NoWeightsClassifier(PartitionClassifier):
    """Without an explicit sample_weight, as bases that take none need it."""

    def fit(self, X, y, *, groups=None, **fit_params):
        return super().fit(X, y, groups=groups, **fit_params)


class NoWeightsRegressor(PartitionRegressor):
    """Without an explicit sample_weight, as bases that take none need it."""

    def fit(self, X, y, *, groups=None, **fit_params):
        return super().fit(X, y, groups=groups, **fit_params)


def _requested(estimator):
    return estimator.set_fit_request(sample_weight=True)


ENSEMBLES = {
    "default": lambda: PartitionClassifier(),
    "naive Bayes": lambda: PartitionClassifier(GaussianNB(), n_partitions=3),
    "tree": lambda: PartitionClassifier(DecisionTreeClassifier(), n_partitions=3),
    "SVC": lambda: PartitionClassifier(SVC(), n_partitions=3),
    "boosting": lambda: PartitionClassifier(HistGradientBoostingClassifier(max_iter=20), n_partitions=3),
    "kNN": lambda: NoWeightsClassifier(KNeighborsClassifier(1), n_partitions=3),
    "pipeline": lambda: NoWeightsClassifier(make_pipeline(StandardScaler(), LogisticRegression()), n_partitions=3),
    "default regressor": lambda: PartitionRegressor(n_partitions=5),
    "tree regressor": lambda: PartitionRegressor(DecisionTreeRegressor(), n_partitions=3),
    "boosting regressor": lambda: PartitionRegressor(HistGradientBoostingRegressor(max_iter=20), n_partitions=3),
    "kNN regressor": lambda: NoWeightsRegressor(KNeighborsRegressor(1), n_partitions=3),
    "pipeline regressor": lambda: NoWeightsRegressor(make_pipeline(StandardScaler(), Ridge()), n_partitions=3),
}


@pytest.mark.filterwarnings(
    "ignore::robustfit.ensemble.PartitionWarning",
    "ignore::robustfit.ensemble.MemberWarning",
    "ignore::sklearn.exceptions.SkipTestWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.*number of unique classes is greater than 50%.*",
)
@pytest.mark.parametrize("routing", [False, True], ids=["routing off", "routing on"])
@pytest.mark.parametrize("name", ENSEMBLES)
def test_check_estimator(name, routing):
    ensemble = ENSEMBLES[name]()
    with sklearn.config_context(enable_metadata_routing=routing):
        if routing and ensemble.estimator is not None and "NoWeights" not in type(ensemble).__name__:
            ensemble.set_params(estimator=_requested(ensemble.estimator))
        results = check_estimator(ensemble, on_fail=None, on_skip=None)
    bad = {r["check_name"]: r["exception"] for r in results if r["status"] not in ("passed", "skipped")}
    assert not bad
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    # 61 for a classifier with weights; a battery that shrinks without a word would prove nothing.
    fewest = {
        ("Partition", "Classifier"): 61,
        ("NoWeights", "Classifier"): 53,
        ("Partition", "Regressor"): 58,
    }
    kind = type(ensemble).__name__
    assert len(results) >= next((n for words, n in fewest.items() if all(w in kind for w in words)), 50)
