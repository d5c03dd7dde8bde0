"""What an attack needs to spend its budget where votes are closest: votes to turn, rows for a shard, trial refits."""

from robustfit.attacks._guided._campaign import Campaign, fit_quietly, shards_of
from robustfit.attacks._guided._spending import Spending

__all__ = ["Campaign", "Spending", "fit_quietly", "shards_of"]
