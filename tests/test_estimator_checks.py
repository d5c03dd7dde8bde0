"""scikit-learn's own checks, with metadata routing off and on, and that they did run."""

# Imported, imbalanced-learn adds a method to scikit-learn's metadata routing, and requests made before are lost.
import imblearn.base  # noqa: F401
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
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from robustfit import PartitionClassifier, PartitionRegressor


class NoWeightsClassifier(PartitionClassifier):
    """Without an explicit sample_weight, as bases that take none need it."""

    def fit(self, X, y, *, groups=None, **fit_params):
        return super().fit(X, y, groups=groups, **fit_params)


class NoWeightsRegressor(PartitionRegressor):
    """Without an explicit sample_weight, as bases that take none need it."""

    def fit(self, X, y, *, groups=None, **fit_params):
        return super().fit(X, y, groups=groups, **fit_params)


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


def routed(ensemble):
    """The ensemble as it has to be set up with metadata routing: members request their weights."""
    with sklearn.config_context(enable_metadata_routing=True):
        if ensemble.estimator is not None and "NoWeights" not in type(ensemble).__name__:
            ensemble.estimator.set_fit_request(sample_weight=True)
    return ensemble


pytestmark = pytest.mark.filterwarnings(
    "ignore::robustfit.ensemble.PartitionWarning",
    "ignore::robustfit.ensemble.MemberWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.*number of unique classes is greater than 50%.*",
)


@parametrize_with_checks([make() for make in ENSEMBLES.values()])
def test_with_routing_off(estimator, check):
    check(estimator)


@parametrize_with_checks([routed(make()) for make in ENSEMBLES.values()])
def test_with_routing_on(estimator, check):
    with sklearn.config_context(enable_metadata_routing=True):
        check(estimator)


@pytest.mark.parametrize("name", ENSEMBLES)
def test_no_check_is_lost(name):
    """A battery that shrinks without a word would prove nothing."""
    ensemble = ENSEMBLES[name]()
    # The check that NaN is refused is only made where the base refuses it.
    fewest = {
        PartitionClassifier: 61 if name == "boosting" else 62,
        NoWeightsClassifier: 54,
        PartitionRegressor: 58 if name == "boosting regressor" else 59,
        NoWeightsRegressor: 51,
    }[type(ensemble)]
    # scikit-learn 1.9 made one check more.
    fewest -= parse_version(sklearn.__version__) < parse_version("1.9")
    assert len(list(estimator_checks_generator(ensemble))) >= fewest
