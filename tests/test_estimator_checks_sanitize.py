"""scikit-learn's own checks of sanitizers and of what wraps them, with metadata routing off and on."""

import pytest
import sklearn
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from robustfit.sanitize import (
    DuplicateSanitizer,
    LabelAgreementSanitizer,
    NeighborsSanitizer,
    SanitizedClassifier,
    SanitizedRegressor,
    SlabSanitizer,
    SpectralSanitizer,
    SphereSanitizer,
)

# Name: a function that makes the estimator, and how many checks scikit-learn 1.9 has for it.
SANITIZERS = {
    "sphere": (lambda: SphereSanitizer(), 42),
    "slab": (lambda: SlabSanitizer(), 42),
    "residual": (lambda: SpectralSanitizer(), 42),
    "signature": (lambda: SpectralSanitizer(mode="signature"), 42),
    "distance": (lambda: NeighborsSanitizer(), 42),
    "density": (lambda: NeighborsSanitizer(mode="density"), 42),
    "label agreement": (lambda: LabelAgreementSanitizer(), 42),
    "duplicates": (lambda: DuplicateSanitizer(), 41),
    "sanitized": (lambda: SanitizedClassifier(), 55),
    "sanitized, weighted": (
        lambda: SanitizedClassifier(GaussianNB(), sanitizer=SphereSanitizer(0.2), action="weight"),
        55,
    ),
    "sanitized, relabelled": (
        lambda: SanitizedClassifier(
            make_pipeline(StandardScaler(), KNeighborsClassifier(1)),
            sanitizer=LabelAgreementSanitizer(0.2, n_neighbors=3),
            action="relabel",
        ),
        55,
    ),
    "sanitized regressor": (lambda: SanitizedRegressor(), 52),
    "sanitized regressor, weighted": (
        lambda: SanitizedRegressor(DecisionTreeRegressor(), action="weight"),
        51,
    ),
}


@parametrize_with_checks([make() for make, _ in SANITIZERS.values()])
def test_with_routing_off(estimator, check):
    check(estimator)


@parametrize_with_checks([make() for make, _ in SANITIZERS.values()])
def test_with_routing_on(estimator, check):
    with sklearn.config_context(enable_metadata_routing=True):
        check(estimator)


@pytest.mark.parametrize("name", SANITIZERS)
def test_no_check_is_lost(name):
    """A battery that shrinks without a word would prove nothing."""
    make, fewest = SANITIZERS[name]
    # scikit-learn 1.9 made one check more.
    fewest -= parse_version(sklearn.__version__) < parse_version("1.9")
    assert len(list(estimator_checks_generator(make()))) >= fewest
