"""What one unit of a threat can do to a shard, so that its member turns at a target."""

# SPDX-License-Identifier: BSD-3-Clause

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._containers import Floats, as_numbers, fit_numbers, is_numeric, is_sparse, take_rows
from robustfit.attacks._guided._campaign import Campaign, Edit, shards_of
from robustfit.attacks._guided._twins import rows_in_shards, twins

Edits = dict[int, Edit]

_RIVAL_AT = (2.0, 4.0)
_OWN_AT = (30.0, 1000.0)
_NEAREST = 3


@dataclass(frozen=True, eq=False)
class Spot:
    """Where members are to turn, and to what.

    Attributes
    ----------
    campaign : Campaign
    target : int
        Position among the targets.
    rival : int
        Code of the label that members are to vote for.
    rng : numpy Generator
    """

    campaign: Campaign
    target: int
    rival: int
    rng: np.random.Generator

    @property
    def row(self) -> Any:
        """The target, as a container of one row."""
        return take_rows(self.campaign.target, np.array([self.target], dtype=np.int64))

    @property
    def votes(self) -> NDArray[np.int64]:
        """What members vote there now."""
        result: NDArray[np.int64] = self.campaign.votes[self.target]
        return result


def additions(spot: Spot) -> Iterator[Edits]:
    """Add a row: the target itself as the rival; farther out as the rival; far out as what the member votes for now.

    The last one does not look for the target at all: it inflates what the member knows of the winning class.
    """
    yield _add(spot, spot.row)
    for row in _stretched(spot, _RIVAL_AT):
        yield _add(spot, row)
    for row in _stretched(spot, _OWN_AT):
        edits = _add(spot, row)
        yield {s: edit._replace(label=int(spot.votes[s])) for s, edit in edits.items() if spot.votes[s] >= 0}


def group_additions(spot: Spot) -> Iterator[Edits]:
    """Let one group of the shard send the target under the rival's label, as often as the shard has rows."""
    campaign = spot.campaign
    free = campaign.free_groups()
    row = (campaign.add_to_pool(spot.row),)
    yield {
        s: Edit(s, spot.rival, row * int(campaign.model.shard_sizes_[s]), free[s][0])
        for s in np.flatnonzero(spot.votes != spot.rival).tolist()
        if s in free
    }


def replacements(spot: Spot) -> Iterator[Edits]:
    """Replace the row that is nearest to the target and of another label than the rival, by what `additions` adds."""
    nearest = _nearest_rows(spot)
    for edits in additions(spot):
        yield {s: edit._replace(removed=nearest[s][0]) for s, edit in edits.items() if nearest.get(s)}


def removals(spot: Spot) -> Iterator[Edits]:
    """Remove a row near the target and of another label than the rival."""
    nearest = _nearest_rows(spot)
    for rank in range(_NEAREST):
        yield {s: Edit(s, removed=rows[rank]) for s, rows in nearest.items() if len(rows) > rank}


def relabellings(spot: Spot) -> Iterator[Edits]:
    """Relabel a row near the target as the rival."""
    nearest = _nearest_rows(spot)
    for rank in range(_NEAREST):
        yield {s: Edit(s, spot.rival, relabelled=rows[rank]) for s, rows in nearest.items() if len(rows) > rank}


MOVES: dict[str, Callable[[Spot], Iterator[Edits]]] = {
    "insert_delete": additions,
    "modify": replacements,
    "label_flip": relabellings,
    "delete": removals,
    "group": group_additions,
}


def _stretched(spot: Spot, factors: tuple[float, ...]) -> Iterator[Any]:
    """Rows in the direction of the target from the centre of all; none where columns are no floats."""
    X = spot.campaign.clean.X
    if not hasattr(X, "dtype") or not is_numeric(X) or X.dtype.kind != "f":
        return
    row = as_numbers(spot.row)
    # The zeros of sparse rows stay what they are.
    center = np.zeros(row.shape[1]) if is_sparse(X) else _center(X)
    most = np.finfo(X.dtype).max
    for factor in factors:
        with np.errstate(over="ignore"):
            moved = np.clip(center + factor * (row - center), -most, most).astype(X.dtype)
        yield fit_numbers(spot.row, moved.astype(np.float64))[1]


def _center(X: NDArray[Any]) -> Floats:
    finite = np.isfinite(X)
    with np.errstate(over="ignore", invalid="ignore"):
        mean = X.astype(np.float64).sum(axis=0, where=finite) / np.maximum(finite.sum(axis=0), 1)
    result: Floats = np.nan_to_num(mean)
    return result


def _add(spot: Spot, row: Any) -> Edits:
    """Add a row or a twin of it, with the rival's label, to each shard whose member votes otherwise."""
    campaign, model = spot.campaign, spot.campaign.model
    shards, first = np.unique(model.row_shards_, return_index=True)
    source = dict(zip(shards.tolist(), first.tolist(), strict=True))
    wanted = np.flatnonzero(spot.votes != spot.rival)
    if model.partition_by == "groups":
        # The group decides, and the rows of a shard name those that lead there.
        start = campaign.add_to_pool(row)
        return {s: Edit(s, spot.rival, (start,), source[s]) for s in wanted.tolist() if s in source}
    rows, place = rows_in_shards(row, wanted, campaign.n_members, lambda X: shards_of(model, X), spot.rng)
    start = campaign.add_to_pool(rows)
    return {s: Edit(s, spot.rival, (start + i,), source.get(s, 0)) for s, i in place.items()}


def _nearest_rows(spot: Spot) -> dict[int, list[int]]:
    """Rows of each shard whose member does not vote for the rival, nearest first, of other labels, not touched yet."""
    campaign = spot.campaign
    shards = campaign.model.row_shards_
    others = campaign.clean.labels != campaign.labels[spot.rival]
    nearest: dict[int, list[int]] = {s: [] for s in np.flatnonzero(spot.votes != spot.rival).tolist()}
    for i in campaign.untouched(spot.target):
        rows = nearest.get(int(shards[i]), [])
        if others[i] and len(rows) < _NEAREST:
            rows.append(i)
    return nearest


def leftovers(spot: Spot, threat: str, number: int) -> list[Edit]:
    """Spend units that no member needs: add rows next to the target, change such that are far from all."""
    campaign, rival = spot.campaign, spot.rival
    if threat == "group":
        free = [row for rows in campaign.free_groups().values() for row in rows][:number]
        added = (campaign.add_to_pool(spot.row),)
        return [Edit(-1, rival, added, row) for row in free]
    rows = [] if threat == "insert_delete" else campaign.out_of_the_way()
    if threat == "delete":
        return [Edit(-1, removed=i) for i in rows[:number]]
    if threat == "label_flip":
        own = np.searchsorted(campaign.labels, campaign.clean.labels[rows[:number]]).tolist()
        choices = (rival, int(campaign.predicted[spot.target]), 0, 1)
        # Rows that have the rival's label already get another one.
        codes = [next(code for code in choices if code != old) for old in own]
        return [Edit(-1, code, relabelled=i) for code, i in zip(codes, rows, strict=False)]
    start = campaign.add_to_pool(twins(spot.row, number, 0, spot.rng))
    removed = rows[:number] or [-1] * number
    return [Edit(-1, rival, (start + k,), removed=i) for k, i in enumerate(removed)]
