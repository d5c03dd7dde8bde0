"""A bound on a learner's objective after any attack with feasible rows, and the attack that comes nearest."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np

from robustfit.certify._damage._game import Floats, Game, row_lengths
from robustfit.certify._damage._minimize import Parts, Search, inside, minimize
from robustfit.certify._damage._replies import by_bound, by_rows
from robustfit.certify._damage._sound import round_up, sound_parts


class Damage(NamedTuple):
    """What a number of added rows can do, as sums over the clean rows.

    Attributes
    ----------
    budget : int
        Number of added rows.
    parts : Parts
        The model of the bound, and upper bounds on its clean losses, on the loss of an added row and on its penalty.
    bound : float
        The learner's objective is not larger after any attack with at most ``budget`` rows of the sets.
    attained : float
        The objective that the attack forces on the learner, to rounding.
    rows : ndarray of shape (n_attack, n_features)
    targets : ndarray of shape (n_attack, k)
    weights : ndarray of shape (n_attack,)
        How often each row is added: not whole numbers; they add up to the budget.
    """

    budget: int
    parts: Parts
    bound: float
    attained: float
    rows: Floats
    targets: Floats
    weights: Floats


def bound_damage(game: Game, budgets: Sequence[int], *, tol: float = 2e-3, max_iter: int = 500) -> list[Damage]:
    """Bound a linear learner's objective, whatever rows of the feasible sets are added.

    Parameters
    ----------
    game : Game
        Without weights.
    budgets : sequence of int
        Numbers of added rows.
    tol : float, default=2e-3
        Stop where bound and attack are this near, as a share of the bound.
    max_iter : int, default=500
        Models that are looked at, at most, for each budget.

    Returns
    -------
    damages : list of Damage

    Notes
    -----
    **Guarantee.** Threat: at most m rows of the sets are added to the clean ones, and any of the clean rows may be left
    out; one unit is one row. The minimum of the learner's objective is then at most ``bound``, in exact arithmetic:
    ``bound`` is Σᵢ ℓ(θ; xᵢ, yᵢ) + m · max over y and x ∈ F_y of ℓ(θ; x, y) + R(θ) at one model θ, rounding errors
    added. How θ was found does not matter. See ``docs/damage.md``, 1 and 6.
    """
    lengths = row_lengths(game.X)
    nobody = minimize(Search(replace(game, sets=()), lambda _: []), 0, tol, max_iter)
    searches = [Search(game, partial(by_bound, game))]
    if not game.learner.loss.exact:
        # The bound's tangents belong to no row, so rows have to be looked for.
        searches.append(Search(game, partial(by_rows, game)))
    for search in searches:
        search.visit(nobody[0].theta)
    forced = {}
    known: list[Parts] = []
    for budget in sorted(set(budgets)):
        results = [minimize(search, budget, tol, max_iter) if budget else nobody for search in searches]
        known.append(sound_parts(game, inside(results[0][0].theta, game.learner.norm), lengths))
        forced[budget] = results[-1][1], _attack(searches[-1], budget)
    damages = {}
    for budget, (attained, attack) in forced.items():
        # Of all models, also those of larger budgets: where a search fails, fewer rows could seem to do more damage.
        best = min(known, key=lambda parts: parts.total(budget))
        bound = round_up(best.total(budget))
        damages[budget] = Damage(budget, best, bound, min(attained, bound), *attack)
    return [damages[budget] for budget in budgets]


def _attack(search: Search, budget: int) -> tuple[Floats, Floats, Floats]:
    chosen = search.bundle.attack() if budget else []
    rows = np.array([row for row, _, _ in chosen]).reshape(-1, search.game.shape[0] - 1)
    targets = np.array([target for _, target, _ in chosen]).reshape(-1, search.game.Y.shape[1])
    return rows, targets, budget * np.array([share for _, _, share in chosen])
