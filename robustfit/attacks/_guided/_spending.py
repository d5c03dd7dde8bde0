"""A budget on its way into edits: the closest predictions first, then whatever else is within reach."""

# SPDX-License-Identifier: BSD-3-Clause

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustfit.attacks._guided._campaign import Campaign, Edit
from robustfit.attacks._guided._moves import MOVES, Edits, Spot, leftovers
from robustfit.attacks._guided._votes import members_to_turn

_MOST_RIVALS = 2
_MOST_PUSHES = 8


@dataclass(eq=False)
class Spending:
    """How a budget is spent.

    Attributes
    ----------
    campaign : Campaign
    threat : str
    rivals : ndarray of int
        Codes that targets may be turned to.
    exact : bool
        Whether a target has to become the rival, or any change will do.
    budget : int
    rng : numpy Generator
    """

    campaign: Campaign
    threat: str
    rivals: NDArray[np.int64]
    exact: bool
    budget: int
    rng: np.random.Generator

    @property
    def left(self) -> int:
        """Units that are not spent yet."""
        return self.budget - len(self.campaign.edits)

    def spend(self) -> list[Edit]:
        """Spend all of it, on the targets that need the fewest members first, and return the edits."""
        need = [len(self._needed(t, self._rivals_of(t)[0])) for t in range(len(self.campaign.votes))]
        order = np.argsort(need, kind="stable").tolist()
        for target in order:
            self._turn(target)
        for target in order:
            if self.left and not self._moved(target):
                self._push(self._spot(target))
        if self.left:
            self.campaign.edits += leftovers(self._spot(order[0]), self.threat, self.left)
        return self.campaign.edits

    def _spot(self, target: int, rank: int = 0) -> Spot:
        return Spot(self.campaign, target, self._rivals_of(target)[rank], self.rng)

    def _turn(self, target: int) -> None:
        """Move a target if that can be afforded; spend nothing otherwise."""
        for rank in range(min(_MOST_RIVALS, len(self._rivals_of(target)))):
            spot = self._spot(target, rank)
            if not self._moved(target) and len(self._needed(target, spot.rival)) <= self.left:
                found = self._try(spot)
                if found.done:
                    self._commit(found)

    def _push(self, spot: Spot) -> None:
        """Spend on a target what there is: first where members turn, then again and again on the same shards."""
        for _ in range(_MOST_PUSHES):
            found = self._try(spot)
            self._commit(found)
            edits = {} if found.done or not self.left else next(MOVES[self.threat](spot), {})
            chosen = [edits[s] for s in self._needed(spot.target, spot.rival) if s in edits][: self.left]
            if not chosen:
                return
            self.campaign.edits += chosen
            self.campaign.votes = self.campaign.votes_after([])

    def _try(self, spot: Spot) -> "_Found":
        """Find out which members one unit turns, until they are enough."""
        found = _Found({}, {}, [], False)
        for edits in MOVES[self.threat](spot):
            new = {s: edit for s, edit in edits.items() if s not in found.edits}
            votes = self.campaign.votes_after(new.values())
            turned = [s for s in new if votes[spot.target, s] == spot.rival]
            found.edits |= {s: new[s] for s in turned}
            found.votes |= {s: votes[:, s] for s in turned}
            can_turn = np.isin(np.arange(self.campaign.n_members), list(found.edits))
            members, done = self._choose(spot.target, spot.rival, can_turn)
            found.members, found.done = members[: self.left], done and len(members) <= self.left
            if found.done:
                break
        return found

    def _commit(self, found: "_Found") -> None:
        for member in found.members:
            self.campaign.edits.append(found.edits[member])
            self.campaign.votes[:, member] = found.votes[member]

    def _moved(self, target: int) -> bool:
        now = int(self.campaign.predictions(self.campaign.votes[[target]])[0])
        return now in self.rivals.tolist() if self.exact else now != self.campaign.predicted[target]

    def _rivals_of(self, target: int) -> list[int]:
        """Labels to turn a target to, those that need the fewest members first; of equals, labels that are known."""
        if self.exact:
            return [int(code) for code in self.rivals]
        others = [int(code) for code in self.rivals if code != self.campaign.predicted[target]]
        return sorted(others, key=lambda rival: len(self._needed(target, rival)))

    def _needed(self, target: int, rival: int) -> list[int]:
        return self._choose(target, rival, np.ones(self.campaign.n_members, dtype=bool))[0]

    def _choose(self, target: int, rival: int, can_turn: NDArray[np.bool_]) -> tuple[list[int], bool]:
        votes, n_labels = self.campaign.votes[target], len(self.campaign.labels)
        return members_to_turn(votes, rival, n_labels, can_turn=can_turn, exact=self.exact)


@dataclass
class _Found:
    """Members that one unit turns: how, what all targets then get from them, and which of them to take."""

    edits: Edits
    votes: dict[int, NDArray[np.int64]]
    members: list[int]
    done: bool
