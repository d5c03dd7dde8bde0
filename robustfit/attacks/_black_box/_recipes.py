"""Recipes: a few numbers that say where poison goes, and the poison that they make of a training set."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass
from typing import Any

import numpy as np

from robustfit.attacks._black_box._landscape import Landscape
from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Floats, Rows, take_rows
from robustfit.attacks._poisoned import Poisoned

MOVES = ("stay", "gather", "corner", "opposite")
"""Where inserted rows are moved to: nowhere, to the centre, to the ends of the columns that lie away from the rows of
the new label, to the other ends."""


@dataclass(frozen=True)
class Block:
    """Part of the poison: rows of one place under one label.

    Attributes
    ----------
    center : int
        Position of the centre in the landscape.
    order : str
        How rows are ranked, one of ``ORDERS``.
    source : int
        Own label of the rows to take; −1 for all.
    label : int
        Label of the poison; −1 for that of each row's nearest rival, −2 for a random wrong one.
    density : float
        Poison rows per clean row of the place. Below 1, rows in between are left alone.
    move : str
        One of `MOVES`.
    step : float
        How far, from 0 to 1.
    share : float
        Of the budget, relative to the other blocks.
    """

    center: int = 0
    order: str = "scatter"
    source: int = -1
    label: int = -2
    density: float = 1.0
    move: str = "stay"
    step: float = 0.0
    share: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """Blocks that share a budget, all flipped or all inserted.

    Attributes
    ----------
    action : {"flip", "insert"}
    blocks : tuple of Block
    """

    action: str
    blocks: tuple[Block, ...]


def apply_recipe(
    recipe: Recipe,
    landscape: Landscape,
    clean: CleanSet,
    rows: Rows,
    budget: int,
    details: dict[str, Any] | None = None,
) -> Poisoned:
    """Poison some rows of the training set.

    Parameters
    ----------
    recipe : Recipe
    landscape : Landscape
        Of the whole training set.
    clean : CleanSet
        Of the given rows only.
    rows : ndarray of shape (n_clean,), int64
        Positions of these rows in the whole set.
    budget : int
    details : dict, optional
    """
    position = np.full(len(landscape.own), -1, dtype=np.int64)
    position[rows] = np.arange(len(rows))
    sizes = _apportion([block.share for block in recipe.blocks], budget)
    free = position >= 0
    parts = []
    for block, size in zip(recipe.blocks, sizes, strict=True):
        taken = _choose(block, landscape, free, size, recipe.action)
        if recipe.action == "flip":
            free[taken] = False
        parts.append((taken, _labels(block, landscape, taken), _moved(block, landscape, taken)))
    if recipe.action == "flip":
        parts.append(_remainder(landscape, free, budget - sum(len(taken) for taken, _, _ in parts)))
    taken = np.concatenate([part[0] for part in parts])
    labels = landscape.labels[np.concatenate([part[1] for part in parts])]
    if recipe.action == "flip":
        return clean.relabel(position[taken], labels, details)
    if all(moved is None for _, _, moved in parts):
        return clean.append(take_rows(clean.X, position[taken]), labels, position[taken], details)
    assert landscape.numbers is not None  # only rows of numbers are moved
    numbers = [landscape.numbers[rows] if moved is None else moved for rows, _, moved in parts]
    return clean.add(np.concatenate(numbers), labels, position[taken], details)


def _apportion(shares: list[float], budget: int) -> Rows:
    ends = np.rint(np.cumsum(shares) / np.sum(shares) * budget).astype(np.int64)
    sizes: Rows = np.diff(ends, prepend=0)
    return sizes


def _choose(block: Block, landscape: Landscape, free: Any, size: int, action: str) -> Rows:
    """Return the rows that a block copies, repeats allowed, or flips, as many as there are."""
    ranked = landscape.ranking(block.center, block.order, block.source, block.label)
    ranked = ranked[free[ranked]]
    if len(ranked) == 0:
        # The place is empty here; a block must do something.
        ranked = np.flatnonzero(free & (landscape.own != block.label))
    if action == "flip":
        spaced = np.arange(len(ranked))[: int(np.ceil(size / min(block.density, 1.0)))]
        return ranked[spaced[np.linspace(0, len(spaced) - 1, min(size, len(spaced))).astype(np.int64)]]
    place = ranked[: max(1, int(np.ceil(size / block.density)))]
    if len(place) >= size:
        return place[np.linspace(0, len(place) - 1, size).astype(np.int64)]
    return np.resize(place, size)


def _labels(block: Block, landscape: Landscape, taken: Rows) -> Rows:
    if block.label >= 0:
        return np.full(len(taken), block.label, dtype=np.int64)
    wrong: Rows = (landscape.rival if block.label == -1 else landscape.wrong)[taken]
    return wrong


def _moved(block: Block, landscape: Landscape, taken: Rows) -> Floats | None:
    if block.move == "stay" or landscape.numbers is None:
        return None
    rows = landscape.numbers[taken]
    return rows + block.step * (_destination(block, landscape, taken) - rows)


def _destination(block: Block, landscape: Landscape, taken: Rows) -> Floats:
    assert landscape.numbers is not None
    assert landscape.center_numbers is not None
    assert landscape.label_means is not None
    center = landscape.center_numbers[block.center]
    if block.move == "gather":
        return center
    away = center - landscape.label_means[_labels(block, landscape, taken)]
    outwards = away if block.move == "corner" else -away
    return np.where(outwards > 0, landscape.numbers.max(axis=0), landscape.numbers.min(axis=0))


def _remainder(landscape: Landscape, free: Any, size: int) -> tuple[Rows, Rows, None]:
    """Flip some more rows anywhere, if blocks found too few."""
    ranked = landscape.ranking(0, "scatter", -1, -1)
    taken = ranked[free[ranked]][:size]
    return taken, landscape.wrong[taken], None
