"""What check_certifiable refuses and lets pass, and that what it lets pass keeps one row in one shard."""

import ast
import copy
import re
import subprocess
import sys

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn import datasets
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.kernel_approximation import AdditiveChi2Sampler, Nystroem
from sklearn.linear_model import LinearRegression, LogisticRegression, RANSACRegressor, Ridge, RidgeClassifier
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import GaussianRandomProjection

from robustfit import Certificate, CertificateError, IntervalCertificate, PartitionClassifier, PartitionRegressor
from robustfit.audit import certify_pipeline, check_certifiable

N = 200


def _ensemble(member=None):
    return PartitionClassifier(GaussianNB() if member is None else member, n_partitions=5)


# ---------------------------------------------------------------------------------------------------------
# Data: training rows, labels, and rows that an attacker might insert.


def _numbers():
    X, y = datasets.load_breast_cancer(return_X_y=True)
    X = X[:N, :6]
    return X, y[:N], [X[:1] * 1e4, np.zeros((1, 6)), np.full((1, 6), 0.123)]


def _single_precision():
    X, y, outliers = _numbers()
    return X.astype(np.float32), y, [row.astype(np.float32) for row in outliers]


def _column_major():
    X, y, outliers = _numbers()
    return np.asfortranarray(X), y, outliers


def _sparse():
    X, y, outliers = _numbers()
    return sp.csr_matrix(np.where(np.median(X, axis=0) < X, X, 0)), y, [sp.csr_matrix(row) for row in outliers]


def _gaps():
    X, y, outliers = _numbers()
    X = X.copy()
    X[::3, 0] = X[::5, 2] = np.nan
    # Only the inserted row has a value in the last column.
    X[:, 5] = np.nan
    return X, y, outliers


LETTERS, SIZES = ["a", "b", "c", "d"], ["large", "medium", "small"]


def _letters():
    X, y, _ = _numbers()
    bins = [np.searchsorted(np.quantile(column, [0.25, 0.5, 0.75]), column) for column in X.T[:2]]
    return (
        np.array([[LETTERS[i], LETTERS[j]] for i, j in zip(*bins, strict=True)], dtype=object),
        y,
        [
            np.array([["d", "a"]], dtype=object),
            np.array([["from elsewhere", "a"]], dtype=object),
        ],
    )


def _frame():
    X, y, _ = _numbers()
    size = np.array(SIZES, dtype=object)[np.searchsorted(np.quantile(X[:, 0], [0.3, 0.6]), X[:, 0])]
    frame = pd.DataFrame({"texture": X[:, 1], "area": X[:, 3], "size": size})
    return frame, y, [pd.DataFrame({"texture": [1e6], "area": [3.0], "size": ["giant"]})]


def _texts():
    texts, labels = [], []
    for label, load in enumerate((datasets.load_iris, datasets.load_wine, datasets.load_diabetes)):
        words = load().DESCR.split()
        texts += [" ".join(words[start : start + 4]) for start in range(0, len(words), 4)]
        labels += [label] * (len(texts) - len(labels))
    return texts, np.array(labels), [["Zebras zigzag zealously"], [""], ["iris iris iris iris setosa"]]


def _counts():
    texts, y, outliers = _texts()
    return [_count(text) for text in texts], y, [[_count(row[0])] for row in outliers]


def _count(text):
    return {word: text.split().count(word) for word in text.split()}


def _stack(row, X):
    """Put an inserted row first, where it moves all others."""
    if isinstance(X, list):
        return row + X
    if isinstance(X, pd.DataFrame):
        return pd.concat([row, X], ignore_index=True)
    if sp.issparse(X):
        return sp.vstack([row, X], format="csr")
    return np.asarray(np.vstack([row, X]), order="F" if np.isfortran(X) else "C")


def _members(model):
    while not hasattr(model, "estimators_"):
        model = model.steps[-1][1]
    # What a search keeps besides what it chose includes the time it took.
    return [joblib.hash(getattr(member, "best_estimator_", member)) for member in model.estimators_]


def _changed(model, data):
    """Most members that one inserted row changes."""
    X, y, outliers = data()
    before = _members(clone(model).fit(X, y))
    refits = [_members(clone(model).fit(_stack(row, X), np.r_[y[:1], y])) for row in outliers]
    return max(sum(a != b for a, b in zip(before, after, strict=True)) for after in refits)


# ---------------------------------------------------------------------------------------------------------
# Honest: they pass, and one row changes one member at most.

_CATEGORIES = [LETTERS, LETTERS]
_SPARSE_MEMBER = RidgeClassifier(solver="lsqr", tol=1e-8)
_VOCABULARY = ["the", "of", "data", "iris", "wine", "diabetes", "class", "age"]

