"""scikit-learn's own checks of sanitizers and of what wraps them, with metadata routing off and on."""

import pytest
import sklearn
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from robustfit.sanitize import (
    DuplicateSanitizer,
    LabelAgreementSanitizer,
    NeighborsSanitizer,
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
