"""Defences of ART (adversarial-robustness-toolbox) that name suspicious training rows, on rows of numbers.

`SpectralSignatureDefense` and `ActivationDefence` ask a network for the activations of its last hidden layer, and
refuse ART's own wrappers of scikit-learn's classifiers (what they say is printed where this is run). The last layer of
a linear model reads the rows, so here a wrapper of logistic regression hands out those as its activations, and the
defences do on rows what they do on networks. `ProvenanceDefense` and `RONIDefense` accept such classifiers; but the
first judges sources, and the second needs trusted rows and fits a model for each row (with its calibration: one for
each pair of rows).

Both are told 5 %, as far as they can be: the spectral defence removes ``eps_multiplier`` (1 here) times
``expected_pp_poison`` of each class. Activation clustering removes the smaller of two clusters of each class, whatever
its size.
"""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

try:
    from art.defences.detector.poison import ActivationDefence, SpectralSignatureDefense
    from art.estimators.classification.scikitlearn import ScikitlearnLogisticRegression
except ImportError:
    ScikitlearnLogisticRegression = object
    ActivationDefence = SpectralSignatureDefense = None


class RowActivations(ScikitlearnLogisticRegression):
    """A linear model whose activations are the rows that its only layer reads."""

    layer_names = ("rows",)

    def get_activations(self, x, layer=0, batch_size=128, framework=False):
        """Return the rows."""
        return np.asarray(x, dtype=np.float64)


def _classifier(X, y, around):
    return around(model=LogisticRegression(max_iter=1000).fit(X, y))


def _kept(defence):
    # The clusterings draw from numpy's global random state.
    np.random.seed(0)  # noqa: NPY002
    return np.asarray(defence.detect_poison()[1]) == 1


def art_defences(share):
    """Functions from rows and labels 0, 1, ... to the mask of the rows that stay, by name; none without ART."""
    if ActivationDefence is None:
        return {}

    def spectral(X, y):
        told = {"expected_pp_poison": share, "eps_multiplier": 1.0}
        return _kept(SpectralSignatureDefense(_classifier(X, y, RowActivations), X, y, **told))

    def activations(X, y):
        return _kept(ActivationDefence(_classifier(X, y, RowActivations), X, y))

    return {"ART spectral": spectral, "ART activations": activations}


def refusal(X, y):
    """What the two defences say of ART's own wrapper of a scikit-learn classifier, by name."""
    found = {}
    for defence in (SpectralSignatureDefense, ActivationDefence):
        try:
            defence(_classifier(X, y, ScikitlearnLogisticRegression), X, y).detect_poison()
        except AttributeError as problem:
            found[defence.__name__] = f"{type(problem).__name__}: {problem}"
    return found


def main():
    if ActivationDefence is None:
        print("ART is not installed.")
        return
    X, y = load_breast_cancer(return_X_y=True)
    for name, words in refusal(StandardScaler().fit_transform(X), y).items():
        print(f"{name}, given ART's wrapper of LogisticRegression: {words}")


if __name__ == "__main__":
    main()