HONEST = {
    "the ensemble alone": (lambda: _ensemble(), _numbers),
    "a scaler inside": (lambda: _ensemble(make_pipeline(StandardScaler(), LogisticRegression())), _numbers),
    "a search inside": (lambda: _ensemble(GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, cv=2)), _numbers),
    "a calibration inside": (lambda: _ensemble(CalibratedClassifierCV(GaussianNB(), cv=2)), _numbers),
    "passthrough": (lambda: Pipeline([("a", "passthrough"), ("b", None), ("c", _ensemble())]), _numbers),
    "normalizer l2": (lambda: make_pipeline(Normalizer(), _ensemble()), _numbers),
    "normalizer l1": (lambda: make_pipeline(Normalizer("l1"), _ensemble()), _numbers),
    "normalizer max": (lambda: make_pipeline(Normalizer("max"), _ensemble()), _numbers),
    "normalizer float32": (lambda: make_pipeline(Normalizer(), _ensemble()), _single_precision),
    "normalizer column major": (lambda: make_pipeline(Normalizer(), _ensemble()), _column_major),
    "normalizer sparse": (lambda: make_pipeline(Normalizer(), _ensemble(_SPARSE_MEMBER)), _sparse),
    "binarizer": (lambda: make_pipeline(Binarizer(threshold=20.0), _ensemble()), _numbers),
    "polynomials": (lambda: make_pipeline(PolynomialFeatures(3), _ensemble()), _numbers),
    "polynomials sparse": (lambda: make_pipeline(PolynomialFeatures(2), _ensemble(_SPARSE_MEMBER)), _sparse),
    "chi2 kernel": (lambda: make_pipeline(AdditiveChi2Sampler(), _ensemble()), _numbers),
    "chi2 kernel sparse": (lambda: make_pipeline(AdditiveChi2Sampler(), _ensemble(_SPARSE_MEMBER)), _sparse),
    "no function": (lambda: make_pipeline(FunctionTransformer(validate=True), _ensemble()), _numbers),
    "log1p": (lambda: make_pipeline(FunctionTransformer(np.log1p, inverse_func=np.expm1), _ensemble()), _numbers),
    "log1p float32": (lambda: make_pipeline(FunctionTransformer(np.log1p), _ensemble()), _single_precision),
    "imputer": (
        lambda: make_pipeline(
            SimpleImputer(strategy="constant", fill_value=-1.0, keep_empty_features=True), _ensemble()
        ),
        _gaps,
    ),
    "one-hot": (
        lambda: make_pipeline(
            OneHotEncoder(categories=_CATEGORIES, handle_unknown="ignore", sparse_output=False), _ensemble()
        ),
        _letters,
    ),
    "one-hot sparse": (
        lambda: make_pipeline(
            OneHotEncoder(categories=_CATEGORIES, handle_unknown="ignore"), _ensemble(_SPARSE_MEMBER)
        ),
        _letters,
    ),
    "ordinal": (
        lambda: make_pipeline(
            OrdinalEncoder(categories=_CATEGORIES, handle_unknown="use_encoded_value", unknown_value=-1), _ensemble()
        ),
        _letters,
    ),
    "hashed texts": (lambda: make_pipeline(HashingVectorizer(n_features=64), _ensemble(_SPARSE_MEMBER)), _texts),
    "counted texts": (
        lambda: make_pipeline(CountVectorizer(vocabulary=_VOCABULARY), _ensemble(_SPARSE_MEMBER)),
        _texts,
    ),
    "hashed counts": (lambda: make_pipeline(FeatureHasher(32), _ensemble(_SPARSE_MEMBER)), _counts),
    "union": (
        lambda: make_pipeline(
            FeatureUnion(
                [("log", FunctionTransformer(np.log1p)), ("as is", "passthrough"), ("unit", Normalizer())],
                transformer_weights={"log": 2.0},
            ),
            _ensemble(),
        ),
        _numbers,
    ),
    "columns": (
        lambda: make_pipeline(
            ColumnTransformer(
                [
                    ("log", make_pipeline(FunctionTransformer(np.log1p)), ["area"]),
                    ("size", OneHotEncoder(categories=[SIZES], handle_unknown="ignore"), ["size"]),
                ],
                remainder=Binarizer(threshold=20.0),
                sparse_threshold=0,
            ),
            _ensemble(),
        ),
        _frame,
    ),
    "a pipeline at the end": (
        lambda: make_pipeline(PolynomialFeatures(2), make_pipeline(Normalizer(), _ensemble())),
        _numbers,
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_passes_and_one_row_changes_one_member(name):
    make, data = HONEST[name]
    model = make()
    assert check_certifiable(model) == ()
    assert _changed(model, data) <= 1
    X, y, _ = data()
    model.fit(X, y)
    assert check_certifiable(model) == ()
    certificate = certify_pipeline(model, X)
    np.testing.assert_array_equal(certificate.prediction, model.predict(X))


@pytest.mark.parametrize("member", [None, Ridge(), TransformedTargetRegressor(func=np.log1p, inverse_func=np.expm1)])
def test_honest_regressors(member):
    def data():
        X, y = datasets.load_diabetes(return_X_y=True)
        return X, y, [np.ones((1, 10))]

    model = make_pipeline(Normalizer(), PartitionRegressor(member, n_partitions=7))
    assert check_certifiable(model) == ()
    assert _changed(model, data) <= 1
    X, y, _ = data()
    certificate = certify_pipeline(model.fit(X, y), X)
    assert isinstance(certificate, IntervalCertificate)
    np.testing.assert_array_equal(certificate.prediction, model.predict(X))


# ---------------------------------------------------------------------------------------------------------
# Dishonest: classes of our own that look better than they are.


class CenteredNormalizer(Normalizer):
    """Says it is a Normalizer, and is one by isinstance."""

    def transform(self, X, copy=None):
        return super().transform(X - X.mean(axis=0))


class RowwiseLogTransformer(TransformerMixin, BaseEstimator):
    """Nothing but its name is row-wise."""

    def fit(self, X, y=None):
        self.low_ = X.min(axis=0)
        return self

    def transform(self, X):
        return np.log1p(X - np.minimum(self.low_, X.min(axis=0)))


def _namesake():
    class Normalizer(StandardScaler):
        pass

    return Normalizer()


class Pretender(StandardScaler):
    @property
    def __class__(self):
        return Normalizer


class Undersampler(BaseEstimator):
    def fit(self, X, y):
        return self

    def transform(self, X):
        return X

    def fit_resample(self, X, y):
        return X[:-1], y[:-1]


class ScaledPartitionClassifier(PartitionClassifier):
    """Scales with all rows before it partitions them."""

    def fit(self, X, y, **params):
        self.scale_ = X.std(axis=0)
        return super().fit(X / self.scale_, y, **params)

    def votes(self, X, **options):
        return super().votes(X / self.scale_, **options)


class RobustClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        self.mean_ = X.mean(axis=0)
        self.estimator_ = clone(self.estimator).fit(X - self.mean_, y)
        return self

    def predict(self, X):
        return self.estimator_.predict(X - self.mean_)


class ResamplingPipeline(Pipeline):
    """As imbalanced-learn has one."""


class Coin(GaussianNB):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags


def _z_score(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def _replaced():
    step = Normalizer()
    step.transform = _z_score
    return step


def _replaced_ensemble():
    ensemble = _ensemble()
    ensemble.fit = lambda X, y: PartitionClassifier.fit(ensemble, _z_score(X), y)
    return ensemble


def _scaler():
    return StandardScaler().fit(_numbers()[0])


def _before(step, member=None):
    return lambda: make_pipeline(step, _ensemble(member))


def _columns(*transformers, **options):
    return lambda: make_pipeline(ColumnTransformer(list(transformers), **options), _ensemble())


def _search(search=GridSearchCV, model=None, **options):
    model = _ensemble() if model is None else model
    name = next(key for key in model.get_params() if key.endswith("n_partitions"))
    return search(model, {name: [3, 5]}, cv=2, **options)


# name: (estimator, path of the part, its class, words of the remedy)
INSIDE = "Put it inside the ensemble: PartitionClassifier(make_pipeline("
DISHONEST = {
    "standard scaler": (
        _before(StandardScaler()),
        "standardscaler",
        "StandardScaler",
        INSIDE + "StandardScaler(), ...",
    ),
    "minmax scaler": (_before(MinMaxScaler()), "minmaxscaler", "MinMaxScaler", INSIDE),
    "robust scaler": (_before(RobustScaler()), "robustscaler", "RobustScaler", INSIDE),
    "quantiles": (_before(QuantileTransformer(n_quantiles=50)), "quantiletransformer", "QuantileTransformer", INSIDE),
    "power": (_before(PowerTransformer()), "powertransformer", "PowerTransformer", INSIDE),
    "bins": (
        _before(KBinsDiscretizer(encode="ordinal", strategy="uniform")),
        "kbinsdiscretizer",
        "KBinsDiscretizer",
        INSIDE,
    ),
    "splines": (_before(SplineTransformer()), "splinetransformer", "SplineTransformer", INSIDE),
    "PCA": (_before(PCA()), "pca", "PCA", INSIDE),
    "selection": (_before(SelectKBest()), "selectkbest", "SelectKBest", INSIDE),
    "variance": (_before(VarianceThreshold()), "variancethreshold", "VarianceThreshold", INSIDE),
    "mean imputer": (_before(SimpleImputer()), "simpleimputer", "SimpleImputer", "strategy='constant'"),
    "constant imputer": (
        _before(SimpleImputer(strategy="constant", fill_value=0.0)),
        "simpleimputer",
        "SimpleImputer",
        "set keep_empty_features=True",
    ),
    "constant imputer, no value": (
        _before(SimpleImputer(strategy="constant", keep_empty_features=True)),
        "simpleimputer",
        "SimpleImputer",
        "pass a number or a text",
    ),
    "imputer with indicator": (
        _before(SimpleImputer(strategy="constant", fill_value=0, keep_empty_features=True, add_indicator=True)),
        "simpleimputer",
        "SimpleImputer",
        "set add_indicator=False",
    ),
    "kNN imputer": (_before(KNNImputer()), "knnimputer", "KNNImputer", INSIDE),
    "one-hot": (_before(OneHotEncoder()), "onehotencoder", "OneHotEncoder", "pass one list for every column"),
    "one-hot with frequencies": (
        _before(OneHotEncoder(categories=_CATEGORIES, min_frequency=3)),
        "onehotencoder",
        "OneHotEncoder",
        "set min_frequency=None",
    ),
    "one-hot infrequent": (
        _before(OneHotEncoder(categories=_CATEGORIES, handle_unknown="infrequent_if_exist", max_categories=3)),
        "onehotencoder",
        "OneHotEncoder",
        "set handle_unknown='ignore'",
    ),
    "one-hot with a function": (
        _before(OneHotEncoder(categories=_CATEGORIES, feature_name_combiner=lambda a, b: "x")),
        "onehotencoder",
        "OneHotEncoder",
        "set feature_name_combiner='concat'",
    ),
    "ordinal": (_before(OrdinalEncoder()), "ordinalencoder", "OrdinalEncoder", "pass one list for every column"),
    "target encoder": (_before(TargetEncoder()), "targetencoder", "TargetEncoder", INSIDE),
    "tf-idf": (_before(TfidfVectorizer()), "tfidfvectorizer", "TfidfVectorizer", INSIDE),
    "vocabulary": (_before(CountVectorizer()), "countvectorizer", "CountVectorizer", "pass vocabulary="),
    "tokenizer": (
        _before(HashingVectorizer(tokenizer=str.split)),
        "hashingvectorizer",
        "HashingVectorizer",
        "use what scikit-learn offers",
    ),
    "files": (
        _before(HashingVectorizer(input="filename")),
        "hashingvectorizer",
        "HashingVectorizer",
        "input='content'",
    ),
    "projection": (
        _before(GaussianRandomProjection(2)),
        "gaussianrandomprojection",
        "GaussianRandomProjection",
        INSIDE,
    ),
    "nystroem": (_before(Nystroem()), "nystroem", "Nystroem", INSIDE),
    "z-score": (
        _before(FunctionTransformer(_z_score)),
        "functiontransformer",
        "FunctionTransformer",
        "such as np.log1p",
    ),
    "a ufunc of Python": (
        _before(FunctionTransformer(np.frompyfunc(float, 1, 1))),
        "functiontransformer",
        "FunctionTransformer",
        "such as np.log1p",
    ),
    "a ufunc with arguments": (
        _before(FunctionTransformer(np.log1p, kw_args={"where": True})),
        "functiontransformer",
        "FunctionTransformer",
        "leave kw_args out",
    ),
    "an inverse with side effects": (
        _before(FunctionTransformer(inverse_func=_z_score)),
        "functiontransformer",
        "FunctionTransformer",
        "such as np.log1p",
    ),
    "names by a function": (
        _before(FunctionTransformer(feature_names_out=lambda t, names: names)),
        "functiontransformer",
        "FunctionTransformer",
        "'one-to-one'",
    ),
    "frozen": (_before(FrozenEstimator(_scaler())), "frozenestimator", "FrozenEstimator", INSIDE + "StandardScaler()"),
    "scaler in columns": (
        _columns(("scale", StandardScaler(), [0]), sparse_threshold=0),
        "columntransformer__scale",
        "StandardScaler",
        INSIDE + "StandardScaler(), ...",
    ),
    "scaler for the remainder": (
        _columns(("drop", "drop", [0]), remainder=StandardScaler(), sparse_threshold=0),
        "columntransformer__remainder",
        "StandardScaler",
        INSIDE,
    ),
    "columns by a function": (
        _columns(("n", "passthrough", make_column_selector(dtype_include=float)), sparse_threshold=0),
        "columntransformer",
        "ColumnTransformer",
        "list their names or positions",
    ),
    "columns by density": (
        _columns(("n", "passthrough", [0])),
        "columntransformer",
        "ColumnTransformer",
        "set sparse_threshold=0",
    ),
    "weights of another kind": (
        _columns(("n", "passthrough", [0]), sparse_threshold=0, transformer_weights={"n": np.ones(3)}),
        "columntransformer",
        "ColumnTransformer",
        "one number for each name",
    ),
    "PCA in a union": (
        _before(FeatureUnion([("as is", "passthrough"), ("pca", PCA(2))])),
        "featureunion__pca",
        "PCA",
        INSIDE,
    ),
    "scaler in a nested pipeline": (
        lambda: Pipeline([("preprocess", Pipeline([("scaler", StandardScaler())])), ("vote", _ensemble())]),
        "preprocess__scaler",
        "StandardScaler",
        INSIDE,
    ),
    "scaler in a pipeline at the end": (
        lambda: Pipeline([("n", Normalizer()), ("end", make_pipeline(StandardScaler(), _ensemble()))]),
        "end__standardscaler",
        "StandardScaler",
        INSIDE,
    ),
    "memory of another kind": (
        lambda: Pipeline([("n", Normalizer()), ("vote", _ensemble())], memory=copy),
        "pipeline",
        "Pipeline",
        "joblib.Memory",
    ),
    "a class": (_before(Normalizer), "type", "Normalizer", "pass an instance"),
    # Classes of our own.
    "subclass": (_before(CenteredNormalizer()), "centerednormalizer", "CenteredNormalizer", INSIDE),
    "custom": (_before(RowwiseLogTransformer()), "rowwiselogtransformer", "RowwiseLogTransformer", INSIDE),
    "namesake": (_before(_namesake()), "normalizer", "Normalizer", "only shares its name"),
    "pretender": (_before(Pretender()), "pretender", "Pretender", INSIDE),
    "replaced method": (_before(_replaced()), "normalizer", "Normalizer", "its own transform"),
    "sampler": (_before(Undersampler()), "undersampler", "Undersampler", "with the make_pipeline of its library"),
    "subclass of the ensemble": (
        lambda: make_pipeline(Normalizer(), ScaledPartitionClassifier(GaussianNB(), n_partitions=5)),
        "scaledpartitionclassifier",
        "ScaledPartitionClassifier",
        "Use PartitionClassifier itself",
    ),
    "ensemble with its own fit": (
        _replaced_ensemble,
        "partitionclassifier",
        "PartitionClassifier",
        "Use PartitionClassifier itself",
    ),
    "custom meta-estimator": (
        lambda: RobustClassifier(_ensemble()),
        "robustclassifier",
        "RobustClassifier",
        "PartitionClassifier(RobustClassifier(...))",
    ),
    "subclass of Pipeline": (
        lambda: ResamplingPipeline([("vote", _ensemble())]),
        "resamplingpipeline",
        "ResamplingPipeline",
        "Use sklearn.pipeline.Pipeline",
    ),
    # Around the ensemble.
    "grid search": (
        _search,
        "gridsearchcv",
        "GridSearchCV",
        "Search inside the ensemble: PartitionClassifier(GridSearchCV(...))",
    ),
    "random search": (
        lambda: RandomizedSearchCV(_ensemble(), {"n_partitions": [3, 5]}, n_iter=2),
        "randomizedsearchcv",
        "RandomizedSearchCV",
        "Search inside the ensemble",
    ),
    "halving search": (
        lambda: _search(HalvingGridSearchCV),
        "halvinggridsearchcv",
        "HalvingGridSearchCV",
        "Search inside the ensemble",
    ),
    "scaler in a search": (
        lambda: _search(model=make_pipeline(StandardScaler(), _ensemble())),
        "estimator__standardscaler",
        "StandardScaler",
        INSIDE,
    ),
    "search at the end": (
        lambda: make_pipeline(Normalizer(), _search()),
        "gridsearchcv",
        "GridSearchCV",
        "Search inside the ensemble",
    ),
    "search without refit": (
        lambda: _search(refit=False),
        "gridsearchcv",
        "GridSearchCV",
        "Set refit=True",
    ),
    "calibration": (
        lambda: CalibratedClassifierCV(_ensemble()),
        "calibratedclassifiercv",
        "CalibratedClassifierCV",
        "PartitionClassifier(CalibratedClassifierCV(...))",
    ),
    "tuned threshold": (
        lambda: TunedThresholdClassifierCV(_ensemble()),
        "tunedthresholdclassifiercv",
        "TunedThresholdClassifierCV",
        "PartitionClassifier(TunedThresholdClassifierCV(...))",
    ),
    "fixed threshold": (
        lambda: FixedThresholdClassifier(_ensemble()),
        "fixedthresholdclassifier",
        "FixedThresholdClassifier",
        "certify the ensemble that it wraps",
    ),
    "bagging": (
        lambda: make_pipeline(Normalizer(), BaggingClassifier(_ensemble())),
        "baggingclassifier",
        "BaggingClassifier",
        "PartitionClassifier(BaggingClassifier(...))",
    ),
    "voting": (
        lambda: VotingClassifier([("a", _ensemble()), ("b", GaussianNB())]),
        "votingclassifier",
        "VotingClassifier",
        "PartitionClassifier(VotingClassifier(...))",
    ),
    "stacking": (
        lambda: StackingClassifier([("a", make_pipeline(Normalizer(), _ensemble()))]),
        "stackingclassifier",
        "StackingClassifier",
        "PartitionClassifier(StackingClassifier(...))",
    ),
    "one versus rest": (
        lambda: OneVsRestClassifier(_ensemble()),
        "onevsrestclassifier",
        "OneVsRestClassifier",
        "PartitionClassifier(OneVsRestClassifier(...))",
    ),
    "several outputs": (
        lambda: MultiOutputClassifier(_ensemble()),
        "multioutputclassifier",
        "MultiOutputClassifier",
        "PartitionClassifier(MultiOutputClassifier(...))",
    ),
    "transformed target": (
        lambda: TransformedTargetRegressor(PartitionRegressor()),
        "transformedtargetregressor",
        "TransformedTargetRegressor",
        "PartitionRegressor(TransformedTargetRegressor(...))",
    ),
    "RANSAC": (
        lambda: RANSACRegressor(PartitionRegressor()),
        "ransacregressor",
        "RANSACRegressor",
        "PartitionRegressor(RANSACRegressor(...))",
    ),
    "frozen ensemble": (
        lambda: FrozenEstimator(_ensemble()),
        "frozenestimator",
        "FrozenEstimator",
        "Pass what it holds",
    ),
    # No ensemble at all.
    "a learner": (LogisticRegression, "logisticregression", "LogisticRegression", "PartitionClassifier(LogisticReg"),
    "a regressor": (LinearRegression, "linearregression", "LinearRegression", "PartitionRegressor(LinearRegression"),
    "a learner at the end": (
        lambda: make_pipeline(Normalizer(), Ridge()),
        "ridge",
        "Ridge",
        "Wrap it: PartitionRegressor(Ridge(...))",
    ),
    "a search for a learner": (
        lambda: GridSearchCV(LogisticRegression(), {"C": [1, 2]}),
        "estimator",
        "LogisticRegression",
        "PartitionClassifier(LogisticRegression(...))",
    ),
    "no last step": (
        lambda: Pipeline([("n", Normalizer()), ("end", "passthrough")]),
        "end",
        "str",
        "Pass an instance of PartitionClassifier",
    ),
    "no step": (lambda: Pipeline([]), "pipeline", "Pipeline", "End it with a PartitionClassifier"),
    "a class of ensembles": (
        lambda: PartitionClassifier,
        "partitionclassifier",
        "PartitionClassifier",
        "Pass an instance",
    ),
    "a number": (lambda: 42, "int", "int", "Pass an instance of PartitionClassifier"),
    # Inside the ensemble.
    "frozen member": (
        _before(Normalizer(), make_pipeline(FrozenEstimator(_scaler()), GaussianNB())),
        "partitionclassifier__estimator__frozenestimator",
        "FrozenEstimator",
        "Leave it unfitted",
    ),
    "prefitted selection": (
        lambda: _ensemble(make_pipeline(SelectFromModel(GaussianNB(), prefit=True), GaussianNB())),
        "estimator__selectfrommodel__prefit",
        "SelectFromModel",
        "Leave it unfitted",
    ),
    "prefitted stacking": (
        lambda: _ensemble(StackingClassifier([("a", GaussianNB())], cv="prefit")),
        "estimator__cv",
        "StackingClassifier",
        "Leave it unfitted",
    ),
    "random member": (lambda: _ensemble(Coin()), "estimator", "Coin", "that random_state makes repeatable"),
    "random member in a pipeline": (
        lambda: _ensemble(make_pipeline(StandardScaler(), Coin())),
        "estimator__coin",
        "Coin",
        "that random_state makes repeatable",
    ),
    "random member in a frozen pipeline": (
        lambda: _ensemble(make_pipeline(FrozenEstimator(make_pipeline(Coin())), GaussianNB())),
        "estimator__frozenestimator__estimator__coin",
        "Coin",
        "that random_state makes repeatable",
    ),
    "a class as a member": (
        lambda: _ensemble(GaussianNB),
        "estimator",
        "GaussianNB",
        "Give PartitionClassifier another",
    ),
    "a regressor as a classifier": (lambda: _ensemble(Ridge()), "estimator", "Ridge", "use PartitionRegressor"),
    "no member": (lambda: PartitionClassifier(42), "estimator", "int", "Give PartitionClassifier another"),
}
OF_OUR_OWN = [
    "subclass",
    "custom",
    "namesake",
    "pretender",
    "replaced method",
    "sampler",
    "subclass of the ensemble",
    "ensemble with its own fit",
    "custom meta-estimator",
    "subclass of Pipeline",
]


def test_enough_cases():
    assert len(HONEST) >= 10
    assert len(DISHONEST) >= 25
    assert len(set(OF_OUR_OWN) & set(DISHONEST)) >= 5


@pytest.mark.parametrize("name", DISHONEST)
def test_dishonest_is_refused(name):
    make, path, part, remedy = DISHONEST[name]
    with pytest.raises(CertificateError) as caught:
        check_certifiable(make())
    message = str(caught.value)
    assert f"- {path} ({part}): " in message
    assert remedy in message
    with pytest.raises(CertificateError):
        certify_pipeline(make(), _numbers()[0])


SPREADS = {
    "standard scaler": _numbers,
    "quantiles": _numbers,
    "bins": _numbers,
    "PCA": _numbers,
    "mean imputer": _gaps,
    "constant imputer": _gaps,
    "one-hot": _letters,
    "vocabulary": _texts,
    "z-score": _numbers,
    "scaler in columns": _numbers,
    "PCA in a union": _numbers,
    "scaler in a nested pipeline": _numbers,
    "subclass": _numbers,
    "custom": _numbers,
    "namesake": _numbers,
    "subclass of the ensemble": _numbers,
}


@pytest.mark.filterwarnings(
    "ignore:Skipping features without any observed values", "ignore:Currently, when `keep_empty_feature"
)
@pytest.mark.parametrize("name", SPREADS)
def test_what_is_refused_spreads_one_row(name):
    # The test of the honest ones would notice a wrong entry of the list.
    model = DISHONEST[name][0]()
    if name in ("one-hot", "vocabulary"):
        model.set_params(partitionclassifier__estimator=_SPARSE_MEMBER)
    assert _changed(model, SPREADS[name]) > 1


@pytest.mark.parametrize("make", [_replaced, lambda: FrozenEstimator(_scaler())])
def test_what_clone_keeps_or_drops(make):
    # clone drops a replaced method, Pipeline.fit does not clone: what is looked at is what will run.
    step = make()
    with pytest.raises(CertificateError):
        check_certifiable(make_pipeline(step, _ensemble()).fit(*_numbers()[:2]))


def test_all_findings_at_once():
    model = Pipeline(
        [
            ("encode", OneHotEncoder(min_frequency=2)),
            ("columns", ColumnTransformer([("pca", PCA(), lambda X: [0])], remainder=StandardScaler())),
            ("search", _search(model=make_pipeline(RobustScaler(), _ensemble(FrozenEstimator(GaussianNB()))))),
        ]
    )
    with pytest.raises(CertificateError) as caught:
        check_certifiable(model)
    lines = [line.split(":")[0] for line in str(caught.value).splitlines() if line.startswith("- ")]
    assert lines == [
        "- encode (OneHotEncoder)",
        "- encode (OneHotEncoder)",
        "- columns (ColumnTransformer)",
        "- columns (ColumnTransformer)",
        "- columns__pca (PCA)",
        "- columns__remainder (StandardScaler)",
        "- search (GridSearchCV)",
        "- search__estimator__robustscaler (RobustScaler)",
        "- search__estimator__partitionclassifier__estimator (FrozenEstimator)",
    ]


# ---------------------------------------------------------------------------------------------------------
# Vouching.


@pytest.mark.parametrize("name", DISHONEST)
def test_vouching_helps_where_the_message_says_so(name):
    make, path, _, _ = DISHONEST[name]
    with pytest.raises(CertificateError) as caught:
        check_certifiable(make())
    message = str(caught.value)
    offered = re.search(r"trusted=(\[.*\])\.$", message)
    trusted = ast.literal_eval(offered[1]) if offered else [path]
    if "This cannot be vouched for." in message:
        with pytest.raises(CertificateError) as caught:
            check_certifiable(make(), trusted=trusted)
        assert "trusted=" not in str(caught.value)
    else:
        assert path in trusted
        assert len(check_certifiable(make(), trusted=trusted)) == len(trusted)


@pytest.mark.parametrize(
    ("name", "condition"),
    [
        ("standard scaler", "learned from rows outside the ensemble"),
        ("scaler in a nested pipeline", "learned from rows outside the ensemble"),
        ("scaler in columns", "learned from rows outside the ensemble"),
        ("custom", "learned from rows outside the ensemble"),
        ("frozen", "learned from rows outside the ensemble"),
        ("subclass of the ensemble", "taken to fit and to vote like PartitionClassifier"),
        ("frozen member", "fitted before on rows outside the ensemble"),
        ("prefitted stacking", "fitted before on rows outside the ensemble"),
    ],
)
def test_vouched_parts_are_conditions(name, condition):
    make, path, part, _ = DISHONEST[name]
    expected = f"{path} ({part}): vouched for by the user, {condition}"
    assert check_certifiable(make(), trusted=[path]) == (expected,)
    if name == "prefitted stacking":
        return
    X, y, _ = _numbers()
    model = make().fit(X, y)
    certificate = certify_pipeline(model, X, trusted=[path])
    assert certificate.conditional_on[-1] == expected
    np.testing.assert_array_equal(certificate.prediction, model.predict(X))


def test_several_findings_about_one_part_are_one_condition():
    model = _columns(("n", StandardScaler(), make_column_selector("n")))()
    trusted = ["columntransformer", "columntransformer__n"]
    assert len(check_certifiable(model, trusted=trusted)) == 2
    with pytest.raises(CertificateError, match="columntransformer__n"):
        check_certifiable(model, trusted=trusted[:1])


def test_trusted_search():
    X, y, _ = _numbers()
    search = _search(model=make_pipeline(Normalizer(), _ensemble()))
    (before,) = check_certifiable(search, trusted=["gridsearchcv"])
    assert before == "hyper-parameters chosen by GridSearchCV on rows that an attacker may have changed"
    search.fit(X, y)
    certificate = certify_pipeline(search, X, trusted=["gridsearchcv"])
    assert certificate.conditional_on[-1] == (
        f"hyper-parameters {search.best_params_} chosen by GridSearchCV on rows that an attacker may have changed"
    )
    np.testing.assert_array_equal(certificate.prediction, search.predict(X))


def test_a_fitted_search_is_judged_by_what_it_chose():
    X, y, _ = _numbers()
    model = Pipeline([("step", Normalizer()), ("vote", _ensemble())])
    search = GridSearchCV(model, {"step": [StandardScaler()]}, cv=2)
    assert check_certifiable(search, trusted=["gridsearchcv"])
    with pytest.raises(CertificateError, match=r"estimator__step \(StandardScaler\)"):
        check_certifiable(search.fit(X, y), trusted=["gridsearchcv"])


def test_a_search_without_refit_cannot_be_trusted():
    with pytest.raises(CertificateError, match="refit=False leaves no fitted ensemble"):
        check_certifiable(_search(refit=False), trusted=["gridsearchcv"])


@pytest.mark.parametrize("name", ["random member", "random member in a pipeline", "calibration", "bagging"])
def test_what_nobody_can_vouch_for(name):
    make, path, _, _ = DISHONEST[name]
    with pytest.raises(CertificateError, match="cannot be vouched for") as caught:
        check_certifiable(make(), trusted=[path])
    assert "trusted=" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "trusted", "words"),
    [
        (_before(StandardScaler()), ["scaler"], r"trusted=\['scaler'\] .* in the way: standardscaler"),
        (_before(StandardScaler()), ["standardscaler", "partitionclassifier"], "partitionclassifier"),
        (_before(Normalizer()), ["normalizer"], "Nothing is in the way"),
        (_before(StandardScaler()), "standardscaler", "must be a sequence of paths"),
        (_before(StandardScaler()), [0], "must be a sequence of paths"),
    ],
)
def test_names_that_are_not_in_the_way(model, trusted, words):
    for check in (check_certifiable, lambda m, **kw: certify_pipeline(m, None, **kw)):
        with pytest.raises(ValueError, match=words) as caught:
            check(model(), trusted=trusted)
        assert not isinstance(caught.value, CertificateError)


