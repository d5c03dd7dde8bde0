"""scikit-learn's own checks of sanitizers and of what wraps them, with metadata routing off and on."""

import pytest
import sklearn
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, LocalOutlierFactor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from robustfit.ensemble import MicroModelSanitizer
from robustfit.sanitize import (
    ActivationClusteringSanitizer,
    CalibrationSanitizer,
    ConsensusSanitizer,
    ContradictionSanitizer,
    DuplicateSanitizer,
    FallbackSanitizer,
    GradientSanitizer,
    GroupSanitizer,
    InfluenceSanitizer,
    LabelAgreementSanitizer,
    LeaveClusterOutSanitizer,
    LossSanitizer,
    NeighborsSanitizer,
    OutlierSanitizer,
    RONISanitizer,
    RowNormalizer,
    SanitizedClassifier,
    SanitizedRegressor,
    SanitizerChain,
    ShortcutSanitizer,
    SlabSanitizer,
    SpectralSanitizer,
    SphereSanitizer,
    UnionSanitizer,
)

# Name: a function that makes the estimator, and how many checks scikit-learn 1.9 has for it.
SANITIZERS = {
    "sphere": (lambda: SphereSanitizer(), 42),
    "leave cluster out": (lambda: LeaveClusterOutSanitizer(), 42),
    "unit rows": (lambda: RowNormalizer(), 46),
    "slab": (lambda: SlabSanitizer(), 42),
    "residual": (lambda: SpectralSanitizer(), 42),
    "signature": (lambda: SpectralSanitizer(mode="signature"), 42),
    "distance": (lambda: NeighborsSanitizer(), 42),
    "density": (lambda: NeighborsSanitizer(mode="density"), 42),
    "label agreement": (lambda: LabelAgreementSanitizer(), 42),
    "duplicates": (lambda: DuplicateSanitizer(), 41),
    "contradictions": (lambda: ContradictionSanitizer(), 42),
    "shortcuts": (lambda: ShortcutSanitizer(), 42),
    "crowds": (lambda: CalibrationSanitizer(), 42),
    "crowds after another": (lambda: CalibrationSanitizer(sanitizer=SphereSanitizer()), 42),
    "contradictions by a model": (lambda: ContradictionSanitizer(estimator=GaussianNB()), 42),
    "fallback": (lambda: FallbackSanitizer([("sphere", SphereSanitizer()), ("slab", SlabSanitizer())]), 42),
    "taken back by a model": (
        lambda: UnionSanitizer([("sphere", SphereSanitizer())], readmit=0.35, estimator=GaussianNB()),
        42,
    ),
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
    "sanitized trees": (lambda: SanitizedClassifier(DecisionTreeClassifier(random_state=0)), 54),
    "sanitized regressor": (lambda: SanitizedRegressor(), 52),
    "sanitized regressor, weighted": (
        lambda: SanitizedRegressor(DecisionTreeRegressor(), action="weight"),
        51,
    ),
    "outliers": (lambda: OutlierSanitizer(IsolationForest(n_estimators=5)), 42),
    "outliers of all": (lambda: OutlierSanitizer(LocalOutlierFactor(3), by_class=False), 41),
    "clusters": (lambda: ActivationClusteringSanitizer(), 42),
    "union": (lambda: UnionSanitizer([("sphere", SphereSanitizer()), ("slab", SlabSanitizer())]), 42),
    "chain": (lambda: SanitizerChain([("sphere", SphereSanitizer()), ("slab", SlabSanitizer())]), 42),
    "consensus": (lambda: ConsensusSanitizer([("sphere", SphereSanitizer()), ("slab", SlabSanitizer())]), 42),
    "micro-models": (lambda: MicroModelSanitizer(n_partitions=3), 42),
    "micro-models of numbers": (lambda: MicroModelSanitizer(Ridge(), n_partitions=3), 42),
    "loss": (lambda: LossSanitizer(), 42),
    "loss of a regressor": (lambda: LossSanitizer(Ridge()), 42),
    "gradients": (lambda: GradientSanitizer(), 42),
    "influence": (lambda: InfluenceSanitizer(), 42),
    "negative impact": (lambda: RONISanitizer(n_groups=4), 42),
    "sources": (lambda: GroupSanitizer(), 42),
}


pytestmark = pytest.mark.filterwarnings("ignore::robustfit.ensemble.PartitionWarning")


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
