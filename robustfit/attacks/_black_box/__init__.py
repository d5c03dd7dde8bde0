"""What a black-box attacker searches through: few numbers that say where much poison goes."""

from robustfit.attacks._black_box._landscape import Landscape
from robustfit.attacks._black_box._recipes import Recipe, apply_recipe
from robustfit.attacks._black_box._search import evolve
from robustfit.attacks._black_box._trials import Trials

__all__ = ["Landscape", "Recipe", "Trials", "apply_recipe", "evolve"]
