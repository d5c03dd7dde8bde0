"""Turn what a relaxation suggests into points that satisfy every constraint."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from robustfit.certify._feasible._base import rounding
from robustfit.certify._feasible._cells import Moves, RealCells
from robustfit.certify._feasible._lagrangian import Dual, Region

# Smaller radii, and their squares, count as these, so that no quotient overflows.
_SMALLEST_REACH, _SMALLEST_BALL = 1e-15, 1e-30


def objective(offset: NDArray[np.float64], score: NDArray[np.float64], curvature: float) -> float:
    """⟨u, z⟩ − κ‖z‖²."""
    return float(score @ offset) - curvature * float(offset @ offset)


def _forgiven(region: Region) -> float:
    """Relative violation that passes for none: well below what bounds make room for."""
    return rounding(region.normal.size) / 4


def excess(region: Region, squared: NDArray[np.float64], along: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much points leave sphere and slab, each relative to its own size; rounding is forgiven.

    Parameters
    ----------
    region : Region
    squared, along : ndarray of shape (n,)
        ‖z‖² and ⟨n, z⟩.
    """
    slack = _forgiven(region)
    total = np.zeros_like(squared)
    if region.radius < np.inf:
        ball = region.radius**2
        total += np.maximum((squared - ball) / max(ball, _SMALLEST_BALL) - slack, 0.0)
    unit = _slab_unit(region)
    if unit:
        total += np.maximum(np.maximum(along - region.high, region.low - along) / unit - slack, 0.0)
    return total


def _slab_unit(region: Region) -> float:
    """Largest ⟨n, z⟩ that there could be; 0 without a slab."""
    return region.normal_size * max(region.reach, _SMALLEST_REACH)


def is_inside(region: Region, offset: NDArray[np.float64]) -> bool:
    """Tell whether a point of the cells lies in sphere and slab, up to rounding."""
    return not excess(region, np.array([offset @ offset]), np.array([region.normal @ offset]))[0]


