"""How many rows of a feasible set it takes, at least, to make a linear classifier predict a row otherwise."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted

from robustfit.audit._certify_damage import certify_damage
from robustfit.audit._penalised_learner import PARAMETERS, intercept_column, read_penalised, read_two_classes
from robustfit.certify import CertificateError, DamageCertificate
from robustfit.certify._base_certificate import share_certified
from robustfit.certify._post_hoc_reach import least_objective_across
from robustfit.sanitize._base_sanitizer import BaseSanitizer

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_MOST_ENTRIES = 5 * 10**7
_MOST_COLUMNS = 2000


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ReachCertificate:
    """How many added rows cannot change each prediction. Made by `certify_reach`.

    Attributes
    ----------
    prediction : ndarray of shape (n_samples,)
        Of the model of the clean rows.
    radius : ndarray of shape (n_samples,), int64
        Largest number of added rows, up to the largest budget, that is proved to leave the prediction as it is; −1
        where nothing is.
    cost : ndarray of shape (n_samples,)
        No model that predicts otherwise has a smaller objective on the clean rows, divided by their number.
    damage : DamageCertificate
        How large that objective can become.
    conditional_on : tuple of str
    """

    prediction: NDArray[Any]
    radius: NDArray[np.int64]
    cost: Floats
    damage: DamageCertificate
    conditional_on: tuple[str, ...]

    threat = "insert"
    unit = "one row of the feasible sets added"

    def certified_accuracy(self, y: ArrayLike, budgets: ArrayLike) -> Any:
        """Return the share of rows that are predicted right and that so many added rows leave so, for each budget."""
        return share_certified(np.where(self.prediction == np.asarray(y), self.radius, -1), budgets)

    def __repr__(self) -> str:
        return f"ReachCertificate({len(self.radius)} predictions, median radius {np.median(self.radius):g})"


def certify_reach(
    estimator: Any,
    X: Any,
    y: Any,
    X_test: Any,
    *,
    budget: ArrayLike,
    feasible_set: Any,
    suboptimality: float = 0.0,
) -> ReachCertificate:
    """Certify predictions of a linear classifier against any rows of the feasible sets that are added to clean rows.

    Parameters
    ----------
    estimator : LinearSVC, LogisticRegression or RidgeClassifier
        Fitted to ``X`` and ``y``; as in `clean_model_ball`.
    X : {array-like, sparse matrix} of shape (n_rows, n_features)
        Clean rows. They are made dense: 2 000 columns and 5 · 10⁷ entries at most.
    y : array-like of shape (n_rows,)
        Two classes.
    X_test : {array-like, sparse matrix} of shape (n_samples, n_features)
        Rows whose predictions are certified. Each costs a fit.
    budget : int or sequence of int
        Numbers of added rows. A radius is at most the largest of them; the bound is tightest at each, so that several,
        such as ``[1, 3, 10, 30]``, give larger radii.
    feasible_set : FeasibleSet or dict of label to FeasibleSet
        Where added rows may lie.
    suboptimality : float, default=0.0
        How far above its minimum the learner's objective may end, per clean row; see `optimality_gap`.

    Returns
    -------
    ReachCertificate

    Raises
    ------
    CertificateError
        If the learner is not known or its objective not strongly convex, or a sanitizer is passed in the place of sets.
    ValueError
        If arguments do not go together, or the rows are too many to be made dense.

    See Also
    --------
    certify_damage : The bound on the objective that this rests on.
    clean_model_ball : From rows that may be bad, without a feasible set.
    poison_needed : The rows that one target model costs.

    Notes
    -----
    Let Ψ be the learner's objective on the clean rows. Whatever m rows are added, the model that is learned has
    Ψ(θ) ≤ n · U(m), with the bound U of `certify_damage`, since losses of added rows are not negative. So a prediction
    is certified if every model that predicts otherwise has a larger Ψ. The smallest such Ψ is bounded from below by
    duality, for any pulls aᵢ of the rows towards their classes and ν ≥ 0:

        ``Ψ(θ) ≥ Σᵢ −ℓ*(−aᵢ) − |Σᵢ aᵢ yᵢ zᵢ − ν σ z|² / (2ρ)`` for all θ with σ ⟨θ, z⟩ ≤ 0.

    **Guarantee.** Threat: at most m rows, each in the feasible set of its label, are added to ``X``, all of whose rows
    stay. Unit: one row. If ``radius >= m``, the learner predicts ``prediction`` for that row of ``X_test``, after any
    such addition. Conditions: the rows of ``X`` are clean, labels are the two known ones, the learner ends within
    ``suboptimality`` of the minimum of its objective, and nothing before it learns from the rows. Rounding errors are
    counted. Whether the prediction is right is not said. Proof in ``docs/post_hoc.md``.

    References
    ----------
    .. [1] J. Steinhardt, P. W. Koh and P. Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.svm import LinearSVC
    >>> from robustfit.attacks import sphere_slab_sets
    >>> from robustfit.audit import certify_reach
    >>> X, y = make_blobs(400, centers=[[-2, 0], [2, 0]], random_state=0)
    >>> learner = LinearSVC(loss="hinge", C=0.1, max_iter=10_000).fit(X, y)
    >>> found = certify_reach(learner, X, y, [[-2, 0], [0.2, 0]], budget=[5, 20], feasible_set=sphere_slab_sets(X, y))
    >>> bool(found.radius[0] > found.radius[1])
    True
    """
    check_is_fitted(estimator)
    victim = read_penalised(estimator, "certify_reach")
    rows, signs = read_two_classes(estimator, X, y)
    test = check_array(X_test, accept_sparse="csr", dtype=np.float64)
    if test.shape[1] != rows.shape[1]:
        raise ValueError(f"X_test has {test.shape[1]} columns, but X has {rows.shape[1]}.")
    if rows.shape[1] > _MOST_COLUMNS or rows.shape[0] * rows.shape[1] > _MOST_ENTRIES:
        raise ValueError(
            f"X of shape {rows.shape} is made dense, which is done up to {_MOST_COLUMNS} columns and {_MOST_ENTRIES} "
            "entries. Select columns or rows first."
        )
    if isinstance(feasible_set, BaseSanitizer):
        raise CertificateError(
            "A sanitizer may drop clean rows, and then nothing keeps predictions that rest on them. Pass sets: its "
            "feasible_set_, if it only judges the added rows."
        )
    damage = certify_damage(estimator, rows, y, budget=budget, feasible_set=feasible_set, suboptimality=suboptimality)
    constant = intercept_column(victim)
    Z, targets = (_with_column(part, constant) for part in (rows, test))
    side = np.sign(estimator.decision_function(test))
    cost = np.array(
        [
            least_objective_across(victim.loss, Z, signs, victim.ridge, row, sign) if row.any() and sign else 0.0
            for row, sign in zip(targets, side, strict=True)
        ]
    )
    return ReachCertificate(
        prediction=estimator.classes_[(side > 0).astype(np.intp)],
        radius=_radius(damage, cost),
        cost=cost / len(signs) * (1 - 4 * _EPS),
        damage=damage,
        conditional_on=(*damage.conditional_on, PARAMETERS, "all clean rows are kept"),
    )


def _with_column(rows: Any, constant: float) -> Floats:
    dense = rows.toarray() if sp.issparse(rows) else rows
    return np.column_stack([dense, np.full(len(dense), constant)]) if constant else dense


def _radius(damage: DamageCertificate, cost: Floats) -> NDArray[np.int64]:
    """Largest budget up to the largest asked for at which the objective stays below the cost, by bisection."""
    scale = damage.n_rows * (1 + 8 * _EPS)
    radius = np.full(len(cost), -1, dtype=np.int64)
    for row, price in enumerate(cost.tolist()):
        low, high = -1, int(damage.budgets.max()) + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if damage.bound_at(middle) * scale < price else (low, middle)
        radius[row] = low
    return radius
