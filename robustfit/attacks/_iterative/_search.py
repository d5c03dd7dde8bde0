"""Rounds of attack and defence: five ways to make the next set from what the defence did to the ones before."""

# SPDX-License-Identifier: BSD-3-Clause

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from robustfit.attacks._clean_set import CleanSet
from robustfit.attacks._containers import Rows, take_rows
from robustfit.attacks._iterative._drawn_in import DrawnIn
from robustfit.attacks._iterative._poison_rows import PoisonRows, join, lift
from robustfit.attacks._iterative._trial import Outcome, Trial
from robustfit.attacks._poisoned import Poisoned

logger = logging.getLogger(__name__)

_NOBODY = np.zeros(0, dtype=np.int64)


@dataclass(eq=False)
class Search:
    """A search for the poisoned set that is worst for a defence.

    Attributes
    ----------
    trial : Trial
    alone : callable of (CleanSet, int) to Poisoned
        The wrapped attack, with a seed of its own each time.
    informed : callable of (CleanSet, int) to Poisoned
        The same with the defence's own learner as its reference, if it knows that.
    budget : int
    history : list of dict
    """

    trial: Trial
    alone: Callable[[CleanSet, int], Poisoned]
    informed: Callable[[CleanSet, int], Poisoned]
    budget: int
    history: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    drawn: DrawnIn | None = None

    def run(self, rounds: int) -> Outcome:
        """Return what became of the worst set; of equals the first, which is that of the wrapped attack alone."""
        start = self._try(0, "fresh", self.alone(self.trial.clean, self.budget))
        rows = PoisonRows.of(start.poisoned)
        if start.kept_clean is not None and len(start.kept_clean) and DrawnIn.can_draw(rows):
            self.drawn = DrawnIn(rows, start.kept_clean, self.trial.clean)
        drawn = start
        for number in range(1, rounds + 1):
            for kind, poisoned in self._propose():
                self._try(number, kind, poisoned)
            if self.drawn is not None and drawn.kept_poison is not None:
                rows = self.drawn.draw(drawn.kept_poison)
                drawn = self._try(number, "drawn in", rows.poison(self.trial.clean, _gone(start.poisoned)))
        return self._worst()

    def _try(self, number: int, kind: str, poisoned: Poisoned) -> Outcome:
        outcome = self.trial.run(poisoned)
        kept = outcome.kept_poison
        share = None if kept is None or not len(kept) else float(kept.mean())
        self.history.append({"round": number, "kind": kind, "harm": outcome.harm, "kept_poison": share})
        self.outcomes.append(outcome)
        return outcome

    def _worst(self) -> Outcome:
        return max(self.outcomes, key=lambda outcome: outcome.harm)

    def _propose(self) -> Iterator[tuple[str, Poisoned]]:
        """Make the sets of one round; those that copy rows need a defence that tells which it kept."""
        worst, clean = self._worst(), self.trial.clean
        yield "fresh", self.alone(clean, self.budget)
        if worst.kept_poison is None or worst.kept_clean is None:
            return
        rows = PoisonRows.of(worst.poisoned)
        kept = rows.take(np.flatnonzero(worst.kept_poison))
        survivors = self._survivors()
        if survivors is not None:
            yield "survivors", survivors.poison(clean, _NOBODY)
        against = self._against(worst.kept_clean, self.budget)
        if against is not None:
            yield "kept", against
        more = self._against(worst.kept_clean, len(rows) - len(kept)) if 0 < len(kept) < len(rows) else None
        patched = None if more is None else join([kept, PoisonRows.of(more)]).fill(len(rows))
        if patched is not None:
            yield "patched", patched.poison(clean, _NOBODY)

    def _against(self, kept: Rows, budget: int) -> Poisoned | None:
        """Attack the clean rows that were kept as if there were no others; None if the attack refuses."""
        clean = self.trial.clean
        groups = None if clean.groups is None else clean.groups[kept]
        part = CleanSet(take_rows(clean.X, kept), clean.labels[kept], clean.labels[kept], groups)
        for attack in (self.informed, self.alone):
            try:
                return lift(attack(part, budget), kept, clean)
            except ValueError as error:
                # Too few rows or classes may be left, or the defence's learner may be none that the attack knows.
                logger.info("The attack refuses the rows that the defence kept: %s", error)
        return None

    def _survivors(self) -> PoisonRows | None:
        """Return poison rows that were kept, of the worst sets first; None if none was."""
        told = [(o, o.kept_poison) for o in sorted(self.outcomes, key=lambda o: -o.harm) if o.kept_poison is not None]
        lots = [PoisonRows.of(o.poisoned).take(np.flatnonzero(kept)) for o, kept in told if kept.any()]
        if not lots:
            return None
        dropped = [PoisonRows.of(o.poisoned).take(np.flatnonzero(~kept)) for o, kept in told if not kept.all()]
        return join(lots).fill(self.budget) or join([*lots, *dropped]).fill(self.budget)


def _gone(poisoned: Poisoned) -> Rows:
    """Return the clean rows that no poison row took the place of."""
    gone: Rows = np.setdiff1d(poisoned.removed, PoisonRows.of(poisoned).place)
    return gone
