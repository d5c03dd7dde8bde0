"""Learners made for small shards: scikit-learn's own checks, and the algebra they claim."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine, make_classification
from sklearn.exceptions import NotFittedError
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks
from sklearn.utils.fixes import parse_version

from robustfit.learners import KernelRidgeClassifier

KERNELS = {
    "rbf": {"gamma": 0.2},
    "linear": {},
    "poly": {"degree": 2, "gamma": 0.1, "coef0": 1.5},
    "laplacian": {"gamma": 0.1},
    "sigmoid": {"gamma": 0.01, "coef0": 0.1},
    "cosine": {},
}
CHECKED = {
    "rbf": KernelRidgeClassifier(),
    "linear": KernelRidgeClassifier(kernel="linear"),
    "normalized": KernelRidgeClassifier(0.1, target_coding="normalized"),
    "precomputed": KernelRidgeClassifier(kernel="precomputed"),
}


# One check makes an indefinite matrix of a precomputed kernel.
@pytest.mark.filterwarnings("ignore:The kernel matrix is singular")
@parametrize_with_checks(list(CHECKED.values()))
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", CHECKED)
def test_no_check_is_lost(name):
    """A battery that shrinks without a word would prove nothing."""
    fewest = 60 if name == "precomputed" else 63
    # scikit-learn 1.9 made one check more.
    fewest -= parse_version(sklearn.__version__) < parse_version("1.9")
    assert len(list(estimator_checks_generator(CHECKED[name]))) >= fewest


def data(n_classes=2, n=80, seed=0):
    X, y = make_classification(n, 5, n_informative=4, n_redundant=0, n_classes=n_classes, flip_y=0.1, random_state=seed)
    return X[: n // 2], y[: n // 2], X[n // 2 :]


def learner(kernel, alpha=0.3, **params):
    return KernelRidgeClassifier(alpha, kernel=kernel, **KERNELS.get(kernel, {}), **params)


# What is solved


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("n_classes", [2, 3, 4])
@pytest.mark.parametrize("kernel", KERNELS)
def test_scores_are_those_of_kernel_ridge_on_targets_of_plus_and_minus_one(kernel, n_classes, weighted):
    X, y, X_test = data(n_classes)
    weights = np.random.default_rng(0).uniform(0.2, 3.0, len(y)) if weighted else None
    ours = learner(kernel).fit(X, y, weights)
    targets = np.where(y[:, None] == np.arange(n_classes), 1.0, -1.0)
    theirs = KernelRidge(0.3, kernel=kernel, **KERNELS[kernel]).fit(X, targets, weights)
    expected = theirs.predict(X_test)
    scores = ours.decision_function(X_test)
    np.testing.assert_allclose(scores, expected[:, 1] if n_classes == 2 else expected, atol=1e-8)
    np.testing.assert_array_equal(ours.predict(X_test), expected.argmax(axis=1))


@pytest.mark.parametrize("coding", ["signs", "normalized"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_dual_coefficients_solve_the_system(n_classes, coding):
    X, y, _ = data(n_classes)
    model = learner("rbf", target_coding=coding).fit(X, y)
    indicator = (y[:, None] == np.arange(n_classes)).astype(float)
    targets = 2 * indicator - 1 if coding == "signs" else indicator / np.sqrt(indicator.sum(axis=0))
    if n_classes == 2:
        targets = targets[:, [1]] if coding == "signs" else targets[:, [1]] - targets[:, [0]]
    kernel = pairwise_kernels(X, metric="rbf", gamma=0.2)
    np.testing.assert_allclose((kernel + 0.3 * np.eye(len(y))) @ model.dual_coef_, targets, atol=1e-10)


def test_normalized_targets_even_out_the_classes():
    rng = np.random.default_rng(0)
    y = (np.arange(400) < 40).astype(int)
    X = rng.normal(size=(400, 2)) + 1.5 * y[:, None]
    recall = {
        coding: np.mean(KernelRidgeClassifier(1.0, target_coding=coding).fit(X, y).predict(X[y == 1]))
        for coding in ("signs", "normalized")
    }
    assert recall["normalized"] > recall["signs"] + 0.05


def test_the_gamma_that_is_taken_by_default():
    X, y, X_test = data()
    given = KernelRidgeClassifier().fit(X, y).decision_function(X_test)
    expected = KernelRidgeClassifier(gamma=0.2).fit(X, y).decision_function(X_test)
    np.testing.assert_allclose(given, expected)


# Kernels and containers


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_precomputed_kernel_is_the_kernel(kernel, weighted):
    X, y, X_test = data(3)
    # Zeros among the weights: rows and columns of the kernel have to go together.
    weights = np.arange(len(y)) % 4.0 if weighted else None
    params = {"filter_params": True, **KERNELS[kernel]}
    expected = learner(kernel).fit(X, y, weights).decision_function(X_test)
    model = learner("precomputed").fit(pairwise_kernels(X, metric=kernel, **params), y, weights)
    scores = model.decision_function(pairwise_kernels(X_test, X, metric=kernel, **params))
    np.testing.assert_allclose(scores, expected, atol=1e-10)
    assert model.n_features_in_ == len(y)
    assert model.__sklearn_tags__().input_tags.pairwise


def test_a_sparse_precomputed_kernel():
    X, y, X_test = data()
    kernel, asked = X @ X.T, X_test @ X.T
    expected = learner("precomputed").fit(kernel, y).decision_function(asked)
    scores = learner("precomputed").fit(sp.csr_array(kernel), y).decision_function(sp.csr_array(asked))
    np.testing.assert_allclose(scores, expected)


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly"])
@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_matrix, sp.coo_array])
def test_sparse_rows_are_the_same_rows(container, kernel):
    X, y, X_test = (part * (np.abs(part) > 0.7) if part.ndim == 2 else part for part in data(3))
    expected = learner(kernel).fit(X, y).decision_function(X_test)
    model = learner(kernel).fit(container(X), y)
    np.testing.assert_allclose(model.decision_function(container(X_test)), expected, atol=1e-10)
    np.testing.assert_allclose(model.decision_function(X_test), expected, atol=1e-10)


def bump(a, b, width):
    return float(np.exp(-width * ((a - b) ** 2).sum()))


def test_a_function_of_two_rows_as_kernel():
    X, y, X_test = data(3)
    expected = learner("rbf").fit(X, y).decision_function(X_test)
    model = KernelRidgeClassifier(0.3, kernel=bump, kernel_params={"width": 0.2}).fit(X, y)
    np.testing.assert_allclose(model.decision_function(X_test), expected, atol=1e-10)


def test_frames_and_single_precision():
    X, y, X_test = data()
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = KernelRidgeClassifier().fit(frame, y)
    assert model.feature_names_in_.tolist() == list("abcde")
    expected = model.decision_function(pd.DataFrame(X_test, columns=list("abcde")))
    narrow = KernelRidgeClassifier().fit(X.astype(np.float32), y).decision_function(X_test.astype(np.float32))
    np.testing.assert_allclose(narrow, expected, atol=1e-4)
    assert narrow.dtype == np.float64


# Weights


@pytest.mark.parametrize("coding", ["signs", "normalized"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("kernel", KERNELS)
def test_a_weight_of_two_is_a_row_twice(kernel, n_classes, coding):
    X, y, X_test = data(n_classes)
    repeats = np.random.default_rng(0).integers(0, 4, len(y))
    weighted = learner(kernel, target_coding=coding).fit(X, y, sample_weight=repeats)
    repeated = learner(kernel, target_coding=coding).fit(np.repeat(X, repeats, axis=0), np.repeat(y, repeats))
    scores = weighted.decision_function(X_test)
    np.testing.assert_allclose(scores, repeated.decision_function(X_test), atol=1e-8)


def test_rows_of_weight_zero_bring_in_no_class():
    X, y, X_test = data()
    weights = np.ones(len(y))
    weights[:2] = 0.0
    strange = y.copy()
    strange[:2] = 7
    model = KernelRidgeClassifier().fit(X, strange, weights)
    assert model.classes_.tolist() == [0, 1]
    assert len(model.X_fit_) == len(y) - 2
    expected = KernelRidgeClassifier().fit(X[2:], y[2:]).decision_function(X_test)
    np.testing.assert_array_equal(model.decision_function(X_test), expected)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_weights_and_alpha_in_the_same_proportion(factor):
    X, y, X_test = data()
    expected = KernelRidgeClassifier(1.0).fit(X, y).decision_function(X_test)
    scores = KernelRidgeClassifier(factor).fit(X, y, np.full(len(y), factor)).decision_function(X_test)
    np.testing.assert_allclose(scores, expected, rtol=1e-8)


def test_all_weights_zero_is_an_error():
    X, y, _ = data()
    with pytest.raises(ValueError, match=r"class|weight"):
        KernelRidgeClassifier().fit(X, y, np.zeros(len(y)))


def test_negative_weights_are_an_error():
    X, y, _ = data()
    with pytest.raises(ValueError, match="[Nn]egative"):
        KernelRidgeClassifier().fit(X, y, np.where(np.arange(len(y)) == 3, -1.0, 1.0))


# Singular systems


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_a_singular_system_warns_and_gives_the_solution_of_smallest_norm(kernel, weighted):
    X, y, X_test = data()
    X, y = np.vstack([X, X]), np.append(y, y)
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(y)) if weighted else None
    with pytest.warns(LinAlgWarning, match="singular and alpha=0"):
        model = learner(kernel, alpha=0.0).fit(X, y, weights)
    scores = model.decision_function(X_test)
    assert np.isfinite(scores).all()
    almost = learner(kernel, alpha=1e-7).fit(X, y, weights).decision_function(X_test)
    np.testing.assert_allclose(scores, almost, atol=1e-4)


def test_alpha_zero_interpolates_where_it_can():
    X, y, _ = data(3)
    model = learner("rbf", alpha=0.0).fit(X, y)
    np.testing.assert_allclose(model.decision_function(X), np.where(y[:, None] == np.arange(3), 1.0, -1.0), atol=1e-6)


# Labels


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("spell", ["text", "objects", "negative", "boolean"])
def test_labels_of_any_type(spell, n_classes):
    X, y, X_test = data(n_classes)
    names = {
        "text": np.array(["ham", "spam", "zebra"]),
        "objects": np.array(["ham", "spam", "zebra"], dtype=object),
        "negative": np.array([-5, 0, 40]),
        "boolean": np.array([False, True, True]),
    }[spell]
    model = KernelRidgeClassifier().fit(X, names[y])
    found = len(set(names[y].tolist()))
    assert model.classes_.tolist() == names[:found].tolist()
    scores = model.decision_function(X_test)
    assert scores.shape == ((len(X_test),) if found == 2 else (len(X_test), found))
    expected = (scores > 0).astype(int) if found == 2 else scores.argmax(axis=1)
    np.testing.assert_array_equal(model.predict(X_test), model.classes_[expected])


def test_ties_go_to_the_smallest_class():
    X = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    for y in ([0, 0, 1, 1], [2, 2, 5, 5]):
        model = KernelRidgeClassifier(kernel="linear").fit(X, y)
        assert model.decision_function([[0.0]]) == 0.0
        assert model.predict([[0.0]]) == y[0]


def test_a_single_class_is_refused_by_name():
    X, y, _ = data()
    with pytest.raises(ValueError, match="needs two classes or more, got one class: .*ham"):
        KernelRidgeClassifier().fit(X, np.full(len(y), "ham"))


def test_continuous_labels_are_refused():
    X, y, _ = data()
    with pytest.raises(ValueError, match="Unknown label type"):
        KernelRidgeClassifier().fit(X, y + 0.5)


@pytest.mark.parametrize(
    "params",
    [
        {"alpha": -1.0},
        {"kernel": "unheard of"},
        {"gamma": -0.1},
        {"degree": -1},
        {"kernel_params": 3},
        {"target_coding": "zeros"},
    ],
    ids=str,
)
def test_parameters_out_of_range_are_refused(params):
    X, y, _ = data()
    with pytest.raises(ValueError, match=f"'{next(iter(params))}' parameter of KernelRidgeClassifier"):
        KernelRidgeClassifier(**params).fit(X, y)


def test_asking_before_fitting():
    with pytest.raises(NotFittedError):
        KernelRidgeClassifier().predict([[0.0]])


# Among other parts of scikit-learn


def test_in_a_search_and_a_pipeline():
    X, y = load_wine(return_X_y=True)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), KernelRidgeClassifier()),
        {"kernelridgeclassifier__alpha": [0.01, 1.0], "kernelridgeclassifier__kernel": ["rbf", "linear"]},
        cv=3,
    )
    assert search.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.95


def test_cross_validation_cuts_a_precomputed_kernel_both_ways():
    X, y = load_iris(return_X_y=True)
    expected = cross_val_score(KernelRidgeClassifier(kernel="linear"), X, y, cv=5)
    found = cross_val_score(KernelRidgeClassifier(kernel="precomputed"), X @ X.T, y, cv=5)
    np.testing.assert_allclose(found, expected)


def test_a_clone_is_unfitted_and_fitting_leaves_its_input_alone():
    X, y, X_test = data()
    kernel, weights = X @ X.T, np.ones(len(y))
    copies = X.copy(), kernel.copy(), weights.copy()
    for array in (X, kernel, weights):
        array.flags.writeable = False
    KernelRidgeClassifier().fit(X, y, weights).predict(X_test)
    model = KernelRidgeClassifier(kernel="precomputed").fit(kernel, y, weights)
    assert not hasattr(clone(model), "classes_")
    for array, copy in zip((X, kernel, weights), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