# ---------------------------------------------------------------------------------------------------------
# certify_pipeline.


@pytest.mark.parametrize("threat", ["insert_delete", "modify", "label_flip", "delete"])
@pytest.mark.parametrize("target", [None, 1])
def test_equals_the_certificate_of_the_transformed_rows(threat, target):
    X, y, _ = _numbers()
    model = make_pipeline(FunctionTransformer(np.log1p), Normalizer(), _ensemble()).fit(X, y)
    certificate = certify_pipeline(model, X, threat=threat, target=target)
    expected = model[-1].certify(Normalizer().transform(np.log1p(X)), threat=threat, target=target)
    assert isinstance(certificate, Certificate)
    assert certificate.threat == threat
    np.testing.assert_array_equal(certificate.prediction, expected.prediction)
    np.testing.assert_array_equal(certificate.radius, expected.radius)
    np.testing.assert_array_equal(certificate.rival_radius, expected.rival_radius)
    assert Certificate.from_json(certificate.to_json()).conditional_on == certificate.conditional_on


def test_a_bare_ensemble_has_no_further_condition():
    X, y, _ = _numbers()
    model = _ensemble().fit(X, y)
    assert certify_pipeline(model, X).to_json() == model.certify(X).to_json()


def test_the_type_of_rows_is_a_condition():
    # Rows reach a step before the ensemble brings them into one form: in single precision all rows differ.
    single, y, _ = _single_precision()
    model = make_pipeline(Normalizer(), _ensemble())
    before = _members(clone(model).fit(single, y))
    after = _members(model.fit(single.astype(np.float64), y))
    assert sum(a != b for a, b in zip(before, after, strict=True)) > 1
    assert "columns, types and layout" in certify_pipeline(model, single).conditional_on[0]


