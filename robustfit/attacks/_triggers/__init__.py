"""Triggers of backdoors: what marks a row, so that a poisoned learner gives it the attacker's label."""

from robustfit.attacks._triggers._base import BaseTrigger, ResolvedTrigger
from robustfit.attacks._triggers._column_trigger import ColumnStamp, ColumnTrigger
from robustfit.attacks._triggers._out_of_range_trigger import OutOfRangeTrigger
from robustfit.attacks._triggers._patch_trigger import PatchTrigger
from robustfit.attacks._triggers._rare_category_trigger import RareCategoryTrigger
from robustfit.attacks._triggers._rare_value_trigger import RareValueTrigger
from robustfit.attacks._triggers._word_trigger import WordStamp, WordTrigger

__all__ = [
    "BaseTrigger",
    "ColumnStamp",
    "ColumnTrigger",
    "OutOfRangeTrigger",
    "PatchTrigger",
    "RareCategoryTrigger",
    "RareValueTrigger",
    "ResolvedTrigger",
    "WordStamp",
    "WordTrigger",
]
