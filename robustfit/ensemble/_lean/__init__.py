"""The lean engine: solvers that fit thousands of small members, and ask all of them in one pass."""

from robustfit.ensemble._lean._choose import lean_family
from robustfit.ensemble._lean._family import LeanFamily, LeanMembers, State, Unsolved

__all__ = ["LeanFamily", "LeanMembers", "State", "Unsolved", "lean_family"]
