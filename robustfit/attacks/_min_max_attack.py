"""Rows that a linear learner does worst on, whatever it learns from them."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from robustfit.attacks._base_attack import BaseAttack, Chance
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._labels import Labels
from robustfit.attacks._linear import LinearVictim, draw_inside, resolve_sets
from robustfit.attacks._linear._decoys import check_quantile, decoy_sets, error_rate, innocent_margins, train_decoys
from robustfit.attacks._linear._default_learner import seeded_learner
from robustfit.attacks._linear._min_max import Descent, descend, spread
from robustfit.attacks._linear._points_needed import read_classifier, read_model
from robustfit.attacks._linear._victim import Floats
from robustfit.attacks._poisoned import Poisoned
from robustfit.certify import FeasibleSet

_OFFSETS = (0.5, 0.2, 0.8)
"""Ways to round the weights of the rows to whole numbers that are tried."""

_MOST_DECOYS = 3


class MinMaxAttack(BaseAttack):
    """Insert the feasible rows that make the training loss of a linear classifier as large as can be.

    The learner and the attacker play a game: the learner steps to a better model, the attacker answers with the row of
    a feasible set that this model does worst on. The rows that hold the learner where it cannot do better are the
    attack; of several ways to round their weights, the one whose model errs most on the clean rows is kept. One unit
    of the budget is one row, appended after the clean ones; the budget may exceed their number.

    Parameters
    ----------
    estimator : estimator, default=None
        The learner: ``LinearSVC``, ``SVC(kernel="linear")`` or ``LogisticRegression`` for two classes, without class
        weights and not inside a pipeline. By default ``LinearSVC(loss="hinge")`` with C = 1 / (0.01 n_rows). A
        ``random_state`` that it leaves open is derived from that of `generate`.
    feasible_set : FeasibleSet or dict of label to FeasibleSet, default=None
        Where the rows of each class may lie. By default `sphere_slab_sets` of the clean rows, which hold nine tenths
        of each class.
    decoy : {"auto"}, array-like of shape (n_features + 1,) or fitted linear estimator, default=None
        A model (w, b) under which the rows have a small loss, so that a defence that was misled looks kindly at them.
        ``"auto"`` tries some that are trained as for `KKTAttack`. By default there is no such constraint.
    loss_quantile : float, default=0.9
        With a decoy: no row's loss under it is larger than this quantile of the clean rows' of its class.
    n_steps : int, default=600
        Models that the learner tries, at most. More bring the bound nearer to the attack.

    See Also
    --------
    KKTAttack : Aims at a model with a large error instead of a large loss.
    ModelTargetedAttack : Aims at a model that is given.
    robustfit.attacks.sphere_slab_sets : The default feasible set.

    Notes
    -----
    For n clean rows, a budget of m rows, feasible sets F_y, a loss ℓ that falls with the margin and a penalty R,

        U(θ) = Σᵢ ℓ(θ; xᵢ, yᵢ) + m · max over y and x ∈ F_y of ℓ(θ; x, y) + R(θ)

    is at least the learner's objective after any attack with m feasible rows, at every θ. It is minimised by tangents,
    as in `robustfit.audit.certify_damage`; the weights of the worst rows' tangents are those of the rows. The penalty
    is that of the learner itself, not one per row. The largest loss is that of the farthest row against the weights,
    ``maximize(−y w)``. `decoy` cuts the sets.

    The rows are optimised together: a larger budget starts anew. Errors are measured on all clean rows, which the rows
    are not fitted to one by one.

    ``Poisoned.details``: ``"bound"``, the smallest U seen over n, rounding errors included, below which the mean clean
    loss stays after any attack with as many rows of the sets; ``"attained"``, the learner's objective on the poisoned
    rows over n, at most that if the learner converges; ``"theta"``, the model (w, b) that it learns from them;
    ``"saddle"``, the θ of the bound; ``"error"``, the share of clean rows that ``"theta"`` gets wrong; ``"decoy"``, the
    decoy used, or None. With a decoy the bound is one for the cut sets.

    References
    ----------
    .. [1] J. Steinhardt, P. W. Koh and P. Liang, "Certified Defenses for Data Poisoning Attacks", NeurIPS 2017.
       Algorithm 1.
    .. [2] P. W. Koh, J. Steinhardt and P. Liang, "Stronger Data Poisoning Attacks Break Data Sanitization Defenses",
       Machine Learning 111, 2022. Adds the constraint on the loss under a decoy.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from robustfit.attacks import MinMaxAttack, sphere_slab_sets
    >>> X, y = make_blobs(200, centers=2, n_features=2, random_state=0)
    >>> poisoned = MinMaxAttack(n_steps=100).generate(X, y, budget=20)
    >>> poisoned
    Poisoned(220 rows, 20 poison, 0 removed)
    >>> kept = sphere_slab_sets(X, y)
    >>> all(kept[label].contains([row])[0] for row, label in zip(poisoned.X[-20:], poisoned.y[-20:]))
    True
    >>> poisoned.details["attained"] < 1.01 * poisoned.details["bound"]
    True
    """

    def __init__(
        self,
        estimator: Any = None,
        *,
        feasible_set: Any = None,
        decoy: Any = None,
        loss_quantile: float = 0.9,
        n_steps: int = 600,
    ) -> None:
        self.estimator = estimator
        self.feasible_set = feasible_set
        self.decoy = decoy
        self.loss_quantile = loss_quantile
        self.n_steps = n_steps

    def _poison(self, clean: CleanSet, budget: int, chance: Chance) -> Poisoned:
        name = type(self).__name__
        check_quantile(self.loss_quantile)
        _check_steps(self.n_steps)
        victim = read_classifier(seeded_learner(self.estimator, len(clean), chance.choices), name)
        classes, y = clean.signs(name)
        X = clean.numbers()
        sets = resolve_sets(self.feasible_set, X, clean.labels, classes)
        best: tuple[float, Floats, Floats, dict[str, Any]] | None = None
        for decoy, allowed in self._games(victim, X, y, sets, budget, classes, chance.rows):
            descent = descend(victim, X, y, allowed, budget, self.n_steps)
            for rows, signs in _attacks(descent, allowed, budget, X, y):
                everything, labels = np.concatenate([X, rows]), np.append(y, signs)
                theta = victim.fit(everything, labels)
                error = error_rate(theta, X, y)
                if best is None or error > best[0]:
                    details = {
                        "bound": descent.bound / len(y),
                        "attained": victim.objective(theta, everything, labels) / len(y),
                        "theta": theta,
                        "saddle": descent.theta,
                        "error": error,
                        "decoy": decoy,
                    }
                    best = error, rows, signs, details
        if best is None:
            raise ValueError(
                f"{name} found no row of the feasible sets whose loss under the decoy is small enough. Raise "
                "loss_quantile, give another decoy, or larger sets."
            )
        _, rows, signs, details = best
        sources = chance.rows.integers(len(clean), size=budget)
        return clean.add(rows, classes[(signs > 0).astype(np.int64)], sources, details)

    def _games(
        self,
        victim: LinearVictim,
        X: Floats,
        y: Floats,
        sets: Sequence[FeasibleSet],
        budget: int,
        classes: Labels,
        rng: np.random.Generator,
    ) -> list[tuple[Floats | None, Sequence[FeasibleSet | None]]]:
        """Return the decoys to try, and the sets that they leave."""
        if self.decoy is None:
            return [(None, sets)]
        if isinstance(self.decoy, str):
            if self.decoy != "auto":
                raise ValueError(
                    f"decoy must be 'auto', a model (w, b), a fitted linear estimator or None, got {self.decoy!r}."
                )
            front = train_decoys(victim, X, y, sets, budget, rng)
            chosen = np.unique(np.linspace(0, len(front) - 1, _MOST_DECOYS).astype(np.int64))
            decoys = [front[index].theta for index in chosen.tolist()]
        else:
            decoys = [read_model(self.decoy, victim, X.shape[1], classes, "decoy")]
        games: list[tuple[Floats | None, Sequence[FeasibleSet | None]]] = []
        for theta in decoys:
            lowest = innocent_margins(theta, X, y, self.loss_quantile)
            allowed = decoy_sets(sets, theta, lowest_margins=lowest)
            if any(feasible is not None for feasible in allowed):
                games.append((theta, allowed))
        return games


def _attacks(
    descent: Descent, sets: Sequence[FeasibleSet | None], budget: int, X: Floats, y: Floats
) -> list[tuple[Floats, Floats]]:
    """Return the rows and signs of the attacks to try, rounding errors out of the sets undone."""
    attacks = []
    for offset in _OFFSETS:
        rows, signs = spread(descent, budget, offset)
        for sign, feasible in zip((-1.0, 1.0), sets, strict=True):
            own = signs == sign
            if feasible is not None and own.any():
                rows[own] = draw_inside(feasible, rows[own], X[y == sign].mean(axis=0))
        attacks.append((rows, signs))
    return attacks


def _check_steps(n_steps: Any) -> None:
    if isinstance(n_steps, bool) or not isinstance(n_steps, Integral) or n_steps < 1:
        raise ValueError(f"n_steps must be a positive whole number, got {n_steps!r}.")
