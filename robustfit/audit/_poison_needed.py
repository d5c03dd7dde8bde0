"""The fewest rows that make a learner return a given model, by every bound that is known."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import Any

from robustfit.attacks import points_needed, poisonability


def poison_needed(
    estimator: Any,
    X: Any,
    y: Any,
    target_model: Any,
    *,
    feasible_set: Any = None,
    slack: float = 0.0,
    margin_tol: float = 0.0,
) -> float:
    """Bound from below the number of rows that must be added to clean rows to make a learner return a given model.

    Parameters
    ----------
    estimator : LinearSVC, linear SVC or LogisticRegression
        The learner; not changed.
    X : container of n_rows rows of numbers
        The clean rows.
    y : sequence of shape (n_rows,)
        Two classes.
    target_model : fitted linear estimator, or array-like of shape (n_features + 1,)
        The model (w, b). A positive score means the second class in sorted order.
    feasible_set : FeasibleSet or dict of label to FeasibleSet, default=None
        Where added rows may lie. None for anywhere.
    slack : float, default=0.0
        How far above its minimum the learner's sum may end; for `~robustfit.attacks.points_needed`. If it is positive,
        the bound without a feasible set, which holds at the minimum only, is left out.
    margin_tol : float, default=0.0
        How far from its computed value the margin of a clean row may be; for `~robustfit.attacks.poisonability`.

    Returns
    -------
    n_rows : float
        No fewer rows do it. 0 where nothing is proved, ``math.inf`` where it is proved that no number does.

    Raises
    ------
    ValueError
        If the learner, the labels or the model are not as above; or if nothing can be said, with ``slack`` and no set.

    See Also
    --------
    robustfit.attacks.points_needed : Rows of a feasible set, by comparison with other models.
    robustfit.attacks.poisonability : Rows anywhere, by the gradient at the target.
    robustfit.attacks.ModelTargetedAttack : Looks for the rows.

    Notes
    -----
    Neither bound is always larger, and rows of a feasible set are rows, so the larger of both holds.

    **Guarantee.** Threat: rows added to exactly the clean rows given, in the feasible set of their label if there is
    one. Unit: one row, repetitions counted. Fewer rows than that do not make ``target_model`` minimise the learner's
    sum, to within ``slack``. It takes clean rows: of rows that may be bad nothing follows. Nothing is said of other
    models, however similar; in particular not that a prediction cannot be changed. Rounding errors are counted. Proofs
    in ``docs/attack_bounds.md``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from robustfit.audit import poison_needed
    >>> from robustfit.certify import Box
    >>> X, y = np.linspace(-1, 1, 20).reshape(-1, 1), np.repeat([0, 1], 10)
    >>> poison_needed(LogisticRegression(), X, y, [-1.0, 0.0])
    29
    >>> poison_needed(LogisticRegression(), X, y, [-1.0, 0.0], feasible_set=Box([-1.0], [1.0]))
    30
    """
    bounds: list[float] = []
    if slack == 0:
        bounds.append(poisonability(estimator, X, y, target_model, margin_tol=margin_tol).n_points)
    if feasible_set is not None:
        bounds.append(points_needed(estimator, X, y, target_model, feasible_set=feasible_set, slack=slack))
    if not bounds:
        raise ValueError(
            f"With slack={slack!r} the bound takes a feasible_set: rows anywhere change a sum by any amount."
        )
    return max(bounds)