def walk(region: Region, inside: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Go from a point of a convex region as far towards a target as sphere and slab allow.

    The target has to lie in the cells.
    """
    step = onto_slab(region, target) - inside
    share = 1.0
    if region.radius < np.inf:
        a, b = float(step @ step), float(step @ inside)
        c = max(region.radius**2 - float(inside @ inside), 0.0)
        if a + 2 * b > c:
            # The root of a t² + 2bt = c that does not cancel.
            root = np.sqrt(b * b + a * c)
            share = c / (b + root) if b > 0 else (root - b) / a
    start, slope = float(region.normal @ inside), float(region.normal @ step)
    # In a slab without thickness nothing could move without being forgiven some rounding.
    allowed = _forgiven(region) * _slab_unit(region)
    if start + slope > region.high + allowed and slope > 0:
        share = min(share, max(region.high + allowed - start, 0.0) / slope)
    elif start + slope < region.low - allowed and slope < 0:
        share = min(share, max(start - region.low + allowed, 0.0) / -slope)
    return inside + min(share, 1.0) * step


def onto_slab(region: Region, target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move the columns that are not at an end, so that a target just beside a slab lies on its face."""
    target = target.copy()
    for _ in range(3):
        along = float(region.normal @ target)
        miss = max(along - region.high, 0.0) + min(along - region.low, 0.0)
        free = (target > region.cells.low) & (target < region.cells.high) & (region.normal != 0)
        if miss == 0 or not free.any():
            break
        lever = region.normal[free]
        moved = target[free] - (miss / float(lever @ lever)) * lever
        target[free] = np.clip(moved, region.cells.low[free], region.cells.high[free])
    return target


def repair(
    region: Region, offset: NDArray[np.float64], score: NDArray[np.float64], curvature: float
) -> NDArray[np.float64] | None:
    """Bring a point of the cells into sphere and slab by single steps, then improve it by single steps.

    Returns
    -------
    offset : ndarray of shape (n_features,) or None
        None where the steps got stuck outside.
    """
    found = next(
        (
            inside
            for start in _starts(region, offset, score, curvature)
            if (inside := _step_inside(region, start, score, curvature)) is not None
        ),
        None,
    )
    if found is None:
        return None
    for _ in range(2):
        found = _step_up(region, _best_reals(region, found, score, curvature), score, curvature)
        if not region.cells.real.any():
            break
    return found


def _starts(
    region: Region, offset: NDArray[np.float64], score: NDArray[np.float64], curvature: float
) -> Iterator[NDArray[np.float64]]:
    """Yield points to start from: with real columns that make room for the others, then as given."""
    cells = region.cells
    if cells.real.any():
        # Keep the categories if any real columns go with them: nothing else of the relaxed answer is worth as much.
        yield _least_reals(region, offset)
        nearest = cells.with_reals(offset, np.clip(0.0, cells.low, cells.high))
        # Then the sphere, by changing categories, and the slab, by the real columns.
        in_sphere = _step_inside(replace(region, low=-np.inf, high=np.inf), nearest, score, curvature)
        if in_sphere is not None:
            yield _least_reals(region, in_sphere)
        yield nearest
    yield offset


def _effects(
    region: Region, moves: Moves, offset: NDArray[np.float64], score: NDArray[np.float64], curvature: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each move adds to the objective, and the excess that it leaves."""
    leave, enter, down, up = moves
    squared = down * (2 * offset[leave] + down) + up * (2 * offset[enter] + up)
    gain = down * score[leave] + up * score[enter] - curvature * squared
    along = down * region.normal[leave] + up * region.normal[enter]
    return gain, excess(region, squared + offset @ offset, along + region.normal @ offset)


def _apply(moves: Moves, index: int, offset: NDArray[np.float64]) -> None:
    offset[moves.leave[index]] += moves.down[index]
    offset[moves.enter[index]] += moves.up[index]


def _step_inside(
    region: Region, offset: NDArray[np.float64], score: NDArray[np.float64], curvature: float
) -> NDArray[np.float64] | None:
    offset = offset.copy()
    tiny = 1e-9 * float(np.abs(score).max()) + 1e-12
    for _ in range(4 * offset.size + 64):
        left = excess(region, np.array([offset @ offset]), np.array([region.normal @ offset]))[0]
        if left == 0:
            return offset
        moves = region.cells.moves(offset)
        gain, after = _effects(region, moves, offset, score, curvature)
        progress = left - after
        if not progress.size or progress.max() <= 0:
            return None
        price = np.maximum(-gain, 0.0) + tiny
        _apply(moves, int((progress / price).argmax()), offset)
    return None


def _step_up(
    region: Region, offset: NDArray[np.float64], score: NDArray[np.float64], curvature: float
) -> NDArray[np.float64]:
    offset = offset.copy()
    least = 1e-12 * (float(np.abs(score).max()) + curvature)
    for _ in range(4 * offset.size + 64):
        moves = region.cells.moves(offset)
        gain, after = _effects(region, moves, offset, score, curvature)
        gain = np.where(after == 0, gain, -np.inf)
        if not gain.size or gain.max() <= least:
            break
        _apply(moves, int(gain.argmax()), offset)
    return offset


def _reals(region: Region, offset: NDArray[np.float64]) -> Region:
    """Return the region of the real columns while the others stay: a convex one of the same form."""
    real = region.cells.real
    fixed = offset[~real]
    taken = float(region.normal[~real] @ fixed)
    rest = max(region.radius**2 - float(fixed @ fixed), 0.0) if region.radius < np.inf else np.inf
    cells = RealCells(region.cells.low[real], region.cells.high[real])
    return Region(cells, float(np.sqrt(rest)), region.normal[real], region.low - taken, region.high - taken)


def _least_reals(region: Region, offset: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the real columns the smallest offsets that the slab allows."""
    real, smaller = region.cells.real, _reals(region, offset)
    least = Dual(smaller, np.zeros(int(real.sum())), 1.0).solve().blend
    moved = offset.copy()
    moved[real] = onto_slab(smaller, least)
    return moved


def _best_reals(
    region: Region, offset: NDArray[np.float64], score: NDArray[np.float64], curvature: float
) -> NDArray[np.float64]:
    """Maximise over the real columns while the others stay."""
    real = region.cells.real
    if not real.any():
        return offset
    smaller = _reals(region, offset)
    better = offset.copy()
    better[real] = walk(smaller, offset[real], Dual(smaller, score[real], curvature).solve().blend)
    return better if objective(better, score, curvature) > objective(offset, score, curvature) else offset
