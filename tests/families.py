"""Ensembles, data and one-row changes that the family tests run over."""

import pickle

import joblib
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from robustfit.learners import KernelRidgeClassifier
from robustfit.sanitize import SanitizedClassifier
from robustfit.trimmed import TrimmedClassifier

WORDS = ["offer", "free", "win", "meeting", "lunch", "report", "cash", "hello", "invoice", "team"]

TREE = DecisionTreeClassifier(max_depth=4)
SCALED = make_pipeline(StandardScaler(), LogisticRegression())

ARRAY_BASES = {
    "scaled logistic": SCALED,
    "SVC": SVC(),
    "boosting": HistGradientBoostingClassifier(max_iter=5),
    "tree": TREE,
    "forest": RandomForestClassifier(n_estimators=3, max_features=0.5),
    "SGD": make_pipeline(StandardScaler(), SGDClassifier(max_iter=20, tol=None)),
    "naive Bayes": GaussianNB(),
    "kNN": KNeighborsClassifier(1),
    "trimmed": TrimmedClassifier(GaussianNB(), n_starts=2),
    "sanitized": SanitizedClassifier(GaussianNB(), contamination=0.1),
    "search inside": GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1, 3]}, cv=2),
}
LEAN_BASES = {
    "logistic": LogisticRegression(C=0.1, max_iter=1000),
    "linear SVC": LinearSVC(C=0.01, dual=False),
    "ridge classifier": RidgeClassifier(),
    "Gaussian": GaussianNB(),
    "centroids": NearestCentroid(),
    "discriminant": LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.1),
    "3-NN": KNeighborsClassifier(3),
    "kernel ridge": KernelRidgeClassifier(gamma=1e-4),
}
SLOW_BASES = {"network": make_pipeline(StandardScaler(), MLPClassifier((8,), max_iter=30, tol=0, n_iter_no_change=99))}
FRAME_BASE = make_pipeline(
    make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["kind", "town"]), remainder=StandardScaler()),
    LogisticRegression(),
)
TEXT_BASE = make_pipeline(TfidfVectorizer(), LogisticRegression())
REGRESSORS = {"ridge": make_pipeline(StandardScaler(), Ridge()), "tree": DecisionTreeRegressor(max_depth=4)}
LEAN_REGRESSORS = {
    "lean ridge": Ridge(),
    "least squares": LinearRegression(),
    "lean kernel ridge": KernelRidge(kernel="rbf"),
    "lean 2-NN": KNeighborsRegressor(2),
}


def cancer(n=300, n_test=60):
    X, y = load_breast_cancer(return_X_y=True)
    return X[:n, :8], y[:n], X[n : n + n_test, :8]


def diabetes(n=300, n_test=60):
    X, y = load_diabetes(return_X_y=True)
    return X[:n], y[:n], X[n : n + n_test]


def frames(n=300, n_test=60, seed=0):
    rng = np.random.default_rng(seed)
    size = n + n_test
    y = rng.integers(0, 2, size)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40 + 8 * y, 9),
            "kind": pd.Categorical(rng.choice(["a", "b", "c"], size), categories=["a", "b", "c", "d"]),
            "town": np.where(rng.random(size) < 0.3 + 0.4 * y, "north", "south").astype(object),
            "visits": rng.poisson(3 + 3 * y, size),
        }
    )
    return frame[:n], y[:n], frame[n:]


def texts(n=300, n_test=60, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n + n_test)
    weights = np.where(np.arange(10) % 2 == 0, 0.16, 0.04)
    X = [" ".join(rng.choice(WORDS, 7, p=weights if label else weights[::-1])) + f" {i}" for i, label in enumerate(y)]
    return X[:n], y[:n], X[n:]


def row(X, i):
    """Row i as a container of one row."""
    if isinstance(X, list):
        return [X[i]]
    return X.iloc[[i]] if hasattr(X, "iloc") else X[[i]]


def without(X, i):
    keep = np.delete(np.arange(len(X)), i)
    if isinstance(X, list):
        return [X[j] for j in keep]
    return X.iloc[keep] if hasattr(X, "iloc") else X[keep]


def joined(X, extra):
    if isinstance(X, list):
        return X + extra
    return pd.concat([X, extra], ignore_index=True) if hasattr(X, "iloc") else np.vstack([X, extra])


def strange_row(X, i):
    """A row that stands out from all others, valid under the schema."""
    if isinstance(X, list):
        return ["zzz offer free win cash 123456"]
    if hasattr(X, "iloc"):
        return X.iloc[[i]].assign(age=1e6, town="atlantis", kind=pd.Categorical(["d"], X["kind"].cat.categories))
    return X[[i]] * 1000.0 + 7.0


def one_row_changes(X, y, i):
    """Name, number of shards that may change, and the changed training set."""
    flipped = y.copy()
    ends = sorted(set(y.tolist()))
    flipped[i] = ends[-1] if y[i] != ends[-1] else ends[0]
    labels = {int: 7, float: 1e6}.get(type(y[0].item()), "zz")
    strange = strange_row(X, i)
    return [
        ("insert", 1, joined(X, strange), np.append(y, y[i])),
        ("insert a new label", 1, joined(X, row(X, i)), np.append(y, labels)),
        ("delete", 1, without(X, i), np.delete(y, i)),
        ("modify", 2, joined(without(X, i), strange), np.append(np.delete(y, i), y[i])),
        ("flip", 1, X, flipped),
    ]


def member_hashes(ensemble):
    """Digest of each member's state."""
    return [joblib.hash(pickle.loads(pickle.dumps(_state(member)))) for member in ensemble.estimators_]


def _state(member):
    # A search also records how long it took.
    return member.best_estimator_ if hasattr(member, "best_estimator_") else member