def test_groups():
    X, y, _ = _numbers()
    model = make_pipeline(Normalizer(), PartitionClassifier(GaussianNB(), n_partitions=5, partition_by="groups"))
    model.fit(X, y, partitionclassifier__groups=np.arange(N) // 4)
    assert certify_pipeline(model, X, threat="group").unit == "everything that one group sent"


@pytest.mark.parametrize(
    "make", [_ensemble, _before(Normalizer()), lambda: make_pipeline(Normalizer(), _before(Binarizer())())]
)
def test_not_fitted(make):
    with pytest.raises(NotFittedError):
        certify_pipeline(make(), _numbers()[0])


def test_a_search_that_is_not_fitted():
    with pytest.raises(NotFittedError):
        certify_pipeline(_search(), _numbers()[0], trusted=["gridsearchcv"])


def test_threats_and_options_that_do_not_exist():
    X, y, _ = _numbers()
    model = make_pipeline(Normalizer(), _ensemble()).fit(X, y)
    with pytest.raises(CertificateError, match="Unknown threat"):
        certify_pipeline(model, X, threat="rain")
    with pytest.raises(CertificateError, match="cannot answer"):
        certify_pipeline(model, X, threat="group")
    with pytest.raises(CertificateError, match="not one of the classes"):
        certify_pipeline(model, X, target=7)
    with pytest.raises(TypeError, match="budget"):
        certify_pipeline(model, X, budget=3)


def test_nothing_is_changed():
    X, y, _ = _numbers()
    model = make_pipeline(Normalizer(), _ensemble()).fit(X, y)
    before = joblib.hash(model), joblib.hash(X)
    check_certifiable(model)
    certify_pipeline(model, X)
    assert (joblib.hash(model), joblib.hash(X)) == before


def test_import_is_light():
    # scikit-learn itself imports pandas where it is installed.
    code = (
        "import sys, sklearn.pipeline; before = set(sys.modules); import robustfit.audit; "
        "print({'pandas', 'matplotlib', 'cvxpy', 'pyarrow', 'jinja2'} & (set(sys.modules) - before))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_a_varying_estimator_in_a_grid_is_found():
    """It is no parameter of its own, and every member may choose it."""

    class Varying(LogisticRegression):
        def __sklearn_tags__(self):
            tags = super().__sklearn_tags__()
            tags.non_deterministic = True
            return tags

    search = GridSearchCV(Pipeline([("learn", LogisticRegression())]), {"learn": [Varying()]}, cv=2)
    with pytest.raises(CertificateError, match="estimator__param_grid__learn__0 .*is not deterministic"):
        check_certifiable(PartitionClassifier(search))
