"""What an attack needs to learn from a defence: what it kept, how much harm it let through, and poison to mix anew."""

from robustfit.attacks._iterative._search import Search
from robustfit.attacks._iterative._trial import Trial

__all__ = ["Search", "Trial"]
