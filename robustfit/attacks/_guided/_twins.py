"""Rows next to a given one that fall into chosen shards: changed by rounding errors until the hash agrees."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._containers import Rows, append_rows, as_narwhals, is_frame, is_sparse, n_rows, take_rows

_STEPS = (1e-12, 1e-9, 1e-6, 1e-3)
"""Relative sizes of the changes that are tried, smallest first; whole numbers change by one more each time."""

_ROUNDS_PER_STEP = 3
_ROWS_PER_SHARD = 4
_MOST_CELLS = 4_000_000


def rows_in_shards(
    row: Any, wanted: Rows, n_shards: int, shards_of: Callable[[Any], NDArray[np.int64]], rng: np.random.Generator
) -> tuple[Any, dict[int, int]]:
    """Find a row next to a given one in each of some shards.

    Parameters
    ----------
    row : container of one row
    wanted : ndarray of int
        Shards.
    n_shards : int
        Number of all shards.
    shards_of : callable
        Returns the shard of each row of a container.
    rng : numpy Generator

    Returns
    -------
    rows : container
    place : dict of int to int
        Position among the rows, by shard. A shard is missing if no row next to the given one falls into it, as
        happens where a row has few columns of whole numbers.
    """
    missing = set(wanted.tolist())
    place: dict[int, int] = {}
    found = take_rows(row, np.zeros(0, dtype=np.int64))
    batch = int(np.clip(_ROWS_PER_SHARD * n_shards, 64, max(64, _MOST_CELLS // _width(row))))
    for step in np.repeat(np.arange(len(_STEPS)), _ROUNDS_PER_STEP).tolist():
        if not missing:
            break
        candidates = twins(row, batch, step, rng)
        shards, first = np.unique(shards_of(candidates), return_index=True)
        new = {s: i for s, i in zip(shards.tolist(), first.tolist(), strict=True) if s in missing}
        place |= {shard: n_rows(found) + k for k, shard in enumerate(new)}
        found = append_rows(found, take_rows(candidates, np.array(list(new.values()), dtype=np.int64)))
        missing -= set(new)
    return found, place


def twins(row: Any, n: int, step: int, rng: np.random.Generator) -> Any:
    """Return a row and ``n − 1`` near-copies of it.

    Floating-point entries other than zero change by a relative error, whose size grows with ``step``. A row that has
    none changes one whole number (a boolean counts as one). Texts get blanks at the end.

    Raises
    ------
    ValueError
        If there is nothing that can change a little.
    """
    block = take_rows(row, np.zeros(n, dtype=np.int64))
    if isinstance(block, list | tuple):
        return type(block)(text + _blanks(step * n + i) for i, text in enumerate(block))
    if is_frame(block):
        return _frame_twins(block, step, rng)
    if is_sparse(block):
        near = block.tocsr()
        if near.nnz == 0:
            return block
        near.data = nudge(near.data.reshape(n, -1), step, rng).ravel()
        return near.asformat(block.format)
    return nudge(block, step, rng)


def nudge(values: NDArray[Any], step: int, rng: np.random.Generator) -> NDArray[Any]:
    """Change all rows of an array but the first by as little as possible."""
    if values.dtype.kind != "f":
        return _nudge_whole(values, step, rng)
    exact = values.astype(np.float64)
    noise = _STEPS[step] * rng.standard_normal(exact.shape)
    noise[0] = 0.0
    # A row of zeros has no scale of its own.
    scale = exact if exact.any() else np.ones_like(exact)
    most = np.finfo(values.dtype).max
    with np.errstate(over="ignore"):
        moved = np.clip(exact + scale * noise, -most, most)
    return np.where(np.isfinite(exact), moved, exact).astype(values.dtype)


def _nudge_whole(values: NDArray[Any], step: int, rng: np.random.Generator) -> NDArray[Any]:
    ends = (0, 1) if values.dtype.kind == "b" else (np.iinfo(values.dtype).min, np.iinfo(values.dtype).max)
    return _change_one(values.astype(object), [ends] * values.shape[1], step, rng).astype(values.dtype)


def _change_one(values: NDArray[Any], ends: list[tuple[int, int]], step: int, rng: np.random.Generator) -> NDArray[Any]:
    """Change one of the whole numbers of each row but the first, within what its column holds."""
    rows = np.arange(len(values))
    column = rng.integers(values.shape[1], size=len(values))
    change = rng.choice([-1, 1], size=len(values)) * rng.integers(1, step + 2, size=len(values))
    change[0] = 0
    low, high = np.array(ends, dtype=object)[column].T
    moved = values.copy()
    # Python's integers do not wrap around.
    moved[rows, column] = np.clip(moved[rows, column] + change, low, high)
    return moved


def _frame_twins(block: Any, step: int, rng: np.random.Generator) -> Any:
    frame = as_narwhals(block)
    full = {name: dtype for name, dtype in frame.schema.items() if frame.get_column(name).null_count() == 0}
    values = {name: frame.get_column(name).to_numpy() for name, dtype in full.items() if dtype.is_float()}
    if values:
        changed = {name: nudge(column.reshape(-1, 1), step, rng).ravel() for name, column in values.items()}
    else:
        names = [name for name, dtype in full.items() if dtype.is_integer() or dtype == nw.Boolean]
        changed = _change_whole_columns({name: frame.get_column(name).to_numpy() for name in names}, step, rng)
    for name, column in changed.items():
        series = nw.new_series(name, column, backend=frame.implementation).cast(frame.schema[name])
        frame = frame.with_columns(series)
    return frame.to_native()


def _change_whole_columns(columns: dict[str, Any], step: int, rng: np.random.Generator) -> dict[str, Any]:
    if not columns:
        raise ValueError(
            "The target has no column of numbers that can change a little, so no row next to it can be led into a "
            "chosen shard. Encode X first, or use threat='label_flip'."
        )
    dtypes = [values.dtype for values in columns.values()]
    ends = [(0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max) for dtype in dtypes]
    table = np.array([values.astype(object) for values in columns.values()], dtype=object).T
    moved = _change_one(table, ends, step, rng)
    return {name: moved[:, j].astype(dtype) for j, (name, dtype) in enumerate(zip(columns, dtypes, strict=True))}


def _blanks(number: int) -> str:
    """Return blanks that spell a number, 0 none at all."""
    return format(number, "b").translate({48: " ", 49: "\t"}) if number else ""


def _width(row: Any) -> int:
    return 1 if isinstance(row, list | tuple) else max(1, int(row.shape[1]))
