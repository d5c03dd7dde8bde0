"""Evolutionary search among recipes, with races that spare most of them a second fit."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from robustfit.attacks._black_box._landscape import ORDERS, Landscape
from robustfit.attacks._black_box._recipes import MOVES, Block, Recipe
from robustfit.attacks._black_box._trials import Trials

EXPLORATION = 0.45
"""Share of the fits that go to recipes drawn at random before the best are changed."""

FINALS = 0.25
"""Share of the fits that go to a last round among the best, on folds that they were not chosen by."""

# Random poison, then what hurts many learners: rows deep inside or at the edge of their class.
_OPENINGS = (
    Block(),
    Block(order="deep", label=-1),
    Block(order="deep"),
    Block(order="edge", label=-1),
)
_PARENTS = 6
_MOST_BLOCKS = 4
_MOST_TARGETS = 20
_SLACK = 0.85


@dataclass
class Tried:
    """A recipe, and its harm on the folds that it was tried on."""

    recipe: Recipe
    harms: list[float]

    @property
    def mean(self) -> float:
        """Mean harm."""
        return float(np.mean(self.harms))


def evolve(
    trials: Trials, landscape: Landscape, actions: tuple[str, ...], n_fits: int, rng: np.random.Generator
) -> tuple[Tried, Tried]:
    """Search for a harmful recipe.

    Parameters
    ----------
    trials : Trials
    landscape : Landscape
    actions : tuple of {"flip", "insert"}
    n_fits : int
        At least one for each fold of a round.
    rng : numpy Generator

    Returns
    -------
    best : Tried
        The most harmful recipe of those that reached the last round.
    start : Tried
        The random one that the search starts from, tried on the same folds.
    """
    n_finalists = int(FINALS * n_fits) // trials.n_folds if trials.n_rounds > 1 else 0
    search = n_fits - n_finalists * trials.n_folds if n_finalists > 1 else n_fits
    openings = [Recipe(actions[0], (block,)) for block in _OPENINGS] + _openings_at_targets(landscape, actions)
    start = Tried(openings.pop(0), [])
    _race(start, -np.inf, trials, 0, search)
    tried = [start]
    while len(trials.history) < search:
        if openings:
            recipe = openings.pop(0)
        elif len(trials.history) < EXPLORATION * search:
            recipe = _draw(landscape, actions, rng)
        else:
            recipe = _child(tried, landscape, rng)
        tried.append(Tried(recipe, []))
        best = max(one.mean for one in tried if len(one.harms) == trials.n_folds)
        _race(tried[-1], best, trials, 0, search)
    finalists = sorted((one for one in tried if len(one.harms) == trials.n_folds), key=lambda one: -one.mean)
    if search < n_fits:
        finalists = [start, *(one for one in finalists if one is not start)][:n_finalists]
        for one in finalists:
            _race(one, -np.inf, trials, 1, n_fits)
    return max(finalists, key=lambda one: one.mean), start


def _race(one: Tried, best: float, trials: Trials, round_: int, n_fits: int) -> None:
    """Try a recipe on the folds of one round, for as long as it may still be the best."""
    for fold in range(trials.n_folds):
        if len(trials.history) >= n_fits:
            break
        one.harms.append(trials.harm(one.recipe, round_, fold))
        if one.mean < _SLACK * best:
            break


def _openings_at_targets(landscape: Landscape, actions: tuple[str, ...]) -> list[Recipe]:
    """Crowd around all targets at once: a search at random would have to hit the place and the label together."""
    targets = np.flatnonzero(landscape.center_labels < 0)[:_MOST_TARGETS].tolist()
    recipes = []
    for action in actions if targets else ():
        # Rows around a target, then halfway to it, then copies of it where there are numbers.
        for step in (0.0,) if action == "flip" or landscape.numbers is None else (0.0, 0.5, 1.0):
            move = "gather" if step else "stay"
            blocks = [Block(center, "ball", -1, landscape.rival_at(center), move=move, step=step) for center in targets]
            recipes.append(Recipe(action, tuple(blocks)))
    return recipes


def _draw(landscape: Landscape, actions: tuple[str, ...], rng: np.random.Generator) -> Recipe:
    action = actions[rng.integers(len(actions))]
    blocks = [_block(landscape, action, rng) for _ in range(1 + int(rng.random() < 0.3))]
    return Recipe(action, tuple(blocks))


def _block(landscape: Landscape, action: str, rng: np.random.Generator) -> Block:
    centers = np.arange(len(landscape.centers))
    targets = centers[landscape.center_labels < 0]
    center = int(rng.choice(targets if len(targets) and rng.random() < 0.7 else centers))
    source = int(landscape.center_labels[center])
    order = ORDERS[rng.integers(len(ORDERS))]
    if order not in ("ball", "cap") and rng.random() < 0.5:
        # Ranks that do not need the centre need not be those of one class either.
        source = -1
    return Block(
        center=center,
        order=order,
        source=source,
        label=_label(landscape, source, rng),
        density=_density(action, rng),
        move=_move(landscape, action, rng),
        step=float(rng.choice([0.1, 0.25, 0.5, 1.0])),
        share=float(rng.uniform(0.3, 1.0)),
    )


def _label(landscape: Landscape, source: int, rng: np.random.Generator) -> int:
    if rng.random() < 0.3:
        return -1 - int(rng.integers(2))
    others = [label for label in range(len(landscape.labels)) if label != source]
    return int(rng.choice(others))


def _density(action: str, rng: np.random.Generator) -> float:
    return float(rng.choice([0.5, 0.55, 0.67, 1.0] if action == "flip" else [0.3, 0.5, 0.67, 1.0, 1.5, 3.0]))


def _move(landscape: Landscape, action: str, rng: np.random.Generator) -> str:
    if action == "flip" or landscape.numbers is None or rng.random() < 0.3:
        return "stay"
    return str(rng.choice(MOVES))


def _child(tried: list[Tried], landscape: Landscape, rng: np.random.Generator) -> Recipe:
    """Change one thing of a good recipe, or join it with another."""
    ranked = sorted(tried, key=lambda one: -one.mean)[:_PARENTS]
    first, second = (ranked[int(len(ranked) * rng.random() ** 2)].recipe for _ in range(2))
    blocks = list(first.blocks)
    place = int(rng.integers(len(blocks)))
    dice = rng.random()
    if dice < 0.2 and first.action == second.action and first != second:
        blocks = blocks[: _MOST_BLOCKS // 2] + list(second.blocks)[: _MOST_BLOCKS // 2]
    elif dice < 0.3 and len(blocks) < _MOST_BLOCKS:
        blocks.append(_block(landscape, first.action, rng))
    elif dice < 0.4 and len(blocks) > 1:
        del blocks[place]
    else:
        blocks[place] = _mutant(blocks[place], landscape, first.action, rng)
    return Recipe(first.action, tuple(blocks))


def _mutant(block: Block, landscape: Landscape, action: str, rng: np.random.Generator) -> Block:
    """Take what belongs together from another block, drawn at random, or go farther or less far."""
    other = _block(landscape, action, rng)
    changes: list[dict[str, Any]] = [
        {"center": other.center, "source": other.source, "label": other.label},
        {"order": other.order},
        {"density": other.density},
        {"move": other.move, "step": other.step},
        {"share": other.share, "step": min(1.0, block.step * float(rng.uniform(0.6, 1.6)))},
        {"label": _label(landscape, block.source, rng)},
    ]
    return replace(block, **changes[rng.integers(len(changes))])
