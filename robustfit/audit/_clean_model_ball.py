"""The ball around a fitted estimator that holds the model of the clean rows."""

# SPDX-License-Identifier: BSD-3-Clause

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from robustfit.attacks._linear._victim import LinearVictim, scores
from robustfit.audit._certify_damage import optimality_gap
from robustfit.audit._penalised_learner import PARAMETERS, intercept_column, read_penalised, read_two_classes
from robustfit.certify import WeightBall, weight_ball
from robustfit.losses import HINGE

Floats = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_LABELS = "every clean row that is gone has one of the two labels that are observed"
_RETRAINED = "a learner that reaches the minimum on the clean rows"
_NEARBY = "a learner that ends within {:g} of the minimum on the clean rows"
_BOUNDED = "no clean row that is gone is longer than {:g}"


def clean_model_ball(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    threat: str = "insert",
    row_norm: float | None = None,
    retrained_distance: float = 0.0,
) -> WeightBall:
    """Bound how far a fitted linear classifier is from what it would have learned of the clean rows.

    Parameters
    ----------
    estimator : LinearSVC, LogisticRegression or RidgeClassifier
        Fitted to ``X`` and ``y``, two classes, without weights. Its intercept has to be penalised, or absent: pass
        ``LinearSVC``, ``LogisticRegression(solver="liblinear")``, or ``fit_intercept=False`` to the others.
    X : {array-like, sparse matrix} of shape (n_rows, n_features)
        The observed rows, some of them bad, as the estimator was given them.
    y : array-like of shape (n_rows,)
    threat : {"insert", "modify", "delete", "insert_delete"}, default="insert"
        As in `~robustfit.certify.clean_loss_bound`.
    row_norm : float, default=None
        No clean row that is gone is longer; as the ``reach`` of the feasible set that rows have to pass. Needed unless
        rows are only inserted.
    retrained_distance : float, default=0.0
        How far from the minimum the learner may stop on the clean rows: at most |gradient| / ρ, or √(2 gap / ρ) by the
        gap of its objective, where ρ is the penalty, 1/C or ``alpha``.

    Returns
    -------
    WeightBall

    Raises
    ------
    CertificateError
        If the learner is not known, not penalised, or has more than two classes; or if ``row_norm`` is missing.
    ValueError
        If rows, labels and estimator do not go together.

    See Also
    --------
    robustfit.certify.weight_ball : The same for any penalised linear model, from arrays.
    certify_damage : What rows of a feasible set can do to a clean training set.

    Notes
    -----
    How near the estimator is to its minimum is measured: by its gradient, or for the hinge by
    `optimality_gap`. Fit with a small ``tol``.

    **Guarantee.** Threat: at most m units of ``threat`` among the observed rows, chosen with full knowledge of
    everything. Unit: one row. Then what the estimator would have learned of the clean rows, those that would be there
    without the attacker, is within ``radius(m)`` of what it learned, and it would have predicted the same for each row
    with ``certify(X) >= m``. Nothing is claimed of so many units that a class may be bad as a whole. Conditions: the
    learner's parameters were not chosen by these rows, and it reaches the minimum on the clean rows, up to
    ``retrained_distance``. Unless rows are only inserted, clean rows that are gone had no third label: of three classes
    the learner would have made another model. Features have to be computed row by row: a scaler fitted to the observed
    rows makes the clean rows depend on the bad ones. Whether predictions are right is not said. Proof in
    ``docs/post_hoc.md``.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from sklearn.svm import LinearSVC
    >>> from robustfit.audit import clean_model_ball
    >>> X, y = make_blobs(400, centers=[[-2, 0], [2, 0]], random_state=0)
    >>> learner = LinearSVC(C=0.01, tol=1e-8).fit(X, y)
    >>> ball = clean_model_ball(learner, X, y)
    >>> bool(ball.radius(0) < 1e-6 < ball.radius(5))
    True
    >>> bool((ball.certify([[-3, 0], [3, 0]]) >= 10).all())
    True
    """
    check_is_fitted(estimator)
    victim = read_penalised(estimator, "clean_model_ball")
    rows, signs = read_two_classes(estimator, X, y)
    theta = np.append(np.ravel(estimator.coef_), np.ravel(estimator.intercept_)[:1]).astype(np.float64)
    constant = intercept_column(victim)
    lengths = np.sqrt(
        np.asarray(abs(rows).power(2).sum(axis=1) if sp.issparse(rows) else (rows**2).sum(axis=1)).ravel()
    )
    noise = (2 * len(theta) + 32) * _EPS * (lengths * np.linalg.norm(theta[:-1]) + abs(theta[-1]))
    score = scores(rows, theta)
    if victim.loss is HINGE:
        distance = float(np.sqrt(2 * optimality_gap(estimator, rows, y, n_clean=1) / victim.ridge))
        # At the minimum, rows beyond the kink do not pull, and the others do by at most 1.
        near = signs * score - noise - (1 + 1e-9) * distance * np.hypot(lengths, constant) <= 1
        pull, error = signs * near, np.zeros(len(signs))
    else:
        distance = None
        slope = victim.loss.slope
        # Slopes of convex losses rise with the score.
        pull = -slope(signs, score)
        error = np.maximum(-slope(signs, score - noise) - pull, pull + slope(signs, score + noise))
        error = np.maximum(error, 0.0) + 64 * _EPS * np.abs(pull)
    outside = None if row_norm is None else _outside(victim, theta, constant, row_norm)
    bounded = () if outside is None or threat == "insert" else (_BOUNDED.format(row_norm),)
    # With all rows of a class gone the learner has another rule, or none. Rows that were removed bring none back.
    seldom = int(min((signs < 0).sum(), (signs > 0).sum()))
    ending = _NEARBY.format(retrained_distance) if retrained_distance else _RETRAINED
    return weight_ball(
        theta,
        rows,
        pull,
        ridge=victim.ridge,
        constant=constant,
        pull_error=error,
        distance=distance,
        retrained_distance=retrained_distance,
        outside=outside,
        limit=None if threat == "delete" else max(seldom - 1, 0),
        threat=threat,
        conditional_on=(PARAMETERS, ending, *bounded, *(() if threat == "insert" else (_LABELS,))),
    )


def _outside(victim: LinearVictim, theta: Floats, constant: float, row_norm: Any) -> float:
    """Bound how hard a row of bounded length can pull."""
    if isinstance(row_norm, bool) or not isinstance(row_norm, Real) or not 0 <= float(row_norm) < np.inf:
        raise ValueError(f"row_norm must be a non-negative number, got {row_norm!r}.")
    reach = np.hypot(float(row_norm), constant)
    size = np.linalg.norm(theta[:-1]) * float(row_norm) + abs(theta[-1])
    steepest = abs(float(victim.loss.slope(np.ones(1), np.array([-size * (1 + 1e-9)]))[0]))
    return float(steepest * reach) * (1 + 1e-9)
