"""What is known about every attack: kind, price, prerequisites, sources, and what answers it."""

from robustfit.attacks._catalog._catalog import Catalog, catalog
from robustfit.attacks._catalog._entry import AttackEntry

__all__ = ["AttackEntry", "Catalog", "catalog"]
