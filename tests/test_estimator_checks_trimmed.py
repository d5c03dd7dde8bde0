"""scikit-learn's own checks of trimmed and adversarial learners, with metadata routing off and on."""

import pytest
import sklearn
from sklearn.linear_model import Lasso
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
)

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
    "Sever classifier, all": (lambda: SeverClassifier(LinearSVC(), filter_by="all", final=None), 55),
}


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
