"""Rows in, shards out: canonical bytes, a stable hash, shard plans and schemas. No estimators."""

from robustfit.partition._cells import missing_cells
from robustfit.partition._hash import HASH_VERSION
from robustfit.partition._rows import Rows, as_rows, cells, narrow_indices
from robustfit.partition._schema import Schema, SchemaError
from robustfit.partition._shard_plan import ShardPlan

__all__ = [
    "HASH_VERSION",
    "Rows",
    "Schema",
    "SchemaError",
    "ShardPlan",
    "as_rows",
    "cells",
    "missing_cells",
    "narrow_indices",
]
