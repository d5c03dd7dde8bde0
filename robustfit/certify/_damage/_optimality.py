"""How far a model is from the minimum of a learner's objective on given rows."""

# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

from robustfit.certify._damage._game import Floats, Game, row_lengths
from robustfit.certify._damage._minimize import Search, minimize
from robustfit.certify._damage._sound import round_up, sound_parts


class Range(NamedTuple):
    """Ends of what is known of an objective.

    Attributes
    ----------
    lowest : float
        No model has a smaller objective, rounding errors counted.
    here : float
        The model's objective is at most that.
    """

    lowest: float
    here: float


def objective_range(game: Game, theta: Floats, *, tol: float = 1e-6, max_iter: int = 2000) -> Range:
    """Return the objective of a model, and a number that no model's is below.

    Parameters
    ----------
    game : Game
        Without sets.
    theta : ndarray of shape (n_features + 1, n_outputs)
    tol : float, default=1e-6
        Stop where the number is known this well, as a share of the objective.
    max_iter : int, default=2000
    """
    search = Search(game, lambda _: [])
    search.visit(theta)
    _, lowest = minimize(search, 0.0, tol, max_iter)
    here = sound_parts(game, theta, row_lengths(game.X)).total(0.0)
    return Range(lowest, round_up(here))
