"""Sanitizers as samplers of imbalanced-learn: its pipelines drop rows in fit, and only there."""

import numpy as np
import pytest
from imblearn.pipeline import Pipeline
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.preprocessing import StandardScaler

from robustfit import sanitize
from robustfit.ensemble import MicroModelSanitizer

SANITIZERS = [
    sanitize.SphereSanitizer(),
    sanitize.SlabSanitizer(),
    sanitize.SpectralSanitizer(),
    sanitize.SpectralSanitizer(mode="signature"),
    sanitize.NeighborsSanitizer(),
    sanitize.NeighborsSanitizer(mode="density"),
    sanitize.LabelAgreementSanitizer(),
    sanitize.DuplicateSanitizer(),
    sanitize.ContradictionSanitizer(),
    sanitize.ShortcutSanitizer(),
    sanitize.CalibrationSanitizer(),
    sanitize.CalibrationSanitizer(sanitizer=sanitize.SlabSanitizer()),
    sanitize.FallbackSanitizer([("sphere", sanitize.SphereSanitizer()), ("loss", sanitize.LossSanitizer())]),
    sanitize.LeaveClusterOutSanitizer(),
    sanitize.LossSanitizer(),
    sanitize.GradientSanitizer(),
    sanitize.InfluenceSanitizer(),
    sanitize.RONISanitizer(n_groups=4),
    sanitize.GroupSanitizer(),
    sanitize.OutlierSanitizer(),
    sanitize.ActivationClusteringSanitizer(),
    sanitize.UnionSanitizer([("sphere", sanitize.SphereSanitizer()), ("loss", sanitize.LossSanitizer())]),
    sanitize.SanitizerChain([("sphere", sanitize.SphereSanitizer()), ("loss", sanitize.LossSanitizer())]),
    sanitize.ConsensusSanitizer([("sphere", sanitize.SphereSanitizer()), ("loss", sanitize.LossSanitizer())]),
    MicroModelSanitizer(n_partitions=5),
]


@pytest.fixture(scope="module")
def data():
    X, y = load_breast_cancer(return_X_y=True)
    return X[:300], np.array(["malignant", "benign"])[y[:300]]


@pytest.mark.parametrize("sanitizer", SANITIZERS, ids=repr)
def test_in_a_pipeline(sanitizer, data):
    X, y = data
    model = Pipeline([("scale", StandardScaler()), ("sanitize", sanitizer), ("model", LogisticRegression())]).fit(X, y)
    rows = StandardScaler().fit_transform(X)
    kept = sanitizer.fit(rows, y).support_
    alone = LogisticRegression().fit(rows[kept], y[kept])
    np.testing.assert_allclose(model[-1].coef_, alone.coef_, rtol=1e-6)
    # Rows to predict are never dropped.
    assert model.predict(X).shape == y.shape
    assert cross_val_score(model, X, y, cv=3).mean() > 0.85


def test_in_a_search(data):
    model = Pipeline([("sanitize", sanitize.SphereSanitizer()), ("model", LogisticRegression(max_iter=5000))])
    search = GridSearchCV(model, {"sanitize__contamination": [0.0, 0.1]}, cv=3).fit(*data)
    assert set(search.best_params_) == {"sanitize__contamination"}
