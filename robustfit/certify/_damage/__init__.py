"""The damage of rows that a filter lets through: a bound that no attack exceeds, and an attack that comes near.

The bound is derived in ``docs/damage.md``.
"""

from robustfit.certify._damage._bound_damage import Damage, bound_damage
from robustfit.certify._damage._coupled_losses import CrammerSinger, Multinomial
from robustfit.certify._damage._game import Game, LinearLearner
from robustfit.certify._damage._optimality import objective_range
from robustfit.certify._damage._row_losses import Margins, RowLoss, Squares

__all__ = [
    "CrammerSinger",
    "Damage",
    "Game",
    "LinearLearner",
    "Margins",
    "Multinomial",
    "RowLoss",
    "Squares",
    "bound_damage",
    "objective_range",
]
