"""What attacks on linear learners share: the sum that a learner minimises, and the sets that rows must stay in."""

from robustfit.attacks._linear._class_sets import draw_inside, resolve_sets, sphere_slab_sets
from robustfit.attacks._linear._victim import LinearVictim, read_victim, scores

__all__ = ["LinearVictim", "draw_inside", "read_victim", "resolve_sets", "scores", "sphere_slab_sets"]
