"""scikit-learn's own checks of trimmed and adversarial learners, with metadata routing off and on."""

import pytest
import sklearn
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Lasso
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from robustfit.losses import huber
from robustfit.trimmed import (
    LTSRegressor,
    RobustGradientClassifier,
    RobustGradientRegressor,
    SeverClassifier,
    SeverRegressor,
    TrimmedClassifier,
    TrimmedRegressor,
)


class NoWeightsClassifier(TrimmedClassifier):
    """Without an explicit sample_weight, as bases that take none, or draw rows by them, need it."""

    def fit(self, X, y, **fit_params):
        return super().fit(X, y, **fit_params)


# Name: a function that makes the estimator, and how many checks scikit-learn 1.9 has for it.
LEARNERS = {
    "LTS": (lambda: LTSRegressor(), 52),
    "LTS, auto": (lambda: LTSRegressor(alpha="auto", final="mm"), 52),
    "LTS, elastic net": (lambda: LTSRegressor(ridge=1.0, l1=1.0, final=None), 52),
    "robust gradient": (lambda: RobustGradientRegressor(), 52),
    "robust gradient, huber": (lambda: RobustGradientRegressor(loss=huber(1.0), final=None), 52),
    "robust gradient classifier": (lambda: RobustGradientClassifier(), 55),
    "robust gradient, hinge": (lambda: RobustGradientClassifier(loss="squared_hinge", filter_by="class"), 55),
    "Sever regressor": (lambda: SeverRegressor(), 52),
    "Sever regressor, random": (lambda: SeverRegressor(Lasso(alpha=0.1), threshold="random"), 52),
    "Sever classifier": (lambda: SeverClassifier(), 55),
    "trimmed": (lambda: TrimmedClassifier(), 62),
    "trimmed, auto": (lambda: TrimmedClassifier(contamination="auto", n_starts=2), 62),
    "trimmed forest": (lambda: NoWeightsClassifier(RandomForestClassifier(5)), 54),
    "trimmed neighbors": (
        lambda: NoWeightsClassifier(make_pipeline(StandardScaler(), KNeighborsClassifier(1)), trim_by="class"),
        54,
    ),
    "trimmed regressor": (lambda: TrimmedRegressor(), 59),
    "trimmed regressor, auto": (lambda: TrimmedRegressor(contamination="auto"), 59),
    "Sever classifier, all": (lambda: SeverClassifier(LinearSVC(), filter_by="all", final=None), 55),
}

pytestmark = pytest.mark.filterwarnings(
    "ignore::robustfit.trimmed.TrimmingWarning",
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.*number of unique classes is greater than 50%.*",
)


@parametrize_with_checks([make() for make, _ in LEARNERS.values()])
def test_with_routing_off(estimator, check):
    check(estimator)


@parametrize_with_checks([make() for make, _ in LEARNERS.values()])
def test_with_routing_on(estimator, check):
    with sklearn.config_context(enable_metadata_routing=True):
        check(estimator)


@pytest.mark.parametrize("name", LEARNERS)
def test_no_check_is_lost(name):
    """A battery that shrinks without a word would prove nothing."""
    make, fewest = LEARNERS[name]
    # scikit-learn 1.9 made one check more.
    fewest -= parse_version(sklearn.__version__) < parse_version("1.9")
    assert len(list(estimator_checks_generator(make()))) >= fewest
